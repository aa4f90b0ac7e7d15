/**
 * The token endpoint: who asks, by which grant, for what.
 *
 * @since 0.1.0
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import type { RateLimited } from "@belfry/core/RateLimit"
import type { StoreError } from "@belfry/core/StoreError"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as BoundResource from "./BoundResource.ts"
import { ClientAuthentications } from "./ClientAuthentications.ts"
import {
  GrantTypes,
  type GrantType,
  type PresentedGrant,
  type TokenRequestFacts,
  type TokenResponse,
} from "./GrantTypes.ts"
import * as ClientRequests from "./internal/clientRequests.ts"
import { resolve } from "./internal/resolveResources.ts"
import { invalidTarget, readResources, readScopes, refusal } from "./internal/tokenRequests.ts"
import type { OAuthError } from "./OAuthError.ts"
import { OAuthServerSettings } from "./OAuthServerSettings.ts"
import * as OAuthScope from "./OAuthScope.ts"
import type { Parameters } from "./Parameters.ts"
import type { ProtectedResource } from "./ProtectedResource.ts"

/**
 * A request of a client that proves itself: its `Authorization` header and its form.
 *
 * @category models
 * @since 0.1.0
 */
export interface ClientRequest {
  readonly authorization: string | undefined
  readonly parameters: Parameters
  readonly clientInfo: ClientInfo
}

/**
 * The token endpoint.
 *
 * **Details**
 *
 * In order: grant type known and on, credentials read, everything looked up in one statement, client verified, grant
 * type registered for it, resources (RFC 8707), the checks of the grant, the exchange. So a client is verified before
 * its code is touched. Statements: client credentials 1 (2 for an opaque token), code 2, refresh 2.
 *
 * @see [RFC 6749 §3.2](https://www.rfc-editor.org/rfc/rfc6749.html#section-3.2)
 * @category services
 * @since 0.1.0
 */
export class Tokens extends Context.Service<
  Tokens,
  {
    readonly exchange: (request: ClientRequest) => Effect.Effect<TokenResponse, OAuthError | RateLimited | StoreError>
  }
>()("@belfry/oauth-server/Tokens") {}

/**
 * Makes the token endpoint of the installed grant types.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const settings = yield* OAuthServerSettings
  const authentications = yield* ClientAuthentications
  const grantTypes = new Map((yield* GrantTypes).map((grantType) => [grantType.name, grantType]))
  const { counted, prove } = yield* ClientRequests.make

  const grantTypeOf = (parameters: Parameters): Result.Result<GrantType, OAuthError> => {
    const name = parameters.get("grant_type")
    if (name === undefined) return Result.fail(refusal("invalid_request", "grant_type is missing"))
    const grantType = settings.grantTypes.includes(name) ? grantTypes.get(name) : undefined
    return grantType === undefined
      ? Result.fail(refusal("unsupported_grant_type", "The grant type is unknown or off"))
      : Result.succeed(grantType)
  }

  /** The resources that a request names, of a client that proved itself. */
  const resourcesOf = (
    identifiers: Option.Option<ReadonlyArray<string>>,
    { client, records }: ClientRequests.ProvedClient,
    isOfGrant: boolean,
  ): Result.Result<ReadonlyArray<ProtectedResource>, OAuthError> => {
    if (Option.isNone(identifiers)) return Result.fail(invalidTarget("malformed"))
    const allowed = client.privileges.resources
    if (allowed !== null && !OAuthScope.isCovered(identifiers.value, allowed)) {
      return Result.fail(invalidTarget("not-allowed"))
    }
    const resources = resolve(settings, identifiers.value, records.resources)
    if (resources === null) return Result.fail(invalidTarget("unknown"))
    // Who presents nobody's grant stands for what the client itself belongs to; those of a grant are checked with it.
    const references = isOfGrant ? [] : BoundResource.referencesOf(settings, identifiers.value)
    return references.every((reference) => reference === client.referenceId)
      ? Result.succeed(resources)
      : Result.fail(invalidTarget("bound"))
  }

  const counting = counted(settings.rateLimits.token)

  const exchange = Effect.fnUntraced(function* ({ authorization, clientInfo, parameters }: ClientRequest) {
    const grantType = yield* Effect.fromResult(grantTypeOf(parameters))
    const credentials = yield* Effect.fromResult(authentications.read(authorization, parameters))
    const identifiers = readResources(parameters)
    // What is malformed is refused after the client, whose failure counts for more: it would register anew.
    const presents = yield* Effect.result(grantType.presents(parameters))
    const { codeChallenge: _codeChallenge, ...lookup } = Result.getOrElse(presents, (): PresentedGrant => ({}))
    const resources = Option.getOrElse(identifiers, () => [])
    const proved = yield* prove(credentials, resources.length === 0 ? lookup : { ...lookup, resources })
    if (!proved.client.metadata.grantTypes.includes(grantType.name)) {
      return yield* refusal("unauthorized_client", "The client is not registered for this grant type")
    }
    const facts: TokenRequestFacts = {
      ...proved,
      parameters,
      presented: yield* Effect.fromResult(presents),
      scopes: readScopes(parameters),
      resources: yield* Effect.fromResult(resourcesOf(identifiers, proved, Object.keys(lookup).length > 0)),
      clientInfo,
      now: yield* DateTime.now,
    }
    for (const { check } of grantType.checks) {
      const refused = check(facts)
      if (refused === null) continue
      if (grantType.onRefused !== undefined) yield* grantType.onRefused(facts, refused)
      return yield* refused
    }
    return yield* grantType.exchange(facts)
  })

  return Tokens.of({
    exchange: (request) => ClientRequests.withSpan("Tokens.exchange", counting(request.clientInfo, exchange(request))),
  })
})

/**
 * Layer of the token endpoint.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(Tokens, make)
