/**
 * Attacks on what belongs to somebody else: clients, consents, grants and resources by their ids, enumeration of
 * clients and people, and clients that register themselves for more than they may have. Over HTTP, against the whole
 * server.
 */
import { AdminClients } from "@belfry/oauth-server/AdminClients"
import { MemoryOAuthServerTables } from "@belfry/oauth-server/MemoryOAuthServerTables"
import { ClientId } from "@belfry/oauth-server/OAuthClient"
import { unknownClient } from "@belfry/core/AuditEvent"
import { Audit } from "@belfry/core/Audit"
import { Sessions } from "@belfry/core/Sessions"
import * as Builders from "@belfry/testing/Builders"
import * as TestHttp from "@belfry/testing/TestHttp"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlOAuthServerMigrations from "@belfry/oauth-server/SqlOAuthServerMigrations"
import { statementsOf } from "@belfry/testing/StatementCounter"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { assert, describe, it, layer as withLayer } from "@effect/vitest"
import { Effect, Redacted, type Schema } from "effect"
import {
  agree,
  type Application,
  application,
  errorOf,
  isActive,
  layer,
  layerSql,
  notes,
  post as posting,
  type Send,
  serve,
  spa,
  start,
  tokensFor,
} from "./support/Attacker.ts"
import { authorizePath, home, open, queryOf, type TestBrowser } from "./support/Authorizing.ts"
import { basic } from "./support/TokenClients.ts"

const base = "/auth/oauth2"

type Call = readonly [method: string, path: string, json?: Schema.Json]

/** Every route that names something, with the id of it. */
const routesOf = (ids: {
  readonly clientId: string
  readonly consentId: string
  readonly grantId: string
  readonly tokenId: string
}): ReadonlyArray<Call> => [
  ["GET", `${base}/clients/${ids.clientId}`],
  ["PATCH", `${base}/clients/${ids.clientId}`, { clientName: "Mine", redirectUris: ["https://evil.example/callback"] }],
  ["POST", `${base}/clients/${ids.clientId}/secret`],
  ["DELETE", `${base}/clients/${ids.clientId}`],
  ["GET", `${base}/consents/${ids.consentId}`],
  ["PATCH", `${base}/consents/${ids.consentId}`, { scopes: ["openid"] }],
  ["DELETE", `${base}/consents/${ids.consentId}`],
  ["DELETE", `${base}/grants/${ids.grantId}`],
]

const adminRoutesOf = (ids: { readonly clientId: string; readonly tokenId: string }): ReadonlyArray<Call> => [
  ["POST", `${base}/admin/clients`, { redirectUris: ["https://evil.example/callback"], skipConsent: true }],
  ["GET", `${base}/admin/clients/${ids.clientId}`],
  ["PATCH", `${base}/admin/clients/${ids.clientId}`, { skipConsent: true, isDisabled: true }],
  ["POST", `${base}/admin/clients/${ids.clientId}/secret`],
  ["DELETE", `${base}/admin/clients/${ids.clientId}`],
  ["POST", `${base}/admin/registration-tokens`, { lifetime: 60 }],
  ["DELETE", `${base}/admin/registration-tokens/${ids.tokenId}`],
  ["GET", `${base}/admin/resources`],
  ["POST", `${base}/admin/resources`, { identifier: "https://evil.example/api" }],
  ["PUT", `${base}/admin/resources`, { identifier: notes, introspectionClientId: ids.clientId }],
  ["DELETE", `${base}/admin/resources?identifier=${encodeURIComponent(notes)}`],
]

/** Calls a route by script of this site, as a browser with its cookies does. */
const callBy =
  (browser: TestBrowser) =>
  ([method, path, json]: Call) =>
    browser.request(path, {
      method,
      headers: { origin: home, "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" },
      ...(json === undefined ? {} : { json }),
    })

/** Everything that is on file, to see that nothing changed. */
const tables = Effect.map(MemoryOAuthServerTables, (all) =>
  JSON.stringify(
    Object.entries(all).map(([name, rows]) => [name, rows instanceof Map ? [...rows] : Object.keys(Object(rows))]),
  ),
)

