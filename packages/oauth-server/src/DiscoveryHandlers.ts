/**
 * HTTP adapter of what this server tells of itself. Answers may be kept by everybody, and are told apart by their hash.
 *
 * @since 0.1.0
 */
import { seeing, storeUnavailable } from "@belfry/core/RequestHandlers"
import * as Digest from "effect/crypto/Digest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import { Discovery } from "./Discovery.ts"
import { JwkSetAbsent } from "./DiscoveryApi.ts"
import { keptByNobody } from "./internal/clientJson.ts"
import { OAuthServerApi } from "./OAuthServerApi.ts"
import { OAuthServerSettings, type OAuthServerSettingsService } from "./OAuthServerSettings.ts"
import { SigningKeys } from "./SigningKeys.ts"

/**
 * How long the JWK Set may be kept: half of the time for which a key is published before it signs, and an hour at most.
 *
 * @see [OpenID Connect Core §10.1.1](https://openid.net/specs/openid-connect-core-1_0.html#RotateSigKeys)
 * @category rules
 * @since 0.1.0
 */
export const jwksMaxAge = ({ keyLead }: Pick<OAuthServerSettingsService, "keyLead">): Duration.Duration =>
  Duration.min(Duration.hours(1), Duration.seconds(Math.floor(Duration.toSeconds(keyLead) / 2)))

const handlers = HttpApiBuilder.group(
  OAuthServerApi,
  "discovery",
  Effect.fnUntraced(function* (handlers) {
    const metadata = yield* metadataAnswer
    const settings = yield* OAuthServerSettings
    const keys = yield* SigningKeys
    const digest = yield* Digest.Digest
    const maxAge = jwksMaxAge(settings)
    return handlers
      .handleRaw("openIdConfiguration", ({ request }) => Effect.succeed(metadata(request)))
      .handleRaw("authorizationServer", ({ request }) => Effect.succeed(metadata(request)))
      .handleRaw("jwks", ({ request }) =>
        Effect.gen(function* () {
          if (settings.disableJwt) return yield* new JwkSetAbsent()
          const text = JSON.stringify({ keys: yield* keys.jwks })
          return (yield* document(digest, text, { contentType: "application/jwk-set+json", maxAge }))(request)
        }).pipe(
          Effect.catchTag("StoreError", storeUnavailable),
          Effect.tapError(() => keptByNobody),
        ),
      )
  }),
)

const rootHandlers = HttpApiBuilder.group(
  OAuthServerApi,
  "discoveryRoot",
  Effect.fnUntraced(function* (handlers) {
    const metadata = yield* metadataAnswer
    return handlers
      .handleRaw("openIdConfiguration", ({ request }) => Effect.succeed(metadata(request)))
      .handleRaw("authorizationServer", ({ request }) => Effect.succeed(metadata(request)))
  }),
)

/**
 * The handlers of `DiscoveryApi` and `DiscoveryRootApi`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.merge(handlers, rootHandlers).pipe(
  seeing(Discovery, SigningKeys, Digest.Digest, OAuthServerSettings),
)

// internal

type Answer = (request: HttpServerRequest.HttpServerRequest) => HttpServerResponse.HttpServerResponse

/** A JSON document that everybody may keep, or 304 for those who have it. */
const document = Effect.fnUntraced(function* (
  digest: Digest.Digest["Service"],
  text: string,
  options: { readonly contentType: string; readonly maxAge: Duration.Duration },
): Effect.fn.Return<Answer> {
  // SHA-256 is there on every runtime.
  const hash = yield* Effect.orDie(digest.digest(Digest.sha256, new TextEncoder().encode(text)))
  const etag = `"${Base64Url.encode(hash.slice(0, 16))}"`
  const headers = { etag, "cache-control": `public, max-age=${Math.floor(Duration.toSeconds(options.maxAge))}` }
  const whole = HttpServerResponse.text(text, { contentType: options.contentType, headers })
  const unchanged = HttpServerResponse.empty({ status: 304, headers })
  return (request) => (isKnown(request.headers["if-none-match"], etag) ? unchanged : whole)
})

const metadataAnswer = Effect.gen(function* () {
  const { metadata } = yield* Discovery
  const maxAge = Duration.hours(1)
  return yield* document(yield* Digest.Digest, JSON.stringify(metadata), { contentType: "application/json", maxAge })
})

/** RFC 9110 §13.1.2: a list of tags, weak ones too, or `*`. */
const isKnown = (header: string | undefined, etag: string): boolean =>
  header !== undefined &&
  header.split(",").some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//u, "") === etag)
