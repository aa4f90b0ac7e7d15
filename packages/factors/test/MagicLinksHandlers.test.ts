import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { assertForgotten, at, open, sessionOf, signInCookie, textAt } from "./support/Browser.ts"
import { takeLink } from "./support/Mailboxes.ts"
import { ada, layer, register } from "./support/People.ts"
import { assertProblem, problem, tokenInvalid } from "./support/Problems.ts"
import { codeOf, enrolApp } from "./support/SecondFactors.ts"
import * as TestServer from "./support/TestServer.ts"

const path = "/auth/sign-in/magic-link"
const mailedToken = Effect.map(takeLink(), Redacted.value)

describe("POST /auth/sign-in/magic-link", () => {
  it.effect("signs in, in the browser that asked for the link, once", () =>
    Effect.gen(function* () {
      yield* register()
      const browser = yield* open()
      const sent = yield* browser.post(`${path}/send`, { email: ada, returnTo: "/reports" })
      assert.deepStrictEqual([sent.status, at(sent, "status"), at(sent, "token")], [200, "continue", null])
      const token = yield* mailedToken
      const response = yield* browser.post(path, { token })
      assert.deepStrictEqual(
        [at(response, "status"), at(response, "token"), at(response, "context")],
        ["complete", null, { returnTo: "/reports" }],
      )
      assertForgotten(response)
      assert.deepStrictEqual(yield* sessionOf(browser), { amr: ["email"], acr: "aal1" })
      assertProblem(yield* browser.post(path, { token }), tokenInvalid)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("refuses another browser, and leaves the link good for the first", () =>
    Effect.gen(function* () {
      const [browser, other] = [yield* open(), yield* open()]
      yield* browser.post(`${path}/send`, { email: ada })
      const token = yield* mailedToken
      const otherBrowser = problem(403, "Forbidden", "OtherBrowser")
      assertProblem(yield* other.post(path, { token }), otherBrowser)
      yield* other.post("/auth/sign-in", {})
      assertProblem(yield* other.post(path, { token }), otherBrowser)
      assert.isNull(yield* sessionOf(other))
      assert.strictEqual((yield* browser.post(path, { token })).status, 200)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("goes on with the second factor of whoever has one", () =>
    Effect.gen(function* () {
      const app = yield* Effect.flatMap(register(), enrolApp)
      const browser = yield* open()
      yield* browser.post(`${path}/send`, { email: ada })
      const first = yield* browser.post(path, { token: yield* mailedToken })
      assert.deepStrictEqual([at(first, "status"), at(first, "factors")], ["continue", ["totp", "backup-code"]])
      yield* browser.post("/auth/sign-in/totp", { code: Redacted.value(yield* codeOf(app)) })
      assert.deepStrictEqual(yield* sessionOf(browser), { amr: ["email", "otp", "mfa"], acr: "aal2" })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("serves programs that keep the attempt's token themselves", () =>
    Effect.gen(function* () {
      const send = yield* TestServer.make()
      const sent = yield* send(`${path}/send`, { json: { email: ada, transport: "bearer" } })
      assert.deepStrictEqual(sent.cookies, {})
      const headers = { authorization: `Bearer ${textAt(sent, "token")}` }
      const response = yield* send(path, { json: { token: yield* mailedToken }, headers })
      assert.deepStrictEqual([at(response, "status"), response.cookies], ["complete", {}])
      assert.match(textAt(response, "token"), /^belfry_session_/)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("refuses what is no token like one that is dead", () =>
    Effect.gen(function* () {
      const browser = yield* open()
      yield* browser.post("/auth/sign-in", {})
      for (const token of ["", "x", "belfry_verify_0000000000000000000000000000000000000000000", "🦉"]) {
        assertProblem(yield* browser.post(path, { token }), tokenInvalid)
      }
      assert.isTrue(browser.cookies.has(signInCookie))
    }).pipe(Effect.provide(layer)),
  )
})
