/**
 * Transactions over tables in memory.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import { MemoryTables } from "./MemoryTables.ts"
import type { StoreError } from "./StoreError.ts"
import { TransactionStore } from "./TransactionStore.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const running = new Set<string>()

  const runExclusive = <A, E, R>(
    name: string,
    effect: Effect.Effect<A, E, R>,
  ): Effect.Effect<Option.Option<A>, E | StoreError, R> =>
    Effect.suspend(() => {
      if (running.has(name)) return Effect.succeedNone
      running.add(name)
      return Effect.ensuring(
        Effect.asSome(tables.transaction(effect)),
        Effect.sync(() => running.delete(name)),
      )
    })

  return TransactionStore.of({ run: tables.transaction, afterCommit: tables.afterCommit, runExclusive })
})

/**
 * Layer that runs transactions over tables in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<TransactionStore, never, MemoryTables> = Layer.effect(TransactionStore, make)
