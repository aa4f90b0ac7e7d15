/**
 * MCP servers over HTTP, whole: Effect's server in every version of the protocol, behind access tokens, with the
 * metadata that leads clients to their authorization server.
 *
 * @since 0.1.0
 */
import {
  make as makeMetadata,
  type ProtectedResourceMetadata,
  wellKnownPath,
} from "@belfry/oauth-server/ProtectedResourceMetadata"
import { layerMetadataAt } from "@belfry/oauth-server/ResourceServerHandlers"
import * as McpProtocol from "effect/ai/McpProtocol"
import type * as McpSchema from "effect/ai/McpSchema"
import * as McpServer from "effect/ai/McpServer"
import * as Array from "effect/Array"
import type * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as McpAuthorization from "./McpAuthorization.ts"
import { pathOf } from "./internal/guard.ts"
import * as McpCalls from "./McpCalls.ts"
import { type McpResource, resolve, type ResolvedResource } from "./McpResource.ts"

/**
 * The versions of the protocol that a server speaks unless it says otherwise: all that there are.
 *
 * @category models
 * @since 0.1.0
 */
export const protocols = [
  McpProtocol.v2026_07_28,
  McpProtocol.v2025_11_25,
  McpProtocol.v2025_06_18,
  McpProtocol.v2025_03_26,
  McpProtocol.v2024_11_05,
] as const

/**
 * What an MCP server is made of.
 *
 * **Details**
 *
 * `name`, `version` and what follows are told to clients. `resources` are the endpoints at which the same tools,
 * resources and prompts are found, each with its own access tokens; the first that is bound to no organization also has
 * its metadata at the root, for clients that look nowhere else, unless `metadataAtRoot` is false. For the rest see
 * `McpAuthorizationOptions`.
 *
 * @category models
 * @since 0.1.0
 */
export interface McpHttpOptions<RA, RE, RR> {
  readonly name: string
  readonly version: string
  readonly instructions?: string | undefined
  readonly description?: string | undefined
  readonly websiteUrl?: string | undefined
  readonly icons?: ReadonlyArray<McpSchema.Icon> | undefined
  readonly resources: Array.NonEmptyReadonlyArray<McpResource>
  readonly registrations: Layer.Layer<RA, RE, RR>
  readonly allowedHosts?: ReadonlyArray<string> | undefined
  readonly allowedOrigins?: ReadonlyArray<string> | undefined
  readonly maxBodySize?: ByteSize.ByteSize | undefined
  readonly metadataAtRoot?: boolean | undefined
}

/**
 * Two MCP servers share one registry, so that each would offer the tools of the other: `Layer.fresh` around one of them
 * keeps them apart.
 *
 * @category errors
 * @since 0.1.0
 */
export class McpServersMixed extends Schema.TaggedError<McpServersMixed>("@belfry/mcp/McpServersMixed")(
  "McpServersMixed",
  { name: Schema.String },
) {
  override get message(): string {
    return `The MCP server ${this.name} shares its tools with another one: wrap one of them in Layer.fresh`
  }
}

/**
 * Layer of an MCP server behind access tokens: its endpoints and their metadata, in the host's router.
 *
 * **Example** (A server with one tool)
 *
 * ```ts
 * const Tools = Toolkit.make(
 *   Tool.make("who_am_i", { success: Schema.String, dependencies: [McpAccess.CurrentAccess] })
 * )
 * const Mcp = McpHttp.layerHttp({
 *   name: "Notes",
 *   version: "1.0.0",
 *   resources: [{ resource: "https://notes.example.com/mcp", authorizationServers: ["https://auth.example.com"] }],
 *   registrations: McpServer.toolkit(Tools).pipe(
 *     Layer.provide(Tools.toLayer({ who_am_i: () => Effect.map(McpAccess.CurrentAccess, ({ token }) => token.subject) }))
 *   )
 * })
 * ```
 *
 * @see [MCP, Transports](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports)
 * @category layers
 * @since 0.1.0
 */
export const layerHttp = <RA, RE, RR>(options: McpHttpOptions<RA, RE, RR>) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const endpoints = yield* Effect.forEach(options.resources, (resource) =>
        Effect.map(Effect.fromResult(resolve(resource)), (resolved) => ({ resource, resolved })),
      )
      const atRoot =
        options.metadataAtRoot === false ? undefined : endpoints.find(({ resolved }) => !resolved.isBound)?.resolved
      const layers = Array.map(endpoints, ({ resolved, resource }) =>
        Layer.merge(layerEndpoint(options, resource, resolved), layerMetadata(resolved)),
      )
      return Layer.mergeAll(
        ...layers,
        atRoot === undefined || atRoot.path === "/" ? Layer.empty : layerRootMetadata(atRoot),
      ).pipe(Layer.provideMerge(layerAlone(options.name)))
    }),
  )

// internal

const layerEndpoint = <RA, RE, RR>(
  options: McpHttpOptions<RA, RE, RR>,
  resource: McpResource,
  { origin, path }: ResolvedResource,
) => {
  const { allowedHosts, allowedOrigins = [], maxBodySize, registrations } = options
  return McpServer.layerHttp({
    name: options.name,
    version: options.version,
    instructions: options.instructions,
    description: options.description,
    websiteUrl: options.websiteUrl,
    icons: options.icons,
    path,
    protocols,
    registrations: Layer.merge(registrations, McpCalls.layerSpans),
    allowSessionTermination: true,
    allowedOrigins: [origin, ...allowedOrigins],
  }).pipe(Layer.provide(McpAuthorization.layer({ resource, allowedHosts, allowedOrigins, maxBodySize })))
}

const servers = new WeakSet<McpServer.McpServer["Service"]>()

/** The registry of one server alone: it is the one that the endpoints register with, since layers are shared. */
const layerAlone = (name: string) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const server = yield* McpServer.McpServer
      if (servers.has(server)) return yield* new McpServersMixed({ name })
      servers.add(server)
    }),
  ).pipe(Layer.provideMerge(McpServer.McpServer.layer))

const layerMetadata = (resource: ResolvedResource) =>
  layerMetadataAt(resource.metadataPath, ({ originalUrl }) =>
    metadataAt(resource, pathOf(originalUrl).slice(wellKnownPath.length) || "/"),
  )

const layerRootMetadata = (resource: ResolvedResource) =>
  layerMetadataAt(`/${wellKnownPath.slice(1)}`, () => metadataAt(resource, resource.path))

const metadataAt = (resource: ResolvedResource, path: string): ProtectedResourceMetadata | null => {
  const target = resource.at(path)
  return target === null ? null : Result.getOrNull(makeMetadata(resource.metadataOf(target)))
}
