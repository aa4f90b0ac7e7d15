/**
 * What the conformance plans of the OpenID Foundation look at and no other test does from end to end; each test names
 * its modules. `scripts/spec/conformance.ts` says where the other modules are.
 */
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { decodeJwt } from "jose"
import {
  agree,
  application,
  errorOf,
  exchange,
  isActive,
  layer,
  start,
  tokensFor,
  userInfo,
} from "./support/Attacker.ts"
import { type Asked, authorizePath, home, issuer, locationOf, open, queryOf } from "./support/Authorizing.ts"

const authTimeOf = (idToken: string): unknown => decodeJwt(idToken)["auth_time"]

/** Where a request leads: the path of a page of this site, or the error or `code` that the client gets. */
const wayOf = (response: TestHttp.TestResponse): string => {
  const { origin, pathname, searchParams } = locationOf(response)
  return origin === home ? pathname : (searchParams.get("error") ?? [...searchParams.keys()][0] ?? "")
}

describe("OpenID conformance, basic", () => {
  it.effect("takes a request without nonce, and makes none up (ensure-request-without-nonce)", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      const { idToken } = yield* tokensFor(send, browser, app, { scope: "openid" })
      assert.notProperty(decodeJwt(idToken), "nonce")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("takes display, known and unknown (display-page, display-popup)", () =>
    Effect.gen(function* () {
      const { app, browser } = yield* start
      for (const display of ["page", "popup", "touch", "wap", "hologram"]) {
        assert.property(yield* agree(browser, app, { display }), "code", display)
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("takes locales and acr_values that nobody has (ui-locales, claims-locales, acr-values)", () =>
    Effect.gen(function* () {
      const { app, browser } = yield* start
      const wishes: ReadonlyArray<Asked> = [
        { ui_locales: "se" },
        { ui_locales: "xx-unknown fr" },
        { claims_locales: "se" },
        { acr_values: "1 2" },
      ]
      for (const asked of wishes) assert.property(yield* agree(browser, app, asked), "code", JSON.stringify(asked))
    }).pipe(Effect.provide(layer())),
  )

  it.effect("tells the sign-in page the login_hint (login-hint)", () =>
    Effect.gen(function* () {
      const { app, send } = yield* start
      const browser = yield* open(send)
      const login = yield* browser.go(authorizePath(app.client, { login_hint: "ada@example.com" }))
      assert.strictEqual(wayOf(login), "/sign-in")
      const { request = "" } = queryOf(login)
      const shown = yield* browser.fetch(`/auth/oauth2/requests/${request}`)
      assert.strictEqual(TestHttp.textAt(shown, "loginHint"), "ada@example.com")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("takes an unknown parameter (ensure-request-with-unknown-parameter-succeeds)", () =>
    Effect.gen(function* () {
      const { app, browser } = yield* start
      const answer = yield* agree(browser, app, { extra: "foobar" })
      assert.sameMembers(Object.keys(answer), ["code", "state", "iss"])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("has somebody sign in again for prompt=login, and says a later auth_time (prompt-login)", () =>
    Effect.gen(function* () {
      const { app, browser, person, send } = yield* start
      const first = yield* tokensFor(send, browser, app, { scope: "openid" })
      yield* TestClock.adjust("5 seconds")
      const again = yield* browser.go(authorizePath(app.client, { scope: "openid", prompt: "login" }))
      assert.strictEqual(wayOf(again), "/account/confirm")
      yield* TestClock.adjust("1 second")
      yield* browser.signIn(person.user)
      const answer = yield* browser.go(queryOf(again)["return_to"] ?? "")
      const tokens = yield* exchange(send, app, queryOf(answer)["code"] ?? "")
      assert.strictEqual(authTimeOf(first.idToken), 0)
      assert.strictEqual(authTimeOf(TestHttp.textAt(tokens, "id_token")), 6)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("answers prompt=none without a page, signed in or not (prompt-none-logged-in, -not-logged-in)", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      const asked = { scope: "openid", prompt: "none" }
      const nobody = yield* (yield* open(send)).go(authorizePath(app.client, asked))
      assert.deepInclude(queryOf(nobody), { error: "login_required", state: "of the client", iss: issuer })
      const first = yield* tokensFor(send, browser, app, { scope: "openid" })
      yield* TestClock.adjust("10 seconds")
      const silent = yield* browser.go(authorizePath(app.client, asked))
      const tokens = yield* exchange(send, app, queryOf(silent)["code"] ?? "")
      const claims = decodeJwt(TestHttp.textAt(tokens, "id_token"))
      assert.strictEqual(claims.sub, decodeJwt(first.idToken).sub)
      assert.strictEqual(claims["auth_time"], authTimeOf(first.idToken))
    }).pipe(Effect.provide(layer())),
  )

  it.effect("has somebody sign in again for a max_age that is over, and not before (max-age-1, max-age-10000)", () =>
    Effect.gen(function* () {
      const { app, browser, person, send } = yield* start
      yield* tokensFor(send, browser, app, { scope: "openid" })
      yield* TestClock.adjust("11 seconds")
      const asked = (maxAge: string): Asked => ({ scope: "openid", max_age: maxAge })
      const settled = yield* tokensFor(send, browser, app, asked("10000"))
      assert.strictEqual(authTimeOf(settled.idToken), 0)
      const over = yield* browser.go(authorizePath(app.client, asked("1")))
      assert.strictEqual(wayOf(over), "/account/confirm")
      yield* browser.signIn(person.user)
      const answer = yield* browser.go(queryOf(over)["return_to"] ?? "")
      const tokens = yield* exchange(send, app, queryOf(answer)["code"] ?? "")
      assert.strictEqual(authTimeOf(TestHttp.textAt(tokens, "id_token")), 11)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("answers for the subject of id_token_hint, and for nobody else (id-token-hint)", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      const { idToken } = yield* tokensFor(send, browser, app, { scope: "openid" })
      const asked = { scope: "openid", prompt: "none", id_token_hint: idToken }
      assert.strictEqual(wayOf(yield* browser.go(authorizePath(app.client, asked))), "code")
      const other = yield* open(send)
      yield* other.signIn()
      yield* agree(other, app, { scope: "openid" })
      assert.strictEqual(wayOf(yield* other.go(authorizePath(app.client, asked))), "login_required")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("refuses a code again after 30 seconds, and ends what it gave (codereuse-30seconds)", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      const { accessToken, code } = yield* tokensFor(send, browser, app, { scope: "openid" })
      yield* TestClock.adjust("30 seconds")
      assert.isTrue(yield* isActive(send, app, accessToken))
      assert.deepStrictEqual(errorOf(yield* exchange(send, app, code)), [400, "invalid_grant"])
      assert.isFalse(yield* isActive(send, app, accessToken))
      assert.strictEqual((yield* userInfo(send, accessToken)).status, 401)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("takes an essential claim without error, and tells it with its scope (claims-essential)", () =>
    Effect.gen(function* () {
      const { app, browser, person, send } = yield* start
      const claims = JSON.stringify({ userinfo: { name: { essential: true } } })
      const bare = yield* tokensFor(send, browser, app, { scope: "openid", claims })
      assert.strictEqual((yield* userInfo(send, bare.accessToken)).status, 200)
      const { accessToken } = yield* tokensFor(send, browser, app, { scope: "openid profile", claims })
      assert.strictEqual(TestHttp.textAt(yield* userInfo(send, accessToken), "name"), person.user.name)
    }).pipe(Effect.provide(layer())),
  )
})

const withQuery = "https://client.example.com/callback?foo=bar"

describe("OpenID conformance, dynamic", () => {
  it.effect("keeps the query of a redirect URI, and takes no other (redirect-uri-query-OK, -mismatch, -added)", () =>
    Effect.gen(function* () {
      const { app, browser } = yield* start
      const asker = yield* application({ redirectUris: [withQuery] })
      const answer = yield* agree(browser, asker, { redirect_uri: withQuery })
      assert.sameMembers(Object.keys(answer), ["foo", "code", "state", "iss"])
      assert.strictEqual(answer["foo"], "bar")
      const wrong = [
        [asker, `${withQuery}x`],
        [asker, `${withQuery}&x=y`],
        [asker, "https://client.example.com/callback"],
        [app, withQuery],
      ] as const
      for (const [{ client }, redirect_uri] of wrong) {
        assert.strictEqual(wayOf(yield* browser.go(authorizePath(client, { redirect_uri }))), "/authorize/error")
      }
    }).pipe(Effect.provide(layer())),
  )

  const register = (json: Readonly<Record<string, unknown>>) => ({
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ redirect_uris: ["https://client.example.com/callback"], ...json }),
  })

  it.effect("registers no redirect URI with a fragment (redirect-uri-regfrag)", () =>
    Effect.gen(function* () {
      const { send } = yield* start
      const refused = yield* send(
        "/auth/oauth2/register",
        register({ redirect_uris: ["https://client.example.com/callback#fragment"] }),
      )
      assert.deepStrictEqual(errorOf(refused), [400, "invalid_redirect_uri"])
    }).pipe(Effect.provide(layer({ settings: { registration: "open" } }))),
  )

  it.effect("shows logo, policy and terms where consent is asked (registration-logo, -policy, -tos)", () =>
    Effect.gen(function* () {
      const { browser, send } = yield* start
      const shownToPeople = {
        logo_uri: "https://client.example.com/logo.png",
        policy_uri: "https://client.example.com/policy",
        tos_uri: "https://client.example.com/terms",
      }
      const registered = yield* send("/auth/oauth2/register", register(shownToPeople))
      assert.strictEqual(registered.status, 201)
      assert.deepInclude(registered.json, shownToPeople)
      const id = TestHttp.textAt(registered, "client_id")
      const app = yield* application()
      const consent = yield* browser.go(authorizePath(app.client, { client_id: id }))
      assert.strictEqual(wayOf(consent), "/authorize/consent")
      const shown = yield* browser.fetch(`/auth/oauth2/requests/${queryOf(consent)["request"] ?? ""}`)
      assert.strictEqual(TestHttp.textAt(shown, "client", "logoUri"), shownToPeople.logo_uri)
      assert.strictEqual(TestHttp.textAt(shown, "client", "policyUri"), shownToPeople.policy_uri)
      assert.strictEqual(TestHttp.textAt(shown, "client", "tosUri"), shownToPeople.tos_uri)
    }).pipe(Effect.provide(layer({ settings: { registration: "open" } }))),
  )
})

const endSession = "/auth/oauth2/end-session"

/** An application that may end sessions, with an ID token of somebody who is signed in. */
const signedIn = Effect.gen(function* () {
  const { browser, send } = yield* start
  const app = yield* application({}, { privileges: { enableEndSession: true } })
  const { idToken } = yield* tokensFor(send, browser, app, { scope: "openid" })
  /** Whether a silent request finds somebody. */
  const isOver = Effect.map(
    browser.go(authorizePath(app.client, { scope: "openid", prompt: "none" })),
    (response) => wayOf(response) === "login_required",
  )
  return { browser, idToken, isOver }
})

describe("OpenID conformance, logout", () => {
  it.effect("goes nowhere by itself: with nothing, with state alone, without a URI (no-params, only-state)", () =>
    Effect.gen(function* () {
      const { browser, idToken, isOver } = yield* signedIn
      assert.strictEqual(wayOf(yield* browser.go(endSession)), "/sign-out/confirm")
      const withState = yield* browser.go(`${endSession}?state=s`)
      assert.strictEqual(wayOf(withState), "/sign-out/confirm")
      assert.isFalse(yield* isOver)
      const withHint = yield* browser.go(`${endSession}?id_token_hint=${idToken}&state=s`)
      assert.strictEqual(withHint.location, "/sign-out/done")
      assert.isTrue(yield* isOver)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("ends on the page of this site once the person agrees (only-state)", () =>
    Effect.gen(function* () {
      const { browser, isOver } = yield* signedIn
      const { request = "" } = queryOf(yield* browser.go(`${endSession}?state=s`))
      const confirmed = yield* browser.submit(`${endSession}/confirm`, { request })
      assert.strictEqual(confirmed.location, "/sign-out/done")
      assert.isTrue(yield* isOver)
    }).pipe(Effect.provide(layer())),
  )
})

describe("OpenID Connect RP-Initiated Logout §2", () => {
  it.effect("MUST take logout_hint and ui_locales without error", () =>
    Effect.gen(function* () {
      const { browser, idToken, isOver } = yield* signedIn
      const path = `${endSession}?logout_hint=ada@example.com&ui_locales=fr`
      assert.strictEqual(wayOf(yield* browser.go(path)), "/sign-out/confirm")
      assert.strictEqual((yield* browser.go(`${path}&id_token_hint=${idToken}`)).location, "/sign-out/done")
      assert.isTrue(yield* isOver)
    }).pipe(Effect.provide(layer())),
  )
})
