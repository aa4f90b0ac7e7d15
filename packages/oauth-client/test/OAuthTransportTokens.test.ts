import * as LocalServer from "@belfry/testing/LocalServer"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Redacted } from "effect"
import { decodeJwt, decodeProtectedHeader, exportJWK, exportPKCS8, generateKeyPair, jwtVerify } from "jose"
import type { OAuthProviderOptions } from "../src/OAuthProvider.ts"
import { ProviderRefused } from "../src/OAuthTokens.ts"
import { OAuthTransport } from "../src/OAuthTransport.ts"
import * as LocalProvider from "./support/LocalProvider.ts"
import * as Transport from "./support/Transport.ts"

const code = {
  code: Redacted.make("code-1"),
  redirectUri: "https://app.example.com/callback",
  codeVerifier: Redacted.make("verifier-1"),
}

const answered = (body: unknown, status = 200) => LocalServer.json(body, status)

/** Exchanges a code at a provider that gives one answer. */
const exchangeWith = (
  answer: LocalServer.Answer,
  options: Partial<OAuthProviderOptions> = {},
  request: { readonly scopes?: ReadonlyArray<string> } = {},
) =>
  Effect.gen(function* () {
    const local = yield* Transport.makeLocal
    local.answer("/token", answer)
    const transport = yield* OAuthTransport
    const tokens = yield* transport.exchange(Transport.settings(local, options), { ...code, ...request })
    return { tokens, local }
  }).pipe(Effect.provide(Transport.layer))

/** The request that an exchange sent. */
const requestOf = (options: Partial<OAuthProviderOptions>) =>
  Effect.map(exchangeWith(answered({ access_token: "a" }), options), ({ local }) => {
    const request = local.requests.find(({ path }) => path === "/token")
    assert.isDefined(request)
    return { form: request?.form ?? {}, headers: request?.headers ?? {}, url: local.url }
  })

const refusalOf = (answer: LocalServer.Answer, options: Partial<OAuthProviderOptions> = {}) =>
  Effect.flip(exchangeWith(answer, options))

const seconds = (at: DateTime.Utc | null) =>
  at === null ? null : (DateTime.toEpochMillis(at) - Transport.start) / 1000

