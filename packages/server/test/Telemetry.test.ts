import * as Telemetry from "@belfry/server/Telemetry"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Scope } from "effect"
import * as Http from "node:http"
import * as People from "./support/People.ts"
import * as TestServer from "./support/TestServer.ts"
import * as Wire from "./support/wire.ts"

/** An OTLP collector that keeps what it is sent, by path; it stops with the scope. */
const collector = Effect.acquireRelease(
  Effect.callback<{ readonly url: string; readonly received: Map<string, string>; readonly server: Http.Server }>(
    (resume) => {
      const received = new Map<string, string>()
      const server = Http.createServer((request, response) => {
        const path = request.url ?? ""
        request.setEncoding("utf8").on("data", (text: string) => received.set(path, (received.get(path) ?? "") + text))
        request.on("end", () => response.setHeader("content-type", "application/json").end("{}"))
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, received, server }))
      })
    },
  ),
  ({ server }) => Effect.sync(() => server.close().closeAllConnections()),
)

/** Starts a server that reports to the collector, has it asked, and stops it, which sends what is left. */
const observe = (environment: Readonly<Record<string, string>>, ask: (port: number) => Promise<unknown>) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const server = TestServer.layer({ environment: { BELFRY_LOG_REQUESTS: "1" } }).pipe(
      Layer.provide(Telemetry.layerOtlp.pipe(Layer.provide(TestServer.layerEnvironment(environment)))),
    )
    const context = yield* Layer.buildWithMemoMap(server, Layer.makeMemoMapUnsafe(), scope)
    const { port } = yield* Effect.provideContext(TestServer.TestServer, context)
    yield* Effect.provideContext(People.registered("ada@example.com"), context)
    yield* Effect.promise(() => ask(port))
    const started = performance.now()
    yield* Scope.close(scope, Exit.void)
    return performance.now() - started
  })

const ask = async (port: number) => {
  const headers = [
    ["user-agent", "Ada's own browser"],
    ["cookie", `belfry_session=belfry_session_${"A".repeat(43)}`],
  ] as const
  await Wire.fetch(port, { path: "/verify-email?token=belfry_verify_secret&email=ada@example.com", headers })
  const credentials = Wire.json({ email: "ada@example.com", password: "wrong horse battery" })
  await Wire.fetch(port, { method: "POST", path: "/auth/sign-in/password?from=ada@example.com", ...credentials })
}

describe("telemetry", () => {
  it.effect("makes no spans where nobody collects them", () =>
    Effect.gen(function* () {
      const span = Effect.map(Effect.withSpan(Effect.currentSpan, "request"), ({ sampled }) => sampled)
      const uncollected = Telemetry.layerOtlp.pipe(Layer.provide(TestServer.layerEnvironment({})))
      assert.isFalse(yield* Effect.provide(span, uncollected))
      assert.isTrue(yield* span)
    }),
  )

  it.live("sends traces and metrics to the collector that is configured, and of people nothing", () =>
    Effect.gen(function* () {
      const { url, received } = yield* collector
      yield* observe({ OTEL_EXPORTER_OTLP_ENDPOINT: url }, ask)
      const traces = received.get("/v1/traces") ?? ""
      for (const part of ['"belfry"', '"http.route"', '"/auth/sign-in/password"', '"url.path"', '"/verify-email"']) {
        assert.include(traces, part)
      }
      assert.include(received.get("/v1/metrics") ?? "", "belfry_http_requests_total")
      const sent = [...received.values()].join("\n")
      assert.notMatch(
        sent,
        /ada@example|horse|Ada's|belfry_(?:verify|session)_[\wA]{6}|127\.0\.0\.1|client\.address|url\.query/,
      )
    }).pipe(Effect.scoped),
  )

  it.live("leaves out what is switched off, and sends nothing where no collector is configured", () =>
    Effect.gen(function* () {
      const { url, received } = yield* collector
      yield* observe({}, ask)
      assert.strictEqual(received.size, 0)
      yield* observe({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_TRACES_EXPORTER: "none" }, ask)
      assert.isUndefined(received.get("/v1/traces"))
      assert.isDefined(received.get("/v1/metrics"))
    }).pipe(Effect.scoped),
  )

  it.live("is no reason to fail, nor to stop late, when the collector is away", () =>
    Effect.gen(function* () {
      const { url, server } = yield* collector
      server.close()
      const status = { current: 0 }
      const millis = yield* observe({ OTEL_EXPORTER_OTLP_ENDPOINT: url }, async (port) => {
        status.current = (await Wire.fetch(port, { path: "/health/ready" })).status
      })
      assert.strictEqual(status.current, 200)
      assert.isBelow(millis, 8000)
    }).pipe(Effect.scoped),
  )
})
