/**
 * Who pays does not just go away: deleting is refused, or ends what is paid for, as the settings say.
 */
import type { Payer } from "@belfry/billing/Payer"
import { Reconciliations } from "@belfry/billing/Reconciliations"
import { SubscriptionStore } from "@belfry/billing/SubscriptionStore"
import { Subscriptions } from "@belfry/billing/Subscriptions"
import { Upgrades } from "@belfry/billing/Upgrades"
import { UserDeletionRefused, type UserId } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { UserStore } from "@belfry/core/UserStore"
import type { Actor } from "@belfry/organization/Membership"
import { MembershipStore } from "@belfry/organization/MembershipStore"
import { DeletionRefused, type OrganizationId } from "@belfry/organization/Organization"
import { Organizations } from "@belfry/organization/Organizations"
import { Teams } from "@belfry/organization/Teams"
import { TrustedOrganizations } from "@belfry/organization/TrustedOrganizations"
import { LocalStripe } from "@belfry/testing/LocalStripe"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import * as TestBilling from "@belfry/testing/TestBilling"
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { serve, signIn } from "./support/HostServer.ts"

const refusing = TestBilling.layerMemory()

/** Organizations can be restored for less than a period. */
const canceling = TestBilling.layerMemory({
  settings: { deletion: "cancel" },
  organizationSettings: { deletionGrace: Duration.days(10) },
})

/** How the subscriptions stand at Stripe: the status, and whether it ends with the period. */
const atStripe = Effect.map(LocalStripe, (local) =>
  Object.values(local.objects().subscriptions).map(({ cancel_at_period_end, status }) =>
    cancel_at_period_end && status !== "canceled" ? `${status}, ending` : status,
  ),
)

const subscriptionsOf = (payer: Payer) => SubscriptionStore.use((store) => store.listByPayer(payer))

/** Somebody who pays for themselves. */
const payingUser = Effect.gen(function* () {
  const someone = yield* signIn()
  const subscription = yield* TestBilling.subscribe(someone.actor, { plan: "pro" })
  return { ...someone, payer: { _tag: "User", userId: someone.user.id } as const, subscription }
})

/** An organization that pays. */
const payingOrganization = Effect.gen(function* () {
  const owner = yield* signIn()
  const { organization } = yield* OrganizationBuilders.storedOrganization({ owner: owner.user })
  const ref = { _tag: "Organization", organization: organization.id } as const
  const subscription = yield* TestBilling.subscribe(owner.actor, { plan: "team", payer: ref })
  return {
    ...owner,
    id: organization.id,
    payer: { _tag: "Organization", organizationId: organization.id } as const,
    subscription,
  }
})

/** A team that pays. */
const payingTeam = Effect.gen(function* () {
  const owner = yield* signIn()
  const { organization } = yield* OrganizationBuilders.storedOrganization({ owner: owner.user })
  const { id: teamId } = yield* OrganizationBuilders.storedTeam({ organizationId: organization.id })
  const ref = { _tag: "Team", organization: organization.id, teamId } as const
  const subscription = yield* TestBilling.subscribe(owner.actor, { plan: "squad", payer: ref })
  return {
    ...owner,
    id: organization.id,
    teamId,
    payer: { _tag: "Team", organizationId: organization.id, teamId } as const,
    subscription,
  }
})

const userRefusal = new UserDeletionRefused({ reason: "You have a subscription: end it first" })

const refusalOf = (who: string) =>
  new DeletionRefused({ reason: "host", detail: `${who} has a subscription: end it first` })

const hosts = new DeletionRefused({ reason: "host", detail: "Ask us first" })

const removeTeam = ({ actor, id, teamId }: Effect.Success<typeof payingTeam>) =>
  Teams.use((teams) => teams.remove(actor, id, teamId))

