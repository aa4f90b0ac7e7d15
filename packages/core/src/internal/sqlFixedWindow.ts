/**
 * The fixed windows of rate limits in PostgreSQL.
 */
import type * as SqlClient from "effect/sql/SqlClient"

/**
 * Takes from the window of a key what a table says, of one row or of none: `now`, `tokens` to take, `rate` at which
 * each lengthens the window, and `most` in a window. `RETURNING` follows.
 *
 * A refused take writes too: `granted` tells it from one that was let through, and only the row that was locked knows
 * the count. No indexed column changes then, so the write stays on the row's page.
 */
export const take = (sql: SqlClient.SqlClient, key: string, table: string) => {
  const input = sql.literal(table)
  return sql`
    INSERT INTO belfry_rate_limits AS kept (kind, key, tokens, granted, since, expires_at)
    SELECT 'fixed-window', ${key}, CASE WHEN tokens <= most THEN tokens ELSE 0 END, tokens <= most, now,
      CASE WHEN tokens <= most THEN now + rate * tokens ELSE now END FROM ${input}
    ON CONFLICT ON CONSTRAINT belfry_rate_limits_pkey DO UPDATE SET (tokens, granted, expires_at) = (
      SELECT
        CASE WHEN taken + tokens <= most THEN taken + tokens ELSE taken END,
        taken + tokens <= most,
        CASE WHEN taken + tokens <= most THEN until + rate * tokens ELSE until END
      FROM (
        SELECT input.*,
          CASE WHEN kept.expires_at <= now THEN 0 ELSE kept.tokens END AS taken,
          CASE WHEN kept.expires_at <= now THEN now ELSE kept.expires_at END AS until
        FROM ${input} AS input
      ) AS state
    )`
}
