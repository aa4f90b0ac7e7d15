/**
 * Signing keys in PostgreSQL.
 *
 * @since 0.1.0
 */
import type { Sealed } from "@belfry/core/KeyedHash"
import { removeExpired } from "@belfry/core/SqlExpiry"
import { toJsonb } from "@belfry/core/SqlJson"
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import type { PublicJwk, SigningAlgorithm, SigningKey } from "./SigningKey.ts"
import { SigningKeyStore } from "./SigningKeyStore.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "SigningKeyStore")
  const columns = sql.literal("kid, algorithm, public_jwk, private_key, created_at, active_at, expires_at")

  return SigningKeyStore.of({
    // Of keys that were made in the same instant, the one that no other has replaced is the youngest.
    list: Effect.suspend(() =>
      Effect.map(
        statements.read(
          "list",
          sql<SigningKeyRow>`SELECT ${columns} FROM belfry_oauth_signing_keys AS key ORDER BY created_at DESC,
            EXISTS (SELECT FROM belfry_oauth_signing_keys AS younger WHERE younger.replaces = key.kid), kid DESC`,
        ),
        (rows) => rows.map(toSigningKey),
      ),
    ),
    // Nodes that insert at the same time all see the same youngest key, and the constraint lets one of them replace it.
    insert: (key, seen) =>
      Effect.map(
        statements.write(
          "insert",
          sql`INSERT INTO belfry_oauth_signing_keys (${columns}, replaces)
            SELECT ${key.kid}, ${key.algorithm}, ${toJsonb({ ...key.publicJwk })}::jsonb, ${key.privateKey},
              ${DateTime.toDateUtc(key.createdAt)}::timestamptz, ${DateTime.toDateUtc(key.activeAt)}::timestamptz,
              ${key.expiresAt === null ? null : DateTime.toDateUtc(key.expiresAt)}::timestamptz, ${seen}::text
            WHERE ${
              seen === null
                ? sql`NOT EXISTS (SELECT FROM belfry_oauth_signing_keys WHERE algorithm = ${key.algorithm})`
                : sql`EXISTS (
                    SELECT FROM belfry_oauth_signing_keys WHERE kid = ${seen} AND algorithm = ${key.algorithm})`
            } ON CONFLICT DO NOTHING RETURNING kid`,
        ),
        isAny,
      ),
    retire: (algorithm, kid, expiresAt) =>
      Effect.map(
        statements.write(
          "retire",
          sql`UPDATE belfry_oauth_signing_keys SET expires_at = ${DateTime.toDateUtc(expiresAt)}
            WHERE algorithm = ${algorithm} AND kid <> ${kid}
              AND (expires_at IS NULL OR expires_at > ${DateTime.toDateUtc(expiresAt)}) RETURNING kid`,
        ),
        (rows) => rows.length,
      ),
    reseal: (kid, from, to) =>
      Effect.map(
        statements.write(
          "reseal",
          sql`UPDATE belfry_oauth_signing_keys SET private_key = ${to}
            WHERE kid = ${kid} AND private_key = ${from} RETURNING kid`,
        ),
        isAny,
      ),
    removeExpired: (now, limit) =>
      statements.write(
        "removeExpired",
        removeExpired(sql, "belfry_oauth_signing_keys", DateTime.toDateUtc(now), limit),
      ),
  })
})

/**
 * Layer that keeps signing keys in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<SigningKeyStore, never, SqlClient.SqlClient> = Layer.effect(SigningKeyStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface SigningKeyRow {
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  readonly public_jwk: PublicJwk
  readonly private_key: Sealed
  readonly created_at: Date
  readonly active_at: Date
  readonly expires_at: Date | null
}

const toSigningKey = (row: SigningKeyRow): SigningKey => ({
  kid: row.kid,
  algorithm: row.algorithm,
  publicJwk: row.public_jwk,
  privateKey: row.private_key,
  createdAt: DateTime.fromDateUnsafe(row.created_at),
  activeAt: DateTime.fromDateUnsafe(row.active_at),
  expiresAt: row.expires_at === null ? null : DateTime.fromDateUnsafe(row.expires_at),
})

const isAny = (rows: ReadonlyArray<unknown>): boolean => rows.length > 0
