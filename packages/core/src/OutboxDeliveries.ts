/**
 * Delivers the events of the outbox: of each aggregate in order, by one node at a time, again and again until every
 * subscriber took them.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import { Outbox } from "./Outbox.ts"
import type { OutboxEvent } from "./OutboxEvent.ts"
import { type OutboxBatch, OutboxStore } from "./OutboxStore.ts"
import { type OutboxSubscriber, OutboxSubscribers } from "./OutboxSubscribers.ts"
import type { StoreError } from "./StoreError.ts"

/**
 * How events are delivered.
 *
 * @category models
 * @since 0.1.0
 */
export interface OutboxDeliveryOptions {
  /** Aggregates at a time: 16. */
  readonly aggregates: number
  /** Events of an aggregate in one lease: 100. */
  readonly events: number
  /** How long a node has for what it leased: 30 seconds. It gives up a tenth before that. */
  readonly lease: Duration.Duration
  /** How often it looks, besides when this process commits events: every second. */
  readonly interval: Duration.Duration
  /** The first wait after a failure, doubled with each further one, up to an hour: 1 second. */
  readonly retry: Duration.Duration
}

/**
 * Events that every subscriber took.
 *
 * @category metrics
 * @since 0.1.0
 */
export const deliveredTotal = Metric.counter("belfry_outbox_delivered_total", {
  description: "Events of the outbox that every subscriber took",
  incremental: true,
})

/**
 * Deliveries that failed and are tried again.
 *
 * @category metrics
 * @since 0.1.0
 */
export const failedTotal = Metric.counter("belfry_outbox_failed_total", {
  description: "Deliveries of events of the outbox that failed and are tried again",
  incremental: true,
})

/**
 * How long the oldest event waits that is not delivered.
 *
 * @category metrics
 * @since 0.1.0
 */
export const lagSeconds = Metric.gauge("belfry_outbox_lag_seconds", {
  description: "Seconds for which the oldest event of the outbox waits",
})

/**
 * Delivers the events of the outbox.
 *
 * @category services
 * @since 0.1.0
 */
export class OutboxDeliveries extends Context.Service<
  OutboxDeliveries,
  {
    /** Delivers what is due, as much as one lease takes; the number of events that every subscriber took. */
    readonly deliver: Effect.Effect<number, StoreError>
    /** Delivers until nothing is due, going on after a lease that took all it could; the number of events. */
    readonly deliverAll: Effect.Effect<number, StoreError>
  }
>()("@belfry/core/OutboxDeliveries") {}

