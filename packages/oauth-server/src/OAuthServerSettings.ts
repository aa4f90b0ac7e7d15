/**
 * The settings of the authorization server.
 *
 * @since 0.1.0
 */
import type { RateLimit } from "@belfry/core/RateLimit"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import type * as Redacted from "effect/Redacted"
import type { BoundResource } from "./BoundResource.ts"
import type { ClientId } from "./OAuthClient.ts"
import * as OAuthScope from "./OAuthScope.ts"
import type { ProtectedResource } from "./ProtectedResource.ts"
import type { SigningAlgorithm } from "./SigningKey.ts"

/**
 * The settings of the authorization server. Every one has a default.
 *
 * @category models
 * @since 0.1.0
 */
export interface OAuthServerSettingsService {
  /** Scopes beside those of OpenID Connect. Each client may ask for those that it has. */
  readonly scopes: ReadonlyArray<string>
  /** What a client gets that asks without naming scopes; only those that it may ask for. */
  readonly defaultScopes: ReadonlyArray<string>
  /** The same for tokens that a client gets for itself. */
  readonly clientCredentialsDefaultScopes: ReadonlyArray<string>
  /** 60 seconds; at most 10 minutes (RFC 6749 §4.1.2). */
  readonly codeLifetime: Duration.Duration
  /** How long a request waits for a person: 10 minutes. */
  readonly requestLifetime: Duration.Duration
  /** 1 hour. */
  readonly accessTokenLifetime: Duration.Duration
  /** Of tokens that a client gets for itself: 1 hour. */
  readonly clientCredentialsLifetime: Duration.Duration
  /** 30 days, from each refresh anew. */
  readonly refreshTokenLifetime: Duration.Duration
  /** How long a grant can be refreshed at all: 365 days. */
  readonly grantLifetime: Duration.Duration
  /** 10 hours. */
  readonly idTokenLifetime: Duration.Duration
  /** Lifetimes of access tokens that carry a scope: the shortest of all counts. */
  readonly scopeLifetimes: Readonly<Record<string, Duration.Duration>>
  /** For how long a refresh token that was rotated gets the same successor once more; 0: it is theft at once. */
  readonly refreshGrace: Duration.Duration
  /** Protected resources of the configuration, beside those of `ResourceStore`. */
  readonly resources: ReadonlyArray<ProtectedResource>
  /**
   * Families of protected resources, each bound to what its identifier names: an organization, say. Nobody gets a token
   * for one but by the hook `mayAct`, and a client for itself only where it belongs to the same.
   */
  readonly boundResources: ReadonlyArray<BoundResource>
  /** Who may register clients at `/auth/oauth2/register`: nobody, who has an initial access token, or anybody. */
  readonly registration: "off" | "token" | "open"
  /** Scopes that clients may register for; null leaves all. */
  readonly registrationScopes: ReadonlyArray<string> | null
  /** Scopes of clients that register without naming any; null: all that clients may register for. */
  readonly registrationDefaultScopes: ReadonlyArray<string> | null
  /**
   * Scopes that clients which registered themselves, or are known by a metadata document, may ask a person for beyond
   * those that they registered: what they turn out to need later. Consent is asked as always.
   */
  readonly registrationStepUp: ReadonlyArray<string>
  /** Whether a client may be the metadata document that its id is the URL of. */
  readonly clientMetadataDocuments: "off" | "on"
  /**
   * Schemes of redirect URIs of native applications beside those with a period (`com.example.app`), which RFC 8252 §8.4
   * asks for: `cursor` or `vscode`, say.
   */
  readonly redirectSchemes: ReadonlyArray<string>
  /** How long the secret of a client lasts that registered; null: for ever. */
  readonly registrationSecretLifetime: Duration.Duration | null
  /** How long both secrets hold while one takes the other's place: 7 days. */
  readonly secretOverlap: Duration.Duration
  /** Clients of the host's own: no consent is asked for them, and they cannot be changed over HTTP. */
  readonly trustedClients: ReadonlySet<ClientId>
  /** Whether the public part of a client is shown to people who are not signed in, for a request that waits. */
  readonly publicClientBeforeSignIn: boolean
  /** Enables `subject_type=pairwise`; at least 32 characters. Changing it changes every pairwise subject. */
  readonly pairwiseSecret: Redacted.Redacted | null
  /** `ES256`. */
  readonly accessTokenAlgorithm: SigningAlgorithm
  /** `RS256`, which every client of OpenID Connect can verify. */
  readonly idTokenAlgorithm: SigningAlgorithm
  /** How long a key signs: 90 days. */
  readonly keyLifetime: Duration.Duration
  /** How long a new key is published before it signs: 1 day, which is how long JWK Sets may be cached. */
  readonly keyLead: Duration.Duration
  /** No JWTs but ID tokens of confidential clients, signed with their secret (HS256); no JWK Set. */
  readonly disableJwt: boolean
  /** RP-initiated logout. */
  readonly endSession: boolean
  /** What discovery tells of scopes and claims, where it is less than all. */
  readonly advertised: { readonly scopes?: ReadonlyArray<string>; readonly claims?: ReadonlyArray<string> }
  /** Names of the grant types that are on, of those that are installed. */
  readonly grantTypes: ReadonlyArray<string>
  /**
   * How often one address may call; null: as often as it likes. `authorize`, `registration`: every request.
   * `clientDocuments`: those that make this server fetch a metadata document. The others: requests that fail; a client
   * that proves itself is not counted.
   */
  readonly rateLimits: {
    readonly authorize: RateLimit | null
    readonly registration: RateLimit | null
    readonly clientDocuments: RateLimit | null
    readonly token: RateLimit | null
    readonly introspection: RateLimit | null
    readonly revocation: RateLimit | null
    readonly userInfo: RateLimit | null
  }
}

