import { Sessions } from "@belfry/core/Sessions"
import { Users } from "@belfry/core/Users"
import { CommonPasswords } from "@belfry/factors/CommonPasswords"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted, type Schema } from "effect"
import { TestClock } from "effect/testing"
import { codeOf, enrolApp } from "./support/SecondFactors.ts"
import { ada, bob, home, layer, register, signUp, takeResetToken, takeToken } from "./support/People.ts"
import { assertProblem, invalidCredentials, problem, sessionInvalid, tokenInvalid } from "./support/Problems.ts"
import * as TestServer from "./support/TestServer.ts"
import { Failures } from "./support/TestStores.ts"

const credentials = { email: "ada@example.com", password: "correct horse battery" }
const wrong = { ...credentials, password: "trombone under water" }

/** Everything that a client sees, the values of cookies left out. */
const visible = ({ status, headers, text, cookies }: TestServer.TestResponse) => ({
  status,
  headers: [...headers].filter(([name]) => name !== "set-cookie"),
  text,
  cookies: Object.entries(cookies).map(([name, { value, attributes }]) => [name, value.length, attributes]),
})

const sameOrigin = (cookie: string) => ({ cookie, origin: "http://localhost:3000" })
const sessionCookie = (response: TestServer.TestResponse) =>
  `belfry_session=${response.cookies["belfry_session"]?.value}`

