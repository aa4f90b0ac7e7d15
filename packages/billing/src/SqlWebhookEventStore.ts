/**
 * The inbox of the provider's events in PostgreSQL.
 *
 * @since 0.1.0
 */
import type { StoreError } from "@belfry/core/StoreError"
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import { toWebhookEvent, webhookEventColumns, type WebhookEventRow } from "./internal/webhookEventRow.ts"
import type { WebhookEnvelope, WebhookEvent, WebhookEventId } from "./WebhookEvent.ts"
import { WebhookEventStore } from "./WebhookEventStore.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "WebhookEventStore")
  const columns = sql.literal(webhookEventColumns)

  const find = (id: WebhookEventId) =>
    Effect.map(
      statements.read(
        "find",
        sql<WebhookEventRow>`SELECT ${columns} FROM belfry_billing_events AS e WHERE e.id = ${id}`,
      ),
      firstEvent,
    )

  // An event that somebody else keeps at this very moment is neither kept nor in the statement's snapshot: look again.
  const receive = (
    event: WebhookEnvelope,
    at: { readonly now: DateTime.Utc; readonly dueAt: DateTime.Utc },
  ): Effect.Effect<{ readonly isNew: boolean; readonly event: WebhookEvent }, StoreError> =>
    Effect.flatMap(
      statements.write(
        "receive",
        sql<WebhookEventRow & { readonly is_new: boolean }>`WITH kept AS (
          INSERT INTO belfry_billing_events (
            id, type, api_version, is_live, occurred_at, object_type, object_id, customer_id, subscription_id, status,
            received_at, due_at
          ) VALUES (
            ${event.id}, ${event.type}, ${event.apiVersion}, ${event.isLive}, ${toDate(event.createdAt)},
            ${event.objectType}, ${event.objectId}, ${event.customerId}, ${event.subscriptionId}, 'waiting',
            ${toDate(at.now)}, ${toDate(at.dueAt)}
          ) ON CONFLICT (id) DO NOTHING RETURNING *
        )
        SELECT ${columns}, true AS is_new FROM kept AS e
        UNION ALL SELECT ${columns}, false FROM belfry_billing_events AS e WHERE e.id = ${event.id}`,
      ),
      ([row]) =>
        row === undefined
          ? Effect.suspend(() => receive(event, at))
          : Effect.succeed({ isNew: row.is_new, event: toWebhookEvent(row) }),
    )

  return WebhookEventStore.of({
    receive,
    find,
    finish: (id, status, reason, now) =>
      Effect.map(
        statements.write(
          "finish",
          sql`UPDATE belfry_billing_events
            SET status = ${status}, reason = ${reason}, due_at = NULL, done_at = ${toDate(now)}
            WHERE id = ${id} AND status IN ('waiting', 'parked') RETURNING 1`,
        ),
        isSome,
      ),
    fail: (id, reason, retryAt) =>
      Effect.asVoid(
        statements.write(
          "fail",
          sql`UPDATE belfry_billing_events SET status = ${retryAt === null ? "parked" : "waiting"}, reason = ${reason},
              attempts = attempts + 1, due_at = ${retryAt === null ? null : toDate(retryAt)}
            WHERE id = ${id} AND status = 'waiting'`,
        ),
      ),
    reopen: (id, now) =>
      Effect.map(
        statements.write(
          "reopen",
          sql<WebhookEventRow>`UPDATE belfry_billing_events AS e
            SET status = 'waiting', reason = NULL, attempts = 0, due_at = ${toDate(now)}, done_at = NULL
            WHERE e.id = ${id} RETURNING ${columns}`,
        ),
        firstEvent,
      ),
    // Who is at a row is passed over, not waited for. The array is computed once: see `removeExpired` of SqlExpiry.
    claim: ({ limit, now, until }) =>
      Effect.map(
        statements.write(
          "claim",
          sql<WebhookEventRow>`UPDATE belfry_billing_events AS e SET due_at = ${toDate(until)}
            WHERE e.id = ANY (ARRAY (
              SELECT id FROM belfry_billing_events WHERE due_at <= ${toDate(now)}
              ORDER BY due_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
            )) RETURNING ${columns}`,
        ),
        (rows) => rows.map(toWebhookEvent),
      ),
    list: ({ after, limit, status }) =>
      Effect.map(
        statements.read(
          "list",
          sql<WebhookEventRow>`SELECT ${columns} FROM belfry_billing_events AS e
            WHERE ${status === null ? sql`true` : sql`e.status = ${status}`} AND ${
              after === null
                ? sql`true`
                : sql`(e.received_at, e.id) < (SELECT received_at, id FROM belfry_billing_events WHERE id = ${after})`
            }
            ORDER BY e.received_at DESC, e.id DESC LIMIT ${limit}`,
        ),
        (rows) => rows.map(toWebhookEvent),
      ),
    removeClosed: (instant, limit) =>
      Effect.map(
        statements.write(
          "removeClosed",
          sql<CountRow>`WITH removed AS (
            DELETE FROM belfry_billing_events WHERE id = ANY (ARRAY (
              SELECT id FROM belfry_billing_events WHERE done_at < ${toDate(instant)}
              ORDER BY done_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
            )) RETURNING 1
          ) SELECT count(*)::int4 AS count FROM removed`,
        ),
        firstCount,
      ),
    cursor: (name) =>
      Effect.map(
        statements.read(
          "cursor",
          sql<{ readonly reached_at: Date }>`SELECT reached_at FROM belfry_billing_cursors WHERE name = ${name}`,
        ),
        ([row]) => (row === undefined ? null : DateTime.fromDateUnsafe(row.reached_at)),
      ),
    setCursor: (name, instant) =>
      Effect.asVoid(
        statements.write(
          "setCursor",
          sql`INSERT INTO belfry_billing_cursors (name, reached_at) VALUES (${name}, ${toDate(instant)})
            ON CONFLICT (name) DO UPDATE SET reached_at = excluded.reached_at`,
        ),
      ),
    claimHook: (id, now) =>
      Effect.map(
        statements.write(
          "claimHook",
          sql`INSERT INTO belfry_billing_hook_runs (event_id, ran_at) VALUES (${id}, ${toDate(now)})
            ON CONFLICT DO NOTHING RETURNING 1`,
        ),
        isSome,
      ),
    removeHooks: (instant, limit) =>
      Effect.map(
        statements.write(
          "removeHooks",
          sql<CountRow>`WITH removed AS (
            DELETE FROM belfry_billing_hook_runs WHERE event_id = ANY (ARRAY (
              SELECT event_id FROM belfry_billing_hook_runs WHERE ran_at < ${toDate(instant)}
              ORDER BY ran_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
            )) RETURNING 1
          ) SELECT count(*)::int4 AS count FROM removed`,
        ),
        firstCount,
      ),
  })
})

/**
 * Layer that keeps the inbox in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<WebhookEventStore, never, SqlClient.SqlClient> = Layer.effect(WebhookEventStore, make)

// internal

interface CountRow {
  readonly count: number
}

const toDate = DateTime.toDateUtc

const isSome = (rows: ReadonlyArray<unknown>): boolean => rows.length > 0

const firstCount = ([row]: ReadonlyArray<CountRow>): number => row?.count ?? 0

const firstEvent = ([row]: ReadonlyArray<WebhookEventRow>): Option.Option<WebhookEvent> =>
  row === undefined ? Option.none() : Option.some(toWebhookEvent(row))
