import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Scope } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import * as Net from "node:net"
import * as TestServer from "./support/TestServer.ts"
import * as Wire from "./support/wire.ts"

/** Starts a server in a scope of its own; answers its port and what stops it. */
const start = Effect.fnUntraced(function* (options: TestServer.Options = {}) {
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer((exit) => Scope.close(scope, exit))
  const context = yield* Layer.buildWithMemoMap(TestServer.layer(options), Layer.makeMemoMapUnsafe(), scope)
  const { port } = yield* Effect.provideContext(TestServer.TestServer, context)
  return { port, stop: Scope.close(scope, Exit.void) }
})

/** Opens a connection, writes, and answers how long it stayed open. */
const openFor = (port: number, text: string): Promise<number> =>
  new Promise((resolve) => {
    const opened = performance.now()
    const socket = Net.connect(port, "127.0.0.1", () => socket.write(text))
    socket.on("data", () => undefined)
    socket.on("error", () => undefined)
    socket.on("close", () => resolve(performance.now() - opened))
  })

describe.concurrent("the server on Node", () => {
  it.live(
    "cuts a client that does not finish its headers in 10 seconds",
    () =>
      Effect.gen(function* () {
        const { port } = yield* start()
        const millis = yield* Effect.promise(() => openFor(port, "GET /health/live HTTP/1.1\r\nhost: local"))
        assert.isAbove(millis, 9000)
        assert.isBelow(millis, 14_000)
      }).pipe(Effect.scoped),
    30_000,
  )

  it.live(
    "stops within 10 seconds, whoever is in the middle of a request",
    () =>
      Effect.gen(function* () {
        const routes = HttpRouter.add("GET", "/slow", Effect.as(Effect.never, HttpServerResponse.empty()))
        const environment = { BELFRY_REQUEST_TIMEOUT: "1 minute" }
        const { port, stop } = yield* start({ routes, environment })
        const endless = "POST /auth/sign-out HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n"
        const cut = Promise.all([openFor(port, `${endless}\r\nhalf`), openFor(port, endless)])
        const slow = Wire.fetch(port, { path: "/slow" }, 30_000)
        // All three are with the server when a later request has been answered.
        yield* Effect.promise(() => Wire.fetch(port, { path: "/health/live" }))
        const started = performance.now()
        yield* stop
        assert.isBelow(performance.now() - started, 10_000)
        assert.strictEqual((yield* Effect.promise(() => slow)).status, 503)
        yield* Effect.promise(() => cut)
      }).pipe(Effect.scoped),
    30_000,
  )

  it.live("stops at once when nobody wants anything, idle connections or not", () =>
    Effect.gen(function* () {
      const { port, stop } = yield* start()
      const idle = openFor(port, "GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n")
      yield* Effect.promise(() => Wire.fetch(port, { path: "/health/live" }))
      const started = performance.now()
      yield* stop
      assert.isBelow(performance.now() - started, 3000)
      yield* Effect.promise(() => idle)
      const refused = yield* Effect.promise(() =>
        Wire.fetch(port, { path: "/health/live" }).then(
          () => false,
          (error: unknown) => error instanceof Wire.ConnectionRefused,
        ),
      )
      assert.isTrue(refused)
    }).pipe(Effect.scoped),
  )
})
