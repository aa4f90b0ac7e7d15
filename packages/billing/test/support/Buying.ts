/**
 * Buying and changing: the services over the real SDK and a local Stripe that has the prices of a few plans.
 */
import { BillingAccess } from "@belfry/billing/BillingAccess"
import * as BillingDefinition from "@belfry/billing/BillingDefinition"
import * as BillingHooks from "@belfry/billing/BillingHooks"
import * as BillingSettings from "@belfry/billing/BillingSettings"
import * as Checkouts from "@belfry/billing/Checkouts"
import * as Customers from "@belfry/billing/Customers"
import { Entitlements } from "@belfry/billing/Entitlements"
import * as Invoices from "@belfry/billing/Invoices"
import * as MemoryBillingStores from "@belfry/billing/MemoryBillingStores"
import type { OperationId } from "@belfry/billing/Operation"
import { OperationStore } from "@belfry/billing/OperationStore"
import * as PlanCatalogue from "@belfry/billing/PlanCatalogue"
import * as Plans from "@belfry/billing/Plans"
import * as Portals from "@belfry/billing/Portals"
import * as StripeBillingProvider from "@belfry/billing/StripeBillingProvider"
import * as StripeClient from "@belfry/billing/StripeClient"
import * as Subscriptions from "@belfry/billing/Subscriptions"
import { SubscriptionStore } from "@belfry/billing/SubscriptionStore"
import * as SubscriptionWork from "@belfry/billing/SubscriptionWork"
import * as Synchronizations from "@belfry/billing/Synchronizations"
import * as Upgrades from "@belfry/billing/Upgrades"
import type { Actor } from "@belfry/organization/Membership"
import { OrganizationId } from "@belfry/organization/Organization"
import * as LocalStripe from "@belfry/testing/LocalStripe"
import * as TestServices from "@belfry/testing/TestServices"
import { Duration, Effect, Layer, Option, Redacted, Schema } from "effect"
import * as Sdk from "./localStripe.ts"

/** What is sold: two plans of one item for users, one with a trial, one with seats, one with more, one beside them. */
export const definition = BillingDefinition.define({
  features: [],
  limits: ["projects"],
  plans: {
    basic: {
      title: "Basic",
      prices: { month: { lookupKey: "basic_month" }, year: { lookupKey: "basic_year" } },
      limits: { projects: 5 },
      proration: "always-invoice",
    },
    gold: { title: "Gold", prices: { month: { lookupKey: "gold_month" } }, proration: "always-invoice" },
    tried: { title: "Tried", group: "tried", prices: { month: { lookupKey: "tried_month" } }, trialDays: 14 },
    desks: { title: "Desks", prices: { month: { lookupKey: "desk_month" } }, seats: { minimum: 2 } },
    bundle: {
      title: "Bundle",
      prices: { month: { lookupKey: "bundle_month" } },
      items: [{ prices: { month: { lookupKey: "extra_month" } } }],
      proration: "always-invoice",
    },
    team: {
      title: "Team",
      audience: ["organization"],
      prices: { month: { lookupKey: "team_month" } },
      seats: { prices: { month: { lookupKey: "seat_month" } } },
    },
    storage: { title: "Storage", group: "storage", prices: { month: { lookupKey: "storage_month" } } },
  },
})

const prices = [
  ["basic_month", 500, "month"],
  ["basic_year", 5000, "year"],
  ["gold_month", 1500, "month"],
  ["tried_month", 700, "month"],
  ["desk_month", 300, "month"],
  ["bundle_month", 1900, "month"],
  ["extra_month", 100, "month"],
  ["team_month", 2000, "month"],
  ["seat_month", 800, "month"],
  ["storage_month", 250, "month"],
] as const

/** What a test sets otherwise than it is by default. */
export interface Options {
  readonly settings?: Parameters<typeof BillingSettings.make>[0]
  readonly hooks?: Partial<BillingHooks.BillingHooksService>
}

/** A local Stripe with the prices, and the adapter on it. */
export const layerStripe = StripeBillingProvider.layer.pipe(
  Layer.provideMerge(
    Layer.effect(
      StripeClient.StripeClient,
      Effect.gen(function* () {
        const local = yield* LocalStripe.LocalStripe
        const stripe = Sdk.sdkOf(local)
        yield* Effect.forEach(prices, ([key, amount, interval]) => Sdk.priceOf(stripe, key, amount, interval))
        return StripeClient.make({
          secretKey: Redacted.make(local.secretKey),
          webhookSecrets: [Redacted.make(local.webhookSecret)],
          apiUrl: local.url,
          retryBase: Duration.zero,
          timeout: Duration.seconds(5),
        })
      }),
    ),
  ),
  Layer.provideMerge(LocalStripe.layer()),
)

