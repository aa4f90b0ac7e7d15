/**
 * Signing in by mail: a code to enter, or a link to follow.
 *
 * @since 0.1.0
 */
import { cookieToken } from "@belfry/core/RequestHandlers"
import { Email } from "@belfry/core/User"
import { EmailCodes } from "@belfry/factors/EmailCodes"
import { MagicLinks } from "@belfry/factors/MagicLinks"
import { SignInAttempts } from "@belfry/factors/SignInAttempts"
import type { SignInState } from "@belfry/factors/SignInOutcome"
import { SignInPolicy } from "@belfry/factors/SignInPolicy"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { makeAttempts } from "./attempts.ts"
import { hintOf, inSignIn, isSwitching, maySignIn } from "./flows.ts"
import { CodeField, decode, problemsOf, TokenField } from "./form.ts"
import { PageKit } from "./PageKit.ts"
import { withQuery } from "./query.ts"
import { get, makeVisitors, post, type Visit } from "./visit.ts"
import type { Problem } from "./views/parts.ts"
import { enterCodePage, magicLinkPage, otherBrowserPage, signInEmailPage } from "./views/signInEmail.ts"
import { expiredLinkPage } from "./views/signUp.ts"

const EmailForm = Schema.Struct({ email: Email, method: Schema.Literals(["email-code", "magic-link"]) })

const CodeForm = Schema.Struct({ code: CodeField })

const LinkForm = Schema.Struct({ token: TokenField })

/**
 * Adds the pages of signing in by mail.
 *
 * @category routes
 * @since 0.1.0
 */
