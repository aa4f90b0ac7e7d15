/**
 * Port: where password hashes are kept, at most one a user.
 *
 * @since 0.1.0
 */
import type { StoreError } from "@belfry/core/StoreError"
import type { Email, User, UserId } from "@belfry/core/User"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { PasswordHash } from "./Password.ts"

/**
 * A user and their password, if they have one, as both were at one moment.
 *
 * @category models
 * @since 0.1.0
 */
export interface PasswordOwner {
  readonly user: User
  readonly hash: Option.Option<PasswordHash>
}

/**
 * Where password hashes are kept. They go when their user goes.
 *
 * @category ports
 * @since 0.1.0
 */
export class PasswordStore extends Context.Service<
  PasswordStore,
  {
    readonly find: (userId: UserId) => Effect.Effect<Option.Option<PasswordHash>, StoreError>
    /** The user of an address and their password; in one step, whether or not there is either. */
    readonly findByEmail: (email: Email) => Effect.Effect<Option.Option<PasswordOwner>, StoreError>
    /** Sets the user's password, replacing the one before. The user must exist. */
    readonly set: (userId: UserId, hash: PasswordHash, now: DateTime.Utc) => Effect.Effect<void, StoreError>
    /** Replaces the hash `from` by `to` if it is still `from`; true if this call did it. */
    readonly rehash: (
      userId: UserId,
      from: PasswordHash,
      to: PasswordHash,
      now: DateTime.Utc,
    ) => Effect.Effect<boolean, StoreError>
    /**
     * True if `hash` is still the user's password. Inside a transaction no change of it commits before that ends: who
     * sets, replaces or removes it meanwhile waits.
     */
    readonly confirm: (userId: UserId, hash: PasswordHash) => Effect.Effect<boolean, StoreError>
    /** Removes the user's password; whether there was one. */
    readonly remove: (userId: UserId) => Effect.Effect<boolean, StoreError>
  }
>()("@belfry/factors/PasswordStore") {}
