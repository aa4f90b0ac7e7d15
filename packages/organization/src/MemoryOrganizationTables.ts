/**
 * The tables that the memory adapters of this package share.
 *
 * @since 0.1.0
 */
import type { KeyedHash } from "@belfry/core/KeyedHash"
import { MemoryTables } from "@belfry/core/MemoryTables"
import type { SessionId } from "@belfry/core/Session"
import type { UserId } from "@belfry/core/User"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Invitation, InvitationId } from "./Invitation.ts"
import type { MemberId } from "./Member.ts"
import type { OrganizationId } from "./Organization.ts"
import type { StoredOrganization } from "./OrganizationStore.ts"
import type { CustomRole, RoleAssignment, RoleId, RoleName } from "./Role.ts"
import type { Team, TeamId, TeamRoleName } from "./Team.ts"

/**
 * An organization as it rests, with its counts, and how often it was locked for a change or changed.
 *
 * @category models
 * @since 0.1.0
 */
export interface OrganizationRow {
  readonly organization: StoredOrganization
  readonly memberCount: number
  readonly ownerCount: number
  readonly version: number
}

/**
 * A member as it rests. Its roles of the organization are in `memberRoles`.
 *
 * @category models
 * @since 0.1.0
 */
export interface MemberRow {
  readonly id: MemberId
  readonly organizationId: OrganizationId
  readonly userId: UserId
  readonly builtInRoles: ReadonlyArray<RoleName>
  readonly lastUsedAt: DateTime.Utc | null
  readonly createdAt: DateTime.Utc
  readonly updatedAt: DateTime.Utc
}

/**
 * A role of an organization as it rests.
 *
 * @category models
 * @since 0.1.0
 */
export interface RoleRow {
  readonly organizationId: OrganizationId
  readonly role: CustomRole
}

/**
 * An invitation as it rests: `invitation.status` as it was written, not as time makes it. One that is closed has no
 * roles in `assignment.custom`, and keeps their names.
 *
 * @category models
 * @since 0.1.0
 */
export interface InvitationRow {
  readonly invitation: Invitation
  readonly assignment: RoleAssignment
  readonly tokenHash: KeyedHash
}

/**
 * A member of a team as it rests.
 *
 * @category models
 * @since 0.1.0
 */
export interface TeamMemberRow {
  readonly teamId: TeamId
  readonly memberId: MemberId
  readonly organizationId: OrganizationId
  readonly role: TeamRoleName
  readonly joinedAt: DateTime.Utc
}

/**
 * The default of a session as it rests.
 *
 * @category models
 * @since 0.1.0
 */
export interface SessionDefaultRow {
  readonly memberId: MemberId
  readonly chosenAt: DateTime.Utc
}

/**
 * The key of a member of a team.
 *
 * @category converting
 * @since 0.1.0
 */
export const teamMemberKey = (teamId: TeamId, memberId: MemberId): string => `${teamId} ${memberId}`

/**
 * The tables that the memory adapters of this package share. Rows are touched inside a `statement` of `MemoryTables`.
 *
 * @category services
 * @since 0.1.0
 */
export class MemoryOrganizationTables extends Context.Service<
  MemoryOrganizationTables,
  {
    readonly organizations: Map<OrganizationId, OrganizationRow>
    readonly members: Map<MemberId, MemberRow>
    readonly sessionDefaults: Map<SessionId, SessionDefaultRow>
    readonly roles: Map<RoleId, RoleRow>
    /** The roles of the organization that a member has; no entry for members without any. */
    readonly memberRoles: Map<MemberId, ReadonlyArray<RoleId>>
    readonly invitations: Map<InvitationId, InvitationRow>
    readonly teams: Map<TeamId, Team>
    /** By `teamMemberKey`. */
    readonly teamMembers: Map<string, TeamMemberRow>
    /** Removes an organization with everything in it. For use in a statement. */
    readonly removeOrganization: (id: OrganizationId) => void
    /** Removes a member with its roles, its places in teams and as the default of sessions. For use in a statement. */
    readonly removeMember: (id: MemberId) => void
    /** Removes a team with its members, and from invitations. For use in a statement. */
    readonly removeTeam: (id: TeamId) => void
    /** Calls `cascade` in the same statement that removes an organization. */
    readonly onOrganizationRemoved: (cascade: (id: OrganizationId) => void) => Effect.Effect<void>
    /** Calls `cascade` in the same statement that removes a team, by itself or with its organization. */
    readonly onTeamRemoved: (cascade: (id: TeamId) => void) => Effect.Effect<void>
  }
