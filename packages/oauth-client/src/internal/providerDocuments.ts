/**
 * What providers publish: discovery documents and JWK Sets, each fetched once for all who wait and kept for its
 * lifetime.
 */
import type { OutboundCalls, OutboundResponse } from "@belfry/core/Outbound"
import * as Cache from "effect/Cache"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { createLocalJWKSet, type JWTVerifyGetKey } from "jose"
import type { OAuthProvider } from "../OAuthProvider.ts"
import type { ProviderUnavailable } from "../OAuthTokens.ts"
import type { ProviderMetadata } from "../ProviderStrategy.ts"
import { fromDocument, fromSettings } from "./providerMetadata.ts"
import { call, readObject, unavailable } from "./providerCalls.ts"

/** Finds the key of a token. */
export type KeySet = JWTVerifyGetKey

/** The documents of one provider. Failures are not kept. */
export interface ProviderDocuments {
  readonly metadata: Effect.Effect<ProviderMetadata, ProviderUnavailable>
  readonly keys: (jwksUri: string) => Effect.Effect<KeySet, ProviderUnavailable>
  /**
   * The keys as they are now, for a token that names one that is not known: asked for at most every 30 seconds,
   * whatever comes of it, since anybody can make such tokens up.
   */
  readonly renewedKeys: (jwksUri: string) => Effect.Effect<KeySet, ProviderUnavailable>
}

/** The documents of all providers. */
export const make = (http: OutboundCalls): ((provider: OAuthProvider) => Effect.Effect<ProviderDocuments>) => {
  const known = new WeakMap<OAuthProvider, ProviderDocuments>()
  return (provider) =>
    Effect.suspend(() => {
      const documents = known.get(provider)
      if (documents !== undefined) return Effect.succeed(documents)
      return Effect.map(documentsOf(http, provider), (made) => {
        // Another fiber may have been as fast; all use the same caches.
        const first = known.get(provider) ?? made
        known.set(provider, first)
        return first
      })
    })
}

/**
 * How long an answer may be kept: `max-age` within 5 minutes and 24 hours, one hour where it does not say.
 *
 * @see [RFC 9111 §5.2.2](https://www.rfc-editor.org/rfc/rfc9111.html#section-5.2.2)
 */
export const lifetimeOf = (response: OutboundResponse): Duration.Duration => {
  const cacheControl = response.headers["cache-control"] ?? ""
  if (/(?:^|[\s,])no-(?:store|cache)\b/iu.test(cacheControl)) return shortest
  const seconds = /(?:^|[\s,])max-age="?(\d{1,9})/iu.exec(cacheControl)?.[1]
  return seconds === undefined
    ? Duration.hours(1)
    : Duration.clamp(Duration.seconds(Number(seconds)), { minimum: shortest, maximum: Duration.hours(24) })
}

// internal

const shortest = Duration.minutes(5)
const renewalPause = Duration.seconds(30)

interface Kept<A> {
  readonly value: A
  readonly lifetime: Duration.Duration
}

const keptFor = <A, E>(exit: Exit.Exit<Kept<A>, E>): Duration.Duration =>
  Exit.isSuccess(exit) ? exit.value.lifetime : Duration.zero

const documentsOf = Effect.fnUntraced(function* (http: OutboundCalls, provider: OAuthProvider) {
  const metadata = yield* Cache.makeWith(
    Effect.fnUntraced(function* (discoveryUrl: string) {
      const response = yield* call(http, provider, "discovery", {
        url: discoveryUrl,
        headers: provider.discoveryHeaders,
      })
      const document = yield* readObject(provider, "discovery", response)
      return { value: yield* fromDocument(provider, discoveryUrl, document), lifetime: lifetimeOf(response) }
    }),
    { capacity: 1, timeToLive: keptFor },
  )
  const fetchKeys = Effect.fnUntraced(function* (jwksUri: string) {
    const response = yield* call(http, provider, "jwks", {
      url: jwksUri,
      headers: { accept: "application/jwk-set+json, application/json" },
    })
    const document = yield* readObject(provider, "jwks", response)
    const malformed = unavailable(provider, "jwks", "malformed")
    if (document["keys"] === undefined) return yield* malformed
    const value = yield* Effect.try({
      // The type asks for keys, whose form `createLocalJWKSet` examines itself.
      try: () => createLocalJWKSet({ keys: [], ...document }),
      catch: () => malformed,
    })
    return { value, lifetime: lifetimeOf(response) }
  })
  const keys = yield* Cache.makeWith(fetchKeys, { capacity: 4, timeToLive: keptFor })
  const renewals = yield* Cache.make({
    lookup: (jwksUri: string) => Effect.tap(fetchKeys(jwksUri), (renewed) => Cache.set(keys, jwksUri, renewed)),
    capacity: 4,
    timeToLive: renewalPause,
  })
  const documents: ProviderDocuments = {
    metadata:
      provider.discoveryUrl === null
        ? fromSettings(provider)
        : Effect.map(Cache.get(metadata, provider.discoveryUrl), ({ value }) => value),
    keys: (jwksUri) => Effect.map(Cache.get(keys, jwksUri), ({ value }) => value),
    renewedKeys: (jwksUri) => Effect.map(Cache.get(renewals, jwksUri), ({ value }) => value),
  }
  return documents
})
