/**
 * HTTP adapter of a resource server: the middleware that asks for access tokens, and the metadata that tells where to
 * get them.
 *
 * @since 0.1.0
 */
import { ServiceUnavailable } from "@belfry/core/ProblemApi"
import { bearerToken, onResponse } from "@belfry/core/RequestHandlers"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import { AccessTokenVerifier } from "./AccessTokenVerifier.ts"
import { preflight } from "./internal/preflight.ts"
import {
  type BearerChallenge,
  formatChallenge,
  make as makeMetadata,
  type ProtectedResourceMetadata,
  type ProtectedResourceOptions,
  type ResourceServerInvalid,
  urlOf,
} from "./ProtectedResourceMetadata.ts"
import {
  AccessTokenNeeded,
  CurrentAccessToken,
  InsufficientScope,
  RequiredTokenScopes,
  ResourceAuthorization,
} from "./ResourceServerApi.ts"

/**
 * Layer of `ResourceAuthorization` for one resource, over the verifier that the host chose.
 *
 * **Details**
 *
 * `scopes` are named in the challenge of endpoints that need none in particular: what a client should ask for at first.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: {
  readonly resource: string
  readonly scopes?: ReadonlyArray<string> | undefined
}): Layer.Layer<ResourceAuthorization, ResourceServerInvalid, AccessTokenVerifier> =>
  Layer.effect(
    ResourceAuthorization,
    Effect.gen(function* () {
      const verifier = yield* AccessTokenVerifier
      const { href: resourceMetadata } = yield* Effect.fromResult(urlOf(options.resource))
      const initialScopes = (options.scopes ?? []).filter((scope) => scope !== "offline_access")

      const challenged = <E>(challenge: BearerChallenge, error: E) => {
        const text = formatChallenge({ ...challenge, resourceMetadata })
        return Effect.andThen(
          onResponse((response) => HttpServerResponse.setHeader(response, "www-authenticate", text)),
          Effect.fail(error),
        )
      }

      return ResourceAuthorization.of({
        bearer: Effect.fnUntraced(function* (httpEffect, { endpoint, group }) {
          const request = yield* HttpServerRequest.HttpServerRequest
          const required = [
            ...new Set([
              ...Context.get(group.annotations, RequiredTokenScopes),
              ...Context.get(endpoint.annotations, RequiredTokenScopes),
            ]),
          ]
          const scopes = required.length === 0 ? initialScopes : required
          const presented = bearerToken(request)
          // RFC 6750 §3.1: who brings no token is told no error.
          if (presented === undefined) return yield* challenged({ scopes }, new AccessTokenNeeded())
          const token = yield* verifier.verify(presented).pipe(
            Effect.catchTags({
              AccessTokenRefused: () =>
                challenged(
                  { error: "invalid_token", description: "The access token is not good here", scopes },
                  new AccessTokenNeeded(),
                ),
              AccessTokenUnverifiable: ({ reason }) =>
                Effect.andThen(
                  Effect.annotateLogs(Effect.logError("Access tokens cannot be verified"), { reason }),
                  unavailable,
                ),
            }),
          )
          if (!required.every((scope) => token.scopes.includes(scope))) {
            return yield* challenged(
              { error: "insufficient_scope", description: "The access token lacks a scope", scopes: required },
              new InsufficientScope({ required }),
            )
          }
          return yield* Effect.provideService(httpEffect, CurrentAccessToken, token)
        }),
      })
    }),
  )

/**
 * Layer that serves the metadata of a resource at its well-known path, to pages of every origin too.
 *
 * @see [RFC 9728 §3](https://www.rfc-editor.org/rfc/rfc9728.html#section-3)
 * @category layers
 * @since 0.1.0
 */
export const layerMetadata = (
  options: ProtectedResourceOptions,
): Layer.Layer<never, ResourceServerInvalid, HttpRouter.HttpRouter> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const metadata = yield* Effect.fromResult(makeMetadata(options))
      const { pathname } = yield* Effect.fromResult(urlOf(options.resource))
      return layerMetadataAt(`/${pathname.slice(1)}`, () => metadata)
    }),
  )

/**
 * Layer that serves metadata at a path of the router, to pages of every origin too: what `metadataOf` finds for a
 * request, and 404 where it finds none. For resources that share a route, and for those who look at the root alone.
 *
 * @see [RFC 9728 §3](https://www.rfc-editor.org/rfc/rfc9728.html#section-3)
 * @category layers
 * @since 0.1.0
 */
export const layerMetadataAt = (
  path: `/${string}`,
  metadataOf: (request: HttpServerRequest.HttpServerRequest) => ProtectedResourceMetadata | null,
): Layer.Layer<never, never, HttpRouter.HttpRouter> => {
  const answer = (method: "GET" | "OPTIONS") => (request: HttpServerRequest.HttpServerRequest) =>
    Effect.succeed(metadataResponse(method, metadataOf(request)))
  return Layer.merge(HttpRouter.add("GET", path, answer("GET")), HttpRouter.add("OPTIONS", path, answer("OPTIONS")))
}

/**
 * The answer to a request for metadata: 404 where there is none, and 405 to whoever does more than read.
 *
 * @category constructors
 * @since 0.1.0
 */
export const metadataResponse = (
  method: string,
  metadata: ProtectedResourceMetadata | null,
): HttpServerResponse.HttpServerResponse => {
  if (metadata === null) return HttpServerResponse.empty({ status: 404 })
  if (method === "OPTIONS") return preflight("GET")
  if (method !== "GET") return HttpServerResponse.empty({ status: 405, headers: { allow: "GET" } })
  return HttpServerResponse.text(JSON.stringify(metadata), {
    contentType: "application/json",
    headers: { "cache-control": "public, max-age=3600", "access-control-allow-origin": "*" },
  })
}

// internal

const unavailable = Effect.andThen(
  onResponse((response) => HttpServerResponse.setHeader(response, "retry-after", "1")),
  Effect.fail(new ServiceUnavailable()),
)
