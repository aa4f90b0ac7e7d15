import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import * as People from "./support/People.ts"
import * as TestServer from "./support/TestServer.ts"
import * as Wire from "./support/wire.ts"

const live = { excludeTestServices: true } as const

const fetch = (request: Wire.WireRequest) =>
  Effect.flatMap(TestServer.TestServer, ({ port }) => Effect.promise(() => Wire.fetch(port, request)))

const limit = 400

/** Handlers that take too long: one that can be interrupted, and one that cannot; and one with a bug. */
const routes = Layer.mergeAll(
  HttpRouter.add("GET", "/slow", Effect.as(Effect.never, HttpServerResponse.empty())),
  HttpRouter.add(
    "GET",
    "/stubborn",
    Effect.gen(function* () {
      const never = yield* Deferred.make<void>()
      yield* Deferred.await(never)
      return HttpServerResponse.empty()
    }).pipe(Effect.uninterruptible),
  ),
  HttpRouter.add("GET", "/bug", Effect.die(new Error("the secret of the bug"))),
)

layer(TestServer.layer({ environment: { BELFRY_REQUEST_TIMEOUT: `${limit} millis` }, routes }), live)(
  "every request",
  (it) => {
    it.effect("has an id: a new one, or its own where that is one word", () =>
      Effect.gen(function* () {
        const idOf = (given: string | Uint8Array) =>
          Effect.map(
            fetch({ path: "/health/live", headers: [["x-request-id", given]] }),
            ({ headers }) => headers["x-request-id"] ?? "",
          )
        const word = /^[\w-]{8,64}$/
        const first = (yield* fetch({ path: "/health/live" })).headers["x-request-id"] ?? ""
        const second = (yield* fetch({ path: "/health/live" })).headers["x-request-id"] ?? ""
        assert.match(first, word)
        assert.match(second, word)
        assert.notStrictEqual(first, second)
        for (const own of ["abcd1234", "0af7651916cd43dd8448eb211c80319c", "trace.7_b-1", "x".repeat(64)]) {
          assert.strictEqual(yield* idOf(own), own)
        }
        for (const odd of [
          "short",
          "",
          "x".repeat(65),
          "two words",
          '"quoted-id"',
          "<script>alert</script>",
          Buffer.from([0xff, 0xfe, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36]),
        ]) {
          const id = yield* idOf(odd)
          assert.match(id, word)
          assert.notStrictEqual(id, odd)
        }
      }),
    )

    it.effect("that takes too long is answered with 503, even where its handler does not stop", () =>
      Effect.gen(function* () {
        for (const path of ["/slow", "/stubborn"]) {
          const started = performance.now()
          const { status, headers, body } = yield* fetch({ path })
          const millis = performance.now() - started
          assert.strictEqual(status, 503, path)
          assert.isAtLeast(millis, limit - 5, path)
          assert.isBelow(millis, limit + 1000, path)
          assert.strictEqual(headers["content-type"], "application/problem+json")
          assert.strictEqual(headers["retry-after"], "1")
          assert.strictEqual(headers["x-content-type-options"], "nosniff")
          assert.include(body, '"status":503')
        }
      }),
    )

    it.effect("that meets a bug is answered with 500 and nothing about it", () =>
      Effect.gen(function* () {
        const { status, headers, body } = yield* fetch({ path: "/bug" })
        assert.strictEqual(status, 500)
        assert.strictEqual(headers["content-type"], "application/problem+json")
        assert.deepStrictEqual(JSON.parse(body), { type: "about:blank", title: "Internal Server Error", status: 500 })
      }),
    )

    it.effect("that fails on the server's side is logged with its id, although no request is", () =>
      Effect.gen(function* () {
        const { logs } = yield* TestServer.TestServer
        const headers = [["x-request-id", "log-of-failures"]] as const
        yield* fetch({ path: "/health/live", headers })
        yield* fetch({ path: "/auth/session?token=secret", headers })
        yield* fetch({ path: "/slow?token=secret", headers })
        const lines = logs.filter((line) => line.includes("log-of-failures")).map(annotationsOf)
        assert.lengthOf(lines, 1)
        assert.deepInclude(lines[0], { method: "GET", route: "/slow", status: 503, requestId: "log-of-failures" })
        assert.notInclude(logs.join("\n"), "token=secret")
      }),
    )

    it.effect("reaches its endpoint however long a parameter of its path is, as long as the headers may be", () =>
      Effect.gen(function* () {
        for (const length of [101, 2048, 15_000]) {
          const { body, status } = yield* fetch({ path: `/auth/oauth2/clients/${"x".repeat(length)}` })
          assert.strictEqual(status, 401, `${length} characters`)
          assert.include(body, '"_tag":"SessionInvalid"')
        }
        assert.strictEqual((yield* fetch({ path: `/auth/oauth2/clients/${"x".repeat(16_384)}` })).status, 431)
      }),
    )

    it.effect("may have a body of 64 KiB, and no byte more, whether its length is announced or not", () =>
      Effect.gen(function* () {
        const bodyOf = (size: number) => {
          const body = JSON.stringify({ email: "ada@example.com", extra: "" })
          return body.replace('""', `"${"x".repeat(size - body.length)}"`)
        }
        const chunk = (body: string) => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
        const path = "/auth/password/forgot"
        const type = ["content-type", "application/json"] as const
        for (const [size, expected] of [
          [65_536, 202],
          [65_537, 413],
          [1_000_000, 413],
        ] as const) {
          const body = bodyOf(size)
          const announced = yield* fetch({ method: "POST", path, headers: [type], body })
          assert.strictEqual(announced.status, expected, `${size} bytes`)
          const headers = [type, ["transfer-encoding", "chunked"]] as const
          const chunked = yield* fetch({ method: "POST", path, headers, body: chunk(body) })
          assert.strictEqual(chunked.status, expected, `${size} bytes in chunks`)
        }
      }),
    )
  },
)

