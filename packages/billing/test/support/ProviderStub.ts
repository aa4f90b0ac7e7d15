/**
 * A provider that is a few maps: a test says what it has, counts what it is asked, and decides when it answers.
 */
import {
  BillingProvider,
  type IdempotencyKey,
  type ProviderCustomer,
  type SubscriptionUpdate,
} from "@belfry/billing/BillingProvider"
import { BillingProviderError } from "@belfry/billing/BillingProviderError"
import { ProviderCustomerId } from "@belfry/billing/BillingCustomer"
import {
  ProviderCheckoutId,
  type ProviderCheckout,
  type ProviderItem,
  type ProviderPrice,
  ProviderPriceId,
  type ProviderSubscription,
  ProviderSubscriptionId,
} from "@belfry/billing/ProviderSubscription"
import type { WebhookEnvelope } from "@belfry/billing/WebhookEvent"
import { Context, DateTime, Effect, Layer, Option } from "effect"

/** What the provider has, and how it answers. */
export class ProviderState extends Context.Service<
  ProviderState,
  {
    readonly customers: Map<string, ProviderCustomer>
    readonly subscriptions: Map<string, ProviderSubscription>
    readonly checkouts: Map<string, ProviderCheckout>
    readonly prices: Map<string, ProviderPrice>
    readonly events: Array<WebhookEnvelope>
    readonly updates: Array<readonly [id: string, update: SubscriptionUpdate, key: IdempotencyKey]>
    readonly calls: Array<string>
    /** Set by a test: what a call waits for before it answers; a failure is its answer. */
    answer: (method: string) => Effect.Effect<void, BillingProviderError>
  }
>()("@belfry/billing/test/ProviderState") {}

export const layerState = Layer.sync(ProviderState, () => ({
  customers: new Map(),
  subscriptions: new Map(),
  checkouts: new Map(),
  prices: new Map(),
  events: [],
  updates: [],
  calls: [],
  answer: () => Effect.void,
}))

/** The provider over the maps. What a test did not ask for dies. */
export const layer = Layer.effect(
  BillingProvider,
  Effect.gen(function* () {
    const state = yield* ProviderState
    // What it has is read when it is asked, and may be out of date when the answer comes.
    const call = <A>(method: string, read: () => A) =>
      Effect.suspend(() => {
        state.calls.push(method)
        const answer = read()
        return Effect.as(state.answer(method), answer)
      })
    const dies = (method: string) => () => Effect.die(new Error(`Nobody was to call ${method}`))
    return BillingProvider.of({
      isEnabled: true,
      isLive: false,
      createCustomer: dies("createCustomer"),
      updateCustomer: dies("updateCustomer"),
      findCustomer: (id) => call("findCustomer", () => Option.fromUndefinedOr(state.customers.get(id))),
      searchCustomers: dies("searchCustomers"),
      listCustomersByEmail: dies("listCustomersByEmail"),
      findPrices: () => call("findPrices", () => [...state.prices.values()]),
      createCheckout: dies("createCheckout"),
      findCheckout: (id) => call("findCheckout", () => Option.fromUndefinedOr(state.checkouts.get(id))),
      expireCheckout: (id) =>
        call("expireCheckout", () => {
          const checkout = state.checkouts.get(id)
          if (checkout === undefined) throw new Error("No such checkout")
          const expired = checkout.status === "open" ? { ...checkout, status: "expired" as const } : checkout
          state.checkouts.set(id, expired)
          return expired
        }),
      createPortal: dies("createPortal"),
      findSubscription: (id) => call("findSubscription", () => Option.fromUndefinedOr(state.subscriptions.get(id))),
      listSubscriptions: (customerId, { ended }) =>
        call("listSubscriptions", () =>
          [...state.subscriptions.values()]
            .filter((subscription) => subscription.customerId === customerId)
            .filter(({ status }) => ended || (status !== "canceled" && status !== "incomplete_expired"))
            .map(({ id }) => id),
        ),
      updateSubscription: (id, update, key) =>
        call("updateSubscription", () => void state.updates.push([id, update, key])),
      cancelSubscription: (id) =>
        Effect.flatMap(DateTime.now, (now) =>
          call("cancelSubscription", () => {
            const found = state.subscriptions.get(id)
            if (found !== undefined) state.subscriptions.set(id, { ...found, status: "canceled", endedAt: now })
          }),
        ),
      scheduleChange: dies("scheduleChange"),
      releaseSchedule: dies("releaseSchedule"),
      listInvoices: dies("listInvoices"),
      listEvents: (since) =>
        call("listEvents", () =>
          state.events.filter(({ createdAt }) => DateTime.isGreaterThanOrEqualTo(createdAt, since)).slice(0, 1000),
        ),
      readWebhook: dies("readWebhook"),
    })
  }),
)

