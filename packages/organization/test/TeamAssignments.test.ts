/**
 * How invitations and new members come to teams.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import type { UserId } from "@belfry/core/User"
import * as AccessDefinition from "@belfry/organization/AccessDefinition"
import * as AccessModel from "@belfry/organization/AccessModel"
import type { MemberId } from "@belfry/organization/Member"
import { resolve } from "@belfry/organization/Membership"
import { MembershipStore } from "@belfry/organization/MembershipStore"
import * as OrganizationSettings from "@belfry/organization/OrganizationSettings"
import { Permission } from "@belfry/organization/Permission"
import { type Team, TeamRoleName } from "@belfry/organization/Team"
import { TeamAssignments } from "@belfry/organization/TeamAssignments"
import { TeamStore } from "@belfry/organization/TeamStore"
import * as Teams from "@belfry/organization/Teams"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { auditOf, takeEvents } from "./support/Happenings.ts"

const nobody = { userId: null, sessionId: null, client: unknownClient }

const access = AccessDefinition.define({
  resources: { project: ["read"] },
  roles: {},
  teamRoles: { reader: ["project:read"] },
  metadata: { public: AccessDefinition.anyMetadata, private: AccessDefinition.anyMetadata },
})

const layer = (settings: Parameters<typeof OrganizationSettings.make>[0] = {}) =>
  Teams.layerAssignments.pipe(
    Layer.provideMerge(
      Layer.merge(
        AccessModel.layer(access),
        Layer.succeed(OrganizationSettings.OrganizationSettings, OrganizationSettings.make(settings)),
      ),
    ),
    Layer.provideMerge(TestServices.layerMemory),
  )

const lead = TeamRoleName.make("lead")
const plain = TeamRoleName.make("member")
const reader = TeamRoleName.make("reader")

const begin = Effect.gen(function* () {
  const assignments = yield* TeamAssignments
  const { organization, owner, ownerId } = yield* OrganizationBuilders.storedOrganization()
  const at = organization.id
  return {
    assignments,
    at,
    ada: { id: ownerId, user: owner },
    team: () => OrganizationBuilders.storedTeam({ organizationId: at }),
    join: () => OrganizationBuilders.storedMember(at),
    accept: (teams: Parameters<typeof assignments.accept>[0]["teams"], by: UserId | null = null) =>
      Effect.gen(function* () {
        const found =
          by === null ? null : yield* MembershipStore.use((store) => store.find({ userId: by, organization: at }))
        const membership = found === null ? null : resolve(Option.getOrThrow(found), access.rules)
        return yield* assignments.accept({ organizationId: at, by: membership, teams })
      }),
    /** The teams of a member, with the role in each. */
    teamsOf: (memberId: MemberId) =>
      TeamStore.use((teams) =>
        Effect.map(
          teams.listByMember(
            { userId: owner.id, organization: at },
            { _tag: "Id", id: memberId },
            { after: null, limit: 100, search: null },
          ),
          (found) =>
            Option.getOrThrow(Option.flatMap(found, ({ value }) => value)).map(({ role, team }) => [team.id, role]),
        ),
      ),
  }
})

