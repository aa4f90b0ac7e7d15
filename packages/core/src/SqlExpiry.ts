/**
 * The statement behind every sweep of expired rows, for the SQL adapters of all packages.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

/**
 * Deletes at most `limit` rows of `table` that expired at or before `until`, oldest first; the number deleted.
 *
 * **Details**
 *
 * Rows that another transaction works on are left for the next sweep, so that sweeps of several nodes share the work
 * instead of waiting for each other. The array is computed once: a plain `IN` with a limit may be computed again for
 * every row and delete more.
 *
 * @category statements
 * @since 0.1.0
 */
export const removeExpired = (
  sql: SqlClient.SqlClient,
  table: string,
  until: Date | number,
  limit: number,
): Effect.Effect<number, SqlError> =>
  Effect.map(
    sql<{ readonly count: number }>`WITH removed AS (
      DELETE FROM ${sql(table)} WHERE ctid = ANY (ARRAY (
        SELECT ctid FROM ${sql(table)} WHERE expires_at <= ${until} ORDER BY expires_at LIMIT ${limit}
        FOR UPDATE SKIP LOCKED
      )) RETURNING 1
    ) SELECT count(*)::int4 AS count FROM removed`,
    (rows) => rows[0]?.count ?? 0,
  )
