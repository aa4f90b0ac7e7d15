/**
 * Delivers the events of the outbox: of each aggregate in order, by one node at a time, again and again until every
 * subscriber took them.
 *
 * @since 0.1.0
 */
import { isReadonlyArrayNonEmpty } from "effect/Array"
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Semaphore from "effect/Semaphore"
import { Outbox } from "./Outbox.ts"
import type { OutboxEvent } from "./OutboxEvent.ts"
import { type OutboxBatch, type OutboxOutcome, OutboxStore } from "./OutboxStore.ts"
import { type OutboxSubscriber, OutboxSubscribers } from "./OutboxSubscribers.ts"
import type { StoreError } from "./StoreError.ts"

/**
 * How events are delivered.
 *
 * @category models
 * @since 0.1.0
 */
export interface OutboxDeliveryOptions {
  /** Aggregates at a time: 64. */
  readonly aggregates: number
  /** Events of an aggregate in one lease: 100. */
  readonly events: number
  /** How long a node has for what it leased: 30 seconds. It gives up a tenth before that. */
  readonly lease: Duration.Duration
  /** How often it looks, besides when this process commits events: every second. */
  readonly interval: Duration.Duration
  /** How long it waits for more when this process commits events, so that one lease takes many: 25 milliseconds. */
  readonly gather: Duration.Duration
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

  /**
   * Delivers what is leased, and ends every lease: those that end at a time, or while a statement is on its way, by one
   * statement. Told to stop, it gives back what is left as it was, which is no failure. Answers with the number of
   * events; without interruption but where `restore` allows it.
   */
  const deliverLeased = Effect.fnUntraced(function* (leased: Leased, restore: Restore) {
    const { batches, givesUpAt, lease } = leased
    const listeners = yield* subscribers.list
    const listenersOf = (event: OutboxEvent) => listeners.filter(({ types }) => types?.has(event.type) ?? true)
    const turn = yield* Semaphore.make(1)
    const deliveries = batches.map(begin)
    const running = new Set(deliveries)
    let ended: ReadonlyArray<OutboxOutcome> = []

    const settle = turn.withPermit(
      Effect.gen(function* () {
        const outcomes = ended
        ended = []
        if (!isReadonlyArrayNonEmpty(outcomes)) return
        const settled = new Set(yield* store.settle({ lease, outcomes, now: yield* DateTime.now }))
        for (const { aggregate } of outcomes.filter(({ aggregate }) => !settled.has(aggregate))) {
          yield* Effect.annotateLogs(Effect.logWarning("A lease of the outbox ran out"), { aggregate })
        }
      }),
    )

    const end = (delivery: Delivery, attempts: number, retryAt: DateTime.Utc | null) => {
      running.delete(delivery)
      ended = [...ended, { aggregate: delivery.batch.aggregate, delivered: delivery.delivered, attempts, retryAt }]
    }

    const took = (delivery: Delivery, count: number) => {
      delivery.count += count
      delivery.delivered += count
      return Metric.update(deliveredTotal, count)
    }

    const deliverBatch = (delivery: Delivery) => {
      const { attempts, events } = delivery.batch
      const toAll = (event: OutboxEvent) =>
        Effect.forEach(
          listenersOf(event),
          (subscriber) => {
            delivery.at = { event, subscriber }
            return Effect.suspend(() => subscriber.handle(event))
          },
          { discard: true },
        )
      const work = Effect.gen(function* () {
        const now = yield* DateTime.now
        yield* Effect.timeoutOrElse(
          Effect.forEach(events, (event) => Effect.tap(toAll(event), () => took(delivery, 1)), { discard: true }),
          {
            duration: Duration.millis(Math.max(0, givesUpAt.epochMilliseconds - now.epochMilliseconds)),
            orElse: () => Effect.fail(new LeaseOver()),
          },
        )
      })
      return Effect.uninterruptibleMask((restore) =>
        Effect.gen(function* () {
          const exit = yield* Effect.exit(restore(work))
          if (Exit.isSuccess(exit)) end(delivery, 0, null)
          else {
            // Goes on where it was the subscriber that interrupted itself.
            yield* restore(Effect.void)
            yield* report(exit.cause, delivery.at, attempts + 1)
            end(delivery, attempts + 1, DateTime.addDuration(yield* DateTime.now, waitAfter(attempts, retry)))
          }
          yield* Effect.yieldNow
          yield* settle
        }),
      )
    }

    const isWanted = ({ batch }: Delivery) => batch.events.some((event) => listenersOf(event).length > 0)
    for (const delivery of deliveries.filter((delivery) => !isWanted(delivery))) {
      yield* took(delivery, delivery.batch.events.length)
      end(delivery, 0, null)
    }
    const works = [...running].map(deliverBatch)
    if (ended.length > 0) works.push(Effect.uninterruptible(Effect.andThen(Effect.yieldNow, settle)))
    // A statement that fails for some of them does not stop the others.
    const exit = yield* Effect.exit(restore(Effect.partition(works, identity, { concurrency: "unbounded" })))
    for (const delivery of running) end(delivery, delivery.count > 0 ? 0 : delivery.batch.attempts, null)
    yield* settle
    const [, [error]] = yield* exit
    if (error !== undefined) return yield* error
    return deliveries.reduce((sum, { count }) => sum + count, 0)
  })

