import { ProviderCustomerId } from "@belfry/billing/BillingCustomer"
import { CustomerStore } from "@belfry/billing/CustomerStore"
import { OperationStore } from "@belfry/billing/OperationStore"
import type { ProviderSubscriptionId } from "@belfry/billing/ProviderSubscription"
import { SubscriptionStore } from "@belfry/billing/SubscriptionStore"
import { Synchronizations } from "@belfry/billing/Synchronizations"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Option } from "effect"
import { customer, kept, layer, operation, standing, takeEvents, takeTags } from "./support/Looking.ts"
import * as ProviderStub from "./support/ProviderStub.ts"

const lookAt = (id: ProviderSubscriptionId) => Synchronizations.use((looks) => looks.subscription(id))

/** How a subscription of the provider stands here. */
const here = (id: ProviderSubscriptionId) =>
  Effect.map(
    SubscriptionStore.use((subscriptions) => subscriptions.findByProvider(id)),
    Option.getOrUndefined,
  )

describe("Synchronizations.checkout", () => {
  /** A checkout at the provider, and the operation that it was made for. */
  const begin = Effect.gen(function* () {
    const payer = yield* customer()
    const checkout = yield* ProviderStub.checkout({ customerId: payer.providerId })
    const asked = yield* operation({ customerId: payer.id, checkoutId: checkout.id, url: checkout.url })
    const event = yield* kept({ type: "checkout.session.completed", objectId: checkout.id })
    const look = Synchronizations.use((looks) => looks.checkout(checkout.id, { eventId: event.id, envelope: event }))
    return { payer, checkout, asked, event, look }
  })
  const statusOf = (id: Effect.Success<typeof begin>["asked"]["id"]) =>
    Effect.map(
      OperationStore.use((operations) => operations.find(id)),
      (found) => Option.getOrThrow(found).status,
    )

  it.effect("writes the subscription of one that was paid, and closes the operation and the event with it", () =>
    Effect.gen(function* () {
      const state = yield* ProviderStub.ProviderState
      const { payer, checkout, asked, event, look } = yield* begin
      const metadata = { belfry_operation: asked.id }
      const found = yield* ProviderStub.subscription({ customerId: payer.providerId, metadata })
      state.checkouts.set(checkout.id, { ...checkout, status: "complete", subscriptionId: found.id })
      assert.strictEqual(yield* look, "applied")
      assert.strictEqual((yield* here(found.id))?.state.status, "active")
      assert.strictEqual(yield* statusOf(asked.id), "done")
      assert.strictEqual(yield* standing(event.id), "done")
      assert.deepStrictEqual(yield* takeTags(payer.id), ["SubscriptionStarted", "ProviderEventReceived"])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("closes the operation of one that is over, and leaves that of one that is open", () =>
    Effect.gen(function* () {
      const state = yield* ProviderStub.ProviderState
      const { checkout, asked, look } = yield* begin
      yield* look
      assert.strictEqual(yield* statusOf(asked.id), "open")
      state.checkouts.set(checkout.id, { ...checkout, status: "expired" })
      yield* look
      assert.strictEqual(yield* statusOf(asked.id), "abandoned")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("learns of one that nobody came back with, from metadata with its customer's own operation alone", () =>
    Effect.gen(function* () {
      const operations = yield* OperationStore
      const [payer, other] = [yield* customer(), yield* customer()]
      const asked = yield* operation({ customerId: payer.id })
      const metadata = { belfry_operation: asked.id }
      const copied = yield* ProviderStub.checkout({ customerId: other.providerId, metadata, status: "expired" })
      yield* Synchronizations.use((looks) => looks.checkout(copied.id))
      assert.strictEqual(yield* statusOf(asked.id), "open")
      const made = yield* ProviderStub.checkout({ customerId: payer.providerId, metadata })
      yield* Synchronizations.use((looks) => looks.checkout(made.id))
      const learned = Option.getOrThrow(yield* operations.find(asked.id))
      assert.deepStrictEqual([learned.checkoutId, learned.url, learned.status], [made.id, made.url, "open"])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is foreign where neither its customer nor its operation is of here", () =>
    Effect.gen(function* () {
      const stranger = yield* ProviderStub.customer()
      const checkout = yield* ProviderStub.checkout({ customerId: stranger.id, status: "complete" })
      assert.strictEqual(yield* Synchronizations.use((looks) => looks.checkout(checkout.id)), "foreign")
    }).pipe(Effect.provide(layer())),
  )
})

describe("Synchronizations.providerCustomer", () => {
  it.effect("ends what a customer had whom the provider deleted, and has it made anew when it is needed", () =>
    Effect.gen(function* () {
      const state = yield* ProviderStub.ProviderState
      const customers = yield* CustomerStore
      const payer = yield* customer()
      const found = yield* ProviderStub.subscription({ customerId: payer.providerId })
      yield* lookAt(found.id)
      yield* takeEvents(payer.id)
      const event = yield* kept({ type: "customer.deleted", objectId: payer.providerId })
      state.customers.set(payer.providerId, { ...(yield* ProviderStub.customer()), isDeleted: true })
      yield* ProviderStub.change(found.id, { status: "canceled", endedAt: yield* DateTime.now })
      const cause = { eventId: event.id, envelope: event }
      const looks = yield* Synchronizations
      assert.strictEqual(yield* looks.providerCustomer(payer.providerId, cause), "applied")
      assert.strictEqual((yield* here(found.id))?.state.status, "canceled")
      const forgotten = Option.getOrThrow(yield* customers.find(payer.id))
      assert.deepStrictEqual([forgotten.providerId, forgotten.generation], [null, 2])
      assert.strictEqual(yield* standing(event.id), "done")
      assert.deepStrictEqual(yield* takeTags(payer.id), [
        "SubscriptionChanged",
        "SubscriptionEnded",
        "ProviderEventReceived",
      ])
      // Webhooks of what it had come later, and find whose it was.
      assert.strictEqual(yield* lookAt(found.id), "applied")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("writes down what the provider knows of one that it has", () =>
    Effect.gen(function* () {
      const state = yield* ProviderStub.ProviderState
      const customers = yield* CustomerStore
      const payer = yield* customer()
      const profile = { name: "Countess", email: "bills@example.com" }
      state.customers.set(payer.providerId, { ...(yield* ProviderStub.customer()), id: payer.providerId, profile })
      yield* Synchronizations.use((looks) => looks.providerCustomer(payer.providerId))
      assert.deepStrictEqual(Option.getOrThrow(yield* customers.find(payer.id)).profile, profile)
      const nobody = ProviderCustomerId.make("cus_nobody")
      assert.strictEqual(yield* Synchronizations.use((looks) => looks.providerCustomer(nobody)), "absent")
    }).pipe(Effect.provide(layer())),
  )
})

describe("Synchronizations.customer", () => {
  it.effect("looks at all that the provider has and at all that stands here, but for what is over here", () =>
    Effect.gen(function* () {
      const state = yield* ProviderStub.ProviderState
      const looks = yield* Synchronizations
      const payer = yield* customer()
      const [kept, gone, over, missed] = [
        yield* ProviderStub.subscription({ customerId: payer.providerId }),
        yield* ProviderStub.subscription({ customerId: payer.providerId }),
        yield* ProviderStub.subscription({ customerId: payer.providerId, status: "canceled" }),
        yield* ProviderStub.subscription({ customerId: payer.providerId, status: "canceled" }),
      ]
      for (const { id } of [kept, gone, over]) yield* lookAt(id)
      state.subscriptions.delete(gone.id)
      assert.strictEqual(yield* looks.customer(payer), 2)
      assert.strictEqual((yield* here(gone.id))?.state.status, "canceled")
      assert.isUndefined(yield* here(missed.id))
      assert.strictEqual(yield* looks.customer(payer, { ended: true }), 2)
      assert.strictEqual((yield* here(missed.id))?.state.status, "canceled")
    }).pipe(Effect.provide(layer())),
  )
})
