/**
 * The public keys of clients: those that were registered with them, and those that they publish.
 */
import type { OutboundCalls } from "@belfry/core/Outbound"
import * as Cache from "effect/Cache"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from "jose"
import type { OAuthClient } from "../../OAuthClient.ts"

/** Finds the key of an assertion. */
export type KeySet = JWTVerifyGetKey

/** There are no keys to be had: none are registered, or they could not be fetched. */
export class KeysUnavailable extends Schema.TaggedError<KeysUnavailable>("@belfry/oauth-server/KeysUnavailable")(
  "KeysUnavailable",
  { reason: Schema.Literals(["none", "unreachable", "malformed"]) },
) {}

/** The keys of clients. */
export interface ClientKeys {
  readonly get: (client: OAuthClient) => Effect.Effect<KeySet, KeysUnavailable>
  /**
   * The keys as they are published now, for an assertion whose key is not known: fetched at most every 10 seconds,
   * whatever comes of it, since anybody can name a key. Registered keys are the same.
   */
  readonly renewed: (client: OAuthClient) => Effect.Effect<KeySet, KeysUnavailable>
}

/**
 * Keys, each set fetched once for all who wait and kept for 10 minutes.
 *
 * **Details**
 *
 * A set has at most 20 keys in 64 KiB. Failures are kept for 10 seconds, so that nobody makes this server call another
 * one without end. A key that its client withdraws holds for up to 10 minutes more.
 */
export const make = Effect.fnUntraced(function* (http: OutboundCalls) {
  const fetchKeys = Effect.fnUntraced(function* (jwksUri: string) {
    const response = yield* http
      .send({ url: jwksUri, trust: "foreign", headers: { accept: "application/jwk-set+json, application/json" } })
      .pipe(Effect.mapError(() => new KeysUnavailable({ reason: "unreachable" })))
    if (response.status !== 200) return yield* new KeysUnavailable({ reason: "unreachable" })
    if (response.body.length > maxBytes) return yield* new KeysUnavailable({ reason: "malformed" })
    return yield* Effect.flatMap(
      Effect.mapError(decodeKeys(new TextDecoder().decode(response.body)), () => malformed),
      toKeySet,
    )
  })
  const published = yield* Cache.makeWith(fetchKeys, {
    capacity,
    timeToLive: (exit) => (Exit.isSuccess(exit) ? Duration.minutes(10) : pause),
  })
  const renewals = yield* Cache.make({
    lookup: (jwksUri: string) => Effect.tap(fetchKeys(jwksUri), (keys) => Cache.set(published, jwksUri, keys)),
    capacity,
    timeToLive: pause,
  })
  // By their text: of the same keys, the imported ones are used again.
  const registered = yield* Cache.make({
    lookup: (text: string) =>
      Effect.flatMap(
        Effect.mapError(decodeKeys(text), () => malformed),
        toKeySet,
      ),
    capacity,
  })
  const keysOf =
    (cache: Cache.Cache<string, KeySet, KeysUnavailable>) =>
    ({ metadata: { jwks, jwksUri } }: OAuthClient) => {
      if (jwks !== null) return Cache.get(registered, JSON.stringify(jwks))
      return jwksUri === null ? Effect.fail(new KeysUnavailable({ reason: "none" })) : Cache.get(cache, jwksUri)
    }
  const keys: ClientKeys = { get: keysOf(published), renewed: keysOf(renewals) }
  return keys
})

// internal

const capacity = 1000
const maxBytes = 64 * 1024
const pause = Duration.seconds(10)

const malformed = new KeysUnavailable({ reason: "malformed" })

const decodeKeys = Schema.decodeUnknownEffect(
  Schema.fromJsonString(
    Schema.Struct({ keys: Schema.Array(Schema.Record(Schema.String, Schema.Json)).check(Schema.isMaxLength(20)) }),
  ),
)

const toKeySet = (document: {
  readonly keys: ReadonlyArray<Readonly<Record<string, Schema.Json>>>
}): Effect.Effect<KeySet, KeysUnavailable> =>
  Effect.try({
    // `createLocalJWKSet` examines the members of each key itself when it is used.
    try: () =>
      createLocalJWKSet({ keys: document.keys.filter(isAsymmetric).map(byEitherName) } satisfies JSONWebKeySet),
    catch: () => malformed,
  })

const isAsymmetric = (
  key: Readonly<Record<string, Schema.Json>>,
): key is Readonly<Record<string, Schema.Json>> & { readonly kty: string } =>
  key["kty"] === "RSA" || key["kty"] === "EC" || key["kty"] === "OKP"

/**
 * Ed25519 has two names as an algorithm, and libraries differ by which they sign: a key that says the one takes the
 * other.
 *
 * @see [RFC 9864 §2.2](https://www.rfc-editor.org/rfc/rfc9864.html#section-2.2)
 */
const byEitherName = <Key extends Readonly<Record<string, Schema.Json>>>(key: Key): Key | Omit<Key, "alg"> => {
  const { alg, ...others } = key
  return key["crv"] === "Ed25519" && (alg === "EdDSA" || alg === "Ed25519") ? others : key
}
