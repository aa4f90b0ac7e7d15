/**
 * Grants with their codes, and tokens, as rows of their tables.
 */
import type { KeyedHash, Sealed } from "@belfry/core/KeyedHash"
import type { AuthenticationMethod, SessionId } from "@belfry/core/Session"
import type { UserId } from "@belfry/core/User"
import * as DateTime from "effect/DateTime"
import type { ClaimsRequest } from "../AuthorizationRequest.ts"
import type { AccessToken, AuthorizationCode, Grant, GrantId, RefreshToken } from "../Grant.ts"
import type { ClientId } from "../OAuthClient.ts"

/** The columns of a grant, in the order of {@link toGrantParameters}. */
export const grantColumns = `id, client_id, user_id, session_id, sid, reference_id, scopes, resources, claims, nonce,
  auth_time, acr, amr, is_offline, created_at, expires_at, ends_at, revoked_at`

export interface GrantRow {
  readonly id: GrantId
  readonly client_id: ClientId
  readonly user_id: UserId
  readonly session_id: SessionId | null
  readonly sid: string
  readonly reference_id: string | null
  readonly scopes: ReadonlyArray<string>
  readonly resources: ReadonlyArray<string>
  readonly claims: ClaimsRequest | null
  readonly nonce: string | null
  readonly auth_time: Date
  readonly acr: string | null
  readonly amr: ReadonlyArray<AuthenticationMethod>
  readonly is_offline: boolean
  readonly created_at: Date
  readonly expires_at: Date
  readonly ends_at: Date
  readonly revoked_at: Date | null
}

/** The columns of the code in the row of its grant. */
export const codeColumns =
  "code_hash, code_redirect_uri, code_redirect_uri_given, code_challenge, code_expires_at, code_redeemed_at"

export interface CodeRow {
  readonly code_hash: KeyedHash
  readonly code_redirect_uri: string
  readonly code_redirect_uri_given: boolean
  readonly code_challenge: string | null
  readonly code_expires_at: Date
  readonly code_redeemed_at: Date | null
}

/** The columns of `belfry_oauth_refresh_tokens`. */
export const refreshTokenColumns = "token_hash, grant_id, successor, created_at, expires_at, rotated_at"

export interface RefreshTokenRow {
  readonly token_hash: KeyedHash
  readonly grant_id: GrantId
  readonly successor: Sealed | null
  readonly created_at: Date
  readonly expires_at: Date
  readonly rotated_at: Date | null
}

/** The columns of `belfry_oauth_access_tokens`. */
export const accessTokenColumns = "token_hash, client_id, grant_id, user_id, scopes, audience, created_at, expires_at"

export interface AccessTokenRow {
  readonly token_hash: KeyedHash
  readonly client_id: ClientId
  readonly grant_id: GrantId | null
  readonly user_id: UserId | null
  readonly scopes: ReadonlyArray<string>
  readonly audience: ReadonlyArray<string>
  readonly created_at: Date
  readonly expires_at: Date
}

export const toGrant = (row: GrantRow): Grant => ({
  id: row.id,
  clientId: row.client_id,
  userId: row.user_id,
  sessionId: row.session_id,
  sid: row.sid,
  referenceId: row.reference_id,
  scopes: row.scopes,
  resources: row.resources,
  claims: row.claims,
  nonce: row.nonce,
  authTime: DateTime.fromDateUnsafe(row.auth_time),
  acr: row.acr,
  amr: row.amr,
  isOffline: row.is_offline,
  createdAt: DateTime.fromDateUnsafe(row.created_at),
  expiresAt: DateTime.fromDateUnsafe(row.expires_at),
  endsAt: DateTime.fromDateUnsafe(row.ends_at),
  revokedAt: fromNullableDate(row.revoked_at),
})

export const toCode = (row: CodeRow): AuthorizationCode => ({
  hash: row.code_hash,
  redirectUri: row.code_redirect_uri,
  isRedirectUriGiven: row.code_redirect_uri_given,
  codeChallenge: row.code_challenge,
  expiresAt: DateTime.fromDateUnsafe(row.code_expires_at),
  redeemedAt: fromNullableDate(row.code_redeemed_at),
})

export const toRefreshToken = (row: RefreshTokenRow): RefreshToken => ({
  hash: row.token_hash,
  grantId: row.grant_id,
  createdAt: DateTime.fromDateUnsafe(row.created_at),
  expiresAt: DateTime.fromDateUnsafe(row.expires_at),
  rotatedAt: fromNullableDate(row.rotated_at),
  successor: row.successor,
})

export const toAccessToken = (row: AccessTokenRow): AccessToken => ({
  hash: row.token_hash,
  clientId: row.client_id,
  grantId: row.grant_id,
  userId: row.user_id,
  scopes: row.scopes,
  audience: row.audience,
  createdAt: DateTime.fromDateUnsafe(row.created_at),
  expiresAt: DateTime.fromDateUnsafe(row.expires_at),
})

export const fromNullableDate = (date: Date | null): DateTime.Utc | null =>
  date === null ? null : DateTime.fromDateUnsafe(date)

export const toNullableDate = (instant: DateTime.Utc | null): Date | null =>
  instant === null ? null : DateTime.toDateUtc(instant)
