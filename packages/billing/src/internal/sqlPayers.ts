/**
 * Payers as SQL: whose a row is, and what is known of them.
 */
import type { UserId } from "@belfry/core/User"
import type { OrganizationId } from "@belfry/organization/Organization"
import type { TeamId } from "@belfry/organization/Team"
import type * as SqlClient from "effect/sql/SqlClient"
import type { PayerFacts } from "../CustomerStore.ts"
import type { Payer } from "../Payer.ts"

/** The columns of a payer, of which one is set; `team_organization_id` is that of the team. */
export interface PayerRow {
  readonly user_id: UserId | null
  readonly organization_id: OrganizationId | null
  readonly team_id: TeamId | null
  readonly team_organization_id: OrganizationId | null
}

/** The payer of a row; null: it is gone. */
export const toPayer = (row: PayerRow): Payer | null => {
  const { organization_id: organizationId, team_id: teamId, user_id: userId } = row
  if (userId !== null) return { _tag: "User", userId }
  if (organizationId !== null) return { _tag: "Organization", organizationId }
  return teamId === null || row.team_organization_id === null
    ? null
    : { _tag: "Team", organizationId: row.team_organization_id, teamId }
}

/** The column by which rows of a payer are found, and the id in it. */
export const placeOf = (payer: Payer) => {
  switch (payer._tag) {
    case "User":
      return { column: "user_id", id: payer.userId }
    case "Organization":
      return { column: "organization_id", id: payer.organizationId }
    case "Team":
      return { column: "team_id", id: payer.teamId }
  }
}

/** Whether a row of `alias` is of a payer. */
export const isOf = (sql: SqlClient.SqlClient, alias: string, payer: Payer) => {
  const { column, id } = placeOf(payer)
  return sql`${sql(`${alias}.${column}`)} = ${id}`
}

/** A payer's row in the table of its kind: `FROM` and `WHERE` of a statement that needs it to be there. */
export const fromPayer = (sql: SqlClient.SqlClient, payer: Payer) => {
  switch (payer._tag) {
    case "User":
      return sql`FROM belfry_users AS p WHERE p.id = ${payer.userId}`
    case "Organization":
      return sql`FROM belfry_organizations AS p WHERE p.id = ${payer.organizationId}`
    case "Team":
      return sql`FROM belfry_organization_teams AS p
        WHERE p.id = ${payer.teamId} AND p.organization_id = ${payer.organizationId}`
  }
}

/** The columns of a {@link FactsRow}, of `fromPayer`. */
export const factsColumns = (sql: SqlClient.SqlClient, payer: Payer) => {
  switch (payer._tag) {
    case "User":
      return sql`p.name, p.email, p.email_verified_at IS NOT NULL AS is_email_verified, 1 AS seats`
    case "Organization":
      return sql`p.name, NULL AS email, false AS is_email_verified, p.member_count AS seats`
    case "Team":
      return sql`p.name, NULL AS email, false AS is_email_verified, (
        SELECT count(*)::int4 FROM belfry_organization_team_members AS m WHERE m.team_id = p.id
      ) AS seats`
  }
}

export interface FactsRow {
  readonly name: string | null
  readonly email: string | null
  readonly is_email_verified: boolean
  readonly seats: number
}

/** What is known of a payer. */
export const toFacts = (row: FactsRow): PayerFacts => ({
  name: row.name,
  email: row.email,
  isEmailVerified: row.is_email_verified,
  seats: row.seats,
})
