/**
 * Builders of customers, subscriptions, operations and events of the provider. Those called `stored` are in the stores
 * when they are returned.
 *
 * @since 0.1.0
 */
import { type BillingCustomer, CustomerId, ProviderCustomerId } from "@belfry/billing/BillingCustomer"
import { CustomerStore } from "@belfry/billing/CustomerStore"
import { type Operation, OperationId, type OperationRequest } from "@belfry/billing/Operation"
import { OperationStore } from "@belfry/billing/OperationStore"
import type { Payer } from "@belfry/billing/Payer"
import { defaultGroup, PlanName } from "@belfry/billing/Plan"
import { ProviderCheckoutId, ProviderPriceId, ProviderSubscriptionId } from "@belfry/billing/ProviderSubscription"
import { type StoredSubscription, SubscriptionId, type SubscriptionState } from "@belfry/billing/Subscription"
import { SubscriptionStore } from "@belfry/billing/SubscriptionStore"
import { type WebhookEnvelope, WebhookEventId } from "@belfry/billing/WebhookEvent"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Builders from "./Builders.ts"

/**
 * A user in the store who pays.
 *
 * @category builders
 * @since 0.1.0
 */
export const storedPayer: Effect.Effect<
  Extract<Payer, { readonly _tag: "User" }>,
  Effect.Error<ReturnType<typeof Builders.storedUser>>,
  Effect.Services<ReturnType<typeof Builders.storedUser>>
> = Effect.suspend(() => Effect.map(Builders.storedUser(), ({ id }) => ({ _tag: "User", userId: id }) as const))

/**
 * A customer whom the provider has not been asked for yet.
 *
 * @category builders
 * @since 0.1.0
 */
export const customer = Effect.fnUntraced(function* (
  fields: Partial<BillingCustomer> & Pick<BillingCustomer, "payer">,
) {
  const id = yield* customerId
  const now = yield* DateTime.now
  const defaults: Omit<BillingCustomer, "payer"> = {
    id,
    providerId: null,
    generation: 0,
    request: { name: "Ada Lovelace", email: null, metadata: { belfry_customer: id } },
    requestedAt: now,
    profile: { name: null, email: null },
    createdAt: now,
    closedAt: null,
  }
  return { ...defaults, ...fields }
})

/**
 * A customer whom the provider knows. A new user pays, unless `payer` is given.
 *
 * @category builders
 * @since 0.1.0
 */
export const storedCustomer = Effect.fnUntraced(function* (fields: Partial<BillingCustomer> = {}) {
  const payer = fields.payer ?? (yield* storedPayer)
  const providerId = ProviderCustomerId.make(`cus_${yield* random.uuidV7()}`)
  const built = yield* customer({ providerId, ...fields, payer })
  yield* CustomerStore.use((customers) => customers.insert(built))
  return { ...built, payer }
})

/**
 * An active subscription to the plan `pro`, paid by the month, whose period began now.
 *
 * @category builders
 * @since 0.1.0
 */
export const state = Effect.fnUntraced(function* (fields: Partial<SubscriptionState> = {}) {
  const now = yield* DateTime.now
  const defaults: SubscriptionState = {
    status: "active",
    plan: PlanName.make("pro"),
    group: defaultGroup,
    interval: "month",
    priceId: ProviderPriceId.make("price_pro_month"),
    currency: "eur",
    seats: null,
    items: [
      {
        id: "si_1",
        priceId: ProviderPriceId.make("price_pro_month"),
        lookupKey: "pro_month",
        interval: "month",
        currency: "eur",
        amount: 1200,
        quantity: 1,
        periodStart: now,
        periodEnd: DateTime.add(now, { months: 1 }),
      },
    ],
    periodStart: now,
    periodEnd: DateTime.add(now, { months: 1 }),
    trialStart: null,
    trialEnd: null,
    cancelAtPeriodEnd: false,
    cancelAt: null,
    canceledAt: null,
    endedAt: null,
    endedBecause: null,
    scheduleId: null,
    scheduled: null,
    pastDue: null,
  }
  return { ...defaults, ...fields }
})

/**
 * A subscription of a customer, as the first look at it left it.
 *
 * @category builders
 * @since 0.1.0
 */
export const storedSubscription = Effect.fnUntraced(function* (
  ofCustomer: Pick<BillingCustomer, "id">,
  fields: Partial<SubscriptionState> & Partial<Pick<StoredSubscription, "milestones">> = {},
) {
  const { milestones = new Set(), ...of } = fields
  const subscriptions = yield* SubscriptionStore
  const providerId = yield* providerSubscriptionId
  yield* subscriptions.apply({
    id: yield* subscriptionId,
    customerId: ofCustomer.id,
    providerId,
    ticket: yield* subscriptions.ticket(providerId),
    state: yield* state(of),
    milestones,
    now: yield* DateTime.now,
  })
  return Option.getOrThrow(yield* subscriptions.findByProvider(providerId))
})

