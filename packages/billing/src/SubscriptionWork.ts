/**
 * The one worker of a subscription: brings about what it should be, in seats and in its end, until it is.
 *
 * @since 0.1.0
 */
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { UserId } from "@belfry/core/User"
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { BillingProviderError, type PaymentDeclined } from "./BillingProviderError.ts"
import { CustomerStore } from "./CustomerStore.ts"
import { logFailure } from "./internal/failures.ts"
import * as OperationSteps from "./internal/operationSteps.ts"
import * as Seats from "./internal/seats.ts"
import { OperationId, type SubscriptionRequest } from "./Operation.ts"
import { OperationStore } from "./OperationStore.ts"
import { Plans } from "./Plans.ts"
import { isEnded, type StoredSubscription, SubscriptionConflict } from "./Subscription.ts"
import { endOf } from "./SubscriptionChanges.ts"
import { type SubscriptionLease, SubscriptionStore, type WorkTarget } from "./SubscriptionStore.ts"
import { Synchronizations } from "./Synchronizations.ts"

/**
 * The one worker of a subscription. Every write to a subscription at the provider goes through here.
 *
 * @category services
 * @since 0.1.0
 */
export class SubscriptionWork extends Context.Service<
  SubscriptionWork,
  {
    /**
     * Does one thing to a subscription for somebody, alone: takes the lease, writes the operation down, asks the
     * provider, looks at what it has then, closes the operation. `busy` while somebody else has the lease.
     */
    readonly perform: (options: {
      readonly subscription: StoredSubscription
      readonly request: SubscriptionRequest
      readonly fingerprint: string
      readonly actorId: UserId | null
    }) => Effect.Effect<StoredSubscription, SubscriptionConflict | PaymentDeclined | BillingProviderError | StoreError>
    /** Sees to subscriptions with work that is due, 20 at most; how many. */
    readonly work: Effect.Effect<number, StoreError>
    /** Asks for a look at what subscriptions should be; it begins at once where this process has the worker. */
    readonly request: (target: WorkTarget) => Effect.Effect<void, StoreError>
    /** Opens when this process asked for work: for the worker, which need not wait for its next round then. */
    readonly arrivals: Latch.Latch
  }
>()("@belfry/billing/SubscriptionWork") {}

