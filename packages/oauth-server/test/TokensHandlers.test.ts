/**
 * The token endpoint and its neighbours on the wire: forms, challenges, limits, and stores that are away.
 */
import { Audit } from "@belfry/core/Audit"
import * as OpaqueToken from "@belfry/core/OpaqueToken"
import { OutboundHttp } from "@belfry/core/OutboundHttp"
import type { RateLimit } from "@belfry/core/RateLimit"
import { StoreError } from "@belfry/core/StoreError"
import { prefixes } from "@belfry/oauth-server/Grant"
import { type GrantType, GrantTypes } from "@belfry/oauth-server/GrantTypes"
import { OAuthError } from "@belfry/oauth-server/OAuthError"
import * as OAuthServerServices from "@belfry/oauth-server/OAuthServerServices"
import { RecordStore } from "@belfry/oauth-server/RecordStore"
import * as StandardGrantTypes from "@belfry/oauth-server/StandardGrantTypes"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import {
  assertError,
  basic,
  codeForm,
  defaults,
  grantTo,
  introspect,
  issuer,
  layer,
  layerSettings,
  publicClient,
  serve,
  signedIn,
  storedClient,
  toBody,
} from "./support/TokenClients.ts"

const endpoints = ["token", "introspect", "revoke"] as const

const formType = { "content-type": "application/x-www-form-urlencoded" }

