/**
 * New organizations as one statement, for one of them or for many.
 */
import type { ChangeRecord } from "@belfry/core/ChangeRecord"
import { recordColumns, recordedIn, toRecordRow } from "@belfry/core/SqlChangeRecord"
import * as DateTime from "effect/DateTime"
import type { NewOwner, OrganizationInsertion, StoredOrganization } from "../OrganizationStore.ts"
import { owner } from "../Role.ts"
import { choosesEach } from "./sqlMembership.ts"

/** A new organization with its first owner. */
export interface NewOrganization {
  readonly organization: StoredOrganization
  readonly owner: NewOwner
  readonly record: ChangeRecord | undefined
}

/**
 * The statement that takes new organizations, as {@link toRow} writes them, and answers what became of each. A user who
 * is just being deleted is waited for, and has no row then: a foreign key that speaks aborts the transaction.
 */
export const statement = `WITH asked AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS asked (
      place int4, id uuid, name text, slug text, logo text, public_metadata jsonb, private_metadata jsonb,
      now timestamptz, updated_at timestamptz, deleted_at timestamptz, member_id uuid, user_id uuid, session_id uuid,
      ${recordColumns}
    ) ORDER BY slug
  ), person AS MATERIALIZED (
    SELECT asked.* FROM asked CROSS JOIN LATERAL (
      SELECT u.id FROM belfry_users AS u WHERE u.id = asked.user_id FOR KEY SHARE
    ) AS found
  ), kept AS (
    INSERT INTO belfry_organizations (
      id, name, slug, logo, public_metadata, private_metadata, member_count, owner_count, created_at, updated_at,
      deleted_at
    ) SELECT id, name, slug, logo, public_metadata, private_metadata, 1, 1, now, updated_at, deleted_at FROM person
    ON CONFLICT ON CONSTRAINT belfry_organizations_slug_key DO NOTHING RETURNING id
  ), made AS (
    SELECT person.* FROM person JOIN kept ON kept.id = person.id
  ), seat AS (
    INSERT INTO belfry_organization_members (
      id, organization_id, user_id, built_in_roles, last_used_at, created_at, updated_at
    ) SELECT member_id, id, user_id, '{${owner}}', CASE WHEN session_id IS NOT NULL THEN now END, now, now FROM made
  ), chosen AS (
    ${choosesEach("made")}
  ), ${recordedIn("made")}
  SELECT person.place, made.id IS NOT NULL AS is_kept FROM person LEFT JOIN made ON made.id = person.id`

/** What {@link statement} says of the organization in a place; nothing where there is no such user. */
export interface Answer {
  readonly is_kept: boolean
}

/** What became of a new organization, of which there is an answer or none. */
export const toInsertion = (answer: Answer | undefined): OrganizationInsertion => {
  if (answer === undefined) return "absent"
  return answer.is_kept ? "kept" : "slug-taken"
}

/** One of them as a row of {@link statement}. */
export const toRow = ({ organization, owner: member, record }: NewOrganization) => ({
  id: organization.id,
  name: organization.name,
  slug: organization.slug,
  logo: organization.logo,
  public_metadata: organization.publicMetadata,
  private_metadata: organization.privateMetadata,
  now: DateTime.formatIso(organization.createdAt),
  updated_at: DateTime.formatIso(organization.updatedAt),
  deleted_at: organization.deletedAt === null ? null : DateTime.formatIso(organization.deletedAt),
  member_id: member.id,
  user_id: member.userId,
  session_id: member.sessionId ?? null,
  ...toRecordRow(record),
})
