/**
 * Attacks with forged and misused tokens: confusion of algorithms, keys and types, tokens for others, huge and deep
 * JWTs, assertions that were not signed by their client. Over HTTP, against the whole server.
 */
import * as AccessTokenVerifier from "@belfry/oauth-server/AccessTokenVerifier"
import { ClientId } from "@belfry/oauth-server/OAuthClient"
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Redacted, Schema } from "effect"
import { CompactSign, exportJWK, exportSPKI, generateKeyPair, importJWK, type CryptoKey, type JWK } from "jose"
import {
  agree,
  application,
  errorOf,
  files,
  isActive,
  layer,
  notes,
  type Send,
  start,
  tokensFor,
  userInfo,
} from "./support/Attacker.ts"
import { authorizePath, issuer, locationOf, queryOf } from "./support/Authorizing.ts"

const text = new TextEncoder()

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url")

const parse = (token: string, index: 0 | 1): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split(".")[index] ?? "", "base64url").toString())

/** The key set that everybody can read. */
const publishedKeys = (send: Send) =>
  Effect.map(send("/auth/jwks"), ({ json }): ReadonlyArray<JWK> => {
    const keys = TestHttp.at(json, "keys")
    return Array.isArray(keys) ? keys : assert.fail("no keys")
  })

/** Forgeries of a JWT by whoever has it and the public keys: each would be good by a mistake that was made somewhere. */
const forgeriesOf = Effect.fnUntraced(function* (send: Send, token: string) {
  const [header = "", payload = "", signature = ""] = token.split(".")
  const head = parse(token, 0)
  const claims = parse(token, 1)
  const forged = new Map<string, string>()
  for (const alg of ["none", "None", "NONE", "nOnE", ""]) {
    forged.set(`alg ${alg}, unsigned`, `${part({ ...head, alg })}.${payload}.`)
    forged.set(`alg ${alg}, signed`, `${part({ ...head, alg })}.${payload}.${signature}`)
  }
  forged.set("no signature", `${header}.${payload}.`)
  forged.set("two parts", `${header}.${payload}`)
  forged.set("four parts", `${token}.${signature}`)
  forged.set("padding", `${token}=`)
  for (const [name, value] of Object.entries({
    sub: "00000000-0000-7000-8000-000000000000",
    exp: 9_999_999_999,
    scope: "openid oauth:admin",
    client_id: "other",
  })) {
    forged.set(`changed ${name}`, `${header}.${part({ ...claims, [name]: value })}.${signature}`)
  }
  const keys = yield* publishedKeys(send)
  for (const jwk of keys) {
    const imported = yield* Effect.promise(() => importJWK(jwk, jwk.alg ?? "", { extractable: true }))
    if (imported instanceof Uint8Array) return assert.fail("a symmetric key")
    const pem = yield* Effect.promise(() => exportSPKI(imported))
    const secrets = { pem, trimmed: pem.trim(), json: JSON.stringify(jwk), x: jwk.x ?? jwk.n ?? "" }
    for (const [form, secret] of Object.entries(secrets)) {
      for (const alg of ["HS256", "HS384", "HS512"]) {
        const signed = yield* Effect.promise(() =>
          new CompactSign(text.encode(JSON.stringify(claims)))
            .setProtectedHeader({ ...head, alg, kid: jwk.kid ?? "" })
            .sign(text.encode(secret.padEnd(64, "\0"))),
        )
        forged.set(`${alg} with the public key (${form})`, signed)
      }
    }
    forged.set(
      `kid of ${jwk.alg ?? ""}`,
      `${part({ ...head, kid: jwk.kid === head["kid"] ? "x" : jwk.kid })}.${payload}.${signature}`,
    )
  }
  const { privateKey, publicKey } = yield* Effect.promise(() => generateKeyPair("ES256", { extractable: true }))
  const own = yield* Effect.promise(() => exportJWK(publicKey))
  const signedBy = (members: object) =>
    Effect.promise(() =>
      new CompactSign(text.encode(JSON.stringify(claims)))
        .setProtectedHeader({ ...head, ...members, alg: "ES256" })
        .sign(privateKey),
    )
  const tricks: Readonly<Record<string, object>> = {
    "own key": {},
    "own key by jwk": { jwk: own },
    "own key by jku": { jku: "https://evil.example/jwks" },
    "own key by x5u": { x5u: "https://evil.example/cert" },
    "own key by x5c": { x5c: ["MIIB"] },
    "no kid": { kid: undefined },
    "empty kid": { kid: "" },
    "kid of a file": { kid: "../../../../dev/null" },
    "kid of SQL": { kid: "' UNION SELECT 'x' --" },
    "kid of a prototype": { kid: "__proto__" },
  }
  for (const [name, members] of Object.entries(tricks)) forged.set(name, yield* signedBy(members))
  for (const name of ["jku", "x5u", "jwk", "x5c", "zip", "enc", "crit"]) {
    forged.set(`header ${name}`, `${part({ ...head, [name]: name })}.${payload}.${signature}`)
  }
  for (const kid of [1, null, {}, []]) {
    forged.set(`kid ${JSON.stringify(kid)}`, `${part({ ...head, kid })}.${payload}.${signature}`)
  }
  forged.set("huge", `${header}.${Buffer.from(" ".repeat(40_000)).toString("base64url")}.${signature}`)
  const deep = Buffer.from(`{"a":${"[".repeat(9000)}`).toString("base64url")
  forged.set("deep header", `${deep}.${payload}.${signature}`)
  forged.set("deep payload", `${header}.${deep}.${signature}`)
  forged.set("array", `${part([])}.${part([])}.${signature}`)
  forged.set("null", `${part(null)}.${part(null)}.${signature}`)
  return forged
})

