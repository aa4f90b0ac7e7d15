/**
 * Roles of organizations in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import * as SqlFailure from "@belfry/sql/SqlFailure"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import { type MembershipRow, toGuarded, viewerTable } from "./internal/sqlMembership.ts"
import { after, begins, limitTo } from "./internal/sqlPages.ts"
import type { Permission } from "./Permission.ts"
import type { CustomRole, RoleId, RoleName } from "./Role.ts"
import { RoleStore } from "./RoleStore.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "RoleStore")
  const columns = sql.literal(roleColumns)

  return RoleStore.of({
    list: (viewer, page) =>
      Effect.map(
        statements.read(
          "list",
          sql<MembershipRow & RoleJoin>`WITH ${viewerTable(sql, viewer)} SELECT viewer.*, item.* FROM viewer
            LEFT JOIN LATERAL (
              SELECT ${columns} FROM belfry_organization_roles AS r
              WHERE r.organization_id = viewer.viewer_organization_id
                ${after(sql, "r.name", page.after)} ${begins(sql, ["r.name"], page.search)}
              ORDER BY r.name ${limitTo(sql, page.limit)}
            ) AS item ON true ORDER BY item.item_name`,
        ),
        (rows) => toGuarded(rows, found),
      ),
    findByNames: (viewer, names) =>
      Effect.map(
        statements.read(
          "findByNames",
          sql<MembershipRow & RoleJoin>`WITH ${viewerTable(sql, viewer)} SELECT viewer.*, item.* FROM viewer
            LEFT JOIN (
              SELECT r.organization_id, ${columns} FROM belfry_organization_roles AS r
              WHERE r.name = ANY (${names}::text[])
            ) AS item ON item.organization_id = viewer.viewer_organization_id ORDER BY item.item_name`,
        ),
        (rows) => toGuarded(rows, found),
      ),
    getByNames: (organizationId, names) =>
      Effect.map(
        statements.read(
          "getByNames",
          sql<RoleRow>`SELECT ${columns} FROM belfry_organization_roles AS r
            WHERE r.organization_id = ${organizationId} AND r.name = ANY (${names}::text[]) ORDER BY r.name`,
        ),
        (rows) => rows.map(toRole),
      ),
    // A name that is taken is answered before the organization is found to have too many.
    insert: (organizationId, role, limit) => {
      const hasRoom = sql`(${limit}::integer IS NULL OR (SELECT count(*) FROM (
        SELECT FROM belfry_organization_roles WHERE organization_id = ${organizationId} LIMIT ${limit}
      ) AS counted) < ${limit}::integer)`
      return Effect.map(
        statements.write(
          "insert",
          sql<{ readonly is_kept: boolean; readonly is_taken: boolean }>`WITH kept AS (
            INSERT INTO belfry_organization_roles (id, organization_id, name, description, permissions, created_at, updated_at)
            SELECT ${role.id}::uuid, ${organizationId}::uuid, ${role.name}::text, ${role.description}::text,
              ${role.permissions}::text[], ${toDate(role.createdAt)}::timestamptz, ${toDate(role.updatedAt)}::timestamptz
            WHERE ${hasRoom}
            ON CONFLICT ON CONSTRAINT belfry_organization_roles_organization_id_name_key DO NOTHING RETURNING id
          ) SELECT EXISTS (SELECT FROM kept) AS is_kept, ${hasRoom} OR EXISTS (
            SELECT FROM belfry_organization_roles WHERE organization_id = ${organizationId} AND name = ${role.name}
          ) AS is_taken`,
        ),
        ([row]) => (row?.is_kept === true ? "kept" : row?.is_taken === true ? "name-taken" : "full"),
      )
    },
    // A name that is taken is an answer, not an error of the database, which would abort the transaction of the caller.
    // Open invitations show the name that the role has.
    update: Effect.fnUntraced(function* (organizationId, id, patch, now) {
      const statement = sql<RoleRow>`WITH former AS (
          SELECT id, name FROM belfry_organization_roles WHERE id = ${id} AND organization_id = ${organizationId}
        ), renamed AS (
          UPDATE belfry_organization_invitations AS i
          SET role_names = array_replace(i.role_names, former.name, ${patch.name ?? null}::text)
          FROM former, belfry_organization_invitation_roles AS ir
          WHERE ${patch.name ?? null}::text <> former.name AND ir.role_id = former.id AND i.id = ir.invitation_id
        )
        UPDATE belfry_organization_roles AS r SET ${sql.update({
          ...(patch.name === undefined ? {} : { name: patch.name }),
          ...(patch.description === undefined ? {} : { description: patch.description }),
          ...(patch.permissions === undefined ? {} : { permissions: patch.permissions }),
          updated_at: toDate(now),
        })} FROM former WHERE r.id = former.id RETURNING ${columns}`
      const needsSavepoint = patch.name !== undefined && (yield* SqlStoreError.isInTransaction(sql))
      return yield* (needsSavepoint ? sql.withTransaction(statement) : statement).pipe(
        Effect.map(([row]) => (row === undefined ? Option.none<CustomRole>() : Option.some(toRole(row)))),
        Effect.catch((cause) =>
          SqlFailure.isUniqueViolation(cause, "belfry_organization_roles_organization_id_name_key")
            ? Effect.succeed("name-taken" as const)
            : Effect.fail(statements.failure("update", cause)),
        ),
      )
    }),
    // Whoever has the role gets its successor in the statement that removes it; without one, nobody may have it.
    remove: ({ organizationId, id, replacement, now }) => {
      const builtIn = replacement !== null && "builtIn" in replacement ? replacement.builtIn : null
      const custom = replacement !== null && "custom" in replacement ? replacement.custom : null
      return Effect.map(
        statements.write(
          "remove",
          sql<{ readonly is_found: boolean; readonly is_done: boolean }>`WITH role AS (
            SELECT id, name FROM belfry_organization_roles
            WHERE id = ${id} AND organization_id = ${organizationId} FOR UPDATE
          ), successor AS (
            SELECT NULL::uuid AS id, ${builtIn}::text AS name WHERE ${builtIn}::text IS NOT NULL
            UNION ALL
            SELECT id, name FROM belfry_organization_roles
            WHERE id = ${custom}::uuid AND id <> ${id} AND organization_id = ${organizationId}
          ), held AS (
            DELETE FROM belfry_organization_member_roles AS mr USING role, successor WHERE mr.role_id = role.id
            RETURNING mr.member_id, mr.organization_id, successor.id, successor.name
          ), changed AS (
            UPDATE belfry_organization_members AS m SET updated_at = ${toDate(now)}, built_in_roles = CASE
              WHEN held.id IS NOT NULL OR held.name = ANY (m.built_in_roles) THEN m.built_in_roles
              ELSE m.built_in_roles || held.name END
            FROM held WHERE m.id = held.member_id
          ), given AS (
            INSERT INTO belfry_organization_member_roles (member_id, role_id, organization_id)
            SELECT member_id, id, organization_id FROM held WHERE id IS NOT NULL ON CONFLICT DO NOTHING
          ), offered AS (
            DELETE FROM belfry_organization_invitation_roles AS ir USING role, successor WHERE ir.role_id = role.id
            RETURNING ir.invitation_id, ir.organization_id, role.name AS former, successor.id, successor.name
          ), reworded AS (
            UPDATE belfry_organization_invitations AS i SET updated_at = ${toDate(now)}, built_in_roles = CASE
              WHEN offered.id IS NOT NULL OR offered.name = ANY (i.built_in_roles) THEN i.built_in_roles
              ELSE i.built_in_roles || offered.name END, role_names = array_replace(i.role_names, offered.former, offered.name)
            FROM offered WHERE i.id = offered.invitation_id
          ), replaced AS (
            INSERT INTO belfry_organization_invitation_roles (invitation_id, role_id, organization_id)
            SELECT invitation_id, id, organization_id FROM offered WHERE id IS NOT NULL ON CONFLICT DO NOTHING
          ), removed AS (
            DELETE FROM belfry_organization_roles AS r USING role WHERE r.id = role.id AND (
              EXISTS (SELECT FROM successor) OR (
                NOT EXISTS (SELECT FROM belfry_organization_member_roles AS mr WHERE mr.role_id = role.id)
                AND NOT EXISTS (SELECT FROM belfry_organization_invitation_roles AS ir WHERE ir.role_id = role.id)
              )
            ) RETURNING r.id
          ) SELECT EXISTS (SELECT FROM role) AS is_found, EXISTS (SELECT FROM removed) AS is_done`,
        ),
        ([row]) => (row?.is_found === true ? (row.is_done ? "removed" : "in-use") : "absent"),
      )
    },
  })
})

/**
 * Layer that keeps roles in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<RoleStore, never, SqlClient.SqlClient> = Layer.effect(RoleStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const roleColumns = `r.id AS item_id, r.name AS item_name, r.description AS item_description,
  r.permissions AS item_permissions, r.created_at AS item_created_at, r.updated_at AS item_updated_at`

interface RoleRow {
  readonly item_id: RoleId
  readonly item_name: RoleName
  readonly item_description: string | null
  readonly item_permissions: ReadonlyArray<Permission>
  readonly item_created_at: Date
  readonly item_updated_at: Date
}

/** The row of a join that may have found no role: `item_id` is null then. */
type RoleJoin = RoleRow | { readonly [K in keyof RoleRow]: null }

const found = (rows: ReadonlyArray<RoleJoin>): ReadonlyArray<CustomRole> =>
  rows.flatMap((row) => (row.item_id === null ? [] : [toRole(row)]))

const toRole = (row: RoleRow): CustomRole => ({
  id: row.item_id,
  name: row.item_name,
  description: row.item_description,
  permissions: row.item_permissions,
  isBuiltIn: false,
  createdAt: DateTime.fromDateUnsafe(row.item_created_at),
  updatedAt: DateTime.fromDateUnsafe(row.item_updated_at),
})

const toDate = DateTime.toDateUtc
