/**
 * Subscriptions in PostgreSQL.
 *
 * @since 0.1.0
 */
import { toJsonb } from "@belfry/core/SqlJson"
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import type { StoreError } from "@belfry/core/StoreError"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { Fragment } from "effect/sql/Statement"
import { isOf } from "./internal/sqlPayers.ts"
import {
  encodeState,
  isNotEnded,
  type LeaseRow,
  subscriptionColumns,
  type SubscriptionRow,
  toLease,
  toSubscription,
} from "./internal/subscriptionRow.ts"
import type { Payer } from "./Payer.ts"
import type { StoredSubscription } from "./Subscription.ts"
import { SubscriptionStore } from "./SubscriptionStore.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "SubscriptionStore")
  const columns = sql.literal(subscriptionColumns)
  const notEnded = sql.literal(isNotEnded)

  /** Has work done on all that are meant. Their rows are locked in one order, whoever asks. */
  const ask = (
    method: string,
    isMeant: Fragment,
    set: { readonly wants?: Fragment; readonly dueAt: Fragment },
  ): Effect.Effect<number, StoreError> =>
    Effect.map(
      statements.write(
        method,
        sql`UPDATE belfry_billing_subscriptions AS s SET wants = ${set.wants ?? sql`s.wants`}, asked = s.asked + 1,
            due_at = ${set.dueAt}
          WHERE s.id = ANY (ARRAY (
            SELECT s.id FROM belfry_billing_subscriptions AS s WHERE ${isMeant} ORDER BY s.id FOR NO KEY UPDATE
          )) RETURNING 1`,
      ),
      (rows) => rows.length,
    )

  const atOnce = (now: DateTime.Utc) => sql`LEAST(s.due_at, ${toDate(now)})`

  /** What is due already is due as it was. */
  const inTurn = (now: DateTime.Utc) => sql`COALESCE(s.due_at, ${toDate(now)})`

  const isPaidBy = (payer: Payer, andTeams: boolean) =>
    sql`s.customer_id = ANY (ARRAY (
      SELECT c.id FROM belfry_billing_customers AS c WHERE ${isOf(sql, "c", payer)} ${
        andTeams && payer._tag === "Organization"
          ? sql`UNION ALL SELECT c.id FROM belfry_organization_teams AS t
              JOIN belfry_billing_customers AS c ON c.team_id = t.id WHERE t.organization_id = ${payer.organizationId}`
          : sql``
      }
    ))`

  const isFree = (now: DateTime.Utc) => sql`(s.lease IS NULL OR s.leased_until <= ${toDate(now)})`

  return SubscriptionStore.of({
    find: (id) =>
      Effect.map(
        statements.read(
          "find",
          sql<SubscriptionRow>`SELECT ${columns} FROM belfry_billing_subscriptions AS s WHERE s.id = ${id}`,
        ),
        firstSubscription,
      ),
    findByProvider: (id) =>
      Effect.map(
        statements.read(
          "findByProvider",
          sql<SubscriptionRow>`SELECT ${columns} FROM belfry_billing_subscriptions AS s WHERE s.provider_id = ${id}`,
        ),
        firstSubscription,
      ),
    listByPayer: (payer) =>
      Effect.map(
        statements.read(
          "listByPayer",
          sql<SubscriptionRow>`SELECT ${columns} FROM belfry_billing_customers AS c
            JOIN belfry_billing_subscriptions AS s ON s.customer_id = c.id
            WHERE ${isOf(sql, "c", payer)} ORDER BY s.id DESC LIMIT 200`,
        ),
        (rows) => rows.map(toSubscription),
      ),
    listByCustomer: (id) =>
      Effect.map(
        statements.read(
          "listByCustomer",
          sql<SubscriptionRow>`SELECT ${columns} FROM belfry_billing_subscriptions AS s WHERE s.customer_id = ${id}
            ORDER BY s.id DESC LIMIT 200`,
        ),
        (rows) => rows.map(toSubscription),
      ),
    ticket: (id) =>
      Effect.map(
        statements.write(
          "ticket",
          sql<{ readonly taken: number }>`INSERT INTO belfry_billing_tickets AS t (provider_id, taken) VALUES (${id}, 1)
            ON CONFLICT (provider_id) DO UPDATE SET taken = t.taken + 1 RETURNING t.taken::float8 AS taken`,
        ),
        ([row]) => row?.taken ?? 0,
      ),
    apply: ({ customerId, id, milestones, now, providerId, state, ticket }) =>
      Effect.map(
        statements.write(
          "apply",
          sql`INSERT INTO belfry_billing_subscriptions AS s (
              id, customer_id, provider_id, plan, plan_group, status, seats, trial_end, state, milestones, applied,
              created_at, updated_at
            ) VALUES (
              ${id}, ${customerId}, ${providerId}, ${state.plan}, ${state.group}, ${state.status}, ${state.seats},
              ${state.trialEnd === null ? null : toDate(state.trialEnd)}, ${toJsonb(encodeState(state))}::jsonb,
              ${[...milestones]}::text[], ${ticket}, ${toDate(now)}, ${toDate(now)}
            ) ON CONFLICT (provider_id) DO UPDATE SET
              plan = excluded.plan, plan_group = excluded.plan_group, status = excluded.status,
              seats = excluded.seats, trial_end = excluded.trial_end, state = excluded.state,
              milestones = excluded.milestones, applied = excluded.applied, updated_at = excluded.updated_at
            WHERE s.applied < excluded.applied AND s.customer_id = excluded.customer_id RETURNING 1`,
        ),
        isSome,
      ),
    request: (target, now) =>
      ask(
        "request",
        target._tag === "Subscription"
          ? sql`s.id = ${target.id}`
          : sql`s.seats IS NOT NULL AND ${notEnded} AND ${isPaidBy(target.payer, target.andTeams)}`,
        { dueAt: atOnce(now) },
      ),
    remind: (id, now) => Effect.asVoid(ask("remind", sql`s.id = ${id}`, { dueAt: inTurn(now) })),
    requestEnd: (customerId, wants, now) => {
      const wanted = sql`CASE WHEN s.wants = 'end-now' THEN s.wants ELSE ${wants} END`
      const dueAt = sql`CASE WHEN s.wants IS DISTINCT FROM ${wanted} THEN ${atOnce(now)} ELSE ${inTurn(now)} END`
      return ask("requestEnd", sql`s.customer_id = ${customerId} AND ${notEnded}`, { wants: wanted, dueAt })
    },
    withdrawEnd: (customerId, now) =>
      ask("withdrawEnd", sql`s.customer_id = ${customerId} AND s.wants = 'end-with-period'`, {
        wants: sql`NULL`,
        dueAt: atOnce(now),
      }),
    // Who is at a row is passed over, not waited for. The array is computed once: see `removeExpired` of SqlExpiry.
    claimWork: ({ lease, limit, now, until }) =>
      Effect.map(
        statements.write(
          "claimWork",
          sql<LeaseRow>`UPDATE belfry_billing_subscriptions AS s
            SET lease = ${lease}, leased_until = ${toDate(until)}, due_at = ${toDate(until)}
            WHERE s.id = ANY (ARRAY (
              SELECT s.id FROM belfry_billing_subscriptions AS s WHERE s.due_at <= ${toDate(now)} AND ${isFree(now)}
              ORDER BY s.due_at LIMIT ${limit} FOR NO KEY UPDATE SKIP LOCKED
            )) RETURNING ${columns}, s.asked::float8 AS asked, s.attempts`,
        ),
        (rows) => rows.map((row) => toLease(row, lease)),
      ),
    // What was due before stays due: whoever holds this lease does something else.
    lease: ({ id, lease, now, until }) =>
      Effect.map(
        statements.write(
          "lease",
          sql<LeaseRow>`UPDATE belfry_billing_subscriptions AS s
            SET lease = ${lease}, leased_until = ${toDate(until)} WHERE s.id = ${id} AND ${isFree(now)}
            RETURNING ${columns}, s.attempts,
              (CASE WHEN s.due_at IS NULL THEN s.asked ELSE s.asked - 1 END)::float8 AS asked`,
        ),
        ([row]) => (row === undefined ? Option.none() : Option.some(toLease(row, lease))),
      ),
    settle: ({ asked, id, lease, now, retryAt }) => {
      const retry = retryAt === null ? null : toDate(retryAt)
      return Effect.map(
        statements.write(
          "settle",
          sql`UPDATE belfry_billing_subscriptions SET lease = NULL, leased_until = NULL,
              attempts = CASE WHEN ${retry}::timestamptz IS NULL THEN 0 ELSE attempts + 1 END,
              due_at = COALESCE(${retry}::timestamptz, CASE WHEN asked > ${asked} THEN ${toDate(now)}::timestamptz END)
            WHERE id = ${id} AND lease = ${lease} RETURNING 1`,
        ),
        isSome,
      )
    },
    listTrialsEnding: (before, limit) =>
      Effect.map(
        statements.read(
          "listTrialsEnding",
          sql<SubscriptionRow>`SELECT ${columns} FROM belfry_billing_subscriptions AS s
            WHERE s.status = 'trialing' AND s.trial_end < ${toDate(before)}
              AND NOT s.milestones @> ARRAY['trial-ending']
            ORDER BY s.trial_end LIMIT ${limit}`,
        ),
        (rows) => rows.map(toSubscription),
      ),
  })
})

/**
 * Layer that keeps subscriptions in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<SubscriptionStore, never, SqlClient.SqlClient> = Layer.effect(SubscriptionStore, make)

// internal

const toDate = DateTime.toDateUtc

const isSome = (rows: ReadonlyArray<unknown>): boolean => rows.length > 0

const firstSubscription = ([row]: ReadonlyArray<SubscriptionRow>): Option.Option<StoredSubscription> =>
  row === undefined ? Option.none() : Option.some(toSubscription(row))
