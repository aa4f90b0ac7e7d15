/**
 * The member whom a call names, and the user who becomes one, as SQL.
 */
import type { UserId } from "@belfry/core/User"
import type * as SqlClient from "effect/sql/SqlClient"
import type { Fragment } from "effect/sql/Statement"
import type { MemberRef } from "../Member.ts"

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
