/**
 * How the handlers of all factors read the token of a sign-in attempt, take a step of it or of an enrolment, and answer
 * with what became of the sign-in.
 *
 * @since 0.1.0
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import { RateLimited } from "@belfry/core/RateLimit"
import {
  bearerToken,
  clearCookie,
  clientInfo,
  cookieToken,
  rateLimited,
  readCookie,
  setCookie,
  setSessionCookie,
  storeUnavailable,
} from "@belfry/core/RequestHandlers"
import { type Session, SessionNotFresh } from "@belfry/core/Session"
import { CurrentSession, CurrentUser, type Transport } from "@belfry/core/SessionsApi"
import type { Site } from "@belfry/core/Site"
import { StoreError } from "@belfry/core/StoreError"
import type { Email, User } from "@belfry/core/User"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Redacted from "effect/Redacted"
import * as Struct from "effect/Struct"
import type { Enrolled, Enroller } from "./Enrolments.ts"
import { attemptPolicy, type SignInContext, SignInRefused } from "./SignInAttempt.ts"
import type { SignInContinues, SignInOutcome, SignInState } from "./SignInOutcome.ts"
import type { SignInContinued, SignInMail, SignInResult } from "./SignInAttemptsApi.ts"
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

/** The token in the cookie of a sign-in attempt. */
const attemptCookie = (request: Request, site: Site["Service"]): Redacted.Redacted | undefined =>
  readCookie(request, signInCookie, site)

/**
 * The token of the sign-in attempt that the request carries, as a bearer token or in its cookie.
 *
 * @category accessors
 * @since 0.1.0
 */
export const signInToken = (request: Request, site: Site["Service"]): Redacted.Redacted | undefined =>
  attemptBearer(request) ?? attemptCookie(request, site)

/**
 * The tokens of all sign-in attempts that the request carries.
 *
 * @category accessors
 * @since 0.1.0
 */
export const signInTokens = (request: Request, site: Site["Service"]): ReadonlyArray<Redacted.Redacted> =>
  [attemptBearer(request), attemptCookie(request, site)].filter((token) => token !== undefined)

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
  setCookie({ name: signInCookie, value: token, expiresAt: state.attempt.expiresAt }, site)

/**
 * Asks the browser to forget the attempt.
 *
 * @category cookies
 * @since 0.1.0
 */
export const clearSignInCookie = (site: Site["Service"]) => clearCookie(signInCookie, site)

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

/**
 * What an enrolment in a sign-in answers: backup codes, if they are the first, and what became of the sign-in.
 *
 * @category converting
 * @since 0.1.0
 */
export const enrolledInSignIn = Effect.fnUntraced(function* (
  { backupCodes, signIn }: Enrolled,
  transport: Transport,
  site: Site["Service"],
) {
  // The services answer null to an enrolment by a session alone.
  if (signIn === null) return yield* Effect.die(new Error("An enrolment in a sign-in came back without it"))
  return { backupCodes, signIn: yield* signInResult(signIn, transport, site) }
})

/**
 * Answers what any step may fail with: a sign-in that is over loses its cookie, a limited caller is told when to come
 * again, and a store that is away becomes 503.
 *
 * @category errors
 * @since 0.1.0
 */
export const answeringFailures =
  (request: Request, site: Site["Service"]) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    effect.pipe(
      Effect.tapError((error) => {
        if (error instanceof RateLimited) return Effect.ignore(rateLimited(error))
        const isOver = error instanceof SignInRefused && (error.reason === "invalid" || error.reason === "locked")
        // What came as a bearer token is not in the cookie.
        const isFromCookie = attemptBearer(request) === undefined && attemptCookie(request, site) !== undefined
        return isOver && isFromCookie ? clearSignInCookie(site) : Effect.void
      }),
      Effect.catchIf(
        (error): error is Extract<E, StoreError> => error instanceof StoreError,
        (error: Extract<E, StoreError>) => storeUnavailable(error),
      ),
    )

/**
 * A step of the sign-in that a request carries, as services take it.
 *
 * @category models
 * @since 0.1.0
 */
