/**
 * Calls to a provider: how far their URLs are trusted, how their failures are told, how answers are read.
 */
import type { OutboundCalls, OutboundRequest, OutboundResponse } from "@belfry/core/Outbound"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { OAuthProvider } from "../OAuthProvider.ts"
import { type Claims, ProviderUnavailable } from "../OAuthTokens.ts"

/** What an endpoint is called in failures. */
export type Endpoint = ProviderUnavailable["endpoint"]

/** Makes a call. What the provider's own documents name is foreign, unless the host configured a URL of that origin. */
export const call = (
  http: OutboundCalls,
  provider: OAuthProvider,
  endpoint: Endpoint,
  request: Omit<OutboundRequest, "trust">,
): Effect.Effect<OutboundResponse, ProviderUnavailable> =>
  Effect.mapError(http.send({ ...request, trust: trustOf(provider, request.url) }), ({ reason }) =>
    unavailable(provider, endpoint, reason),
  )

/** Tells whether a URL has the origin of one that the host configured. */
export const isOfConfiguredOrigin = (provider: OAuthProvider, url: URL): boolean =>
  [
    provider.discoveryUrl,
    provider.authorizationEndpoint,
    provider.tokenEndpoint,
    provider.userinfoEndpoint,
    provider.jwksUri,
  ].some((configured) => configured !== null && URL.parse(configured)?.origin === url.origin)

/** The provider could not be asked. */
export const unavailable = (
  provider: OAuthProvider,
  endpoint: Endpoint,
  reason: ProviderUnavailable["reason"],
): ProviderUnavailable => new ProviderUnavailable({ providerId: provider.id, endpoint, reason })

/** Reads an answer of status 200 that is a JSON object. */
export const readObject = (
  provider: OAuthProvider,
  endpoint: Endpoint,
  response: OutboundResponse,
): Effect.Effect<Claims, ProviderUnavailable> =>
  response.status === 200
    ? Effect.mapError(Effect.fromOption(objectOf(response)), () => unavailable(provider, endpoint, "malformed"))
    : Effect.fail(unavailable(provider, endpoint, "status"))

/** The JSON object in an answer of any status, if its media type says that it is JSON. */
export const objectOf = (response: OutboundResponse): Option.Option<Claims> => {
  const mediaType = (response.headers["content-type"] ?? "").split(";")[0]?.trim() ?? ""
  if (!/^application\/(?:[\w.+-]+\+)?json$/iu.test(mediaType)) return Option.none()
  return Option.flatMap(textOf(response.body), decodeObject)
}

// internal

const trustOf = (provider: OAuthProvider, text: string): OutboundRequest["trust"] => {
  const url = URL.parse(text)
  return url !== null && isOfConfiguredOrigin(provider, url) ? "configured" : "foreign"
}

const decodeObject = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Json)))

const textOf = (bytes: Uint8Array): Option.Option<string> =>
  Result.getSuccess(Result.try(() => new TextDecoder("utf-8", { fatal: true }).decode(bytes)))
