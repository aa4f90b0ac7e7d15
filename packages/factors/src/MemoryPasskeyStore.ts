/**
 * Passkeys in memory.
 *
 * @since 0.1.0
 */
import { MemoryTables } from "@belfry/core/MemoryTables"
import type { StoreError } from "@belfry/core/StoreError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { refuse } from "@belfry/core/MemoryStoreError"
import { MemoryFactorTables } from "./MemoryFactorTables.ts"
import type { StoredPasskey } from "./Passkey.ts"
import { PasskeyStore } from "./PasskeyStore.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const { passkeys } = yield* MemoryFactorTables
  const find = (credentialId: string): StoredPasskey | undefined =>
    [...passkeys.values()].find((passkey) => passkey.credentialId === credentialId)

  yield* tables.onUserRemoved((userId) => {
    for (const passkey of passkeys.values()) if (passkey.userId === userId) passkeys.delete(passkey.id)
  })

  return PasskeyStore.of({
    insert: (passkey) =>
      tables.statement((): Effect.Effect<boolean, StoreError> => {
        if (find(passkey.credentialId) !== undefined) return Effect.succeed(false)
        if (!tables.users.has(passkey.userId)) return violation("the user exists")
        if (passkeys.has(passkey.id)) return violation("unique id")
        passkeys.set(passkey.id, passkey)
        return Effect.succeed(true)
      }),
    findByCredentialId: (credentialId) =>
      tables.statement(() => Effect.succeed(Option.fromUndefinedOr(find(credentialId)))),
    listByUser: (userId) =>
      tables.statement(() =>
        Effect.succeed([...passkeys.values()].filter((passkey) => passkey.userId === userId).sort(oldestFirst)),
      ),
    claimUse: ({ id, signCount, isBackedUp, now }) =>
      tables.statement(() => {
        const passkey = passkeys.get(id)
        const isNext =
          passkey !== undefined && (passkey.signCount < signCount || (passkey.signCount === 0 && signCount === 0))
        if (isNext) passkeys.set(id, { ...passkey, signCount, isBackedUp, lastUsedAt: now })
        return Effect.succeed(isNext)
      }),
    rename: (userId, id, name) =>
      tables.statement(() => {
        const passkey = passkeys.get(id)
        if (passkey === undefined || passkey.userId !== userId) return Effect.succeedNone
        const renamed = { ...passkey, name }
        passkeys.set(id, renamed)
        return Effect.succeedSome(renamed)
      }),
    remove: (userId, id) =>
      tables.statement(() => {
        const passkey = passkeys.get(id)
        if (passkey === undefined || passkey.userId !== userId) return Effect.succeedNone
        passkeys.delete(id)
        return Effect.succeedSome(passkey)
      }),
  })
})

/**
 * Layer that keeps passkeys in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<PasskeyStore, never, MemoryFactorTables | MemoryTables> = Layer.effect(
  PasskeyStore,
  make,
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const violation = (constraint: string) => refuse("PasskeyStore", "insert", constraint)

const oldestFirst = (a: StoredPasskey, b: StoredPasskey): number =>
  a.createdAt.epochMilliseconds - b.createdAt.epochMilliseconds || (a.id < b.id ? -1 : 1)
