import * as BillingBuilders from "@belfry/testing/BillingBuilders"
import * as Builders from "@belfry/testing/Builders"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { created, ensure, inMemory, told, verified } from "./support/AskingForCustomers.ts"
import * as Shop from "./support/CustomerShop.ts"

const adopting = inMemory({ settings: { adoptsCustomers: true } })

describe("a user's customer whom the provider knows by the address", () => {
  it.effect("becomes theirs, marked as such, when there is one and the address is verified", () =>
    Effect.gen(function* () {
      const { email, payer } = yield* verified
      const shop = yield* Shop.CustomerShop
      const remote = yield* Shop.customer({ profile: { name: "A. Lovelace", email }, metadata: { crm: "7" } })
      // An organization's customer with the same address is nobody who could be taken.
      yield* Shop.customer({ profile: { name: "Engines", email }, metadata: { belfry_customer: "another" } })
      const customer = yield* ensure(payer)
      assert.strictEqual(customer.providerId, remote.id)
      assert.deepStrictEqual(customer.profile, remote.profile)
      assert.deepInclude(shop.customers.get(remote.id)?.metadata, { crm: "7", belfry_customer: customer.id })
      assert.deepStrictEqual(yield* created, [])
      assert.strictEqual(yield* told, 1)
    }).pipe(adopting),
  )

  it.effect("becomes theirs also when the attempt that marked it was cut off", () =>
    Effect.gen(function* () {
      const { email, payer } = yield* verified
      const shop = yield* Shop.CustomerShop
      const remote = yield* Shop.customer({ profile: { name: null, email } })
      shop.failure = { method: "updateCustomer", reason: "unavailable", isAfter: true }
      yield* Effect.flip(ensure(payer))
      shop.failure = null
      assert.strictEqual((yield* ensure(payer)).providerId, remote.id)
      assert.deepStrictEqual(yield* created, [])
    }).pipe(adopting),
  )

  const cases: ReadonlyArray<readonly [string, (email: string) => ReadonlyArray<Parameters<typeof Shop.customer>[0]>]> =
    [
      ["there are two", (email) => [{ profile: { name: null, email } }, { profile: { name: null, email } }]],
      ["it is deleted", (email) => [{ profile: { name: null, email }, isDeleted: true }]],
      [
        "it was made for somebody",
        (email) => [{ profile: { name: null, email }, metadata: { belfry_payer: "user:1" } }],
      ],
    ]
  for (const [when, remotes] of cases) {
    it.effect(`stays what it is when ${when}`, () =>
      Effect.gen(function* () {
        const { email, payer } = yield* verified
        const there = yield* Effect.forEach(remotes(email), Shop.customer)
        const { providerId } = yield* ensure(payer)
        assert.isFalse(there.some(({ id }) => id === providerId))
        assert.strictEqual(yield* Shop.countOf("updateCustomer"), 0)
      }).pipe(adopting),
    )
  }

  it.effect("stays what it is when it is another payer's here", () =>
    Effect.gen(function* () {
      const { email, payer } = yield* verified
      const other = yield* BillingBuilders.storedCustomer()
      yield* Shop.customer({ id: other.providerId ?? assert.fail(), profile: { name: null, email } })
      assert.notStrictEqual((yield* ensure(payer)).providerId, other.providerId)
      assert.strictEqual(yield* Shop.countOf("updateCustomer"), 0)
    }).pipe(adopting),
  )

  it.effect("stays what it is when the address is not verified", () =>
    Effect.gen(function* () {
      const { email, id: userId } = yield* Builders.storedUser()
      const remote = yield* Shop.customer({ profile: { name: null, email } })
      assert.notStrictEqual((yield* ensure({ _tag: "User", userId })).providerId, remote.id)
      assert.strictEqual(yield* Shop.countOf("listCustomersByEmail"), 0)
    }).pipe(adopting),
  )

  it.effect("stays what it is unless the settings say otherwise", () =>
    Effect.gen(function* () {
      const { email, payer } = yield* verified
      const remote = yield* Shop.customer({ profile: { name: null, email } })
      assert.notStrictEqual((yield* ensure(payer)).providerId, remote.id)
    }).pipe(inMemory()),
  )
})
