import type { BillingCustomer } from "@belfry/billing/BillingCustomer"
import { Customers } from "@belfry/billing/Customers"
import { CustomerStore } from "@belfry/billing/CustomerStore"
import type { Payer } from "@belfry/billing/Payer"
import * as SqlBillingStores from "@belfry/billing/SqlBillingStores"
import { UserStore } from "@belfry/core/UserStore"
import * as BillingBuilders from "@belfry/testing/BillingBuilders"
import * as Builders from "@belfry/testing/Builders"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it, layer as withLayer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { created, ensure, inMemory, kept, layerOver, told, verified } from "./support/AskingForCustomers.ts"
import { migrations } from "./support/BillingStores.ts"
import * as Shop from "./support/CustomerShop.ts"

describe("ensure", () => {
  it.effect("makes a payer a customer, who is called so, with metadata of ours before the host's", () =>
    Effect.gen(function* () {
      const { actor, email, payer } = yield* verified
      const customer = yield* Customers.use((customers) => customers.ensure(payer, actor))
      const { customers } = yield* Shop.CustomerShop
      assert.deepStrictEqual(customers.get(customer.providerId), {
        id: customer.providerId,
        isDeleted: false,
        profile: { name: actor.user.name, email },
        metadata: {
          plan: "wanted",
          belfry_customer: customer.id,
          belfry_payer: `user:${payer.userId}`,
          managed_by: "belfry",
        },
      })
      assert.deepStrictEqual(yield* kept(payer), customer)
      assert.strictEqual(yield* told, 1)
      assert.deepStrictEqual(yield* ensure(payer), customer)
      assert.strictEqual((yield* created).length, 1)
      assert.strictEqual(yield* told, 1)
    }).pipe(
      inMemory({
        hooks: {
          customerMetadata: () =>
            Effect.succeed({ plan: "wanted", belfry_customer: "x", belfry_other: "x", managed_by: "x" }),
        },
      }),
    ),
  )

  it.effect("gives organizations and teams the address of whoever buys, if it is verified", () =>
    Effect.gen(function* () {
      const { customers } = yield* Shop.CustomerShop
      const unverified = yield* OrganizationBuilders.actor({ user: yield* Builders.storedUser() })
      const { actor, email } = yield* verified
      for (const [buyer, address] of [
        [actor, email],
        [unverified, null],
        [null, null],
      ] as const) {
        const { organization } = yield* OrganizationBuilders.storedOrganization({ name: "Engines" })
        const payer: Payer = { _tag: "Organization", organizationId: organization.id }
        const { providerId } = yield* Customers.use((service) => service.ensure(payer, buyer))
        assert.deepStrictEqual(customers.get(providerId)?.profile, { name: "Engines", email: address })
      }
    }).pipe(inMemory()),
  )

  it.effect("finds no payer who is gone", () =>
    Effect.gen(function* () {
      const { id: userId } = yield* Builders.user()
      assert.strictEqual((yield* Effect.flip(ensure({ _tag: "User", userId })))._tag, "PayerNotFound")
      assert.deepStrictEqual(yield* created, [])
    }).pipe(inMemory()),
  )

  it.effect("asks again for the very same when the answer was lost, and gets the customer that was made", () =>
    Effect.gen(function* () {
      const { actor, payer } = yield* verified
      const shop = yield* Shop.CustomerShop
      shop.failure = { method: "createCustomer", reason: "unavailable", isAfter: true }
      assert.strictEqual((yield* Effect.flip(ensure(payer)))._tag, "BillingProviderError")
      assert.isNull((yield* kept(payer)).providerId)
      shop.failure = null
      yield* TestClock.adjust("22 hours")
      yield* UserStore.use((users) => users.update(payer.userId, { name: "Ada King" }, actor.user.updatedAt))
      const { providerId } = yield* ensure(payer)
      assert.deepStrictEqual([...shop.customers.keys()], [providerId])
      const [first, second] = yield* created
      assert.deepStrictEqual(second, first)
      assert.strictEqual(yield* told, 1)
    }).pipe(inMemory()),
  )

  it.effect("finds the customer that an attempt made of which nobody heard, after the provider forgot its key", () =>
    Effect.gen(function* () {
      const { payer } = yield* verified
      const shop = yield* Shop.CustomerShop
      shop.failure = { method: "createCustomer", reason: "unavailable", isAfter: true }
      yield* Effect.flip(ensure(payer))
      shop.failure = null
      yield* TestClock.adjust("24 hours")
      const { generation, providerId } = yield* ensure(payer)
      assert.deepStrictEqual([...shop.customers.keys()], [providerId])
      assert.strictEqual(generation, 0)
      assert.strictEqual((yield* created).length, 1)
    }).pipe(inMemory()),
  )

  it.effect("makes the next generation under a key of its own when an attempt of days ago made nobody", () =>
    Effect.gen(function* () {
      const { payer } = yield* verified
      const shop = yield* Shop.CustomerShop
      shop.failure = { method: "createCustomer", reason: "unavailable", isAfter: false }
      yield* Effect.flip(ensure(payer))
      shop.failure = null
      yield* TestClock.adjust("23 hours")
      const customer = yield* ensure(payer)
      assert.strictEqual(customer.generation, 1)
      const [first, second] = yield* created
      assert.notStrictEqual(first?.key, second?.key)
      assert.deepStrictEqual(yield* kept(payer), customer)
    }).pipe(inMemory()),
  )

  it.effect("takes nobody who is another payer's", () =>
    Effect.gen(function* () {
      const { payer } = yield* verified
      const { customers } = yield* Shop.CustomerShop
      const { id } = yield* BillingBuilders.storedCustomer({ payer, providerId: null })
      yield* TestClock.adjust("1 day")
      const other = yield* BillingBuilders.storedCustomer()
      // Somebody wrote this payer's id to another one's customer.
      const remote = yield* Shop.customer({ metadata: { belfry_customer: id } })
      yield* CustomerStore.use((store) =>
        store
          .renew({ ...pickOf(other), now: other.createdAt })
          .pipe(
            Effect.andThen(
              store.attach({ id: other.id, generation: 1, providerId: remote.id, profile: other.profile }),
            ),
          ),
      )
      const error = yield* Effect.flip(ensure(payer))
      assert.deepInclude(error, { _tag: "BillingProviderError", reason: "unexpected" })
      assert.strictEqual(customers.size, 1)
      assert.isNull((yield* kept(payer)).providerId)
    }).pipe(inMemory()),
  )
})

const race = Effect.gen(function* () {
  const { payer } = yield* verified
  const all = yield* Effect.all(
    Array.from({ length: 50 }, () => ensure(payer)),
    { concurrency: "unbounded" },
  )
  const { customers } = yield* Shop.CustomerShop
  assert.deepStrictEqual([...customers.keys()], [...new Set(all.map(({ providerId }) => providerId))])
  assert.strictEqual(new Set((yield* created).map(({ key }) => key)).size, 1)
  assert.strictEqual(yield* told, 1)
})

describe("50 who ask at once for a payer's customer (memory)", () => {
  it.effect("get the one that is made", () => race.pipe(inMemory()))
})

for (const { name, layer } of TestDatabase.each(migrations)) {
  const stores = Layer.provideMerge(SqlBillingStores.layer, TestServices.layerSql(layer))
  withLayer(layerOver(stores))(`50 who ask at once for a payer's customer (${name})`, (it) => {
    it.effect("get the one that is made", () => race)
  })
}

const pickOf = ({ generation, id, request }: BillingCustomer) => ({ generation, id, request })
