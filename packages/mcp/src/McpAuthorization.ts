/**
 * Access tokens before Effect's MCP server: the router middleware that lets requests in.
 *
 * @see [MCP Authorization](https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization)
 * @since 0.1.0
 */
import { clientInfo } from "@belfry/core/RequestHandlers"
import { BodyUnreadable } from "@belfry/core/RequestBodyHandlers"
import type { AccessTokenVerifier } from "@belfry/oauth-server/AccessTokenVerifier"
import type { ResourceServerInvalid } from "@belfry/oauth-server/ProtectedResourceMetadata"
import * as McpServer from "effect/ai/McpServer"
import type * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import { annotatedScopes } from "./internal/annotatedScopes.ts"
import * as Guard from "./internal/guard.ts"
import type { Answer } from "./internal/refusals.ts"
import { CurrentAccess } from "./McpAccess.ts"
import type { McpResource } from "./McpResource.ts"

/**
 * How an MCP endpoint is guarded.
 *
 * **Details**
 *
 * `allowedHosts` are taken in `Host` beside that of the resource's URL, with a port where it is not the scheme's: names
 * under which a proxy reaches this server. `allowedOrigins` are those of pages that may call, beside the resource's own
 * (`https://app.example.com`); they get the answers to preflights, too. `maxBodySize` is 1 MiB.
 *
 * @category models
 * @since 0.1.0
 */
export interface McpAuthorizationOptions {
  readonly resource: McpResource
  readonly allowedHosts?: ReadonlyArray<string> | undefined
  readonly allowedOrigins?: ReadonlyArray<string> | undefined
  readonly maxBodySize?: ByteSize.ByteSize | undefined
}

/**
 * Layer of the router middleware that stands before the routes of `McpServer.layerHttp`, and provides
 * {@link CurrentAccess} to what they call.
 *
 * **Details**
 *
 * A request is looked at in this order, and the first "no" is the answer, as a JSON-RPC error:
 *
 * 1. `Host` is one of ours (403, against DNS rebinding), `Origin` is absent, ours or allowed (403), the method is POST,
 *    GET or DELETE (405).
 * 2. There is one access token, in one `Authorization` header (401, or 400 for two of them or one in the query), and it
 *    is good for this very resource (401). Nobody can tell: 503.
 * 3. `Mcp-Session-Id` names a session that the same subject opened through the same client (404).
 * 4. User and client are within their limits (429, with `Retry-After`), by `McpRateLimits`.
 * 5. The body is within its size (413), and the token has the scopes of everything that it calls, in a batch too. If
 *    not: 403 and a challenge that names what is needed and what the token has already, so that one consent is enough.
 *
 * Tools, resources and prompts say what they need by `McpScopes.RequiredScopes`; what says nothing, and what nobody
 * knows, needs the initial scopes of the resource. Behind the middleware the request has no `Authorization` header:
 * what cannot be seen is not passed on.
 *
 * **Gotchas**
 *
 * Sessions are bound in the memory of this process, where Effect keeps them too. It keeps each until the client ends
 * it; a binding is forgotten after 12 hours without use, and the session is lost with it.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: McpAuthorizationOptions,
): Layer.Layer<
  HttpRouter.Request<"Requires", CurrentAccess>,
  ResourceServerInvalid,
  AccessTokenVerifier | McpServer.McpServer
> =>
  HttpRouter.middleware<{ provides: CurrentAccess }>()(
    Effect.gen(function* () {
      const guard = yield* Guard.make(options, annotatedScopes(yield* McpServer.McpServer))
      return Effect.fnUntraced(function* (httpEffect) {
        const request = yield* HttpServerRequest.HttpServerRequest
        const { origin } = request.headers
        const crossOrigin = guard.crossOrigin(origin)
        if (request.method === "OPTIONS" && origin !== undefined && guard.isAllowedOrigin(origin)) {
          return toResponse(Guard.preflight(crossOrigin))
        }
        // The handlers read the body from this same request, which keeps it.
        const bare = request.modify({ headers: Headers.remove(request.headers, "authorization") })
        const outcome = yield* Effect.result(guard.admit(presented(request, bare)))
        if (outcome._tag === "Failure") {
          return HttpServerResponse.setHeaders(toResponse(outcome.failure), crossOrigin)
        }
        const { access, answered } = outcome.success
        const response = yield* httpEffect.pipe(
          Effect.provideService(CurrentAccess, access),
          Effect.provideService(HttpServerRequest.HttpServerRequest, bare),
        )
        // After the MCP server's own, which tells the session.
        yield* HttpEffect.appendPreResponseHandler((_request, sent) =>
          Effect.as(
            answered(sent.status, sent.headers["mcp-session-id"]),
            HttpServerResponse.setHeaders(sent, crossOrigin),
          ),
        )
        return response
      })
    }),
  ).layer

// internal

const presented = (
  request: HttpServerRequest.HttpServerRequest,
  bare: HttpServerRequest.HttpServerRequest,
): Guard.Presented => ({
  method: request.method,
  url: request.originalUrl,
  headers: request.headers,
  authorizations: countAuthorizations(request),
  caller: clientInfo(request),
  body: (maxSize) =>
    bare.text.pipe(
      Effect.provideService(HttpServerRequest.MaxBodySize, maxSize),
      Effect.mapError((cause) => {
        const isTooLarge = cause.reason._tag === "RequestParseError" && cause.reason.reason === "BodyTooLarge"
        return new BodyUnreadable({ reason: isTooLarge ? "too-large" : "broken", cause })
      }),
    ),
})

/** Node keeps the first of several in silence; a proxy before it may have looked at another. */
const countAuthorizations = ({ headers, source }: HttpServerRequest.HttpServerRequest): number =>
  Predicate.hasProperty(source, "rawHeaders") && Array.isArray(source.rawHeaders)
    ? source.rawHeaders.filter(
        (name, index) => index % 2 === 0 && typeof name === "string" && name.toLowerCase() === "authorization",
      ).length
    : headers.authorization === undefined
      ? 0
      : 1

const toResponse = ({ body, headers, status }: Answer): HttpServerResponse.HttpServerResponse =>
  body === null
    ? HttpServerResponse.empty({ status, headers })
    : HttpServerResponse.text(body, { status, headers, contentType: "application/json" })
