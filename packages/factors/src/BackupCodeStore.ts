/**
 * Port: where backup codes are kept, by keyed hash.
 *
 * @since 0.1.0
 */
import type { KeyedHash } from "@belfry/core/KeyedHash"
import type { StoreError } from "@belfry/core/StoreError"
import type { UserId } from "@belfry/core/User"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"

/**
 * Where backup codes are kept. They go when their user goes.
 *
 * @category ports
 * @since 0.1.0
 */
export class BackupCodeStore extends Context.Service<
  BackupCodeStore,
  {
    /** Keeps these codes in place of all that the user had, used or not. All or nothing. */
    readonly replace: (
      userId: UserId,
      hashes: NonEmptyReadonlyArray<KeyedHash>,
      now: DateTime.Utc,
    ) => Effect.Effect<void, StoreError>
    /** Uses up the unused code that has one of these hashes: of any number of concurrent calls, one answers true. */
    readonly consume: (
      userId: UserId,
      hashes: NonEmptyReadonlyArray<KeyedHash>,
      now: DateTime.Utc,
    ) => Effect.Effect<boolean, StoreError>
    /** Tells whether one of these hashes is that of a code of the user that was used. For the audit log. */
    readonly isUsed: (userId: UserId, hashes: NonEmptyReadonlyArray<KeyedHash>) => Effect.Effect<boolean, StoreError>
    /** How many codes of the user are unused. */
    readonly remaining: (userId: UserId) => Effect.Effect<number, StoreError>
    /** Removes all codes of the user; whether any was unused. */
    readonly remove: (userId: UserId) => Effect.Effect<boolean, StoreError>
  }
>()("@belfry/factors/BackupCodeStore") {}
