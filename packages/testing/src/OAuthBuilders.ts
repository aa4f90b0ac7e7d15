/**
 * Builders of the authorization server's models with defaults, so that a test shows only what it is about.
 *
 * Times come from the Clock of the test, ids and hashes are new every time.
 *
 * @since 0.1.0
 */
import { SessionStore } from "@belfry/core/SessionStore"
import {
  type AuthorizationRequest,
  type WaitingRequest,
  WaitingRequestId,
} from "@belfry/oauth-server/AuthorizationRequest"
import { ClientStore } from "@belfry/oauth-server/ClientStore"
import { type Consent, ConsentId } from "@belfry/oauth-server/Consent"
import {
  type AccessToken,
  type AuthorizationCode,
  type Grant,
  GrantId,
  type RefreshToken,
} from "@belfry/oauth-server/Grant"
import { GrantStore } from "@belfry/oauth-server/GrantStore"
import {
  ClientId,
  type ClientMetadata,
  type ClientPrivileges,
  type ClientSecret,
  type OAuthClient,
} from "@belfry/oauth-server/OAuthClient"
import type { ProtectedResource } from "@belfry/oauth-server/ProtectedResource"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Builders from "./Builders.ts"

/**
 * What a confidential web client says of itself.
 *
 * @category builders
 * @since 0.1.0
 */
export const clientMetadata = (fields: Partial<ClientMetadata> = {}): ClientMetadata => ({
  applicationType: "web",
  redirectUris: ["https://client.example.com/callback"],
  postLogoutRedirectUris: [],
  tokenEndpointAuthMethod: "client_secret_basic",
  grantTypes: ["authorization_code", "refresh_token", "client_credentials"],
  responseTypes: ["code"],
  scopes: ["openid", "profile", "email", "offline_access"],
  clientName: "Analytical Engine",
  clientUri: "https://client.example.com",
  logoUri: null,
  tosUri: null,
  policyUri: null,
  contacts: [],
  localized: {},
  jwks: null,
  jwksUri: null,
  softwareId: null,
  softwareVersion: null,
  softwareStatement: null,
  subjectType: "public",
  sectorIdentifierUri: null,
  idTokenSignedResponseAlg: null,
  accessTokenSigningAlg: null,
  defaultMaxAge: null,
  defaultAcrValues: [],
  requireAuthTime: false,
  ...fields,
})

/**
 * What a host grants a client of which it knows nothing.
 *
 * @category builders
 * @since 0.1.0
 */
export const clientPrivileges = (fields: Partial<ClientPrivileges> = {}): ClientPrivileges => ({
  skipConsent: false,
  enableEndSession: false,
  requirePkce: true,
  resources: null,
  metadata: {},
  ...fields,
})

/**
 * A secret of a client that never ends; nobody knows it.
 *
 * @category builders
 * @since 0.1.0
 */
export const clientSecret = Effect.fnUntraced(function* (fields: Partial<ClientSecret> = {}) {
  const { epochMilliseconds } = yield* DateTime.now
  const defaults: ClientSecret = {
    hash: yield* Builders.keyedHash,
    sealed: null,
    createdAt: epochMilliseconds,
    expiresAt: null,
  }
  return { ...defaults, ...fields }
})

/**
 * A confidential web client with a secret that nobody knows; it belongs to nobody.
 *
 * @category builders
 * @since 0.1.0
 */
export const client = Effect.fnUntraced(function* (
  fields: Partial<Omit<OAuthClient, "metadata" | "privileges">> & {
    readonly metadata?: Partial<ClientMetadata>
    readonly privileges?: Partial<ClientPrivileges>
  } = {},
) {
  const now = yield* DateTime.now
  const defaults: Omit<OAuthClient, "metadata" | "privileges"> = {
    id: ClientId.make(`client-${yield* random.uuidV7()}`),
    secrets: [yield* clientSecret()],
    userId: null,
    referenceId: null,
    isDisabled: false,
    isDynamic: false,
    documentUntil: null,
    createdAt: now,
    updatedAt: now,
  }
  const built: OAuthClient = {
    ...defaults,
    ...fields,
    metadata: clientMetadata(fields.metadata),
    privileges: clientPrivileges(fields.privileges),
  }
  return built
})

/**
 * A client that is in the store.
 *
 * @category builders
 * @since 0.1.0
 */
export const storedClient = Effect.fnUntraced(function* (fields: Parameters<typeof client>[0] = {}) {
  const built = yield* client(fields)
  yield* ClientStore.use((clients) => clients.insert(built))
  return built
})

/**
 * A grant in no session, for offline access, in force for 30 of at most 365 days.
 *
 * @category builders
 * @since 0.1.0
 */
export const grant = Effect.fnUntraced(function* (fields: Partial<Grant> & Pick<Grant, "clientId" | "userId">) {
  const now = yield* DateTime.now
  const defaults: Omit<Grant, "clientId" | "userId"> = {
    id: GrantId.make(yield* random.uuidV7()),
    sessionId: null,
    sid: yield* random.uuidV7(),
    referenceId: null,
    scopes: ["openid", "offline_access"],
    resources: [],
    claims: null,
    nonce: null,
    authTime: now,
    acr: null,
    amr: ["pwd"],
    isOffline: true,
    createdAt: now,
    expiresAt: DateTime.add(now, { days: 30 }),
    endsAt: DateTime.add(now, { days: 365 }),
    revokedAt: null,
  }
  return { ...defaults, ...fields }
})

/**
 * A code for 60 seconds that was not redeemed, with the challenge of RFC 7636 appendix B.
 *
 * @category builders
 * @since 0.1.0
 */
