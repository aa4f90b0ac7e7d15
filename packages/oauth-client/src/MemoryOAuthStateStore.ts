/**
 * The states of authorization requests in memory.
 *
 * @since 0.1.0
 */
import type { KeyedHash } from "@belfry/core/KeyedHash"
import { MemoryTables } from "@belfry/core/MemoryTables"
import { refuse } from "@belfry/core/MemoryStoreError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type OAuthStateRow, OAuthStateStore } from "./OAuthStateStore.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const states = yield* tables.table<KeyedHash, OAuthStateRow>("oauth_states")
  const remove = (rows: ReadonlyArray<OAuthStateRow>): number => {
    rows.forEach(({ stateHash }) => states.delete(stateHash))
    return rows.length
  }

  yield* tables.onUserRemoved((userId) => {
    remove([...states.values()].filter((row) => row.userId === userId))
  })

  return OAuthStateStore.of({
    insert: (row) =>
      tables.statement(() => {
        if (row.userId !== null && !tables.users.has(row.userId))
          return refuse("OAuthStateStore", "insert", "the user exists")
        if (states.has(row.stateHash)) return refuse("OAuthStateStore", "insert", "unique state hash")
        states.set(row.stateHash, row)
        return Effect.void
      }),
    consume: (hashes) =>
      tables.statement(() => {
        const row = hashes.map((hash) => states.get(hash)).find((found) => found !== undefined)
        if (row === undefined) return Effect.succeedNone
        states.delete(row.stateHash)
        return Effect.succeedSome(row)
      }),
    removeExpired: (now, limit) =>
      tables.statement(() =>
        Effect.succeed(
          remove(
            [...states.values()]
              .filter(({ expiresAt }) => expiresAt.epochMilliseconds <= now.epochMilliseconds)
              .sort((a, b) => a.expiresAt.epochMilliseconds - b.expiresAt.epochMilliseconds)
              .slice(0, limit),
          ),
        ),
      ),
  })
})

/**
 * Layer that keeps states in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<OAuthStateStore, never, MemoryTables> = Layer.effect(OAuthStateStore, make)
