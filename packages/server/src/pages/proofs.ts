/**
 * Proving one more factor: in a sign-in, and again before something important. Both show the same forms.
 *
 * @since 0.1.0
 */
import { cookieToken } from "@belfry/core/RequestHandlers"
import { BackupCodes } from "@belfry/factors/BackupCodes"
import { EmailCodes } from "@belfry/factors/EmailCodes"
import type { Factor } from "@belfry/factors/Factor"
import { Hotps } from "@belfry/factors/Hotps"
import { MagicLinks } from "@belfry/factors/MagicLinks"
import { Passwords } from "@belfry/factors/Passwords"
import { SignInAttempts } from "@belfry/factors/SignInAttempts"
import type { SignInState } from "@belfry/factors/SignInOutcome"
import { Totps } from "@belfry/factors/Totps"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { makeAttempts } from "./attempts.ts"
import { CodeField, decode, type FormFields, FormUnreadable, PasswordField, problemsOf } from "./form.ts"
import { PageKit } from "./PageKit.ts"
import { makeProviders } from "./providers.ts"
import { withQuery } from "./query.ts"
import type { Visit } from "./visit.ts"
import type { Problem } from "./views/parts.ts"
import { type PageFactor, proofPage } from "./views/proof.ts"

/**
 * A sign-in at the page that asks for its next factor. `action` is the path of that page.
 *
 * @category models
 * @since 0.1.0
 */
export interface ProofStep {
  readonly action: string
  readonly token: Redacted.Redacted
  readonly returnTo?: string | undefined
}

/**
 * What the page shows besides the state of the sign-in. `wanted` is the factor that was chosen, by its name.
 *
 * @category models
 * @since 0.1.0
 */
export interface ProofOptions {
  readonly wanted?: string | undefined
  readonly asksNext?: boolean
  readonly problems?: ReadonlyArray<Problem>
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
}

const CodeForm = Schema.Struct({ code: CodeField })

const CodesForm = Schema.Struct({ code: CodeField, next_code: CodeField })

const PasswordForm = Schema.Struct({ password: PasswordField })

