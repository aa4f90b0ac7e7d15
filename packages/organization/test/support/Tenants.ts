/**
 * Organizations with one of everything that a request can name, and how each endpoint is asked.
 */
import * as CoreHandlers from "@belfry/core/CoreHandlers"
import { Sessions } from "@belfry/core/Sessions"
import type { Email } from "@belfry/core/User"
import { OrganizationApi } from "@belfry/organization/OrganizationApi"
import * as OrganizationHandlers from "@belfry/organization/OrganizationHandlers"
import { OrganizationTeamsApi } from "@belfry/organization/OrganizationTeamsApi"
import { Slug } from "@belfry/organization/Organization"
import { TeamRoleName } from "@belfry/organization/Team"
import * as Builders from "@belfry/testing/Builders"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import * as TestHttp from "@belfry/testing/TestHttp"
import type * as TestServices from "@belfry/testing/TestServices"
import { assert } from "@effect/vitest"
import { DateTime, Effect, Layer, type Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import type { SqlClient } from "effect/sql"
import type { Endpoint } from "./Endpoints.ts"
import { home, sender } from "./HostServer.ts"

/** What is behind the endpoints, over whatever stores. */
export type Services =
  | Layer.Success<typeof TestServices.layerOrganization>
  | Exclude<Layer.Success<ReturnType<typeof TestServices.layerSql>>, SqlClient.SqlClient>

/** Serves this package over whatever stores, and answers who sends requests with the session of a token. */
export const serve = Effect.gen(function* () {
  const services = yield* Effect.context<Services>()
  const app = Layer.mergeAll(HttpApiBuilder.layer(OrganizationApi), HttpApiBuilder.layer(OrganizationTeamsApi)).pipe(
    Layer.provide(OrganizationHandlers.layerWithTeams),
    Layer.provide(CoreHandlers.layerMiddleware),
    Layer.provide(Layer.succeedContext(services)),
  )
  return sender(yield* TestHttp.serve(app, home)).as
})

/** Somebody who just signed in, whose address is proved. */
export const signIn = Effect.gen(function* () {
  const user = yield* Builders.storedUser({ emailVerifiedAt: yield* DateTime.now })
  const client = { ipAddress: "192.0.2.7", userAgent: "test" }
  const { token } = yield* Sessions.use((sessions) => sessions.start({ user, amr: ["pwd"], client }))
  return { user, token }
})

/** What belongs to an organization, as requests name it. */
export interface Things {
  readonly organization: string
  readonly slug: string
  /** The member whom calls are about, who is in the team; by id, or by address where that will do. */
  readonly member: string
  readonly memberId: string
  readonly email: Email
  /** A member who is not in the team. */
  readonly joining: string
  /** A role of the organization, which the member has. */
  readonly role: string
  readonly otherRole: string
  readonly team: string
  readonly invitation: string
}

/** An organization with its people. */
export type Tenant = Effect.Success<typeof tenant>

/** An organization with two owners, a member who leads a team by a role of the organization, and somebody invited. */
export const tenant = Effect.gen(function* () {
  const built = yield* OrganizationBuilders.organization()
  const slug = Slug.make(`acme-${built.id.slice(-12)}`)
  const owner = yield* signIn
  const { organization } = yield* OrganizationBuilders.storedOrganization({ ...built, slug, owner: owner.user })
  const { id } = organization
  yield* OrganizationBuilders.storedMember(id, { roles: OrganizationBuilders.builtIn("owner") })
  const [role, other] = [yield* OrganizationBuilders.storedRole(id), yield* OrganizationBuilders.storedRole(id)]
  const member = yield* OrganizationBuilders.storedMember(id, { roles: { builtIn: [], custom: [role.id] } })
  const joining = yield* OrganizationBuilders.storedMember(id)
  const team = yield* OrganizationBuilders.storedTeam({ organizationId: id })
  yield* OrganizationBuilders.storedTeamMember(team, member.id, TeamRoleName.make("lead"))
  const guest = yield* signIn
  const { invitation } = yield* OrganizationBuilders.storedInvitation({
    organizationId: id,
    email: guest.user.email,
    teams: [{ teamId: team.id, role: TeamRoleName.make("member") }],
  })
  const things: Things = {
    organization: id,
    slug,
    member: member.id,
    memberId: member.id,
    email: member.user.email,
    joining: joining.id,
    role: role.name,
    otherRole: other.name,
    team: team.id,
    invitation: invitation.id,
  }
  return { owner, guest, things }
})

/** A name in a request, and what it names. */
export type Naming = Readonly<Record<string, keyof Things>>

/** How an endpoint is asked. */
export interface Asking {
  /** What belongs to an organization, by the names of parameters, members of the query, or of the body. */
  readonly names: Naming
  /** The body, of the values of those names. */
  readonly json?: (value: (name: string) => string) => Schema.Json
  /** Who may: the owner, unless the invitation is theirs. */
  readonly by?: "guest"
  /** The organization is deleted before. */
  readonly deleted?: true
}

const at: Naming = { organization: "organization" }
const ofMember: Naming = { ...at, member: "member" }
const ofRole: Naming = { ...at, role: "role" }
const ofInvitation: Naming = { ...at, invitationId: "invitation" }
const ofTeam: Naming = { ...at, teamId: "team" }
const permissions = { permissions: ["member:read"] }

/** How every endpoint is asked that takes the name of something that belongs to an organization. */
export const askings = (someone: string): Readonly<Record<string, Asking>> => ({
  "organizations.get": { names: at },
  "organizations.update": { names: at, json: () => ({ name: "Taken" }) },
  "organizations.remove": { names: at },
  "organizations.restore": { names: at, deleted: true },
  "organizations.transfer": {
    names: { ...at, memberId: "memberId", keeps: "otherRole" },
    json: (value) => ({ memberId: value("memberId"), keeps: [value("keeps")] }),
  },
  "organizations.leave": { names: at },
  "organizations.access": { names: at },
  "organizations.check": { names: at, json: () => permissions },
  "organizations.auditEvents": { names: at },
  "organizations.activate": { names: at, json: (value) => ({ organization: value("organization") }) },
  "members.list": { names: at },
  "members.add": {
    names: { ...at, roles: "role", teamId: "team" },
    json: (value) => ({ userId: someone, roles: [value("roles")], teams: [{ teamId: value("teamId") }] }),
  },
  "members.get": { names: ofMember },
  "members.setRoles": {
    names: { ...ofMember, roles: "otherRole" },
    json: (value) => ({ roles: ["member", value("roles")] }),
  },
  "members.remove": { names: ofMember },
  "organizationRoles.list": { names: at },
  "organizationRoles.create": { names: at, json: () => ({ name: "taken", permissions: [] }) },
  "organizationRoles.get": { names: ofRole },
  "organizationRoles.update": { names: ofRole, json: () => ({ description: "Taken" }) },
  "organizationRoles.remove": { names: { ...ofRole, replacement: "otherRole" } },
  "invitations.create": {
    names: { ...at, roles: "role", teamId: "team" },
    json: (value) => ({
      email: "somebody@example.net",
      roles: [value("roles")],
      teams: [{ teamId: value("teamId") }],
    }),
  },
  "invitations.list": { names: at },
  "invitations.get": { names: ofInvitation },
  "invitations.revoke": { names: ofInvitation },
  "invitations.resend": { names: ofInvitation },
  "invitations.acceptById": { names: { invitationId: "invitation" }, by: "guest" },
  "invitations.rejectById": { names: { invitationId: "invitation" }, by: "guest" },
  "teams.list": { names: at },
  "teams.create": { names: at, json: () => ({ name: "Taken" }) },
  "teams.get": { names: ofTeam },
  "teams.update": { names: ofTeam, json: () => ({ name: "Taken" }) },
  "teams.remove": { names: ofTeam },
  "teams.check": { names: ofTeam, json: () => permissions },
  "teams.members": { names: ofTeam },
  "teams.addMember": {
    names: { ...ofTeam, memberId: "joining" },
    json: (value) => ({ memberId: value("memberId"), role: "lead" }),
  },
  "teams.setRoles": {
    names: { ...ofTeam, memberId: "memberId" },
    json: (value) => ({ roles: [{ memberId: value("memberId"), role: "member" }] }),
  },
  "teams.removeMember": { names: { ...ofTeam, memberId: "memberId" } },
  "teams.ofMember": { names: ofMember },
})

/** A request: every name has the value of one of the organizations. */
export const requestOf = (endpoint: Endpoint, asking: Asking, things: (name: string) => Things) => {
  const value = (name: string): string => {
    const thing = asking.names[name]
    return thing === undefined ? assert.fail(`${endpoint.id} names no ${name}`) : things(name)[thing]
  }
  const path = endpoint.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(value(name)))
  const query = endpoint.query
    .filter((name) => asking.names[name] !== undefined)
    .map((name) => `${name}=${encodeURIComponent(value(name))}`)
  return [endpoint.method, query.length === 0 ? path : `${path}?${query.join("&")}`, asking.json?.(value)] as const
}
