/**
 * What entitlements are computed from, in PostgreSQL.
 *
 * @since 0.1.0
 */
import { toJsonb } from "@belfry/core/SqlJson"
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import type { EntitlementOverride } from "./Entitlement.ts"
import { EntitlementStore } from "./EntitlementStore.ts"
import { isOf, placeOf } from "./internal/sqlPayers.ts"
import { isNotEnded } from "./internal/subscriptionRow.ts"
import type { PlanName } from "./Plan.ts"
import type { SubscriptionStatus } from "./ProviderSubscription.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "EntitlementStore")

  return EntitlementStore.of({
    // The override stands beside each subscription; there is one row where there is nothing.
    facts: (payer) =>
      Effect.map(
        statements.read(
          "facts",
          sql<FactsRow>`SELECT s.plan, s.status, v.features, v.limits, v.reason, v.expires_at
            FROM (VALUES (1)) AS one (row) LEFT JOIN (
              SELECT s.id, s.plan, s.status FROM belfry_billing_customers AS c
              JOIN belfry_billing_subscriptions AS s ON s.customer_id = c.id AND ${sql.literal(isNotEnded)}
              WHERE ${isOf(sql, "c", payer)}
            ) AS s ON true
            LEFT JOIN (
              SELECT features, limits, reason, expires_at FROM belfry_billing_overrides AS v WHERE ${isOf(sql, "v", payer)}
            ) AS v ON true
            ORDER BY s.id`,
        ),
        (rows) => ({
          subscriptions: rows.flatMap(({ plan, status }) => (status === null ? [] : [{ plan, status }])),
          override: toOverride(rows[0]),
        }),
      ),
    // A payer has one, so that its own id is the row's.
    setOverride: (payer, override, now) => {
      const { column, id } = placeOf(payer)
      const isOfPayer = sql`FROM belfry_billing_overrides AS v WHERE ${isOf(sql, "v", payer)}`
      return Effect.map(
        statements.write(
          "setOverride",
          override === null
            ? sql<OverrideRow>`DELETE ${isOfPayer} RETURNING v.features, v.limits, v.reason, v.expires_at`
            : sql<OverrideRow>`WITH earlier AS (
                  SELECT v.features, v.limits, v.reason, v.expires_at ${isOfPayer}
                ), kept AS (
                  INSERT INTO belfry_billing_overrides (
                    id, ${sql(column)}, features, limits, reason, expires_at, updated_at
                  ) VALUES (
                    ${id}, ${id}, ${toJsonb(override.features)}::jsonb, ${toJsonb(override.limits)}::jsonb,
                    ${override.reason}, ${override.expiresAt === null ? null : toDate(override.expiresAt)}, ${toDate(now)}
                  ) ON CONFLICT (${sql(column)}) DO UPDATE SET
                    features = excluded.features, limits = excluded.limits, reason = excluded.reason,
                    expires_at = excluded.expires_at, updated_at = excluded.updated_at
                )
                SELECT * FROM earlier`,
        ),
        ([row]) => toOverride(row),
      )
    },
  })
})

/**
 * Layer that keeps in PostgreSQL what entitlements are computed from.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<EntitlementStore, never, SqlClient.SqlClient> = Layer.effect(EntitlementStore, make)

// internal

interface OverrideRow {
  readonly features: EntitlementOverride["features"] | null
  readonly limits: EntitlementOverride["limits"] | null
  readonly reason: string | null
  readonly expires_at: Date | null
}

interface FactsRow extends OverrideRow {
  readonly plan: PlanName | null
  readonly status: SubscriptionStatus | null
}

const toDate = DateTime.toDateUtc

const toOverride = (row: OverrideRow | undefined): EntitlementOverride | null => {
  if (row === undefined || row.features === null || row.limits === null) return null
  const { expires_at: expiresAt, features, limits, reason } = row
  return { features, limits, reason, expiresAt: expiresAt === null ? null : DateTime.fromDateUnsafe(expiresAt) }
}
