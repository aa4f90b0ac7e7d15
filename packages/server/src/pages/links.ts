/**
 * Links that come by mail: a new password, a proved address, a new address. Looking at them uses nothing up.
 *
 * @since 0.1.0
 */
import { changePurpose, Emails, verifyPurpose } from "@belfry/core/Emails"
import { Email } from "@belfry/core/User"
import { type Purpose, VerificationTokens } from "@belfry/core/VerificationTokens"
import { resetPurpose } from "@belfry/factors/PasswordRules"
import { Passwords } from "@belfry/factors/Passwords"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { forgetMailRequest, hintOf, inMail, keepMailRequest } from "./flows.ts"
import { decode, PasswordField, problemsOf, TokenField } from "./form.ts"
import { PageKit } from "./PageKit.ts"
import { withQuery } from "./query.ts"
import { get, makeVisitors, post, type Visit } from "./visit.ts"
import type { Page } from "./views/document.ts"
import type { Problem } from "./views/parts.ts"
import {
  confirmLinkPage,
  emailTakenPage,
  expiredLinkPage,
  forgotPasswordPage,
  resetPasswordPage,
} from "./views/signUp.ts"

const ForgotForm = Schema.Struct({ email: Email })

const ResetForm = Schema.Struct({ token: TokenField, password: PasswordField })

const TokenForm = Schema.Struct({ token: TokenField })

/**
 * Adds the pages of forgotten passwords and of links that prove an address.
 *
 * @category routes
 * @since 0.1.0
 */
