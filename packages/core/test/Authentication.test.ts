import * as OpaqueToken from "@belfry/core/OpaqueToken"
import { Sessions, tokenPrefix } from "@belfry/core/Sessions"
import { type UserId, UserNotFound } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { CoreApi } from "@belfry/core/CoreApi"
import * as CoreHandlers from "@belfry/core/CoreHandlers"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Redacted, References } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { TestClock } from "effect/testing"
import { StoreProbe } from "./support/StoreProbe.ts"
import * as TestApp from "./support/TestApp.ts"
import * as TestCore from "./support/TestCore.ts"
import * as TestHttp from "./support/TestHttp.ts"

const { endpoints, open, openSecure, problem, problemOf, signIn } = TestApp
const { client } = TestCore

const nonsense = Redacted.make("nonsense")
/** A token of the right form that opens nothing. */
const unknownToken = OpaqueToken.generate(tokenPrefix)

const challengeOf = ({ headers }: TestHttp.Answer) => headers.get("www-authenticate")

describe("Authentication", () => {
  it.effect("asks for a session on every endpoint but those that confirm a link and sign out", () =>
    Effect.gen(function* () {
      const call = yield* open
      const others = endpoints.filter(({ needsSession }) => !needsSession).map(({ to }) => to)
      assert.deepStrictEqual(others, [
        "POST /auth/sign-out",
        "POST /auth/email/verification/confirm",
        "POST /auth/email/change/confirm",
      ])
      for (const { to } of endpoints.filter(({ needsSession }) => needsSession)) {
        const answer = yield* call({ to })
        assert.deepStrictEqual(problemOf(answer), problem(401, "SessionInvalid"), to)
        assert.strictEqual(challengeOf(answer), "Bearer", to)
      }
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("takes the session's token from the cookie or as bearer token, however the scheme is written", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { token } = yield* signIn
      const text = Redacted.value(token)
      for (const headers of [
        { cookie: `belfry_session=${text}` },
        { cookie: `a=b; belfry_session=${text}; c=d` },
        { authorization: `Bearer ${text}` },
        { authorization: `bearer   ${text}` },
        { authorization: `BEARER ${text}` },
      ]) {
        assert.strictEqual((yield* call({ to: "GET /auth/session", headers })).status, 200, JSON.stringify(headers))
      }
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("answers alike for a token that is malformed, unknown, revoked or over", () =>
    Effect.gen(function* () {
      const call = yield* open
      const [revoked, over] = [yield* signIn, yield* signIn]
      yield* Sessions.use((sessions) => sessions.revoke(revoked.user.id, revoked.session.id, client))
      yield* TestClock.adjust("7 days")
      for (const token of [nonsense, yield* unknownToken, revoked.token, over.token]) {
        const byCookie = yield* call({ to: "GET /auth/session", cookie: token })
        assert.deepStrictEqual([problemOf(byCookie), challengeOf(byCookie)], [problem(401, "SessionInvalid"), "Bearer"])
        const byBearer = yield* call({ to: "GET /auth/session", bearer: token })
        assert.deepStrictEqual(problemOf(byBearer), problem(401, "SessionInvalid"))
        assert.strictEqual(challengeOf(byBearer), 'Bearer error="invalid_token"')
      }
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("takes no token from anywhere else", () =>
    Effect.gen(function* () {
      const call = yield* open
      const text = Redacted.value((yield* signIn).token)
      for (const headers of [
        { cookie: `belfry_session=` },
        { cookie: `other=${text}` },
        { cookie: `__Host-belfry_session=${text}` },
        { authorization: text },
        { authorization: `Bearer` },
        { authorization: `Bearer ${text} ${text}` },
        { authorization: `Basic ${text}` },
        { authorization: `Bearer${text}` },
        { "x-authorization": `Bearer ${text}` },
      ]) {
        assert.strictEqual((yield* call({ to: "GET /auth/session", headers })).status, 401, JSON.stringify(headers))
      }
      assert.strictEqual((yield* call({ to: `GET /auth/session?access_token=${text}` })).status, 401)
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("goes by the bearer token where both are valid, and by the cookie where that one alone is", () =>
    Effect.gen(function* () {
      const call = yield* open
      const [one, other] = [yield* signIn, yield* signIn]
      const unknown = yield* unknownToken
      const userOf = (credentials: { readonly cookie: Redacted.Redacted; readonly bearer: Redacted.Redacted }) =>
        Effect.map(call({ to: "GET /auth/sessions", ...credentials }), ({ json, status }) => [status, json])
      const only = Effect.fnUntraced(function* (token: Redacted.Redacted) {
        const { json } = yield* call({ to: "GET /auth/sessions", bearer: token })
        return [200, json]
      })
      assert.deepStrictEqual(yield* userOf({ cookie: one.token, bearer: other.token }), yield* only(other.token))
      assert.deepStrictEqual(yield* userOf({ cookie: one.token, bearer: unknown }), yield* only(one.token))
      assert.deepStrictEqual(yield* userOf({ cookie: nonsense, bearer: other.token }), yield* only(other.token))
      assert.strictEqual((yield* call({ to: "GET /auth/session", cookie: nonsense, bearer: unknown })).status, 401)
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("answers 401 and not 500 for a user who was deleted since the session was verified", () =>
    Effect.gen(function* () {
      const gone = Layer.effect(
        Users,
        Effect.map(Users, (users) => {
          const fail = (userId: UserId) => Effect.fail(new UserNotFound({ userId }))
          return Users.of({ ...users, update: fail, remove: fail })
        }),
      )
      const call = yield* TestHttp.open(
        HttpApiBuilder.layer(CoreApi).pipe(Layer.provide(CoreHandlers.layer), Layer.provide(gone)),
        "http://localhost:3000",
      )
      const { token } = yield* signIn
      for (const to of ["PATCH /auth/user", "DELETE /auth/user"]) {
        const answer = yield* call({ to, cookie: token, json: {} })
        assert.deepStrictEqual(problemOf(answer), problem(401, "SessionInvalid"))
        assert.strictEqual(challengeOf(answer), "Bearer")
      }
    }).pipe(Effect.provide(TestCore.layer)),
  )
})

describe("The session cookie", () => {
  it.effect("is sent again exactly when its use prolonged the session, until the new expiry", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { token } = yield* signIn
      const text = Redacted.value(token)
      const use = Effect.map(call({ to: "GET /auth/session", cookie: token }), ({ cookies }) => cookies)
      assert.deepStrictEqual(yield* use, [])
      yield* TestClock.adjust("1 day")
      assert.deepStrictEqual(yield* use, [])
      yield* TestClock.adjust("1 second")
      const expected = `belfry_session=${text}; Path=/; Expires=Fri, 09 Jan 1970 00:00:01 GMT; HttpOnly; SameSite=Lax`
      assert.deepStrictEqual(yield* use, [expected])
      assert.deepStrictEqual(yield* use, [])
      yield* TestClock.adjust("2 days")
      assert.deepStrictEqual((yield* call({ to: "GET /auth/session", bearer: token })).cookies, [])
      assert.deepStrictEqual(yield* use, [])
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("is for this host alone and for https where the site has it", () =>
    Effect.gen(function* () {
      const call = yield* openSecure
      const { token } = yield* signIn
      const text = Redacted.value(token)
      yield* TestClock.adjust("2 days")
      const { cookies } = yield* call({ to: "GET /auth/session", cookie: token })
      assert.deepStrictEqual(cookies, [
        `__Host-belfry_session=${text}; Path=/; Expires=Sat, 10 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax`,
      ])
      // Another subdomain, or http, could have set the one without the prefix.
      const headers = { cookie: `belfry_session=${text}` }
      assert.strictEqual((yield* call({ to: "GET /auth/session", headers })).status, 401)
      const out = yield* call({ to: "POST /auth/sign-out", cookie: token })
      assert.deepStrictEqual(out.cookies, [
        "__Host-belfry_session=; Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax",
      ])
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("goes along with a failure too, since the session was prolonged all the same", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { token, user } = yield* signIn
      yield* TestClock.adjust("2 days")
      const answer = yield* call({ to: `DELETE /auth/sessions/${user.id}`, cookie: token })
      assert.deepStrictEqual([answer.status, answer.cookies.length], [404, 1])
      assert.include(answer.cookies[0] ?? "", Redacted.value(token))
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("is cleared, and not sent again, by the request that ends a session that was due", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { token } = yield* signIn
      yield* TestClock.adjust("2 days")
      const { cookies } = yield* call({ to: "DELETE /auth/sessions?scope=all", cookie: token })
      assert.strictEqual(cookies.length, 1)
      assert.match(cookies[0] ?? "", /^belfry_session=; Max-Age=0;/)
    }).pipe(Effect.provide(TestCore.layer)),
  )
})

describe("When a store is away", () => {
  const isAway = (answer: TestHttp.Answer, what: string) => {
    assert.deepStrictEqual(problemOf(answer), problem(503, "ServiceUnavailable"), what)
    assert.strictEqual(answer.headers.get("retry-after"), "1", what)
    assert.isNull(challengeOf(answer), what)
    assert.deepStrictEqual(answer.cookies, [], what)
  }

  it.effect("every endpoint says so, by whatever credentials, and never that there is no session", () =>
    Effect.gen(function* () {
      const call = yield* open
      const probe = yield* StoreProbe
      const { token } = yield* signIn
      const unknown = yield* unknownToken
      for (const { to } of endpoints.filter(({ needsSession }) => needsSession)) {
        for (const credentials of [
          { cookie: token },
          { bearer: token },
          { cookie: token, bearer: token },
          { cookie: token, bearer: nonsense },
          { cookie: token, bearer: unknown },
        ]) {
          const answer = yield* probe.failing(["SessionStore.findByTokenHash"], call({ to, ...credentials }))
          isAway(answer, to)
        }
      }
      assert.strictEqual((yield* call({ to: "GET /auth/session", cookie: token })).status, 200)
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("the second credential does not hide it", () =>
    Effect.gen(function* () {
      const call = yield* open
      const probe = yield* StoreProbe
      const { token } = yield* signIn
      yield* TestClock.adjust("2 days")
      // The bearer token is no session; the cookie is one, and cannot be prolonged.
      const use = call({ to: "GET /auth/session", cookie: token, bearer: yield* unknownToken })
      isAway(yield* probe.failing(["SessionStore.touch"], use), "touch")
    }).pipe(Effect.provide(TestCore.layer)),
  )

  for (const [to, method, json] of [
    ["GET /auth/sessions", "SessionStore.listByUser", undefined],
    ["DELETE /auth/sessions/019a0000-0000-7000-8000-000000000000", "SessionStore.remove", undefined],
    ["DELETE /auth/sessions", "SessionStore.removeByUser", undefined],
    ["POST /auth/sign-out", "SessionStore.findByTokenHash", undefined],
    ["PATCH /auth/user", "UserStore.update", { name: "Augusta" }],
    ["DELETE /auth/user", "UserStore.remove", undefined],
    ["POST /auth/email/verification", "VerificationTokenStore.insert", undefined],
    ["POST /auth/email/verification/confirm", "VerificationTokenStore.consume", { token: "VERIFY" }],
    ["POST /auth/email/change", "UserStore.findByEmail", { email: "new@example.com" }],
    ["POST /auth/email/change/confirm", "VerificationTokenStore.consume", { token: "VERIFY" }],
    ["DELETE /auth/sessions?scope=all", "AuditStore.insert", undefined],
  ] as const) {
    it.effect(`${to} says so when ${method} cannot answer, and logs no secret`, () => {
      const logged: Array<string> = []
      const logger = Logger.make(({ message, cause, fiber }) => {
        logged.push(
          `${String(message)} ${String(cause)} ${JSON.stringify(fiber.getRef(References.CurrentLogAnnotations))}`,
        )
      })
      return Effect.gen(function* () {
        const call = yield* open
        const probe = yield* StoreProbe
        const { session, token, user } = yield* signIn
        const verification = Redacted.value(yield* OpaqueToken.generate("belfry_verify"))
        const body = json !== undefined && "token" in json ? { token: verification } : json
        const use = call({ to, cookie: token, ...(body === undefined ? {} : { json: body }) })
        isAway(yield* probe.failing([method], use), to)
        assert.strictEqual(logged.length, 1)
        const [store, operation] = method.split(".")
        assert.include(logged[0] ?? "", "A store could not answer")
        assert.include(logged[0] ?? "", `"store":"${store}","method":"${operation}","isRetryable":true`)
        for (const secret of [Redacted.value(token), verification, user.email, "new@example.com"]) {
          assert.notInclude(logged.join("\n"), secret)
        }
        const after = yield* Sessions.use((sessions) => sessions.verify(token))
        assert.deepStrictEqual([after.session, after.user], [session, user])
      }).pipe(Effect.provide(Logger.layer([logger])), Effect.provide(TestCore.layer))
    })
  }
})
