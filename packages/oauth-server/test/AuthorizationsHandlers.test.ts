/**
 * The authorization endpoint and the pages' API at the level of HTTP: redirects, forms, cookies, guards.
 */
import * as RequestBodyHandlers from "@belfry/core/RequestBodyHandlers"
import { StoreError } from "@belfry/core/StoreError"
import { ConsentStore } from "@belfry/oauth-server/ConsentStore"
import { MemoryOAuthServerTables } from "@belfry/oauth-server/MemoryOAuthServerTables"
import * as OAuthServerSettings from "@belfry/oauth-server/OAuthServerSettings"
import { RecordStore } from "@belfry/oauth-server/RecordStore"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import * as TestHttp from "@belfry/testing/TestHttp"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Digest } from "effect/crypto"
import { Base64 } from "effect/encoding"
import { TestClock } from "effect/testing"
import {
  ask,
  authorizePath,
  callback,
  issuer,
  layer,
  layerHost,
  locationOf,
  open,
  openSite,
  queryOf,
  storedClient,
} from "./support/Authorizing.ts"

const authorizeUrl = "/auth/oauth2/authorize"
const consentUrl = "/auth/oauth2/consent"

const grantCount = Effect.map(MemoryOAuthServerTables, ({ grants }) => grants.size)

/** What no answer of these endpoints lacks. */
const assertPrivate = (response: TestHttp.TestResponse) => {
  assert.strictEqual(response.headers.get("cache-control"), "no-store")
  assert.strictEqual(response.headers.get("referrer-policy"), "no-referrer")
  assert.isNull(response.headers.get("access-control-allow-origin"))
  const policy = response.headers.get("content-security-policy")
  if (response.headers.get("content-type")?.startsWith("text/html") === true) {
    assert.include(policy ?? "", "frame-ancestors 'none'")
    assert.include(policy ?? "", "default-src 'none'")
    assert.strictEqual(response.headers.get("x-frame-options"), "DENY")
    assert.strictEqual(response.headers.get("x-content-type-options"), "nosniff")
  }
}

/** What a browser reads of the fields of a form. */
const fieldsOf = (html: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)].map(([, name = "", value = ""]) => [
      unescape(name),
      unescape(value),
    ]),
  )

const unescape = (text: string) => text.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))

