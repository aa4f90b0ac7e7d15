/**
 * Every call that the table of actions knows, as a call of a service and as a request, about the same things.
 */
import { Email } from "@belfry/core/User"
import { Invitations } from "@belfry/organization/Invitations"
import { Members } from "@belfry/organization/Members"
import type { Actor } from "@belfry/organization/Membership"
import { Memberships } from "@belfry/organization/Memberships"
import type { OrganizationId } from "@belfry/organization/Organization"
import type { OrganizationAction } from "@belfry/organization/OrganizationActions"
import { Organizations } from "@belfry/organization/Organizations"
import { builtInPermission } from "@belfry/organization/Permission"
import type { RoleName } from "@belfry/organization/Role"
import { Roles } from "@belfry/organization/Roles"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import { TeamRoleName } from "@belfry/organization/Team"
import { Teams } from "@belfry/organization/Teams"
import * as Builders from "@belfry/testing/Builders"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { DateTime, Effect, type Schema } from "effect"
import { permissions, roleName } from "./People.ts"

/** What calls are about: everything in it gives `given`, and nothing else. */
export type Things = Effect.Success<ReturnType<typeof things>>

/**
 * An organization whose people have one role with the permissions `given` (none): a member in the team, another one who
 * is not, an invitation. Another role with them is nobody's, and one without permissions too.
 */
export const things = Effect.fnUntraced(function* (
  organizationId: OrganizationId,
  given: ReadonlyArray<string> = [],
  teamRole = "member",
) {
  const role = (name: string, texts: ReadonlyArray<string>) =>
    OrganizationBuilders.storedRole(organizationId, { name: roleName(name), permissions: permissions(...texts) })
  const [held, spare] = [yield* role("held", given), yield* role("spare", given)]
  const empty = yield* role("empty", [])
  const assignment = { builtIn: [], custom: [held.id] }
  const member = yield* OrganizationBuilders.storedMember(organizationId, { roles: assignment })
  const plain = yield* OrganizationBuilders.storedMember(organizationId, { roles: { builtIn: [], custom: [empty.id] } })
  const team = yield* OrganizationBuilders.storedTeam({ organizationId })
  yield* OrganizationBuilders.storedTeamMember(team, member.id, TeamRoleName.make(teamRole))
  const { invitation } = yield* OrganizationBuilders.storedInvitation({
    organizationId,
    roles: [held.name],
    assignment,
  })
  return {
    at: organizationId,
    given: permissions(...given),
    held: held.name,
    spare: spare.name,
    empty: empty.name,
    memberId: member.id,
    plainId: plain.id,
    stranger: yield* Builders.storedUser(),
    teamId: team.id,
    teamRole: TeamRoleName.make(teamRole),
    invitationId: invitation.id,
  }
})

/** A failure as every call has them. */
type Refusal = { readonly _tag: string }

type Services = Members | Memberships | Organizations | Roles | Invitations | Teams | OrganizationStore

/** A call in both ways. `before` is done by nobody in particular, before anybody is asked. */
export interface Call {
  readonly service: (actor: Actor, things: Things) => Effect.Effect<unknown, Refusal, Services>
  readonly http: (things: Things) => readonly [method: string, path: string, json?: Schema.Json]
  readonly before?: (things: Things) => Effect.Effect<unknown, Refusal, Services>
}

const roles = (first: RoleName) => [first] as const
const email = Email.make("charles@example.net")
const asked = [builtInPermission("member:read")]
const inTeam = ({ teamId }: Things) => `/teams/${teamId}`

