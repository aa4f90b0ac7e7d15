/**
 * Builders of organizations and of what is in them. Those called `stored` are in the stores when they are returned.
 *
 * @since 0.1.0
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import { SessionStore } from "@belfry/core/SessionStore"
import { Email, type User } from "@belfry/core/User"
import { type Invitation, InvitationId } from "@belfry/organization/Invitation"
import { InvitationStore } from "@belfry/organization/InvitationStore"
import { MemberId } from "@belfry/organization/Member"
import type { SessionActor } from "@belfry/organization/Membership"
import { MemberStore } from "@belfry/organization/MemberStore"
import { OrganizationId } from "@belfry/organization/Organization"
import { OrganizationStore, type StoredOrganization } from "@belfry/organization/OrganizationStore"
import { type CustomRole, type RoleAssignment, RoleId, RoleName } from "@belfry/organization/Role"
import { RoleStore } from "@belfry/organization/RoleStore"
import { type Team, TeamId, TeamRoleName } from "@belfry/organization/Team"
import { TeamStore } from "@belfry/organization/TeamStore"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Builders from "./Builders.ts"

/**
 * Somebody who calls: a user and a session that are in the stores. `user` is somebody who is there already.
 *
 * @category builders
 * @since 0.1.0
 */
export const actor = Effect.fnUntraced(function* (fields: Partial<SessionActor> = {}) {
  const user = fields.user ?? (yield* Builders.storedUser({ emailVerifiedAt: yield* DateTime.now }))
  const session = fields.session ?? (yield* Builders.session({ userId: user.id }))
  const tokenHash = yield* Builders.keyedHash
  if (fields.session === undefined) yield* SessionStore.use((sessions) => sessions.insert(session, tokenHash))
  const built: SessionActor = { user, session, client: fields.client ?? unknownClient }
  return built
})

/**
 * An organization without slug and metadata.
 *
 * @category builders
 * @since 0.1.0
 */
export const organization = Effect.fnUntraced(function* (fields: Partial<StoredOrganization> = {}) {
  const now = yield* DateTime.now
  const defaults: StoredOrganization = {
    id: yield* organizationId,
    name: "Analytical Engines",
    slug: null,
    logo: null,
    publicMetadata: {},
    privateMetadata: {},
    createdAt: now,
    updatedAt: now,
    deletedAt: null,
  }
  return { ...defaults, ...fields }
})

/**
 * An organization with its owner, who is somebody new unless `owner` is given.
 *
 * @category builders
 * @since 0.1.0
 */
export const storedOrganization = Effect.fnUntraced(function* ({
  owner: given,
  ...fields
}: Partial<StoredOrganization> & { readonly owner?: User } = {}) {
  const owner = given ?? (yield* Builders.storedUser())
  const built = yield* organization(fields)
  const ownerId = yield* memberId
  yield* OrganizationStore.use((organizations) => organizations.insert(built, { id: ownerId, userId: owner.id }))
  return { organization: built, owner, ownerId }
})

/**
 * A member with roles (that of a member), who is somebody new unless `user` is given.
 *
 * @category builders
 * @since 0.1.0
 */
export const storedMember = Effect.fnUntraced(function* (
  organizationId: OrganizationId,
  { user: given, roles = plainRoles }: { readonly user?: User; readonly roles?: RoleAssignment } = {},
) {
  const user = given ?? (yield* Builders.storedUser())
  const id = yield* memberId
  const now = yield* DateTime.now
  yield* MemberStore.use((members) => members.insert({ id, organizationId, userId: user.id, roles, limit: null, now }))
  return { id, user }
})

/**
 * Roles of the host by name, as they are assigned.
 *
 * @category builders
 * @since 0.1.0
 */
export const builtIn = (...names: ReadonlyArray<string>): RoleAssignment => ({
  builtIn: names.map((name) => RoleName.make(name)),
  custom: [],
})

/**
 * A role that an organization makes, without permissions and with a name of its own.
 *
 * @category builders
 * @since 0.1.0
 */