export const routes = Effect.gen(function* () {
  const { site, paths } = yield* PageKit
  const emailCodes = yield* EmailCodes
  const magicLinks = yield* MagicLinks
  const signIns = yield* SignInAttempts
  const { firstFactors: factors } = yield* SignInPolicy
  const attempts = yield* makeAttempts
  const visitors = yield* makeVisitors

  yield* get(
    paths.signInEmail,
    Effect.fnUntraced(function* (visit) {
      const returnTo = visit.returnTo(visit.query("return_to"))
      if (Option.isSome(yield* visitors.find(visit)) && !maySignIn(visit)) return returnTo ?? paths.account
      const state = { values: hintOf(visit), problems: [] }
      return signInEmailPage(visit.words, paths, { state, factors, returnTo, isSwitching: isSwitching(visit) })
    }),
  )

  yield* post(
    paths.signInEmail,
    Effect.fnUntraced(function* (visit, fields) {
      const { words, client } = visit
      const returnTo = visit.returnTo(fields["return_to"])
      const again = (status: number, problems: ReadonlyArray<Problem>, headers = {}) =>
        signInEmailPage(words, paths, {
          state: { values: { email: fields["email"] ?? "" }, problems },
          factors,
          returnTo,
          status,
          headers,
        })
      // Who sends the form by the Enter key presses the first of its buttons; without any, it is the same one.
      const form = decode(EmailForm, { method: "email-code", ...fields })
      if (Result.isFailure(form)) return again(422, problemsOf(form.failure, fields, words.fields))
      const { email, method } = form.success
      const context = returnTo === undefined ? {} : { returnTo }
      return yield* (method === "email-code" ? emailCodes : magicLinks)
        .send({ token: attempts.token(visit), email, context, client })
        .pipe(
          Effect.flatMap(attempts.keep),
          Effect.andThen(attempts.keepEmail(email)),
          Effect.as(method === "email-code" ? paths.enterCode : withQuery(paths.checkMail, { for: "link" })),
          Effect.catchTag("RateLimited", ({ retryAfter }) =>
            Effect.succeed(
              again(429, [{ message: words.problems.limitedMail(retryAfter) }], { "retry-after": String(retryAfter) }),
            ),
          ),
        )
    }),
  )

  /** The page of the code, in the sign-in that it belongs to. */
  const showCode = (
    visit: Visit,
    { user }: SignInState,
    options: {
      readonly problems?: ReadonlyArray<Problem>
      readonly status?: number
      readonly headers?: Readonly<Record<string, string>>
    } = {},
  ) => {
    const { problems = [], ...answer } = options
    return enterCodePage(visit.words, paths, {
      state: { values: {}, problems },
      email: user?.email,
      typed: user === null ? attempts.email(visit) : undefined,
      isResent: visit.query("sent") === "again" && problems.length === 0,
      ...answer,
    })
  }

  yield* get(
    paths.enterCode,
    Effect.fnUntraced(function* (visit) {
      if (attempts.token(visit) === undefined) return paths.signInEmail
      const { state } = yield* attempts.get(visit)
      return showCode(visit, state)
    }),
    inSignIn,
  )

  yield* post(
    paths.enterCode,
    Effect.fnUntraced(function* (visit, fields) {
      const { words, client, request } = visit
      const { state, token } = yield* attempts.get(visit)
      const limited = (problem: (seconds: number) => Problem) => (error: { readonly retryAfter: number }) =>
        Effect.succeed(
          showCode(visit, state, {
            problems: [problem(error.retryAfter)],
            status: 429,
            headers: { "retry-after": String(error.retryAfter) },
          }),
        )
      if (fields["action"] === "resend") {
        const email = state.user === null ? attempts.email(visit) : undefined
        if (state.user === null && email === undefined) return paths.signInEmail
        return yield* emailCodes.send({ token, email, client }).pipe(
          Effect.flatMap(attempts.keep),
          Effect.as(withQuery(paths.enterCode, { sent: "again" })),
          // Nothing is wrong with what was typed.
          Effect.catchTag(
            "RateLimited",
            limited((seconds) => ({ message: words.problems.limitedCode(seconds) })),
          ),
        )
      }
      const form = decode(CodeForm, fields)
      if (Result.isFailure(form)) {
        return showCode(visit, state, { problems: problemsOf(form.failure, fields, words.fields), status: 422 })
      }
      return yield* emailCodes.prove({ token, ...form.success, client, replaces: cookieToken(request, site) }).pipe(
        attempts.settle(visit, { by: token }),
        Effect.catchTags({
          CodeInvalid: ({ triesLeft }) =>
            // That it was the last try is a failure of the look-up.
            Effect.map(signIns.get(token, client), (state) =>
              showCode(visit, state, {
                problems: [{ field: "code", message: words.problems.code(triesLeft) }],
                status: 401,
              }),
            ),
          RateLimited: limited((seconds) => ({ field: "code", message: words.problems.limited(seconds) })),
        }),
      )
    }),
    inSignIn,
  )

  const expired = ({ flow, words }: Visit, holdsToken: boolean) => {
    const href = withQuery(paths.signInEmail, { return_to: flow?.returnTo })
    return expiredLinkPage(words, [{ href, label: words.expired.forgot }], holdsToken)
  }

  yield* get(
    paths.magicLink,
    Effect.fnUntraced(function* (visit) {
      const link = visit.query("token") ?? ""
      return yield* magicLinks
        .check({ link: Redacted.make(link), token: attempts.token(visit), client: visit.client })
        .pipe(
          Effect.map(() => magicLinkPage(visit.words, paths, link)),
          Effect.catchTags({
            VerificationTokenInvalid: () => Effect.succeed(expired(visit, true)),
            OtherBrowser: () => Effect.succeed(otherBrowserPage(visit.words, paths, true)),
          }),
        )
    }),
    inSignIn,
  )

  yield* post(
    paths.magicLink,
    Effect.fnUntraced(function* (visit, fields) {
      const form = decode(LinkForm, fields)
      if (Result.isFailure(form)) return expired(visit, false)
      const token = attempts.token(visit)
      const { client, request } = visit
      return yield* magicLinks
        .prove({ link: form.success.token, token, client, replaces: cookieToken(request, site) })
        .pipe(
          attempts.settle(visit, { by: token }),
          Effect.catchTags({
            VerificationTokenInvalid: () => Effect.succeed(expired(visit, false)),
            OtherBrowser: () => Effect.succeed(otherBrowserPage(visit.words, paths, false)),
          }),
        )
    }),
    inSignIn,
  )
})
