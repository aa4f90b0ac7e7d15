/**
 * What the tables of TOTP and HOTP have in common in PostgreSQL.
 */
import type { Sealed } from "@belfry/core/KeyedHash"
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import type { UserId } from "@belfry/core/User"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { Digits } from "../OneTimePassword.ts"
import type { Claim, Row } from "./oneTimePasswordRow.ts"

/** The columns that both tables have. */
export interface CommonRow {
  readonly user_id: UserId
  readonly secret: Sealed
  readonly digits: Digits
  readonly created_at: Date
  readonly confirmed_at: Date | null
  readonly last_used_at: Date | null
}

/** The common fields as columns. */
export const toColumns = (row: Row): CommonRow => ({
  user_id: row.userId,
  secret: row.secret,
  digits: row.digits,
  created_at: DateTime.toDateUtc(row.createdAt),
  confirmed_at: toNullableDate(row.confirmedAt),
  last_used_at: toNullableDate(row.lastUsedAt),
})

/** The common columns as fields. */
export const toFields = (row: CommonRow): Row => ({
  userId: row.user_id,
  secret: row.secret,
  digits: row.digits,
  createdAt: DateTime.fromDateUnsafe(row.created_at),
  confirmedAt: toNullableInstant(row.confirmed_at),
  lastUsedAt: toNullableInstant(row.last_used_at),
})

/**
 * Builds what both stores do; `position` is the column that only ever grows, `columns` are those that one table has.
 */
export const make = Effect.fnUntraced(function* <R extends CommonRow>(options: {
  readonly store: "TotpStore" | "HotpStore"
  readonly table: "belfry_totps" | "belfry_hotps"
  readonly columns: "algorithm, period, last_step" | "counter"
  readonly position: "last_step" | "counter"
}) {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, options.store)
  const table = sql.literal(options.table)
  const position = sql.literal(options.position)
  const columns = sql.literal(`user_id, secret, digits, created_at, confirmed_at, last_used_at, ${options.columns}`)
  const hasRows = (rows: ReadonlyArray<unknown>): boolean => rows.length > 0
  const isNewer = (claim: Claim) =>
    sql`user_id = ${claim.userId} AND secret = ${claim.secret} AND (${position} IS NULL OR ${position} < ${claim.position})`

  return {
    find: (userId: UserId) =>
      Effect.map(statements.read("find", sql<R>`SELECT ${columns} FROM ${table} WHERE user_id = ${userId}`), ([row]) =>
        Option.fromUndefinedOr(row),
      ),
    begin: (row: Readonly<Record<string, string | number | Date | null>>) => {
      const replaced = sql.literal(
        Object.keys(row)
          .map((column) => `${column} = excluded.${column}`)
          .join(", "),
      )
      return Effect.map(
        statements.write(
          "begin",
          sql`INSERT INTO ${table} AS kept ${sql.insert(row)}
            ON CONFLICT ON CONSTRAINT ${sql.literal(`${options.table}_pkey`)} DO UPDATE SET ${replaced}
            WHERE kept.confirmed_at IS NULL RETURNING kept.user_id`,
        ),
        hasRows,
      )
    },
    confirm: (claim: Claim) =>
      Effect.map(
        statements.write(
          "confirm",
          sql`UPDATE ${table} SET ${position} = ${claim.position}, confirmed_at = ${DateTime.toDateUtc(claim.now)}
            WHERE ${isNewer(claim)} AND confirmed_at IS NULL RETURNING user_id`,
        ),
        hasRows,
      ),
    claim: (method: string, claim: Claim) =>
      Effect.map(
        statements.write(
          method,
          sql`UPDATE ${table} SET ${position} = ${claim.position}, last_used_at = ${DateTime.toDateUtc(claim.now)}
            WHERE ${isNewer(claim)} AND confirmed_at IS NOT NULL RETURNING user_id`,
        ),
        hasRows,
      ),
    reseal: (userId: UserId, from: Sealed, to: Sealed) =>
      Effect.map(
        statements.write(
          "reseal",
          sql`UPDATE ${table} SET secret = ${to} WHERE user_id = ${userId} AND secret = ${from} RETURNING user_id`,
        ),
        hasRows,
      ),
    remove: (userId: UserId) =>
      Effect.map(
        statements.write(
          "remove",
          sql<Pick<CommonRow, "confirmed_at">>`DELETE FROM ${table} WHERE user_id = ${userId} RETURNING confirmed_at`,
        ),
        ([row]) => row !== undefined && row.confirmed_at !== null,
      ),
  }
})

const toNullableDate = (instant: DateTime.Utc | null): Date | null =>
  instant === null ? null : DateTime.toDateUtc(instant)

const toNullableInstant = (date: Date | null): DateTime.Utc | null =>
  date === null ? null : DateTime.fromDateUnsafe(date)
