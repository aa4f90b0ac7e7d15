/**
 * Password hashes in memory.
 *
 * @since 0.1.0
 */
import { refuse } from "@belfry/core/MemoryStoreError"
import { MemoryTables } from "@belfry/core/MemoryTables"
import type { StoreError } from "@belfry/core/StoreError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { MemoryFactorTables } from "./MemoryFactorTables.ts"
import { PasswordStore } from "./PasswordStore.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const { passwords } = yield* MemoryFactorTables

  yield* tables.onUserRemoved((userId) => {
    passwords.delete(userId)
  })

  return PasswordStore.of({
    find: (userId) => tables.statement(() => Effect.succeed(Option.fromUndefinedOr(passwords.get(userId)?.hash))),
    findByEmail: (email) =>
      tables.statement(() => {
        const user = [...tables.users.values()].find((user) => user.email === email)
        if (user === undefined) return Effect.succeedNone
        return Effect.succeedSome({ user, hash: Option.fromUndefinedOr(passwords.get(user.id)?.hash) })
      }),
    set: (userId, hash, now) =>
      tables.statement((): Effect.Effect<void, StoreError> => {
        if (!tables.users.has(userId)) return refuse("PasswordStore", "set", "the user exists")
        passwords.set(userId, { hash, createdAt: passwords.get(userId)?.createdAt ?? now })
        return Effect.void
      }),
    rehash: (userId, from, to) =>
      tables.statement(() => {
        const row = passwords.get(userId)
        if (row?.hash !== from) return Effect.succeed(false)
        passwords.set(userId, { ...row, hash: to })
        return Effect.succeed(true)
      }),
    confirm: (userId, hash) => tables.statement(() => Effect.succeed(passwords.get(userId)?.hash === hash)),
    remove: (userId) => tables.statement(() => Effect.succeed(passwords.delete(userId))),
  })
})

/**
 * Layer that keeps password hashes in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<PasswordStore, never, MemoryFactorTables | MemoryTables> = Layer.effect(
  PasswordStore,
  make,
)
