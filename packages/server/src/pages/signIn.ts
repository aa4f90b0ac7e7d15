/**
 * Signing in by a password or a passkey, and signing out.
 *
 * @since 0.1.0
 */
import { clearSessionCookie, clientInfo, cookieToken } from "@belfry/core/RequestHandlers"
import { Sessions } from "@belfry/core/Sessions"
import { Email } from "@belfry/core/User"
import { Passwords } from "@belfry/factors/Passwords"
import { SignInPolicy } from "@belfry/factors/SignInPolicy"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { makeAttempts } from "./attempts.ts"
import { hintOf, isSwitching, maySignIn } from "./flows.ts"
import { decode, PasswordField, problemsOf } from "./form.ts"
import { PageKit } from "./PageKit.ts"
import { makeProviders } from "./providers.ts"
import { withQuery } from "./query.ts"
import { get, makeVisitors, post, type Visit } from "./visit.ts"
import type { Problem } from "./views/parts.ts"
import { signInPage, signOutPage } from "./views/signIn.ts"

const SignInForm = Schema.Struct({ email: Email, password: PasswordField })

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
  const { firstFactors: factors } = yield* SignInPolicy
  const attempts = yield* makeAttempts
  const providers = yield* makeProviders
  const visitors = yield* makeVisitors

  const show = (
    visit: Visit,
    wanted: string | undefined,
    options: Omit<Parameters<typeof signInPage>[2], "factors" | "flow" | "isSwitching" | "providers" | "returnTo">,
  ) =>
    Effect.map(providers.forSignIn, (providers) =>
      signInPage(visit.words, paths, {
        ...options,
        factors,
        providers,
        returnTo: visit.returnTo(wanted),
        flow: visit.flow,
        isSwitching: isSwitching(visit),
      }),
    )

  yield* get(
    paths.signIn,
    Effect.fnUntraced(function* (visit) {
      const wanted = visit.query("return_to")
      if (Option.isSome(yield* visitors.find(visit)) && !maySignIn(visit)) {
        return visit.returnTo(wanted) ?? paths.account
      }
      // Who comes here begins anew: a sign-in that somebody went on with here would only ask for that person's
      // passkeys.
      const begun = yield* attempts.find(visit)
      if (Option.exists(begun, ({ state }) => state.user !== null)) yield* attempts.forget(visit)
      const { words } = visit
      const notice = visit.query("notice")
      const problems: ReadonlyArray<Problem> = notice === "cookies" ? [{ message: words.problems.cookies }] : []
      const done = notice === "session-over" ? words.problems.sessionOver : doneAtSignIn(visit)
      return yield* show(visit, wanted, { state: { values: hintOf(visit), problems }, done })
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
      if (Result.isFailure(form)) return yield* again(422, problemsOf(form.failure, fields, words.fields))
      const token = attempts.token(visit)
      const returnTo = visit.returnTo(wanted)
      const context = returnTo === undefined ? {} : { returnTo }
      return yield* passwords
        .signIn({ ...form.success, token, context, client, replaces: cookieToken(request, site) })
        .pipe(
          attempts.settle(visit, { by: token, otherwise: returnTo }),
          Effect.catchTags({
            InvalidCredentials: () => again(401, [{ field: "email", message: words.problems.credentials }]),
            RateLimited: ({ retryAfter }) =>
              again(429, [{ message: words.problems.limited(retryAfter) }], { "retry-after": String(retryAfter) }),
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
