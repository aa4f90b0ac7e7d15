/**
 * Sessions: started when somebody signs in, verified on every request, ended by choice or by time.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import { Audit } from "./Audit.ts"
import type { ClientInfo } from "./AuditEvent.ts"
import { AuthEvent } from "./AuthEvent.ts"
import { AuthEvents } from "./AuthEvents.ts"
import { guard, Hooks } from "./Hooks.ts"
import * as SessionRevocations from "./internal/sessionRevocations.ts"
import * as SessionTokens from "./internal/sessionTokens.ts"
import {
  type AuthenticationMethod,
  defaultSessionPolicy,
  expiryAt,
  isExpired,
  isFresh,
  type Session,
  SessionId,
  SessionInvalid,
  SessionNotFound,
  SessionNotFresh,
  type SessionPolicy,
  type SessionProof,
  type SessionWithUser,
} from "./Session.ts"
import { SessionStore } from "./SessionStore.ts"
import type { StoreError } from "./StoreError.ts"
import { TransactionStore } from "./TransactionStore.ts"
import type { User, UserId } from "./User.ts"

/**
 * The prefix of session tokens.
 *
 * @category models
 * @since 0.1.0
 */
export const tokenPrefix = "belfry_session"

/**
 * The session cookie's name before `Site.cookieName` adds the prefix that https allows.
 *
 * @category models
 * @since 0.1.0
 */
export const sessionCookie = "belfry_session"

/**
 * A session with its token: the only moment at which the token exists outside the client.
 *
 * @category models
 * @since 0.1.0
 */
export interface IssuedSession {
  readonly session: Session
  readonly token: Redacted.Redacted
}

/**
 * A session that a token opened. `prolonged` tells that this very use moved its expiry, so the cookie is due again.
 *
 * @category models
 * @since 0.1.0
 */
export interface VerifiedSession extends SessionWithUser {
  readonly prolonged: boolean
}

/**
 * Sessions.
 *
 * @category services
 * @since 0.1.0
 */
export class Sessions extends Context.Service<
  Sessions,
  {
    readonly policy: SessionPolicy
    /**
     * Starts a session for a user who has just proved who they are. The session of `replaces`, if that token opens one,
     * ends in the same transaction: a token from before the sign-in never lives on (session fixation). `authTime` is
     * now, unless it is given. `proofs` are the factors that were proved for it.
     */
    readonly start: (options: {
      readonly user: User
      readonly amr: ReadonlyArray<AuthenticationMethod>
      readonly acr?: Session["acr"]
      readonly authTime?: DateTime.Utc
      readonly proofs?: ReadonlyArray<SessionProof>
      readonly client: ClientInfo
      readonly label?: string | null
      readonly replaces?: Redacted.Redacted | undefined
    }) => Effect.Effect<IssuedSession, StoreError>
    /**
     * Verifies a session token: one statement, and one more when the session slides (once in `updateAge`). Fails alike
     * for tokens that are malformed, unknown, expired or revoked.
     */
    readonly verify: (token: Redacted.Redacted) => Effect.Effect<VerifiedSession, SessionInvalid | StoreError>
    /**
     * Verifies a session token and leaves the session as it is, in one statement: for a look at who is signed in, where
     * no cookie can be sent again.
     */
    readonly peek: (token: Redacted.Redacted) => Effect.Effect<SessionWithUser, SessionInvalid | StoreError>
    /**
     * Gives a session a new token, on any rise of privilege; the old token is dead. `authTime` is when the person last
     * proved who they are: now, unless it is given. `acr` stays what it was, unless it is given. Each of
     * `proofs` replaces the one of its factor.
     */
    readonly rotate: (options: {
      readonly session: Pick<Session, "id" | "userId" | "acr">
      readonly amr: ReadonlyArray<AuthenticationMethod>
      readonly acr?: Session["acr"]
      readonly authTime?: DateTime.Utc
      readonly proofs?: ReadonlyArray<SessionProof>
      readonly client: ClientInfo
    }) => Effect.Effect<IssuedSession, SessionInvalid | StoreError>
    /** Fails unless the person proved who they are within the policy's freshness; without a session nobody did. */
    readonly requireFresh: (session: Session | null) => Effect.Effect<void, SessionNotFresh>
    /** The factors that were proved in a session after `since`, by the time of the last proof. */
    readonly proofs: (
      sessionId: SessionId,
      since: DateTime.Utc,
    ) => Effect.Effect<ReadonlyArray<SessionProof>, StoreError>
    /** The user's live sessions, newest first. */
    readonly list: (userId: UserId) => Effect.Effect<ReadonlyArray<Session>, StoreError>
    /** Ends one session of a user. */
    readonly revoke: (
      userId: UserId,
      sessionId: SessionId,
      client: ClientInfo,
    ) => Effect.Effect<void, SessionNotFound | StoreError>
    /** Ends every session of a user, or all but `except`; the number ended. */
    readonly revokeAll: (options: {
      readonly userId: UserId
      readonly except?: SessionId
      readonly client: ClientInfo
    }) => Effect.Effect<number, StoreError>
    /** Ends the session that a token opens; true if there was one. */
    readonly signOut: (token: Redacted.Redacted, client: ClientInfo) => Effect.Effect<boolean, StoreError>
    /** Removes sessions that are over, at most 1,000 at a time; the number removed. */
    readonly removeExpired: Effect.Effect<number, StoreError>
  }
