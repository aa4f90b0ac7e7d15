import * as OutboxDeliveries from "@belfry/core/OutboxDeliveries"
import { OutboxSubscribers } from "@belfry/core/OutboxSubscribers"
import { BillingEvent } from "@belfry/billing/BillingEvent"
import * as BillingHookRuns from "@belfry/billing/BillingHookRuns"
import { BillingHooks, type BillingHooksService, none } from "@belfry/billing/BillingHooks"
import * as MemoryBillingStores from "@belfry/billing/MemoryBillingStores"
import { Synchronizations } from "@belfry/billing/Synchronizations"
import { WebhookEventStore } from "@belfry/billing/WebhookEventStore"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { customer, layerOver } from "./support/Looking.ts"
import * as ProviderStub from "./support/ProviderStub.ts"

/** The hook of a host that has these stores. */
const layer = (hookOver: (events: WebhookEventStore["Service"]) => BillingHooksService["afterEvent"]) => {
  const hooks = Layer.effect(
    BillingHooks,
    Effect.map(WebhookEventStore, (events) => ({ ...none, afterEvent: hookOver(events) })),
  )
  return layerOver(
    Layer.merge(OutboxDeliveries.layer(), Layer.provide(BillingHookRuns.layer, hooks)).pipe(
      Layer.provideMerge(MemoryBillingStores.layer),
      Layer.provideMerge(TestServices.layerMemory),
    ),
  )
}

const deliver = OutboxDeliveries.OutboxDeliveries.use((deliveries) => deliveries.deliver)

/** A subscription that somebody has, and what happened with it. */
const begin = Effect.gen(function* () {
  const payer = yield* customer()
  const found = yield* ProviderStub.subscription({ customerId: payer.providerId })
  yield* Synchronizations.use((looks) => looks.subscription(found.id))
  return { payer, found }
})

describe("The host's hook", () => {
  it.effect("is called with everything that happens, in order, with the id that it was written under", () => {
    const calls: Array<readonly [string, string]> = []
    return Effect.gen(function* () {
      const { found } = yield* begin
      yield* ProviderStub.change(found.id, { status: "past_due" })
      yield* Synchronizations.use((looks) => looks.subscription(found.id))
      yield* deliver
      assert.deepStrictEqual(
        calls.map(([tag]) => tag),
        ["SubscriptionStarted", "SubscriptionChanged", "SubscriptionPastDue"],
      )
      assert.strictEqual(new Set(calls.map(([, id]) => id)).size, 3)
    }).pipe(
      Effect.provide(
        layer(
          () =>
            (event, { id }) =>
              Effect.sync(() => void calls.push([event._tag, id])),
        ),
      ),
    )
  })

  it.effect("is not called again where a delivery comes twice", () => {
    const calls: Array<string> = []
    return Effect.gen(function* () {
      yield* begin
      const subscribers = yield* OutboxSubscribers
      const seen: Array<string> = []
      // Somebody after it fails once, so that all get the event again.
      yield* subscribers.register({
        name: "after",
        handle: ({ id }) => (seen.push(id) === 1 ? Effect.fail("not now") : Effect.void),
      })
      yield* deliver
      yield* TestClock.adjust("1 minute")
      yield* deliver
      assert.strictEqual(seen.length, 2)
      assert.deepStrictEqual(calls, ["SubscriptionStarted"])
    }).pipe(Effect.provide(layer(() => (event) => Effect.sync(() => void calls.push(event._tag)))))
  })

  it.effect("is called again after it failed, and leaves nothing of what it wrote then", () => {
    let tries = 0
    return Effect.gen(function* () {
      yield* begin
      const events = yield* WebhookEventStore
      yield* deliver
      assert.strictEqual(tries, 1)
      assert.isNull(yield* events.cursor("host"))
      yield* TestClock.adjust("1 minute")
      yield* deliver
      assert.strictEqual(tries, 2)
      assert.isNotNull(yield* events.cursor("host"))
    }).pipe(
      Effect.provide(
        layer(
          (events) => () =>
            Effect.gen(function* () {
              yield* events.setCursor("host", yield* DateTime.now)
              if (++tries === 1) return yield* Effect.fail("not now")
            }),
        ),
      ),
    )
  })

  it.effect("gets every kind of event that there is", () =>
    Effect.gen(function* () {
      const subscribers = yield* OutboxSubscribers
      const [own] = (yield* subscribers.list).filter(({ name }) => name === "billing-hooks")
      assert.strictEqual(own?.types?.size, BillingEvent.members.length)
      assert.isTrue(own?.types?.has("billing.SubscriptionStarted"))
    }).pipe(Effect.provide(layer(() => () => Effect.void))),
  )
})
