/**
 * What all sign-ins have in common over HTTP: the attempt's token and its cookie, how they end, and who is turned away.
 */
import { FactorsApi } from "@belfry/factors/FactorsApi"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { HttpApi } from "effect/http-api"
import { TestClock } from "effect/testing"
import { codeOf, enrolApp } from "./support/SecondFactors.ts"
import {
  afterPassword,
  assertForgotten,
  at,
  credentials,
  open,
  sessionCookie,
  sessionOf,
  signedIn,
  signInCookie,
  textAt,
} from "./support/Browser.ts"
import { ada, auditTrail, layer, register } from "./support/People.ts"
import { assertProblem, crossOrigin, problem, sessionInvalid } from "./support/Problems.ts"
import * as TestServer from "./support/TestServer.ts"
import { Failures } from "./support/TestStores.ts"

const refused = (reason: string) => problem(409, "Conflict", "SignInRefused", { reason })

/** Ada, who has an authenticator app. */
const withApp = Effect.flatMap(register(), enrolApp)

/** Every endpoint of the API as a request, with something in the place of path parameters. */
const endpoints = (() => {
  const found: Array<{ readonly method: string; readonly path: string; readonly needsSession: boolean }> = []
  HttpApi.reflect(FactorsApi, {
    onGroup: () => undefined,
    onEndpoint: ({ endpoint, middleware }) => {
      const path = endpoint.path.replace(":passkeyId", "019a0000-0000-7000-8000-000000000000")
      const needsSession = [...middleware].some(({ key }) => key === "@belfry/core/Authentication")
      found.push({ method: endpoint.method, path, needsSession })
    },
  })
  return found
})()

