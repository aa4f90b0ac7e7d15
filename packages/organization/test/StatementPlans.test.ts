/**
 * How PostgreSQL carries out the statements of this package: by indexes, so that they cost the same in large tables and
 * in large organizations.
 */
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import { InvitationStore } from "@belfry/organization/InvitationStore"
import { MemberStore } from "@belfry/organization/MemberStore"
import { MembershipStore } from "@belfry/organization/MembershipStore"
import { Slug } from "@belfry/organization/Organization"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import { RoleName } from "@belfry/organization/Role"
import { RoleStore } from "@belfry/organization/RoleStore"
import * as SqlOrganizationMigrations from "@belfry/organization/SqlOrganizationMigrations"
import { TeamRoleName } from "@belfry/organization/Team"
import { TeamStore } from "@belfry/organization/TeamStore"
import * as Builders from "@belfry/testing/Builders"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { genericPlanOf, textsOf } from "@belfry/testing/StatementPlans"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, layer as withLayer } from "@effect/vitest"
import { DateTime, Effect, Layer, Option } from "effect"
import { fillTables } from "./support/Filling.ts"

const database = TestDatabase.layerPostgres([SqlCoreMigrations.migrations, SqlOrganizationMigrations.migrations])

/** An organization with one of everything, beside many others, and the calls of its stores. */
const calls = Effect.gen(function* () {
  yield* fillTables(5000)
  const { actor, ...things } = yield* filled
  const { user, session } = actor
  const { id, member, role, team, invitation, tokenHash } = things
  const viewer = { userId: user.id, organization: id }
  const page = { after: null, limit: 51, search: null }
  const next = { ...page, after: member.id }
  const now = yield* DateTime.now
  const memberships = yield* MembershipStore
  const organizations = yield* OrganizationStore
  const members = yield* MemberStore
  const roles = yield* RoleStore
  const invitations = yield* InvitationStore
  const teams = yield* TeamStore
  const names = [role.name, RoleName.make("admin")]
  const ref = { _tag: "Id", id: member.id } as const
  const invited = { invitation: yield* OrganizationBuilders.invitation({ organizationId: id }), limit: 100 }
  const newInvitation = { ...invited, assignment: { builtIn: [], custom: [] }, tokenHash: yield* Builders.keyedHash }
  const stored = Option.getOrThrow(yield* invitations.findByToken([tokenHash]))
  const newcomer = { id: yield* OrganizationBuilders.memberId, userId: (yield* Builders.storedUser()).id }
  const founder = { id: yield* OrganizationBuilders.memberId, userId: user.id, sessionId: session.id }
  const founded = yield* OrganizationBuilders.organization({})
  const record = { audit: yield* Builders.auditEvent({}), events: [yield* Builders.outboxEvent({})] as const }
  const all: Readonly<Record<string, Effect.Effect<unknown, unknown>>> = {
    "memberships.find": memberships.find(viewer),
    "memberships.find by slug": memberships.find({ ...viewer, organization: Slug.make("organization-2") }),
    "memberships.findDeleted": memberships.findDeleted(viewer),
    "memberships.findActive": memberships.findActive({ userId: user.id, sessionId: session.id }),
    "memberships.lock": memberships.lock(id, user.id),
    "memberships.lock in trust": memberships.lock(Slug.make("organization-2"), null),
    "memberships.setActive": memberships.setActive({ sessionId: session.id, memberId: member.id, now }),
    "memberships.clearActive": memberships.clearActive(session.id),
    "organizations.get": organizations.get(viewer, now),
    "organizations.find": organizations.find(id),
    "organizations.listByUser": organizations.listByUser(user.id, { ...page, deleted: false }),
    "organizations.listByUser, further on": organizations.listByUser(user.id, { ...next, deleted: true }),
    "organizations.list": organizations.list(page),
    "organizations.isSlugTaken": organizations.isSlugTaken(Slug.make("organization-2")),
    "organizations.insert": organizations.insert(founded, founder, record),
    "organizations.update": organizations.update(id, { name: "Renamed" }, now),
    "organizations.listAuditEvents": organizations.listAuditEvents(viewer, { ...page, userId: null }),
    "organizations.listAuditEvents, further on": organizations.listAuditEvents(viewer, { ...next, userId: null }),
    "members.list": members.list(viewer, { ...page, role: null }),
    "members.list, further on": members.list(viewer, { ...next, role: null }),
    "members.list by role": members.list(viewer, { ...page, role: role.name }),
    "members.list by role, further on": members.list(viewer, { ...next, role: RoleName.make("admin") }),
    "members.listAll by role": members.listAll(id, { ...page, role: role.name }),
    "members.find by id": members.find(viewer, ref),
    "members.find by address": members.find(viewer, { _tag: "Email", email: user.email }),
    "members.find by user": members.find(viewer, { _tag: "User", userId: user.id }),
    "members.get": members.get(id, ref),
    "members.listOrganizations": members.listOrganizations(user.id),
    "members.setRoles": members.setRoles({
      organizationId: id,
      memberId: member.id,
      roles: OrganizationBuilders.builtIn("member"),
      now,
    }),
    "roles.list": roles.list(viewer, page),
    "roles.findByNames": roles.findByNames(viewer, names),
    "invitations.prepare": invitations.prepare(viewer, { email: user.email, roles: names }),
    "invitations.insert": invitations.insert({ ...newInvitation, version: stored.version, record }),
    "invitations.accept": invitations.accept({
      invitation: stored,
      hashes: [tokenHash],
      member: newcomer,
      limit: 100,
      now,
      record,
    }),
    "invitations.list": invitations.list(viewer, { ...page, status: null, now }),
    "invitations.find": invitations.find(viewer, invitation.id),
    "invitations.findByToken": invitations.findByToken([tokenHash]),
    "invitations.findByEmail": invitations.findByEmail(invitation.email, invitation.id),
    "invitations.listByEmail": invitations.listByEmail(invitation.email, { ...page, now }),
    "invitations.close": invitations.close({
      id: invitation.id,
      hashes: [tokenHash],
      status: "revoked",
      acceptedBy: null,
      now,
    }),
    "invitations.expire": invitations.expire(now, 100),
    "invitations.removeClosed": invitations.removeClosed(now, 100),
    "teams.list": teams.list(viewer, page),
    "teams.find": teams.find(viewer, team.id, member.id),
    "teams.listMembers": teams.listMembers(viewer, team.id, page),
    "teams.listByMember": teams.listByMember(viewer, ref, page),
    "teams.existing": teams.existing(id, [team.id]),
    "teams.addMember": teams.addMember({
      organizationId: id,
      teamId: team.id,
      memberId: member.id,
      role: TeamRoleName.make("member"),
      limit: 10,
      now,
    }),
    "teams.removeMember": teams.removeMember(id, team.id, member.id),
    "members.remove": members.remove(id, member.id),
    "organizations.markDeleted": organizations.markDeleted(id, now),
    "organizations.restore": organizations.restore(id, now),
  }
  return all
})

