/**
 * New invitations as one statement, for one of them or for many.
 */
import { recordColumns, recordedIn, toRecordRow } from "@belfry/core/SqlChangeRecord"
import * as DateTime from "effect/DateTime"
import type { InvitationInsertion, NewInvitation } from "../InvitationStore.ts"
import { isThere } from "./sqlMembership.ts"

/**
 * The statement that takes new invitations, as {@link toRow} writes them, and answers what became of each: of one to
 * each organization at most. An organization that somebody else has locked has another version soon.
 *
 * One without a version comes from who holds the lock of the organization, which is not looked at. An address that is
 * invited is answered before the organization is found to have too many.
 */
export const statement = `WITH asked AS MATERIALIZED (
    SELECT DISTINCT ON (organization_id, CASE WHEN version IS NULL THEN place END) * FROM jsonb_to_recordset($1::jsonb) AS asked (
      place int4, id uuid, organization_id uuid, version int8, maximum int4, email text, built_in_roles text[],
      role_names text[], custom_roles uuid[], teams jsonb, status text, token_hash text, inviter_id uuid,
      accepted_by uuid, sends int4, sent_at timestamptz, created_at timestamptz, updated_at timestamptz,
      expires_at timestamptz, ${recordColumns}
    ) ORDER BY organization_id, CASE WHEN version IS NULL THEN place END, place
  ), held AS MATERIALIZED (
    SELECT asked.*, asked.maximum IS NULL OR asked.maximum > (
      SELECT count(*) FROM (
        SELECT FROM belfry_organization_invitations AS i WHERE i.organization_id = asked.organization_id
          AND i.status = 'pending' AND i.expires_at > asked.created_at LIMIT asked.maximum
      ) AS counted
    ) AS has_room
    FROM asked LEFT JOIN LATERAL (
      SELECT o.id FROM belfry_organizations AS o
      WHERE o.id = asked.organization_id AND o.version = asked.version AND ${isThere}
      FOR NO KEY UPDATE OF o SKIP LOCKED
    ) AS organization ON true
    WHERE asked.version IS NULL OR organization.id IS NOT NULL
  ), kept AS (
    INSERT INTO belfry_organization_invitations (
      id, organization_id, email, built_in_roles, role_names, status, token_hash, inviter_id, accepted_by, sends,
      sent_at, created_at, updated_at, expires_at
    ) SELECT id, organization_id, email, built_in_roles, role_names, status, token_hash, inviter_id, accepted_by, sends,
      sent_at, created_at, updated_at, expires_at
    FROM held WHERE has_room
    ON CONFLICT (organization_id, email) WHERE status = 'pending' DO NOTHING RETURNING id
  ), invited AS (
    SELECT held.* FROM held JOIN kept ON kept.id = held.id
  ), given AS (
    INSERT INTO belfry_organization_invitation_roles (invitation_id, role_id, organization_id)
    SELECT id, role_id, organization_id FROM invited CROSS JOIN LATERAL unnest(custom_roles) AS role_id
  ), joined AS (
    INSERT INTO belfry_organization_invitation_teams (invitation_id, team_id, organization_id, role)
    SELECT invited.id, team.id, organization_id, team.role
    FROM invited CROSS JOIN LATERAL jsonb_to_recordset(teams) AS team (id uuid, role text)
  ), passed AS (
    UPDATE belfry_organizations AS o SET version = o.version + 1 FROM invited
    WHERE o.id = ANY (ARRAY (SELECT organization_id FROM invited WHERE version IS NOT NULL))
      AND o.id = invited.organization_id
  ), ${recordedIn("invited")}
  SELECT held.place, invited.id IS NOT NULL AS is_kept, held.has_room OR (
    SELECT true FROM belfry_organization_invitations AS i
    WHERE i.organization_id = held.organization_id AND i.email = held.email AND i.status = 'pending' LIMIT 1
  ) IS NOT NULL AS is_invited
  FROM held LEFT JOIN invited ON invited.id = held.id`

/** What {@link statement} says of the invitation in a place. */
export interface Answer {
  readonly is_kept: boolean
  readonly is_invited: boolean
}

/** What became of a new invitation, of which there is an answer or none. */
export const toInsertion = (answer: Answer | undefined): InvitationInsertion => {
  if (answer === undefined) return "changed"
  if (answer.is_kept) return "kept"
  return answer.is_invited ? "invited" : "full"
}

/** One of them as a row of {@link statement}. */
export const toRow = ({ assignment, invitation, limit, record, tokenHash, version = null }: NewInvitation) => ({
  id: invitation.id,
  organization_id: invitation.organizationId,
  version,
  maximum: limit,
  email: invitation.email,
  built_in_roles: assignment.builtIn,
  role_names: invitation.roles,
  custom_roles: assignment.custom,
  teams: invitation.teams.map(({ role, teamId }) => ({ id: teamId, role })),
  status: invitation.status,
  token_hash: tokenHash,
  inviter_id: invitation.inviterId,
  accepted_by: invitation.acceptedBy,
  sends: invitation.sends,
  sent_at: DateTime.formatIso(invitation.sentAt),
  created_at: DateTime.formatIso(invitation.createdAt),
  updated_at: DateTime.formatIso(invitation.updatedAt),
  expires_at: DateTime.formatIso(invitation.expiresAt),
  ...toRecordRow(record),
})