/**
 * Makes the service.
 *
 * **Details**
 *
 * A lease is for 90 seconds, and all that is asked of the provider under it ends within 60 and one attempt, so nothing
 * of a lease that ran out is under way. Nothing that somebody asked for is done again later: where it is not known what
 * became of it, the operation stays open, and what the provider has is looked at when its time is over.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const customers = yield* CustomerStore
  const subscriptions = yield* SubscriptionStore
  const operations = yield* OperationStore
  const plans = yield* Plans
  const synchronizations = yield* Synchronizations
  const transactions = yield* TransactionStore
  const random = yield* SecureRandom.SecureRandom
  const arrivals = yield* Latch.make(false)
  const ask = yield* OperationSteps.make
  const seatsWanted = yield* Seats.make

  /** Writes an operation down, asks for it, looks, and closes it. Under a lease. */
  const operate = Effect.fnUntraced(function* (
    subscription: StoredSubscription,
    wish: { readonly request: SubscriptionRequest; readonly fingerprint: string; readonly actorId: UserId | null },
  ) {
    const { id: subscriptionId, customerId, providerId, state } = subscription
    const createdAt = yield* DateTime.now
    const id = OperationId.make(yield* random.uuidV7())
    yield* operations.insert({
      id,
      customerId,
      group: state.group,
      subscriptionId,
      ...wish,
      status: "open",
      checkoutId: null,
      url: null,
      createdAt,
      expiresAt: DateTime.addDuration(createdAt, leaseTime),
    })
    const close = (status: "done" | "failed") =>
      Effect.flatMap(DateTime.now, (now) => operations.close(id, status, now))
    const all = yield* plans.all
    yield* ask({ id }, wish.request, subscription, all).pipe(
      Effect.timeoutOrElse({ duration: workTime, orElse: () => Effect.fail(tooSlow) }),
      // Part of it may have been done, or all of it, whatever the answer was: who cannot look leaves it open.
      Effect.tapError(() =>
        synchronizations.subscription(providerId).pipe(
          Effect.andThen(close("failed")),
          Effect.catchCause((cause) => logFailure("What became of a change is not known", cause)),
        ),
      ),
    )
    yield* synchronizations.subscription(providerId)
    yield* close("done")
  })

  /** Ends a lease. With `wait`, what is left is tried again after it. */
  const settle = Effect.fnUntraced(function* (
    { subscription: { id }, lease, asked }: SubscriptionLease,
    wait: Duration.Duration | null,
  ): Effect.fn.Return<void, StoreError> {
    const now = yield* DateTime.now
    const retryAt = wait === null ? null : DateTime.addDuration(now, wait)
    const isSettled = yield* subscriptions.settle({ id, lease, asked, retryAt, now })
    if (!isSettled) {
      yield* Effect.annotateLogs(Effect.logWarning("A lease of a subscription ran out"), { subscription: id })
    }
  })

  const newLease = Effect.gen(function* () {
    const now = yield* DateTime.now
    return { lease: yield* random.uuidV7(), now, until: DateTime.addDuration(now, leaseTime) }
  })

  /** What a subscription should be and is not. */
  const wishOf = Effect.fnUntraced(function* ({
    customerId,
    wants,
    state,
  }: StoredSubscription): Effect.fn.Return<SubscriptionRequest | null, StoreError> {
    if (isEnded(state.status)) return null
    const payer = Option.getOrNull(yield* customers.find(customerId))?.payer ?? null
    if (payer === null || wants === "end-now") return { _tag: "Cancel", when: "now" }
    if (wants === "end-with-period" && endOf(state) === null) return { _tag: "Cancel", when: "period-end" }
    // The provider changes nothing while the first payment is waited for.
    if (state.plan === null || state.seats === null || state.status === "incomplete") return null
    const plan = yield* plans.find(state.plan)
    const quantity = plan === undefined ? null : yield* seatsWanted(payer, plan)
    return quantity === null || quantity === state.seats ? null : { _tag: "Seats", quantity }
  })

  const bringAbout = Effect.fnUntraced(function* ({ subscription }: SubscriptionLease) {
    const request = yield* wishOf(subscription)
    if (request !== null) yield* operate(subscription, { request, fingerprint: request._tag, actorId: null })
  })

  return SubscriptionWork.of({
    perform: Effect.fn("SubscriptionWork.perform")(function* ({ subscription: { id, providerId }, ...wish }) {
      return yield* Effect.uninterruptibleMask((restore) =>
        Effect.gen(function* () {
          const lease = yield* subscriptions.lease({ id, ...(yield* newLease) })
          if (Option.isNone(lease)) return yield* new SubscriptionConflict({ reason: "busy" })
          const { subscription } = lease.value
          const work = Effect.gen(function* () {
            if (isEnded(subscription.state.status)) return yield* new SubscriptionConflict({ reason: "ended" })
            yield* operate(subscription, wish)
          })
          const exit = yield* Effect.exit(restore(work))
          yield* settle(lease.value, null)
          yield* exit
          const found = yield* subscriptions.findByProvider(providerId)
          return Option.getOrElse(found, () => subscription)
        }),
      )
    }),
    // Who is told to stop while it takes leases would leave leases that nobody has: it stops before, or afterwards.
    work: Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const leases = yield* subscriptions.claimWork({ ...(yield* newLease), limit })
        const left = new Set(leases)
        const seeTo = (lease: SubscriptionLease) =>
          Effect.uninterruptibleMask((restoreOne) =>
            Effect.gen(function* () {
              left.delete(lease)
              const exit = yield* Effect.exit(restoreOne(bringAbout(lease)))
              // What was cut short is nobody's failure: whoever comes next goes on.
              const wait = Exit.hasInterrupts(exit) ? Duration.zero : waitAfter(lease.attempts)
              yield* settle(lease, Exit.isFailure(exit) ? wait : null)
              yield* exit
            }),
          ).pipe(
            Effect.catchCause((cause) =>
              Effect.annotateLogs(logFailure("A subscription could not be seen to", cause), {
                subscription: lease.subscription.id,
              }),
            ),
          )
        const all = restore(Effect.forEach(leases, seeTo, { concurrency: "unbounded", discard: true }))
        const exit = yield* Effect.exit(all)
        yield* Effect.forEach(left, (lease) => settle(lease, Duration.zero), { discard: true })
        yield* exit
        return leases.length
      }),
    ).pipe(Effect.withSpan("SubscriptionWork.work")),
    request: Effect.fn("SubscriptionWork.request")(function* (target) {
      yield* subscriptions.request(target, yield* DateTime.now)
      yield* transactions.afterCommit(Effect.asVoid(arrivals.open))
    }),
    arrivals,
  })
})

/**
 * Layer of the service.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(SubscriptionWork, make)

// internal

const leaseTime = Duration.seconds(90)

/** After this nothing more is begun; what is under way then ends within one attempt. */
const workTime = Duration.seconds(60)

/** How many subscriptions are seen to at once: all of them beside each other, so that no lease runs out. */
const limit = 20

const waitAfter = (attempts: number): Duration.Duration =>
  Duration.min(Duration.times(Duration.seconds(1), 2 ** Math.min(attempts, 30)), Duration.hours(1))

const tooSlow = new BillingProviderError({
  method: "perform",
  reason: "unavailable",
  code: null,
  requestId: null,
  cause: new Error("The provider took too long for all steps"),
})