describe("Forged access tokens (alg, kid, jku, typ, size, depth)", () => {
  it.effect("open nothing, at UserInfo, at introspection, and with a resource server", () =>
    Effect.gen(function* () {
      const { app, browser, post, send } = yield* start
      const tokens = yield* tokensFor(send, browser, app, {
        resource: files,
        scope: "openid offline_access notes:read",
      })
      const verifier = yield* AccessTokenVerifier.AccessTokenVerifier
      assert.strictEqual((yield* verifier.verify(Redacted.make(tokens.accessToken))).clientId, app.id)
      assert.strictEqual((yield* userInfo(send, tokens.accessToken)).status, 200)
      const forged = yield* forgeriesOf(send, tokens.accessToken)
      assert.isAbove(forged.size, 50)
      for (const [name, token] of forged) {
        const opened = yield* userInfo(send, token)
        assert.deepStrictEqual(errorOf(opened), [401, "invalid_token"], name)
        assert.notInclude(opened.text, tokens.accessToken.slice(0, 20), name)
        assert.isFalse(yield* isActive(send, app, token), name)
        assert.strictEqual((yield* Effect.flip(verifier.verify(Redacted.make(token))))._tag, "AccessTokenRefused", name)
        assert.strictEqual((yield* post("revoke", { token }, app.headers)).status, 200, name)
      }
      assert.isTrue(yield* isActive(send, app, tokens.accessToken))
    }).pipe(Effect.provide(AccessTokenVerifier.layerLocal({ audience: files })), Effect.provide(layer())),
  )
})

describe("Forged ID tokens as hints", () => {
  it.effect("name nobody to the authorization endpoint, and end no session", () =>
    Effect.gen(function* () {
      const { browser, send } = yield* start
      const app = yield* application(
        { postLogoutRedirectUris: ["https://client.example.com/out"] },
        { privileges: { enableEndSession: true } },
      )
      const { accessToken, idToken } = yield* tokensFor(send, browser, app, { resource: notes, scope: "openid" })
      const forged = yield* forgeriesOf(send, idToken)
      forged.set("an access token", accessToken)
      const before = { prompt: "none", scope: "openid" }
      assert.property(yield* agree(browser, app, { ...before, id_token_hint: idToken }), "code")
      for (const [name, id_token_hint] of forged) {
        const answer = yield* agree(browser, app, { ...before, id_token_hint })
        assert.strictEqual(answer["error"], "invalid_request", name)
        const out = new URLSearchParams({ id_token_hint, post_logout_redirect_uri: "https://client.example.com/out" })
        const ended = yield* browser.go(`/auth/oauth2/end-session?${out.toString()}`)
        assert.strictEqual(locationOf(ended).pathname, "/authorize/error", name)
        assert.isTrue(browser.cookies.has("belfry_session"), name)
      }
      // A real one, of another client's.
      const other = yield* application({}, { privileges: { enableEndSession: true } })
      const theirs = yield* tokensFor(send, browser, other)
      const answer = yield* agree(browser, app, { ...before, id_token_hint: theirs.idToken })
      assert.strictEqual(answer["error"], "invalid_request")
    }).pipe(Effect.provide(layer())),
  )
})

