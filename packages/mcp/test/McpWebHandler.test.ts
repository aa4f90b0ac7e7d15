/**
 * Servers of the official SDKs behind the same guard.
 */
import * as McpWebHandler from "@belfry/mcp/McpWebHandler"
import { assert, describe, it } from "@effect/vitest"
import { createMcpHandler, McpServer as McpServerV2 } from "@modelcontextprotocol/server"
import { McpServer as McpServerV1 } from "@modelcontextprotocol/sdk/server/mcp.js"
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js"
import { ByteSize, Effect } from "effect"
import { TestClock } from "effect/testing"
import { ada, call, endpoint, issuer, layer, type message, metadata, notes, origin, tokenOf } from "./support/Notes.ts"

const scopes = { tools: { who_am_i: ["notes:who"], free: [] } }

const headersOf = (request: Request | undefined) => Object.fromEntries(request?.headers.entries() ?? [])

/** A server of SDK 2, whose tool tells what it knows of its caller. */
const newest = createMcpHandler(() => {
  const server = new McpServerV2({ name: "sums", version: "1.0.0" })
  server.registerTool("who_am_i", {}, ({ http }) => ({
    content: [{ type: "text", text: JSON.stringify({ authInfo: http?.authInfo, headers: headersOf(http?.req) }) }],
  }))
  server.registerTool("free", {}, () => ({ content: [{ type: "text", text: "free" }] }))
  return server
})

/** A server of SDK 1, without sessions: one for each request. */
const older = async (request: Request, authInfo: McpWebHandler.McpAuthInfo) => {
  const server = new McpServerV1({ name: "sums", version: "1.0.0" })
  server.registerTool("who_am_i", {}, (extra) => ({
    content: [
      { type: "text", text: JSON.stringify({ authInfo: extra.authInfo, headers: extra.requestInfo?.headers }) },
    ],
  }))
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true })
  await server.connect(transport)
  return transport.handleRequest(request, { authInfo })
}

const setUp = Effect.fnUntraced(function* (options: Partial<McpWebHandler.McpWebOptions> = {}) {
  yield* TestClock.setTime(1_800_000_000_000)
  const handler = yield* McpWebHandler.make({ resource: notes, scopes, ...options })
  const handled: Array<{ readonly request: Request; readonly authInfo: McpWebHandler.McpAuthInfo }> = []
  const send = Effect.fnUntraced(function* (
    path: string,
    { body, headers = {}, json, method = "GET" }: ReturnType<typeof message> = {},
    handle = (request: Request, authInfo: McpWebHandler.McpAuthInfo) => newest.fetch(request, { authInfo }),
  ) {
    const text = json === undefined ? body : JSON.stringify(json)
    const request = new Request(new URL(path, origin), {
      method,
      headers: { "content-type": "application/json", ...headers },
      ...(typeof text === "string" ? { body: text } : {}),
    })
    const response = yield* Effect.promise(() =>
      handler(request, (bare, authInfo) => {
        handled.push({ request: bare.clone(), authInfo })
        return handle(bare, authInfo)
      }),
    )
    return { status: response.status, headers: response.headers, text: yield* Effect.promise(() => response.text()) }
  })
  return { send, handled }
})

