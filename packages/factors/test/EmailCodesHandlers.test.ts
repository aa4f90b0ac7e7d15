import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { afterPassword, assertForgotten, at, open, sessionOf, signInCookie } from "./support/Browser.ts"
import { takeCode } from "./support/Mailboxes.ts"
import { ada, bob, layer, register } from "./support/People.ts"
import { assertProblem, problem } from "./support/Problems.ts"
import { codeOf, enrolApp } from "./support/SecondFactors.ts"
import * as TestServer from "./support/TestServer.ts"

const path = "/auth/sign-in/email-code"
const mailedCode = (to = ada) => Effect.map(takeCode(to), Redacted.value)

describe("POST /auth/sign-in/email-code/send", () => {
  it.effect("begins a sign-in that waits in the browser's cookie", () =>
    Effect.gen(function* () {
      yield* register()
      const browser = yield* open()
      const response = yield* browser.post(`${path}/send`, { email: " Ada@Example.COM", returnTo: "/", label: null })
      assert.strictEqual(response.status, 200)
      assert.deepStrictEqual(Object.keys(response.cookies), [signInCookie])
      assert.deepStrictEqual(
        [at(response, "status"), at(response, "token"), at(response, "context")],
        ["continue", null, { returnTo: "/", label: null }],
      )
      assert.match(yield* mailedCode(), /^[A-Z0-9]{6}$/)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("answers the same whether or not the address is known", () =>
    Effect.gen(function* () {
      yield* register()
      const send = yield* TestServer.make()
      const known = yield* send(`${path}/send`, { json: { email: ada } })
      const unknown = yield* send(`${path}/send`, { json: { email: bob } })
      assert.deepStrictEqual(unknown.json, known.json)
      assert.deepStrictEqual(
        [known, unknown].map(({ cookies }) => cookies[signInCookie]?.attributes.length),
        [4, 4],
      )
      assert.strictEqual(at(known, "email"), null)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("answers 429 with Retry-After when it is asked again at once, and sends again later", () =>
    Effect.gen(function* () {
      const browser = yield* open()
      yield* browser.post(`${path}/send`, { email: ada })
      const first = yield* mailedCode()
      const again = yield* browser.post(`${path}/send`, { email: ada })
      const retryAfter = Number(again.headers.get("retry-after"))
      assert.isAbove(retryAfter, 0)
      assertProblem(again, problem(429, "Too Many Requests", "RateLimited", { retryAfter }))
      yield* TestClock.adjust(retryAfter * 1000)
      assert.strictEqual((yield* browser.post(`${path}/send`, { email: ada })).status, 200)
      assert.notStrictEqual(yield* mailedCode(), first)
    }).pipe(Effect.provide(layer)),
  )
})

describe("POST /auth/sign-in/email-code", () => {
  it.effect("signs in who needs no more, as GET /auth/session tells", () =>
    Effect.gen(function* () {
      yield* register()
      const browser = yield* open()
      yield* browser.post(`${path}/send`, { email: ada, label: "Phone" })
      const response = yield* browser.post(path, { code: (yield* mailedCode()).toLowerCase() })
      assert.deepStrictEqual([at(response, "status"), at(response, "session", "label")], ["complete", "Phone"])
      assertForgotten(response)
      assert.deepStrictEqual(yield* sessionOf(browser), { amr: ["email"], acr: "aal1" })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("asks whoever has an authenticator app for its code too", () =>
    Effect.gen(function* () {
      const app = yield* Effect.flatMap(register(), enrolApp)
      const browser = yield* open()
      yield* browser.post(`${path}/send`, { email: ada })
      const stolen = `${signInCookie}=${browser.cookies.get(signInCookie)}`
      const first = yield* browser.post(path, { code: yield* mailedCode() })
      assert.deepStrictEqual(
        [at(first, "status"), at(first, "email"), at(first, "factors")],
        ["continue", ada, ["totp", "backup-code"]],
      )
      assert.isNull(yield* sessionOf(browser))
      const code = Redacted.value(yield* codeOf(app))
      const send = yield* TestServer.make()
      const theft = yield* send("/auth/sign-in/totp", {
        json: { code },
        headers: { cookie: stolen, origin: "http://localhost:3000" },
      })
      assert.deepStrictEqual([theft.status, at(theft, "reason")], [409, "invalid"])
      yield* browser.post("/auth/sign-in/totp", { code })
      assert.deepStrictEqual(yield* sessionOf(browser), { amr: ["email", "otp", "mfa"], acr: "aal2" })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("signs up an address that nobody has", () =>
    Effect.gen(function* () {
      const send = yield* TestServer.make()
      const sent = yield* send(`${path}/send`, { json: { email: bob, transport: "bearer" } })
      const headers = { authorization: `Bearer ${String(at(sent, "token"))}` }
      const response = yield* send(path, { json: { code: yield* mailedCode(bob) }, headers })
      assert.deepStrictEqual([response.status, at(response, "user", "email"), response.cookies], [200, bob, {}])
      assert.match(String(at(response, "token")), /^belfry_session_/)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("refuses a wrong code with the number of tries that are left, and keeps the attempt", () =>
    Effect.gen(function* () {
      const browser = yield* open()
      yield* browser.post(`${path}/send`, { email: ada })
      assertProblem(
        yield* browser.post(path, { code: "wrong" }),
        problem(401, "Unauthorized", "CodeInvalid", { triesLeft: 4 }),
      )
      assert.strictEqual(at(yield* browser.get("/auth/sign-in"), "triesLeft"), 4)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("takes a code in the browser alone that asked for it", () =>
    Effect.gen(function* () {
      const [browser, other] = [yield* open(), yield* open()]
      yield* browser.post(`${path}/send`, { email: ada })
      yield* other.post("/auth/sign-in", {})
      const code = yield* mailedCode()
      assert.strictEqual((yield* other.post(path, { code })).status, 401)
      assert.strictEqual((yield* browser.post(path, { code })).status, 200)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("cannot be sent where another factor is asked for", () =>
    Effect.gen(function* () {
      yield* Effect.flatMap(register(), enrolApp)
      const browser = yield* afterPassword()
      assertProblem(
        yield* browser.post(`${path}/send`, {}),
        problem(409, "Conflict", "SignInRefused", { reason: "factor-unavailable" }),
      )
    }).pipe(Effect.provide(layer)),
  )
})
