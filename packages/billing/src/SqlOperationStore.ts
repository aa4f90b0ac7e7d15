/**
 * Operations in PostgreSQL.
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
import { encodeRequest, operationColumns, type OperationRow, toOperation } from "./internal/operationRow.ts"
import type { Operation } from "./Operation.ts"
import { OperationStore } from "./OperationStore.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "OperationStore")
  const columns = sql.literal(operationColumns)

  return OperationStore.of({
    find: (id) =>
      Effect.map(
        statements.read(
          "find",
          sql<OperationRow>`SELECT ${columns} FROM belfry_billing_operations AS o WHERE o.id = ${id}`,
        ),
        firstOperation,
      ),
    findByCheckout: (id) =>
      Effect.map(
        statements.read(
          "findByCheckout",
          sql<OperationRow>`SELECT ${columns} FROM belfry_billing_operations AS o WHERE o.checkout_id = ${id}`,
        ),
        firstOperation,
      ),
    findOpenCheckout: (customerId, group, now) =>
      Effect.map(
        statements.read(
          "findOpenCheckout",
          sql<OperationRow>`SELECT ${columns} FROM belfry_billing_operations AS o
            WHERE o.customer_id = ${customerId} AND o.plan_group = ${group} AND o.kind = 'Checkout'
              AND o.status = 'open' AND o.expires_at > ${toDate(now)}`,
        ),
        firstOperation,
      ),
    // A checkout that is open is returned as it is by then: the statement's own snapshot may be older than that.
    insert: (operation) =>
      Effect.map(
        statements.write(
          "insert",
          sql<OperationRow>`INSERT INTO belfry_billing_operations AS o (
              id, customer_id, plan_group, subscription_id, kind, request, fingerprint, status, checkout_id, url,
              actor_id, created_at, expires_at
            ) VALUES (
              ${operation.id}, ${operation.customerId}, ${operation.group}, ${operation.subscriptionId},
              ${operation.request._tag}, ${toJsonb(encodeRequest(operation.request))}::jsonb, ${operation.fingerprint},
              ${operation.status}, ${operation.checkoutId}, ${operation.url}, ${operation.actorId},
              ${toDate(operation.createdAt)}, ${toDate(operation.expiresAt)}
            ) ON CONFLICT (customer_id, plan_group) WHERE kind = 'Checkout' AND status = 'open'
            DO UPDATE SET status = o.status RETURNING ${columns}`,
        ),
        ([row]) =>
          row === undefined || row.id === operation.id
            ? { _tag: "kept" }
            : { _tag: "open", operation: toOperation(row) },
      ),
    setCheckout: (id, { checkoutId, url }) =>
      Effect.map(
        statements.write(
          "setCheckout",
          sql`UPDATE belfry_billing_operations SET checkout_id = ${checkoutId}, url = ${url}
            WHERE id = ${id} AND status = 'open' RETURNING 1`,
        ),
        isSome,
      ),
    close: (id, status, now) =>
      Effect.map(
        statements.write(
          "close",
          sql`UPDATE belfry_billing_operations SET status = ${status}, closed_at = ${toDate(now)}
            WHERE id = ${id} AND status = 'open' RETURNING 1`,
        ),
        isSome,
      ),
    listOverdue: (now, limit) =>
      Effect.map(
        statements.read(
          "listOverdue",
          sql<OperationRow>`SELECT ${columns} FROM belfry_billing_operations AS o
            WHERE o.status = 'open' AND o.expires_at <= ${toDate(now)} ORDER BY o.expires_at LIMIT ${limit}`,
        ),
        (rows) => rows.map(toOperation),
      ),
    removeClosed: (instant, limit) =>
      Effect.map(
        statements.write(
          "removeClosed",
          sql<{ readonly count: number }>`WITH removed AS (
            DELETE FROM belfry_billing_operations WHERE id = ANY (ARRAY (
              SELECT id FROM belfry_billing_operations WHERE closed_at < ${toDate(instant)}
              ORDER BY closed_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
            )) RETURNING 1
          ) SELECT count(*)::int4 AS count FROM removed`,
        ),
        ([row]) => row?.count ?? 0,
      ),
  })
})

/**
 * Layer that keeps operations in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<OperationStore, never, SqlClient.SqlClient> = Layer.effect(OperationStore, make)

// internal

const toDate = DateTime.toDateUtc

const isSome = (rows: ReadonlyArray<unknown>): boolean => rows.length > 0

const firstOperation = ([row]: ReadonlyArray<OperationRow>): Option.Option<Operation> =>
  row === undefined ? Option.none() : Option.some(toOperation(row))
