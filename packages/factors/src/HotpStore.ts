/**
 * Port: where HOTP secrets and counters are kept, at most one a user.
 *
 * @since 0.1.0
 */
import type { Sealed } from "@belfry/core/KeyedHash"
import type { StoreError } from "@belfry/core/StoreError"
import type { UserId } from "@belfry/core/User"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { Hotp } from "./OneTimePassword.ts"

/**
 * Where HOTP secrets and counters are kept. They go when their user goes.
 *
 * @category ports
 * @since 0.1.0
 */
export class HotpStore extends Context.Service<
  HotpStore,
  {
    /** The user's HOTP, confirmed or not. */
    readonly find: (userId: UserId) => Effect.Effect<Option.Option<Hotp>, StoreError>
    /** Keeps an unconfirmed HOTP in place of an unconfirmed one; false, and nothing changes, beside a confirmed one. */
    readonly begin: (hotp: Hotp) => Effect.Effect<boolean, StoreError>
    /** Confirms the HOTP that has this very sealed secret, by the code of `counter`, which is used up. */
    readonly confirm: (options: {
      readonly userId: UserId
      readonly secret: Sealed
      readonly counter: number
      readonly now: DateTime.Utc
    }) => Effect.Effect<boolean, StoreError>
    /**
     * Uses up `counter` of a confirmed HOTP and all before it: the next one is `counter + 1`. Of any number of
     * concurrent calls with one counter, one answers true.
     */
    readonly claimCounter: (options: {
      readonly userId: UserId
      readonly secret: Sealed
      readonly counter: number
      readonly now: DateTime.Utc
    }) => Effect.Effect<boolean, StoreError>
    /** Seals the secret anew, after the key ring rotated: replaces `from` by `to`. True if this call did it. */
    readonly reseal: (userId: UserId, from: Sealed, to: Sealed) => Effect.Effect<boolean, StoreError>
    /** Removes the user's HOTP, confirmed or not; whether there was a confirmed one. */
    readonly remove: (userId: UserId) => Effect.Effect<boolean, StoreError>
  }
>()("@belfry/factors/HotpStore") {}
