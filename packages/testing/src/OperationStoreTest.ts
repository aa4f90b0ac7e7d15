/**
 * Contract suite of {@link OperationStore}.
 *
 * @since 0.1.0
 */
import type { CustomerStore } from "@belfry/billing/CustomerStore"
import type { OperationRequest } from "@belfry/billing/Operation"
import { OperationStore } from "@belfry/billing/OperationStore"
import { defaultGroup, PlanGroup, PlanName } from "@belfry/billing/Plan"
import { ProviderPriceId } from "@belfry/billing/ProviderSubscription"
import type { SubscriptionStore } from "@belfry/billing/SubscriptionStore"
import { UserStore } from "@belfry/core/UserStore"
import { assert, layer as withLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as BillingBuilders from "./BillingBuilders.ts"
import * as Builders from "./Builders.ts"

/**
 * The stores that the suite works with.
 *
 * @category models
 * @since 0.1.0
 */
export type Stores = CustomerStore | OperationStore | SubscriptionStore | UserStore

/**
 * Registers the suite for an adapter.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<Stores, E>): void =>
  withLayer(layer)(`OperationStore (${name})`, (it) => {
    it.effect("gives operations back as they were written down", () =>
      Effect.gen(function* () {
        const operations = yield* OperationStore
        const customer = yield* BillingBuilders.storedCustomer()
        const { id: subscriptionId } = yield* BillingBuilders.storedSubscription(customer)
        const { id: actorId } = yield* Builders.storedUser()
        const plan = PlanName.make("pro")
        const items = [{ priceId: ProviderPriceId.make("price_1"), quantity: null }]
        const requests: ReadonlyArray<OperationRequest> = [
          yield* BillingBuilders.checkoutRequest({
            trialDays: 14,
            locale: "de",
            metadata: { team: "“x” 🦉" },
            extra: { allow_promotion_codes: true, nested: { list: [1, null, "p"] } },
          }),
          { _tag: "Change", plan, interval: "year", items, proration: "always-invoice" },
          { _tag: "Schedule", plan, interval: "month", items, startsAt: yield* DateTime.now },
          { _tag: "Release" },
          { _tag: "Cancel", when: "period-end" },
          { _tag: "Restore" },
          { _tag: "Seats", quantity: 7 },
        ]
        for (const request of requests) {
          const fields = { customerId: customer.id, subscriptionId, actorId, request }
          const operation = yield* BillingBuilders.operation(fields)
          assert.deepStrictEqual(yield* operations.insert(operation), { _tag: "kept" })
          assert.deepStrictEqual(yield* operations.find(operation.id), Option.some(operation))
          assert.strictEqual(
            (yield* Effect.flip(operations.insert({ ...operation, group: storage })))._tag,
            "StoreError",
          )
        }
        const { id } = yield* BillingBuilders.operation({ customerId: customer.id })
        assert.deepStrictEqual(yield* operations.find(id), Option.none())
      }),
    )

    it.effect("keeps one open checkout of a customer and group, and says which", () =>
      Effect.gen(function* () {
        const operations = yield* OperationStore
        const { id: customerId } = yield* BillingBuilders.storedCustomer()
        const insert = (fields: Partial<Parameters<typeof BillingBuilders.operation>[0]> = {}) =>
          Effect.flatMap(BillingBuilders.operation({ customerId, ...fields }), (operation) =>
            Effect.map(operations.insert(operation), (outcome) => ({ operation, outcome })),
          )
        const all = yield* Effect.all(
          Array.from({ length: 20 }, () => insert()),
          { concurrency: "unbounded" },
        )
        const [kept = assert.fail(), ...more] = all.filter(({ outcome }) => outcome._tag === "kept")
        assert.deepStrictEqual(more, [])
        for (const { outcome } of all) {
          if (outcome._tag === "open") assert.deepStrictEqual(outcome.operation, kept.operation)
        }
        // Other groups and customers have their own, and what is no checkout is none.
        const other = yield* BillingBuilders.storedCustomer()
        for (const fields of [{ group: storage }, { customerId: other.id }, seats, seats]) {
          assert.strictEqual((yield* insert(fields)).outcome._tag, "kept")
        }
        yield* operations.close(kept.operation.id, "superseded", yield* DateTime.now)
        assert.strictEqual((yield* insert()).outcome._tag, "kept")
      }),
    )

    it.effect("keeps no operation of nobody, nor on a subscription that is not there", () =>
      Effect.gen(function* () {
        const operations = yield* OperationStore
        const { id: customerId } = yield* BillingBuilders.storedCustomer()
        const subscriptionId = yield* BillingBuilders.subscriptionId
        for (const fields of [{ customerId, subscriptionId }, { customerId: yield* BillingBuilders.customerId }]) {
          const operation = yield* BillingBuilders.operation(fields)
          assert.strictEqual((yield* Effect.flip(operations.insert(operation)))._tag, "StoreError")
        }
      }),
    )

    it.effect("finds the open checkout until its time is over", () =>
      Effect.gen(function* () {
        const operations = yield* OperationStore
        const { id: customerId } = yield* BillingBuilders.storedCustomer()
        yield* BillingBuilders.storedOperation({ customerId, ...seats })
        const operation = yield* BillingBuilders.storedOperation({ customerId })
        const { expiresAt, group, id } = operation
        const find = (now: DateTime.Utc, of = group) => operations.findOpenCheckout(customerId, of, now)
        assert.deepStrictEqual(yield* find(DateTime.subtract(expiresAt, { milliseconds: 1 })), Option.some(operation))
        assert.deepStrictEqual(yield* find(expiresAt), Option.none())
        assert.deepStrictEqual(yield* find(operation.createdAt, storage), Option.none())
        yield* operations.close(id, "done", expiresAt)
        assert.deepStrictEqual(yield* find(operation.createdAt), Option.none())
      }),
    )

    it.effect("writes down the checkout of the provider while the operation is open, and no checkout twice", () =>
      Effect.gen(function* () {
        const operations = yield* OperationStore
        const { id: customerId } = yield* BillingBuilders.storedCustomer()
        const operation = yield* BillingBuilders.storedOperation({ customerId })
        const { id } = operation
        const checkout = { checkoutId: yield* BillingBuilders.providerCheckoutId, url: "https://pay.example.com/1" }
        assert.isTrue(yield* operations.setCheckout(id, checkout))
        assert.isTrue(yield* operations.setCheckout(id, checkout))
        const found = Option.some({ ...operation, ...checkout })
        assert.deepStrictEqual(yield* operations.findByCheckout(checkout.checkoutId), found)
        const second = yield* BillingBuilders.storedOperation({ customerId, group: storage })
        assert.strictEqual((yield* Effect.flip(operations.setCheckout(second.id, checkout)))._tag, "StoreError")
        yield* operations.close(id, "superseded", yield* DateTime.now)
        const another = yield* BillingBuilders.providerCheckoutId
        assert.isFalse(yield* operations.setCheckout(id, { checkoutId: another, url: null }))
        assert.deepStrictEqual(yield* operations.findByCheckout(another), Option.none())
      }),
    )

    it.effect("closes an operation once", () =>
      Effect.gen(function* () {
        const operations = yield* OperationStore
        const { id: customerId } = yield* BillingBuilders.storedCustomer()
        const operation = yield* BillingBuilders.storedOperation({ customerId })
        const now = yield* DateTime.now
        const closed = yield* Effect.all(
          (["done", "failed", "superseded", "abandoned"] as const).map((status) =>
            Effect.map(operations.close(operation.id, status, now), (isClosed) => (isClosed ? [status] : [])),
          ),
          { concurrency: "unbounded" },
        )
        const [status = assert.fail(), ...more] = closed.flat()
        assert.deepStrictEqual(more, [])
        assert.deepStrictEqual(yield* operations.find(operation.id), Option.some({ ...operation, status }))
      }),
    )

    it.effect("lists those that are open beyond their time, the oldest first", () =>
      Effect.gen(function* () {
        const operations = yield* OperationStore
        const { id: customerId } = yield* BillingBuilders.storedCustomer()
        const start = yield* DateTime.now
        const expires = (minutes: number) =>
          BillingBuilders.storedOperation({ customerId, ...seats, expiresAt: DateTime.add(start, { minutes }) })
        const [second, first, closed] = [yield* expires(20), yield* expires(10), yield* expires(10)]
        yield* expires(21)
        yield* operations.close(closed.id, "done", start)
        const now = DateTime.add(start, { minutes: 20 })
        const overdue = (yield* operations.listOverdue(now, 1000)).filter((each) => each.customerId === customerId)
        assert.deepStrictEqual(overdue, [first, second])
        assert.strictEqual((yield* operations.listOverdue(now, 1)).length, 1)
      }),
    )

    it.effect("forgets those that were closed long ago, and who asked for them when they are gone", () =>
      Effect.gen(function* () {
        const operations = yield* OperationStore
        const { id: customerId } = yield* BillingBuilders.storedCustomer()
        const { id: actorId } = yield* Builders.storedUser()
        const start = DateTime.subtract(yield* DateTime.now, { days: 10_000 })
        const closed = Effect.fnUntraced(function* (minutes: number) {
          const operation = yield* BillingBuilders.storedOperation({ customerId, ...seats })
          yield* operations.close(operation.id, "done", DateTime.add(start, { minutes }))
          return operation
        })
        const [first, second, third] = [yield* closed(0), yield* closed(1), yield* closed(2)]
        const open = yield* BillingBuilders.storedOperation({ customerId, actorId })
        yield* UserStore.use((users) => users.remove(actorId))
        const instant = DateTime.add(start, { minutes: 2 })
        const isThere = Effect.forEach([first, second, third, open], ({ id }) =>
          Effect.map(operations.find(id), Option.isSome),
        )
        assert.strictEqual(yield* operations.removeClosed(instant, 1), 1)
        assert.deepStrictEqual(yield* isThere, [false, true, true, true])
        assert.strictEqual(yield* operations.removeClosed(instant, 10), 1)
        assert.deepStrictEqual(yield* isThere, [false, false, true, true])
        assert.deepStrictEqual(yield* operations.find(open.id), Option.some({ ...open, actorId: null }))
        assert.strictEqual(open.group, defaultGroup)
      }),
    )
  })

// internal

const storage = PlanGroup.make("storage")

const seats = { request: { _tag: "Seats", quantity: 1 } } as const