  // Who is told to stop while it leases would leave leases that nobody has: it stops before, or afterwards.
  const round = Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const now = yield* DateTime.now
      const lease = yield* random.uuidV7()
      const until = DateTime.addDuration(now, leaseTime)
      const batches = yield* store.claim({ lease, now, until, aggregates, events })
      const givesUpAt = DateTime.subtractDuration(until, Duration.times(leaseTime, 0.1))
      return {
        count: batches.length === 0 ? 0 : yield* deliverLeased({ batches, lease, givesUpAt }, restore),
        // Less than it could take was all that was due.
        isFull: batches.length >= aggregates || batches.some((batch) => batch.events.length >= events),
      }
    }),
  ).pipe(Effect.withSpan("OutboxDeliveries.deliver"))

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
 * Delivers for as long as the layer lives: until nothing is due, then again `gather` after this process committed
 * events, or when `interval` is over. A store that cannot answer is logged, and asked again after `interval`, which is
 * also how often it is asked since when the oldest event waits.
 *
 * **Gotchas**
 *
 * It is for the process that has all subscribers: an event that is delivered is not delivered again to whoever comes
 * later. It begins when `interval` is over for the first time, so that all that starts with it has registered.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerLoop = (options: Partial<Pick<OutboxDeliveryOptions, "interval" | "gather">> = {}) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const { gather, interval } = { ...defaults, ...options }
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
        yield* Effect.raceFirst(Effect.andThen(arrivals.await, Effect.sleep(gather)), Effect.sleep(interval))
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
  aggregates: 64,
  events: 100,
  lease: Duration.seconds(30),
  interval: Duration.seconds(1),
  gather: Duration.millis(25),
  retry: Duration.seconds(1),
}

/** What a delivery was at when it failed. */
interface Place {
  readonly event: OutboxEvent
  readonly subscriber: OutboxSubscriber | null
}

/** What one round leased. */
interface Leased {
  readonly batches: ReadonlyArray<OutboxBatch>
  readonly lease: string
  readonly givesUpAt: DateTime.Utc
}

/** How far the delivery of a batch is: the last version and the number of events that every subscriber took. */
interface Delivery {
  readonly batch: OutboxBatch
  delivered: number
  count: number
  at: Place
}

const begin = (batch: OutboxBatch): Delivery => {
  const [event] = batch.events
  return { batch, delivered: event.version - 1, count: 0, at: { event, subscriber: null } }
}

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

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