/** Somebody with a client, and somebody who agreed to it: the victims. */
const victims = Effect.gen(function* () {
  const { browser, person, send } = yield* start
  const owner = yield* open(send)
  const { user } = yield* owner.signIn()
  const app = yield* application({ scopes: ["openid", "profile", "email", "offline_access"] }, { userId: user.id })
  const tokens = yield* tokensFor(send, browser, app)
  const consents = yield* browser.fetch(`${base}/consents`)
  const grants = yield* browser.fetch(`${base}/grants`)
  return {
    send,
    app,
    owner,
    person,
    browser,
    tokens,
    ids: {
      clientId: app.id,
      consentId: TestHttp.textAt(consents, "consents", "0", "id"),
      grantId: TestHttp.textAt(grants, "grants", "0", "id"),
      tokenId: "00000000-0000-7000-8000-000000000001",
    },
  }
})

const nowhere = {
  clientId: "belfry_client_0123456789",
  consentId: "00000000-0000-7000-8000-00000000000a",
  grantId: "00000000-0000-7000-8000-00000000000b",
  tokenId: "00000000-0000-7000-8000-00000000000c",
}

describe("Cross-tenant access", () => {
  it.effect("is not found: what is somebody else's is as what there is none of, and nothing changes", () =>
    Effect.gen(function* () {
      const { app, ids, send, tokens } = yield* victims
      const attacker = yield* open(send)
      yield* attacker.signIn()
      // The attacker has a client and a consent of their own.
      const own = yield* callBy(attacker)(["POST", `${base}/clients`, { redirectUris: ["https://evil.example/cb"] }])
      assert.strictEqual(own.status, 201, own.text)
      yield* agree(attacker, app, { scope: "openid" })
      const before = yield* tables
      const unknown = routesOf(nowhere)
      for (const [index, route] of routesOf(ids).entries()) {
        const theirs = yield* callBy(attacker)(route)
        const [method, path] = route
        assert.strictEqual(theirs.status, 404, `${method} ${path} ${theirs.text}`)
        const none = yield* callBy(attacker)(unknown[index] ?? route)
        const neutral = ({ text }: TestHttp.TestResponse) =>
          [...Object.values(ids), ...Object.values(nowhere)].reduce((all, id) => all.replaceAll(id, "id"), text)
        assert.strictEqual(neutral(theirs), neutral(none), `${method} ${path}`)
      }
      assert.strictEqual(yield* tables, before)
      assert.isTrue(yield* isActive(send, app, tokens.refreshToken))
      // Nor do lists have it.
      for (const [path, name] of [
        [`${base}/clients`, "clients"],
        [`${base}/clients?limit=100`, "clients"],
        [`${base}/consents?referenceId=`, "consents"],
        [`${base}/grants`, "grants"],
      ] as const) {
        const { text } = yield* callBy(attacker)(["GET", path])
        assert.notInclude(text, ids.consentId, name)
        assert.notInclude(text, ids.grantId, name)
        if (name === "clients") assert.notInclude(text, ids.clientId)
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("gets no further by cursors and references of somebody else", () =>
    Effect.gen(function* () {
      const { ids, owner, send } = yield* victims
      yield* callBy(owner)(["POST", `${base}/clients`, { redirectUris: ["https://second.example/cb"] }])
      const page = yield* callBy(owner)(["GET", `${base}/clients?limit=1`])
      const cursor = encodeURIComponent(TestHttp.textAt(page, "cursor"))
      const attacker = yield* open(send)
      yield* attacker.signIn()
      for (const query of [`cursor=${cursor}`, `cursor=${cursor}&limit=100`, "referenceId=acme", "userId=x"]) {
        const { json, text } = yield* callBy(attacker)(["GET", `${base}/clients?${query}`])
        assert.deepStrictEqual(json, { clients: [], cursor: null }, text)
        assert.notInclude(text, ids.clientId)
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("of administrators gets nothing without their scope, whoever asks: not the client's owner either", () =>
    Effect.gen(function* () {
      const { app, ids, owner, send, tokens } = yield* victims
      const attacker = yield* open(send)
      const { user } = yield* attacker.signIn(
        yield* Builders.storedUser({ scopes: ["admin", "oauth", "oauth:admin:read"] }),
      )
      assert.notInclude(user.scopes, "oauth:admin")
      const before = yield* tables
      for (const route of adminRoutesOf(ids)) {
        const [method, path] = route
        for (const browser of [attacker, owner]) {
          const response = yield* callBy(browser)(route)
          assert.strictEqual(response.status, 403, `${method} ${path} ${response.text}`)
          assert.notInclude(response.text, app.secret)
        }
        const nobody = yield* callBy(yield* open(send))(route)
        assert.strictEqual(nobody.status, 401, `${method} ${path}`)
        // An access token is no session.
        const [, , json] = route
        const headers = { authorization: `Bearer ${tokens.accessToken}` }
        const byToken = yield* send(path, { method, headers, ...(json === undefined ? {} : { json }) })
        assert.strictEqual(byToken.status, 401, `${method} ${path}`)
      }
      assert.strictEqual(yield* tables, before)
      // The same calls of an administrator go through: it is the scope that was in the way.
      const admin = yield* open(send)
      yield* admin.signIn(yield* Builders.storedUser({ scopes: ["oauth:admin"] }))
      const seen = yield* callBy(admin)(["GET", `${base}/admin/clients/${ids.clientId}`])
      assert.strictEqual(seen.status, 200)
      assert.notInclude(seen.text, app.secret)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("gets nothing from another site, with the cookie of the owner", () =>
    Effect.gen(function* () {
      const { browser, ids, owner } = yield* victims
      const before = yield* tables
      for (const victim of [owner, browser]) {
        const cookie = [...victim.cookies].map((pair) => pair.join("=")).join("; ")
        for (const [method, path, json] of routesOf(ids)) {
          if (method === "GET") continue
          for (const headers of [
            { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
            { origin: "null", "sec-fetch-site": "cross-site" },
            { origin: "https://evil.example" },
          ]) {
            const body = json === undefined ? {} : { body: JSON.stringify(json) }
            const response = yield* victim.request(path, {
              method,
              headers: { cookie, ...headers, ...(json === undefined ? {} : { "content-type": "application/json" }) },
              ...body,
            })
            assert.strictEqual(response.status, 403, `${method} ${path}`)
          }
        }
      }
      assert.strictEqual(yield* tables, before)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("leaves a client whose owner was deleted with nobody: those after them do not get it", () =>
    Effect.gen(function* () {
      const { app, ids, owner, send, tokens } = yield* victims
      const removed = yield* callBy(owner)(["DELETE", "/auth/user"])
      assert.isBelow(removed.status, 300, removed.text)
      const next = yield* open(send)
      yield* next.signIn()
      for (const route of routesOf(ids)) assert.strictEqual((yield* callBy(next)(route)).status, 404)
      // The session and its cookie are worth nothing any more.
      for (const route of routesOf(ids)) assert.strictEqual((yield* callBy(owner)(route)).status, 401)
      // It goes on as it was, for those who use it: it is the host's to end it.
      assert.isTrue(yield* isActive(send, app, tokens.accessToken))
    }).pipe(Effect.provide(layer())),
  )
})

/** How often a look-up, a hash and a comparison happen is what takes time: it is told by what the server did. */
const answersOf = Effect.fnUntraced(function* (
  send: Send,
  endpoint: string,
  attempts: ReadonlyArray<readonly [form: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>>]>,
) {
  const answers = new Set<string>()
  for (const [form, headers] of attempts) {
    const { headers: got, status, text } = yield* posting(send)(endpoint, form, headers)
    answers.add(JSON.stringify([status, text, got.get("www-authenticate"), got.get("cache-control")]))
  }
  return answers
})

describe("Enumeration of clients", () => {
  it.effect("gets one answer, whether there is none, it is disabled, another method's, or its secret wrong", () =>
    Effect.gen(function* () {
      const { app, send } = yield* start
      const byForm = yield* application({ tokenEndpointAuthMethod: "client_secret_post" })
      const disabled = yield* application()
      yield* AdminClients.use((clients) => clients.update(disabled.client.id, { isDisabled: true }, unknownClient))
      const publicOne = yield* spa()
      const noBody = { grant_type: "authorization_code", code: "x", token: "x" }
      for (const endpoint of ["token", "introspect", "revoke"]) {
        const inHeader = yield* answersOf(send, endpoint, [
          [noBody, basic("nobody", "x")],
          [noBody, basic(app.id, "x")],
          [noBody, basic(app.id, "")],
          [noBody, basic(disabled.id, disabled.secret)],
          [noBody, basic(disabled.id, "x")],
          [noBody, basic(byForm.id, byForm.secret)],
          [noBody, basic(publicOne.id, "")],
          [noBody, basic(publicOne.id, "x")],
        ])
        assert.strictEqual(inHeader.size, 1, [...inHeader].join("\n"))
        const inForm = yield* answersOf(
          send,
          endpoint,
          [
            { client_id: "nobody", client_secret: "x" },
            { client_id: app.id, client_secret: app.secret },
            { client_id: disabled.id, client_secret: disabled.secret },
            { client_id: byForm.id, client_secret: "x" },
            { client_id: publicOne.id, client_secret: "x" },
            { client_id: "nobody" },
            { client_id: app.id },
            { client_id: disabled.id },
          ].map((fields) => [{ ...noBody, ...fields }, {}] as const),
        )
        assert.strictEqual(inForm.size, 1, [...inForm].join("\n"))
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("gets one answer at the authorization endpoint for a client that is unknown or disabled", () =>
    Effect.gen(function* () {
      const { app, browser } = yield* start
      const disabled = yield* application()
      yield* AdminClients.use((clients) => clients.update(disabled.client.id, { isDisabled: true }, unknownClient))
      const answers = new Set<string | null>()
      for (const client_id of [
        "nobody",
        disabled.id,
        "x".repeat(300),
        "é",
        "\u0000",
        "00000000-0000-7000-8000-000000000000",
      ]) {
        answers.add((yield* browser.go(authorizePath(app.client, { client_id }))).location)
      }
      assert.strictEqual(answers.size, 1, [...answers].join("\n"))
      for (const id of ["nobody", disabled.id]) {
        assert.strictEqual((yield* browser.fetch(`${base}/public-clients/${id}`)).status, 404)
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("learns of no token by introspection or revocation whether it is another's or nobody's", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      const evil = yield* application()
      const opaque = yield* tokensFor(send, browser, app)
      const jwt = yield* tokensFor(send, browser, app, { resource: notes, scope: "openid offline_access notes:read" })
      const tokens = [
        opaque.accessToken,
        opaque.refreshToken,
        jwt.accessToken,
        jwt.refreshToken,
        jwt.idToken,
        opaque.code,
        "x",
        `${opaque.accessToken.slice(0, -1)}x`,
        "a.b.c",
        "\u0000",
        "x".repeat(20_000),
      ]
      for (const endpoint of ["introspect", "revoke"]) {
        const attempts = tokens.map((token) => [{ token }, evil.headers] as const)
        assert.strictEqual((yield* answersOf(send, endpoint, attempts)).size, 1, endpoint)
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is written down with its reasons where those who run the server look, and nowhere else", () =>
    Effect.gen(function* () {
      const { app, send } = yield* start
      yield* posting(send)("token", { grant_type: "client_credentials" }, basic(app.id, "wrong"))
      yield* posting(send)("token", { grant_type: "client_credentials" }, basic("nobody", "wrong"))
      const events = yield* Audit.use((audit) => audit.list())
      const reasons = events.filter(({ type }) => type === "oauth-client.authentication").map(({ reason }) => reason)
      assert.sameMembers(reasons, ["secret", "unknown"])
      assert.notInclude(JSON.stringify(events), "wrong")
    }).pipe(Effect.provide(layer())),
  )
})

const register = (send: Send, json: Schema.Json, headers: Readonly<Record<string, string>> = {}) =>
  send(`${base}/register`, { method: "POST", headers, json })

const openly = layer({
  settings: {
    registration: "open",
    registrationScopes: ["openid", "profile", "notes:read"],
    registrationDefaultScopes: ["openid"],
  },
})

describe("Registration for more than is given", () => {
  it.effect("gets no privilege: none that only the host decides is taken, under any name", () =>
    Effect.gen(function* () {
      const { browser, send } = yield* start
      const redirect_uris = ["https://evil.example/callback"]
      for (const member of ["skip_consent", "enable_end_session", "require_pkce"]) {
        for (const value of [true, false, null, "true"]) {
          const refused = yield* register(send, { redirect_uris, [member]: value })
          assert.deepStrictEqual(errorOf(refused), [400, "invalid_client_metadata"], member)
        }
      }
      const made = yield* register(send, {
        redirect_uris,
        skipConsent: true,
        enableEndSession: true,
        requirePkce: false,
        trusted: true,
        privileges: { skipConsent: true },
        metadata: { skipConsent: true },
        resources: [notes],
        userId: "00000000-0000-7000-8000-000000000001",
        user_id: "00000000-0000-7000-8000-000000000001",
        reference_id: "acme",
        client_id: "files-api",
        client_secret: "chosen",
        is_disabled: false,
        isDynamic: false,
        __proto__: { skipConsent: true },
      })
      assert.strictEqual(made.status, 201, made.text)
      const id = TestHttp.textAt(made, "client_id")
      assert.notStrictEqual(id, "files-api")
      assert.notStrictEqual(TestHttp.textAt(made, "client_secret"), "chosen")
      const client = yield* AdminClients.use((clients) => clients.get(ClientId.make(id)))
      assert.deepStrictEqual(client.privileges, {
        skipConsent: false,
        enableEndSession: false,
        requirePkce: true,
        resources: null,
        metadata: {},
      })
      assert.deepInclude(client, { isDynamic: true, userId: null, referenceId: null })
      const asked = yield* browser.go(authorizePath(client, { scope: "openid" }))
      assert.strictEqual(asked.location?.startsWith("/authorize/consent"), true)
    }).pipe(Effect.provide(openly)),
  )

  it.effect("gets no scope and no grant type beyond what registration gives", () =>
    Effect.gen(function* () {
      const { browser, post, send } = yield* start
      const redirect_uris = ["https://evil.example/callback"]
      const all = "openid profile email offline_access notes:read notes:write oauth:admin admin"
      const made = yield* register(send, {
        redirect_uris,
        scope: all,
        grant_types: [
          "authorization_code",
          "refresh_token",
          "password",
          "urn:ietf:params:oauth:grant-type:device_code",
        ],
      })
      assert.strictEqual(made.status, 201, made.text)
      assert.sameMembers(TestHttp.textAt(made, "scope").split(" "), ["openid", "profile", "notes:read"])
      assert.deepStrictEqual(TestHttp.at(made.json, "grant_types"), ["authorization_code", "refresh_token"])
      const id = TestHttp.textAt(made, "client_id")
      for (const scope of ["openid email", "openid notes:write", "openid oauth:admin"]) {
        const query = new URLSearchParams(authorizePathOf(id, { scope, redirect_uri: redirect_uris[0] ?? "" }))
        const answer = yield* browser.go(`${base}/authorize?${query.toString()}`)
        assert.strictEqual(answer.status, 400)
        assert.include(answer.text, "<strong>evil.example</strong> (invalid_scope)", scope)
      }
      // OpenID Connect Core §11: offline access is ignored where it cannot be had.
      const offline = authorizePathOf(id, { scope: "openid offline_access", redirect_uri: redirect_uris[0] ?? "" })
      const { request = "" } = queryOf(
        yield* browser.go(`${base}/authorize?${new URLSearchParams(offline).toString()}`),
      )
      const { json } = yield* browser.fetch(`${base}/requests/${request}`)
      assert.deepStrictEqual(TestHttp.at(json, "scopes"), ["openid"])
      const byDefault = yield* register(send, { redirect_uris })
      assert.strictEqual(TestHttp.textAt(byDefault, "scope"), "openid")
      const machine = { grant_types: ["client_credentials"], scope: all }
      const other = yield* register(send, machine)
      if (other.status === 201) {
        const headers = basic(TestHttp.textAt(other, "client_id"), TestHttp.textAt(other, "client_secret"))
        for (const scope of ["notes:write", "oauth:admin", "notes:read notes:write"]) {
          const refused = yield* post("token", { grant_type: "client_credentials", scope }, headers)
          assert.deepStrictEqual(errorOf(refused), [400, "invalid_scope"], scope)
        }
      }
    }).pipe(Effect.provide(openly)),
  )

  it.effect("gets no redirect URI that runs script, or leads to a place that is nobody's", () =>
    Effect.gen(function* () {
      const send = yield* serve
      for (const uri of [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://client.example.com/x",
        "about:blank",
        "http://client.example.com/callback",
        "https://client.example.com/callback#x",
        "https://*.example.com/callback",
        "https://user:pass@client.example.com/callback",
        "https:client.example.com",
        "//client.example.com",
        "/callback",
        "myapp:/callback",
        "https://client.example.com/callback\r\nx: y",
        "https://client.example.com/a/../b",
        "",
      ]) {
        const refused = yield* register(send, { redirect_uris: [uri] })
        assert.strictEqual(refused.status, 400, `${uri} ${refused.text}`)
        assert.include(["invalid_redirect_uri", "invalid_client_metadata"], TestHttp.textAt(refused, "error"))
      }
      for (const member of ["logo_uri", "client_uri", "tos_uri", "policy_uri"]) {
        for (const uri of ["javascript:alert(1)", "data:image/svg+xml,<svg/onload=alert(1)>", "//x", "x"]) {
          const refused = yield* register(send, { redirect_uris: ["https://a.example/"], [member]: uri })
          assert.deepStrictEqual(errorOf(refused), [400, "invalid_client_metadata"], `${member} ${uri}`)
        }
      }
    }).pipe(Effect.provide(openly)),
  )

  it.effect(
    "gets nothing where it is off, or without a token where one is needed, not by a person's cookie from elsewhere",
    () =>
      Effect.gen(function* () {
        const { browser, send } = yield* start
        const body = { redirect_uris: ["https://evil.example/callback"] }
        const { token } = yield* Sessions.use((sessions) =>
          Effect.flatMap(Builders.storedUser(), (user) =>
            sessions.start({ user, amr: ["pwd"], client: unknownClient }),
          ),
        )
        const before = yield* tables
        const cookie = [...browser.cookies].map((pair) => pair.join("=")).join("; ")
        for (const headers of [
          {},
          { authorization: "Bearer x" },
          { authorization: "Bearer belfry_initial_x" },
          { authorization: `Basic ${btoa("a:b")}` },
          { cookie, origin: "https://evil.example", "sec-fetch-site": "cross-site" },
          { cookie, origin: "null", "sec-fetch-site": "cross-site" },
        ]) {
          assert.deepStrictEqual(errorOf(yield* register(send, body, headers)), [401, "invalid_token"])
        }
        assert.strictEqual(yield* tables, before)
        const bySession = yield* register(send, body, { authorization: `Bearer ${Redacted.value(token)}` })
        assert.strictEqual(bySession.status, 201)
      }).pipe(Effect.provide(layer({ settings: { registration: "token" } }))),
  )

  it.effect("gets nothing at all by default", () =>
    Effect.gen(function* () {
      const { send } = yield* start
      const body = { redirect_uris: ["https://evil.example/callback"] }
      assert.deepStrictEqual(errorOf(yield* register(send, body)), [403, "access_denied"])
    }).pipe(Effect.provide(layer())),
  )
})

const authorizePathOf = (client_id: string, asked: Readonly<Record<string, string>>) => ({
  client_id,
  response_type: "code",
  state: "s",
  code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
  code_challenge_method: "S256",
  ...asked,
})

for (const { layer: database, name } of TestDatabase.each([
  SqlCoreMigrations.migrations,
  SqlOAuthServerMigrations.migrations,
])) {
  withLayer(layerSql(database))(`Enumeration by time (${name})`, (it) => {
    it.effect("sees the same statements made, whatever is wrong with a client, and whosever a token is", () =>
      Effect.gen(function* () {
        const { app, browser, send } = yield* start
        const evil = yield* application()
        const disabled = yield* application()
        yield* AdminClients.use((clients) => clients.update(disabled.client.id, { isDisabled: true }, unknownClient))
        const tokens = yield* tokensFor(send, browser, app)
        const costOf = (endpoint: string, form: Readonly<Record<string, string>>, headers: Application["headers"]) =>
          statementsOf(Effect.flatMap(serve, (fresh) => posting(fresh)(endpoint, form, headers)))
        const form = { grant_type: "authorization_code", code: tokens.code, token: tokens.accessToken }
        for (const endpoint of ["token", "introspect", "revoke"]) {
          const expected = yield* costOf(endpoint, form, basic("nobody", "x"))
          assert.isAbove(expected.length, 0)
          for (const headers of [basic(app.id, "x"), basic(disabled.id, disabled.secret), basic(disabled.id, "x")]) {
            assert.deepStrictEqual(yield* costOf(endpoint, form, headers), expected, endpoint)
          }
        }
        const none = `${tokens.accessToken.slice(0, -4)}${tokens.accessToken.endsWith("0000") ? "1111" : "0000"}`
        for (const endpoint of ["introspect", "revoke"]) {
          const ofNobody = yield* costOf(endpoint, { token: none }, evil.headers)
          const ofOther = yield* costOf(endpoint, { token: tokens.accessToken }, evil.headers)
          assert.deepStrictEqual(ofOther, ofNobody, endpoint)
        }
        assert.isTrue(yield* isActive(send, app, tokens.accessToken))
      }),
    )
  })
}
