/**
 * Webhooks that cannot be dealt with: kept, tried again, parked, replayed.
 */
import { StoreError } from "@belfry/core/StoreError"
import { BillingProviderError } from "@belfry/billing/BillingProviderError"
import { WebhookEventId } from "@belfry/billing/WebhookEvent"
import { WebhookInbox } from "@belfry/billing/WebhookInbox"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { TestClock } from "effect/testing"
import { audited, customer, kept, standing, takeTags } from "./support/Looking.ts"
import * as ProviderStub from "./support/ProviderStub.ts"
import { begin, digest, eventOf, layer } from "./support/Webhooks.ts"

describe("A webhook that cannot be dealt with", () => {
  const failing = (reason: BillingProviderError["reason"]) =>
    ProviderStub.ProviderState.use((state) =>
      Effect.sync(() => {
        state.answer = (method) =>
          Effect.fail(new BillingProviderError({ method, reason, code: null, requestId: null, cause: "no" }))
      }),
    )
  const mended = ProviderStub.ProviderState.use((state) => Effect.sync(() => void (state.answer = () => Effect.void)))

  const reasons: ReadonlyArray<readonly [BillingProviderError["reason"], status: number, standing: string]> = [
    ["unavailable", 503, "waiting provider"],
    ["limited", 503, "waiting provider"],
    ["refused", 502, "waiting provider"],
    // A status of a subscription that is not known here, say.
    ["unexpected", 502, "waiting unexpected"],
  ]
  for (const [reason, code, expected] of reasons) {
    it.effect(`is answered ${code} and kept where the provider is ${reason}, and dealt with when it comes again`, () =>
      Effect.gen(function* () {
        const { send, event, status, written } = yield* begin
        const before = yield* digest
        yield* failing(reason)
        const answer = yield* send(event)
        assert.strictEqual(answer.status, code, answer.text)
        assert.strictEqual(answer.headers.get("retry-after"), code === 503 ? "5" : null)
        assert.strictEqual(yield* status, expected)
        assert.strictEqual(yield* digest, before)
        yield* mended
        assert.strictEqual((yield* send(event)).status, 200)
        assert.strictEqual(yield* status, "done")
        assert.isTrue(yield* written)
      }).pipe(Effect.provide(layer())),
    )
  }

  it.effect("is taken up by the sweep when its time has come, each time later, at most 6 hours", () =>
    Effect.gen(function* () {
      const { send, event, status } = yield* begin
      const { sweep } = yield* WebhookInbox
      yield* failing("unavailable")
      yield* send(event)
      assert.strictEqual(yield* sweep, 0)
      for (const minutes of [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360]) {
        yield* TestClock.adjust(Duration.seconds(minutes * 60 - 1))
        assert.strictEqual(yield* sweep, 0, `${minutes} minutes`)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* sweep, 1, `${minutes} minutes`)
      }
      assert.strictEqual(yield* status, "parked provider")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("waits for a replay after it failed too often, whatever is sent, and succeeds when the cause is gone", () =>
    Effect.gen(function* () {
      const { send, event, status, written } = yield* begin
      const { replay } = yield* WebhookInbox
      yield* failing("unexpected")
      assert.strictEqual((yield* send(event)).status, 502)
      assert.strictEqual((yield* send(event)).status, 200)
      assert.strictEqual(yield* status, "parked unexpected")
      yield* mended
      assert.strictEqual((yield* send(event)).status, 200)
      assert.isFalse(yield* written)
      const replayed = yield* replay(WebhookEventId.make(event.id))
      assert.strictEqual(replayed.status, "done")
      assert.strictEqual(yield* status, "done")
      assert.isTrue(yield* written)
      const [first] = yield* audited
      assert.deepInclude<object | undefined>(first, { type: "billing.event-replayed", outcome: "success" })
    }).pipe(Effect.provide(layer({ settings: { webhookAttempts: 2 } }))),
  )

  it.effect("of a defect is kept like any other failure", () =>
    Effect.gen(function* () {
      const state = yield* ProviderStub.ProviderState
      const { send, event, status } = yield* begin
      state.answer = () => Effect.die(new Error("a bug"))
      assert.strictEqual((yield* send(event)).status, 500)
      assert.strictEqual(yield* status, "waiting unexpected")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("of a store that is away is answered 503, and is done whole later", () => {
    let isAway = true
    const countSeats = () =>
      isAway
        ? Effect.fail(new StoreError({ store: "host", method: "countSeats", isRetryable: true, cause: "away" }))
        : Effect.succeed(2)
    return Effect.gen(function* () {
      const { send } = yield* begin
      const { organization } = yield* OrganizationBuilders.storedOrganization()
      const payer = yield* customer({ payer: { _tag: "Organization", organizationId: organization.id } })
      const items = [
        yield* ProviderStub.item({ price: "team_month" }),
        yield* ProviderStub.item({ price: "seat_month" }),
      ]
      const found = yield* ProviderStub.subscription({ customerId: payer.providerId, items })
      const event = eventOf("customer.subscription.created", { object: "subscription", id: found.id })
      const before = yield* digest
      assert.strictEqual((yield* send(event)).status, 503)
      assert.strictEqual(yield* digest, before)
      assert.strictEqual(yield* standing(WebhookEventId.make(event.id)), "waiting store")
      isAway = false
      yield* TestClock.adjust("1 minute")
      yield* WebhookInbox.use(({ sweep }) => sweep)
      assert.strictEqual(yield* standing(WebhookEventId.make(event.id)), "done")
      assert.deepStrictEqual(yield* takeTags(payer.id), ["SubscriptionStarted", "ProviderEventReceived"])
    }).pipe(Effect.provide(layer({ hooks: { countSeats } })))
  })

  for (const id of ["sub 1", "x".repeat(256), null]) {
    it.effect(`is parked and answered 200 where its object has no id of a known form: ${String(id).slice(0, 8)}`, () =>
      Effect.gen(function* () {
        const { send } = yield* begin
        const before = yield* digest
        const event = eventOf("customer.subscription.updated", { object: "subscription", id })
        assert.strictEqual((yield* send(event)).status, 200)
        assert.strictEqual(yield* standing(WebhookEventId.make(event.id)), "parked malformed")
        assert.strictEqual(yield* digest, before)
      }).pipe(Effect.provide(layer())),
    )
  }

  it.effect("because the process died is taken up by the sweep a minute later, and failures of one stop no other", () =>
    Effect.gen(function* () {
      const { payer, found } = yield* begin
      const state = yield* ProviderStub.ProviderState
      const { sweep } = yield* WebhookInbox
      const bad = yield* kept({ type: "checkout.session.completed", objectId: "cs_1" })
      const good = yield* kept({ type: "customer.subscription.created", objectId: found.id })
      state.answer = (method) => (method === "findCheckout" ? Effect.fail(ProviderStub.away(method)) : Effect.void)
      assert.strictEqual(yield* sweep, 2)
      assert.strictEqual(yield* standing(good.id), "done")
      assert.strictEqual(yield* standing(bad.id), "waiting provider")
      assert.include(yield* takeTags(payer.id), "SubscriptionStarted")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("that is not there is not found by a replay", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(WebhookInbox.use(({ replay }) => replay(WebhookEventId.make("evt_none"))))
      assert.strictEqual(error._tag, "WebhookEventNotFound")
      assert.isEmpty(yield* audited)
    }).pipe(Effect.provide(layer())),
  )
})