/**
 * Builds the page that asks for a factor, and what its forms do.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeProofs = Effect.gen(function* () {
  const { site, paths } = yield* PageKit
  const attempts = yield* makeAttempts
  const providers = yield* makeProviders
  const signIns = yield* SignInAttempts
  const passwords = yield* Passwords
  const emailCodes = yield* EmailCodes
  const magicLinks = yield* MagicLinks
  const totps = yield* Totps
  const hotps = yield* Hotps
  const backupCodes = yield* BackupCodes

  /** The page for a sign-in whose user is known. Where nothing is left to prove but something to set up, that page. */
  const show = Effect.fnUntraced(function* (
    visit: Visit,
    state: SignInState,
    step: ProofStep,
    options: ProofOptions = {},
  ) {
    const { user, enrol, factors, attempt } = state
    if (user === null) return withQuery(paths.signIn, { return_to: visit.flow?.returnTo })
    if (factors.length === 0 && enrol.length > 0) return paths.enrol
    const linked = factors.includes("oauth") ? yield* providers.ofUser(user.id) : []
    const choice = choiceOf(factors).filter((factor) => factor !== "oauth" || linked.length > 0)
    const factor = choice.find((name) => name === options.wanted) ?? choice[0]
    const { problems = [], asksNext = false, status = 200, headers = {} } = options
    return proofPage(visit.words, paths, {
      email: user.email,
      isStepUp: attempt.stepUp !== null,
      factor,
      others: choice.filter((other) => other !== factor),
      providers: linked,
      action: step.action,
      returnTo: step.returnTo,
      asksNext,
      flow: visit.flow,
      state: { values: {}, problems },
      status,
      headers,
    })
  })

  /** The page again after a proof was refused. That the sign-in ended by it is a failure. */
  const again = (visit: Visit, step: ProofStep, options: ProofOptions) =>
    Effect.flatMap(signIns.get(step.token, visit.client), (state) => show(visit, state, step, options))

  /** Proves the factor by what the form says, or sends what is to be proved next. */
  const prove = Effect.fnUntraced(function* (
    visit: Visit,
    fields: FormFields,
    { token, returnTo }: ProofStep,
    factor: PageFactor,
  ) {
    const { client, request, words } = visit
    const options = { token, client, replaces: cookieToken(request, site) }
    const settle = attempts.settle(visit, { by: token, otherwise: returnTo })
    switch (factor) {
      case "password": {
        const form = yield* Effect.fromResult(readForm(PasswordForm, fields, words.fields))
        return yield* settle(passwords.signIn({ ...options, ...form }))
      }
      case "totp":
      case "backup-code": {
        const form = yield* Effect.fromResult(readForm(CodeForm, fields, words.fields))
        return yield* settle((factor === "totp" ? totps : backupCodes).prove({ ...options, ...form }))
      }
      case "hotp": {
        const fieldWords = { code: words.fields.code, next_code: words.fields.nextCode }
        if (fields["next_code"] === undefined) {
          return yield* settle(
            hotps.prove({ ...options, ...(yield* Effect.fromResult(readForm(CodeForm, fields, fieldWords))) }),
          )
        }
        const { code, next_code: nextCode } = yield* Effect.fromResult(readForm(CodesForm, fields, fieldWords))
        return yield* settle(hotps.prove({ ...options, code, nextCode }))
      }
      case "email-code":
        yield* attempts.keep(yield* emailCodes.send({ token, client }))
        return paths.enterCode
      case "magic-link":
        yield* attempts.keep(yield* magicLinks.send({ token, client }))
        return withQuery(paths.checkMail, { for: "link" })
      case "oauth":
      case "passkey":
        // They have pages of their own: one leads to the provider, one takes what the authenticator answered.
        return yield* new FormUnreadable({ status: 400 })
    }
  })

  return {
    show,
    again,

    /** What a form of the page does. Without a name it is the form of the factor that the page shows first. */
    submit: Effect.fnUntraced(function* (visit: Visit, fields: FormFields, step: ProofStep) {
      const choice = choiceOf((yield* signIns.get(step.token, visit.client)).factors)
      const named = fields["factor"]
      const wanted = named === undefined ? choice[0] : choice.find((factor) => factor === named)
      // It was proved elsewhere meanwhile, or never was among them.
      if (wanted === undefined) return yield* again(visit, step, {})
      const { problems } = visit.words
      const refused = (status: number, message: string, headers = {}) =>
        again(visit, step, {
          wanted,
          asksNext: fields["next_code"] !== undefined,
          problems: [isSent(wanted) ? { message } : { field: wanted === "password" ? "password" : "code", message }],
          status,
          headers,
        })
      return yield* prove(visit, fields, step, wanted).pipe(
        Effect.catchTags({
          FieldsRefused: ({ problems }) =>
            again(visit, step, { wanted, asksNext: fields["next_code"] !== undefined, problems, status: 422 }),
          CodeInvalid: ({ triesLeft }) => refused(401, problems.code(triesLeft)),
          InvalidCredentials: () => refused(401, problems.wrongPassword),
          RateLimited: ({ retryAfter }) =>
            refused(429, isSent(wanted) ? problems.limitedMail(retryAfter) : problems.limited(retryAfter), {
              "retry-after": String(retryAfter),
            }),
        }),
      )
    }),
  }
})

// internal

/** A form whose fields are missing or not of their form. */
class FieldsRefused extends Data.TaggedError("FieldsRefused")<{ readonly problems: ReadonlyArray<Problem> }> {}

const readForm = <S extends Schema.ConstraintDecoder<unknown>>(
  schema: S,
  fields: FormFields,
  words: Parameters<typeof problemsOf>[2],
): Result.Result<S["Type"], FieldsRefused> =>
  Result.mapError(
    decode(schema, fields),
    (refused) => new FieldsRefused({ problems: problemsOf(refused, fields, words) }),
  )

/** Whether the form of a factor only asks for a mail. */
const isSent = (factor: PageFactor): boolean => factor === "email-code" || factor === "magic-link"

/** The factors as people know them: a passkey and a security key are the same. */
const choiceOf = (factors: ReadonlyArray<Factor>): ReadonlyArray<PageFactor> => [
  ...new Set(factors.map((factor): PageFactor => (factor === "security-key" ? "passkey" : factor))),
]
