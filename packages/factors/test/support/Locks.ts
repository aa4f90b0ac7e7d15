/**
 * What waits for a lock in PostgreSQL.
 */
import { Effect, type Fiber } from "effect"
import { SqlClient } from "effect/sql"

/**
 * True once somebody in this database waits for a lock; false when `fiber` ends before anybody does. Whoever waits must do
 * so in a transaction: other statements share connections, and those that come after it wait with it.
 */
export const isWaitingForLock = Effect.fnUntraced(function* <A, E>(fiber: Fiber.Fiber<A, E>) {
  const sql = yield* SqlClient.SqlClient
  const waiting = sql.withTransaction(sql<{ readonly count: number }>`
    SELECT count(*)::int4 AS count FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'`)
  while (fiber.pollUnsafe() === undefined) if (((yield* waiting)[0]?.count ?? 0) > 0) return true
  return false
})
