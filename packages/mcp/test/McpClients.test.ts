/**
 * The official client, and requests as Node tells them.
 */
import * as McpHttp from "@belfry/mcp/McpHttp"
import { AccessTokenVerifier } from "@belfry/oauth-server/AccessTokenVerifier"
import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client"
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { TestClock } from "effect/testing"
import { request } from "node:http"
import { ada, call, endpoint, layer, notes, registrations, serve, tokenOf } from "./support/Notes.ts"

describe("@modelcontextprotocol/client", () => {
  it.effect("lists and calls tools with a token", () =>
    Effect.gen(function* () {
      const send = yield* serve()
      const context = yield* Effect.context<never>()
      const fetch = async (url: URL | string, init: RequestInit = {}): Promise<Response> => {
        const asked = new Request(url, init)
        const body = await asked.text()
        const { headers, status, text } = await Effect.runPromiseWith(context)(
          send(new URL(url).pathname, {
            method: asked.method,
            headers: Object.fromEntries(asked.headers.entries()),
            ...(body === "" ? {} : { body }),
          }),
        )
        return new Response(text === "" ? null : text, { status, headers })
      }
      const client = new Client({ name: "test", version: "1.0.0" })
      const transport = new StreamableHTTPClientTransport(new URL(endpoint), {
        requestInit: { headers: { authorization: `Bearer ${yield* tokenOf()}` } },
        fetch,
      })
      const called = yield* Effect.promise(async () => {
        await client.connect(transport)
        const { tools } = await client.listTools()
        assert.include(
          tools.map(({ name }) => name),
          "plain",
        )
        const result = await client.callTool({ name: "plain", arguments: {} })
        await client.close()
        return JSON.stringify(result)
      })
      assert.include(called, ada)
    }).pipe(Effect.provide(layer)),
  )
})

/** Sends a call to a port of this machine, with headers one by one. */
const raw = (port: number, headers: ReadonlyArray<string>, body: string) =>
  Effect.promise(
    () =>
      new Promise<number | undefined>((resolve, reject) => {
        const sent = request({ host: "127.0.0.1", port, path: "/mcp", method: "POST", headers: [...headers] })
        sent.on("error", reject)
        sent.on("response", (response) => {
          response.resume()
          response.on("end", () => resolve(response.statusCode))
        })
        sent.end(body)
      }),
  )

describe("RFC 9110 §5.3", () => {
  it.effect("MUST NOT take one of two Authorization headers, of which Node tells the first alone", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_800_000_000_000)
      const verifier = yield* AccessTokenVerifier
      const routes = McpHttp.layerHttp({ name: "notes", version: "1", resources: [notes], registrations }).pipe(
        Layer.provide(Layer.succeed(AccessTokenVerifier, verifier)),
      )
      const server = yield* Layer.build(
        HttpRouter.serve(Layer.orDie(routes), { disableLogger: true }).pipe(
          Layer.provideMerge(NodeHttpServer.layerTest),
        ),
      )
      const { address } = yield* Effect.provide(HttpServer.HttpServer, server)
      const port = "port" in address ? address.port : assert.fail("no port")
      const token = yield* tokenOf()
      const { headers = {}, json } = call("free", token)
      const others = Object.entries({ ...headers, host: "notes.example.com", "content-type": "application/json" })
      const body = JSON.stringify(json)
      assert.strictEqual(yield* raw(port, others.flat(), body), 200)
      assert.strictEqual(yield* raw(port, [...others.flat(), "Authorization", "Bearer another"], body), 400)
      const rebound = others.map(([name, value]) => [name, name === "host" ? "evil.example.com" : value])
      assert.strictEqual(yield* raw(port, rebound.flat(), body), 403)
    }).pipe(Effect.provide(layer)),
  )
})
