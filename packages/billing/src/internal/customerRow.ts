/**
 * Customers as rows of `belfry_billing_customers`.
 */
import * as DateTime from "effect/DateTime"
import type { BillingCustomer, CustomerId, ProviderCustomerId } from "../BillingCustomer.ts"
import { type PayerRow, toPayer } from "./sqlPayers.ts"

/** The columns of a {@link CustomerRow}, of `customerTables`. */
export const customerColumns = `c.id, c.user_id, c.organization_id, c.team_id, t.organization_id AS team_organization_id,
  c.provider_id, c.generation, c.request, c.requested_at, c.profile_name, c.profile_email, c.created_at, c.closed_at`

/** `belfry_billing_customers AS c` with what names the payer. */
export const customerTables = `belfry_billing_customers AS c
  LEFT JOIN belfry_organization_teams AS t ON t.id = c.team_id`

export interface CustomerRow extends PayerRow {
  readonly id: CustomerId
  readonly provider_id: ProviderCustomerId | null
  readonly generation: number
  readonly request: BillingCustomer["request"]
  readonly requested_at: Date
  readonly profile_name: string | null
  readonly profile_email: string | null
  readonly created_at: Date
  readonly closed_at: Date | null
}

/** The customer of a row. */
export const toCustomer = (row: CustomerRow): BillingCustomer => ({
  id: row.id,
  payer: toPayer(row),
  providerId: row.provider_id,
  generation: row.generation,
  request: row.request,
  requestedAt: DateTime.fromDateUnsafe(row.requested_at),
  profile: { name: row.profile_name, email: row.profile_email },
  createdAt: DateTime.fromDateUnsafe(row.created_at),
  closedAt: row.closed_at === null ? null : DateTime.fromDateUnsafe(row.closed_at),
})
