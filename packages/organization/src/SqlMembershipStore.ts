/**
 * Who is a member of what, in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import {
  chooses,
  isNamed,
  isThere,
  membershipColumns,
  type MembershipRow,
  toMembership,
  viewerTable,
} from "./internal/sqlMembership.ts"
import type { StoredMembership, Viewer } from "./Membership.ts"
import { type ActiveSource, MembershipStore } from "./MembershipStore.ts"
import type { OrganizationId } from "./Organization.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "MembershipStore")

  const find = (method: string, viewer: Viewer, deleted: boolean) =>
    Effect.map(
      statements.read(method, sql<MembershipRow>`WITH ${viewerTable(sql, viewer, deleted)} SELECT * FROM viewer`),
      firstMembership,
    )

  // Of organizations that are there, and of this user: a default that somebody else's membership is counts for nothing.
  const mine = (userId: Viewer["userId"]) =>
    sql`m.user_id = ${userId} AND EXISTS (
      SELECT FROM belfry_organizations AS o WHERE o.id = m.organization_id AND ${sql.literal(isThere)}
    )`

  return MembershipStore.of({
    find: (viewer) => find("find", viewer, false),
    findDeleted: (viewer) => find("findDeleted", viewer, true),
    findActive: ({ userId, sessionId }) =>
      Effect.map(
        statements.read(
          "findActive",
          sql<ActiveRow>`WITH candidate (member_id, source, place) AS (
              SELECT m.id, 'session', 1 FROM belfry_organization_members AS m WHERE m.id = (
                SELECT member_id FROM belfry_session_organizations WHERE session_id = ${sessionId}
              ) AND ${mine(userId)}
            UNION ALL (
              SELECT m.id, 'last-used', 2 FROM belfry_organization_members AS m
              WHERE m.last_used_at IS NOT NULL AND ${mine(userId)} ORDER BY m.last_used_at DESC LIMIT 1
            )
            UNION ALL
              SELECT (array_agg(two.id))[1], 'only', 3 FROM (
                SELECT m.id FROM belfry_organization_members AS m WHERE ${mine(userId)} LIMIT 2
              ) AS two HAVING count(*) = 1
          ), chosen AS MATERIALIZED (
            SELECT member_id, source FROM candidate ORDER BY place LIMIT 1
          )
          SELECT chosen.source, ${sql.literal(membershipColumns)} FROM chosen
          JOIN belfry_organization_members AS m ON m.id = chosen.member_id
          JOIN belfry_organizations AS o ON o.id = m.organization_id`,
        ),
        ([row]) =>
          row === undefined ? Option.none() : Option.some({ membership: toMembership(row), source: row.source }),
      ),
    // The lock is taken of what passed the condition, so that outsiders hold up nobody.
    lock: (organization, memberUserId) =>
      Effect.map(
        statements.write(
          "lock",
          sql<LockedRow>`UPDATE belfry_organizations AS o SET version = o.version + 1 WHERE ${isNamed(sql, organization)} ${
            memberUserId === null
              ? sql``
              : sql`AND EXISTS (
                  SELECT FROM belfry_organization_members AS m
                  WHERE m.organization_id = o.id AND m.user_id = ${memberUserId}
                )`
          } RETURNING o.id, o.deleted_at`,
        ),
        ([row]) =>
          row === undefined
            ? Option.none()
            : Option.some({
                id: row.id,
                deletedAt: row.deleted_at === null ? null : DateTime.fromDateUnsafe(row.deleted_at),
              }),
      ),
    setActive: ({ sessionId, memberId, now }) =>
      Effect.map(
        statements.write(
          "setActive",
          sql`WITH used AS (
            UPDATE belfry_organization_members AS m SET last_used_at = ${DateTime.toDateUtc(now)} WHERE m.id = ${memberId}
              AND EXISTS (
                SELECT FROM belfry_organizations AS o WHERE o.id = m.organization_id AND ${sql.literal(isThere)}
              ) RETURNING m.id
          ), kept AS (${chooses(sql, sessionId, "used", now)}) SELECT FROM used`,
        ),
        (rows) => rows.length > 0,
      ),
    clearActive: (sessionId) =>
      Effect.asVoid(
        statements.write("clearActive", sql`DELETE FROM belfry_session_organizations WHERE session_id = ${sessionId}`),
      ),
  })
})

/**
 * Layer that keeps in PostgreSQL who is a member of what.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<MembershipStore, never, SqlClient.SqlClient> = Layer.effect(MembershipStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface ActiveRow extends MembershipRow {
  readonly source: ActiveSource
}

interface LockedRow {
  readonly id: OrganizationId
  readonly deleted_at: Date | null
}

const firstMembership = ([row]: ReadonlyArray<MembershipRow>): Option.Option<StoredMembership> =>
  row === undefined ? Option.none() : Option.some(toMembership(row))
