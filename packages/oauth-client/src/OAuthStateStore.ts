/**
 * Port: where the states of authorization requests are kept.
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
import type { ProviderId } from "./OAuthProvider.ts"

/**
 * A state at rest: `sealed` is the whole of it, which only this installation opens.
 *
 * @category models
 * @since 0.1.0
 */
export interface OAuthStateRow {
  readonly stateHash: KeyedHash
  readonly providerId: ProviderId
  readonly userId: UserId | null
  readonly sealed: Sealed
  readonly createdAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc
}

/**
 * Where the states of authorization requests are kept.
 *
 * @category ports
 * @since 0.1.0
 */
export class OAuthStateStore extends Context.Service<
  OAuthStateStore,
  {
    readonly insert: (row: OAuthStateRow) => Effect.Effect<void, StoreError>
    /** Removes the state of one of these hashes and returns it, expired or not: of concurrent calls one gets it. */
    readonly consume: (
      hashes: NonEmptyReadonlyArray<KeyedHash>,
    ) => Effect.Effect<Option.Option<OAuthStateRow>, StoreError>
    /** Removes at most `limit` states that were over at `now`; the number removed. */
    readonly removeExpired: (now: DateTime.Utc, limit: number) => Effect.Effect<number, StoreError>
  }
>()("@belfry/oauth-client/OAuthStateStore") {}
