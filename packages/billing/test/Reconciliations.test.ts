import { MemoryTables } from "@belfry/core/MemoryTables"
import type { BillingCustomer } from "@belfry/billing/BillingCustomer"
import { CustomerStore } from "@belfry/billing/CustomerStore"
import { OperationStore } from "@belfry/billing/OperationStore"
import type { ProviderSubscriptionId } from "@belfry/billing/ProviderSubscription"
import { Reconciliations } from "@belfry/billing/Reconciliations"
import { SubscriptionStore } from "@belfry/billing/SubscriptionStore"
import { Synchronizations } from "@belfry/billing/Synchronizations"
import { WebhookEventStore } from "@belfry/billing/WebhookEventStore"
import { WebhookInbox } from "@belfry/billing/WebhookInbox"
import { UserId } from "@belfry/core/User"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { customer, envelope, layer, operation, standing, takeEvents, takeTags } from "./support/Looking.ts"
import * as ProviderStub from "./support/ProviderStub.ts"

const lookAt = (id: ProviderSubscriptionId) => Synchronizations.use((looks) => looks.subscription(id))

const statusHere = (id: ProviderSubscriptionId) =>
  Effect.map(
    SubscriptionStore.use((subscriptions) => subscriptions.findByProvider(id)),
    (found) => (Option.isSome(found) ? found.value.state.status : "none"),
  )

/** Removes the user who is this customer, past every guard. */
const removePayer = Effect.fnUntraced(function* ({ payer }: Pick<BillingCustomer, "payer">) {
  const tables = yield* MemoryTables
  if (payer?._tag !== "User") return assert.fail("no user")
  const { userId } = payer
  yield* tables.statement(() => Effect.sync(() => tables.removeUser(userId)))
})

