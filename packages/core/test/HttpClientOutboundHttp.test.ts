import * as LocalServer from "@belfry/testing/LocalServer"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import { gzipSync } from "node:zlib"
import * as HttpClientOutboundHttp from "../src/HttpClientOutboundHttp.ts"
import type { OutboundLimits, OutboundRequest } from "../src/Outbound.ts"
import { OutboundHttp } from "../src/OutboundHttp.ts"

const loopback: OutboundLimits = { allowedHosts: ["127.0.0.1"] }

const send = (request: OutboundRequest, limits: OutboundLimits = {}) =>
  Effect.flatMap(OutboundHttp, (http) => http.send(request)).pipe(
    Effect.provide(HttpClientOutboundHttp.layer(limits).pipe(Layer.provide(FetchHttpClient.layer))),
  )

const reasonOf = (request: OutboundRequest, limits: OutboundLimits = {}) =>
  send(request, limits).pipe(
    Effect.flip,
    Effect.map(({ reason }) => reason),
  )

/** A network in which every host answers. */
const answersAll: typeof fetch = () => Promise.resolve(new Response("{}"))

const decode = (body: Uint8Array) => new TextDecoder().decode(body)

describe("HttpClientOutboundHttp", () => {
  it.live("sends a GET with its headers and returns status, headers and body", () =>
    Effect.gen(function* () {
      const server = yield* LocalServer.make
      server.answer("/thing", LocalServer.json({ a: 1 }, 404, { "x-kind": "none" }))
      const url = `${server.url}/thing?q=1`
      const answer = yield* send({ url, trust: "configured", headers: { authorization: "Bearer t" } })
      assert.strictEqual(answer.status, 404)
      assert.strictEqual(answer.headers["x-kind"], "none")
      assert.strictEqual(decode(answer.body), '{"a":1}')
      const [request] = server.requests
      assert.strictEqual(request?.method, "GET")
      assert.strictEqual(request?.headers.authorization, "Bearer t")
      assert.strictEqual(request?.query.get("q"), "1")
    }),
  )

  it.live("sends a form as a POST", () =>
    Effect.gen(function* () {
      const server = yield* LocalServer.make
      server.answer("/form", LocalServer.json({}))
      yield* send({ url: `${server.url}/form`, trust: "configured", form: { code: "a b&c=d", more: "ü" } })
      const [request] = server.requests
      assert.strictEqual(request?.method, "POST")
      assert.match(request?.headers["content-type"] ?? "", /^application\/x-www-form-urlencoded/u)
      assert.deepStrictEqual(request?.form, { code: "a b&c=d", more: "ü" })
    }),
  )

  it.live("tells others nothing of our traces", () =>
    Effect.gen(function* () {
      const server = yield* LocalServer.make
      server.answer("/thing", LocalServer.json({}))
      yield* send({ url: `${server.url}/thing`, trust: "configured" }).pipe(Effect.withSpan("ours"))
      assert.isUndefined(server.requests[0]?.headers["traceparent"])
      assert.isUndefined(server.requests[0]?.headers["b3"])
    }),
  )

  it.live("returns an answer without a body", () =>
    Effect.gen(function* () {
      const server = yield* LocalServer.make
      server.answer("/none", (_, response) => response.writeHead(204).end())
      const answer = yield* send({ url: `${server.url}/none`, trust: "configured" })
      assert.strictEqual(answer.status, 204)
      assert.strictEqual(answer.body.byteLength, 0)
    }),
  )

  it.live.each([301, 302, 303, 307, 308])("returns a redirect of status %i instead of following it", (status) =>
    Effect.gen(function* () {
      const server = yield* LocalServer.make
      server.answer("/from", LocalServer.redirect(`${server.url}/to`, status))
      server.answer("/to", LocalServer.json({}))
      const answer = yield* send({ url: `${server.url}/from`, trust: "configured", form: { code: "secret" } })
      assert.strictEqual(answer.status, status)
      assert.strictEqual(server.countOf("/to"), 0)
    }),
  )

  describe("limits of size", () => {
    it.live("takes a body of exactly the limit", () =>
      Effect.gen(function* () {
        const server = yield* LocalServer.make
        server.answer("/body", LocalServer.text("a".repeat(1000), "text/plain"))
        const answer = yield* send({ url: `${server.url}/body`, trust: "configured" }, { maxBytes: 1000 })
        assert.strictEqual(answer.body.byteLength, 1000)
      }),
    )

    it.live("takes no more than a call allows, and never more than the limit of all", () =>
      Effect.gen(function* () {
        const server = yield* LocalServer.make
        server.answer("/body", LocalServer.text("a".repeat(1000), "text/plain"))
        const url = `${server.url}/body`
        const answer = yield* send({ url, trust: "configured", maxBytes: 1000 }, { maxBytes: 2000 })
        assert.strictEqual(answer.body.byteLength, 1000)
        assert.strictEqual(
          yield* reasonOf({ url, trust: "configured", maxBytes: 999 }, { maxBytes: 2000 }),
          "too-large",
        )
        assert.strictEqual(
          yield* reasonOf({ url, trust: "configured", maxBytes: 2000 }, { maxBytes: 999 }),
          "too-large",
        )
      }),
    )

    it.live("refuses a body that says it is larger", () =>
      Effect.gen(function* () {
        const server = yield* LocalServer.make
        const closed = Promise.withResolvers<void>()
        // Nothing follows, so that only the announcement can be what is refused.
        server.answer("/body", (_, response) => {
          response.on("close", closed.resolve)
          response.writeHead(200, { "content-length": "1001" }).flushHeaders()
        })
        const reason = yield* reasonOf({ url: `${server.url}/body`, trust: "configured" }, { maxBytes: 1000 })
        assert.strictEqual(reason, "too-large")
        // Nobody waits for the rest.
        yield* Effect.promise(() => closed.promise)
      }),
    )

    it.live("stops reading a body that never ends", () =>
      Effect.gen(function* () {
        const server = yield* LocalServer.make
        const closed = Promise.withResolvers<void>()
        server.answer("/endless", (request, response) => {
          response.on("close", closed.resolve)
          LocalServer.endless(request, response)
        })
        const reason = yield* reasonOf({ url: `${server.url}/endless`, trust: "configured" })
        assert.strictEqual(reason, "too-large")
        // The connection is cut as well.
        yield* Effect.promise(() => closed.promise)
      }),
    )

    it.live("counts the bytes of a compressed body as they are unpacked", () =>
      Effect.gen(function* () {
        const server = yield* LocalServer.make
        const packed = gzipSync(Buffer.alloc(8 * 1024 * 1024))
        assert.isBelow(packed.byteLength, 16 * 1024)
        server.answer("/bomb", LocalServer.bytes(packed, { "content-encoding": "gzip" }))
        const reason = yield* reasonOf({ url: `${server.url}/bomb`, trust: "configured" })
        assert.strictEqual(reason, "too-large")
      }),
    )
  })

  describe("limits of time", () => {
    it.live.each([
      ["that does not come", LocalServer.silent],
      ["whose body does not come", LocalServer.stalled],
    ] as const)("gives up on an answer %s", ([, answer]) =>
      Effect.gen(function* () {
        const server = yield* LocalServer.make
        server.answer("/slow", answer)
        const reason = yield* reasonOf({ url: `${server.url}/slow`, trust: "configured" }, { timeout: "100 millis" })
        assert.strictEqual(reason, "timeout")
      }),
    )

    it.live("counts repeats into the time of the whole exchange", () =>
      Effect.gen(function* () {
        const server = yield* LocalServer.make
        server.answer("/busy", LocalServer.json({}, 503))
        const reason = yield* reasonOf({ url: `${server.url}/busy`, trust: "configured" }, { timeout: "150 millis" })
        assert.strictEqual(reason, "timeout")
        assert.isBelow(server.countOf("/busy"), 3)
      }),
    )
  })

  describe("repeats", () => {
    it.live.each([502, 503, 504])("repeats a GET twice after status %i", (status) =>
      Effect.gen(function* () {
        const server = yield* LocalServer.make
        server.answer("/busy", (request, response) =>
          LocalServer.json({}, server.countOf("/busy") < 3 ? status : 200)(request, response),
        )
        const answer = yield* send({ url: `${server.url}/busy`, trust: "configured" })
        assert.strictEqual(answer.status, 200)
        assert.strictEqual(server.countOf("/busy"), 3)
      }),
    )

    it.live("returns the last answer when none is better", () =>
      Effect.gen(function* () {
        const server = yield* LocalServer.make
        server.answer("/busy", LocalServer.json({}, 503))
        const answer = yield* send({ url: `${server.url}/busy`, trust: "configured" })
        assert.strictEqual(answer.status, 503)
        assert.strictEqual(server.countOf("/busy"), 3)
      }),
    )

    it.live("repeats a GET whose connection was cut", () =>
      Effect.gen(function* () {
        const server = yield* LocalServer.make
        server.answer("/cut", (request, response) =>
          (server.countOf("/cut") < 3 ? LocalServer.hangUp : LocalServer.json({}))(request, response),
        )
        const answer = yield* send({ url: `${server.url}/cut`, trust: "configured" })
        assert.strictEqual(answer.status, 200)
      }),
    )

    it.live.each([
      ["a status that is no passing trouble", LocalServer.json({}, 500), undefined, 500],
      ["a POST", LocalServer.json({}, 503), { code: "c" }, 503],
    ] as const)("does not repeat %s", ([, answer, form, status]) =>
      Effect.gen(function* () {
        const server = yield* LocalServer.make
        server.answer("/once", answer)
        const url = `${server.url}/once`
        const { status: actual } = yield* send({
          url,
          trust: "configured",
          ...(form === undefined ? {} : { form }),
        })
        assert.strictEqual(actual, status)
        assert.strictEqual(server.countOf("/once"), 1)
      }),
    )

    it.live("does not repeat a POST whose connection was cut: its code may be used up", () =>
      Effect.gen(function* () {
        const server = yield* LocalServer.make
        server.answer("/cut", LocalServer.hangUp)
        const reason = yield* reasonOf({ url: `${server.url}/cut`, trust: "configured", form: { code: "c" } })
        assert.strictEqual(reason, "connection")
        assert.strictEqual(server.countOf("/cut"), 1)
      }),
    )
  })

  describe("foreign URLs", () => {
    it.effect.each([
      "http://id.example.com/",
      "https://127.0.0.1/",
      "https://2130706433/",
      "https://0177.0.0.1/",
      "https://[::1]/",
      "https://[::ffff:169.254.169.254]/",
      "https://localhost./",
      "https://metadata.google.internal/",
      "https://user:password@id.example.com/",
      "ftp://id.example.com/",
      "file:///etc/passwd",
      "data:application/json,{}",
      "no URL",
    ])("refuses %s", (url) =>
      Effect.gen(function* () {
        assert.strictEqual(yield* reasonOf({ url, trust: "foreign" }), "address")
      }).pipe(Effect.provideService(FetchHttpClient.Fetch, answersAll)),
    )

    it.effect("lets a public name through by https", () =>
      Effect.gen(function* () {
        assert.strictEqual((yield* send({ url: "https://id.example.com/", trust: "foreign" })).status, 200)
      }).pipe(Effect.provideService(FetchHttpClient.Fetch, answersAll)),
    )

    it.live("refuses loopback, and nothing arrives there", () =>
      Effect.gen(function* () {
        const server = yield* LocalServer.make
        server.answer("/thing", LocalServer.json({}))
        const request = { url: `${server.url}/thing`, trust: "foreign" } as const
        assert.strictEqual(yield* reasonOf(request), "address")
        assert.strictEqual(server.requests.length, 0)
        assert.strictEqual((yield* send(request, loopback)).status, 200)
      }),
    )

    it.effect("refuses a configured URL that is not of the web", () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* reasonOf({ url: "file:///etc/passwd", trust: "configured" }), "address")
      }).pipe(Effect.provideService(FetchHttpClient.Fetch, answersAll)),
    )
  })

  it("allows an address that a host resolved to when it is public, or the host is allowed", () => {
    assert.isTrue(HttpClientOutboundHttp.allowsAddress({}, "id.example.com", "8.8.8.8"))
    assert.isFalse(HttpClientOutboundHttp.allowsAddress({}, "id.example.com", "10.0.0.1"))
    const limits = { allowedHosts: ["ID.example.com.", "[::1]"] }
    assert.isTrue(HttpClientOutboundHttp.allowsAddress(limits, "id.example.com", "10.0.0.1"))
    assert.isTrue(HttpClientOutboundHttp.allowsAddress(limits, "::1", "::1"))
    assert.isFalse(HttpClientOutboundHttp.allowsAddress(limits, "more.id.example.com", "10.0.0.1"))
  })
})
