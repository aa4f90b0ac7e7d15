/**
 * The one row that a look-up of records answers.
 */
import { toUser, type UserRow } from "@belfry/core/SqlUserStore"
import * as DateTime from "effect/DateTime"
import type { Consent } from "../Consent.ts"
import type { AccessToken, AuthorizationCode, GrantRecord, RefreshToken } from "../Grant.ts"
import type { OAuthClient } from "../OAuthClient.ts"
import type { ProtectedResource } from "../ProtectedResource.ts"
import type { Presented, Records } from "../RecordStore.ts"
import { type ClientRow, toClient } from "./clientRow.ts"
import { type ConsentRow, toConsent } from "./consentRow.ts"
import {
  type AccessTokenRow,
  type CodeRow,
  type GrantRow,
  type RefreshTokenRow,
  toAccessToken,
  toCode,
  toGrant,
  toRefreshToken,
} from "./grantRow.ts"
import { type ResourceRow, toResource } from "./resourceRow.ts"

/** The columns of a joined row under a prefix: all of them, or null each when there is none. */
type Joined<Prefix extends string, Row> =
  | { readonly [Column in keyof Row & string as `${Prefix}_${Column}`]: Row[Column] }
  | { readonly [Column in keyof Row & string as `${Prefix}_${Column}`]: null }

type FoundClient = Joined<"c", ClientRow>
type FoundTokenClient = Joined<"t", ClientRow>
type FoundRefreshToken = Joined<"r", RefreshTokenRow>
type FoundAccessToken = Joined<"a", AccessTokenRow>
type FoundConsent = Joined<"k", ConsentRow>
type FoundCode = Joined<"g", CodeRow>
type FoundGrant = Joined<"g", GrantRow> & Joined<"u", UserRow> & { readonly s_expires_at: Date | null }

/** The row of a statement of all parts. Those of a part are read only where it was asked for. */
export type FoundRow = FoundAccessToken &
  FoundClient &
  FoundCode &
  FoundConsent &
  FoundGrant &
  FoundRefreshToken &
  FoundTokenClient & { readonly j_jti: string | null; readonly resources: ReadonlyArray<ResourceRow> | null }

/** What is on file about nothing. */
export const nothing: Records = {
  client: null,
  resources: [],
  grant: null,
  code: null,
  refreshToken: null,
  accessToken: null,
  tokenClient: null,
  isRevoked: false,
  consent: null,
}

/** What a row says about what was presented. */
export const toRecords = (row: FoundRow, presented: Presented): Records => {
  const { clientId, code, consentOf, jwt } = presented
  const isOfToken = presented.accessToken !== undefined || jwt !== undefined
  const isOfGrant = code !== undefined || presented.refreshToken !== undefined || isOfToken
  const grant = isOfGrant ? toGrantRecord(row) : null
  const accessToken = presented.accessToken === undefined ? null : toFoundAccessToken(row)
  return {
    client: clientId === undefined ? null : toFoundClient(row),
    resources: toFoundResources(row.resources, presented.resources, grant?.grant.resources, accessToken?.audience),
    grant,
    code: code === undefined ? null : toFoundCode(row),
    refreshToken: presented.refreshToken === undefined ? null : toFoundRefreshToken(row),
    accessToken,
    tokenClient: isOfToken ? toTokenClient(row) : null,
    isRevoked: jwt !== undefined && row.j_jti !== null,
    consent: clientId === undefined || consentOf === undefined ? null : toFoundConsent(row),
  }
}

/** The resources on file in the order in which they were named: by the request, the grant, and the access token. */
const toFoundResources = (
  rows: ReadonlyArray<ResourceRow> | null | undefined,
  ...names: ReadonlyArray<ReadonlyArray<string> | undefined>
): ReadonlyArray<ProtectedResource> => {
  if (rows === null || rows === undefined) return []
  const found = new Map(rows.map((row) => [row.identifier, toResource(row)]))
  const identifiers = names.flatMap((each) => each ?? [])
  return [...new Set(identifiers)].flatMap((identifier) => found.get(identifier) ?? [])
}

