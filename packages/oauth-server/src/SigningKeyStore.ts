/**
 * Port: where signing keys are kept.
 *
 * @since 0.1.0
 */
import type { Sealed } from "@belfry/core/KeyedHash"
import type { StoreError } from "@belfry/core/StoreError"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type { SigningAlgorithm, SigningKey } from "./SigningKey.ts"

/**
 * Where signing keys are kept.
 *
 * @category ports
 * @since 0.1.0
 */
export class SigningKeyStore extends Context.Service<
  SigningKeyStore,
  {
    /** All keys, the youngest first. */
    readonly list: Effect.Effect<ReadonlyArray<SigningKey>, StoreError>
    /**
     * Keeps a new key, if the youngest of its algorithm is still the one that was seen (null: there was none). False
     * for all nodes but the first that rotate at the same time.
     */
    readonly insert: (key: SigningKey, seen: string | null) => Effect.Effect<boolean, StoreError>
    /** Lets the keys of an algorithm other than `kid` end at `expiresAt`, those that have no end yet or a later one. */
    readonly retire: (
      algorithm: SigningAlgorithm,
      kid: string,
      expiresAt: DateTime.Utc,
    ) => Effect.Effect<number, StoreError>
    /** Replaces the sealed private key, after a change of the key ring. */
    readonly reseal: (kid: string, from: Sealed, to: Sealed) => Effect.Effect<boolean, StoreError>
    readonly removeExpired: (now: DateTime.Utc, limit: number) => Effect.Effect<number, StoreError>
  }
>()("@belfry/oauth-server/SigningKeyStore") {}
