/**
 * Password hashes in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import { toUser, userColumns, type UserRow } from "@belfry/core/SqlUserStore"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { PasswordHash } from "./Password.ts"
import { PasswordStore } from "./PasswordStore.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "PasswordStore")

  return PasswordStore.of({
    find: (userId) =>
      Effect.map(
        statements.read("find", sql<PasswordRow>`SELECT hash FROM belfry_passwords WHERE user_id = ${userId}`),
        ([row]) => Option.fromUndefinedOr(row?.hash),
      ),
    findByEmail: (email) =>
      Effect.map(
        statements.read(
          "findByEmail",
          sql<OwnerRow>`SELECT ${sql.literal(userColumns)}, hash FROM belfry_users
            LEFT JOIN (SELECT user_id, hash FROM belfry_passwords) AS passwords ON user_id = id
            WHERE email = ${email}`,
        ),
        ([row]) =>
          row === undefined ? Option.none() : Option.some({ user: toUser(row), hash: Option.fromNullOr(row.hash) }),
      ),
    set: (userId, hash, now) =>
      Effect.asVoid(
        statements.write(
          "set",
          sql`INSERT INTO belfry_passwords (user_id, hash, created_at, updated_at)
            VALUES (${userId}, ${hash}, ${DateTime.toDateUtc(now)}, ${DateTime.toDateUtc(now)})
            ON CONFLICT ON CONSTRAINT belfry_passwords_pkey
              DO UPDATE SET hash = EXCLUDED.hash, updated_at = EXCLUDED.updated_at`,
        ),
      ),
    rehash: (userId, from, to, now) =>
      Effect.map(
        statements.write(
          "rehash",
          sql`UPDATE belfry_passwords SET hash = ${to}, updated_at = ${DateTime.toDateUtc(now)}
            WHERE user_id = ${userId} AND hash = ${from} RETURNING user_id`,
        ),
        (rows) => rows.length > 0,
      ),
    confirm: (userId, hash) =>
      Effect.map(
        statements.read(
          "confirm",
          sql`SELECT user_id FROM belfry_passwords WHERE user_id = ${userId} AND hash = ${hash} FOR SHARE`,
        ),
        (rows) => rows.length > 0,
      ),
    remove: (userId) =>
      Effect.map(
        statements.write("remove", sql`DELETE FROM belfry_passwords WHERE user_id = ${userId} RETURNING user_id`),
        (rows) => rows.length > 0,
      ),
  })
})

/**
 * Layer that keeps password hashes in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<PasswordStore, never, SqlClient.SqlClient> = Layer.effect(PasswordStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface PasswordRow {
  readonly hash: PasswordHash
}

interface OwnerRow extends UserRow {
  readonly hash: PasswordHash | null
}
