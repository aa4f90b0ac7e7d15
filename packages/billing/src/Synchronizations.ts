/**
 * Looks at the provider: what it has now is written here, with everything that is told of it, in one transaction.
 *
 * @since 0.1.0
 */
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { type BillingCustomer, CustomerId, type ProviderCustomerId } from "./BillingCustomer.ts"
import { BillingProvider, type ProviderCustomer } from "./BillingProvider.ts"
import type { BillingProviderError } from "./BillingProviderError.ts"
import { Customers } from "./Customers.ts"
import { CustomerStore } from "./CustomerStore.ts"
import * as Looks from "./internal/looks.ts"
import { customerIdKey } from "./internal/metadata.ts"
import type { Operation, OperationId } from "./Operation.ts"
import { OperationStore } from "./OperationStore.ts"
import { Plans } from "./Plans.ts"
import type {
  ProviderCheckout,
  ProviderCheckoutId,
  ProviderPriceId,
  ProviderSubscription,
  ProviderSubscriptionId,
} from "./ProviderSubscription.ts"
import { isEnded } from "./Subscription.ts"
import { SubscriptionStore } from "./SubscriptionStore.ts"
import type { WebhookEnvelope, WebhookEventId } from "./WebhookEvent.ts"

/**
 * What a look came to. `applied`: written. `stale`: a later look was written already. `foreign`: of no customer here.
 * `absent`: the provider has no such thing, and never had here.
 *
 * @category models
 * @since 0.1.0
 */
export type SyncOutcome = "applied" | "stale" | "foreign" | "absent"

/**
 * The event that a look is for: closed in the same transaction, and told of.
 *
 * @category models
 * @since 0.1.0
 */
export interface SyncCause {
  readonly eventId: WebhookEventId
  readonly envelope: WebhookEnvelope
}

/**
 * Looks at the provider, by what they came to.
 *
 * @category metrics
 * @since 0.1.0
 */
export const looksTotal = Metric.counter("belfry_billing_looks_total", {
  description: "Looks at the billing provider, by what they came to",
  incremental: true,
})

/**
 * Looks at the provider.
 *
 * **Details**
 *
 * A look takes a ticket, asks the provider, and writes what it saw unless a later ticket's was written. Whatever the
 * order in which looks begin and end, what stands in the end was seen after the last change that anybody was told of:
 * the last ticket is taken after that, and its answer is newer than its ticket. No transaction is open while the
 * provider is asked.
 *
 * @category services
 * @since 0.1.0
 */
export class Synchronizations extends Context.Service<
  Synchronizations,
  {
    readonly subscription: (
      id: ProviderSubscriptionId,
      cause?: SyncCause,
    ) => Effect.Effect<SyncOutcome, BillingProviderError | StoreError>
    /** All subscriptions of a customer, those that the provider has and those that stand here; how many were seen. */
    readonly customer: (
      customer: BillingCustomer,
      options?: { readonly ended?: boolean | undefined },
    ) => Effect.Effect<number, BillingProviderError | StoreError>
    /** A checkout: closes its operation when it is over, and looks at its subscription. */
    readonly checkout: (
      id: ProviderCheckoutId,
      cause?: SyncCause,
    ) => Effect.Effect<SyncOutcome, BillingProviderError | StoreError>
    /** The customer itself: whether the provider deleted it. */
    readonly providerCustomer: (
      id: ProviderCustomerId,
      cause?: SyncCause,
    ) => Effect.Effect<SyncOutcome, BillingProviderError | StoreError>
  }
>()("@belfry/billing/Synchronizations") {}

