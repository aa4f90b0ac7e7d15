/**
 * Reconciliation: finds what no webhook told, from the provider's list of events and from its objects.
 *
 * @since 0.1.0
 */
import type { StoreError } from "@belfry/core/StoreError"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { type BillingCustomer, type CustomerId, CustomerNotFound } from "./BillingCustomer.ts"
import { BillingProvider } from "./BillingProvider.ts"
import type { BillingProviderError } from "./BillingProviderError.ts"
import { BillingSettings } from "./BillingSettings.ts"
import { CustomerStore } from "./CustomerStore.ts"
import { logFailure } from "./internal/failures.ts"
import type { Operation } from "./Operation.ts"
import { OperationStore } from "./OperationStore.ts"
import type { Payer } from "./Payer.ts"
import { Plans } from "./Plans.ts"
import { isEnded } from "./Subscription.ts"
import { SubscriptionStore } from "./SubscriptionStore.ts"
import { Synchronizations } from "./Synchronizations.ts"
import { WebhookEventStore } from "./WebhookEventStore.ts"

/**
 * Reconciliation.
 *
 * @category services
 * @since 0.1.0
 */
export class Reconciliations extends Context.Service<
  Reconciliations,
  {
    /** Compares one payer with the provider; how many subscriptions were looked at. */
    readonly payer: (payer: Payer) => Effect.Effect<number, CustomerNotFound | BillingProviderError | StoreError>
    /** Compares all customers, page by page; a failure of one does not stop the others. */
    readonly all: Effect.Effect<{ readonly customers: number; readonly failed: number }, StoreError>
    /** Takes events into the inbox that the provider has and it has not, since the last time; how many were new. */
    readonly missedEvents: Effect.Effect<number, BillingProviderError | StoreError>
    /** Operations that nobody came back from: what the provider has is looked at, and they are closed. */
    readonly overdueOperations: Effect.Effect<number, StoreError>
    /** Trials whose notice is due. */
    readonly trialsEnding: Effect.Effect<number, StoreError>
    /** Customers whose payer is gone: their subscriptions end, then they are closed. */
    readonly orphans: Effect.Effect<number, StoreError>
  }
>()("@belfry/billing/Reconciliations") {}

