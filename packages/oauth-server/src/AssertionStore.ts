/**
 * Port: which client assertions were used.
 *
 * @since 0.1.0
 */
import type { KeyedHash } from "@belfry/core/KeyedHash"
import type { StoreError } from "@belfry/core/StoreError"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type { ClientId } from "./OAuthClient.ts"

/**
 * Which client assertions were used.
 *
 * @see [RFC 7523 §3](https://www.rfc-editor.org/rfc/rfc7523.html#section-3)
 * @category ports
 * @since 0.1.0
 */
export class AssertionStore extends Context.Service<
  AssertionStore,
  {
    /** Takes the `jti` of a client's assertion; false when it was taken before. Of concurrent calls one gets true. */
    readonly claim: (
      clientId: ClientId,
      jtiHash: KeyedHash,
      expiresAt: DateTime.Utc,
    ) => Effect.Effect<boolean, StoreError>
    readonly removeExpired: (now: DateTime.Utc, limit: number) => Effect.Effect<number, StoreError>
  }
>()("@belfry/oauth-server/AssertionStore") {}
