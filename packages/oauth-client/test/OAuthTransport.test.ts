import * as LocalServer from "@belfry/testing/LocalServer"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { OAuthTransport } from "../src/OAuthTransport.ts"
import * as LocalProvider from "./support/LocalProvider.ts"
import * as Transport from "./support/Transport.ts"

const discovery = "/.well-known/openid-configuration"

const metadata = (provider: ReturnType<typeof Transport.settings>) =>
  OAuthTransport.use((transport) => transport.metadata(provider))

const failureOf = (provider: ReturnType<typeof Transport.settings>) => Effect.flip(metadata(provider))

describe("OAuthTransport.metadata", () => {
  it.effect("says what the discovery document says", () =>
    Effect.gen(function* () {
      const local = yield* Transport.makeLocal
      const found = yield* metadata(Transport.settings(local, { discoveryHeaders: { "x-tenant": "t1" } }))
      assert.deepStrictEqual(found, {
        issuer: local.url,
        authorizationEndpoint: `${local.url}/authorize`,
        tokenEndpoint: `${local.url}/token`,
        userinfoEndpoint: `${local.url}/userinfo`,
        jwksUri: `${local.url}/jwks`,
        idTokenSigningAlgorithms: ["ES256", "RS256"],
        issuerParameterSupported: true,
      })
      assert.strictEqual(local.requests[0]?.headers["x-tenant"], "t1")
    }).pipe(Effect.provide(Transport.layer)),
  )

  it.effect("puts settings over the document", () =>
    Effect.gen(function* () {
      const local = yield* Transport.makeLocal
      const found = yield* metadata(
        Transport.settings(local, { tokenEndpoint: "https://t.example.com/token", jwksUri: "https://k.example.com/" }),
      )
      assert.strictEqual(found.tokenEndpoint, "https://t.example.com/token")
      assert.strictEqual(found.jwksUri, "https://k.example.com/")
      assert.strictEqual(found.userinfoEndpoint, `${local.url}/userinfo`)
    }).pipe(Effect.provide(Transport.layer)),
  )

  it.effect("asks nobody where the settings say it all", () =>
    Effect.gen(function* () {
      const local = yield* Transport.makeLocal
      const found = yield* metadata(
        Transport.settings(local, {
          discoveryUrl: undefined,
          authorizationEndpoint: "https://id.example.com/authorize",
          tokenEndpoint: "https://id.example.com/token",
        }),
      )
      assert.strictEqual(found.issuer, null)
      assert.deepStrictEqual(found.idTokenSigningAlgorithms, ["RS256"])
      assert.strictEqual(local.requests.length, 0)
    }).pipe(Effect.provide(Transport.layer)),
  )

  describe("OpenID Connect Discovery §4.3", () => {
    it.effect("MUST refuse a document of another issuer", () =>
      Effect.gen(function* () {
        const local = yield* Transport.makeLocal
        local.document["issuer"] = "https://other.example.com"
        const failure = yield* failureOf(Transport.settings(local))
        assert.strictEqual(failure.endpoint, "discovery")
        assert.strictEqual(failure.reason, "malformed")
      }).pipe(Effect.provide(Transport.layer)),
    )

    it.effect("MUST refuse a document of another issuer than the settings name", () =>
      Effect.gen(function* () {
        const local = yield* Transport.makeLocal
        const failure = yield* failureOf(Transport.settings(local, { issuer: "https://id.example.com" }))
        assert.strictEqual(failure.reason, "malformed")
        local.document["issuer"] = "https://id.example.com"
        const { issuer } = yield* metadata(Transport.settings(local, { issuer: "https://id.example.com" }))
        assert.strictEqual(issuer, "https://id.example.com")
      }).pipe(Effect.provide(Transport.layer)),
    )

    it.effect("takes the slash at the end of an issuer, which its discovery URL is without", () =>
      Effect.gen(function* () {
        const local = yield* Transport.makeLocal
        local.document["issuer"] = `${local.url}/`
        assert.strictEqual((yield* metadata(Transport.settings(local))).issuer, `${local.url}/`)
      }).pipe(Effect.provide(Transport.layer)),
    )

    it.effect("MUST refuse an issuer with another path", () =>
      Effect.gen(function* () {
        const local = yield* Transport.makeLocal
        local.document["issuer"] = `${local.url}/tenant`
        assert.strictEqual((yield* failureOf(Transport.settings(local))).reason, "malformed")
      }).pipe(Effect.provide(Transport.layer)),
    )

    it.effect("needs the setting where the URL tells no issuer", () =>
      Effect.gen(function* () {
        const local = yield* Transport.makeLocal
        local.answer("/odd.json", LocalServer.json(local.document))
        const discoveryUrl = `${local.url}/odd.json`
        assert.strictEqual((yield* failureOf(Transport.settings(local, { discoveryUrl }))).reason, "malformed")
        yield* metadata(Transport.settings(local, { discoveryUrl, issuer: local.url }))
      }).pipe(Effect.provide(Transport.layer)),
    )

    it.effect("reads the metadata of an authorization server with a path (RFC 8414 §3)", () =>
      Effect.gen(function* () {
        const local = yield* Transport.makeLocal
        const path = "/.well-known/oauth-authorization-server/tenant"
        local.answer(path, LocalServer.json({ ...local.document, issuer: `${local.url}/tenant` }))
        const found = yield* metadata(Transport.settings(local, { discoveryUrl: `${local.url}${path}` }))
        assert.strictEqual(found.issuer, `${local.url}/tenant`)
      }).pipe(Effect.provide(Transport.layer)),
    )

    it.effect("leaves the issuer to a strategy that knows many", () =>
      Effect.gen(function* () {
        const local = yield* Transport.makeLocal
        local.document["issuer"] = `${local.url}/{tenantid}/v2.0`
        const strategy = { acceptsIssuer: () => true }
        assert.strictEqual(
          (yield* metadata(Transport.settings(local, { strategy }))).issuer,
          `${local.url}/{tenantid}/v2.0`,
        )
      }).pipe(Effect.provide(Transport.layer)),
    )
  })

  it.effect.each([
    ["is no JSON", LocalServer.text("{", "application/json")],
    ["is a list", LocalServer.json([])],
    ["is HTML", LocalServer.text("<html>", "text/html")],
    ["is JSON by another name", LocalServer.text(JSON.stringify({ issuer: "x" }), "text/plain")],
    [
      "has no issuer",
      LocalServer.json({ authorization_endpoint: "https://a.example", token_endpoint: "https://a.example" }),
    ],
  ] as const)("refuses a document that %s", ([, answer]) =>
    Effect.gen(function* () {
      const local = yield* Transport.makeLocal
      local.answer(discovery, answer)
      assert.strictEqual((yield* failureOf(Transport.settings(local))).reason, "malformed")
    }).pipe(Effect.provide(Transport.layer)),
  )

  it.effect("refuses a document that is not UTF-8", () =>
    Effect.gen(function* () {
      const local = yield* Transport.makeLocal
      const document = Buffer.from(JSON.stringify({ ...local.document, name: "\u00ff" }), "latin1")
      local.answer(discovery, LocalServer.bytes(document, { "content-type": "application/json" }))
      assert.strictEqual((yield* failureOf(Transport.settings(local))).reason, "malformed")
    }).pipe(Effect.provide(Transport.layer)),
  )

  it.effect.each([
    ["a redirect", LocalServer.redirect("https://other.example.com"), "status"],
    ["another status", LocalServer.json({}, 404), "status"],
    ["an answer without end", LocalServer.endless, "too-large"],
  ] as const)("is unavailable by %s", ([, answer, reason]) =>
    Effect.gen(function* () {
      const local = yield* Transport.makeLocal
      local.answer(discovery, answer)
      assert.strictEqual((yield* failureOf(Transport.settings(local))).reason, reason)
    }).pipe(Effect.provide(Transport.layer)),
  )

  it.effect.each(["javascript:alert(1)", "data:text/html,x", "no URL", "http://elsewhere.example.com/authorize"])(
    "refuses to send browsers to %s",
    (authorizationEndpoint) =>
      Effect.gen(function* () {
        const local = yield* Transport.makeLocal
        local.document["authorization_endpoint"] = authorizationEndpoint
        assert.strictEqual((yield* failureOf(Transport.settings(local))).reason, "address")
      }).pipe(Effect.provide(Transport.layer)),
  )

  it.effect("does not call a private address that the document names", () =>
    Effect.gen(function* () {
      const local = yield* Transport.makeLocal
      const victim = yield* LocalProvider.make
      const attacked = {
        ...local.document,
        token_endpoint: `${victim.url}/token`,
        jwks_uri: "https://169.254.169.254/jwks",
        userinfo_endpoint: `https://127.0.0.1:${new URL(victim.url).port}/userinfo`,
      }
      local.answer(discovery, LocalServer.json(attacked))
      const transport = yield* OAuthTransport
      const provider = Transport.settings(local)
      const tokens = Transport.tokenSet()
      const code = { code: Redacted.make("c"), redirectUri: "https://app.example.com", codeVerifier: null }
      const idToken = Redacted.make(yield* Effect.promise(() => local.idToken()))
      const failures = yield* Effect.all([
        Effect.flip(transport.exchange(provider, code)),
        Effect.flip(transport.refresh(provider, tokens)),
        Effect.flip(transport.profile(provider, { tokens, claims: null, callbackFields: {} })),
        Effect.flip(transport.validateIdToken(provider, idToken, { nonce: null, accessToken: null })),
      ])
      assert.deepStrictEqual(
        failures.map((failure) => (failure._tag === "ProviderUnavailable" ? failure.reason : failure._tag)),
        ["address", "address", "address", "address"],
      )
      assert.strictEqual(victim.requests.length, 0)
    }).pipe(Effect.provide(Transport.layer)),
  )
})