/**
 * The request of a checkout of the plan `pro`.
 *
 * @category builders
 * @since 0.1.0
 */
export const checkoutRequest = Effect.fnUntraced(function* (
  fields: Partial<Extract<OperationRequest, { readonly _tag: "Checkout" }>> = {},
) {
  const now = yield* DateTime.now
  const defaults: Extract<OperationRequest, { readonly _tag: "Checkout" }> = {
    _tag: "Checkout",
    plan: PlanName.make("pro"),
    interval: "month",
    items: [{ priceId: ProviderPriceId.make("price_pro_month"), quantity: 1 }],
    trialDays: null,
    successUrl: "https://app.example.com/auth/billing/checkouts/1/return",
    cancelUrl: "https://app.example.com/billing",
    returnUrl: "https://app.example.com/billing",
    locale: null,
    expiresAt: DateTime.add(now, { hours: 2 }),
    metadata: { managed_by: "belfry" },
    extra: {},
  }
  return { ...defaults, ...fields }
})

/**
 * An open checkout, for two hours.
 *
 * @category builders
 * @since 0.1.0
 */
export const operation = Effect.fnUntraced(function* (fields: Partial<Operation> & Pick<Operation, "customerId">) {
  const now = yield* DateTime.now
  const defaults: Omit<Operation, "customerId"> = {
    id: OperationId.make(yield* random.uuidV7()),
    group: defaultGroup,
    subscriptionId: null,
    request: yield* checkoutRequest(),
    fingerprint: "pro by the month",
    status: "open",
    checkoutId: null,
    url: null,
    actorId: null,
    createdAt: now,
    expiresAt: DateTime.add(now, { hours: 2 }),
  }
  return { ...defaults, ...fields }
})

/**
 * An operation that is in the store.
 *
 * @category builders
 * @since 0.1.0
 */
export const storedOperation = Effect.fnUntraced(function* (
  fields: Partial<Operation> & Pick<Operation, "customerId">,
) {
  const built = yield* operation(fields)
  yield* OperationStore.use((operations) => operations.insert(built))
  return built
})

/**
 * What is read of an event of the provider: a subscription changed.
 *
 * @category builders
 * @since 0.1.0
 */
export const webhookEnvelope = Effect.fnUntraced(function* (fields: Partial<WebhookEnvelope> = {}) {
  const defaults: WebhookEnvelope = {
    id: yield* webhookEventId,
    type: "customer.subscription.updated",
    apiVersion: "2026-10-28.endive",
    isLive: false,
    createdAt: yield* DateTime.now,
    objectType: "subscription",
    objectId: "sub_1",
    customerId: "cus_1",
    subscriptionId: "sub_1",
  }
  return { ...defaults, ...fields }
})

/**
 * The id of no customer.
 *
 * @category builders
 * @since 0.1.0
 */
export const customerId: Effect.Effect<CustomerId> = Effect.suspend(() =>
  Effect.map(random.uuidV7(), (id) => CustomerId.make(id)),
)

/**
 * The id of no subscription.
 *
 * @category builders
 * @since 0.1.0
 */
export const subscriptionId: Effect.Effect<SubscriptionId> = Effect.suspend(() =>
  Effect.map(random.uuidV7(), (id) => SubscriptionId.make(id)),
)

/**
 * The id of no subscription of the provider.
 *
 * @category builders
 * @since 0.1.0
 */
export const providerSubscriptionId: Effect.Effect<ProviderSubscriptionId> = Effect.suspend(() =>
  Effect.map(random.uuidV7(), (id) => ProviderSubscriptionId.make(`sub_${id}`)),
)

/**
 * The id of no checkout of the provider.
 *
 * @category builders
 * @since 0.1.0
 */
export const providerCheckoutId: Effect.Effect<ProviderCheckoutId> = Effect.suspend(() =>
  Effect.map(random.uuidV7(), (id) => ProviderCheckoutId.make(`cs_test_${id}`)),
)

/**
 * The id of no event of the provider.
 *
 * @category builders
 * @since 0.1.0
 */
export const webhookEventId: Effect.Effect<WebhookEventId> = Effect.suspend(() =>
  Effect.map(random.uuidV7(), (id) => WebhookEventId.make(`evt_${id}`)),
)

// internal

// One generator for all builders: UUIDv7 ascend only within a generator.
const random = SecureRandom.make(SecureRandom.randomBytesUnsafe)
