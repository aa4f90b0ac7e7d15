/**
 * Access tokens that are presented: whose they are, for what, and whether they are in force.
 *
 * @since 0.1.0
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import type { RateLimited } from "@belfry/core/RateLimit"
import { Site } from "@belfry/core/Site"
import type { StoreError } from "@belfry/core/StoreError"
import type { User } from "@belfry/core/User"
import { Audit } from "@belfry/core/Audit"
import { TransactionStore } from "@belfry/core/TransactionStore"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Claims } from "./Claims.ts"
import { ClientAuthentications } from "./ClientAuthentications.ts"
import type { Grant } from "./Grant.ts"
import { GrantStore } from "./GrantStore.ts"
import * as ClientRequests from "./internal/clientRequests.ts"
import * as PresentedTokens from "./internal/presentedTokens.ts"
import { resolve } from "./internal/resolveResources.ts"
import { withoutReserved } from "./internal/tokenClaims.ts"
import { refusal } from "./internal/tokenRequests.ts"
import type { OAuthClient } from "./OAuthClient.ts"
import type { OAuthError } from "./OAuthError.ts"
import { issuerOf } from "./Issuer.ts"
import { OAuthServerHooks } from "./OAuthServerHooks.ts"
import { OAuthServerSettings } from "./OAuthServerSettings.ts"
import type { Parameters } from "./Parameters.ts"
import { type Presented, RecordStore, type Records } from "./RecordStore.ts"
import { Subjects } from "./Subjects.ts"
import { ReservedClaims } from "./TokenIssuer.ts"
import type { ClientRequest } from "./Tokens.ts"
import * as UserClaims from "./UserClaims.ts"

/**
 * An access token in force. `user` and `grant` are null when the client got it for itself.
 *
 * @category models
 * @since 0.1.0
 */
export interface ActiveAccessToken {
  readonly kind: "jwt" | "opaque"
  readonly clientId: string
  readonly subject: string
  readonly user: User | null
  readonly grant: Grant | null
  readonly scopes: ReadonlyArray<string>
  readonly audience: ReadonlyArray<string>
  readonly jti: string | null
  readonly issuedAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc
  /** The claims of a JWT; of an opaque token what hooks say. */
  readonly claims: Claims
}

/**
 * An access token that is malformed, unknown, over, revoked, or of a grant that is not in force. Which one is not told.
 *
 * @see [RFC 6750 §3.1](https://www.rfc-editor.org/rfc/rfc6750.html#section-3.1)
 * @category errors
 * @since 0.1.0
 */
export class AccessTokenInvalid extends Schema.TaggedError<AccessTokenInvalid>(
  "@belfry/oauth-server/AccessTokenInvalid",
)("AccessTokenInvalid", {}) {
  override get message(): string {
    return "The access token is not in force"
  }
}

/**
 * Access tokens that are presented.
 *
 * @category services
 * @since 0.1.0
 */
export class AccessTokens extends Context.Service<
  AccessTokens,
  {
    /**
     * Verifies an access token against what is on file: one statement, for JWTs too, so that a revoked grant ends at
     * once. `also` is looked up in the same statement. An audience is not checked here.
     */
    readonly verify: (
      token: Redacted.Redacted,
      also?: Pick<Presented, "clientId">,
    ) => Effect.Effect<
      { readonly token: ActiveAccessToken; readonly records: Records },
      AccessTokenInvalid | StoreError
    >
    /**
     * RFC 7662: what the token of the request is worth to the client that asks. Null for everything that is not in
     * force, not the client's own, and not for a resource that it stands for. Refresh tokens are answered to their own
     * client.
     */
    readonly introspect: (request: ClientRequest) => Effect.Effect<Claims | null, OAuthError | RateLimited | StoreError>
    /**
     * RFC 7009: revokes a token of the client that asks. A refresh token, or an access token of a grant, ends by
     * itself: the refresh token with its whole grant, an access token alone. Unknown ones are no failure.
     */
    readonly revoke: (request: ClientRequest) => Effect.Effect<void, OAuthError | RateLimited | StoreError>
    /** OpenID Connect Core §5.3: the claims about the user of an access token with `openid`. */
    readonly userInfo: (
      token: Redacted.Redacted,
      clientInfo: ClientInfo,
    ) => Effect.Effect<{ readonly claims: Claims; readonly client: OAuthClient }, OAuthError | RateLimited | StoreError>
  }
>()("@belfry/oauth-server/AccessTokens") {}