describe("the discovery document", () => {
  it.effect("is fetched once for all who wait", () =>
    Effect.gen(function* () {
      const local = yield* Transport.makeLocal
      const provider = Transport.settings(local)
      yield* Effect.all(
        Array.from({ length: 50 }, () => metadata(provider)),
        { concurrency: "unbounded" },
      )
      assert.strictEqual(local.countOf(discovery), 1)
    }).pipe(Effect.provide(Transport.layer)),
  )

  it.effect.each([
    ["one hour", undefined, 3600],
    ["as long as it says", "public, max-age=7200", 7200],
    ["five minutes at least", "max-age=10", 300],
    ["five minutes where it may not be kept", "no-store", 300],
    ["a day at most", "max-age=31536000", 86_400],
  ] as const)("is kept for %s", ([, cacheControl, seconds]) =>
    Effect.gen(function* () {
      const local = yield* Transport.makeLocal
      const headers = cacheControl === undefined ? {} : { "cache-control": cacheControl }
      local.answer(discovery, LocalServer.json(local.document, 200, headers))
      const provider = Transport.settings(local)
      yield* metadata(provider)
      yield* TestClock.adjust(`${seconds - 1} seconds`)
      yield* metadata(provider)
      assert.strictEqual(local.countOf(discovery), 1)
      yield* TestClock.adjust("1 second")
      yield* metadata(provider)
      assert.strictEqual(local.countOf(discovery), 2)
    }).pipe(Effect.provide(Transport.layer)),
  )

  it.effect("comes to the others when the one who asked first goes away", () =>
    Effect.gen(function* () {
      const local = yield* Transport.makeLocal
      const provider = Transport.settings(local)
      const arrived = yield* Deferred.make<() => void>()
      local.answer(discovery, (request, response) => {
        const release = () => LocalServer.json(local.document)(request, response)
        Deferred.doneUnsafe(arrived, Effect.succeed(release))
      })
      const first = yield* Effect.forkChild(metadata(provider), { startImmediately: true })
      const other = yield* Effect.forkChild(metadata(provider), { startImmediately: true })
      const release = yield* Deferred.await(arrived)
      yield* Fiber.interrupt(first)
      release()
      assert.strictEqual((yield* Fiber.join(other)).issuer, local.url)
      assert.strictEqual(local.countOf(discovery), 1)
    }).pipe(Effect.provide(Transport.layer)),
  )

  it.effect("is asked for again after a failure", () =>
    Effect.gen(function* () {
      const local = yield* Transport.makeLocal
      const provider = Transport.settings(local)
      local.answer(discovery, LocalServer.json({}, 500))
      assert.strictEqual((yield* failureOf(provider)).reason, "status")
      local.answer(discovery, undefined)
      yield* metadata(provider)
      assert.strictEqual(local.countOf(discovery), 2)
    }).pipe(Effect.provide(Transport.layer)),
  )
})

