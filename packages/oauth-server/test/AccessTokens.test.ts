/**
 * Introspection, revocation and UserInfo: what a token is worth, to whom.
 */
import { Audit } from "@belfry/core/Audit"
import { KeyRing } from "@belfry/core/KeyRing"
import * as OpaqueToken from "@belfry/core/OpaqueToken"
import { SessionStore } from "@belfry/core/SessionStore"
import { UserStore } from "@belfry/core/UserStore"
import { AccessTokens } from "@belfry/oauth-server/AccessTokens"
import { ClientStore } from "@belfry/oauth-server/ClientStore"
import { prefixes } from "@belfry/oauth-server/Grant"
import { GrantStore } from "@belfry/oauth-server/GrantStore"
import { MemoryOAuthServerTables } from "@belfry/oauth-server/MemoryOAuthServerTables"
import { ResourceStore } from "@belfry/oauth-server/ResourceStore"
import { SigningKeys } from "@belfry/oauth-server/SigningKeys"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { AuditAway, layerAuditAway } from "./support/Management.ts"
import {
  assertError,
  basic,
  claimsOf,
  introspect,
  issuer,
  layer,
  otherApi,
  publicClient,
  type Server,
  serve,
  signedIn,
  storedClient,
  type TestClient,
  tokensOf,
} from "./support/TokenClients.ts"

const inactive = { active: false }

const revoke = (
  { post }: Server,
  { headers }: TestClient,
  token: string,
  fields: Readonly<Record<string, string>> = {},
) => post("revoke", { token, ...fields }, headers)

const userInfo = ({ send }: Server, token: string) =>
  send("/auth/oauth2/userinfo", { headers: { authorization: `Bearer ${token}` } })

/** A client with a JWT for the first API and an opaque token, of grants of its own. */
const withBoth = Effect.fnUntraced(function* (server: Server) {
  const opaque = yield* signedIn(server, { acr: "aal1" })
  const jwt = yield* signedIn(server, { acr: "aal1", resources: [otherApi] }, opaque)
  return { client: opaque, opaque, jwt }
})

