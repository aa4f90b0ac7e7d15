/**
 * Verification tokens in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import { removeExpired } from "./SqlExpiry.ts"
import { toJsonb } from "./SqlJson.ts"
import * as SqlStoreError from "./SqlStoreError.ts"
import type { UserId } from "./User.ts"
import type { VerificationToken, VerificationTokenId } from "./VerificationToken.ts"
import { type VerificationTokenKey, VerificationTokenStore } from "./VerificationTokenStore.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "VerificationTokenStore")
  const columns = sql.literal("id, purpose, subject, user_id, payload, created_at, expires_at")
  const matches = ({ purpose, hashes, now }: VerificationTokenKey) =>
    sql`token_hash IN ${sql.in(hashes)} AND purpose = ${purpose} AND expires_at > ${DateTime.toDateUtc(now)}`

  return VerificationTokenStore.of({
    insert: (token, tokenHash) =>
      Effect.asVoid(
        statements.write(
          "insert",
          sql`INSERT INTO belfry_verification_tokens (${columns}, token_hash) VALUES (
            ${token.id}, ${token.purpose}, ${token.subject}, ${token.userId}, ${toJsonb(token.payload)}::jsonb,
            ${DateTime.toDateUtc(token.createdAt)}, ${DateTime.toDateUtc(token.expiresAt)}, ${tokenHash}
          )`,
        ),
      ),
    find: (key) =>
      Effect.map(
        statements.read(
          "find",
          sql<VerificationTokenRow>`SELECT ${columns} FROM belfry_verification_tokens WHERE ${matches(key)}`,
        ),
        firstToken,
      ),
    consume: (key) =>
      Effect.map(
        statements.write(
          "consume",
          sql<VerificationTokenRow>`DELETE FROM belfry_verification_tokens WHERE ${matches(key)} RETURNING ${columns}`,
        ),
        firstToken,
      ),
    removeBySubject: (purpose, subject) =>
      Effect.map(
        statements.write(
          "removeBySubject",
          sql`DELETE FROM belfry_verification_tokens
            WHERE purpose = ${purpose} AND subject = ${subject} RETURNING id`,
        ),
        (rows) => rows.length,
      ),
    removeExpired: (now, limit) =>
      statements.write(
        "removeExpired",
        removeExpired(sql, "belfry_verification_tokens", DateTime.toDateUtc(now), limit),
      ),
  })
})

/**
 * Layer that keeps verification tokens in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<VerificationTokenStore, never, SqlClient.SqlClient> = Layer.effect(
  VerificationTokenStore,
  make,
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface VerificationTokenRow {
  readonly id: VerificationTokenId
  readonly purpose: string
  readonly subject: string
  readonly user_id: UserId | null
  readonly payload: Schema.Json
  readonly created_at: Date
  readonly expires_at: Date
}

const firstToken = ([row]: ReadonlyArray<VerificationTokenRow>): Option.Option<VerificationToken> =>
  row === undefined
    ? Option.none()
    : Option.some({
        id: row.id,
        purpose: row.purpose,
        subject: row.subject,
        userId: row.user_id,
        payload: row.payload,
        createdAt: DateTime.fromDateUnsafe(row.created_at),
        expiresAt: DateTime.fromDateUnsafe(row.expires_at),
      })
