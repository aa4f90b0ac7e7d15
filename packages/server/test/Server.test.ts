import { BelfryApi } from "@belfry/client/BelfryApi"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { HttpApi } from "effect/http-api"
import * as People from "./support/People.ts"
import * as TestServer from "./support/TestServer.ts"
import * as Wire from "./support/wire.ts"

const live = { excludeTestServices: true } as const

const fetch = (request: Wire.WireRequest) =>
  Effect.flatMap(TestServer.TestServer, ({ port }) => Effect.promise(() => Wire.fetch(port, request)))

const problem = (body: string) => {
  const value: unknown = JSON.parse(body)
  return value
}

/** The address that a session keeps when its owner signed in with these headers. */
const addressOfSession = Effect.fnUntraced(function* (
  email: string,
  headers: ReadonlyArray<readonly [string, string]>,
) {
  yield* People.registered(email)
  const credentials = Wire.json({ email, password: People.password, transport: "bearer" })
  const { status, body } = yield* fetch({
    method: "POST",
    path: "/auth/sign-in/password",
    ...credentials,
    headers: [["content-type", "application/json"], ...headers],
  })
  assert.strictEqual(status, 200, body)
  const { session }: { readonly session: { readonly ipAddress: string | null } } = JSON.parse(body)
  return session.ipAddress
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
        assert.match(response.headers["x-request-id"] ?? "", /^[\w-]{8,64}$/, what)
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

  it.effect("answers pages' failures with pages", () =>
    Effect.gen(function* () {
      const headers = [
        ["content-type", "text/plain"],
        ["sec-fetch-site", "same-origin"],
      ] as const
      const {
        status,
        headers: ofResponse,
        body,
      } = yield* fetch({ method: "POST", path: "/sign-in", headers, body: "x" })
      assert.strictEqual(status, 415)
      assert.strictEqual(ofResponse["content-type"], "text/html; charset=utf-8")
      assert.include(body, "<h1")
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

  it.effect("believes nobody who states another address than the connection's", () =>
    Effect.gen(function* () {
      const address = yield* addressOfSession("peer@example.com", [["x-forwarded-for", "203.0.113.9"]])
      assert.strictEqual(address, "127.0.0.1")
    }),
  )
})

const environment = {
  BELFRY_BASE_URL: "https://id.example.com",
  BELFRY_ALLOWED_ORIGINS: "https://app.example.com, https://admin.example.com",
  BELFRY_TRUSTED_PROXIES: "127.0.0.0/8",
}

layer(TestServer.layer({ environment }), live)("the server of an https site behind a proxy", (it) => {
  it.effect("tells browsers to stay on https, in every response", () =>
    Effect.gen(function* () {
      for (const [, request] of everyAnswer) {
        const { headers } = yield* fetch(request)
        assert.strictEqual(headers["strict-transport-security"], "max-age=63072000; includeSubDomains")
      }
    }),
  )

  it.effect("lets pages of the allowed origins call with the user's cookie, and no others", () =>
    Effect.gen(function* () {
      const { token } = yield* People.signedIn("cors@example.com")
      const call = (origin: string, method = "GET", path = "/auth/session") =>
        fetch({
          method,
          path,
          headers: [
            ["origin", origin],
            ["sec-fetch-site", "cross-site"],
            ["cookie", `__Host-belfry_session=${token}`],
            ["access-control-request-method", "DELETE"],
          ],
        })
      for (const origin of ["https://app.example.com", "https://admin.example.com"]) {
        const { status, headers } = yield* call(origin)
        assert.strictEqual(status, 200)
        assert.strictEqual(headers["access-control-allow-origin"], origin)
        assert.strictEqual(headers["access-control-allow-credentials"], "true")
        assert.include(headers["vary"] ?? "", "Origin")
        const preflight = yield* call(origin, "OPTIONS")
        assert.strictEqual(preflight.status, 204)
        assert.strictEqual(preflight.headers["access-control-allow-origin"], origin)
        assert.include(preflight.headers["access-control-allow-methods"] ?? "", "DELETE")
        assert.strictEqual(preflight.headers["x-content-type-options"], "nosniff")
        assert.isDefined(preflight.headers["x-request-id"])
      }
      for (const origin of [
        "https://evil.example",
        "https://app.example.com.evil.example",
        "https://app.example.com:8443",
        "http://app.example.com",
        "null",
      ]) {
        assert.isUndefined((yield* call(origin)).headers["access-control-allow-origin"], origin)
        assert.isUndefined((yield* call(origin, "OPTIONS")).headers["access-control-allow-origin"], origin)
        // Without the header a page cannot read the answer; what changes something is not done at all.
        assert.strictEqual((yield* call(origin, "DELETE", "/auth/sessions")).status, 403, origin)
      }
      assert.strictEqual((yield* call("https://app.example.com", "DELETE", "/auth/sessions")).status, 200)
    }),
  )

  it.effect("keeps the client's address as the trusted proxy reports it", () =>
    Effect.gen(function* () {
      const address = yield* addressOfSession("proxied@example.com", [["x-forwarded-for", "198.51.100.7, 203.0.113.9"]])
      // The right-most address that is no proxy: what stands left of it was written by the client.
      assert.strictEqual(address, "203.0.113.9")
    }),
  )
})