/** A subscription that was ended at once, by the person who pays. */
const endNow = ({ actor, subscription }: Effect.Success<typeof payingUser>) =>
  Subscriptions.use((subscriptions) =>
    subscriptions.cancel(actor, {
      payer: { _tag: "Self" },
      subscriptionId: subscription.id,
      when: "now",
      confirm: "service",
      returnUrl: "/billing",
      locale: null,
    }),
  )

const removeUser = (id: UserId) => Users.use((users) => users.remove(id))

const removeOrganization = ({ actor, id }: { readonly actor: Actor; readonly id: OrganizationId }) =>
  Organizations.use((organizations) => organizations.remove(actor, id))

const restore = ({ id }: { readonly id: OrganizationId }) =>
  TrustedOrganizations.use((organizations) => organizations.restore(id))

const isDeleted = ({ id }: { readonly id: OrganizationId }) =>
  Effect.map(
    TrustedOrganizations.use((organizations) => organizations.get(id)),
    ({ deletedAt }) => deletedAt !== null,
  )

const isThere = (userId: UserId) =>
  Effect.map(
    UserStore.use((store) => store.findById(userId)),
    Option.isSome,
  )

describe("Deleting a user with a subscription", () => {
  it.effect("is refused, and undoes what was done before", () =>
    Effect.gen(function* () {
      const { user } = yield* payingUser
      const { organization } = yield* OrganizationBuilders.storedOrganization()
      yield* OrganizationBuilders.storedMember(organization.id, { user })
      assert.deepStrictEqual(yield* Effect.flip(removeUser(user.id)), userRefusal)
      assert.isTrue(yield* isThere(user.id))
      const membership = MembershipStore.use((store) => store.find({ userId: user.id, organization: organization.id }))
      assert.isTrue(Option.isSome(yield* membership))
      yield* TestBilling.settle
      assert.deepStrictEqual(yield* atStripe, ["trialing"])
    }).pipe(Effect.provide(refusing)),
  )

  it.effect("is refused over HTTP with what is to be done first", () =>
    Effect.gen(function* () {
      const { token } = yield* payingUser
      const as = yield* serve
      const response = yield* as(token)("DELETE", "/auth/user")
      assert.strictEqual(response.status, 409, response.text)
      assert.strictEqual(TestHttp.textAt(response, "reason"), userRefusal.reason)
    }).pipe(Effect.provide(refusing)),
  )

  it.effect("is refused while one of several goes on, that ends with its period too", () =>
    Effect.gen(function* () {
      const paying = yield* payingUser
      yield* TestBilling.subscribe(paying.actor, { plan: "storage" })
      yield* endNow(paying)
      assert.deepStrictEqual(yield* Effect.flip(removeUser(paying.user.id)), userRefusal)
      const [storage] = yield* subscriptionsOf(paying.payer)
      const now = yield* DateTime.now
      const { customerId = assert.fail() } = storage ?? {}
      yield* SubscriptionStore.use((store) => store.requestEnd(customerId, "end-with-period", now))
      assert.deepStrictEqual(yield* Effect.flip(removeUser(paying.user.id)), userRefusal)
    }).pipe(Effect.provide(refusing)),
  )

  it.effect("is done when it is over, or about to be", () =>
    Effect.gen(function* () {
      const [one, other] = [yield* payingUser, yield* payingUser]
      yield* endNow(one)
      yield* removeUser(one.user.id)
      const [ending] = yield* subscriptionsOf(other.payer)
      const { customerId = assert.fail() } = ending ?? {}
      const now = yield* DateTime.now
      yield* SubscriptionStore.use((store) => store.requestEnd(customerId, "end-now", now))
      yield* removeUser(other.user.id)
      for (const { user } of [one, other]) assert.isFalse(yield* isThere(user.id))
    }).pipe(Effect.provide(refusing)),
  )

  it.effect("is done for whoever never paid", () =>
    Effect.gen(function* () {
      const { user } = yield* signIn()
      yield* payingUser
      yield* removeUser(user.id)
      assert.isFalse(yield* isThere(user.id))
    }).pipe(Effect.provide(refusing)),
  )

  it.effect("ends it at once where the settings say so", () =>
    Effect.gen(function* () {
      const { subscription, user } = yield* payingUser
      const other = yield* payingUser
      yield* removeUser(user.id)
      assert.isFalse(yield* isThere(user.id))
      yield* TestBilling.settle
      assert.deepStrictEqual((yield* atStripe).toSorted(), ["canceled", "trialing"])
      const found = yield* SubscriptionStore.use((store) => store.find(subscription.id))
      assert.strictEqual(Option.getOrThrow(found).state.status, "canceled")
      assert.deepStrictEqual(
        (yield* subscriptionsOf(other.payer)).map(({ wants }) => wants),
        [null],
      )
    }).pipe(Effect.provide(canceling)),
  )

  it.effect("ends what is paid for in the moment of the deletion", () =>
    Effect.gen(function* () {
      const { actor, user } = yield* signIn()
      const local = yield* LocalStripe
      const { url } = yield* Upgrades.use((upgrades) => upgrades.upgrade(actor, TestBilling.wish({ plan: "pro" })))
      yield* removeUser(user.id)
      yield* local.pay(url)
      assert.deepStrictEqual(yield* atStripe, ["trialing"])
      yield* TestBilling.settle
      assert.deepStrictEqual(yield* atStripe, ["canceled"])
    }).pipe(Effect.provide(refusing)),
  )
})

