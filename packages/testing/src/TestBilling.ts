/**
 * Billing, wired for tests: the real services over memory or a test database, the real SDK on a local Stripe in the
 * process, and something to sell.
 *
 * @since 0.1.0
 */
import * as BillingDefinition from "@belfry/billing/BillingDefinition"
import * as BillingGuards from "@belfry/billing/BillingGuards"
import * as BillingHookRuns from "@belfry/billing/BillingHookRuns"
import * as BillingHooks from "@belfry/billing/BillingHooks"
import * as BillingServices from "@belfry/billing/BillingServices"
import * as BillingSettings from "@belfry/billing/BillingSettings"
import * as BillingSubscribers from "@belfry/billing/BillingSubscribers"
import { Checkouts } from "@belfry/billing/Checkouts"
import * as EntitlementLimits from "@belfry/billing/EntitlementLimits"
import * as MemoryBillingStores from "@belfry/billing/MemoryBillingStores"
import * as PlanCatalogue from "@belfry/billing/PlanCatalogue"
import * as SqlBillingStores from "@belfry/billing/SqlBillingStores"
import * as StripeBillingProvider from "@belfry/billing/StripeBillingProvider"
import * as StripeClient from "@belfry/billing/StripeClient"
import { SubscriptionWork } from "@belfry/billing/SubscriptionWork"
import * as Upgrades from "@belfry/billing/Upgrades"
import { WebhookInbox } from "@belfry/billing/WebhookInbox"
import { unknownClient } from "@belfry/core/AuditEvent"
import * as OutboxDeliveries from "@belfry/core/OutboxDeliveries"
import type { AccessRules } from "@belfry/organization/AccessDefinition"
import * as AccessModel from "@belfry/organization/AccessModel"
import type { Actor } from "@belfry/organization/Membership"
import * as OrganizationHooks from "@belfry/organization/OrganizationHooks"
import * as OrganizationServices from "@belfry/organization/OrganizationServices"
import * as OrganizationSettings from "@belfry/organization/OrganizationSettings"
import * as OrganizationUserRemovals from "@belfry/server/OrganizationUserRemovals"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as SqlClient from "effect/sql/SqlClient"
import * as LocalStripe from "./LocalStripe.ts"
import * as TestAccess from "./TestAccess.ts"
import * as TestServices from "./TestServices.ts"

/**
 * What is sold: a plan for users with a trial, one for organizations with seats beside its price, one for teams whose
 * price is that of a seat, room in a group of its own, and something that is measured.
 *
 * @category rules
 * @since 0.1.0
 */
export const definition = BillingDefinition.define({
  features: ["export", "sso"],
  limits: ["members", "projects"],
  base: { features: [], limits: { members: 3, projects: 1 } },
  plans: {
    pro: {
      title: "Pro",
      prices: { month: { lookupKey: "pro_month" }, year: { lookupKey: "pro_year" } },
      features: ["export"],
      limits: { projects: 10 },
      trialDays: 14,
    },
    team: {
      title: "Team",
      audience: ["organization"],
      prices: { month: { lookupKey: "team_month" } },
      seats: { prices: { month: { lookupKey: "seat_month" } } },
      features: ["sso"],
      limits: { members: 50, projects: null },
    },
    squad: {
      title: "Squad",
      audience: ["team"],
      prices: { month: { lookupKey: "squad_month" } },
      seats: {},
      features: ["export"],
    },
    storage: {
      title: "Storage",
      group: "storage",
      audience: ["user", "organization", "team"],
      prices: { month: { lookupKey: "storage_month" } },
    },
    usage: { title: "Usage", group: "usage", prices: { month: { lookupKey: "usage_month" } } },
  },
  organizationLimits: { members: "members" },
})

