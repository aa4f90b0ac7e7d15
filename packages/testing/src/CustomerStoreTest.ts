/**
 * Contract suite of {@link CustomerStore}.
 *
 * @since 0.1.0
 */
import { type BillingCustomer, ProviderCustomerId } from "@belfry/billing/BillingCustomer"
import { CustomerStore } from "@belfry/billing/CustomerStore"
import type { Payer } from "@belfry/billing/Payer"
import { defaultGroup, PlanGroup } from "@belfry/billing/Plan"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { UserStore } from "@belfry/core/UserStore"
import type { MemberStore } from "@belfry/organization/MemberStore"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import { TeamStore } from "@belfry/organization/TeamStore"
import { assert, layer as withLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as BillingBuilders from "./BillingBuilders.ts"
import * as Builders from "./Builders.ts"
import * as OrganizationBuilders from "./OrganizationBuilders.ts"

/**
 * The stores that the suite works with.
 *
 * @category models
 * @since 0.1.0
 */
export type Stores = CustomerStore | MemberStore | OrganizationStore | TeamStore | TransactionStore | UserStore

/**
 * Registers the suite for an adapter.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<Stores, E>): void =>
  withLayer(layer)(`CustomerStore (${name})`, (it) => {
    it.effect("finds a customer by its id, by its payer and by who it is at the provider", () =>
      Effect.gen(function* () {
        const customers = yield* CustomerStore
        for (const payer of Object.values(yield* payers)) {
          const customer = yield* BillingBuilders.storedCustomer({
            payer,
            profile: { name: "Ada", email: "a@b.example" },
          })
          const found = Option.some(customer)
          assert.deepStrictEqual(yield* customers.find(customer.id), found)
          assert.deepStrictEqual(yield* customers.findByPayer(payer), found)
          assert.deepStrictEqual(yield* customers.findByProvider(known(customer)), found)
          assert.deepStrictEqual(yield* customers.lock(customer.id), found)
        }
        const nobody = yield* BillingBuilders.customerId
        assert.deepStrictEqual(yield* customers.find(nobody), Option.none())
        assert.deepStrictEqual(yield* customers.lock(nobody), Option.none())
        assert.deepStrictEqual(yield* customers.findByPayer(yield* BillingBuilders.storedPayer), Option.none())
      }),
    )

    it.effect("finds the customers that an organization and its teams are", () =>
      Effect.gen(function* () {
        const customers = yield* CustomerStore
        const [own, other] = [yield* payers, yield* payers]
        const { organizationId } = own.organization
        const { id: teamId } = yield* OrganizationBuilders.storedTeam({ organizationId })
        const stored = yield* Effect.forEach(
          [
            own.user,
            own.organization,
            other.organization,
            other.team,
            { _tag: "Team", organizationId, teamId } as const,
          ],
          (payer) => BillingBuilders.storedCustomer({ payer }),
        )
        const ofOwn = stored.filter(({ payer }) => payer._tag !== "User" && payer.organizationId === organizationId)
        assert.deepStrictEqual(yield* customers.listByOrganization(organizationId), ofOwn)
        assert.strictEqual(ofOwn.length, 2)
        assert.deepStrictEqual(yield* customers.listByOrganization(yield* OrganizationBuilders.organizationId), [])
      }),
    )

    it.effect("keeps one customer of a payer, however many are kept at once", () =>
      Effect.gen(function* () {
        const customers = yield* CustomerStore
        for (const payer of Object.values(yield* payers)) {
          const kept = yield* Effect.all(
            Array.from({ length: 20 }, () => Effect.flatMap(BillingBuilders.customer({ payer }), customers.insert)),
            { concurrency: "unbounded" },
          )
          assert.strictEqual(kept.filter(({ _tag }) => _tag === "kept").length, 1)
          assert.strictEqual(new Set(kept.map((each) => each._tag !== "absent" && each.customer.id)).size, 1)
        }
      }),
    )

    it.effect("keeps no customer of a payer who is gone, and none of a team under another organization", () =>
      Effect.gen(function* () {
        const customers = yield* CustomerStore
        const { team, user } = yield* payers
        const { organization } = yield* OrganizationBuilders.storedOrganization()
        const elsewhere: Payer = { ...team, organizationId: organization.id }
        yield* UserStore.use((users) => users.remove(user.userId))
        for (const payer of [user, elsewhere, null]) {
          const customer = yield* BillingBuilders.customer({ payer })
          assert.deepStrictEqual(yield* customers.insert(customer), { _tag: "absent" })
          assert.deepStrictEqual(yield* customers.find(customer.id), Option.none())
        }
      }),
    )

    it.effect("writes down once who a customer is at the provider", () =>
      Effect.gen(function* () {
        const customers = yield* CustomerStore
        const customer = yield* BillingBuilders.storedCustomer({ providerId: null })
        const { id } = customer
        const profile = { name: "Ada", email: "ada@example.com" }
        const providerId = yield* newProviderId
        const attach = (fields: Partial<Parameters<typeof customers.attach>[0]> = {}) =>
          customers.attach({ id, generation: 0, providerId, profile, ...fields })
        assert.strictEqual(yield* attach({ generation: 1 }), "conflict")
        assert.strictEqual(yield* attach({ id: yield* BillingBuilders.customerId }), "conflict")
        assert.deepStrictEqual(yield* customers.find(id), Option.some(customer))
        const all = yield* Effect.all(
          Array.from({ length: 5 }, () => attach()),
          { concurrency: "unbounded" },
        )
        assert.deepStrictEqual(all.toSorted(), ["attached", "known", "known", "known", "known"])
        const attached = Option.some({ ...customer, providerId, profile })
        assert.deepStrictEqual(yield* customers.find(id), attached)
        assert.strictEqual(yield* attach({ profile: { name: "Eve", email: null } }), "known")
        assert.strictEqual(yield* attach({ providerId: yield* newProviderId }), "conflict")
        assert.deepStrictEqual(yield* customers.find(id), attached)
      }),
    )

    it.effect("writes nobody down who is another customer", () =>
      Effect.gen(function* () {
        const customers = yield* CustomerStore
        const first = yield* BillingBuilders.storedCustomer()
        const second = yield* BillingBuilders.storedCustomer({ providerId: null })
        const { id, generation, profile } = second
        const outcome = yield* customers.attach({ id, generation, providerId: known(first), profile })
        assert.strictEqual(outcome, "conflict")
        assert.deepStrictEqual(yield* customers.find(id), Option.some(second))
      }),
    )

    it.effect("makes the next generation of a customer once, without who it was at the provider", () =>
      Effect.gen(function* () {
        const customers = yield* CustomerStore
        const customer = yield* BillingBuilders.storedCustomer()
        const { id } = customer
        const request = { name: "Ada King", email: "king@example.com", metadata: { belfry_customer: id } }
        const now = DateTime.add(customer.createdAt, { days: 1 })
        const renew = customers.renew({ id, generation: 0, request, now })
        const all = yield* Effect.all(
          Array.from({ length: 5 }, () => renew),
          { concurrency: "unbounded" },
        )
        assert.strictEqual(all.filter((isRenewed) => isRenewed).length, 1)
        assert.deepStrictEqual(
          yield* customers.find(id),
          Option.some({ ...customer, generation: 1, providerId: null, request, requestedAt: now }),
        )
        assert.deepStrictEqual(yield* customers.findByProvider(known(customer)), Option.none())
      }),
    )

    it.effect("lets one transaction at a time at a customer", () =>
      Effect.gen(function* () {
        const customers = yield* CustomerStore
        const transactions = yield* TransactionStore
        const { id, request } = yield* BillingBuilders.storedCustomer()
        const count = transactions.run(
          Effect.gen(function* () {
            const { generation } = Option.getOrThrow(yield* customers.lock(id))
            return yield* customers.renew({ id, generation, request, now: yield* DateTime.now })
          }),
        )
        const all = yield* Effect.all(
          Array.from({ length: 8 }, () => count),
          { concurrency: "unbounded" },
        )
        assert.isTrue(all.every((isRenewed) => isRenewed))
        assert.strictEqual(Option.getOrThrow(yield* customers.find(id)).generation, 8)
      }),
    )

    it.effect("says what payers are called and how many seats they take", () =>
      Effect.gen(function* () {
        const { facts } = yield* CustomerStore
        const user = yield* Builders.storedUser({ name: null, emailVerifiedAt: yield* DateTime.now })
        const { organization } = yield* OrganizationBuilders.storedOrganization({ name: "Engines" })
        const member = yield* OrganizationBuilders.storedMember(organization.id)
        const team = yield* OrganizationBuilders.storedTeam({ organizationId: organization.id, name: "Linkers" })
        yield* OrganizationBuilders.storedTeamMember(team, member.id)
        const plain = { email: null, isEmailVerified: false }
        const ofUser = { name: null, email: user.email, isEmailVerified: true, seats: 1 }
        const ofOrganization = { ...plain, name: "Engines", seats: 2 }
        const organizationPayer: Payer = { _tag: "Organization", organizationId: organization.id }
        const teamPayer: Payer = { _tag: "Team", organizationId: organization.id, teamId: team.id }
        assert.deepStrictEqual(yield* facts({ _tag: "User", userId: user.id }), Option.some(ofUser))
        assert.deepStrictEqual(yield* facts(organizationPayer), Option.some(ofOrganization))
        assert.deepStrictEqual(yield* facts(teamPayer), Option.some({ ...plain, name: "Linkers", seats: 1 }))
        yield* OrganizationStore.use((store) => store.markDeleted(organization.id, organization.createdAt))
        assert.deepStrictEqual(yield* facts(organizationPayer), Option.some(ofOrganization))
        yield* OrganizationStore.use((store) => store.remove(organization.id))
        for (const payer of [organizationPayer, teamPayer]) assert.deepStrictEqual(yield* facts(payer), Option.none())
      }),
    )

    it.effect("keeps the customer of a payer who goes, as one to be closed", () =>
      Effect.gen(function* () {
        const customers = yield* CustomerStore
        const { organization, team, user } = yield* payers
        const other = yield* BillingBuilders.storedCustomer()
        const left = yield* Effect.forEach([user, organization, team], (payer) =>
          BillingBuilders.storedCustomer({ payer }),
        )
        const orphans = Effect.map(customers.listOrphans(null, 1000), (found) =>
          found.filter(({ id }) => [other, ...left].some((customer) => customer.id === id)),
        )
        assert.deepStrictEqual(yield* orphans, [])
        yield* UserStore.use((users) => users.remove(user.userId))
        yield* OrganizationStore.use((store) => store.remove(organization.organizationId))
        const without = left.map((customer) => ({ ...customer, payer: null }))
        assert.deepStrictEqual(yield* orphans, without.slice(0, 2))
        yield* TeamStore.use((teams) => teams.remove(team.organizationId, team.teamId, false))
        assert.deepStrictEqual(yield* orphans, without)
        assert.strictEqual((yield* customers.listOrphans(null, 1)).length, 1)
        const now = yield* DateTime.now
        const [first = assert.fail(), ...rest] = without
        const after = yield* customers.listOrphans(first.id, 2)
        assert.deepStrictEqual(after, rest)
        yield* customers.close(first.id, now)
        yield* customers.close(first.id, DateTime.add(now, { hours: 1 }))
        assert.deepStrictEqual(yield* orphans, rest)
        assert.deepStrictEqual(yield* customers.find(first.id), Option.some({ ...first, closedAt: now }))
        for (const payer of [user, organization, team])
          assert.deepStrictEqual(yield* customers.findByPayer(payer), Option.none())
      }),
    )

    it.effect("lists customers whose payer is called otherwise than the provider knows, page by page", () =>
      Effect.gen(function* () {
        const customers = yield* CustomerStore
        const { organization, team, user } = yield* payers
        const { id: userId, email } = yield* Builders.storedUser()
        const another: Payer = { _tag: "User", userId }
        const name = "Ada Lovelace"
        const stored = yield* Effect.forEach([user, another, organization, team], (payer) =>
          BillingBuilders.storedCustomer({ payer, profile: { name: "Somebody", email } }),
        )
        const [ofUser = assert.fail(), ofAnother = assert.fail(), ...ofGroups] = stored
        const unknown = yield* BillingBuilders.storedCustomer({ providerId: null })
        const outdated = (after = ofUser, limit = 1000) =>
          Effect.map(customers.listOutdated(after.id, limit), (found) => found.map(({ customer }) => customer))
        assert.deepStrictEqual(yield* outdated(ofUser, 1), [ofAnother])
        assert.deepStrictEqual(yield* outdated(), [ofAnother, ...ofGroups])
        // The right address and name; for organizations and teams any address.
        yield* customers.setProfile(ofAnother.id, { name, email })
        yield* Effect.forEach(ofGroups, ({ id }) => customers.setProfile(id, { name: "Payers", email }))
        assert.deepStrictEqual(yield* outdated(), [])
        yield* customers.setProfile(ofAnother.id, { name, email: "old@example.com" })
        const [found = assert.fail()] = yield* customers.listOutdated(ofUser.id, 1000)
        assert.deepStrictEqual(found, {
          customer: { ...ofAnother, profile: { name, email: "old@example.com" } },
          facts: { name, email, isEmailVerified: false, seats: 1 },
        })
        assert.isTrue((yield* customers.listOutdated(null, 1000)).some(({ customer }) => customer.id === ofUser.id))
        yield* customers.close(ofAnother.id, yield* DateTime.now)
        assert.deepStrictEqual(yield* outdated(), [])
        assert.deepStrictEqual(yield* outdated(unknown), [])
      }),
    )

    it.effect("lists customers whom the provider knows by their ids, page by page", () =>
      Effect.gen(function* () {
        const customers = yield* CustomerStore
        const first = yield* BillingBuilders.storedCustomer()
        yield* BillingBuilders.storedCustomer({ providerId: null })
        yield* BillingBuilders.storedCustomer({ closedAt: first.createdAt })
        const [second, third] = [yield* BillingBuilders.storedCustomer(), yield* BillingBuilders.storedCustomer()]
        assert.deepStrictEqual(yield* customers.list(first.id, 1), [second])
        assert.deepStrictEqual(yield* customers.list(first.id, 1000), [second, third])
        assert.deepInclude(yield* customers.list(null, 1000), first)
      }),
    )

    it.effect("lets a customer have one trial of a group of plans", () =>
      Effect.gen(function* () {
        const customers = yield* CustomerStore
        const { id } = yield* BillingBuilders.storedCustomer()
        const other = yield* BillingBuilders.storedCustomer()
        const now = yield* DateTime.now
        assert.isFalse(yield* customers.hadTrial(id, defaultGroup))
        const claims = yield* Effect.all(
          Array.from({ length: 10 }, () => customers.claimTrial(id, defaultGroup, now)),
          { concurrency: "unbounded" },
        )
        assert.strictEqual(claims.filter((isClaimed) => isClaimed).length, 1)
        assert.isTrue(yield* customers.hadTrial(id, defaultGroup))
        assert.isFalse(yield* customers.hadTrial(other.id, defaultGroup))
        assert.isTrue(yield* customers.claimTrial(id, PlanGroup.make("storage"), now))
        assert.isTrue(yield* customers.claimTrial(other.id, defaultGroup, now))
        const nobody = yield* BillingBuilders.customerId
        assert.strictEqual((yield* Effect.flip(customers.claimTrial(nobody, defaultGroup, now)))._tag, "StoreError")
      }),
    )
  })

// internal

/** A user, an organization, and a team of another one, all called alike but for the user. */
const payers = Effect.gen(function* () {
  const user = yield* BillingBuilders.storedPayer
  const { organization } = yield* OrganizationBuilders.storedOrganization({ name: "Payers" })
  const other = yield* OrganizationBuilders.storedOrganization()
  const { id: teamId, organizationId } = yield* OrganizationBuilders.storedTeam({
    organizationId: other.organization.id,
    name: "Payers",
  })
  return {
    user,
    organization: { _tag: "Organization", organizationId: organization.id },
    team: { _tag: "Team", organizationId, teamId },
  } as const
})

const newProviderId = Effect.map(BillingBuilders.customerId, (id) => ProviderCustomerId.make(`cus_${id}`))

const known = ({ providerId }: BillingCustomer): ProviderCustomerId => providerId ?? assert.fail()