/**
 * Makes the service.
 *
 * **Details**
 *
 * Everything here looks at what there is and can be done by several nodes at once without harm. One customer,
 * operation or trial that fails is logged, and is found again the next time.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const customers = yield* CustomerStore
  const events = yield* WebhookEventStore
  const operations = yield* OperationStore
  const plans = yield* Plans
  const provider = yield* BillingProvider
  const settings = yield* BillingSettings
  const subscriptions = yield* SubscriptionStore
  const synchronizations = yield* Synchronizations

  /** Looks at a customer, whether it is there still, and at what it has. */
  const compare = Effect.fnUntraced(function* (
    customer: BillingCustomer,
  ): Effect.fn.Return<number, BillingProviderError | StoreError> {
    if (customer.providerId !== null) yield* synchronizations.providerCustomer(customer.providerId)
    const current = yield* customers.find(customer.id)
    return yield* synchronizations.customer(
      Option.getOrElse(current, () => customer),
      { ended: true },
    )
  })

  /** Closes an operation after a look at what became of it. */
  const conclude = Effect.fnUntraced(function* (
    operation: Operation,
  ): Effect.fn.Return<void, BillingProviderError | StoreError> {
    const { checkoutId, subscriptionId, customerId } = operation
    if (checkoutId !== null) {
      const checkout = yield* provider.findCheckout(checkoutId)
      if (Option.exists(checkout, ({ status }) => status === "open")) yield* provider.expireCheckout(checkoutId)
      yield* synchronizations.checkout(checkoutId)
    } else if (subscriptionId !== null) {
      const subscription = yield* subscriptions.find(subscriptionId)
      if (Option.isSome(subscription)) yield* synchronizations.subscription(subscription.value.providerId)
    } else {
      const customer = yield* customers.find(customerId)
      if (Option.isSome(customer)) yield* synchronizations.customer(customer.value)
    }
    yield* operations.close(operation.id, "abandoned", yield* DateTime.now)
  })

  /** Ends what a customer without a payer has, and closes it when there is nothing left. */
  const endOf = Effect.fnUntraced(function* (
    customer: BillingCustomer,
  ): Effect.fn.Return<void, BillingProviderError | StoreError> {
    const now = yield* DateTime.now
    const groups = new Set((yield* plans.all).map(({ group }) => group))
    const open = yield* Effect.forEach(groups, (group) => operations.findOpenCheckout(customer.id, group, now))
    // What could be paid for still cannot from here on.
    yield* Effect.forEach(open, (operation) => (Option.isSome(operation) ? conclude(operation.value) : Effect.void), {
      discard: true,
    })
    // A look at what nobody pays for any more has it end.
    yield* synchronizations.customer(customer)
    const here = yield* subscriptions.listByCustomer(customer.id)
    if (here.every(({ state }) => isEnded(state.status))) yield* customers.close(customer.id, now)
  })

  return Reconciliations.of({
    payer: Effect.fn("Reconciliations.payer")(function* (payer) {
      const customer = yield* customers.findByPayer(payer)
      return Option.isNone(customer) ? yield* new CustomerNotFound() : yield* compare(customer.value)
    }),
    all: pages(customers.list, compare).pipe(
      Effect.map(({ done, found }) => ({ customers: found, failed: found - done })),
      Effect.withSpan("Reconciliations.all"),
    ),
    missedEvents: Effect.gen(function* () {
      const now = yield* DateTime.now
      const reached = (yield* events.cursor(eventsCursor)) ?? DateTime.subtractDuration(now, firstTime)
      let since = DateTime.subtractDuration(reached, overlap)
      let count = 0
      while (true) {
        const found = yield* provider.listEvents(since)
        const kept = yield* Effect.forEach(found, (event) => events.receive(event, { now, dueAt: now }))
        count += kept.filter(({ isNew }) => isNew).length
        const last = found.at(-1)?.createdAt
        yield* events.setCursor(eventsCursor, last ?? now)
        // A list that is full may have a rest, which begins where it ends.
        if (found.length < mostEvents || last === undefined || !DateTime.isGreaterThan(last, since)) return count
        since = last
      }
    }).pipe(Effect.withSpan("Reconciliations.missedEvents")),
    overdueOperations: Effect.gen(function* () {
      return yield* each(yield* operations.listOverdue(yield* DateTime.now, pageSize), conclude)
    }).pipe(Effect.withSpan("Reconciliations.overdueOperations")),
    trialsEnding: Effect.gen(function* () {
      const before = DateTime.addDuration(yield* DateTime.now, settings.trialNotice)
      const due = yield* subscriptions.listTrialsEnding(before, pageSize)
      return yield* each(due, ({ providerId }) => synchronizations.subscription(providerId))
    }).pipe(Effect.withSpan("Reconciliations.trialsEnding")),
    // All of them: those that cannot be ended are not in the way of the others.
    orphans: pages(customers.listOrphans, endOf).pipe(
      Effect.map(({ done }) => done),
      Effect.withSpan("Reconciliations.orphans"),
    ),
  })
})

/**
 * Layer of the service.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(Reconciliations, make)

// internal

const pageSize = 100

/** Until when the provider's events were taken in. */
const eventsCursor = "events"

/** How far back the first list of events goes. */
const firstTime = Duration.days(1)

/** Events are listed by when they were made, and may appear a little later than others that were made after them. */
const overlap = Duration.minutes(10)

/** How many events the provider lists at once. */
const mostEvents = 1000

/** Does something for all customers of a list, page by page; how many there were, and for how many it was done. */
const pages = Effect.fnUntraced(function* (
  list: CustomerStore["Service"]["list"],
  work: (customer: BillingCustomer) => Effect.Effect<unknown, BillingProviderError | StoreError>,
): Effect.fn.Return<{ readonly found: number; readonly done: number }, StoreError> {
  const all = { found: 0, done: 0 }
  let after: CustomerId | null = null
  while (true) {
    const page: ReadonlyArray<BillingCustomer> = yield* list(after, pageSize)
    all.found += page.length
    all.done += yield* each(page, work)
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) return all
    after = last.id
  }
})

/** Does something for each, a few at a time; for how many it was done. */
const each = <A extends { readonly id: string }>(
  rows: ReadonlyArray<A>,
  work: (row: A) => Effect.Effect<unknown, BillingProviderError | StoreError>,
): Effect.Effect<number> =>
  Effect.map(
    Effect.forEach(
      rows,
      (row) =>
        Effect.exit(
          Effect.tapCause(work(row), (cause) =>
            Effect.annotateLogs(logFailure("A reconciliation with the billing provider failed", cause), { id: row.id }),
          ),
        ),
      { concurrency: 4 },
    ),
    (exits) => exits.filter(Exit.isSuccess).length,
  )
