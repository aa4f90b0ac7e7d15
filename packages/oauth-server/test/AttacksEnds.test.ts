/**
 * What is over is over everywhere at once: revoked grants, withdrawn consents, disabled and removed clients, users who
 * are gone, sessions that ended. Over HTTP, against the whole server.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import { Users } from "@belfry/core/Users"
import * as AccessTokenVerifier from "@belfry/oauth-server/AccessTokenVerifier"
import { AdminClients } from "@belfry/oauth-server/AdminClients"
import * as Builders from "@belfry/testing/Builders"
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import {
  agree,
  type Application,
  application,
  codeOf,
  errorOf,
  exchange,
  files,
  layer,
  post as posting,
  refresh,
  type Send,
  serve,
  start,
  tokensFor,
  userInfo,
} from "./support/Attacker.ts"
import { ClientId } from "@belfry/oauth-server/OAuthClient"
import { authorizePath, home, open, queryOf, type TestBrowser } from "./support/Authorizing.ts"

const base = "/auth/oauth2"

/** Where a token could still be worth something. */
type Place = "userinfo" | "introspection" | "introspection by the API" | "resource server" | "refresh"

/** An application with tokens of each kind, and an API that they are for; where they are worth something. */
const begin = Effect.fnUntraced(function* (scope = "openid profile offline_access notes:read") {
  const { app, browser, person, send } = yield* start
  const api = yield* application(
    { grantTypes: ["client_credentials"], redirectUris: [] },
    { id: ClientId.make("files-api") },
  )
  const opaque = yield* tokensFor(send, browser, app, { scope })
  const jwt = yield* tokensFor(send, browser, app, { scope, resource: files })
  const verifier = yield* AccessTokenVerifier.AccessTokenVerifier

  const active = ({ headers }: Application, token: string) =>
    Effect.map(posting(send)("introspect", { token }, headers), ({ json }) => TestHttp.at(json, "active") === true)

  const refreshTokens = [opaque.refreshToken, jwt.refreshToken].filter((token) => token !== "")

  const placesOf = Effect.gen(function* () {
    const places = new Set<Place>()
    for (const { accessToken } of [opaque, jwt]) {
      if ((yield* userInfo(send, accessToken)).status === 200) places.add("userinfo")
      if (yield* active(app, accessToken)) places.add("introspection")
      if (yield* active(api, accessToken)) places.add("introspection by the API")
      const verified = yield* Effect.exit(verifier.verify(Redacted.make(accessToken)))
      if (verified._tag === "Success") places.add("resource server")
    }
    for (const [index, token] of refreshTokens.entries()) {
      if (yield* active(app, token)) places.add("introspection")
      const rotated = yield* refresh(send, app, token)
      if (rotated.status !== 200) continue
      places.add("refresh")
      refreshTokens[index] = TestHttp.textAt(rotated, "refresh_token")
    }
    return [...places].toSorted()
  })
  return { app, browser, person, send, opaque, jwt, refreshTokens, placesOf }
})

const verifies = AccessTokenVerifier.layerLocal({ audience: files })

const everywhere = ["introspection", "introspection by the API", "refresh", "resource server", "userinfo"]

const call = (browser: TestBrowser, method: string, path: string) =>
  browser.request(path, {
    method,
    headers: { origin: home, "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" },
  })

const ids = (browser: TestBrowser, name: "grants" | "consents") =>
  Effect.map(browser.fetch(`${base}/${name}`), ({ json }) => {
    const rows = TestHttp.at(json, name)
    return Array.isArray(rows) ? rows.map((row) => String(TestHttp.at(row, "id"))) : []
  })

/** The tokens are good everywhere, until something happens; then nowhere. */
const endsWith = (
  what: string,
  happen: (world: Effect.Success<ReturnType<typeof begin>>) => Effect.Effect<unknown, unknown, AdminClients | Users>,
) =>
  it.effect(`${what}: at UserInfo, introspection, refresh and resource servers`, () =>
    Effect.gen(function* () {
      const world = yield* begin()
      assert.deepStrictEqual(yield* world.placesOf, everywhere)
      yield* happen(world)
      assert.deepStrictEqual(yield* world.placesOf, [])
    }).pipe(Effect.provide(verifies), Effect.provide(layer())),
  )

