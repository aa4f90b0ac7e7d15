import { BelfryApi } from "@belfry/client/BelfryApi"
import { unknownClient } from "@belfry/core/AuditEvent"
import { Sessions } from "@belfry/core/Sessions"
import { Email } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { assert, layer } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { HttpApi } from "effect/http-api"
import * as TestServer from "./support/TestServer.ts"
import * as Wire from "./support/wire.ts"

const live = { excludeTestServices: true } as const

const fetch = (request: Wire.WireRequest) =>
  Effect.flatMap(TestServer.TestServer, ({ port }) => Effect.promise(() => Wire.fetch(port, request)))

const problem = (body: string) => {
  const value: unknown = JSON.parse(body)
  return value
}

const signIn = Effect.fnUntraced(function* (email: string) {
  const user = yield* (yield* Users).create({ email: Email.make(email) })
  const { token } = yield* (yield* Sessions).start({ user, amr: ["pwd"], client: unknownClient })
  return Redacted.value(token)
})

/** One request for each way in which the server answers. */
const everyAnswer: ReadonlyArray<readonly [status: number, request: Wire.WireRequest]> = [
  [200, { path: "/health/live" }],
  [200, { path: "/auth/openapi.json" }],
  [200, { path: "/sign-in" }],
  [202, { method: "POST", path: "/auth/password/forgot", ...Wire.json({ email: "ada@example.com" }) }],
  [204, { method: "POST", path: "/auth/sign-out" }],
  [303, { path: "/account" }],
  [401, { path: "/auth/session" }],
  [401, { method: "HEAD", path: "/auth/session" }],
  [403, { method: "POST", path: "/auth/sign-out", headers: [["origin", "https://evil.example"]] }],
  [404, { path: "/auth/no-such-endpoint" }],
  [404, { method: "PUT", path: "/auth/session" }],
  [413, { method: "POST", path: "/auth/password/forgot", ...Wire.json({ email: "a".repeat(70_000) }) }],
  [415, { method: "POST", path: "/auth/password/forgot", headers: [["content-type", "text/plain"]], body: "<b>" }],
  [422, { method: "POST", path: "/auth/password/forgot", ...Wire.json({ email: "nobody" }) }],
]

layer(TestServer.layer(), live)("the server", (it) => {
  it.effect("sends security headers and an id with every response", () =>
    Effect.gen(function* () {
      for (const [status, request] of everyAnswer) {
        const response = yield* fetch(request)
        const what = `${request.method ?? "GET"} ${request.path}`
        assert.strictEqual(response.status, status, what)
        assert.strictEqual(response.headers["x-content-type-options"], "nosniff", what)
        assert.strictEqual(response.headers["x-frame-options"], "DENY", what)
        assert.strictEqual(response.headers["cross-origin-resource-policy"], "same-origin", what)
        assert.strictEqual(response.headers["cache-control"], "no-store", what)
        assert.match(response.headers["x-request-id"] ?? "", /^[\w-]{36}$/, what)
        // Browsers ignore it over http, and a developer's machine must stay reachable without TLS.
        assert.isUndefined(response.headers["strict-transport-security"], what)
        assert.isUndefined(response.headers["x-powered-by"], what)
        assert.isUndefined(response.headers["server"], what)
      }
    }),
  )

  it.effect("says what is wrong where the platform itself would say nothing", () =>
    Effect.gen(function* () {
      const titles = { 404: "Not Found", 413: "Content Too Large", 415: "Unsupported Media Type" }
      for (const [status, title] of Object.entries(titles)) {
        for (const [expected, request] of everyAnswer) {
          if (expected !== Number(status)) continue
          const { body, headers } = yield* fetch(request)
          assert.strictEqual(headers["content-type"], "application/problem+json")
          assert.deepStrictEqual(problem(body), { type: "about:blank", title, status: expected })
        }
      }
    }),
  )

  it.effect("lets no other origin in unless it is told to", () =>
    Effect.gen(function* () {
      const headers = [["origin", "https://app.example.com"]] as const
      const simple = yield* fetch({ path: "/auth/session", headers })
      assert.isUndefined(simple.headers["access-control-allow-origin"])
      const preflight = yield* fetch({ method: "OPTIONS", path: "/auth/session", headers })
      assert.strictEqual(preflight.status, 404)
      assert.isUndefined(preflight.headers["access-control-allow-origin"])
    }),
  )

  it.effect("describes every endpoint of the contract by OpenAPI 3.1", () =>
    Effect.gen(function* () {
      const { headers, body } = yield* fetch({ path: "/auth/openapi.json" })
      assert.strictEqual(headers["content-type"], "application/json")
      const document: unknown = JSON.parse(body)
      assert.propertyVal(document, "openapi", "3.1.0")
      HttpApi.reflect(BelfryApi, {
        onGroup: () => undefined,
        onEndpoint: ({ endpoint }) => {
          const path = endpoint.path.replace(/:(\w+)/g, "{$1}").replaceAll(".", "\\.")
          assert.nestedProperty(document, `paths.${path}.${endpoint.method.toLowerCase()}`)
        },
      })
    }),
  )

  it.effect("shows the contract on a page that loads nothing from elsewhere", () =>
    Effect.gen(function* () {
      const { headers, body } = yield* fetch({ path: "/auth/docs" })
      assert.strictEqual(headers["content-type"], "text/html")
      assert.include(body, "sign-in/password")
      assert.notMatch(body, /<(?:script|link|img)[^>]+(?:src|href)="https?:/)
    }),
  )

  it.effect("believes nobody who states another address than his own", () =>
    Effect.gen(function* () {
      const token = yield* signIn("peer@example.com")
      yield* fetch({
        method: "POST",
        path: "/auth/sign-up/password",
        headers: [
          ["content-type", "application/json"],
          ["x-forwarded-for", "203.0.113.9"],
        ],
        body: JSON.stringify({ email: "new@example.com", password: "correct horse battery staple" }),
      })
      const audit = yield* auditedAddresses
      assert.include(audit, "127.0.0.1")
      assert.notInclude(audit, "203.0.113.9")
      assert.isNotEmpty(token)
    }),
  )
})