export const authorizationCode = Effect.fnUntraced(function* (fields: Partial<AuthorizationCode> = {}) {
  const defaults: AuthorizationCode = {
    hash: yield* Builders.keyedHash,
    redirectUri: "https://client.example.com/callback",
    isRedirectUriGiven: true,
    codeChallenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    expiresAt: DateTime.add(yield* DateTime.now, { seconds: 60 }),
    redeemedAt: null,
  }
  return { ...defaults, ...fields }
})

/**
 * A grant with its code that is in the store, with a client and a user of its own where none are given.
 *
 * @category builders
 * @since 0.1.0
 */
export const storedGrant = Effect.fnUntraced(function* (
  fields: Partial<Grant> & { readonly code?: Partial<AuthorizationCode> } = {},
) {
  const { code: codeFields, ...grantFields } = fields
  const built = yield* grant({
    ...grantFields,
    clientId: grantFields.clientId ?? (yield* storedClient()).id,
    userId: grantFields.userId ?? (yield* Builders.storedUser()).id,
  })
  const code = yield* authorizationCode(codeFields)
  const inserted = yield* GrantStore.use((grants) => grants.insert(built, code))
  if (inserted !== "kept") return yield* Effect.die(new Error(`The grant is not kept: ${inserted}`))
  return { grant: built, code }
})

/**
 * A session of a user that is in the store.
 *
 * @category builders
 * @since 0.1.0
 */
export const storedSession = Effect.fnUntraced(function* (fields: Parameters<typeof Builders.session>[0]) {
  const built = yield* Builders.session(fields)
  const tokenHash = yield* Builders.keyedHash
  yield* SessionStore.use((sessions) => sessions.insert(built, tokenHash))
  return built
})

/**
 * A refresh token for 30 days that was not rotated.
 *
 * @category builders
 * @since 0.1.0
 */
export const refreshToken = Effect.fnUntraced(function* (
  fields: Partial<RefreshToken> & Pick<RefreshToken, "grantId">,
) {
  const now = yield* DateTime.now
  const defaults: Omit<RefreshToken, "grantId"> = {
    hash: yield* Builders.keyedHash,
    createdAt: now,
    expiresAt: DateTime.add(now, { days: 30 }),
    rotatedAt: null,
    successor: null,
  }
  return { ...defaults, ...fields }
})

/**
 * An opaque access token for one hour that a client got for itself.
 *
 * @category builders
 * @since 0.1.0
 */
export const accessToken = Effect.fnUntraced(function* (fields: Partial<AccessToken> & Pick<AccessToken, "clientId">) {
  const now = yield* DateTime.now
  const defaults: Omit<AccessToken, "clientId"> = {
    hash: yield* Builders.keyedHash,
    grantId: null,
    userId: null,
    scopes: ["openid"],
    audience: [],
    createdAt: now,
    expiresAt: DateTime.add(now, { hours: 1 }),
  }
  return { ...defaults, ...fields }
})

/**
 * A consent of a user to `openid`, for themselves.
 *
 * @category builders
 * @since 0.1.0
 */
export const consent = Effect.fnUntraced(function* (fields: Partial<Consent> & Pick<Consent, "clientId" | "userId">) {
  const now = yield* DateTime.now
  const defaults: Omit<Consent, "clientId" | "userId"> = {
    id: ConsentId.make(yield* random.uuidV7()),
    referenceId: null,
    scopes: ["openid"],
    declinedScopes: [],
    resources: [],
    createdAt: now,
    updatedAt: now,
  }
  return { ...defaults, ...fields }
})

/**
 * A protected resource of which no more is known than how it is called, as settings name it.
 *
 * @category builders
 * @since 0.1.0
 */
export const resource = (
  identifier: string,
  fields: Partial<Omit<ProtectedResource, "identifier">> = {},
): ProtectedResource => ({
  identifier,
  name: null,
  scopes: null,
  accessTokenLifetime: null,
  signingAlgorithm: null,
  introspectionClientId: null,
  isDisabled: false,
  ...fields,
})

/**
 * A protected resource of an identifier of its own.
 *
 * @category builders
 * @since 0.1.0
 */
export const protectedResource = Effect.fnUntraced(function* (fields: Partial<ProtectedResource> = {}) {
  const { identifier = `https://api.example.com/${yield* random.uuidV7()}`, ...others } = fields
  return resource(identifier, { name: "Difference Engine", ...others })
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

// One generator for all builders: UUIDv7 ascend only within a generator.
const random = SecureRandom.make(SecureRandom.randomBytesUnsafe)

/**
 * A request that waits for 10 minutes, for a code and no more.
 *
 * @category building
 * @since 0.1.0
 */
export const waitingRequest = Effect.fnUntraced(function* (
  fields: Partial<WaitingRequest> & Pick<AuthorizationRequest, "clientId">,
) {
  const { clientId, ...rest } = fields
  const now = yield* DateTime.now
  const request: AuthorizationRequest = {
    clientId,
    redirectUri: "https://client.example.com/callback",
    isRedirectUriGiven: true,
    responseMode: "query",
    state: null,
    scopes: ["openid"],
    resources: [],
    codeChallenge: null,
    nonce: null,
    prompts: [],
    maxAge: null,
    acrValues: [],
    isAcrEssential: false,
    claims: null,
    subject: null,
    loginHint: null,
    uiLocales: [],
    display: null,
  }
  const defaults: WaitingRequest = {
    id: WaitingRequestId.make(yield* random.uuidV7()),
    browserHash: yield* Builders.keyedHash,
    request,
    sessionId: null,
    steps: [],
    createdAt: now,
    expiresAt: DateTime.add(now, { minutes: 10 }),
  }
  return { ...defaults, ...rest }
})