for (const proxies of ["none", "127.0.0.1"] as const) {
  const environment = {
    BELFRY_LOG_REQUESTS: "1",
    BELFRY_ALLOWED_ORIGINS: "https://app.example.com",
    ...(proxies === "none" ? {} : { BELFRY_TRUSTED_PROXIES: proxies }),
  }
  layer(TestServer.layer({ environment, routes }), live)(`the log, trusted proxies: ${proxies}`, (it) => {
    it.effect("has a line for every request where it is told so: method, route, status, time", () =>
      Effect.gen(function* () {
        const { logs } = yield* TestServer.TestServer
        const { token, session } = yield* People.signedIn("ada@example.com")
        const anonymous = [
          ["x-request-id", "log-of-all"],
          ["x-forwarded-for", "203.0.113.9"],
        ] as const
        const authenticated = [...People.bearer(token), ...anonymous] as const
        // Handlers that wait for the database and handlers that do not, failures of both kinds, and nobody at all.
        yield* fetch({ path: "/auth/session?utm=x", headers: authenticated })
        yield* fetch({ path: "/auth/session", headers: anonymous })
        yield* fetch({ method: "DELETE", path: `/auth/sessions/${session.id}`, headers: authenticated })
        yield* fetch({ path: "/sign-in", headers: anonymous })
        yield* fetch({ path: "/account", headers: anonymous })
        yield* fetch({ path: "/bug", headers: anonymous })
        yield* fetch({ path: "/health/live", headers: anonymous })
        yield* fetch({ method: "POST", path: "/nothing-here/x", headers: anonymous })
        const lines = logs
          .filter((line) => line.includes("log-of-all") && line.includes("durationMs"))
          .map(annotationsOf)
        assert.deepStrictEqual(
          lines.map(({ method, route, status }) => [method, route, status]),
          [
            ["GET", "/auth/session", 200],
            ["GET", "/auth/session", 401],
            ["DELETE", "/auth/sessions/:sessionId", 204],
            ["GET", "/sign-in", 200],
            ["GET", "/account", 303],
            ["GET", "/bug", 500],
            ["GET", "/health/live", 200],
            ["POST", "none", 404],
          ],
        )
        for (const { durationMs } of lines) assert.isNumber(durationMs)
      }),
    )
  })
}

layer(TestServer.layer({ environment: { BELFRY_LOG_REQUESTS: "1" } }), live)("the log", (it) => {
  it.effect("has nothing personal and nothing secret, whatever people do", () =>
    Effect.gen(function* () {
      const { logs, port } = yield* TestServer.TestServer
      const secrets = ["ada.lovelace@example.org", "grace.hopper@example.org", People.password, "wrong horse"]
      const post = (path: string, fields: object, cookie?: string) =>
        fetch({
          method: "POST",
          path,
          ...Wire.json(fields),
          headers: [
            ["content-type", "application/json"],
            ["origin", "http://localhost:3000"],
            ["user-agent", "Ada's own browser/1.0"],
            ...(cookie === undefined ? [] : [["cookie", cookie] as const]),
          ],
        })
      const user = yield* People.registered("ada.lovelace@example.org")
      const credentials = { email: "ada.lovelace@example.org", password: People.password }
      yield* post("/auth/sign-up/password", { email: "grace.hopper@example.org", password: People.password })
      yield* post("/auth/sign-up/password", credentials)
      const { headers } = yield* post("/auth/sign-in/password", { ...credentials, label: "Ada's laptop" })
      const cookie = (headers["set-cookie"] ?? "").split(";")[0] ?? ""
      assert.match(cookie, /^belfry_session=belfry_session_/)
      yield* post("/auth/sign-in/password", { ...credentials, password: "wrong horse battery" })
      yield* post("/auth/sign-in/password", { email: "nobody.here@example.org", password: "wrong horse battery" })
      yield* post("/auth/password/forgot", { email: "ada.lovelace@example.org" })
      yield* post("/auth/password/reset", { token: `belfry_verify_${"A".repeat(43)}`, password: People.password })
      yield* post("/auth/email/change", { email: "grace.hopper@example.org" }, cookie)
      yield* post("/auth/password/change", { currentPassword: "wrong horse", newPassword: "wrong horse!" }, cookie)
      yield* fetch({ path: "/verify-email?token=belfry_verify_guess&email=ada.lovelace@example.org" })
      yield* Effect.promise(() =>
        Wire.send(
          port,
          Wire.encode({ path: "/auth/session?email=ada.lovelace@example.org%", headers: [["cookie", cookie]] }),
        ),
      )
      yield* fetch({
        method: "DELETE",
        path: "/auth/user",
        headers: [
          ["cookie", cookie],
          ["origin", "http://localhost:3000"],
        ],
      })

      const log = logs.join("\n")
      assert.isAtLeast(logs.length, 12)
      for (const secret of [...secrets, user.id, cookie.split("=")[1] ?? cookie, "nobody.here", "Ada's"]) {
        assert.notInclude(log, secret)
      }
      assert.notMatch(log, /127\.0\.0\.1|::1|belfry_(?:session|verify|sign_up)_\w|@example|argon2|horse/)
    }),
  )
})

interface Line {
  readonly method?: unknown
  readonly route?: unknown
  readonly status?: unknown
  readonly durationMs?: unknown
  readonly requestId?: unknown
}

const annotationsOf = (line: string): Line => {
  const { annotations }: { readonly annotations: Line } = JSON.parse(line)
  return annotations
}
