/**
 * Invitations in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as SqlBatch from "@belfry/core/SqlBatch"
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import * as AcceptanceRow from "./internal/acceptanceRow.ts"
import {
  invitationColumns,
  type InvitationRow,
  offeredRoles,
  placeColumns,
  type PlaceRow,
  type StoredRow,
  toInvitation,
  toPreview,
  toStored,
} from "./internal/invitationRow.ts"
import * as NewInvitationRow from "./internal/newInvitationRow.ts"
import { personTable } from "./internal/sqlMembers.ts"
import { isThere, type MembershipRow, requestedViewer, toGuarded, viewerTable } from "./internal/sqlMembership.ts"
import { before, begins, limitTo } from "./internal/sqlPages.ts"
import type { InvitationId, InvitationStatus } from "./Invitation.ts"
import { type InvitationFacts, InvitationStore } from "./InvitationStore.ts"
import { isOrganizationId, type OrganizationId } from "./Organization.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "InvitationStore")
  const columns = sql.literal(invitationColumns)
  const stored = sql.literal(storedColumns)
  const place = sql.literal(placeJoins)

  const isOf = (status: InvitationStatus | null, now: Date) => {
    if (status === null) return sql``
    if (status === "pending") return sql`AND i.status = 'pending' AND i.expires_at > ${now}`
    if (status === "expired") return sql`AND (i.status = 'expired' OR i.status = 'pending' AND i.expires_at <= ${now})`
    return sql`AND i.status = ${status}`
  }

  // What precedes each invitation and each acceptance is read for all that come at once.
  const prepare = (by: "id" | "slug") =>
    SqlBatch.lookUp<MembershipRow & FactsRow>(sql, statements, {
      method: "prepare",
      values: { user_id: "uuid", organization: by === "id" ? "uuid" : "text", email: "text", roles: "text[]" },
      body: `WITH ${requestedViewer(by)} SELECT viewer.*, (
          SELECT o.version::float8 FROM belfry_organizations AS o WHERE o.id = viewer.viewer_organization_id
        ) AS version, EXISTS (
          SELECT FROM belfry_users AS u
          JOIN belfry_organization_members AS m ON m.user_id = u.id
          WHERE u.email = request.email AND m.organization_id = viewer.viewer_organization_id
        ) AS is_member, open.id AS open_id, open.expires_at AS open_expires_at, COALESCE((
          SELECT jsonb_agg(jsonb_build_object('id', r.id, 'name', r.name, 'permissions', r.permissions) ORDER BY r.name)
          FROM belfry_organization_roles AS r
          WHERE r.organization_id = viewer.viewer_organization_id AND r.name = ANY (request.roles)
        ), '[]') AS roles
        FROM viewer LEFT JOIN belfry_organization_invitations AS open ON open.email = request.email
          AND open.organization_id = viewer.viewer_organization_id AND open.status = 'pending'`,
    })
  const [prepareById, prepareBySlug] = [prepare("id"), prepare("slug")]
  const findByToken = SqlBatch.lookUp<StoredRow>(sql, statements, {
    method: "findByToken",
    values: { hashes: "text[]" },
    body: `SELECT ${storedColumns} FROM belfry_organization_invitations AS i ${placeJoins}
      WHERE i.token_hash = ANY (request.hashes) AND ${isThere}`,
  })

  const insert = SqlBatch.write(sql, statements, {
    method: "insert",
    statement: NewInvitationRow.statement,
    toRow: NewInvitationRow.toRow,
    answer: NewInvitationRow.toInsertion,
  })
  const accept = SqlBatch.write(sql, statements, {
    method: "accept",
    statement: AcceptanceRow.statement,
    toRow: AcceptanceRow.toRow,
    answer: (row) => row !== undefined,
  })

  return InvitationStore.of({
    prepare: ({ organization, userId }, { email, roles }) =>
      Effect.map(
        (isOrganizationId(organization) ? prepareById : prepareBySlug)({ user_id: userId, organization, email, roles }),
        (rows) => toGuarded(rows, ([row]) => toFacts(row)),
      ),
    insert,
    list: (viewer, page) =>
      Effect.map(
        statements.read(
          "list",
          sql<
            MembershipRow & Joined<InvitationRow>
          >`WITH ${viewerTable(sql, viewer)} SELECT viewer.*, item.* FROM viewer
            LEFT JOIN LATERAL (
              SELECT ${columns} FROM belfry_organization_invitations AS i
              WHERE i.organization_id = viewer.viewer_organization_id ${isOf(page.status, toDate(page.now))}
                ${before(sql, "i.id", page.after)} ${begins(sql, ["i.email"], page.search)}
              ORDER BY i.id DESC ${limitTo(sql, page.limit)}
            ) AS item ON true ORDER BY item.item_id DESC`,
        ),
        (rows) => toGuarded(rows, (found) => found.flatMap((row) => (row.item_id === null ? [] : [toInvitation(row)]))),
      ),
    find: (viewer, id) =>
      Effect.map(
        statements.read(
          "find",
          sql<MembershipRow & Joined<StoredRow>>`WITH ${viewerTable(sql, viewer)} SELECT viewer.*, item.* FROM viewer
            LEFT JOIN LATERAL (
              SELECT ${stored} FROM belfry_organization_invitations AS i ${place}
              WHERE i.organization_id = viewer.viewer_organization_id AND i.id = ${id}
            ) AS item ON true`,
        ),
        (rows) => toGuarded(rows, ([row]) => (row.item_id === null ? Option.none() : Option.some(toStored(row)))),
      ),
    findByToken: (hashes) => Effect.map(findByToken({ hashes }), firstStored),
    findByEmail: (email, id) =>
      Effect.map(
        statements.read(
          "findByEmail",
          sql<StoredRow>`SELECT ${stored} FROM belfry_organization_invitations AS i ${place}
            WHERE i.id = ${id} AND i.email = ${email} AND ${sql.literal(isThere)}`,
        ),
        firstStored,
      ),
    listByEmail: (email, page) =>
      Effect.map(
        statements.read(
          "listByEmail",
          sql<InvitationRow & PlaceRow>`SELECT ${columns}, ${sql.literal(placeColumns)}
            FROM belfry_organization_invitations AS i ${place}
            WHERE i.email = ${email} ${isOf("pending", toDate(page.now))} AND ${sql.literal(isThere)}
              ${before(sql, "i.id", page.after)} ${begins(sql, ["lower(o.name)"], page.search)}
            ORDER BY i.id DESC ${limitTo(sql, page.limit)}`,
        ),
        (rows) => rows.map(toPreview),
      ),
    rotate: ({ organizationId, id, roles, assignment, tokenHash, expiresAt, now }) =>
      Effect.map(
        statements.write(
          "rotate",
          sql<InvitationRow>`WITH rotated AS (
            UPDATE belfry_organization_invitations AS i SET status = 'pending', token_hash = ${tokenHash},
              built_in_roles = ${assignment.builtIn}::text[], role_names = ${roles}::text[], sends = i.sends + 1,
              sent_at = ${toDate(now)}, updated_at = ${toDate(now)}, expires_at = ${toDate(expiresAt)}
            WHERE i.id = ${id} AND i.organization_id = ${organizationId} AND (
              i.status = 'pending' OR i.status = 'expired' AND NOT EXISTS (
                SELECT FROM belfry_organization_invitations AS other
                WHERE other.organization_id = i.organization_id AND other.email = i.email AND other.status = 'pending'
              )
            ) RETURNING ${columns}
          ), given AS (
            INSERT INTO belfry_organization_invitation_roles (invitation_id, role_id, organization_id)
            SELECT item_id, role_id, item_organization_id FROM rotated, unnest(${assignment.custom}::uuid[]) AS role_id
            ON CONFLICT DO NOTHING
          ) SELECT * FROM rotated`,
        ),
        ([row]) => (row === undefined ? Option.none() : Option.some(toInvitation(row))),
      ),
    // What it gave is read of the rows as they were before the statement.
    close: ({ id, hashes, status, acceptedBy, now }) => {
      const hasToken = hashes === null ? sql`` : sql`AND i.token_hash IN ${sql.in(hashes)}`
      const inTime =
        status === "revoked"
          ? sql``
          : sql`AND i.expires_at ${sql.literal(status === "expired" ? "<=" : ">")} ${toDate(now)}`
      return Effect.map(
        statements.write(
          "close",
          sql<StoredRow>`WITH ${personTable(sql, acceptedBy)}, closed AS (
            UPDATE belfry_organization_invitations AS i
            SET status = ${status}, accepted_by = (SELECT id FROM person), updated_at = ${toDate(now)}
            WHERE i.id = ${id} AND i.status = 'pending' ${hasToken} ${inTime} RETURNING ${columns}, ${sql.literal(offeredRoles)}
          ), released AS (
            DELETE FROM belfry_organization_invitation_roles AS ir USING closed WHERE ir.invitation_id = closed.item_id
          ) SELECT closed.*, ${sql.literal(placeColumns)} FROM closed
            JOIN belfry_organizations AS o ON o.id = closed.item_organization_id
            LEFT JOIN belfry_users AS inviter ON inviter.id = closed.item_inviter_id`,
        ),
        firstStored,
      )
    },
    accept,
    // Those that somebody works on are left for the next sweep, so that sweeps of several nodes share the work.
    expire: (now, limit) =>
      Effect.map(
        statements.write(
          "expire",
          sql<{ readonly id: InvitationId; readonly organization_id: OrganizationId }>`WITH expired AS (
            UPDATE belfry_organization_invitations SET status = 'expired', updated_at = ${toDate(now)}
            WHERE id = ANY (ARRAY (
              SELECT id FROM belfry_organization_invitations WHERE status = 'pending' AND expires_at <= ${toDate(now)}
              ORDER BY expires_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
            )) RETURNING id, organization_id
          ), released AS (
            DELETE FROM belfry_organization_invitation_roles AS ir USING expired WHERE ir.invitation_id = expired.id
          ) SELECT id, organization_id FROM expired ORDER BY organization_id, id`,
        ),
        (rows) => rows.map((row) => ({ id: row.id, organizationId: row.organization_id })),
      ),
    removeClosed: (instant, limit) =>
      Effect.map(
        statements.write(
          "removeClosed",
          sql<{ readonly count: number }>`WITH removed AS (
            DELETE FROM belfry_organization_invitations WHERE id = ANY (ARRAY (
              SELECT id FROM belfry_organization_invitations WHERE status <> 'pending' AND updated_at < ${toDate(instant)}
              ORDER BY updated_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
            )) RETURNING 1
          ) SELECT count(*)::int4 AS count FROM removed`,
        ),
        ([row]) => row?.count ?? 0,
      ),
  })
})

/**
 * Layer that keeps invitations in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<InvitationStore, never, SqlClient.SqlClient> = Layer.effect(InvitationStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** The row of a join that may have found nothing: `item_id` is null then. */
type Joined<Row> = Row | { readonly [K in keyof Row]: null }

interface FactsRow {
  readonly version: number
  readonly is_member: boolean
  readonly open_id: InvitationId | null
  readonly open_expires_at: Date | null
  readonly roles: InvitationFacts["roles"]
}

const toFacts = (row: MembershipRow & FactsRow): InvitationFacts => ({
  version: row.version,
  organizationName: row.viewer_organization_name,
  isMember: row.is_member,
  open:
    row.open_id === null || row.open_expires_at === null
      ? null
      : { id: row.open_id, expiresAt: DateTime.fromDateUnsafe(row.open_expires_at) },
  roles: row.roles,
})

const storedColumns = `${invitationColumns}, ${offeredRoles}, ${placeColumns}`

const placeJoins = `JOIN belfry_organizations AS o ON o.id = i.organization_id
  LEFT JOIN belfry_users AS inviter ON inviter.id = i.inviter_id`

const firstStored = ([row]: ReadonlyArray<StoredRow>) =>
  row === undefined ? Option.none() : Option.some(toStored(row))

const toDate = DateTime.toDateUtc