export const routes = Effect.gen(function* () {
  const { site, paths } = yield* PageKit
  const passwords = yield* Passwords
  const emails = yield* Emails
  const tokens = yield* VerificationTokens
  const visitors = yield* makeVisitors

  const expiredReset = ({ flow, words }: Visit, holdsToken: boolean) => {
    const href = withQuery(paths.forgotPassword, { return_to: flow?.returnTo })
    return expiredLinkPage(words, [{ href, label: words.expired.forgot }], holdsToken)
  }

  const expiredLink = ({ words }: Visit, holdsToken: boolean) =>
    expiredLinkPage(words, [{ href: paths.account, label: words.expired.account }], holdsToken)

  /** Shows `page` for a token that would serve, and `expired` for any other. */
  const look = <P extends Schema.Codec<unknown, unknown>>(
    visit: Visit,
    purpose: Purpose<P>,
    page: (token: string, payload: P["Type"]) => Page,
    expired: (visit: Visit, holdsToken: boolean) => Page,
  ) => {
    const token = visit.query("token") ?? ""
    return tokens.peek(purpose, Redacted.make(token)).pipe(
      Effect.map(({ payload }) => page(token, payload)),
      Effect.catchTag("VerificationTokenInvalid", () => Effect.succeed(expired(visit, true))),
    )
  }

  yield* get(paths.forgotPassword, (visit) =>
    Effect.succeed(
      forgotPasswordPage(visit.words, paths, {
        state: { values: hintOf(visit), problems: [] },
        returnTo: visit.flow?.returnTo,
      }),
    ),
  )

  yield* post(
    paths.forgotPassword,
    Effect.fnUntraced(function* (visit, fields) {
      const { client, flow, words } = visit
      const again = (status: number, problems: ReadonlyArray<Problem>, headers = {}) =>
        forgotPasswordPage(words, paths, {
          state: { values: { email: fields["email"] ?? "" }, problems },
          returnTo: flow?.returnTo,
          status,
          headers,
        })
      const form = decode(ForgotForm, fields)
      if (Result.isFailure(form)) return again(422, problemsOf(form.failure, fields, words.fields))
      return yield* passwords.forgot({ ...form.success, client }).pipe(
        Effect.andThen(keepMailRequest(visit, site)),
        Effect.as(withQuery(paths.checkMail, { for: "password", return_to: flow?.returnTo })),
        Effect.catchTag("RateLimited", ({ retryAfter }) =>
          Effect.succeed(
            again(429, [{ message: words.problems.limitedMail(retryAfter) }], { "retry-after": String(retryAfter) }),
          ),
        ),
      )
    }),
  )

  yield* get(
    paths.resetPassword,
    (visit) =>
      look(
        visit,
        resetPurpose,
        (token, { email }) =>
          resetPasswordPage(visit.words, paths, {
            state: { values: {}, problems: [] },
            token,
            email,
            holdsToken: true,
          }),
        expiredReset,
      ),
    inMail,
  )

  yield* post(
    paths.resetPassword,
    Effect.fnUntraced(function* (visit, fields) {
      const { flow, words, client } = visit
      const again = (status: number, problems: ReadonlyArray<Problem>, headers = {}) =>
        resetPasswordPage(words, paths, {
          state: { values: {}, problems },
          token: fields["token"] ?? "",
          email: fields["username"] ?? "",
          holdsToken: false,
          status,
          headers,
        })
      const form = decode(ResetForm, fields)
      if (Result.isFailure(form)) {
        if (form.failure.has("token")) return expiredReset(visit, false)
        return again(422, problemsOf(form.failure, fields, { password: words.fields.newPassword }))
      }
      return yield* passwords.reset({ ...form.success, client }).pipe(
        Effect.andThen(forgetMailRequest(visit, site)),
        // Whoever set a password for a client signs in by it, also where somebody else is signed in.
        Effect.as(
          withQuery(paths.signIn, {
            done: "password-reset",
            ...(flow === undefined ? {} : { return_to: flow.returnTo, switch: "1" }),
          }),
        ),
        Effect.catchTags({
          PasswordRejected: ({ reason }) =>
            Effect.succeed(again(422, [{ field: "password", message: words.problems[reason] }])),
          VerificationTokenInvalid: () => Effect.succeed(expiredReset(visit, false)),
          RateLimited: ({ retryAfter }) =>
            Effect.succeed(
              again(429, [{ message: words.problems.limited(retryAfter) }], { "retry-after": String(retryAfter) }),
            ),
        }),
      )
    }),
    inMail,
  )

  /** Where to go when an address is proved: the account where somebody is signed in, else the sign-in page. */
  const goOn = Effect.fnUntraced(function* (visit: Visit, done: "email-verified" | "email-changed") {
    const isSignedIn = Option.isSome(yield* visitors.find(visit))
    return withQuery(isSignedIn ? paths.account : paths.signIn, { done })
  })

  yield* get(paths.verifyEmail, (visit) =>
    look(
      visit,
      verifyPurpose,
      (token) => confirmLinkPage({ text: visit.words.verifyEmail, action: paths.verifyEmail, token }),
      expiredLink,
    ),
  )

  yield* post(
    paths.verifyEmail,
    Effect.fnUntraced(function* (visit, fields) {
      const form = decode(TokenForm, fields)
      if (Result.isFailure(form)) return expiredLink(visit, false)
      return yield* emails.confirmVerification(form.success.token, visit.client).pipe(
        Effect.andThen(goOn(visit, "email-verified")),
        Effect.catchTag("VerificationTokenInvalid", () => Effect.succeed(expiredLink(visit, false))),
      )
    }),
  )

  yield* get(paths.confirmEmailChange, (visit) =>
    look(
      visit,
      changePurpose,
      (token) => confirmLinkPage({ text: visit.words.confirmEmailChange, action: paths.confirmEmailChange, token }),
      expiredLink,
    ),
  )

  yield* post(
    paths.confirmEmailChange,
    Effect.fnUntraced(function* (visit, fields) {
      const form = decode(TokenForm, fields)
      if (Result.isFailure(form)) return expiredLink(visit, false)
      return yield* emails.confirmChange(form.success.token, visit.client).pipe(
        Effect.andThen(goOn(visit, "email-changed")),
        Effect.catchTags({
          VerificationTokenInvalid: () => Effect.succeed(expiredLink(visit, false)),
          EmailTaken: () => Effect.succeed(emailTakenPage(visit.words, paths)),
        }),
      )
    }),
  )
})
