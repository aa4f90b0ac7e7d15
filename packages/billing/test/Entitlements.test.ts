/**
 * What payers may use: by their plans, beside their plans, and what is recorded of that. In memory and on both
 * databases.
 */
import { CustomerStore } from "@belfry/billing/CustomerStore"
import { EntitlementMissing, type EntitlementOverride } from "@belfry/billing/Entitlement"
import { Entitlements } from "@belfry/billing/Entitlements"
import type { Payer } from "@belfry/billing/Payer"
import { Feature, LimitName, PlanName } from "@belfry/billing/Plan"
import type { SubscriptionStatus } from "@belfry/billing/ProviderSubscription"
import { Audit } from "@belfry/core/Audit"
import { LocalStripe } from "@belfry/testing/LocalStripe"
import * as BillingBuilders from "@belfry/testing/BillingBuilders"
import * as Builders from "@belfry/testing/Builders"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import * as TestBilling from "@belfry/testing/TestBilling"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { assert, describe, it, layer as withLayer } from "@effect/vitest"
import { DateTime, Effect, type Layer } from "effect"
import { TestClock } from "effect/testing"
import { migrations } from "./support/BillingStores.ts"
import type { Services } from "./support/HostServer.ts"

const { feature, limit, plan } = TestBilling.definition

const [pro, team, squad] = [plan("pro"), plan("team"), plan("squad")]
const [exporting, sso] = [feature("export"), feature("sso")]
const [members, projects] = [limit("members"), limit("projects")]

const of = (payer: Payer) => Entitlements.use((entitlements) => entitlements.of(payer))

/** A payer with subscriptions to plans, which stand as they are said to. */
const paying = Effect.fnUntraced(function* (
  ...subscriptions: ReadonlyArray<readonly [PlanName | null, SubscriptionStatus]>
) {
  const { payer, ...customer } = yield* BillingBuilders.storedCustomer()
  for (const [name, status] of subscriptions)
    yield* BillingBuilders.storedSubscription(customer, { plan: name, status })
  return payer
})

const override = (fields: Partial<EntitlementOverride>): EntitlementOverride => ({
  features: {},
  limits: {},
  reason: null,
  expiresAt: null,
  ...fields,
})

const grant = (
  payer: Payer,
  granted: EntitlementOverride | null,
  by?: Parameters<Entitlements["Service"]["override"]>[2],
) => Entitlements.use((entitlements) => entitlements.override(payer, granted, by))

const base = { plans: [], features: [], limits: { [members]: 3, [projects]: 1 } }

