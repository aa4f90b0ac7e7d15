/**
 * Customers in PostgreSQL.
 *
 * @since 0.1.0
 */
import { toJsonb } from "@belfry/core/SqlJson"
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { BillingCustomer, CustomerId } from "./BillingCustomer.ts"
import { CustomerStore } from "./CustomerStore.ts"
import { customerColumns, type CustomerRow, customerTables, toCustomer } from "./internal/customerRow.ts"
import { factsColumns, type FactsRow, fromPayer, isOf, placeOf, toFacts } from "./internal/sqlPayers.ts"
import { kindOf } from "./Payer.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "CustomerStore")
  const columns = sql.literal(customerColumns)
  const tables = sql.literal(customerTables)
  const isAfter = (after: CustomerId | null) => (after === null ? sql`true` : sql`c.id > ${after}`)

  return CustomerStore.of({
    facts: (payer) =>
      Effect.map(
        statements.read("facts", sql<FactsRow>`SELECT ${factsColumns(sql, payer)} ${fromPayer(sql, payer)}`),
        ([row]) => (row === undefined ? Option.none() : Option.some(toFacts(row))),
      ),
    find: (id) =>
      Effect.map(
        statements.read("find", sql<CustomerRow>`SELECT ${columns} FROM ${tables} WHERE c.id = ${id}`),
        firstCustomer,
      ),
    findByPayer: (payer) =>
      Effect.map(
        statements.read(
          "findByPayer",
          sql<CustomerRow>`SELECT ${columns} FROM ${tables} WHERE ${isOf(sql, "c", payer)}`,
        ),
        firstCustomer,
      ),
    findByProvider: (id) =>
      Effect.map(
        statements.read(
          "findByProvider",
          sql<CustomerRow>`SELECT ${columns} FROM ${tables} WHERE c.provider_id = ${id}`,
        ),
        firstCustomer,
      ),
    listByOrganization: (id) =>
      Effect.map(
        statements.read(
          "listByOrganization",
          sql<CustomerRow>`SELECT ${columns} FROM ${tables} WHERE c.id = ANY (ARRAY (
              SELECT o.id FROM belfry_billing_customers AS o WHERE o.organization_id = ${id}
              UNION ALL SELECT o.id FROM belfry_organization_teams AS s
              JOIN belfry_billing_customers AS o ON o.team_id = s.id WHERE s.organization_id = ${id}
            )) ORDER BY c.id`,
        ),
        (rows) => rows.map(toCustomer),
      ),
    // The payer cannot go while its customer is kept, and a customer that is there is returned as it is by then: the
    // statement's own snapshot may be older than that.
    insert: (customer) => {
      const { payer, profile } = customer
      if (payer === null) return Effect.succeed({ _tag: "absent" })
      const { column, id } = placeOf(payer)
      return Effect.map(
        statements.write(
          "insert",
          sql<CustomerRow>`WITH kept AS (
            INSERT INTO belfry_billing_customers AS earlier (
              id, payer_kind, ${sql(column)}, provider_id, generation, request, requested_at, profile_name,
              profile_email, created_at, closed_at
            )
            SELECT ${customer.id}, ${kindOf(payer)}, ${id}, ${customer.providerId}, ${customer.generation}::int4,
              ${toJsonb(customer.request)}::jsonb, ${toDate(customer.requestedAt)}, ${profile.name}, ${profile.email},
              ${toDate(customer.createdAt)}, ${toNullableDate(customer.closedAt)}::timestamptz
            ${fromPayer(sql, payer)} FOR KEY SHARE
            ON CONFLICT (${sql(column)}) DO UPDATE SET generation = earlier.generation
            RETURNING *
          )
          SELECT ${columns} FROM kept AS c LEFT JOIN belfry_organization_teams AS t ON t.id = c.team_id`,
        ),
        ([row]) =>
          row === undefined
            ? { _tag: "absent" }
            : { _tag: row.id === customer.id ? "kept" : "exists", customer: toCustomer(row) },
      )
    },
    lock: (id) =>
      Effect.map(
        statements.write(
          "lock",
          sql<CustomerRow>`SELECT ${columns} FROM ${tables} WHERE c.id = ${id} FOR NO KEY UPDATE OF c`,
        ),
        firstCustomer,
      ),
    attach: ({ generation, id, profile, providerId }) =>
      Effect.map(
        statements.write(
          "attach",
          sql<{ readonly was_known: boolean }>`UPDATE belfry_billing_customers AS c SET
              provider_id = ${providerId},
              profile_name = CASE WHEN earlier.provider_id IS NULL THEN ${profile.name} ELSE c.profile_name END,
              profile_email = CASE WHEN earlier.provider_id IS NULL THEN ${profile.email} ELSE c.profile_email END
            FROM (
              SELECT id, provider_id FROM belfry_billing_customers WHERE id = ${id} FOR NO KEY UPDATE
            ) AS earlier
            WHERE c.id = earlier.id AND c.generation = ${generation}
              AND (c.provider_id IS NULL OR c.provider_id = ${providerId})
              AND NOT EXISTS (
                SELECT FROM belfry_billing_customers AS o WHERE o.provider_id = ${providerId} AND o.id <> ${id}
              )
            RETURNING earlier.provider_id IS NOT NULL AS was_known`,
        ),
        ([row]) => (row === undefined ? "conflict" : row.was_known ? "known" : "attached"),
      ),
    renew: ({ generation, id, now, request }) =>
      Effect.map(
        statements.write(
          "renew",
          sql`UPDATE belfry_billing_customers SET generation = generation + 1, provider_id = NULL,
              request = ${toJsonb(request)}::jsonb, requested_at = ${toDate(now)}
            WHERE id = ${id} AND generation = ${generation} RETURNING 1`,
        ),
        isSome,
      ),
    setProfile: (id, { email, name }) =>
      Effect.asVoid(
        statements.write(
          "setProfile",
          sql`UPDATE belfry_billing_customers SET profile_name = ${name}, profile_email = ${email} WHERE id = ${id}`,
        ),
      ),
    // The address of an organization or a team is whatever somebody set at the provider.
    listOutdated: (after, limit) =>
      Effect.map(
        statements.read(
          "listOutdated",
          sql<CustomerRow & FactsRow>`SELECT ${columns}, p.name, p.email, p.is_email_verified, p.seats FROM ${tables}
            CROSS JOIN LATERAL (
              SELECT u.name, u.email, u.email_verified_at IS NOT NULL AS is_email_verified, 1 AS seats
              FROM belfry_users AS u WHERE u.id = c.user_id AND (u.name, u.email)
                IS DISTINCT FROM (c.profile_name, c.profile_email)
              UNION ALL SELECT o.name, NULL, false, o.member_count
              FROM belfry_organizations AS o WHERE o.id = c.organization_id AND o.name IS DISTINCT FROM c.profile_name
              UNION ALL SELECT t.name, NULL, false, (
                SELECT count(*)::int4 FROM belfry_organization_team_members AS m WHERE m.team_id = t.id
              ) WHERE t.id IS NOT NULL AND t.name IS DISTINCT FROM c.profile_name
            ) AS p
            WHERE c.provider_id IS NOT NULL AND c.closed_at IS NULL AND ${isAfter(after)}
            ORDER BY c.id LIMIT ${limit}`,
        ),
        (rows) => rows.map((row) => ({ customer: toCustomer(row), facts: toFacts(row) })),
      ),
    list: (after, limit) =>
      Effect.map(
        statements.read(
          "list",
          sql<CustomerRow>`SELECT ${columns} FROM ${tables}
            WHERE c.provider_id IS NOT NULL AND c.closed_at IS NULL AND ${isAfter(after)} ORDER BY c.id LIMIT ${limit}`,
        ),
        (rows) => rows.map(toCustomer),
      ),
    listOrphans: (after, limit) =>
      Effect.map(
        statements.read(
          "listOrphans",
          sql<CustomerRow>`SELECT ${columns} FROM ${tables}
            WHERE c.user_id IS NULL AND c.organization_id IS NULL AND c.team_id IS NULL AND c.closed_at IS NULL
              AND ${isAfter(after)} ORDER BY c.id LIMIT ${limit}`,
        ),
        (rows) => rows.map(toCustomer),
      ),
    close: (id, now) =>
      Effect.asVoid(
        statements.write(
          "close",
          sql`UPDATE belfry_billing_customers SET closed_at = ${toDate(now)} WHERE id = ${id} AND closed_at IS NULL`,
        ),
      ),
    claimTrial: (id, group, now) =>
      Effect.map(
        statements.write(
          "claimTrial",
          sql`INSERT INTO belfry_billing_trials (customer_id, plan_group, started_at)
            VALUES (${id}, ${group}, ${toDate(now)}) ON CONFLICT DO NOTHING RETURNING 1`,
        ),
        isSome,
      ),
    hadTrial: (id, group) =>
      Effect.map(
        statements.read(
          "hadTrial",
          sql`SELECT 1 FROM belfry_billing_trials WHERE customer_id = ${id} AND plan_group = ${group}`,
        ),
        isSome,
      ),
  })
})

/**
 * Layer that keeps customers in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<CustomerStore, never, SqlClient.SqlClient> = Layer.effect(CustomerStore, make)

// internal

const toDate = DateTime.toDateUtc

const toNullableDate = (instant: DateTime.Utc | null): Date | null => (instant === null ? null : toDate(instant))

const isSome = (rows: ReadonlyArray<unknown>): boolean => rows.length > 0

const firstCustomer = ([row]: ReadonlyArray<CustomerRow>): Option.Option<BillingCustomer> =>
  row === undefined ? Option.none() : Option.some(toCustomer(row))
