/**
 * Teams: who may do what in them, and what it leaves behind.
 */
import type { MemberId } from "@belfry/organization/Member"
import { MemberStore } from "@belfry/organization/MemberStore"
import { DeletionRefused } from "@belfry/organization/Organization"
import { type Team, TeamId } from "@belfry/organization/Team"
import type { Teams } from "@belfry/organization/Teams"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { auditOf, takeEvents } from "./support/Happenings.ts"
import { begin, builtIn, layer, lead, missing, noTeam, plain, refusal } from "./support/TeamWork.ts"

describe("Teams.create", () => {
  it.effect("makes a team that its maker leads, and tells of both", () =>
    Effect.gen(function* () {
      const { ada, at, roleIn, teams } = yield* begin
      const team = yield* teams.create(ada.actor, at, { name: "Compilers" })
      assert.deepInclude(team, { organizationId: at, name: "Compilers" })
      assert.deepStrictEqual(yield* teams.get(ada.actor, at, team.id), team)
      assert.strictEqual(yield* roleIn(team, ada), lead)
      const by = { organizationId: at, actorId: ada.actor.user.id, teamId: team.id }
      const member = { memberId: ada.id, userId: ada.actor.user.id }
      assert.deepStrictEqual(yield* takeEvents(at), [
        { _tag: "TeamCreated", ...by, name: "Compilers" },
        { _tag: "TeamMemberAdded", ...by, ...member, role: lead },
      ])
      const told = { userId: ada.actor.user.id, before: null }
      assert.deepStrictEqual(yield* auditOf(at), [
        { ...told, type: "organization-team.created", after: { name: "Compilers" }, data: { teamId: team.id } },
        {
          ...told,
          type: "organization-team-member.added",
          after: { role: lead },
          data: { teamId: team.id, ...member },
        },
      ])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("leaves its maker out where the settings say so", () =>
    Effect.gen(function* () {
      const { ada, at, roleIn, teams } = yield* begin
      const team = yield* teams.create(ada.actor, at, { name: "Compilers" })
      assert.isUndefined(yield* roleIn(team, ada))
      assert.deepStrictEqual(
        (yield* takeEvents(at)).map(({ _tag }) => _tag),
        ["TeamCreated"],
      )
    }).pipe(Effect.provide(layer({ teams: { creatorJoins: false } }))),
  )

  it.effect("makes no more than a limit, which may be an effect", () =>
    Effect.gen(function* () {
      const { ada, at, teams } = yield* begin
      const create = teams.create(ada.actor, at, { name: "Compilers" })
      yield* create
      yield* create
      assert.deepStrictEqual(yield* refusal(create), ["LimitReached", "teams", 2])
      assert.strictEqual((yield* teams.list(ada.actor, at)).items.length, 2)
      const other = yield* begin
      yield* teams.create(other.ada.actor, other.at, { name: "Compilers" })
    }).pipe(
      Effect.provide(
        layer({ limits: { teams: ({ organizationId }) => Effect.succeed(organizationId.length === 36 ? 2 : 0) } }),
      ),
    ),
  )
})

describe("Teams.list, get and members", () => {
  it.effect("turn pages by cursors, and find nothing at a cursor that is none", () =>
    Effect.gen(function* () {
      const { ada, at, inTeam, join, team, teams } = yield* begin
      const [one, two, three] = [yield* team("One"), yield* team("Two"), yield* team("Three")]
      const first = yield* teams.list(ada.actor, at, { limit: 2 })
      assert.deepStrictEqual(first.items, [one, two])
      const second = yield* teams.list(ada.actor, at, { limit: 2, cursor: first.cursor ?? "" })
      assert.deepStrictEqual(second, { items: [three], cursor: null })
      assert.deepStrictEqual((yield* teams.list(ada.actor, at, { search: "t" })).items, [two, three])
      assert.deepStrictEqual(yield* teams.list(ada.actor, at, { cursor: "none" }), { items: [], cursor: null })
      const [bob, eve] = [yield* join(), yield* join()]
      for (const each of [bob, eve]) yield* inTeam(one, each)
      const page = yield* teams.members(ada.actor, at, one.id, { limit: 1 })
      assert.deepStrictEqual(
        page.items.map(({ member }) => member.id),
        [bob.id],
      )
      const rest = yield* teams.members(ada.actor, at, one.id, { limit: 1, cursor: page.cursor ?? "" })
      assert.deepStrictEqual([rest.items.map(({ member }) => member.id), rest.cursor], [[eve.id], null])
      const found = (search: string) =>
        Effect.map(teams.members(ada.actor, at, one.id, { search }), ({ items }) => items.length)
      assert.strictEqual(yield* found(eve.user.email), 1)
      assert.strictEqual(yield* found("no"), 0)
      // One character is left out of account.
      assert.strictEqual(yield* found("-"), 2)
      const ofEve = yield* teams.ofMember(ada.actor, at, { _tag: "Id", id: eve.id })
      assert.deepStrictEqual(
        ofEve.items.map(({ team: { id } }) => id),
        [one.id],
      )
    }).pipe(Effect.provide(layer())),
  )

  it.effect("let a role in the team do for a permission, in that team alone", () =>
    Effect.gen(function* () {
      const { at, inTeam, join, team, teams } = yield* begin
      const [one, two] = [yield* team("One"), yield* team("Two")]
      const bob = yield* join(builtIn("billing"))
      yield* inTeam(one, bob, lead)
      assert.strictEqual((yield* teams.members(bob.actor, at, one.id)).items.length, 1)
      assert.deepStrictEqual(yield* refusal(teams.members(bob.actor, at, two.id)), missing("teamMember:read"))
      assert.strictEqual((yield* teams.update(bob.actor, at, one.id, { name: "First" })).name, "First")
      assert.deepStrictEqual(
        yield* refusal(teams.update(bob.actor, at, two.id, { name: "Second" })),
        missing("team:update"),
      )
      assert.deepStrictEqual(yield* refusal(teams.remove(bob.actor, at, one.id)), missing("team:delete"))
      assert.deepStrictEqual(yield* refusal(teams.get(bob.actor, at, one.id)), missing("team:read"))
      assert.deepStrictEqual(yield* refusal(teams.list(bob.actor, at)), missing("team:read"))
    }).pipe(Effect.provide(layer())),
  )
})

describe("Teams.update and remove", () => {
  it.effect("rename a team, and tell what it was called; the same name again is no change", () =>
    Effect.gen(function* () {
      const { ada, at, team, teams } = yield* begin
      const built = yield* team("One")
      yield* TestClock.adjust("1 hour")
      const renamed = yield* teams.update(ada.actor, at, built.id, { name: "Two" })
      assert.deepStrictEqual(
        [renamed.name, renamed.updatedAt.epochMilliseconds, renamed.createdAt],
        ["Two", 3_600_000, built.createdAt],
      )
      assert.deepStrictEqual(yield* teams.update(ada.actor, at, built.id, { name: "Two" }), renamed)
      const by = { organizationId: at, actorId: ada.actor.user.id }
      assert.deepStrictEqual(yield* takeEvents(at), [{ _tag: "TeamUpdated", ...by, teamId: built.id, name: "Two" }])
      assert.deepStrictEqual(yield* auditOf(at), [
        {
          type: "organization-team.updated",
          userId: ada.actor.user.id,
          before: { name: "One" },
          after: { name: "Two" },
          data: { teamId: built.id },
        },
      ])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("remove a team, and tell of it", () =>
    Effect.gen(function* () {
      const { ada, at, inTeam, join, team, teams } = yield* begin
      const built = yield* team("One")
      yield* inTeam(built, yield* join())
      yield* teams.remove(ada.actor, at, built.id)
      assert.deepStrictEqual(yield* refusal(teams.get(ada.actor, at, built.id)), noTeam)
      assert.deepStrictEqual(yield* refusal(teams.remove(ada.actor, at, built.id)), noTeam)
      const by = { organizationId: at, actorId: ada.actor.user.id }
      assert.deepStrictEqual(yield* takeEvents(at), [{ _tag: "TeamDeleted", ...by, teamId: built.id }])
      assert.deepStrictEqual(yield* auditOf(at), [
        {
          type: "organization-team.deleted",
          userId: ada.actor.user.id,
          before: { name: "One" },
          after: null,
          data: { teamId: built.id },
        },
      ])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("keep a team where the host's hook refuses, whose words the caller gets", () => {
    const asked: Array<unknown> = []
    return Effect.gen(function* () {
      const { ada, at, join, team, teams } = yield* begin
      const { id: teamId } = yield* team("One")
      const error = yield* Effect.flip(teams.remove(ada.actor, at, teamId))
      assert.isTrue(error._tag === "DeletionRefused" && error.detail === "End the subscription first")
      assert.strictEqual((yield* teams.get(ada.actor, at, teamId)).id, teamId)
      assert.deepStrictEqual([yield* takeEvents(at), yield* auditOf(at)], [[], []])
      assert.deepStrictEqual(asked, [{ organizationId: at, teamId }])
      // It is not asked for those who may not anyway.
      assert.deepStrictEqual(yield* refusal(teams.remove((yield* join()).actor, at, teamId)), missing("team:delete"))
      assert.strictEqual(asked.length, 1)
    }).pipe(
      Effect.provide(
        layer(
          {},
          {
            beforeTeamDeletion: (event) =>
              Effect.gen(function* () {
                asked.push(event)
                return yield* new DeletionRefused({ reason: "host", detail: "End the subscription first" })
              }),
          },
        ),
      ),
    )
  })

  it.effect("keep the last team where the settings say so", () =>
    Effect.gen(function* () {
      const { ada, at, team, teams } = yield* begin
      const [one, two] = [yield* team("One"), yield* team("Two")]
      yield* teams.remove(ada.actor, at, one.id)
      assert.deepStrictEqual(yield* refusal(teams.remove(ada.actor, at, two.id)), ["LastTeam"])
      assert.deepStrictEqual((yield* teams.list(ada.actor, at)).items, [two])
    }).pipe(Effect.provide(layer({ teams: { keepsLast: true } }))),
  )
})

describe("Every call about teams", () => {
  it.effect("tells outsiders and former members that there is no such organization, before anything else", () =>
    Effect.gen(function* () {
      const { at, inTeam, join, team, teams } = yield* begin
      const [built, bob] = [yield* team(), yield* join(builtIn("admin"))]
      yield* inTeam(built, bob, lead)
      const outsider = yield* OrganizationBuilders.actor()
      yield* MemberStore.use((store) => store.remove(at, bob.id))
      const nowhere = TeamId.make(yield* OrganizationBuilders.organizationId)
      for (const actor of [outsider, bob.actor]) {
        for (const id of [built.id, nowhere]) {
          for (const call of callsOf(teams, actor, at, id, bob.id)) {
            assert.deepStrictEqual(yield* refusal(call), ["OrganizationNotFound"])
          }
        }
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("tells who lacks the permission so before it tells whether there is such a team", () =>
    Effect.gen(function* () {
      const { at, joinWith, teams } = yield* begin
      const bob = yield* joinWith()
      const nowhere = TeamId.make(yield* OrganizationBuilders.organizationId)
      const nobody = yield* OrganizationBuilders.memberId
      for (const call of callsOf(teams, bob.actor, at, nowhere, nobody).slice(1)) {
        assert.strictEqual((yield* refusal(call))[0], "PermissionMissing")
      }
      // Being a member is enough to ask what one may do.
      assert.deepStrictEqual(yield* refusal(teams.missing(bob.actor, at, nowhere, [])), noTeam)
    }).pipe(Effect.provide(layer())),
  )
})

const callsOf = (
  teams: (typeof Teams)["Service"],
  actor: Effect.Success<ReturnType<typeof OrganizationBuilders.actor>>,
  at: Team["organizationId"],
  id: TeamId,
  memberId: MemberId,
): ReadonlyArray<Effect.Effect<unknown, { readonly _tag: string }>> => [
  teams.missing(actor, at, id, []),
  teams.list(actor, at),
  teams.get(actor, at, id),
  teams.create(actor, at, { name: "Compilers" }),
  teams.update(actor, at, id, { name: "Compilers" }),
  teams.remove(actor, at, id),
  teams.members(actor, at, id),
  teams.ofMember(actor, at, { _tag: "Id", id: memberId }),
  teams.addMember(actor, at, id, { memberId }),
  teams.setRoles(actor, at, id, [{ memberId, role: plain }]),
  teams.removeMember(actor, at, id, memberId),
]