/**
 * Makes the service.
 *
 * **Details**
 *
 * Aggregates are delivered beside each other, the events of one after another, each to the subscribers in the order in
 * which they registered, outside of any transaction. What fails, or takes longer than the lease, stops its aggregate
 * alone, which is tried again later and is never dropped: subscribers that took the event before get it again.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (options: Partial<OutboxDeliveryOptions> = {}) {
  const { aggregates, events, lease: leaseTime, retry } = { ...defaults, ...options }
  const store = yield* OutboxStore
  const subscribers = yield* OutboxSubscribers
  const random = yield* SecureRandom.SecureRandom

  const deliverBatch = Effect.fnUntraced(function* (batch: OutboxBatch, lease: string, until: DateTime.Utc) {
    const { aggregate, attempts } = batch
    const listeners = yield* subscribers.list
    let delivered = batch.events[0].version - 1
    let count = 0
    let at: Place = { event: batch.events[0], subscriber: null }
    const work = Effect.forEach(
      batch.events,
      (event) =>
        Effect.forEach(
          listeners.filter(({ types }) => types?.has(event.type) ?? true),
          (subscriber) => {
            at = { event, subscriber }
            return Effect.suspend(() => subscriber.handle(event))
          },
          { discard: true },
        ).pipe(
          Effect.tap(() => {
            delivered = event.version
            count++
            return Metric.update(deliveredTotal, 1)
          }),
        ),
      { discard: true },
    )
    const left = Duration.millis(Math.max(0, until.epochMilliseconds - (yield* DateTime.now).epochMilliseconds))
    return yield* Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(
          restore(Effect.timeoutOrElse(work, { duration: left, orElse: () => Effect.fail(new LeaseOver()) })),
        )
        const now = yield* DateTime.now
        const retryAt = Exit.isFailure(exit) ? DateTime.addDuration(now, waitAfter(attempts, retry)) : null
        if (Exit.isFailure(exit)) yield* report(exit.cause, at, attempts + 1)
        const isSettled = yield* store.settle({ lease, aggregate, delivered, retryAt, now })
        if (!isSettled) yield* Effect.annotateLogs(Effect.logWarning("A lease of the outbox ran out"), { aggregate })
        return count
      }),
    )
  })

  const round = Effect.gen(function* () {
    const now = yield* DateTime.now
    const lease = yield* random.uuidV7()
    const until = DateTime.addDuration(now, leaseTime)
    const batches = yield* store.claim({ lease, now, until, aggregates, events })
    const givesUpAt = DateTime.subtractDuration(until, Duration.times(leaseTime, 0.1))
    // A store that fails for one of them does not stop the others.
    const [counts, errors] = yield* Effect.partition(batches, (batch) => deliverBatch(batch, lease, givesUpAt), {
      concurrency: "unbounded",
    })
    const [error] = errors
    if (error !== undefined) return yield* error
    return {
      count: counts.reduce((sum, count) => sum + count, 0),
      // Less than it could take was all that was due.
      isFull: batches.length >= aggregates || batches.some((batch) => batch.events.length >= events),
    }
  }).pipe(Effect.withSpan("OutboxDeliveries.deliver"))

  return OutboxDeliveries.of({
    deliver: Effect.map(round, ({ count }) => count),
    deliverAll: Effect.gen(function* () {
      let total = 0
      while (true) {
        const { count, isFull } = yield* round
        total += count
        if (!isFull) return total
      }
    }),
  })
})

/**
 * Layer of the service.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: Partial<OutboxDeliveryOptions>) => Layer.effect(OutboxDeliveries, make(options))

/**
 * Delivers for as long as the layer lives: until nothing is due, then again when this process committed events or
 * `interval` is over. A store that cannot answer is logged, and asked again after `interval`, which is also how often
 * it is asked since when the oldest event waits.
 *
 * **Gotchas**
 *
 * It is for the process that has all subscribers: an event that is delivered is not delivered again to whoever comes
 * later. It begins when `interval` is over for the first time, so that all that starts with it has registered.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerLoop = (options: Partial<Pick<OutboxDeliveryOptions, "interval">> = {}) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const { interval } = { ...defaults, ...options }
      const { arrivals } = yield* Outbox
      const { deliverAll } = yield* OutboxDeliveries
      const store = yield* OutboxStore
      let measuredAt = -Infinity
      const measureLag = Effect.gen(function* () {
        const now = (yield* DateTime.now).epochMilliseconds
        if (now - measuredAt < Duration.toMillis(interval)) return
        const since = yield* store.waitsSince
        measuredAt = now
        yield* Metric.update(lagSeconds, since === null ? 0 : (now - since.epochMilliseconds) / 1000)
      })
      const round = Effect.gen(function* () {
        // Closed before it looks: what is committed while it does opens the latch again.
        yield* arrivals.close
        yield* deliverAll
        yield* measureLag
        yield* Effect.raceFirst(arrivals.await, Effect.sleep(interval))
      })
      const safe = Effect.catchCause(round, (cause) =>
        Effect.andThen(Effect.logWarning("Events of the outbox could not be delivered", cause), Effect.sleep(interval)),
      )
      yield* Effect.forkScoped(Effect.delay(Effect.forever(safe), interval))
    }),
  )

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const defaults: OutboxDeliveryOptions = {
  aggregates: 16,
  events: 100,
  lease: Duration.seconds(30),
  interval: Duration.seconds(1),
  retry: Duration.seconds(1),
}

/** What a delivery was at when it failed. */
interface Place {
  readonly event: OutboxEvent
  readonly subscriber: OutboxSubscriber | null
}

class LeaseOver extends Data.TaggedError("LeaseOver") {
  override readonly message = "The lease is over"
}

const waitAfter = (attempts: number, first: Duration.Duration): Duration.Duration =>
  Duration.min(Duration.times(first, 2 ** Math.min(attempts, 30)), Duration.hours(1))

/** Counts and logs a failure; what the event says stays out of the log. */
const report = (cause: Cause.Cause<unknown>, { event, subscriber }: Place, attempt: number) =>
  Effect.andThen(
    Metric.update(failedTotal, 1),
    Effect.logWarning("An event of the outbox could not be delivered", cause).pipe(
      Effect.annotateLogs({
        aggregate: event.aggregate,
        type: event.type,
        subscriber: subscriber?.name ?? null,
        attempt,
      }),
    ),
  )
