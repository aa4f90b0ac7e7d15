/**
 * Tokens that clients get for themselves.
 */
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import {
  api,
  assertError,
  claimsOf,
  introspect,
  issuer,
  layer,
  otherApi,
  publicClient,
  type Server,
  serve,
  storedClient,
  type TestClient,
  tokensOf,
} from "./support/TokenClients.ts"

const ask = (
  { post }: Server,
  { headers }: TestClient,
  fields: Readonly<Record<string, string | ReadonlyArray<string>>> = {},
) => post("token", { grant_type: "client_credentials", ...fields }, headers)

describe("RFC 6749 §4.4.3", () => {
  it.effect("SHOULD give an access token, and neither a refresh token nor an ID token", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const client = yield* storedClient()
      const response = yield* ask(server, client, { scope: "read" })
      const { access_token: accessToken, ...others } = Object(response.json)
      assert.deepStrictEqual(others, { token_type: "Bearer", expires_in: 600, expires_at: 600, scope: "read" })
      assert.deepStrictEqual(yield* introspect(server, client, accessToken), {
        active: true,
        iss: issuer,
        sub: client.client.id,
        aud: issuer,
        client_id: client.client.id,
        iat: 0,
        exp: 600,
        token_type: "Bearer",
        scope: "read",
      })
    }).pipe(Effect.provide(layer({ clientCredentialsLifetime: Duration.minutes(10) }))),
  )
})

describe("RFC 6749 §4.4", () => {
  it.effect("MUST be used by confidential clients alone", () =>
    Effect.gen(function* () {
      const { post } = yield* serve
      const client = yield* publicClient()
      const response = yield* post("token", { grant_type: "client_credentials", client_id: client.client.id })
      assertError(response, 400, "unauthorized_client", "A public client gets no token for itself")
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 9700 §4.15", () => {
  it.effect("MUST NOT let the subject of a client's own token be taken for a user", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const client = yield* storedClient()
      const response = yield* ask(server, client, { resource: api, scope: "read" })
      const { exp: _exp, iat: _iat, jti: _jti, ...claims } = claimsOf(tokensOf(response).accessToken)
      const { id } = client.client
      assert.deepStrictEqual(claims, { iss: issuer, sub: id, aud: api, client_id: id, scope: "read" })
      // Users are UUIDs, which no client's id is.
      assert.notMatch(id, /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u)
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 6749 §4.4.2", () => {
  it.effect("refuses the scopes of OpenID Connect, those that are not the client's, and what is malformed", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const client = yield* storedClient()
      for (const scope of ["openid", "read profile", "email", "offline_access"]) {
        const message = "The scopes of OpenID Connect are about a user"
        assertError(yield* ask(server, client, { scope }), 400, "invalid_scope", message)
      }
      assertError(
        yield* ask(server, client, { scope: "admin" }),
        400,
        "invalid_scope",
        "The client may not ask for this scope",
      )
      assertError(yield* ask(server, client, { scope: 'read "' }), 400, "invalid_scope", "The scope is malformed")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("takes the default scopes that are the client's when none is named", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const client = yield* storedClient()
      assert.strictEqual(TestHttp.textAt(yield* ask(server, client), "scope"), "read")
    }).pipe(Effect.provide(layer({ clientCredentialsDefaultScopes: ["openid", "read", "admin"] }))),
  )

  it.effect("leaves the scope out where there is none", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const response = yield* ask(server, yield* storedClient())
      assert.strictEqual(response.status, 200)
      assert.isUndefined(TestHttp.at(response.json, "scope"))
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 8707 §2", () => {
  it.effect("MUST refuse resources that are unknown, or not allowed to the client", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const client = yield* storedClient({ privileges: { resources: [api] } })
      assertError(yield* ask(server, client, { resource: otherApi }), 400, "invalid_target")
      assertError(
        yield* ask(server, client, { resource: [api, "https://unknown.example.com/"] }),
        400,
        "invalid_target",
      )
      assert.strictEqual((yield* ask(server, client, { resource: api })).status, 200)
      const any = yield* storedClient()
      assertError(yield* ask(server, any, { resource: "https://disabled.example.com/" }), 400, "invalid_target")
    }).pipe(Effect.provide(layer())),
  )
})

describe("resources", () => {
  const many = Array.from({ length: 11 }, (_, index) => `https://api.example.com/${index}`)

  it.effect("are ten at most in one request", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const client = yield* storedClient()
      assertError(yield* ask(server, client, { resource: many }), 400, "invalid_target")
      const ten = yield* ask(server, client, { resource: [...many.slice(1), ...many.slice(1)] })
      assert.deepStrictEqual(claimsOf(tokensOf(ten).accessToken)["aud"], many.slice(1))
    }).pipe(Effect.provide(layer({ resources: many.map((identifier) => OAuthBuilders.resource(identifier)) }))),
  )
})

describe("RFC 9700 §2.4", () => {
  it.effect("MUST NOT take the password of a user", () =>
    Effect.gen(function* () {
      const { post } = yield* serve
      const client = yield* storedClient({ metadata: { grantTypes: ["password"] } })
      const form = { grant_type: "password", username: "ada@example.com", password: "correct horse battery staple" }
      assertError(yield* post("token", form, client.headers), 400, "unsupported_grant_type")
    }).pipe(Effect.provide(layer({ grantTypes: ["password", "authorization_code"] }))),
  )
})

describe("RFC 6749 §5.2", () => {
  it.effect("MUST refuse a grant type that is unknown, off, missing, or not the client's", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const client = yield* storedClient({ metadata: { grantTypes: ["authorization_code"] } })
      const unsupported = [
        "password",
        "implicit",
        "refresh_token",
        "__proto__",
        "urn:ietf:params:oauth:grant-type:device_code",
      ]
      for (const grant_type of unsupported) {
        const response = yield* server.post("token", { grant_type }, client.headers)
        assertError(response, 400, "unsupported_grant_type", "The grant type is unknown or off")
      }
      assertError(yield* server.post("token", {}, client.headers), 400, "invalid_request", "grant_type is missing")
      assertError(yield* ask(server, client), 400, "unauthorized_client")
    }).pipe(Effect.provide(layer({ grantTypes: ["authorization_code", "client_credentials"] }))),
  )
})
