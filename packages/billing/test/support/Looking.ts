/**
 * Looks, the inbox and what follows from them, over a provider that is a few maps.
 */
import { Audit } from "@belfry/core/Audit"
import { aggregateOf, type BillingCustomer, CustomerId, ProviderCustomerId } from "@belfry/billing/BillingCustomer"
import * as BillingDefinition from "@belfry/billing/BillingDefinition"
import { BillingEvent } from "@belfry/billing/BillingEvent"
import * as BillingHooks from "@belfry/billing/BillingHooks"
import type { BillingProvider } from "@belfry/billing/BillingProvider"
import * as BillingSettings from "@belfry/billing/BillingSettings"
import * as Customers from "@belfry/billing/Customers"
import { CustomerStore } from "@belfry/billing/CustomerStore"
import * as MemoryBillingStores from "@belfry/billing/MemoryBillingStores"
import { type Operation, OperationId } from "@belfry/billing/Operation"
import { OperationStore } from "@belfry/billing/OperationStore"
import type { Payer } from "@belfry/billing/Payer"
import { BillingInterval, defaultGroup, PlanName } from "@belfry/billing/Plan"
import * as PlanCatalogue from "@belfry/billing/PlanCatalogue"
import * as Plans from "@belfry/billing/Plans"
import * as Reconciliations from "@belfry/billing/Reconciliations"
import * as Synchronizations from "@belfry/billing/Synchronizations"
import { WebhookEnvelope } from "@belfry/billing/WebhookEvent"
import * as WebhookInbox from "@belfry/billing/WebhookInbox"
import { WebhookEventStore } from "@belfry/billing/WebhookEventStore"
import * as Builders from "@belfry/testing/Builders"
import * as TestServices from "@belfry/testing/TestServices"
import { takePayloads } from "@belfry/testing/OutboxFixtures"
import { DateTime, Effect, Layer, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import * as ProviderStub from "./ProviderStub.ts"

/** What is sold: a plan for users with a trial, one for organizations with seats, something beside them. */
export const definition = BillingDefinition.define({
  features: [],
  limits: [],
  plans: {
    pro: { title: "Pro", prices: { month: { lookupKey: "pro_month" }, year: { lookupKey: "pro_year" } } },
    team: {
      title: "Team",
      audience: ["organization"],
      prices: { month: { lookupKey: "team_month" } },
      seats: { prices: { month: { lookupKey: "seat_month" } }, minimum: 2 },
    },
    storage: { title: "Storage", group: "storage", prices: { month: { lookupKey: "storage_month" } } },
  },
})

/** What a test sets otherwise than it is by default. */
export interface Options {
  readonly settings?: Parameters<typeof BillingSettings.make>[0]
  readonly hooks?: Partial<BillingHooks.BillingHooksService>
  readonly provider?: Layer.Layer<BillingProvider, never, BillingProvider>
}

/** The services over other layers, which have all stores and the services of core. */
export const layerOver = <A, E, R>(stores: Layer.Layer<A, E, R>, { settings, hooks, provider }: Options = {}) =>
  Layer.merge(WebhookInbox.layer, Reconciliations.layer).pipe(
    Layer.provideMerge(Synchronizations.layer),
    Layer.provideMerge(Layer.merge(Plans.layer, Customers.layer)),
    Layer.provideMerge(provider === undefined ? ProviderStub.layer : Layer.provide(provider, ProviderStub.layer)),
    Layer.provideMerge(
      Layer.mergeAll(
        ProviderStub.layerState,
        PlanCatalogue.layer(definition),
        Layer.succeed(BillingSettings.BillingSettings, BillingSettings.make(settings)),
        Layer.succeed(BillingHooks.BillingHooks, { ...BillingHooks.none, ...hooks }),
      ),
    ),
    Layer.provideMerge(stores),
  )

/** The services over memory. */
export const layer = (options: Options = {}) =>
  layerOver(Layer.provideMerge(MemoryBillingStores.layer, TestServices.layerMemory), options)

/** A customer here whom the provider knows: a new user, unless `payer` is given. */
export const customer = Effect.fnUntraced(function* (
  fields: Partial<BillingCustomer> & { readonly payer?: Payer } = {},
) {
  const random = yield* SecureRandom.SecureRandom
  const user = fields.payer === undefined ? yield* Builders.storedUser() : { id: null, name: "Ada", email: null }
  const payer = fields.payer ?? (user.id === null ? null : { _tag: "User" as const, userId: user.id })
  const profile = { name: user.name, email: user.email }
  const id = CustomerId.make(yield* random.uuidV7())
  const now = yield* DateTime.now
  const providerId = "providerId" in fields ? (fields.providerId ?? null) : ProviderCustomerId.make(`cus_of_${id}`)
  const built: BillingCustomer = {
    id,
    payer,
    providerId,
    generation: 1,
    request: { ...profile, metadata: {} },
    requestedAt: now,
    profile,
    createdAt: now,
    closedAt: null,
    ...fields,
  }
  yield* CustomerStore.use((customers) => customers.insert(built))
  if (providerId !== null) yield* ProviderStub.customer({ id: providerId, profile })
  return { ...built, providerId: providerId ?? ProviderCustomerId.make(`cus_of_${id}`) }
})

/** A checkout that was asked for. */
export const operation = Effect.fnUntraced(function* (fields: Partial<Operation> & Pick<Operation, "customerId">) {
  const random = yield* SecureRandom.SecureRandom
  const now = yield* DateTime.now
  const expiresAt = DateTime.add(now, { hours: 2 })
  const url = "https://belfry.example/billing"
  const built: Operation = {
    id: OperationId.make(yield* random.uuidV7()),
    group: defaultGroup,
    subscriptionId: null,
    request: {
      _tag: "Checkout",
      plan: PlanName.make("pro"),
      interval: BillingInterval.literals[2],
      items: [],
      trialDays: null,
      successUrl: url,
      cancelUrl: url,
      returnUrl: url,
      locale: null,
      expiresAt,
      metadata: {},
      extra: {},
    },
    fingerprint: "wanted",
    status: "open",
    checkoutId: null,
    url: null,
    actorId: null,
    createdAt: now,
    expiresAt,
    ...fields,
  }
  yield* OperationStore.use((operations) => operations.insert(built))
  return built
})

/** An event of the provider, as it is read of a webhook. */
export const envelope = (fields: { readonly type: string } & Partial<WebhookEnvelope>) =>
  Effect.map(DateTime.now, (createdAt) =>
    Schema.decodeUnknownSync(Schema.toType(WebhookEnvelope))({
      id: ProviderStub.newId("evt"),
      apiVersion: null,
      isLive: false,
      createdAt,
      objectType: "object",
      objectId: null,
      customerId: null,
      subscriptionId: null,
      ...fields,
    }),
  )

/** Keeps an event in the inbox, for the sweep or as the cause of a look. */
export const kept = Effect.fnUntraced(function* (fields: { readonly type: string } & Partial<WebhookEnvelope>) {
  const now = yield* DateTime.now
  const event = yield* envelope(fields)
  yield* WebhookEventStore.use((events) => events.receive(event, { now, dueAt: now }))
  return event
})

/** How a kept event stands. */
export const standing = (id: WebhookEnvelope["id"]) =>
  Effect.map(
    WebhookEventStore.use((events) => events.find(id)),
    (found) => (found._tag === "None" ? "none" : [found.value.status, found.value.reason].filter(Boolean).join(" ")),
  )

const decode = Schema.decodeUnknownEffect(Schema.toCodecJson(BillingEvent))

/** What happened to a customer, in order, each once: those that were taken are delivered. */
export const takeEvents = (id: CustomerId) =>
  Effect.flatMap(
    takePayloads(aggregateOf(id)),
    Effect.forEach((payload) => decode(payload)),
  )

/** The tags of what happened to a customer. */
export const takeTags = (id: CustomerId) => Effect.map(takeEvents(id), (events) => events.map(({ _tag }) => _tag))

/** The types of what the audit log says of billing, oldest first. */
export const audited = Effect.map(
  Audit.use((audit) => audit.list({ type: "billing.", limit: 1000 })),
  (events) => events.toReversed(),
)
