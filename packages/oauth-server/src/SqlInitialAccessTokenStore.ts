/**
 * Initial access tokens in PostgreSQL.
 *
 * @since 0.1.0
 */
import type { KeyedHash } from "@belfry/core/KeyedHash"
import { removeExpired } from "@belfry/core/SqlExpiry"
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import type { UserId } from "@belfry/core/User"
import { isUuid } from "@belfry/core/Uuid"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import { type InitialAccessToken, InitialAccessTokenStore } from "./InitialAccessTokenStore.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "InitialAccessTokenStore")
  const columns = sql.literal("id, token_hash, user_id, uses, created_at, expires_at")

  return InitialAccessTokenStore.of({
    insert: (token) =>
      Effect.asVoid(
        statements.write(
          "insert",
          sql`INSERT INTO belfry_oauth_initial_access_tokens (${columns}) VALUES (
            ${token.id}, ${token.hash}, ${token.userId}, ${token.uses},
            ${DateTime.toDateUtc(token.createdAt)}, ${DateTime.toDateUtc(token.expiresAt)}
          )`,
        ),
      ),
    // Null uses stay null. Whoever waits for the row's lock counts from what the one before left.
    use: (hashes, now) =>
      Effect.map(
        statements.write(
          "use",
          sql<TokenRow>`UPDATE belfry_oauth_initial_access_tokens SET uses = uses - 1
            WHERE token_hash IN ${sql.in(hashes)} AND uses IS DISTINCT FROM 0
              AND expires_at > ${DateTime.toDateUtc(now)} RETURNING ${columns}`,
        ),
        firstToken,
      ),
    // The database would refuse other text as an id.
    remove: (id) =>
      Schema.is(Id)(id)
        ? Effect.map(
            statements.write(
              "remove",
              sql`DELETE FROM belfry_oauth_initial_access_tokens WHERE id = ${id} RETURNING id`,
            ),
            (rows) => rows.length > 0,
          )
        : Effect.succeed(false),
    removeExpired: (now, limit) =>
      statements.write(
        "removeExpired",
        removeExpired(sql, "belfry_oauth_initial_access_tokens", DateTime.toDateUtc(now), limit),
      ),
  })
})

/**
 * Layer that keeps initial access tokens in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<InitialAccessTokenStore, never, SqlClient.SqlClient> = Layer.effect(
  InitialAccessTokenStore,
  make,
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface TokenRow {
  readonly id: string
  readonly token_hash: KeyedHash
  readonly user_id: UserId | null
  readonly uses: number | null
  readonly created_at: Date
  readonly expires_at: Date
}

const firstToken = ([row]: ReadonlyArray<TokenRow>): Option.Option<InitialAccessToken> =>
  row === undefined
    ? Option.none()
    : Option.some({
        id: row.id,
        hash: row.token_hash,
        userId: row.user_id,
        uses: row.uses,
        createdAt: DateTime.fromDateUnsafe(row.created_at),
        expiresAt: DateTime.fromDateUnsafe(row.expires_at),
      })

const Id = Schema.String.check(isUuid)
