/**
 * This server's own MCP endpoint from configuration: whether it is on, how it is guarded, and what the authorization
 * server knows of it.
 *
 * @since 0.1.0
 */
import { ConfigList } from "@belfry/core/ConfigList"
import { boolean, choice } from "@belfry/core/ConfigValues"
import { Site } from "@belfry/core/Site"
import type { McpResource } from "@belfry/mcp/McpResource"
import type { BoundResource } from "@belfry/oauth-server/BoundResource"
import { issuerOf } from "@belfry/oauth-server/Issuer"
import { OAuthServerSettings } from "@belfry/oauth-server/OAuthServerSettings"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { accountRead, organizationsRead, toolScopes } from "./mcp/scopes.ts"
import { isLoopback } from "./ServerConfig.ts"

/**
 * What is set of the MCP endpoint.
 *
 * **Details**
 *
 * `revocation`: whether a token that was revoked ends at once, which costs one statement a request, or when it is over,
 * which costs none. `allowedOrigins` are those of pages that may call the endpoint.
 *
 * @category models
 * @since 0.1.0
 */
export interface McpConfig {
  readonly mode: "off" | "on"
  readonly revocation: "at-once" | "at-expiry"
  readonly limitsRates: boolean
  readonly allowedOrigins: ReadonlyArray<string>
}

const Origin = Schema.String.check(
  Schema.makeFilter((text: string) => /^https?:\/\/[^*]+$/u.test(text) && URL.parse(text)?.origin === text, {
    message: "Expected an origin such as https://app.example.com",
  }),
)

/**
 * Reads `BELFRY_MCP`, `BELFRY_MCP_REVOCATION`, `BELFRY_MCP_RATE_LIMITS` and `BELFRY_MCP_ALLOWED_ORIGINS`.
 *
 * @category config
 * @since 0.1.0
 */
export const config: Config.Config<McpConfig> = Config.all({
  mode: choice("BELFRY_MCP", ["off", "on"], "off"),
  revocation: choice("BELFRY_MCP_REVOCATION", ["at-once", "at-expiry"], "at-once"),
  limitsRates: boolean("BELFRY_MCP_RATE_LIMITS", true),
  allowedOrigins: Config.schema(ConfigList(Origin), "BELFRY_MCP_ALLOWED_ORIGINS").pipe(Config.withDefault([])),
})

/**
 * The endpoint cannot begin as it is set up.
 *
 * @category errors
 * @since 0.1.0
 */
export class McpRefused extends Schema.TaggedError<McpRefused>("@belfry/server/McpRefused")("McpRefused", {
  setting: Schema.String,
  reason: Schema.String,
}) {
  override get message(): string {
    return `${this.setting}: ${this.reason}`
  }
}

/**
 * The endpoints: `/mcp` for all organizations of a person, and `/mcp/organizations/{organization}` for one, by its id.
 *
 * **Details**
 *
 * Clients are told to ask for what reads at first; what changes something they ask for when they come to it.
 *
 * @category accessors
 * @since 0.1.0
 */
export const resources = ({ name, origin }: Site["Service"]): NonEmptyReadonlyArray<McpResource> => {
  const common = {
    authorizationServers: [issuerOf({ origin })],
    scopes: [accountRead, organizationsRead],
    name,
  } as const
  return [
    { resource: `${origin}/mcp`, ...common },
    { resource: `${origin}/mcp/organizations/{organization}`, ...common },
  ]
}

/**
 * Refuses an endpoint to which people's access tokens would travel in the clear, and tokens that cannot be verified
 * without a statement where they must.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerSafe = Layer.effectDiscard(
  Effect.gen(function* () {
    const { mode, revocation } = yield* config
    const { baseUrl, isSecure } = yield* Site
    const { disableJwt } = yield* OAuthServerSettings
    if (mode === "off") return
    if (!isSecure && !isLoopback(baseUrl.hostname)) {
      return yield* new McpRefused({
        setting: "BELFRY_BASE_URL",
        reason: "with BELFRY_MCP=on it is https, or a host of this machine; clients would send tokens in the clear",
      })
    }
    if (revocation === "at-expiry" && disableJwt) {
      return yield* new McpRefused({
        setting: "BELFRY_MCP_REVOCATION",
        reason: "without JWTs (BELFRY_OAUTH_DISABLE_JWT) every token is looked up; set at-once",
      })
    }
  }),
)

/**
 * Layer that makes the authorization server know the endpoints, over the settings that are provided.
 *
 * **Details**
 *
 * Tokens may be for them, with the scopes of their tools. Clients may be known by their metadata documents, unless
 * `BELFRY_OAUTH_CLIENT_METADATA_DOCUMENTS` says otherwise; registration stays as it is set. Clients that came either
 * way may ask for the scopes of tools later. What the host says of the same resource stays.
 *
 * @see [MCP Authorization](https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization)
 * @category layers
 * @since 0.1.0
 */
export const layerOAuthServer = Layer.effect(
  OAuthServerSettings,
  Effect.gen(function* () {
    const settings = yield* OAuthServerSettings
    const { name, origin } = yield* Site
    const { mode } = yield* config
    if (mode === "off") return settings
    const isDocumentsSet = Option.isSome(yield* Config.option(Config.String("BELFRY_OAUTH_CLIENT_METADATA_DOCUMENTS")))
    const all = { identifier: `${origin}/mcp`, ...resourceFields, name }
    const bound: BoundResource = { prefix: `${origin}/mcp/organizations/`, ...resourceFields, name }
    return {
      ...settings,
      scopes: [...new Set([...settings.scopes, ...toolScopes])],
      resources: settings.resources.some(({ identifier }) => identifier === all.identifier)
        ? settings.resources
        : [...settings.resources, all],
      boundResources: settings.boundResources.some(({ prefix }) => prefix === bound.prefix)
        ? settings.boundResources
        : [...settings.boundResources, bound],
      registrationStepUp: [...new Set([...settings.registrationStepUp, ...toolScopes])],
      clientMetadataDocuments: isDocumentsSet ? settings.clientMetadataDocuments : "on",
    }
  }),
)

// internal

const resourceFields = {
  scopes: toolScopes,
  accessTokenLifetime: null,
  signingAlgorithm: null,
  introspectionClientId: null,
  isDisabled: false,
} as const
