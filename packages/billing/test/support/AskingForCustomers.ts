/**
 * Customers, over a provider that has customers and nothing else.
 */
import * as BillingHooks from "@belfry/billing/BillingHooks"
import * as BillingSettings from "@belfry/billing/BillingSettings"
import * as Customers from "@belfry/billing/Customers"
import * as MemoryBillingStores from "@belfry/billing/MemoryBillingStores"
import type { Payer } from "@belfry/billing/Payer"
import { Audit } from "@belfry/core/Audit"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import * as TestServices from "@belfry/testing/TestServices"
import { Effect, Layer, Option } from "effect"
import * as Shop from "./CustomerShop.ts"

/** What a test sets otherwise than it is by default. */
export interface Options {
  readonly settings?: Parameters<typeof BillingSettings.make>[0]
  readonly hooks?: Partial<BillingHooks.BillingHooksService>
}

/** The service over other layers, which have all stores and the services of core, and a provider with customers. */
export const layerOver = <A, E, R>(stores: Layer.Layer<A, E, R>, { settings, hooks }: Options = {}) =>
  Customers.layer.pipe(
    Layer.provideMerge(Shop.layer),
    Layer.provideMerge(
      Layer.mergeAll(
        Layer.succeed(BillingSettings.BillingSettings, BillingSettings.make(settings)),
        Layer.succeed(BillingHooks.BillingHooks, { ...BillingHooks.none, ...hooks }),
      ),
    ),
    Layer.provideMerge(stores),
  )

const memory = Layer.provideMerge(MemoryBillingStores.layer, TestServices.layerMemory)

/** Over memory. */
export const inMemory = (options?: Options) => Effect.provide(layerOver(memory, options))

/** Somebody with a verified address, who pays. */
export const verified = Effect.gen(function* () {
  const actor = yield* OrganizationBuilders.actor()
  return { actor, email: actor.user.email, payer: { _tag: "User", userId: actor.user.id } as const }
})

/** The customer of a payer, nobody in particular asking. */
export const ensure = (payer: Payer) => Customers.Customers.use((customers) => customers.ensure(payer, null))

/** The customer of a payer as it is written down. */
export const kept = (payer: Payer) =>
  Effect.map(
    Customers.Customers.use((customers) => customers.find(payer)),
    Option.getOrThrow,
  )

/** How the provider was asked for new customers. */
export const created = Effect.map(Shop.CustomerShop, ({ calls }) =>
  calls.filter(({ method }) => method === "createCustomer"),
)

/** How many customers the audit log tells of. */
export const told = Effect.map(
  Audit.use((audit) => audit.list({ type: "billing.customer-created", limit: 1000 })),
  (events) => events.length,
)
