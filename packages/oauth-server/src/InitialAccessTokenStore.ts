/**
 * Port: where initial access tokens are kept, which let their holder register clients.
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
import type * as Option from "effect/Option"

/**
 * An initial access token at rest. `uses` are left; null for any number.
 *
 * @see [RFC 7591 §1.2](https://www.rfc-editor.org/rfc/rfc7591.html#section-1.2)
 * @category models
 * @since 0.1.0
 */
export interface InitialAccessToken {
  readonly id: string
  readonly hash: KeyedHash
  readonly userId: UserId | null
  readonly uses: number | null
  readonly createdAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc
}

/**
 * Where initial access tokens are kept.
 *
 * @category ports
 * @since 0.1.0
 */
export class InitialAccessTokenStore extends Context.Service<
  InitialAccessTokenStore,
  {
    readonly insert: (token: InitialAccessToken) => Effect.Effect<void, StoreError>
    /** Takes one use; none when there is no such token, none is left, or it is over at `now`. */
    readonly use: (
      hashes: NonEmptyReadonlyArray<KeyedHash>,
      now: DateTime.Utc,
    ) => Effect.Effect<Option.Option<InitialAccessToken>, StoreError>
    readonly remove: (id: string) => Effect.Effect<boolean, StoreError>
    readonly removeExpired: (now: DateTime.Utc, limit: number) => Effect.Effect<number, StoreError>
  }
>()("@belfry/oauth-server/InitialAccessTokenStore") {}
