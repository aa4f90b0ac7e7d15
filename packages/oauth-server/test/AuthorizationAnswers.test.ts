/**
 * What an authorization request leads to, seen from the client and from the API: answers, tokens, scopes and resources,
 * from the first redirect to the last refresh.
 */
import { wellKnown } from "@belfry/oauth-server/Issuer"
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, References, Tracer } from "effect"
import { decodeJwt, decodeProtectedHeader } from "jose"
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
  serve,
  spa,
  start,
  tokensFor,
} from "./support/Attacker.ts"
import { authorizePath, issuer, locationOf, open, queryOf } from "./support/Authorizing.ts"

const textAt = TestHttp.textAt

describe("RFC 9700 §2.1.2", () => {
  it.effect("MUST NOT issue an access token in a redirect, whatever response type and mode are asked for", () =>
    Effect.gen(function* () {
      const { app, browser } = yield* start
      yield* codeOf(browser, app, { scope: "openid" })
      const types = ["code", "token", "id_token", "none", "code token", "code id_token", "code id_token token"]
      let codes = 0
      for (const response_type of types) {
        for (const response_mode of [null, "query", "form_post", "fragment"]) {
          const asked = { response_type, response_mode, nonce: "n", scope: "openid" }
          const answer = yield* browser.go(authorizePath(app.client, asked))
          const all = `${answer.location ?? ""} ${answer.text}`
          assert.notMatch(all, /access_token|id_token=|"id_token"|belfry_access_|token_type|eyJ/u, response_type)
          assert.notInclude(answer.location ?? "", "#")
          if (/belfry_code_/u.test(all)) codes += 1
        }
      }
      assert.strictEqual(codes, 3)
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 9207 §2", () => {
  it.effect("MUST send the issuer of the metadata, byte for byte, with codes and with errors", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      const metadata = yield* send(wellKnown.openIdConfiguration)
      const expected = textAt(metadata, "issuer")
      for (const asked of [{}, { prompt: "none" }, { scope: "unknown" }, { response_type: "token" }]) {
        const { location, text } = yield* browser.go(authorizePath(app.client, asked))
        if (location?.startsWith("/authorize/consent") === true) continue
        assert.include(`${location ?? ""}&`, `&iss=${encodeURIComponent(expected)}&`, text)
      }
      assert.strictEqual((yield* agree(browser, app))["iss"], expected)
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 6749 §3.3", () => {
  it.effect("MUST tell the scope that was granted, where it is less than what was asked for too", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      const asked = { scope: "openid profile email notes:read" }
      const { request = "" } = queryOf(yield* browser.go(authorizePath(app.client, asked)))
      const fields = `request=${request}&accept=true&scope=openid&scope=notes:read`
      const { code = "" } = queryOf(yield* browser.submit("/auth/oauth2/consent", fields))
      const answer = yield* exchange(send, app, code)
      assert.strictEqual(TestHttp.at(answer.json, "scope"), "openid notes:read")
    }).pipe(Effect.provide(layer())),
  )
})

describe("OpenID Connect Core §11", () => {
  it.effect("MUST have consent to offline_access before it issues a refresh token", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      const scope = "openid offline_access"
      yield* codeOf(browser, app, { scope: "openid" })
      // What stands is no consent to it: the person is asked again, and in silence the client hears so.
      const silent = yield* browser.go(authorizePath(app.client, { scope, prompt: "none" }))
      assert.strictEqual(queryOf(silent)["error"], "consent_required")
      const { request = "" } = queryOf(yield* browser.go(authorizePath(app.client, { scope })))
      const without = yield* browser.submit("/auth/oauth2/consent", `request=${request}&accept=true&scope=openid`)
      const declined = yield* exchange(send, app, queryOf(without)["code"] ?? "")
      assert.notProperty(declined.json, "refresh_token")
      const given = yield* exchange(send, app, yield* codeOf(browser, app, { scope, prompt: "consent" }))
      assert.property(given.json, "refresh_token")
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 8707 §2.1", () => {
  it.effect("MUST bind the resource of the authorization request into the grant", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      const asked = { scope: "openid offline_access notes:read", resource: notes }
      const code = yield* codeOf(browser, app, asked)
      assert.deepStrictEqual(errorOf(yield* exchange(send, app, code, { resource: files })), [400, "invalid_target"])
      const tokens = yield* exchange(send, app, code)
      assert.strictEqual(decodeJwt(textAt(tokens, "access_token")).aud, notes)
      const refreshToken = textAt(tokens, "refresh_token")
      assert.deepStrictEqual(errorOf(yield* refresh(send, app, refreshToken, { resource: files })), [
        400,
        "invalid_target",
      ])
      const again = yield* refresh(send, app, refreshToken)
      assert.strictEqual(decodeJwt(textAt(again, "access_token")).aud, notes)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("keeps each of several resources, in the order in which they were asked for", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      const code = yield* codeOf(browser, app, { scope: "openid notes:read", resource: [files, notes] })
      const tokens = yield* exchange(send, app, code)
      assert.deepStrictEqual(decodeJwt(textAt(tokens, "access_token")).aud, [files, notes])
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 9068 §2.2", () => {
  it.effect("MUST carry every claim that is asked for, from a person's consent to the API", () =>
    Effect.gen(function* () {
      const { app, browser, person, send } = yield* start
      const { accessToken, idToken } = yield* tokensFor(send, browser, app, {
        scope: "openid notes:read",
        resource: notes,
      })
      assert.strictEqual(decodeProtectedHeader(accessToken).typ, "at+jwt")
      const { jti, iat = 0, exp = 0, auth_time: authTime, ...claims } = decodeJwt(accessToken)
      assert.isString(jti)
      assert.strictEqual(exp - iat, 3600)
      assert.strictEqual(authTime, decodeJwt(idToken)["auth_time"])
      assert.containsSubset(claims, {
        iss: issuer,
        aud: notes,
        sub: person.user.id,
        client_id: app.id,
        scope: "notes:read",
        amr: ["pwd"],
      })
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 9068 §2.1", () => {
  it.effect("MUST sign with RS256 for a client that registered it, and never with none", () =>
    Effect.gen(function* () {
      const { browser, send } = yield* start
      for (const [accessTokenSigningAlg, expected] of [
        [null, "ES256"],
        ["RS256", "RS256"],
      ] as const) {
        const app = yield* application({ accessTokenSigningAlg })
        const { accessToken } = yield* tokensFor(send, browser, app, { resource: notes })
        assert.strictEqual(decodeProtectedHeader(accessToken).alg, expected)
        assert.isTrue(yield* isActive(send, app, accessToken))
        const [, payload = ""] = accessToken.split(".")
        const unsigned = `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString("base64url")}.${payload}.`
        assert.isFalse(yield* isActive(send, app, unsigned))
      }
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 9068 §3", () => {
  it.effect("MUST NOT be for an API where no resource was asked for: the server itself is the audience", () =>
    Effect.gen(function* () {
      const { app, browser, post, send } = yield* start
      for (const scope of ["openid", "notes:read"]) {
        const { accessToken } = yield* tokensFor(send, browser, app, { scope })
        assert.match(accessToken, /^belfry_access_/u)
        const told = yield* post("introspect", { token: accessToken }, app.headers)
        assert.strictEqual(TestHttp.at(told.json, "aud"), issuer, scope)
      }
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 8252 §7.1", () => {
  it.effect("MUST answer at a private-use scheme with a period, which has no host", () =>
    Effect.gen(function* () {
      const { browser, send } = yield* start
      const redirectUri = "com.example.app:/oauth/callback"
      const app = yield* spa({ applicationType: "native", redirectUris: [redirectUri] })
      const { request = "" } = queryOf(yield* browser.go(authorizePath(app.client)))
      const { location } = yield* browser.submit("/auth/oauth2/consent", { request, accept: "true" })
      assert.isTrue(location?.startsWith(`${redirectUri}?code=`), location ?? "")
      const code = new URL(location ?? "").searchParams.get("code") ?? ""
      assert.strictEqual((yield* exchange(send, app, code, { redirect_uri: redirectUri })).status, 200)
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 8252 §7.2", () => {
  it.effect("MUST answer at a claimed https URI of a native client", () =>
    Effect.gen(function* () {
      const { browser, send } = yield* start
      const app = yield* spa({ applicationType: "native" })
      assert.strictEqual((yield* exchange(send, app, yield* codeOf(browser, app))).status, 200)
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 8252 §8.5", () => {
  it.effect("MUST NOT trust a secret of a native client so far that it does without PKCE", () =>
    Effect.gen(function* () {
      const { browser, send } = yield* start
      const app = yield* application({ applicationType: "native" })
      const asked = { code_challenge: null, code_challenge_method: null, nonce: "n", scope: "openid" }
      assert.strictEqual(queryOf(yield* browser.go(authorizePath(app.client, asked)))["error"], "invalid_request")
      const code = yield* codeOf(browser, app)
      const without = yield* exchange(send, app, code, { code_verifier: undefined })
      assert.strictEqual(without.status, 400, without.text)
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 6749 §3.1.2", () => {
  it.effect("MUST NOT answer at a redirect URI with a fragment, nor register one", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      for (const fragment of ["#", "#x"]) {
        const uri = `https://client.example.com/callback${fragment}`
        const response = yield* browser.go(authorizePath(app.client, { redirect_uri: uri }))
        assert.strictEqual(locationOf(response).pathname, "/authorize/error")
        const registered = yield* send("/auth/oauth2/register", { method: "POST", json: { redirect_uris: [uri] } })
        assert.deepStrictEqual(errorOf(registered), [400, "invalid_redirect_uri"])
      }
    }).pipe(Effect.provide(layer({ settings: { registration: "open" } }))),
  )
})

describe("RFC 9700 §4.2.4", () => {
  it.effect("SHOULD tell neither logs nor spans of codes, state, tokens and secrets", () => {
    const lines: Array<string> = []
    const logger = Logger.make(({ cause, message }) => void lines.push(`${String(message)} ${String(cause)}`))
    const spans: Array<Tracer.NativeSpan> = []
    const tracer = Tracer.make({
      span: (options) => {
        const span = new Tracer.NativeSpan(options)
        spans.push(span)
        return span
      },
    })
    // Of a request's address the exporter keeps the path alone (Telemetry of the server).
    const withheld = new Set(["url.full", "url.query"])
    return Effect.gen(function* () {
      const send = yield* serve
      const browser = yield* open(send)
      yield* browser.signIn()
      const app = yield* application()
      const state = "the-state-of-the-client"
      const tokens = yield* tokensFor(send, browser, app, { state, nonce: "the-nonce" })
      yield* exchange(send, app, tokens.code)
      yield* refresh(send, app, tokens.refreshToken)
      yield* isActive(send, app, tokens.accessToken)
      const kept = [
        ...lines,
        ...spans.flatMap(({ attributes, events, name }) => [
          name,
          ...[...attributes].filter(([key]) => !withheld.has(key)).map(([, value]) => String(value)),
          ...events.map((event) => JSON.stringify(event, (_, value) => (typeof value === "bigint" ? "" : value))),
        ]),
      ].join("\n")
      assert.include(kept, "/auth/oauth2/token")
      const { accessToken, code, idToken, refreshToken } = tokens
      for (const secret of [accessToken, code, idToken, refreshToken, app.secret, state, "the-nonce"]) {
        assert.isAbove(secret.length, 8)
        assert.notInclude(kept, secret)
      }
    }).pipe(
      Effect.withTracer(tracer),
      Effect.provide(Logger.layer([logger])),
      Effect.provideService(References.MinimumLogLevel, "Trace"),
      Effect.provide(layer()),
    )
  })
})
