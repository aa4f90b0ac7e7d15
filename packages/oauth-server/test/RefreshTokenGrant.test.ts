/**
 * Refresh tokens: their successors, the second use of an old one, and what a refresh may ask for.
 */
import { Audit } from "@belfry/core/Audit"
import * as OpaqueToken from "@belfry/core/OpaqueToken"
import { SessionStore } from "@belfry/core/SessionStore"
import { ClientStore } from "@belfry/oauth-server/ClientStore"
import { prefixes } from "@belfry/oauth-server/Grant"
import { MemoryOAuthServerTables } from "@belfry/oauth-server/MemoryOAuthServerTables"
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import {
  api,
  assertError,
  claimsOf,
  introspect,
  layer,
  otherApi,
  type Server,
  serve,
  signedIn,
  storedClient,
  type TestClient,
  tokensOf,
} from "./support/TokenClients.ts"

const refresh = (
  { post }: Server,
  { headers }: TestClient,
  token: string,
  fields: Readonly<Record<string, string | ReadonlyArray<string>>> = {},
) => post("token", { grant_type: "refresh_token", refresh_token: token, ...fields }, headers)

const badToken = "The refresh token is unknown, over, or not for this client"
const reused = "Refresh token has been revoked"

const revocations = Effect.map(
  Audit.use((audit) => audit.list()),
  (events) => events.filter(({ type }) => type === "oauth-grant.revoked").map(({ reason }) => reason),
)

