/**
 * The endpoints of clients, at the level of HTTP, for the people whose they are.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import { AdminClients } from "@belfry/oauth-server/AdminClients"
import { ClientStore } from "@belfry/oauth-server/ClientStore"
import { ClientId } from "@belfry/oauth-server/OAuthClient"
import { at, type TestResponse, textAt } from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Redacted, type Schema } from "effect"
import { TestClock } from "effect/testing"
import { clientIdOf } from "../src/internal/clientJson.ts"
import { home, layer, serve, signIn } from "./support/Management.ts"

const body = { clientName: "Analytical Engine", redirectUris: ["https://client.example.com/callback"] }

const onFile = (id: string) =>
  Effect.map(
    ClientStore.use((store) => store.find(ClientId.make(id))),
    Option.getOrNull,
  )

const assertProblem = (response: TestResponse, status: number, _tag: string, fields: object = {}) => {
  assert.strictEqual(response.status, status, response.text)
  assert.strictEqual(response.headers.get("content-type"), "application/problem+json")
  assert.deepInclude(response.json, { type: "about:blank", status, _tag, ...fields })
}

/** The server, and somebody who is signed in and has a client. */
const begin = Effect.gen(function* () {
  const { as, send } = yield* serve
  const { actor, token } = yield* signIn("maker")
  const made = yield* as(token)("POST", "/auth/oauth2/clients", body)
  assert.strictEqual(made.status, 201, made.text)
  return { actor, as, call: as(token), clientId: textAt(made, "clientId"), made, send, token }
})

const endpoints = (id: string): ReadonlyArray<readonly [method: string, path: string, json?: Schema.Json]> => [
  ["GET", `/auth/oauth2/clients/${id}`],
  ["PATCH", `/auth/oauth2/clients/${id}`, { clientName: "Taken" }],
  ["POST", `/auth/oauth2/clients/${id}/secret`],
  ["DELETE", `/auth/oauth2/clients/${id}`],
]

