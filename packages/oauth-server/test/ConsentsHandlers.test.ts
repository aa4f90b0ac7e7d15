/**
 * The endpoints of consents and grants, at the level of HTTP, for the people whose they are.
 */
import { Consents } from "@belfry/oauth-server/Consents"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import { at, type TestResponse } from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Redacted, type Schema } from "effect"
import { events, layer, serve, signIn } from "./support/Management.ts"

/** The server, somebody who gave a consent and has a grant, and somebody else. */
const begin = Effect.gen(function* () {
  const { as, send } = yield* serve
  const { actor, token } = yield* signIn("ada")
  const other = yield* signIn("bob")
  const client = yield* OAuthBuilders.storedClient()
  const give = (referenceId: string | null, scopes: ReadonlyArray<string>) =>
    Consents.use((consents) =>
      consents.give({
        userId: actor.user.id,
        clientId: client.id,
        referenceId,
        scopes,
        declinedScopes: ["address"],
        resources: ["https://api.example.com"],
        client: actor.clientInfo,
      }),
    )
  const consent = yield* give(null, ["openid", "email"])
  const redeemedAt = yield* DateTime.now
  const { grant } = yield* OAuthBuilders.storedGrant({
    userId: actor.user.id,
    clientId: client.id,
    scopes: ["openid", "email"],
    code: { redeemedAt },
  })
  return { call: as(token), client, consent, give, grant, send, stranger: as(other.token), nobody: as(null), token }
})

const assertProblem = (response: TestResponse, status: number, _tag: string, fields: object = {}) => {
  assert.strictEqual(response.status, status, response.text)
  assert.strictEqual(response.headers.get("content-type"), "application/problem+json")
  assert.deepInclude(response.json, { type: "about:blank", status, _tag, ...fields })
}

const endpoints = (id: string): ReadonlyArray<readonly [method: string, path: string, json?: Schema.Json]> => [
  ["GET", `/auth/oauth2/consents/${id}`],
  ["PATCH", `/auth/oauth2/consents/${id}`, { scopes: [] }],
  ["DELETE", `/auth/oauth2/consents/${id}`],
  ["DELETE", `/auth/oauth2/grants/${id}`],
]

const idsAt = (response: TestResponse, name: string): ReadonlyArray<unknown> => {
  const list = at(response.json, name)
  return Array.isArray(list) ? list.map((entry) => at(entry, "id")) : assert.fail(response.text)
}

describe("GET /auth/oauth2/consents", () => {
  it.effect("answers the user's own, newest first, or those under one reference", () =>
    Effect.gen(function* () {
      const { call, client, consent, give, stranger } = yield* begin
      const ofReference = yield* give("organization 1&2", ["openid"])
      const all = yield* call("GET", "/auth/oauth2/consents")
      assert.strictEqual(all.status, 200, all.text)
      assert.sameMembers([...idsAt(all, "consents")], [consent.id, ofReference.id])
      const query = new URLSearchParams({ referenceId: "organization 1&2" })
      const some = yield* call("GET", `/auth/oauth2/consents?${query}`)
      assert.deepStrictEqual(some.json, {
        consents: [
          {
            id: ofReference.id,
            clientId: client.id,
            userId: consent.userId,
            referenceId: "organization 1&2",
            scopes: ["openid"],
            declinedScopes: ["address"],
            resources: ["https://api.example.com"],
            createdAt: "1970-01-01T00:00:00.000Z",
            updatedAt: "1970-01-01T00:00:00.000Z",
          },
        ],
      })
      for (const unknown of ["other", "", "%00", "%ED%A0%80"]) {
        const none = yield* call("GET", `/auth/oauth2/consents?referenceId=${unknown}`)
        assert.deepStrictEqual([none.status, none.json], [200, { consents: [] }], none.text)
      }
      assert.deepStrictEqual((yield* stranger("GET", "/auth/oauth2/consents")).json, { consents: [] })
    }).pipe(Effect.provide(layer())),
  )
})

