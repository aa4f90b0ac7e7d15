/**
 * Makes tokens: access tokens as JWT or opaque, refresh tokens, ID tokens. Nothing is kept here: grants do that.
 *
 * @since 0.1.0
 */
import { KeyRing } from "@belfry/core/KeyRing"
import * as OpaqueToken from "@belfry/core/OpaqueToken"
import { Site } from "@belfry/core/Site"
import type { StoreError } from "@belfry/core/StoreError"
import type { User } from "@belfry/core/User"
import * as Context from "effect/Context"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type { Claims } from "./Claims.ts"
import { type AccessToken, type AuthorizationCode, type Grant, prefixes, type RefreshToken } from "./Grant.ts"
import { issuerOf } from "./Issuer.ts"
import { clientSecretSigner } from "./internal/clientSecretSignature.ts"
import { accessTokenHash, secondsOf, withoutReserved } from "./internal/tokenClaims.ts"
import { accessTokenAlgorithm, accessTokenLifetime, longestLifetime } from "./internal/tokenRules.ts"
import { isPublic, type OAuthClient } from "./OAuthClient.ts"
import { OAuthServerHooks } from "./OAuthServerHooks.ts"
import * as OAuthScope from "./OAuthScope.ts"
import { OAuthServerSettings } from "./OAuthServerSettings.ts"
import type { ProtectedResource } from "./ProtectedResource.ts"
import { SigningKeys } from "./SigningKeys.ts"
import { Subjects } from "./Subjects.ts"
import * as UserClaims from "./UserClaims.ts"

/**
 * An access token that was made. `row` is what must be kept of an opaque one; null for a JWT.
 *
 * @category models
 * @since 0.1.0
 */
export interface IssuedAccessToken {
  readonly token: Redacted.Redacted
  readonly expiresAt: DateTime.Utc
  readonly row: AccessToken | null
}

/**
 * An opaque credential that was made, and what must be kept of it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Issued<Row> {
  readonly token: Redacted.Redacted
  readonly row: Row
}

/**
 * The claims that hooks cannot set, by what they stand in.
 *
 * @see [RFC 9068 §2.2](https://www.rfc-editor.org/rfc/rfc9068.html#section-2.2)
 * @see [OpenID Connect Core §2](https://openid.net/specs/openid-connect-core-1_0.html#IDToken)
 * @category models
 * @since 0.1.0
 */
export const ReservedClaims = {
  accessToken: [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "client_id",
    "azp",
    "scope",
    "sid",
    "auth_time",
    "acr",
    "amr",
    "grant_id",
    "cnf",
    "act",
    "may_act",
  ],
  idToken: [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "nonce",
    "acr",
    "amr",
    "azp",
    "auth_time",
    "at_hash",
    "c_hash",
    "s_hash",
    "sid",
    "events",
  ],
  userInfo: ["sub", "iss", "aud"],
  introspection: [
    "active",
    "client_id",
    "exp",
    "iat",
    "iss",
    "jti",
    "aud",
    "sub",
    "scope",
    "token_type",
    "username",
    "cnf",
  ],
  tokenResponse: [
    "access_token",
    "token_type",
    "expires_in",
    "expires_at",
    "refresh_token",
    "scope",
    "id_token",
    "issued_token_type",
    "error",
  ],
} as const

/**
 * Makes tokens.
 *
 * @category services
 * @since 0.1.0
 */
export class TokenIssuer extends Context.Service<
  TokenIssuer,
  {
    /**
     * Makes an access token: a JWT (RFC 9068) when resources are named and `disableJwt` is off, else opaque. Its
     * audience is the resources, and the issuer, for the UserInfo endpoint, with `openid` or when there are none.
     * `grant` and `user` are null when the client gets it for itself; `sub` is the client's id then. With several
     * resources the strictest settings count. A JWT of a grant names it (`grant_id`), so that it ends with it.
     */
    readonly accessToken: (options: {
      readonly client: OAuthClient
      readonly grant: Grant | null
      readonly user: User | null
      readonly scopes: ReadonlyArray<string>
      readonly resources: ReadonlyArray<ProtectedResource>
      readonly now: DateTime.Utc
    }) => Effect.Effect<IssuedAccessToken, StoreError>
    /** The longest that an access token of a grant can last from now: what the grant's `expiresAt` must cover. */
    readonly longestAccessToken: (grant: Pick<Grant, "scopes">) => Duration.Duration
    readonly refreshToken: (grant: Grant, now: DateTime.Utc) => Effect.Effect<Issued<RefreshToken>>
    readonly code: (
      options: Pick<AuthorizationCode, "redirectUri" | "isRedirectUriGiven" | "codeChallenge">,
      now: DateTime.Utc,
    ) => Effect.Effect<Issued<AuthorizationCode>>
    /**
     * Makes the ID token of a grant with `openid`; null without it, and with `disableJwt` for clients without a secret
     * that can be read, public ones first of all. `nonce` is in it only the first time (OpenID Connect Core §12.2).
     * `accessToken` gives `at_hash`.
     */
    readonly idToken: (options: {
      readonly client: OAuthClient
      readonly grant: Grant
      readonly user: User
      readonly scopes: ReadonlyArray<string>
      readonly accessToken: Redacted.Redacted
      readonly isFirst: boolean
      readonly now: DateTime.Utc
    }) => Effect.Effect<Redacted.Redacted | null, StoreError>
  }
>()("@belfry/oauth-server/TokenIssuer") {}