>()("@belfry/organization/MemoryOrganizationTables") {}

/**
 * Layer with empty tables, which take part in the transactions of `MemoryTables` and in its cascades.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<MemoryOrganizationTables, never, MemoryTables> = Layer.effect(
  MemoryOrganizationTables,
  Effect.gen(function* () {
    const tables = yield* MemoryTables
    const organizations = yield* tables.table<OrganizationId, OrganizationRow>("organizations")
    const members = yield* tables.table<MemberId, MemberRow>("organization_members")
    const sessionDefaults = yield* tables.table<SessionId, SessionDefaultRow>("session_organizations")
    const roles = yield* tables.table<RoleId, RoleRow>("organization_roles")
    const memberRoles = yield* tables.table<MemberId, ReadonlyArray<RoleId>>("organization_member_roles")
    const invitations = yield* tables.table<InvitationId, InvitationRow>("organization_invitations")
    const teams = yield* tables.table<TeamId, Team>("organization_teams")
    const teamMembers = yield* tables.table<string, TeamMemberRow>("organization_team_members")

    const organizationCascades: Array<(id: OrganizationId) => void> = []
    const teamCascades: Array<(id: TeamId) => void> = []

    const removeMember = (id: MemberId): void => {
      members.delete(id)
      memberRoles.delete(id)
      removeWhere(sessionDefaults, ({ memberId }) => memberId === id)
      removeWhere(teamMembers, ({ memberId }) => memberId === id)
    }
    const removeTeam = (id: TeamId): void => {
      teams.delete(id)
      removeWhere(teamMembers, ({ teamId }) => teamId === id)
      changeInvitations(
        ({ teams }) => teams.some(({ teamId }) => teamId === id),
        (invitation) => ({ teams: invitation.teams.filter(({ teamId }) => teamId !== id) }),
      )
      teamCascades.forEach((cascade) => cascade(id))
    }
    const changeInvitations = (
      isMeant: (invitation: Invitation) => boolean,
      change: (invitation: Invitation) => Partial<Invitation>,
    ): void => {
      for (const [id, row] of invitations) {
        if (!isMeant(row.invitation)) continue
        invitations.set(id, { ...row, invitation: { ...row.invitation, ...change(row.invitation) } })
      }
    }

    yield* tables.restrictUserRemoval((id) => [...members.values()].some(({ userId }) => userId === id))
    yield* tables.onUserRemoved((userId) => {
      changeInvitations(
        ({ inviterId }) => inviterId === userId,
        () => ({ inviterId: null }),
      )
      changeInvitations(
        ({ acceptedBy }) => acceptedBy === userId,
        () => ({ acceptedBy: null }),
      )
    })
    yield* tables.onSessionRemoved((sessionId) => void sessionDefaults.delete(sessionId))

    return MemoryOrganizationTables.of({
      organizations,
      members,
      sessionDefaults,
      roles,
      memberRoles,
      invitations,
      teams,
      teamMembers,
      removeMember,
      removeTeam,
      removeOrganization: (id) => {
        organizations.delete(id)
        for (const { id: memberId, organizationId } of members.values())
          if (organizationId === id) removeMember(memberId)
        for (const team of teams.values()) if (team.organizationId === id) removeTeam(team.id)
        removeWhere(roles, ({ organizationId }) => organizationId === id)
        removeWhere(invitations, ({ invitation }) => invitation.organizationId === id)
        organizationCascades.forEach((cascade) => cascade(id))
      },
      onOrganizationRemoved: (cascade) => Effect.sync(() => void organizationCascades.push(cascade)),
      onTeamRemoved: (cascade) => Effect.sync(() => void teamCascades.push(cascade)),
    })
  }),
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const removeWhere = <Key, Row>(rows: Map<Key, Row>, isMeant: (row: Row) => boolean): void => {
  for (const [key, row] of rows) if (isMeant(row)) rows.delete(key)
}