describe("RFC 6749 §6", () => {
  it.effect("MUST give new tokens and a successor of the same scope", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const first = yield* signedIn(server, { nonce: "n" })
      yield* TestClock.adjust("1 hour")
      const response = yield* refresh(server, first, first.refreshToken)
      const next = tokensOf(response)
      assert.strictEqual(TestHttp.textAt(response, "scope"), TestHttp.textAt(first.response, "scope"))
      assert.notStrictEqual(next.refreshToken, first.refreshToken)
      assert.notStrictEqual(next.accessToken, first.accessToken)
      assert.deepPropertyVal(yield* introspect(server, first, next.accessToken), "active", true)
      assert.deepPropertyVal(yield* introspect(server, first, next.refreshToken), "active", true)
      assert.deepStrictEqual(yield* introspect(server, first, first.refreshToken), { active: false })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("MUST refuse a token that is unknown, malformed, missing, or issued to another client", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const owner = yield* signedIn(server)
      const thief = yield* storedClient()
      const unknown = Redacted.value(yield* OpaqueToken.generate(prefixes.refreshToken))
      assertError(yield* refresh(server, owner, unknown), 400, "invalid_grant", badToken)
      assertError(yield* refresh(server, owner, "x"), 400, "invalid_grant", badToken)
      assertError(yield* refresh(server, owner, owner.accessToken), 400, "invalid_grant", badToken)
      assertError(yield* refresh(server, owner, ""), 400, "invalid_request", "refresh_token is missing")
      assertError(yield* refresh(server, thief, owner.refreshToken), 400, "invalid_grant", badToken)
      // Another client's attempt with an old token does not end the grant.
      const next = tokensOf(yield* refresh(server, owner, owner.refreshToken))
      assertError(yield* refresh(server, thief, owner.refreshToken), 400, "invalid_grant", badToken)
      const nobody = yield* server.post("token", { grant_type: "refresh_token", refresh_token: owner.refreshToken })
      assertError(nobody, 401, "invalid_client")
      assert.strictEqual((yield* refresh(server, owner, next.refreshToken)).status, 200)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("MUST NOT widen the scope, and does not narrow the grant by narrowing one token", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const first = yield* signedIn(server)
      const wider = yield* refresh(server, first, first.refreshToken, { scope: "openid write" })
      assertError(wider, 400, "invalid_scope", "The scope is more than was granted")
      assertError(yield* refresh(server, first, first.refreshToken, { scope: "read\tx" }), 400, "invalid_scope")
      const narrow = yield* refresh(server, first, first.refreshToken, { scope: "read" })
      assert.strictEqual(TestHttp.textAt(narrow, "scope"), "read")
      assert.isUndefined(TestHttp.at(narrow.json, "id_token"))
      const whole = yield* refresh(server, first, tokensOf(narrow).refreshToken)
      assert.strictEqual(TestHttp.textAt(whole, "scope"), TestHttp.textAt(first.response, "scope"))
    }).pipe(Effect.provide(layer())),
  )

  it.effect("MUST NOT take a token that is over, to the millisecond", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const first = yield* signedIn(server)
      const second = yield* signedIn(server, {}, first)
      yield* TestClock.adjust(Duration.subtract(Duration.days(30), Duration.millis(1)))
      const next = yield* refresh(server, first, first.refreshToken)
      assert.strictEqual(next.status, 200)
      yield* TestClock.adjust("1 millis")
      assertError(yield* refresh(server, first, second.refreshToken), 400, "invalid_grant", badToken)
      // Each refresh gives the full time again.
      yield* TestClock.adjust("29 days")
      assert.strictEqual((yield* refresh(server, first, tokensOf(next).refreshToken)).status, 200)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("ends alone when it is over: late is not twice", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const first = yield* signedIn(server)
      yield* TestClock.adjust("10 minutes")
      assertError(yield* refresh(server, first, first.refreshToken), 400, "invalid_grant", badToken)
      assert.deepPropertyVal(yield* introspect(server, first, first.accessToken), "active", true)
      assert.deepStrictEqual(yield* revocations, [])
    }).pipe(Effect.provide(layer({ refreshTokenLifetime: Duration.minutes(10) }))),
  )

  it.effect("moves the end of its grant, a day further than it must, and seldom", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const first = yield* signedIn(server)
      const { grants } = yield* MemoryOAuthServerTables
      const ends = Effect.sync(() => [...grants.values()].map(({ grant }) => grant.expiresAt.epochMilliseconds))
      const day = Duration.toMillis("1 day")
      const [begins = 0] = yield* ends
      const refreshed = (token: string) => Effect.map(refresh(server, first, token), tokensOf)
      // The grant was made for a code's time besides.
      const second = yield* refreshed(first.refreshToken)
      assert.deepStrictEqual(yield* ends, [begins])
      yield* TestClock.adjust("10 days")
      const third = yield* refreshed(second.refreshToken)
      assert.deepStrictEqual(yield* ends, [41 * day])
      yield* TestClock.adjust("1 day")
      const fourth = yield* refreshed(third.refreshToken)
      assert.deepStrictEqual(yield* ends, [41 * day])
      yield* TestClock.adjust("1 millis")
      yield* refreshed(fourth.refreshToken)
      assert.deepStrictEqual(yield* ends, [42 * day + 1])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("outlives the session with offline_access, and not the end of the grant", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const first = yield* signedIn(server)
      const { sessionId, user } = first
      if (sessionId === null) return assert.fail("a session")
      yield* SessionStore.use((sessions) => sessions.remove(user.id, sessionId))
      let token = first.refreshToken
      for (let day = 0; day < 364; day += 28) {
        yield* TestClock.adjust("28 days")
        token = tokensOf(yield* refresh(server, first, token)).refreshToken
      }
      yield* TestClock.adjust("1 day")
      assertError(yield* refresh(server, first, token), 400, "invalid_grant", badToken)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is not for clients that lost the grant type, or are disabled", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const first = yield* signedIn(server)
      const store = yield* ClientStore
      const { metadata } = first.client
      const without = { ...first.client, metadata: { ...metadata, grantTypes: ["authorization_code"] } }
      assert.isTrue(yield* store.update(first.client, without))
      assertError(yield* refresh(server, first, first.refreshToken), 400, "unauthorized_client")
      assert.isTrue(yield* store.update(without, { ...first.client, isDisabled: true }))
      assertError(yield* refresh(server, first, first.refreshToken), 401, "invalid_client")
    }).pipe(Effect.provide(layer())),
  )
})

