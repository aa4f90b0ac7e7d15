/**
 * Seats are paid for as memberships say: whoever comes and goes, by whatever path, is counted at Stripe in the end.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import { Users } from "@belfry/core/Users"
import { Invitations } from "@belfry/organization/Invitations"
import { Members } from "@belfry/organization/Members"
import { Organizations } from "@belfry/organization/Organizations"
import { RoleName } from "@belfry/organization/Role"
import { Teams } from "@belfry/organization/Teams"
import { TrustedOrganizations } from "@belfry/organization/TrustedOrganizations"
import { LocalStripe } from "@belfry/testing/LocalStripe"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import * as TestBilling from "@belfry/testing/TestBilling"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"

const roles = [RoleName.make("member")] as const

/** The seats that are paid for at Stripe: of the organization, and of its team. */
const seats = Effect.gen(function* () {
  yield* TestBilling.settle
  const local = yield* LocalStripe
  const items = Object.values(local.objects().subscriptions).flatMap((subscription) => subscription.items.data)
  const of = (key: string) => items.find(({ price }) => price.lookup_key === key)?.quantity
  return [of("seat_month"), of("squad_month")]
})

/** An organization that pays for its members, whose owner is in a team that pays for its own. */
const begin = Effect.gen(function* () {
  const actor = yield* OrganizationBuilders.actor()
  const { organization, ownerId } = yield* OrganizationBuilders.storedOrganization({ owner: actor.user })
  const at = organization.id
  const team = yield* OrganizationBuilders.storedTeam({ organizationId: at })
  yield* OrganizationBuilders.storedTeamMember(team, ownerId)
  yield* TestBilling.subscribe(actor, { plan: "team", payer: { _tag: "Organization", organization: at } })
  yield* TestBilling.subscribe(actor, {
    plan: "squad",
    payer: { _tag: "Team", organization: at, teamId: team.id },
  })
  // Looks compare seats as well: what is told of the beginning is behind us.
  yield* TestBilling.settle
  const trusted = yield* TrustedOrganizations
  /** Somebody new, in the team as well if they are to be. */
  const join = Effect.fnUntraced(function* (teams: ReadonlyArray<{ readonly teamId: typeof team.id }> = []) {
    const guest = yield* OrganizationBuilders.actor()
    const { id } = yield* trusted.addMember(at, { userId: guest.user.id, roles, teams })
    return { actor: guest, userId: guest.user.id, memberId: id }
  })
  return { actor, at, teamId: team.id, inTeam: [{ teamId: team.id }], ownerId, trusted, join }
})

const layer = TestBilling.layerMemory({ organizationSettings: { addsMembersDirectly: true } })

