/**
 * Used client assertions in PostgreSQL.
 *
 * @since 0.1.0
 */
import { removeExpired } from "@belfry/core/SqlExpiry"
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import { AssertionStore } from "./AssertionStore.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "AssertionStore")

  return AssertionStore.of({
    claim: (clientId, jtiHash, expiresAt) =>
      Effect.map(
        statements.write(
          "claim",
          sql`INSERT INTO belfry_oauth_assertions (client_id, jti_hash, expires_at)
            VALUES (${clientId}, ${jtiHash}, ${DateTime.toDateUtc(expiresAt)})
            ON CONFLICT ON CONSTRAINT belfry_oauth_assertions_pkey DO NOTHING RETURNING client_id`,
        ),
        (rows) => rows.length > 0,
      ),
    removeExpired: (now, limit) =>
      statements.write("removeExpired", removeExpired(sql, "belfry_oauth_assertions", DateTime.toDateUtc(now), limit)),
  })
})

/**
 * Layer that keeps used client assertions in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<AssertionStore, never, SqlClient.SqlClient> = Layer.effect(AssertionStore, make)