export const role = Effect.fnUntraced(function* (fields: Partial<CustomRole> = {}) {
  const id = RoleId.make(yield* random.uuidV7())
  const now = yield* DateTime.now
  const defaults: CustomRole = {
    id,
    name: RoleName.make(`role-${id}`),
    description: null,
    permissions: [],
    isBuiltIn: false,
    createdAt: now,
    updatedAt: now,
  }
  return { ...defaults, ...fields }
})

/**
 * A role of an organization.
 *
 * @category builders
 * @since 0.1.0
 */
export const storedRole = Effect.fnUntraced(function* (
  organizationId: OrganizationId,
  fields: Partial<CustomRole> = {},
) {
  const built = yield* role(fields)
  yield* RoleStore.use((roles) => roles.insert(organizationId, built, null))
  return built
})

/**
 * An open invitation to an address of its own, for 7 days, as a member.
 *
 * @category builders
 * @since 0.1.0
 */
export const invitation = Effect.fnUntraced(function* (
  fields: Partial<Invitation> & Pick<Invitation, "organizationId">,
) {
  const id = InvitationId.make(yield* random.uuidV7())
  const now = yield* DateTime.now
  const defaults: Omit<Invitation, "organizationId"> = {
    id,
    email: Email.make(`${id}@example.com`),
    roles: plainRoles.builtIn,
    teams: [],
    status: "pending",
    inviterId: null,
    acceptedBy: null,
    sends: 1,
    sentAt: now,
    createdAt: now,
    updatedAt: now,
    expiresAt: DateTime.add(now, { days: 7 }),
  }
  return { ...defaults, ...fields }
})

/**
 * An open invitation that is in the store, with the hash of its token. `assignment` is of its roles, which are those of
 * the host unless it is given.
 *
 * @category builders
 * @since 0.1.0
 */
export const storedInvitation = Effect.fnUntraced(function* ({
  assignment,
  ...fields
}: Partial<Invitation> & Pick<Invitation, "organizationId"> & { readonly assignment?: RoleAssignment }) {
  const built = yield* invitation(fields)
  const tokenHash = yield* Builders.keyedHash
  yield* InvitationStore.use((invitations) =>
    invitations.insert({
      invitation: built,
      assignment: assignment ?? { builtIn: built.roles, custom: [] },
      tokenHash,
      limit: null,
    }),
  )
  return { invitation: built, tokenHash }
})

/**
 * A team.
 *
 * @category builders
 * @since 0.1.0
 */
export const team = Effect.fnUntraced(function* (fields: Partial<Team> & Pick<Team, "organizationId">) {
  const now = yield* DateTime.now
  const defaults: Omit<Team, "organizationId"> = {
    id: TeamId.make(yield* random.uuidV7()),
    name: "Compilers",
    createdAt: now,
    updatedAt: now,
  }
  return { ...defaults, ...fields }
})

/**
 * A team that is in the store.
 *
 * @category builders
 * @since 0.1.0
 */
export const storedTeam = Effect.fnUntraced(function* (fields: Partial<Team> & Pick<Team, "organizationId">) {
  const built = yield* team(fields)
  yield* TeamStore.use((teams) => teams.insert(built, null))
  return built
})

/**
 * Puts a member into a team.
 *
 * @category builders
 * @since 0.1.0
 */
export const storedTeamMember = Effect.fnUntraced(function* (
  { id: teamId, organizationId }: Pick<Team, "id" | "organizationId">,
  member: MemberId,
  role = "member",
) {
  const now = yield* DateTime.now
  yield* TeamStore.use((teams) =>
    teams.addMember({ organizationId, teamId, memberId: member, role: TeamRoleName.make(role), limit: null, now }),
  )
})

/**
 * The id of no organization.
 *
 * @category builders
 * @since 0.1.0
 */
export const organizationId: Effect.Effect<OrganizationId> = Effect.suspend(() =>
  Effect.map(random.uuidV7(), (id) => OrganizationId.make(id)),
)

/**
 * The id of no member.
 *
 * @category builders
 * @since 0.1.0
 */
export const memberId: Effect.Effect<MemberId> = Effect.suspend(() =>
  Effect.map(random.uuidV7(), (id) => MemberId.make(id)),
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

// One generator for all builders: UUIDv7 ascend only within a generator.
const random = SecureRandom.make(SecureRandom.randomBytesUnsafe)

const plainRoles = builtIn("member")