describe("RFC 6749 §3.2", () => {
  it.effect("MUST take forms alone", () =>
    Effect.gen(function* () {
      const { send } = yield* serve
      const client = yield* storedClient()
      const form = { grant_type: "client_credentials", token: "x" }
      const message = "The body is not a form (application/x-www-form-urlencoded)"
      for (const endpoint of endpoints) {
        const path = `/auth/oauth2/${endpoint}`
        for (const contentType of [
          "application/json",
          "text/plain",
          "multipart/form-data; boundary=x",
          "",
          "application/x-www-form-urlencodedx",
        ]) {
          const headers = { ...client.headers, "content-type": contentType }
          const response = yield* send(path, { method: "POST", headers, body: toBody(form) })
          assertError(response, 400, "invalid_request", message)
        }
        const none = yield* send(path, { method: "POST", headers: client.headers })
        assertError(none, 400, "invalid_request", message)
        const withCharset = yield* send(path, {
          method: "POST",
          headers: { ...client.headers, "content-type": "Application/X-WWW-Form-Urlencoded ; charset=utf-8" },
          body: toBody(form),
        })
        assert.strictEqual(withCharset.status, 200, withCharset.text)
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("MUST NOT answer GET, nor take parameters from the query", () =>
    Effect.gen(function* () {
      const { send, post } = yield* serve
      const client = yield* storedClient({ metadata: { tokenEndpointAuthMethod: "client_secret_post" } })
      const form = { grant_type: "client_credentials", client_id: client.client.id, client_secret: client.secret }
      for (const endpoint of endpoints) {
        for (const method of ["GET", "PUT", "DELETE", "PATCH"]) {
          const response = yield* send(`/auth/oauth2/${endpoint}?${toBody(form)}`, { method })
          assertError(response, 405, "invalid_request", "Only POST is taken here")
          assert.strictEqual(response.headers.get("allow"), "POST")
        }
      }
      assertError(yield* post(`token?${toBody(form)}`, {}), 400, "invalid_request")
      assertError(yield* post(`token?${toBody(form)}`, { grant_type: "client_credentials" }), 401, "invalid_client")
      assert.strictEqual((yield* post("token", form)).status, 200)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("MUST refuse parameters that stand twice, and count empty ones as left out", () =>
    Effect.gen(function* () {
      const { post } = yield* serve
      const client = yield* storedClient()
      const twice = yield* post("token", { grant_type: ["client_credentials", "client_credentials"] }, client.headers)
      assertError(twice, 400, "invalid_request", "A parameter is repeated: grant_type")
      const foreign = yield* post("token", { grant_type: "client_credentials", '<b>"': ["1", "2"] }, client.headers)
      assertError(foreign, 400, "invalid_request", "A parameter is repeated")
      const empty = { grant_type: "client_credentials", scope: "", resource: "", client_secret: "", unknown: "x" }
      assert.strictEqual((yield* post("token", empty, client.headers)).status, 200)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("refuses a body that is too large", () =>
    Effect.gen(function* () {
      const { send } = yield* serve
      for (const endpoint of endpoints) {
        const body = `grant_type=client_credentials&x=${"x".repeat(70_000)}`
        const response = yield* send(`/auth/oauth2/${endpoint}`, { method: "POST", headers: formType, body })
        assertError(response, 400, "invalid_request", "The body is too large")
      }
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 6749 §5.2", () => {
  it.effect("MUST answer invalid_client with 401, and with a challenge to who used the header", () =>
    Effect.gen(function* () {
      const { post } = yield* serve
      const client = yield* storedClient()
      const form = { grant_type: "client_credentials", token: "x" }
      for (const endpoint of endpoints) {
        const headers = [
          basic(client.client.id, "wrong"),
          basic("nobody", "x"),
          { authorization: "Basic !" },
          { authorization: "Bearer x" },
        ]
        for (const each of headers) {
          const response = yield* post(endpoint, form, each)
          assertError(response, 401, "invalid_client", "Client authentication failed")
          assert.strictEqual(response.headers.get("www-authenticate"), `Basic realm="${issuer}", charset="UTF-8"`)
        }
        for (const fields of [{}, { client_id: "nobody" }, { client_id: "nobody", client_secret: "x" }]) {
          const response = yield* post(endpoint, { ...form, ...fields })
          assertError(response, 401, "invalid_client", "Client authentication failed")
          assert.isNull(response.headers.get("www-authenticate"))
        }
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("records who did not prove themselves, the client's id only where there is such a client", () =>
    Effect.gen(function* () {
      const { post } = yield* serve
      const client = yield* storedClient()
      const form = { grant_type: "client_credentials" }
      yield* post("token", form, basic(client.client.id, "wrong"))
      yield* post("token", form, basic("nobody", "wrong"))
      yield* post("token", form, client.headers)
      const events = yield* Audit.use((audit) => audit.list())
      assert.deepStrictEqual(
        events.map(({ data, outcome, reason, type }) => ({ data, outcome, reason, type })),
        [
          { data: {}, outcome: "failure", reason: "unknown", type: "oauth-client.authentication" },
          {
            data: { clientId: client.client.id },
            outcome: "failure",
            reason: "secret",
            type: "oauth-client.authentication",
          },
        ],
      )
    }).pipe(Effect.provide(layer())),
  )

  it.effect("names the client before the code: an unknown client is invalid_client whatever else is wrong", () =>
    Effect.gen(function* () {
      const { post } = yield* serve
      const wrong = { client_id: "gone", code: "x", redirect_uri: "x", code_verifier: "x", resource: "x", scope: '"' }
      for (const grant_type of ["authorization_code", "refresh_token", "client_credentials"]) {
        assertError(yield* post("token", { grant_type, ...wrong }), 401, "invalid_client")
      }
    }).pipe(Effect.provide(layer())),
  )
})

describe("public clients", () => {
  it.effect("get tokens by their id and the verifier alone", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const spa = yield* publicClient()
      const { refreshToken } = yield* signedIn(server, {}, spa)
      const refreshed = yield* server.post("token", {
        grant_type: "refresh_token",
        refresh_token: refreshToken,
        ...spa.fields,
      })
      assert.strictEqual(refreshed.status, 200)
      const other = yield* publicClient()
      const grant = yield* grantTo(spa)
      assertError(yield* server.post("token", codeForm(grant, other.fields)), 400, "invalid_grant")
    }).pipe(Effect.provide(layer())),
  )
})

const echo: GrantType = {
  name: "urn:example:echo",
  presents: () => Effect.succeed({}),
  checks: [
    {
      name: "there is something to say",
      spec: "example §1",
      check: ({ parameters }) =>
        parameters.get("say") === undefined
          ? new OAuthError({ code: "invalid_request", description: "say is missing" })
          : null,
    },
    {
      name: "it is short",
      spec: "example §2",
      check: ({ parameters: { get } }) =>
        (get("say") ?? "").length > 10
          ? new OAuthError({ code: "invalid_request", description: `say is too long: ${get("say")}` })
          : null,
    },
  ],
  exchange: ({ now, parameters }) =>
    Effect.succeed({
      accessToken: Redacted.make(parameters.get("say") ?? ""),
      expiresAt: now,
      scopes: [],
      fields: {},
    }),
}

const layerEcho = OAuthServerServices.layerWith(
  Layer.effect(
    GrantTypes,
    Effect.map(StandardGrantTypes.make, (standard) => [...standard, echo]),
  ),
).pipe(
  Layer.provideMerge(TestServices.layerAuthenticationContexts()),
  Layer.provideMerge(Layer.succeed(OutboundHttp, { send: () => Effect.die("no call is made") })),
  Layer.provideMerge(layerSettings({ grantTypes: ["client_credentials", echo.name] })),
  Layer.provideMerge(TestServices.layerMemory),
)

describe("grant types of a host", () => {
  it.effect("stand in the list beside those of this package, behind the same client authentication", () =>
    Effect.gen(function* () {
      const { post } = yield* serve
      const client = yield* storedClient({ metadata: { grantTypes: ["client_credentials", echo.name] } })
      const form = { grant_type: echo.name, say: "hello" }
      const response = yield* post("token", form, client.headers)
      assert.deepPropertyVal(response.json, "access_token", "hello")
      assertError(
        yield* post("token", { grant_type: echo.name }, client.headers),
        400,
        "invalid_request",
        "say is missing",
      )
      assertError(yield* post("token", form), 401, "invalid_client")
      assertError(yield* post("token", form, (yield* storedClient()).headers), 400, "unauthorized_client")
      assert.strictEqual((yield* post("token", { grant_type: "client_credentials" }, client.headers)).status, 200)
    }).pipe(Effect.provide(layerEcho)),
  )

  describe("RFC 6749 §5.2", () => {
    it.effect("MUST be heard in the characters of descriptions, whatever they say", () =>
      Effect.gen(function* () {
        const { post } = yield* serve
        const client = yield* storedClient({ metadata: { grantTypes: [echo.name] } })
        const say = 'a"b\\c\u0000é\r\nset-cookie: d'
        const response = yield* post("token", { grant_type: echo.name, say }, client.headers)
        assertError(response, 400, "invalid_request", "say is too long: a b c    set-cookie: d")
      }).pipe(Effect.provide(layerEcho)),
    )
  })
})

const rule = (name: string): RateLimit => ({ name, limit: 3, window: Duration.minutes(1) })

const limited = layer({
  rateLimits: {
    authorize: null,
    registration: null,
    clientDocuments: null,
    token: rule("token"),
    introspection: rule("introspection"),
    revocation: rule("revocation"),
    userInfo: rule("userinfo"),
  },
})

describe("RFC 7662 §4", () => {
  it.effect("MUST tell nothing to who guesses tokens without being a client, and slows them down", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const first = yield* signedIn(server)
      const guess = (token: string, headers: Readonly<Record<string, string>>) =>
        server.post("introspect", { token }, headers)
      const wrong = basic(first.client.id, "wrong")
      for (const headers of [{}, basic("nobody", "x"), wrong]) {
        assertError(yield* guess(first.accessToken, headers), 401, "invalid_client")
      }
      for (const token of ["x", first.accessToken, first.refreshToken]) {
        const slowed = yield* guess(token, wrong)
        assertError(slowed, 429, "slow_down", "Too many requests")
        assert.match(slowed.headers.get("retry-after") ?? "", /^[1-9]\d*$/u)
      }
      assert.deepPropertyVal(yield* introspect(server, first, first.accessToken), "active", true)
    }).pipe(Effect.provide(limited)),
  )
})

describe("limits", () => {
  it.effect("count what fails, endpoint by endpoint, and never a client that proves itself", () =>
    Effect.gen(function* () {
      const { post } = yield* serve
      const client = yield* storedClient()
      const form = { grant_type: "client_credentials", token: "x" }
      const wrong = basic(client.client.id, "wrong")
      for (let i = 0; i < 5; i++) {
        for (const endpoint of endpoints) assert.strictEqual((yield* post(endpoint, form, client.headers)).status, 200)
      }
      for (const endpoint of endpoints) {
        for (let i = 0; i < 3; i++) assertError(yield* post(endpoint, form, wrong), 401, "invalid_client")
        const response = yield* post(endpoint, form, wrong)
        assertError(response, 429, "slow_down", "Too many requests")
        assert.match(response.headers.get("retry-after") ?? "", /^[1-9]\d*$/u)
        assert.strictEqual((yield* post(endpoint, form, client.headers)).status, 200)
      }
      // Refusals beyond the limit are not recorded: nobody fills the log.
      assert.strictEqual((yield* Audit.use((audit) => audit.list())).length, 9)
      yield* TestClock.adjust("2 minutes")
      assertError(yield* post("token", form, wrong), 401, "invalid_client")
    }).pipe(Effect.provide(limited)),
  )

  it.effect("count access tokens that open nothing, and codes that are none", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const { accessToken, headers } = yield* signedIn(server)
      const userInfo = (token: string) =>
        server.send("/auth/oauth2/userinfo", { headers: { authorization: `Bearer ${token}` } })
      for (let i = 0; i < 3; i++) assertError(yield* userInfo("x"), 401, "invalid_token")
      assertError(yield* userInfo("x"), 429, "slow_down")
      assert.strictEqual((yield* userInfo(accessToken)).status, 200)
      const form = { grant_type: "authorization_code", code: "x" }
      for (let i = 0; i < 3; i++) assertError(yield* server.post("token", form, headers), 400, "invalid_grant")
      assertError(yield* server.post("token", form, headers), 429, "slow_down")
    }).pipe(Effect.provide(limited)),
  )
})

const away = new StoreError({ store: "RecordStore", method: "find", isRetryable: true, cause: new Error("away") })

describe("RFC 7009 §2.2.1", () => {
  it.effect("MUST answer 503 with Retry-After when a store is away", () =>
    Effect.gen(function* () {
      const { post, send } = yield* serve
      const headers = basic("client", "secret")
      const responses = [
        ...(yield* Effect.forEach(endpoints, (endpoint) =>
          post(endpoint, { grant_type: "client_credentials", token: "x" }, headers),
        )),
        yield* send("/auth/oauth2/userinfo", {
          headers: { authorization: `Bearer ${Redacted.value(yield* OpaqueToken.generate(prefixes.accessToken))}` },
        }),
      ]
      for (const response of responses) {
        assertError(response, 503, "temporarily_unavailable", "The server cannot answer at the moment")
        assert.strictEqual(response.headers.get("retry-after"), "1")
      }
    }).pipe(
      Effect.provide(
        TestServices.layerOAuthServer.pipe(
          Layer.provideMerge(layerSettings(defaults)),
          Layer.provideMerge(Layer.succeed(RecordStore, { find: () => Effect.fail(away) })),
          Layer.provideMerge(TestServices.layerMemory),
        ),
      ),
    ),
  )
})
