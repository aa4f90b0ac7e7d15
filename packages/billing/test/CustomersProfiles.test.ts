import { Customers } from "@belfry/billing/Customers"
import type { Payer } from "@belfry/billing/Payer"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import * as BillingBuilders from "@belfry/testing/BillingBuilders"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { ensure, inMemory, kept, verified } from "./support/AskingForCustomers.ts"
import * as Shop from "./support/CustomerShop.ts"

describe("profiles", () => {
  it.effect("are told to the provider when they differ, each time under another key", () =>
    Effect.gen(function* () {
      const { customers } = yield* Shop.CustomerShop
      const organizations = yield* OrganizationStore
      const { organization } = yield* OrganizationBuilders.storedOrganization({ name: "First" })
      const { actor } = yield* verified
      const payer: Payer = { _tag: "Organization", organizationId: organization.id }
      const service = yield* Customers
      const { id, providerId } = yield* service.ensure(payer, actor)
      const atProvider = Effect.sync(() => customers.get(providerId) ?? assert.fail())
      yield* service.syncProfile(id)
      assert.strictEqual(yield* Shop.countOf("updateCustomer"), 0)
      // Somebody sets another address in the portal.
      customers.set(providerId, { ...(yield* atProvider), profile: { name: "First", email: "bills@example.com" } })
      for (const name of ["Second", "First", "Second"]) {
        yield* TestClock.adjust("1 minute")
        yield* organizations.update(organization.id, { name }, organization.createdAt)
        assert.strictEqual(yield* service.syncProfiles, 1)
        const profile = { name, email: "bills@example.com" }
        assert.deepStrictEqual((yield* atProvider).profile, profile)
        assert.deepStrictEqual((yield* kept(payer)).profile, profile)
      }
      assert.strictEqual(yield* service.syncProfiles, 0)
      assert.strictEqual(yield* Shop.countOf("updateCustomer"), 3)
    }).pipe(inMemory()),
  )

  it.effect("of users have their address", () =>
    Effect.gen(function* () {
      const { customers } = yield* Shop.CustomerShop
      const { email, payer } = yield* verified
      const { id, providerId } = yield* ensure(payer)
      const found = customers.get(providerId) ?? assert.fail()
      customers.set(providerId, { ...found, profile: { ...found.profile, email: "old@example.com" } })
      yield* Customers.use((service) => service.syncProfile(id))
      assert.strictEqual(customers.get(providerId)?.profile.email, email)
    }).pipe(inMemory()),
  )

  it.effect("that the provider refuses keep no others, and those that it cannot take now do", () =>
    Effect.gen(function* () {
      const shop = yield* Shop.CustomerShop
      const service = yield* Customers
      const { length } = yield* Effect.forEach([1, 2, 3], () => outdated)
      shop.failure = { method: "updateCustomer", reason: "refused", isAfter: false }
      assert.strictEqual(yield* service.syncProfiles, length)
      shop.failure = { method: "updateCustomer", reason: "unavailable", isAfter: false }
      assert.deepInclude(yield* Effect.flip(service.syncProfiles), { reason: "unavailable" })
      assert.strictEqual(yield* Shop.countOf("updateCustomer"), length + 1)
    }).pipe(inMemory()),
  )

  it.effect("of more than a page of customers are all told", () =>
    Effect.gen(function* () {
      const service = yield* Customers
      yield* Effect.forEach(Array.from({ length: 205 }), () => outdated)
      assert.strictEqual(yield* service.syncProfiles, 205)
      assert.strictEqual(yield* service.syncProfiles, 0)
    }).pipe(inMemory()),
  )
})

describe("a customer that the provider deleted", () => {
  it.effect("is made anew when it is needed", () =>
    Effect.gen(function* () {
      const { payer } = yield* verified
      const service = yield* Customers
      const first = yield* ensure(payer)
      yield* service.forget(first.providerId)
      yield* service.forget(first.providerId)
      assert.deepInclude(yield* kept(payer), { id: first.id, providerId: null, generation: 1 })
      const second = yield* ensure(payer)
      assert.notStrictEqual(second.providerId, first.providerId)
      assert.strictEqual(second.id, first.id)
    }).pipe(inMemory()),
  )

  it.effect("is noticed when its profile is to be told", () =>
    Effect.gen(function* () {
      const { customers } = yield* Shop.CustomerShop
      const { payer } = yield* verified
      const { id, providerId } = yield* ensure(payer)
      const found = customers.get(providerId) ?? assert.fail()
      customers.set(providerId, { ...found, isDeleted: true })
      yield* Customers.use((service) => service.syncProfile(id))
      assert.deepInclude(yield* kept(payer), { providerId: null, generation: 1 })
    }).pipe(inMemory()),
  )
})

/** A customer whose payer is called otherwise than the provider knows. */
const outdated = Effect.gen(function* () {
  const customer = yield* BillingBuilders.storedCustomer({ profile: { name: "Old", email: null } })
  yield* Shop.customer({ id: customer.providerId ?? assert.fail(), profile: customer.profile })
})
