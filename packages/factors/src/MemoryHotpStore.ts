/**
 * HOTP secrets and counters in memory.
 *
 * @since 0.1.0
 */
import type { MemoryTables } from "@belfry/core/MemoryTables"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { HotpStore } from "./HotpStore.ts"
import * as MemoryOneTimePasswords from "./internal/memoryOneTimePasswords.ts"
import { MemoryFactorTables } from "./MemoryFactorTables.ts"
import type { Hotp } from "./OneTimePassword.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const { hotps } = yield* MemoryFactorTables
  const store = yield* MemoryOneTimePasswords.make("HotpStore", hotps)
  const take = (counter: number) => (hotp: Hotp) =>
    hotp.counter <= counter ? { ...hotp, counter: counter + 1 } : undefined

  return HotpStore.of({
    ...store,
    confirm: ({ counter, ...claim }) => store.confirm(claim, take(counter)),
    claimCounter: ({ counter, ...claim }) => store.claim(claim, take(counter)),
  })
})

/**
 * Layer that keeps HOTP secrets and counters in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<HotpStore, never, MemoryFactorTables | MemoryTables> = Layer.effect(HotpStore, make)
