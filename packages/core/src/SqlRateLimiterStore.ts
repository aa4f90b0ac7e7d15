/**
 * Rate limits in PostgreSQL: the store behind Effect's `RateLimiter`, shared by all nodes of one database.
 *
 * It answers as Effect's memory store does. Each operation is one statement, time is the Clock's, and a state that has
 * run out counts as absent until a sweep removes it.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import type * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import {
  type AdaptivePhase,
  RateLimiterError,
  RateLimiterStore,
  RateLimitStoreError,
} from "effect/persistence/RateLimiter"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as SqlFixedWindow from "./internal/sqlFixedWindow.ts"
import { removeExpired as removeExpiredRows } from "./SqlExpiry.ts"
import * as SqlStoreError from "./SqlStoreError.ts"
import type { StoreError } from "./StoreError.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  const fixedWindow: RateLimiterStore["Service"]["fixedWindow"] = Effect.fnUntraced(
    function* ({ key, tokens, refillRate, limit }) {
      const now = yield* Clock.currentTimeMillis
      const rows = yield* sql<LimitRow>`
        WITH input AS (SELECT
          ${String(now)}::float8 AS now, ${String(tokens)}::float8 AS tokens,
          ${String(Duration.toMillis(refillRate))}::float8 AS rate,
          ${limit ? String(limit) : "Infinity"}::float8 AS most
        )
        ${SqlFixedWindow.take(sql, key, "input")} RETURNING tokens, granted, since, expires_at`
      const row = yield* onlyRow(rows)
      return [row.granted ? row.tokens : row.tokens + tokens, row.expires_at - now] as const
    },
    (self) => Effect.mapError(self, failure("fixedWindow")),
  )

  // `expires_at` is when the bucket is full again: from then on a missing row says the same.
  const tokenBucket: RateLimiterStore["Service"]["tokenBucket"] = Effect.fnUntraced(
    function* ({ key, tokens, limit, refillRate, allowOverflow }) {
      const now = yield* Clock.currentTimeMillis
      const rate = Duration.toMillis(refillRate)
      const rows = yield* sql<LimitRow>`
        WITH input AS (SELECT
          ${String(now)}::float8 AS now, ${String(tokens)}::float8 AS tokens, ${String(limit)}::float8 AS most,
          ${String(rate)}::float8 AS rate, ${allowOverflow} AS overflow
        )
        INSERT INTO belfry_rate_limits AS kept (kind, key, tokens, granted, since, expires_at)
        SELECT 'token-bucket', ${key}, CASE WHEN granted THEN most - tokens ELSE most END, granted, now,
          CASE WHEN granted THEN now + ceil(tokens) * rate ELSE now END
        FROM (SELECT input.*, overflow OR most >= tokens AS granted FROM input) AS state
        ON CONFLICT ON CONSTRAINT belfry_rate_limits_pkey DO UPDATE SET (tokens, granted, since, expires_at) = (
          SELECT remaining, granted, since, since + greatest(0, ceil(most - remaining)) * rate
          FROM (
            SELECT most, rate, since, granted, CASE WHEN granted THEN filled - tokens ELSE filled END AS remaining
            FROM (
              SELECT refilled.*, overflow OR filled >= tokens AS granted,
                CASE WHEN filled >= most THEN now ELSE kept.since + steps * rate END AS since
              FROM (
                SELECT elapsed.*,
                  CASE WHEN steps > 0 THEN least(most, kept.tokens + steps) ELSE kept.tokens END AS filled
                FROM (SELECT input.*, greatest(0, floor((now - kept.since) / rate)) AS steps FROM input) AS elapsed
              ) AS refilled
            ) AS asked
          ) AS state
        ) RETURNING tokens, granted, since, expires_at`
      const row = yield* onlyRow(rows)
      return [row.granted ? row.tokens : row.tokens - tokens, Math.max(0, now - row.since)] as const
    },
    (self) => Effect.mapError(self, failure("tokenBucket")),
  )

  const coolDownIsOver = sql.literal("(phase = 'cooldown' AND cooldown_until <= now)")

  const adaptiveConsume: RateLimiterStore["Service"]["adaptiveConsume"] = Effect.fnUntraced(
    function* ({ key, tokens, fallbackWindow }) {
      const now = yield* Clock.currentTimeMillis
      const learningEnd = now + Duration.toMillis(fallbackWindow) + graceMillis
      const [row] = yield* sql<AdaptiveRow>`
        WITH input AS (SELECT ${String(now)}::float8 AS now, ${String(tokens)}::float8 AS tokens)
        UPDATE belfry_rate_limits AS kept SET
          phase = CASE WHEN ${coolDownIsOver} THEN 'learning' ELSE phase END,
          epoch = CASE WHEN ${coolDownIsOver} THEN epoch + 1 ELSE epoch END,
          since = CASE WHEN ${coolDownIsOver} THEN now ELSE since END,
          expires_at = CASE WHEN ${coolDownIsOver} THEN ${String(learningEnd)}::float8 ELSE expires_at END,
          tokens = CASE
            WHEN ${coolDownIsOver} OR (phase = 'learned' AND cooldown_until <= now) THEN input.tokens
            WHEN phase = 'cooldown' THEN kept.tokens
            ELSE kept.tokens + input.tokens
          END,
          cooldown_until = CASE
            WHEN phase = 'learned'
            THEN greatest(cooldown_until, now) + (learned_window / learned_limit) * input.tokens
            ELSE cooldown_until
          END
        FROM input WHERE kind = 'adaptive' AND key = ${key} AND expires_at > now
        RETURNING phase, epoch, kept.tokens AS tokens, cooldown_until, learned_limit, learned_window`
      if (row === undefined) return { delay: Duration.zero, epoch: 0, phase: "inactive" } as const
      return { delay: Duration.millis(Math.max(0, adaptiveDelay(row, now))), epoch: row.epoch, phase: row.phase }
    },
    (self) => Effect.mapError(self, failure("adaptiveConsume")),
  )

  // Epoch 0 is the first cool-down, the only epoch that has no row yet.
  const startCoolDown = (key: string, now: number, until: number) => sql`
    INSERT INTO belfry_rate_limits AS kept (kind, key, tokens, granted, since, expires_at, phase, cooldown_until)
    VALUES ('adaptive', ${key}, 0, true, 0, ${String(until + graceMillis)}::float8, 'cooldown', ${String(until)}::float8)
    ON CONFLICT ON CONSTRAINT belfry_rate_limits_pkey DO UPDATE SET
      tokens = 0, since = 0, epoch = 0, phase = 'cooldown', learned_limit = 0, learned_window = 0,
      (cooldown_until, expires_at) = (
        SELECT until, until + ${String(graceMillis)}::float8 FROM (
          SELECT CASE
            WHEN kept.expires_at <= ${String(now)}::float8 THEN excluded.cooldown_until
            ELSE greatest(kept.cooldown_until, excluded.cooldown_until)
          END AS until
        ) AS state
      )
    WHERE kept.expires_at <= ${String(now)}::float8 OR kept.epoch = 0`

  const adjust = (options: {
    readonly key: string
    readonly epoch: number
    readonly tokens: number
    readonly now: number
    readonly retryAfter: number
  }) => sql`
    WITH input AS (SELECT
      ${String(options.now)}::float8 AS now, ${String(options.tokens)}::float8 AS tokens,
      ${String(options.retryAfter)}::float8 AS retry_after, ${String(graceMillis)}::float8 AS grace
    )
    UPDATE belfry_rate_limits AS kept
    SET (phase, epoch, since, tokens, learned_limit, learned_window, cooldown_until, expires_at) = (
      SELECT
        CASE WHEN learns THEN 'learned' ELSE 'cooldown' END,
        CASE WHEN learns THEN kept.epoch + 1 ELSE kept.epoch END,
        CASE WHEN learns THEN kept.since ELSE 0 END,
        CASE WHEN learns THEN accepted ELSE 0 END,
        CASE WHEN learns THEN accepted ELSE 0 END,
        CASE WHEN learns THEN time_window ELSE 0 END,
        CASE WHEN learns THEN kept.since + time_window ELSE until END,
        CASE WHEN learns THEN now + time_window ELSE until END + grace
      FROM (SELECT
        kept.phase = 'learning' AND kept.tokens > input.tokens AS learns,
        kept.tokens - input.tokens AS accepted,
        least(greatest(now - kept.since + retry_after, 1), ${String(maxWindowMillis)}::float8) AS time_window,
        CASE
          WHEN kept.phase = 'cooldown' THEN greatest(kept.cooldown_until, now + retry_after)
          ELSE now + retry_after
        END AS until
      ) AS state
    )
    FROM input
    WHERE kind = 'adaptive' AND key = ${options.key} AND epoch = ${options.epoch} AND expires_at > now`

  const adaptiveFeedback: RateLimiterStore["Service"]["adaptiveFeedback"] = Effect.fnUntraced(
    function* ({ key, epoch, tokens, status, retryAfter }) {
      if (status !== 429 || retryAfter === undefined) return
      const now = yield* Clock.currentTimeMillis
      const millis = clampWindow(Duration.toMillis(retryAfter))
      yield* epoch === 0
        ? startCoolDown(key, now, now + millis)
        : adjust({ key, epoch, tokens, now, retryAfter: millis })
    },
    (self) => Effect.mapError(self, failure("adaptiveFeedback")),
  )

  return RateLimiterStore.of({ fixedWindow, tokenBucket, adaptiveConsume, adaptiveFeedback })
})

/**
 * Layer that keeps rate limits in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<RateLimiterStore, never, SqlClient.SqlClient> = Layer.effect(RateLimiterStore, make)

/**
 * Removes at most `limit` states that had run out at `now`; the number removed.
 *
 * @category sweeping
 * @since 0.1.0
 */
