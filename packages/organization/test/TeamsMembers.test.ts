/**
 * Members of teams: who may give and take which role there, and what it leaves behind.
 */
import type { MemberId, MemberRef } from "@belfry/organization/Member"
import { Permission } from "@belfry/organization/Permission"
import { type Team, type TeamId, TeamRoleName } from "@belfry/organization/Team"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { auditOf, takeEvents } from "./support/Happenings.ts"
import { begin, builtIn, escalation, keeper, layer, lead, missing, noTeam, plain, refusal } from "./support/TeamWork.ts"

describe("Teams.addMember", () => {
  it.effect("adds a member as a plain one, or with a role, and tells of it", () =>
    Effect.gen(function* () {
      const { ada, at, join, team, teams } = yield* begin
      const [built, bob, eve] = [yield* team(), yield* join(), yield* join()]
      const added = yield* teams.addMember(ada.actor, at, built.id, { memberId: bob.id })
      assert.deepInclude(added, { teamId: built.id, role: plain })
      assert.deepInclude(added.member, { id: bob.id, email: bob.user.email })
      assert.strictEqual(
        (yield* teams.addMember(ada.actor, at, built.id, { memberId: eve.id, role: keeper })).role,
        keeper,
      )
      const by = { organizationId: at, actorId: ada.actor.user.id, teamId: built.id }
      assert.deepStrictEqual(yield* takeEvents(at), [
        { _tag: "TeamMemberAdded", ...by, memberId: bob.id, userId: bob.user.id, role: plain },
        { _tag: "TeamMemberAdded", ...by, memberId: eve.id, userId: eve.user.id, role: keeper },
      ])
      const [first] = yield* auditOf(at)
      assert.deepStrictEqual(first, {
        type: "organization-team-member.added",
        userId: ada.actor.user.id,
        before: null,
        after: { role: plain },
        data: { teamId: built.id, memberId: bob.id, userId: bob.user.id },
      })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("answers whoever is in the team as they are, a full one too, and lets nobody else into that", () =>
    Effect.gen(function* () {
      const { ada, at, inTeam, join, team, teams } = yield* begin
      const [built, bob, eve] = [yield* team(), yield* join(), yield* join()]
      yield* inTeam(built, bob, lead)
      const again = yield* teams.addMember(ada.actor, at, built.id, { memberId: bob.id, role: plain })
      assert.strictEqual(again.role, lead)
      assert.deepStrictEqual(yield* refusal(teams.addMember(ada.actor, at, built.id, { memberId: eve.id })), [
        "LimitReached",
        "team-members",
        1,
      ])
      assert.deepStrictEqual(yield* takeEvents(at), [])
    }).pipe(Effect.provide(layer({ limits: { teamMembers: 1 } }))),
  )

  it.effect("finds no members, teams and roles that are not there, or elsewhere", () =>
    Effect.gen(function* () {
      const { ada, at, join, team, teams } = yield* begin
      const other = yield* begin
      const [built, bob, foreign, eve] = [yield* team(), yield* join(), yield* other.team(), yield* other.join()]
      const add = (teamId: TeamId, memberId: MemberId, role = plain) =>
        refusal(teams.addMember(ada.actor, at, teamId, { memberId, role }))
      assert.deepStrictEqual(yield* add(built.id, eve.id), ["MemberNotFound"])
      assert.deepStrictEqual(yield* add(built.id, yield* OrganizationBuilders.memberId), ["MemberNotFound"])
      assert.deepStrictEqual(yield* add(foreign.id, bob.id), noTeam)
      assert.deepStrictEqual(yield* add(built.id, bob.id, TeamRoleName.make("boss")), ["TeamNotFound", "team-role"])
      assert.deepStrictEqual((yield* teams.members(ada.actor, at, built.id)).items, [])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("gives no role that has more than whoever gives it has in that team", () =>
    Effect.gen(function* () {
      const { at, inTeam, join, joinWith, team, teams } = yield* begin
      const [one, two] = [yield* team("One"), yield* team("Two")]
      const bob = yield* joinWith("teamMember:create")
      const [eve, mallory] = [yield* join(), yield* join()]
      const add = (to: Team, role: TeamRoleName, member = eve) =>
        teams.addMember(bob.actor, at, to.id, { memberId: member.id, role })
      assert.deepStrictEqual(
        yield* refusal(add(one, lead)),
        escalation("team:update", "teamMember:read", "teamMember:update", "teamMember:delete", "project:read"),
      )
      assert.strictEqual((yield* add(one, plain)).role, plain)
      // Leading one team, somebody gives there what a lead has, and not what a keeper has.
      yield* inTeam(two, bob, lead)
      assert.strictEqual((yield* add(two, lead)).role, lead)
      assert.deepStrictEqual(yield* refusal(add(two, keeper, mallory)), escalation("project:delete"))
      assert.deepStrictEqual(
        yield* refusal(add(one, lead, mallory)),
        escalation("team:update", "teamMember:read", "teamMember:update", "teamMember:delete", "project:read"),
      )
    }).pipe(Effect.provide(layer())),
  )
})

describe("Teams.setRoles", () => {
  it.effect("sets the roles of several, and tells of those that changed", () =>
    Effect.gen(function* () {
      const { ada, at, inTeam, join, roleIn, team, teams } = yield* begin
      const [built, bob, eve] = [yield* team(), yield* join(), yield* join()]
      for (const each of [bob, eve]) yield* inTeam(built, each)
      yield* teams.setRoles(ada.actor, at, built.id, [
        { memberId: bob.id, role: keeper },
        { memberId: bob.id, role: lead },
        { memberId: eve.id, role: plain },
      ])
      assert.deepStrictEqual([yield* roleIn(built, bob), yield* roleIn(built, eve)], [lead, plain])
      const by = { organizationId: at, actorId: ada.actor.user.id, teamId: built.id }
      const ofBob = { memberId: bob.id, userId: bob.user.id }
      assert.deepStrictEqual(yield* takeEvents(at), [
        { _tag: "TeamMemberRoleChanged", ...by, ...ofBob, before: plain, after: lead },
      ])
      assert.deepStrictEqual(yield* auditOf(at), [
        {
          type: "organization-team-member.role-changed",
          userId: ada.actor.user.id,
          before: { role: plain },
          after: { role: lead },
          data: { teamId: built.id, ...ofBob },
        },
      ])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("sets all or none", () =>
    Effect.gen(function* () {
      const { ada, at, inTeam, join, roleIn, team, teams } = yield* begin
      const [built, bob, eve] = [yield* team(), yield* join(), yield* join()]
      yield* inTeam(built, bob)
      const set = (memberId: MemberId, role = lead) =>
        refusal(
          teams.setRoles(ada.actor, at, built.id, [
            { memberId: bob.id, role: lead },
            { memberId, role },
          ]),
        )
      assert.deepStrictEqual(yield* set(eve.id), ["MemberNotFound"])
      assert.deepStrictEqual(yield* set(eve.id, TeamRoleName.make("boss")), ["TeamNotFound", "team-role"])
      assert.strictEqual(yield* roleIn(built, bob), plain)
      assert.deepStrictEqual(yield* takeEvents(at), [])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("neither gives nor takes what whoever sets lacks in that team", () =>
    Effect.gen(function* () {
      const { at, inTeam, join, roleIn, team, teams } = yield* begin
      const [built, bob, eve, mallory] = [yield* team(), yield* join(), yield* join(), yield* join()]
      yield* inTeam(built, bob, lead)
      yield* inTeam(built, eve, keeper)
      yield* inTeam(built, mallory)
      const set = (memberId: MemberId, role: TeamRoleName) =>
        teams.setRoles(bob.actor, at, built.id, [{ memberId, role }])
      assert.deepStrictEqual(yield* refusal(set(mallory.id, keeper)), escalation("project:delete"))
      assert.deepStrictEqual(yield* refusal(set(eve.id, plain)), escalation("project:delete"))
      assert.deepStrictEqual([yield* roleIn(built, mallory), yield* roleIn(built, eve)], [plain, keeper])
      yield* set(mallory.id, lead)
      yield* set(eve.id, keeper)
      assert.strictEqual(yield* roleIn(built, mallory), lead)
    }).pipe(Effect.provide(layer())),
  )
})

describe("Teams.removeMember", () => {
  it.effect("takes a member out, and tells of it", () =>
    Effect.gen(function* () {
      const { ada, at, inTeam, join, roleIn, team, teams } = yield* begin
      const [built, bob] = [yield* team(), yield* join()]
      yield* inTeam(built, bob, lead)
      yield* teams.removeMember(ada.actor, at, built.id, bob.id)
      assert.isUndefined(yield* roleIn(built, bob))
      const again = yield* refusal(teams.removeMember(ada.actor, at, built.id, bob.id))
      assert.deepStrictEqual(again, ["TeamNotFound", "team-member"])
      const ofBob = { memberId: bob.id, userId: bob.user.id }
      const by = { organizationId: at, actorId: ada.actor.user.id, teamId: built.id }
      assert.deepStrictEqual(yield* takeEvents(at), [{ _tag: "TeamMemberRemoved", ...by, ...ofBob }])
      assert.deepStrictEqual(yield* auditOf(at), [
        {
          type: "organization-team-member.removed",
          userId: ada.actor.user.id,
          before: { role: lead },
          after: null,
          data: { teamId: built.id, ...ofBob },
        },
      ])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("lets everybody leave, whatever they may, and takes out nobody who has more", () =>
    Effect.gen(function* () {
      const { at, inTeam, join, team, teams } = yield* begin
      const [built, bob, eve] = [yield* team(), yield* join(builtIn("billing")), yield* join()]
      yield* inTeam(built, bob, keeper)
      yield* inTeam(built, eve, lead)
      const remove = (by: typeof bob, whom: typeof bob) => teams.removeMember(by.actor, at, built.id, whom.id)
      assert.deepStrictEqual(yield* refusal(remove(bob, eve)), missing("teamMember:delete"))
      assert.deepStrictEqual(yield* refusal(remove(eve, bob)), escalation("project:delete"))
      yield* remove(bob, bob)
      assert.deepStrictEqual(yield* refusal(remove(bob, bob)), ["TeamNotFound", "team-member"])
      yield* remove(eve, eve)
    }).pipe(Effect.provide(layer())),
  )
})

describe("Teams.missing and ofMember", () => {
  it.effect("count permissions of the organization and of the role in the team", () =>
    Effect.gen(function* () {
      const { at, inTeam, join, team, teams } = yield* begin
      const [one, two, bob] = [yield* team("One"), yield* team("Two"), yield* join()]
      yield* inTeam(one, bob, lead)
      const asked = ["team:read", "project:read", "project:delete"].map((it) => Permission.make(it))
      const lacking = (id: TeamId) => teams.missing(bob.actor, at, id, asked)
      assert.deepStrictEqual([...(yield* lacking(one.id))], ["project:delete"])
      assert.deepStrictEqual([...(yield* lacking(two.id))], ["project:read", "project:delete"])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("show one's own teams to everybody, however one is named, and those of others to who may see them", () =>
    Effect.gen(function* () {
      const { ada, at, inTeam, join, team, teams } = yield* begin
      const [built, bob] = [yield* team(), yield* join(builtIn("billing"))]
      yield* inTeam(built, bob)
      const list = (ref: MemberRef) =>
        Effect.map(teams.ofMember(bob.actor, at, ref), ({ items }) => items.map((item) => item.team.id))
      assert.deepStrictEqual(yield* list({ _tag: "User", userId: bob.user.id }), [built.id])
      assert.deepStrictEqual(yield* list({ _tag: "Id", id: bob.id }), [built.id])
      assert.deepStrictEqual(yield* list({ _tag: "Email", email: bob.user.email }), [built.id])
      const others: ReadonlyArray<MemberRef> = [
        { _tag: "User", userId: ada.actor.user.id },
        { _tag: "Id", id: ada.id },
        { _tag: "Email", email: ada.actor.user.email },
        { _tag: "Id", id: yield* OrganizationBuilders.memberId },
      ]
      for (const ref of others) assert.deepStrictEqual(yield* refusal(list(ref)), missing("teamMember:read"))
      const nobody = { _tag: "Id", id: yield* OrganizationBuilders.memberId } as const
      assert.deepStrictEqual(yield* refusal(teams.ofMember(ada.actor, at, nobody)), ["MemberNotFound"])
    }).pipe(Effect.provide(layer())),
  )
})
