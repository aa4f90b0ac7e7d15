/**
 * Signing in, proving the password again, signing out.
 *
 * @since 0.1.0
 */
import { clearSessionCookie, clientInfo, cookieToken, setSessionCookie } from "@belfry/core/RequestHandlers"
import { Sessions } from "@belfry/core/Sessions"
import { Email } from "@belfry/core/User"
import { Passwords } from "@belfry/factors/Passwords"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { decode, type FormFields, PasswordField, problemsOf } from "./form.ts"
import { PageKit } from "./PageKit.ts"
import { withQuery } from "./query.ts"
import { get, makeVisitors, post, type Visit, type Visitor } from "./visit.ts"
import type { Problem } from "./views/parts.ts"
import { confirmAccessPage, signInPage, signOutPage } from "./views/signIn.ts"

const SignInForm = Schema.Struct({ email: Email, password: PasswordField })

const ConfirmForm = Schema.Struct({ password: PasswordField })

/**
 * Adds the pages of signing in and out.
 *
 * @category routes
 * @since 0.1.0
 */
export const routes = Effect.gen(function* () {
  const { site, paths } = yield* PageKit
  const passwords = yield* Passwords
  const sessions = yield* Sessions
  const visitors = yield* makeVisitors

  const show = (
    { words, returnTo }: Visit,
    wanted: string | undefined,
    options: Omit<Parameters<typeof signInPage>[2], "returnTo">,
  ) => signInPage(words, paths, { ...options, returnTo: returnTo(wanted) })

  yield* get(
    paths.signIn,
    Effect.fnUntraced(function* (visit) {
      const wanted = visit.query("return_to")
      if (Option.isSome(yield* visitors.find(visit))) return visit.returnTo(wanted) ?? paths.account
      const { words } = visit
      const notice = visit.query("notice")
      const problems: ReadonlyArray<Problem> = notice === "cookies" ? [{ message: words.problems.cookies }] : []
      const done = notice === "session-over" ? words.problems.sessionOver : doneAtSignIn(visit)
      return show(visit, wanted, { state: { values: {}, problems }, done })
    }),
  )

  yield* post(
    paths.signIn,
    Effect.fnUntraced(function* (visit, fields) {
      const { words, request, client } = visit
      const wanted = fields["return_to"]
      const again = (status: number, problems: ReadonlyArray<Problem>, headers = {}) =>
        show(visit, wanted, { state: { values: { email: fields["email"] ?? "" }, problems }, status, headers })
      const form = decode(SignInForm, fields)
      if (Result.isFailure(form)) return again(422, problemsOf(form.failure, fields, words.fields))
      return yield* passwords.signIn({ ...form.success, client, replaces: cookieToken(request, site) }).pipe(
        Effect.flatMap((signIn) => setSessionCookie(signIn, site)),
        Effect.as(visit.returnTo(wanted) ?? paths.account),
        Effect.catchTags({
          InvalidCredentials: () =>
            Effect.succeed(again(401, [{ field: "email", message: words.problems.credentials }])),
          RateLimited: ({ retryAfter }) =>
            Effect.succeed(
              again(429, [{ message: words.problems.limited(retryAfter) }], { "retry-after": String(retryAfter) }),
            ),
        }),
      )
    }),
  )

  const confirm = (
    { words, returnTo }: Visit,
    { user }: Visitor,
    wanted: string | undefined,
    options: Omit<Parameters<typeof confirmAccessPage>[2], "email" | "returnTo">,
  ) => confirmAccessPage(words, paths, { ...options, email: user.email, returnTo: returnTo(wanted) })

  yield* get(
    paths.confirmAccess,
    Effect.fnUntraced(function* (visit) {
      const visitor = yield* visitors.get(visit)
      const wanted = visit.query("return_to")
      const isFresh = yield* Effect.isSuccess(sessions.requireFresh(visitor.session))
      if (isFresh) return visit.returnTo(wanted) ?? paths.account
      return confirm(visit, visitor, wanted, { state: { values: {}, problems: [] } })
    }),
  )

  yield* post(
    paths.confirmAccess,
    Effect.fnUntraced(function* (visit, fields: FormFields) {
      const { words, client } = visit
      const visitor = yield* visitors.get(visit)
      const wanted = fields["return_to"]
      const again = (status: number, problems: ReadonlyArray<Problem>, headers = {}) =>
        confirm(visit, visitor, wanted, { state: { values: {}, problems }, status, headers })
      const form = decode(ConfirmForm, fields)
      if (Result.isFailure(form)) return again(422, problemsOf(form.failure, fields, words.fields))
      return yield* passwords.reauthenticate({ ...visitor, password: form.success.password, client }).pipe(
        Effect.flatMap((signIn) => setSessionCookie(signIn, site)),
        Effect.as(visit.returnTo(wanted) ?? withQuery(paths.account, { done: "confirmed" })),
        Effect.catchTags({
          InvalidCredentials: () =>
            Effect.succeed(again(401, [{ field: "password", message: words.problems.wrongPassword }])),
          RateLimited: ({ retryAfter }) =>
            Effect.succeed(
              again(429, [{ message: words.problems.limited(retryAfter) }], { "retry-after": String(retryAfter) }),
            ),
        }),
      )
    }),
  )

  yield* get(
    paths.signOut,
    Effect.fnUntraced(function* (visit) {
      return Option.isSome(yield* visitors.find(visit)) ? signOutPage(visit.words, paths) : paths.signIn
    }),
  )

  yield* post(
    paths.signOut,
    Effect.fnUntraced(function* ({ request }) {
      const token = cookieToken(request, site)
      if (token !== undefined) yield* sessions.signOut(token, clientInfo(request))
      yield* clearSessionCookie(site)
      return withQuery(paths.signIn, { done: "signed-out" })
    }),
  )
})

// internal

const doneAtSignIn = ({ words, query }: Visit): string | undefined => {
  const done = query("done")
  switch (done) {
    case "signed-out":
    case "account-deleted":
    case "password-reset":
    case "email-verified":
    case "email-changed":
      return words.done[done]
    default:
      return undefined
  }
}
