/**
 * The outbox in PostgreSQL.
 *
 * @since 0.1.0
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import type { NewOutboxEvent, OutboxEvent, OutboxEventId } from "./OutboxEvent.ts"
import { type OutboxBatch, type OutboxOutcome, OutboxStore } from "./OutboxStore.ts"
import { toJsonb } from "./SqlJson.ts"
import * as SqlStoreError from "./SqlStoreError.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "OutboxStore")
  // Evaluated once a statement, before it looks for rows; true, and over with the transaction.
  const notWaiting = sql.literal("(SELECT set_config('synchronous_commit', 'off', true)) = 'off'")

  const endLeases = (
    { lease, now }: { readonly lease: string; readonly now: DateTime.Utc },
    outcomes: NonEmptyReadonlyArray<OutboxOutcome>,
    locked: "wait" | "pass over",
  ) => {
    const aggregates = outcomes.map(({ aggregate }) => aggregate)
    return Effect.map(
      statements.write(
        "settle",
        sql<{ readonly aggregate: string }>`UPDATE belfry_outbox_aggregates AS a
          SET delivered_version = o.delivered, lease = NULL, attempts = o.attempts,
            due_at = COALESCE(o.retry_at, CASE WHEN a.last_version > o.delivered THEN ${toDate(now)}::timestamptz END)
          FROM jsonb_to_recordset(${toJsonb(outcomes.map(toRecord))}::jsonb)
            AS o (aggregate text, delivered int8, attempts int4, retry_at timestamptz)
          WHERE a.aggregate = o.aggregate AND a.lease = ${lease} AND a.aggregate = ANY (ARRAY (
            SELECT aggregate FROM belfry_outbox_aggregates
            WHERE aggregate = ANY (${aggregates}::text[]) AND ${notWaiting}
            FOR UPDATE ${sql.literal(locked === "wait" ? "" : "SKIP LOCKED")}
          )) RETURNING a.aggregate`,
      ),
      (rows) => rows.map(({ aggregate }) => aggregate),
    )
  }

  return OutboxStore.of({
    // The row of the aggregate is locked until the transaction ends, so versions are in the order of commits, gapless.
    append: (events) =>
      Effect.asVoid(
        statements.write("append", sql.unsafe(appendStatement, [events[0].aggregate, toJsonb(events.map(toEventRow))])),
      ),
    // The array is computed once: see `removeExpired` of SqlExpiry. Who is at an aggregate is passed over, not waited
    // for. Neither a lease nor its end waits for the disk: what a crash takes of them is delivered again.
    claim: ({ aggregates, events, lease, now, until }) =>
      Effect.map(
        statements.write(
          "claim",
          sql<OutboxEventRow>`WITH taken AS (
            UPDATE belfry_outbox_aggregates SET lease = ${lease}, due_at = ${toDate(until)}
            WHERE aggregate = ANY (ARRAY (
              SELECT aggregate FROM belfry_outbox_aggregates WHERE due_at <= ${toDate(now)} AND ${notWaiting}
              ORDER BY due_at LIMIT ${aggregates} FOR UPDATE SKIP LOCKED
            ))
            RETURNING aggregate, delivered_version, attempts
          )
          SELECT taken.aggregate, taken.attempts, e.version::float8 AS version, e.id, e.type, e.payload, e.occurred_at
          FROM taken CROSS JOIN LATERAL (
            SELECT * FROM belfry_outbox_events AS event
            WHERE event.aggregate = taken.aggregate AND event.version > taken.delivered_version
            ORDER BY event.version LIMIT ${events}
          ) AS e
          ORDER BY taken.aggregate, e.version`,
        ),
        toBatches,
      ),
    // Whose transaction has one aggregate may come to want another: who waits for one must hold none.
    settle: Effect.fnUntraced(function* ({ outcomes, ...by }) {
      if (outcomes.length === 1) return yield* endLeases(by, outcomes, "wait")
      const ended = yield* endLeases(by, outcomes, "pass over")
      const rest = outcomes.filter(({ aggregate }) => !ended.includes(aggregate))
      const late = yield* Effect.forEach(rest, (outcome) => endLeases(by, [outcome], "wait"))
      return [...ended, ...late.flat()]
    }),
    removeDelivered: (instant, limit) =>
      Effect.map(
        statements.write(
          "removeDelivered",
          sql<{ readonly count: number }>`WITH removed AS (
            DELETE FROM belfry_outbox_events WHERE ctid = ANY (ARRAY (
              SELECT e.ctid FROM belfry_outbox_events e
              JOIN belfry_outbox_aggregates a ON a.aggregate = e.aggregate AND e.version <= a.delivered_version
              WHERE e.occurred_at < ${toDate(instant)} ORDER BY e.occurred_at LIMIT ${limit}
              FOR UPDATE OF e SKIP LOCKED
            )) RETURNING 1
          ) SELECT count(*)::int4 AS count FROM removed`,
        ),
        (rows) => rows[0]?.count ?? 0,
      ),
    waitsSince: Effect.map(
      statements.read(
        "waitsSince",
        sql<{ readonly since: Date | null }>`SELECT min(e.occurred_at) AS since FROM belfry_outbox_aggregates a
          JOIN belfry_outbox_events e ON e.aggregate = a.aggregate AND e.version = a.delivered_version + 1
          WHERE a.due_at IS NOT NULL`,
      ),
      ([row]) => (row === undefined || row.since === null ? null : DateTime.fromDateUnsafe(row.since)),
    ),
  })
})

/**
 * Layer that keeps the outbox in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<OutboxStore, never, SqlClient.SqlClient> = Layer.effect(OutboxStore, make)

/**
 * Common table expressions that append the events of each row of `table`, which has the columns `aggregate` and
 * `events`: each aggregate once, and its events as {@link toEventRow} writes them. A row without events is passed over.
 *
 * @category constructors
 * @since 0.1.0
 */