const suite = (name: string, layer: Layer.Layer<Services, unknown>) =>
  withLayer(layer)(`Entitlements (${name})`, (it) => {
    it.effect("are what everybody has, for whoever pays nothing", () =>
      Effect.gen(function* () {
        const { organization } = yield* OrganizationBuilders.storedOrganization()
        const organizationId = organization.id
        const { id: teamId } = yield* OrganizationBuilders.storedTeam({ organizationId })
        const { id: userId } = yield* Builders.storedUser()
        const payers: ReadonlyArray<Payer> = [
          { _tag: "User", userId },
          { _tag: "Organization", organizationId },
          { _tag: "Team", organizationId, teamId },
        ]
        for (const payer of payers) assert.deepStrictEqual(yield* of(payer), base)
      }),
    )

    it.effect("are those of all plans together, and the highest of their limits", () =>
      Effect.gen(function* () {
        const payer = yield* paying(
          [pro, "active"],
          [team, "trialing"],
          [null, "active"],
          [PlanName.make("gone"), "active"],
        )
        assert.deepStrictEqual(yield* of(payer), {
          plans: [pro, team],
          features: [exporting, sso],
          limits: { [members]: 50, [projects]: null },
        })
        const other = yield* paying()
        assert.deepStrictEqual(yield* of(other), base)
      }),
    )

    it.effect("stay while a payment is past due, and not when it was given up or never made", () =>
      Effect.gen(function* () {
        const statuses: ReadonlyArray<readonly [SubscriptionStatus, boolean]> = [
          ["active", true],
          ["trialing", true],
          ["past_due", true],
          ["unpaid", false],
          ["paused", false],
          ["incomplete", false],
          ["incomplete_expired", false],
          ["canceled", false],
        ]
        for (const [status, counts] of statuses) {
          const payer = yield* paying([pro, status])
          assert.deepStrictEqual((yield* of(payer)).plans, counts ? [pro] : [], status)
        }
      }),
    )

    it.effect("are asked for one by one, and say what is missing", () =>
      Effect.gen(function* () {
        const { has, limit: limitOf, require } = yield* Entitlements
        const payer = yield* paying([pro, "active"])
        assert.deepStrictEqual([yield* has(payer, exporting), yield* has(payer, sso)], [true, false])
        yield* require(payer)
        yield* require(payer, exporting)
        assert.deepStrictEqual(
          yield* Effect.flip(require(payer, exporting, sso)),
          new EntitlementMissing({ features: [sso] }),
        )
        const other = yield* paying([team, "active"])
        assert.deepStrictEqual([yield* limitOf(payer, projects), yield* limitOf(other, projects)], [10, null])
        assert.strictEqual(yield* limitOf(payer, LimitName.make("unheard")), 0)
      }),
    )

    it.effect("are granted and taken away beside plans, until the grant is over", () =>
      Effect.gen(function* () {
        const payer = yield* paying([pro, "active"])
        const expiresAt = DateTime.add(yield* DateTime.now, { days: 1 })
        const granted = override({
          features: { [sso]: true, [exporting]: false, [Feature.make("unheard")]: true },
          limits: { [members]: null, [projects]: 0 },
          expiresAt,
        })
        const expected = { plans: [pro], features: [sso], limits: { [members]: null, [projects]: 0 } }
        assert.deepStrictEqual(yield* grant(payer, granted), expected)
        assert.deepStrictEqual(yield* of(payer), expected)
        yield* TestClock.adjust("23 hours")
        assert.deepStrictEqual(yield* of(payer), expected)
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(yield* of(payer), {
          plans: [pro],
          features: [exporting],
          limits: { [members]: 3, [projects]: 10 },
        })
      }),
    )

    it.effect("are granted to whoever pays nothing, and no longer when that is taken back", () =>
      Effect.gen(function* () {
        const { organization } = yield* OrganizationBuilders.storedOrganization()
        const payer: Payer = { _tag: "Organization", organizationId: organization.id }
        const another = yield* OrganizationBuilders.storedOrganization()
        yield* grant(payer, override({ features: { [sso]: true } }))
        assert.deepStrictEqual((yield* of(payer)).features, [sso])
        assert.deepStrictEqual(yield* of({ _tag: "Organization", organizationId: another.organization.id }), base)
        assert.isTrue(
          yield* Effect.map(
            CustomerStore.use((store) => store.findByPayer(payer)),
            ({ _tag }) => _tag === "None",
          ),
        )
        assert.deepStrictEqual(yield* grant(payer, null), base)
        assert.deepStrictEqual(yield* of(payer), base)
      }),
    )

    it.effect("leave in the audit log who granted what, and what was granted before", () =>
      Effect.gen(function* () {
        const { id: by } = yield* Builders.storedUser()
        const { organization } = yield* OrganizationBuilders.storedOrganization()
        const payer: Payer = { _tag: "Organization", organizationId: organization.id }
        const expiresAt = DateTime.add(yield* DateTime.now, { days: 1 })
        yield* grant(payer, override({ limits: { [members]: 9 }, reason: "A pilot", expiresAt }), { by })
        yield* grant(payer, null)
        const aggregate = `organization:${organization.id}`
        const [second = assert.fail(), first = assert.fail()] = yield* Audit.use((log) => log.list({ aggregate }))
        const told = {
          features: {},
          limits: { members: 9 },
          reason: "A pilot",
          expiresAt: DateTime.formatIso(expiresAt),
        }
        assert.strictEqual(first.type, "billing.entitlements-overridden")
        assert.strictEqual(first.userId, by)
        assert.deepStrictEqual(first.data, { payer: aggregate })
        assert.deepStrictEqual([first.before, first.after], [{ override: null }, { override: told }])
        assert.isNull(second.userId)
        assert.deepStrictEqual([second.before, second.after], [{ override: told }, { override: null }])
      }),
    )

    it.effect("are not granted to a payer who is gone, and nothing is recorded", () =>
      Effect.gen(function* () {
        const payer: Payer = { _tag: "Organization", organizationId: yield* OrganizationBuilders.organizationId }
        const before = (yield* Audit.use((log) => log.list({ limit: 1000 }))).length
        assert.strictEqual((yield* Effect.flip(grant(payer, override({}))))._tag, "StoreError")
        assert.strictEqual((yield* Audit.use((log) => log.list({ limit: 1000 }))).length, before)
      }),
    )
  })

suite("memory", TestBilling.layerMemory())
for (const { name, layer } of TestDatabase.each(migrations)) suite(name, TestBilling.layerSql(layer))

describe("Entitlements", () => {
  it.effect("come with a subscription and go with it, without a word with Stripe when they are asked for", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const actor = yield* OrganizationBuilders.actor()
      const payer: Payer = { _tag: "User", userId: actor.user.id }
      assert.deepStrictEqual(yield* of(payer), base)
      yield* TestBilling.subscribe(actor, { plan: "pro" })
      const from = local.calls.length
      const given = { plans: [pro], features: [exporting], limits: { [members]: 3, [projects]: 10 } }
      assert.deepStrictEqual(yield* of(payer), given)
      assert.strictEqual(local.calls.length, from)
    }).pipe(Effect.provide(TestBilling.layerMemory())),
  )

  it.effect("are of a team's own plan for a team, and of none other", () =>
    Effect.gen(function* () {
      const actor = yield* OrganizationBuilders.actor()
      const { organization } = yield* OrganizationBuilders.storedOrganization({ owner: actor.user })
      const organizationId = organization.id
      const { id: teamId } = yield* OrganizationBuilders.storedTeam({ organizationId })
      yield* TestBilling.subscribe(actor, {
        plan: "squad",
        payer: { _tag: "Team", organization: organizationId, teamId },
      })
      assert.deepStrictEqual((yield* of({ _tag: "Team", organizationId, teamId })).plans, [squad])
      assert.deepStrictEqual(yield* of({ _tag: "Organization", organizationId }), base)
      assert.deepStrictEqual(yield* of({ _tag: "User", userId: actor.user.id }), base)
    }).pipe(Effect.provide(TestBilling.layerMemory())),
  )

  it.effect("count as the settings say which subscriptions do", () =>
    Effect.gen(function* () {
      const [owing, active] = [yield* paying([pro, "past_due"]), yield* paying([pro, "active"])]
      assert.deepStrictEqual([(yield* of(owing)).plans, (yield* of(active)).plans], [[], [pro]])
    }).pipe(Effect.provide(TestBilling.layerMemory({ settings: { granting: new Set(["active"]) } }))),
  )
})
