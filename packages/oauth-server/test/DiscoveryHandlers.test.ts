import { StoreError } from "@belfry/core/StoreError"
import * as CorsHandlers from "@belfry/oauth-server/CorsHandlers"
import { DiscoveryApi, DiscoveryRootApi } from "@belfry/oauth-server/DiscoveryApi"
import * as DiscoveryHandlers from "@belfry/oauth-server/DiscoveryHandlers"
import { wellKnown } from "@belfry/oauth-server/Issuer"
import * as OAuthServerSettings from "@belfry/oauth-server/OAuthServerSettings"
import { SigningKeys } from "@belfry/oauth-server/SigningKeys"
import { SigningKeyStore } from "@belfry/oauth-server/SigningKeyStore"
import * as TestHttp from "@belfry/testing/TestHttp"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer } from "effect"
import { HttpApi, HttpApiBuilder } from "effect/http-api"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { TestClock } from "effect/testing"

const Api = HttpApi.make("belfry").add(DiscoveryApi).prefix("/auth").add(DiscoveryRootApi)

const other = HttpRouter.add("GET", "/auth/oauth2/authorize", HttpServerResponse.text("a page"))

const served = Effect.fnUntraced(function* (
  settings: Partial<OAuthServerSettings.OAuthServerSettingsService> = {},
  instead: Layer.Layer<SigningKeyStore> | Layer.Layer<never> = Layer.empty,
) {
  const services = yield* Layer.build(
    TestServices.layerOAuthServer.pipe(
      Layer.provideMerge(Layer.succeed(OAuthServerSettings.OAuthServerSettings, OAuthServerSettings.make(settings))),
      Layer.provideMerge(instead),
      Layer.provideMerge(TestServices.layerMemory),
    ),
  )
  const routes = Layer.merge(HttpApiBuilder.layer(Api).pipe(Layer.provide(DiscoveryHandlers.layer)), other).pipe(
    Layer.provide(CorsHandlers.layer),
    Layer.provide(Layer.succeedContext(services)),
  )
  const send = yield* TestHttp.serve(routes, "http://localhost:3000")
  return { send, keys: SigningKeys.use((keys) => Effect.succeed(keys)).pipe(Effect.provideContext(services)) }
})

describe("RFC 8414 §3", () => {
  it.effect("MUST serve the metadata appended to the issuer and inserted before its path, and nowhere else", () =>
    Effect.gen(function* () {
      const { send } = yield* served()
      const answers = yield* Effect.forEach(Object.values(wellKnown), (path) => send(path))
      assert.strictEqual(answers.length, 4)
      for (const answer of answers) {
        assert.strictEqual(answer.status, 200)
        assert.strictEqual(answer.headers.get("content-type"), "application/json")
        assert.strictEqual(answer.text, answers[0]?.text)
        assert.strictEqual(TestHttp.textAt(answer, "issuer"), "http://localhost:3000/auth")
      }
      for (const path of ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"]) {
        assert.strictEqual((yield* send(path)).status, 404)
      }
    }),
  )

  it.effect("may be kept, and is not sent again to who has it", () =>
    Effect.gen(function* () {
      const { send } = yield* served()
      const first = yield* send(wellKnown.openIdConfiguration)
      const etag = first.headers.get("etag") ?? assert.fail("no etag")
      assert.match(first.headers.get("cache-control") ?? "", /^public, max-age=3600$/)
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
        const again = yield* send(wellKnown.openIdConfiguration, { headers: { "if-none-match": known } })
        assert.strictEqual(again.status, 304)
        assert.strictEqual(again.text, "")
        assert.strictEqual(again.headers.get("etag"), etag)
      }
      const changed = yield* send(wellKnown.openIdConfiguration, { headers: { "if-none-match": '"other"' } })
      assert.strictEqual(changed.status, 200)
    }),
  )
})

