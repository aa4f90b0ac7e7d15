/**
 * Tokens that are presented: what kind they are of, what to look up for them, and what comes of it.
 */
import type { KeyedHash } from "@belfry/core/KeyedHash"
import { KeyRing } from "@belfry/core/KeyRing"
import * as OpaqueToken from "@belfry/core/OpaqueToken"
import { Site } from "@belfry/core/Site"
import type { StoreError } from "@belfry/core/StoreError"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { ActiveAccessToken } from "../AccessTokens.ts"
import type { Claims } from "../Claims.ts"
import { GrantId, type GrantRecord, isInForce, prefixes } from "../Grant.ts"
import { issuerOf } from "../Issuer.ts"
import { ClientId, type OAuthClient } from "../OAuthClient.ts"
import { OAuthServerHooks } from "../OAuthServerHooks.ts"
import * as OAuthScope from "../OAuthScope.ts"
import type { Presented, Records } from "../RecordStore.ts"
import { SigningKeys } from "../SigningKeys.ts"
import { Subjects } from "../Subjects.ts"
import { ReservedClaims } from "../TokenIssuer.ts"
import { secondsOf, withoutReserved } from "./tokenClaims.ts"

/** A token that has the form of one of this server's; a JWT's signature was verified. */
export type PresentedToken =
  | { readonly kind: "opaque"; readonly hashes: NonEmptyReadonlyArray<KeyedHash> }
  | { readonly kind: "refresh"; readonly hashes: NonEmptyReadonlyArray<KeyedHash> }
  | { readonly kind: "jwt"; readonly claims: JwtClaims; readonly all: Claims }

/** What this server puts into each of its access tokens. */
const JwtClaims = Schema.Struct({
  jti: Schema.String,
  sub: Schema.String,
  client_id: ClientId,
  exp: Schema.Int,
  iat: Schema.Int,
  aud: Schema.Union([Schema.String, Schema.Array(Schema.String)]),
  scope: Schema.optionalKey(Schema.String),
  grant_id: Schema.optionalKey(GrantId),
})
type JwtClaims = typeof JwtClaims.Type

/** What to look up for a token. */
export const lookupOf = (token: PresentedToken | null): Omit<Presented, "clientId"> => {
  switch (token?.kind) {
    case "opaque":
      return { accessToken: token.hashes }
    case "refresh":
      return { refreshToken: token.hashes }
    case "jwt": {
      const { client_id: clientId, grant_id: grantId = null, jti } = token.claims
      return { jwt: { jti, clientId, grantId }, resources: audienceOf(token.claims) }
    }
    case undefined:
      return {}
  }
}

