/**
 * Backup codes in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import { BackupCodeStore } from "./BackupCodeStore.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "BackupCodeStore")

  return BackupCodeStore.of({
    replace: (userId, hashes, now) =>
      Effect.asVoid(
        statements.write(
          "replace",
          sql.withTransaction(
            Effect.gen(function* () {
              // Two sets made at once would not see each other's codes, and both would stay.
              yield* sql`SELECT id FROM belfry_users WHERE id = ${userId} FOR NO KEY UPDATE`
              yield* sql`DELETE FROM belfry_backup_codes WHERE user_id = ${userId}`
              yield* sql`INSERT INTO belfry_backup_codes (user_id, code_hash, created_at)
                SELECT ${userId}::uuid, code_hash, ${DateTime.toDateUtc(now)}::timestamptz
                FROM unnest(${hashes}::text[]) AS code_hash`
            }),
          ),
        ),
      ),
    consume: (userId, hashes, now) =>
      Effect.map(
        statements.write(
          "consume",
          sql`UPDATE belfry_backup_codes SET used_at = ${DateTime.toDateUtc(now)}
            WHERE user_id = ${userId} AND code_hash = ANY(${hashes}::text[]) AND used_at IS NULL RETURNING user_id`,
        ),
        (rows) => rows.length > 0,
      ),
    isUsed: (userId, hashes) =>
      Effect.map(
        statements.read(
          "isUsed",
          sql`SELECT user_id FROM belfry_backup_codes
            WHERE user_id = ${userId} AND code_hash = ANY(${hashes}::text[]) AND used_at IS NOT NULL`,
        ),
        (rows) => rows.length > 0,
      ),
    remaining: (userId) =>
      Effect.map(
        statements.read(
          "remaining",
          sql<CountRow>`SELECT count(*)::int4 AS count FROM belfry_backup_codes
            WHERE user_id = ${userId} AND used_at IS NULL`,
        ),
        ([row]) => row?.count ?? 0,
      ),
    remove: (userId) =>
      Effect.map(
        statements.write(
          "remove",
          sql<UsedRow>`DELETE FROM belfry_backup_codes WHERE user_id = ${userId} RETURNING used_at`,
        ),
        (rows) => rows.some((row) => row.used_at === null),
      ),
  })
})

/**
 * Layer that keeps backup codes in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<BackupCodeStore, never, SqlClient.SqlClient> = Layer.effect(BackupCodeStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface CountRow {
  readonly count: number
}

interface UsedRow {
  readonly used_at: Date | null
}
