/**
 * Organizations in PostgreSQL.
 *
 * @since 0.1.0
 */
import { auditEventColumns, type AuditEventRow, toAuditEvent } from "@belfry/core/SqlAuditStore"
import * as SqlBatch from "@belfry/core/SqlBatch"
import { toJsonb } from "@belfry/core/SqlJson"
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import * as SqlFailure from "@belfry/sql/SqlFailure"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import {
  organizationColumns,
  type OrganizationRow,
  storedColumns,
  type StoredRow,
  toOrganization,
  toStored,
} from "./internal/organizationRow.ts"
import * as NewOrganizationRow from "./internal/newOrganizationRow.ts"
import {
  isNamed,
  isThere,
  membershipColumns,
  type MembershipRow,
  toGuarded,
  toMembership,
  viewerTable,
} from "./internal/sqlMembership.ts"
import { before, begins, isText, limitTo } from "./internal/sqlPages.ts"
import type { OrganizationCounts, OrganizationId } from "./Organization.ts"
import { OrganizationStore, type StoredOrganization, type StoredPatch } from "./OrganizationStore.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "OrganizationStore")
  const columns = sql.literal(organizationColumns)
  const stored = sql.literal(storedColumns)

  // A slug that is taken is an answer, not an error of the database, which would abort the transaction of the caller:
  // hence "on conflict do nothing" in `insert` and the savepoint here.
  const update = Effect.fnUntraced(function* (id: OrganizationId, patch: StoredPatch, now: DateTime.Utc) {
    const statement = Effect.map(
      sql<StoredRow>`UPDATE belfry_organizations AS o SET ${sql.update({
        ...(patch.name === undefined ? {} : { name: patch.name }),
        ...(patch.slug === undefined ? {} : { slug: patch.slug }),
        ...(patch.logo === undefined ? {} : { logo: patch.logo }),
        ...(patch.publicMetadata === undefined ? {} : { public_metadata: toJsonb(patch.publicMetadata) }),
        ...(patch.privateMetadata === undefined ? {} : { private_metadata: toJsonb(patch.privateMetadata) }),
        updated_at: toDate(now),
      })} WHERE o.id = ${id} RETURNING ${stored}`,
      firstStored,
    )
    const needsSavepoint =
      patch.slug !== undefined && patch.slug !== null && (yield* SqlStoreError.isInTransaction(sql))
    return yield* Effect.catch(needsSavepoint ? sql.withTransaction(statement) : statement, (cause) =>
      SqlFailure.isUniqueViolation(cause, "belfry_organizations_slug_key")
        ? Effect.succeed("slug-taken" as const)
        : Effect.fail(statements.failure("update", cause)),
    )
  })

  // The order in which foreign keys clear an organization is not ours to know: roles may go before who has them. A
  // large one takes longer than a statement may (40 s for a million members), and would never go.
  const removing = <A>(method: string, statement: Effect.Effect<A, SqlError>) =>
    statements.write(
      method,
      sql.withTransaction(
        sql`SET CONSTRAINTS ${roleKeys} DEFERRED`.pipe(
          Effect.andThen(sql`SET LOCAL statement_timeout = 0`),
          Effect.andThen(statement),
          Effect.tap(sql`SET CONSTRAINTS ${roleKeys} IMMEDIATE`),
          Effect.tap(sql`SET LOCAL statement_timeout TO DEFAULT`),
        ),
      ),
    )
  const roleKeys = sql.literal(
    "belfry_organization_member_roles_role_id_fkey, belfry_organization_invitation_roles_role_id_fkey",
  )

  const ofType = (search: string | null) => {
    if (search === null) return sql``
    return isText(search) ? sql`AND starts_with(type, ${search})` : sql`AND false`
  }

  const insert = SqlBatch.write(sql, statements, {
    method: "insert",
    statement: NewOrganizationRow.statement,
    toRow: NewOrganizationRow.toRow,
    answer: NewOrganizationRow.toInsertion,
  })

  return OrganizationStore.of({
    insert: (organization, owner, record) => insert({ organization, owner, record }),
    get: (viewer, now) =>
      Effect.map(
        statements.read(
          "get",
          sql<CountedRow>`WITH ${viewerTable(sql, viewer)}
          SELECT viewer.*, ${columns}, o.member_count, o.owner_count, (
            SELECT count(*)::int4 FROM (
              SELECT FROM belfry_organization_teams AS t WHERE t.organization_id = o.id LIMIT ${countedUpTo}
            ) AS counted
          ) AS team_count, (
            SELECT count(*)::int4 FROM (
              SELECT FROM belfry_organization_invitations AS i
              WHERE i.organization_id = o.id AND i.status = 'pending' AND i.expires_at > ${toDate(now)}
              LIMIT ${countedUpTo}
            ) AS counted
          ) AS invitation_count
          FROM viewer JOIN belfry_organizations AS o ON o.id = viewer.viewer_organization_id`,
        ),
        (rows) => toGuarded(rows, ([row]) => ({ organization: toOrganization(row), counts: toCounts(row) })),
      ),
    find: (organization) =>
      Effect.map(
        statements.read(
          "find",
          sql<StoredRow>`SELECT ${stored} FROM belfry_organizations AS o WHERE ${isNamed(sql, organization)}`,
        ),
        firstStored,
      ),
    listByUser: (userId, { after, limit, search, deleted }) =>
      Effect.map(
        statements.read(
          "listByUser",
          sql<OwnRow>`SELECT ${columns}, ${sql.literal(membershipColumns)}, m.last_used_at
          FROM belfry_organization_members AS m JOIN belfry_organizations AS o ON o.id = m.organization_id
          WHERE m.user_id = ${userId} AND ${sql.literal(deleted ? "o.deleted_at IS NOT NULL" : isThere)}
            ${before(sql, "m.id", after)} ${begins(sql, searched, search)}
          ORDER BY m.id DESC ${limitTo(sql, limit)}`,
        ),
        (rows) =>
          rows.map((row) => ({
            organization: toOrganization(row),
            membership: toMembership(row),
            lastUsedAt: row.last_used_at === null ? null : DateTime.fromDateUnsafe(row.last_used_at),
          })),
      ),
    list: ({ after, limit, search }) =>
      Effect.map(
        statements.read(
          "list",
          sql<StoredRow>`SELECT ${stored} FROM belfry_organizations AS o
          WHERE true ${before(sql, "o.id", after)} ${begins(sql, searched, search)} ORDER BY o.id DESC ${limitTo(sql, limit)}`,
        ),
        (rows) => rows.map(toStored),
      ),
    // Two statements: one that waited for the lock would count what was there before.
    countByUser: (userId, upTo) =>
      statements.write("countByUser", sql`SELECT FROM belfry_users WHERE id = ${userId} FOR NO KEY UPDATE`).pipe(
        Effect.andThen(
          statements.write(
            "countByUser",
            sql<{ readonly count: number }>`SELECT count(*)::int4 AS count FROM (
              SELECT FROM belfry_organization_members WHERE user_id = ${userId} LIMIT ${upTo}
            ) AS counted`,
          ),
        ),
        Effect.map(([row]) => row?.count ?? 0),
      ),
    isSlugTaken: (slug) =>
      Effect.map(
        statements.read("isSlugTaken", sql`SELECT FROM belfry_organizations WHERE slug = ${slug}`),
        (rows) => rows.length > 0,
      ),
    update,
    markDeleted: (id, now) =>
      Effect.map(
        statements.write(
          "markDeleted",
          sql`UPDATE belfry_organizations SET deleted_at = ${toDate(now)}, updated_at = ${toDate(now)}
          WHERE id = ${id} AND deleted_at IS NULL RETURNING 1`,
        ),
        (rows) => rows.length > 0,
      ),
    restore: (id, now) =>
      Effect.map(
        statements.write(
          "restore",
          sql`UPDATE belfry_organizations SET deleted_at = NULL, updated_at = ${toDate(now)}
          WHERE id = ${id} AND deleted_at IS NOT NULL RETURNING 1`,
        ),
        (rows) => rows.length > 0,
      ),
    remove: (id) =>
      Effect.map(
        removing("remove", sql`DELETE FROM belfry_organizations WHERE id = ${id} RETURNING 1`),
        (rows) => rows.length > 0,
      ),
    listAuditEvents: (viewer, { after, limit, search, userId }) =>
      Effect.map(
        statements.read(
          "listAuditEvents",
          sql<AuditRow>`WITH ${viewerTable(sql, viewer)}
          SELECT viewer.*, item.* FROM viewer LEFT JOIN LATERAL (
            SELECT ${sql.literal(auditEventColumns)} FROM belfry_audit_events
            WHERE aggregate = 'organization:' || viewer.viewer_organization_id ${before(sql, "id", after)}
              ${userId === null ? sql`` : sql`AND user_id = ${userId}`} ${ofType(search)}
            ORDER BY id DESC LIMIT ${limit}
          ) AS item ON true`,
        ),
        (rows) => toGuarded(rows, (found) => found.filter(hasEvent).map(toAuditEvent)),
      ),
    removeDeleted: (instant, limit) =>
      Effect.map(
        removing(
          "removeDeleted",
          sql<{ readonly id: OrganizationId }>`DELETE FROM belfry_organizations WHERE id = ANY (ARRAY (
            SELECT id FROM belfry_organizations WHERE deleted_at <= ${toDate(instant)} ORDER BY deleted_at LIMIT ${limit}
            FOR UPDATE SKIP LOCKED
          )) RETURNING id`,
        ),
        (rows) => rows.map(({ id }) => id),
      ),
  })
})

/**
 * Layer that keeps organizations in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<OrganizationStore, never, SqlClient.SqlClient> = Layer.effect(OrganizationStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface CountedRow extends MembershipRow, OrganizationRow {
  readonly member_count: number
  readonly owner_count: number
  readonly team_count: number
  readonly invitation_count: number
}

interface OwnRow extends MembershipRow, OrganizationRow {
  readonly last_used_at: Date | null
}

type AuditRow = MembershipRow & (AuditEventRow | { readonly [K in keyof AuditEventRow]: null })

/** Whether the join found an event: a member sees that there is none. */
const hasEvent = (row: AuditRow): row is MembershipRow & AuditEventRow => row.id !== null

/** So that a look at an organization costs the same however large it is. */
const countedUpTo = 1000

const searched = ["lower(o.name)", "o.slug"] as const

const toCounts = (row: CountedRow): OrganizationCounts => ({
  members: row.member_count,
  owners: row.owner_count,
  teams: row.team_count,
  pendingInvitations: row.invitation_count,
})

const firstStored = ([row]: ReadonlyArray<StoredRow>): Option.Option<StoredOrganization> =>
  row === undefined ? Option.none() : Option.some(toStored(row))

const toDate = DateTime.toDateUtc
