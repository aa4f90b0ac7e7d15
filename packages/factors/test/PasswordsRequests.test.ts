/**
 * Requests that no client of ours sends: of the wrong form, or made by a page of another origin.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, type Schema } from "effect"
import { ada, layer, register, takeToken } from "./support/People.ts"
import { assertProblem, crossOrigin, problem } from "./support/Problems.ts"
import * as TestServer from "./support/TestServer.ts"

const credentials = { email: "ada@example.com", password: "correct horse battery" }

describe("Requests of the wrong form", () => {
  const paths = [
    "/auth/sign-up/password",
    "/auth/sign-up/password/confirm",
    "/auth/sign-in/password",
    "/auth/reauthenticate/password",
    "/auth/password/forgot",
    "/auth/password/reset",
    "/auth/password/change",
  ]

  const signedIn = Effect.gen(function* () {
    const { token } = yield* register()
    const send = yield* TestServer.make()
    return { send, headers: { cookie: `belfry_session=${Redacted.value(token)}`, origin: "http://localhost:3000" } }
  })

  it.effect("get 422 with the place of a fault, and never what stood there", () =>
    Effect.gen(function* () {
      const { send, headers } = yield* signedIn
      const faults: ReadonlyArray<readonly [json: Schema.Json, path: ReadonlyArray<string>]> = [
        [{ email: "hunter2", password: "hunter2hunter2" }, ["body", "email"]],
        [{ email: ada, password: 73_588_437 }, ["body", "password"]],
        [{ email: ada, password: "hunter2".repeat(700) }, ["body", "password"]],
        [{ email: ada, password: ["hunter2"] }, ["body", "password"]],
        [{ email: ada, password: { text: "hunter2" } }, ["body", "password"]],
        [{ email: ada, password: null }, ["body", "password"]],
        [{ email: ada }, ["body", "password"]],
        [{ email: null, password: "hunter2hunter2" }, ["body", "email"]],
        [{ email: ada, password: "hunter2hunter2", returnTo: "hunter2".repeat(300) }, ["body", "returnTo"]],
        [{ email: ada, password: "hunter2hunter2", label: "hunter2\u0000" }, ["body", "label"]],
        [{ email: ada, password: "hunter2hunter2", transport: "hunter2" }, ["body", "transport"]],
        [["hunter2"], ["body"]],
        ["hunter2", ["body"]],
        [null, ["body"]],
      ]
      for (const [json, path] of faults) {
        const response = yield* send("/auth/sign-in/password", { json, headers })
        const issues = TestServer.at(response.json, "issues")
        assertProblem(response, problem(422, "Unprocessable Content", "InvalidRequest", { issues }))
        assert.deepStrictEqual(TestServer.at(issues, "0", "path"), path)
        assert.notMatch(response.text, /hunter2|73588437/)
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("get 422 with all of their faults, and nothing of what stood there", () =>
    Effect.gen(function* () {
      const { send, headers } = yield* signedIn
      const faults: ReadonlyArray<readonly [path: string, json: Schema.Json, paths: ReadonlyArray<string>]> = [
        [
          "/auth/sign-up/password",
          { email: "hunter2", password: 73_588_437, name: "hunter2\u0000" },
          ["email", "password", "name"],
        ],
        ["/auth/sign-in/password", { email: "hunter2", password: ["hunter2"] }, ["email", "password"]],
        ["/auth/password/reset", { token: 73_588_437, password: "hunter2".repeat(700) }, ["token", "password"]],
        ["/auth/password/change", { currentPassword: { text: "hunter2" } }, ["currentPassword", "newPassword"]],
      ]
      for (const [path, json, fields] of faults) {
        const response = yield* send(path, { json, headers })
        const issues = TestServer.at(response.json, "issues")
        assertProblem(response, problem(422, "Unprocessable Content", "InvalidRequest", { issues }))
        assert.deepStrictEqual(
          fields.map((_, index) => TestServer.at(issues, String(index), "path")),
          fields.map((field) => ["body", field]),
        )
        assert.strictEqual(TestServer.at(issues, "length"), fields.length)
        assert.notMatch(response.text, /hunter2|73588437/)
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("get 422 for JSON that is none, on every endpoint", () =>
    Effect.gen(function* () {
      const { send, headers } = yield* signedIn
      for (const path of paths) {
        for (const raw of ['{"password":"hunter2', "hunter2", "", '{"password":"\xff\xfe"']) {
          const response = yield* send(path, { body: raw, headers: { ...headers, "content-type": "application/json" } })
          const issues = TestServer.at(response.json, "issues")
          assertProblem(response, problem(422, "Unprocessable Content", "InvalidRequest", { issues }))
          assert.notInclude(response.text, "hunter2")
        }
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("get 415 for other content types, and nothing of the body comes back", () =>
    Effect.gen(function* () {
      const { send, headers } = yield* signedIn
      for (const path of paths) {
        for (const contentType of [
          "text/plain",
          "application/x-www-form-urlencoded",
          "multipart/form-data; boundary=x",
        ]) {
          const raw = JSON.stringify({ ...credentials, password: "hunter2hunter2" })
          const response = yield* send(path, { body: raw, headers: { ...headers, "content-type": contentType } })
          assert.deepStrictEqual([response.status, response.cookies], [415, {}])
          assert.notInclude(response.text, "hunter2")
        }
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("get 413 for a body that is larger than the server reads", () =>
    Effect.gen(function* () {
      const { send, headers } = yield* signedIn
      for (const path of paths) {
        const response = yield* send(path, {
          json: { ...credentials, padding: "hunter2".repeat(TestServer.maxBodySize / 7) },
          headers,
        })
        assert.deepStrictEqual([response.status, response.cookies], [413, {}])
        assert.notInclude(response.text, "hunter2")
      }
    }).pipe(Effect.provide(layer)),
  )
})

describe("Requests of other origins", () => {
  const evil = "https://evil.example"

  it.effect("are refused, with and without a cookie, whatever their content type", () =>
    Effect.gen(function* () {
      const { token } = yield* register()
      const send = yield* TestServer.make()
      const cookie = `belfry_session=${Redacted.value(token)}`
      const raw = JSON.stringify(credentials)
      const json = { "content-type": "application/json" }
      for (const headers of [
        { ...json, origin: evil },
        { ...json, origin: "null" },
        { ...json, origin: "http://localhost:3001" },
        { ...json, "sec-fetch-site": "cross-site" },
        { ...json, "sec-fetch-site": "same-site", origin: "http://localhost:3000" },
        { ...json, cookie, origin: evil, "sec-fetch-site": "cross-site" },
        { ...json, cookie, "sec-fetch-site": "none", origin: evil },
        // A cookie with nothing that says where it was made.
        { ...json, cookie },
        // Without a content type a page needs no preflight.
        { origin: evil },
        { origin: evil, cookie, "sec-fetch-site": "cross-site" },
      ]) {
        const response = yield* send("/auth/sign-in/password", { body: raw, headers })
        assertProblem(response, crossOrigin)
      }
      // Forms of another page, too.
      for (const contentType of ["text/plain", "application/x-www-form-urlencoded"]) {
        const headers = { "content-type": contentType, origin: evil, cookie }
        assertProblem(yield* send("/auth/sign-in/password", { body: raw, headers }), crossOrigin)
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("start and complete no sign-up: nobody is mailed, nobody is signed in", () =>
    Effect.gen(function* () {
      const send = yield* TestServer.make()
      const begun = yield* send("/auth/sign-up/password", { json: credentials })
      const token = Redacted.value(yield* takeToken(ada, "confirm-sign-up"))
      const headers = { origin: evil, cookie: `belfry_sign_up=${begun.cookies["belfry_sign_up"]?.value}` }
      assertProblem(yield* send("/auth/sign-up/password", { json: credentials, headers }), crossOrigin)
      assertProblem(yield* send("/auth/sign-up/password/confirm", { json: { token }, headers }), crossOrigin)
      assertProblem(yield* send("/auth/password/forgot", { json: { email: ada }, headers }), crossOrigin)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("pass from the own origin, from clients that are no browser, and with a bearer token", () =>
    Effect.gen(function* () {
      const { token } = yield* register()
      const send = yield* TestServer.make()
      const bearer = { authorization: `Bearer ${Redacted.value(token)}` }
      for (const headers of [
        {},
        { origin: "http://localhost:3000" },
        { "sec-fetch-site": "same-origin" },
        { "sec-fetch-site": "none" },
      ]) {
        assert.strictEqual((yield* send("/auth/sign-in/password", { json: credentials, headers })).status, 200)
      }
      const response = yield* send("/auth/reauthenticate/password", {
        json: { password: credentials.password, transport: "bearer" },
        headers: { ...bearer, origin: evil },
      })
      assert.strictEqual(response.status, 200)
    }).pipe(Effect.provide(layer)),
  )
})