describe("A sign-in on its way", () => {
  it.effect("keeps its token in a cookie that script cannot read, until the attempt is over", () =>
    Effect.gen(function* () {
      const browser = yield* open()
      const response = yield* browser.post("/auth/sign-in", { returnTo: "/reports", label: "Laptop" })
      assert.strictEqual(response.status, 200)
      assert.deepStrictEqual(Object.keys(response.cookies), [signInCookie])
      assert.deepStrictEqual(response.cookies[signInCookie]?.attributes, [
        "Expires=Thu, 01 Jan 1970 00:15:00 GMT",
        "HttpOnly",
        "Path=/",
        "SameSite=Lax",
      ])
      assert.match(response.cookies[signInCookie]?.value ?? "", /^belfry_sign_in_[A-Za-z0-9]{43}$/)
      const state = {
        status: "continue",
        token: null,
        email: null,
        proved: [],
        factors: ["password", "email-code", "magic-link", "oauth", "passkey"],
        enrol: [],
        triesLeft: 5,
        expiresAt: "1970-01-01T00:15:00.000Z",
        context: { returnTo: "/reports", label: "Laptop" },
      }
      assert.deepStrictEqual(response.json, state)
      const current = yield* browser.get("/auth/sign-in")
      assert.deepStrictEqual([current.status, current.json, current.cookies], [200, state, {}])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("on https binds the cookie to the host and to https", () =>
    Effect.gen(function* () {
      const browser = yield* open("https://belfry.example")
      const { cookies } = yield* browser.post("/auth/sign-in", {})
      assert.deepStrictEqual(Object.keys(cookies), ["__Host-belfry_sign_in"])
      assert.deepStrictEqual(cookies["__Host-belfry_sign_in"]?.attributes, [
        "Expires=Thu, 01 Jan 1970 00:15:00 GMT",
        "HttpOnly",
        "Path=/",
        "SameSite=Lax",
        "Secure",
      ])
      assert.strictEqual((yield* browser.get("/auth/sign-in")).status, 200)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("gives its token in the body and no cookie to clients that ask for it, and reads it from them", () =>
    Effect.gen(function* () {
      const app = yield* withApp
      const send = yield* TestServer.make()
      const first = yield* send("/auth/sign-in", { json: { transport: "bearer" } })
      assert.deepStrictEqual(first.cookies, {})
      const bearer = (response: TestServer.TestResponse) => ({ authorization: `Bearer ${textAt(response, "token")}` })
      const second = yield* send("/auth/sign-in/password", { json: credentials, headers: bearer(first) })
      assert.deepStrictEqual([at(second, "status"), second.cookies], ["continue", {}])
      assert.notStrictEqual(textAt(second, "token"), textAt(first, "token"))
      const current = yield* send("/auth/sign-in", { method: "GET", headers: bearer(second) })
      assert.deepStrictEqual([at(current, "token"), at(current, "email"), current.cookies], [null, ada, {}])
      const code = Redacted.value(yield* codeOf(app))
      const third = yield* send("/auth/sign-in/totp", { json: { code }, headers: bearer(second) })
      assert.deepStrictEqual([at(third, "status"), third.cookies], ["complete", {}])
      const session = yield* send("/auth/session", { method: "GET", headers: bearer(third) })
      assert.deepStrictEqual(at(session, "session", "amr"), ["pwd", "otp", "mfa"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("puts no token into the body while it is in a cookie", () =>
    Effect.gen(function* () {
      const app = yield* withApp
      const browser = yield* open()
      const responses = [
        yield* browser.post("/auth/sign-in", {}),
        yield* browser.post("/auth/sign-in/password", credentials),
        yield* browser.post("/auth/sign-in/totp", { code: Redacted.value(yield* codeOf(app)) }),
      ]
      for (const { status, text, cookies } of responses) {
        assert.strictEqual(status, 200)
        assert.include(text, '"token":null')
        assert.notMatch(text, /belfry_(?:sign_in|session)_/)
        assert.isNotEmpty(cookies)
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("takes the cookie of the attempt back when the session comes", () =>
    Effect.gen(function* () {
      const app = yield* withApp
      const browser = yield* afterPassword()
      assert.deepStrictEqual([...browser.cookies.keys()], [signInCookie])
      assert.isNull(yield* sessionOf(browser))
      const response = yield* browser.post("/auth/sign-in/totp", { code: Redacted.value(yield* codeOf(app)) })
      assertForgotten(response)
      assert.deepStrictEqual([...browser.cookies.keys()], [sessionCookie])
      assert.deepStrictEqual(yield* sessionOf(browser), { amr: ["pwd", "otp", "mfa"], acr: "aal2" })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("carries where to return and the name of the session to its end", () =>
    Effect.gen(function* () {
      const app = yield* withApp
      const browser = yield* open()
      yield* browser.post("/auth/sign-in", { returnTo: "/reports?month=5", label: "Laptop" })
      yield* browser.post("/auth/sign-in/password", credentials)
      const response = yield* browser.post("/auth/sign-in/totp", { code: Redacted.value(yield* codeOf(app)) })
      assert.deepStrictEqual(at(response, "context"), { returnTo: "/reports?month=5", label: "Laptop" })
      assert.strictEqual(at(response, "session", "label"), "Laptop")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("ends the session that was in the browser when it is complete, and not before", () =>
    Effect.gen(function* () {
      const here = yield* register()
      const browser = yield* signedIn()
      const before = { cookie: `${sessionCookie}=${browser.cookies.get(sessionCookie)}` }
      const app = yield* enrolApp(here)
      const send = yield* TestServer.make()
      const statusOf = Effect.map(send("/auth/session", { method: "GET", headers: before }), ({ status }) => status)
      yield* browser.post("/auth/sign-in/password", credentials)
      assert.strictEqual(yield* statusOf, 200)
      yield* browser.post("/auth/sign-in/totp", { code: Redacted.value(yield* codeOf(app)) })
      assert.strictEqual(yield* statusOf, 401)
    }).pipe(Effect.provide(layer)),
  )
})

describe("The token of a sign-in", () => {
  it.effect("is useless after the next step: a stolen pre-sign-in cookie opens nothing", () =>
    Effect.gen(function* () {
      const app = yield* withApp
      const browser = yield* open()
      yield* browser.post("/auth/sign-in", {})
      const cookie = `${signInCookie}=${browser.cookies.get(signInCookie)}`
      const stolen = { cookie, origin: "http://localhost:3000" }
      const send = yield* TestServer.make()
      assert.strictEqual((yield* send("/auth/sign-in", { method: "GET", headers: stolen })).status, 200)
      yield* browser.post("/auth/sign-in/password", credentials)
      const code = Redacted.value(yield* codeOf(app))
      const response = yield* send("/auth/sign-in/totp", { json: { code }, headers: stolen })
      assert.deepStrictEqual(response.json, refused("invalid"))
      assert.strictEqual(at(yield* browser.post("/auth/sign-in/totp", { code }), "status"), "complete")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is refused with 409 when it is missing, made up or over, and its cookie is taken back", () =>
    Effect.gen(function* () {
      const browser = yield* open()
      assertProblem(yield* browser.get("/auth/sign-in"), refused("invalid"))
      const madeUp = ["x", "belfry_sign_in_0000000000000000000000000000000000000000000", "%00"]
      for (const value of madeUp) {
        browser.cookies.set(signInCookie, value)
        const response = yield* browser.get("/auth/sign-in")
        assert.deepStrictEqual(response.json, refused("invalid"), value)
        assertForgotten(response)
      }
      yield* browser.post("/auth/sign-in", {})
      yield* TestClock.adjust("15 minutes")
      const over = yield* browser.get("/auth/sign-in")
      assert.deepStrictEqual([over.status, over.json], [409, refused("invalid")])
      assertForgotten(over)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is no session, and a session's is none of a sign-in", () =>
    Effect.gen(function* () {
      const { token } = yield* register()
      const send = yield* TestServer.make()
      const started = yield* send("/auth/sign-in", { json: { transport: "bearer" } })
      const ask = (path: string, authorization: string) => send(path, { method: "GET", headers: { authorization } })
      assertProblem(yield* ask("/auth/session", `Bearer ${textAt(started, "token")}`), sessionInvalid)
      assertProblem(yield* ask("/auth/sign-in", `Bearer ${Redacted.value(token)}`), refused("invalid"))
      // A session's token beside it does not hide the attempt of the cookie.
      const browser = yield* open()
      yield* browser.post("/auth/sign-in", {})
      const headers = {
        cookie: `${signInCookie}=${browser.cookies.get(signInCookie)}`,
        authorization: `Bearer ${Redacted.value(token)}`,
      }
      assert.strictEqual((yield* send("/auth/sign-in", { method: "GET", headers })).status, 200)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("stays in the browser when another one, in a bearer token, is refused", () =>
    Effect.gen(function* () {
      const browser = yield* open()
      yield* browser.post("/auth/sign-in", {})
      const send = yield* TestServer.make()
      const headers = {
        cookie: `${signInCookie}=${browser.cookies.get(signInCookie)}`,
        authorization: "Bearer belfry_sign_in_0000000000000000000000000000000000000000000",
      }
      assertProblem(yield* send("/auth/sign-in", { method: "GET", headers }), refused("invalid"))
      assert.strictEqual((yield* browser.get("/auth/sign-in")).status, 200)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is refused when its tries are used up, with the cookie taken back; a new sign-in may begin", () =>
    Effect.gen(function* () {
      const app = yield* withApp
      const browser = yield* afterPassword()
      for (const triesLeft of [4, 3, 2, 1, 0]) {
        assertProblem(
          yield* browser.post("/auth/sign-in/totp", { code: "not a code" }),
          problem(401, "Unauthorized", "CodeInvalid", { triesLeft }),
        )
      }
      const code = Redacted.value(yield* codeOf(app))
      const locked = yield* browser.post("/auth/sign-in/totp", { code })
      assert.deepStrictEqual([locked.status, locked.json], [409, refused("locked")])
      assertForgotten(locked)
      assert.isNull(yield* sessionOf(browser))
      yield* browser.post("/auth/sign-in/password", credentials)
      assert.strictEqual(at(yield* browser.post("/auth/sign-in/totp", { code }), "status"), "complete")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("stays where the factor is not the one that is asked for", () =>
    Effect.gen(function* () {
      yield* withApp
      const browser = yield* afterPassword()
      assertProblem(yield* browser.post("/auth/sign-in/hotp", { code: "000000" }), refused("factor-unavailable"))
      assert.deepStrictEqual(at(yield* browser.get("/auth/sign-in"), "factors"), ["totp", "backup-code"])
    }).pipe(Effect.provide(layer)),
  )
})

describe("DELETE /auth/sign-in", () => {
  it.effect("ends the attempt and takes its cookie back", () =>
    Effect.gen(function* () {
      const app = yield* withApp
      const browser = yield* afterPassword()
      const cookie = `${signInCookie}=${browser.cookies.get(signInCookie)}`
      const response = yield* browser.delete("/auth/sign-in")
      assert.deepStrictEqual([response.status, response.text], [204, ""])
      assertForgotten(response)
      const send = yield* TestServer.make()
      const code = Redacted.value(yield* codeOf(app))
      const headers = { cookie, origin: "http://localhost:3000" }
      const after = yield* send("/auth/sign-in/totp", { json: { code }, headers })
      assert.deepStrictEqual(after.json, refused("invalid"))
      assert.include(yield* auditTrail, "sign-in.cancelled")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("answers the same when there is none, and ends that of a bearer token too", () =>
    Effect.gen(function* () {
      const browser = yield* open()
      const nothing = yield* browser.delete("/auth/sign-in")
      assert.strictEqual(nothing.status, 204)
      assertForgotten(nothing)
      const send = yield* TestServer.make()
      const headers = {
        authorization: `Bearer ${textAt(yield* send("/auth/sign-in", { json: { transport: "bearer" } }), "token")}`,
      }
      assert.strictEqual((yield* send("/auth/sign-in", { method: "DELETE", headers })).status, 204)
      assertProblem(yield* send("/auth/sign-in", { method: "GET", headers }), refused("invalid"))
    }).pipe(Effect.provide(layer)),
  )
})

describe("POST /auth/reauthenticate", () => {
  it.effect("makes a session fresh again by the factor that the policy asks for, with a new token", () =>
    Effect.gen(function* () {
      const app = yield* withApp
      const browser = yield* afterPassword()
      yield* browser.post("/auth/sign-in/totp", { code: Redacted.value(yield* codeOf(app)) })
      yield* TestClock.adjust("10 minutes")
      const old = `${sessionCookie}=${browser.cookies.get(sessionCookie)}`
      assertProblem(
        yield* browser.post("/auth/factors/backup-codes"),
        problem(403, "Forbidden", "SessionNotFresh", { maxAge: 600 }),
      )
      const begun = yield* browser.post("/auth/reauthenticate", { action: "backup-codes.replace" })
      assert.deepStrictEqual(
        [begun.status, at(begun, "status"), at(begun, "token"), at(begun, "email"), at(begun, "factors")],
        [200, "continue", null, ada, ["totp", "backup-code"]],
      )
      assert.deepStrictEqual(Object.keys(begun.cookies), [signInCookie])
      const id = at(yield* browser.get("/auth/session"), "session", "id")
      const proved = yield* browser.post("/auth/sign-in/totp", { code: Redacted.value(yield* codeOf(app)) })
      assert.strictEqual(at(proved, "session", "id"), id)
      assertForgotten(proved)
      assert.deepStrictEqual(yield* sessionOf(browser), { amr: ["pwd", "otp", "mfa"], acr: "aal2" })
      assert.strictEqual((yield* browser.post("/auth/factors/backup-codes")).status, 200)
      const send = yield* TestServer.make()
      assertProblem(yield* send("/auth/session", { method: "GET", headers: { cookie: old } }), sessionInvalid)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("gives the tokens in the body to programs", () =>
    Effect.gen(function* () {
      const here = yield* register()
      const app = yield* enrolApp(here)
      const send = yield* TestServer.make()
      const begun = yield* send("/auth/reauthenticate", {
        json: { transport: "bearer" },
        headers: { authorization: `Bearer ${Redacted.value(here.token)}` },
      })
      assert.deepStrictEqual(begun.cookies, {})
      const proved = yield* send("/auth/sign-in/totp", {
        json: { code: Redacted.value(yield* codeOf(app)) },
        headers: { authorization: `Bearer ${textAt(begun, "token")}` },
      })
      assert.deepStrictEqual([at(proved, "status"), proved.cookies], ["complete", {}])
      const headers = { authorization: `Bearer ${textAt(proved, "token")}` }
      const session = yield* send("/auth/session", { method: "GET", headers })
      assert.deepStrictEqual(at(session, "session", "id"), here.session.id)
      assert.deepStrictEqual(at(session, "session", "amr"), ["pwd", "otp", "mfa"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("refuses whoever has no session, and what is no name of an action", () =>
    Effect.gen(function* () {
      yield* register()
      const stranger = yield* open()
      assertProblem(yield* stranger.post("/auth/reauthenticate", {}), sessionInvalid)
      const browser = yield* signedIn()
      for (const action of ["", "a b", "x".repeat(65), "../account", "naïve"]) {
        const response = yield* browser.post("/auth/reauthenticate", { action })
        assert.deepStrictEqual([response.status, at(response, "_tag")], [422, "InvalidRequest"], action)
      }
    }).pipe(Effect.provide(layer)),
  )
})

describe("Every endpoint of the factors", () => {
  it.effect("refuses what a page of another origin sends, with and without a cookie", () =>
    Effect.gen(function* () {
      yield* withApp
      const browser = yield* afterPassword()
      const cookie = `${signInCookie}=${browser.cookies.get(signInCookie)}`
      const send = yield* TestServer.make()
      const actions = endpoints.filter(({ method }) => method !== "GET")
      assert.isAbove(actions.length, 30)
      for (const { method, path } of actions) {
        for (const headers of [{ origin: "https://evil.example" }, { cookie, "sec-fetch-site": "cross-site" }]) {
          const response = yield* send(path, { method, headers, json: {} })
          assert.deepStrictEqual(response.json, crossOrigin, `${method} ${path}`)
          assert.deepStrictEqual(response.cookies, {})
        }
      }
      assert.strictEqual((yield* browser.get("/auth/sign-in")).status, 200)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("of those for signed-in people answers 401 to whoever has no session", () =>
    Effect.gen(function* () {
      const send = yield* TestServer.make()
      const guarded = endpoints.filter(({ needsSession }) => needsSession)
      const isOfPeople = (path: string) => path === "/auth/factors" || path.startsWith("/auth/factors/")
      assert.deepStrictEqual(
        endpoints.filter(({ path, needsSession }) => isOfPeople(path) && !needsSession),
        [],
      )
      for (const { method, path } of guarded) {
        assertProblem(yield* send(path, method === "GET" ? { method } : { method, json: {} }), sessionInvalid)
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("of those that go on with a sign-in answers 409 to whoever has none", () =>
    Effect.gen(function* () {
      const send = yield* TestServer.make()
      const response = {
        id: "AAAA",
        rawId: "AAAA",
        type: "public-key",
        response: { clientDataJSON: "AAAA", authenticatorData: "AAAA", attestationObject: "AAAA", signature: "AAAA" },
      }
      const json = { code: "123456", response }
      const paths = [
        "email-code",
        "email-code/send",
        "magic-link/send",
        "totp",
        "hotp",
        "backup-code",
        "passkey",
        ...["totp", "totp/confirm", "hotp", "hotp/confirm", "passkey", "passkey/options"].map(
          (path) => `enrol/${path}`,
        ),
      ]
      for (const path of paths) assertProblem(yield* send(`/auth/sign-in/${path}`, { json }), refused("invalid"))
      for (const path of ["enrol/totp", "enrol/hotp"]) {
        assertProblem(yield* send(`/auth/sign-in/${path}`, { method: "GET" }), refused("invalid"))
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("takes codes of at most 64 characters, and repeats none that it refuses", () =>
    Effect.gen(function* () {
      const send = yield* TestServer.make()
      for (const path of ["email-code", "totp", "hotp", "backup-code", "enrol/totp/confirm"]) {
        const response = yield* send(`/auth/sign-in/${path}`, { json: { code: "7".repeat(65) } })
        assert.deepStrictEqual([response.status, at(response, "_tag")], [422, "InvalidRequest"], path)
        assert.notInclude(response.text, "777")
      }
    }).pipe(Effect.provide(layer)),
  )
})

describe("When a store cannot answer", () => {
  it.effect("a step answers 503 and can be taken again; the cookie stays", () =>
    Effect.gen(function* () {
      const app = yield* withApp
      const failures = yield* Failures
      const browser = yield* afterPassword()
      const code = Redacted.value(yield* codeOf(app))
      yield* failures.begin("session.started")
      const response = yield* browser.post("/auth/sign-in/totp", { code })
      yield* failures.end
      assertProblem(response, problem(503, "Service Unavailable", "ServiceUnavailable"))
      assert.strictEqual(response.headers.get("retry-after"), "1")
      assert.strictEqual(at(yield* browser.post("/auth/sign-in/totp", { code }), "status"), "complete")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("a step after which the sign-in would go on moves nothing", () =>
    Effect.gen(function* () {
      yield* withApp
      const failures = yield* Failures
      const browser = yield* open()
      const started = yield* browser.post("/auth/sign-in", {})
      yield* failures.begin("sign-in.proved")
      const response = yield* browser.post("/auth/sign-in/password", credentials)
      yield* failures.end
      assertProblem(response, problem(503, "Service Unavailable", "ServiceUnavailable"))
      assert.deepStrictEqual((yield* browser.get("/auth/sign-in")).json, started.json)
      const again = yield* browser.post("/auth/sign-in/password", credentials)
      assert.deepStrictEqual([at(again, "status"), at(again, "factors")], ["continue", ["totp", "backup-code"]])
    }).pipe(Effect.provide(layer)),
  )
})