describe("OAuthTransport.exchange", () => {
  it.effect("completes what the authorization request began", () =>
    Effect.gen(function* () {
      const local = yield* Transport.makeLocal
      const provider = Transport.settings(local)
      const transport = yield* OAuthTransport
      const codeVerifier = Redacted.make("v".repeat(43))
      const url = yield* transport.authorizationUrl(provider, {
        redirectUri: code.redirectUri,
        state: Redacted.make("state-1"),
        codeVerifier,
        nonce: "nonce-1",
      })
      const back = yield* Effect.promise(() => fetch(url, { redirect: "manual" }))
      const given = new URL(back.headers.get("location") ?? "").searchParams.get("code") ?? ""
      const tokens = yield* transport.exchange(provider, { ...code, code: Redacted.make(given), codeVerifier })
      assert.strictEqual(tokens.tokenType, "Bearer")
      assert.strictEqual(tokens.scope, "openid email")
      assert.strictEqual(seconds(tokens.accessTokenExpiresAt), 3600)
      assert.isNotNull(tokens.refreshToken)
      const idToken = tokens.idToken ?? Redacted.make("")
      const { accessToken } = tokens
      const claims = yield* transport.validateIdToken(provider, idToken, { nonce: "nonce-1", accessToken })
      assert.strictEqual(claims["sub"], "u-1")
    }).pipe(Effect.provide(Transport.layer)),
  )

  it.effect("sends code, redirect URI, verifier and the parameters of the settings, which replace none of these", () =>
    Effect.gen(function* () {
      const { form } = yield* requestOf({
        clientSecret: undefined,
        tokenParams: { resource: "https://api.example.com", code: "evil", grant_type: "evil", client_secret: "evil" },
      })
      assert.deepStrictEqual(form, {
        grant_type: "authorization_code",
        code: "code-1",
        redirect_uri: "https://app.example.com/callback",
        code_verifier: "verifier-1",
        client_id: "belfry",
        resource: "https://api.example.com",
      })
    }),
  )

  it.effect("leaves the exchange to a hook where there is one", () =>
    Effect.gen(function* () {
      const { tokens, local } = yield* exchangeWith(answered({}), {
        tokenParams: { resource: "r" },
        hooks: {
          getToken: (request) =>
            Effect.succeed(
              Transport.tokenSet({ scope: `${Redacted.value(request.code)} ${request.params["resource"]}` }),
            ),
        },
      })
      assert.strictEqual(tokens.scope, "code-1 r")
      assert.strictEqual(local.countOf("/token"), 0)
    }),
  )

  it.effect("does not follow a redirect with its code", () =>
    Effect.gen(function* () {
      const victim = yield* LocalProvider.make
      for (const status of [302, 307]) {
        const failure = yield* refusalOf(LocalServer.redirect(`${victim.url}/token`, status))
        assert.deepInclude(failure, { _tag: "ProviderUnavailable", endpoint: "token", reason: "status" })
      }
      assert.strictEqual(victim.requests.length, 0)
    }),
  )

  it.effect.each([
    ["never ends", LocalServer.endless, "too-large"],
    ["is huge", LocalServer.json({ access_token: "a".repeat(2 * 1024 * 1024) }), "too-large"],
    ["is HTML", LocalServer.text("<html>", "text/html"), "malformed"],
    ["is JSON by another name", LocalServer.text('{"access_token":"a"}', "text/html"), "malformed"],
    ["is a list", answered(["a"]), "malformed"],
    ["has no access token", answered({ token_type: "Bearer" }), "malformed"],
    ["has an empty access token", answered({ access_token: "" }), "malformed"],
    ["has an access token that is no text", answered({ access_token: 1 }), "malformed"],
    ["has a refresh token that is no text", answered({ access_token: "a", refresh_token: {} }), "malformed"],
    ["has a token of a type that is not understood", answered({ access_token: "a", token_type: "DPoP" }), "malformed"],
    ["is of status 500", answered({ error: "server_error" }, 500), "status"],
    ["is of status 404 and says nothing", LocalServer.text("", "text/plain", 404), "status"],
    ["is cut", LocalServer.hangUp, "connection"],
  ] as const)("is unavailable where the answer %s", ([, answer, reason]) =>
    Effect.gen(function* () {
      const failure = yield* refusalOf(answer)
      assert.deepInclude(failure, { _tag: "ProviderUnavailable", endpoint: "token", reason })
    }),
  )
})

describe("RFC 6749 §5.1", () => {
  it.effect.each([
    [3600, 3600],
    ["3600", 3600],
    [59.5, 59.5],
    [0, 0],
    [undefined, null],
    [null, null],
    [-1, null],
    ["soon", null],
    [{}, null],
    [1e300, 315_360_000],
  ] as const)("reads expires_in %j as %j seconds", ([expiresIn, expected]) =>
    Effect.gen(function* () {
      const answer = { access_token: "a", expires_in: expiresIn, refresh_token_expires_in: expiresIn }
      const { tokens } = yield* exchangeWith(answered(answer))
      assert.strictEqual(seconds(tokens.accessTokenExpiresAt), expected)
      assert.strictEqual(seconds(tokens.refreshTokenExpiresAt), expected)
    }),
  )

  it.effect.each([
    ["Bearer", "Bearer"],
    ["bearer", "Bearer"],
    ["BEARER", "Bearer"],
    [undefined, null],
  ] as const)("reads token_type %j as %j", ([type, expected]) =>
    Effect.gen(function* () {
      const { tokens } = yield* exchangeWith(answered({ access_token: "a", token_type: type }))
      assert.strictEqual(tokens.tokenType, expected)
    }),
  )

  it.effect("takes the scope that was asked for where none is named", () =>
    Effect.gen(function* () {
      const bare = answered({ access_token: "a" })
      assert.strictEqual((yield* exchangeWith(bare)).tokens.scope, "openid email")
      assert.strictEqual((yield* exchangeWith(bare, {}, { scopes: ["calendar"] })).tokens.scope, "calendar")
      assert.strictEqual((yield* exchangeWith(bare, { scopes: [] })).tokens.scope, null)
      const named = answered({ access_token: "a", scope: "email" })
      assert.strictEqual((yield* exchangeWith(named)).tokens.scope, "email")
      const list = answered({ access_token: "a", scope: ["email", "profile"] })
      assert.strictEqual((yield* exchangeWith(list)).tokens.scope, "email profile")
    }),
  )

  it.effect("keeps the answer as it came, redacted", () =>
    Effect.gen(function* () {
      const { tokens } = yield* exchangeWith(answered({ access_token: "the-secret", team: "t1" }))
      assert.strictEqual(Redacted.value(tokens.raw)["team"], "t1")
      assert.notInclude(JSON.stringify(tokens), "the-secret")
    }),
  )
})

