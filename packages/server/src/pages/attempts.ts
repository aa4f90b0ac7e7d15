/**
 * The sign-in that a browser has begun, as the pages find it by its cookie and carry it on.
 *
 * @since 0.1.0
 */
import { clearCookie, readCookie, setCookie, setSessionCookie } from "@belfry/core/RequestHandlers"
import { Email } from "@belfry/core/User"
import { attemptPolicy, SignInRefused } from "@belfry/factors/SignInAttempt"
import { SignInAttempts } from "@belfry/factors/SignInAttempts"
import type { SignInContinues, SignInOutcome } from "@belfry/factors/SignInOutcome"
import { clearSignInCookie, setSignInCookie, signInToken } from "@belfry/factors/SignInHandlers"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { PageKit } from "./PageKit.ts"
import type { Visit } from "./visit.ts"

/**
 * The cookie with the address that began a sign-in by mail, before `Site` adds the prefix that https allows. By it
 * another code can be sent; it proves nothing.
 *
 * @category models
 * @since 0.1.0
 */
export const signInEmailCookie = "belfry_sign_in_email"

/**
 * Builds the look-up of the sign-in that a browser has begun, and what becomes of it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeAttempts = Effect.gen(function* () {
  const { site, paths } = yield* PageKit
  const attempts = yield* SignInAttempts

  const token = ({ request }: Visit): Redacted.Redacted | undefined => signInToken(request, site)
  const emailText = ({ request }: Visit) => readCookie(request, signInEmailCookie, site)

  /** The token of the sign-in, or the failure that says that there is none. */
  const getToken = (visit: Visit): Effect.Effect<Redacted.Redacted, SignInRefused> => {
    const found = token(visit)
    return found === undefined ? Effect.fail(new SignInRefused({ reason: "invalid" })) : Effect.succeed(found)
  }

  const keep = ({ state, token }: SignInContinues) => setSignInCookie(token, state, site)

  const goOn = Effect.fnUntraced(function* (
    visit: Visit,
    outcome: SignInOutcome,
    options: { readonly by: Redacted.Redacted | undefined; readonly otherwise?: string | undefined },
  ) {
    if (outcome._tag === "SignInContinues") {
      yield* keep(outcome)
      return paths.continueSignIn
    }
    yield* setSessionCookie(outcome, site)
    if (options.by !== undefined) yield* clearSignInCookie(site)
    if (emailText(visit) !== undefined) yield* clearCookie(signInEmailCookie, site)
    return visit.returnTo(outcome.context.returnTo) ?? options.otherwise ?? paths.account
  })

  return {
    token,
    getToken,

    /** The sign-in with its token, or a failure that leads to the start. */
    get: Effect.fnUntraced(function* (visit: Visit) {
      const token = yield* getToken(visit)
      return { state: yield* attempts.get(token, visit.client), token }
    }),

    /** The sign-in with its token, if there is one that can go on. */
    find: Effect.fnUntraced(function* (visit: Visit) {
      const found = token(visit)
      if (found === undefined) return Option.none()
      return yield* attempts.get(found, visit.client).pipe(
        Effect.map((state) => Option.some({ state, token: found })),
        Effect.catchTag("SignInRefused", () => Effect.succeedNone),
      )
    }),

    /** Sends the new token of a sign-in that goes on. */
    keep,

    /** The address that began the sign-in by mail, if the browser still knows it. */
    email: (visit: Visit): Email | undefined => {
      const text = emailText(visit)
      return text === undefined ? undefined : Option.getOrUndefined(decodeEmail(Redacted.value(text)))
    },

    /** Has the browser remember the address as long as a sign-in may take. */
    keepEmail: (email: Email) =>
      setCookie({ name: signInEmailCookie, value: Redacted.make(email), maxAge: attemptPolicy.lifetime }, site),

    /** Asks the browser to forget the sign-in, if it has one. */
    forget: (visit: Visit) => (token(visit) === undefined ? Effect.void : clearSignInCookie(site)),

    /**
     * Sends the session of a sign-in that is complete, or the new token of one that goes on. Where to go then: where
     * the sign-in was to lead, else to `otherwise`; or to its next step. `by` is the token that opened it, if one did.
     */
    settle:
      (
        visit: Visit,
        options: { readonly by: Redacted.Redacted | undefined; readonly otherwise?: string | undefined },
      ) =>
      <E, R>(outcome: Effect.Effect<SignInOutcome, E, R>) =>
        Effect.flatMap(outcome, (outcome) => goOn(visit, outcome, options)),
  }
})

// internal

const decodeEmail = Schema.decodeOption(Email)
