/**
 * What happens in organizations, as the outbox delivers it: at least once, in order for each organization.
 *
 * @since 0.1.0
 */
import { UserId } from "@belfry/core/User"
import * as Schema from "effect/Schema"
import { InvitationId } from "./Invitation.ts"
import { MemberId, RemovalReason } from "./Member.ts"
import { OrganizationId, Slug } from "./Organization.ts"
import { Permission } from "./Permission.ts"
import { RoleId, RoleName } from "./Role.ts"
import { TeamId, TeamRoleName } from "./Team.ts"

/** Who did it: null for the host's own code and for time. */
const by = { organizationId: OrganizationId, actorId: Schema.NullOr(UserId) }
const ofMember = { ...by, memberId: MemberId, userId: UserId }
const ofInvitation = { ...by, invitationId: InvitationId }
const ofTeam = { ...by, teamId: TeamId }
const ofRole = { ...by, roleId: RoleId, name: RoleName }

/**
 * An event of an organization. No event has an address, a name of a person or a token in it: who needs them reads them.
 *
 * @category models
 * @since 0.1.0
 */
export const OrganizationEvent = Schema.Union([
  Schema.TaggedStruct("OrganizationCreated", { ...by, slug: Schema.NullOr(Slug), ownerId: UserId }),
  Schema.TaggedStruct("OrganizationUpdated", { ...by, fields: Schema.Array(Schema.String) }),
  Schema.TaggedStruct("OrganizationDeleted", { ...by, purgesAt: Schema.DateTimeUtc }),
  Schema.TaggedStruct("OrganizationRestored", by),
  Schema.TaggedStruct("OrganizationPurged", by),
  Schema.TaggedStruct("OwnershipTransferred", { ...by, fromUserId: UserId, toUserId: UserId }),
  Schema.TaggedStruct("MemberAdded", {
    ...ofMember,
    roles: Schema.Array(RoleName),
    via: Schema.Literals(["creation", "addition", "invitation"]),
  }),
  Schema.TaggedStruct("MemberRemoved", { ...ofMember, reason: RemovalReason }),
  Schema.TaggedStruct("MemberRoleChanged", {
    ...ofMember,
    before: Schema.Array(RoleName),
    after: Schema.Array(RoleName),
  }),
  Schema.TaggedStruct("InvitationCreated", {
    ...ofInvitation,
    roles: Schema.Array(RoleName),
    expiresAt: Schema.DateTimeUtc,
  }),
  Schema.TaggedStruct("InvitationResent", { ...ofInvitation, expiresAt: Schema.DateTimeUtc }),
  Schema.TaggedStruct("InvitationAccepted", { ...ofInvitation, userId: UserId }),
  Schema.TaggedStruct("InvitationRejected", ofInvitation),
  Schema.TaggedStruct("InvitationRevoked", ofInvitation),
  Schema.TaggedStruct("InvitationExpired", ofInvitation),
  Schema.TaggedStruct("TeamCreated", { ...ofTeam, name: Schema.String }),
  Schema.TaggedStruct("TeamUpdated", { ...ofTeam, name: Schema.String }),
  Schema.TaggedStruct("TeamDeleted", ofTeam),
  Schema.TaggedStruct("TeamMemberAdded", { ...ofTeam, memberId: MemberId, userId: UserId, role: TeamRoleName }),
  Schema.TaggedStruct("TeamMemberRemoved", { ...ofTeam, memberId: MemberId, userId: UserId }),
  Schema.TaggedStruct("TeamMemberRoleChanged", {
    ...ofTeam,
    memberId: MemberId,
    userId: UserId,
    before: TeamRoleName,
    after: TeamRoleName,
  }),
  Schema.TaggedStruct("RoleCreated", { ...ofRole, permissions: Schema.Array(Permission) }),
  Schema.TaggedStruct("RoleUpdated", { ...ofRole, before: Schema.Array(Permission), after: Schema.Array(Permission) }),
  Schema.TaggedStruct("RoleDeleted", { ...ofRole, replacement: Schema.NullOr(RoleName) }),
])
/**
 * @category models
 * @since 0.1.0
 */
export type OrganizationEvent = typeof OrganizationEvent.Type
