/**
 * Port: where passkeys are kept.
 *
 * @since 0.1.0
 */
import type { StoreError } from "@belfry/core/StoreError"
import type { UserId } from "@belfry/core/User"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { PasskeyId, StoredPasskey } from "./Passkey.ts"

/**
 * Where passkeys are kept. They go when their user goes.
 *
 * @category ports
 * @since 0.1.0
 */
export class PasskeyStore extends Context.Service<
  PasskeyStore,
  {
    /**
     * Keeps a new passkey; false, and nothing changes, when its credential id is known already. The user must exist.
     */
    readonly insert: (passkey: StoredPasskey) => Effect.Effect<boolean, StoreError>
    readonly findByCredentialId: (credentialId: string) => Effect.Effect<Option.Option<StoredPasskey>, StoreError>
    /** The passkeys of a user, the oldest first. */
    readonly listByUser: (userId: UserId) => Effect.Effect<ReadonlyArray<StoredPasskey>, StoreError>
    /**
     * Writes down a use: the new counter, whether it is backed up, the time. Only if the counter grew, or was and is 0:
     * of any number of concurrent calls with one counter above 0, one answers true.
     */
    readonly claimUse: (options: {
      readonly id: PasskeyId
      readonly signCount: number
      readonly isBackedUp: boolean
      readonly now: DateTime.Utc
    }) => Effect.Effect<boolean, StoreError>
    /** Renames a passkey of this user; none when the user has no such passkey. */
    readonly rename: (
      userId: UserId,
      id: PasskeyId,
      name: string,
    ) => Effect.Effect<Option.Option<StoredPasskey>, StoreError>
    /** Removes a passkey of this user; none when the user has no such passkey. */
    readonly remove: (userId: UserId, id: PasskeyId) => Effect.Effect<Option.Option<StoredPasskey>, StoreError>
  }
>()("@belfry/factors/PasskeyStore") {}
