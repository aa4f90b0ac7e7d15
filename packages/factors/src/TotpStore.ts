/**
 * Port: where TOTP secrets are kept, at most one a user.
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
import type { Totp } from "./OneTimePassword.ts"

/**
 * Where TOTP secrets are kept. They go when their user goes.
 *
 * @category ports
 * @since 0.1.0
 */
export class TotpStore extends Context.Service<
  TotpStore,
  {
    /** The user's TOTP, confirmed or not. */
    readonly find: (userId: UserId) => Effect.Effect<Option.Option<Totp>, StoreError>
    /** Keeps an unconfirmed TOTP in place of an unconfirmed one; false, and nothing changes, beside a confirmed one. */
    readonly begin: (totp: Totp) => Effect.Effect<boolean, StoreError>
    /**
     * Confirms the TOTP that has this very sealed secret, by the code of time step `step`, which is used up. True if
     * this call did it.
     */
    readonly confirm: (options: {
      readonly userId: UserId
      readonly secret: Sealed
      readonly step: number
      readonly now: DateTime.Utc
    }) => Effect.Effect<boolean, StoreError>
    /**
     * Uses up time step `step` of a confirmed TOTP and all before it: of any number of concurrent calls with one step,
     * one answers true. `secret` is the sealed secret by which the code was right.
     */
    readonly claimStep: (options: {
      readonly userId: UserId
      readonly secret: Sealed
      readonly step: number
      readonly now: DateTime.Utc
    }) => Effect.Effect<boolean, StoreError>
    /** Seals the secret anew, after the key ring rotated: replaces `from` by `to`. True if this call did it. */
    readonly reseal: (userId: UserId, from: Sealed, to: Sealed) => Effect.Effect<boolean, StoreError>
    /** Removes the user's TOTP, confirmed or not; whether there was a confirmed one. */
    readonly remove: (userId: UserId) => Effect.Effect<boolean, StoreError>
  }
>()("@belfry/factors/TotpStore") {}
