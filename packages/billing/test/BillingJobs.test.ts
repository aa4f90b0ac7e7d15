import { BillingProvider } from "@belfry/billing/BillingProvider"
import * as BillingJobs from "@belfry/billing/BillingJobs"
import { SubscriptionStore } from "@belfry/billing/SubscriptionStore"
import { SubscriptionWork } from "@belfry/billing/SubscriptionWork"
import { WebhookEventStore } from "@belfry/billing/WebhookEventStore"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Latch, Layer, Metric, Option } from "effect"
import { TestClock } from "effect/testing"
import { customer, envelope, kept, layer, standing } from "./support/Looking.ts"
import * as ProviderStub from "./support/ProviderStub.ts"

const callsOf = (method: string) =>
  ProviderStub.ProviderState.use(({ calls }) => Effect.sync(() => calls.filter((call) => call === method).length))

describe("BillingJobs.run", () => {
  it.effect("deals with what the provider has told nobody yet", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("400 days")
      const { events } = yield* ProviderStub.ProviderState
      const payer = yield* customer()
      const { id } = yield* ProviderStub.subscription({ customerId: payer.providerId })
      const event = yield* envelope({ type: "customer.subscription.created", objectId: id })
      events.push(event)
      assert.strictEqual(yield* BillingJobs.run, 0)
      assert.strictEqual(yield* standing(event.id), "done")
      const here = yield* SubscriptionStore.use((subscriptions) => subscriptions.findByProvider(id))
      assert.isTrue(Option.isSome(here))
    }).pipe(Effect.provide(layer())),
  )

  it.effect("asks for events every 5 minutes and compares customers every day, on whichever node", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("400 days")
      yield* customer()
      for (let minute = 0; minute < 11; minute++) {
        yield* Effect.replicateEffect(BillingJobs.run, 3, { concurrency: "unbounded" })
        yield* TestClock.adjust("1 minute")
      }
      assert.strictEqual(yield* callsOf("listEvents"), 3)
      assert.strictEqual(yield* callsOf("listSubscriptions"), 1)
      yield* TestClock.adjust("1 day")
      yield* BillingJobs.run
      assert.strictEqual(yield* callsOf("listSubscriptions"), 2)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("does the other jobs where one fails, and counts it", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("400 days")
      const state = yield* ProviderStub.ProviderState
      const payer = yield* customer()
      const { id } = yield* ProviderStub.subscription({ customerId: payer.providerId })
      const event = yield* kept({ type: "customer.subscription.created", objectId: id })
      state.answer = (method) => (method === "listEvents" ? Effect.fail(ProviderStub.away(method)) : Effect.void)
      assert.strictEqual(yield* BillingJobs.run, 1)
      assert.strictEqual(yield* standing(event.id), "done")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("removes events that were dealt with when their time is over, and keeps those that were not", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("400 days")
      const events = yield* WebhookEventStore
      const done = yield* kept({ type: "payout.paid" })
      yield* BillingJobs.run
      const parked = yield* kept({ type: "customer.subscription.updated", objectId: "sub 1" })
      yield* BillingJobs.run
      assert.deepStrictEqual(
        [yield* standing(done.id), yield* standing(parked.id)],
        ["ignored type", "parked malformed"],
      )
      yield* TestClock.adjust("31 days")
      yield* BillingJobs.run
      assert.deepStrictEqual([yield* standing(done.id), yield* standing(parked.id)], ["none", "parked malformed"])
      assert.strictEqual((yield* events.list({ status: "parked", after: null, limit: 10 })).length, 1)
      assert.strictEqual((yield* Metric.value(BillingJobs.eventsParked)).value, 1)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("asks nobody where nothing is sold", () =>
    Effect.gen(function* () {
      yield* customer()
      assert.strictEqual(yield* BillingJobs.run, 0)
      assert.isEmpty((yield* ProviderStub.ProviderState).calls)
    }).pipe(
      Effect.provide(
        layer({
          provider: Layer.effect(
            BillingProvider,
            Effect.map(BillingProvider, (provider) => ({ ...provider, isEnabled: false })),
          ),
        }),
      ),
    ),
  )
})

describe("BillingJobs.layerLoop", () => {
  it.effect("has the worker at it until nothing is due, again every 2 seconds, and after a failure", () => {
    const left = [2, 1, 0, "failure", 1, 0]
    const rounds: Array<unknown> = []
    const arrivals = Latch.makeUnsafe(false)
    const work = Layer.mock(SubscriptionWork, {
      arrivals,
      work: Effect.suspend(() => {
        const next = left.shift() ?? 0
        rounds.push(next)
        return typeof next === "number" ? Effect.succeed(next) : Effect.die(new Error(next))
      }),
    })
    return Effect.gen(function* () {
      yield* TestClock.adjust("1999 millis")
      assert.isEmpty(rounds)
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(rounds, [2, 1, 0])
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(rounds, [2, 1, 0, "failure"])
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(rounds, [2, 1, 0, "failure", 1, 0])
      left.push(3, 0)
      yield* arrivals.open
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(rounds.slice(6), [3, 0], "what is asked for is seen to at once")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(rounds.length, 8)
    }).pipe(Effect.provide(BillingJobs.layerLoop().pipe(Layer.provideMerge(work), Layer.provideMerge(layer()))))
  })
})