/** An answer that the provider gives to a call: not now. */
export const away = (method: string) =>
  new BillingProviderError({ method, reason: "unavailable", code: null, requestId: null, cause: "away" })

let count = 0

/** A new id of the provider. */
export const newId = (prefix: string): string => `${prefix}_${++count}`

/** An item of a month at a price. */
export const item = (fields: Partial<ProviderItem> & { readonly price?: string } = {}) =>
  Effect.map(DateTime.now, (now): ProviderItem => {
    const { price = "pro_month", ...others } = fields
    return {
      id: newId("si"),
      priceId: ProviderPriceId.make(`price_${price}`),
      lookupKey: price,
      interval: "month",
      currency: "eur",
      amount: 1200,
      quantity: 1,
      periodStart: now,
      periodEnd: DateTime.add(now, { days: 30 }),
      ...others,
    }
  })

/** A customer that the provider has. */
export const customer = Effect.fnUntraced(function* (fields: Partial<ProviderCustomer> = {}) {
  const built: ProviderCustomer = {
    id: ProviderCustomerId.make(newId("cus")),
    isDeleted: false,
    profile: { name: "Ada", email: "ada@example.com" },
    metadata: {},
    ...fields,
  }
  yield* ProviderState.use(({ customers }) => Effect.sync(() => void customers.set(built.id, built)))
  return built
})

/** A subscription that the provider has: active, to the plan `pro`. */
export const subscription = Effect.fnUntraced(function* (
  fields: Partial<ProviderSubscription> & Pick<ProviderSubscription, "customerId">,
) {
  const built: ProviderSubscription = {
    id: ProviderSubscriptionId.make(newId("sub")),
    status: "active",
    items: fields.items ?? [yield* item()],
    currency: "eur",
    trialStart: null,
    trialEnd: null,
    cancelAtPeriodEnd: false,
    cancelAt: null,
    canceledAt: null,
    endedAt: null,
    endedBecause: null,
    schedule: null,
    latestInvoice: null,
    metadata: {},
    createdAt: yield* DateTime.now,
    ...fields,
  }
  yield* ProviderState.use(({ subscriptions }) => Effect.sync(() => void subscriptions.set(built.id, built)))
  return built
})

/** Something happens to a subscription at the provider. */
export const change = (id: string, fields: Partial<ProviderSubscription>) =>
  ProviderState.use(({ subscriptions }) =>
    Effect.sync(() => {
      const found = subscriptions.get(id)
      if (found === undefined) throw new Error("No such subscription")
      const changed = { ...found, ...fields }
      subscriptions.set(id, changed)
      return changed
    }),
  )

/** A checkout that the provider has: open. */
export const checkout = Effect.fnUntraced(function* (fields: Partial<ProviderCheckout> = {}) {
  const built: ProviderCheckout = {
    id: ProviderCheckoutId.make(newId("cs")),
    status: "open",
    url: "https://checkout.example/pay",
    customerId: null,
    subscriptionId: null,
    expiresAt: DateTime.add(yield* DateTime.now, { hours: 2 }),
    metadata: {},
    ...fields,
  }
  yield* ProviderState.use(({ checkouts }) => Effect.sync(() => void checkouts.set(built.id, built)))
  return built
})