describe("Reconciliations.payer", () => {
  it.effect("sees what no webhook told: what began, what ended, and what is over already", () =>
    Effect.gen(function* () {
      const payer = yield* customer()
      const { id: known } = yield* ProviderStub.subscription({ customerId: payer.providerId })
      yield* lookAt(known)
      yield* ProviderStub.change(known, { status: "canceled" })
      const [began, over] = [
        yield* ProviderStub.subscription({ customerId: payer.providerId }),
        yield* ProviderStub.subscription({ customerId: payer.providerId, status: "canceled" }),
      ]
      if (payer.payer === null) return assert.fail("no payer")
      const { payer: reconcile } = yield* Reconciliations
      assert.strictEqual(yield* reconcile(payer.payer), 3)
      assert.deepStrictEqual(yield* Effect.forEach([known, began.id, over.id], statusHere), [
        "canceled",
        "active",
        "canceled",
      ])
      // What is over here stays so, and is not asked for again.
      assert.strictEqual(yield* reconcile(payer.payer), 1)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("sees that the provider deleted the customer", () =>
    Effect.gen(function* () {
      const state = yield* ProviderStub.ProviderState
      const payer = yield* customer()
      const { id } = yield* ProviderStub.subscription({ customerId: payer.providerId })
      yield* lookAt(id)
      state.customers.delete(payer.providerId)
      yield* ProviderStub.change(id, { status: "canceled" })
      if (payer.payer === null) return assert.fail("no payer")
      const wanted = payer.payer
      yield* Reconciliations.use((reconciliations) => reconciliations.payer(wanted))
      const known = yield* CustomerStore.use((customers) => customers.find(payer.id))
      assert.isNull(Option.getOrThrow(known).providerId)
      assert.strictEqual(yield* statusHere(id), "canceled")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("fails of whoever is no customer", () =>
    Effect.gen(function* () {
      const nobody = { _tag: "User", userId: UserId.make("01890000-0000-7000-8000-000000000000") } as const
      const error = yield* Effect.flip(Reconciliations.use(({ payer }) => payer(nobody)))
      assert.strictEqual(error._tag, "CustomerNotFound")
    }).pipe(Effect.provide(layer())),
  )
})

describe("Reconciliations.all", () => {
  it.effect("compares every customer over many pages, and goes on where one fails", () =>
    Effect.gen(function* () {
      const state = yield* ProviderStub.ProviderState
      const payers = yield* Effect.forEach(Array.from({ length: 205 }), () => customer())
      const found = yield* Effect.forEach(payers, ({ providerId }) =>
        ProviderStub.subscription({ customerId: providerId }),
      )
      let failures = 0
      state.answer = (method) =>
        method === "listSubscriptions" && ++failures === 7 ? Effect.fail(ProviderStub.away(method)) : Effect.void
      const { all } = yield* Reconciliations
      assert.deepStrictEqual(yield* all, { customers: 205, failed: 1 })
      const statuses = yield* Effect.forEach(found, ({ id }) => statusHere(id))
      assert.strictEqual(statuses.filter((status) => status === "active").length, 204)
    }).pipe(Effect.provide(layer())),
  )
})

describe("Reconciliations.missedEvents", () => {
  it.effect(
    "takes in what the inbox has not, since the last time and a little before, and the sweep deals with it",
    () =>
      Effect.gen(function* () {
        yield* TestClock.adjust("400 days")
        const { events } = yield* ProviderStub.ProviderState
        const { missedEvents } = yield* Reconciliations
        const payer = yield* customer()
        const { id } = yield* ProviderStub.subscription({ customerId: payer.providerId })
        const event = yield* envelope({ type: "customer.subscription.created", objectId: id })
        const old = yield* envelope({ type: "payout.paid" })
        const [now, dayAgo] = [event.createdAt, DateTime.subtract(event.createdAt, { days: 1, minutes: 11 })]
        events.push({ ...old, createdAt: dayAgo }, event)
        assert.strictEqual(yield* missedEvents, 1)
        assert.strictEqual(yield* missedEvents, 0)
        assert.deepStrictEqual(yield* WebhookEventStore.use((store) => store.cursor("events")), now)
        yield* WebhookInbox.use(({ sweep }) => sweep)
        assert.strictEqual(yield* standing(event.id), "done")
        assert.include(yield* takeTags(payer.id), "SubscriptionStarted")
        // One that appears late was made before the last that was seen.
        const late = yield* envelope({ type: "payout.paid" })
        events.push({ ...late, createdAt: DateTime.subtract(now, { minutes: 9 }) })
        assert.strictEqual(yield* missedEvents, 1)
      }).pipe(Effect.provide(layer())),
  )

  it.effect("goes on where a list was full", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("400 days")
      const state = yield* ProviderStub.ProviderState
      const { missedEvents } = yield* Reconciliations
      const now = yield* DateTime.now
      for (let index = 0; index < 2_100; index++) {
        const event = yield* envelope({ type: "payout.paid" })
        state.events.push({ ...event, createdAt: DateTime.subtract(now, { seconds: 2_100 - index }) })
      }
      assert.strictEqual(yield* missedEvents, 2_100)
      assert.strictEqual(state.calls.filter((call) => call === "listEvents").length, 3)
    }).pipe(Effect.provide(layer())),
  )
})

describe("Reconciliations.overdueOperations", () => {
  const statusOf = (asked: Effect.Success<ReturnType<typeof operation>>) =>
    Effect.map(
      OperationStore.use((operations) => operations.find(asked.id)),
      (found) => Option.getOrThrow(found).status,
    )
  const run = Reconciliations.use(({ overdueOperations }) => overdueOperations)

  it.effect("looks at what a change came to that nobody came back from, and does not do it again", () =>
    Effect.gen(function* () {
      const { calls } = yield* ProviderStub.ProviderState
      const payer = yield* customer()
      const found = yield* ProviderStub.subscription({ customerId: payer.providerId })
      yield* lookAt(found.id)
      const here = yield* SubscriptionStore.use((subscriptions) => subscriptions.findByProvider(found.id))
      const asked = yield* operation({
        customerId: payer.id,
        subscriptionId: Option.getOrThrow(here).id,
        request: { _tag: "Cancel", when: "period-end" },
        expiresAt: DateTime.add(yield* DateTime.now, { seconds: 90 }),
      })
      yield* ProviderStub.change(found.id, { cancelAtPeriodEnd: true })
      assert.strictEqual(yield* run, 0)
      yield* TestClock.adjust("91 seconds")
      assert.strictEqual(yield* run, 1)
      assert.strictEqual(yield* statusOf(asked), "abandoned")
      assert.include(yield* takeTags(payer.id), "CancellationRequested")
      assert.notInclude(calls, "updateSubscription")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("closes a checkout that the provider still has open, there first", () =>
    Effect.gen(function* () {
      const state = yield* ProviderStub.ProviderState
      const payer = yield* customer()
      const checkout = yield* ProviderStub.checkout({ customerId: payer.providerId })
      const asked = yield* operation({ customerId: payer.id, checkoutId: checkout.id })
      yield* TestClock.adjust("3 hours")
      yield* run
      assert.strictEqual(state.checkouts.get(checkout.id)?.status, "expired")
      assert.strictEqual(yield* statusOf(asked), "abandoned")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("sees the subscription of a checkout that was paid at the last moment", () =>
    Effect.gen(function* () {
      const payer = yield* customer()
      const found = yield* ProviderStub.subscription({ customerId: payer.providerId })
      const checkout = yield* ProviderStub.checkout({
        customerId: payer.providerId,
        status: "complete",
        subscriptionId: found.id,
      })
      const asked = yield* operation({ customerId: payer.id, checkoutId: checkout.id })
      yield* TestClock.adjust("3 hours")
      yield* run
      assert.strictEqual(yield* statusOf(asked), "done")
      assert.strictEqual(yield* statusHere(found.id), "active")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("leaves open what the provider cannot say anything about, and closes the others", () =>
    Effect.gen(function* () {
      const state = yield* ProviderStub.ProviderState
      const [one, other] = [yield* customer(), yield* customer()]
      const checkout = yield* ProviderStub.checkout({ customerId: one.providerId })
      const asked = yield* operation({ customerId: one.id, checkoutId: checkout.id })
      const never = yield* operation({ customerId: other.id })
      state.answer = (method) => (method === "findCheckout" ? Effect.fail(ProviderStub.away(method)) : Effect.void)
      yield* TestClock.adjust("3 hours")
      assert.strictEqual(yield* run, 1)
      assert.deepStrictEqual([yield* statusOf(asked), yield* statusOf(never)], ["open", "abandoned"])
    }).pipe(Effect.provide(layer())),
  )
})

describe("Reconciliations.trialsEnding", () => {
  it.effect("gives notice of a trial when it is due, once, though nothing changed at the provider", () =>
    Effect.gen(function* () {
      const { trialsEnding } = yield* Reconciliations
      const payer = yield* customer()
      const now = yield* DateTime.now
      const trial = { status: "trialing", trialStart: now, trialEnd: DateTime.add(now, { days: 14 }) } as const
      const found = yield* ProviderStub.subscription({ customerId: payer.providerId, ...trial })
      yield* lookAt(found.id)
      yield* takeEvents(payer.id)
      yield* TestClock.adjust("10 days")
      assert.strictEqual(yield* trialsEnding, 0)
      yield* TestClock.adjust("25 hours")
      assert.strictEqual(yield* trialsEnding, 1)
      assert.strictEqual(yield* trialsEnding, 0)
      assert.deepStrictEqual(yield* takeTags(payer.id), ["TrialEnding"])
    }).pipe(Effect.provide(layer())),
  )
})

describe("Reconciliations.orphans", () => {
  const run = Reconciliations.use(({ orphans }) => orphans)
  const wants = (id: ProviderSubscriptionId) =>
    Effect.map(
      SubscriptionStore.use((subscriptions) => subscriptions.findByProvider(id)),
      (found) => Option.getOrThrow(found).wants,
    )
  const closedAt = (id: BillingCustomer["id"]) =>
    Effect.map(
      CustomerStore.use((customers) => customers.find(id)),
      (found) => Option.getOrThrow(found).closedAt,
    )

  it.effect("has what a payer left behind end, and closes the customer when it did", () =>
    Effect.gen(function* () {
      const payer = yield* customer()
      const { id } = yield* ProviderStub.subscription({ customerId: payer.providerId })
      yield* lookAt(id)
      assert.strictEqual(yield* run, 0)
      yield* removePayer(payer)
      yield* run
      assert.strictEqual(yield* wants(id), "end-now")
      assert.isNull(yield* closedAt(payer.id))
      yield* ProviderStub.change(id, { status: "canceled" })
      yield* run
      assert.isNotNull(yield* closedAt(payer.id))
      assert.strictEqual(yield* run, 0)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("finds what the provider has and nobody knew of here", () =>
    Effect.gen(function* () {
      const payer = yield* customer()
      yield* removePayer(payer)
      const { id } = yield* ProviderStub.subscription({ customerId: payer.providerId })
      yield* run
      assert.strictEqual(yield* wants(id), "end-now")
      assert.isNull(yield* closedAt(payer.id))
    }).pipe(Effect.provide(layer())),
  )

  it.effect("ends what is there behind a hundred others of which the provider says nothing", () =>
    Effect.gen(function* () {
      const state = yield* ProviderStub.ProviderState
      let calls = 0
      yield* Effect.forEach(Array.from({ length: 101 }), () => Effect.flatMap(customer(), removePayer))
      state.answer = (method) =>
        method === "listSubscriptions" && ++calls <= 100 ? Effect.fail(ProviderStub.away(method)) : Effect.void
      assert.deepStrictEqual([yield* run, calls], [1, 101])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("lets nobody pay for a checkout any more that was open", () =>
    Effect.gen(function* () {
      const state = yield* ProviderStub.ProviderState
      const payer = yield* customer()
      const checkout = yield* ProviderStub.checkout({ customerId: payer.providerId })
      yield* operation({ customerId: payer.id, checkoutId: checkout.id })
      yield* removePayer(payer)
      yield* run
      assert.strictEqual(state.checkouts.get(checkout.id)?.status, "expired")
      assert.isNotNull(yield* closedAt(payer.id))
    }).pipe(Effect.provide(layer())),
  )
})
