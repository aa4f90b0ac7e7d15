/**
 * MCP endpoints as protected resources: what clients are told of them, and which one a request is for.
 *
 * @see [MCP Authorization](https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization)
 * @since 0.1.0
 */
import { match } from "@belfry/oauth-server/BoundResource"
import {
  issuerUrl,
  type ProtectedResourceOptions,
  ResourceServerInvalid,
  secureUrl,
  wellKnownPath,
} from "@belfry/oauth-server/ProtectedResourceMetadata"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Result from "effect/Result"

/**
 * The place of an organization in the URL of a resource: a whole segment of its path.
 *
 * @category models
 * @since 0.1.0
 */
export const organizationPlaceholder = "{organization}"

/**
 * An MCP endpoint.
 *
 * **Details**
 *
 * `resource` is the URL that clients connect to, and what access tokens for it name as their audience, byte for byte.
 * Where a segment of its path is `{organization}`, there is one such resource for each organization: a token for one of
 * them is good at no other. `authorizationServers` are issuers, the preferred one first: clients take it. `scopes` are
 * the initial ones: what a client is told to ask for when it comes without a token, and what a tool needs that says
 * nothing of its own. The fewer, the less people are asked for at first.
 *
 * @see [RFC 9728 §2](https://www.rfc-editor.org/rfc/rfc9728.html#section-2)
 * @category models
 * @since 0.1.0
 */
export interface McpResource {
  readonly resource: string
  readonly authorizationServers: NonEmptyReadonlyArray<string>
  readonly scopes?: ReadonlyArray<string> | undefined
  readonly name?: string | undefined
  readonly documentation?: string | undefined
}

/**
 * The resource that a request is for. `organizationId` is null where the resource is not bound to an organization.
 *
 * @category models
 * @since 0.1.0
 */
export interface McpTarget {
  readonly resource: string
  readonly organizationId: string | null
}

/**
 * A resource as requests meet it.
 *
 * **Details**
 *
 * `path` is that of its URL as a route, with `:organization` in the place of the organization. `host` and `origin` are
 * those of the URL. `initialScopes` lack `offline_access`: whether there are refresh tokens is between client and
 * authorization server.
 *
 * @category models
 * @since 0.1.0
 */
export interface ResolvedResource {
  readonly path: `/${string}`
  readonly metadataPath: `/${string}`
  readonly host: string
  readonly origin: string
  readonly isBound: boolean
  readonly initialScopes: ReadonlyArray<string>
  /** The resource at a path of requests, null where it is another one. */
  readonly at: (pathname: string) => McpTarget | null
  /** What makes the metadata of one of them. */
  readonly metadataOf: (target: McpTarget) => ProtectedResourceOptions
  /** Where the metadata of one of them is. */
  readonly metadataUrl: (target: McpTarget) => string
}

/**
 * Reads an MCP endpoint.
 *
 * **Details**
 *
 * Its URL must be https, or http to this machine, without query and fragment, and written as the URL standard writes
 * it: what clients compare byte for byte has one form alone. The same holds for issuers, but for their form.
 *
 * @see [MCP Authorization, Canonical Server URI](https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization#canonical-server-uri)
 * @category constructors
 * @since 0.1.0
 */
export const resolve = (options: McpResource): Result.Result<ResolvedResource, ResourceServerInvalid> =>
  Result.gen(function* () {
    const { resource } = options
    const pieces = resource.split(organizationPlaceholder)
    const isBound = pieces.length > 1
    const [prefix = "", suffix = ""] = pieces
    const sample = isBound ? `${prefix}organization${suffix}` : resource
    const url = yield* secureUrl("resource", sample)
    for (const issuer of options.authorizationServers) yield* issuerUrl("authorizationServers", issuer)
    if (resource.includes("?")) return yield* invalid("query")
    const isInPath = prefix.startsWith(`${url.origin}/`) && prefix.endsWith("/") && /^(?:\/|$)/u.test(suffix)
    const isWhole = pieces.length <= 2 && (!isBound || isInPath)
    if (!isWhole || !(url.href === sample || (url.pathname === "/" && url.href === `${sample}/`))) {
      return yield* invalid("not a URL")
    }
    const [start = "", end = ""] = isBound ? [prefix.slice(url.origin.length), suffix] : [url.pathname]
    const initialScopes = (options.scopes ?? []).filter((scope) => scope !== "offline_access")
    const routed: `/${string}` = `/${(isBound ? `${start}:organization${end}` : start).slice(1)}`

    // What the authorization server takes for a resource of the family, and nothing else.
    const family = { ...unsettled, prefix, suffix }
    const at = (pathname: string): McpTarget | null => {
      if (!isBound) return pathname === start ? { resource, organizationId: null } : null
      const found = match([family], `${url.origin}${pathname}`)
      return found === null ? null : { resource: found.resource.identifier, organizationId: found.referenceId }
    }

    return {
      path: routed,
      metadataPath: `/${wellKnownPath.slice(1)}${routed === "/" ? "" : routed}` as const,
      host: url.host,
      origin: url.origin,
      isBound,
      initialScopes,
      at,
      metadataOf: (target) => ({ ...options, resource: target.resource, scopes: initialScopes }),
      metadataUrl: (target) => {
        const path = target.resource.slice(url.origin.length)
        return `${url.origin}${wellKnownPath}${path === "/" ? "" : path}`
      },
    }
  })

// internal

/** The settings of a family that its members are told apart without. */
const unsettled = {
  name: null,
  scopes: null,
  accessTokenLifetime: null,
  signingAlgorithm: null,
  introspectionClientId: null,
  isDisabled: false,
}

const invalid = (reason: ResourceServerInvalid["reason"]) =>
  Result.fail(new ResourceServerInvalid({ setting: "resource", reason }))