describe("RFC 7517 §5", () => {
  it.effect("serves the JWK Set, whose tag changes with the keys", () =>
    Effect.gen(function* () {
      const { keys, send } = yield* served()
      const first = yield* send("/auth/jwks")
      assert.strictEqual(first.headers.get("content-type"), "application/jwk-set+json")
      assert.deepStrictEqual(first.json, { keys: yield* (yield* keys).jwks })
      const etag = first.headers.get("etag") ?? assert.fail("no etag")
      const conditional = send("/auth/jwks", { headers: { "if-none-match": etag } })
      assert.strictEqual((yield* conditional).status, 304)
      yield* (yield* keys).rotateNow("ES256")
      assert.strictEqual((yield* conditional).status, 200)
    }),
  )

  it.effect("is not there with JWTs disabled", () =>
    Effect.gen(function* () {
      const { send } = yield* served({ disableJwt: true })
      const answer = yield* send("/auth/jwks")
      assert.strictEqual(answer.status, 404)
      assert.strictEqual(answer.headers.get("content-type"), "application/problem+json")
      assert.strictEqual(answer.headers.get("cache-control"), "no-store")
      const problem = { type: "about:blank", title: "Not Found", status: 404, _tag: "JwkSetAbsent" }
      assert.deepStrictEqual(answer.json, problem)
    }),
  )

  it.effect("is 503 while keys cannot be looked up, and nobody keeps that", () =>
    Effect.gen(function* () {
      const away = Effect.fail(
        new StoreError({ store: "SigningKeyStore", method: "list", isRetryable: true, cause: new Error("away") }),
      )
      const store = SigningKeyStore.of({
        list: away,
        insert: () => away,
        retire: () => away,
        reseal: () => away,
        removeExpired: () => away,
      })
      const { send } = yield* served({}, Layer.succeed(SigningKeyStore, store))
      const answer = yield* send("/auth/jwks")
      assert.strictEqual(answer.status, 503)
      assert.strictEqual(answer.headers.get("retry-after"), "1")
      assert.strictEqual(answer.headers.get("cache-control"), "no-store")
      const problem = {
        type: "about:blank",
        title: "Service Unavailable",
        status: 503,
        _tag: "ServiceUnavailable",
      }
      assert.deepStrictEqual(answer.json, problem)
    }),
  )

  it.effect("is what it was a minute ago at most", () =>
    Effect.gen(function* () {
      const { send } = yield* served()
      const before = yield* send("/auth/jwks")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* send("/auth/jwks")).text, before.text)
    }),
  )
})

describe("OpenID Connect Core §10.1.1", () => {
  it.effect("SHOULD let the JWK Set be kept for less than the time for which a key is published before it signs", () =>
    Effect.gen(function* () {
      const maxAge = (keyLead: Duration.Duration) =>
        Effect.gen(function* () {
          const { send } = yield* served({ keyLead })
          return (yield* send("/auth/jwks")).headers.get("cache-control")
        })
      assert.strictEqual(yield* maxAge(Duration.days(1)), "public, max-age=3600")
      assert.strictEqual(yield* maxAge(Duration.minutes(10)), "public, max-age=300")
      assert.strictEqual(yield* maxAge(Duration.zero), "public, max-age=0")
    }),
  )
})

describe("RFC 9700 §2.6", () => {
  const origin = "https://page.example"

  it.effect("lets pages of every origin read metadata and keys, without credentials", () =>
    Effect.gen(function* () {
      const { send } = yield* served()
      for (const path of [...Object.values(wellKnown), "/auth/jwks"]) {
        const answer = yield* send(path, { headers: { origin } })
        assert.strictEqual(answer.headers.get("access-control-allow-origin"), "*", path)
        assert.isFalse(answer.headers.has("access-control-allow-credentials"))
        const headers = {
          "access-control-request-method": "GET",
          "access-control-request-headers": "mcp-protocol-version",
        }
        const preflight = yield* send(path, { method: "OPTIONS", headers: { origin, ...headers } })
        assert.strictEqual(preflight.status, 204)
        assert.strictEqual(preflight.headers.get("access-control-allow-origin"), "*")
        assert.match(preflight.headers.get("access-control-allow-headers") ?? "", /mcp-protocol-version/)
      }
    }),
  )

  it.effect("MUST NOT let pages of other origins read the authorization endpoint", () =>
    Effect.gen(function* () {
      const { send } = yield* served()
      for (const method of ["GET", "OPTIONS"]) {
        const answer = yield* send("/auth/oauth2/authorize?state=x", { method, headers: { origin } })
        assert.isFalse(answer.headers.has("access-control-allow-origin"))
      }
      for (const path of CorsHandlers.openPaths.keys())
        assert.notMatch(path, /authorize|continue|end-session|introspect/)
    }),
  )
})
