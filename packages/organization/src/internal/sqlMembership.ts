/**
 * The membership of whoever looks, as SQL: the part of every guarded read that says whether anything is to be seen.
 */
import type { SessionId } from "@belfry/core/Session"
import type { UserId } from "@belfry/core/User"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import type * as SqlClient from "effect/sql/SqlClient"
import type { MemberId } from "../Member.ts"
import type { Guarded, StoredMembership, Viewer } from "../Membership.ts"
import { isOrganizationId, type OrganizationId, type OrganizationRef, type Slug } from "../Organization.ts"
import type { RoleName } from "../Role.ts"

/** The columns of a membership, named so that nothing else of a row is called the same. */
export interface MembershipRow {
  readonly viewer_organization_id: OrganizationId
  readonly viewer_organization_name: string
  readonly viewer_organization_slug: Slug | null
  readonly viewer_member_id: MemberId
  readonly viewer_user_id: UserId
  readonly viewer_built_in_roles: ReadonlyArray<RoleName>
  readonly viewer_custom_roles: StoredMembership["customRoles"]
}

/** The roles of the organization that a member has, of `belfry_organization_members AS m`. */
export const customRoles = `COALESCE((
    SELECT jsonb_agg(jsonb_build_object('id', r.id, 'name', r.name, 'permissions', r.permissions) ORDER BY r.name)
    FROM belfry_organization_member_roles AS mr JOIN belfry_organization_roles AS r ON r.id = mr.role_id
    WHERE mr.member_id = m.id
  ), '[]')`

/** The columns of a {@link MembershipRow}, of `belfry_organizations AS o` and `belfry_organization_members AS m`. */
export const membershipColumns = `o.id AS viewer_organization_id, o.name AS viewer_organization_name,
  o.slug AS viewer_organization_slug, m.id AS viewer_member_id, m.user_id AS viewer_user_id,
  m.built_in_roles AS viewer_built_in_roles, ${customRoles} AS viewer_custom_roles`

/** The one condition by which an organization is there for its members. */
export const isThere = "o.deleted_at IS NULL"

/** An organization by its id or its slug, of `belfry_organizations AS o`. */
export const isNamed = (sql: SqlClient.SqlClient, organization: OrganizationRef) =>
  isOrganizationId(organization) ? sql`o.id = ${organization}` : sql`o.slug = ${organization}`

/**
 * The same where members are joined: a slug becomes an id first, so that the member is looked up in the organization,
 * and not the organization among all that the user is in.
 */
const isIdentified = (sql: SqlClient.SqlClient, organization: OrganizationRef) =>
  isOrganizationId(organization)
    ? isNamed(sql, organization)
    : sql`o.id = (SELECT id FROM belfry_organizations WHERE slug = ${organization})`

/**
 * `viewer AS MATERIALIZED (...)`: no row where the viewer is no member, or where there is no such organization. It is
 * computed once, however many rows are joined to it: `WITH ${viewer} SELECT viewer.*, item.* FROM viewer LEFT JOIN
 * LATERAL (...) AS item ON true`.
 */
export const viewerTable = (sql: SqlClient.SqlClient, viewer: Viewer, deleted = false) =>
  sql`viewer AS MATERIALIZED (
    SELECT ${sql.literal(membershipColumns)} FROM belfry_organizations AS o
    JOIN belfry_organization_members AS m ON m.organization_id = o.id AND m.user_id = ${viewer.userId}
    WHERE ${isIdentified(sql, viewer.organization)} AND ${sql.literal(deleted ? "o.deleted_at IS NOT NULL" : isThere)}
  )`

/**
 * The same of a look-up that is joined with others: its request has a `user_id`, and the `organization` by its id or its
 * slug.
 */
export const requestedViewer = (by: "id" | "slug"): string => `viewer AS MATERIALIZED (
    SELECT ${membershipColumns} FROM belfry_organizations AS o
    JOIN belfry_organization_members AS m ON m.organization_id = o.id AND m.user_id = request.user_id
    WHERE o.id = ${by === "id" ? "request.organization" : "(SELECT id FROM belfry_organizations WHERE slug = request.organization)"}
      AND ${isThere}
  )`

/**
 * Makes the membership in `table` the default of a session from `now` on; of none when there is no session. Who ends
 * the session meanwhile is waited for: a foreign key that speaks aborts the transaction.
 */
export const chooses = (sql: SqlClient.SqlClient, sessionId: SessionId | null, table: string, now: DateTime.Utc) =>
  sql`INSERT INTO belfry_session_organizations (session_id, member_id, chosen_at)
    SELECT session.id, chosen.id, ${DateTime.toDateUtc(now)}::timestamptz FROM ${sql.literal(table)} AS chosen,
      (SELECT id FROM belfry_sessions WHERE id = ${sessionId} FOR KEY SHARE) AS session
    ON CONFLICT (session_id) DO UPDATE SET member_id = EXCLUDED.member_id, chosen_at = EXCLUDED.chosen_at`

/**
 * Makes the membership of each row of `table` the default of its session from `now` on; where a session is in several,
 * one of them. The columns are `session_id`, `member_id` and `now`.
 */
export const choosesEach = (table: string): string =>
  `INSERT INTO belfry_session_organizations (session_id, member_id, chosen_at)
    SELECT DISTINCT ON (session.id) session.id, ${table}.member_id, ${table}.now FROM ${table} CROSS JOIN LATERAL (
      SELECT id FROM belfry_sessions WHERE id = ${table}.session_id FOR KEY SHARE
    ) AS session ORDER BY session.id
    ON CONFLICT (session_id) DO UPDATE SET member_id = EXCLUDED.member_id, chosen_at = EXCLUDED.chosen_at`

/** The membership of a row. */
export const toMembership = (row: MembershipRow): StoredMembership => ({
  organizationId: row.viewer_organization_id,
  organizationName: row.viewer_organization_name,
  organizationSlug: row.viewer_organization_slug,
  memberId: row.viewer_member_id,
  userId: row.viewer_user_id,
  builtInRoles: row.viewer_built_in_roles,
  customRoles: row.viewer_custom_roles,
})

/** What a guarded read found; none where it found no membership. Every row has the membership again. */
export const toGuarded = <Row extends MembershipRow, A>(
  rows: ReadonlyArray<Row>,
  value: (rows: readonly [Row, ...ReadonlyArray<Row>]) => A,
): Option.Option<Guarded<A>> => {
  const [first, ...rest] = rows
  return first === undefined
    ? Option.none()
    : Option.some({ membership: toMembership(first), value: value([first, ...rest]) })
}
