/**
 * The endpoints of administrators, at the level of HTTP: by permission, and never by any session.
 */
import { KeyRing } from "@belfry/core/KeyRing"
import { AdminClients } from "@belfry/oauth-server/AdminClients"
import { ClientStore } from "@belfry/oauth-server/ClientStore"
import { InitialAccessTokenStore } from "@belfry/oauth-server/InitialAccessTokenStore"
import { ClientId } from "@belfry/oauth-server/OAuthClient"
import { ResourceStore } from "@belfry/oauth-server/ResourceStore"
import { at, type TestResponse, textAt } from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Option, Redacted, type Schema } from "effect"
import { TestClock } from "effect/testing"
import { events, layer, serve, signIn } from "./support/Management.ts"

const body = { clientName: "Analytical Engine", redirectUris: ["https://client.example.com/callback"] }

const onFile = (id: string) =>
  Effect.map(
    ClientStore.use((store) => store.find(ClientId.make(id))),
    Option.getOrNull,
  )

const resourceOnFile = (identifier: string) =>
  Effect.map(
    ResourceStore.use((store) => store.find(identifier)),
    Option.getOrNull,
  )

const assertProblem = (response: TestResponse, status: number, _tag: string, fields: object = {}) => {
  assert.strictEqual(response.status, status, response.text)
  assert.strictEqual(response.headers.get("content-type"), "application/problem+json")
  assert.deepInclude(response.json, { type: "about:blank", status, _tag, ...fields })
}

/** The server, an administrator, and a client of somebody else. */
const begin = Effect.gen(function* () {
  const { as } = yield* serve
  const { actor, token } = yield* signIn("admin", { scopes: ["oauth:admin"] })
  const owner = yield* signIn("owner")
  const made = yield* as(owner.token)("POST", "/auth/oauth2/clients", body)
  return { as, admin: actor, call: as(token), clientId: textAt(made, "clientId"), owner }
})

const resource = { identifier: "https://api.example.com/", scopes: ["reports:read"] }

const endpoints = (id: string): ReadonlyArray<readonly [method: string, path: string, json?: Schema.Json]> => [
  ["POST", "/auth/oauth2/admin/clients", { ...body, skipConsent: true }],
  ["GET", `/auth/oauth2/admin/clients/${id}`],
  ["PATCH", `/auth/oauth2/admin/clients/${id}`, { skipConsent: true }],
  ["POST", `/auth/oauth2/admin/clients/${id}/secret`],
  ["DELETE", `/auth/oauth2/admin/clients/${id}`],
  ["GET", "/auth/oauth2/admin/clients"],
  ["POST", "/auth/oauth2/admin/registration-tokens", { lifetime: 60 }],
  ["DELETE", "/auth/oauth2/admin/registration-tokens/00000000-0000-7000-8000-000000000000"],
  ["GET", "/auth/oauth2/admin/resources"],
  ["POST", "/auth/oauth2/admin/resources", resource],
  ["PUT", "/auth/oauth2/admin/resources", resource],
  ["DELETE", `/auth/oauth2/admin/resources?identifier=${encodeURIComponent(resource.identifier)}`],
]

