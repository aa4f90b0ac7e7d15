/**
 * The member whom a call names, as SQL.
 */
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