export const removeExpired = (
  now: DateTime.Utc,
  limit: number,
): Effect.Effect<number, StoreError, SqlClient.SqlClient> =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    SqlStoreError.statements(sql, "RateLimiterStore").write(
      "removeExpired",
      removeExpiredRows(sql, "belfry_rate_limits", now.epochMilliseconds, limit),
    ),
  )

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface LimitRow {
  readonly tokens: number
  readonly granted: boolean
  readonly since: number
  readonly expires_at: number
}

interface AdaptiveRow {
  readonly phase: AdaptivePhase
  readonly epoch: number
  readonly tokens: number
  readonly cooldown_until: number
  readonly learned_limit: number
  readonly learned_window: number
}

// Both as in Effect's own stores.
const graceMillis = 60_000
const maxWindowMillis = 3_600_000

const clampWindow = (millis: number): number =>
  Number.isNaN(millis) || millis <= 0 ? 1 : Math.min(millis, maxWindowMillis)

const adaptiveDelay = (row: AdaptiveRow, now: number): number => {
  if (row.phase === "cooldown") return row.cooldown_until - now
  if (row.phase !== "learned") return 0
  const elapsed = row.tokens * (row.learned_window / row.learned_limit) - (row.cooldown_until - now)
  return Math.floor((row.tokens - 1) / row.learned_limit) * row.learned_window - elapsed
}

// An upsert always returns its row.
const onlyRow = <Row>([row]: ReadonlyArray<Row>): Effect.Effect<Row> =>
  row === undefined ? Effect.die(new Error("The upsert returned no row")) : Effect.succeed(row)

const failure =
  (method: string) =>
  (cause: SqlError): RateLimiterError =>
    new RateLimiterError({
      reason: new RateLimitStoreError({ message: `RateLimiterStore.${method} could not be answered`, cause }),
    })