describe("what a client lost since it was granted", () => {
  it.effect("is a scope: new tokens do without it", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const first = yield* signedIn(server)
      const { metadata } = first.client
      const scopes = metadata.scopes.filter((scope) => scope !== "read")
      assert.isTrue(
        yield* ClientStore.use((all) =>
          all.update(first.client, { ...first.client, metadata: { ...metadata, scopes } }),
        ),
      )
      const next = yield* refresh(server, first, first.refreshToken)
      assert.strictEqual(next.status, 200)
      assert.notInclude(TestHttp.textAt(next, "scope").split(" "), "read")
    }).pipe(Effect.provide(layer())),
  )

  it.effect(
    "is a scope: neither the ID token nor the UserInfo endpoint tell what it covers, asked for by name or not",
    () =>
      Effect.gen(function* () {
        const server = yield* serve
        const asked = { email: null, name: null }
        const first = yield* signedIn(server, { claims: { id_token: asked, userinfo: asked } })
        const toldWith = Effect.fnUntraced(function* ({ accessToken, idToken }: ReturnType<typeof tokensOf>) {
          const { json } = yield* server.send("/auth/oauth2/userinfo", {
            headers: { authorization: `Bearer ${accessToken}` },
          })
          return [claimsOf(idToken), json].map((claims) =>
            ["email", "name"].filter((name) => TestHttp.at(claims, name)),
          )
        })
        assert.deepStrictEqual(yield* toldWith(first), [
          ["email", "name"],
          ["email", "name"],
        ])
        const { metadata } = first.client
        const without = (...lost: ReadonlyArray<string>) =>
          ClientStore.use((all) =>
            all.update(first.client, {
              ...first.client,
              metadata: { ...metadata, scopes: metadata.scopes.filter((scope) => !lost.includes(scope)) },
            }),
          )
        assert.isTrue(yield* without("email"))
        const next = tokensOf(yield* refresh(server, first, first.refreshToken))
        assert.deepStrictEqual(yield* toldWith(next), [["name"], ["name"]])
        assert.isTrue(yield* without("openid"))
        assert.strictEqual(tokensOf(yield* refresh(server, first, next.refreshToken)).idToken, "")
      }).pipe(Effect.provide(layer())),
  )

  it.effect("is a resource of the grant: there is no token for it, named or not", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const first = yield* signedIn(server, { resources: [api] })
      const privileges = { ...first.client.privileges, resources: ["https://other.example"] }
      assert.isTrue(yield* ClientStore.use((all) => all.update(first.client, { ...first.client, privileges })))
      assertError(yield* refresh(server, first, first.refreshToken), 400, "invalid_target")
      assertError(yield* refresh(server, first, first.refreshToken, { resource: api }), 400, "invalid_target")
      assert.isTrue(yield* ClientStore.use((all) => all.update({ ...first.client, privileges }, first.client)))
      assert.strictEqual((yield* refresh(server, first, first.refreshToken)).status, 200)
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 9700 §4.14.2", () => {
  it.effect("MUST revoke the grant when an old token comes again, and no other grant", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const first = yield* signedIn(server)
      const elsewhere = yield* signedIn(server, {}, first)
      const next = tokensOf(yield* refresh(server, first, first.refreshToken))
      assertError(yield* refresh(server, first, first.refreshToken), 400, "invalid_grant", reused)
      for (const token of [first.accessToken, next.accessToken, next.refreshToken]) {
        assert.deepStrictEqual(yield* introspect(server, first, token), { active: false })
      }
      assertError(yield* refresh(server, first, next.refreshToken), 400, "invalid_grant", badToken)
      assert.deepStrictEqual(yield* revocations, ["refresh-token-reused"])
      // A stale token on one device signs out no other device.
      assert.strictEqual((yield* refresh(server, first, elsewhere.refreshToken)).status, 200)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("gives the same successor once more within the grace, with an access token of its own", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const first = yield* signedIn(server)
      const next = tokensOf(yield* refresh(server, first, first.refreshToken))
      yield* TestClock.adjust("29999 millis")
      const again = tokensOf(yield* refresh(server, first, first.refreshToken))
      assert.strictEqual(again.refreshToken, next.refreshToken)
      assert.notStrictEqual(again.accessToken, next.accessToken)
      for (const token of [next.accessToken, again.accessToken]) {
        assert.deepPropertyVal(yield* introspect(server, first, token), "active", true)
      }
      yield* TestClock.adjust("1 millis")
      assertError(yield* refresh(server, first, first.refreshToken), 400, "invalid_grant", reused)
      assertError(yield* refresh(server, first, next.refreshToken), 400, "invalid_grant", badToken)
      assert.deepStrictEqual(yield* revocations, ["refresh-token-reused"])
    }).pipe(Effect.provide(layer({ refreshGrace: Duration.seconds(30) }))),
  )

  for (const seconds of [0, 30]) {
    it.effect(`keeps the successor, sealed, only for a grace: ${seconds} s`, () =>
      Effect.gen(function* () {
        const server = yield* serve
        const first = yield* signedIn(server)
        const next = tokensOf(yield* refresh(server, first, first.refreshToken))
        const { refreshTokens } = yield* MemoryOAuthServerTables
        const old = [...refreshTokens.values()].find(({ rotatedAt }) => rotatedAt !== null)
        if (old === undefined) return assert.fail("the old token")
        assert.strictEqual(old.successor === null, seconds === 0)
        assert.notInclude(old.successor ?? "", next.refreshToken)
      }).pipe(Effect.provide(layer({ refreshGrace: Duration.seconds(seconds) }))),
    )
  }

  it.effect("MUST revoke the grant within the grace when the successor was used", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const first = yield* signedIn(server)
      const next = tokensOf(yield* refresh(server, first, first.refreshToken))
      const third = tokensOf(yield* refresh(server, first, next.refreshToken))
      assertError(yield* refresh(server, first, first.refreshToken), 400, "invalid_grant", reused)
      assert.deepStrictEqual(yield* introspect(server, first, third.accessToken), { active: false })
      assert.deepStrictEqual(yield* revocations, ["refresh-token-reused"])
    }).pipe(Effect.provide(layer({ refreshGrace: Duration.seconds(30) }))),
  )

  it.effect("MUST NOT give a successor that is over, where the grace is longer than it lasts", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const first = yield* signedIn(server)
      // The first token is from a time in which refresh tokens lasted longer.
      const { refreshTokens } = yield* MemoryOAuthServerTables
      for (const [hash, row] of refreshTokens) {
        refreshTokens.set(hash, { ...row, expiresAt: DateTime.addDuration(row.expiresAt, "30 days") })
      }
      const next = tokensOf(yield* refresh(server, first, first.refreshToken))
      yield* TestClock.adjust("9999 millis")
      const again = tokensOf(yield* refresh(server, first, first.refreshToken))
      assert.strictEqual(again.refreshToken, next.refreshToken)
      yield* TestClock.adjust("1 millis")
      assertError(yield* refresh(server, first, first.refreshToken), 400, "invalid_grant", badToken)
      // Late is not twice.
      assert.deepPropertyVal(yield* introspect(server, first, next.accessToken), "active", true)
      assert.deepStrictEqual(yield* revocations, [])
    }).pipe(Effect.provide(layer({ refreshTokenLifetime: Duration.seconds(10), refreshGrace: Duration.seconds(30) }))),
  )

  it.effect("checks scope and resource of a repeated request anew", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const first = yield* signedIn(server)
      yield* refresh(server, first, first.refreshToken)
      assertError(yield* refresh(server, first, first.refreshToken, { scope: "write" }), 400, "invalid_scope")
      assertError(yield* refresh(server, first, first.refreshToken, { resource: api }), 400, "invalid_target")
      const narrow = yield* refresh(server, first, first.refreshToken, { scope: "read" })
      assert.strictEqual(TestHttp.textAt(narrow, "scope"), "read")
    }).pipe(Effect.provide(layer({ refreshGrace: Duration.seconds(30) }))),
  )
})

