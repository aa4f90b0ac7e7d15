/**
 * Contract suite of {@link TotpStore}.
 *
 * @since 0.1.0
 */
import type { TransactionStore } from "@belfry/core/TransactionStore"
import type { UserStore } from "@belfry/core/UserStore"
import type { Totp } from "@belfry/factors/OneTimePassword"
import { TotpStore } from "@belfry/factors/TotpStore"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as OneTimePasswordStoreSuite from "./internal/oneTimePasswordStoreSuite.ts"

/**
 * Registers the suite for an adapter.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<TotpStore | TransactionStore | UserStore, E>): void =>
  OneTimePasswordStoreSuite.register({
    port: "TotpStore",
    name,
    layer,
    subject: Effect.map(TotpStore, (store) => ({
      ...store,
      confirm: ({ position, ...claim }) => store.confirm({ ...claim, step: position }),
      claim: ({ position, ...claim }) => store.claimStep({ ...claim, step: position }),
    })),
    build: (fields): Totp => ({ ...fields, algorithm: "SHA1", period: 30, lastStep: null }),
    used: (totp, position): Totp => ({ ...totp, lastStep: position }),
    other: (totp): Totp => ({ ...totp, algorithm: "SHA512", period: 60 }),
  })