describe("Every endpoint of administrators", () => {
  it.effect("answers 401 without a session, 403 without the scope, and changes nothing", () =>
    Effect.gen(function* () {
      const { as, clientId, owner } = yield* begin
      const client = yield* onFile(clientId)
      const before = yield* events
      const almost = yield* signIn("almost", { scopes: ["oauth", "admin", "oauth:adminx", "OAUTH:ADMIN", "oauth:*"] })
      for (const [method, path, json] of endpoints(clientId)) {
        assertProblem(yield* as(null)(method, path, json), 401, "SessionInvalid")
        for (const { token } of [owner, almost]) {
          const response = yield* as(token)(method, path, json)
          assertProblem(response, 403, "ScopesMissing", { required: ["oauth:admin"] })
        }
      }
      assert.deepStrictEqual(yield* onFile(clientId), client)
      assert.deepStrictEqual(yield* events, before)
      assert.isNull(yield* resourceOnFile(resource.identifier))
    }).pipe(Effect.provide(layer())),
  )

  it.effect("does what it says for those who hold the scope", () =>
    Effect.gen(function* () {
      const { call, clientId } = yield* begin
      const statuses: Array<number> = []
      for (const [method, path, json] of endpoints(clientId)) statuses.push((yield* call(method, path, json)).status)
      assert.deepStrictEqual(statuses, [201, 200, 200, 200, 204, 200, 201, 404, 200, 201, 200, 204])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("asks for a fresh session for every change but the revocation of a registration token", () =>
    Effect.gen(function* () {
      const { call, clientId } = yield* begin
      yield* TestClock.adjust("10 minutes")
      const client = yield* onFile(clientId)
      for (const [method, path, json] of endpoints(clientId)) {
        if (method !== "GET" && !path.includes("/registration-tokens/")) {
          assertProblem(yield* call(method, path, json), 403, "SessionNotFresh", { maxAge: 600 })
        }
      }
      assert.deepStrictEqual(yield* onFile(clientId), client)
    }).pipe(Effect.provide(layer())),
  )
})

describe("/auth/oauth2/admin/clients", () => {
  it.effect("makes a client with its privileges, and tells its secret once", () =>
    Effect.gen(function* () {
      const { admin, call } = yield* begin
      const made = yield* call("POST", "/auth/oauth2/admin/clients", {
        ...body,
        skipConsent: true,
        requirePkce: false,
        resources: [resource.identifier],
        metadata: { tier: "gold" },
        referenceId: "acme",
        clientSecretExpiresAt: "1970-01-02T00:00:00.000Z",
        isDisabled: true,
        isDynamic: true,
        userId: "00000000-0000-7000-8000-000000000000",
        clientId: "chosen",
      })
      assert.strictEqual(made.status, 201, made.text)
      assert.strictEqual(made.headers.get("cache-control"), "no-store")
      assert.deepInclude(made.json, {
        clientName: "Analytical Engine",
        skipConsent: true,
        enableEndSession: false,
        requirePkce: false,
        resources: [resource.identifier],
        metadata: { tier: "gold" },
        referenceId: "acme",
        userId: null,
        isDisabled: false,
        isDynamic: false,
        clientSecretExpiresAt: "1970-01-02T00:00:00.000Z",
      })
      const clientId = textAt(made, "clientId")
      assert.match(clientId, /^belfry_client_/)
      const client = yield* onFile(clientId)
      const hasher = yield* KeyRing.use((ring) => ring.hasher("oauth-client-secret"))
      const hash = yield* hasher.hash(Redacted.make(textAt(made, "clientSecret")))
      assert.deepStrictEqual(client?.secrets, [{ hash, sealed: null, createdAt: 0, expiresAt: 86_400_000 }])
      const shown = yield* call("GET", `/auth/oauth2/admin/clients/${clientId}`)
      assert.deepStrictEqual(
        {
          ...Object(shown.json),
          clientSecret: at(made.json, "clientSecret"),
          clientSecretExpiresAt: at(made.json, "clientSecretExpiresAt"),
        },
        made.json,
      )
      for (const { text } of [made, shown]) assert.notInclude(text, hash)
      const created = (yield* events).find(({ data }) => data["clientId"] === clientId)
      assert.deepInclude(created, { type: "oauth-client.created", userId: admin.user.id })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("changes what the host decides, for clients of everybody, and leaves what is not named", () =>
    Effect.gen(function* () {
      const { admin, call, clientId, owner } = yield* begin
      const before = (yield* onFile(clientId)) ?? assert.fail("none")
      const path = `/auth/oauth2/admin/clients/${clientId}`
      const patched = yield* call("PATCH", path, {
        skipConsent: true,
        isDisabled: true,
        scopes: ["openid"],
        userId: null,
        tokenEndpointAuthMethod: "none",
      })
      assert.strictEqual(patched.status, 200, patched.text)
      const after = (yield* onFile(clientId)) ?? assert.fail("gone")
      assert.deepStrictEqual(after, {
        ...before,
        metadata: { ...before.metadata, scopes: ["openid"] },
        privileges: { ...before.privileges, skipConsent: true },
        isDisabled: true,
        updatedAt: after.updatedAt,
      })
      assert.strictEqual(after.userId, owner.actor.user.id)
      const updated = (yield* events).find(({ type }) => type === "oauth-client.updated")
      assert.deepInclude(updated, { userId: admin.user.id })
      assert.deepStrictEqual(updated?.data["fields"], ["scopes", "skipConsent", "isDisabled"])
      assertProblem(yield* call("PATCH", path, { grantTypes: ["implicit"] }), 422, "ClientMetadataInvalid")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("lists the clients of everybody in pages, as they are shown one by one", () =>
    Effect.gen(function* () {
      const { call, clientId } = yield* begin
      const path = "/auth/oauth2/admin/clients"
      yield* TestClock.adjust(1)
      const hosts = textAt(
        yield* call("POST", path, { ...body, skipConsent: true, metadata: { tier: "gold" } }),
        "clientId",
      )
      yield* TestClock.adjust(1)
      const own = textAt(yield* call("POST", "/auth/oauth2/clients", body), "clientId")
      const first = yield* call("GET", `${path}?limit=2`)
      const rest = yield* call("GET", `${path}?limit=2&cursor=${encodeURIComponent(textAt(first, "cursor"))}`)
      const shown: Array<unknown> = []
      for (const id of [own, hosts, clientId]) shown.push((yield* call("GET", `${path}/${id}`)).json)
      assert.deepStrictEqual(at(first.json, "clients"), shown.slice(0, 2))
      assert.deepStrictEqual(rest.json, { clients: shown.slice(2), cursor: null })
      const secrets = (yield* onFile(own))?.secrets.map(({ hash }) => hash) ?? []
      assert.lengthOf(secrets, 1)
      for (const hash of secrets) assert.notInclude(first.text, hash)
      for (const query of ["limit=0", "limit=101", "limit=x", `cursor=${"x".repeat(4097)}`]) {
        assertProblem(yield* call("GET", `${path}?${query}`), 422, "InvalidRequest")
      }
      assert.deepStrictEqual((yield* call("GET", `${path}?cursor=%00`)).json, { clients: [], cursor: null })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("rotates the secrets of clients of everybody, and removes them", () =>
    Effect.gen(function* () {
      const { call, clientId } = yield* begin
      const path = `/auth/oauth2/admin/clients/${clientId}`
      const rotated = yield* call("POST", `${path}/secret`)
      assert.strictEqual(rotated.headers.get("cache-control"), "no-store")
      assert.match(textAt(rotated, "clientSecret"), /^belfry_client_secret_/)
      assert.strictEqual((yield* onFile(clientId))?.secrets.length, 2)
      assert.strictEqual((yield* call("DELETE", path)).status, 204)
      assert.isNull(yield* onFile(clientId))
      for (const [method, at, json] of endpoints(clientId).slice(1, 5)) {
        assertProblem(yield* call(method, at, json), 404, "ClientNotFound", { clientId })
      }
      for (const id of ["%00", "%20", "00000000-0000-7000-8000-000000000000"]) {
        for (const [method, at, json] of endpoints(id).slice(1, 5)) {
          assertProblem(yield* call(method, at, json), 404, "ClientNotFound")
        }
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect(
    "finds a client whose id is a URL, as long as ids are, and says of every longer one that there is none",
    () =>
      Effect.gen(function* () {
        const { call } = yield* begin
        const id = ClientId.make("https://client.example.com/metadata?of=".padEnd(255, "x"))
        const clientInfo = { ipAddress: null, userAgent: null }
        yield* AdminClients.use((clients) => clients.create({ id, metadata: body, clientInfo }))
        const calls = (clientId: string) => endpoints(encodeURIComponent(clientId)).slice(1, 5)
        for (const [method, path, json] of calls(id)) {
          const answer = yield* call(method, path, json)
          assert.isBelow(answer.status, 300, `${method} ${answer.text}`)
          if (method !== "DELETE") assert.strictEqual(textAt(answer, "clientId"), id)
        }
        for (const length of [255, 256, 2048, 16_384]) {
          const clientId = id.padEnd(length, "x")
          for (const [method, path, json] of calls(clientId)) {
            assertProblem(yield* call(method, path, json), 404, "ClientNotFound", { clientId })
          }
        }
      }).pipe(Effect.provide(layer())),
  )

  it.effect("refuses what is not of the form", () =>
    Effect.gen(function* () {
      const { call } = yield* begin
      for (const json of [
        { ...body, skipConsent: "yes" },
        { ...body, resources: "x" },
        { ...body, metadata: [] },
        { ...body, referenceId: "" },
        { ...body, referenceId: "a\0b" },
        { ...body, clientSecretExpiresAt: "tomorrow" },
      ]) {
        assertProblem(yield* call("POST", "/auth/oauth2/admin/clients", json), 422, "InvalidRequest")
      }
    }).pipe(Effect.provide(layer())),
  )
})

describe("/auth/oauth2/admin/registration-tokens", () => {
  it.effect("makes an initial access token, once shown, and revokes it once", () =>
    Effect.gen(function* () {
      const { admin, call } = yield* begin
      const made = yield* call("POST", "/auth/oauth2/admin/registration-tokens", { lifetime: 3600 })
      assert.strictEqual(made.status, 201, made.text)
      assert.strictEqual(made.headers.get("cache-control"), "no-store")
      assert.strictEqual(textAt(made, "expiresAt"), "1970-01-01T01:00:00.000Z")
      const hasher = yield* KeyRing.use((ring) => ring.hasher("oauth-initial-access-token"))
      const token = Redacted.make(textAt(made, "token"))
      const used = yield* Effect.flatMap(hasher.candidates(token), (hashes) =>
        Effect.flatMap(DateTime.now, (now) => InitialAccessTokenStore.use((store) => store.use(hashes, now))),
      )
      assert.deepInclude(Option.getOrThrow(used), { userId: admin.user.id, uses: 0 })
      const path = `/auth/oauth2/admin/registration-tokens/${textAt(made, "id")}`
      assert.strictEqual((yield* call("DELETE", path)).status, 204)
      for (const missing of [path, "/auth/oauth2/admin/registration-tokens/none"]) {
        assertProblem(yield* call("DELETE", missing), 404, "RegistrationTokenNotFound")
      }
      const recorded = (yield* events).filter(({ type }) => type.startsWith("oauth-registration-token."))
      assert.deepStrictEqual(
        recorded.map(({ type, userId }) => [type, userId]),
        [
          ["oauth-registration-token.issued", admin.user.id],
          ["oauth-registration-token.revoked", admin.user.id],
        ],
      )
      assert.notInclude(JSON.stringify(recorded), Redacted.value(token))
    }).pipe(Effect.provide(layer())),
  )

  it.effect("lets it be used as often as asked for, and refuses numbers that are none", () =>
    Effect.gen(function* () {
      const { call } = yield* begin
      for (const json of [
        {},
        { lifetime: 0 },
        { lifetime: 1.5 },
        { lifetime: "60" },
        { lifetime: 1e9 },
        { lifetime: 60, uses: 0 },
      ]) {
        assertProblem(yield* call("POST", "/auth/oauth2/admin/registration-tokens", json), 422, "InvalidRequest")
      }
      for (const uses of [1, 5, null]) {
        assert.strictEqual(
          (yield* call("POST", "/auth/oauth2/admin/registration-tokens", { lifetime: 60, uses })).status,
          201,
        )
      }
    }).pipe(Effect.provide(layer())),
  )
})

describe("/auth/oauth2/admin/resources", () => {
  const full = {
    identifier: resource.identifier,
    name: null,
    scopes: ["reports:read"],
    accessTokenLifetime: null,
    signingAlgorithm: null,
    introspectionClientId: null,
    isDisabled: false,
  }
  const one = `/auth/oauth2/admin/resources?identifier=${encodeURIComponent(resource.identifier)}`

  it.effect("adds, shows, replaces and removes protected resources", () =>
    Effect.gen(function* () {
      const { admin, call } = yield* begin
      const made = yield* call("POST", "/auth/oauth2/admin/resources", resource)
      assert.deepStrictEqual([made.status, made.json], [201, full])
      assert.deepStrictEqual(yield* resourceOnFile(resource.identifier), full)
      assert.deepStrictEqual((yield* call("GET", one)).json, { resources: [full], cursor: null })
      assert.deepStrictEqual((yield* call("GET", "/auth/oauth2/admin/resources?limit=1")).json, {
        resources: [full],
        cursor: null,
      })
      const taken = yield* call("POST", "/auth/oauth2/admin/resources", resource)
      assertProblem(taken, 409, "ResourceTaken", { identifier: resource.identifier })
      const next = { identifier: resource.identifier, name: "Reports", isDisabled: true }
      const replaced = yield* call("PUT", "/auth/oauth2/admin/resources", next)
      assert.deepStrictEqual(replaced.json, { ...full, scopes: null, ...next })
      assert.strictEqual((yield* call("DELETE", one)).status, 204)
      for (const [method, path, json] of [
        ["GET", one, undefined],
        ["DELETE", one, undefined],
        ["PUT", "/auth/oauth2/admin/resources", resource],
        ["GET", "/auth/oauth2/admin/resources?identifier=none", undefined],
        ["DELETE", "/auth/oauth2/admin/resources?identifier=%00", undefined],
      ] as const) {
        assertProblem(yield* call(method, path, json), 404, "ResourceNotFound")
      }
      const written = (yield* events).filter(({ type }) => type.startsWith("oauth-resource."))
      assert.deepStrictEqual(
        written.map(({ userId }) => userId),
        [admin.user.id, admin.user.id, admin.user.id],
      )
    }).pipe(Effect.provide(layer())),
  )

  it.effect("refuses what is no protected resource", () =>
    Effect.gen(function* () {
      const { call } = yield* begin
      for (const json of [
        {},
        { identifier: "api" },
        { identifier: "https://api.example.com/#x" },
        { identifier: "https://api.example.com/\0" },
        { ...resource, scopes: ["a b"] },
        { ...resource, accessTokenLifetime: 0 },
        { ...resource, signingAlgorithm: "none" },
        { ...resource, name: "a\0b" },
      ]) {
        for (const method of ["POST", "PUT"]) {
          assertProblem(yield* call(method, "/auth/oauth2/admin/resources", json), 422, "InvalidRequest")
        }
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("shows those of the configuration, and leaves them", () =>
    Effect.gen(function* () {
      const { call } = yield* begin
      assert.deepStrictEqual((yield* call("GET", one)).json, { resources: [full], cursor: null })
      assertProblem(yield* call("PUT", "/auth/oauth2/admin/resources", resource), 409, "ResourceConfigured")
      assertProblem(yield* call("DELETE", one), 409, "ResourceConfigured")
      assertProblem(yield* call("POST", "/auth/oauth2/admin/resources", resource), 409, "ResourceTaken")
    }).pipe(Effect.provide(layer({ settings: { resources: [full] } }))),
  )
})
