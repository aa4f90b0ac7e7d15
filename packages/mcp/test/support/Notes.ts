/**
 * An MCP server of notes, its access tokens and what programs send to it.
 */
import * as McpAccess from "@belfry/mcp/McpAccess"
import * as McpHttp from "@belfry/mcp/McpHttp"
import { McpRateLimits } from "@belfry/mcp/McpRateLimits"
import type { McpResource } from "@belfry/mcp/McpResource"
import { RequiredScopes } from "@belfry/mcp/McpScopes"
import { AccessTokenVerifier, layerLocalJwt } from "@belfry/oauth-server/AccessTokenVerifier"
import { SigningKeys } from "@belfry/oauth-server/SigningKeys"
import * as TestHttp from "@belfry/testing/TestHttp"
import * as TestServices from "@belfry/testing/TestServices"
import { Context, Effect, Layer, Redacted, Schema } from "effect"
import { McpSchema, McpServer, Tool, Toolkit } from "effect/ai"
import { HttpServerRequest } from "effect/http"
import { TestClock } from "effect/testing"

export const origin = "https://notes.example.com"
export const endpoint = `${origin}/mcp`
export const issuer = "http://localhost:3000/auth"
export const metadata = `${origin}/.well-known/oauth-protected-resource/mcp`

/** Ada's id. */
export const ada = "0197a5c0-0000-7000-8000-00000000000a"

export const notes: McpResource = {
  resource: endpoint,
  authorizationServers: [issuer],
  scopes: ["notes:read", "offline_access"],
  name: "Notes",
}

/** All services, and a verifier of this server's JWTs. */
export const layer = layerLocalJwt({ audience: endpoint }).pipe(
  Layer.provideMerge(TestServices.layerOAuthServer),
  Layer.provideMerge(TestServices.layerMemory),
)

const start = 1_800_000_000

/** A JWT access token of the authorization server, by its real keys: Ada's for the notes, unless it says otherwise. */
export const tokenOf = Effect.fnUntraced(function* (changes: Readonly<Record<string, Schema.Json | undefined>> = {}) {
  const all = {
    iss: issuer,
    aud: endpoint,
    sub: ada,
    client_id: "a-client",
    grant_id: "a-grant",
    scope: "notes:read",
    iat: start,
    exp: start + 3600,
    jti: "a",
    ...changes,
  }
  const claims: Record<string, Schema.Json> = {}
  for (const [name, value] of Object.entries(all)) if (value !== undefined) claims[name] = value
  return Redacted.value(yield* SigningKeys.use((keys) => keys.sign({ claims, typ: "at+jwt", algorithm: "ES256" })))
})

const dependencies = [McpAccess.CurrentAccess, HttpServerRequest.HttpServerRequest]

/** What a tool finds of whoever calls it. */
const Found = Schema.Struct({
  subject: Schema.String,
  clientId: Schema.String,
  resource: Schema.String,
  organizationId: Schema.NullOr(Schema.String),
  headers: Schema.Array(Schema.String),
})

export class NoteRefused extends Schema.TaggedError<NoteRefused>("NoteRefused")("NoteRefused", {}) {
  override get message(): string {
    return "Notes are closed"
  }
}

const parameters = Schema.Struct({ text: Schema.String })

export const Tools = Toolkit.make(
  Tool.make("plain", { success: Found, dependencies }),
  Tool.make("free", { success: Schema.String, dependencies }).annotate(RequiredScopes, []),
  Tool.make("write", { parameters, success: Schema.String, dependencies }).annotate(RequiredScopes, [
    "notes:read",
    "notes:write",
  ]),
  Tool.make("erase", { success: Schema.String, dependencies }).annotate(RequiredScopes, ["notes:erase"]),
  Tool.make("refuse", { parameters, success: Schema.String, failure: NoteRefused, dependencies }).annotate(
    RequiredScopes,
    [],
  ),
  Tool.make("break", { parameters, success: Schema.String, dependencies }).annotate(RequiredScopes, []),
)