describe("RFC 7662 §2.2", () => {
  it.effect("MUST tell the client of its access token, opaque or JWT, and of its refresh token", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const { client, jwt, opaque } = yield* withBoth(server)
      const common = (tokens: typeof opaque) => ({
        active: true,
        iss: issuer,
        sub: tokens.user.id,
        client_id: client.client.id,
        iat: 0,
        auth_time: 0,
        acr: "aal1",
        amr: ["pwd"],
        sid: tokens.sessionId,
        scope: "openid profile email offline_access read",
      })
      assert.deepStrictEqual(yield* introspect(server, client, opaque.accessToken), {
        ...common(opaque),
        aud: issuer,
        exp: 3600,
        token_type: "Bearer",
        username: opaque.user.email,
      })
      assert.deepStrictEqual(yield* introspect(server, client, jwt.accessToken), {
        ...common(jwt),
        aud: [otherApi, issuer],
        exp: 3600,
        token_type: "Bearer",
        jti: claimsOf(jwt.accessToken)["jti"],
        username: jwt.user.email,
      })
      assert.deepStrictEqual(yield* introspect(server, client, opaque.refreshToken), {
        ...common(opaque),
        exp: 30 * 86_400,
      })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("MUST answer nothing but active: false for what is unknown, malformed, over or not the caller's", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const { client, jwt, opaque } = yield* withBoth(server)
      const stranger = yield* storedClient()
      const tokens = [opaque.accessToken, opaque.refreshToken, jwt.accessToken, jwt.refreshToken]
      for (const token of tokens) assert.deepStrictEqual(yield* introspect(server, stranger, token), inactive)
      const altered = (token: string) => `${token.slice(0, -5)}AAAAA`
      const unknown = [...tokens.map(altered), "x", opaque.code, opaque.idToken, client.secret, `${"e".repeat(30_000)}`]
      for (const token of unknown) assert.deepStrictEqual(yield* introspect(server, client, token), inactive, token)
      yield* TestClock.adjust("3599999 millis")
      assert.deepPropertyVal(yield* introspect(server, client, jwt.accessToken), "active", true)
      assert.deepPropertyVal(yield* introspect(server, client, opaque.accessToken), "active", true)
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* introspect(server, client, jwt.accessToken), inactive)
      assert.deepStrictEqual(yield* introspect(server, client, opaque.accessToken), inactive)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("SHOULD tell a resource server of tokens meant for it, and of no other", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const { jwt, opaque } = yield* withBoth(server)
      const other = yield* storedClient()
      const onFile = "https://on-file.example.com/"
      yield* ResourceStore.use((store) =>
        store.insert(OAuthBuilders.resource(onFile, { introspectionClientId: other.client.id })),
      )
      const forIt = yield* signedIn(server, { resources: [onFile] }, opaque)
      assert.deepPropertyVal(yield* introspect(server, other, forIt.accessToken), "active", true)
      assert.deepPropertyVal(yield* introspect(server, other, forIt.accessToken), "sub", forIt.user.id)
      for (const token of [jwt.accessToken, opaque.accessToken, forIt.refreshToken]) {
        assert.deepStrictEqual(yield* introspect(server, other, token), inactive)
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("tells a resource server of opaque tokens meant for it, where there are no JWTs", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const other = yield* storedClient()
      const onFile = "https://on-file.example.com/"
      yield* ResourceStore.use((store) =>
        store.insert(OAuthBuilders.resource(onFile, { introspectionClientId: other.client.id })),
      )
      const tokens = yield* signedIn(server, { resources: [onFile] })
      assert.match(tokens.accessToken, /^belfry_access_/u)
      assert.deepPropertyVal(yield* introspect(server, other, tokens.accessToken), "aud", [onFile, issuer])
      assert.deepStrictEqual(yield* introspect(server, other, tokens.refreshToken), inactive)
    }).pipe(Effect.provide(layer({ disableJwt: true }))),
  )

  it.effect("tells nothing of a grant that was revoked, a user who is gone or a client that is disabled", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const { client, jwt, opaque } = yield* withBoth(server)
      const now = yield* DateTime.now
      const all = [jwt.accessToken, jwt.refreshToken]
      yield* GrantStore.use((grants) => grants.revoke(jwt.grant.id, now))
      for (const token of all) assert.deepStrictEqual(yield* introspect(server, client, token), inactive)
      assertError(yield* userInfo(server, jwt.accessToken), 401, "invalid_token")
      yield* UserStore.use((users) => users.remove(opaque.user.id))
      for (const token of [opaque.accessToken, opaque.refreshToken]) {
        assert.deepStrictEqual(yield* introspect(server, client, token), inactive)
      }
      const next = yield* signedIn(server, { resources: [otherApi] })
      yield* ClientStore.use((clients) => clients.update(next.client, { ...next.client, isDisabled: true }))
      const verified = yield* AccessTokens.use((tokens) => Effect.flip(tokens.verify(Redacted.make(next.accessToken))))
      assert.strictEqual(verified._tag, "AccessTokenInvalid")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("ends with the session, but for grants that are offline; these lose their sid", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const online = yield* signedIn(server, { isOffline: false, scopes: ["openid"], resources: [otherApi] })
      const offline = yield* signedIn(server, { resources: [otherApi] }, online)
      for (const { sessionId, user } of [online, offline]) {
        if (sessionId !== null) yield* SessionStore.use((sessions) => sessions.remove(user.id, sessionId))
      }
      assert.deepStrictEqual(yield* introspect(server, online, online.accessToken), inactive)
      const still = yield* introspect(server, online, offline.accessToken)
      assert.deepPropertyVal(still, "active", true)
      assert.notProperty(still, "sid")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("shows the claims that hooks add, and keeps its own", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const { client, jwt, opaque } = yield* withBoth(server)
      for (const token of [jwt.accessToken, opaque.accessToken]) {
        const told = yield* introspect(server, client, token)
        assert.deepPropertyVal(told, "tenant", "acme")
        assert.deepPropertyVal(told, "active", true)
        assert.deepPropertyVal(told, "client_id", client.client.id)
      }
    }).pipe(
      Effect.provide(
        layer(
          {},
          { accessTokenClaims: () => Effect.succeed({ tenant: "acme", active: false, client_id: "x", sub: "x" }) },
        ),
      ),
    ),
  )
})

describe("RFC 7662 §2.1", () => {
  it.effect("MUST authenticate the caller: a public client cannot", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const client = yield* publicClient()
      const { client: owner } = yield* withBoth(server)
      const asked = (fields: Readonly<Record<string, string>>, headers = {}) =>
        server.post("introspect", fields, headers)
      assertError(yield* asked({ token: "x", client_id: client.client.id }), 401, "invalid_client")
      assertError(yield* asked({ token: "x" }), 401, "invalid_client")
      assertError(yield* asked({ token: "x" }, basic(owner.client.id, "wrong")), 401, "invalid_client")
      assertError(yield* asked({}, owner.headers), 400, "invalid_request", "token is missing")
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 7009 §2.1", () => {
  it.effect("SHOULD revoke everything of a grant with its refresh token, and nothing of another one", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const { client, jwt, opaque } = yield* withBoth(server)
      const response = yield* revoke(server, client, opaque.refreshToken)
      assert.deepStrictEqual([response.status, response.text], [200, ""])
      assert.strictEqual(response.headers.get("cache-control"), "no-store")
      for (const token of [opaque.accessToken, opaque.refreshToken]) {
        assert.deepStrictEqual(yield* introspect(server, client, token), inactive)
      }
      assert.deepPropertyVal(yield* introspect(server, client, jwt.accessToken), "active", true)
      // RFC 7009 §2.2: what is revoked already is no error, and nothing to tell again.
      assert.strictEqual((yield* revoke(server, client, opaque.refreshToken)).status, 200)
      const events = yield* Audit.use((audit) => audit.list({ userId: opaque.user.id }))
      assert.deepStrictEqual(
        events.map(({ outcome, type }) => ({ outcome, type })),
        [{ outcome: "success", type: "oauth-grant.revoked" }],
      )
    }).pipe(Effect.provide(layer())),
  )

  it.effect("MUST say that it is away where a revocation cannot be recorded, and leave everything as it was", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const client = yield* signedIn(server)
      const away = yield* AuditAway
      yield* away.set(true)
      const response = yield* revoke(server, client, client.refreshToken)
      assert.deepStrictEqual([response.status, response.headers.get("retry-after")], [503, "1"])
      yield* away.set(false)
      assert.deepPropertyVal(yield* introspect(server, client, client.accessToken), "active", true)
      assert.strictEqual((yield* revoke(server, client, client.refreshToken)).status, 200)
      assert.deepStrictEqual(yield* introspect(server, client, client.accessToken), inactive)
    }).pipe(Effect.provide(layerAuditAway())),
  )

  it.effect("MUST revoke an access token alone, opaque or JWT, whatever the hint says", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const { client, jwt, opaque } = yield* withBoth(server)
      for (const [{ accessToken, refreshToken }, hint] of [
        [opaque, "refresh_token"],
        [jwt, "something_else"],
      ] as const) {
        const response = yield* revoke(server, client, accessToken, { token_type_hint: hint })
        assert.deepStrictEqual([response.status, response.text], [200, ""])
        assert.deepStrictEqual(yield* introspect(server, client, accessToken), inactive)
        assertError(yield* userInfo(server, accessToken), 401, "invalid_token")
        assert.deepPropertyVal(yield* introspect(server, client, refreshToken), "active", true)
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("keeps of a JWT that it was revoked until it is over, and nothing of one that is", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const { client, jwt } = yield* withBoth(server)
      const { revokedJwts } = yield* MemoryOAuthServerTables
      yield* TestClock.adjust("3599 seconds")
      yield* revoke(server, client, jwt.accessToken)
      assert.deepStrictEqual([...revokedJwts.keys()], [claimsOf(jwt.accessToken)["jti"]])
      revokedJwts.clear()
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* revoke(server, client, jwt.accessToken)).status, 200)
      assert.strictEqual(revokedJwts.size, 0)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("MUST NOT revoke a token of another client", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const { client, jwt, opaque } = yield* withBoth(server)
      const stranger = yield* storedClient()
      for (const token of [opaque.accessToken, opaque.refreshToken, jwt.accessToken, jwt.refreshToken]) {
        assert.strictEqual((yield* revoke(server, stranger, token)).status, 200)
        assert.deepPropertyVal(yield* introspect(server, client, token), "active", true)
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("MUST be open to public clients for their own tokens, and authenticate the others", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const spa = yield* publicClient()
      const own = yield* signedIn(server, {}, spa)
      const confidential = yield* signedIn(server)
      const byId = yield* server.post("revoke", { token: confidential.refreshToken, client_id: confidential.client.id })
      assertError(byId, 401, "invalid_client")
      assertError(yield* server.post("revoke", { token: confidential.refreshToken }), 401, "invalid_client")
      for (const token of [confidential.refreshToken, own.refreshToken]) {
        assert.strictEqual((yield* server.post("revoke", { token, ...spa.fields })).status, 200)
      }
      assert.deepPropertyVal(yield* introspect(server, confidential, confidential.refreshToken), "active", true)
      assertError(yield* userInfo(server, own.accessToken), 401, "invalid_token")
      assertError(
        yield* server.post("revoke", { client_id: spa.client.id }),
        400,
        "invalid_request",
        "token is missing",
      )
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 7009 §2.2", () => {
  it.effect("MUST answer 200 for what is unknown, malformed, over or revoked before", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const { client, jwt, opaque } = yield* withBoth(server)
      yield* revoke(server, client, opaque.refreshToken)
      yield* TestClock.adjust("2 hours")
      for (const token of ["x", opaque.code, opaque.refreshToken, opaque.accessToken, jwt.accessToken, jwt.idToken]) {
        const response = yield* revoke(server, client, token)
        assert.deepStrictEqual([response.status, response.text], [200, ""])
      }
    }).pipe(Effect.provide(layer())),
  )
})