describe("Seats are paid", () => {
  it.effect("for whoever is there when the subscription begins", () =>
    Effect.gen(function* () {
      yield* begin
      assert.deepStrictEqual(yield* seats, [1, 1])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("for whoever accepts an invitation, in teams too", () =>
    Effect.gen(function* () {
      const { actor, at, inTeam } = yield* begin
      const invitations = yield* Invitations
      const guest = yield* OrganizationBuilders.actor()
      const invited = { email: guest.user.email, roles, teams: inTeam }
      const { id } = yield* invitations.create(actor, at, invited)
      assert.deepStrictEqual(yield* seats, [1, 1])
      yield* invitations.accept(guest, { _tag: "Id", id })
      assert.deepStrictEqual(yield* seats, [2, 2])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("for whoever is added by a member or by code that is trusted", () =>
    Effect.gen(function* () {
      const { actor, at, inTeam, join } = yield* begin
      const { user } = yield* OrganizationBuilders.actor()
      yield* Members.use((members) => members.add(actor, at, { userId: user.id, roles, teams: inTeam }))
      assert.deepStrictEqual(yield* seats, [2, 2])
      yield* join()
      assert.deepStrictEqual(yield* seats, [3, 2])
      yield* join(inTeam)
      assert.deepStrictEqual(yield* seats, [4, 3])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("for whoever comes to a team and goes from it", () =>
    Effect.gen(function* () {
      const { actor, at, join, teamId } = yield* begin
      const teams = yield* Teams
      const { memberId } = yield* join()
      yield* teams.addMember(actor, at, teamId, { memberId })
      assert.deepStrictEqual(yield* seats, [2, 2])
      yield* teams.removeMember(actor, at, teamId, memberId)
      assert.deepStrictEqual(yield* seats, [2, 1])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("no longer for whoever leaves, is removed or deleted, nor for their places in teams", () =>
    Effect.gen(function* () {
      const { actor, at, inTeam, join, trusted } = yield* begin
      const [leaving, removed, dismissed, deleted] = [
        yield* join(inTeam),
        yield* join(inTeam),
        yield* join(inTeam),
        yield* join(inTeam),
      ]
      assert.deepStrictEqual(yield* seats, [5, 5])
      yield* Organizations.use((organizations) => organizations.leave(leaving.actor, at))
      assert.deepStrictEqual(yield* seats, [4, 4])
      yield* Members.use((members) => members.remove(actor, at, { _tag: "Id", id: removed.memberId }))
      assert.deepStrictEqual(yield* seats, [3, 3])
      yield* trusted.removeMember(at, { _tag: "User", userId: dismissed.userId })
      assert.deepStrictEqual(yield* seats, [2, 2])
      yield* Users.use((users) => users.remove(deleted.userId, unknownClient))
      assert.deepStrictEqual(yield* seats, [1, 1])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("as they are when an organization is restored", () =>
    Effect.gen(function* () {
      const { at, join, trusted } = yield* begin
      const { userId } = yield* join()
      yield* trusted.remove(at)
      yield* Users.use((users) => users.remove(userId))
      yield* trusted.restore(at)
      assert.deepStrictEqual(yield* seats, [1, 1])
      yield* join()
      assert.deepStrictEqual(yield* seats, [2, 1])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("at least as many as the plan sells", () =>
    Effect.gen(function* () {
      const { actor, at, ownerId, teamId } = yield* begin
      yield* Teams.use((teams) => teams.removeMember(actor, at, teamId, ownerId))
      assert.deepStrictEqual(yield* seats, [1, 1])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("as the host counts them", () =>
    Effect.gen(function* () {
      const { join } = yield* begin
      assert.deepStrictEqual(yield* seats, [10, 10])
      yield* join()
      assert.deepStrictEqual(yield* seats, [20, 10])
    }).pipe(
      Effect.provide(
        TestBilling.layerMemory({ hooks: { countSeats: ({ facts }) => Effect.succeed(facts.seats * 10) } }),
      ),
    ),
  )

  it.effect("in one change where many come at once", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const { join } = yield* begin
      const from = local.calls.length
      yield* Effect.all(
        Array.from({ length: 20 }, () => join()),
        { concurrency: "unbounded" },
      )
      assert.deepStrictEqual(yield* seats, [21, 1])
      assert.strictEqual(local.calls.slice(from).filter(({ method }) => method === "POST").length, 1)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("later, where Stripe was away", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const { join } = yield* begin
      yield* join()
      local.failing({ rate: 1, seed: 1, kinds: ["before"] })
      assert.deepStrictEqual(yield* seats, [1, 1])
      local.failing(undefined)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* seats, [2, 1])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("by nobody who pays for nothing: Stripe is not asked", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      yield* begin
      const { organization } = yield* OrganizationBuilders.storedOrganization()
      const { user } = yield* OrganizationBuilders.actor()
      const from = local.calls.length
      yield* TrustedOrganizations.use((trusted) => trusted.addMember(organization.id, { userId: user.id, roles }))
      assert.deepStrictEqual(yield* seats, [1, 1])
      assert.strictEqual(local.calls.length, from)
    }).pipe(Effect.provide(layer)),
  )
})
