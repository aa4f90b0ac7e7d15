/**
 * Invitations as rows of `belfry_organization_invitations`, beside what is read with them.
 */
import type { Email, UserId } from "@belfry/core/User"
import * as DateTime from "effect/DateTime"
import type { Invitation, InvitationId, InvitationPreview, InvitationStatus } from "../Invitation.ts"
import type { StoredInvitation } from "../InvitationStore.ts"
import type { OrganizationId, Slug } from "../Organization.ts"
import type { RoleName } from "../Role.ts"

/**
 * The columns of an invitation, of `belfry_organization_invitations AS i`: named so that nothing else of a row is
 * called the same.
 */
export const invitationColumns = `i.id AS item_id, i.organization_id AS item_organization_id, i.email AS item_email,
  i.built_in_roles AS item_built_in_roles, i.role_names AS item_role_names, i.status AS item_status,
  i.inviter_id AS item_inviter_id, i.accepted_by AS item_accepted_by, i.sends AS item_sends,
  i.sent_at AS item_sent_at, i.created_at AS item_created_at, i.updated_at AS item_updated_at,
  i.expires_at AS item_expires_at, COALESCE((
    SELECT jsonb_agg(jsonb_build_object('teamId', it.team_id, 'role', it.role) ORDER BY it.team_id)
    FROM belfry_organization_invitation_teams AS it WHERE it.invitation_id = i.id
  ), '[]') AS item_teams`

/** The roles that the organization made and an invitation gives, of the same. */
export const offeredRoles = `COALESCE((
    SELECT jsonb_agg(jsonb_build_object('id', r.id, 'name', r.name, 'permissions', r.permissions) ORDER BY r.name)
    FROM belfry_organization_invitation_roles AS ir JOIN belfry_organization_roles AS r ON r.id = ir.role_id
    WHERE ir.invitation_id = i.id
  ), '[]') AS item_custom_roles`

/**
 * What an invitation says of where it leads and who sent it, of `belfry_organizations AS o`, `belfry_users AS inviter`.
 */
export const placeColumns = `o.name AS item_organization_name, o.slug AS item_organization_slug,
  o.logo AS item_organization_logo, o.version::float8 AS item_organization_version, inviter.name AS item_inviter_name`

export interface InvitationRow {
  readonly item_id: InvitationId
  readonly item_organization_id: OrganizationId
  readonly item_email: Email
  readonly item_built_in_roles: ReadonlyArray<RoleName>
  readonly item_role_names: ReadonlyArray<RoleName>
  readonly item_status: InvitationStatus
  readonly item_inviter_id: UserId | null
  readonly item_accepted_by: UserId | null
  readonly item_sends: number
  readonly item_sent_at: Date
  readonly item_created_at: Date
  readonly item_updated_at: Date
  readonly item_expires_at: Date
  readonly item_teams: Invitation["teams"]
}

export interface PlaceRow {
  readonly item_organization_name: string
  readonly item_organization_slug: Slug | null
  readonly item_organization_logo: string | null
  readonly item_organization_version: number
  readonly item_inviter_name: string | null
}

export interface StoredRow extends InvitationRow, PlaceRow {
  readonly item_custom_roles: StoredInvitation["customRoles"]
}

export const toInvitation = (row: InvitationRow): Invitation => ({
  id: row.item_id,
  organizationId: row.item_organization_id,
  email: row.item_email,
  roles: namesOf(row),
  teams: row.item_teams,
  status: row.item_status,
  inviterId: row.item_inviter_id,
  acceptedBy: row.item_accepted_by,
  sends: row.item_sends,
  sentAt: DateTime.fromDateUnsafe(row.item_sent_at),
  createdAt: DateTime.fromDateUnsafe(row.item_created_at),
  updatedAt: DateTime.fromDateUnsafe(row.item_updated_at),
  expiresAt: DateTime.fromDateUnsafe(row.item_expires_at),
})

export const toPreview = (row: InvitationRow & PlaceRow): InvitationPreview => ({
  id: row.item_id,
  organizationName: row.item_organization_name,
  organizationLogo: row.item_organization_logo,
  email: row.item_email,
  inviterName: row.item_inviter_name,
  roles: namesOf(row),
  status: row.item_status,
  expiresAt: DateTime.fromDateUnsafe(row.item_expires_at),
})

export const toStored = (row: StoredRow): StoredInvitation => ({
  invitation: toInvitation(row),
  assignment: { builtIn: row.item_built_in_roles, custom: row.item_custom_roles.map(({ id }) => id) },
  preview: toPreview(row),
  organizationSlug: row.item_organization_slug,
  version: row.item_organization_version,
  customRoles: row.item_custom_roles,
})

// internal

/** All names, as they were given or as the roles are called since: those of the host first. */
const namesOf = (row: InvitationRow): ReadonlyArray<RoleName> => {
  const builtIn = new Set(row.item_built_in_roles)
  const names = [...new Set(row.item_role_names)].toSorted()
  return [...names.filter((name) => builtIn.has(name)), ...names.filter((name) => !builtIn.has(name))]
}
