/**
 * Used client assertions in memory.
 *
 * @since 0.1.0
 */
import { MemoryTables } from "@belfry/core/MemoryTables"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AssertionStore } from "./AssertionStore.ts"
import { removeExpired } from "./internal/memoryExpiry.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const assertions = yield* tables.table<string, DateTime.Utc>("oauth_assertions")

  return AssertionStore.of({
    claim: (clientId, jtiHash, expiresAt) =>
      tables.statement(() => {
        // Neither part has a space in it.
        const key = `${clientId} ${jtiHash}`
        if (assertions.has(key)) return Effect.succeed(false)
        assertions.set(key, expiresAt)
        return Effect.succeed(true)
      }),
    removeExpired: (now, limit) =>
      tables.statement(() => Effect.succeed(removeExpired(assertions, (expiresAt) => expiresAt, now, limit))),
  })
})

/**
 * Layer that keeps used client assertions in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<AssertionStore, never, MemoryTables> = Layer.effect(AssertionStore, make)
