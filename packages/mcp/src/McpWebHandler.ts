/**
 * Access tokens before an MCP server of another make: one that answers a Web-standard `Request`, such as those of
 * `@modelcontextprotocol/sdk` and `@modelcontextprotocol/server`.
 *
 * @since 0.1.0
 */
import type { AccessTokenVerifier } from "@belfry/oauth-server/AccessTokenVerifier"
import { make as makeMetadata, wellKnownPath } from "@belfry/oauth-server/ProtectedResourceMetadata"
import type { ResourceServerInvalid } from "@belfry/oauth-server/ProtectedResourceMetadata"
import { metadataResponse } from "@belfry/oauth-server/ResourceServerHandlers"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Result from "effect/Result"
import { authorized } from "./internal/authorized.ts"
import type { ScopesOf } from "./internal/guard.ts"
import { CurrentAccess, type McpAccess } from "./McpAccess.ts"
import type { McpAuthorizationOptions } from "./McpAuthorization.ts"
import { resolve } from "./McpResource.ts"

/**
 * How such a server is guarded.
 *
 * **Details**
 *
 * `scopes` are those that its tools, prompts and resources need, by name and URI. What is not named needs the initial
 * scopes of the resource; what is named with none, none. For the rest see `McpAuthorizationOptions`.
 *
 * @category models
 * @since 0.1.0
 */
export interface McpWebOptions extends McpAuthorizationOptions {
  readonly scopes?: {
    readonly tools?: Readonly<Record<string, ReadonlyArray<string>>>
    readonly prompts?: Readonly<Record<string, ReadonlyArray<string>>>
    readonly resources?: Readonly<Record<string, ReadonlyArray<string>>>
  }
}

/**
 * What the server is told of the access, in the form that both SDKs take.
 *
 * **Details**
 *
 * `token` is empty: the text of an access token is withheld, since a server that has it can pass it on, which MCP
 * forbids. `expiresAt` is in seconds since the epoch. `extra` has the subject, what the token says, and the
 * organization that the resource is bound to.
 *
 * @see [MCP Authorization, Access Token Privilege Restriction](https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization#access-token-privilege-restriction)
 * @category models
 * @since 0.1.0
 */
export interface McpAuthInfo {
  readonly token: ""
  readonly clientId: string
  readonly scopes: Array<string>
  readonly expiresAt?: number
  readonly resource: URL
  readonly extra: {
    readonly subject: string
    readonly claims: McpAccess["token"]["claims"]
    readonly organizationId: string | null
  }
}

/**
 * Answers a request: by itself where it must not come in or asks for the metadata, and by `handle` otherwise, which
 * gets the request without its token.
 *
 * @category models
 * @since 0.1.0
 */
export type McpWebHandler = (
  request: Request,
  handle: (request: Request, authInfo: McpAuthInfo) => Promise<Response>,
) => Promise<Response>

/**
 * Makes the handler of an endpoint, with the same checks in the same order as `McpAuthorization.layer`.
 *
 * **Details**
 *
 * It answers at the path of the resource, and for the metadata at its well-known path and at the root. A `handle` that
 * fails is answered with 500, and logged.
 *
 * **Example** (A server of the official SDK)
 *
 * ```ts
 * const runtime = ManagedRuntime.make(AccessTokenVerifier.layerJwks({ issuer, audience: resource, jwksUri }))
 * const guarded = await runtime.runPromise(
 *   McpWebHandler.make({ resource: { resource, authorizationServers: [issuer] }, scopes: { tools: { add: ["sums"] } } })
 * )
 * const handler = createMcpHandler(makeServer)
 * export default { fetch: (request: Request) => guarded(request, (bare, authInfo) => handler.fetch(bare, { authInfo })) }
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: McpWebOptions,
): Effect.Effect<McpWebHandler, ResourceServerInvalid, AccessTokenVerifier> =>
  Effect.gen(function* () {
    const resource = yield* Effect.fromResult(resolve(options.resource))
    const guard = yield* authorized(options, tabled(options.scopes ?? {}))
    const context = yield* Effect.context<AccessTokenVerifier>()

    const metadataAt = (path: string) => {
      if (path !== wellKnownPath && !path.startsWith(`${wellKnownPath}/`)) return undefined
      const inserted = path.slice(wellKnownPath.length)
      const target = resource.at(inserted === "" && !resource.isBound ? resource.path : inserted)
      return target === null ? null : Result.getOrNull(makeMetadata(resource.metadataOf(target)))
    }

    return (request, handle) => {
      const answer = Effect.gen(function* () {
        const metadata = metadataAt(new URL(request.url).pathname)
        return yield* metadata === undefined
          ? guard(handled(request, handle))
          : Effect.succeed(metadataResponse(request.method, metadata))
      })
      return HttpEffect.toWebHandlerWith<AccessTokenVerifier, HttpServerRequest.HttpServerRequest>(context)(answer)(
        request,
      )
    }
  })

// internal

const tabled =
  (scopes: NonNullable<McpWebOptions["scopes"]>): ScopesOf =>
  ({ kind, name }, initialScopes) => {
    const table = { tool: scopes.tools, prompt: scopes.prompts, resource: scopes.resources, template: scopes.resources }
    const named = table[kind] ?? {}
    return Object.hasOwn(named, name) ? (named[name] ?? initialScopes) : initialScopes
  }

const handled = (source: Request, handle: Parameters<McpWebHandler>[1]) =>
  Effect.gen(function* () {
    const access = yield* CurrentAccess
    const bare = yield* HttpServerRequest.HttpServerRequest
    // What the guard read is read no second time: the request keeps it.
    const body = source.method === "POST" ? yield* Effect.orDie(bare.text) : null
    const { signal, url } = source
    const request = new Request(url, { method: source.method, headers: { ...bare.headers }, body, signal })
    return HttpServerResponse.fromWeb(yield* Effect.promise(() => handle(request, authInfoOf(access))))
  })

const authInfoOf = ({ organizationId, resource, token }: McpAccess): McpAuthInfo => ({
  token: "",
  clientId: token.clientId,
  scopes: [...token.scopes],
  ...(token.expiresAt === null ? {} : { expiresAt: Math.floor(DateTime.toEpochMillis(token.expiresAt) / 1000) }),
  resource: new URL(resource),
  extra: { subject: token.subject, claims: token.claims, organizationId },
})