/** All of them, about things of an organization. */
export const calls: Readonly<Record<OrganizationAction, Call>> = {
  "organizations.get": {
    service: (actor, { at }) => Organizations.use((organizations) => organizations.get(actor, at)),
    http: () => ["GET", ""],
  },
  "organizations.update": {
    service: (actor, { at }) => Organizations.use((organizations) => organizations.update(actor, at, { name: "New" })),
    http: () => ["PATCH", "", { name: "New" }],
  },
  "organizations.remove": {
    service: (actor, { at }) => Organizations.use((organizations) => organizations.remove(actor, at)),
    http: () => ["DELETE", ""],
  },
  "organizations.restore": {
    service: (actor, { at }) => Organizations.use((organizations) => organizations.restore(actor, at)),
    http: () => ["POST", "/restore"],
    before: ({ at }) =>
      Effect.flatMap(DateTime.now, (now) => OrganizationStore.use((store) => store.markDeleted(at, now))),
  },
  "organizations.transfer": {
    service: (actor, { at, memberId }) =>
      Organizations.use((organizations) => organizations.transfer(actor, at, { to: memberId })),
    http: ({ memberId }) => ["POST", "/transfer", { memberId }],
  },
  "organizations.auditEvents": {
    service: (actor, { at }) => Organizations.use((organizations) => organizations.auditEvents(actor, at)),
    http: () => ["GET", "/audit-events"],
  },
  "organizations.access": {
    service: ({ user }, { at }) =>
      Memberships.use((memberships) => memberships.get({ userId: user.id, organization: at })),
    http: () => ["GET", "/access"],
  },
  "organizations.check": {
    service: ({ user }, { at }) =>
      Memberships.use((memberships) => memberships.missing({ userId: user.id, organization: at }, asked)),
    http: () => ["POST", "/access/check", { permissions: asked }],
  },
  "organizations.leave": {
    service: (actor, { at }) => Organizations.use((organizations) => organizations.leave(actor, at)),
    http: () => ["POST", "/leave"],
  },
  "members.list": {
    service: (actor, { at }) => Members.use((members) => members.list(actor, at)),
    http: () => ["GET", "/members"],
  },
  "members.get": {
    service: (actor, { at, memberId }) =>
      Members.use((members) => members.get(actor, at, { _tag: "Id", id: memberId })),
    http: ({ memberId }) => ["GET", `/members/${memberId}`],
  },
  "members.add": {
    service: (actor, { at, stranger, spare }) =>
      Members.use((members) => members.add(actor, at, { userId: stranger.id, roles: roles(spare) })),
    http: ({ stranger, spare }) => ["POST", "/members", { userId: stranger.id, roles: [spare] }],
  },
  "members.setRoles": {
    service: (actor, { at, plainId, spare }) =>
      Members.use((members) => members.setRoles(actor, at, { _tag: "Id", id: plainId }, roles(spare))),
    http: ({ plainId, spare }) => ["PATCH", `/members/${plainId}`, { roles: [spare] }],
  },
  "members.remove": {
    service: (actor, { at, memberId }) =>
      Members.use((members) => members.remove(actor, at, { _tag: "Id", id: memberId })),
    http: ({ memberId }) => ["DELETE", `/members/${memberId}`],
  },
  "roles.list": {
    service: (actor, { at }) => Roles.use((service) => service.list(actor, at)),
    http: () => ["GET", "/roles"],
  },
  "roles.get": {
    service: (actor, { at, spare }) => Roles.use((service) => service.get(actor, at, spare)),
    http: ({ spare }) => ["GET", `/roles/${spare}`],
  },
  "roles.create": {
    service: (actor, { at, given }) =>
      Roles.use((service) => service.create(actor, at, { name: roleName("new-one"), permissions: given })),
    http: ({ given }) => ["POST", "/roles", { name: "new-one", permissions: given }],
  },
  "roles.update": {
    service: (actor, { at, empty, given }) =>
      Roles.use((service) => service.update(actor, at, empty, { permissions: given })),
    http: ({ empty, given }) => ["PATCH", `/roles/${empty}`, { permissions: given }],
  },
  "roles.remove": {
    service: (actor, { at, spare }) => Roles.use((service) => service.remove(actor, at, spare)),
    http: ({ spare }) => ["DELETE", `/roles/${spare}`],
  },
  "invitations.list": {
    service: (actor, { at }) => Invitations.use((invitations) => invitations.list(actor, at)),
    http: () => ["GET", "/invitations"],
  },
  "invitations.get": {
    service: (actor, { at, invitationId }) =>
      Invitations.use((invitations) => invitations.get(actor, at, invitationId)),
    http: ({ invitationId }) => ["GET", `/invitations/${invitationId}`],
  },
  "invitations.create": {
    service: (actor, { at, spare }) =>
      Invitations.use((invitations) => invitations.create(actor, at, { email, roles: roles(spare) })),
    http: ({ spare }) => ["POST", "/invitations", { email, roles: [spare] }],
  },
  "invitations.resend": {
    service: (actor, { at, invitationId }) =>
      Invitations.use((invitations) => invitations.resend(actor, at, invitationId)),
    http: ({ invitationId }) => ["POST", `/invitations/${invitationId}/resend`],
  },
  "invitations.revoke": {
    service: (actor, { at, invitationId }) =>
      Invitations.use((invitations) => invitations.revoke(actor, at, invitationId)),
    http: ({ invitationId }) => ["DELETE", `/invitations/${invitationId}`],
  },
  "teams.list": {
    service: (actor, { at }) => Teams.use((teams) => teams.list(actor, at)),
    http: () => ["GET", "/teams"],
  },
  "teams.get": {
    service: (actor, { at, teamId }) => Teams.use((teams) => teams.get(actor, at, teamId)),
    http: (about) => ["GET", inTeam(about)],
  },
  "teams.check": {
    service: (actor, { at, teamId }) => Teams.use((teams) => teams.missing(actor, at, teamId, asked)),
    http: (about) => ["POST", `${inTeam(about)}/access/check`, { permissions: asked }],
  },
  "teams.create": {
    service: (actor, { at }) => Teams.use((teams) => teams.create(actor, at, { name: "New" })),
    http: () => ["POST", "/teams", { name: "New" }],
  },
  "teams.update": {
    service: (actor, { at, teamId }) => Teams.use((teams) => teams.update(actor, at, teamId, { name: "New" })),
    http: (about) => ["PATCH", inTeam(about), { name: "New" }],
  },
  "teams.remove": {
    service: (actor, { at, teamId }) => Teams.use((teams) => teams.remove(actor, at, teamId)),
    http: (about) => ["DELETE", inTeam(about)],
  },
  "teams.members": {
    service: (actor, { at, teamId }) => Teams.use((teams) => teams.members(actor, at, teamId)),
    http: (about) => ["GET", `${inTeam(about)}/members`],
  },
  "teams.ofMember": {
    service: (actor, { at, memberId }) => Teams.use((teams) => teams.ofMember(actor, at, { _tag: "Id", id: memberId })),
    http: ({ memberId }) => ["GET", `/members/${memberId}/teams`],
  },
  "teams.addMember": {
    service: (actor, { at, teamId, plainId, teamRole }) =>
      Teams.use((teams) => teams.addMember(actor, at, teamId, { memberId: plainId, role: teamRole })),
    http: (about) => ["POST", `${inTeam(about)}/members`, { memberId: about.plainId, role: about.teamRole }],
  },
  "teams.setRoles": {
    service: (actor, { at, teamId, memberId }) =>
      Teams.use((teams) => teams.setRoles(actor, at, teamId, [{ memberId, role: TeamRoleName.make("member") }])),
    http: (about) => ["PATCH", `${inTeam(about)}/members`, { roles: [{ memberId: about.memberId, role: "member" }] }],
  },
  "teams.removeMember": {
    service: (actor, { at, teamId, memberId }) => Teams.use((teams) => teams.removeMember(actor, at, teamId, memberId)),
    http: (about) => ["DELETE", `${inTeam(about)}/members/${about.memberId}`],
  },
}
