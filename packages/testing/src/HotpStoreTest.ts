/**
 * Contract suite of {@link HotpStore}.
 *
 * @since 0.1.0
 */
import type { TransactionStore } from "@belfry/core/TransactionStore"
import type { UserStore } from "@belfry/core/UserStore"
import { HotpStore } from "@belfry/factors/HotpStore"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as OneTimePasswordStoreSuite from "./internal/oneTimePasswordStoreSuite.ts"

/**
 * Registers the suite for an adapter.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<HotpStore | TransactionStore | UserStore, E>): void =>
  OneTimePasswordStoreSuite.register({
    port: "HotpStore",
    name,
    layer,
    subject: Effect.map(HotpStore, (store) => ({
      ...store,
      confirm: ({ position, ...claim }) => store.confirm({ ...claim, counter: position }),
      claim: ({ position, ...claim }) => store.claimCounter({ ...claim, counter: position }),
    })),
    build: (fields) => ({ ...fields, counter: 0 }),
    used: (hotp, position) => ({ ...hotp, counter: position + 1 }),
    other: (hotp) => ({ ...hotp, counter: 3 }),
  })
