/**
 * The proofs of sessions in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import type { Factor } from "./Factor.ts"
import { SessionProofStore } from "./SessionProofStore.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "SessionProofStore")

  return SessionProofStore.of({
    record: (sessionId, proofs) =>
      Effect.asVoid(
        statements.write(
          "record",
          // Grouped: one statement may not write a row twice.
          sql`INSERT INTO belfry_session_proofs (session_id, factor, proved_at)
            SELECT ${sessionId}::uuid, factor, to_timestamp(max(at) / 1000)
              FROM unnest(
                ${proofs.map(({ factor }) => factor)}::text[],
                ${proofs.map(({ at }) => at.epochMilliseconds)}::float8[]
              ) AS proof (factor, at) GROUP BY factor
            ON CONFLICT ON CONSTRAINT belfry_session_proofs_pkey
              DO UPDATE SET proved_at = greatest(belfry_session_proofs.proved_at, EXCLUDED.proved_at)`,
        ),
      ),
    list: (sessionId, since) =>
      Effect.map(
        statements.read(
          "list",
          sql<SessionProofRow>`SELECT factor, proved_at FROM belfry_session_proofs
            WHERE session_id = ${sessionId} AND proved_at > ${DateTime.toDateUtc(since)} ORDER BY proved_at, factor`,
        ),
        (rows) => rows.map((row) => ({ factor: row.factor, at: DateTime.fromDateUnsafe(row.proved_at) })),
      ),
  })
})

/**
 * Layer that keeps the proofs of sessions in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<SessionProofStore, never, SqlClient.SqlClient> = Layer.effect(SessionProofStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface SessionProofRow {
  readonly factor: Factor
  readonly proved_at: Date
}
