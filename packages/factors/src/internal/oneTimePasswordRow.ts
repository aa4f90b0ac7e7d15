/**
 * What the models of TOTP and HOTP have in common.
 */
import type { Sealed } from "@belfry/core/KeyedHash"
import type { UserId } from "@belfry/core/User"
import type * as DateTime from "effect/DateTime"
import type { Hotp } from "../OneTimePassword.ts"

/** What a TOTP and a HOTP have in common. */
export type Row = Omit<Hotp, "counter">

/** A code is about to be used up: that of time step or counter `position`, right by the sealed `secret`. */
export interface Claim {
  readonly userId: UserId
  readonly secret: Sealed
  readonly position: number
  readonly now: DateTime.Utc
}