describe("RFC 6749 §5.2", () => {
  it.effect.each([400, 401, 403])("is refused by an error of status %i", (status) =>
    Effect.gen(function* () {
      const failure = yield* refusalOf(answered({ error: "invalid_grant", error_description: "no such code" }, status))
      assert.deepStrictEqual(
        failure,
        new ProviderRefused({ providerId: "local", error: "invalid_grant", description: "no such code" }),
      )
    }),
  )

  it.effect("is refused by an error of status 200 that comes instead of a token", () =>
    Effect.gen(function* () {
      const failure = yield* refusalOf(answered({ error: "bad_verification_code" }))
      assert.deepInclude(failure, { _tag: "ProviderRefused", error: "bad_verification_code", description: null })
    }),
  )

  it.effect("is refused by what the strategy takes for an error", () =>
    Effect.gen(function* () {
      const failure = yield* refusalOf(answered({ ok: false, reason: "gone", access_token: "a" }), {
        strategy: {
          errorOf: (raw) => (raw["ok"] === false ? { error: String(raw["reason"]), description: "d" } : null),
        },
      })
      assert.deepInclude(failure, { _tag: "ProviderRefused", error: "gone", description: "d" })
    }),
  )

  it.effect("MUST NOT repeat characters outside of the set, nor at length", () =>
    Effect.gen(function* () {
      const failure = yield* refusalOf(
        answered({ error: `bad"\\\n\u0000é${"e".repeat(500)}`, error_description: `<b>\r\n"${"d".repeat(5000)}` }, 400),
      )
      assert.strictEqual(failure._tag, "ProviderRefused")
      if (failure._tag !== "ProviderRefused") return
      assert.strictEqual(failure.error, `bad${"e".repeat(61)}`)
      assert.strictEqual(failure.description, `<b>${"d".repeat(253)}`)
      const empty = yield* refusalOf(answered({ error: "é" }, 400))
      assert.deepInclude(empty, { error: "unknown_error" })
    }),
  )
})

