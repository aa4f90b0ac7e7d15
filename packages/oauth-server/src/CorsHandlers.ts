/**
 * Pages of every origin may call the endpoints that need no cookie: they are clients like others.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Layer from "effect/Layer"
import { preflight } from "./internal/preflight.ts"
import { endpoints, wellKnown } from "./Issuer.ts"
import { wellKnownPath } from "./ProtectedResourceMetadata.ts"

/**
 * The paths that any origin may call, and by which methods.
 *
 * **Details**
 *
 * The token endpoint, revocation, UserInfo, registration, the JWK Set and the metadata (of protected resources too).
 * Never the authorization endpoint (RFC 9700 §2.6), nor introspection, which is for servers.
 *
 * @see [RFC 9700 §2.6](https://www.rfc-editor.org/rfc/rfc9700.html#section-2.6)
 * @category models
 * @since 0.1.0
 */
export const openPaths: ReadonlyMap<string, string> = new Map([
  [endpoints.token, "POST"],
  [endpoints.revoke, "POST"],
  [endpoints.userInfo, "GET, POST"],
  [endpoints.register, "POST"],
  [endpoints.jwks, "GET"],
  ...Object.values(wellKnown).map((path) => [path, "GET"] as const),
])

/**
 * Middleware that lets pages of every origin call {@link openPaths}, without credentials. It goes around a host's own
 * rules for origins, which are about cookies.
 *
 * @see [Fetch §3.3](https://fetch.spec.whatwg.org/#http-cors-protocol)
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<never, never, HttpRouter.HttpRouter> = HttpRouter.middleware(
  Effect.succeed((httpEffect) =>
    Effect.withFiber(({ context }) => {
      const request = Context.getUnsafe(context, HttpServerRequest.HttpServerRequest)
      const methods = methodsOf(pathOf(request.url))
      if (methods === undefined) return httpEffect
      if (request.method === "OPTIONS") return Effect.succeed(preflight(methods))
      return Effect.onExitPrimitive(httpEffect, () => {
        // Last of all that is done to the response, whatever became of the request.
        HttpEffect.appendPreResponseHandlerUnsafe(context, (_request, response) => Effect.succeed(open(response)))
        return undefined
      })
    }),
  ),
  { global: true },
)

// internal

/** The metadata of a protected resource is open too, wherever a host serves it. */
const methodsOf = (path: string): string | undefined =>
  openPaths.get(path) ?? (path === wellKnownPath || path.startsWith(`${wellKnownPath}/`) ? "GET" : undefined)

const pathOf = (url: string): string => {
  const end = url.search(/[?#]/u)
  return end < 0 ? url : url.slice(0, end)
}

// With a wildcard browsers send no credentials, and show no answer to a request that had some.
const open = (response: HttpServerResponse.HttpServerResponse): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.setHeaders(
    Headers.has(response.headers, "access-control-allow-credentials")
      ? HttpServerResponse.removeHeader(response, "access-control-allow-credentials")
      : response,
    openHeaders,
  )

const openHeaders = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "www-authenticate, retry-after",
}
