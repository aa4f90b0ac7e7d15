/**
 * A host's own API behind access tokens, at the level of HTTP.
 */
import { AccessTokenVerifier } from "@belfry/oauth-server/AccessTokenVerifier"
import { CurrentAccessToken, RequiredTokenScopes, ResourceAuthorization } from "@belfry/oauth-server/ResourceServerApi"
import * as ResourceServerHandlers from "@belfry/oauth-server/ResourceServerHandlers"
import {
  AccessTokenRefused,
  AccessTokenUnverifiable,
  type VerifiedAccessToken,
} from "@belfry/oauth-server/VerifiedAccessToken"
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted, Schema } from "effect"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"

class ReportsApi extends HttpApiGroup.make("reports")
  .add(
    HttpApiEndpoint.get("mine", "/mine", { success: Schema.String }),
    HttpApiEndpoint.get("all", "/all", { success: Schema.String }).annotate(RequiredTokenScopes, ["reports:all"]),
  )
  .annotate(RequiredTokenScopes, ["reports:read"])
  .middleware(ResourceAuthorization) {}

class PlainApi extends HttpApiGroup.make("plain")
  .add(HttpApiEndpoint.get("who", "/who", { success: Schema.String }))
  .middleware(ResourceAuthorization) {}

const Api = HttpApi.make("host").add(ReportsApi).add(PlainApi)

const subject = Effect.map(CurrentAccessToken, ({ subject }) => subject)

const resource = "https://api.example.com/reports"
const metadata = "https://api.example.com/.well-known/oauth-protected-resource/reports"

const verified = (scopes: ReadonlyArray<string>): VerifiedAccessToken => ({
  clientId: "a-client",
  subject: "ada",
  isClientItself: false,
  scopes,
  audience: [resource],
  expiresAt: null,
  claims: {},
})

/** Knows the tokens `good:<scopes>`, and cannot tell of `away`. */
const verify = (token: Redacted.Redacted) => {
  const text = Redacted.value(token)
  if (text.startsWith("good:")) return Effect.succeed(verified(text.slice(5).split(",")))
  return text === "away"
    ? Effect.fail(new AccessTokenUnverifiable({ reason: "keys" }))
    : Effect.fail(new AccessTokenRefused({ reason: "signature" }))
}

const layerVerifier = Layer.succeed(AccessTokenVerifier, AccessTokenVerifier.of({ verify, verifyFor: verify }))

const served = TestHttp.serve(
  Layer.merge(
    HttpApiBuilder.layer(Api).pipe(
      Layer.provide(
        Layer.merge(
          HttpApiBuilder.group(Api, "reports", (handlers) =>
            handlers.handleAll({ mine: () => subject, all: () => subject }),
          ),
          HttpApiBuilder.group(Api, "plain", (handlers) => handlers.handleAll({ who: () => subject })),
        ),
      ),
      Layer.provide(ResourceServerHandlers.layer({ resource, scopes: ["reports:read", "offline_access"] })),
      Layer.provide(layerVerifier),
    ),
    ResourceServerHandlers.layerMetadata({
      resource,
      authorizationServers: ["https://auth.example.com/auth"],
      scopes: ["reports:read"],
    }),
  ).pipe(Layer.orDie),
  "https://api.example.com",
)

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

