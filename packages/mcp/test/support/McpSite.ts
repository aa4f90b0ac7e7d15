/**
 * An MCP server beside its authorization server, on one port: what programs find that know nothing but the endpoint.
 */
import * as McpAccess from "@belfry/mcp/McpAccess"
import * as McpHttp from "@belfry/mcp/McpHttp"
import { RequiredScopes } from "@belfry/mcp/McpScopes"
import * as AccessTokenVerifier from "@belfry/oauth-server/AccessTokenVerifier"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import { clientMetadata } from "@belfry/testing/McpProgram"
import * as RealServer from "@belfry/testing/RealServer"
import { Effect, Layer, Schema } from "effect"
import { McpServer, Tool, Toolkit } from "effect/ai"
import { HttpClient, HttpClientResponse } from "effect/http"

/** Where the documents of programs are. Whatever its path, each says who it is by its URL. */
export const documents = "https://programs.example.com"

/** Answers calls to {@link documents}, and no others. */
const layerDocuments = Layer.succeed(
  HttpClient.HttpClient,
  HttpClient.make((request, url) =>
    Effect.succeed(
      HttpClientResponse.fromWeb(
        request,
        url.origin === documents
          ? Response.json({ client_id: url.href, ...clientMetadata() })
          : new Response(null, { status: 404 }),
      ),
    ),
  ),
)

const dependencies = [McpAccess.CurrentAccess]

const Tools = Toolkit.make(
  Tool.make("who_am_i", { success: Schema.Struct({ subject: Schema.String }), dependencies }),
  Tool.make("write_note", { success: Schema.Struct({ scopes: Schema.Array(Schema.String) }), dependencies }).annotate(
    RequiredScopes,
    ["notes:write"],
  ),
)

const registrations = McpServer.toolkit(Tools).pipe(
  Layer.provide(
    Tools.toLayer({
      who_am_i: () => Effect.map(McpAccess.CurrentAccess, ({ token: { subject } }) => ({ subject })),
      write_note: () => Effect.map(McpAccess.CurrentAccess, ({ token: { scopes } }) => ({ scopes: scopes.toSorted() })),
    }),
  ),
)

/** The MCP endpoint of a server. */
export const endpointOf = (origin: string) => `${origin}/mcp`

/** The server: `who_am_i` takes the initial scope, `write_note` one more. A revoked token is refused at once. */
export const layer = RealServer.layer({
  host: (origin) => ({
    settings: {
      registration: "open",
      registrationStepUp: ["notes:write"],
      clientMetadataDocuments: "on",
      resources: [OAuthBuilders.resource(endpointOf(origin), { name: "Notes", scopes: ["notes:read", "notes:write"] })],
    },
  }),
  calls: layerDocuments,
  routes: (origin) =>
    Layer.orDie(
      McpHttp.layerHttp({
        name: "notes",
        version: "1.0.0",
        resources: [{ resource: endpointOf(origin), authorizationServers: [`${origin}/auth`], scopes: ["notes:read"] }],
        registrations,
      }),
    ).pipe(Layer.provide(Layer.orDie(AccessTokenVerifier.layerLocal({ audience: endpointOf(origin) })))),
})
