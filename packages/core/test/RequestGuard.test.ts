import { Audit } from "@belfry/core/Audit"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as TestApp from "./support/TestApp.ts"
import * as TestCore from "./support/TestCore.ts"
import type * as TestHttp from "./support/TestHttp.ts"

const { endpoints, open, openSecure, problem, problemOf, signIn } = TestApp

const unsafe = endpoints.filter(({ isUnsafe }) => isUnsafe)
const refusal = problem(403, "CrossOriginRequest")

type Headers = NonNullable<TestHttp.Call["headers"]>

describe("RequestGuard, against requests of other origins", () => {
  it("has nine unsafe endpoints to guard", () => {
    assert.strictEqual(unsafe.length, 9)
  })

  for (const [what, headers] of [
    ["a page of another site", { "sec-fetch-site": "cross-site" }],
    ["a page of another subdomain", { "sec-fetch-site": "same-site" }],
    [
      "a page of another site that claims our origin",
      { "sec-fetch-site": "cross-site", origin: "http://localhost:3000" },
    ],
    ["a page of another site, by an older browser", { "sec-fetch-site": undefined, origin: "https://evil.example" }],
    ["a page without an origin", { "sec-fetch-site": undefined, origin: "null" }],
    ["a page on another port", { "sec-fetch-site": undefined, origin: "http://localhost:3001" }],
    ["who says nothing of where it was made", { "sec-fetch-site": undefined }],
  ] satisfies ReadonlyArray<readonly [string, Headers]>) {
    it.effect(`refuses what ${what} does with the user's cookie, and does nothing`, () =>
      Effect.gen(function* () {
        const call = yield* open
        const { session, token, user } = yield* signIn
        for (const { to } of unsafe) {
          const answer = yield* call({ to, cookie: token, json: { token: "x", email: "new@example.com" }, headers })
          assert.deepStrictEqual(problemOf(answer), refusal, to)
          assert.deepStrictEqual(answer.cookies, [], to)
        }
        const { json } = yield* call({ to: "GET /auth/sessions", cookie: token })
        assert.deepInclude(json, { currentSessionId: session.id })
        const events = yield* Audit.use((audit) => audit.list({ userId: user.id }))
        assert.deepStrictEqual(
          events.map(({ type }) => type),
          ["session.started", "user.created"],
        )
      }).pipe(Effect.provide(TestCore.layer)),
    )
  }

  for (const [what, headers] of [
    ["a page of the site", { "sec-fetch-site": "same-origin" }],
    ["the user, who typed it", { "sec-fetch-site": "none" }],
    ["a page of the site, by an older browser", { "sec-fetch-site": undefined, origin: "http://localhost:3000" }],
  ] satisfies ReadonlyArray<readonly [string, Headers]>) {
    it.effect(`lets through what ${what} does with the user's cookie`, () =>
      Effect.gen(function* () {
        const call = yield* open
        for (const { to } of unsafe) {
          const { token } = yield* signIn
          const answer = yield* call({ to, cookie: token, json: { token: "x", email: "new@example.com" }, headers })
          assert.notStrictEqual(answer.status, 403, to)
        }
      }).pipe(Effect.provide(TestCore.layer)),
    )
  }

  it.effect("lets through what an allowed origin does with the user's cookie, and no other", () =>
    Effect.gen(function* () {
      const call = yield* openSecure
      const { token } = yield* signIn
      const patch = (headers: Headers) => call({ to: "PATCH /auth/user", cookie: token, json: {}, headers })
      const of = (origin: string) => ({ "sec-fetch-site": "cross-site", origin })
      assert.strictEqual((yield* patch(of("https://partner.example"))).status, 200)
      assert.strictEqual((yield* patch({ ...of("https://partner.example"), "sec-fetch-site": undefined })).status, 200)
      for (const origin of ["https://partner.example.evil", "http://partner.example", "https://partner.example:444"]) {
        assert.deepStrictEqual(problemOf(yield* patch(of(origin))), refusal, origin)
      }
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("exempts bearer tokens, which no page can send by accident", () =>
    Effect.gen(function* () {
      const call = yield* open
      for (const headers of [{}, { "sec-fetch-site": "cross-site", origin: "https://evil.example" }]) {
        for (const { to } of unsafe) {
          const { token } = yield* signIn
          const answer = yield* call({ to, bearer: token, json: { token: "x", email: "new@example.com" }, headers })
          assert.notStrictEqual(answer.status, 403, to)
        }
      }
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("exempts no request with the cookie because a bearer token is there too", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { token } = yield* signIn
      for (const bearer of [token, (yield* signIn).token]) {
        const headers = { "sec-fetch-site": "cross-site" }
        const answer = yield* call({ to: "PATCH /auth/user", cookie: token, bearer, json: {}, headers })
        assert.deepStrictEqual(problemOf(answer), refusal)
      }
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect(
    "refuses what a page of another origin does without any credentials: it could sign somebody in or out",
    () =>
      Effect.gen(function* () {
        const call = yield* open
        for (const headers of [{ "sec-fetch-site": "cross-site" }, { origin: "https://evil.example" }]) {
          for (const { to } of unsafe) {
            assert.deepStrictEqual(problemOf(yield* call({ to, json: { token: "x" }, headers })), refusal, to)
          }
        }
      }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("lets programs that are no browsers and carry no cookie through", () =>
    Effect.gen(function* () {
      const call = yield* open
      const answer = yield* call({ to: "POST /auth/email/verification/confirm", json: { token: "x" } })
      assert.deepStrictEqual(problemOf(answer), problem(422, "VerificationTokenInvalid"))
      assert.strictEqual((yield* call({ to: "POST /auth/sign-out" })).status, 204)
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("lets pages of any origin read by GET, where the browser keeps the answer from them", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { token } = yield* signIn
      for (const { to } of endpoints.filter(({ isUnsafe }) => !isUnsafe)) {
        const answer = yield* call({ to, cookie: token, headers: { "sec-fetch-site": "cross-site" } })
        assert.strictEqual(answer.status, 200, to)
        assert.isNull(answer.headers.get("access-control-allow-origin"))
      }
    }).pipe(Effect.provide(TestCore.layer)),
  )
})

describe("RequestGuard, for requests of the wrong form", () => {
  const json = { headers: { "content-type": "application/json" } }

  for (const [what, request, path, message] of [
    [
      "a path parameter",
      { to: "DELETE /auth/sessions/sesame" },
      ["path", "sessionId"],
      "Expected a UUID in lower case",
    ],
    [
      "a query parameter",
      { to: "DELETE /auth/sessions?scope=sesame" },
      ["query", "scope"],
      `Expected "others" | "all"`,
    ],
    [
      "a field of another type",
      { to: "PATCH /auth/user", json: { name: { sesame: 1 } } },
      ["body", "name"],
      "Expected string | null",
    ],
    [
      "a field's text",
      { to: "PATCH /auth/user", json: { name: "sesame\n" } },
      ["body", "name"],
      "Expected one line without control characters",
    ],
    [
      "an address",
      { to: "POST /auth/email/change", json: { email: "sesame" } },
      ["body", "email"],
      "Expected an e-mail address",
    ],
    ["a missing field", { to: "POST /auth/email/change", json: { sesame: 1 } }, ["body", "email"], "Missing key"],
    ["a body that is no object", { to: "PATCH /auth/user", json: "sesame" }, ["body"], "Expected object"],
    ["an array", { to: "PATCH /auth/user", json: ["sesame"] }, ["body"], "Expected object"],
    [
      "a body that is no JSON",
      { to: "PATCH /auth/user", text: "{sesame", ...json },
      ["body"],
      "Expected a valid JSON body",
    ],
    ["no body", { to: "PATCH /auth/user", ...json }, ["body"], "Expected object"],
    [
      "a secret that is too long",
      { to: "POST /auth/email/verification/confirm", json: { token: "sesame".repeat(40) } },
      ["body", "token"],
      "Expected at most 200 characters",
    ],
    [
      "a secret of another type",
      { to: "POST /auth/email/verification/confirm", json: { token: ["sesame"] } },
      ["body", "token"],
      "Expected string",
    ],
  ] satisfies ReadonlyArray<readonly [string, TestHttp.Call, ReadonlyArray<string>, string]>) {
    it.effect(`says where the fault is and what was expected, and repeats nothing, for ${what}`, () =>
      Effect.gen(function* () {
        const call = yield* open
        const { token } = yield* signIn
        const answer = yield* call({ ...request, bearer: token })
        assert.deepStrictEqual(problemOf(answer), problem(422, "InvalidRequest", { issues: [{ path, message }] }))
        assert.notInclude(answer.text, "sesame")
      }).pipe(Effect.provide(TestCore.layer)),
    )
  }

  it.effect("refuses a body of another type, and does not repeat which", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { token } = yield* signIn
      for (const type of ["application/x-www-form-urlencoded", "text/plain", "application/sesame", "<script>sesame"]) {
        const headers = { "content-type": type }
        const answer = yield* call({ to: "PATCH /auth/user", bearer: token, text: "name=Augusta", headers })
        assert.deepStrictEqual(problemOf(answer), {
          status: 415,
          contentType: "application/problem+json",
          json: { type: "about:blank", title: "Unsupported Media Type", status: 415 },
        })
        assert.notInclude(answer.text, "sesame")
      }
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("tells a caller without a session nothing of the form", () =>
    Effect.gen(function* () {
      const call = yield* open
      const answer = yield* call({ to: "PATCH /auth/user", json: { name: 1 } })
      assert.deepStrictEqual(problemOf(answer), problem(401, "SessionInvalid"))
    }).pipe(Effect.provide(TestCore.layer)),
  )
})

describe("What a request shows of its client", () => {
  it.effect("is written down, a user agent of at most 512 characters", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { token, user } = yield* signIn
      const headers = { "user-agent": `${"a".repeat(511)}bc` }
      yield* call({ to: "PATCH /auth/user", cookie: token, json: {}, headers })
      yield* call({ to: "POST /auth/sign-out", cookie: token })
      const [signedOut, updated] = yield* Audit.use((audit) => audit.list({ userId: user.id }))
      assert.deepStrictEqual(
        [updated?.type, updated?.client],
        ["user.updated", { ipAddress: null, userAgent: `${"a".repeat(511)}b` }],
      )
      assert.deepStrictEqual(
        [signedOut?.type, signedOut?.client],
        ["session.revoked", { ipAddress: null, userAgent: null }],
      )
    }).pipe(Effect.provide(TestCore.layer)),
  )
})