describe("RFC 6750 §3.1", () => {
  it.effect("MUST challenge who brings no token, and SHOULD NOT tell an error then", () =>
    Effect.gen(function* () {
      const send = yield* served
      const withoutToken = [{}, { headers: { authorization: "Basic YTpi" } }, { headers: { authorization: "Bearer" } }]
      for (const request of withoutToken) {
        const answer = yield* send("/mine", request)
        assert.strictEqual(answer.status, 401)
        assert.strictEqual(
          answer.headers.get("www-authenticate"),
          `Bearer scope="reports:read", resource_metadata="${metadata}"`,
        )
        assert.deepInclude(answer.json, { _tag: "AccessTokenNeeded", status: 401 })
      }
    }),
  )

  it.effect("MUST answer 401 invalid_token to a token that is not good, and does not say why", () =>
    Effect.gen(function* () {
      const send = yield* served
      const answer = yield* send("/all", bearer("forged"))
      assert.strictEqual(answer.status, 401)
      assert.strictEqual(
        answer.headers.get("www-authenticate"),
        `Bearer error="invalid_token", error_description="The access token is not good here", scope="reports:read reports:all", resource_metadata="${metadata}"`,
      )
      assert.notInclude(answer.text, "signature")
    }),
  )

  it.effect("MUST answer 403 insufficient_scope with all scopes that are needed", () =>
    Effect.gen(function* () {
      const send = yield* served
      for (const token of ["good:reports:read", "good:reports:all", "good:"]) {
        const answer = yield* send("/all", bearer(token))
        assert.strictEqual(answer.status, 403)
        const challenge = answer.headers.get("www-authenticate") ?? ""
        assert.isTrue(challenge.startsWith('Bearer error="insufficient_scope"'))
        assert.include(challenge, 'scope="reports:read reports:all"')
        assert.include(challenge, `resource_metadata="${metadata}"`)
        assert.deepInclude(answer.json, { _tag: "InsufficientScope", required: ["reports:read", "reports:all"] })
      }
    }),
  )
})

describe("RFC 6750 §2.1", () => {
  it.effect("MUST take a token in the Authorization header, that has the scopes of group and endpoint", () =>
    Effect.gen(function* () {
      const send = yield* served
      assert.strictEqual((yield* send("/mine", bearer("good:reports:read"))).json, "ada")
      assert.strictEqual((yield* send("/all", bearer("good:reports:all,x,reports:read"))).json, "ada")
      assert.strictEqual((yield* send("/who", bearer("good:"))).json, "ada")
      assert.strictEqual((yield* send("/who", { headers: { authorization: "bearer good:" } })).json, "ada")
    }),
  )
})

describe("RFC 6750 §2.3", () => {
  it.effect("MUST NOT take a token from the query", () =>
    Effect.gen(function* () {
      const send = yield* served
      assert.strictEqual((yield* send("/who?access_token=good:")).status, 401)
    }),
  )
})

describe("RFC 6750 §3", () => {
  it.effect("SHOULD name the first scopes to ask for where an endpoint needs none, without offline_access", () =>
    Effect.gen(function* () {
      const send = yield* served
      const challenge = (yield* send("/who")).headers.get("www-authenticate")
      assert.strictEqual(challenge, `Bearer scope="reports:read", resource_metadata="${metadata}"`)
    }),
  )
})

it.effect("answers 503 when nobody can tell whether a token is good", () =>
  Effect.gen(function* () {
    const send = yield* served
    const answer = yield* send("/who", bearer("away"))
    assert.strictEqual(answer.status, 503)
    assert.strictEqual(answer.headers.get("retry-after"), "1")
    assert.isFalse(answer.headers.has("www-authenticate"))
  }),
)

describe("RFC 9728 §3", () => {
  it.effect("MUST serve the metadata at the well-known path of the resource, to every origin", () =>
    Effect.gen(function* () {
      const send = yield* served
      const answer = yield* send(new URL(metadata).pathname, { headers: { origin: "https://page.example" } })
      assert.strictEqual(answer.status, 200)
      assert.strictEqual(answer.headers.get("content-type"), "application/json")
      assert.strictEqual(answer.headers.get("access-control-allow-origin"), "*")
      assert.deepStrictEqual(answer.json, {
        resource,
        authorization_servers: ["https://auth.example.com/auth"],
        scopes_supported: ["reports:read"],
        bearer_methods_supported: ["header"],
      })
      const preflight = yield* send(new URL(metadata).pathname, {
        method: "OPTIONS",
        headers: { origin: "https://page.example", "access-control-request-headers": "mcp-protocol-version" },
      })
      assert.strictEqual(preflight.status, 204)
      assert.match(preflight.headers.get("access-control-allow-headers") ?? "", /mcp-protocol-version/)
      assert.strictEqual((yield* send("/.well-known/oauth-protected-resource")).status, 404)
    }),
  )
})
