/**
 * Attacks on where the authorization endpoint leads: open redirects, confusion of redirect URIs, mix-up, injection into
 * answers, and pages in frames. Over HTTP, against the whole server.
 */
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { agree, application, codeOf, exchange, layer, serve, start, tokensFor } from "./support/Attacker.ts"
import { authorizePath, callback, home, issuer, locationOf, open, queryOf } from "./support/Authorizing.ts"
import { confusing, confusingLoopback, registered } from "./support/redirectUris.ts"

const errorPage = "/authorize/error"

/** Asserts that a browser stays here: the person is told, and nobody is redirected to what was asked for. */
const staysHere = (response: TestHttp.TestResponse, what: string) => {
  const { origin, pathname } = locationOf(response)
  assert.deepStrictEqual([origin, pathname], [home, errorPage], what)
  assert.notProperty(queryOf(response), "code", what)
}

/** What a form of an answer posts, and where, as a browser reads it. */
const postOf = (html: string) => {
  const unescape = (text: string) =>
    text.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
  const [, action = ""] = /<form method="post" action="([^"]*)">/.exec(html) ?? []
  const fields = [...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)]
  return {
    action: unescape(action),
    fields: Object.fromEntries(fields.map(([, name = "", value = ""]) => [unescape(name), unescape(value)])),
  }
}