describe("Nothing is left", () => {
  endsWith("when the person takes access away from an application", ({ browser }) =>
    Effect.gen(function* () {
      for (const id of yield* ids(browser, "grants")) {
        assert.strictEqual((yield* call(browser, "DELETE", `${base}/grants/${id}`)).status, 204)
      }
    }),
  )

  endsWith("when the person takes a consent back", ({ browser }) =>
    Effect.gen(function* () {
      for (const id of yield* ids(browser, "consents")) {
        assert.strictEqual((yield* call(browser, "DELETE", `${base}/consents/${id}`)).status, 204)
      }
    }),
  )

  endsWith("when the client revokes its refresh token", ({ app, refreshTokens, send }) =>
    Effect.forEach(refreshTokens, (token) => posting(send)("revoke", { token }, app.headers)),
  )

  endsWith("when the client is disabled", ({ app }) =>
    AdminClients.use((clients) => clients.update(app.client.id, { isDisabled: true }, unknownClient)),
  )

  endsWith("when the client is removed", ({ app }) =>
    AdminClients.use((clients) => clients.remove(app.client.id, unknownClient)),
  )

  endsWith("when the user is disabled", ({ person }) => Users.use((users) => users.disable(person.user.id)))

  endsWith("when the user is gone", ({ browser }) =>
    Effect.map(call(browser, "DELETE", "/auth/user"), ({ status, text }) => assert.isBelow(status, 300, text)),
  )

  endsWith("when each code comes a second time", ({ app, jwt, opaque, send }) =>
    Effect.forEach([jwt, opaque], ({ code }) => exchange(send, app, code)),
  )

  it.effect(
    "while the user is disabled, codes that wait too, and what was granted holds again when they are enabled",
    () =>
      Effect.gen(function* () {
        const { app, browser, person, placesOf, send } = yield* begin()
        const code = yield* codeOf(browser, app)
        const users = yield* Users
        yield* users.disable(person.user.id)
        assert.deepStrictEqual(errorOf(yield* exchange(send, app, code)), [400, "invalid_grant"])
        assert.deepStrictEqual(yield* placesOf, [])
        yield* users.enable(person.user.id)
        // Grants for offline access alone: the others ended with their session.
        assert.deepStrictEqual(yield* placesOf, everywhere)
      }).pipe(Effect.provide(verifies), Effect.provide(layer())),
  )

  it.effect("of a code that waits: it opens nothing once its client is disabled, or its user is gone", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      const code = yield* codeOf(browser, app)
      yield* AdminClients.use((clients) => clients.update(app.client.id, { isDisabled: true }, unknownClient))
      assert.deepStrictEqual(errorOf(yield* exchange(send, app, code)), [401, "invalid_client"])
      const other = yield* application()
      const second = yield* codeOf(browser, other)
      yield* call(browser, "DELETE", "/auth/user")
      assert.deepStrictEqual(errorOf(yield* exchange(send, other, second)), [400, "invalid_grant"])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("of a request that waits, once its client is disabled or removed", () =>
    Effect.gen(function* () {
      const { browser } = yield* start
      for (const end of ["disabled", "removed"]) {
        const app = yield* application()
        const { request = "" } = queryOf(yield* browser.go(authorizePath(app.client)))
        yield* AdminClients.use((clients) =>
          end === "disabled"
            ? clients.update(app.client.id, { isDisabled: true }, unknownClient)
            : clients.remove(app.client.id, unknownClient),
        )
        for (const accept of ["true", "false"]) {
          const answered = yield* browser.submit(`${base}/consent`, { request, accept })
          assert.strictEqual(answered.location?.startsWith("/authorize/error"), true, String(answered.location))
        }
        assert.strictEqual((yield* browser.fetch(`${base}/requests/${request}`)).status, 400)
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("of a narrowed consent: grants that have more end, others stay", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      const more = yield* tokensFor(send, browser, app, { scope: "openid profile email" })
      const less = yield* tokensFor(send, browser, app, { scope: "openid profile" })
      const [id = ""] = yield* ids(browser, "consents")
      const narrowed = yield* browser.request(`${base}/consents/${id}`, {
        method: "PATCH",
        headers: { origin: home, "sec-fetch-site": "same-origin" },
        json: { scopes: ["openid", "profile"] },
      })
      assert.strictEqual(narrowed.status, 200, narrowed.text)
      assert.strictEqual((yield* userInfo(send, more.accessToken)).status, 401)
      assert.strictEqual((yield* userInfo(send, less.accessToken)).status, 200)
      // And nobody widens it again but the person, by being asked.
      const widened = yield* browser.request(`${base}/consents/${id}`, {
        method: "PATCH",
        headers: { origin: home, "sec-fetch-site": "same-origin" },
        json: { scopes: ["openid", "profile", "email", "notes:write"] },
      })
      assert.strictEqual(widened.status, 422)
      const silent = yield* browser.go(authorizePath(app.client, { prompt: "none", scope: "openid email" }))
      assert.strictEqual(queryOf(silent)["error"], "consent_required")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("of an access token that its client revoked, and the rest of the grant goes on", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      for (const resource of [null, files]) {
        const tokens = yield* tokensFor(send, browser, app, { resource, scope: "openid offline_access" })
        yield* posting(send)("revoke", { token: tokens.accessToken }, app.headers)
        assert.strictEqual((yield* userInfo(send, tokens.accessToken)).status, 401)
        const rotated = yield* refresh(send, app, tokens.refreshToken)
        assert.strictEqual(rotated.status, 200)
        assert.strictEqual((yield* userInfo(send, TestHttp.textAt(rotated, "access_token"))).status, 200)
      }
    }).pipe(Effect.provide(layer())),
  )
})

const online = "openid profile notes:read"

/** An application without offline access: its tokens live as long as the session does. */
const beginOnline = Effect.gen(function* () {
  const world = yield* begin(online)
  assert.deepStrictEqual(
    yield* world.placesOf,
    everywhere.filter((place) => place !== "refresh"),
  )
  return world
})

describe("The end of a session", () => {
  it.effect("ends online access at once when the person signs out, and no offline access", () =>
    Effect.gen(function* () {
      const { app, browser, placesOf, send } = yield* beginOnline
      const offline = yield* tokensFor(send, browser, app)
      assert.strictEqual((yield* call(browser, "POST", "/auth/sign-out")).status, 204)
      assert.deepStrictEqual(yield* placesOf, [])
      assert.strictEqual((yield* userInfo(send, offline.accessToken)).status, 200)
      assert.strictEqual((yield* refresh(send, app, offline.refreshToken)).status, 200)
    }).pipe(Effect.provide(verifies), Effect.provide(layer())),
  )

  it.effect("ends it at the exact instant at which the session is over", () =>
    Effect.gen(function* () {
      // Tokens that would last longer than the session.
      const { person, placesOf } = yield* beginOnline
      const end = person.session.expiresAt.epochMilliseconds
      yield* TestClock.setTime(end - 1)
      assert.include(yield* placesOf, "userinfo")
      yield* TestClock.setTime(end)
      assert.deepStrictEqual(yield* placesOf, [])
    }).pipe(
      Effect.provide(verifies),
      Effect.provide(
        layer({ settings: { accessTokenLifetime: Duration.days(400), grantLifetime: Duration.days(400) } }),
      ),
    ),
  )

  it.effect("ends codes that wait: what was granted in a session is not exchanged after it", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      const code = yield* codeOf(browser, app, { scope: online })
      yield* call(browser, "POST", "/auth/sign-out")
      assert.deepStrictEqual(errorOf(yield* exchange(send, app, code)), [400, "invalid_grant"])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("of one person ends nothing of another's, with the same client", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      const other = yield* open(send)
      yield* other.signIn(yield* Builders.storedUser())
      const theirs = yield* tokensFor(send, other, app, { scope: online })
      yield* tokensFor(send, browser, app, { scope: online })
      yield* call(browser, "POST", "/auth/sign-out")
      assert.strictEqual((yield* userInfo(send, theirs.accessToken)).status, 200)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("leaves nothing of a consent to whoever signs in next in that browser", () =>
    Effect.gen(function* () {
      const send: Send = yield* serve
      const app = yield* application()
      const browser = yield* open(send)
      yield* browser.signIn()
      assert.property(yield* agree(browser, app, { scope: "openid" }), "code")
      yield* call(browser, "POST", "/auth/sign-out")
      yield* browser.signIn()
      const silent = yield* browser.go(authorizePath(app.client, { prompt: "none", scope: "openid" }))
      assert.strictEqual(queryOf(silent)["error"], "consent_required")
    }).pipe(Effect.provide(layer())),
  )
})
