/**
 * The tokens of sessions: how one is issued and looked up, and how its use prolongs the session.
 */
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { KeyRing } from "../KeyRing.ts"
import * as OpaqueToken from "../OpaqueToken.ts"
import { isExpired, type Session, SessionInvalid, type SessionPolicy, slide } from "../Session.ts"
import type { VerifiedSession } from "../Sessions.ts"
import { SessionStore, type StoredSession } from "../SessionStore.ts"
import type { StoreError } from "../StoreError.ts"
import { isDisabled } from "../User.ts"
import * as RecentClaims from "./recentClaims.ts"

/** Tokens with a prefix, for sessions by a policy. */
export const make = Effect.fnUntraced(function* (prefix: string, policy: SessionPolicy) {
  const store = yield* SessionStore
  const random = yield* SecureRandom.SecureRandom
  const hasher = yield* (yield* KeyRing).hasher("session-token")
  const claims = RecentClaims.make()

  const generate = Effect.provideService(OpaqueToken.generate(prefix), SecureRandom.SecureRandom, random)

  const find = Effect.fnUntraced(function* (token: Redacted.Redacted) {
    // The checksum turns away made-up tokens before anything is looked up.
    if (!OpaqueToken.isWellFormed(prefix, Redacted.value(token))) return yield* new SessionInvalid()
    const found = yield* store.findByTokenHash(yield* hasher.candidates(token))
    if (Option.isNone(found)) return yield* new SessionInvalid()
    if (isDisabled(found.value.user)) return yield* new SessionInvalid()
    const now = yield* DateTime.now
    if (isExpired(found.value.session, policy, now)) return yield* new SessionInvalid()
    return { stored: found.value, now }
  })

  // Of concurrent requests one writes; the others go on with the session as they saw it. Within this process the claim
  // sees to it, between nodes the condition of the store's statement.
  const settle = Effect.fnUntraced(function* (
    token: Redacted.Redacted,
    { session, user, tokenHash }: StoredSession,
    next: Session,
    now: DateTime.Utc,
  ) {
    const seen = [session.id, tokenHash, session.lastSeenAt.epochMilliseconds, session.expiresAt.epochMilliseconds]
    const claim = seen.join(" ")
    if (!claims.take(claim, now.epochMilliseconds)) return { session, user, prolonged: false }
    const write = Effect.gen(function* () {
      if (!hasher.isCurrent(tokenHash)) yield* store.rehash(session.id, tokenHash, yield* hasher.hash(token))
      return next !== session && (yield* store.touch(session, next))
    })
    const moved = yield* Effect.onError(write, () => Effect.sync(() => claims.release(claim)))
    return {
      session: moved ? next : session,
      user,
      prolonged: moved && next.expiresAt.epochMilliseconds > session.expiresAt.epochMilliseconds,
    }
  })

  return {
    /** A new token, and the hash by which it is found. */
    issue: Effect.gen(function* () {
      const token = yield* generate
      return { token, tokenHash: yield* hasher.hash(token) }
    }),

    /** The live session that a token opens, as it is. */
    find: (token: Redacted.Redacted): Effect.Effect<StoredSession, SessionInvalid | StoreError> =>
      Effect.map(find(token), ({ stored }) => stored),

    /** The live session that a token opens, prolonged where that is due. */
    use: Effect.fnUntraced(function* (
      token: Redacted.Redacted,
    ): Effect.fn.Return<VerifiedSession, SessionInvalid | StoreError> {
      const { stored, now } = yield* find(token)
      const next = slide(stored.session, policy, now)
      return Option.isNone(next) && hasher.isCurrent(stored.tokenHash)
        ? { session: stored.session, user: stored.user, prolonged: false }
        : yield* settle(
            token,
            stored,
            Option.getOrElse(next, () => stored.session),
            now,
          )
    }),
  }
})