describe("Confusion of tokens", () => {
  it.effect("gets nothing by a token of one kind in the place of another", () =>
    Effect.gen(function* () {
      const { app, browser, post, send } = yield* start
      const jwt = yield* tokensFor(send, browser, app, { resource: notes, scope: "openid offline_access notes:read" })
      const opaque = yield* tokensFor(send, browser, app)
      for (const token of [jwt.idToken, jwt.refreshToken, opaque.refreshToken, opaque.code, app.secret]) {
        assert.deepStrictEqual(errorOf(yield* userInfo(send, token)), [401, "invalid_token"])
      }
      assert.isFalse(yield* isActive(send, app, jwt.idToken))
      assert.isFalse(yield* isActive(send, app, opaque.code))
      for (const refresh_token of [opaque.accessToken, jwt.accessToken, jwt.idToken, opaque.code]) {
        const refused = yield* post("token", { grant_type: "refresh_token", refresh_token }, app.headers)
        assert.deepStrictEqual(errorOf(refused), [400, "invalid_grant"])
      }
      for (const code of [opaque.accessToken, opaque.refreshToken, jwt.idToken]) {
        const form = { grant_type: "authorization_code", code, redirect_uri: "https://client.example.com/callback" }
        assert.deepStrictEqual(errorOf(yield* post("token", form, app.headers)), [400, "invalid_grant"])
      }
      const session = browser.cookies.get("belfry_session") ?? assert.fail("no session")
      assert.deepStrictEqual(errorOf(yield* userInfo(send, session)), [401, "invalid_token"])
      // Nor is a client's token a session: neither as a bearer token nor in the cookie.
      for (const token of [opaque.accessToken, jwt.accessToken, jwt.idToken, opaque.refreshToken]) {
        for (const headers of [{ authorization: `Bearer ${token}` }, { cookie: `belfry_session=${token}` }]) {
          for (const path of [
            "/auth/session",
            "/auth/oauth2/clients",
            "/auth/oauth2/grants",
            "/auth/oauth2/consents",
          ]) {
            assert.strictEqual((yield* send(path, { headers })).status, 401, path)
          }
        }
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("gets nothing with one API for the token of another", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      const standsForFiles = yield* application(
        { grantTypes: ["client_credentials"], redirectUris: [] },
        { id: ClientId.make("files-api") },
      )
      const forNotes = yield* tokensFor(send, browser, app, { resource: notes, scope: "openid notes:read" })
      const forFiles = yield* tokensFor(send, browser, app, { resource: files, scope: "openid notes:read" })
      const forNobody = yield* tokensFor(send, browser, app)
      const verifier = yield* AccessTokenVerifier.AccessTokenVerifier
      for (const { accessToken } of [forNotes, forNobody]) {
        assert.deepInclude(yield* Effect.flip(verifier.verify(Redacted.make(accessToken))), {
          _tag: "AccessTokenRefused",
          reason: "audience",
        })
        assert.isFalse(yield* isActive(send, standsForFiles, accessToken))
      }
      // For an API that has scopes of its own: it is no way to the person's claims.
      assert.deepStrictEqual(errorOf(yield* userInfo(send, forNotes.accessToken)), [403, "insufficient_scope"])
      for (const { accessToken } of [forNotes, forNobody]) {
        assert.isTrue(yield* isActive(send, app, accessToken))
      }
      assert.strictEqual((yield* verifier.verify(Redacted.make(forFiles.accessToken))).clientId, app.id)
      assert.isTrue(yield* isActive(send, standsForFiles, forFiles.accessToken))
    }).pipe(Effect.provide(AccessTokenVerifier.layerLocal({ audience: files })), Effect.provide(layer())),
  )

  it.effect("takes no client for a user at UserInfo, though it has a token of its own", () =>
    Effect.gen(function* () {
      const { post, send } = yield* start
      const machine = yield* application({
        grantTypes: ["client_credentials"],
        redirectUris: [],
        scopes: ["notes:read"],
      })
      const form = { grant_type: "client_credentials", scope: "notes:read", resource: notes }
      const token = TestHttp.textAt(yield* post("token", form, machine.headers), "access_token")
      assert.isTrue(yield* isActive(send, machine, token))
      assert.isAtLeast((yield* userInfo(send, token)).status, 401)
      // RFC 9700 §4.15: no client has an id that a user could have.
      assert.isFalse(Schema.is(ClientId)("00000000-0000-7000-8000-000000000001"))
    }).pipe(Effect.provide(layer())),
  )
})

describe("Access tokens in the wrong place", () => {
  it.effect("are not taken from the query, not twice, and not in two ways at once", () =>
    Effect.gen(function* () {
      const { app, browser, post, send } = yield* start
      const { accessToken } = yield* tokensFor(send, browser, app)
      const path = "/auth/oauth2/userinfo"
      const bearer = { authorization: `Bearer ${accessToken}` }
      const invalid = [400, "invalid_request"] as const
      assert.strictEqual((yield* send(path, { headers: bearer })).status, 200)
      assert.strictEqual((yield* post("userinfo", { access_token: accessToken })).status, 200)
      for (const headers of [{}, bearer]) {
        assert.deepStrictEqual(errorOf(yield* send(`${path}?access_token=${accessToken}`, { headers })), invalid)
        assert.deepStrictEqual(errorOf(yield* send(`${path}?x=1&access_token=${accessToken}`, { headers })), invalid)
        assert.deepStrictEqual(errorOf(yield* send(`${path}?%61ccess_token=${accessToken}`, { headers })), invalid)
      }
      assert.deepStrictEqual(errorOf(yield* post("userinfo", { access_token: accessToken }, bearer)), invalid)
      const twice = yield* post("userinfo", { access_token: [accessToken, accessToken] })
      assert.deepStrictEqual(errorOf(twice), invalid)
      for (const authorization of [
        `Bearer ${accessToken} ${accessToken}`,
        `Bearer ${accessToken}, Bearer ${accessToken}`,
        `Bearer Bearer ${accessToken}`,
        `Bearer "${accessToken}"`,
        `Bearer ${accessToken},`,
      ]) {
        assert.deepStrictEqual(errorOf(yield* send(path, { headers: { authorization } })), [401, "invalid_token"])
      }
      for (const headers of [
        { authorization: `Basic ${accessToken}` },
        { authorization: `DPoP ${accessToken}` },
        { authorization: accessToken },
        { cookie: `access_token=${accessToken}` },
        { "x-access-token": accessToken },
      ]) {
        assert.strictEqual((yield* send(path, { headers })).status, 401)
      }
    }).pipe(Effect.provide(layer())),
  )
})

const type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

describe("Forged client assertions", () => {
  it.effect("prove nobody: unsigned, signed with a public key, with a key brought along, for others, twice", () =>
    Effect.gen(function* () {
      const { post, send } = yield* start
      const { privateKey, publicKey } = yield* Effect.promise(() => generateKeyPair("ES256", { extractable: true }))
      const jwk = { ...(yield* Effect.promise(() => exportJWK(publicKey))), kid: "own" }
      const machine = yield* application({
        tokenEndpointAuthMethod: "private_key_jwt",
        grantTypes: ["client_credentials"],
        redirectUris: [],
        scopes: ["notes:read"],
        jwks: { keys: [JSON.parse(JSON.stringify(jwk))] },
      })
      const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
      let serial = 0
      const claims = (changed: object = {}) => {
        serial += 1
        const all = { iss: machine.id, sub: machine.id, aud: issuer, iat: now, exp: now + 60, jti: `jti-${serial}` }
        return JSON.stringify({ ...all, ...changed })
      }
      const signed = (changed: object, header: object = {}, key: CryptoKey = privateKey) =>
        Effect.promise(() =>
          new CompactSign(text.encode(claims(changed)))
            .setProtectedHeader({ alg: "ES256", kid: "own", ...header })
            .sign(key),
        )
      const tryWith = (client_assertion: string, more: Readonly<Record<string, string>> = {}) =>
        post("token", {
          grant_type: "client_credentials",
          scope: "notes:read",
          client_assertion_type: type,
          client_assertion,
          ...more,
        })
      const good = yield* signed({})
      assert.strictEqual((yield* tryWith(good)).status, 200)
      const evil = yield* Effect.promise(() => generateKeyPair("ES256", { extractable: true }))
      const evilJwk = yield* Effect.promise(() => exportJWK(evil.publicKey))
      const pem = yield* Effect.promise(() => exportSPKI(publicKey))
      const [ours] = yield* publishedKeys(send)
      if (ours === undefined) return assert.fail("no key")
      const imported = yield* Effect.promise(() => importJWK(ours, ours.alg ?? "", { extractable: true }))
      if (imported instanceof Uint8Array) return assert.fail("a symmetric key")
      const ourPem = yield* Effect.promise(() => exportSPKI(imported))
      const byHmac = (secret: string, kid: string) =>
        Effect.promise(() =>
          new CompactSign(text.encode(claims()))
            .setProtectedHeader({ alg: "HS256", kid })
            .sign(text.encode(secret.padEnd(32))),
        )
      const attempts: Readonly<Record<string, string>> = {
        replayed: good,
        unsigned: `${part({ alg: "none" })}.${Buffer.from(claims()).toString("base64url")}.`,
        "HS256 with the client's public key": yield* byHmac(pem, "own"),
        "HS256 with the client's JWK": yield* byHmac(JSON.stringify(jwk), "own"),
        "HS256 with our public key": yield* byHmac(ourPem, ours.kid ?? ""),
        "HS256 with nothing": yield* byHmac("", ""),
        "another key": yield* signed({}, {}, evil.privateKey),
        "another key by jwk": yield* signed({}, { jwk: evilJwk }, evil.privateKey),
        "another key by jku": yield* signed({}, { jku: "https://evil.example/jwks" }, evil.privateKey),
        "for another audience": yield* signed({ aud: "https://other.example" }),
        "for two audiences": yield* signed({ aud: [issuer, "https://other.example"] }),
        "for userinfo": yield* signed({ aud: `${issuer}/oauth2/userinfo` }),
        "of another subject": yield* signed({ sub: "other" }),
        "of another issuer": yield* signed({ iss: "other" }),
        over: yield* signed({ exp: now - 120 }),
        "not yet good": yield* signed({ nbf: now + 600 }),
        "without end": yield* signed({ exp: undefined }),
        "without jti": yield* signed({ jti: undefined }),
        "critical extension": yield* Effect.promise(() =>
          new CompactSign(text.encode(claims()))
            .setProtectedHeader({ alg: "ES256", kid: "own", crit: ["exp"], exp: 1 })
            .sign(privateKey, { crit: { exp: true } }),
        ),
        huge: `${good}${"A".repeat(30_000)}`,
        deep: `${Buffer.from(`{"alg":${"[".repeat(9000)}`).toString("base64url")}.x.x`,
      }
      for (const [name, assertion] of Object.entries(attempts)) {
        const refused = yield* tryWith(assertion)
        assert.deepStrictEqual(errorOf(refused), [401, "invalid_client"], `${name}: ${refused.text}`)
      }
      // What the client proved is not taken for another.
      assert.notStrictEqual((yield* tryWith(yield* signed({}), { client_id: "other" })).status, 200)
      assert.strictEqual((yield* tryWith(yield* signed({}), { client_id: machine.id })).status, 200)
      const withSecret = yield* application({ grantTypes: ["client_credentials"], redirectUris: [] })
      const byOther = yield* signed({ iss: withSecret.id, sub: withSecret.id })
      assert.deepStrictEqual(errorOf(yield* tryWith(byOther)), [401, "invalid_client"])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("prove nobody by what this server signed: an ID token or access token is no assertion", () =>
    Effect.gen(function* () {
      const { app, browser, post, send } = yield* start
      const { accessToken, idToken } = yield* tokensFor(send, browser, app, { resource: notes, scope: "openid" })
      for (const client_assertion of [accessToken, idToken]) {
        const refused = yield* post("token", {
          grant_type: "client_credentials",
          client_assertion_type: type,
          client_assertion,
        })
        assert.deepStrictEqual(errorOf(refused), [401, "invalid_client"])
      }
      const query = queryOf(yield* browser.go(authorizePath(app.client, { id_token_hint: accessToken })))
      assert.strictEqual(query["error"], "invalid_request")
    }).pipe(Effect.provide(layer())),
  )
})