describe("OpenID Connect Core §5.3", () => {
  it.effect("MUST tell the claims of the scopes, with the sub of the ID token", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const tokens = yield* signedIn(server, {
        user: { name: "Ada King Lovelace" },
        scopes: ["openid", "profile", "email"],
      })
      const { user } = tokens
      const response = yield* userInfo(server, tokens.accessToken)
      assert.strictEqual(response.status, 200)
      assert.strictEqual(response.headers.get("content-type"), "application/json")
      assert.strictEqual(response.headers.get("cache-control"), "no-store")
      assert.deepStrictEqual(response.json, {
        sub: user.id,
        name: "Ada King Lovelace",
        given_name: "Ada",
        family_name: "Lovelace",
        updated_at: 0,
        email: user.email,
        email_verified: false,
      })
      const bare = yield* signedIn(server, { scopes: ["openid"], claims: { userinfo: { email: null } } })
      const claims = yield* userInfo(server, bare.accessToken)
      // Nothing by name that no scope of the token covers (OpenID Connect Core §5.5).
      assert.deepStrictEqual(claims.json, { sub: bare.user.id })
      const jwt = yield* signedIn(server, { scopes: ["openid"], resources: [otherApi] })
      assert.deepStrictEqual((yield* userInfo(server, jwt.accessToken)).json, { sub: jwt.user.id })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("MUST know a user by the pairwise sub of the ID token, and introspection too", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const client = yield* storedClient({ metadata: { subjectType: "pairwise" } })
      const tokens = yield* signedIn(server, {}, client)
      const sub = claimsOf(tokens.idToken)["sub"]
      assert.notStrictEqual(sub, tokens.user.id)
      assert.strictEqual(TestHttp.at((yield* userInfo(server, tokens.accessToken)).json, "sub"), sub)
      assert.deepPropertyVal(yield* introspect(server, client, tokens.accessToken), "sub", sub)
      assert.deepPropertyVal(yield* introspect(server, client, tokens.refreshToken), "sub", sub)
      // The API that asks is told what the client of the token would be told.
      const other = yield* storedClient()
      const onFile = "https://on-file.example.com/"
      yield* ResourceStore.use((store) =>
        store.insert(OAuthBuilders.resource(onFile, { introspectionClientId: other.client.id })),
      )
      const meant = yield* signedIn(server, { resources: [onFile] }, client)
      assert.deepPropertyVal(yield* introspect(server, other, meant.accessToken), "sub", claimsOf(meant.idToken)["sub"])
      // By the session it would know the user again, among those of other clients.
      assert.notProperty(yield* introspect(server, other, meant.accessToken), "sid")
    }).pipe(Effect.provide(layer({ pairwiseSecret: Redacted.make("0123456789abcdef0123456789abcdef") }))),
  )

  it.effect("adds what hooks say, but never another sub", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const tokens = yield* signedIn(server, { scopes: ["openid"] })
      const response = yield* userInfo(server, tokens.accessToken)
      assert.deepStrictEqual(response.json, { sub: tokens.user.id, groups: ["staff"] })
    }).pipe(
      Effect.provide(layer({}, { userInfoClaims: () => Effect.succeed({ sub: "x", iss: "x", groups: ["staff"] }) })),
    ),
  )
})

