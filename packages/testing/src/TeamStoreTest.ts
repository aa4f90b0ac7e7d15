/**
 * Contract suite of {@link TeamStore}.
 *
 * @since 0.1.0
 */
import { TransactionStore } from "@belfry/core/TransactionStore"
import { InvitationStore } from "@belfry/organization/InvitationStore"
import type { MemberId } from "@belfry/organization/Member"
import { MemberStore } from "@belfry/organization/MemberStore"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import { Slug } from "@belfry/organization/Organization"
import type { StorePage } from "@belfry/organization/Page"
import { type Team, TeamRoleName } from "@belfry/organization/Team"
import { TeamStore } from "@belfry/organization/TeamStore"
import { assert, layer as withLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Builders from "./Builders.ts"
import * as OrganizationBuilders from "./OrganizationBuilders.ts"
import type { Stores } from "./TestServices.ts"

/**
 * Registers the suite for an adapter.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<Stores, E>): void =>
  withLayer(layer)(`TeamStore (${name})`, (it) => {
    it.effect("finds a team with the role of whoever looks, and whoever is asked for", () =>
      Effect.gen(function* () {
        const { ada, bob, find, team } = yield* begin
        const plain = { team, viewerRole: null, member: null }
        assert.deepStrictEqual(yield* find(ada), plain)
        yield* OrganizationBuilders.storedTeamMember(team, bob.id, "lead")
        assert.deepStrictEqual(yield* find(ada), plain)
        assert.deepStrictEqual(yield* find(bob), { ...plain, viewerRole: lead })
        assert.deepStrictEqual(yield* find(ada, ada.id), plain)
        const found = yield* find(ada, bob.id)
        assert.deepStrictEqual(found?.member, {
          teamId: team.id,
          member: {
            id: bob.id,
            organizationId: team.organizationId,
            userId: bob.user.id,
            roles: OrganizationBuilders.builtIn("member").builtIn,
            createdAt: team.createdAt,
            updatedAt: team.createdAt,
            email: bob.user.email,
            name: bob.user.name,
            image: bob.user.image,
          },
          role: lead,
          joinedAt: team.createdAt,
        })
      }),
    )

    it.effect("shows members with the roles that the organization made, after those of the host", () =>
      Effect.gen(function* () {
        const { ada, find, organization, team } = yield* begin
        const [one, two] = [
          yield* OrganizationBuilders.storedRole(organization.id),
          yield* OrganizationBuilders.storedRole(organization.id),
        ]
        const eve = yield* OrganizationBuilders.storedMember(organization.id, {
          roles: { ...OrganizationBuilders.builtIn("member", "billing"), custom: [two.id, one.id] },
        })
        yield* OrganizationBuilders.storedTeamMember(team, eve.id)
        const { builtIn } = OrganizationBuilders.builtIn("billing", "member")
        const roles = [...builtIn, one.name, two.name]
        assert.deepStrictEqual((yield* find(ada, eve.id))?.member?.member.roles, roles)
        assert.deepStrictEqual((yield* members(ada, team))?.members[0]?.member.roles, roles)
      }),
    )

    it.effect("shows nobody but members that there are teams, nor anybody those of a deleted organization", () =>
      Effect.gen(function* () {
        const teams = yield* TeamStore
        const { ada, organization, team } = yield* begin
        const eve = yield* Builders.storedUser()
        const look = (userId: typeof eve.id, id: Team["organizationId"]) => {
          const viewer = { userId, organization: id }
          return Effect.all([
            Effect.map(teams.list(viewer, wholePage), Option.isSome),
            Effect.map(teams.find(viewer, team.id), Option.isSome),
            Effect.map(teams.listMembers(viewer, team.id, wholePage), Option.isSome),
            Effect.map(teams.listByMember(viewer, { _tag: "Id", id: ada.id }, wholePage), Option.isSome),
          ])
        }
        const nothing: Effect.Success<ReturnType<typeof look>> = [false, false, false, false]
        assert.deepStrictEqual(yield* look(eve.id, organization.id), nothing)
        assert.deepStrictEqual(yield* look(ada.user.id, yield* OrganizationBuilders.organizationId), nothing)
        assert.deepStrictEqual(yield* look(ada.user.id, organization.id), [true, true, true, true])
        yield* OrganizationStore.use((store) => store.markDeleted(organization.id, team.createdAt))
        assert.deepStrictEqual(yield* look(ada.user.id, organization.id), nothing)
      }),
    )

    it.effect("finds no team of another organization, nor its members, and no team that is not there", () =>
      Effect.gen(function* () {
        const teams = yield* TeamStore
        const { ada, bob, organization, team } = yield* begin
        const other = yield* begin
        yield* OrganizationBuilders.storedTeamMember(team, bob.id)
        yield* OrganizationBuilders.storedTeamMember(other.team, other.bob.id)
        const viewer = { userId: ada.user.id, organization: organization.id }
        const nowhere = yield* OrganizationBuilders.team({ organizationId: organization.id })
        for (const { id } of [other.team, nowhere]) {
          for (const memberId of [other.bob.id, bob.id]) {
            const found = Option.getOrThrow(yield* teams.find(viewer, id, memberId))
            assert.deepStrictEqual(found.value, Option.none())
          }
          const listed = Option.getOrThrow(yield* teams.listMembers(viewer, id, wholePage))
          assert.deepStrictEqual(listed.value, Option.none())
        }
        const foreign = Option.getOrThrow(yield* teams.find(viewer, team.id, other.bob.id))
        assert.deepStrictEqual(foreign.value, Option.some({ team, viewerRole: null, member: null }))
      }),
    )

    it.effect("answers whoever looks with their membership, by id and by slug", () =>
      Effect.gen(function* () {
        const teams = yield* TeamStore
        const { ada, organization, team } = yield* begin
        for (const name of [organization.id, organization.slug ?? assert.fail()]) {
          const found = yield* teams.find({ userId: ada.user.id, organization: name }, team.id)
          const { membership } = Option.getOrThrow(found)
          assert.deepInclude(membership, {
            organizationId: organization.id,
            organizationName: organization.name,
            memberId: ada.id,
            userId: ada.user.id,
          })
        }
      }),
    )

    it.effect("lists teams oldest first, page by page, by how their name begins", () =>
      Effect.gen(function* () {
        const { ada, organization, team: first } = yield* begin
        const other = yield* begin
        const named = (name: string) => OrganizationBuilders.storedTeam({ organizationId: organization.id, name })
        const [second, third] = [yield* named("100%_Früh"), yield* named("früh")]
        const list = (page: Partial<StorePage> = {}) => teamsOf(ada, organization.id, page)
        assert.deepStrictEqual(yield* list(), [first, second, third])
        assert.deepStrictEqual(yield* list({ limit: 2 }), [first, second])
        assert.deepStrictEqual(yield* list({ after: second.id, limit: 2 }), [third])
        assert.deepStrictEqual(yield* list({ after: third.id }), [])
        assert.deepStrictEqual(yield* list({ limit: 0 }), [])
        assert.deepStrictEqual(yield* list({ search: "FRüh" }), [third])
        assert.deepStrictEqual(yield* list({ search: "100%_f" }), [second])
        for (const search of ["%", "_", "1_", "\\", "rüh", "\0", "\uD800"]) {
          assert.deepStrictEqual(yield* list({ search }), [], search)
        }
        assert.deepStrictEqual(yield* teamsOf(other.ada, other.organization.id), [other.team])
      }),
    )

    it.effect("lists members by when they became members, page by page, by how address or name begins", () =>
      Effect.gen(function* () {
        const { ada, organization, team } = yield* begin
        const join = Effect.fnUntraced(function* (name: string) {
          const user = yield* Builders.storedUser({ name })
          return yield* OrganizationBuilders.storedMember(organization.id, { user })
        })
        const [grace, alan] = [yield* join("Grace Hopper"), yield* join("Alan Turing")]
        for (const { id } of [alan, grace]) yield* OrganizationBuilders.storedTeamMember(team, id)
        const list = (page: Partial<StorePage> = {}) => Effect.map(members(ada, team, page), (found) => found?.members)
        const ids = (page: Partial<StorePage> = {}) =>
          Effect.map(list(page), (found) => found?.map(({ member }) => member.id))
        assert.deepStrictEqual(yield* ids(), [grace.id, alan.id])
        assert.deepStrictEqual(yield* ids({ limit: 1 }), [grace.id])
        assert.deepStrictEqual(yield* ids({ after: grace.id }), [alan.id])
        assert.deepStrictEqual(yield* ids({ search: "ALAN t" }), [alan.id])
        assert.deepStrictEqual(yield* ids({ search: grace.user.email.slice(0, 36).toUpperCase() }), [grace.id])
        for (const search of ["%", "hopper", "\0"]) assert.deepStrictEqual(yield* ids({ search }), [], search)
        const [{ role, joinedAt } = assert.fail()] = (yield* list()) ?? []
        assert.deepStrictEqual([role, joinedAt], [plain, team.createdAt])
      }),
    )

    it.effect("lists the teams of a member, oldest first, however the member is named", () =>
      Effect.gen(function* () {
        const { ada, bob, organization, team: first } = yield* begin
        const [second, third] = [
          yield* OrganizationBuilders.storedTeam({ organizationId: organization.id, name: "Linkers" }),
          yield* OrganizationBuilders.storedTeam({ organizationId: organization.id }),
        ]
        yield* OrganizationBuilders.storedTeamMember(third, ada.id)
        yield* OrganizationBuilders.storedTeamMember(second, bob.id, "lead")
        yield* OrganizationBuilders.storedTeamMember(first, bob.id)
        const place = (team: Team, role = plain) => ({ team, role, joinedAt: first.createdAt })
        const list = (
          ref: Parameters<(typeof TeamStore)["Service"]["listByMember"]>[1],
          page: Partial<StorePage> = {},
        ) =>
          TeamStore.use((teams) =>
            Effect.map(
              teams.listByMember({ userId: ada.user.id, organization: organization.id }, ref, {
                ...wholePage,
                ...page,
              }),
              (found) => Option.getOrNull(Option.getOrThrow(found).value),
            ),
          )
        const ofBob = [place(first), place(second, lead)]
        assert.deepStrictEqual(yield* list({ _tag: "Id", id: bob.id }), ofBob)
        assert.deepStrictEqual(yield* list({ _tag: "User", userId: bob.user.id }), ofBob)
        assert.deepStrictEqual(yield* list({ _tag: "Email", email: bob.user.email }), ofBob)
        const byId = { _tag: "Id", id: bob.id } as const
        assert.deepStrictEqual(yield* list(byId, { limit: 1 }), [place(first)])
        assert.deepStrictEqual(yield* list(byId, { after: first.id }), [place(second, lead)])
        assert.deepStrictEqual(yield* list(byId, { search: "link" }), [place(second, lead)])
        const eve = yield* OrganizationBuilders.storedMember(organization.id)
        assert.deepStrictEqual(yield* list({ _tag: "Id", id: eve.id }), [])
        const other = yield* begin
        yield* OrganizationBuilders.storedTeamMember(other.team, other.bob.id)
        assert.isNull(yield* list({ _tag: "Id", id: other.bob.id }))
        assert.isNull(yield* list({ _tag: "User", userId: other.bob.user.id }))
        assert.isNull(yield* list({ _tag: "Email", email: other.bob.user.email }))
        assert.isNull(yield* list({ _tag: "Id", id: yield* OrganizationBuilders.memberId }))
      }),
    )

    it.effect("keeps teams up to a limit, each organization by itself", () =>
      Effect.gen(function* () {
        const teams = yield* TeamStore
        const { ada, organization, team } = yield* begin
        const other = yield* begin
        const insert = (limit: number | null, organizationId = organization.id) =>
          Effect.flatMap(OrganizationBuilders.team({ organizationId }), (built) => teams.insert(built, limit))
        assert.strictEqual(yield* insert(1), "full")
        assert.strictEqual(yield* insert(0), "full")
        assert.strictEqual(yield* insert(2), "kept")
        assert.strictEqual(yield* insert(2), "full")
        assert.strictEqual(yield* insert(2, other.organization.id), "kept")
        assert.strictEqual(yield* insert(null), "kept")
        assert.strictEqual((yield* teamsOf(ada, organization.id)).length, 3)
        const orphan = yield* OrganizationBuilders.team({ organizationId: yield* OrganizationBuilders.organizationId })
        for (const refused of [orphan, team]) {
          assert.strictEqual((yield* Effect.flip(teams.insert(refused, null)))._tag, "StoreError")
        }
      }),
    )

    it.effect("renames a team, in its own organization alone", () =>
      Effect.gen(function* () {
        const teams = yield* TeamStore
        const { ada, find, organization, team } = yield* begin
        const other = yield* begin
        const later = DateTime.add(team.createdAt, { hours: 1 })
        const renamed = { ...team, name: "Linkers", updatedAt: later }
        assert.deepStrictEqual(yield* teams.update(organization.id, team.id, "Linkers", later), Option.some(renamed))
        assert.deepStrictEqual((yield* find(ada))?.team, renamed)
        assert.deepStrictEqual(yield* teams.update(other.organization.id, team.id, "Taken", later), Option.none())
        assert.deepStrictEqual((yield* find(ada))?.team, renamed)
      }),
    )

    it.effect("removes a team with its members and from invitations, and keeps the last where that is asked for", () =>
      Effect.gen(function* () {
        const teams = yield* TeamStore
        const { ada, bob, organization, team } = yield* begin
        const other = yield* begin
        const second = yield* OrganizationBuilders.storedTeam({ organizationId: organization.id })
        for (const each of [team, second]) yield* OrganizationBuilders.storedTeamMember(each, bob.id)
        const { invitation } = yield* OrganizationBuilders.storedInvitation({
          organizationId: organization.id,
          teams: [team, second].map(({ id }) => ({ teamId: id, role: plain })),
        })
        const invited = InvitationStore.use((invitations) =>
          Effect.map(invitations.findByEmail(invitation.email, invitation.id), (found) =>
            Option.getOrThrow(found).invitation.teams.map(({ teamId }) => teamId),
          ),
        )
        assert.strictEqual(yield* teams.remove(other.organization.id, team.id, false), "absent")
        assert.sameMembers([...(yield* invited)], [team.id, second.id])
        assert.strictEqual(yield* teams.remove(organization.id, team.id, true), "removed")
        assert.strictEqual(yield* teams.remove(organization.id, team.id, true), "absent")
        assert.deepStrictEqual([...(yield* invited)], [second.id])
        assert.deepStrictEqual(yield* teamsOf(ada, organization.id), [second])
        assert.strictEqual(yield* teams.remove(organization.id, second.id, true), "last")
        assert.strictEqual((yield* members(ada, second))?.members.length, 1)
        assert.strictEqual(yield* teams.remove(organization.id, second.id, false), "removed")
        assert.isUndefined(yield* members(ada, second))
        assert.deepStrictEqual(yield* teamsOf(other.ada, other.organization.id), [other.team])
      }),
    )

    it.effect("tells which of some teams are the organization's", () =>
      Effect.gen(function* () {
        const teams = yield* TeamStore
        const { organization, team } = yield* begin
        const other = yield* begin
        const second = yield* OrganizationBuilders.storedTeam({ organizationId: organization.id })
        const nowhere = yield* OrganizationBuilders.team({ organizationId: organization.id })
        const asked = [second, other.team, nowhere, team].map(({ id }) => id)
        assert.deepStrictEqual(yield* teams.existing(organization.id, asked), [team.id, second.id])
        assert.deepStrictEqual(yield* teams.existing(organization.id, []), [])
      }),
    )

    it.effect("adds a member once, up to a limit, and tells who is there already before it tells that it is full", () =>
      Effect.gen(function* () {
        const { ada, add, bob, find, organization, team } = yield* begin
        assert.strictEqual(yield* add(ada.id, { role: lead, limit: 1 }), "added")
        assert.strictEqual(yield* add(ada.id, { role: plain, limit: 1 }), "exists")
        assert.strictEqual(yield* add(ada.id, { role: plain, limit: 0 }), "exists")
        assert.strictEqual((yield* find(ada))?.viewerRole, lead)
        assert.strictEqual(yield* add(bob.id, { limit: 1 }), "full")
        assert.strictEqual(yield* add(bob.id, { limit: 2 }), "added")
        const eve = yield* OrganizationBuilders.storedMember(organization.id)
        assert.strictEqual(yield* add(eve.id, { limit: 2 }), "full")
        assert.strictEqual(yield* add(eve.id), "added")
        assert.strictEqual((yield* members(ada, team))?.members.length, 3)
      }),
    )

    it.effect("adds nobody of another organization, nor to a team of another", () =>
      Effect.gen(function* () {
        const { ada, add, bob, team } = yield* begin
        const other = yield* begin
        assert.strictEqual(yield* add(other.bob.id), "absent")
        assert.strictEqual(yield* add(yield* OrganizationBuilders.memberId), "absent")
        assert.strictEqual(yield* other.add(bob.id), "absent")
        assert.strictEqual(yield* add(bob.id, { teamId: other.team.id }), "absent")
        assert.strictEqual(yield* add(bob.id, { organizationId: other.organization.id }), "absent")
        assert.strictEqual(yield* add(other.bob.id, { organizationId: other.organization.id }), "absent")
        assert.deepStrictEqual((yield* members(ada, team))?.members, [])
        assert.deepStrictEqual((yield* members(other.ada, other.team))?.members, [])
      }),
    )

    it.effect("sets roles of those who are there, and tells what each had before", () =>
      Effect.gen(function* () {
        const teams = yield* TeamStore
        const { ada, bob, organization, team } = yield* begin
        const other = yield* begin
        yield* OrganizationBuilders.storedTeamMember(team, ada.id, "lead")
        yield* OrganizationBuilders.storedTeamMember(team, bob.id)
        const nobody = yield* OrganizationBuilders.memberId
        const set = (organizationId = organization.id, teamId = team.id) =>
          teams.setRoles(
            organizationId,
            teamId,
            [nobody, bob.id, ada.id].map((memberId) => ({ memberId, role: lead })),
          )
        const before = [
          { memberId: ada.id, userId: ada.user.id, before: lead },
          { memberId: bob.id, userId: bob.user.id, before: plain },
        ]
        assert.deepStrictEqual(yield* set(other.organization.id), [])
        assert.deepStrictEqual(yield* set(organization.id, other.team.id), [])
        assert.deepStrictEqual(yield* set(), before)
        assert.deepStrictEqual(
          yield* set(),
          before.map((it) => ({ ...it, before: lead })),
        )
        assert.deepStrictEqual(yield* teams.setRoles(organization.id, team.id, []), [])
        const found = (yield* members(ada, team))?.members.map(({ role }) => role)
        assert.deepStrictEqual(found, [lead, lead])
      }),
    )

    it.effect("takes a member out once, of this team alone", () =>
      Effect.gen(function* () {
        const teams = yield* TeamStore
        const { ada, bob, organization, team } = yield* begin
        const other = yield* begin
        const second = yield* OrganizationBuilders.storedTeam({ organizationId: organization.id })
        for (const each of [team, second]) yield* OrganizationBuilders.storedTeamMember(each, bob.id)
        assert.isFalse(yield* teams.removeMember(other.organization.id, team.id, bob.id))
        assert.isFalse(yield* teams.removeMember(organization.id, other.team.id, bob.id))
        assert.isFalse(yield* teams.removeMember(organization.id, team.id, ada.id))
        const answers = yield* Effect.all(
          Array.from({ length: 50 }, () => teams.removeMember(organization.id, team.id, bob.id)),
          { concurrency: "unbounded" },
        )
        assert.strictEqual(answers.filter((isRemoved) => isRemoved).length, 1)
        assert.deepStrictEqual((yield* members(ada, team))?.members, [])
        assert.strictEqual((yield* members(ada, second))?.members.length, 1)
      }),
    )

    it.effect("lets a member into a team once, of 50 fibers", () =>
      Effect.gen(function* () {
        const { ada, add, bob, team } = yield* begin
        const answers = yield* Effect.all(
          Array.from({ length: 50 }, () => add(bob.id, { limit: 1 })),
          { concurrency: "unbounded" },
        )
        assert.strictEqual(answers.filter((answer) => answer === "added").length, 1)
        assert.strictEqual(answers.filter((answer) => answer === "exists").length, 49)
        assert.strictEqual((yield* members(ada, team))?.members.length, 1)
      }),
    )

    it.effect("ends the places of a member who is removed, and the teams of an organization that is", () =>
      Effect.gen(function* () {
        const { ada, bob, organization, team } = yield* begin
        const other = yield* begin
        for (const { id } of [ada, bob]) yield* OrganizationBuilders.storedTeamMember(team, id)
        yield* OrganizationBuilders.storedTeamMember(other.team, other.bob.id)
        assert.strictEqual(yield* MemberStore.use((store) => store.remove(organization.id, bob.id)), "removed")
        const left = (yield* members(ada, team))?.members.map(({ member }) => member.id)
        assert.deepStrictEqual(left, [ada.id])
        assert.isTrue(yield* OrganizationStore.use((store) => store.remove(organization.id)))
        const teams = yield* TeamStore
        assert.deepStrictEqual(yield* teams.existing(organization.id, [team.id]), [])
        assert.strictEqual(yield* other.add(other.ada.id, { teamId: team.id }), "absent")
        assert.strictEqual((yield* members(other.ada, other.team))?.members.length, 1)
      }),
    )

    it.effect("puts everything back when the transaction fails", () =>
      Effect.gen(function* () {
        const teams = yield* TeamStore
        const { ada, add, bob, organization, team } = yield* begin
        yield* OrganizationBuilders.storedTeamMember(team, ada.id)
        const before = yield* members(ada, team)
        const failure = yield* Effect.flip(
          TransactionStore.use((transactions) =>
            transactions.run(
              Effect.gen(function* () {
                yield* OrganizationBuilders.storedTeam({ organizationId: organization.id })
                yield* teams.update(organization.id, team.id, "Linkers", DateTime.add(team.createdAt, { hours: 1 }))
                yield* add(bob.id)
                yield* teams.setRoles(organization.id, team.id, [{ memberId: bob.id, role: lead }])
                yield* teams.removeMember(organization.id, team.id, ada.id)
                yield* teams.remove(organization.id, team.id, false)
                return yield* Effect.fail("undo" as const)
              }),
            ),
          ),
        )
        assert.strictEqual(failure, "undo")
        assert.deepStrictEqual(yield* members(ada, team), before)
        assert.deepStrictEqual(yield* teamsOf(ada, organization.id), [team])
      }),
    )
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface Person {
  readonly id: MemberId
  readonly user: Effect.Success<ReturnType<typeof Builders.user>>
}

/** An organization with an owner, Ada, a member, Bob, and a team without members. */
const begin = Effect.gen(function* () {
  const built = yield* OrganizationBuilders.organization()
  const { organization, owner, ownerId } = yield* OrganizationBuilders.storedOrganization({
    ...built,
    slug: Slug.make(`acme-${built.id.slice(-12)}`),
  })
  const ada: Person = { id: ownerId, user: owner }
  const bob: Person = yield* OrganizationBuilders.storedMember(organization.id)
  const team = yield* OrganizationBuilders.storedTeam({ organizationId: organization.id })
  const teams = yield* TeamStore
  return {
    organization,
    ada,
    bob,
    team,
    find: ({ user }: Person, memberId?: MemberId) =>
      Effect.map(teams.find({ userId: user.id, organization: organization.id }, team.id, memberId), (found) =>
        Option.getOrUndefined(Option.getOrThrow(found).value),
      ),
    add: (memberId: MemberId, options: Partial<Parameters<typeof teams.addMember>[0]> = {}) =>
      teams.addMember({
        organizationId: organization.id,
        teamId: team.id,
        memberId,
        role: plain,
        limit: null,
        now: team.createdAt,
        ...options,
      }),
  }
})

const teamsOf = ({ user }: Person, organization: Team["organizationId"], page: Partial<StorePage> = {}) =>
  TeamStore.use((teams) =>
    Effect.map(
      teams.list({ userId: user.id, organization }, { ...wholePage, ...page }),
      (found) => Option.getOrThrow(found).value,
    ),
  )

/** A team with its members, as somebody finds it; undefined where there is none. */
const members = ({ user }: Person, { id, organizationId }: Team, page: Partial<StorePage> = {}) =>
  TeamStore.use((teams) =>
    Effect.map(
      teams.listMembers({ userId: user.id, organization: organizationId }, id, { ...wholePage, ...page }),
      (found) => Option.getOrUndefined(Option.getOrThrow(found).value),
    ),
  )

const wholePage: StorePage = { after: null, limit: 101, search: null }

const lead = TeamRoleName.make("lead")

const plain = TeamRoleName.make("member")