describe("RFC 8707 §2.2", () => {
  it.effect("MUST narrow one access token to a granted resource, while the refresh token keeps all", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const first = yield* signedIn(server, { resources: [api, otherApi] })
      const one = tokensOf(yield* refresh(server, first, first.refreshToken, { resource: api }))
      assert.strictEqual(claimsOf(one.accessToken)["aud"], api)
      const both = tokensOf(yield* refresh(server, first, one.refreshToken))
      assert.deepStrictEqual(claimsOf(both.accessToken)["aud"], [api, otherApi])
      const foreign = yield* refresh(server, first, both.refreshToken, { resource: "https://unknown.example.com/" })
      assertError(foreign, 400, "invalid_target")
      const nothing = yield* refresh(server, first, both.refreshToken, { resource: api, scope: "openid" })
      assertError(nothing, 400, "invalid_scope", "The resource takes none of these scopes")
    }).pipe(Effect.provide(layer())),
  )
})

describe("OpenID Connect Core §12.2", () => {
  it.effect("MUST keep iss, sub, aud and auth_time of the ID token, with a new iat and no nonce", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const first = yield* signedIn(server, { nonce: "n-0S6" })
      yield* TestClock.adjust("10 minutes")
      const next = tokensOf(yield* refresh(server, first, first.refreshToken))
      const { at_hash: _a, exp: _e, iat, nonce, ...before } = claimsOf(first.idToken)
      const { at_hash: _b, exp: _f, iat: newIat, ...after } = claimsOf(next.idToken)
      assert.deepStrictEqual(after, before)
      assert.deepStrictEqual([iat, newIat, nonce], [0, 600, "n-0S6"])
    }).pipe(Effect.provide(layer())),
  )
})