describe("client authentication", () => {
  it.effect("none: names the client", () =>
    Effect.gen(function* () {
      const { form, headers } = yield* requestOf({ clientSecret: undefined })
      assert.strictEqual(form["client_id"], "belfry")
      assert.isUndefined(form["client_secret"])
      assert.isUndefined(headers["authorization"])
    }),
  )

  it.effect("client_secret_post: sends both as fields", () =>
    Effect.gen(function* () {
      const { form, headers } = yield* requestOf({})
      assert.strictEqual(form["client_id"], "belfry")
      assert.strictEqual(form["client_secret"], LocalProvider.clientSecret)
      assert.isUndefined(headers["authorization"])
    }),
  )

  it.effect("client_secret_basic: RFC 6749 §2.3.1, MUST encode id and secret first", () =>
    Effect.gen(function* () {
      const { form, headers } = yield* requestOf({
        clientId: "a:b c",
        tokenEndpointAuthMethod: "client_secret_basic",
      })
      const credentials = Buffer.from((headers["authorization"] ?? "").slice("Basic ".length), "base64").toString()
      assert.strictEqual(credentials, "a%3Ab+c:a+secret%3A+with+%2B+and+%25")
      assert.isUndefined(form["client_id"])
      assert.isUndefined(form["client_secret"])
    }),
  )

  it.effect("sends the secret that a strategy makes", () =>
    Effect.gen(function* () {
      const { form } = yield* requestOf({
        clientSecret: undefined,
        strategy: { clientSecret: ({ now }) => Effect.succeed(Redacted.make(`made at ${now.epochMilliseconds}`)) },
      })
      assert.strictEqual(form["client_secret"], `made at ${Transport.start}`)
    }),
  )

  it.effect.each(["PEM", "JWK"] as const)("private_key_jwt: signs who it is with a key in %s", (form) =>
    Effect.gen(function* () {
      const { privateKey, publicKey } = yield* Effect.promise(() => generateKeyPair("ES256", { extractable: true }))
      const text = yield* Effect.promise(async () =>
        form === "PEM" ? exportPKCS8(privateKey) : JSON.stringify(await exportJWK(privateKey)),
      )
      const options = { clientSecret: undefined, clientKey: { key: Redacted.make(text), keyId: "k1" } }
      const [one, other] = yield* Effect.all([requestOf(options), requestOf(options)])
      assert.strictEqual(one.form["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
      assert.isUndefined(one.form["client_secret"])
      const { payload, protectedHeader } = yield* Effect.promise(() =>
        jwtVerify(one.form["client_assertion"] ?? "", publicKey, { currentDate: new Date(Transport.start) }),
      )
      assert.deepStrictEqual(protectedHeader, { alg: "ES256", kid: "k1" })
      const { jti, ...claims } = payload
      assert.deepStrictEqual(claims, {
        iss: "belfry",
        sub: "belfry",
        aud: one.url,
        iat: Transport.start / 1000,
        exp: Transport.start / 1000 + 60,
      })
      assert.isString(jti)
      assert.notStrictEqual(jti, decodeJwt(other.form["client_assertion"] ?? "").jti)
    }),
  )

  it.effect("private_key_jwt: signs with another algorithm, for the endpoint where no issuer is known", () =>
    Effect.gen(function* () {
      const { privateKey } = yield* Effect.promise(() => generateKeyPair("RS256", { extractable: true }))
      const key = Redacted.make(yield* Effect.promise(() => exportPKCS8(privateKey)))
      const local = yield* Transport.makeLocal
      local.answer("/token", answered({ access_token: "a" }))
      const provider = Transport.settings(local, {
        clientSecret: undefined,
        clientKey: { key, keyId: "k1", algorithm: "RS256" },
        discoveryUrl: undefined,
        authorizationEndpoint: `${local.url}/authorize`,
        tokenEndpoint: `${local.url}/token`,
      })
      yield* OAuthTransport.use((transport) => transport.exchange(provider, code))
      const assertion = local.requests[0]?.form["client_assertion"] ?? ""
      assert.strictEqual(decodeProtectedHeader(assertion).alg, "RS256")
      assert.strictEqual(decodeJwt(assertion).aud, `${local.url}/token`)
    }).pipe(Effect.provide(Transport.layer)),
  )

  it.effect("does not show a key that cannot be read", () =>
    Effect.gen(function* () {
      const failure = yield* refusalOf(answered({}), {
        clientSecret: undefined,
        clientKey: { key: Redacted.make("-----BEGIN the-key"), keyId: "k1" },
      })
      assert.deepInclude(failure, { _tag: "ProviderUnavailable", endpoint: "token" })
      assert.notInclude(JSON.stringify(failure), "the-key")
    }),
  )
})
