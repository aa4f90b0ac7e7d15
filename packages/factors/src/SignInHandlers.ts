/**
 * How the handlers of all factors read the token of a sign-in attempt, and answer with what became of the sign-in.
 *
 * @since 0.1.0
 */
import { bearerToken, cookieOptions, cookieToken, onResponse, setSessionCookie } from "@belfry/core/RequestHandlers"
import type { Transport } from "@belfry/core/SessionsApi"
import type { Site } from "@belfry/core/Site"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Redacted from "effect/Redacted"
import { attemptPolicy } from "./SignInAttempt.ts"
import type { SignInContinues, SignInOutcome, SignInState } from "./SignInAttempts.ts"
import type { SignInContinued, SignInResult } from "./SignInAttemptsApi.ts"
import { tokenPrefix } from "./SignInRules.ts"

/**
 * The cookie of a sign-in attempt, before `Site` adds the prefix that https allows.
 *
 * @category models
 * @since 0.1.0
 */
export const signInCookie = "belfry_sign_in"

type Request = HttpServerRequest.HttpServerRequest

/** The bearer token, if it is one of a sign-in attempt and not of a session. */
const attemptBearer = (request: Request): Redacted.Redacted | undefined => {
  const token = bearerToken(request)
  return token !== undefined && Redacted.value(token).startsWith(`${tokenPrefix}_`) ? token : undefined
}

/**
 * The token of the sign-in attempt that the request carries, as a bearer token or in its cookie.
 *
 * @category accessors
 * @since 0.1.0
 */
export const signInToken = (request: Request, site: Site["Service"]): Redacted.Redacted | undefined => {
  const cookie = request.cookies[site.cookieName(signInCookie)]
  return attemptBearer(request) ?? (cookie === undefined || cookie === "" ? undefined : Redacted.make(cookie))
}

/**
 * How the client carries tokens: as it says, else as it carries the attempt's.
 *
 * @category accessors
 * @since 0.1.0
 */
export const transportOf = (request: Request, transport: Transport | undefined): Transport =>
  transport ?? (attemptBearer(request) === undefined ? "cookie" : "bearer")

/**
 * The session that a new one replaces: the one in the cookie, where the new one goes there too.
 *
 * @category accessors
 * @since 0.1.0
 */
export const replacedSession = (request: Request, site: Site["Service"], transport: Transport) =>
  transport === "bearer" ? undefined : cookieToken(request, site)

/**
 * Sends the attempt's token, to be kept until the attempt is over.
 *
 * @category cookies
 * @since 0.1.0
 */
export const setSignInCookie = (token: Redacted.Redacted, state: SignInState, site: Site["Service"]) =>
  onResponse((response) =>
    HttpServerResponse.setCookieUnsafe(response, site.cookieName(signInCookie), Redacted.value(token), {
      ...cookieOptions(site),
      expires: DateTime.toDateUtc(state.attempt.expiresAt),
    }),
  )

/**
 * Asks the browser to forget the attempt.
 *
 * @category cookies
 * @since 0.1.0
 */
export const clearSignInCookie = (site: Site["Service"]) =>
  onResponse((response) =>
    HttpServerResponse.expireCookieUnsafe(response, site.cookieName(signInCookie), cookieOptions(site)),
  )

/**
 * How a sign-in stands, on the wire.
 *
 * @category converting
 * @since 0.1.0
 */
export const toSignInContinued = (state: SignInState, token: Redacted.Redacted | null): SignInContinued => ({
  status: "continue",
  token,
  email: state.user?.email ?? null,
  proved: state.attempt.proofs.map(({ factor, at }) => ({ factor, at })),
  factors: state.factors,
  enrol: state.enrol,
  triesLeft: Math.max(0, attemptPolicy.maxTries - state.attempt.tries),
  expiresAt: state.attempt.expiresAt,
  context: state.attempt.context,
})

/**
 * Answers with a sign-in that goes on: its token goes out in the cookie or in the body, never both.
 *
 * @category converting
 * @since 0.1.0
 */
export const continued = (
  { state, token }: SignInContinues,
  transport: Transport,
  site: Site["Service"],
): Effect.Effect<SignInContinued, never, Request> =>
  transport === "bearer"
    ? Effect.succeed(toSignInContinued(state, token))
    : Effect.as(setSignInCookie(token, state, site), toSignInContinued(state, null))

/**
 * Answers with what became of a sign-in: the session's token goes out in the cookie or in the body, never both.
 *
 * @category converting
 * @since 0.1.0
 */
export const signInResult = (
  outcome: SignInOutcome,
  transport: Transport,
  site: Site["Service"],
): Effect.Effect<SignInResult, never, Request> => {
  if (outcome._tag === "SignInContinues") return continued(outcome, transport, site)
  const { session, user, token, context } = outcome
  const completed = { status: "complete" as const, session, user, context }
  return transport === "bearer"
    ? Effect.succeed({ ...completed, token })
    : Effect.andThen(setSessionCookie(outcome, site), Effect.as(clearSignInCookie(site), { ...completed, token: null }))
}