/**
 * The defaults.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Partial<OAuthServerSettingsService> = {}): OAuthServerSettingsService => ({
  scopes: [],
  defaultScopes: ["openid"],
  clientCredentialsDefaultScopes: [],
  codeLifetime: Duration.seconds(60),
  requestLifetime: Duration.minutes(10),
  accessTokenLifetime: Duration.hours(1),
  clientCredentialsLifetime: Duration.hours(1),
  refreshTokenLifetime: Duration.days(30),
  grantLifetime: Duration.days(365),
  idTokenLifetime: Duration.hours(10),
  scopeLifetimes: {},
  refreshGrace: Duration.zero,
  resources: [],
  boundResources: [],
  registration: "off",
  registrationScopes: null,
  registrationDefaultScopes: null,
  registrationStepUp: [],
  clientMetadataDocuments: "off",
  redirectSchemes: [],
  registrationSecretLifetime: null,
  secretOverlap: Duration.days(7),
  trustedClients: new Set(),
  publicClientBeforeSignIn: false,
  pairwiseSecret: null,
  accessTokenAlgorithm: "ES256",
  idTokenAlgorithm: "RS256",
  keyLifetime: Duration.days(90),
  keyLead: Duration.days(1),
  disableJwt: false,
  endSession: true,
  advertised: {},
  grantTypes: ["authorization_code", "refresh_token", "client_credentials"],
  rateLimits: {
    authorize: perMinute("oauth-authorize", 30),
    registration: perMinute("oauth-registration", 5),
    clientDocuments: perMinute("oauth-client-documents", 10),
    token: perMinute("oauth-token", 20),
    introspection: perMinute("oauth-introspection", 100),
    revocation: perMinute("oauth-revocation", 30),
    userInfo: perMinute("oauth-userinfo", 60),
  },
  ...options,
})

/**
 * The settings of the authorization server; the defaults, unless a host provides others.
 *
 * @category services
 * @since 0.1.0
 */
export const OAuthServerSettings = Context.Reference<OAuthServerSettingsService>(
  "@belfry/oauth-server/OAuthServerSettings",
  { defaultValue: () => make() },
)

/**
 * The scopes that a server of these settings has: those of OpenID Connect, and all that settings and configured
 * resources name. Clients can have these and no others.
 *
 * @see [RFC 6749 §3.3](https://www.rfc-editor.org/rfc/rfc6749.html#section-3.3)
 * @category accessors
 * @since 0.1.0
 */
export const supportedScopes = (settings: OAuthServerSettingsService): ReadonlyArray<string> =>
  [
    OAuthScope.openIdScopes,
    settings.defaultScopes,
    settings.scopes,
    settings.clientCredentialsDefaultScopes,
    settings.registrationScopes ?? [],
    settings.registrationStepUp,
    ...[...settings.resources, ...settings.boundResources].map(({ scopes }) => scopes ?? []),
  ].reduce(OAuthScope.union)

// internal

function perMinute(name: string, limit: number): RateLimit {
  return { name: `${name}-by-address`, limit, window: Duration.minutes(1) }
}