describe("Open redirect", () => {
  it.effect("gets nowhere by what looks like the registered URI, whether a code or an error is the answer", () =>
    Effect.gen(function* () {
      const { app, browser } = yield* start
      assert.strictEqual(app.client.metadata.redirectUris[0], registered)
      assert.property(yield* agree(browser, app, { redirect_uri: registered }), "code")
      for (const uri of confusing) {
        if (uri === registered) continue
        // Consent is given: nothing but the URI is between the attacker and the code.
        staysHere(yield* browser.go(authorizePath(app.client, { redirect_uri: uri })), uri)
        const faulty = { redirect_uri: uri, response_type: "token", scope: "x" }
        staysHere(yield* browser.go(authorizePath(app.client, faulty)), uri)
        staysHere(yield* browser.go(authorizePath(app.client, { redirect_uri: uri, prompt: "none" })), uri)
        const posted = yield* browser.go(authorizePath(app.client, { redirect_uri: uri, response_mode: "form_post" }))
        staysHere(posted, uri)
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("gets nowhere by what looks like a loopback address", () =>
    Effect.gen(function* () {
      const { browser } = yield* start
      const app = yield* application({
        applicationType: "native",
        tokenEndpointAuthMethod: "none",
        redirectUris: ["http://127.0.0.1/callback", "http://[::1]/callback"],
      })
      const asked = { redirect_uri: "http://127.0.0.1:51004/callback" }
      assert.property(yield* agree(browser, app, asked), "code")
      for (const uri of confusingLoopback) {
        staysHere(yield* browser.go(authorizePath(app.client, { redirect_uri: uri })), uri)
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("gets nowhere by the redirect URI of another client", () =>
    Effect.gen(function* () {
      const { app, browser } = yield* start
      const evil = yield* application({ redirectUris: ["https://evil.example/callback"] })
      const asked = { redirect_uri: "https://evil.example/callback" }
      staysHere(yield* browser.go(authorizePath(app.client, asked)), "of another client")
      assert.property(yield* agree(browser, evil, asked), "code")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("gets nowhere by a redirect URI or a client that stands twice, in either order", () =>
    Effect.gen(function* () {
      const { app, browser } = yield* start
      const evil = yield* application({ redirectUris: ["https://evil.example/callback"] })
      for (const redirect_uri of [
        [registered, "https://evil.example/callback"],
        ["https://evil.example/callback", registered],
        [registered, registered],
      ]) {
        staysHere(yield* browser.go(authorizePath(app.client, { redirect_uri })), redirect_uri.join())
      }
      for (const client_id of [
        [app.id, evil.id],
        [evil.id, app.id],
      ]) {
        for (const redirect_uri of [registered, "https://evil.example/callback"]) {
          staysHere(yield* browser.go(authorizePath(app.client, { client_id, redirect_uri })), client_id.join())
        }
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("gets nowhere by a URI that the client no longer has, though the request waited", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      const owner = yield* open(send)
      const { user } = yield* owner.signIn()
      const own = yield* application({ redirectUris: [callback, "https://evil.example/callback"] }, { userId: user.id })
      const waits = yield* browser.go(authorizePath(own.client, { redirect_uri: "https://evil.example/callback" }))
      const { request = "" } = queryOf(waits)
      const patched = yield* owner.request(`/auth/oauth2/clients/${own.id}`, {
        method: "PATCH",
        headers: { origin: home, "sec-fetch-site": "same-origin" },
        json: { redirectUris: [callback] },
      })
      assert.strictEqual(patched.status, 200, patched.text)
      staysHere(yield* browser.submit("/auth/oauth2/consent", { request, accept: "true" }), "accepted")
      staysHere(yield* browser.submit("/auth/oauth2/consent", { request, accept: "false" }), "denied")
      staysHere(yield* browser.go(`/auth/oauth2/continue?request=${request}`), "continued")
      assert.property(yield* agree(browser, app), "code")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("after logging out leads to what is registered, byte for byte, and for that client", () =>
    Effect.gen(function* () {
      const { browser, send } = yield* start
      const target = "https://client.example.com/callback"
      const app = yield* application(
        { postLogoutRedirectUris: [target], redirectUris: ["https://client.example.com/in"] },
        { privileges: { enableEndSession: true } },
      )
      const other = yield* application({ postLogoutRedirectUris: ["https://evil.example/out"] })
      const asked = { redirect_uri: "https://client.example.com/in" }
      const code = yield* codeOf(browser, app, asked)
      const tokens = yield* exchange(send, app, code, asked)
      const hint = TestHttp.textAt(tokens, "id_token")
      const out = (fields: Readonly<Record<string, string>>) =>
        browser.go(`/auth/oauth2/end-session?${new URLSearchParams(fields).toString()}`)
      for (const uri of [...confusing.filter((each) => each !== target), "https://client.example.com/in"]) {
        for (const by of [{ id_token_hint: hint }, { client_id: app.id }, { client_id: other.id }]) {
          staysHere(yield* out({ ...by, post_logout_redirect_uri: uri }), uri)
        }
      }
      staysHere(yield* out({ post_logout_redirect_uri: target }), "nobody's")
      staysHere(yield* out({ client_id: other.id, post_logout_redirect_uri: target }), "of another client")
      staysHere(
        yield* out({ id_token_hint: hint, client_id: other.id, post_logout_redirect_uri: "https://evil.example/out" }),
        "with the hint of another client",
      )
      assert.isTrue(browser.cookies.has("belfry_session"))
      const end = yield* out({ id_token_hint: hint, post_logout_redirect_uri: target, state: "s" })
      assert.strictEqual(end.location, `${target}?state=s`)
    }).pipe(Effect.provide(layer())),
  )
})

describe("Mix-up", () => {
  it.effect("is told by iss in each answer, errors too, in both modes, whatever the request says", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      const smuggled = { iss: "https://evil.example" }
      assert.deepInclude(yield* agree(browser, app, smuggled), { iss: issuer })
      const stranger = yield* open(send)
      const faults = [
        { prompt: "none" },
        { response_type: "token" },
        { response_type: null },
        { scope: "unknown" },
        { scope: '"' },
        { code_challenge: null },
        { code_challenge_method: "plain" },
        { prompt: "none login" },
        { resource: "https://unknown.example" },
        { request: "a.b.c" },
        { request_uri: "https://evil.example/request" },
        { claims: "{" },
        { state: ["a", "b"] },
        { max_age: "-1" },
        { id_token_hint: "a.b.c" },
      ]
      for (const fault of faults) {
        const query = yield* stranger.go(authorizePath(app.client, { ...fault, ...smuggled }))
        const answer = queryOf(query)
        assert.strictEqual(query.location?.startsWith(`${callback}?`), true, JSON.stringify(fault))
        assert.strictEqual(answer["iss"], issuer, JSON.stringify(fault))
        assert.property(answer, "error")
        assert.strictEqual(locationOf(query).searchParams.getAll("iss").length, 1)
        const posted = yield* stranger.go(authorizePath(app.client, { ...fault, response_mode: "form_post" }))
        assert.deepInclude(postOf(posted.text).fields, { iss: issuer, error: answer["error"] ?? "" })
      }
      // Denied, and cancelled, by the person.
      yield* stranger.signIn()
      const waits = queryOf(yield* stranger.go(authorizePath(app.client)))
      const denied = yield* stranger.submit("/auth/oauth2/consent", { request: waits["request"] ?? "", accept: "no" })
      assert.deepInclude(queryOf(denied), { iss: issuer, error: "access_denied" })
      const again = queryOf(yield* stranger.go(authorizePath(app.client)))
      const cancelled = yield* stranger.submit(`/auth/oauth2/requests/${again["request"] ?? ""}/cancel`, {})
      assert.deepInclude(queryOf(cancelled), { iss: issuer, error: "access_denied" })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("finds in discovery the issuer that stands in answers, and that iss is always there", () =>
    Effect.gen(function* () {
      const { send } = yield* start
      const { json } = yield* send("/auth/.well-known/openid-configuration")
      assert.deepInclude(json, { issuer, authorization_response_iss_parameter_supported: true })
    }).pipe(Effect.provide(layer())),
  )
})

const hostile = [
  '"><script>alert(1)</script>',
  "' onfocus=alert(1) autofocus='",
  "&quot;&#34;&amp;&lt;",
  "</form><form action=https://evil.example>",
  "a&code=evil&iss=https://evil.example",
  "a#code=evil",
  "a+b c%20d%0d%0a",
  "javascript:alert(1)",
  "{{constructor.constructor('alert(1)')()}}",
  "état 状態 🗝️",
  "\u2028\u2029",
  "..%2f..%2f",
  "\\u003cscript\\u003e",
]

describe("Injection into answers", () => {
  it.effect("leaves state as it came, and one code and one iss, by redirect and by form", () =>
    Effect.gen(function* () {
      const { app, browser } = yield* start
      for (const state of hostile) {
        const response = yield* browser.go(authorizePath(app.client, { state, prompt: "none", scope: "openid" }))
        const { searchParams } = locationOf(response)
        assert.deepStrictEqual(searchParams.getAll("state"), [state])
        assert.deepStrictEqual(searchParams.getAll("iss"), [issuer])
        assert.isAtMost(searchParams.getAll("code").length, 1)
        assert.strictEqual(locationOf(response).hash, "")
        const posted = yield* browser.go(
          authorizePath(app.client, { state, prompt: "none", scope: "openid", response_mode: "form_post" }),
        )
        const { action, fields } = postOf(posted.text)
        assert.deepInclude(fields, { state, iss: issuer })
        assert.strictEqual(action, callback)
        // Nothing of it is more than text: one form, one script, and it is the server's.
        assert.deepStrictEqual(
          [
            posted.text.match(/<form/g)?.length,
            posted.text.match(/<script/g)?.length,
            posted.text.match(/<input/g)?.length,
          ],
          [1, 1, Object.keys(fields).length],
        )
        yield* agree(browser, app, { scope: "openid" })
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("gets no line break into a header, nor a control character into an answer", () =>
    Effect.gen(function* () {
      const { app, browser } = yield* start
      yield* agree(browser, app)
      for (const name of [
        "state",
        "nonce",
        "scope",
        "login_hint",
        "ui_locales",
        "display",
        "prompt",
        "claims",
        "resource",
      ]) {
        for (const value of ["a\r\nSet-Cookie: evil=1", "a\nLocation: https://evil.example", "a\u0000b", "a\u001Bb"]) {
          for (const response_mode of ["query", "form_post"]) {
            const response = yield* browser.go(authorizePath(app.client, { [name]: value, response_mode }))
            assert.isBelow(response.status, 400, name)
            assert.notProperty(response.cookies, "evil")
            assert.notMatch(response.location ?? "", /[\r\n\0]|evil\.example$/)
            for (const [header, text] of response.headers) assert.notInclude(text, "evil", `${name}: ${header}`)
          }
        }
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("brings the nonce back in the ID token as it came", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      for (const nonce of hostile) {
        const { idToken } = yield* tokensFor(send, browser, app, { nonce })
        const [, payload = ""] = idToken.split(".")
        assert.strictEqual(JSON.parse(Buffer.from(payload, "base64url").toString())["nonce"], nonce)
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is told by no description: none repeats what was sent", () =>
    Effect.gen(function* () {
      const { app, browser } = yield* start
      const mark = "zqxjmark"
      const names = [
        "client_id",
        "redirect_uri",
        "response_type",
        "response_mode",
        "scope",
        "code_challenge",
        "code_challenge_method",
        "prompt",
        "max_age",
        "claims",
        "id_token_hint",
        "resource",
        "request",
        "request_uri",
        "registration",
        mark,
      ]
      for (const name of names) {
        for (const value of [mark, `"${mark}`, [mark, `${mark}2`]]) {
          const response = yield* browser.go(authorizePath(app.client, { [name]: value, state: "s" }))
          for (const [parameter, text] of locationOf(response).searchParams) {
            assert.notInclude(text, mark, `${name} in ${parameter}`)
          }
          assert.notInclude(response.text, mark)
          const script = yield* browser.fetch(authorizePath(app.client, { [name]: value, state: "s" }))
          assert.notInclude(script.text, mark)
        }
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is told by no description of the endpoints that clients call either", () =>
    Effect.gen(function* () {
      const { app, post, send } = yield* start
      const mark = "zqxjmark"
      const names = [
        "grant_type",
        "code",
        "redirect_uri",
        "code_verifier",
        "scope",
        "resource",
        "client_id",
        "client_secret",
        "refresh_token",
        "token",
        "token_type_hint",
        "client_assertion",
        "client_assertion_type",
        mark,
      ]
      for (const endpoint of ["token", "introspect", "revoke", "userinfo"]) {
        for (const name of names) {
          for (const value of [mark, `"${mark}\r\n`, [mark, `${mark}2`]]) {
            for (const grant_type of ["authorization_code", "refresh_token", mark]) {
              const response = yield* post(endpoint, { grant_type, [name]: value }, app.headers)
              assert.notInclude(response.text, mark, `${endpoint} ${name}`)
              for (const [header, text] of response.headers) assert.notInclude(text, mark, `${endpoint} ${header}`)
            }
          }
        }
      }
      const members = [
        "redirect_uris",
        "scope",
        "grant_types",
        "jwks_uri",
        "logo_uri",
        "subject_type",
        "software_statement",
      ]
      for (const member of members) {
        for (const value of [mark, [mark], { [mark]: mark }]) {
          const json = { redirect_uris: ["https://a.example/cb"], [member]: value }
          const response = yield* send("/auth/oauth2/register", { method: "POST", json })
          if (response.status !== 201) assert.notInclude(response.text, mark, member)
        }
      }
    }).pipe(Effect.provide(layer({ settings: { registration: "open" } }))),
  )
})

describe("Leaking and framing", () => {
  it.effect("is told to no browser cache, no other site and no frame, at each answer on the way", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      const stranger = yield* open(send)
      const waits = yield* browser.go(authorizePath(app.client))
      const { request = "" } = queryOf(waits)
      const posted = { scope: "openid", response_mode: "form_post", prompt: "none" }
      const answers = [
        waits,
        yield* stranger.go(authorizePath(app.client)),
        yield* browser.go(authorizePath(app.client, { client_id: "nobody" })),
        yield* browser.go(authorizePath(app.client, { scope: "x" })),
        yield* browser.go(`/auth/oauth2/continue?request=${request}`),
        yield* browser.fetch(authorizePath(app.client)),
        yield* browser.go(authorizePath(app.client, posted)),
        yield* browser.submit("/auth/oauth2/consent", { request, accept: "true" }),
        yield* browser.go(authorizePath(app.client)),
        yield* browser.go(authorizePath(app.client, { response_mode: "form_post" })),
        yield* browser.fetch(authorizePath(app.client, { response_mode: "form_post" })),
        yield* browser.go("/auth/oauth2/end-session"),
        yield* browser.fetch("/auth/oauth2/end-session"),
        yield* browser.submit("/auth/oauth2/authorize", { client_id: app.id }),
        yield* browser.submit("/auth/oauth2/end-session", { client_id: app.id }),
      ]
      let pages = 0
      for (const [index, { headers, status, text }] of answers.entries()) {
        const what = `${index}: ${status}`
        assert.strictEqual(headers.get("cache-control"), "no-store", what)
        assert.strictEqual(headers.get("referrer-policy"), "no-referrer", what)
        assert.isNull(headers.get("access-control-allow-origin"), what)
        if (!text.startsWith("<")) continue
        pages += 1
        assert.include(headers.get("content-security-policy") ?? "", "frame-ancestors 'none'", what)
        assert.include(headers.get("content-security-policy") ?? "", "default-src 'none'", what)
        assert.strictEqual(headers.get("x-frame-options"), "DENY", what)
        assert.strictEqual(headers.get("x-content-type-options"), "nosniff", what)
      }
      assert.strictEqual(pages, 2)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("keeps the overload of the endpoint out of frames and caches too", () =>
    Effect.gen(function* () {
      const send = yield* serve
      const browser = yield* open(send)
      const app = yield* application()
      let last = yield* browser.go(authorizePath(app.client))
      for (let i = 0; i < 40 && last.status !== 429; i++) last = yield* browser.go(authorizePath(app.client))
      assert.strictEqual(last.status, 429)
      assert.include(last.headers.get("content-security-policy") ?? "", "frame-ancestors 'none'")
      assert.strictEqual(last.headers.get("x-frame-options"), "DENY")
      assert.strictEqual(last.headers.get("cache-control"), "no-store")
    }).pipe(
      Effect.provide(
        layer({
          settings: {
            rateLimits: {
              authorize: { name: "authorize", limit: 3, window: Duration.minutes(1) },
              registration: null,
              clientDocuments: null,
              token: null,
              introspection: null,
              revocation: null,
              userInfo: null,
            },
          },
        }),
      ),
    ),
  )

  it.effect("is told to nobody on the way where tokens are: at the token endpoint, UserInfo and introspection", () =>
    Effect.gen(function* () {
      const { app, browser, post, send } = yield* start
      const tokens = yield* tokensFor(send, browser, app)
      const wrong = { authorization: "Basic eDp4" }
      const answers = [
        tokens.response,
        yield* exchange(send, app, tokens.code),
        yield* post("token", { grant_type: "x" }, wrong),
        yield* post("introspect", { token: tokens.accessToken }, app.headers),
        yield* post("introspect", { token: "x" }, wrong),
        yield* post("revoke", { token: "x" }, app.headers),
        yield* send("/auth/oauth2/userinfo", { headers: { authorization: `Bearer ${tokens.accessToken}` } }),
        yield* send("/auth/oauth2/userinfo"),
        yield* send("/auth/oauth2/register", { method: "POST", json: {} }),
        yield* send("/auth/oauth2/token"),
      ]
      for (const { headers } of answers) {
        assert.strictEqual(headers.get("cache-control"), "no-store")
        assert.strictEqual(headers.get("pragma"), "no-cache")
        assert.isNull(headers.get("access-control-allow-credentials"))
      }
    }).pipe(Effect.provide(layer())),
  )
})
