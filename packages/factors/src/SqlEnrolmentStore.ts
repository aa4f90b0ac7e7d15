/**
 * What users have set up, read from the tables of every factor in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import type { Enrolment } from "./Enrolment.ts"
import { EnrolmentStore } from "./EnrolmentStore.ts"
import type { Factor } from "./Factor.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "EnrolmentStore")

  return EnrolmentStore.of({
    // Six look-ups by index. `position` is the place in `Factor`.
    list: (userId) =>
      Effect.map(
        statements.read(
          "list",
          sql<EnrolmentRow>`
            SELECT 1 AS position, 'password' AS factor, 1 AS count, created_at, NULL::timestamptz AS last_used_at
              FROM belfry_passwords WHERE user_id = ${userId}
            UNION ALL
            SELECT 2, 'oauth', count(*)::int4, min(created_at), NULL::timestamptz
              FROM belfry_linked_accounts WHERE user_id = ${userId} HAVING count(*) > 0
            UNION ALL
            SELECT 3, 'passkey', count(*)::int4, min(created_at), max(last_used_at)
              FROM belfry_passkeys WHERE user_id = ${userId} HAVING count(*) > 0
            UNION ALL
            SELECT 4, 'totp', 1, created_at, last_used_at
              FROM belfry_totps WHERE user_id = ${userId} AND confirmed_at IS NOT NULL
            UNION ALL
            SELECT 5, 'hotp', 1, created_at, last_used_at
              FROM belfry_hotps WHERE user_id = ${userId} AND confirmed_at IS NOT NULL
            UNION ALL
            SELECT 6, 'backup-code', (count(*) - count(used_at))::int4, min(created_at), max(used_at)
              FROM belfry_backup_codes WHERE user_id = ${userId} HAVING count(*) > count(used_at)
            ORDER BY position`,
        ),
        (rows) => rows.map(toEnrolment),
      ),
    // Not FOR UPDATE: that would also hold up every insertion of a row that refers to the user.
    lock: (userId) =>
      Effect.map(
        statements.read("lock", sql`SELECT id FROM belfry_users WHERE id = ${userId} FOR NO KEY UPDATE`),
        (rows) => rows.length > 0,
      ),
  })
})

/**
 * Layer that reads enrolments from PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<EnrolmentStore, never, SqlClient.SqlClient> = Layer.effect(EnrolmentStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface EnrolmentRow {
  readonly factor: Factor
  readonly count: number
  readonly created_at: Date
  readonly last_used_at: Date | null
}

const toEnrolment = (row: EnrolmentRow): Enrolment => ({
  factor: row.factor,
  count: row.count,
  createdAt: DateTime.fromDateUnsafe(row.created_at),
  lastUsedAt: row.last_used_at === null ? null : DateTime.fromDateUnsafe(row.last_used_at),
})
