/**
 * Uses of rate limits in PostgreSQL, shared by all nodes of one database.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import * as Statement from "effect/sql/Statement"
import * as SqlFixedWindow from "./internal/sqlFixedWindow.ts"
import { RateLimitStore } from "./RateLimitStore.ts"
import * as SqlStoreError from "./SqlStoreError.ts"

/**
 * Builds the store over the SQL client.
 *
 * **Details**
 *
 * All uses are taken by one statement. It locks the counters in the order of the uses: callers who name rules in the
 * same order do not wait for one another in a circle.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "RateLimitStore")

  return RateLimitStore.of({
    take: Effect.fnUntraced(function* (uses) {
      const now = yield* Clock.currentTimeMillis
      // Each step reads what the one before it answers, and so waits for it. After a refusal the input is empty, and
      // nothing more is touched.
      const steps = uses.map(({ key, limit, window }, index) => {
        const before = index === 0 ? sql`` : sql`FROM ${sql.literal(`taken_${index - 1}`)} WHERE granted`
        const rate = Math.max(Duration.toMillis(window), 1) / limit
        return sql`${sql.literal(`use_${index}`)} AS (
          SELECT ${String(now)}::float8 AS now, 1 AS tokens, ${String(rate)}::float8 AS rate,
            ${String(limit)}::float8 AS most ${before}
        ), ${sql.literal(`taken_${index}`)} AS (
          ${SqlFixedWindow.take(sql, key, `use_${index}`)} RETURNING granted, expires_at
        )`
      })
      const answers = uses.map((_, index) => sql`SELECT granted, expires_at FROM ${sql.literal(`taken_${index}`)}`)
      const rows = yield* statements.write(
        "take",
        sql<TakenRow>`WITH ${sql.csv(steps)} ${Statement.join(" UNION ALL ", false)(answers)}`,
      )
      const refused = rows.find(({ granted }) => !granted)
      if (refused !== undefined) return Option.some(Duration.millis(refused.expires_at - now))
      // Each use that is taken answers with its row.
      return rows.length === uses.length ? Option.none() : yield* Effect.die(new Error("A use was not counted"))
    }),
  })
})

/**
 * Layer that counts in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<RateLimitStore, never, SqlClient.SqlClient> = Layer.effect(RateLimitStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface TakenRow {
  readonly granted: boolean
  /** In milliseconds since the epoch. */
  readonly expires_at: number
}
