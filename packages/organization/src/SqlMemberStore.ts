/**
 * Members in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { Fragment } from "effect/sql/Statement"
import { memberColumns, type MemberJoin, type MemberRow, toMember } from "./internal/memberRow.ts"
import { holders, isMeant, personTable, searched, seatTables, smallList } from "./internal/sqlMembers.ts"
import {
  customRoles,
  membershipColumns,
  type MembershipRow,
  toGuarded,
  toMembership,
  viewerTable,
} from "./internal/sqlMembership.ts"
import { after, limitTo } from "./internal/sqlPages.ts"
import { MemberStore, type MemberTarget } from "./MemberStore.ts"
import type { StoredMembership } from "./Membership.ts"
import type { StorePage } from "./Page.ts"
import { owner, type RoleAssignment, type RoleName } from "./Role.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "MemberStore")
  const columns = sql.literal(memberColumns)
  const people = sql.literal("belfry_organization_members AS m JOIN belfry_users AS u ON u.id = m.user_id")
  const hasRole = (role: RoleName | null) => {
    if (role === null) return sql``
    // Owners have an index of their own.
    if (role === owner) return sql`AND m.is_owner`
    return sql`AND (${role} = ANY (m.built_in_roles) OR EXISTS (
      SELECT FROM belfry_organization_member_roles AS mr JOIN belfry_organization_roles AS r ON r.id = mr.role_id
      WHERE mr.member_id = m.id AND r.name = ${role}
    ))`
  }
  const pageOf = (organizationId: Fragment, { after: place, limit, search }: StorePage, role: RoleName | null) => {
    const isOnPage = sql`m.organization_id = ${organizationId} ${after(sql, "m.id", place)} ${hasRole(role)}`
    const showing = (ids: Fragment) =>
      sql<MemberRow>`SELECT item.* FROM (${ids}) AS hit
        CROSS JOIN LATERAL (SELECT ${columns} FROM ${people} WHERE m.id = hit.id OFFSET 0) AS item
        ORDER BY item.item_id`
    if (search !== null) {
      return showing(
        searched(sql, {
          isSmall: sql`COALESCE((
            SELECT member_count FROM belfry_organizations WHERE id = ${organizationId}
          ), 0) <= ${smallList}`,
          seatOf: sql`SELECT m.id FROM belfry_organization_members AS m WHERE ${isOnPage} AND m.user_id = found.id`,
          seats: sql`SELECT m.id, m.user_id FROM belfry_organization_members AS m WHERE ${isOnPage} ORDER BY m.id`,
          limit,
          search,
        }),
      )
    }
    return role === null
      ? sql<MemberRow>`SELECT ${columns} FROM ${people} WHERE ${isOnPage} ORDER BY m.id ${limitTo(sql, limit)}`
      : showing(holders(sql, { organizationId, role, place, limit }))
  }

  return MemberStore.of({
    list: (viewer, page) =>
      Effect.map(
        statements.read(
          "list",
          sql<MembershipRow & MemberJoin>`WITH ${viewerTable(sql, viewer)} SELECT viewer.*, item.* FROM viewer
            LEFT JOIN LATERAL (${pageOf(sql`viewer.viewer_organization_id`, page, page.role)}) AS item ON true
            ORDER BY item.item_id`,
        ),
        (rows) => toGuarded(rows, (found) => found.flatMap((row) => (row.item_id === null ? [] : [toMember(row)]))),
      ),
    find: (viewer, ref) =>
      Effect.map(
        statements.read(
          "find",
          sql<MembershipRow & TargetJoin>`WITH ${viewerTable(sql, viewer)} SELECT viewer.*, item.* FROM viewer
            LEFT JOIN LATERAL (
              SELECT ${columns}, ${sql.literal(customRoles)} AS item_custom_roles FROM ${people}
              WHERE m.organization_id = viewer.viewer_organization_id AND ${isMeant(sql, ref)}
            ) AS item ON true`,
        ),
        (rows) => toGuarded(rows, ([row]) => toTarget(row)),
      ),
    get: (organizationId, ref) =>
      Effect.map(
        statements.read(
          "get",
          sql<MembershipRow & MemberRow>`SELECT ${sql.literal(membershipColumns)}, ${columns}
            FROM ${people} JOIN belfry_organizations AS o ON o.id = m.organization_id
            WHERE m.organization_id = ${organizationId} AND ${isMeant(sql, ref)}`,
        ),
        ([row]) =>
          row === undefined ? Option.none() : Option.some({ member: toMember(row), membership: toMembership(row) }),
      ),
    listAll: (organizationId, page) =>
      Effect.map(statements.read("listAll", pageOf(sql`${organizationId}`, page, page.role ?? null)), (rows) =>
        rows.map(toMember),
      ),
    // Who is there already is answered before the organization is found to be full. The counts change with the row.
    insert: ({ id, organizationId, userId, roles, limit, now, sessionId = null }) => {
      const hasRoom = sql`(${limit}::integer IS NULL OR
        COALESCE((SELECT member_count FROM belfry_organizations WHERE id = ${organizationId}), 0) < ${limit}::integer)`
      return Effect.map(
        statements.write(
          "insert",
          sql<Insertion>`WITH ${personTable(sql, userId)}, ${seatTables(
            sql,
            { id, organizationId, userId, roles, sessionId, now },
            sql`person WHERE ${hasRoom}`,
          )} SELECT EXISTS (SELECT FROM seat) AS is_kept, EXISTS (SELECT FROM person) AS is_user, ${hasRoom} OR EXISTS (
            SELECT FROM belfry_organization_members WHERE organization_id = ${organizationId} AND user_id = ${userId}
          ) AS is_present`,
        ),
        ([row]) => {
          if (row?.is_kept === true) return "kept"
          if (row?.is_user !== true) return "absent"
          return row.is_present ? "exists" : "full"
        },
      )
    },
    setRoles: ({ organizationId, memberId, roles, now }) =>
      Effect.map(
        statements.write(
          "setRoles",
          sql<Counts>`WITH member AS (
            SELECT id, ${ownersOf(roles)}::integer - is_owner::integer AS step FROM belfry_organization_members
            WHERE id = ${memberId} AND organization_id = ${organizationId} FOR UPDATE
          ), counted AS (
            UPDATE belfry_organizations AS o SET owner_count = o.owner_count + member.step FROM member
            WHERE o.id = ${organizationId} AND member.step <> 0 AND o.owner_count + member.step >= 1
            RETURNING member.id
          ), changed AS (
            UPDATE belfry_organization_members AS m SET built_in_roles = ${roles.builtIn}, updated_at = ${toDate(now)}
            FROM member WHERE m.id = member.id AND (member.step = 0 OR EXISTS (SELECT FROM counted))
            RETURNING m.id, m.organization_id
          ), taken AS (
            DELETE FROM belfry_organization_member_roles AS mr USING changed
            WHERE mr.member_id = changed.id AND mr.role_id <> ALL (${roles.custom}::uuid[])
          ), given AS (
            INSERT INTO belfry_organization_member_roles (member_id, role_id, organization_id)
            SELECT changed.id, role_id, changed.organization_id FROM changed, unnest(${roles.custom}::uuid[]) AS role_id
            ON CONFLICT DO NOTHING
          ) SELECT EXISTS (SELECT FROM member) AS is_found, EXISTS (SELECT FROM changed) AS is_done`,
        ),
        ([row]) => outcome(row, "kept"),
      ),
    // Teams and defaults of sessions go by their foreign keys.
    remove: (organizationId, memberId) =>
      Effect.map(
        statements.write(
          "remove",
          sql<Counts>`WITH member AS (
            SELECT id, is_owner FROM belfry_organization_members
            WHERE id = ${memberId} AND organization_id = ${organizationId} FOR UPDATE
          ), counted AS (
            UPDATE belfry_organizations AS o SET member_count = o.member_count - 1,
              owner_count = o.owner_count - member.is_owner::integer
            FROM member WHERE o.id = ${organizationId} AND (NOT member.is_owner OR o.owner_count > 1)
            RETURNING member.id
          ), removed AS (
            DELETE FROM belfry_organization_members AS m USING counted WHERE m.id = counted.id RETURNING m.id
          ) SELECT EXISTS (SELECT FROM member) AS is_found, EXISTS (SELECT FROM removed) AS is_done`,
        ),
        ([row]) => outcome(row, "removed"),
      ),
    // The owners that there are afterwards: one less where the former owner keeps nothing of it, one more where the new
    // one was none.
    transfer: ({ organizationId, from, to, keeps, now }) =>
      Effect.map(
        statements.write(
          "transfer",
          sql<{ readonly is_done: boolean }>`WITH pair AS (
            SELECT id, is_owner FROM belfry_organization_members
            WHERE organization_id = ${organizationId} AND id IN (${from}, ${to}) ORDER BY id FOR UPDATE
          ), agreed AS (
            SELECT (SELECT (NOT is_owner)::integer FROM pair WHERE id = ${to}) + ${ownersOf(keeps)}::integer - 1 AS step
            WHERE (SELECT count(*) FROM pair) = 2 AND (SELECT is_owner FROM pair WHERE id = ${from})
          ), counted AS (
            UPDATE belfry_organizations AS o SET owner_count = o.owner_count + agreed.step FROM agreed
            WHERE o.id = ${organizationId} AND agreed.step <> 0
          ), changed AS (
            UPDATE belfry_organization_members AS m SET updated_at = ${toDate(now)}, built_in_roles = CASE
              WHEN m.id = ${from} THEN ${keeps.builtIn}::text[]
              WHEN m.is_owner THEN m.built_in_roles
              ELSE m.built_in_roles || ARRAY[${owner}::text] END
            FROM agreed WHERE m.organization_id = ${organizationId} AND m.id IN (${from}, ${to})
            RETURNING m.id, m.organization_id
          ), taken AS (
            DELETE FROM belfry_organization_member_roles AS mr USING changed
            WHERE mr.member_id = changed.id AND changed.id = ${from} AND mr.role_id <> ALL (${keeps.custom}::uuid[])
          ), given AS (
            INSERT INTO belfry_organization_member_roles (member_id, role_id, organization_id)
            SELECT changed.id, role_id, changed.organization_id FROM changed, unnest(${keeps.custom}::uuid[]) AS role_id
            WHERE changed.id = ${from} ON CONFLICT DO NOTHING
          ) SELECT EXISTS (SELECT FROM changed) AS is_done`,
        ),
        ([row]) => row?.is_done === true,
      ),
    listOrganizations: (userId) =>
      Effect.map(
        statements.read(
          "listOrganizations",
          sql<Pick<MemberRow, "item_organization_id">>`SELECT organization_id AS item_organization_id
            FROM belfry_organization_members WHERE user_id = ${userId} ORDER BY organization_id`,
        ),
        (rows) => rows.map((row) => row.item_organization_id),
      ),
  })
})

/**
 * Layer that keeps members in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<MemberStore, never, SqlClient.SqlClient> = Layer.effect(MemberStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

type Target = MemberRow & { readonly item_custom_roles: StoredMembership["customRoles"] }

type TargetJoin = Target | { readonly [K in keyof Target]: null }

/** The member that a read found, in the organization of whoever asked. */
const toTarget = (row: MembershipRow & TargetJoin): Option.Option<MemberTarget> =>
  row.item_id === null
    ? Option.none()
    : Option.some({
        member: toMember(row),
        membership: {
          ...toMembership(row),
          memberId: row.item_id,
          userId: row.item_user_id,
          builtInRoles: row.item_built_in_roles,
          customRoles: row.item_custom_roles,
        },
      })

interface Insertion {
  readonly is_kept: boolean
  readonly is_user: boolean
  readonly is_present: boolean
}

interface Counts {
  readonly is_found: boolean
  readonly is_done: boolean
}

const outcome = <Done extends string>(row: Counts | undefined, done: Done): Done | "last-owner" | "absent" =>
  row?.is_found === true ? (row.is_done ? done : "last-owner") : "absent"

const ownersOf = ({ builtIn }: RoleAssignment): number => (builtIn.includes(owner) ? 1 : 0)

const toDate = DateTime.toDateUtc
