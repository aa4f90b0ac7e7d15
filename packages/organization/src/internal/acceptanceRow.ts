/**
 * Acceptances of invitations as one statement, for one of them or for many.
 */
import { recordColumns, recordedIn, toRecordRow } from "@belfry/core/SqlChangeRecord"
import * as DateTime from "effect/DateTime"
import type { Acceptance } from "../InvitationStore.ts"
import { choosesEach, isThere } from "./sqlMembership.ts"

/**
 * The statement that takes acceptances, as {@link toRow} writes them, and answers the places of those that took place:
 * one of each organization at most.
 *
 * Locked one after the other, as by all others: the organization, the user, the invitation. Nothing is written unless
 * all three are as they are meant to be when they are locked; nobody becomes a member without another version of the
 * organization, so that who is none then has a seat to take. Roles are read with the version too: an invitation that
 * gives none of the organization's has none to release. An organization that somebody else has locked is left out.
 */
export const statement = `WITH asked AS MATERIALIZED (
    SELECT DISTINCT ON (organization_id) * FROM jsonb_to_recordset($1::jsonb) AS asked (
      place int4, organization_id uuid, version int8, maximum int4, user_id uuid, member_id uuid, built_in_roles text[],
      custom_roles uuid[], session_id uuid, invitation_id uuid, hashes text[], now timestamptz, ${recordColumns}
    ) ORDER BY organization_id, place
  ), held AS (
    SELECT asked.* FROM asked CROSS JOIN LATERAL (
      SELECT o.id FROM belfry_organizations AS o WHERE o.id = asked.organization_id AND o.version = asked.version
        AND ${isThere} AND (asked.maximum IS NULL OR o.member_count < asked.maximum)
      FOR NO KEY UPDATE OF o SKIP LOCKED
    ) AS organization
  ), person AS (
    SELECT held.* FROM held CROSS JOIN LATERAL (
      SELECT u.id FROM belfry_users AS u WHERE u.id = held.user_id AND NOT EXISTS (
        SELECT FROM belfry_organization_members AS m WHERE m.organization_id = held.organization_id AND m.user_id = u.id
      ) FOR KEY SHARE OF u
    ) AS found
  ), closed AS (
    UPDATE belfry_organization_invitations AS i
    SET status = 'accepted', accepted_by = person.user_id, updated_at = person.now FROM person
    WHERE i.id = ANY (ARRAY (SELECT invitation_id FROM person)) AND i.id = person.invitation_id
      AND i.organization_id = person.organization_id AND i.status = 'pending' AND i.expires_at > person.now
      AND (person.hashes IS NULL OR i.token_hash = ANY (person.hashes))
    RETURNING person.*
  ), seat AS (
    INSERT INTO belfry_organization_members (
      id, organization_id, user_id, built_in_roles, last_used_at, created_at, updated_at
    ) SELECT member_id, organization_id, user_id, built_in_roles, CASE WHEN session_id IS NOT NULL THEN now END, now, now
    FROM closed
    ON CONFLICT ON CONSTRAINT belfry_organization_members_organization_id_user_id_key DO NOTHING
    RETURNING id, organization_id, is_owner
  ), seated AS (
    SELECT closed.*, seat.is_owner FROM closed JOIN seat ON seat.id = closed.member_id
  ), given AS (
    INSERT INTO belfry_organization_member_roles (member_id, role_id, organization_id)
    SELECT member_id, role_id, organization_id FROM seated CROSS JOIN LATERAL unnest(custom_roles) AS role_id
  ), released AS (
    DELETE FROM belfry_organization_invitation_roles AS ir
    WHERE ir.invitation_id = ANY (ARRAY (SELECT invitation_id FROM seated WHERE cardinality(custom_roles) > 0))
  ), chosen AS (
    ${choosesEach("seated")}
  ), counted AS (
    UPDATE belfry_organizations AS o SET member_count = o.member_count + 1,
      owner_count = o.owner_count + seated.is_owner::integer, version = o.version + 1
    FROM seated WHERE o.id = ANY (ARRAY (SELECT organization_id FROM seated)) AND o.id = seated.organization_id
  ), ${recordedIn("seated")}
  SELECT place FROM seated`

/** One of them as a row of {@link statement}. */
export const toRow = ({
  hashes,
  invitation: { assignment, invitation, version },
  limit,
  member,
  now,
  record,
}: Acceptance) => ({
  organization_id: invitation.organizationId,
  version,
  maximum: limit,
  user_id: member.userId,
  member_id: member.id,
  built_in_roles: assignment.builtIn,
  custom_roles: assignment.custom,
  session_id: member.sessionId ?? null,
  invitation_id: invitation.id,
  hashes,
  now: DateTime.formatIso(now),
  ...toRecordRow(record),
})
