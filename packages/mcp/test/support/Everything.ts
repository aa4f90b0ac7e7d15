/**
 * An MCP server that can do everything that the official conformance suite looks for, behind access tokens; and a
 * forwarder before it that has one, since the suite has none.
 */
import * as McpHttp from "@belfry/mcp/McpHttp"
import * as AccessTokenVerifier from "@belfry/oauth-server/AccessTokenVerifier"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import * as RealServer from "@belfry/testing/RealServer"
import { Context, Effect, Layer, Schema } from "effect"
import { once } from "node:events"
import { createServer, request as send, type Server } from "node:http"
import * as Contents from "./EverythingContents.ts"
import * as Inputs from "./EverythingInputs.ts"
import * as Tools from "./EverythingTools.ts"

/** Adds an access token to the requests that come, and passes them on as they are. */
export class TokenForwarder extends Context.Service<
  TokenForwarder,
  {
    /** `http://127.0.0.1:<port>`. */
    readonly origin: string
    /** Sends on to an origin from now on, with an access token. */
    readonly forward: (to: string, accessToken: string) => void
  }
>()("@belfry/mcp/test/TokenForwarder") {}

/** Layer with the guarded server. The forwarder's host and origin are allowed: they are what the suite says. */
export const layer = Layer.unwrap(
  TokenForwarder.use(({ origin: front }) =>
    Effect.succeed(
      RealServer.layer({
        host: (origin) => ({ settings: { resources: [OAuthBuilders.resource(`${origin}/mcp`)] } }),
        routes: (origin) =>
          Layer.orDie(
            McpHttp.layerHttp({
              name: "everything",
              version: "1.0.0",
              resources: [{ resource: `${origin}/mcp`, authorizationServers: [`${origin}/auth`] }],
              registrations,
              allowedHosts: [new URL(front).host],
              allowedOrigins: [front],
            }),
          ).pipe(Layer.provide(Layer.orDie(AccessTokenVerifier.layerLocalJwt({ audience: `${origin}/mcp` })))),
      }),
    ),
  ),
)

/** Layer with the forwarder. */
export const layerForwarder = Layer.effect(
  TokenForwarder,
  Effect.acquireRelease(
    Effect.promise(() => start()),
    ({ server }) =>
      Effect.promise(async () => {
        server.close()
        server.closeAllConnections()
        await once(server, "close")
      }),
  ),
)

/** Tells the forwarder where the server is, with an access token that a client has for itself. */
export const aim = Effect.gen(function* () {
  const { client, issuer, origin } = yield* RealServer.RealServer
  const forwarder = yield* TokenForwarder
  yield* Effect.promise(async () => {
    const { id, secret } = await client({ grantTypes: ["client_credentials"], redirectUris: [] })
    const answer = await fetch(`${issuer}/oauth2/token`, {
      method: "POST",
      headers: { authorization: `Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)}` },
      body: new URLSearchParams({ grant_type: "client_credentials", resource: `${origin}/mcp` }),
    })
    forwarder.forward(origin, decodeTokens(await answer.json()).access_token)
  })
  return forwarder.origin
})

// internal

const decodeTokens = Schema.decodeUnknownSync(Schema.Struct({ access_token: Schema.String }))

const registrations = Layer.effectDiscard(
  Effect.all([Tools.register, Inputs.register, Contents.register], { discard: true }),
)

const start = async (): Promise<TokenForwarder["Service"] & { readonly server: Server }> => {
  let target: { readonly to: string; readonly accessToken: string } | undefined
  const server = createServer((request, response) => {
    if (target === undefined) return void response.writeHead(503).end()
    const passing = send(
      new URL(request.url ?? "/", target.to),
      { method: request.method, headers: { ...request.headers, authorization: `Bearer ${target.accessToken}` } },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        response.flushHeaders()
        answer.pipe(response)
      },
    )
    passing.on("error", () => response.destroy())
    response.on("close", () => passing.destroy())
    request.pipe(passing)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("The forwarder listens on no port")
  return {
    server,
    origin: `http://127.0.0.1:${address.port}`,
    forward: (to, accessToken) => void (target = { to, accessToken }),
  }
}