const isOrganizationId = Schema.is(OrganizationId)

/** Everybody may do everything for themselves and for every organization. */
const layerAccess = Layer.succeed(BillingAccess, {
  require: (actor, ref) =>
    Effect.succeed(
      ref._tag === "Organization" && isOrganizationId(ref.organization)
        ? { _tag: "Organization" as const, organizationId: ref.organization }
        : { _tag: "User" as const, userId: actor.user.id },
    ),
  requireFor: () => Effect.void,
})

/** The services over other layers, which have all stores and the services of core. */
export const layerOver = <A, E, R>(stores: Layer.Layer<A, E, R>, { settings, hooks }: Options = {}) =>
  Layer.mergeAll(Upgrades.layer, Subscriptions.layer, Portals.layer, Checkouts.layer, Invoices.layer).pipe(
    Layer.provideMerge(SubscriptionWork.layer),
    Layer.provideMerge(Synchronizations.layer),
    Layer.provideMerge(Layer.merge(Plans.layer, Customers.layer)),
    Layer.provideMerge(
      Layer.mergeAll(
        layerStripe,
        layerAccess,
        Layer.mock(Entitlements, {}),
        PlanCatalogue.layer(definition),
        Layer.succeed(BillingSettings.BillingSettings, BillingSettings.make({ limitsRates: false, ...settings })),
        Layer.succeed(BillingHooks.BillingHooks, { ...BillingHooks.none, ...hooks }),
      ),
    ),
    Layer.provideMerge(stores),
  )

/** The services over memory. */
export const layer = (options: Options = {}) =>
  layerOver(Layer.provideMerge(MemoryBillingStores.layer, TestServices.layerMemory), options)

/** A wish, as forms make them; what a test is about differs. */
export const wish = (fields: Partial<Upgrades.Wanted> & Pick<Upgrades.Wanted, "plan">): Upgrades.Wanted => ({
  payer: { _tag: "Self" },
  interval: "month",
  seats: null,
  when: "now",
  confirm: "service",
  subscriptionId: null,
  successUrl: "/billing",
  cancelUrl: "/billing/plans",
  returnUrl: null,
  locale: null,
  metadata: {},
  ...fields,
})

export const upgrade = (actor: Actor, wanted: Partial<Upgrades.Wanted> & Pick<Upgrades.Wanted, "plan">) =>
  Upgrades.Upgrades.use((upgrades) => upgrades.upgrade(actor, wish(wanted)))

/** Pays a checkout as its page does, and looks at it. */
export const pay = Effect.fnUntraced(function* (checkoutId: OperationId | null, card?: string) {
  const operations = yield* OperationStore
  const local = yield* LocalStripe.LocalStripe
  const operation = checkoutId === null ? Option.none() : yield* operations.find(checkoutId)
  const checkout = Option.getOrThrow(operation).checkoutId ?? ""
  yield* local.pay(checkout, card)
  return checkout
})

/** Subscribes somebody to a plan, by its checkout; the subscription as it is here then. */
export const subscribe = Effect.fnUntraced(function* (
  actor: Actor,
  wanted: Partial<Upgrades.Wanted> & Pick<Upgrades.Wanted, "plan">,
  card?: string,
) {
  const { checkoutId } = yield* upgrade(actor, wanted)
  yield* pay(checkoutId, card)
  const view = yield* Checkouts.Checkouts.use((checkouts) => checkouts.get(actor, checkoutId ?? ""))
  return Option.getOrThrow(Option.fromNullOr(view.subscription))
})

/** The subscriptions that somebody has here, newest first. */
export const subscriptionsOf = (actor: Actor) =>
  SubscriptionStore.use((store) => store.listByPayer({ _tag: "User", userId: actor.user.id }))

/** What Stripe was asked to do since `from`: its calls that are no reads, by method and path without ids. */
export const writes = (local: LocalStripe.LocalStripe["Service"], from: number): ReadonlyArray<string> =>
  local.calls
    .slice(from)
    .filter(({ method }) => method !== "GET")
    .map(({ method, path }) => `${method} ${path.replaceAll(/\/(?:sub|cs_test|sub_sched|cus|in)_\w+/gu, "/:id")}`)