>()("@belfry/core/Sessions") {}

/**
 * Builds the service for a policy.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (policy: SessionPolicy) {
  const store = yield* SessionStore
  const transactions = yield* TransactionStore
  const audit = yield* Audit
  const events = yield* AuthEvents
  const random = yield* SecureRandom.SecureRandom
  const hooks = yield* Hooks
  const tokens = yield* SessionTokens.make(tokenPrefix, policy)
  const revocations = yield* SessionRevocations.make

  const findLive = (token: Redacted.Redacted) =>
    tokens.find(token).pipe(
      Effect.map(({ session }) => Option.some(session)),
      Effect.catchTag("SessionInvalid", () => Effect.succeedNone),
    )

  return Sessions.of({
    policy,
    start: Effect.fn("Sessions.start")(function* ({ user, amr, acr, authTime, proofs = [], client, label, replaces }) {
      const { token, tokenHash } = yield* tokens.issue
      const now = yield* DateTime.now
      const endsAt = DateTime.addDuration(now, policy.absoluteLifetime)
      const session: Session = {
        id: SessionId.make(yield* random.uuidV7()),
        userId: user.id,
        amr,
        acr: acr ?? null,
        authTime: authTime ?? now,
        createdAt: now,
        lastSeenAt: now,
        expiresAt: expiryAt(policy, now, endsAt),
        endsAt,
        ipAddress: client.ipAddress,
        userAgent: client.userAgent,
        label: label ?? null,
      }
      const replaced = replaces === undefined ? Option.none() : yield* findLive(replaces)
      yield* transactions.run(
        Effect.gen(function* () {
          yield* store.insert(session, tokenHash, proofs)
          if (Option.isSome(replaced)) {
            yield* revocations.revoke(replaced.value.userId, replaced.value.id, client)
          }
          yield* audit.record({
            type: "session.started",
            userId: user.id,
            sessionId: session.id,
            client,
            data: { amr, factors: factorsOf(proofs) },
          })
          yield* transactions.afterCommit(
            Effect.andThen(
              events.publish(AuthEvent.SessionStarted({ session, user })),
              guard("afterSignIn", () => hooks.afterSignIn({ user, session, client })),
            ),
          )
        }),
      )
      return { session, token }
    }),
    verify: tokens.use,
    peek: (token) => Effect.map(tokens.find(token), ({ session, user }) => ({ session, user })),
    rotate: Effect.fn("Sessions.rotate")(function* ({ session, amr, acr, authTime, proofs = [], client }) {
      const { token, tokenHash } = yield* tokens.issue
      const now = yield* DateTime.now
      const rotated = yield* transactions.run(
        Effect.gen(function* () {
          const rotated = yield* store.rotate({
            id: session.id,
            tokenHash,
            amr,
            acr: acr === undefined ? session.acr : acr,
            authTime: authTime ?? now,
            proofs,
            now,
          })
          if (Option.isNone(rotated)) return yield* new SessionInvalid()
          yield* audit.record({
            type: "session.rotated",
            userId: session.userId,
            sessionId: session.id,
            client,
            data: { amr, factors: factorsOf(proofs) },
          })
          yield* transactions.afterCommit(events.publish(AuthEvent.SessionRotated({ session: rotated.value })))
          return rotated.value
        }),
      )
      return { session: rotated, token }
    }),
    requireFresh: Effect.fnUntraced(function* (session) {
      if (session === null || !isFresh(session, policy, yield* DateTime.now)) {
        return yield* new SessionNotFresh({ maxAge: Duration.toSeconds(policy.freshness) })
      }
    }),
    proofs: Effect.fn("Sessions.proofs")((sessionId, since) => store.listProofs(sessionId, since)),
    list: Effect.fn("Sessions.list")(function* (userId) {
      const now = yield* DateTime.now
      const sessions = yield* store.listByUser(userId, now)
      return sessions.filter((session) => !isExpired(session, policy, now))
    }),
    revoke: Effect.fn("Sessions.revoke")(function* (userId, sessionId, client) {
      if (!(yield* revocations.revoke(userId, sessionId, client))) return yield* new SessionNotFound({ sessionId })
    }),
    revokeAll: Effect.fn("Sessions.revokeAll")(revocations.revokeAll),
    signOut: Effect.fn("Sessions.signOut")(function* (token, client) {
      const live = yield* findLive(token)
      return Option.isSome(live) && (yield* revocations.revoke(live.value.userId, live.value.id, client))
    }),
    removeExpired: Effect.flatMap(DateTime.now, (now) => store.removeExpired(now, 1000)),
  })
})

/**
 * Sessions by the given rules; what is left out is the default.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (policy: Partial<SessionPolicy> = {}) =>
  Layer.effect(Sessions, make({ ...defaultSessionPolicy, ...policy }))

/**
 * The rules of sessions from configuration: `BELFRY_SESSION_LIFETIME`, `BELFRY_SESSION_UPDATE_AGE`,
 * `BELFRY_SESSION_ABSOLUTE_LIFETIME`, `BELFRY_SESSION_IDLE_TIMEOUT`, `BELFRY_SESSION_FRESHNESS`.
 *
 * @category config
 * @since 0.1.0
 */
export const configPolicy: Config.Config<SessionPolicy> = Config.all({
  lifetime: Config.Duration("BELFRY_SESSION_LIFETIME").pipe(Config.withDefault(defaultSessionPolicy.lifetime)),
  updateAge: Config.Duration("BELFRY_SESSION_UPDATE_AGE").pipe(Config.withDefault(defaultSessionPolicy.updateAge)),
  absoluteLifetime: Config.Duration("BELFRY_SESSION_ABSOLUTE_LIFETIME").pipe(
    Config.withDefault(defaultSessionPolicy.absoluteLifetime),
  ),
  idleTimeout: Config.option(Config.Duration("BELFRY_SESSION_IDLE_TIMEOUT")),
  freshness: Config.Duration("BELFRY_SESSION_FRESHNESS").pipe(Config.withDefault(defaultSessionPolicy.freshness)),
})

/**
 * Sessions by the rules of {@link configPolicy}.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = Layer.effect(
  Sessions,
  Effect.gen(function* () {
    return yield* make(yield* configPolicy)
  }),
)

// internal

const factorsOf = (proofs: ReadonlyArray<SessionProof>): ReadonlyArray<string> => [
  ...new Set(proofs.map(({ factor }) => factor)),
]
