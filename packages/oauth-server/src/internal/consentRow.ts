/**
 * Consents as rows of `belfry_oauth_consents`.
 */
import type { UserId } from "@belfry/core/User"
import * as DateTime from "effect/DateTime"
import type { Consent, ConsentId } from "../Consent.ts"
import type { ClientId } from "../OAuthClient.ts"

/** The columns of a consent, in the order of the table. */
export const consentColumns =
  "id, client_id, user_id, reference_id, scopes, declined_scopes, resources, created_at, updated_at"

export interface ConsentRow {
  readonly id: ConsentId
  readonly client_id: ClientId
  readonly user_id: UserId
  readonly reference_id: string | null
  readonly scopes: ReadonlyArray<string>
  readonly declined_scopes: ReadonlyArray<string>
  readonly resources: ReadonlyArray<string>
  readonly created_at: Date
  readonly updated_at: Date
}

export const toConsent = (row: ConsentRow): Consent => ({
  id: row.id,
  clientId: row.client_id,
  userId: row.user_id,
  referenceId: row.reference_id,
  scopes: row.scopes,
  declinedScopes: row.declined_scopes,
  resources: row.resources,
  createdAt: DateTime.fromDateUnsafe(row.created_at),
  updatedAt: DateTime.fromDateUnsafe(row.updated_at),
})
