/**
 * What this server tells of itself: its metadata, as OAuth and OpenID Connect ask for it.
 *
 * @since 0.1.0
 */
import { Site } from "@belfry/core/Site"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AuthenticationContexts } from "./AuthenticationContexts.ts"
import { Prompt, ResponseMode } from "./AuthorizationRequest.ts"
import type { Claims } from "./Claims.ts"
import { ClientAuthentications } from "./ClientAuthentications.ts"
import { GrantTypes } from "./GrantTypes.ts"
import { assertionAlgorithms } from "./internal/clientAuthentication/privateKeyJwt.ts"
import { endpoints, issuerOf } from "./Issuer.ts"
import type { ClientAuthenticationMethod } from "./OAuthClient.ts"
import { OAuthServerHooks, type OAuthServerHooksService } from "./OAuthServerHooks.ts"
import { OAuthServerSettings, type OAuthServerSettingsService, supportedScopes } from "./OAuthServerSettings.ts"
import * as Pkce from "./Pkce.ts"
import { SigningAlgorithm } from "./SigningKey.ts"
import { claimsByScope } from "./UserClaims.ts"

/**
 * What this server tells of itself.
 *
 * **Details**
 *
 * One document serves both standards: each reads the members that it knows. It is made once, from settings, hooks, and
 * what is installed; so it tells what is enforced, and nothing else.
 *
 * @see [RFC 8414 §2](https://www.rfc-editor.org/rfc/rfc8414.html#section-2)
 * @see [OpenID Connect Discovery §3](https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata)
 * @category services
 * @since 0.1.0
 */
export class Discovery extends Context.Service<
  Discovery,
  {
    readonly metadata: Claims
  }
>()("@belfry/oauth-server/Discovery") {}

/**
 * What the metadata is made of.
 *
 * @category models
 * @since 0.1.0
 */
export interface DiscoveryFacts {
  /** The origin of the site. */
  readonly origin: string
  readonly settings: OAuthServerSettingsService
  readonly hooks: Pick<OAuthServerHooksService, "claimsSupported" | "hasRequestUris">
  /** The grant types that are installed, by name. */
  readonly grantTypes: ReadonlyArray<string>
  readonly authenticationMethods: ReadonlyArray<ClientAuthenticationMethod>
  /** The values of `acr` that sessions can have, the weakest first. */
  readonly contexts: ReadonlyArray<string>
}

/**
 * The metadata of a server. Members without a value are left out, empty lists too.
 *
 * @see [RFC 8414 §3.2](https://www.rfc-editor.org/rfc/rfc8414.html#section-3.2)
 * @category constructors
 * @since 0.1.0
 */
export const metadataOf = (facts: DiscoveryFacts): Claims => {
  const { authenticationMethods, contexts, hooks, origin, settings } = facts
  const at = (path: string): string => `${origin}${path}`
  const grantTypes = settings.grantTypes.filter((name) => facts.grantTypes.includes(name))
  const hasAuthorization = grantTypes.includes("authorization_code")
  const secretMethods = authenticationMethods.filter((method) => method !== "none")
  const assertions = authenticationMethods.includes("private_key_jwt") ? assertionAlgorithms : []
  return present({
    issuer: issuerOf({ origin }),
    authorization_endpoint: hasAuthorization ? at(endpoints.authorize) : null,
    token_endpoint: at(endpoints.token),
    jwks_uri: settings.disableJwt ? null : at(endpoints.jwks),
    registration_endpoint: settings.registration === "off" ? null : at(endpoints.register),
    userinfo_endpoint: hasAuthorization ? at(endpoints.userInfo) : null,
    introspection_endpoint: at(endpoints.introspect),
    revocation_endpoint: at(endpoints.revoke),
    end_session_endpoint: settings.endSession && hasAuthorization ? at(endpoints.endSession) : null,

    scopes_supported: settings.advertised.scopes ?? advertisedScopes(settings),
    grant_types_supported: grantTypes,
    response_types_supported: hasAuthorization ? ["code"] : [],
    response_modes_supported: hasAuthorization ? ResponseMode.literals : [],
    code_challenge_methods_supported: hasAuthorization ? Pkce.methods : [],
    prompt_values_supported: hasAuthorization ? Prompt.literals : [],
    acr_values_supported: hasAuthorization ? contexts : [],
    authorization_response_iss_parameter_supported: hasAuthorization ? true : null,
    client_id_metadata_document_supported: hasAuthorization && settings.clientMetadataDocuments === "on" ? true : null,

    token_endpoint_auth_methods_supported: authenticationMethods,
    token_endpoint_auth_signing_alg_values_supported: assertions,
    // Introspection is for clients that can prove who they are; a public client may revoke what it holds.
    introspection_endpoint_auth_methods_supported: secretMethods,
    introspection_endpoint_auth_signing_alg_values_supported: assertions,
    revocation_endpoint_auth_methods_supported: authenticationMethods,
    revocation_endpoint_auth_signing_alg_values_supported: assertions,

    subject_types_supported: settings.pairwiseSecret === null ? ["public"] : ["public", "pairwise"],
    id_token_signing_alg_values_supported: settings.disableJwt ? ["HS256"] : SigningAlgorithm.literals,
    claim_types_supported: hasAuthorization ? ["normal"] : [],
    claims_supported: settings.advertised.claims ?? supportedClaims(hooks),
    claims_parameter_supported: hasAuthorization,
    request_parameter_supported: false,
    // True would be the default.
    request_uri_parameter_supported: hooks.hasRequestUris,
    require_request_uri_registration: false,
  })
}

/**
 * Makes the service.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const { origin } = yield* Site
  return Discovery.of({
    metadata: metadataOf({
      origin,
      settings: yield* OAuthServerSettings,
      hooks: yield* OAuthServerHooks,
      grantTypes: (yield* GrantTypes).map(({ name }) => name),
      authenticationMethods: (yield* ClientAuthentications).methods,
      contexts: (yield* AuthenticationContexts).supported,
    }),
  })
})

/**
 * Layer of the service.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(Discovery, make)

// internal

/**
 * The scopes that clients may ask for. `offline_access` is among them where refresh tokens are to be had: clients of
 * OpenID Connect and of MCP ask for it only then (OpenID Connect Core §11). It is no scope of a resource, so neither
 * metadata of resources nor their challenges name it.
 */
const advertisedScopes = (settings: OAuthServerSettingsService): ReadonlyArray<string> =>
  supportedScopes(settings).filter(
    (scope) => scope !== "offline_access" || settings.grantTypes.includes("refresh_token"),
  )

/** Claims of ID tokens that stand in every one. */
const idTokenClaims = ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "acr", "amr", "sid"]

const supportedClaims = ({ claimsSupported }: DiscoveryFacts["hooks"]): ReadonlyArray<string> => [
  ...new Set([...idTokenClaims, ...Object.values(claimsByScope).flat(), ...claimsSupported]),
]

const present = (members: Claims): Claims =>
  Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0)),
  )