const handlers = Tools.toLayer({
  plain: () =>
    Effect.gen(function* () {
      const { organizationId, resource, token } = yield* McpAccess.CurrentAccess
      const { headers } = yield* HttpServerRequest.HttpServerRequest
      const { clientId, subject } = token
      return { subject, clientId, resource, organizationId, headers: Object.keys(headers) }
    }),
  free: () => Effect.succeed("free"),
  write: () => Effect.succeed("written").pipe(Effect.withSpan("Notes.write")),
  erase: () => Effect.succeed("erased"),
  refuse: () => Effect.fail(new NoteRefused()),
  break: () => Effect.die(new Error("broken")),
})

const needs = (...scopes: ReadonlyArray<string>) => Context.make(RequiredScopes, scopes)

const id = McpSchema.param("id", Schema.String)

const contents = Effect.gen(function* () {
  yield* McpServer.registerResource({
    uri: "notes://open",
    name: "open",
    content: Effect.succeed("open"),
    annotations: needs(),
  })
  yield* McpServer.registerResource({
    uri: "notes://list",
    name: "list",
    content: Effect.succeed("all"),
    annotations: needs("notes:list"),
  })
  yield* McpServer.registerResource`notes://secret/${id}`({
    name: "secret",
    annotations: needs("notes:secret"),
    content: (_uri, secret) => Effect.succeed(`secret ${secret}`),
  })
  yield* McpServer.registerPrompt({
    name: "summary",
    content: () => Effect.succeed("Sum up."),
    annotations: needs("notes:summary"),
  })
  yield* McpServer.registerPrompt({ name: "greeting", content: () => Effect.succeed("Hello.") })
})

/** Tools, resources and prompts of the server. */
export const registrations = Layer.merge(
  McpServer.toolkit(Tools).pipe(Layer.provide(handlers)),
  Layer.effectDiscard(contents),
)

type Options = Partial<McpHttp.McpHttpOptions<never, never, Layer.Services<typeof registrations>>>

/** Serves the notes, with the services of the test, and answers what sends requests. */
export const serve = Effect.fnUntraced(function* (options: Options = {}) {
  yield* TestClock.setTime(start * 1000)
  const verifier = yield* AccessTokenVerifier
  const limits = yield* McpRateLimits
  return yield* TestHttp.serve(
    McpHttp.layerHttp({ name: "notes", version: "1.0.0", resources: [notes], registrations, ...options }).pipe(
      Layer.provide(Layer.succeed(AccessTokenVerifier, verifier)),
      Layer.provide(Layer.succeed(McpRateLimits, limits)),
      Layer.orDie,
    ),
    origin,
  )
})

export const protocolVersion = "2026-07-28"

/** What a program sends: a JSON-RPC message of the newest version, by a token. */
export const message = (
  method: string,
  params: Readonly<Record<string, Schema.Json>> = {},
  token?: string,
  headers: Readonly<Record<string, string>> = {},
): TestHttp.TestRequest => {
  const name = params["name"] ?? params["uri"]
  return {
    method: "POST",
    headers: {
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": protocolVersion,
      "mcp-method": method,
      ...(typeof name === "string" ? { "mcp-name": name } : {}),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    json: {
      jsonrpc: "2.0",
      id: 7,
      method,
      params: {
        ...params,
        _meta: {
          "io.modelcontextprotocol/protocolVersion": protocolVersion,
          "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
          "io.modelcontextprotocol/clientCapabilities": {},
        },
      },
    },
  }
}

/** The call of a tool. */
export const call = (
  name: string,
  token?: string,
  headers: Readonly<Record<string, string>> = {},
  args: Readonly<Record<string, Schema.Json>> = {},
): TestHttp.TestRequest => message("tools/call", { name, arguments: args }, token, headers)

/** The parameters of a challenge, and its scheme. */
export const challengeOf = ({ headers }: TestHttp.TestResponse) => {
  const text = headers.get("www-authenticate") ?? ""
  const parameters = [...text.matchAll(/([a-z_]+)="([^"]*)"/gu)].map(([, name = "", value = ""]) => [name, value])
  return { scheme: text.split(" ")[0], ...Object.fromEntries(parameters) }
}