const filled = Effect.gen(function* () {
  const actor = yield* OrganizationBuilders.actor()
  const { organization } = yield* OrganizationBuilders.storedOrganization({ owner: actor.user })
  const { id } = organization
  const role = yield* OrganizationBuilders.storedRole(id)
  const member = yield* OrganizationBuilders.storedMember(id, { roles: { builtIn: [], custom: [role.id] } })
  const team = yield* OrganizationBuilders.storedTeam({ organizationId: id })
  yield* OrganizationBuilders.storedTeamMember(team, member.id)
  const { invitation, tokenHash } = yield* OrganizationBuilders.storedInvitation({ organizationId: id })
  return { actor, id, role, member, team, invitation, tokenHash }
})

withLayer(Layer.provideMerge(TestServices.layerSqlStores, database))(
  "Statements of organizations in PostgreSQL",
  (it) => {
    it.effect("are one each, and find their rows by an index, as those of foreign keys do", () =>
      Effect.gen(function* () {
        const walking: Array<string> = []
        for (const [name, call] of Object.entries(yield* calls)) {
          const texts = yield* textsOf(call)
          assert.strictEqual(texts.length, 1, name)
          const plans = yield* Effect.forEach(texts, genericPlanOf)
          if (plans.some(isWalking)) walking.push(name, ...plans)
        }
        walking.push(...(yield* Effect.forEach(ofKeys, genericPlanOf)).filter(isWalking))
        assert.deepStrictEqual(walking, [])
      }),
    )
  },
)

/** What the database itself asks for the sake of foreign keys. */
const ofKeys = [
  "UPDATE ONLY belfry_organization_invitations SET inviter_id = NULL WHERE $1::uuid = inviter_id",
  "UPDATE ONLY belfry_organization_invitations SET accepted_by = NULL WHERE $1::uuid = accepted_by",
  "SELECT 1 FROM ONLY belfry_organization_members x WHERE id = $1::uuid AND organization_id = $2::uuid FOR KEY SHARE OF x",
  "DELETE FROM ONLY belfry_organization_members WHERE $1::uuid = organization_id",
]

const isWalking = (plan: string) => plan.includes("Seq Scan") || !/Index (?:Only )?Scan/u.test(plan)
