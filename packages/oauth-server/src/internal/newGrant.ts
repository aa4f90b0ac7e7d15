/**
 * The grant that an authorization request leads to.
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import type { AuthorizationRequest, ClaimsRequest } from "../AuthorizationRequest.ts"
import type { SignedInUser } from "../Authorizations.ts"
import type { Grant, GrantId } from "../Grant.ts"
import type { OAuthServerSettingsService } from "../OAuthServerSettings.ts"
import { coveredBy } from "../UserClaims.ts"

/** What a grant is made of. `scopes` are those given. */
export interface GrantOptions {
  readonly id: GrantId
  readonly request: AuthorizationRequest
  readonly person: SignedInUser
  readonly scopes: ReadonlyArray<string>
  readonly referenceId: string | null
  readonly codeExpiresAt: DateTime.Utc
  readonly longestAccessToken: Duration.Duration
  readonly settings: OAuthServerSettingsService
  readonly now: DateTime.Utc
}

/** Makes a grant. It is in force for as long as its code, and what the code can be exchanged for. */
export const make = (options: GrantOptions): Grant => {
  const { codeExpiresAt, longestAccessToken, now, person, request, scopes, settings } = options
  const isOffline = scopes.includes("offline_access")
  const tokens = isOffline ? Duration.max(longestAccessToken, settings.refreshTokenLifetime) : longestAccessToken
  const expiresAt = DateTime.addDuration(codeExpiresAt, tokens)
  return {
    id: options.id,
    clientId: request.clientId,
    userId: person.user.id,
    sessionId: person.session.id,
    sid: person.session.id,
    referenceId: options.referenceId,
    scopes,
    resources: request.resources,
    claims: consentedClaims(request.claims, scopes),
    nonce: request.nonce,
    authTime: person.session.authTime,
    acr: person.session.acr,
    amr: person.session.amr,
    isOffline,
    createdAt: now,
    expiresAt,
    endsAt: DateTime.max(expiresAt, DateTime.addDuration(now, settings.grantLifetime)),
    revokedAt: null,
  }
}

/**
 * What is left of a `claims` parameter: claims that a scope covers which was given. Those about the sign-in itself
 * (`acr`, `auth_time`) are in the ID token anyway.
 *
 * @see [OpenID Connect Core §5.5](https://openid.net/specs/openid-connect-core-1_0.html#ClaimsParameter)
 */
export const consentedClaims = (claims: ClaimsRequest | null, scopes: ReadonlyArray<string>): ClaimsRequest | null => {
  if (claims === null) return null
  const covered = coveredBy(scopes)
  const keep = (members: ClaimsRequest["userinfo"]) =>
    Object.fromEntries(Object.entries(members ?? {}).filter(([name]) => covered.has(name)))
  const kept = { userinfo: keep(claims.userinfo), id_token: keep(claims.id_token) }
  return Object.keys(kept.userinfo).length + Object.keys(kept.id_token).length === 0 ? null : kept
}
