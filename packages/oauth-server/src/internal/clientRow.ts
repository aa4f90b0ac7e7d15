/**
 * A client as a row of `belfry_oauth_clients`.
 */
import type { UserId } from "@belfry/core/User"
import * as DateTime from "effect/DateTime"
import type { ClientId, ClientMetadata, ClientPrivileges, ClientSecret, OAuthClient } from "../OAuthClient.ts"

/** The columns of {@link ClientRow}. */
export const clientColumns =
  "client_id, metadata, privileges, secrets, user_id, reference_id, is_disabled, is_dynamic, document_until, created_at, updated_at"

export interface ClientRow {
  readonly client_id: ClientId
  readonly metadata: ClientMetadata
  readonly privileges: ClientPrivileges
  readonly secrets: ReadonlyArray<ClientSecret>
  readonly user_id: UserId | null
  readonly reference_id: string | null
  readonly is_disabled: boolean
  readonly is_dynamic: boolean
  readonly document_until: Date | null
  readonly created_at: Date
  readonly updated_at: Date
}

export const toClient = (row: ClientRow): OAuthClient => ({
  id: row.client_id,
  metadata: row.metadata,
  privileges: row.privileges,
  secrets: row.secrets,
  userId: row.user_id,
  referenceId: row.reference_id,
  isDisabled: row.is_disabled,
  isDynamic: row.is_dynamic,
  documentUntil: row.document_until === null ? null : DateTime.fromDateUnsafe(row.document_until),
  createdAt: DateTime.fromDateUnsafe(row.created_at),
  updatedAt: DateTime.fromDateUnsafe(row.updated_at),
})