describe("POST /auth/oauth2/clients", () => {
  it.effect("answers the client with its secret, which nobody on the way may keep", () =>
    Effect.gen(function* () {
      const { actor, clientId, made } = yield* begin
      assert.deepInclude(made.json, {
        ...body,
        tokenEndpointAuthMethod: "client_secret_basic",
        referenceId: null,
        isDisabled: false,
        isDynamic: false,
        clientSecretExpiresAt: null,
        secrets: [{ createdAt: "1970-01-01T00:00:00.000Z", expiresAt: null }],
        createdAt: "1970-01-01T00:00:00.000Z",
      })
      assert.match(textAt(made, "clientSecret"), /^belfry_client_secret_[0-9A-Za-z]{43}$/)
      assert.match(clientId, /^belfry_client_[0-9A-Za-z]{43}$/)
      assert.strictEqual(made.headers.get("cache-control"), "no-store")
      assert.strictEqual(made.headers.get("pragma"), "no-cache")
      const client = yield* onFile(clientId)
      assert.strictEqual(client?.userId, actor.user.id)
      for (const { hash } of client?.secrets ?? []) assert.notInclude(made.text, hash)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("drops what only the host decides, here and in changes", () =>
    Effect.gen(function* () {
      const { call } = yield* begin
      const smuggled = {
        skipConsent: true,
        enableEndSession: true,
        requirePkce: false,
        resources: ["https://api.example.com"],
        metadata: { note: 1 },
        privileges: { skipConsent: true },
        isDynamic: true,
        isDisabled: true,
        userId: "00000000-0000-7000-8000-000000000000",
        referenceId: "acme",
        clientId: "belfry",
        clientSecret: "chosen",
        clientSecretExpiresAt: "2100-01-01T00:00:00.000Z",
        secrets: [],
        skip_consent: true,
      }
      const made = yield* call("POST", "/auth/oauth2/clients", { ...body, ...smuggled })
      assert.strictEqual(made.status, 201, made.text)
      const clientId = textAt(made, "clientId")
      assert.notStrictEqual(clientId, "belfry")
      assert.notStrictEqual(textAt(made, "clientSecret"), "chosen")
      const first = (yield* onFile(clientId)) ?? assert.fail("none")
      const patched = yield* call("PATCH", `/auth/oauth2/clients/${clientId}`, {
        ...smuggled,
        clientName: "Other",
        tokenEndpointAuthMethod: "none",
        subjectType: "pairwise",
      })
      assert.strictEqual(patched.status, 200, patched.text)
      assert.deepStrictEqual(first.privileges, {
        skipConsent: false,
        enableEndSession: false,
        requirePkce: true,
        resources: null,
        metadata: {},
      })
      assert.deepInclude(first, { isDynamic: false, isDisabled: false, referenceId: null })
      const second = (yield* onFile(clientId)) ?? assert.fail("gone")
      assert.deepStrictEqual(second, {
        ...first,
        metadata: { ...first.metadata, clientName: "Other" },
        updatedAt: second.updatedAt,
      })
      for (const name of ["skipConsent", "requirePkce", "resources", "metadata", "userId", "privileges"]) {
        assert.isUndefined(at(patched.json, name), name)
        assert.isUndefined(at(made.json, name), name)
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("refuses what no client can be, and what is not of the form", () =>
    Effect.gen(function* () {
      const { call } = yield* begin
      const bad = yield* call("POST", "/auth/oauth2/clients", { ...body, redirectUris: ["http://client.example.com/"] })
      assertProblem(bad, 422, "ClientMetadataInvalid", { code: "invalid_redirect_uri", member: "redirect_uris" })
      for (const json of [{ redirectUris: "x" }, { clientName: "" }, { jwks: [] }, [], "x", null]) {
        assertProblem(yield* call("POST", "/auth/oauth2/clients", json), 422, "InvalidRequest")
      }
    }).pipe(Effect.provide(layer())),
  )
})

describe("The endpoints of a client", () => {
  it.effect("show, change, rotate and remove it for its owner", () =>
    Effect.gen(function* () {
      const { call, clientId, made } = yield* begin
      const path = `/auth/oauth2/clients/${clientId}`
      const shown = yield* call("GET", path)
      assert.strictEqual(shown.status, 200)
      assert.deepStrictEqual(
        { ...Object(shown.json), clientSecret: at(made.json, "clientSecret"), clientSecretExpiresAt: null },
        made.json,
      )
      const patched = yield* call("PATCH", path, { clientName: null })
      assert.deepStrictEqual([patched.status, at(patched.json, "clientName")], [200, null])
      const rotated = yield* call("POST", `${path}/secret`)
      assert.strictEqual(rotated.status, 200, rotated.text)
      assert.strictEqual(rotated.headers.get("cache-control"), "no-store")
      assert.notStrictEqual(textAt(rotated, "clientSecret"), textAt(made, "clientSecret"))
      assert.deepStrictEqual(at(rotated.json, "secrets"), [
        { createdAt: "1970-01-01T00:00:00.000Z", expiresAt: null },
        { createdAt: "1970-01-01T00:00:00.000Z", expiresAt: "1970-01-08T00:00:00.000Z" },
      ])
      // Shown once: not when it is looked at again, nor when it is changed.
      for (const later of [yield* call("GET", path), yield* call("PATCH", path, {}), shown, patched]) {
        assert.strictEqual(later.status, 200)
        assert.notInclude(later.text, "belfry_client_secret")
        for (const { hash } of (yield* onFile(clientId))?.secrets ?? []) assert.notInclude(later.text, hash)
      }
      const removed = yield* call("DELETE", path)
      assert.deepStrictEqual([removed.status, removed.text], [204, ""])
      assertProblem(yield* call("GET", path), 404, "ClientNotFound", { clientId })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("answer 404 to everybody else, as if there were none, and change nothing", () =>
    Effect.gen(function* () {
      const { as, clientId } = yield* begin
      const client = yield* onFile(clientId)
      const other = yield* signIn("other", { scopes: ["admin", "oauth", "oauth:read", "oauth:admin:x"] })
      const call = as(other.token)
      for (const [index, [method, path, json]] of endpoints(clientId).entries()) {
        const foreign = yield* call(method, path, json)
        assertProblem(foreign, 404, "ClientNotFound", { clientId })
        const [, nowhere = ""] = endpoints("unknown")[index] ?? []
        const unknown = yield* call(method, nowhere, json)
        assert.strictEqual(foreign.text.replaceAll(clientId, "unknown"), unknown.text)
      }
      assert.deepStrictEqual(yield* onFile(clientId), client)
      assert.deepStrictEqual((yield* call("GET", "/auth/oauth2/clients")).json, { clients: [], cursor: null })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("answer 404 for what is no id at all", () =>
    Effect.gen(function* () {
      const { call } = yield* begin
      for (const id of ["%20", "a%00b", "%C3%A9", "00000000-0000-7000-8000-000000000000", "x".repeat(100), "a%2Fb"]) {
        for (const [method, path, json] of endpoints(id)) {
          const response = yield* call(method, path, json)
          assertProblem(response, 404, "ClientNotFound")
        }
        assertProblem(yield* call("GET", `/auth/oauth2/public-clients/${id}`), 404, "ClientNotFound")
      }
      // The router has no such paths.
      for (const id of ["%", "%ff", "x".repeat(300)]) {
        const broken = yield* call("GET", `/auth/oauth2/clients/${id}`)
        assert.isAtLeast(broken.status, 400)
        assert.isBelow(broken.status, 500)
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("ask no store for what is no id", () =>
    Effect.gen(function* () {
      for (const clientId of [
        "",
        " ",
        "a\0b",
        "é",
        "\uD800",
        "00000000-0000-7000-8000-000000000000",
        "x".repeat(256),
      ]) {
        assert.strictEqual((yield* Effect.flip(clientIdOf({ clientId })))._tag, "ClientNotFound")
      }
      assert.strictEqual(yield* clientIdOf({ clientId: "x".repeat(255) }), ClientId.make("x".repeat(255)))
    }),
  )

  it.effect("answer 401 without a session", () =>
    Effect.gen(function* () {
      const { as, clientId } = yield* begin
      const client = yield* onFile(clientId)
      const all = [
        ...endpoints(clientId),
        ["GET", "/auth/oauth2/clients"],
        ["POST", "/auth/oauth2/clients", body],
        ["GET", `/auth/oauth2/public-clients/${clientId}`],
      ] as const
      for (const [method, path, json] of all) {
        assertProblem(yield* as(null)(method, path, json), 401, "SessionInvalid")
      }
      assert.deepStrictEqual(yield* onFile(clientId), client)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("ask for a fresh session for every change, and for nothing else", () =>
    Effect.gen(function* () {
      const { call, clientId } = yield* begin
      yield* TestClock.adjust("10 minutes")
      const client = yield* onFile(clientId)
      const path = `/auth/oauth2/clients/${clientId}`
      for (const [method, target, json] of [
        ["POST", "/auth/oauth2/clients", body],
        ["POST", `${path}/secret`, undefined],
        ["PATCH", path, {}],
        ["DELETE", path, undefined],
      ] as const) {
        assertProblem(yield* call(method, target, json), 403, "SessionNotFresh", { maxAge: 600 })
      }
      assert.deepStrictEqual(yield* onFile(clientId), client)
      assert.strictEqual((yield* call("GET", path)).status, 200)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("refuse a page of another site that comes with the cookie of a session", () =>
    Effect.gen(function* () {
      const { clientId, send, token } = yield* begin
      const client = yield* onFile(clientId)
      const cookie = `belfry_session=${Redacted.value(token)}`
      for (const [method, path, json] of endpoints(clientId).slice(1)) {
        const headers = { cookie, origin: "https://evil.example.com", "sec-fetch-site": "cross-site" }
        const response = yield* send(path, { method, headers, ...(json === undefined ? {} : { json }) })
        assertProblem(response, 403, "CrossOriginRequest")
      }
      assert.deepStrictEqual(yield* onFile(clientId), client)
      const own = yield* send(`/auth/oauth2/clients/${clientId}`, { headers: { cookie, origin: home } })
      assert.strictEqual(own.status, 200)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("say why a client cannot be changed", () =>
    Effect.gen(function* () {
      const { actor, call } = yield* begin
      const trusted = ClientId.make("host-app")
      yield* AdminClients.use((clients) =>
        clients.create({ metadata: body, id: trusted, userId: actor.user.id, clientInfo: unknownClient }),
      )
      assert.strictEqual((yield* call("GET", "/auth/oauth2/clients/host-app")).status, 200)
      for (const [method, path, json] of endpoints("host-app").slice(1)) {
        assertProblem(yield* call(method, path, json), 403, "ClientChangeRefused", { reason: "trusted" })
      }
      const made = yield* call("POST", "/auth/oauth2/clients", { ...body, tokenEndpointAuthMethod: "none" })
      assert.deepStrictEqual([at(made.json, "clientSecret"), at(made.json, "clientSecretExpiresAt")], [null, null])
      const rotated = yield* call("POST", `/auth/oauth2/clients/${textAt(made, "clientId")}/secret`)
      assertProblem(rotated, 403, "ClientChangeRefused", { reason: "public" })
    }).pipe(Effect.provide(layer({ settings: { trustedClients: new Set([ClientId.make("host-app")]) } }))),
  )
})

describe("PATCH /auth/oauth2/clients/:clientId", () => {
  it.effect("names the members that a software statement keeps from being changed", () =>
    Effect.gen(function* () {
      const { call } = yield* begin
      const made = yield* call("POST", "/auth/oauth2/clients", { ...body, softwareStatement: "e.e.e" })
      const path = `/auth/oauth2/clients/${textAt(made, "clientId")}`
      const refused = yield* call("PATCH", path, { clientName: "Mine", clientUri: "https://client.example.com/" })
      assertProblem(refused, 403, "ClientChangeRefused", { reason: "vouched", members: ["client_name"] })
    }).pipe(Effect.provide(layer({ hooks: { softwareStatement: () => Effect.succeed({ clientName: "Verified" }) } }))),
  )
})

describe("GET /auth/oauth2/clients", () => {
  it.effect("lists the clients of the user in pages", () =>
    Effect.gen(function* () {
      const { call, clientId } = yield* begin
      const second = textAt(yield* call("POST", "/auth/oauth2/clients", body), "clientId")
      const first = yield* call("GET", "/auth/oauth2/clients?limit=1")
      const rest = yield* call(
        "GET",
        `/auth/oauth2/clients?limit=1&cursor=${encodeURIComponent(textAt(first, "cursor"))}`,
      )
      assert.isNull(at(rest.json, "cursor"))
      const ids = [first, rest].map((page) => textAt(page, "clients", "0", "clientId"))
      assert.deepStrictEqual(ids.toSorted(), [clientId, second].toSorted())
      assert.notInclude(first.text + rest.text, "hash")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("refuses limits that are none", () =>
    Effect.gen(function* () {
      const { call } = yield* begin
      for (const limit of ["0", "101", "-1", "1.5", "x", "", "NaN", "Infinity"]) {
        assertProblem(yield* call("GET", `/auth/oauth2/clients?limit=${limit}`), 422, "InvalidRequest")
      }
      for (const limit of ["1", "100"]) {
        assert.strictEqual((yield* call("GET", `/auth/oauth2/clients?limit=${limit}`)).status, 200)
      }
      const strange = yield* call("GET", "/auth/oauth2/clients?cursor=%00%ff")
      assert.isBelow(strange.status, 500)
    }).pipe(Effect.provide(layer())),
  )
})

describe("GET /auth/oauth2/public-clients/:clientId", () => {
  it.effect("tells everybody who is signed in what people are shown, and no more", () =>
    Effect.gen(function* () {
      const { as, clientId } = yield* begin
      const other = yield* signIn("other")
      const shown = yield* as(other.token)("GET", `/auth/oauth2/public-clients/${clientId}`)
      assert.deepStrictEqual(shown.json, {
        clientId,
        clientName: "Analytical Engine",
        clientUri: null,
        logoUri: null,
        contacts: [],
        tosUri: null,
        policyUri: null,
      })
    }).pipe(Effect.provide(layer())),
  )
})
