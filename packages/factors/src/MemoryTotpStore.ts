/**
 * TOTP secrets in memory.
 *
 * @since 0.1.0
 */
import type { MemoryTables } from "@belfry/core/MemoryTables"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as MemoryOneTimePasswords from "./internal/memoryOneTimePasswords.ts"
import { MemoryFactorTables } from "./MemoryFactorTables.ts"
import type { Totp } from "./OneTimePassword.ts"
import { TotpStore } from "./TotpStore.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const { totps } = yield* MemoryFactorTables
  const store = yield* MemoryOneTimePasswords.make("TotpStore", totps)
  const take = (step: number) => (totp: Totp) =>
    totp.lastStep === null || totp.lastStep < step ? { ...totp, lastStep: step } : undefined

  return TotpStore.of({
    ...store,
    confirm: ({ step, ...claim }) => store.confirm(claim, take(step)),
    claimStep: ({ step, ...claim }) => store.claim(claim, take(step)),
  })
})

/**
 * Layer that keeps TOTP secrets in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<TotpStore, never, MemoryFactorTables | MemoryTables> = Layer.effect(TotpStore, make)
