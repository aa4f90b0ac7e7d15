import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as People from "./support/People.ts"
import * as TestServer from "./support/TestServer.ts"
import * as Wire from "./support/wire.ts"

const live = { excludeTestServices: true } as const

const fetch = (request: Wire.WireRequest) =>
  Effect.flatMap(TestServer.TestServer, ({ port }) => Effect.promise(() => Wire.fetch(port, request)))

layer(TestServer.layer(), live)("metrics", (it) => {
  it.effect("are for this machine alone, and not for what a proxy on it passes on", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* fetch({ path: "/metrics" })).status, 200)
      for (const name of ["x-forwarded-for", "x-real-ip", "forwarded", "via"]) {
        const { status, body } = yield* fetch({ path: "/metrics", headers: [[name, "127.0.0.1"]] })
        assert.strictEqual(status, 404, name)
        assert.notInclude(body, "belfry_")
      }
    }),
  )

  it.effect("count requests by the pattern of their route, and know nobody", () =>
    Effect.gen(function* () {
      const { token, session, user } = yield* People.signedIn("metrics@example.com")
      const headers = People.bearer(token)
      const before = yield* counted('method="DELETE",route="/auth/sessions/:sessionId",status="404"')
      for (const id of ["018f4e5c-0000-7000-8000-000000000001", "018f4e5c-0000-7000-8000-000000000002"]) {
        yield* fetch({ method: "DELETE", path: `/auth/sessions/${id}`, headers })
      }
      yield* fetch({ path: "/auth/session?token=secret", headers })
      yield* fetch({ path: `/never-there/${user.id}` })
      const after = yield* counted('method="DELETE",route="/auth/sessions/:sessionId",status="404"')
      assert.strictEqual(after - before, 2)

      const { headers: responseHeaders, body } = yield* fetch({ path: "/metrics" })
      assert.strictEqual(responseHeaders["content-type"], "text/plain; version=0.0.4; charset=utf-8")
      for (const series of [
        'belfry_http_requests_total{method="GET",route="/auth/session",status="200"}',
        'belfry_http_request_duration_seconds_bucket{method="GET",route="/auth/session"',
        "process_resident_memory_bytes ",
        "process_uptime_seconds ",
      ]) {
        assert.include(body, series)
      }
      assert.notMatch(body, /018f4e5c|example\.com|token=|belfry_session_|127\.0\.0\.1|never-there/)
      for (const secret of [user.id, session.id]) assert.notInclude(body, secret)
    }),
  )
})

const counted = Effect.fnUntraced(function* (labels: string) {
  const { body } = yield* fetch({ path: "/metrics" })
  const line = body.split("\n").find((line) => line.startsWith(`belfry_http_requests_total{${labels}}`))
  return Number(line?.split(" ")[1] ?? 0)
})

const metricsToken = "metrics-0123456789abcdef"

layer(TestServer.layer({ environment: { BELFRY_METRICS_TOKEN: metricsToken } }), live)("metrics with a token", (it) => {
  it.effect("are for whoever brings it, from wherever", () =>
    Effect.gen(function* () {
      const get = (...headers: ReadonlyArray<readonly [string, string]>) =>
        Effect.map(fetch({ path: "/metrics", headers }), ({ status }) => status)
      assert.strictEqual(yield* get(), 404)
      assert.strictEqual(yield* get(["authorization", `Bearer ${metricsToken}`]), 200)
      assert.strictEqual(
        yield* get(["authorization", `Bearer ${metricsToken}`], ["x-forwarded-for", "203.0.113.9"]),
        200,
      )
      for (const wrong of [`${metricsToken}0`, metricsToken.slice(1), "x", metricsToken.toUpperCase()]) {
        assert.strictEqual(yield* get(["authorization", `Bearer ${wrong}`]), 404, wrong)
      }
      assert.strictEqual(yield* get(["authorization", `Basic ${metricsToken}`]), 404)
      assert.strictEqual(yield* get(["cookie", `token=${metricsToken}`]), 404)
    }),
  )
})