describe("the JWK Set", () => {
  const validate = (
    local: LocalProvider.LocalProvider,
    provider: ReturnType<typeof Transport.settings>,
    kid?: string,
  ) =>
    Effect.gen(function* () {
      const transport = yield* OAuthTransport
      const idToken = yield* Effect.promise(() => local.idToken({}, kid === undefined ? {} : { kid }))
      return yield* transport.validateIdToken(provider, Redacted.make(idToken), { nonce: null, accessToken: null })
    })

  it.effect("is fetched once for all who wait, and kept", () =>
    Effect.gen(function* () {
      const local = yield* Transport.makeLocal
      const provider = Transport.settings(local)
      yield* Effect.all(
        Array.from({ length: 20 }, () => validate(local, provider)),
        { concurrency: "unbounded" },
      )
      yield* validate(local, provider)
      assert.strictEqual(local.countOf("/jwks"), 1)
    }).pipe(Effect.provide(Transport.layer)),
  )

  it.effect("is fetched again, once, for tokens of a new key", () =>
    Effect.gen(function* () {
      const local = yield* Transport.makeLocal
      const provider = Transport.settings(local)
      yield* validate(local, provider)
      yield* Effect.promise(() => local.rotate())
      yield* Effect.all(
        Array.from({ length: 20 }, () => validate(local, provider)),
        { concurrency: "unbounded" },
      )
      assert.strictEqual(local.countOf("/jwks"), 2)
      yield* TestClock.adjust("31 seconds")
      yield* validate(local, provider)
      assert.strictEqual(local.countOf("/jwks"), 2)
    }).pipe(Effect.provide(Transport.layer)),
  )

  it.effect("is not fetched for made-up keys more than every 30 seconds, and the good keys stay", () =>
    Effect.gen(function* () {
      const local = yield* Transport.makeLocal
      const provider = Transport.settings(local)
      yield* validate(local, provider)
      const madeUp = (kid: string) => Effect.flip(validate(local, provider, kid))
      for (let i = 0; i < 10; i++) assert.strictEqual((yield* madeUp(`k-${i}`))._tag, "IdTokenInvalid")
      assert.strictEqual(local.countOf("/jwks"), 2)
      yield* TestClock.adjust("30 seconds")
      // The provider is down just now.
      local.answer("/jwks", LocalServer.json({}, 500))
      for (let i = 0; i < 10; i++) assert.strictEqual((yield* madeUp(`k-${i}`))._tag, "ProviderUnavailable")
      assert.strictEqual(local.countOf("/jwks"), 3)
      yield* validate(local, provider)
    }).pipe(Effect.provide(Transport.layer)),
  )

  it.effect.each([{ keys: "none" }, { keys: [1] }, {}])("is refused as %j", (document) =>
    Effect.gen(function* () {
      const local = yield* Transport.makeLocal
      local.answer("/jwks", LocalServer.json(document))
      const failure = yield* Effect.flip(validate(local, Transport.settings(local)))
      assert.deepInclude(failure, { _tag: "ProviderUnavailable", endpoint: "jwks", reason: "malformed" })
    }).pipe(Effect.provide(Transport.layer)),
  )
})
