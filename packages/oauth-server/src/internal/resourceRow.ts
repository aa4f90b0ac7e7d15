/**
 * A protected resource as a row of `belfry_oauth_resources`.
 */
import type { ProtectedResource } from "../ProtectedResource.ts"
import type { SigningAlgorithm } from "../SigningKey.ts"

/** The columns of {@link ResourceRow}. */
export const resourceColumns =
  "identifier, name, scopes, access_token_lifetime, signing_algorithm, introspection_client_id, is_disabled"

export interface ResourceRow {
  readonly identifier: string
  readonly name: string | null
  readonly scopes: ReadonlyArray<string> | null
  readonly access_token_lifetime: number | null
  readonly signing_algorithm: SigningAlgorithm | null
  readonly introspection_client_id: string | null
  readonly is_disabled: boolean
}

export const toResource = (row: ResourceRow): ProtectedResource => ({
  identifier: row.identifier,
  name: row.name,
  scopes: row.scopes,
  accessTokenLifetime: row.access_token_lifetime,
  signingAlgorithm: row.signing_algorithm,
  introspectionClientId: row.introspection_client_id,
  isDisabled: row.is_disabled,
})