describe("/auth/oauth2/consents/:consentId", () => {
  it.effect("answers a consent, narrows it and takes it back, with the grants that stood on it", () =>
    Effect.gen(function* () {
      const { call, consent, grant } = yield* begin
      const path = `/auth/oauth2/consents/${consent.id}`
      const found = yield* call("GET", path)
      assert.deepInclude(found.json, { id: consent.id, scopes: ["openid", "email"] })
      const narrowed = yield* call("PATCH", path, { scopes: ["openid"] })
      assert.strictEqual(narrowed.status, 200, narrowed.text)
      assert.deepInclude(narrowed.json, { id: consent.id, scopes: ["openid"] })
      assert.deepStrictEqual((yield* call("GET", path)).json, narrowed.json)
      assert.deepStrictEqual((yield* call("GET", "/auth/oauth2/grants")).json, { grants: [] })
      const withdrawn = yield* call("DELETE", path)
      assert.deepStrictEqual([withdrawn.status, withdrawn.text], [204, ""])
      assertProblem(yield* call("GET", path), 404, "ConsentNotFound", { consentId: consent.id })
      assertProblem(yield* call("DELETE", path), 404, "ConsentNotFound")
      assert.deepStrictEqual(
        (yield* events).map(({ type }) => type),
        ["oauth-consent.given", "oauth-consent.narrowed", "oauth-grant.revoked", "oauth-consent.withdrawn"],
      )
      assert.include(JSON.stringify(yield* events), grant.id)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("refuses to widen, and what is no list of scopes", () =>
    Effect.gen(function* () {
      const { call, consent } = yield* begin
      const path = `/auth/oauth2/consents/${consent.id}`
      const widened = yield* call("PATCH", path, { scopes: ["openid", "address", "admin"] })
      assertProblem(widened, 422, "ConsentWidened", { scopes: ["address", "admin"] })
      const tooMany = Array.from({ length: 201 }, () => "openid")
      for (const json of [
        {},
        { scopes: "openid" },
        { scopes: [1] },
        { scopes: ["a".repeat(257)] },
        { scopes: tooMany },
      ]) {
        assertProblem(yield* call("PATCH", path, json), 422, "InvalidRequest")
      }
      assert.deepInclude((yield* call("GET", path)).json, { scopes: ["openid", "email"] })
    }).pipe(Effect.provide(layer())),
  )
})

describe("/auth/oauth2/grants", () => {
  it.effect("answers the applications that have access, and takes it away from one", () =>
    Effect.gen(function* () {
      const { call, client, grant, stranger } = yield* begin
      const listed = yield* call("GET", "/auth/oauth2/grants")
      assert.deepStrictEqual(listed.json, {
        grants: [
          {
            id: grant.id,
            clientId: client.id,
            clientName: "Analytical Engine",
            scopes: ["openid", "email"],
            isOffline: true,
            createdAt: "1970-01-01T00:00:00.000Z",
            expiresAt: "1970-01-31T00:00:00.000Z",
          },
        ],
      })
      assert.deepStrictEqual((yield* stranger("GET", "/auth/oauth2/grants")).json, { grants: [] })
      const path = `/auth/oauth2/grants/${grant.id}`
      const revoked = yield* call("DELETE", path)
      assert.deepStrictEqual([revoked.status, revoked.text], [204, ""])
      assert.deepStrictEqual((yield* call("GET", "/auth/oauth2/grants")).json, { grants: [] })
      assertProblem(yield* call("DELETE", path), 404, "GrantNotFound", { grantId: grant.id })
    }).pipe(Effect.provide(layer())),
  )
})

describe("What belongs to somebody else", () => {
  it.effect("is not found, and nothing happens to it", () =>
    Effect.gen(function* () {
      const { call, consent, grant, stranger } = yield* begin
      const before = yield* events
      for (const id of [consent.id, grant.id]) {
        for (const [method, path, json] of endpoints(id)) {
          assert.strictEqual((yield* stranger(method, path, json)).status, 404, `${method} ${path}`)
        }
      }
      assert.deepStrictEqual(yield* events, before)
      assert.deepInclude((yield* call("GET", `/auth/oauth2/consents/${consent.id}`)).json, { scopes: consent.scopes })
      assert.deepStrictEqual(idsAt(yield* call("GET", "/auth/oauth2/grants"), "grants"), [grant.id])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("looks like what is not there, and like what is no id", () =>
    Effect.gen(function* () {
      const { call } = yield* begin
      const ids = ["00000000-0000-7000-8000-000000000000", "unknown", "1", "%00", "%F0%9F%94%91", "a".repeat(64)]
      for (const id of ids) {
        for (const [method, path, json] of endpoints(id)) {
          const tag = path.includes("/grants/") ? "GrantNotFound" : "ConsentNotFound"
          assertProblem(yield* call(method, path, json), 404, tag)
        }
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is shown to nobody who is not signed in, nor changed from another origin", () =>
    Effect.gen(function* () {
      const { call, consent, grant, nobody, send, token } = yield* begin
      const all = [
        ...endpoints(consent.id),
        ...endpoints(grant.id),
        ["GET", "/auth/oauth2/consents"] as const,
        ["GET", "/auth/oauth2/grants"] as const,
      ]
      for (const [method, path, json] of all) {
        assertProblem(yield* nobody(method, path, json), 401, "SessionInvalid")
        if (method === "GET") continue
        const headers = { cookie: `belfry_session=${Redacted.value(token)}`, origin: "https://evil.example" }
        const response = yield* send(path, { method, headers, ...(json === undefined ? {} : { json }) })
        assertProblem(response, 403, "CrossOriginRequest")
      }
      assert.deepInclude((yield* call("GET", `/auth/oauth2/consents/${consent.id}`)).json, { scopes: consent.scopes })
      assert.deepStrictEqual(idsAt(yield* call("GET", "/auth/oauth2/grants"), "grants"), [grant.id])
    }).pipe(Effect.provide(layer())),
  )
})
