/**
 * Setting up factors: in the account, and in a sign-in that demands one before it is complete.
 *
 * @since 0.1.0
 */
import { cookieToken } from "@belfry/core/RequestHandlers"
import { Sessions } from "@belfry/core/Sessions"
import { type Enrolled, type Enroller, Enrolments } from "@belfry/factors/Enrolments"
import { Hotps } from "@belfry/factors/Hotps"
import { PasskeyName } from "@belfry/factors/Passkey"
import { Passkeys } from "@belfry/factors/Passkeys"
import type { Provisioning } from "@belfry/factors/OneTimePassword"
import { Totps } from "@belfry/factors/Totps"
import { RegistrationResponse } from "@belfry/factors/WebAuthn"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { makeAttempts } from "./attempts.ts"
import { inSignIn } from "./flows.ts"
import { CodeField, decode, type FormFields, FormUnreadable, problemsOf, SecretField } from "./form.ts"
import { PageKit } from "./PageKit.ts"
import { qrCode } from "./qrCode.ts"
import { withQuery } from "./query.ts"
import { get, makeVisitors, post, type Visit } from "./visit.ts"
import {
  addPasskeyPage,
  backupCodesPage,
  type CodeFactor,
  confirmCodesPage,
  enrolPage,
  startCodesPage,
} from "./views/enrolment.ts"
import type { Problem } from "./views/parts.ts"

const CodeForm = Schema.Struct({ code: CodeField })

const SecretForm = Schema.Struct({ secret: SecretField })

const PasskeyForm = Schema.Struct({
  response: Schema.fromJsonString(RegistrationResponse),
  name: Schema.optionalKey(PasskeyName),
})

/** Where a factor is set up: in the account or in a sign-in. */
type Place = "account" | "sign-in"

/**
 * Adds the pages of setting up factors.
 *
 * @category routes
 * @since 0.1.0
 */
