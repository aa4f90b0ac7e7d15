/**
 * The JSON endpoints of providers, at the level of HTTP.
 */
import * as SignInPolicy from "@belfry/factors/SignInPolicy"
import type { TestResponse } from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { clientId } from "./support/LocalProvider.ts"
import {
  amrOf,
  at,
  enrolApp,
  home,
  layer,
  leave,
  open,
  pathOf,
  provider,
  signedIn,
  signIn,
  textAt,
} from "./support/WebBrowser.ts"

const path = (operation: string, id = "acme") => `/auth/provider/${id}/${operation}`

const assertProblem = (response: TestResponse, status: number, _tag: string, fields: object = {}) => {
  assert.strictEqual(response.status, status, response.text)
  assert.strictEqual(response.headers.get("content-type"), "application/problem+json")
  assert.deepInclude(response.json, { type: "about:blank", status, _tag, ...fields })
}

const codeOf = (response: TestResponse) => {
  assertProblem(response, 400, "OAuthRefused", { providerId: "acme" })
  return at(response, "code")
}

describe("GET /auth/providers", () => {
  it.effect("names the providers, and nothing of their settings", () =>
    Effect.gen(function* () {
      const browser = yield* open()
      assert.deepStrictEqual((yield* browser.get("/auth/providers")).json, { providers: [] })
      yield* provider()
      yield* provider({ id: "other", name: undefined })
      assert.deepStrictEqual((yield* browser.get("/auth/providers")).json, {
        providers: [
          { id: "acme", name: "Acme" },
          { id: "other", name: "other" },
        ],
      })
    }).pipe(Effect.provide(layer)),
  )
})

