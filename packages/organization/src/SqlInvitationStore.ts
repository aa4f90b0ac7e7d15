/**
 * Invitations in PostgreSQL.
 *
 * @since 0.1.0
 */
import { recorded } from "@belfry/core/SqlChangeRecord"
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
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
import { personTable, seatTables } from "./internal/sqlMembers.ts"
import { isThere, type MembershipRow, toGuarded, viewerTable } from "./internal/sqlMembership.ts"
import { before, begins, limitTo } from "./internal/sqlPages.ts"
import type { InvitationId, InvitationStatus } from "./Invitation.ts"
import { type InvitationFacts, InvitationStore } from "./InvitationStore.ts"
import type { OrganizationId } from "./Organization.ts"

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
  const stored = sql.literal(`${invitationColumns}, ${offeredRoles}, ${placeColumns}`)
  const place = sql.literal(`JOIN belfry_organizations AS o ON o.id = i.organization_id
    LEFT JOIN belfry_users AS inviter ON inviter.id = i.inviter_id`)

  const isOf = (status: InvitationStatus | null, now: Date) => {
    if (status === null) return sql``
    if (status === "pending") return sql`AND i.status = 'pending' AND i.expires_at > ${now}`
    if (status === "expired") return sql`AND (i.status = 'expired' OR i.status = 'pending' AND i.expires_at <= ${now})`
    return sql`AND i.status = ${status}`
  }

  /** An organization that is there and has this version still, and room for another member; locked. */
  const placeAt = (organizationId: OrganizationId, version: number, limit: number | null = null) =>
    sql`SELECT o.id FROM belfry_organizations AS o WHERE o.id = ${organizationId} AND o.version = ${version}::int8
      AND ${sql.literal(isThere)} AND (${limit}::integer IS NULL OR o.member_count < ${limit}::integer)
      FOR NO KEY UPDATE OF o`

  return InvitationStore.of({
    prepare: (viewer, { email, roles }) =>
      Effect.map(
        statements.read(
          "prepare",
          sql<MembershipRow & FactsRow>`WITH ${viewerTable(sql, viewer)} SELECT viewer.*, (
              SELECT o.version::float8 FROM belfry_organizations AS o WHERE o.id = viewer.viewer_organization_id
            ) AS version, EXISTS (
              SELECT FROM belfry_users AS u
              JOIN belfry_organization_members AS m ON m.user_id = u.id
              WHERE u.email = ${email} AND m.organization_id = viewer.viewer_organization_id
            ) AS is_member, open.id AS open_id, open.expires_at AS open_expires_at, COALESCE((
              SELECT jsonb_agg(jsonb_build_object('id', r.id, 'name', r.name, 'permissions', r.permissions) ORDER BY r.name)
              FROM belfry_organization_roles AS r
              WHERE r.organization_id = viewer.viewer_organization_id AND r.name = ANY (${roles}::text[])
            ), '[]') AS roles
            FROM viewer LEFT JOIN belfry_organization_invitations AS open
              ON open.organization_id = viewer.viewer_organization_id AND open.email = ${email} AND open.status = 'pending'`,
        ),
        (rows) => toGuarded(rows, ([row]) => toFacts(row)),
      ),
    // An address that is invited is answered before the organization is found to have too many. What has no rows is
    // left out: the database would plan the statement anew each time for the lengths of the arrays.
    insert: ({ invitation, assignment, tokenHash, limit, version = null, record }) => {
      const { id, organizationId, email, createdAt } = invitation
      const hasRoom = sql`(${limit}::integer IS NULL OR (SELECT count(*) FROM (
        SELECT FROM belfry_organization_invitations WHERE organization_id = ${organizationId} AND status = 'pending'
          AND expires_at > ${toDate(createdAt)} LIMIT ${limit}
      ) AS counted) < ${limit}::integer)`
      return Effect.map(
        statements.write(
          "insert",
          sql<Insertion>`WITH place AS (${
            version === null ? sql`SELECT ${organizationId}::uuid AS id` : placeAt(organizationId, version)
          }), kept AS (
            INSERT INTO belfry_organization_invitations (
              id, organization_id, email, built_in_roles, role_names, status, token_hash, inviter_id, accepted_by, sends,
              sent_at, created_at, updated_at, expires_at
            )
            SELECT ${id}::uuid, place.id, ${email}::text, ${assignment.builtIn}::text[],
              ${invitation.roles}::text[], ${invitation.status}::text, ${tokenHash}::text, ${invitation.inviterId}::uuid,
              ${invitation.acceptedBy}::uuid, ${invitation.sends}::integer, ${toDate(invitation.sentAt)}::timestamptz,
              ${toDate(createdAt)}::timestamptz, ${toDate(invitation.updatedAt)}::timestamptz,
              ${toDate(invitation.expiresAt)}::timestamptz
            FROM place WHERE ${hasRoom}
            ON CONFLICT (organization_id, email) WHERE status = 'pending' DO NOTHING RETURNING id, organization_id
          ), ${
            assignment.custom.length === 0
              ? sql``
              : sql`given AS (
                  INSERT INTO belfry_organization_invitation_roles (invitation_id, role_id, organization_id)
                  SELECT kept.id, role_id, kept.organization_id FROM kept, unnest(${assignment.custom}::uuid[]) AS role_id
                ), `
          }${
            invitation.teams.length === 0
              ? sql``
              : sql`joined AS (
                  INSERT INTO belfry_organization_invitation_teams (invitation_id, team_id, organization_id, role)
                  SELECT kept.id, team_id, kept.organization_id, role FROM kept, unnest(
                    ${invitation.teams.map(({ teamId }) => teamId)}::uuid[],
                    ${invitation.teams.map(({ role }) => role)}::text[]
                  ) AS team (team_id, role)
                ), `
          }passed AS (${
            version === null
              ? sql`SELECT`
              : sql`UPDATE belfry_organizations AS o SET version = o.version + 1 FROM kept WHERE o.id = kept.organization_id`
          }) ${recorded(sql, "kept", record)}
          SELECT EXISTS (SELECT FROM place) AS is_current, EXISTS (SELECT FROM kept) AS is_kept, ${hasRoom} OR EXISTS (
            SELECT FROM belfry_organization_invitations
            WHERE organization_id = ${organizationId} AND email = ${email} AND status = 'pending'
          ) AS is_invited`,
        ),
        ([row]) => {
          if (row?.is_kept === true) return "kept"
          if (row?.is_current !== true) return "changed"
          return row.is_invited ? "invited" : "full"
        },
      )
    },
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
    findByToken: (hashes) =>
      Effect.map(
        statements.read(
          "findByToken",
          sql<StoredRow>`SELECT ${stored} FROM belfry_organization_invitations AS i ${place}
            WHERE i.token_hash IN ${sql.in(hashes)} AND ${sql.literal(isThere)}`,
        ),
        firstStored,
      ),
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
    // Locked one after the other, as by all others: the organization, the user, the invitation. Nothing is written
    // unless all three are as they are meant to be when they are locked; nobody becomes a member without another
    // version of the organization, so that who is none then has a seat to take. Roles are read with the version too: an
    // invitation that gives none of the organization's has none to release.
    accept: ({ hashes, invitation: { assignment, invitation, version }, limit, member, now, record }) => {
      const { id, organizationId } = invitation
      const { sessionId = null, ...who } = member
      const hasToken = hashes === null ? sql`` : sql`AND i.token_hash IN ${sql.in(hashes)}`
      return Effect.map(
        statements.write(
          "accept",
          sql`WITH place AS (${placeAt(organizationId, version, limit)}), person AS (
            SELECT u.id FROM place, belfry_users AS u WHERE u.id = ${who.userId} AND NOT EXISTS (
              SELECT FROM belfry_organization_members WHERE organization_id = ${organizationId} AND user_id = ${who.userId}
            ) FOR KEY SHARE OF u
          ), closed AS (
            UPDATE belfry_organization_invitations AS i
            SET status = 'accepted', accepted_by = person.id, updated_at = ${toDate(now)} FROM person
            WHERE i.id = ${id} AND i.organization_id = ${organizationId} AND i.status = 'pending'
              AND i.expires_at > ${toDate(now)} ${hasToken} RETURNING i.id
          ), ${seatTables(sql, { ...who, organizationId, roles: assignment, sessionId, now }, sql`closed`)}${
            assignment.custom.length === 0
              ? sql``
              : sql`, released AS (
                  DELETE FROM belfry_organization_invitation_roles AS ir USING seat WHERE ir.invitation_id = ${id}
                )`
          } ${recorded(sql, "seat", record)} SELECT FROM seat`,
        ),
        (rows) => rows.length > 0,
      )
    },
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

interface Insertion {
  readonly is_current: boolean
  readonly is_kept: boolean
  readonly is_invited: boolean
}

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

const firstStored = ([row]: ReadonlyArray<StoredRow>) =>
  row === undefined ? Option.none() : Option.some(toStored(row))

const toDate = DateTime.toDateUtc