describe("Deleting an organization with a subscription", () => {
  it.effect("is refused", () =>
    Effect.gen(function* () {
      const paying = yield* payingOrganization
      assert.deepStrictEqual(yield* Effect.flip(removeOrganization(paying)), refusalOf("The organization"))
      assert.isFalse(yield* isDeleted(paying))
      yield* TestBilling.settle
      assert.deepStrictEqual(yield* atStripe, ["active"])
    }).pipe(Effect.provide(refusing)),
  )

  it.effect("is refused over HTTP with what is to be done first", () =>
    Effect.gen(function* () {
      const { id, token } = yield* payingOrganization
      const as = yield* serve
      const response = yield* as(token)("DELETE", `/auth/organizations/${id}`)
      assert.strictEqual(response.status, 409, response.text)
      assert.strictEqual(TestHttp.textAt(response, "detail"), refusalOf("The organization").detail)
    }).pipe(Effect.provide(refusing)),
  )

  it.effect("is refused where one of its teams has it", () =>
    Effect.gen(function* () {
      const paying = yield* payingTeam
      assert.deepStrictEqual(yield* Effect.flip(removeOrganization(paying)), refusalOf("A team of the organization"))
      assert.isFalse(yield* isDeleted(paying))
    }).pipe(Effect.provide(refusing)),
  )

  it.effect("is refused by the host first, in its own words", () =>
    Effect.gen(function* () {
      const paying = yield* payingOrganization
      assert.deepStrictEqual(yield* Effect.flip(removeOrganization(paying)), hosts)
      const team = yield* payingTeam
      assert.deepStrictEqual(yield* Effect.flip(removeTeam(team)), hosts)
    }).pipe(
      Effect.provide(
        TestBilling.layerMemory({
          organizationHooks: {
            beforeDeletion: () => Effect.fail(hosts),
            beforeTeamDeletion: () => Effect.fail(hosts),
          },
        }),
      ),
    ),
  )

  it.effect("has it end with its period where the settings say so, its teams' too", () =>
    Effect.gen(function* () {
      const [organization, team] = [yield* payingOrganization, yield* payingTeam]
      yield* removeOrganization(organization)
      yield* removeOrganization(team)
      assert.isTrue(yield* isDeleted(organization))
      yield* TestBilling.settle
      assert.deepStrictEqual(yield* atStripe, ["active, ending", "active, ending"])
    }).pipe(Effect.provide(canceling)),
  )

  it.effect("goes on with it when the organization is restored before it was ended", () =>
    Effect.gen(function* () {
      const paying = yield* payingOrganization
      yield* removeOrganization(paying)
      yield* restore(paying)
      // Both events are delivered before the worker comes.
      yield* TestBilling.settle
      assert.deepStrictEqual(yield* atStripe, ["active"])
    }).pipe(Effect.provide(canceling)),
  )

  it.effect("ends it at once when the organization is gone for good", () =>
    Effect.gen(function* () {
      const [organization, team] = [yield* payingOrganization, yield* payingTeam]
      yield* removeOrganization(organization)
      yield* removeOrganization(team)
      yield* TestBilling.settle
      yield* TestClock.adjust("10 days")
      assert.deepStrictEqual(yield* atStripe, ["active, ending", "active, ending"])
      assert.strictEqual(yield* TrustedOrganizations.use(({ purge }) => purge), 2)
      yield* Reconciliations.use(({ orphans }) => orphans)
      yield* TestBilling.settle
      assert.deepStrictEqual(yield* atStripe, ["canceled", "canceled"])
    }).pipe(Effect.provide(canceling)),
  )

  it.effect("has it end with its period by code that is trusted, which nothing refuses", () =>
    Effect.gen(function* () {
      const [organization, team] = [yield* payingOrganization, yield* payingTeam]
      for (const { id } of [organization, team]) {
        yield* TrustedOrganizations.use((organizations) => organizations.remove(id))
      }
      yield* TestBilling.settle
      assert.deepStrictEqual(yield* atStripe, ["active, ending", "active, ending"])
      yield* restore(organization)
      yield* TestBilling.settle
      const [wanted] = yield* subscriptionsOf(organization.payer)
      assert.isNull(wanted?.wants)
      // Whoever restores an organization decides about what it pays for.
      assert.deepStrictEqual(yield* atStripe, ["active, ending", "active, ending"])
    }).pipe(Effect.provide(refusing)),
  )

  it.effect("ends it at once where code that is trusted removes it for good", () =>
    Effect.gen(function* () {
      const [organization, team] = [yield* payingOrganization, yield* payingTeam]
      for (const { id } of [organization, team]) {
        yield* TrustedOrganizations.use((organizations) => organizations.remove(id, { purges: true }))
      }
      yield* Reconciliations.use(({ orphans }) => orphans)
      yield* TestBilling.settle
      assert.deepStrictEqual(yield* atStripe, ["canceled", "canceled"])
    }).pipe(Effect.provide(refusing)),
  )
})

describe("Deleting a team with a subscription", () => {
  it.effect("is refused, by the service and over HTTP", () =>
    Effect.gen(function* () {
      const paying = yield* payingTeam
      assert.deepStrictEqual(yield* Effect.flip(removeTeam(paying)), refusalOf("The team"))
      const as = yield* serve
      const response = yield* as(paying.token)("DELETE", `/auth/organizations/${paying.id}/teams/${paying.teamId}`)
      assert.strictEqual(response.status, 409, response.text)
      assert.strictEqual(TestHttp.textAt(response, "detail"), refusalOf("The team").detail)
      yield* TestBilling.settle
      assert.deepStrictEqual(yield* atStripe, ["active"])
    }).pipe(Effect.provide(refusing)),
  )

  it.effect("ends it at once where the settings say so", () =>
    Effect.gen(function* () {
      const [organization, team] = [yield* payingOrganization, yield* payingTeam]
      yield* removeTeam(team)
      yield* TestBilling.settle
      assert.deepStrictEqual((yield* atStripe).toSorted(), ["active", "canceled"])
      assert.deepStrictEqual(
        (yield* subscriptionsOf(organization.payer)).map(({ state }) => state.status),
        ["active"],
      )
    }).pipe(Effect.provide(canceling)),
  )
})