/**
 * What a test sets otherwise than it is by default. Rate limits do not count unless the settings say so.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly access?: { readonly rules: AccessRules }
  readonly rules?: BillingDefinition.BillingRules
  readonly settings?: Parameters<typeof BillingSettings.make>[0]
  readonly hooks?: Partial<BillingHooks.BillingHooksService>
  readonly organizationSettings?: Parameters<typeof OrganizationSettings.make>[0]
  readonly organizationHooks?: Partial<OrganizationHooks.OrganizationHooksService>
}

/**
 * Layer of a local Stripe under the test's clock that has the prices of {@link definition}, and of the adapter on it.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerProvider = StripeBillingProvider.layer.pipe(
  Layer.provideMerge(
    Layer.effect(
      StripeClient.StripeClient,
      Effect.gen(function* () {
        const local = yield* LocalStripe.LocalStripe
        const client = StripeClient.make({
          secretKey: Redacted.make(local.secretKey),
          webhookSecrets: [Redacted.make(local.webhookSecret)],
          apiUrl: local.url,
          retryBase: Duration.zero,
          timeout: Duration.seconds(5),
        })
        yield* Effect.forEach(prices, (price) =>
          Effect.orDie(client.write("createPrice", (stripe) => stripe.prices.create(price))),
        )
        return client
      }),
    ),
  ),
  Layer.provideMerge(LocalStripe.layer()),
)

/**
 * Layer with billing and organizations over other layers, which have all stores and the services of core.
 *
 * **Details**
 *
 * Webhooks come to the inbox, and are held until {@link settle}, as the outbox and the worker are.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerOver = <A, E, R>(stores: Layer.Layer<A, E, R>, options: Options = {}) =>
  Layer.mergeAll(
    BillingGuards.layerUsers,
    BillingSubscribers.layer,
    BillingHookRuns.layer,
    OutboxDeliveries.layer(),
    layerWebhooks,
  ).pipe(
    Layer.provideMerge(BillingServices.layer),
    Layer.provideMerge(OrganizationUserRemovals.layer),
    Layer.provideMerge(OrganizationServices.layerWithTeams),
    Layer.provideMerge(AccessModel.layer(options.access ?? TestAccess.access)),
    Layer.provideMerge(Layer.merge(BillingGuards.layerOrganizations, EntitlementLimits.layer)),
    Layer.provideMerge(
      Layer.merge(
        Layer.succeed(
          OrganizationSettings.OrganizationSettings,
          OrganizationSettings.make({ limitsRates: false, ...options.organizationSettings }),
        ),
        Layer.succeed(OrganizationHooks.OrganizationHooks, { ...OrganizationHooks.none, ...options.organizationHooks }),
      ),
    ),
    Layer.provideMerge(BillingServices.layerEntitlements),
    Layer.provideMerge(
      Layer.mergeAll(
        layerProvider,
        PlanCatalogue.layer({ rules: options.rules ?? definition.rules }),
        Layer.succeed(
          BillingSettings.BillingSettings,
          BillingSettings.make({ limitsRates: false, ...options.settings }),
        ),
        Layer.succeed(BillingHooks.BillingHooks, { ...BillingHooks.none, ...options.hooks }),
      ),
    ),
    Layer.provideMerge(stores),
  )

/**
 * Layer with everything over memory.
 *
 * **Example** (A subscription)
 *
 * ```ts
 * it.effect("gives what its plan has", () =>
 *   Effect.gen(function* () {
 *     const actor = yield* OrganizationBuilders.actor()
 *     yield* TestBilling.subscribe(actor, { plan: "pro" })
 *     const payer = { _tag: "User", userId: actor.user.id } as const
 *     assert.isTrue(yield* Entitlements.use(({ has }) => has(payer, TestBilling.definition.feature("export"))))
 *   }).pipe(Effect.provide(TestBilling.layerMemory())))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory = (options: Options = {}) =>
  layerOver(Layer.provideMerge(MemoryBillingStores.layer, TestServices.layerMemory), options)

/**
 * Layer with everything over a database that has the migrations of `core`, `organization` and `billing`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerSql = <E>(database: Layer.Layer<SqlClient.SqlClient, E>, options: Options = {}) =>
  layerOver(Layer.provideMerge(SqlBillingStores.layer, TestServices.layerSql(database)), options)

/**
 * A wish as forms make it: by the month, for oneself, now, without the portal. What a test is about differs.
 *
 * @category builders
 * @since 0.1.0
 */
export const wish = (fields: Partial<Upgrades.Wanted> & Pick<Upgrades.Wanted, "plan">): Upgrades.Wanted => ({
  payer: { _tag: "Self" },
  interval: "month",
  seats: null,
  when: "now",
  confirm: "service",
  subscriptionId: null,
  successUrl: "/billing",
  cancelUrl: "/billing",
  returnUrl: null,
  locale: null,
  metadata: {},
  ...fields,
})

/**
 * Subscribes somebody to a plan through its checkout, which a card pays; the subscription as it is here then.
 *
 * @category operations
 * @since 0.1.0
 */
export const subscribe = Effect.fnUntraced(function* (actor: Actor, wanted: Parameters<typeof wish>[0], card?: string) {
  const upgrades = yield* Upgrades.Upgrades
  const checkouts = yield* Checkouts
  const local = yield* LocalStripe.LocalStripe
  const { checkoutId, url } = yield* upgrades.upgrade(actor, wish(wanted))
  yield* local.pay(url, card)
  const { subscription } = yield* checkouts.get(actor, checkoutId ?? "")
  return subscription ?? (yield* Effect.die(new Error(`There is no subscription to ${wanted.plan}`)))
})

/**
 * Delivers webhooks and the events of the outbox, and has the worker see to subscriptions, until nothing is left to do
 * at this moment.
 *
 * @category operations
 * @since 0.1.0
 */
export const settle = Effect.gen(function* () {
  const { deliveries } = yield* LocalStripe.LocalStripe
  const inbox = yield* WebhookInbox
  const outbox = yield* OutboxDeliveries.OutboxDeliveries
  const worker = yield* SubscriptionWork
  const round = Effect.gen(function* () {
    const { taken } = yield* deliveries.flush()
    return taken + (yield* inbox.sweep) + (yield* outbox.deliverAll) + (yield* worker.work)
  })
  yield* Effect.repeat(round, { while: (count) => count > 0, times: 100 })
})

// internal

const priceOf = (lookup_key: string, unit_amount: number, interval: "month" | "year", isMetered = false) => ({
  currency: "eur",
  unit_amount,
  lookup_key,
  product_data: { name: lookup_key },
  recurring: { interval, usage_type: isMetered ? ("metered" as const) : ("licensed" as const) },
})

const prices = [
  priceOf("pro_month", 1200, "month"),
  priceOf("pro_year", 12_000, "year"),
  priceOf("team_month", 2000, "month"),
  priceOf("seat_month", 800, "month"),
  priceOf("squad_month", 600, "month"),
  priceOf("storage_month", 500, "month"),
  priceOf("usage_month", 10, "month", true),
]

const layerWebhooks = Layer.effectDiscard(
  Effect.gen(function* () {
    const run = Effect.runPromiseWith(yield* Effect.context<never>())
    const { deliveries } = yield* LocalStripe.LocalStripe
    const { receive } = yield* WebhookInbox
    deliveries.mode("held")
    deliveries.to(({ body, signature }) => {
      const request = { body: new TextEncoder().encode(body), signature, client: unknownClient }
      return run(Effect.map(Effect.exit(receive(request)), (exit) => (Exit.isSuccess(exit) ? 200 : 503)))
    })
  }),
)