/**
 * Makes the service.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const settings = yield* OAuthServerSettings
  const hooks = yield* OAuthServerHooks
  const authentications = yield* ClientAuthentications
  const recordStore = yield* RecordStore
  const grants = yield* GrantStore
  const subjects = yield* Subjects
  const transactions = yield* TransactionStore
  const audit = yield* Audit
  const issuer = issuerOf(yield* Site)
  const { counted, prove } = yield* ClientRequests.make
  const countingIntrospection = counted(settings.rateLimits.introspection)
  const countingRevocation = counted(settings.rateLimits.revocation)
  const countingUserInfo = counted(settings.rateLimits.userInfo)
  const tokens = yield* PresentedTokens.make

  const verify: AccessTokens["Service"]["verify"] = Effect.fn("AccessTokens.verify")(function* (text, also = {}) {
    const presented = yield* tokens.read(text)
    if (presented === null || presented.kind === "refresh") return yield* new AccessTokenInvalid()
    const records = yield* recordStore.find({ ...PresentedTokens.lookupOf(presented), ...also })
    const token = yield* tokens.activeAccessToken(presented, records, yield* DateTime.now)
    if (token === null) return yield* new AccessTokenInvalid()
    return { token, records }
  })

  /** The client of a request about a token, and what is on file about both: one statement. */
  const proveFor = Effect.fnUntraced(function* ({ authorization, parameters }: ClientRequest, forPublic: boolean) {
    const credentials = yield* Effect.fromResult(authentications.read(authorization, parameters))
    const presented = yield* tokens.read(tokenOf(parameters))
    const proved = yield* prove(credentials, PresentedTokens.lookupOf(presented))
    if (credentials.method === "none" && !forPublic) {
      return yield* refusal("invalid_client", "Client authentication failed", "public")
    }
    if (parameters.get("token") === undefined) return yield* refusal("invalid_request", "token is missing")
    return { ...proved, presented }
  })

  /** Whether a client may learn of an access token: it is its own, or for a resource that it stands for. */
  const mayIntrospect = (client: OAuthClient, token: ActiveAccessToken, records: Records): boolean =>
    token.clientId === client.id ||
    token.audience.some((identifier) => {
      const [resource] = resolve(settings, [identifier], records.resources) ?? []
      return resource?.introspectionClientId === client.id
    })

  const introspect = Effect.fnUntraced(function* (request: ClientRequest) {
    const { client, presented, records } = yield* proveFor(request, false)
    const now = yield* DateTime.now
    if (presented?.kind === "refresh") return yield* tokens.describeRefreshToken(records, client, now)
    const token = yield* tokens.activeAccessToken(presented, records, now)
    return token !== null && mayIntrospect(client, token, records)
      ? tokens.describeAccessToken(token, records, now)
      : null
  })

  const revokeGrant = (grant: Grant, now: DateTime.Utc, { clientInfo }: ClientRequest) =>
    transactions.run(
      Effect.gen(function* () {
        if (!(yield* grants.revoke(grant.id, now))) return
        const { clientId, id, userId } = grant
        const data = { clientId, grantId: id }
        yield* audit.record({ type: "oauth-grant.revoked", userId, client: clientInfo, data })
      }),
    )

  const revoke = Effect.fnUntraced(function* (request: ClientRequest) {
    const { client, presented, records } = yield* proveFor(request, true)
    const now = yield* DateTime.now
    // RFC 7009 §2.1: never a token of another client. It is answered as an unknown one is, so that nobody learns of it.
    switch (presented?.kind) {
      case "refresh": {
        const grant = records.grant?.grant
        if (grant?.clientId === client.id) yield* revokeGrant(grant, now, request)
        return
      }
      case "opaque":
        if (records.accessToken?.clientId === client.id) yield* grants.removeAccessToken(presented.hashes, client.id)
        return
      case "jwt": {
        const { client_id: clientId, exp, jti } = presented.claims
        if (clientId === client.id && now.epochMilliseconds < exp * 1000) {
          yield* grants.revokeJwt(jti, DateTime.makeUnsafe(exp * 1000))
        }
        return
      }
      case undefined:
        return
    }
  })

  const userInfo = Effect.fnUntraced(function* (text: Redacted.Redacted) {
    const { records, token } = yield* verify(text).pipe(
      Effect.catchTag("AccessTokenInvalid", ({ message }) => Effect.fail(refusal("invalid_token", message))),
    )
    const client = records.tokenClient
    const { grant, scopes, user } = token
    if (!scopes.includes("openid")) return yield* refusal("insufficient_scope", "The scope openid is missing")
    // RFC 9700 §4.9.1: a resource that is given a token for itself cannot use it here, unless the token says so.
    if (!token.audience.includes(issuer))
      return yield* refusal("invalid_token", "The access token is for another resource")
    if (client === null || user === null || grant === null) {
      return yield* refusal("invalid_token", "The access token is of no user")
    }
    const facts = { client, user, grant, scopes, resources: token.audience }
    const claims: Claims = {
      ...withoutReserved(yield* hooks.userInfoClaims(facts), ReservedClaims.userInfo),
      ...UserClaims.ofUser(user, { scopes, requested: grant.claims, target: "userinfo" }),
      sub: yield* subjects.of(client, user.id),
    }
    return { claims, client }
  })

  return AccessTokens.of({
    verify,
    introspect: (request) =>
      ClientRequests.withSpan(
        "AccessTokens.introspect",
        countingIntrospection(request.clientInfo, introspect(request)),
      ),
    revoke: (request) =>
      ClientRequests.withSpan("AccessTokens.revoke", countingRevocation(request.clientInfo, revoke(request))),
    userInfo: (token, clientInfo) =>
      ClientRequests.withSpan("AccessTokens.userInfo", countingUserInfo(clientInfo, userInfo(token))),
  })
})

/**
 * Layer of the service.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(AccessTokens, make)

// internal

const tokenOf = (parameters: Parameters): Redacted.Redacted => Redacted.make(parameters.get("token") ?? "")