/** Reads and judges tokens. */
export const make = Effect.gen(function* () {
  const keyRing = yield* KeyRing
  const accessTokens = yield* keyRing.hasher("oauth-access-token")
  const refreshTokens = yield* keyRing.hasher("oauth-refresh-token")
  const signingKeys = yield* SigningKeys
  const subjects = yield* Subjects
  const hooks = yield* OAuthServerHooks
  const issuer = issuerOf(yield* Site)

  /** Tells the kind of a token by its form; null when it cannot be one of this server's. */
  const read = Effect.fnUntraced(function* (
    token: Redacted.Redacted,
  ): Effect.fn.Return<PresentedToken | null, StoreError> {
    const text = Redacted.value(token)
    if (OpaqueToken.isWellFormed(prefixes.accessToken, text)) {
      return { kind: "opaque", hashes: yield* accessTokens.candidates(token) }
    }
    if (OpaqueToken.isWellFormed(prefixes.refreshToken, text)) {
      return { kind: "refresh", hashes: yield* refreshTokens.candidates(token) }
    }
    const all = yield* signingKeys
      .verify(token, { typ: "at+jwt" })
      .pipe(Effect.catchTag("JwtInvalid", () => Effect.succeed(null)))
    const claims = decodeJwtClaims(all)
    return all === null || Option.isNone(claims) ? null : { kind: "jwt", claims: claims.value, all }
  })

  /** The user of a token as its client knows them. */
  const subjectOf = (client: OAuthClient, { user }: GrantRecord) => subjects.of(client, user.id)

  const ofOpaque = Effect.fnUntraced(function* (records: Records, client: OAuthClient, now: DateTime.Utc) {
    const row = records.accessToken
    const record = records.grant
    if (row === null || row.clientId !== client.id || isOver(row.expiresAt, now)) return null
    if (row.grantId !== null && (record === null || record.grant.id !== row.grantId)) return null
    const facts = {
      client,
      user: record?.user ?? null,
      grant: record?.grant ?? null,
      scopes: row.scopes,
      resources: row.audience,
    }
    const subject = record === null ? client.id : yield* subjectOf(client, record)
    const token: ActiveAccessToken = {
      kind: "opaque",
      clientId: client.id,
      subject,
      user: facts.user,
      grant: facts.grant,
      scopes: row.scopes,
      audience: row.audience,
      jti: null,
      issuedAt: row.createdAt,
      expiresAt: row.expiresAt,
      claims: withoutReserved(yield* hooks.accessTokenClaims(facts), ReservedClaims.accessToken),
    }
    return token
  })

  const ofJwt = (
    { all, claims }: Extract<PresentedToken, { readonly kind: "jwt" }>,
    records: Records,
    client: OAuthClient,
    now: DateTime.Utc,
  ): ActiveAccessToken | null => {
    const record = records.grant
    const expiresAt = DateTime.makeUnsafe(claims.exp * 1000)
    if (records.isRevoked || client.id !== claims.client_id || isOver(expiresAt, now)) return null
    // RFC 9700 §4.15: without a grant it is the client's own, and of nobody else.
    if (claims.grant_id === undefined ? claims.sub !== client.id : record === null) return null
    const { grant_id: _grantId, ...shown } = all
    return {
      kind: "jwt",
      clientId: client.id,
      subject: claims.sub,
      user: record?.user ?? null,
      grant: record?.grant ?? null,
      scopes: claims.scope === undefined ? [] : Option.getOrElse(OAuthScope.parse(claims.scope), () => []),
      audience: audienceOf(claims),
      jti: claims.jti,
      issuedAt: DateTime.makeUnsafe(claims.iat * 1000),
      expiresAt,
      claims: shown,
    }
  }

  /** An access token as it is on file; null when it is not in force. */
  const activeAccessToken = Effect.fnUntraced(function* (
    token: PresentedToken | null,
    records: Records,
    now: DateTime.Utc,
  ): Effect.fn.Return<ActiveAccessToken | null, StoreError> {
    const { grant, tokenClient } = records
    if (tokenClient === null || tokenClient.isDisabled) return null
    if (grant !== null && (!isInForce(grant, now) || grant.grant.clientId !== tokenClient.id)) return null
    if (token?.kind === "opaque") return yield* ofOpaque(records, tokenClient, now)
    return token?.kind === "jwt" ? ofJwt(token, records, tokenClient, now) : null
  })

  /** What introspection tells of an access token. */
  const describeAccessToken = (
    token: ActiveAccessToken,
    { grant: record, tokenClient }: Records,
    now: DateTime.Utc,
  ): Claims => {
    const { sid: _sid, ...claims } = token.claims
    const { sid, ...how } = record === null ? {} : describeGrant(record, now)
    // Resource servers of several clients would know a user again by the session, whatever the subject.
    const isSessionTold = sid !== undefined && tokenClient?.metadata.subjectType === "public"
    return {
      ...withoutReserved(claims, ReservedClaims.introspection),
      ...how,
      ...(isSessionTold ? { sid } : {}),
      active: true,
      iss: issuer,
      sub: token.subject,
      aud: token.audience.length === 1 ? (token.audience[0] ?? "") : token.audience,
      client_id: token.clientId,
      iat: secondsOf(token.issuedAt),
      exp: secondsOf(token.expiresAt),
      token_type: "Bearer",
      ...(token.jti === null ? {} : { jti: token.jti }),
      ...(token.scopes.length === 0 ? {} : { scope: OAuthScope.format(token.scopes) }),
      ...(token.user !== null && token.scopes.includes("email") ? { username: token.user.email } : {}),
    }
  }

  /** What introspection tells of a refresh token to its own client; null when it is not in force. */
  const describeRefreshToken = Effect.fnUntraced(function* (
    { grant: record, refreshToken }: Records,
    client: OAuthClient,
    now: DateTime.Utc,
  ) {
    if (record === null || refreshToken === null || record.grant.clientId !== client.id) return null
    if (refreshToken.rotatedAt !== null || isOver(refreshToken.expiresAt, now) || !isInForce(record, now)) return null
    const claims: Claims = {
      ...describeGrant(record, now),
      active: true,
      iss: issuer,
      sub: yield* subjectOf(client, record),
      client_id: client.id,
      iat: secondsOf(refreshToken.createdAt),
      exp: secondsOf(refreshToken.expiresAt),
      scope: OAuthScope.format(record.grant.scopes),
    }
    return claims
  })

  return { read, activeAccessToken, describeAccessToken, describeRefreshToken }
})

// internal

const decodeJwtClaims = Schema.decodeUnknownOption(JwtClaims)

const audienceOf = ({ aud }: JwtClaims): ReadonlyArray<string> => (typeof aud === "string" ? [aud] : aud)

const isOver = (end: DateTime.Utc, now: DateTime.Utc): boolean => end.epochMilliseconds <= now.epochMilliseconds

/** How and when the user proved who they are, and the session as long as it lives. */
const describeGrant = ({ grant, sessionExpiresAt }: GrantRecord, now: DateTime.Utc): Claims => ({
  auth_time: secondsOf(grant.authTime),
  ...(grant.acr === null ? {} : { acr: grant.acr }),
  ...(grant.amr.length === 0 ? {} : { amr: grant.amr }),
  ...(sessionExpiresAt !== null && !isOver(sessionExpiresAt, now) ? { sid: grant.sid } : {}),
})