describe("POST /auth/provider/:providerId/sign-in", () => {
  it.effect("answers a URL of this site that is good for ten minutes in this browser", () =>
    Effect.gen(function* () {
      yield* provider()
      const browser = yield* open()
      const started = yield* browser.post(path("sign-in"))
      assert.strictEqual(started.status, 200)
      const expiresAt = DateTime.add(yield* DateTime.now, { minutes: 10 })
      assert.strictEqual(at(started, "expiresAt"), DateTime.formatIso(expiresAt))
      const url = new URL(textAt(started, "url"))
      assert.deepStrictEqual([url.origin, url.pathname], [home, path("start")])
      assert.deepStrictEqual(Object.keys(started.cookies), ["belfry_oauth_start"])
      assert.deepStrictEqual(started.cookies["belfry_oauth_start"]?.attributes, [
        `Expires=${DateTime.toDateUtc(expiresAt).toUTCString()}`,
        "HttpOnly",
        "Path=/",
        "SameSite=Lax",
      ])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("shares the cookie among the URLs of a browser, and replaces what is none", () =>
    Effect.gen(function* () {
      yield* provider()
      const browser = yield* open()
      const first = yield* browser.post(path("sign-in"))
      const kept = browser.cookies.get("belfry_oauth_start")
      yield* TestClock.adjust("5 minutes")
      const second = yield* browser.post(path("sign-in"))
      assert.strictEqual(browser.cookies.get("belfry_oauth_start"), kept)
      for (const { json } of [second, first]) {
        assert.strictEqual((yield* browser.get(pathOf(String(Reflect.get(Object(json), "url"))))).status, 302)
      }
      browser.cookies.set("belfry_oauth_start", "chosen-by-somebody")
      yield* browser.post(path("sign-in"))
      assert.notStrictEqual(browser.cookies.get("belfry_oauth_start"), "chosen-by-somebody")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("refuses a request that fits into no URL", () =>
    Effect.gen(function* () {
      yield* provider()
      const browser = yield* open()
      const payload = { text: "é".repeat(2000) }
      const large = yield* browser.post(path("sign-in"), { payload })
      assert.strictEqual(large.status, 200)
      assert.isBelow(textAt(large, "url").length, 12_000)
      const tooLarge = yield* browser.post(path("sign-in"), { payload, loginHint: "é".repeat(1500) })
      assertProblem(tooLarge, 422, "InvalidRequest")
      assert.notInclude(tooLarge.text, "é")
      assertProblem(yield* browser.post(path("sign-in"), { redirectUrl: 1, scopes: "x" }), 422, "InvalidRequest")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("tells who comes too often when to come again", () =>
    Effect.gen(function* () {
      yield* provider()
      const browser = yield* open()
      let response = yield* browser.post(path("sign-in"))
      for (let calls = 0; calls < 500 && response.status === 200; calls++) {
        response = yield* browser.post(path("sign-in"))
      }
      assertProblem(response, 429, "RateLimited")
      assert.strictEqual(response.headers.get("retry-after"), String(at(response, "retryAfter")))
    }).pipe(Effect.provide(layer)),
  )
})

describe("Every endpoint of a provider", () => {
  const operations: ReadonlyArray<readonly [method: "GET" | "POST", operation: string, body?: object]> = [
    ["POST", "sign-in"],
    ["POST", "link"],
    ["POST", "signin/id-token", { idToken: "x" }],
    ["POST", "link/id-token", { idToken: "x" }],
    ["GET", "accounts"],
    ["POST", "unlink"],
    ["POST", "access-token"],
    ["POST", "refresh-token"],
    ["GET", "account-info"],
  ]

  it.effect("answers 404 for a provider that is not there", () =>
    Effect.gen(function* () {
      yield* provider()
      const { browser } = yield* signedIn("ada@example.com")
      for (const [method, operation, json = {}] of operations) {
        const request = method === "GET" ? {} : { method, json: { ...json } }
        const response = yield* browser.request(path(operation, "nobody"), request)
        assertProblem(response, 404, "ProviderNotFound", { providerId: "nobody" })
        const odd = yield* browser.request(path(operation, "%3Cb%3E"), request)
        assertProblem(odd, 404, "ProviderNotFound", { providerId: "b" })
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("asks for a session but where one begins", () =>
    Effect.gen(function* () {
      yield* provider()
      const browser = yield* open()
      for (const [method, operation, json = {}] of operations) {
        if (operation.startsWith("sign")) continue
        const request = method === "GET" ? {} : { method, json: { ...json } }
        assertProblem(yield* browser.request(path(operation), request), 401, "SessionInvalid")
      }
    }).pipe(Effect.provide(layer)),
  )
})

describe("POST /auth/provider/:providerId/signin/id-token", () => {
  it.effect("signs in by a cookie, without a word of the token", () =>
    Effect.gen(function* () {
      const local = yield* provider()
      const browser = yield* open()
      const response = yield* browser.post(path("signin/id-token"), {
        idToken: yield* Effect.promise(() => local.idToken({ nonce: "n-1" })),
        nonce: "n-1",
      })
      assert.strictEqual(response.status, 200, response.text)
      assert.deepInclude(response.json, { status: "complete", redirect: false, isNewUser: true, token: null })
      assert.strictEqual(at(response, "user", "email"), "ada@example.com")
      assert.deepStrictEqual(yield* amrOf(browser), ["oauth"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("gives the token to who keeps it, and sets no cookie", () =>
    Effect.gen(function* () {
      const local = yield* provider({ storeAccountCookie: true })
      const browser = yield* open()
      const idToken = yield* Effect.promise(() => local.idToken())
      const response = yield* browser.post(path("signin/id-token"), { idToken, transport: "bearer" })
      assert.deepStrictEqual(response.cookies, {})
      const authorization = `Bearer ${textAt(response, "token")}`
      const session = yield* browser.request("/auth/session", { headers: { authorization } })
      assert.deepStrictEqual(at(session, "session", "amr"), ["oauth"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is asked for the second factor like anybody", () =>
    Effect.gen(function* () {
      const local = yield* provider()
      yield* signIn(yield* open())
      yield* enrolApp("ada@example.com")
      const browser = yield* open()
      const idToken = yield* Effect.promise(() => local.idToken())
      const response = yield* browser.post(path("signin/id-token"), { idToken })
      const expiresAt = DateTime.formatIso(DateTime.add(yield* DateTime.now, { minutes: 15 }))
      const goesOn = { status: "continue", redirect: false, isNewUser: false, expiresAt }
      assert.deepStrictEqual(response.json, { ...goesOn, token: null })
      assert.deepStrictEqual(Object.keys(response.cookies), ["belfry_sign_in"])
      assert.isNull(yield* amrOf(browser))
      const bearer = yield* (yield* open()).post(path("signin/id-token"), { idToken, transport: "bearer" })
      assert.deepInclude(bearer.json, goesOn)
      assert.match(textAt(bearer, "token"), /^belfry_sign_in_/)
      assert.deepStrictEqual(bearer.cookies, {})
    }).pipe(Effect.provide(layer)),
  )

  it.effect("refuses what proves nothing, with a code and without a reason", () =>
    Effect.gen(function* () {
      const local = yield* provider()
      const browser = yield* open()
      const good = yield* Effect.promise(() => local.idToken({ nonce: "n-1" }))
      const others = yield* Effect.promise(() =>
        Promise.all([local.idToken({ aud: "somebody-else" }), local.idToken({ iss: "https://evil.example" })]),
      )
      for (const [idToken, nonce] of [
        ["x", undefined],
        ["", undefined],
        [good, "n-2"],
        ...others.map((token) => [token, undefined] as const),
      ] as const) {
        const response = yield* browser.post(
          path("signin/id-token"),
          nonce === undefined ? { idToken } : { idToken, nonce },
        )
        assert.strictEqual(codeOf(response), "oauth_code_verification_failed")
        assert.deepStrictEqual(response.cookies, {})
      }
      assert.isNull(yield* amrOf(browser))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is closed where the provider's settings say so", () =>
    Effect.gen(function* () {
      const local = yield* provider({ disableIdTokenSignIn: true })
      const { browser } = yield* signedIn("ada@example.com")
      const idToken = yield* Effect.promise(() => local.idToken())
      for (const operation of ["signin/id-token", "link/id-token"]) {
        assert.strictEqual(codeOf(yield* browser.post(path(operation), { idToken })), "id_token_sign_in_disabled")
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("answers 409 where no sign-in may begin by a provider", () =>
    Effect.gen(function* () {
      const local = yield* provider()
      const browser = yield* open()
      const idToken = yield* Effect.promise(() => local.idToken())
      const response = yield* browser.post(path("signin/id-token"), { idToken })
      assertProblem(response, 409, "GateRefused", { reason: "factor-unavailable" })
    }).pipe(
      Effect.provide(
        Layer.provide(
          layer,
          Layer.succeed(SignInPolicy.SignInPolicy, SignInPolicy.make({ firstFactors: ["password"] })),
        ),
      ),
    ),
  )
})

describe("Accounts of a user at a provider", () => {
  it.effect("are listed without their tokens", () =>
    Effect.gen(function* () {
      yield* provider()
      const browser = yield* open()
      yield* signIn(browser)
      const response = yield* browser.get(path("accounts"))
      const listed = at(response, "accounts", "0")
      assert.deepInclude(listed, {
        provider: "acme",
        providerAccountId: "u-1",
        hasAccessToken: true,
        hasRefreshToken: true,
        hasIdToken: true,
        tokenType: "Bearer",
        scope: "openid email profile",
      })
      const tokens = yield* browser.post(path("refresh-token"))
      for (const name of ["accessToken", "refreshToken", "idToken"]) {
        assert.notInclude(response.text, textAt(tokens, name))
      }
      const { browser: other } = yield* signedIn("bob@example.com")
      assert.deepStrictEqual((yield* other.get(path("accounts"))).json, { accounts: [] })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("give their access token, renewed where it is about to end", () =>
    Effect.gen(function* () {
      const local = yield* provider()
      const browser = yield* open()
      yield* signIn(browser)
      const first = yield* browser.post(path("access-token"))
      assert.deepInclude(first.json, { provider: "acme", providerAccountId: "u-1", tokenType: "Bearer" })
      assert.strictEqual(textAt(yield* browser.post(path("access-token")), "accessToken"), textAt(first, "accessToken"))
      assert.isFalse(Object.hasOwn(Object(first.json), "refreshToken"))
      yield* TestClock.adjust("1 hour")
      const renewed = yield* browser.post(path("access-token"), { providerAccountId: "u-1" })
      assert.notStrictEqual(textAt(renewed, "accessToken"), textAt(first, "accessToken"))
      assert.strictEqual(local.countOf("/token"), 2)
      const forced = yield* browser.post(path("refresh-token"))
      assert.notStrictEqual(textAt(forced, "refreshToken"), "")
      assert.strictEqual(local.countOf("/token"), 3)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("tell who the person is by the provider now", () =>
    Effect.gen(function* () {
      const local = yield* provider()
      const browser = yield* open()
      yield* signIn(browser)
      local.user = { ...local.user, name: "Ada King" }
      const response = yield* browser.get(path("account-info"))
      assert.deepInclude(response.json, { provider: "acme", providerAccountId: "u-1" })
      assert.deepInclude(at(response, "user"), { accountId: "u-1", name: "Ada King", emailVerified: true })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("say why they cannot be used", () =>
    Effect.gen(function* () {
      const local = yield* provider()
      const { browser } = yield* signedIn("bob@example.com")
      for (const operation of ["access-token", "refresh-token"]) {
        const response = yield* browser.post(path(operation))
        assertProblem(response, 400, "AccountUnusable", { providerId: "acme", reason: "not-linked" })
      }
      assertProblem(yield* browser.get(path("account-info")), 400, "AccountUnusable", { reason: "not-linked" })
      const ada = yield* open()
      yield* signIn(ada)
      const others = yield* browser.post(path("access-token"), { providerAccountId: "u-1" })
      assertProblem(others, 400, "AccountUnusable", { reason: "not-linked" })
      local.answer("/token", (_, response) => response.writeHead(400).end("{}"))
      assertProblem(yield* ada.post(path("refresh-token")), 400, "AccountUnusable", { reason: "refresh-failed" })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("are linked by an ID token, and unlinked in a fresh session", () =>
    Effect.gen(function* () {
      const local = yield* provider()
      const { browser } = yield* signedIn("ada@example.com")
      const idToken = yield* Effect.promise(() => local.idToken())
      const linked = yield* browser.post(path("link/id-token"), { idToken })
      assert.deepStrictEqual(linked.json, { status: true, redirect: false })
      yield* TestClock.adjust("1 hour")
      assertProblem(yield* browser.post(path("unlink")), 403, "SessionNotFresh")
      const again = yield* open()
      yield* signIn(again)
      assert.deepStrictEqual((yield* again.post(path("unlink"))).json, { status: true })
      assert.deepStrictEqual((yield* again.get(path("accounts"))).json, { accounts: [] })
      assert.isAtLeast((yield* again.post(path("unlink"))).status, 400)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("stay where they are the last way in", () =>
    Effect.gen(function* () {
      yield* provider()
      const browser = yield* open()
      yield* signIn(browser)
      assertProblem(yield* browser.post(path("unlink")), 409, "UnlinkRefused", { reason: "last-way-in" })
    }).pipe(
      Effect.provide(
        Layer.provide(layer, Layer.succeed(SignInPolicy.SignInPolicy, SignInPolicy.make({ firstFactors: ["oauth"] }))),
      ),
    ),
  )

  it.effect("are told apart by the cookie of the last sign-in, until it is unlinked", () =>
    Effect.gen(function* () {
      const local = yield* provider({ storeAccountCookie: true, allowDifferentLinkEmails: true })
      const browser = yield* open()
      const signedInBy = yield* signIn(browser)
      const cookie = signedInBy.cookies["belfry_oauth_acme_account"]
      const session = signedInBy.cookies["belfry_session"]
      assert.deepStrictEqual(cookie?.attributes, session?.attributes)
      local.user = { ...local.user, sub: "u-2", email: "ada@work.example" }
      const location = yield* leave(browser, {}, path("link"))
      const first = browser.cookies.get("belfry_oauth_acme_account") ?? ""
      const answer = yield* Effect.promise(() => fetch(location, { redirect: "manual" }))
      yield* browser.get(pathOf(answer.headers.get("location") ?? ""))
      assert.strictEqual(textAt(yield* browser.post(path("access-token")), "providerAccountId"), "u-2")
      browser.cookies.set("belfry_oauth_acme_account", first)
      assert.strictEqual(textAt(yield* browser.post(path("access-token")), "providerAccountId"), "u-1")
      const unlinked = yield* browser.post(path("unlink"))
      assert.strictEqual(unlinked.cookies["belfry_oauth_acme_account"]?.value, "")
      assert.strictEqual(textAt(yield* browser.post(path("access-token")), "providerAccountId"), "u-2")
    }).pipe(Effect.provide(layer)),
  )
})

describe("The ID token of a client", () => {
  it.effect("is for the client that is known here", () =>
    Effect.gen(function* () {
      const local = yield* provider({ clientId: ["web", clientId] })
      const idToken = yield* Effect.promise(() => local.idToken())
      const response = yield* (yield* open()).post(path("signin/id-token"), { idToken })
      assert.strictEqual(response.status, 200, response.text)
    }).pipe(Effect.provide(layer)),
  )
})
