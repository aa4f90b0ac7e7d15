/**
 * Access tokens before Effect's MCP server: the router middleware that lets requests in.
 *
 * @see [MCP Authorization](https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization)
 * @since 0.1.0
 */
import type { AccessTokenVerifier } from "@belfry/oauth-server/AccessTokenVerifier"
import type { ResourceServerInvalid } from "@belfry/oauth-server/ProtectedResourceMetadata"
import * as McpServer from "effect/ai/McpServer"
import type * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import type * as Layer from "effect/Layer"
import { annotatedScopes } from "./internal/annotatedScopes.ts"
import { authorized } from "./internal/authorized.ts"
import type { CurrentAccess } from "./McpAccess.ts"
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
 * what cannot be seen is not passed on. A stream of changes ends with the token that it was opened by.
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
      const guarded = yield* authorized(options, annotatedScopes(yield* McpServer.McpServer))
      return (httpEffect) => guarded(httpEffect)
    }),
  ).layer
