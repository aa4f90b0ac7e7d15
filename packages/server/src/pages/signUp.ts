/**
 * Signing up: the form, the mail, and the link that completes it.
 *
 * @since 0.1.0
 */
import { cookieToken } from "@belfry/core/RequestHandlers"
import { Email } from "@belfry/core/User"
import { VerificationTokens } from "@belfry/core/VerificationTokens"
import { signUpPurpose } from "@belfry/factors/PasswordRules"
import { Passwords } from "@belfry/factors/Passwords"
import { clearSignUpCookie, setSignUpCookie, signUpToken } from "@belfry/factors/PasswordsHandlers"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { makeAttempts } from "./attempts.ts"
import { forgetMailRequest, hintOf, inMail, inSignIn, keepMailRequest } from "./flows.ts"
import { decode, NameField, PasswordField, problemsOf, TokenField } from "./form.ts"
import { PageKit } from "./PageKit.ts"
import { makeProviders } from "./providers.ts"
import { withQuery } from "./query.ts"
import { get, makeVisitors, post, type Visit } from "./visit.ts"
import type { Problem } from "./views/parts.ts"
import {
  checkMailPage,
  mailReasons,
  confirmSignUpPage,
  expiredLinkPage,
  type FormView,
  signUpPage,
} from "./views/signUp.ts"

const SignUpForm = Schema.Struct({
  name: Schema.optionalKey(NameField),
  email: Email,
  password: PasswordField,
})

const ConfirmForm = Schema.Struct({ token: TokenField, password: Schema.optionalKey(PasswordField) })

/**
 * Adds the pages of signing up.
 *
 * @category routes
 * @since 0.1.0
 */
export const routes = Effect.gen(function* () {
  const { site, paths } = yield* PageKit
  const passwords = yield* Passwords
  const tokens = yield* VerificationTokens
  const attempts = yield* makeAttempts
  const providers = yield* makeProviders
  const visitors = yield* makeVisitors

  const expired = ({ flow, words }: Visit, holdsToken: boolean) =>
    expiredLinkPage(
      words,
      [
        { href: withQuery(paths.signIn, { return_to: flow?.returnTo }), label: words.common.signIn },
        { href: withQuery(paths.signUp, { return_to: flow?.returnTo }), label: words.expired.signUp },
      ],
      holdsToken,
    )

  const show = ({ flow, words }: Visit, view: FormView) =>
    Effect.map(providers.forSignUp, (providers) =>
      signUpPage(words, paths, { ...view, providers, returnTo: flow?.returnTo }),
    )

  yield* get(
    paths.signUp,
    Effect.fnUntraced(function* (visit) {
      const { flow } = visit
      // A client may ask for a new account, whoever is signed in.
      if (flow?.intent !== "create" && Option.isSome(yield* visitors.find(visit))) {
        return flow?.returnTo ?? paths.account
      }
      return yield* show(visit, { state: { values: hintOf(visit), problems: [] } })
    }),
  )

  yield* post(
    paths.signUp,
    Effect.fnUntraced(function* (visit, fields) {
      const { words, client, flow } = visit
      const again = (status: number, problems: ReadonlyArray<Problem>, headers = {}) =>
        show(visit, {
          state: { values: { name: fields["name"] ?? "", email: fields["email"] ?? "" }, problems },
          status,
          headers,
        })
      const form = decode(SignUpForm, fields)
      if (Result.isFailure(form)) {
        const { name, email, chosenPassword } = words.fields
        return yield* again(422, problemsOf(form.failure, fields, { name, email, password: chosenPassword }))
      }
      const { name = null, email, password } = form.success
      return yield* passwords.signUp({ name, email, password, client }).pipe(
        Effect.flatMap((browser) => setSignUpCookie(browser, site)),
        Effect.andThen(keepMailRequest(visit, site)),
        Effect.as(withQuery(paths.checkMail, { for: "sign-up", return_to: flow?.returnTo })),
        Effect.catchTags({
          PasswordRejected: ({ reason }) => again(422, [{ field: "password", message: words.problems[reason] }]),
          RateLimited: ({ retryAfter }) =>
            again(429, [{ message: words.problems.limitedMail(retryAfter) }], { "retry-after": String(retryAfter) }),
        }),
      )
    }),
  )

  yield* get(
    paths.checkMail,
    ({ flow, words, query }) => {
      const reason = mailReasons.find((reason) => reason === query("for")) ?? "sign-up"
      return Effect.succeed(checkMailPage(words, paths, { reason, returnTo: flow?.returnTo }))
    },
    inSignIn,
  )

  yield* get(
    paths.confirmSignUp,
    Effect.fnUntraced(function* (visit) {
      const { words, request, query } = visit
      const token = query("token") ?? ""
      return yield* tokens.peek(signUpPurpose, Redacted.make(token)).pipe(
        Effect.map(({ payload }) =>
          confirmSignUpPage(words, paths, {
            state: { values: {}, problems: [] },
            token,
            email: payload.email,
            asksPassword: signUpToken(request, site) === undefined,
            holdsToken: true,
          }),
        ),
        Effect.catchTag("VerificationTokenInvalid", () => Effect.succeed(expired(visit, true))),
      )
    }),
    inMail,
  )

  yield* post(
    paths.confirmSignUp,
    Effect.fnUntraced(function* (visit, fields) {
      const { flow, words, request, client } = visit
      const askPassword = (status: number, problems: ReadonlyArray<Problem>, headers = {}) =>
        confirmSignUpPage(words, paths, {
          state: { values: {}, problems },
          token: fields["token"] ?? "",
          email: fields["username"] ?? "",
          asksPassword: true,
          holdsToken: false,
          status,
          headers,
        })
      const form = decode(ConfirmForm, fields)
      if (Result.isFailure(form)) {
        if (form.failure.has("token")) return expired(visit, false)
        return askPassword(422, problemsOf(form.failure, fields, words.fields))
      }
      return yield* passwords
        .confirmSignUp({
          ...form.success,
          ...(flow === undefined ? {} : { context: { returnTo: flow.returnTo } }),
          browser: signUpToken(request, site),
          replaces: cookieToken(request, site),
          client,
        })
        .pipe(
          Effect.tap(Effect.andThen(clearSignUpCookie(site), forgetMailRequest(visit, site))),
          attempts.settle(visit, { by: undefined, otherwise: withQuery(paths.account, { done: "welcome" }) }),
          Effect.catchTags({
            PasswordRequired: () =>
              Effect.succeed(askPassword(401, [{ field: "password", message: words.fields.password.missing }])),
            InvalidCredentials: () =>
              Effect.succeed(askPassword(401, [{ field: "password", message: words.problems.wrongPassword }])),
            VerificationTokenInvalid: () => Effect.succeed(expired(visit, false)),
            RateLimited: ({ retryAfter }) =>
              Effect.succeed(
                askPassword(429, [{ message: words.problems.limited(retryAfter) }], {
                  "retry-after": String(retryAfter),
                }),
              ),
          }),
        )
    }),
    inMail,
  )
})