describe("RFC 6750 §3.1", () => {
  it.effect("MUST answer 401 invalid_token for what is no access token in force", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const tokens = yield* signedIn(server)
      yield* TestClock.adjust("1 hour")
      for (const token of [tokens.accessToken, tokens.refreshToken, tokens.idToken, tokens.code, "x", "a b", "é"]) {
        const response = yield* userInfo(server, encodeURI(token))
        assertError(response, 401, "invalid_token", "The access token is not in force")
        assert.strictEqual(
          response.headers.get("www-authenticate"),
          `Bearer realm="${issuer}", error="invalid_token", error_description="The access token is not in force"`,
        )
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("MUST answer 403 insufficient_scope without openid, and name the scope", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const client = yield* storedClient()
      const own = tokensOf(
        yield* server.post("token", { grant_type: "client_credentials", scope: "read" }, client.headers),
      )
      const user = yield* signedIn(server, { scopes: ["read"], isOffline: false })
      for (const { accessToken } of [own, user]) {
        const response = yield* userInfo(server, accessToken)
        assertError(response, 403, "insufficient_scope", "The scope openid is missing")
        assert.include(response.headers.get("www-authenticate") ?? "", 'scope="openid"')
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("MUST answer 400 invalid_request for two ways at once or the query, and take a form", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const { accessToken, user } = yield* signedIn(server, { scopes: ["openid"] })
      const path = "/auth/oauth2/userinfo"
      const headers = { authorization: `bearer ${accessToken}` }
      assertError(yield* server.post("userinfo", { access_token: accessToken }, headers), 400, "invalid_request")
      assertError(yield* server.send(`${path}?access_token=${accessToken}`), 400, "invalid_request")
      assertError(yield* server.send(`${path}?access_token=${accessToken}`, { headers }), 400, "invalid_request")
      const twice = yield* server.post("userinfo", { access_token: [accessToken, accessToken] })
      assertError(twice, 400, "invalid_request")
      for (const response of [
        yield* server.post("userinfo", { access_token: accessToken }),
        yield* server.post("userinfo", {}, headers),
        yield* server.send(path, { method: "POST", headers }),
        yield* server.send(path, { headers }),
      ]) {
        assert.deepStrictEqual(response.json, { sub: user.id })
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("SHOULD tell who sent no credentials no error", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const path = "/auth/oauth2/userinfo"
      for (const response of [
        yield* server.send(path),
        yield* server.send(path, { method: "POST" }),
        yield* server.send(path, { headers: { authorization: "Basic YTpi" } }),
      ]) {
        assert.deepStrictEqual([response.status, response.text], [401, ""])
        assert.strictEqual(response.headers.get("www-authenticate"), `Bearer realm="${issuer}"`)
      }
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 9068 §4", () => {
  it.effect("MUST NOT take an ID token, or a JWT of another type or issuer, for an access token", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const tokens = yield* signedIn(server, { resources: [otherApi] })
      const { verify } = yield* AccessTokens
      const { sign } = yield* SigningKeys
      const claims = Object(claimsOf(tokens.accessToken))
      const ofType = (typ: string, changes = {}) => sign({ claims: { ...claims, ...changes }, typ, algorithm: "ES256" })
      assert.strictEqual((yield* verify(yield* ofType("at+jwt"))).token.subject, tokens.user.id)
      const wrong = [
        Redacted.make(tokens.idToken),
        yield* ofType("JWT"),
        yield* ofType("at+jwt", { iss: "https://evil.example.com" }),
        yield* ofType("at+jwt", { exp: 0 }),
        // RFC 9700 §4.15: what is of no grant is the client's own, and never a user's.
        yield* ofType("at+jwt", { grant_id: undefined }),
        yield* ofType("at+jwt", { grant_id: "018f6b1e-0000-7000-8000-000000000000" }),
        yield* ofType("at+jwt", { client_id: "nobody" }),
        yield* ofType("at+jwt", { jti: undefined }),
      ]
      for (const token of wrong) assert.strictEqual((yield* Effect.flip(verify(token)))._tag, "AccessTokenInvalid")
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 9700 §4.9.1", () => {
  it.effect("MUST NOT take an access token that is for another resource alone", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const { client, grant, user } = yield* signedIn(server)
      const hasher = yield* KeyRing.use((keyRing) => keyRing.hasher("oauth-access-token"))
      const presented = Effect.fnUntraced(function* (audience: ReadonlyArray<string>) {
        const token = yield* OpaqueToken.generate(prefixes.accessToken)
        const owner = { clientId: client.id, grantId: grant.id, userId: user.id }
        const kept = yield* OAuthBuilders.accessToken({ ...owner, audience, hash: yield* hasher.hash(token) })
        yield* GrantStore.use((grants) => grants.insertAccessToken(kept))
        return yield* userInfo(server, Redacted.value(token))
      })
      assert.strictEqual((yield* presented([otherApi, issuer])).status, 200)
      assertError(yield* presented([otherApi]), 401, "invalid_token")
    }).pipe(Effect.provide(layer())),
  )
})