export const routes = Effect.gen(function* () {
  const { site, paths } = yield* PageKit
  const sessions = yield* Sessions
  const enrolments = yield* Enrolments
  const totps = yield* Totps
  const hotps = yield* Hotps
  const passkeys = yield* Passkeys
  const attempts = yield* makeAttempts
  const visitors = yield* makeVisitors

  const enroller = (place: Place, visit: Visit) =>
    place === "account"
      ? Effect.map(visitors.get(visit), (visitor): Enroller => ({ _tag: "Session", ...visitor }))
      : Effect.map(attempts.getToken(visit), (token): Enroller => ({ _tag: "SignIn", token }))

  const back = (place: Place, { words }: Visit) =>
    place === "account"
      ? { href: paths.account, label: words.common.back }
      : { href: paths.enrol, label: words.refused.back }

  /** Goes on after a factor was set up: first to the backup codes that were made with it, which are shown this once. */
  const finish = Effect.fnUntraced(function* (
    visit: Visit,
    by: Enroller,
    { backupCodes, signIn }: Enrolled,
    done: "totp-added" | "hotp-added" | "passkey-added",
  ) {
    const next =
      signIn === null
        ? withQuery(paths.account, { done })
        : yield* attempts.settle(visit, { by: by._tag === "SignIn" ? by.token : undefined })(Effect.succeed(signIn))
    if (backupCodes === null) return next
    const user = by._tag === "Session" ? by.user : signIn?._tag === "SignInComplete" ? signIn.user : signIn?.state.user
    return backupCodesPage(visit.words, {
      siteName: site.name,
      email: user?.email ?? "",
      codes: backupCodes.map(Redacted.value),
      next,
      done: visit.words.done[done],
    })
  })

  yield* get(
    paths.enrol,
    Effect.fnUntraced(function* (visit) {
      if (attempts.token(visit) === undefined) return paths.signIn
      const { user, factors, enrol } = (yield* attempts.get(visit)).state
      return user === null || factors.length > 0 || enrol.length === 0
        ? paths.continueSignIn
        : enrolPage(visit.words, paths, { email: user.email, enrol })
    }),
    inSignIn,
  )

  const methods = `${paths.account}#sign-in-methods`

  /** Whether the factor is set up by now, so that its page has nothing more to do. */
  const isSetUp = (by: Enroller, factor: CodeFactor) =>
    by._tag === "SignIn"
      ? Effect.succeed(false)
      : Effect.map(enrolments.list(by.user.id), (list) => list.some((enrolment) => enrolment.factor === factor))

  /** The pages of an app or a device that shows codes: what it needs, its secret, its first code. */
  const codePages = Effect.fnUntraced(function* (factor: CodeFactor, place: Place, path: `/${string}`) {
    const service = factor === "totp" ? totps : hotps

    const start = (visit: Visit, status: number, problems: ReadonlyArray<Problem>) =>
      startCodesPage(visit.words, factor, {
        path,
        back: back(place, visit),
        state: { values: {}, problems },
        status,
      })

    const confirm = Effect.fnUntraced(function* (
      visit: Visit,
      { secret, uri }: Provisioning,
      status: number,
      problems: ReadonlyArray<Problem>,
    ) {
      const text = Redacted.value(uri)
      return confirmCodesPage(visit.words, factor, {
        path,
        back: back(place, visit),
        image: yield* qrCode(text, visit.words[factor].image),
        secret: Redacted.value(secret),
        uri: text,
        state: { values: {}, problems },
        status,
      })
    })

    const begin = Effect.fnUntraced(function* (visit: Visit, by: Enroller, fields: FormFields) {
      const { client, words } = visit
      const typed = (fields["secret"] ?? "").trim()
      const form = decode(SecretForm, { secret: typed })
      if (Result.isFailure(form)) {
        return start(visit, 422, [{ field: "secret", message: words.fields.secret.invalid }])
      }
      const { secret } = form.success
      return yield* (factor === "totp" ? totps.enrol({ by, client }) : hotps.enrol({ by, secret, client })).pipe(
        Effect.as(path),
        Effect.catchTags({
          AlreadyEnrolled: () => Effect.succeed(place === "account" ? methods : path),
          SecretInvalid: () => Effect.succeed(start(visit, 422, [{ field: "secret", message: words.problems.secret }])),
        }),
      )
    })

    yield* get(
      path,
      Effect.fnUntraced(function* (visit) {
        const by = yield* enroller(place, visit)
        return yield* service.pending({ by, client: visit.client }).pipe(
          Effect.flatMap((provisioning) => confirm(visit, provisioning, 200, [])),
          Effect.catchTag("NotEnrolled", () =>
            // So is a reload of the page that showed the backup codes led to the account.
            Effect.map(isSetUp(by, factor), (isSetUp) => (isSetUp ? methods : start(visit, 200, []))),
          ),
        )
      }),
      place === "account" ? [] : inSignIn,
    )

    yield* post(
      path,
      Effect.fnUntraced(function* (visit, fields) {
        const { client, request, words } = visit
        const by = yield* enroller(place, visit)
        if (fields["action"] === "start") return yield* begin(visit, by, fields)
        if (fields["action"] !== "confirm") return yield* new FormUnreadable({ status: 400 })
        const again = (status: number, problems: ReadonlyArray<Problem>) =>
          service.pending({ by, client }).pipe(
            Effect.flatMap((provisioning) => confirm(visit, provisioning, status, problems)),
            Effect.catchTag("NotEnrolled", () => Effect.succeed(path)),
          )
        const form = decode(CodeForm, fields)
        if (Result.isFailure(form)) return yield* again(422, problemsOf(form.failure, fields, words.fields))
        return yield* service.confirm({ by, ...form.success, client, replaces: cookieToken(request, site) }).pipe(
          Effect.flatMap((enrolled) => finish(visit, by, enrolled, `${factor}-added`)),
          Effect.catchTags({
            CodeInvalid: () => again(401, [{ field: "code", message: words[factor].wrong }]),
            NotEnrolled: () => Effect.succeed(path),
          }),
        )
      }),
      place === "account" ? [] : inSignIn,
    )
  })

  yield* codePages("totp", "account", paths.totp)
  yield* codePages("hotp", "account", paths.hotp)
  yield* codePages("totp", "sign-in", paths.enrolTotp)
  yield* codePages("hotp", "sign-in", paths.enrolHotp)

  const passkeyPage = (place: Place, visit: Visit, options: Partial<Parameters<typeof addPasskeyPage>[1]> = {}) =>
    addPasskeyPage(visit.words, {
      path: place === "account" ? paths.passkeys : paths.enrolPasskey,
      back: back(place, visit),
      options: place === "account" ? "/auth/factors/passkeys/options" : "/auth/sign-in/enrol/passkey/options",
      state: { values: {}, problems: [] },
      ...options,
    })

  /** Keeps the passkey that the authenticator made. */
  const addPasskey = (place: Place) =>
    Effect.fnUntraced(function* (visit: Visit, fields: FormFields) {
      const { words, client, request } = visit
      const by = yield* enroller(place, visit)
      const again = (status: number, problems: ReadonlyArray<Problem>) =>
        passkeyPage(place, visit, { state: { values: { name: fields["name"] ?? "" }, problems }, status })
      const { name = "", ...others } = fields
      const form = decode(PasskeyForm, name.trim() === "" ? others : { ...others, name: name.trim() })
      if (Result.isFailure(form)) {
        const problems = problemsOf(form.failure, fields, { name: words.fields.passkeyName })
        return again(422, form.failure.has("response") ? [...problems, { message: words.passkey.refused }] : problems)
      }
      return yield* passkeys.register({ by, ...form.success, client, replaces: cookieToken(request, site) }).pipe(
        Effect.flatMap((enrolled) => finish(visit, by, enrolled, "passkey-added")),
        Effect.catchTag("PasskeyInvalid", () => Effect.succeed(again(401, [{ message: words.passkey.refused }]))),
      )
    })

  yield* get(
    paths.addPasskey,
    Effect.fnUntraced(function* (visit) {
      const { session } = yield* visitors.get(visit)
      yield* sessions.requireFresh(session)
      return passkeyPage("account", visit)
    }),
  )

  yield* get(paths.passkeys, () => Effect.succeed(paths.addPasskey))

  yield* post(paths.passkeys, addPasskey("account"))

  yield* get(
    paths.enrolPasskey,
    Effect.fnUntraced(function* (visit) {
      const { state } = yield* attempts.get(visit)
      return state.enrol.includes("passkey") ? passkeyPage("sign-in", visit) : paths.continueSignIn
    }),
    inSignIn,
  )

  yield* post(paths.enrolPasskey, addPasskey("sign-in"), inSignIn)
})