export const appendedTo = (table: string): string => `head AS (
    INSERT INTO belfry_outbox_aggregates AS a (aggregate, last_version, due_at)
    SELECT aggregate, jsonb_array_length(events), (events -> 0 ->> 'occurredAt')::timestamptz FROM ${table}
    WHERE jsonb_array_length(events) > 0 ORDER BY aggregate
    ON CONFLICT ON CONSTRAINT belfry_outbox_aggregates_pkey DO UPDATE SET
      last_version = a.last_version + excluded.last_version, due_at = COALESCE(a.due_at, excluded.due_at)
    RETURNING aggregate, last_version
  ), appended AS (
    INSERT INTO belfry_outbox_events (aggregate, version, id, type, payload, occurred_at)
    SELECT head.aggregate, head.last_version - jsonb_array_length(${table}.events) + nth, (event ->> 'id')::uuid,
      event ->> 'type', event -> 'payload', (event ->> 'occurredAt')::timestamptz
    FROM head JOIN ${table} ON ${table}.aggregate = head.aggregate
    CROSS JOIN LATERAL jsonb_array_elements(${table}.events) WITH ORDINALITY AS e (event, nth)
  )`

/**
 * An event as {@link appendedTo} reads it.
 *
 * @category rows
 * @since 0.1.0
 */
export const toEventRow = ({ id, occurredAt, payload, type }: NewOutboxEvent) => ({
  id,
  type,
  payload,
  occurredAt: DateTime.formatIso(occurredAt),
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const appendStatement = `WITH change AS (SELECT $1::text AS aggregate, $2::jsonb AS events), ${appendedTo("change")} SELECT`

interface OutboxEventRow {
  readonly aggregate: string
  readonly attempts: number
  readonly version: number
  readonly id: OutboxEventId
  readonly type: string
  readonly payload: OutboxEvent["payload"]
  readonly occurred_at: Date
}

/** The batches of rows in the order of their aggregates and versions. */
const toBatches = (rows: ReadonlyArray<OutboxEventRow>): ReadonlyArray<OutboxBatch> => {
  const batches = new Map<
    string,
    { readonly attempts: number; readonly events: [OutboxEvent, ...Array<OutboxEvent>] }
  >()
  for (const { attempts, occurred_at, ...event } of rows) {
    const batch = batches.get(event.aggregate)
    const read = { ...event, occurredAt: DateTime.fromDateUnsafe(occurred_at) }
    if (batch === undefined) batches.set(event.aggregate, { attempts, events: [read] })
    else batch.events.push(read)
  }
  return [...batches].map(([aggregate, batch]) => ({ aggregate, ...batch }))
}

const toRecord = ({ retryAt, ...outcome }: OutboxOutcome) => ({
  ...outcome,
  retry_at: retryAt === null ? null : DateTime.formatIso(retryAt),
})

const toDate = DateTime.toDateUtc
