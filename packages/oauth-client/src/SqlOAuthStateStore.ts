/**
 * The states of authorization requests in PostgreSQL.
 *
 * @since 0.1.0
 */
import type { KeyedHash, Sealed } from "@belfry/core/KeyedHash"
import { removeExpired } from "@belfry/core/SqlExpiry"
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import type { UserId } from "@belfry/core/User"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { ProviderId } from "./OAuthProvider.ts"
import { type OAuthStateRow, OAuthStateStore } from "./OAuthStateStore.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "OAuthStateStore")
  const columns = sql.literal("state_hash, provider_id, user_id, sealed, created_at, expires_at")

  return OAuthStateStore.of({
    insert: (row) =>
      Effect.asVoid(
        statements.write(
          "insert",
          sql`INSERT INTO belfry_oauth_states (${columns}) VALUES (
            ${row.stateHash}, ${row.providerId}, ${row.userId}, ${row.sealed},
            ${DateTime.toDateUtc(row.createdAt)}, ${DateTime.toDateUtc(row.expiresAt)}
          )`,
        ),
      ),
    consume: (hashes) =>
      Effect.map(
        statements.write(
          "consume",
          sql<StateRow>`DELETE FROM belfry_oauth_states WHERE state_hash IN ${sql.in(hashes)} RETURNING ${columns}`,
        ),
        ([row]) => (row === undefined ? Option.none() : Option.some(toState(row))),
      ),
    removeExpired: (now, limit) =>
      statements.write("removeExpired", removeExpired(sql, "belfry_oauth_states", DateTime.toDateUtc(now), limit)),
  })
})

/**
 * Layer that keeps states in PostgreSQL. The table is that of `SqlOAuthClientMigrations`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<OAuthStateStore, never, SqlClient.SqlClient> = Layer.effect(OAuthStateStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface StateRow {
  readonly state_hash: KeyedHash
  readonly provider_id: ProviderId
  readonly user_id: UserId | null
  readonly sealed: Sealed
  readonly created_at: Date
  readonly expires_at: Date
}

const toState = (row: StateRow): OAuthStateRow => ({
  stateHash: row.state_hash,
  providerId: row.provider_id,
  userId: row.user_id,
  sealed: row.sealed,
  createdAt: DateTime.fromDateUnsafe(row.created_at),
  expiresAt: DateTime.fromDateUnsafe(row.expires_at),
})
