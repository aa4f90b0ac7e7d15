/**
 * Who waits for a lock in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Reactivity from "effect/reactivity/Reactivity"

/**
 * True once somebody in this database waits for a lock; false when `fiber` ends before anybody does.
 *
 * **Details**
 *
 * It looks on by a connection of its own: single statements share connections, and one that came after the one that
 * waits would wait with it.
 *
 * @category observing
 * @since 0.1.0
 */
export const isWaitingForLock = Effect.fnUntraced(
  function* <A, E>(fiber: Fiber.Fiber<A, E>) {
    const { config } = yield* PgClient.PgClient
    const sql = yield* PgClient.makeClient(config)
    const waiting = sql<{ readonly count: number }>`SELECT count(*)::int4 AS count FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`
    while (fiber.pollUnsafe() === undefined) if (((yield* waiting)[0]?.count ?? 0) > 0) return true
    return false
  },
  Effect.provide(Reactivity.layer),
  Effect.scoped,
)
