/**
 * Attacks on codes and refresh tokens: substitution, downgrade of PKCE, replay, tokens of somebody else, escalation.
 * Over HTTP, against the whole server.
 */
import { MemoryOAuthServerTables } from "@belfry/oauth-server/MemoryOAuthServerTables"
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import {
  agree,
  application,
  codeOf,
  errorOf,
  exchange,
  files,
  isActive,
  layer,
  notes,
  refresh,
  spa,
  start,
  tokensFor,
  userInfo,
} from "./support/Attacker.ts"
import { authorizePath, callback, challenge, queryOf } from "./support/Authorizing.ts"
import { verifier } from "./support/TokenClients.ts"

const invalidGrant = [400, "invalid_grant"] as const

describe("Code substitution", () => {
  it.effect("gets nothing for the code of another client, and does not spend it", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      const evil = yield* application()
      const evilSpa = yield* spa()
      const code = yield* codeOf(browser, app)
      for (const thief of [evil, evilSpa]) {
        // The verifier is known to the thief, too: the client alone is in the way.
        assert.deepStrictEqual(errorOf(yield* exchange(send, thief, code)), invalidGrant)
      }
      assert.strictEqual((yield* exchange(send, app, code)).status, 200)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("gets nothing by one client's proof and another one's id", () =>
    Effect.gen(function* () {
      const { app, browser, post, send } = yield* start
      const evil = yield* application()
      const code = yield* codeOf(browser, app)
      const mixed = yield* exchange(send, evil, code, { client_id: app.id })
      assert.deepStrictEqual(errorOf(mixed), [400, "invalid_request"])
      const form = { grant_type: "authorization_code", code, redirect_uri: callback, code_verifier: verifier }
      // Just as it is done with secrets, when somebody says only who they are.
      assert.deepStrictEqual(errorOf(yield* post("token", { ...form, client_id: app.id })), [401, "invalid_client"])
      const ofEvil = { ...form, client_id: app.id, client_secret: evil.secret }
      assert.deepStrictEqual(errorOf(yield* post("token", ofEvil)), [401, "invalid_client"])
      assert.deepStrictEqual(errorOf(yield* post("token", { ...form, client_id: [app.id, evil.id] })), [
        400,
        "invalid_request",
      ])
      assert.strictEqual((yield* exchange(send, app, code)).status, 200)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("gets nothing in the session of a victim: the code is bound to the verifier of whoever began", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      // A code of the attacker's own account, brought to a victim's browser, whose client has another verifier.
      const code = yield* codeOf(browser, app)
      const victims = "a".repeat(43)
      assert.deepStrictEqual(errorOf(yield* exchange(send, app, code, { code_verifier: victims })), invalidGrant)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("gets nothing at another redirect URI than the one that the code went to", () =>
    Effect.gen(function* () {
      const { browser, send } = yield* start
      const second = "https://client.example.com/second"
      const app = yield* application({ redirectUris: [callback, second] })
      for (const redirect_uri of [second, `${callback}/`, callback.toUpperCase(), undefined]) {
        const code = yield* codeOf(browser, app)
        assert.deepStrictEqual(errorOf(yield* exchange(send, app, code, { redirect_uri })), invalidGrant)
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("gets nothing once the code is over, at the exact instant", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      const [late, just] = [yield* codeOf(browser, app), yield* codeOf(browser, app)]
      yield* TestClock.adjust(59_999)
      assert.strictEqual((yield* exchange(send, app, just)).status, 200)
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(errorOf(yield* exchange(send, app, late)), invalidGrant)
    }).pipe(Effect.provide(layer())),
  )
})

describe("PKCE downgrade", () => {
  it.effect("does not get around the challenge by leaving it out, by plain, or by another method", () =>
    Effect.gen(function* () {
      const { app, browser } = yield* start
      const downgrades = [
        { code_challenge: null },
        { code_challenge: null, code_challenge_method: null },
        { code_challenge_method: "plain" },
        { code_challenge: verifier, code_challenge_method: "plain" },
        // RFC 7636 §4.3: without a method it would be plain.
        { code_challenge_method: null },
        { code_challenge: verifier, code_challenge_method: null },
        { code_challenge_method: "s256" },
        { code_challenge_method: "S512" },
        { code_challenge_method: "" },
        { code_challenge: "" },
        { code_challenge: "a" },
        { code_challenge: `${challenge}=` },
        { code_challenge: [challenge, challenge] },
        { code_challenge_method: ["S256", "plain"] },
      ]
      for (const client of [app, yield* spa()]) {
        for (const asked of downgrades) {
          assert.strictEqual((yield* agree(browser, client, asked))["error"], "invalid_request", JSON.stringify(asked))
        }
        assert.property(yield* agree(browser, client), "code")
      }
    }).pipe(Effect.provide(layer())),
  )

  describe("RFC 9700 §4.8.2", () => {
    it.effect("MUST give nothing for a code with a challenge and no verifier, or the challenge in its place", () =>
      Effect.gen(function* () {
        const { app, browser, send } = yield* start
        for (const client of [app, yield* spa()]) {
          for (const code_verifier of [
            undefined,
            "",
            challenge,
            verifier.slice(1),
            `${verifier}x`,
            verifier.toLowerCase(),
          ]) {
            const code = yield* codeOf(browser, client)
            assert.deepStrictEqual(errorOf(yield* exchange(send, client, code, { code_verifier })), invalidGrant)
          }
          const code = yield* codeOf(browser, client)
          const twice = yield* exchange(send, client, code, { code_verifier: [verifier, verifier] })
          assert.deepStrictEqual(errorOf(twice), [400, "invalid_request"])
        }
      }).pipe(Effect.provide(layer())),
    )
  })

  it.effect("gets nothing the other way round: a verifier for a code without a challenge", () =>
    Effect.gen(function* () {
      const { browser, send } = yield* start
      // Exempted by the host; an attacker who stripped the challenge off a victim's request is found out all the same.
      const app = yield* application({}, { privileges: { requirePkce: false } })
      const asked = { code_challenge: null, code_challenge_method: null, scope: "openid", nonce: "n" }
      const code = yield* codeOf(browser, app, asked)
      assert.deepStrictEqual(errorOf(yield* exchange(send, app, code)), invalidGrant)
      const honest = yield* codeOf(browser, app, asked)
      assert.strictEqual((yield* exchange(send, app, honest, { code_verifier: undefined })).status, 200)
      // And no exemption without a nonce, nor for a client that keeps no secret.
      const bare = { ...asked, nonce: null }
      assert.strictEqual((yield* agree(browser, app, bare))["error"], "invalid_request")
      const exempted = yield* application({ tokenEndpointAuthMethod: "none" }, { privileges: { requirePkce: false } })
      assert.strictEqual((yield* agree(browser, exempted, asked))["error"], "invalid_request")
    }).pipe(Effect.provide(layer())),
  )
})

describe("Code replay", () => {
  it.effect("revokes what the code was exchanged for, and nothing else", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      const first = yield* tokensFor(send, browser, app)
      const other = yield* tokensFor(send, browser, app)
      const jwt = yield* tokensFor(send, browser, app, { resource: notes, scope: "openid offline_access notes:read" })
      assert.deepStrictEqual(errorOf(yield* exchange(send, app, first.code)), invalidGrant)
      assert.deepStrictEqual(errorOf(yield* exchange(send, app, jwt.code)), invalidGrant)
      for (const token of [first.accessToken, first.refreshToken, jwt.accessToken, jwt.refreshToken]) {
        assert.isFalse(yield* isActive(send, app, token))
      }
      assert.deepStrictEqual(errorOf(yield* userInfo(send, first.accessToken)), [401, "invalid_token"])
      assert.deepStrictEqual(errorOf(yield* refresh(send, app, first.refreshToken)), invalidGrant)
      assert.isTrue(yield* isActive(send, app, other.accessToken))
      assert.strictEqual((yield* refresh(send, app, other.refreshToken)).status, 200)
    }).pipe(Effect.provide(layer())),
  )

  describe("RFC 6749 §4.1.2", () => {
    it.effect("MUST NOT revoke anything unless its own client proved itself: who saw a code ends nobody's grant", () =>
      Effect.gen(function* () {
        const { app, browser, post, send } = yield* start
        const tokens = yield* tokensFor(send, browser, app)
        const evil = yield* application()
        for (const thief of [evil, yield* spa()]) {
          assert.deepStrictEqual(errorOf(yield* exchange(send, thief, tokens.code)), invalidGrant)
        }
        const form = { grant_type: "authorization_code", code: tokens.code, redirect_uri: callback }
        for (const claimed of [{}, { client_secret: evil.secret }, { client_secret: "" }]) {
          const answer = yield* post("token", { ...form, code_verifier: verifier, client_id: app.id, ...claimed })
          assert.deepStrictEqual(errorOf(answer), [401, "invalid_client"])
        }
        assert.isTrue(yield* isActive(send, app, tokens.accessToken))
        assert.strictEqual((yield* refresh(send, app, tokens.refreshToken)).status, 200)
        // The very same form, by the client itself.
        assert.deepStrictEqual(errorOf(yield* exchange(send, app, tokens.code)), invalidGrant)
        assert.isFalse(yield* isActive(send, app, tokens.accessToken))
      }).pipe(Effect.provide(layer())),
    )
  })

  it.effect("gets one answer when it comes twice at once", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      const code = yield* codeOf(browser, app)
      const once = exchange(send, app, code)
      const answers = yield* Effect.all([once, once, once, once], { concurrency: "unbounded" })
      assert.isAtMost(answers.filter(({ status }) => status === 200).length, 1)
    }).pipe(Effect.provide(layer())),
  )
})

describe("Reuse of refresh tokens", () => {
  it.effect("ends the grant, for the thief and the robbed alike, and no other grant", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      for (const client of [app, yield* spa()]) {
        const stolen = yield* tokensFor(send, browser, client)
        const other = yield* tokensFor(send, browser, client)
        const rotated = yield* refresh(send, client, stolen.refreshToken)
        assert.strictEqual(rotated.status, 200)
        const next = TestHttp.textAt(rotated, "refresh_token")
        assert.notStrictEqual(next, stolen.refreshToken)
        assert.deepStrictEqual(errorOf(yield* refresh(send, client, stolen.refreshToken)), invalidGrant)
        assert.deepStrictEqual(errorOf(yield* refresh(send, client, next)), invalidGrant)
        const tokens = [stolen.accessToken, TestHttp.textAt(rotated, "access_token")]
        for (const token of tokens) assert.strictEqual((yield* userInfo(send, token)).status, 401)
        assert.strictEqual((yield* userInfo(send, other.accessToken)).status, 200)
        assert.strictEqual((yield* refresh(send, client, other.refreshToken)).status, 200)
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("by another client gets nothing and ends nothing", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      const tokens = yield* tokensFor(send, browser, app)
      for (const thief of [yield* application(), yield* spa()]) {
        assert.deepStrictEqual(errorOf(yield* refresh(send, thief, tokens.refreshToken)), invalidGrant)
      }
      const rotated = yield* refresh(send, app, tokens.refreshToken)
      assert.strictEqual(rotated.status, 200)
      // A token that was used up tells a thief without the client's proof nothing, and does not end the grant either.
      assert.deepStrictEqual(errorOf(yield* refresh(send, yield* application(), tokens.refreshToken)), invalidGrant)
      assert.strictEqual((yield* refresh(send, app, TestHttp.textAt(rotated, "refresh_token"))).status, 200)
    }).pipe(Effect.provide(layer())),
  )
})

describe("Tokens of another client", () => {
  it.effect("are not revoked by it, and not told to it, whatever their kind", () =>
    Effect.gen(function* () {
      const { app, browser, post, send } = yield* start
      const evil = yield* application()
      const jwt = yield* tokensFor(send, browser, app, { resource: notes, scope: "openid offline_access notes:read" })
      const opaque = yield* tokensFor(send, browser, app)
      const all = [jwt, opaque].flatMap(({ accessToken, refreshToken }) => [accessToken, refreshToken])
      const unknown = yield* post("revoke", { token: "unknown" }, evil.headers)
      for (const token of all) {
        for (const token_type_hint of [undefined, "access_token", "refresh_token", "id_token"]) {
          const revoked = yield* post("revoke", { token, token_type_hint }, evil.headers)
          assert.deepStrictEqual([revoked.status, revoked.text], [unknown.status, unknown.text])
        }
        assert.isFalse(yield* isActive(send, evil, token))
      }
      for (const token of all) assert.isTrue(yield* isActive(send, app, token))
      const publicOne = yield* spa()
      for (const token of all) yield* post("revoke", { token, ...publicOne.fields })
      for (const token of all) assert.isTrue(yield* isActive(send, app, token))
      // Introspection is for clients that prove themselves.
      const asked = yield* post("introspect", { token: opaque.accessToken, ...publicOne.fields })
      assert.deepStrictEqual(errorOf(asked), [401, "invalid_client"])
      assert.deepStrictEqual(errorOf(yield* post("introspect", { token: opaque.accessToken })), [401, "invalid_client"])
    }).pipe(Effect.provide(layer())),
  )
})

const grantsOf = Effect.map(MemoryOAuthServerTables, ({ grants }) => grants.size)

describe("Escalation", () => {
  it.effect("of scopes gets nothing beyond the registration, the request, and what the person gave", () =>
    Effect.gen(function* () {
      const { browser, post, send } = yield* start
      const app = yield* application({ scopes: ["openid", "offline_access", "notes:read"] })
      for (const scope of ["openid notes:write", "openid admin", "openid oauth:admin", "openid profile"]) {
        assert.strictEqual((yield* agree(browser, app, { scope }))["error"], "invalid_scope")
      }
      const { request = "" } = queryOf(yield* browser.go(authorizePath(app.client, { scope: "openid" })))
      const widened = { request, accept: true, scopes: ["openid", "notes:read"] }
      assert.strictEqual((yield* browser.fetch("/auth/oauth2/consent", widened)).status, 400)
      const asked = { scope: "openid offline_access" }
      const code = yield* codeOf(browser, app, asked)
      // At the exchange there is nothing to ask for.
      const exchanged = yield* exchange(send, app, code, { scope: "openid offline_access notes:read" })
      assert.notInclude(String(TestHttp.at(exchanged.json, "scope")), "notes:read")
      const tokens = yield* tokensFor(send, browser, app, asked)
      for (const scope of [
        "openid notes:read",
        "notes:read",
        "openid offline_access notes:write",
        '"',
        "openid\u0000",
      ]) {
        const refused = yield* refresh(send, app, tokens.refreshToken, { scope })
        assert.deepStrictEqual(errorOf(refused), [400, "invalid_scope"], scope)
      }
      const narrowed = yield* refresh(send, app, tokens.refreshToken, { scope: "openid" })
      assert.strictEqual(TestHttp.textAt(narrowed, "scope"), "openid")
      // Narrowed for once: the grant has what it had, and no more.
      const whole = yield* refresh(send, app, TestHttp.textAt(narrowed, "refresh_token"))
      assert.sameMembers(TestHttp.textAt(whole, "scope").split(" "), ["openid", "offline_access"])
      const own = yield* application({ grantTypes: ["client_credentials"], redirectUris: [], scopes: ["notes:read"] })
      for (const scope of ["notes:write", "notes:read notes:write", "openid", "offline_access"]) {
        const refused = yield* post("token", { grant_type: "client_credentials", scope }, own.headers)
        assert.deepStrictEqual(errorOf(refused), [400, "invalid_scope"], scope)
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("of resources gets no token for an API that was not asked for, or that is not the client's", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      const asked = { resource: notes, scope: "openid offline_access notes:read" }
      const code = yield* codeOf(browser, app, asked)
      for (const resource of [files, `${notes}/`, "https://unknown.example/", [notes, files]]) {
        assert.deepStrictEqual(errorOf(yield* exchange(send, app, code, { resource })), [400, "invalid_target"])
      }
      const exchanged = yield* exchange(send, app, code, { resource: notes })
      const token = TestHttp.textAt(exchanged, "refresh_token")
      for (const resource of [files, `${notes}#x`, "urn:x", [notes, files]]) {
        assert.deepStrictEqual(errorOf(yield* refresh(send, app, token, { resource })), [400, "invalid_target"])
      }
      assert.strictEqual((yield* refresh(send, app, token, { resource: notes })).status, 200)
      const bound = yield* application({}, { privileges: { resources: [notes] } })
      const refused = yield* agree(browser, bound, { resource: files, scope: "openid" })
      assert.strictEqual(refused["error"], "invalid_target")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("by a grant type that the client is not registered for gets nothing", () =>
    Effect.gen(function* () {
      const { browser, post, send } = yield* start
      const machine = yield* application({
        grantTypes: ["client_credentials"],
        redirectUris: [],
        scopes: ["notes:read"],
      })
      const before = yield* grantsOf
      const asked = { redirect_uri: callback, scope: "notes:read" }
      const response = yield* browser.go(authorizePath(machine.client, asked))
      assert.strictEqual(queryOf(response)["error"], "invalid_redirect_uri")
      assert.strictEqual(yield* grantsOf, before)
      const app = yield* application()
      const tried = yield* post("token", { grant_type: "client_credentials" }, app.headers)
      assert.deepStrictEqual(errorOf(tried), [400, "unauthorized_client"])
      const online = yield* application({ grantTypes: ["authorization_code"] })
      const tokens = yield* tokensFor(send, browser, online)
      assert.strictEqual(tokens.refreshToken, "")
      const password = { grant_type: "password", username: "a", password: "b" }
      assert.deepStrictEqual(errorOf(yield* post("token", password, app.headers)), [400, "unsupported_grant_type"])
    }).pipe(Effect.provide(layer())),
  )
})