describe("RFC 6749 §3.1", () => {
  it.effect("MUST take GET, and leads a person through the pages to the client, with a cookie of their browser", () =>
    Effect.gen(function* () {
      const { browser, client } = yield* openSite()
      const first = yield* browser.go(authorizePath(client))
      assert.strictEqual(first.status, 302)
      assertPrivate(first)
      assert.strictEqual(locationOf(first).pathname, "/sign-in")
      assert.deepStrictEqual(first.cookies["belfry_authorization"]?.attributes, [
        "HttpOnly",
        "Max-Age=86400",
        "Path=/",
        "SameSite=Lax",
      ])
      const { request = "", return_to = "" } = queryOf(first)
      yield* browser.signIn()
      const second = yield* browser.go(return_to)
      assert.strictEqual(second.status, 302)
      assertPrivate(second)
      assert.strictEqual(locationOf(second).pathname, "/authorize/consent")
      assert.deepStrictEqual(second.cookies, {})
      const third = yield* browser.submit(consentUrl, { request, accept: "true" })
      assert.strictEqual(third.status, 303)
      assertPrivate(third)
      assert.strictEqual(third.location?.startsWith(`${callback}?`), true)
      const { code, ...others } = queryOf(third)
      assert.match(code ?? "", /^belfry_code_/)
      assert.deepStrictEqual(others, { state: "of the client", iss: issuer })
      const silent = yield* browser.go(authorizePath(client, { prompt: "none" }))
      assert.property(queryOf(silent), "code")
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 6749 §4.1.2.1", () => {
  it.effect("MUST lead to the error page where client or redirect URI is not proved, and to no other place", () =>
    Effect.gen(function* () {
      const { browser, client } = yield* openSite()
      const wrong = [
        [{ client_id: "unknown" }, "invalid_client"],
        [{ client_id: null }, "invalid_request"],
        [{ redirect_uri: "https://evil.example/" }, "invalid_redirect_uri"],
        [{ redirect_uri: "javascript:alert(1)" }, "invalid_redirect_uri"],
        [{ redirect_uri: `${callback}\r\nSet-Cookie: a=b` }, "invalid_redirect_uri"],
      ] as const
      for (const [asked, error] of wrong) {
        const response = yield* browser.go(authorizePath(client, asked))
        assert.strictEqual(response.status, 302)
        assert.strictEqual(locationOf(response).origin, "http://localhost:3000")
        assert.strictEqual(locationOf(response).pathname, "/authorize/error")
        assert.strictEqual(queryOf(response)["error"], error)
        assert.notInclude(response.location ?? "", "evil")
        assert.deepStrictEqual(response.cookies, {})
      }
      const empty = yield* browser.go(authorizeUrl)
      assert.strictEqual(queryOf(empty)["error"], "invalid_request")
    }).pipe(Effect.provide(layer())),
  )
})

describe("GET /auth/oauth2/authorize", () => {
  it.effect("tells script where to go, as JSON", () =>
    Effect.gen(function* () {
      const { browser, client } = yield* openSite()
      const login = yield* browser.fetch(authorizePath(client))
      assert.strictEqual(login.status, 200)
      assertPrivate(login)
      assert.deepInclude(login.json, { status: "interact", redirect: true, intent: "login" })
      const { searchParams } = new URL(TestHttp.textAt(login, "url"), issuer)
      const request = searchParams.get("request") ?? ""
      yield* browser.signIn()
      const decided = yield* browser.fetch(consentUrl, { request, accept: true, scopes: ["openid"] })
      assert.strictEqual(decided.status, 200)
      assert.deepInclude(decided.json, { status: "respond", redirect: true })
      assert.isTrue(TestHttp.textAt(decided, "url").startsWith(`${callback}?code=`))
      const posted = yield* browser.fetch(authorizePath(client, { scope: "openid", response_mode: "form_post" }))
      assert.deepInclude(posted.json, { status: "respond", redirect: false })
      assert.strictEqual(TestHttp.textAt(posted, "form", "action"), callback)
      assert.strictEqual(TestHttp.textAt(posted, "form", "fields", "iss"), issuer)
      const refused = yield* browser.fetch(authorizePath(client, { client_id: "unknown" }))
      assert.strictEqual(refused.status, 400)
      assert.strictEqual(TestHttp.textAt(refused, "error"), "invalid_client")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("takes who accepts JSON alone for script, and everybody else for a person", () =>
    Effect.gen(function* () {
      const { client, send } = yield* openSite()
      const status = (headers: Readonly<Record<string, string>>) =>
        Effect.map(send(authorizePath(client), { headers }), (response) => response.status)
      assert.strictEqual(yield* status({}), 302)
      assert.strictEqual(yield* status({ accept: "*/*" }), 302)
      assert.strictEqual(yield* status({ accept: "application/json" }), 200)
      assert.strictEqual(yield* status({ accept: "text/html,application/json" }), 302)
      assert.strictEqual(yield* status({ "sec-fetch-mode": "navigate", accept: "application/json" }), 302)
      assert.strictEqual(yield* status({ "sec-fetch-mode": "no-cors" }), 200)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("says over the limit when to come again, to people and to script", () =>
    Effect.gen(function* () {
      const { browser, client } = yield* openSite()
      for (let i = 0; i < 30; i++) yield* browser.go(authorizePath(client))
      const page = yield* browser.go(authorizePath(client))
      assert.strictEqual(page.status, 429)
      assert.match(page.headers.get("retry-after") ?? "", /^[1-9]\d*$/)
      assertPrivate(page)
      const json = yield* browser.fetch(authorizePath(client))
      assert.strictEqual(json.status, 429)
      assert.strictEqual(TestHttp.textAt(json, "error"), "rate_limited")
      yield* TestClock.adjust("3 minutes")
      assert.strictEqual((yield* browser.go(authorizePath(client))).status, 302)
    }).pipe(Effect.provide(layer({ settings: { rateLimits: OAuthServerSettings.make().rateLimits } }))),
  )

  it.effect("says that it is away when a store is", () =>
    Effect.gen(function* () {
      const { browser, client } = yield* openSite()
      const page = yield* browser.go(authorizePath(client))
      assert.strictEqual(page.status, 503)
      assert.strictEqual(page.headers.get("retry-after"), "1")
      assertPrivate(page)
      assert.strictEqual((yield* browser.fetch(authorizePath(client))).status, 503)
    }).pipe(
      Effect.provide(
        TestServices.layerOAuthServer.pipe(
          Layer.provideMerge(
            Layer.succeed(
              RecordStore,
              RecordStore.of({
                find: () =>
                  Effect.fail(
                    new StoreError({ store: "RecordStore", method: "find", isRetryable: true, cause: "away" }),
                  ),
              }),
            ),
          ),
          Layer.provideMerge(layerHost()),
          Layer.provideMerge(TestServices.layerMemory),
        ),
      ),
    ),
  )

  it.effect("says that it is away to a client with pairwise subjects whose secret the host took away", () =>
    Effect.gen(function* () {
      const { browser, client } = yield* openSite({ metadata: { subjectType: "pairwise" } })
      const { user } = yield* browser.signIn()
      const asked = { claims: JSON.stringify({ id_token: { sub: { value: user.id } } }) }
      assert.strictEqual((yield* browser.go(authorizePath(client, asked))).status, 503)
      assert.strictEqual((yield* browser.fetch(authorizePath(client, asked))).status, 503)
    }).pipe(Effect.provide(layer())),
  )
})

describe("a host's own pages", () => {
  it.effect("are where people are sent", () =>
    Effect.gen(function* () {
      const { browser, client } = yield* openSite()
      const login = yield* browser.go(authorizePath(client))
      assert.isTrue(
        login.location?.startsWith("https://app.example.com/login?theme=dark&request="),
        login.location ?? "",
      )
      const refused = yield* browser.go(authorizePath(client, { client_id: "unknown" }))
      assert.isTrue(refused.location?.startsWith("/problem?error=invalid_client&"), refused.location ?? "")
      const out = yield* browser.go("/auth/oauth2/end-session")
      assert.strictEqual(out.location, "/bye")
    }).pipe(
      Effect.provide(
        layer({ pages: { login: "https://app.example.com/login?theme=dark", error: "/problem", signedOut: "/bye" } }),
      ),
    ),
  )
})

describe("OpenID Connect Core §3.1.2.1", () => {
  it.effect("MUST take POST like GET: it re-enters by GET, so that cookies come along", () =>
    Effect.gen(function* () {
      const { browser, client } = yield* openSite()
      yield* browser.signIn()
      const fields = Object.fromEntries(ask(client, { prompt: "none" }))
      const posted = yield* browser.submitFrom("https://client.example.com", authorizeUrl, fields)
      assert.strictEqual(posted.status, 303)
      assert.strictEqual(posted.location, `${authorizeUrl}?${new URLSearchParams(fields).toString()}`)
      const answered = yield* browser.go(posted.location ?? "")
      assert.strictEqual(queryOf(answered)["error"], "consent_required")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("takes a form that is too long for that as it is", () =>
    Effect.gen(function* () {
      const { browser, client } = yield* openSite()
      const fields = Object.fromEntries(ask(client, { prompt: "none" }))
      const long = yield* browser.submitFrom("https://client.example.com", authorizeUrl, {
        ...fields,
        ignored: "x".repeat(9000),
      })
      assert.strictEqual(long.status, 303)
      assert.strictEqual(queryOf(long)["error"], "login_required")
      assert.isTrue(long.location?.startsWith(callback))
      const tooLong = yield* browser.submitFrom("https://client.example.com", authorizeUrl, {
        ...fields,
        ignored: "x".repeat(70_000),
      })
      assert.strictEqual(tooLong.location, authorizeUrl)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("reads forms as the host reads bodies", () =>
    Effect.gen(function* () {
      const { browser } = yield* openSite()
      const posted = yield* browser.submitFrom("https://client.example.com", authorizeUrl, { scope: "of the platform" })
      assert.strictEqual(posted.location, `${authorizeUrl}?scope=of+the+host`)
    }).pipe(
      Effect.provide(
        Layer.provideMerge(
          Layer.succeed(
            RequestBodyHandlers.RequestBody,
            RequestBodyHandlers.make(() => Effect.succeed(new TextEncoder().encode("scope=of+the+host"))),
          ),
          layer(),
        ),
      ),
    ),
  )
})

describe("RFC 9207 §2", () => {
  it.effect("MUST send iss with every code and every error, in either response mode", () =>
    Effect.gen(function* () {
      const { browser, client } = yield* openSite()
      const person = yield* browser.signIn()
      const consent = yield* OAuthBuilders.consent({ clientId: client.id, userId: person.user.id, scopes: ["openid"] })
      yield* ConsentStore.use((store) => store.merge(consent))
      const asked = [{ scope: "openid" }, { scope: "unknown" }, { prompt: "none" }, { response_type: "token" }]
      for (const each of asked) {
        const response = yield* browser.go(authorizePath(client, each))
        assert.strictEqual(queryOf(response)["iss"], issuer, JSON.stringify(each))
        const posted = yield* browser.go(authorizePath(client, { ...each, response_mode: "form_post" }))
        assert.strictEqual(fieldsOf(posted.text)["iss"], issuer, JSON.stringify(each))
      }
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 6749 §3.1.2", () => {
  it.effect("MUST keep the query of a redirect URI, byte for byte", () =>
    Effect.gen(function* () {
      const { browser } = yield* openSite()
      const uris = [
        "https://client.example.com/cb?a=%7e&b=c+d&b=1",
        "https://client.example.com/cb?",
        "com.example.app:/cb",
      ]
      for (const uri of uris) {
        const client = yield* storedClient({ metadata: { redirectUris: [uri] } })
        const { location } = yield* browser.go(authorizePath(client, { prompt: "none" }))
        assert.isTrue(location?.startsWith(uri), location ?? "")
        assert.include(location ?? "", uri.includes("&") ? "&error=login_required" : "?error=login_required")
      }
    }).pipe(Effect.provide(layer())),
  )
})

describe("OAuth 2.0 Form Post Response Mode §2", () => {
  it.effect("MUST post the answer to the redirect URI, and nothing breaks out of the form", () =>
    Effect.gen(function* () {
      const { browser } = yield* openSite()
      const uri = "https://client.example.com/cb?a=\"><script>alert(1)</script>&b='"
      const client = yield* storedClient({ metadata: { redirectUris: [uri] } })
      for (const state of [
        '"><script>alert(1)</script>',
        "'&quot;&#34;<!--",
        "</form><form action=//evil.example>",
        "a b+ä🦉%",
      ]) {
        const response = yield* browser.go(authorizePath(client, { state, prompt: "none", response_mode: "form_post" }))
        assert.strictEqual(response.status, 200)
        assertPrivate(response)
        assert.strictEqual(response.headers.get("content-type"), "text/html; charset=utf-8")
        const { error_description, ...fields } = fieldsOf(response.text)
        assert.isString(error_description)
        assert.deepStrictEqual(fields, { error: "login_required", state, iss: issuer })
        assert.strictEqual(response.text.match(/<script>/g)?.length, 1)
        assert.strictEqual(response.text.match(/<form /g)?.length, 1)
        const [, action = ""] = /<form method="post" action="([^"]*)">/.exec(response.text) ?? []
        assert.strictEqual(unescape(action), uri)
        assert.include(response.text, '<button type="submit">')
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("has the one script and the one style that its policy names", () =>
    Effect.gen(function* () {
      const { browser, client } = yield* openSite()
      const response = yield* browser.go(authorizePath(client, { prompt: "none", response_mode: "form_post" }))
      const hashOf = (element: string) => {
        const [, text = ""] = new RegExp(`<${element}>(.*)</${element}>`, "u").exec(response.text) ?? []
        const bytes = new TextEncoder().encode(text)
        return Effect.map(
          Digest.Digest.use((digest) => digest.digest(Digest.sha256, bytes)),
          (hash) => `'sha256-${Base64.encode(hash)}'`,
        )
      }
      assert.strictEqual(
        response.headers.get("content-security-policy"),
        `default-src 'none'; script-src ${yield* hashOf("script")}; style-src ${yield* hashOf("style")}; ` +
          "base-uri 'none'; frame-ancestors 'none'",
      )
    }).pipe(Effect.provide(layer())),
  )
})

/** Every kind of answer that a browser gets here. */
const answers = Effect.gen(function* () {
  const { browser, client } = yield* openSite()
  yield* browser.signIn()
  const consent = yield* browser.go(authorizePath(client))
  const { request = "" } = queryOf(consent)
  return [
    consent,
    yield* browser.go(authorizePath(client, { prompt: "none" })),
    yield* browser.go(authorizePath(client, { prompt: "none", response_mode: "form_post" })),
    yield* browser.go(authorizePath(client, { client_id: "unknown" })),
    yield* browser.go(`/auth/oauth2/continue?request=${request}`),
    yield* browser.go("/auth/oauth2/end-session"),
    yield* browser.submit(consentUrl, { request, accept: "true" }),
    yield* browser.submit(consentUrl, { request, accept: "true" }),
    yield* browser.fetch(authorizePath(client)),
  ]
})

describe("RFC 9700 §4.16", () => {
  it.effect("SHOULD let nobody frame a page", () =>
    Effect.gen(function* () {
      const pages = (yield* answers).filter(({ text }) => text.startsWith("<!doctype html>"))
      assert.isNotEmpty(pages)
      for (const { headers } of pages) {
        assert.include(headers.get("content-security-policy") ?? "", "frame-ancestors 'none'")
        assert.strictEqual(headers.get("x-frame-options"), "DENY")
      }
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 9700 §4.2.4", () => {
  it.effect("SHOULD tell no other site what stood in the address, and keep no answer", () =>
    Effect.gen(function* () {
      for (const response of yield* answers) assertPrivate(response)
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 9700 §2.6", () => {
  it.effect("MUST NOT let pages of other origins read what these endpoints answer", () =>
    Effect.gen(function* () {
      const { client, send } = yield* openSite()
      for (const path of [authorizePath(client), "/auth/oauth2/continue?request=x", "/auth/oauth2/end-session"]) {
        for (const method of ["GET", "OPTIONS", "POST"]) {
          const headers = { origin: "https://evil.example", "access-control-request-method": "GET" }
          const response = yield* send(path, { method, headers })
          assert.isNull(response.headers.get("access-control-allow-origin"), `${method} ${path}`)
          assert.isNull(response.headers.get("access-control-allow-credentials"))
        }
      }
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 9700 §4.12", () => {
  it.effect("MUST answer what was posted with 303", () =>
    Effect.gen(function* () {
      const { browser, client } = yield* openSite()
      yield* browser.signIn()
      const { request = "" } = queryOf(yield* browser.go(authorizePath(client)))
      for (const accept of ["true", "true"]) {
        assert.strictEqual((yield* browser.submit(consentUrl, { request, accept })).status, 303)
      }
      assert.strictEqual((yield* browser.submit(authorizeUrl, {})).status, 303)
      assert.strictEqual((yield* browser.submit("/auth/oauth2/end-session", {})).status, 303)
    }).pipe(Effect.provide(layer())),
  )
})

describe("OpenID Connect Core §3.1.2.3", () => {
  it.effect("MUST refuse a decision from other origins, with cookies or without, and leave the request as it is", () =>
    Effect.gen(function* () {
      const { browser, client } = yield* openSite()
      yield* browser.signIn()
      const { request = "" } = queryOf(yield* browser.go(authorizePath(client)))
      const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ")
      const form = { "content-type": "application/x-www-form-urlencoded" }
      const foreign: ReadonlyArray<Readonly<Record<string, string>>> = [
        { origin: "https://evil.example" },
        { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
        { origin: "http://sub.localhost:3000", "sec-fetch-site": "same-site" },
        { origin: "null" },
        { "sec-fetch-site": "cross-site" },
        {},
      ]
      const actions = [
        [consentUrl, { request, accept: "true" }],
        ["/auth/oauth2/continue", { request, step: "select_account" }],
        [`/auth/oauth2/requests/${request}/cancel`, {}],
        ["/auth/oauth2/end-session/confirm", { request: "x" }],
      ] as const
      for (const headers of foreign) {
        for (const [path, fields] of actions) {
          const body = new URLSearchParams(fields).toString()
          const refused = yield* browser.request(path, {
            method: "POST",
            headers: { ...form, cookie, ...headers },
            body,
          })
          assert.strictEqual(refused.status, 403, `${path} ${JSON.stringify(headers)}`)
        }
      }
      assert.strictEqual(yield* grantCount, 0)
      const decided = yield* browser.submit(consentUrl, { request, accept: "true" })
      assert.property(queryOf(decided), "code")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("MUST NOT take a decision by GET", () =>
    Effect.gen(function* () {
      const { browser, client } = yield* openSite()
      yield* browser.signIn()
      const { request = "" } = queryOf(yield* browser.go(authorizePath(client)))
      const response = yield* browser.go(`${consentUrl}?request=${request}&accept=true`)
      assert.strictEqual(response.status, 404)
      assert.strictEqual(yield* grantCount, 0)
    }).pipe(Effect.provide(layer())),
  )
})

describe("what pages do", () => {
  it.effect("takes checked boxes one by one or as one scope, and denies what is not accepted", () =>
    Effect.gen(function* () {
      const { browser, client } = yield* openSite()
      yield* browser.signIn()
      const asked = { scope: "openid profile email", prompt: "consent" }
      const given: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
        ["scope=openid&scope=email", ["openid", "email"]],
        ["scope=profile%20email", ["openid", "profile", "email"]],
        ["scope=openid", ["openid"]],
        ["", ["openid", "profile", "email"]],
      ]
      for (const [boxes, scopes] of given) {
        const { request = "" } = queryOf(yield* browser.go(authorizePath(client, asked)))
        const decided = yield* browser.submit(consentUrl, `request=${request}&accept=true&${boxes}`)
        assert.property(queryOf(decided), "code")
        const rows = yield* Effect.map(MemoryOAuthServerTables, ({ grants }) => [...grants.values()])
        assert.deepStrictEqual(rows.at(-1)?.grant.scopes, scopes)
      }
      for (const accept of ["false", "", "TRUE", "1", "yes"]) {
        const { request = "" } = queryOf(yield* browser.go(authorizePath(client, asked)))
        const denied = yield* browser.submit(consentUrl, { request, accept })
        assert.deepInclude(queryOf(denied), { error: "access_denied", state: "of the client", iss: issuer })
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("shows a request in its browser, and its client to who is signed in", () =>
    Effect.gen(function* () {
      const { browser, client, send } = yield* openSite()
      const { request = "" } = queryOf(yield* browser.go(authorizePath(client)))
      const path = `/auth/oauth2/requests/${request}`
      const before = yield* browser.fetch(path)
      assert.strictEqual(before.status, 200)
      assert.strictEqual(before.headers.get("cache-control"), "no-store")
      assert.deepInclude(before.json, {
        id: request,
        intent: "login",
        client: null,
        redirectHost: "client.example.com",
      })
      yield* browser.signIn()
      const after = yield* browser.fetch(path)
      assert.deepInclude(after.json, { intent: "consent", scopes: ["openid", "profile"] })
      assert.strictEqual(TestHttp.textAt(after, "client", "clientName"), "Analytical Engine")
      assert.notInclude(after.text, "secret")
      const stranger = yield* (yield* open(send)).fetch(path)
      assert.strictEqual(stranger.status, 400)
      assert.strictEqual(TestHttp.textAt(stranger, "_tag"), "AuthorizationRefused")
      assert.strictEqual(TestHttp.textAt(stranger, "reason"), "other_browser")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("shows the client before, where the host says so", () =>
    Effect.gen(function* () {
      const { browser, client } = yield* openSite()
      const { request = "" } = queryOf(yield* browser.go(authorizePath(client)))
      const shown = yield* browser.fetch(`/auth/oauth2/requests/${request}`)
      assert.strictEqual(TestHttp.textAt(shown, "client", "clientId"), client.id)
    }).pipe(Effect.provide(layer({ settings: { publicClientBeforeSignIn: true } }))),
  )

  it.effect("marks a step, cancels, and tells JSON of what is wrong and forms by the error page", () =>
    Effect.gen(function* () {
      const { browser, client } = yield* openSite()
      yield* browser.signIn()
      yield* TestClock.adjust("1 second")
      const asked = { prompt: "select_account" }
      const { request = "" } = queryOf(yield* browser.go(authorizePath(client, asked)))
      const stepped = yield* browser.submit("/auth/oauth2/continue", { request, step: "select_account" })
      assert.strictEqual(locationOf(stepped).pathname, "/authorize/consent")
      const cancelled = yield* browser.fetch(`/auth/oauth2/requests/${request}/cancel`, {})
      assert.include(TestHttp.textAt(cancelled, "url"), "error=access_denied")
      const gone = yield* browser.fetch("/auth/oauth2/continue", { request, step: "select_account" })
      assert.strictEqual(gone.status, 400)
      assert.strictEqual(TestHttp.textAt(gone, "reason"), "expired")
      const goneForm = yield* browser.submit(consentUrl, { request, accept: "true" })
      assert.strictEqual(goneForm.status, 303)
      assert.deepInclude(queryOf(goneForm), { error: "expired" })
      const malformed = yield* browser.fetch(consentUrl, { request: 1 })
      assert.strictEqual(malformed.status, 422)
    }).pipe(Effect.provide(layer())),
  )
})