describe("TeamAssignments.accept", () => {
  it.effect("puts in the plain role where none is named, each team once", () =>
    Effect.gen(function* () {
      const { accept, ada, team } = yield* begin
      const [one, two] = [yield* team(), yield* team()]
      const asked = [{ teamId: one.id, role: lead }, { teamId: two.id }, { teamId: one.id, role: reader }]
      const accepted = [
        { teamId: one.id, role: reader },
        { teamId: two.id, role: plain },
      ]
      assert.deepStrictEqual(yield* accept(asked), accepted)
      assert.deepStrictEqual(yield* accept(asked, ada.user.id), accepted)
      assert.deepStrictEqual(yield* accept([]), [])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("finds no teams of others, and no roles that the host does not have", () =>
    Effect.gen(function* () {
      const { accept, team } = yield* begin
      const other = yield* begin
      const [own, foreign] = [yield* team(), yield* other.team()]
      const why = (teams: Parameters<typeof accept>[0]) =>
        Effect.map(Effect.flip(accept(teams)), (error) => ({ ...error }))
      const withForeign = [{ teamId: own.id }, { teamId: foreign.id }]
      assert.deepInclude(yield* why(withForeign), { _tag: "TeamNotFound", what: "team" })
      const withBoss = [{ teamId: own.id, role: TeamRoleName.make("boss") }]
      assert.deepInclude(yield* why(withBoss), { _tag: "TeamNotFound", what: "team-role" })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("lets nobody give more than they have, in the organization or in that team", () =>
    Effect.gen(function* () {
      const { accept, join, team } = yield* begin
      const [one, two, bob] = [yield* team(), yield* team(), yield* join()]
      yield* OrganizationBuilders.storedTeamMember(one, bob.id, reader)
      const give = ({ id }: Team, role: TeamRoleName) => accept([{ teamId: id, role }], bob.user.id)
      assert.deepStrictEqual(yield* give(one, reader), [{ teamId: one.id, role: reader }])
      assert.deepStrictEqual(yield* give(two, plain), [{ teamId: two.id, role: plain }])
      const error = yield* Effect.flip(give(two, reader))
      assert.deepInclude(
        { ...error },
        { _tag: "PermissionMissing", reason: "escalation", missing: [Permission.make("project:read")] },
      )
      assert.strictEqual((yield* Effect.flip(give(one, lead)))._tag, "PermissionMissing")
      // Nobody is behind trusted code.
      assert.deepStrictEqual(yield* accept([{ teamId: two.id, role: lead }]), [{ teamId: two.id, role: lead }])
    }).pipe(Effect.provide(layer())),
  )
})

describe("TeamAssignments.assign", () => {
  it.effect("puts a member into teams, leaves what is there and leaves out what is gone, and tells of the rest", () =>
    Effect.gen(function* () {
      const { assignments, at, join, team, teamsOf } = yield* begin
      const [one, two, gone, bob] = [yield* team(), yield* team(), yield* team(), yield* join()]
      yield* OrganizationBuilders.storedTeamMember(one, bob.id, reader)
      yield* TeamStore.use((teams) => teams.remove(at, gone.id, false))
      const actor = yield* OrganizationBuilders.actor({ user: bob.user })
      yield* assignments.assign({
        organizationId: at,
        memberId: bob.id,
        userId: bob.user.id,
        teams: [one, gone, two].map(({ id }) => ({ teamId: id, role: lead })),
        doer: { userId: actor.user.id, sessionId: actor.session.id, client: actor.client },
      })
      assert.deepStrictEqual(yield* teamsOf(bob.id), [
        [one.id, reader],
        [two.id, lead],
      ])
      const ofBob = { memberId: bob.id, userId: bob.user.id }
      assert.deepStrictEqual(yield* takeEvents(at), [
        { _tag: "TeamMemberAdded", organizationId: at, actorId: bob.user.id, teamId: two.id, ...ofBob, role: lead },
      ])
      assert.deepStrictEqual(yield* auditOf(at), [
        {
          type: "organization-team-member.added",
          userId: bob.user.id,
          before: null,
          after: { role: lead },
          data: { teamId: two.id, ...ofBob },
        },
      ])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("fails where a team is full", () =>
    Effect.gen(function* () {
      const { assignments, at, ada, join, team } = yield* begin
      const [one, bob] = [yield* team(), yield* join()]
      const assign = ({ id, user }: typeof bob) =>
        assignments.assign({
          organizationId: at,
          memberId: id,
          userId: user.id,
          teams: [{ teamId: one.id, role: plain }],
          doer: nobody,
        })
      yield* assign(bob)
      yield* assign(bob)
      const error = yield* Effect.flip(assign(ada))
      assert.deepInclude({ ...error }, { _tag: "LimitReached", limit: "team-members", maximum: 1 })
    }).pipe(Effect.provide(layer({ limits: { teamMembers: ({ teamId }) => Effect.succeed(teamId.length / 36) } }))),
  )
})

describe("TeamAssignments.begin", () => {
  const beginIn = Effect.gen(function* () {
    const { ada, assignments, at, teamsOf } = yield* begin
    yield* assignments.begin({ organizationId: at, memberId: ada.id, userId: ada.user.id, doer: nobody })
    return {
      events: (yield* takeEvents(at)).map(({ _tag }) => _tag),
      roles: (yield* teamsOf(ada.id)).map(([, it]) => it),
    }
  })

  it.effect("makes no team, unless the settings name one", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* beginIn, { events: [], roles: [] })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("makes the team that the settings name, led by whoever begins", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* beginIn, { events: ["TeamCreated", "TeamMemberAdded"], roles: [lead] })
    }).pipe(Effect.provide(layer({ teams: { defaultTeam: "Everybody" } }))),
  )

  it.effect("makes it without anybody in it, where makers do not join", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* beginIn, { events: ["TeamCreated"], roles: [] })
    }).pipe(Effect.provide(layer({ teams: { defaultTeam: "Everybody", creatorJoins: false } }))),
  )
})

describe("TeamAssignments of a host without teams", () => {
  it.effect("finds no team, and has nothing to do", () =>
    Effect.gen(function* () {
      const { accept, ada, assignments, at, team, teamsOf } = yield* begin
      const one = yield* team()
      const error = yield* Effect.flip(accept([{ teamId: one.id }]))
      assert.deepInclude({ ...error }, { _tag: "TeamNotFound", what: "team" })
      assert.deepStrictEqual(yield* accept([]), [])
      const who = { organizationId: at, memberId: ada.id, userId: ada.user.id, doer: nobody }
      yield* assignments.assign({ ...who, teams: [{ teamId: one.id, role: plain }] })
      yield* assignments.begin(who)
      assert.deepStrictEqual(yield* teamsOf(ada.id), [])
    }).pipe(Effect.provide(TestServices.layerMemory)),
  )
})
