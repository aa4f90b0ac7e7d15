/**
 * Codes for tokens: what binds a code, and what a second use does.
 */
import { Audit } from "@belfry/core/Audit"
import * as OpaqueToken from "@belfry/core/OpaqueToken"
import { StoreError } from "@belfry/core/StoreError"
import { prefixes } from "@belfry/oauth-server/Grant"
import { GrantStore } from "@belfry/oauth-server/GrantStore"
import { SessionStore } from "@belfry/core/SessionStore"
import { MemoryOAuthServerTables } from "@belfry/oauth-server/MemoryOAuthServerTables"
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Option, Redacted } from "effect"
import { TestClock } from "effect/testing"
import {
  api,
  assertError,
  claimsOf,
  codeForm,
  grantTo,
  introspect,
  issuer,
  layer,
  otherApi,
  publicClient,
  serve,
  signedIn,
  storedClient,
  textOrEmpty,
  tokensOf,
} from "./support/TokenClients.ts"

const away = Effect.fail(
  new StoreError({ store: "HostStore", method: "tenantOf", isRetryable: true, cause: new Error("away") }),
)

const badCode = "The code is unknown, over, or not for this client"

describe("RFC 6749 §4.1.3", () => {
  it.effect("MUST give tokens for a code", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const { response, idToken, user, client, sessionId } = yield* signedIn(server, { nonce: "n-0S6", acr: "aal1" })
      const { access_token: accessToken, refresh_token: refreshToken, id_token: _, ...others } = Object(response.json)
      assert.match(accessToken, /^belfry_access_[A-Za-z0-9]{43}$/u)
      assert.match(refreshToken, /^belfry_refresh_[A-Za-z0-9]{43}$/u)
      assert.deepStrictEqual(others, {
        token_type: "Bearer",
        expires_in: 3600,
        expires_at: 3600,
        scope: "openid profile email offline_access read",
      })
      const { at_hash: atHash, ...claims } = claimsOf(idToken)
      assert.isString(atHash)
      assert.deepStrictEqual(claims, {
        iss: issuer,
        sub: user.id,
        aud: client.id,
        exp: 36_000,
        iat: 0,
        auth_time: 0,
        acr: "aal1",
        amr: ["pwd"],
        sid: sessionId,
        nonce: "n-0S6",
      })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("MUST refuse a code that is unknown, malformed or missing", () =>
    Effect.gen(function* () {
      const { post } = yield* serve
      const client = yield* storedClient()
      const grant = yield* grantTo(client)
      const unknown = yield* OpaqueToken.generate(prefixes.code)
      const asked = (code: string | undefined) => post("token", codeForm(grant, { code }), client.headers)
      assertError(yield* asked(Redacted.value(unknown)), 400, "invalid_grant", badCode)
      assertError(yield* asked("x"), 400, "invalid_grant", badCode)
      assertError(
        yield* asked(`${grant.code.slice(0, -1)}${grant.code.endsWith("A") ? "B" : "A"}`),
        400,
        "invalid_grant",
        badCode,
      )
      assertError(yield* asked(undefined), 400, "invalid_request", "code is missing")
      assertError(yield* asked(""), 400, "invalid_request", "code is missing")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("MUST refuse a code that was issued to another client, which keeps it", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const { post } = server
      const owner = yield* storedClient()
      const thief = yield* storedClient()
      const grant = yield* grantTo(owner)
      assertError(yield* post("token", codeForm(grant), thief.headers), 400, "invalid_grant", badCode)
      const tokens = tokensOf(yield* post("token", codeForm(grant), owner.headers))
      // Another client cannot end the grant by a code that was redeemed, either.
      assertError(yield* post("token", codeForm(grant), thief.headers), 400, "invalid_grant", badCode)
      assert.deepPropertyVal(yield* introspect(server, owner, tokens.accessToken), "active", true)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("MUST NOT burn a code for a caller that is not its client, or proves nothing", () =>
    Effect.gen(function* () {
      const { post } = yield* serve
      const client = yield* storedClient()
      const grant = yield* grantTo(client)
      const attempts = [
        post("token", codeForm(grant)),
        post("token", codeForm(grant, { client_id: client.client.id })),
        post("token", codeForm(grant, { client_id: client.client.id, client_secret: "guessed" })),
        post("token", codeForm(grant), { authorization: "Basic !" }),
        post("token", codeForm(grant, { client_id: "nobody" })),
      ]
      for (const attempt of attempts) assertError(yield* attempt, 401, "invalid_client")
      assert.strictEqual((yield* post("token", codeForm(grant), client.headers)).status, 200)
      // Nor does a caller who proves nothing end what was given for it.
      for (const attempt of attempts) assertError(yield* attempt, 401, "invalid_client")
      assert.deepStrictEqual(
        yield* Audit.use((audit) => audit.list()).pipe(
          Effect.map((all) => all.filter(({ type }) => type === "oauth-grant.revoked")),
        ),
        [],
      )
    }).pipe(Effect.provide(layer())),
  )

  it.effect("MUST compare the redirect URI with that of the authorization request", () =>
    Effect.gen(function* () {
      const { post } = yield* serve
      const client = yield* storedClient()
      const given = yield* grantTo(client)
      const message = "redirect_uri is not that of the authorization request"
      const wrong = [
        "https://client.example.com/callback/",
        "https://client.example.com/",
        "https://evil.example.com/callback",
      ]
      for (const uri of [...wrong, undefined]) {
        const response = yield* post("token", codeForm(given, { redirect_uri: uri }), client.headers)
        assertError(response, 400, "invalid_grant", message)
      }
      assert.strictEqual((yield* post("token", codeForm(given), client.headers)).status, 200)
      // Left out before, it may be left out now, and counts where it is sent.
      const left = yield* grantTo(client, { isRedirectUriGiven: false })
      const other = yield* post("token", codeForm(left, { redirect_uri: wrong[0] }), client.headers)
      assertError(other, 400, "invalid_grant", message)
      assert.strictEqual(
        (yield* post("token", codeForm(left, { redirect_uri: undefined }), client.headers)).status,
        200,
      )
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 6749 §5.1", () => {
  it.effect("MUST let nobody on the way keep the answer", () =>
    Effect.gen(function* () {
      const { response } = yield* signedIn(yield* serve)
      assert.strictEqual(response.headers.get("content-type"), "application/json")
      assert.strictEqual(response.headers.get("cache-control"), "no-store")
      assert.strictEqual(response.headers.get("pragma"), "no-cache")
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 6749 §10.10", () => {
  it.effect("MUST make tokens that cannot be guessed, and keeps none of them as it is", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const first = yield* signedIn(server)
      const next = yield* signedIn(server, {}, first)
      const secrets = [first, next].flatMap((each) => [each.code, each.accessToken, each.refreshToken])
      const texts = [...secrets, first.secret]
      // 37 characters of 62 are 220 bits; the last 6 are a checksum.
      for (const secret of secrets) assert.match(secret, /^belfry_(?:code|access|refresh)_[A-Za-z0-9]{43}$/u)
      assert.strictEqual(new Set(secrets.map((secret) => secret.slice(-43, -6))).size, secrets.length)
      const { accessTokens, clients, grants, refreshTokens } = yield* MemoryOAuthServerTables
      const kept = JSON.stringify([...accessTokens, ...clients, ...grants, ...refreshTokens])
      for (const text of texts) assert.notInclude(kept, text)
      assert.include(kept, first.client.id)
    }).pipe(Effect.provide(layer({ refreshGrace: Duration.seconds(30) }))),
  )
})

describe("RFC 6749 §4.1.2", () => {
  it.effect("MUST take a code once, and SHOULD revoke what it gave when it comes again", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const first = yield* signedIn(server)
      const elsewhere = yield* signedIn(server, {}, first)
      assertError(yield* server.post("token", codeForm(first), first.headers), 400, "invalid_grant", badCode)
      for (const token of [first.accessToken, first.refreshToken]) {
        assert.deepStrictEqual(yield* introspect(server, first, token), { active: false })
      }
      const refreshed = yield* server.post(
        "token",
        { grant_type: "refresh_token", refresh_token: first.refreshToken },
        first.headers,
      )
      assertError(refreshed, 400, "invalid_grant")
      // The other device of the same user and client goes on.
      for (const token of [elsewhere.accessToken, elsewhere.refreshToken]) {
        assert.deepPropertyVal(yield* introspect(server, first, token), "active", true)
      }
      const events = yield* Audit.use((audit) => audit.list())
      const revoked = events.filter(({ type }) => type === "oauth-grant.revoked")
      assert.deepStrictEqual(
        revoked.map(({ data, outcome, reason, userId }) => ({ data, outcome, reason, userId })),
        [
          {
            data: { clientId: first.client.id, grantId: first.grant.id },
            outcome: "failure",
            reason: "code-reused",
            userId: first.user.id,
          },
        ],
      )
    }).pipe(Effect.provide(layer())),
  )

  it.effect("ends the grant by a second use whatever else is wrong with it", () =>
    Effect.gen(function* () {
      const server = yield* serve
      for (const changes of [{ code_verifier: "a".repeat(43) }, { redirect_uri: "https://evil.example.com/" }]) {
        const first = yield* signedIn(server)
        assertError(yield* server.post("token", codeForm(first, changes), first.headers), 400, "invalid_grant", badCode)
        assert.deepStrictEqual(yield* introspect(server, first, first.accessToken), { active: false })
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("MUST NOT take a code that is over, to the millisecond", () =>
    Effect.gen(function* () {
      const { post } = yield* serve
      const client = yield* storedClient()
      const expiresAt = DateTime.makeUnsafe(3_600_000)
      const early = yield* grantTo(client, { expiresAt })
      const late = yield* grantTo(client, { expiresAt })
      yield* TestClock.adjust("59999 millis")
      assert.strictEqual((yield* post("token", codeForm(early), client.headers)).status, 200)
      yield* TestClock.adjust("1 millis")
      assertError(yield* post("token", codeForm(late), client.headers), 400, "invalid_grant", badCode)
      // Late is not twice.
      const events = yield* Audit.use((audit) => audit.list())
      assert.isFalse(events.some(({ type }) => type === "oauth-grant.revoked"))
    }).pipe(Effect.provide(layer())),
  )

  it.effect("gives nothing once the grant is revoked, or the session it stands on is over", () =>
    Effect.gen(function* () {
      const { post } = yield* serve
      const client = yield* storedClient()
      const revoked = yield* grantTo(client)
      yield* GrantStore.use((grants) => grants.revoke(revoked.grant.id, DateTime.makeUnsafe(0)))
      assertError(yield* post("token", codeForm(revoked), client.headers), 400, "invalid_grant", badCode)
      const ended = yield* grantTo(client, { isOffline: false, scopes: ["openid"] })
      if (ended.sessionId === null) return assert.fail("a session")
      const { sessionId } = ended
      yield* SessionStore.use((sessions) => sessions.remove(ended.user.id, sessionId))
      assertError(yield* post("token", codeForm(ended), client.headers), 400, "invalid_grant", badCode)
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 7636 §4.6", () => {
  it.effect("MUST refuse a wrong verifier, and keeps the code for the right one", () =>
    Effect.gen(function* () {
      const { post } = yield* serve
      const client = yield* publicClient()
      const grant = yield* grantTo(client)
      const by = (verifier: string | undefined) =>
        post("token", codeForm(grant, { client_id: client.client.id, code_verifier: verifier }))
      const wrong = [
        "a".repeat(43),
        "short",
        `${"é".repeat(43)}`,
        "a".repeat(129),
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
      ]
      for (const verifier of wrong) assertError(yield* by(verifier), 400, "invalid_grant", "invalid code_verifier")
      for (const verifier of [undefined, ""]) {
        const message = "code_verifier required because PKCE was used in authorization"
        assertError(yield* by(verifier), 400, "invalid_grant", message)
      }
      assert.strictEqual((yield* by("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")).status, 200)
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 9700 §4.8.2", () => {
  it.effect("MUST refuse a verifier where there was no challenge", () =>
    Effect.gen(function* () {
      const { post } = yield* serve
      const client = yield* storedClient({ privileges: { requirePkce: false } })
      const grant = yield* grantTo(client, { codeChallenge: null })
      const message = "code_verifier provided but PKCE was not used in authorization"
      assertError(yield* post("token", codeForm(grant), client.headers), 400, "invalid_grant", message)
      assert.strictEqual(
        (yield* post("token", codeForm(grant, { code_verifier: undefined }), client.headers)).status,
        200,
      )
    }).pipe(Effect.provide(layer())),
  )

  it.effect("MUST NOT give a public client tokens for a code without a challenge", () =>
    Effect.gen(function* () {
      const { post } = yield* serve
      const client = yield* publicClient()
      const grant = yield* grantTo(client, { codeChallenge: null })
      for (const code_verifier of [undefined, "a".repeat(43)]) {
        const form = codeForm(grant, { client_id: client.client.id, code_verifier })
        assertError(yield* post("token", form), 400, "invalid_grant")
      }
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 8707 §2.2", () => {
  it.effect("MUST give a JWT for the resource that was granted, with the scopes that it takes", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const client = yield* storedClient()
      const grant = yield* grantTo(client, { resources: [api, otherApi] })
      const response = yield* server.post("token", codeForm(grant, { resource: api }), client.headers)
      assert.strictEqual(TestHttp.textAt(response, "scope"), "read")
      const { exp: _exp, iat: _iat, jti, ...claims } = claimsOf(tokensOf(response).accessToken)
      assert.isString(jti)
      assert.deepStrictEqual(claims, {
        iss: issuer,
        sub: grant.user.id,
        aud: api,
        client_id: client.client.id,
        scope: "read",
        sid: grant.sessionId,
        auth_time: 0,
        amr: ["pwd"],
        grant_id: grant.grant.id,
      })
      // Who is told of the user is the client, whatever the access token is for.
      assert.notStrictEqual(textOrEmpty(response, "id_token"), "")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("takes all resources of the grant when none is named", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const { accessToken } = yield* signedIn(server, { resources: [api, otherApi] })
      assert.deepStrictEqual(claimsOf(accessToken)["aud"], [api, otherApi])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("MUST refuse a resource that was not granted, is unknown, disabled, malformed or not the client's", () =>
    Effect.gen(function* () {
      const { post } = yield* serve
      const client = yield* storedClient({ privileges: { resources: [api] } })
      const grant = yield* grantTo(client, { resources: [api] })
      const none = yield* grantTo(client)
      const message = "A resource is unknown or not allowed"
      const targets = [
        otherApi,
        "https://unknown.example.com/",
        "https://disabled.example.com/",
        "not a URI",
        `${api}#fragment`,
        `${api}/\u0000`,
        [api, otherApi],
        Array.from({ length: 11 }, (_, index) => `${api}/${index}`),
      ]
      for (const resource of targets) {
        assertError(yield* post("token", codeForm(grant, { resource }), client.headers), 400, "invalid_target", message)
      }
      assertError(
        yield* post("token", codeForm(none, { resource: api }), client.headers),
        400,
        "invalid_target",
        message,
      )
      assert.strictEqual((yield* post("token", codeForm(grant, { resource: api }), client.headers)).status, 200)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("refuses a grant whose resource is gone", () =>
    Effect.gen(function* () {
      const { post } = yield* serve
      const client = yield* storedClient()
      const grant = yield* grantTo(client, { resources: ["https://gone.example.com/"] })
      assertError(yield* post("token", codeForm(grant), client.headers), 400, "invalid_target")
    }).pipe(Effect.provide(layer())),
  )
})

describe("refresh tokens", () => {
  it.effect("come with offline_access alone, and for clients that may use them", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const online = yield* signedIn(server, { isOffline: false, scopes: ["openid"] })
      assert.strictEqual(online.refreshToken, "")
      const unregistered = yield* storedClient({ metadata: { grantTypes: ["authorization_code"] } })
      assert.strictEqual((yield* signedIn(server, {}, unregistered)).refreshToken, "")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("are not there where the grant type is off", () =>
    Effect.gen(function* () {
      const server = yield* serve
      assert.strictEqual((yield* signedIn(server)).refreshToken, "")
    }).pipe(Effect.provide(layer({ grantTypes: ["authorization_code"] }))),
  )
})

describe("hooks", () => {
  it.effect("add members to the answer, and never take the place of the protocol's", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const { response } = yield* signedIn(server)
      assert.strictEqual(TestHttp.at(response.json, "tenant"), "authorization_code")
      assert.strictEqual(TestHttp.at(response.json, "token_type"), "Bearer")
      assert.isUndefined(TestHttp.at(response.json, "error"))
    }).pipe(
      Effect.provide(
        layer(
          {},
          {
            tokenResponseFields: ({ grantType }) =>
              Effect.succeed({ tenant: grantType, token_type: "mac", error: "none", access_token: "x" }),
          },
        ),
      ),
    ),
  )

  it.effect("that fail leave the code as it was", () =>
    Effect.gen(function* () {
      const { post } = yield* serve
      const client = yield* storedClient()
      const grant = yield* grantTo(client)
      const failed = yield* post("token", codeForm(grant), client.headers)
      assertError(failed, 503, "temporarily_unavailable")
      assert.strictEqual(failed.headers.get("retry-after"), "1")
      const found = yield* GrantStore.use((grants) => grants.findByUser(grant.user.id, grant.grant.id))
      assert.isTrue(Option.isSome(found) && found.value.revokedAt === null)
    }).pipe(Effect.provide(layer({}, { tokenResponseFields: () => away }))),
  )
})