/**
 * Makes the service.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const settings = yield* OAuthServerSettings
  const hooks = yield* OAuthServerHooks
  const keys = yield* SigningKeys
  const subjects = yield* Subjects
  const digest = yield* Digest.Digest
  const random = yield* SecureRandom.SecureRandom
  const issuer = issuerOf(yield* Site)
  const ring = yield* KeyRing
  const accessTokens = yield* ring.hasher("oauth-access-token")
  const refreshTokens = yield* ring.hasher("oauth-refresh-token")
  const codes = yield* ring.hasher("oauth-code")
  const signWithSecret = clientSecretSigner(yield* ring.sealer("oauth-client-secret"))

  const opaque = (prefix: string) =>
    Effect.provideService(OpaqueToken.generate(prefix), SecureRandom.SecureRandom, random)

  return TokenIssuer.of({
    accessToken: Effect.fnUntraced(function* ({ client, grant, user, scopes, resources, now }) {
      const lifetime = accessTokenLifetime(settings, { isOfGrant: grant !== null, scopes, resources })
      const expiresAt = notAfter(grant, DateTime.addDuration(now, lifetime))
      const identifiers = resources.map(({ identifier }) => identifier)
      // The UserInfo endpoint is a resource too: what may be used there says so, and nothing else is taken there.
      const audience = identifiers.length === 0 || scopes.includes("openid") ? [...identifiers, issuer] : identifiers
      if (resources.length === 0 || settings.disableJwt) {
        const token = yield* opaque(prefixes.accessToken)
        const row: AccessToken = {
          hash: yield* accessTokens.hash(token),
          clientId: client.id,
          grantId: grant?.id ?? null,
          userId: grant?.userId ?? null,
          scopes,
          audience,
          createdAt: now,
          expiresAt,
        }
        return { token, expiresAt, row }
      }
      const facts = { client, user, grant, scopes, resources: identifiers }
      const claims: Claims = {
        ...withoutReserved(yield* hooks.accessTokenClaims(facts), ReservedClaims.accessToken),
        iss: issuer,
        sub: grant === null ? client.id : yield* subjects.of(client, grant.userId),
        aud: audience.length === 1 ? (audience[0] ?? "") : audience,
        exp: secondsOf(expiresAt),
        iat: secondsOf(now),
        jti: yield* random.uuidV7(),
        client_id: client.id,
        ...(scopes.length === 0 ? {} : { scope: OAuthScope.format(scopes) }),
        ...(grant === null ? {} : { grant_id: grant.id, ...authenticationOf(grant), ...sidOf(client, grant) }),
      }
      const algorithm = accessTokenAlgorithm(settings, client, resources)
      return { token: yield* keys.sign({ claims, typ: "at+jwt", algorithm }), expiresAt, row: null }
    }),

    longestAccessToken: ({ scopes }) => longestLifetime(settings, scopes),

    refreshToken: Effect.fnUntraced(function* (grant, now) {
      const token = yield* opaque(prefixes.refreshToken)
      const row: RefreshToken = {
        hash: yield* refreshTokens.hash(token),
        grantId: grant.id,
        createdAt: now,
        expiresAt: notAfter(grant, DateTime.addDuration(now, settings.refreshTokenLifetime)),
        rotatedAt: null,
        successor: null,
      }
      return { token, row }
    }),

    code: Effect.fnUntraced(function* (options, now) {
      const token = yield* opaque(prefixes.code)
      const lifetime = Duration.min(settings.codeLifetime, longestCodeLifetime)
      const row: AuthorizationCode = {
        hash: yield* codes.hash(token),
        redirectUri: options.redirectUri,
        isRedirectUriGiven: options.isRedirectUriGiven,
        codeChallenge: options.codeChallenge,
        expiresAt: DateTime.addDuration(now, lifetime),
        redeemedAt: null,
      }
      return { token, row }
    }),

    idToken: Effect.fnUntraced(function* ({ client, grant, user, scopes, accessToken, isFirst, now }) {
      if (!scopes.includes("openid") || (settings.disableJwt && isPublic(client))) return null
      const algorithm = settings.disableJwt
        ? "HS256"
        : (client.metadata.idTokenSignedResponseAlg ?? settings.idTokenAlgorithm)
      const facts = { client, user, grant, scopes, resources: grant.resources }
      const claims: Claims = {
        ...withoutReserved(yield* hooks.idTokenClaims(facts), ReservedClaims.idToken),
        ...UserClaims.ofUser(user, { scopes, requested: grant.claims, target: "id_token" }),
        iss: issuer,
        sub: yield* subjects.of(client, grant.userId),
        aud: client.id,
        exp: secondsOf(DateTime.addDuration(now, settings.idTokenLifetime)),
        iat: secondsOf(now),
        ...authenticationOf(grant),
        sid: grant.sid,
        ...(isFirst && grant.nonce !== null ? { nonce: grant.nonce } : {}),
        at_hash: yield* accessTokenHash(digest, algorithm, accessToken),
      }
      return algorithm === "HS256"
        ? yield* signWithSecret(client, claims, now)
        : yield* keys.sign({ claims, typ: "JWT", algorithm })
    }),
  })
})

/**
 * Layer of the service. Needs `effect/crypto`'s `Digest` and `SecureRandom`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(TokenIssuer, make)

// internal

/** RFC 6749 §4.1.2. */
const longestCodeLifetime = Duration.minutes(10)

/** No token outlives the time in which its grant can be refreshed. */
const notAfter = (grant: Grant | null, end: DateTime.Utc): DateTime.Utc =>
  grant === null ? end : DateTime.min(end, grant.endsAt)

const authenticationOf = ({ authTime, acr, amr }: Grant): Claims => ({
  auth_time: secondsOf(authTime),
  ...(acr === null ? {} : { acr }),
  ...(amr.length === 0 ? {} : { amr }),
})

/** Resource servers of several clients would know a user again by the session, whatever the subject. */
const sidOf = ({ metadata }: OAuthClient, { sid }: Grant): Claims =>
  metadata.subjectType === "pairwise" ? {} : { sid }