describe("McpWebHandler.make", () => {
  it.effect("lets a server of SDK 2 know who calls, and never by what token", () =>
    Effect.gen(function* () {
      const { handled, send } = yield* setUp()
      const token = yield* tokenOf({ scope: "notes:who" })
      const response = yield* send("/mcp", call("who_am_i", token))
      assert.strictEqual(response.status, 200, response.text)
      assert.include(response.text, ada)
      assert.notInclude(response.text, token)
      const [{ authInfo, request } = assert.fail("not handled")] = handled
      assert.isNull(request.headers.get("authorization"))
      assert.strictEqual(request.headers.get("mcp-method"), "tools/call")
      assert.deepStrictEqual(
        { ...authInfo, extra: { ...authInfo.extra, claims: null } },
        {
          token: "",
          clientId: "a-client",
          scopes: ["notes:who"],
          expiresAt: 1_800_003_600,
          resource: new URL(endpoint),
          extra: { subject: ada, claims: null, organizationId: null },
        },
      )
    }).pipe(Effect.provide(layer)),
  )

  it.effect("lets a server of SDK 1 know the same", () =>
    Effect.gen(function* () {
      const { send } = yield* setUp()
      const token = yield* tokenOf({ scope: "notes:who" })
      const request = {
        method: "POST",
        headers: {
          accept: "application/json, text/event-stream",
          authorization: `Bearer ${token}`,
          "mcp-protocol-version": "2025-11-25",
        },
        json: { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "who_am_i", arguments: {} } },
      }
      const response = yield* send("/mcp", request, older)
      assert.strictEqual(response.status, 200, response.text)
      assert.include(response.text, ada)
      assert.notInclude(response.text, token)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("makes the same checks: token, audience, host, origin, scopes, size, session", () =>
    Effect.gen(function* () {
      const { handled, send } = yield* setUp({ maxBodySize: ByteSize.bytes(2000) })
      const token = yield* tokenOf()
      const challenge = `Bearer scope="notes:read", resource_metadata="${metadata}"`
      const none = yield* send("/mcp", call("free"))
      assert.deepStrictEqual([none.status, none.headers.get("www-authenticate")], [401, challenge])
      const statuses = yield* Effect.forEach(
        [
          ["/mcp", call("free", yield* tokenOf({ aud: origin }))],
          ["/mcp", call("free", token, { host: "evil.example.com" })],
          ["/mcp", call("free", token, { origin: "https://evil.example.com" })],
          ["/mcp", call("who_am_i", token)],
          ["/mcp", call("unknown", yield* tokenOf({ scope: "" }))],
          ["/mcp", call("toString", yield* tokenOf({ scope: "" }))],
          ["/mcp", { ...call("free", token), json: "x".repeat(2000) }],
          ["/mcp", call("free", token, { "mcp-session-id": "made-up" })],
          [`/mcp?access_token=${token}`, call("free", token)],
          ["/elsewhere", call("free", token)],
          ["/mcp", { method: "PUT", headers: { authorization: `Bearer ${token}` } }],
        ] as const,
        ([path, request]) => Effect.map(send(path, request), ({ status }) => status),
      )
      assert.deepStrictEqual(statuses, [401, 403, 403, 403, 403, 403, 413, 404, 400, 404, 405])
      assert.deepStrictEqual(handled, [])
      const inherited = yield* send("/mcp", call("toString", yield* tokenOf({ scope: "" })))
      assert.include(inherited.headers.get("www-authenticate"), 'scope="notes:read"')
      assert.strictEqual((yield* send("/mcp", call("free", yield* tokenOf({ scope: "" })))).status, 200)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("keeps a session for who opened it", () =>
    Effect.gen(function* () {
      const { send } = yield* setUp()
      const opened = () => Promise.resolve(new Response("{}", { headers: { "mcp-session-id": "a-session" } }))
      const answered = () => Promise.resolve(new Response("{}"))
      yield* send("/mcp", call("free", yield* tokenOf()), opened)
      const within = { "mcp-session-id": "a-session" }
      assert.strictEqual((yield* send("/mcp", call("free", yield* tokenOf(), within), answered)).status, 200)
      const other = yield* tokenOf({ client_id: "another-client" })
      assert.strictEqual((yield* send("/mcp", call("free", other, within), answered)).status, 404)
      const ending = { method: "DELETE", headers: { ...within, authorization: `Bearer ${yield* tokenOf()}` } }
      const unended = () => Promise.resolve(new Response(null, { status: 405 }))
      assert.strictEqual((yield* send("/mcp", ending, unended)).status, 405)
      assert.strictEqual((yield* send("/mcp", ending, answered)).status, 200)
      assert.strictEqual((yield* send("/mcp", ending, answered)).status, 404)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("answers for the metadata itself", () =>
    Effect.gen(function* () {
      const { handled, send } = yield* setUp()
      for (const path of ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"]) {
        const response = yield* send(path)
        assert.strictEqual(response.status, 200)
        assert.deepInclude(JSON.parse(response.text), { resource: endpoint, authorization_servers: [issuer] })
        assert.strictEqual((yield* send(path, { method: "OPTIONS" })).status, 204)
        assert.strictEqual((yield* send(path, { method: "POST" })).status, 405)
      }
      assert.strictEqual((yield* send("/.well-known/oauth-protected-resource/other")).status, 404)
      assert.deepStrictEqual(handled, [])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("answers 500 to what its server cannot handle, and says nothing of it", () =>
    Effect.gen(function* () {
      const { send } = yield* setUp()
      const response = yield* send("/mcp", call("free", yield* tokenOf()), () => Promise.reject(new Error("internals")))
      assert.strictEqual(response.status, 500)
      assert.notInclude(response.text, "internals")
    }).pipe(Effect.provide(layer)),
  )
})
