/**
 * What comes in as a webhook: refused where it is not genuine, and then nothing is kept; kept where it is, and then
 * nothing is lost, and nothing is done by halves.
 */
import { SubscriptionStore } from "@belfry/billing/SubscriptionStore"
import { WebhookEventId } from "@belfry/billing/WebhookEvent"
import { WebhookInbox } from "@belfry/billing/WebhookInbox"
import { maximumWebhookBytes } from "@belfry/billing/WebhooksApi"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Option, type Schema } from "effect"
import { TestClock } from "effect/testing"
import { standing, takeTags } from "./support/Looking.ts"
import * as ProviderStub from "./support/ProviderStub.ts"
import { begin, digest, eventOf, layer, secrets, sign } from "./support/Webhooks.ts"

const inboxSize = Effect.map(
  WebhookInbox.use((inbox) => inbox.list()),
  ({ length }) => length,
)

describe("A webhook that is not genuine", () => {
  const text = (body: Schema.Json): string => JSON.stringify(body)
  const cases: ReadonlyArray<
    readonly [
      what: string,
      reason: string,
      make: (body: string) => Effect.Effect<readonly [body: string, signature: string | null]>,
    ]
  > = [
    ["has no signature", "header", (body) => Effect.succeed([body, null])],
    ["has an empty one", "header", (body) => Effect.succeed([body, ""])],
    ["has one without a time", "header", (body) => Effect.succeed([body, "v1=00"])],
    ["is signed with another secret", "signature", (body) => signed(body, body, { secret: "whsec_other" })],
    ["has one byte that is another", "signature", (body) => signed(body, body.replace("sub_", "sub-"))],
    ["has one byte more", "signature", (body) => signed(body, `${body} `)],
    ["was signed too long ago", "timestamp", (body) => signed(body, body, { age: Duration.seconds(301) })],
    ["is signed for times to come", "timestamp", (body) => signed(body, body, { age: Duration.seconds(-301) })],
    ["is no JSON", "form", () => signed("event", "event")],
    ["is no event", "form", () => signed(text({ object: "event" }), text({ object: "event" }))],
    [
      "has an id of no known form",
      "form",
      () => Effect.suspend(() => ((body) => signed(body, body))(text(eventOf("a.b", {}, { id: "evt 1" })))),
    ],
  ]
  function signed(body: string, sent: string, options?: Parameters<typeof sign>[1]) {
    return Effect.map(sign(body, options), (signature) => [sent, signature] as const)
  }

  for (const [what, reason, make] of cases) {
    it.effect(`is refused where it ${what}, and nothing of it is kept`, () =>
      Effect.gen(function* () {
        const { send, event } = yield* begin
        const before = yield* digest
        const [body, signature] = yield* make(text(event))
        const answer = yield* send(body, signature)
        assert.strictEqual(answer.status, 400, answer.text)
        assert.deepInclude(answer.json, { _tag: "WebhookRefused", reason })
        assert.strictEqual(yield* inboxSize, 0)
        assert.strictEqual(yield* digest, before)
        assert.isEmpty((yield* ProviderStub.ProviderState).calls)
      }).pipe(Effect.provide(layer())),
    )
  }

  it.effect("is refused where it is larger than 1 MiB, and read where it is as large", () =>
    Effect.gen(function* () {
      const { send } = yield* begin
      const filled = (bytes: number) => {
        const event = eventOf("a.b", { filling: "" })
        return text({ ...event, data: { object: { filling: "x".repeat(bytes - text(event).length) } } })
      }
      assert.strictEqual((yield* send(filled(maximumWebhookBytes + 1))).status, 400)
      assert.strictEqual(yield* inboxSize, 0)
      assert.strictEqual((yield* send(filled(maximumWebhookBytes))).status, 200)
      assert.strictEqual(yield* inboxSize, 1)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("uses up its sender's patience here, which genuine ones do not", () =>
    Effect.gen(function* () {
      const { send, event } = yield* begin
      for (let index = 0; index < 100; index++) yield* send(event, "t=1,v1=00")
      const limited = yield* send(event, "t=1,v1=00")
      assert.strictEqual(limited.status, 429)
      assert.isNotNull(limited.headers.get("retry-after"))
      assert.strictEqual((yield* send(event)).status, 200)
    }).pipe(Effect.provide(layer())),
  )
})

describe("A genuine webhook", () => {
  it.effect("is dealt with before it is answered", () =>
    Effect.gen(function* () {
      const { send, payer, event, status, written } = yield* begin
      const answer = yield* send(event)
      assert.deepStrictEqual<unknown>([answer.status, answer.json], [200, { received: true }])
      assert.strictEqual(yield* status, "done")
      assert.isTrue(yield* written)
      assert.deepStrictEqual(yield* takeTags(payer.id), ["SubscriptionStarted", "ProviderEventReceived"])
    }).pipe(Effect.provide(layer())),
  )

  for (const secret of secrets) {
    it.effect(`may be signed with any of the secrets: ${secret}`, () =>
      Effect.gen(function* () {
        const { send, event, written } = yield* begin
        const body = JSON.stringify(event)
        assert.strictEqual((yield* send(body, yield* sign(body, { secret }))).status, 200)
        assert.isTrue(yield* written)
      }).pipe(Effect.provide(layer())),
    )
  }

  for (const seconds of [300, -300]) {
    it.effect(`is taken when it was signed ${seconds} seconds ago`, () =>
      Effect.gen(function* () {
        const { send, event } = yield* begin
        const body = JSON.stringify(event)
        assert.strictEqual((yield* send(body, yield* sign(body, { age: Duration.seconds(seconds) }))).status, 200)
      }).pipe(Effect.provide(layer())),
    )
  }

  it.effect("that comes again changes nothing, and asks the provider nothing", () =>
    Effect.gen(function* () {
      const { calls } = yield* ProviderStub.ProviderState
      const { send, event } = yield* begin
      yield* send(event)
      const before = yield* digest
      const asked = calls.length
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* send(event)).status, 200)
      assert.strictEqual(yield* digest, before)
      assert.strictEqual(calls.length, asked)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("that comes 20 times at once is told of once", () =>
    Effect.gen(function* () {
      const { send, payer, event } = yield* begin
      const answers = yield* Effect.replicateEffect(send(event), 20, { concurrency: "unbounded" })
      assert.deepStrictEqual([...new Set(answers.map(({ status }) => status))], [200])
      assert.deepStrictEqual((yield* takeTags(payer.id)).toSorted(), ["ProviderEventReceived", "SubscriptionStarted"])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is not believed what it says of the object: what the provider has now is", () =>
    Effect.gen(function* () {
      const { send, found } = yield* begin
      const lie = { object: "subscription", id: found.id, status: "canceled", customer: "cus_other" }
      yield* send(eventOf("customer.subscription.deleted", lie))
      const here = yield* SubscriptionStore.use((subscriptions) => subscriptions.findByProvider(found.id))
      assert.strictEqual(Option.getOrThrow(here).state.status, "active")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("of another version of the API is dealt with all the same", () =>
    Effect.gen(function* () {
      const { send, event, status, written } = yield* begin
      yield* send({ ...event, api_version: "2020-08-27" })
      assert.strictEqual(yield* status, "done")
      assert.isTrue(yield* written)
    }).pipe(Effect.provide(layer())),
  )

  const related: ReadonlyArray<
    readonly [type: string, object: (id: string) => { readonly [key: string]: Schema.Json }]
  > = [
    [
      "invoice.payment_failed",
      (id) => ({ object: "invoice", id: "in_1", parent: { subscription_details: { subscription: id } } }),
    ],
    ["subscription_schedule.updated", (id) => ({ object: "subscription_schedule", id: "s_1", subscription: id })],
    [
      "subscription_schedule.released",
      (id) => ({ object: "subscription_schedule", id: "s_1", subscription: null, released_subscription: id }),
    ],
  ]
  for (const [type, object] of related) {
    it.effect(`has the subscription looked at that it is about: ${type}`, () =>
      Effect.gen(function* () {
        const { send, found, written } = yield* begin
        yield* send(eventOf(type, object(found.id)))
        assert.isTrue(yield* written)
      }).pipe(Effect.provide(layer())),
    )
  }
})

describe("A webhook about nothing of ours", () => {
  const before = Effect.gen(function* () {
    const begun = yield* begin
    return { ...begun, before: yield* digest }
  })
  const stranger = Effect.map(
    Effect.flatMap(ProviderStub.customer({ metadata: { belfry_customer: "no-uuid" } }), ({ id }) =>
      ProviderStub.subscription({ customerId: id, metadata: { belfry_operation: "no-uuid", belfry_payer: "x" } }),
    ),
    ({ id }) => eventOf("customer.subscription.created", { object: "subscription", id }),
  )
  const cases: ReadonlyArray<readonly [what: string, standing: string, event: typeof stranger]> = [
    ["a customer of somebody else, with metadata like ours", "ignored foreign", stranger],
    [
      "a subscription that the provider never had",
      "ignored foreign",
      Effect.sync(() => eventOf("customer.subscription.updated", { object: "subscription", id: "sub_never" })),
    ],
    [
      "the other mode",
      "ignored mode",
      Effect.sync(() => eventOf("customer.deleted", { object: "customer", id: "cus_1" }, { livemode: true })),
    ],
    ["another type", "ignored type", Effect.sync(() => eventOf("payout.paid", { object: "payout", id: "po_1" }))],
    [
      "an invoice of no subscription",
      "ignored type",
      Effect.sync(() => eventOf("invoice.paid", { object: "invoice", id: "in_1" })),
    ],
    [
      "a thin event",
      "ignored type",
      Effect.sync(() => ({
        id: ProviderStub.newId("evt"),
        object: "v2.core.event",
        type: "v1.billing.meter.error_report_triggered",
        livemode: false,
        created: "2026-01-01T00:00:00.000Z",
      })),
    ],
  ]
  for (const [what, expected, make] of cases) {
    it.effect(`is kept and ignored: ${what}`, () =>
      Effect.gen(function* () {
        const { send, before: digestBefore } = yield* before
        const event = yield* make
        const answer = yield* send(event)
        assert.strictEqual(answer.status, 200, answer.text)
        assert.strictEqual(yield* standing(WebhookEventId.make(String(event.id))), expected)
        assert.strictEqual(yield* digest, digestBefore)
      }).pipe(Effect.provide(layer())),
    )
  }

  it.effect("is told to the host where it is about a customer of ours", () =>
    Effect.gen(function* () {
      const { send, payer } = yield* begin
      const event = eventOf("payment_method.attached", {
        object: "payment_method",
        id: "pm_1",
        customer: payer.providerId,
      })
      yield* send(event)
      yield* send(event)
      assert.strictEqual(yield* standing(WebhookEventId.make(event.id)), "done")
      assert.deepStrictEqual(yield* takeTags(payer.id), ["ProviderEventReceived"])
    }).pipe(Effect.provide(layer())),
  )
})
