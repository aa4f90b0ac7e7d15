/**
 * Port: where sessions are kept.
 *
 * Every method is one statement (or one transaction) and says what it did. A store keeps keyed hashes of tokens and
 * decides nothing about time: it answers with what it has, and {@link Sessions} decides.
 *
 * @since 0.1.0
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { KeyedHash } from "./KeyedHash.ts"
import type { AuthenticationMethod, Session, SessionId, SessionProof, SessionWithUser } from "./Session.ts"
import type { StoreError } from "./StoreError.ts"
import type { UserId } from "./User.ts"

/**
 * A session with its user, and the hash under which the token was found.
 *
 * @category models
 * @since 0.1.0
 */
export interface StoredSession extends SessionWithUser {
  readonly tokenHash: KeyedHash
}

/**
 * Where sessions are kept.
 *
 * @category ports
 * @since 0.1.0
 */
export class SessionStore extends Context.Service<
  SessionStore,
  {
    /** Keeps a new session, and what was proved in it: of several proofs of a factor the last. The user must exist. */
    readonly insert: (
      session: Session,
      tokenHash: KeyedHash,
      proofs?: ReadonlyArray<SessionProof>,
    ) => Effect.Effect<void, StoreError>
    /** The session whose token has one of these hashes, expired or not, with its user. One statement. */
    readonly findByTokenHash: (
      hashes: NonEmptyReadonlyArray<KeyedHash>,
    ) => Effect.Effect<Option.Option<StoredSession>, StoreError>
    /**
     * Writes `next.lastSeenAt` and `next.expiresAt` if the row still has those of `seen`. Of any number of concurrent
     * calls with the same `seen`, exactly one answers true.
     */
    readonly touch: (seen: Session, next: Session) => Effect.Effect<boolean, StoreError>
    /** Replaces the hash `from` by `to`, after the key ring rotated. True if this call did it. */
    readonly rehash: (id: SessionId, from: KeyedHash, to: KeyedHash) => Effect.Effect<boolean, StoreError>
    /**
     * Gives a live session a new token, and the given `amr`, `acr` and `authTime`: the old token is dead from then on.
     * Each of `proofs` replaces the one of its factor; those of other factors stay as they are. None when the session
     * is gone or was over at `now`.
     */
    readonly rotate: (options: {
      readonly id: SessionId
      readonly tokenHash: KeyedHash
      readonly amr: ReadonlyArray<AuthenticationMethod>
      readonly acr: Session["acr"]
      readonly authTime: DateTime.Utc
      readonly proofs?: ReadonlyArray<SessionProof>
      readonly now: DateTime.Utc
    }) => Effect.Effect<Option.Option<Session>, StoreError>
    /** What was proved in a session after `since`, by time, then by factor. Empty when there is no such session. */
    readonly listProofs: (id: SessionId, since: DateTime.Utc) => Effect.Effect<ReadonlyArray<SessionProof>, StoreError>
    /** The sessions of a user that are not over at `now`, newest first. */
    readonly listByUser: (userId: UserId, now: DateTime.Utc) => Effect.Effect<ReadonlyArray<Session>, StoreError>
    /** Removes one session of this user; none when the user has no such session. */
    readonly remove: (userId: UserId, id: SessionId) => Effect.Effect<Option.Option<Session>, StoreError>
    /** Removes every session of the user but `except`, and returns the ids of those removed. */
    readonly removeByUser: (
      userId: UserId,
      except: Option.Option<SessionId>,
    ) => Effect.Effect<ReadonlyArray<SessionId>, StoreError>
    /** Removes at most `limit` sessions that were over at `now`; the number removed. */
    readonly removeExpired: (now: DateTime.Utc, limit: number) => Effect.Effect<number, StoreError>
  }
>()("@belfry/core/SessionStore") {}
