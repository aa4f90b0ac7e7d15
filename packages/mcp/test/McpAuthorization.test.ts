/**
 * Who may call an MCP endpoint, over HTTP.
 */
import { AccessTokenVerifier } from "@belfry/oauth-server/AccessTokenVerifier"
import { AccessTokenUnverifiable } from "@belfry/oauth-server/VerifiedAccessToken"
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { ByteSize, Effect } from "effect"
import {
  call,
  challengeOf,
  endpoint,
  layer,
  message,
  metadata,
  notes,
  origin,
  serve,
  tokenOf,
} from "./support/Notes.ts"

const errorOf = (response: TestHttp.TestResponse) => TestHttp.at(response.json, "error", "message")

describe("MCP Authorization, Access Token Usage", () => {
  it.effect("MUST answer 401 to a request without a token, and tell where the metadata is and what to ask for", () =>
    Effect.gen(function* () {
      const send = yield* serve()
      for (const request of [
        message("tools/list"),
        call("free"),
        { method: "GET" },
        { method: "DELETE" },
        call("free", undefined, { authorization: "Basic YTpi" }),
        call("free", undefined, { authorization: "Bearer" }),
        call("free", undefined, { authorization: "Bearer a b" }),
      ]) {
        const response = yield* send("/mcp", request)
        assert.strictEqual(response.status, 401)
        assert.deepStrictEqual(challengeOf(response), {
          scheme: "Bearer",
          resource_metadata: metadata,
          scope: "notes:read",
        })
        assert.strictEqual(errorOf(response), "An access token for this MCP server is needed")
        assert.strictEqual(response.headers.get("cache-control"), "no-store")
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("MUST let in who has a token of this server for this resource, and show it to tools", () =>
    Effect.gen(function* () {
      const send = yield* serve()
      const response = yield* send("/mcp", call("plain", yield* tokenOf()))
      assert.strictEqual(response.status, 200, response.text)
      const found = TestHttp.at(response.json, "result", "structuredContent")
      assert.deepInclude(found, { subject: "0197a5c0-0000-7000-8000-00000000000a", clientId: "a-client" })
      assert.deepInclude(found, { resource: endpoint, organizationId: null })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("MUST refuse whatever is not for this resource, not of this server or over", () =>
    Effect.gen(function* () {
      const send = yield* serve()
      const good = yield* tokenOf()
      const [header = "", , signature = ""] = good.split(".")
      const forged = Buffer.from(JSON.stringify({ aud: endpoint, sub: "eve", client_id: "a" })).toString("base64url")
      const none = Buffer.from(JSON.stringify({ alg: "none", typ: "at+jwt" })).toString("base64url")
      for (const token of [
        yield* tokenOf({ aud: "https://notes.example.com/other" }),
        yield* tokenOf({ aud: `${endpoint}/` }),
        yield* tokenOf({ aud: origin }),
        yield* tokenOf({ aud: "https://NOTES.example.com/mcp" }),
        yield* tokenOf({ aud: [] }),
        yield* tokenOf({ iss: "https://evil.example.com" }),
        yield* tokenOf({ exp: 1_799_999_000 }),
        yield* tokenOf({ cnf: { jkt: "a" } }),
        `${header}.${forged}.${signature}`,
        `${none}.${forged}.`,
        "belfry_at_opaque",
        "x".repeat(20_000),
      ]) {
        const response = yield* send("/mcp", call("free", token))
        assert.strictEqual(response.status, 401, token)
        assert.deepStrictEqual(challengeOf(response), {
          scheme: "Bearer",
          error: "invalid_token",
          error_description: "The access token is not good here",
          resource_metadata: metadata,
          scope: "notes:read",
        })
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("MUST check the audience whatever the verifier looks at", () =>
    Effect.gen(function* () {
      const verifier = yield* AccessTokenVerifier
      const elsewhere = "https://elsewhere.example.com/mcp"
      const lax = {
        ...verifier,
        verifyFor: (token: Parameters<typeof verifier.verify>[0]) => verifier.verifyFor(token, elsewhere),
      }
      const send = yield* Effect.provideService(serve(), AccessTokenVerifier, lax)
      const response = yield* send("/mcp", call("free", yield* tokenOf({ aud: elsewhere })))
      assert.strictEqual(response.status, 401)
      assert.strictEqual(
        (yield* send("/mcp", call("free", yield* tokenOf({ aud: [elsewhere, endpoint] })))).status,
        200,
      )
    }).pipe(Effect.provide(layer)),
  )

  it.effect("answers 503, and never lets in, while nobody can tell whether a token is good", () =>
    Effect.gen(function* () {
      const away = Effect.fail(new AccessTokenUnverifiable({ reason: "keys" }))
      const send = yield* Effect.provideService(serve(), AccessTokenVerifier, {
        verify: () => away,
        verifyFor: () => away,
      })
      const response = yield* send("/mcp", call("free", yield* tokenOf()))
      assert.strictEqual(response.status, 503)
      assert.strictEqual(response.headers.get("retry-after"), "1")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("MUST NOT take a token from the query, nor two of them", () =>
    Effect.gen(function* () {
      const send = yield* serve()
      const token = yield* tokenOf()
      for (const [path, request] of [
        [`/mcp?access_token=${token}`, call("free")],
        [`/mcp?access_token=${token}`, call("free", token)],
        [`/mcp?a=1&access%5Ftoken=${token}`, call("free", token)],
      ] as const) {
        const response = yield* send(path, request)
        assert.strictEqual(response.status, 400)
        assert.deepInclude(challengeOf(response), { scheme: "Bearer", error: "invalid_request" })
      }
      const twice = yield* send("/mcp", call("free", undefined, { authorization: `Bearer ${token}, Bearer ${token}` }))
      assert.strictEqual(twice.status, 401)
      const form = yield* send("/mcp", {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: `access_token=${token}`,
      })
      assert.strictEqual(form.status, 401)
    }).pipe(Effect.provide(layer)),
  )
})

describe("MCP Authorization, Access Token Privilege Restriction", () => {
  it.effect("MUST NOT show the text of the token to anybody behind the guard", () =>
    Effect.gen(function* () {
      const send = yield* serve()
      const response = yield* send("/mcp", call("plain", yield* tokenOf()))
      const headers = TestHttp.at(response.json, "result", "structuredContent", "headers")
      assert.isArray(headers)
      assert.include(headers, "mcp-method")
      assert.notInclude(headers, "authorization")
    }).pipe(Effect.provide(layer)),
  )
})

describe("MCP Transports, Security Warning", () => {
  it.effect("MUST refuse other hosts: a name that was rebound to this server is not its name", () =>
    Effect.gen(function* () {
      const send = yield* serve({ allowedHosts: ["10.0.0.1:8080", "not a host/"] })
      const token = yield* tokenOf()
      for (const host of [
        "evil.example.com",
        "notes.example.com.evil.example.com",
        "notes.example.com:8443",
        "evil@notes.example.com",
        "notes.example.com/",
        "notes.example.com\\evil",
        "not a host/",
        "10.0.0.1",
      ]) {
        const response = yield* send("/mcp", call("free", token, { host }))
        assert.strictEqual(response.status, 403, host)
        assert.strictEqual(errorOf(response), "The host is not allowed")
      }
      for (const host of ["notes.example.com", "NOTES.example.com", "notes.example.com:443", "10.0.0.1:8080"]) {
        assert.strictEqual((yield* send("/mcp", call("free", token, { host }))).status, 200, host)
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("MUST refuse pages of other origins, before it looks at tokens", () =>
    Effect.gen(function* () {
      const send = yield* serve({ allowedOrigins: ["https://app.example.com"] })
      const token = yield* tokenOf()
      for (const other of ["https://evil.example.com", "null", "http://notes.example.com", `${origin}:8443`, ""]) {
        for (const request of [call("free", token, { origin: other }), call("free", undefined, { origin: other })]) {
          const response = yield* send("/mcp", request)
          assert.strictEqual(response.status, 403, other)
          assert.isNull(response.headers.get("access-control-allow-origin"))
        }
        assert.isFalse((yield* send("/mcp", { method: "OPTIONS", headers: { origin: other } })).status < 400)
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("lets pages of allowed origins call, and read the challenge", () =>
    Effect.gen(function* () {
      const send = yield* serve({ allowedOrigins: ["https://app.example.com"] })
      const token = yield* tokenOf()
      for (const allowed of ["https://app.example.com", origin]) {
        const preflight = yield* send("/mcp", { method: "OPTIONS", headers: { origin: allowed } })
        assert.strictEqual(preflight.status, 204)
        assert.strictEqual(preflight.headers.get("access-control-allow-origin"), allowed)
        assert.include(preflight.headers.get("access-control-allow-headers"), "authorization")
        const response = yield* send("/mcp", call("free", token, { origin: allowed }))
        assert.strictEqual(response.status, 200, response.text)
        assert.strictEqual(response.headers.get("access-control-allow-origin"), allowed)
        const refused = yield* send("/mcp", call("free", undefined, { origin: allowed }))
        assert.strictEqual(refused.status, 401)
        assert.strictEqual(refused.headers.get("access-control-allow-origin"), allowed)
        assert.include(refused.headers.get("access-control-expose-headers"), "www-authenticate")
        assert.strictEqual(refused.headers.get("vary"), "origin")
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("has no other methods than those of MCP, for whoever asks", () =>
    Effect.gen(function* () {
      const send = yield* serve()
      for (const method of ["PUT", "PATCH"]) {
        const response = yield* send("/mcp", { method })
        assert.strictEqual(response.status, 405)
        assert.strictEqual(response.headers.get("allow"), "DELETE, GET, POST")
      }
    }).pipe(Effect.provide(layer)),
  )
})

describe("MCP Authorization, Scope Challenge Handling", () => {
  it.effect("SHOULD name all that is needed, and what the token has, so that one consent is enough", () =>
    Effect.gen(function* () {
      const send = yield* serve()
      const token = yield* tokenOf({ scope: "openid notes:read offline_access" })
      const response = yield* send("/mcp", call("write", token, {}, { text: "a" }))
      assert.strictEqual(response.status, 403)
      assert.deepStrictEqual(challengeOf(response), {
        scheme: "Bearer",
        error: "insufficient_scope",
        error_description: "The access token lacks a scope",
        resource_metadata: metadata,
        scope: "notes:read notes:write openid",
      })
      assert.strictEqual(TestHttp.at(response.json, "id"), 7)
      assert.strictEqual(errorOf(response), "The access token lacks a scope")
      const stepped = yield* tokenOf({ scope: "notes:read notes:write openid" })
      const written = yield* send("/mcp", call("write", stepped, {}, { text: "a" }))
      assert.strictEqual(TestHttp.at(written.json, "result", "structuredContent"), "written", written.text)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("asks for the initial scopes where something says nothing, or is unknown", () =>
    Effect.gen(function* () {
      const send = yield* serve()
      const token = yield* tokenOf({ scope: "other" })
      for (const request of [
        call("plain", token),
        call("no-such-tool", token),
        call("__proto__", token),
        message("prompts/get", { name: "greeting" }, token),
        message("prompts/get", { name: "none" }, token),
        message("resources/read", { uri: "elsewhere://a" }, token),
      ]) {
        const response = yield* send("/mcp", request)
        assert.strictEqual(response.status, 403, JSON.stringify(request.json))
        assert.deepInclude(challengeOf(response), { scope: "notes:read other" })
      }
      assert.strictEqual((yield* send("/mcp", call("free", token))).status, 200)
      assert.strictEqual((yield* send("/mcp", message("tools/list", {}, token))).status, 200)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("asks for the scopes of resources, of whatever template a URI may be of, and of prompts", () =>
    Effect.gen(function* () {
      const send = yield* serve()
      const token = yield* tokenOf()
      const ref = (type: string, more: Record<string, string>) => ({
        ref: { type, ...more },
        argument: { name: "id", value: "a" },
      })
      for (const [scope, request] of [
        ["notes:list", message("resources/read", { uri: "notes://list" }, token)],
        ["notes:secret", message("resources/read", { uri: "notes://secret/1" }, token)],
        ["notes:secret", message("resources/read", { uri: "notes:////secret///1/" }, token)],
        ["notes:secret", message("resources/read", { uri: "notes%3A//secret/1" }, token)],
        ["notes:secret", message("resources/read", { uri: "notes://secre%74/1" }, token)],
        ["notes:secret", message("resources/read", { uri: "NOTES://SECRET/1" }, token)],
        ["notes:summary", message("prompts/get", { name: "summary" }, token)],
        ["notes:summary", message("completion/complete", ref("ref/prompt", { name: "summary" }), token)],
        ["notes:secret", message("completion/complete", ref("ref/resource", { uri: "notes://secret/{id}" }), token)],
        [
          "notes:list",
          message("subscriptions/listen", { notifications: { resourceSubscriptions: ["notes://list"] } }, token),
        ],
      ] as const) {
        const response = yield* send("/mcp", request)
        assert.strictEqual(response.status, 403, JSON.stringify(request.json))
        assert.deepInclude(challengeOf(response), { scope: `${scope} notes:read` })
      }
      const open = yield* send(
        "/mcp",
        message("resources/read", { uri: "notes://open" }, yield* tokenOf({ scope: "" })),
      )
      assert.strictEqual(open.status, 200, open.text)
      const secret = yield* tokenOf({ scope: "notes:secret" })
      const read = yield* send("/mcp", message("resources/read", { uri: "notes://secret/1" }, secret))
      assert.include(read.text, "secret 1")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("asks for everything in a batch at once, and bounds batches", () =>
    Effect.gen(function* () {
      const send = yield* serve()
      const token = yield* tokenOf({ scope: "openid" })
      const headers = { authorization: `Bearer ${token}`, accept: "application/json, text/event-stream" }
      const one = (method: string, params: Record<string, string>, id: number) => ({
        jsonrpc: "2.0",
        id,
        method,
        params,
      })
      const batch = yield* send("/mcp", {
        method: "POST",
        headers,
        json: [
          one("tools/call", { name: "write" }, 1),
          one("tools/call", { name: "erase" }, 2),
          one("resources/read", { uri: "notes://list" }, 3),
          one("prompts/get", { name: "summary" }, 4),
        ],
      })
      assert.strictEqual(batch.status, 403)
      assert.strictEqual(TestHttp.at(batch.json, "id"), null)
      assert.deepInclude(challengeOf(batch), {
        scope: "notes:read notes:write notes:erase notes:list notes:summary openid",
      })
      const many = Array.from({ length: 101 }, (_, index) => one("ping", {}, index))
      const tooMany = yield* send("/mcp", { method: "POST", headers, json: many })
      assert.strictEqual(tooMany.status, 400)
      assert.strictEqual(errorOf(tooMany), "The batch has too many messages")
    }).pipe(Effect.provide(layer)),
  )
})

describe("McpAuthorization.layer", () => {
  it.effect("reads bodies within their size, and never answers 500 to what is no JSON-RPC", () =>
    Effect.gen(function* () {
      const send = yield* serve({ maxBodySize: ByteSize.bytes(1000) })
      const token = yield* tokenOf()
      const headers = {
        authorization: `Bearer ${token}`,
        accept: "application/json, text/event-stream",
        "content-type": "application/json",
      }
      const large = yield* send("/mcp", { method: "POST", headers, body: `"${"x".repeat(1000)}"` })
      assert.strictEqual(large.status, 413)
      for (const body of [
        "",
        "{",
        "null",
        "1",
        "[]",
        "[[]]",
        "[null]",
        '{"method":"tools/call"}',
        '{"method":"tools/call","params":null}',
        '{"method":"tools/call","params":{"name":1}}',
        '{"method":"tools/call","params":{"name":{}}}',
        '{"jsonrpc":"2.0","id":{},"method":"tools/call","params":{"name":"free"}}',
        '{"__proto__":{"method":"tools/call"}}',
        '{"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":[1]}}}',
        "[".repeat(900),
        "\uFEFF{}",
      ]) {
        const response = yield* send("/mcp", { method: "POST", headers, body })
        assert.isBelow(response.status, 500, body)
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("does not start with a resource that tokens cannot be for", () =>
    Effect.gen(function* () {
      for (const resource of ["", "notes", "http://notes.example.com/mcp", `${endpoint}#a`, `${endpoint}?a=1`]) {
        const exit = yield* Effect.exit(
          serve({ resources: [{ ...notes, resource }] }).pipe(Effect.flatMap((send) => send("/mcp"))),
        )
        assert.isTrue(exit._tag === "Failure" || exit.value.status === 500, resource)
      }
    }).pipe(Effect.provide(layer)),
  )
})
