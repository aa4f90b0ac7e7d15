/**
 * Pages of lists and searches, as SQL.
 */
import type * as SqlClient from "effect/sql/SqlClient"
import type { Fragment } from "effect/sql/Statement"

/** `AND column > id`, for lists that go on with what is greater; nothing at the beginning of a list. */
export const after = (sql: SqlClient.SqlClient, column: string, place: string | null): Fragment =>
  place === null ? sql`` : sql`AND ${sql.literal(column)} > ${place}`

/** `AND column < id`, for lists with the newest first. */
export const before = (sql: SqlClient.SqlClient, column: string, place: string | null): Fragment =>
  place === null ? sql`` : sql`AND ${sql.literal(column)} < ${place}`

/**
 * `AND (one LIKE 'text%' OR another LIKE ...)`, without regard to case, of expressions that are in lower case; nothing
 * without a search. Which letters beyond ASCII are of one kind, the database's locale says. Text that the database
 * cannot hold begins nothing.
 */
export const begins = (
  sql: SqlClient.SqlClient,
  expressions: readonly [string, ...ReadonlyArray<string>],
  search: string | null,
): Fragment => {
  if (search === null) return sql``
  if (!isText(search)) return sql`AND false`
  const pattern = prefixPattern(search)
  return sql`AND ${sql.or(expressions.map((expression) => sql`${sql.literal(expression)} LIKE lower(${pattern}::text)`))}`
}

/**
 * Whether a text can be on file at all: PostgreSQL has neither NUL nor lone surrogates and refuses them as parameters.
 */
export const isText = (text: string): boolean => !text.includes("\0") && text.isWellFormed()

/** The pattern of `LIKE` for what begins with a text: `\`, `%` and `_` of the text stand for themselves. */
export const prefixPattern = (text: string): string => `${text.replaceAll(/[\\%_]/gu, "\\$&")}%`

/**
 * `LIMIT`, of a page's few sizes, in the text of the statement. As a parameter it would have the database plan every
 * page anew, which takes longer than the page does: it guesses a tenth of the rows, and takes a plan for so many to be
 * dear.
 */
export const limitTo = (sql: SqlClient.SqlClient, rows: number): Fragment => sql`LIMIT ${sql.literal(String(rows))}`
