/**
 * What entitlements are computed from, in memory.
 *
 * @since 0.1.0
 */
import { refuse } from "@belfry/core/MemoryStoreError"
import { MemoryTables } from "@belfry/core/MemoryTables"
import { MemoryOrganizationTables } from "@belfry/organization/MemoryOrganizationTables"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { EntitlementStore } from "./EntitlementStore.ts"
import { factsOf, payerKey } from "./internal/memoryPayers.ts"
import { MemoryBillingTables } from "./MemoryBillingTables.ts"
import { isEnded } from "./Subscription.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const organizationTables = yield* MemoryOrganizationTables
  const { customerOf, overrides, subscriptions } = yield* MemoryBillingTables

  return EntitlementStore.of({
    facts: (payer) =>
      tables.statement(() => {
        const customerId = customerOf(payer)?.id
        const of = [...subscriptions.values()].filter(({ subscription }) => subscription.customerId === customerId)
        return Effect.succeed({
          subscriptions: of
            .map(({ subscription: { id, state } }) => ({ id, plan: state.plan, status: state.status }))
            .filter(({ status }) => !isEnded(status))
            .sort((a, b) => (a.id < b.id ? -1 : 1))
            .map(({ plan, status }) => ({ plan, status })),
          override: overrides.get(payerKey(payer)) ?? null,
        })
      }),
    setOverride: (payer, override) =>
      tables.statement(() => {
        const before = overrides.get(payerKey(payer)) ?? null
        if (override === null) overrides.delete(payerKey(payer))
        else if (factsOf(payer, tables, organizationTables) === undefined)
          return refuse("EntitlementStore", "setOverride", "the payer exists")
        else overrides.set(payerKey(payer), override)
        return Effect.succeed(before)
      }),
  })
})

/**
 * Layer that keeps in memory what entitlements are computed from.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<
  EntitlementStore,
  never,
  MemoryBillingTables | MemoryOrganizationTables | MemoryTables
> = Layer.effect(EntitlementStore, make)
