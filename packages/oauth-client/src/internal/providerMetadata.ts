/**
 * What a provider says about itself, under the settings that win over it.
 *
 * @see [OpenID Connect Discovery 1.0 §3](https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata)
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { OAuthProvider } from "../OAuthProvider.ts"
import type { Claims, ProviderUnavailable } from "../OAuthTokens.ts"
import type { ProviderMetadata } from "../ProviderStrategy.ts"
import { isOfConfiguredOrigin, unavailable } from "./providerCalls.ts"

/** The metadata of a provider without a discovery document: its settings. */
export const fromSettings = (provider: OAuthProvider): Effect.Effect<ProviderMetadata, ProviderUnavailable> =>
  complete(provider, {})

/** The metadata by a discovery document, whose issuer must be the one that the URL, or the setting, promises. */
export const fromDocument = (
  provider: OAuthProvider,
  discoveryUrl: string,
  document: Claims,
): Effect.Effect<ProviderMetadata, ProviderUnavailable> => {
  const published = decodeDocument(document)
  if (Option.isNone(published)) return Effect.fail(unavailable(provider, "discovery", "malformed"))
  const { issuer } = published.value
  // OpenID Connect Discovery §4.3: the values must be identical, or one issuer could speak for another.
  const isExpected = provider.issuer === null ? isIssuerOf(discoveryUrl, issuer) : issuer === provider.issuer
  // A strategy that knows many issuers examines each token's; the document then shows a template, or any one of them.
  const isLeftToStrategy = provider.issuer === null && provider.strategy.acceptsIssuer !== undefined
  return isExpected || isLeftToStrategy
    ? complete(provider, published.value)
    : Effect.fail(unavailable(provider, "discovery", "malformed"))
}

// internal

/** Tells whether the discovery document of an issuer has this URL. */
const isIssuerOf = (discoveryUrl: string, issuer: string): boolean => {
  const url = URL.parse(discoveryUrl)
  if (url === null) return false
  const appended = /^(.*)\/\.well-known\/openid-configuration$/u.exec(url.pathname)?.[1]
  // RFC 8414 §3 puts the path of the issuer behind.
  const inserted = /^\/\.well-known\/oauth-authorization-server(\/.*)?$/u.exec(url.pathname)
  const path = appended ?? (inserted === null ? undefined : (inserted[1] ?? ""))
  // Discovery §4.1: a slash at the end of the issuer is left out of the URL.
  return path !== undefined && (issuer === `${url.origin}${path}` || issuer === `${url.origin}${path}/`)
}

const Url = Schema.String.check(Schema.isMaxLength(2048))
const Names = Schema.Array(Schema.String)

const Document = Schema.Struct({
  issuer: Url,
  authorization_endpoint: Schema.optionalKey(Url),
  token_endpoint: Schema.optionalKey(Url),
  userinfo_endpoint: Schema.optionalKey(Url),
  jwks_uri: Schema.optionalKey(Url),
  id_token_signing_alg_values_supported: Schema.optionalKey(Names),
  authorization_response_iss_parameter_supported: Schema.optionalKey(Schema.Boolean),
})

const decodeDocument = Schema.decodeUnknownOption(Document)

const complete = (
  provider: OAuthProvider,
  published: Partial<typeof Document.Type>,
): Effect.Effect<ProviderMetadata, ProviderUnavailable> => {
  const authorizationEndpoint = provider.authorizationEndpoint ?? published.authorization_endpoint
  const tokenEndpoint = provider.tokenEndpoint ?? published.token_endpoint
  const userinfoEndpoint = provider.userinfoEndpoint ?? published.userinfo_endpoint ?? null
  const jwksUri = provider.jwksUri ?? published.jwks_uri ?? null
  if (authorizationEndpoint === undefined || tokenEndpoint === undefined) {
    return Effect.fail(unavailable(provider, "discovery", "malformed"))
  }
  const endpoints = [tokenEndpoint, userinfoEndpoint, jwksUri].filter((url) => url !== null)
  if (!endpoints.every(isHttpUrl)) return Effect.fail(unavailable(provider, "discovery", "malformed"))
  // The others are examined when they are called, by who knows what addresses are allowed. This one a browser calls.
  if (!mayLeadBrowser(provider, authorizationEndpoint)) {
    return Effect.fail(unavailable(provider, "discovery", "address"))
  }
  return Effect.succeed({
    issuer: provider.issuer ?? published.issuer ?? null,
    authorizationEndpoint,
    tokenEndpoint,
    userinfoEndpoint,
    jwksUri,
    // OpenID Connect Core §3.1.3.7: RS256 is the default.
    idTokenSigningAlgorithms: published.id_token_signing_alg_values_supported ?? ["RS256"],
    issuerParameterSupported: published.authorization_response_iss_parameter_supported ?? false,
  })
}

const isHttpUrl = (text: string): boolean => {
  const url = URL.parse(text)
  return url !== null && (url.protocol === "https:" || url.protocol === "http:")
}

const mayLeadBrowser = (provider: OAuthProvider, text: string): boolean => {
  const url = URL.parse(text)
  return url !== null && (url.protocol === "https:" || (isHttpUrl(text) && isOfConfiguredOrigin(provider, url)))
}
