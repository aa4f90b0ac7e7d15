import type { OutboundLimits, OutboundRequest } from "@belfry/core/Outbound"
import { OutboundHttp } from "@belfry/core/OutboundHttp"
import * as LocalServer from "@belfry/testing/LocalServer"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { LookupAddress } from "node:dns"
import * as NodeOutboundHttp from "../src/NodeOutboundHttp.ts"

/** A server on loopback, its port, and the paths that were asked for. */
const makeServer = Effect.map(LocalServer.make, (server) => {
  for (const path of ["/a", "/b", "/c"]) server.answer(path, LocalServer.json({}))
  server.answer("/endless", LocalServer.endless)
  server.answer("/redirect", LocalServer.redirect("/a"))
  return { port: new URL(server.url).port, paths: () => server.requests.map(({ path }) => path) }
})

/** Resolves every name to the next of some answers, the last one for ever, and notes what was asked. */
const resolving = (...answers: ReadonlyArray<ReadonlyArray<LookupAddress>>) => {
  const asked: Array<string> = []
  const lookup: NodeOutboundHttp.Lookup = (hostname, callback) => {
    asked.push(hostname)
    callback(null, answers[Math.min(asked.length, answers.length) - 1] ?? [])
  }
  return { asked, lookup }
}

/** The pool takes a connection back one turn of the event loop after the answer. */
const returnedToPool = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))

const loopback: LookupAddress = { address: "127.0.0.1", family: 4 }

const send = (request: OutboundRequest, options: OutboundLimits & { readonly lookup: NodeOutboundHttp.Lookup }) =>
  Effect.flatMap(OutboundHttp, (http) => http.send(request)).pipe(Effect.provide(NodeOutboundHttp.layerWith(options)))

describe("NodeOutboundHttp", () => {
  it.live("reaches a configured host wherever its name leads", () =>
    Effect.gen(function* () {
      const { port, paths } = yield* makeServer
      const { lookup, asked } = resolving([loopback])
      const answer = yield* send({ url: `http://idp.example.com:${port}/a`, trust: "configured" }, { lookup })
      assert.strictEqual(answer.status, 200)
      assert.deepStrictEqual(paths(), ["/a"])
      assert.deepStrictEqual(asked, ["idp.example.com"])
    }),
  )

  it.live.each([
    ["loopback", loopback],
    ["IPv4-mapped loopback", { address: "::ffff:127.0.0.1", family: 6 }],
    ["metadata", { address: "169.254.169.254", family: 4 }],
    ["unique local", { address: "fd00:ec2::254", family: 6 }],
    ["NAT64", { address: "64:ff9b::7f00:1", family: 6 }],
  ] as const)("refuses a foreign name that resolves to %s", ([, address]) =>
    Effect.gen(function* () {
      const { port, paths } = yield* makeServer
      const { lookup } = resolving([address])
      const failure = yield* send({ url: `https://idp.example.com:${port}/a`, trust: "foreign" }, { lookup }).pipe(
        Effect.flip,
      )
      assert.strictEqual(failure.reason, "address")
      assert.deepStrictEqual(paths(), [])
    }),
  )

  it.live("connects to none but the public addresses of a foreign name", () =>
    Effect.gen(function* () {
      const { port, paths } = yield* makeServer
      // Nothing listens at the public one, which is not routed either: had loopback been taken, it would have answered.
      const { lookup } = resolving([loopback, { address: "2606:4700::1", family: 6 }])
      const failure = yield* send(
        { url: `https://idp.example.com:${port}/a`, trust: "foreign" },
        { lookup, timeout: "200 millis" },
      ).pipe(Effect.flip)
      assert.include(["connection", "timeout"], failure.reason)
      assert.deepStrictEqual(paths(), [])
    }),
  )

  it.live("resolves a foreign name once a connection, so that no second answer counts", () =>
    Effect.gen(function* () {
      const { port, paths } = yield* makeServer
      const { lookup, asked } = resolving([loopback], [{ address: "8.8.8.8", family: 4 }])
      const limits = { allowedHosts: ["idp.example.com"], lookup }
      yield* send({ url: `http://idp.example.com:${port}/a`, trust: "foreign" }, limits)
      assert.deepStrictEqual(asked, ["idp.example.com"])
      assert.deepStrictEqual(paths(), ["/a"])
    }),
  )

  it.live("does not use a connection of a configured host for a foreign URL", () =>
    Effect.gen(function* () {
      const { port, paths } = yield* makeServer
      // By https the connection of the first call could not be made here; both go by http to the same origin.
      const { lookup, asked } = resolving([loopback])
      yield* Effect.gen(function* () {
        const http = yield* OutboundHttp
        yield* http.send({ url: `http://idp.example.com:${port}/a`, trust: "configured" })
        yield* returnedToPool
        yield* http.send({ url: `http://idp.example.com:${port}/b`, trust: "configured" })
        assert.strictEqual(asked.length, 1)
        yield* returnedToPool
        yield* http.send({ url: `http://idp.example.com:${port}/c`, trust: "foreign" })
        assert.strictEqual(asked.length, 2)
      }).pipe(Effect.provide(NodeOutboundHttp.layerWith({ allowedHosts: ["idp.example.com"], lookup })))
      assert.deepStrictEqual(paths(), ["/a", "/b", "/c"])
    }),
  )

  it.live("tells apart a name that does not exist", () =>
    Effect.gen(function* () {
      const lookup: NodeOutboundHttp.Lookup = (_, callback) =>
        callback(Object.assign(new Error("no such name"), { code: "ENOTFOUND" }), [])
      const failure = yield* send({ url: "https://idp.example.com/", trust: "foreign" }, { lookup }).pipe(Effect.flip)
      assert.strictEqual(failure.reason, "address")
    }),
  )

  it.live("keeps the limits and follows no redirect", () =>
    Effect.gen(function* () {
      const { port, paths } = yield* makeServer
      const { lookup } = resolving([loopback])
      const url = `http://idp.example.com:${port}`
      const failure = yield* send({ url: `${url}/endless`, trust: "configured" }, { lookup }).pipe(Effect.flip)
      assert.strictEqual(failure.reason, "too-large")
      const answer = yield* send({ url: `${url}/redirect`, trust: "configured" }, { lookup })
      assert.strictEqual(answer.status, 302)
      assert.deepStrictEqual(paths(), ["/endless", "/redirect"])
    }),
  )
})