/**
 * Makes the service.
 *
 * **Details**
 *
 * Events of nothing here (`foreign`, `absent`) are left open: who deals with them closes them.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const looks = yield* Looks.make
  const provider = yield* BillingProvider
  const customers = yield* CustomerStore
  const subscriptions = yield* SubscriptionStore
  const operations = yield* OperationStore
  const transactions = yield* TransactionStore
  const plans = yield* Plans
  const { forget } = yield* Customers

  /** Whose a customer of the provider is. One that was made here and never written down is written down now. */
  const ownerOf = Effect.fnUntraced(function* (
    id: ProviderCustomerId,
    seen?: Option.Option<ProviderCustomer>,
  ): Effect.fn.Return<Option.Option<CustomerId>, BillingProviderError | StoreError> {
    const known = yield* customers.findByProvider(id)
    if (Option.isSome(known)) return Option.some(known.value.id)
    const remote = seen ?? (yield* provider.findCustomer(id))
    if (Option.isNone(remote) || remote.value.isDeleted) return Option.none()
    const named = toCustomerId(remote.value.metadata[customerIdKey])
    const customer = Option.isNone(named) ? Option.none() : yield* customers.find(named.value)
    if (Option.isNone(customer)) return Option.none()
    // Only its own row, and none that is somebody else there: that is a conflict.
    const attached = yield* transactions.run(looks.changes.attach(customer.value, remote.value, null))
    return attached === "conflict" ? Option.none() : Option.some(customer.value.id)
  })

  const lookupKeysOf = Effect.fnUntraced(function* (found: Option.Option<ProviderSubscription>) {
    const ids = Option.isNone(found) ? [] : (found.value.schedule?.next?.items ?? []).map(({ priceId }) => priceId)
    const prices = ids.length === 0 ? new Map() : yield* plans.prices(ids)
    return (id: ProviderPriceId) => prices.get(id)?.lookupKey ?? null
  })

  const look = Effect.fnUntraced(function* (
    id: ProviderSubscriptionId,
    {
      cause,
      operationId = null,
    }: { readonly cause?: SyncCause | undefined; readonly operationId?: OperationId | null },
  ): Effect.fn.Return<SyncOutcome, BillingProviderError | StoreError> {
    const ticket = yield* subscriptions.ticket(id)
    const found = yield* provider.findSubscription(id)
    const lookupKeyOf = yield* lookupKeysOf(found)
    // It stays with whom it was first seen with, also when the provider deleted that customer.
    const known = Option.map(yield* subscriptions.findByProvider(id), ({ customerId }) => customerId)
    if (Option.isNone(known) && Option.isNone(found)) return "absent"
    const owner = Option.isSome(known) || Option.isNone(found) ? known : yield* ownerOf(found.value.customerId)
    if (Option.isNone(owner)) return "foreign"
    const seen = { found: Option.getOrNull(found), lookupKeyOf }
    return yield* looks.write({ providerId: id, customerId: owner.value, ticket, ...seen, cause, operationId })
  }, counted)

  /** Does something for a customer, and closes the event in the same transaction. */
  const closing = (
    id: CustomerId,
    cause: SyncCause | undefined,
    work: Effect.Effect<unknown, StoreError>,
  ): Effect.Effect<SyncOutcome, StoreError> =>
    transactions.run(
      Effect.gen(function* () {
        const customer = yield* customers.lock(id)
        if (Option.isNone(customer)) return "foreign"
        yield* work
        const events = yield* looks.closed(cause, yield* DateTime.now)
        yield* looks.changes.record({ customer: customer.value, doer: null, audits: [], events })
        return "applied"
      }),
    )

  /** The operation that a checkout was made for: by its id, else by the metadata of one that is its customer's. */
  const operationOf = Effect.fnUntraced(function* (
    id: ProviderCheckoutId,
    found: Option.Option<ProviderCheckout>,
  ): Effect.fn.Return<Operation | null, BillingProviderError | StoreError> {
    const known = yield* operations.findByCheckout(id)
    if (Option.isSome(known)) return known.value
    const named = Option.flatMap(found, ({ metadata }) => Looks.operationIn(metadata))
    if (Option.isNone(found) || Option.isNone(named) || found.value.customerId === null) return null
    const operation = yield* operations.find(named.value)
    if (Option.isNone(operation) || operation.value.request._tag !== "Checkout") return null
    const owner = yield* ownerOf(found.value.customerId)
    return Option.contains(owner, operation.value.customerId) ? operation.value : null
  })

  const checkout = Effect.fnUntraced(function* (
    id: ProviderCheckoutId,
    cause: SyncCause | undefined,
  ): Effect.fn.Return<SyncOutcome, BillingProviderError | StoreError> {
    const found = yield* provider.findCheckout(id)
    const operation = yield* operationOf(id, found)
    const operationId = operation?.id ?? null
    if (Option.isNone(found)) {
      if (operationId !== null) yield* operations.close(operationId, "abandoned", yield* DateTime.now)
      return "absent"
    }
    const { status, url, customerId, subscriptionId } = found.value
    if (operation !== null && operation.checkoutId === null) {
      yield* operations.setCheckout(operation.id, { checkoutId: id, url })
    }
    if (subscriptionId !== null) return yield* look(subscriptionId, { cause, operationId })
    const owner =
      operation === null
        ? customerId === null
          ? Option.none()
          : yield* ownerOf(customerId)
        : Option.some(operation.customerId)
    if (Option.isNone(owner)) return "foreign"
    const now = yield* DateTime.now
    const isOver = operationId !== null && status !== "open"
    const close = isOver
      ? operations.close(operationId, status === "complete" ? "done" : "abandoned", now)
      : Effect.void
    return yield* closing(owner.value, cause, close)
  })

  const lookAtAll = (ids: Iterable<ProviderSubscriptionId>) =>
    Effect.forEach(ids, (id) => look(id, {}), { concurrency: 4, discard: true })

  const providerCustomer = Effect.fnUntraced(function* (
    id: ProviderCustomerId,
    cause: SyncCause | undefined,
  ): Effect.fn.Return<SyncOutcome, BillingProviderError | StoreError> {
    const remote = yield* provider.findCustomer(id)
    const owner = yield* ownerOf(id, remote)
    if (Option.isNone(owner)) return Option.isNone(remote) ? "absent" : "foreign"
    if (Option.isSome(remote) && !remote.value.isDeleted) {
      const { profile } = remote.value
      const known = yield* customers.find(owner.value)
      const isNews = Option.exists(known, (customer) => !Equal.equals(customer.profile, profile))
      return yield* closing(owner.value, cause, isNews ? customers.setProfile(owner.value, profile) : Effect.void)
    }
    // What it had ended with it at the provider.
    const here = yield* subscriptions.listByCustomer(owner.value)
    yield* lookAtAll(here.filter(({ state }) => !isEnded(state.status)).map(({ providerId }) => providerId))
    return yield* closing(owner.value, cause, forget(id))
  })

  return Synchronizations.of({
    subscription: Effect.fn("Synchronizations.subscription")((id, cause) => look(id, { cause })),
    customer: Effect.fn("Synchronizations.customer")(function* ({ id, providerId }, { ended = false } = {}) {
      const listed = providerId === null ? [] : yield* provider.listSubscriptions(providerId, { ended })
      const here = yield* subscriptions.listByCustomer(id)
      const ids = new Set([...listed, ...here.map((subscription) => subscription.providerId)])
      // What is over stays so.
      for (const { state, providerId: over } of here) if (isEnded(state.status)) ids.delete(over)
      yield* lookAtAll(ids)
      return ids.size
    }),
    checkout: Effect.fn("Synchronizations.checkout")(checkout),
    providerCustomer: Effect.fn("Synchronizations.providerCustomer")(providerCustomer),
  })
})

/**
 * Layer of the service.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(Synchronizations, make)

// internal

const toCustomerId = Schema.decodeUnknownOption(CustomerId)

const counted = <E, R>(look: Effect.Effect<SyncOutcome, E, R>) =>
  Effect.tap(look, (outcome) => Metric.update(Metric.withAttributes(looksTotal, { outcome }), 1))