export interface SignInStep {
  readonly token: Redacted.Redacted
  readonly replaces: Redacted.Redacted | undefined
  readonly client: ClientInfo
}

/**
 * Takes a step of the sign-in that the request carries. Without one, it is refused as one that is over.
 *
 * @category handlers
 * @since 0.1.0
 */
export const inSignIn = <A, E, R>(
  request: Request,
  site: Site["Service"],
  transport: Transport | undefined,
  take: (step: SignInStep, transport: Transport) => Effect.Effect<A, E, R>,
) =>
  Effect.suspend((): Effect.Effect<A, E | SignInRefused, R> => {
    const token = signInToken(request, site)
    if (token === undefined) return Effect.fail(new SignInRefused({ reason: "invalid" }))
    const carriedBy = transportOf(request, transport)
    const replaces = replacedSession(request, site, carriedBy)
    return take({ token, replaces, client: clientInfo(request) }, carriedBy)
  }).pipe(answeringFailures(request, site))

/**
 * Proves a factor in the sign-in that the request carries, and answers with what became of it.
 *
 * @category handlers
 * @since 0.1.0
 */
export const proving = <E, R>(
  request: Request,
  site: Site["Service"],
  transport: Transport | undefined,
  prove: (step: SignInStep) => Effect.Effect<SignInOutcome, E, R>,
) =>
  inSignIn(request, site, transport, (step, carriedBy) =>
    Effect.flatMap(prove(step), (outcome) => signInResult(outcome, carriedBy, site)),
  )

/**
 * Sends a mail that begins a sign-in or goes on with one, and answers with the sign-in.
 *
 * @category handlers
 * @since 0.1.0
 */
export const sending = <E, R>(
  request: Request,
  site: Site["Service"],
  payload: SignInMail,
  send: (options: {
    readonly token: Redacted.Redacted | undefined
    readonly email: Email | undefined
    readonly context: SignInContext
    readonly client: ClientInfo
  }) => Effect.Effect<SignInContinues, E, R>,
) =>
  send({
    token: signInToken(request, site),
    email: payload.email,
    context: Struct.pick(payload, ["returnTo", "label"]),
    client: clientInfo(request),
  }).pipe(
    Effect.flatMap((continues) => continued(continues, transportOf(request, payload.transport), site)),
    answeringFailures(request, site),
  )

/**
 * Takes a step of an enrolment that the sign-in demands. No session is in it that could be too old.
 *
 * @category handlers
 * @since 0.1.0
 */
export const enrollingInSignIn = <A, E, R>(
  request: Request,
  site: Site["Service"],
  transport: Transport | undefined,
  enrol: (step: Omit<SignInStep, "token"> & { readonly by: Enroller }, transport: Transport) => Effect.Effect<A, E, R>,
) =>
  inSignIn(request, site, transport, ({ token, ...step }, carriedBy) =>
    enrol({ ...step, by: { _tag: "SignIn", token } }, carriedBy).pipe(
      Effect.catchIf((error): error is Extract<E, SessionNotFresh> => error instanceof SessionNotFresh, Effect.die),
    ),
  )

/**
 * What the user of the session does, as services take it.
 *
 * @category models
 * @since 0.1.0
 */
export interface SessionStep {
  readonly by: Enroller
  readonly session: Session
  readonly user: User
  readonly client: ClientInfo
}

/**
 * Takes a step of what the user of the session does with factors. No sign-in is in it that could be refused.
 *
 * @category handlers
 * @since 0.1.0
 */
export const inSession = <A, E, R>(
  request: Request,
  site: Site["Service"],
  take: (step: SessionStep) => Effect.Effect<A, E, R>,
) =>
  Effect.gen(function* () {
    const session = yield* CurrentSession
    const user = yield* CurrentUser
    return yield* take({ by: { _tag: "Session", session, user }, session, user, client: clientInfo(request) })
  }).pipe(
    Effect.catchIf((error): error is Extract<E, SignInRefused> => error instanceof SignInRefused, Effect.die),
    answeringFailures(request, site),
  )
