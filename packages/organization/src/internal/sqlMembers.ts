/**
 * The member whom a call names, the user who becomes one, and the members whom a search means, as SQL.
 */
import type { UserId } from "@belfry/core/User"
import type * as SqlClient from "effect/sql/SqlClient"
import type { Fragment } from "effect/sql/Statement"
import type { MemberRef } from "../Member.ts"
import { begins, isText, limitTo } from "./sqlPages.ts"

/** The member that is named, of `belfry_organization_members AS m` and `belfry_users AS u`. */
export const isMeant = (sql: SqlClient.SqlClient, ref: MemberRef): Fragment => {
  switch (ref._tag) {
    case "Id":
      return sql`m.id = ${ref.id}`
    case "Email":
      return sql`u.email = ${ref.email}`
    case "User":
      return sql`m.user_id = ${ref.userId}`
  }
}

/**
 * `person AS (...)`: the user who becomes a member, locked as the foreign key locks them. It waits for whoever is
 * deleting the user, and has no row then: a foreign key that speaks aborts the transaction. Null is nobody.
 */
export const personTable = (sql: SqlClient.SqlClient, userId: UserId | null): Fragment =>
  sql`person AS (SELECT id FROM belfry_users WHERE id = ${userId} FOR KEY SHARE)`

/**
 * The ids of the first `limit` members of a list, in the order of their ids, whose address or name begins with a text.
 *
 * **Details**
 *
 * The database knows how large lists are on average, and would go through the whole of a large one. So the way is said
 * here. Those of all users who are called so are looked up in the list, one by one, at most {@link few}. Where more are
 * called so, or the list is small, it is gone through until there are enough: in a list where as many are called so as
 * elsewhere, that is soon.
 *
 * `seats` selects `id` and `user_id` of all in the list by id; `seatOf` the `id` of the user `found.id`; `isSmall` says
 * whether there are no more than {@link smallList} in it.
 */
export const searched = (
  sql: SqlClient.SqlClient,
  {
    isSmall,
    limit,
    seatOf,
    seats,
    search,
  }: {
    readonly isSmall: Fragment
    readonly limit: number
    readonly seatOf: Fragment
    readonly seats: Fragment
    readonly search: string
  },
): Fragment => {
  const isCalled = begins(sql, ["u.email", "lower(u.name)"], search)
  // OFFSET 0 keeps the parts apart, so that they are carried out as they are written.
  return sql`WITH found AS MATERIALIZED (
      SELECT u.id FROM belfry_users AS u WHERE ${isBetween(sql, search)} LIMIT ${sql.literal(String(few + 1))}
    ), way AS MATERIALIZED (
      SELECT ${isSmall} OR (SELECT count(*) FROM found) > ${few} AS is_walked
    )
    SELECT hit.id FROM (
      SELECT seat.id FROM found CROSS JOIN LATERAL (${seatOf} OFFSET 0) AS seat
      WHERE NOT (SELECT is_walked FROM way)
      UNION ALL (
        SELECT seat.id FROM (${seats} OFFSET 0) AS seat CROSS JOIN LATERAL (
          SELECT FROM belfry_users AS u WHERE u.id = seat.user_id ${isCalled} OFFSET 0
        ) AS person
        WHERE (SELECT is_walked FROM way) ORDER BY seat.id ${limitTo(sql, limit)}
      )
    ) AS hit ORDER BY hit.id ${limitTo(sql, limit)}`
}

/** How many are gone through without looking for another way. */
export const smallList = 1000

// internal

/** How many users are looked up in a list, at most. */
const few = 3000

/**
 * The same as `begins`, of indexes: a pattern that is a parameter names no place in an index once the database plans
 * for all patterns alike, and a beginning and an end do.
 */
const isBetween = (sql: SqlClient.SqlClient, search: string): Fragment => {
  if (!isText(search)) return sql`false`
  const [first, last] = [sql`lower(${search}::text)`, sql`lower(${`${search}\u{10FFFF}`}::text)`]
  return sql`((u.email >= ${first} AND u.email < ${last})
    OR (lower(u.name) ~>=~ ${first} AND lower(u.name) ~<~ ${last}))`
}
