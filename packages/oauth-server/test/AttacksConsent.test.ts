/**
 * Attacks on people who are asked: forged requests from other sites, steps that are skipped, requests of other browsers
 * and sessions, silent probing. Over HTTP, against the whole server.
 */
import { MemoryOAuthServerTables } from "@belfry/oauth-server/MemoryOAuthServerTables"
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { agree, application, exchange, layer, start, tokensFor } from "./support/Attacker.ts"
import { authorizePath, home, locationOf, open, queryOf, type TestBrowser } from "./support/Authorizing.ts"

const consentUrl = "/auth/oauth2/consent"
const continueUrl = "/auth/oauth2/continue"

const begun = (browser: TestBrowser, path: string) =>
  Effect.map(browser.go(path), (response) => queryOf(response)["request"] ?? assert.fail(String(response.location)))

/** How much was granted so far. */
const granted = Effect.map(MemoryOAuthServerTables, ({ consents, grants }) => [consents.size, grants.size] as const)

const form = { "content-type": "application/x-www-form-urlencoded" }

describe("CSRF on consent", () => {
  it.effect("gets nothing by a form or script of another site, a GET, or without the guard's headers", () =>
    Effect.gen(function* () {
      const { app, browser } = yield* start
      const request = yield* begun(browser, authorizePath(app.client))
      const before = yield* granted
      const cookie = [...browser.cookies].map((pair) => pair.join("=")).join("; ")
      const body = new URLSearchParams({ request, accept: "true" }).toString()
      const json = { request, accept: true }
      const foreign: ReadonlyArray<Readonly<Record<string, string>>> = [
        { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
        { origin: "https://evil.example" },
        { origin: "https://evil.example", "sec-fetch-site": "same-site" },
        { origin: "http://localhost:3001", "sec-fetch-site": "same-site" },
        { origin: "null", "sec-fetch-site": "cross-site" },
        { origin: "null" },
        { "sec-fetch-site": "cross-site" },
        { "sec-fetch-site": "same-site" },
        { referer: "https://evil.example/", origin: "https://evil.example" },
        { origin: `${home}.evil.example` },
        { origin: "https://localhost:3000" },
      ]
      const paths: ReadonlyArray<readonly [path: string, body: string, json: typeof json | object]> = [
        [consentUrl, body, json],
        [continueUrl, `request=${request}&step=select_account`, { request, step: "select_account" }],
        [`/auth/oauth2/requests/${request}/cancel`, "", {}],
      ]
      for (const headers of foreign) {
        for (const [path, text, value] of paths) {
          // With the cookie: as if the browser's SameSite did not hold.
          const tries = [
            yield* browser.request(path, { method: "POST", headers: { ...form, cookie, ...headers }, body: text }),
            yield* browser.request(path, {
              method: "POST",
              headers: { "content-type": "application/json", cookie, ...headers },
              body: JSON.stringify(value),
            }),
            // RFC 9110 content types that need no preflight.
            yield* browser.request(path, {
              method: "POST",
              headers: { "content-type": "text/plain", cookie, ...headers },
              body: JSON.stringify(value),
            }),
          ]
          for (const { location, status } of tries) {
            assert.isAtLeast(status, 400, `${path} ${JSON.stringify(headers)}`)
            assert.isNull(location)
          }
        }
      }
      for (const [path, text] of paths) {
        for (const method of ["GET", "HEAD", "PUT", "DELETE"]) {
          const query = path === continueUrl ? text.replace(request, "x") : text
          const response = yield* browser.request(`${path}?${query}`, { method })
          assert.notMatch(response.location ?? "", /code=/)
        }
      }
      assert.deepStrictEqual(yield* granted, before)
      // It is as it was: the person may still answer, here.
      const accepted = yield* browser.submit(consentUrl, { request, accept: "true" })
      assert.property(queryOf(accepted), "code")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("gets nothing without the browser's cookie, with another one's, or with one that is made up", () =>
    Effect.gen(function* () {
      const { app, browser, person, send } = yield* start
      const request = yield* begun(browser, authorizePath(app.client))
      const before = yield* granted
      // The same person, in a browser that did not ask: what an attacker has who had a request begun for them.
      const other = yield* open(send)
      yield* other.signIn(person.user)
      const requestOfOther = yield* begun(other, authorizePath(app.client))
      assert.notStrictEqual(requestOfOther, request)
      const without = yield* open(send)
      yield* without.signIn(person.user)
      const madeUp = yield* open(send)
      yield* madeUp.signIn(person.user)
      madeUp.cookies.set("belfry_authorization", "belfry_browser_x")
      for (const stranger of [other, without, madeUp]) {
        for (const accept of ["true", "false"]) {
          const refused = yield* stranger.submit(consentUrl, { request, accept })
          assert.strictEqual(locationOf(refused).pathname, "/authorize/error")
        }
        assert.strictEqual((yield* stranger.fetch(consentUrl, { request, accept: true })).status, 400)
        assert.strictEqual((yield* stranger.fetch(`/auth/oauth2/requests/${request}`)).status, 400)
        assert.strictEqual((yield* stranger.fetch(`/auth/oauth2/requests/${request}/cancel`, {})).status, 400)
        const went = yield* stranger.go(`${continueUrl}?request=${request}`)
        assert.strictEqual(locationOf(went).pathname, "/authorize/error")
      }
      assert.deepStrictEqual(yield* granted, before)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("gives nothing in the name of somebody else who signed in meanwhile, in the same browser", () =>
    Effect.gen(function* () {
      const { app, browser, person } = yield* start
      const asked = { prompt: "select_account" }
      yield* TestClock.adjust("1 second")
      const request = yield* begun(browser, authorizePath(app.client, asked))
      // The first person chose their account; the second has to choose as well.
      const stepped = yield* browser.submit(continueUrl, { request, step: "select_account" })
      assert.strictEqual(locationOf(stepped).pathname, "/authorize/consent")
      const first = browser.cookies.get("belfry_session") ?? ""
      const second = yield* browser.signIn()
      assert.notStrictEqual(second.user.id, person.user.id)
      const decided = yield* browser.submit(consentUrl, { request, accept: "true" })
      const { code } = queryOf(decided)
      const grants = yield* Effect.map(MemoryOAuthServerTables, ({ grants }) => [...grants.values()])
      // Whoever answered is who it is given for: never the one before.
      for (const row of grants) assert.notInclude(JSON.stringify(row), person.user.id)
      assert.isTrue(code === undefined || grants.length === 1)
      browser.cookies.set("belfry_session", first)
      const again = yield* browser.submit(consentUrl, { request, accept: "true" })
      assert.notProperty(queryOf(again), "code")
    }).pipe(Effect.provide(layer())),
  )
})

describe("Skipped steps", () => {
  it.effect("get no code: consent before signing in, before the account is chosen, before the host's own step", () =>
    Effect.gen(function* () {
      const { app, send } = yield* start
      const browser = yield* open(send)
      const before = yield* granted
      const request = yield* begun(browser, authorizePath(app.client, { prompt: "select_account consent" }))
      const intents: Array<string> = []
      const skip = Effect.gen(function* () {
        for (const scopes of [["openid"], null]) {
          const answer = yield* browser.fetch(consentUrl, { request, accept: true, scopes })
          assert.strictEqual(TestHttp.textAt(answer, "status"), "interact")
          intents.push(TestHttp.textAt(answer, "intent"))
        }
      })
      yield* skip
      yield* TestClock.adjust("1 second")
      yield* browser.signIn()
      yield* skip
      // Steps that are not due are not done, whatever is claimed.
      const claimed = yield* browser.fetch(continueUrl, { request, step: "select_account" })
      assert.strictEqual(TestHttp.textAt(claimed, "intent"), "post_login")
      yield* skip
      assert.deepStrictEqual(intents, ["login", "login", "post_login", "post_login", "post_login", "post_login"])
      for (const step of ["consent", "login", "reauthenticate", "step_up", "", "x"]) {
        assert.strictEqual((yield* browser.fetch(continueUrl, { request, step })).status, 422)
      }
      assert.deepStrictEqual(yield* granted, before)
      const done = yield* browser.fetch(continueUrl, { request, step: "post_login" })
      assert.strictEqual(TestHttp.textAt(done, "intent"), "consent")
      const resumed = yield* browser.go(`${continueUrl}?request=${request}`)
      assert.strictEqual(locationOf(resumed).pathname, "/authorize/consent")
    }).pipe(
      Effect.provide(
        layer({ hooks: { postLogin: () => Effect.succeed(true) }, pages: { postLogin: "/choose-organization" } }),
      ),
    ),
  )

  it.effect("get no code by a proof of identity that was there before it was asked for", () =>
    Effect.gen(function* () {
      const { app, browser } = yield* start
      yield* TestClock.adjust("10 seconds")
      for (const asked of [{ prompt: "login" }, { max_age: "0" }, { max_age: "5" }]) {
        const request = yield* begun(browser, authorizePath(app.client, asked))
        const page = yield* browser.fetch(consentUrl, { request, accept: true })
        assert.strictEqual(TestHttp.textAt(page, "intent"), "reauthenticate")
        const went = yield* browser.go(`${continueUrl}?request=${request}`)
        assert.strictEqual(locationOf(went).pathname, "/account/confirm")
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("count in no other session than the one in which they were done", () =>
    Effect.gen(function* () {
      const { app, browser, person } = yield* start
      const first = browser.cookies.get("belfry_session") ?? ""
      // A second session of the same person, which was there before the request too.
      yield* browser.signIn(person.user)
      const second = browser.cookies.get("belfry_session") ?? ""
      yield* TestClock.adjust("1 second")
      const request = yield* begun(browser, authorizePath(app.client, { prompt: "select_account" }))
      const pageOf = Effect.map(browser.go(`${continueUrl}?request=${request}`), (page) => locationOf(page).pathname)
      yield* browser.submit(continueUrl, { request, step: "select_account" })
      assert.strictEqual(yield* pageOf, "/authorize/consent")
      browser.cookies.set("belfry_session", first)
      assert.strictEqual(yield* pageOf, "/authorize/account")
      const decided = yield* browser.submit(consentUrl, { request, accept: "true" })
      assert.strictEqual(locationOf(decided).pathname, "/authorize/account")
      browser.cookies.set("belfry_session", second)
      assert.strictEqual(yield* pageOf, "/authorize/consent")
    }).pipe(Effect.provide(layer())),
  )
})

describe("Requests that wait", () => {
  it.effect("are answered once: not twice, not twice at once, not after they were denied", () =>
    Effect.gen(function* () {
      const { app, browser } = yield* start
      const request = yield* begun(browser, authorizePath(app.client, { prompt: "consent" }))
      const cookie = [...browser.cookies].map((pair) => pair.join("=")).join("; ")
      const accept = browser.request(consentUrl, {
        method: "POST",
        headers: { cookie, origin: home, "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" },
        json: { request, accept: true },
      })
      const answers = yield* Effect.all([accept, accept, accept, accept], { concurrency: "unbounded" })
      assert.deepStrictEqual(
        answers.map(({ status }) => status).toSorted((a, b) => a - b),
        [200, 400, 400, 400],
      )
      const [, count] = yield* granted
      assert.strictEqual(count, 1)
      const denied = yield* begun(browser, authorizePath(app.client, { prompt: "consent" }))
      assert.deepInclude(queryOf(yield* browser.submit(consentUrl, { request: denied, accept: "false" })), {
        error: "access_denied",
      })
      for (const gone of [request, denied]) {
        assert.strictEqual(
          queryOf(yield* browser.submit(consentUrl, { request: gone, accept: "true" }))["error"],
          "expired",
        )
        assert.strictEqual(queryOf(yield* browser.go(`${continueUrl}?request=${gone}`))["error"], "expired")
        assert.strictEqual((yield* browser.fetch(`/auth/oauth2/requests/${gone}`)).status, 400)
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("end at the exact instant", () =>
    Effect.gen(function* () {
      const { app, browser } = yield* start
      const [just, late] = [
        yield* begun(browser, authorizePath(app.client, { prompt: "consent" })),
        yield* begun(browser, authorizePath(app.client, { prompt: "consent" })),
      ]
      yield* TestClock.adjust(10 * 60_000 - 1)
      assert.property(queryOf(yield* browser.submit(consentUrl, { request: just, accept: "true" })), "code")
      yield* TestClock.adjust(1)
      assert.strictEqual(
        queryOf(yield* browser.submit(consentUrl, { request: late, accept: "true" }))["error"],
        "expired",
      )
      assert.strictEqual((yield* browser.fetch(`/auth/oauth2/requests/${late}`)).status, 400)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("are known by no other id: of another request, of a person, made up", () =>
    Effect.gen(function* () {
      const { app, browser, person } = yield* start
      yield* begun(browser, authorizePath(app.client))
      for (const id of [person.user.id, person.session.id, app.id, "", "x", "%00", "../requests", "1' OR '1'='1"]) {
        const encoded = encodeURIComponent(id)
        const went = yield* browser.go(`${continueUrl}?request=${encoded}`)
        assert.strictEqual(locationOf(went).pathname, "/authorize/error")
        assert.strictEqual((yield* browser.fetch(consentUrl, { request: id, accept: true })).status, 400)
      }
    }).pipe(Effect.provide(layer())),
  )
})

describe("Silent probing (prompt=none)", () => {
  it.effect("tells nothing of others: each hint but that of who is signed in here gets login_required", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      const others = yield* open(send)
      yield* others.signIn()
      const { idToken: theirs } = yield* tokensFor(send, others, app)
      const { idToken: own } = yield* tokensFor(send, browser, app)
      const stranger = yield* open(send)
      yield* stranger.signIn()
      const nobody = yield* open(send)
      const silent = (from: TestBrowser, id_token_hint: string | null) =>
        Effect.map(
          from.go(authorizePath(app.client, { prompt: "none", scope: "openid", id_token_hint })),
          (response) => {
            const { error, ...rest } = queryOf(response)
            return error ?? Object.keys(rest).toSorted().join()
          },
        )
      assert.strictEqual(yield* silent(browser, own), "code,iss,state")
      assert.strictEqual(yield* silent(browser, theirs), "login_required")
      // Whoever has no session here learns nothing by the hint of somebody who has one elsewhere.
      assert.strictEqual(yield* silent(nobody, theirs), "login_required")
      assert.strictEqual(yield* silent(nobody, null), "login_required")
      // Somebody who never consented to this client: the same, whoever is named.
      assert.strictEqual(yield* silent(stranger, theirs), "login_required")
      assert.strictEqual(yield* silent(stranger, null), "consent_required")
      const claims = (sub: string) => JSON.stringify({ id_token: { sub: { value: sub } } })
      const named = yield* browser.go(
        authorizePath(app.client, { prompt: "none", scope: "openid", claims: claims("someone else") }),
      )
      assert.strictEqual(queryOf(named)["error"], "login_required")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("does not tell by login_hint whether there is somebody of that name", () =>
    Effect.gen(function* () {
      const { app, person, send } = yield* start
      const answers: Array<unknown> = []
      for (const login_hint of [person.user.email, "nobody@example.com", person.user.id]) {
        const nobody = yield* open(send)
        const silent = yield* nobody.go(authorizePath(app.client, { prompt: "none", login_hint }))
        const asked = yield* nobody.go(authorizePath(app.client, { login_hint }))
        const { request = "" } = queryOf(asked)
        const shown = yield* nobody.fetch(`/auth/oauth2/requests/${request}`)
        answers.push([
          silent.location,
          asked.location?.replaceAll(request, ""),
          shown.text.replaceAll(request, "").replaceAll(login_hint, ""),
        ])
      }
      assert.deepStrictEqual(answers[1], answers[0])
      assert.deepStrictEqual(answers[2], answers[0])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("gets nothing that the person did not give before", () =>
    Effect.gen(function* () {
      const { app, browser } = yield* start
      const silent = { prompt: "none" }
      const first = queryOf(yield* browser.go(authorizePath(app.client, { ...silent, scope: "openid" })))
      assert.strictEqual(first["error"], "consent_required")
      assert.property(yield* agree(browser, app, { scope: "openid" }), "code")
      for (const scope of ["openid email", "openid offline_access", "openid notes:read"]) {
        const more = queryOf(yield* browser.go(authorizePath(app.client, { ...silent, scope })))
        assert.strictEqual(more["error"], "consent_required", scope)
      }
      const other = yield* application()
      const theirs = queryOf(yield* browser.go(authorizePath(other.client, { ...silent, scope: "openid" })))
      assert.strictEqual(theirs["error"], "consent_required")
    }).pipe(Effect.provide(layer())),
  )
})

describe("Login CSRF", () => {
  it.effect("signs nobody in: no endpoint of this server takes a session from a request, or begins one", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      const victim = yield* open(send)
      const request = yield* begun(browser, authorizePath(app.client))
      const session = browser.cookies.get("belfry_session") ?? ""
      const token = browser.cookies.get("belfry_authorization") ?? ""
      // The attacker's request, led into the victim's browser.
      const visits = [
        `${continueUrl}?request=${request}`,
        `${continueUrl}?request=${request}&belfry_session=${session}&belfry_authorization=${token}`,
        `${authorizePath(app.client)}&belfry_session=${session}`,
      ]
      for (const path of visits) {
        const response = yield* victim.go(path)
        assert.notProperty(response.cookies, "belfry_session")
        assert.notMatch(response.location ?? "", /code=/)
      }
      const posted = yield* victim.submitFrom("https://evil.example", "/auth/oauth2/authorize", { client_id: app.id })
      assert.notProperty(posted.cookies, "belfry_session")
      assert.isFalse(victim.cookies.has("belfry_session"))
      // The code of the attacker's account is good for the browser's own request alone: its verifier is not known
      // there.
      const answer = yield* agree(browser, app)
      const refused = yield* exchange(send, app, answer["code"] ?? "", { code_verifier: "v".repeat(43) })
      assert.strictEqual(TestHttp.at(refused.json, "error"), "invalid_grant")
    }).pipe(Effect.provide(layer())),
  )
})

describe("Logout CSRF", () => {
  it.effect("ends no session without the person: another site leads to a question at most", () =>
    Effect.gen(function* () {
      const { app, browser, person, send } = yield* start
      const trusting = yield* application({}, { privileges: { enableEndSession: true } })
      const { idToken } = yield* tokensFor(send, browser, app)
      const { idToken: trusted } = yield* tokensFor(send, browser, trusting)
      const others = yield* open(send)
      yield* others.signIn()
      const { idToken: theirs } = yield* tokensFor(send, others, trusting)
      const out = (fields: Readonly<Record<string, string>>) =>
        browser.go(`/auth/oauth2/end-session?${new URLSearchParams(fields).toString()}`)
      for (const fields of [{}, { client_id: trusting.id }, { id_token_hint: idToken }, { id_token_hint: theirs }]) {
        assert.strictEqual(locationOf(yield* out(fields)).pathname, "/sign-out/confirm", JSON.stringify(fields))
        assert.isTrue(browser.cookies.has("belfry_session"))
      }
      const { request = "" } = queryOf(yield* out({}))
      // The question of one session is no answer for another, nor does another site give it.
      const cookie = [...browser.cookies].map((pair) => pair.join("=")).join("; ")
      const forged = yield* browser.request("/auth/oauth2/end-session/confirm", {
        method: "POST",
        headers: { ...form, cookie, origin: "https://evil.example", "sec-fetch-site": "cross-site" },
        body: new URLSearchParams({ request }).toString(),
      })
      assert.strictEqual(forged.status, 403)
      yield* others.submit("/auth/oauth2/end-session/confirm", { request })
      assert.isTrue(others.cookies.has("belfry_session"))
      assert.strictEqual((yield* browser.fetch("/auth/session")).status, 200)
      assert.strictEqual((yield* others.fetch("/auth/session")).status, 200)
      // What the client may do that the host trusts with it.
      yield* out({ id_token_hint: trusted })
      assert.isFalse(browser.cookies.has("belfry_session"))
      yield* browser.signIn(person.user)
      yield* TestClock.adjust("10 minutes")
      const late = yield* browser.fetch("/auth/oauth2/end-session/confirm", { request })
      assert.strictEqual(late.status, 400)
    }).pipe(Effect.provide(layer())),
  )
})
