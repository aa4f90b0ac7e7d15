/**
 * Authorization requests that wait for a person, in PostgreSQL.
 *
 * @since 0.1.0
 */
import type { KeyedHash } from "@belfry/core/KeyedHash"
import type { SessionId } from "@belfry/core/Session"
import { removeExpired } from "@belfry/core/SqlExpiry"
import { toJsonb } from "@belfry/core/SqlJson"
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { AuthorizationRequest, RequestStep, WaitingRequest, WaitingRequestId } from "./AuthorizationRequest.ts"
import { WaitingRequestStore } from "./WaitingRequestStore.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "WaitingRequestStore")
  const columns = sql.literal("id, browser_hash, request, session_id, steps, created_at, expires_at")
  const isOf = (id: WaitingRequestId, browser: ReadonlyArray<KeyedHash>) =>
    sql`id = ${id} AND browser_hash IN ${sql.in(browser)}`

  return WaitingRequestStore.of({
    insert: (request) =>
      Effect.asVoid(
        statements.write(
          "insert",
          sql`INSERT INTO belfry_oauth_waiting_requests (${columns}) VALUES (
            ${request.id}, ${request.browserHash}, ${toJsonb({ ...request.request })}::jsonb, ${request.sessionId},
            ${request.steps}, ${DateTime.toDateUtc(request.createdAt)}, ${DateTime.toDateUtc(request.expiresAt)}
          )`,
        ),
      ),
    find: (id, browser) =>
      Effect.map(
        statements.read(
          "find",
          sql<WaitingRequestRow>`SELECT ${columns} FROM belfry_oauth_waiting_requests WHERE ${isOf(id, browser)}`,
        ),
        firstRequest,
      ),
    advance: ({ id, browser, sessionId, step }) =>
      Effect.map(
        statements.write(
          "advance",
          sql<WaitingRequestRow>`UPDATE belfry_oauth_waiting_requests SET session_id = ${sessionId},
              steps = CASE WHEN session_id = ${sessionId} THEN array_remove(steps, ${step}) ELSE '{}' END
                || ARRAY[${step}::text]
            WHERE ${isOf(id, browser)} RETURNING ${columns}`,
        ),
        firstRequest,
      ),
    consume: (id, browser) =>
      Effect.map(
        statements.write(
          "consume",
          sql<WaitingRequestRow>`DELETE FROM belfry_oauth_waiting_requests
            WHERE ${isOf(id, browser)} RETURNING ${columns}`,
        ),
        firstRequest,
      ),
    removeExpired: (now, limit) =>
      statements.write(
        "removeExpired",
        removeExpired(sql, "belfry_oauth_waiting_requests", DateTime.toDateUtc(now), limit),
      ),
  })
})

/**
 * Layer that keeps waiting requests in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<WaitingRequestStore, never, SqlClient.SqlClient> = Layer.effect(
  WaitingRequestStore,
  make,
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface WaitingRequestRow {
  readonly id: WaitingRequestId
  readonly browser_hash: KeyedHash
  readonly request: AuthorizationRequest
  readonly session_id: SessionId | null
  readonly steps: ReadonlyArray<RequestStep>
  readonly created_at: Date
  readonly expires_at: Date
}

const firstRequest = ([row]: ReadonlyArray<WaitingRequestRow>): Option.Option<WaitingRequest> =>
  row === undefined
    ? Option.none()
    : Option.some({
        id: row.id,
        browserHash: row.browser_hash,
        request: row.request,
        sessionId: row.session_id,
        steps: row.steps,
        createdAt: DateTime.fromDateUnsafe(row.created_at),
        expiresAt: DateTime.fromDateUnsafe(row.expires_at),
      })
