/**
 * Users in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as SqlFailure from "@belfry/sql/SqlFailure"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import * as SqlStoreError from "./SqlStoreError.ts"
import { type Email, EmailTaken, type User, type UserId, type UserPatch, UserReferenced } from "./User.ts"
import { UserStore } from "./UserStore.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "UserStore")
  const columns = sql.literal(userColumns)

  // An e-mail address that is taken is an answer, not an error of the database, which would abort the transaction
  // of the caller: hence "on conflict do nothing" here and the savepoint in `update`.
  const insert = Effect.fnUntraced(function* (user: User) {
    const inserted = yield* statements.write(
      "insert",
      sql`INSERT INTO belfry_users (${columns}) VALUES (
        ${user.id}, ${user.email}, ${user.name}, ${user.image}, ${toNullableDate(user.emailVerifiedAt)}, ${user.scopes},
        ${toNullableDate(user.disabledAt)}, ${DateTime.toDateUtc(user.createdAt)}, ${DateTime.toDateUtc(user.updatedAt)}
      ) ON CONFLICT ON CONSTRAINT belfry_users_email_key DO NOTHING RETURNING id`,
    )
    if (inserted.length === 0) return yield* new EmailTaken()
  })

  const update = Effect.fnUntraced(function* (id: UserId, patch: UserPatch, updatedAt: DateTime.Utc) {
    const statement = sql<UserRow>`UPDATE belfry_users SET ${sql.update({
      ...(patch.email === undefined ? {} : { email: patch.email }),
      ...(patch.name === undefined ? {} : { name: patch.name }),
      ...(patch.image === undefined ? {} : { image: patch.image }),
      ...(patch.emailVerifiedAt === undefined ? {} : { email_verified_at: toNullableDate(patch.emailVerifiedAt) }),
      ...(patch.scopes === undefined ? {} : { scopes: patch.scopes }),
      updated_at: DateTime.toDateUtc(updatedAt),
    })} WHERE id = ${id} RETURNING ${columns}`
    const needsSavepoint = patch.email !== undefined && (yield* SqlStoreError.isInTransaction(sql))
    return yield* (needsSavepoint ? sql.withTransaction(statement) : statement).pipe(
      Effect.map(firstUser),
      Effect.mapError((cause) =>
        SqlFailure.isUniqueViolation(cause, "belfry_users_email_key")
          ? new EmailTaken()
          : statements.failure("update", cause),
      ),
    )
  })

  return UserStore.of({
    insert,
    findById: (id) =>
      Effect.map(
        statements.read("findById", sql<UserRow>`SELECT ${columns} FROM belfry_users WHERE id = ${id}`),
        firstUser,
      ),
    findByEmail: (email) =>
      Effect.map(
        statements.read("findByEmail", sql<UserRow>`SELECT ${columns} FROM belfry_users WHERE email = ${email}`),
        firstUser,
      ),
    list: ({ before, limit }) =>
      Effect.map(
        statements.read(
          "list",
          // The limit is one of few: as a parameter it would have the database plan every page anew.
          sql<UserRow>`SELECT ${columns} FROM belfry_users ${before === null ? sql`` : sql`WHERE id < ${before}`}
            ORDER BY id DESC LIMIT ${sql.literal(String(Math.trunc(limit)))}`,
        ),
        (rows) => rows.map(toUser),
      ),
    update,
    setDisabled: (id, disabledAt, updatedAt) => {
      const instant = toNullableDate(disabledAt)
      return Effect.map(
        statements.write(
          "setDisabled",
          sql<UserRow>`UPDATE belfry_users
            SET disabled_at = ${instant === null ? sql`NULL` : sql`COALESCE(disabled_at, ${instant})`},
              updated_at = ${DateTime.toDateUtc(updatedAt)}
            WHERE id = ${id} RETURNING ${columns}`,
        ),
        firstUser,
      )
    },
    remove: (id) =>
      sql<UserRow>`DELETE FROM belfry_users WHERE id = ${id} RETURNING ${columns}`.pipe(
        Effect.map(firstUser),
        Effect.mapError((cause) =>
          SqlFailure.isForeignKeyViolation(cause) ? new UserReferenced() : statements.failure("remove", cause),
        ),
      ),
  })
})

/**
 * Layer that keeps users in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<UserStore, never, SqlClient.SqlClient> = Layer.effect(UserStore, make)

/**
 * The columns of `belfry_users` that make a {@link UserRow}, for adapters that join them.
 *
 * @category rows
 * @since 0.1.0
 */
export const userColumns = "id, email, name, image, email_verified_at, scopes, disabled_at, created_at, updated_at"

/**
 * A user as the table has it.
 *
 * @category rows
 * @since 0.1.0
 */
export interface UserRow {
  readonly id: UserId
  readonly email: Email
  readonly name: string | null
  readonly image: string | null
  readonly email_verified_at: Date | null
  readonly scopes: ReadonlyArray<string>
  readonly disabled_at: Date | null
  readonly created_at: Date
  readonly updated_at: Date
}

/**
 * The user of a row.
 *
 * @category rows
 * @since 0.1.0
 */
export const toUser = (row: UserRow): User => ({
  id: row.id,
  email: row.email,
  name: row.name,
  image: row.image,
  emailVerifiedAt: row.email_verified_at === null ? null : DateTime.fromDateUnsafe(row.email_verified_at),
  scopes: row.scopes,
  disabledAt: row.disabled_at === null ? null : DateTime.fromDateUnsafe(row.disabled_at),
  createdAt: DateTime.fromDateUnsafe(row.created_at),
  updatedAt: DateTime.fromDateUnsafe(row.updated_at),
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const firstUser = ([row]: ReadonlyArray<UserRow>): Option.Option<User> =>
  row === undefined ? Option.none() : Option.some(toUser(row))

const toNullableDate = (instant: DateTime.Utc | null): Date | null =>
  instant === null ? null : DateTime.toDateUtc(instant)
