/**
 * Initial access tokens in memory.
 *
 * @since 0.1.0
 */
import { MemoryTables } from "@belfry/core/MemoryTables"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type InitialAccessToken, InitialAccessTokenStore } from "./InitialAccessTokenStore.ts"
import { removeExpired } from "./internal/memoryExpiry.ts"
import { refuse } from "@belfry/core/MemoryStoreError"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const tokens = yield* tables.table<string, InitialAccessToken>("oauth_initial_access_tokens")

  yield* tables.onUserRemoved((userId) => {
    for (const [id, token] of tokens) if (token.userId === userId) tokens.delete(id)
  })

  return InitialAccessTokenStore.of({
    insert: (token) =>
      tables.statement(() => {
        if (token.userId !== null && !tables.users.has(token.userId)) return refuseRow("the user exists")
        if (tokens.has(token.id)) return refuseRow("unique id")
        if ([...tokens.values()].some(({ hash }) => hash === token.hash)) return refuseRow("unique token hash")
        if (token.uses !== null && token.uses < 0) return refuseRow("no use too many")
        tokens.set(token.id, token)
        return Effect.void
      }),
    use: (hashes, now) =>
      tables.statement(() => {
        const token = [...tokens.values()].find(({ hash }) => hashes.includes(hash))
        if (token === undefined || token.uses === 0 || token.expiresAt.epochMilliseconds <= now.epochMilliseconds) {
          return Effect.succeedNone
        }
        const used = { ...token, uses: token.uses === null ? null : token.uses - 1 }
        tokens.set(token.id, used)
        return Effect.succeedSome(used)
      }),
    remove: (id) => tables.statement(() => Effect.succeed(tokens.delete(id))),
    removeExpired: (now, limit) =>
      tables.statement(() => Effect.succeed(removeExpired(tokens, ({ expiresAt }) => expiresAt, now, limit))),
  })
})

/**
 * Layer that keeps initial access tokens in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<InitialAccessTokenStore, never, MemoryTables> = Layer.effect(
  InitialAccessTokenStore,
  make,
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const refuseRow = (constraint: string) => refuse("InitialAccessTokenStore", "insert", constraint)