describe("POST /auth/sign-up/password", () => {
  it.effect("answers 202 with nothing but the cookie of the browser", () =>
    Effect.gen(function* () {
      const send = yield* TestServer.make()
      const response = yield* send("/auth/sign-up/password", { json: { ...credentials, name: "Ada" } })
      assert.deepStrictEqual([response.status, response.text], [202, ""])
      assert.deepStrictEqual(Object.keys(response.cookies), ["belfry_sign_up"])
      assert.deepStrictEqual(response.cookies["belfry_sign_up"]?.attributes, [
        "HttpOnly",
        "Max-Age=86400",
        "Path=/",
        "SameSite=Lax",
      ])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("answers the same, byte for byte, whether or not the address is known", () =>
    Effect.gen(function* () {
      yield* register({ email: bob })
      const send = yield* TestServer.make()
      const unknown = yield* send("/auth/sign-up/password", { json: credentials })
      const known = yield* send("/auth/sign-up/password", { json: { ...credentials, email: bob } })
      assert.deepStrictEqual(visible(known), visible(unknown))
      yield* takeToken(bob, "already-signed-up")
      yield* takeToken(ada, "confirm-sign-up")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("reads the address in its one form", () =>
    Effect.gen(function* () {
      const send = yield* TestServer.make()
      yield* send("/auth/sign-up/password", { json: { ...credentials, email: " Ada@Example.COM" } })
      yield* takeToken(ada, "confirm-sign-up")
    }).pipe(Effect.provide(layer)),
  )
})

describe("POST /auth/sign-up/password/confirm", () => {
  const begin = Effect.gen(function* () {
    const send = yield* TestServer.make()
    const begun = yield* send("/auth/sign-up/password", { json: credentials })
    const token = Redacted.value(yield* takeToken(ada, "confirm-sign-up"))
    return { send, token, cookie: `belfry_sign_up=${begun.cookies["belfry_sign_up"]?.value}` }
  })

  it.effect("signs the browser in that signed up, and takes its first cookie back", () =>
    Effect.gen(function* () {
      const { send, token, cookie } = yield* begin
      const response = yield* send("/auth/sign-up/password/confirm", {
        json: { token },
        headers: sameOrigin(cookie),
      })
      assert.strictEqual(response.status, 200)
      assert.strictEqual(response.cookies["belfry_sign_up"]?.value, "")
      assert.isTrue(response.cookies["belfry_sign_up"]?.attributes.includes("Max-Age=0"))
      assert.strictEqual(TestServer.at(response.json, "token"), null)
      assert.strictEqual(TestServer.at(response.json, "user", "email"), "ada@example.com")
      const current = yield* send("/auth/session", { method: "GET", headers: { cookie: sessionCookie(response) } })
      assert.strictEqual(current.status, 200)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("asks another browser for the password", () =>
    Effect.gen(function* () {
      const { send, token } = yield* begin
      const confirm = (json: { readonly [key: string]: Schema.Json }) =>
        send("/auth/sign-up/password/confirm", { json: { token, ...json } })
      assertProblem(yield* confirm({}), problem(401, "Unauthorized", "PasswordRequired"))
      assertProblem(yield* confirm({ password: wrong.password }), invalidCredentials)
      const response = yield* confirm({ password: credentials.password, transport: "bearer", label: "Phone" })
      assert.strictEqual(response.status, 200)
      assert.notProperty(response.cookies, "belfry_session")
      assert.match(String(TestServer.at(response.json, "token")), /^belfry_session_[A-Za-z0-9]{43}$/)
      assert.strictEqual(TestServer.at(response.json, "session", "label"), "Phone")
      assertProblem(yield* confirm({ password: credentials.password }), tokenInvalid)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("refuses what is no token like one that is dead", () =>
    Effect.gen(function* () {
      const send = yield* TestServer.make()
      for (const token of ["", "x", "belfry_verify_0000000000000000000000000000000000000000000", "🦉"]) {
        assertProblem(yield* send("/auth/sign-up/password/confirm", { json: { token } }), tokenInvalid)
      }
    }).pipe(Effect.provide(layer)),
  )
})

describe("POST /auth/sign-in/password", () => {
  it.effect("sends the session in a cookie that script cannot read, until the session expires", () =>
    Effect.gen(function* () {
      yield* register()
      const send = yield* TestServer.make()
      const response = yield* send("/auth/sign-in/password", { json: credentials, headers: { "user-agent": "curl" } })
      assert.strictEqual(response.status, 200)
      assert.deepStrictEqual(Object.keys(response.cookies), ["belfry_session", "belfry_sign_in"])
      assert.strictEqual(response.cookies["belfry_sign_in"]?.value, "")
      assert.strictEqual(TestServer.at(response.json, "status"), "complete")
      assert.deepStrictEqual(response.cookies["belfry_session"]?.attributes, [
        "Expires=Thu, 08 Jan 1970 00:00:00 GMT",
        "HttpOnly",
        "Path=/",
        "SameSite=Lax",
      ])
      assert.notInclude(response.text, response.cookies["belfry_session"]?.value ?? "?")
      assert.strictEqual(TestServer.at(response.json, "session", "userAgent"), "curl")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("on https binds both cookies to the host and to https", () =>
    Effect.gen(function* () {
      yield* register()
      const send = yield* TestServer.make("https://belfry.example")
      const begun = yield* send("/auth/sign-up/password", { json: { ...credentials, email: bob } })
      assert.deepStrictEqual(begun.cookies["__Host-belfry_sign_up"]?.attributes, [
        "HttpOnly",
        "Max-Age=86400",
        "Path=/",
        "SameSite=Lax",
        "Secure",
      ])
      const response = yield* send("/auth/sign-in/password", { json: credentials })
      assert.deepStrictEqual(Object.keys(response.cookies), ["__Host-belfry_session", "__Host-belfry_sign_in"])
      assert.deepStrictEqual(response.cookies["__Host-belfry_session"]?.attributes, [
        "Expires=Thu, 08 Jan 1970 00:00:00 GMT",
        "HttpOnly",
        "Path=/",
        "SameSite=Lax",
        "Secure",
      ])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("gives a bearer token in the body and no cookie to clients that ask for it", () =>
    Effect.gen(function* () {
      yield* register()
      const send = yield* TestServer.make()
      const response = yield* send("/auth/sign-in/password", { json: { ...credentials, transport: "bearer" } })
      assert.deepStrictEqual([response.status, response.cookies], [200, {}])
      const token = String(TestServer.at(response.json, "token"))
      const headers = { authorization: `Bearer ${token}` }
      assert.strictEqual((yield* send("/auth/session", { method: "GET", headers })).status, 200)
      const wrongToken = { authorization: `Bearer ${token.slice(0, -1)}` }
      assert.strictEqual((yield* send("/auth/session", { method: "GET", headers: wrongToken })).status, 401)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("leaves the session of a cookie alone when the new one goes out in the body", () =>
    Effect.gen(function* () {
      yield* register()
      const send = yield* TestServer.make()
      const cookie = sessionCookie(yield* send("/auth/sign-in/password", { json: credentials }))
      const json = { ...credentials, transport: "bearer" }
      const response = yield* send("/auth/sign-in/password", { json, headers: sameOrigin(cookie) })
      assert.deepStrictEqual([response.status, response.cookies], [200, {}])
      assert.strictEqual((yield* send("/auth/session", { method: "GET", headers: { cookie } })).status, 200)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("ends the session of the cookie that came along", () =>
    Effect.gen(function* () {
      yield* register()
      const send = yield* TestServer.make()
      const first = sessionCookie(yield* send("/auth/sign-in/password", { json: credentials }))
      const second = yield* send("/auth/sign-in/password", { json: credentials, headers: sameOrigin(first) })
      const statusOf = (cookie: string) =>
        Effect.map(send("/auth/session", { method: "GET", headers: { cookie } }), ({ status }) => status)
      assert.deepStrictEqual([yield* statusOf(first), yield* statusOf(sessionCookie(second))], [401, 200])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("answers a wrong password and an unknown address the same, byte for byte", () =>
    Effect.gen(function* () {
      yield* register()
      const send = yield* TestServer.make()
      const wrongPassword = yield* send("/auth/sign-in/password", { json: wrong })
      const unknownAddress = yield* send("/auth/sign-in/password", { json: { ...wrong, email: bob } })
      assertProblem(wrongPassword, invalidCredentials)
      assert.deepStrictEqual(visible(unknownAddress), visible(wrongPassword))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("answers 429 with Retry-After when the account is locked, until it opens", () =>
    Effect.gen(function* () {
      yield* register()
      const send = yield* TestServer.make()
      for (let i = 0; i < 10; i++) yield* send("/auth/sign-in/password", { json: wrong })
      const locked = yield* send("/auth/sign-in/password", { json: credentials })
      assertProblem(locked, problem(429, "Too Many Requests", "RateLimited", { retryAfter: 900 }))
      assert.strictEqual(locked.headers.get("retry-after"), "900")
      yield* TestClock.adjust("15 minutes")
      assert.strictEqual((yield* send("/auth/sign-in/password", { json: credentials })).status, 200)
    }).pipe(Effect.provide(layer)),
  )
})

describe("POST /auth/sign-in/password, where a second factor is due", () => {
  const arrive = Effect.gen(function* () {
    const here = yield* register()
    const app = yield* enrolApp(here)
    return { here, app, send: yield* TestServer.make(), json: { ...credentials, returnTo: "/reports", label: "Phone" } }
  })

  it.effect(
    "sends the attempt in a cookie of its own; the session from before lives until the sign-in is complete",
    () =>
      Effect.gen(function* () {
        const { here, app, send, json } = yield* arrive
        const before = `belfry_session=${Redacted.value(here.token)}`
        const statusOf = (cookie: string) =>
          Effect.map(send("/auth/session", { method: "GET", headers: { cookie } }), ({ status }) => status)
        const response = yield* send("/auth/sign-in/password", { json, headers: sameOrigin(before) })
        assert.deepStrictEqual([response.status, Object.keys(response.cookies)], [200, ["belfry_sign_in"]])
        const attempt = response.cookies["belfry_sign_in"]
        assert.deepStrictEqual(attempt?.attributes, [
          "Expires=Thu, 01 Jan 1970 00:15:30 GMT",
          "HttpOnly",
          "Path=/",
          "SameSite=Lax",
        ])
        assert.notInclude(response.text, attempt?.value ?? "?")
        assert.deepStrictEqual(
          ["status", "token", "factors", "triesLeft", "context"].map((name) => TestServer.at(response.json, name)),
          ["continue", null, ["totp", "backup-code"], 5, { returnTo: "/reports", label: "Phone" }],
        )
        assert.strictEqual(yield* statusOf(before), 200)
        assert.strictEqual(yield* statusOf(`belfry_session=${attempt?.value}`), 401)
        const code = Redacted.value(yield* codeOf(app))
        const completed = yield* send("/auth/sign-in/totp", {
          json: { code },
          headers: sameOrigin(`${before}; belfry_sign_in=${attempt?.value}`),
        })
        assert.deepStrictEqual(
          [completed.status, Object.keys(completed.cookies)],
          [200, ["belfry_session", "belfry_sign_in"]],
        )
        assert.deepStrictEqual([yield* statusOf(before), yield* statusOf(sessionCookie(completed))], [401, 200])
      }).pipe(Effect.provide(layer)),
  )

  it.effect("gives the attempt's token in the body, and no cookie, to clients that ask for it", () =>
    Effect.gen(function* () {
      const { app, send, json } = yield* arrive
      const response = yield* send("/auth/sign-in/password", { json: { ...json, transport: "bearer" } })
      assert.deepStrictEqual([response.status, response.cookies], [200, {}])
      const token = String(TestServer.at(response.json, "token"))
      assert.match(token, /^belfry_sign_in_[A-Za-z0-9]{43}$/)
      const headers = { authorization: `Bearer ${token}` }
      const completed = yield* send("/auth/sign-in/totp", {
        json: { code: Redacted.value(yield* codeOf(app)) },
        headers,
      })
      assert.deepStrictEqual([completed.status, completed.cookies], [200, {}])
      assert.match(String(TestServer.at(completed.json, "token")), /^belfry_session_[A-Za-z0-9]{43}$/)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("goes on without the address by the attempt that the request carries, and not without one", () =>
    Effect.gen(function* () {
      const { send, json } = yield* arrive
      const { password } = credentials
      const refused = (reason: string) => problem(409, "Conflict", "SignInRefused", { reason })
      assertProblem(yield* send("/auth/sign-in/password", { json: { password } }), refused("invalid"))
      const response = yield* send("/auth/sign-in/password", { json })
      const headers = sameOrigin(`belfry_sign_in=${response.cookies["belfry_sign_in"]?.value}`)
      assertProblem(
        yield* send("/auth/sign-in/password", { json: { password }, headers }),
        refused("factor-unavailable"),
      )
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is no proof that makes a session fresh", () =>
    Effect.gen(function* () {
      const { here, send } = yield* arrive
      const headers = sameOrigin(`belfry_session=${Redacted.value(here.token)}`)
      assertProblem(
        yield* send("/auth/reauthenticate/password", { json: { password: credentials.password }, headers }),
        problem(409, "Conflict", "SignInRefused", { reason: "factor-unavailable" }),
      )
    }).pipe(Effect.provide(layer)),
  )
})

describe("When a store cannot answer", () => {
  it.effect("every endpoint says so with 503 and Retry-After, and calls nothing wrong or unknown", () =>
    Effect.gen(function* () {
      const failures = yield* Failures
      const signedIn = yield* register()
      const token = Redacted.value(yield* takeResetToken())
      yield* signUp({ email: bob })
      const confirmation = Redacted.value(yield* takeToken(bob, "confirm-sign-up"))
      const send = yield* TestServer.make()
      const headers = sameOrigin(`belfry_session=${Redacted.value(signedIn.token)}`)
      const { password } = credentials
      const requests: ReadonlyArray<readonly [failure: string, path: string, json: Schema.Json]> = [
        ["UserStore.findByEmail", "/auth/sign-up/password", credentials],
        ["session.started", "/auth/sign-up/password/confirm", { token: confirmation, password }],
        ["PasswordStore.findByEmail", "/auth/sign-in/password", credentials],
        ["PasswordStore.find", "/auth/reauthenticate/password", { password }],
        ["UserStore.findByEmail", "/auth/password/forgot", { email: ada }],
        ["password.reset", "/auth/password/reset", { token, password }],
        ["PasswordStore.find", "/auth/password/change", { currentPassword: password, newPassword: password }],
      ]
      for (const [failure, path, json] of requests) {
        yield* failures.begin(failure)
        const response = yield* send(path, { json, headers })
        yield* failures.end
        assertProblem(response, problem(503, "Service Unavailable", "ServiceUnavailable"))
        assert.strictEqual(response.headers.get("retry-after"), "1", path)
      }
    }).pipe(Effect.provide(layer)),
  )
})

describe("POST /auth/reauthenticate/password", () => {
  it.effect("sends the new token the way that the client asks for; the old one is dead", () =>
    Effect.gen(function* () {
      const { token } = yield* register()
      const send = yield* TestServer.make()
      const first = `belfry_session=${Redacted.value(token)}`
      const json = { password: credentials.password }
      const second = yield* send("/auth/reauthenticate/password", { json, headers: sameOrigin(first) })
      assert.deepStrictEqual([second.status, Object.keys(second.cookies)], [200, ["belfry_session", "belfry_sign_in"]])
      assertProblem(yield* send("/auth/reauthenticate/password", { json, headers: sameOrigin(first) }), sessionInvalid)
      const third = yield* send("/auth/reauthenticate/password", {
        json: { ...json, transport: "bearer" },
        headers: sameOrigin(sessionCookie(second)),
      })
      assert.deepStrictEqual([third.status, third.cookies], [200, {}])
      const headers = { authorization: `Bearer ${String(TestServer.at(third.json, "token"))}` }
      assert.strictEqual((yield* send("/auth/reauthenticate/password", { json, headers })).status, 200)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("refuses a wrong password, and whoever has no session", () =>
    Effect.gen(function* () {
      const { token } = yield* register()
      const send = yield* TestServer.make()
      const headers = sameOrigin(`belfry_session=${Redacted.value(token)}`)
      const json = { password: wrong.password }
      assertProblem(yield* send("/auth/reauthenticate/password", { json, headers }), invalidCredentials)
      const nobody = yield* send("/auth/reauthenticate/password", { json })
      assertProblem(nobody, sessionInvalid)
      assert.strictEqual(nobody.headers.get("www-authenticate"), "Bearer")
    }).pipe(Effect.provide(layer)),
  )
})

describe("POST /auth/password/forgot and /auth/password/reset", () => {
  it.effect("answers the same, byte for byte, whether or not the address is known", () =>
    Effect.gen(function* () {
      yield* register()
      const send = yield* TestServer.make()
      const known = yield* send("/auth/password/forgot", { json: { email: ada } })
      const unknown = yield* send("/auth/password/forgot", { json: { email: bob } })
      assert.deepStrictEqual([known.status, known.text, known.cookies], [202, "", {}])
      assert.deepStrictEqual(visible(unknown), visible(known))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("sets the new password, signs nobody in and ends every session", () =>
    Effect.gen(function* () {
      const signedIn = yield* register()
      const token = Redacted.value(yield* takeResetToken())
      const send = yield* TestServer.make()
      const reset = (password: string) => send("/auth/password/reset", { json: { token, password } })
      assertProblem(
        yield* reset("1234567"),
        problem(422, "Unprocessable Content", "PasswordRejected", { reason: "too-short", minimum: 8, maximum: 1024 }),
      )
      const response = yield* reset(wrong.password)
      assert.deepStrictEqual([response.status, response.text, response.cookies], [204, "", {}])
      assertProblem(yield* reset(wrong.password), tokenInvalid)
      const cookie = `belfry_session=${Redacted.value(signedIn.token)}`
      assert.strictEqual((yield* send("/auth/session", { method: "GET", headers: { cookie } })).status, 401)
      assert.strictEqual((yield* send("/auth/sign-in/password", { json: wrong })).status, 200)
    }).pipe(Effect.provide(layer)),
  )
})

describe("POST /auth/password/change", () => {
  it.effect("sends the new token, by cookie or in the body; the old one is dead", () =>
    Effect.gen(function* () {
      const { token } = yield* register()
      const send = yield* TestServer.make()
      const first = `belfry_session=${Redacted.value(token)}`
      const json = { currentPassword: credentials.password, newPassword: wrong.password }
      const second = yield* send("/auth/password/change", { json, headers: sameOrigin(first) })
      assert.deepStrictEqual([second.status, Object.keys(second.cookies)], [200, ["belfry_session"]])
      assertProblem(yield* send("/auth/password/change", { json, headers: sameOrigin(first) }), sessionInvalid)
      const third = yield* send("/auth/password/change", {
        json: { newPassword: credentials.password, transport: "bearer" },
        headers: sameOrigin(sessionCookie(second)),
      })
      assert.deepStrictEqual([third.status, third.cookies], [200, {}])
      assert.strictEqual((yield* send("/auth/sign-in/password", { json: credentials })).status, 200)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("asks for a fresh proof, says how fresh, and refuses what will not do", () =>
    Effect.gen(function* () {
      const { token } = yield* register()
      yield* TestClock.adjust("10 minutes")
      const send = yield* TestServer.make()
      const headers = sameOrigin(`belfry_session=${Redacted.value(token)}`)
      const change = (json: Schema.Json) => send("/auth/password/change", { json, headers })
      assertProblem(
        yield* change({ newPassword: wrong.password }),
        problem(403, "Forbidden", "SessionNotFresh", { maxAge: 600 }),
      )
      assertProblem(yield* change({ currentPassword: wrong.password, newPassword: wrong.password }), invalidCredentials)
      assertProblem(
        yield* change({ currentPassword: credentials.password, newPassword: "a".repeat(1025) }),
        problem(422, "Unprocessable Content", "PasswordRejected", { reason: "too-long", minimum: 8, maximum: 1024 }),
      )
    }).pipe(Effect.provide(layer)),
  )

  it.effect("sets no first password before the address is proved", () =>
    Effect.gen(function* () {
      const user = yield* Users.use((users) => users.create({ email: ada }))
      const { token } = yield* Sessions.use((sessions) => sessions.start({ user, amr: ["oauth"], client: home }))
      const send = yield* TestServer.make()
      const headers = sameOrigin(`belfry_session=${Redacted.value(token)}`)
      const response = yield* send("/auth/password/change", { json: { newPassword: wrong.password }, headers })
      assertProblem(response, problem(403, "Forbidden", "EmailUnverified"))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("answers 401 when the session ends while it works", () => {
    let meanwhile = Effect.void
    const inBetween = Layer.succeed(CommonPasswords, {
      includes: () =>
        Effect.as(
          Effect.suspend(() => meanwhile),
          false,
        ),
    })
    return Effect.gen(function* () {
      const { token } = yield* register()
      const sessions = yield* Sessions
      meanwhile = Effect.orDie(Effect.asVoid(sessions.signOut(token, home)))
      const send = yield* TestServer.make()
      const headers = sameOrigin(`belfry_session=${Redacted.value(token)}`)
      const json = { currentPassword: credentials.password, newPassword: wrong.password }
      assertProblem(yield* send("/auth/password/change", { json, headers }), sessionInvalid)
    }).pipe(Effect.provide(Layer.provide(layer, inBetween)))
  })
})
