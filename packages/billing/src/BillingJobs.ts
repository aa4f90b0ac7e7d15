/**
 * The periodic work of billing: what a webhook would have told, what nobody came back from, what is over.
 *
 * @since 0.1.0
 */
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import { BillingProvider } from "./BillingProvider.ts"
import type { BillingProviderError } from "./BillingProviderError.ts"
import { BillingSettings } from "./BillingSettings.ts"
import { Customers } from "./Customers.ts"
import { logFailure } from "./internal/failures.ts"
import { OperationStore } from "./OperationStore.ts"
import { Reconciliations } from "./Reconciliations.ts"
import { SubscriptionWork } from "./SubscriptionWork.ts"
import { WebhookEventStore } from "./WebhookEventStore.ts"
import { WebhookInbox } from "./WebhookInbox.ts"

/**
 * Events in the inbox that are to be dealt with; 200 are counted at most.
 *
 * @category metrics
 * @since 0.1.0
 */
export const eventsWaiting = Metric.gauge("belfry_billing_events_waiting", {
  description: "Events of the billing provider that are to be dealt with, counted up to 200",
})

/**
 * Events in the inbox that wait for somebody to replay them; 200 are counted at most.
 *
 * @category metrics
 * @since 0.1.0
 */
export const eventsParked = Metric.gauge("belfry_billing_events_parked", {
  description: "Events of the billing provider that wait for a replay, counted up to 200",
})

/**
 * Does all periodic work that is due, once. For every minute; the number of jobs that failed, each logged.
 *
 * **Details**
 *
 * What fails in one job does not keep the others from their work. Jobs that are due less often than every minute are
 * taken up by one node, which writes down that it did before it begins: one that fails is due after its period again.
 * Where nothing is sold, nothing is done but removing what is old.
 *
 * @category effects
 * @since 0.1.0
 */
export const run = Effect.gen(function* () {
  const customers = yield* Customers
  const events = yield* WebhookEventStore
  const inbox = yield* WebhookInbox
  const operations = yield* OperationStore
  const provider = yield* BillingProvider
  const reconciliations = yield* Reconciliations
  const settings = yield* BillingSettings
  const transactions = yield* TransactionStore

  const isDue = (name: string, period: Duration.Duration) =>
    transactions.runExclusive(
      `billing-${name}`,
      Effect.gen(function* () {
        const now = yield* DateTime.now
        const last = yield* events.cursor(name)
        if (last !== null && DateTime.isLessThan(now, DateTime.addDuration(last, period))) return false
        yield* events.setCursor(name, now)
        return true
      }),
    )

  const every = <A, E>(name: string, period: Duration.Duration, work: Effect.Effect<A, E>) =>
    Effect.flatMap(isDue(name, period), (due) => (Option.contains(due, true) ? Effect.asVoid(work) : Effect.void))

  const before = (age: Duration.Duration) => Effect.map(DateTime.now, (now) => DateTime.subtractDuration(now, age))

  const removal = (age: Duration.Duration, remove: (instant: DateTime.Utc, limit: number) => Removal) =>
    Effect.flatMap(before(age), (instant) =>
      Effect.repeat(remove(instant, batch), { while: (removed) => removed === batch, times: 100 }),
    )

  const asking: ReadonlyArray<readonly [string, Job]> = [
    // Before the sweep, which deals with what this takes in.
    ["missed-events", every("missed-events", Duration.minutes(5), reconciliations.missedEvents)],
    ["inbox", Effect.repeat(inbox.sweep, { while: (count) => count > 0, times: 100 })],
    ["overdue-operations", reconciliations.overdueOperations],
    ["orphans", reconciliations.orphans],
    ["trials-ending", every("trials-ending", Duration.minutes(15), reconciliations.trialsEnding)],
    ["profiles", every("profiles", Duration.hours(1), customers.syncProfiles)],
    ["customers", every("customers", settings.reconcileInterval, reconciliations.all)],
  ]
  const removing: ReadonlyArray<readonly [string, Job]> = [
    ["events", removal(settings.eventRetention, events.removeClosed)],
    ["operations", removal(retention, operations.removeClosed)],
    ["hook-runs", removal(retention, events.removeHooks)],
    ["gauges", gauges(events)],
  ]
  const exits = yield* Effect.forEach([...(provider.isEnabled ? asking : []), ...removing], ([job, work]) =>
    Effect.exit(
      Effect.tapCause(work, (cause) => Effect.annotateLogs(logFailure("A job of billing failed", cause), { job })),
    ),
  )
  return exits.filter(Exit.isFailure).length
}).pipe(Effect.withSpan("BillingJobs.run"))

/**
 * Has the worker see to subscriptions for as long as the layer lives: until nothing is due, then again when this
 * process asks for work, or after `interval`, 2 seconds. What fails is logged, and tried again after it.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerLoop = ({ interval = Duration.seconds(2) }: { readonly interval?: Duration.Duration } = {}) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const { arrivals, work } = yield* SubscriptionWork
      const { isEnabled } = yield* BillingProvider
      if (!isEnabled) return
      const round = Effect.gen(function* () {
        // Closed before it looks: what is asked for while it does opens the latch again.
        yield* arrivals.close
        yield* Effect.repeat(work, { while: (count) => count > 0 })
        yield* Effect.raceFirst(arrivals.await, Effect.sleep(interval))
      })
      const safe = Effect.catchCause(round, (cause) =>
        Effect.andThen(logFailure("Subscriptions could not be seen to", cause), Effect.sleep(interval)),
      )
      yield* Effect.forkScoped(Effect.delay(Effect.forever(safe), interval))
    }),
  )

// internal

type Job = Effect.Effect<unknown, BillingProviderError | StoreError>

type Removal = Effect.Effect<number, StoreError>

const batch = 1000

/** How long operations stay that are closed, and what is remembered of hooks that ran. */
const retention = Duration.days(90)

const gauges = (events: WebhookEventStore["Service"]) =>
  Effect.gen(function* () {
    const count = (status: "waiting" | "parked") =>
      Effect.map(events.list({ status, after: null, limit: 200 }), ({ length }) => length)
    yield* Metric.update(eventsWaiting, yield* count("waiting"))
    yield* Metric.update(eventsParked, yield* count("parked"))
  })
