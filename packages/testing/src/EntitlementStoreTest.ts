/**
 * Contract suite of {@link EntitlementStore}.
 *
 * @since 0.1.0
 */
import type { CustomerStore } from "@belfry/billing/CustomerStore"
import type { EntitlementOverride } from "@belfry/billing/Entitlement"
import { EntitlementStore } from "@belfry/billing/EntitlementStore"
import type { Payer } from "@belfry/billing/Payer"
import { Feature, LimitName, PlanGroup, PlanName } from "@belfry/billing/Plan"
import { SubscriptionStatus } from "@belfry/billing/ProviderSubscription"
import type { SubscriptionStore } from "@belfry/billing/SubscriptionStore"
import { UserStore } from "@belfry/core/UserStore"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import type { TeamStore } from "@belfry/organization/TeamStore"
import { assert, layer as withLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as BillingBuilders from "./BillingBuilders.ts"
import * as Builders from "./Builders.ts"
import * as OrganizationBuilders from "./OrganizationBuilders.ts"

/**
 * The stores that the suite works with.
 *
 * @category models
 * @since 0.1.0
 */
export type Stores = CustomerStore | EntitlementStore | OrganizationStore | SubscriptionStore | TeamStore | UserStore

/**
 * Registers the suite for an adapter.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<Stores, E>): void =>
  withLayer(layer)(`EntitlementStore (${name})`, (it) => {
    it.effect("finds every subscription that is not over, and what the host granted", () =>
      Effect.gen(function* () {
        const { facts, setOverride } = yield* EntitlementStore
        const nothing = { subscriptions: [], override: null }
        for (const payer of yield* payers) {
          assert.deepStrictEqual(yield* facts(payer), nothing)
          const customer = yield* BillingBuilders.storedCustomer({ payer })
          assert.deepStrictEqual(yield* facts(payer), nothing)
          yield* setOverride(payer, grant, yield* DateTime.now)
          assert.deepStrictEqual(yield* facts(payer), { subscriptions: [], override: grant })
          const group = PlanGroup.make("storage")
          for (const status of SubscriptionStatus.literals) {
            const plan = status === "paused" ? null : PlanName.make("pro")
            yield* BillingBuilders.storedSubscription(customer, { status, plan, group })
          }
          const found = yield* facts(payer)
          assert.deepStrictEqual(found, {
            subscriptions: SubscriptionStatus.literals
              .filter((status) => status !== "canceled" && status !== "incomplete_expired")
              .map((status) => ({ plan: status === "paused" ? null : PlanName.make("pro"), status })),
            override: grant,
          })
        }
        assert.deepStrictEqual(yield* facts(yield* BillingBuilders.storedPayer), nothing)
      }),
    )

    it.effect("sets what the host grants, and says what it was before", () =>
      Effect.gen(function* () {
        const { facts, setOverride } = yield* EntitlementStore
        const now = yield* DateTime.now
        const less: EntitlementOverride = { features: {}, limits: {}, reason: null, expiresAt: null }
        for (const payer of yield* payers) {
          assert.isNull(yield* setOverride(payer, null, now))
          assert.isNull(yield* setOverride(payer, grant, now))
          assert.deepStrictEqual(yield* setOverride(payer, less, now), grant)
          assert.deepStrictEqual((yield* facts(payer)).override, less)
          assert.deepStrictEqual(yield* setOverride(payer, null, now), less)
          assert.isNull((yield* facts(payer)).override)
        }
      }),
    )

    it.effect("grants nothing to who is not there, and forgets what was granted to who goes", () =>
      Effect.gen(function* () {
        const { facts, setOverride } = yield* EntitlementStore
        const now = yield* DateTime.now
        const [user, organization, team] = yield* payers
        for (const payer of [user, organization, team]) yield* setOverride(payer, grant, now)
        yield* UserStore.use((users) => users.remove(user.userId))
        yield* OrganizationStore.use((organizations) => organizations.remove(organization.organizationId))
        yield* OrganizationStore.use((organizations) => organizations.remove(team.organizationId))
        for (const payer of [user, organization, team]) {
          assert.isNull((yield* facts(payer)).override)
          assert.strictEqual((yield* Effect.flip(setOverride(payer, grant, now)))._tag, "StoreError")
        }
        const stranger = yield* Builders.user()
        const nobody: Payer = { _tag: "User", userId: stranger.id }
        assert.strictEqual((yield* Effect.flip(setOverride(nobody, grant, now)))._tag, "StoreError")
      }),
    )
  })

// internal

/** A user, an organization, and a team of another one. */
const payers = Effect.gen(function* () {
  const { organization } = yield* OrganizationBuilders.storedOrganization()
  const other = yield* OrganizationBuilders.storedOrganization()
  const { id: teamId, organizationId } = yield* OrganizationBuilders.storedTeam({
    organizationId: other.organization.id,
  })
  return [
    yield* BillingBuilders.storedPayer,
    { _tag: "Organization", organizationId: organization.id },
    { _tag: "Team", organizationId, teamId },
  ] as const
})

const grant: EntitlementOverride = {
  features: { [Feature.make("sso")]: true, [Feature.make("export")]: false },
  limits: { [LimitName.make("members")]: 10, [LimitName.make("projects")]: null },
  reason: "“Sponsored” 🦉",
  expiresAt: DateTime.makeUnsafe("2030-01-02T03:04:05.678Z"),
}
