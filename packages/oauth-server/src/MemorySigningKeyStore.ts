/**
 * Signing keys in memory.
 *
 * @since 0.1.0
 */
import { MemoryTables } from "@belfry/core/MemoryTables"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { removeExpired } from "./internal/memoryExpiry.ts"
import type { SigningKey } from "./SigningKey.ts"
import { SigningKeyStore } from "./SigningKeyStore.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const keys = yield* tables.table<string, KeyRow>("oauth_signing_keys")

  /** Youngest first; of the same instant, the one that no other has replaced. */
  const compareAge = (a: KeyRow, b: KeyRow): number =>
    b.key.createdAt.epochMilliseconds - a.key.createdAt.epochMilliseconds ||
    Number(isReplaced(a)) - Number(isReplaced(b)) ||
    (a.key.kid < b.key.kid ? 1 : -1)
  const isReplaced = ({ key }: KeyRow): boolean => [...keys.values()].some(({ replaces }) => replaces === key.kid)

  return SigningKeyStore.of({
    list: tables.statement(() => Effect.succeed([...keys.values()].sort(compareAge).map(({ key }) => key))),
    insert: (key, seen) =>
      tables.statement(() => {
        const others = [...keys.values()].filter((row) => row.key.algorithm === key.algorithm)
        const isSeenThere = seen === null ? others.length === 0 : others.some((row) => row.key.kid === seen)
        if (!isSeenThere || keys.has(key.kid) || others.some(({ replaces }) => replaces === seen)) {
          return Effect.succeed(false)
        }
        keys.set(key.kid, { key, replaces: seen })
        return Effect.succeed(true)
      }),
    retire: (algorithm, kid, expiresAt) =>
      tables.statement(() => {
        const retired = [...keys.values()].filter(
          ({ key }) =>
            key.algorithm === algorithm &&
            key.kid !== kid &&
            (key.expiresAt === null || key.expiresAt.epochMilliseconds > expiresAt.epochMilliseconds),
        )
        for (const row of retired) keys.set(row.key.kid, { ...row, key: { ...row.key, expiresAt } })
        return Effect.succeed(retired.length)
      }),
    reseal: (kid, from, to) =>
      tables.statement(() => {
        const row = keys.get(kid)
        if (row?.key.privateKey !== from) return Effect.succeed(false)
        keys.set(kid, { ...row, key: { ...row.key, privateKey: to } })
        return Effect.succeed(true)
      }),
    removeExpired: (now, limit) =>
      tables.statement(() => Effect.succeed(removeExpired(keys, ({ key }) => key.expiresAt, now, limit))),
  })
})

/**
 * Layer that keeps signing keys in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<SigningKeyStore, never, MemoryTables> = Layer.effect(SigningKeyStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface KeyRow {
  readonly key: SigningKey
  /** The key whose place it took; null for the first of its algorithm. */
  readonly replaces: string | null
}
