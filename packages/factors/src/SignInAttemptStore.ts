/**
 * Port: where sign-in attempts are kept, by keyed hash of their token.
 *
 * @since 0.1.0
 */
import type { KeyedHash, Sealed } from "@belfry/core/KeyedHash"
import type { StoreError } from "@belfry/core/StoreError"
import type { UserId } from "@belfry/core/User"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { Proof, SignInAttempt } from "./SignInAttempt.ts"

/**
 * An attempt as it rests: what it takes along is sealed for its id, or null where it takes nothing along.
 *
 * @category models
 * @since 0.1.0
 */
export interface RestingAttempt extends Omit<SignInAttempt, "context"> {
  readonly context: Sealed | null
}

/**
 * An attempt with the hash under which its token was found.
 *
 * @category models
 * @since 0.1.0
 */
export interface StoredAttempt {
  readonly attempt: RestingAttempt
  readonly tokenHash: KeyedHash
}

/**
 * Where sign-in attempts are kept. They go when their user or the session that they make fresh goes.
 *
 * @category ports
 * @since 0.1.0
 */
export class SignInAttemptStore extends Context.Service<
  SignInAttemptStore,
  {
    readonly insert: (attempt: RestingAttempt, tokenHash: KeyedHash) => Effect.Effect<void, StoreError>
    /** The attempt whose token has one of these hashes; none when it was over at `now`. */
    readonly find: (
      hashes: NonEmptyReadonlyArray<KeyedHash>,
      now: DateTime.Utc,
    ) => Effect.Effect<Option.Option<StoredAttempt>, StoreError>
    /**
     * Counts a try before it is looked at: adds one to `tries` if they are below `maxTries`, and returns the attempt
     * with the new count. However many are submitted at once, no more than `maxTries` are counted.
     */
    readonly claimTry: (options: {
      readonly tokenHash: KeyedHash
      readonly maxTries: number
      readonly now: DateTime.Utc
    }) => Effect.Effect<Option.Option<RestingAttempt>, StoreError>
    /**
     * Moves an attempt one step: sets the user, the proofs and the context, replaces the token, and gives one try back
     * (never below 0). Of any number of concurrent calls with the same `from`, one gets it. None also when it was over
     * at `now`, or another user's.
     */
    readonly advance: (options: {
      readonly from: KeyedHash
      readonly to: KeyedHash
      readonly userId: UserId
      readonly proofs: ReadonlyArray<Proof>
      readonly context: Sealed | null
      readonly now: DateTime.Utc
    }) => Effect.Effect<Option.Option<RestingAttempt>, StoreError>
    /** Takes an attempt that is complete: of any number of concurrent calls, one gets it. None when over at `now`. */
    readonly complete: (
      tokenHash: KeyedHash,
      now: DateTime.Utc,
    ) => Effect.Effect<Option.Option<RestingAttempt>, StoreError>
    /** Removes an attempt, if there is one. */
    readonly remove: (hashes: NonEmptyReadonlyArray<KeyedHash>) => Effect.Effect<boolean, StoreError>
    /** Removes every attempt of a user; the number removed. */
    readonly removeByUser: (userId: UserId) => Effect.Effect<number, StoreError>
    /** Removes at most `limit` attempts that were over at `now`; the number removed. */
    readonly removeExpired: (now: DateTime.Utc, limit: number) => Effect.Effect<number, StoreError>
  }
>()("@belfry/factors/SignInAttemptStore") {}