const toFoundClient = (row: FoundClient): OAuthClient | null =>
  row.c_client_id === null
    ? null
    : toClient({
        client_id: row.c_client_id,
        metadata: row.c_metadata,
        privileges: row.c_privileges,
        secrets: row.c_secrets,
        user_id: row.c_user_id,
        reference_id: row.c_reference_id,
        is_disabled: row.c_is_disabled,
        is_dynamic: row.c_is_dynamic,
        document_until: row.c_document_until,
        created_at: row.c_created_at,
        updated_at: row.c_updated_at,
      })

const toTokenClient = (row: FoundTokenClient): OAuthClient | null =>
  row.t_client_id === null
    ? null
    : toClient({
        client_id: row.t_client_id,
        metadata: row.t_metadata,
        privileges: row.t_privileges,
        secrets: row.t_secrets,
        user_id: row.t_user_id,
        reference_id: row.t_reference_id,
        is_disabled: row.t_is_disabled,
        is_dynamic: row.t_is_dynamic,
        document_until: row.t_document_until,
        created_at: row.t_created_at,
        updated_at: row.t_updated_at,
      })

const toGrantRecord = (row: FoundGrant): GrantRecord | null =>
  row.g_id === null || row.u_id === null
    ? null
    : {
        grant: toGrant({
          id: row.g_id,
          client_id: row.g_client_id,
          user_id: row.g_user_id,
          session_id: row.g_session_id,
          sid: row.g_sid,
          reference_id: row.g_reference_id,
          scopes: row.g_scopes,
          resources: row.g_resources,
          claims: row.g_claims,
          nonce: row.g_nonce,
          auth_time: row.g_auth_time,
          acr: row.g_acr,
          amr: row.g_amr,
          is_offline: row.g_is_offline,
          created_at: row.g_created_at,
          expires_at: row.g_expires_at,
          ends_at: row.g_ends_at,
          revoked_at: row.g_revoked_at,
        }),
        user: toUser({
          id: row.u_id,
          email: row.u_email,
          name: row.u_name,
          image: row.u_image,
          email_verified_at: row.u_email_verified_at,
          scopes: row.u_scopes,
          disabled_at: row.u_disabled_at,
          created_at: row.u_created_at,
          updated_at: row.u_updated_at,
        }),
        sessionExpiresAt: row.s_expires_at === null ? null : DateTime.fromDateUnsafe(row.s_expires_at),
      }

const toFoundCode = (row: FoundCode): AuthorizationCode | null =>
  row.g_code_hash === null
    ? null
    : toCode({
        code_hash: row.g_code_hash,
        code_redirect_uri: row.g_code_redirect_uri,
        code_redirect_uri_given: row.g_code_redirect_uri_given,
        code_challenge: row.g_code_challenge,
        code_expires_at: row.g_code_expires_at,
        code_redeemed_at: row.g_code_redeemed_at,
      })

const toFoundRefreshToken = (row: FoundRefreshToken): RefreshToken | null =>
  row.r_token_hash === null
    ? null
    : toRefreshToken({
        token_hash: row.r_token_hash,
        grant_id: row.r_grant_id,
        successor: row.r_successor,
        created_at: row.r_created_at,
        expires_at: row.r_expires_at,
        rotated_at: row.r_rotated_at,
      })

const toFoundAccessToken = (row: FoundAccessToken): AccessToken | null =>
  row.a_token_hash === null
    ? null
    : toAccessToken({
        token_hash: row.a_token_hash,
        client_id: row.a_client_id,
        grant_id: row.a_grant_id,
        user_id: row.a_user_id,
        scopes: row.a_scopes,
        audience: row.a_audience,
        created_at: row.a_created_at,
        expires_at: row.a_expires_at,
      })

const toFoundConsent = (row: FoundConsent): Consent | null =>
  row.k_id === null
    ? null
    : toConsent({
        id: row.k_id,
        client_id: row.k_client_id,
        user_id: row.k_user_id,
        reference_id: row.k_reference_id,
        scopes: row.k_scopes,
        declined_scopes: row.k_declined_scopes,
        resources: row.k_resources,
        created_at: row.k_created_at,
        updated_at: row.k_updated_at,
      })
