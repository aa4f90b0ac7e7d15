import * as Google from "@belfry/oauth-client/Google"
import { type Claims, ProviderUnavailable } from "@belfry/oauth-client/OAuthTokens"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { contextOf, profileOf, providersOf, reveal, sourceOf } from "./support/strategies.ts"

const client = { clientId: "belfry.apps.googleusercontent.com", clientSecret: Redacted.make("secret") }

const ada = {
  iss: "https://accounts.google.com",
  sub: "110169484474386276334",
  email: "ada@acme.example",
  email_verified: true,
  name: "Ada",
  picture: "https://lh3.googleusercontent.com/a/ada",
  hd: "acme.example",
}

const profile = (settings: Google.GoogleSettings, source: Parameters<typeof sourceOf>[0]) =>
  profileOf(Google.strategy(settings), sourceOf(source), contextOf(Google.options({ ...client, ...settings })))

const check = (settings: Google.GoogleSettings, claims: Claims) =>
  Google.strategy(settings).checkClaims?.(claims, contextOf(Google.options(client))) ?? Effect.void

describe("Google", () => {
  it.effect("is asked for a refresh token and for what was granted before", () =>
    Effect.gen(function* () {
      const [google] = yield* providersOf(Google.layer({ ...client, hostedDomain: "acme.example" }))
      assert.strictEqual(google?.id, "google")
      assert.strictEqual(google?.discoveryUrl, "https://accounts.google.com/.well-known/openid-configuration")
      assert.deepStrictEqual(google?.scopes, ["openid", "email", "profile"])
      assert.strictEqual(google?.accessType, "offline")
      assert.strictEqual(google?.prompt, "consent")
      assert.strictEqual(google?.tokenEndpointAuthMethod, "client_secret_post")
      assert.deepStrictEqual(google?.strategy.authorizationParams?.({ provider: google }), {
        include_granted_scopes: "true",
        hd: "acme.example",
      })
    }),
  )

  it.effect("sends no hosted domain where none is demanded", () =>
    Effect.sync(() => {
      const { provider } = contextOf(Google.options(client))
      assert.deepStrictEqual(provider.strategy.authorizationParams?.({ provider }), { include_granted_scopes: "true" })
    }),
  )

  it.effect("issues under both spellings that it documents, and no other", () =>
    Effect.sync(() => {
      const context = contextOf(Google.options(client))
      const accepts = (issuer: string) => Google.strategy().acceptsIssuer?.(issuer, {}, context)
      assert.isTrue(accepts("https://accounts.google.com"))
      assert.isTrue(accepts("accounts.google.com"))
      for (const issuer of [
        "http://accounts.google.com",
        "https://accounts.google.com/",
        "https://accounts.google.com.evil.example",
        "google.com",
        "",
      ]) {
        assert.isFalse(accepts(issuer), issuer)
      }
    }),
  )

  describe("with a hosted domain", () => {
    it.effect("takes accounts of that domain, whatever its case", () =>
      Effect.gen(function* () {
        yield* check({ hostedDomain: "acme.example" }, ada)
        yield* check({ hostedDomain: "ACME.example" }, ada)
        yield* check({ hostedDomain: "acme.example" }, { ...ada, hd: "Acme.Example" })
      }),
    )

    for (const [what, hd] of [
      ["another domain", { hd: "globex.example" }],
      ["a domain that ends alike", { hd: "evil-acme.example" }],
      ["a domain below", { hd: "sub.acme.example" }],
      ["no domain", {}],
      ["no text", { hd: true }],
      ["a list", { hd: ["acme.example"] }],
    ] as const) {
      it.effect(`refuses accounts of ${what}, whatever their address`, () =>
        Effect.gen(function* () {
          const { hd: _, ...claims } = ada
          const error = yield* Effect.flip(check({ hostedDomain: "acme.example" }, { ...claims, ...hd }))
          assert.strictEqual(error._tag, "IdTokenInvalid")
          assert.strictEqual(error._tag === "IdTokenInvalid" && error.reason, "hosted-domain")
        }),
      )
    }

    it.effect("takes accounts of any domain where any is demanded, and personal ones not", () =>
      Effect.gen(function* () {
        yield* check({ hostedDomain: "*" }, { ...ada, hd: "globex.example" })
        const { hd: _, ...personal } = ada
        const error = yield* Effect.flip(check({ hostedDomain: "*" }, personal))
        assert.strictEqual(error._tag, "IdTokenInvalid")
      }),
    )

    it.effect("is verified in UserInfo where there is no ID token", () =>
      Effect.gen(function* () {
        const found = yield* profile({ hostedDomain: "acme.example" }, { userinfo: ada })
        assert.strictEqual(found?.accountId, ada.sub)
        const { hd: _, ...personal } = ada
        const refused = yield* Effect.flip(profile({ hostedDomain: "acme.example" }, { userinfo: personal }))
        assert.strictEqual(refused._tag, "IdTokenInvalid")
        const nothing = yield* Effect.flip(profile({ hostedDomain: "acme.example" }, { userinfo: null }))
        assert.strictEqual(nothing._tag, "IdTokenInvalid")
      }),
    )
  })

  describe("a profile", () => {
    it.effect("is that of the ID token, and UserInfo is not asked", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* profile({}, { claims: ada }), {
          accountId: ada.sub,
          email: ada.email,
          emailVerified: true,
          name: ada.name,
          image: ada.picture,
          raw: ada,
        })
      }),
    )

    it.effect("takes from UserInfo what the ID token leaves out, and nothing else", () =>
      Effect.gen(function* () {
        const { name: _, ...claims } = ada
        const other = { email: "eve@evil.example", picture: "https://evil.example/eve", name: "A. L." }
        const found = yield* profile({}, { claims, userinfo: { ...ada, ...other } })
        assert.strictEqual(found?.name, "A. L.")
        assert.strictEqual(found?.email, ada.email)
        assert.strictEqual(found?.image, ada.picture)
      }),
    )

    it.effect("does not believe that one source verified the address of another", () =>
      Effect.gen(function* () {
        const { email: _, ...claims } = ada
        const found = yield* profile({}, { claims, userinfo: { sub: ada.sub, email: "eve@evil.example" } })
        assert.strictEqual(found?.email, "eve@evil.example")
        assert.isFalse(found?.emailVerified)
      }),
    )

    it.effect("has an unverified address unless Google says that it is verified", () =>
      Effect.gen(function* () {
        for (const [said, expected] of [
          [true, true],
          ["true", true],
          [false, false],
          ["false", false],
          [1, false],
          [null, false],
        ] as const) {
          const found = yield* profile({}, { claims: { ...ada, email_verified: said } })
          assert.strictEqual(found?.emailVerified, expected, String(said))
        }
        const { email_verified: _, ...silent } = ada
        assert.isFalse((yield* profile({}, { claims: silent }))?.emailVerified)
      }),
    )

    it.effect("stands without UserInfo when the ID token names the address, and not otherwise", () =>
      Effect.gen(function* () {
        const userinfo = new ProviderUnavailable({ providerId: "google", endpoint: "userinfo", reason: "timeout" })
        const { picture: _, ...claims } = ada
        const found = yield* profile({}, { claims, userinfo })
        assert.strictEqual(found?.email, ada.email)
        assert.isNull(found?.image)
        const { email: __, ...nameless } = claims
        assert.strictEqual(yield* Effect.flip(profile({}, { claims: nameless, userinfo })), userinfo)
      }),
    )

    it.effect("has no picture that a page may not load", () =>
      Effect.gen(function* () {
        for (const picture of ["javascript:alert(1)", "data:image/svg+xml,<svg/>", "//evil.example/ada", "ada"]) {
          assert.isNull((yield* profile({}, { claims: { ...ada, picture } }))?.image, picture)
        }
      }),
    )

    it.effect("is none without a subject", () =>
      Effect.gen(function* () {
        assert.isNull(yield* profile({}, { userinfo: { email: ada.email } }))
      }),
    )
  })

  describe("by the environment", () => {
    it.effect("is there when its client is", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* providersOf(Google.layerConfig), [])
        assert.deepStrictEqual(yield* providersOf(Google.layerConfig, { BELFRY_GOOGLE_CLIENT_ID: "" }), [])
        const [google] = yield* providersOf(Google.layerConfig, {
          BELFRY_GOOGLE_CLIENT_ID: "web, ios",
          BELFRY_GOOGLE_CLIENT_SECRET: "secret",
          BELFRY_GOOGLE_HOSTED_DOMAIN: "acme.example",
        })
        assert.strictEqual(google?.clientId, "web")
        assert.deepStrictEqual(google?.audiences, ["web", "ios"])
        assert.strictEqual(reveal(google?.clientSecret), "secret")
        assert.deepInclude(google?.strategy.authorizationParams?.({ provider: google }), { hd: "acme.example" })
      }),
    )

    it.effect("fails when a client is there without its secret", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(providersOf(Google.layerConfig, { BELFRY_GOOGLE_CLIENT_ID: "web" }))
        assert.strictEqual(error._tag, "ConfigError")
        assert.include(error.message, "BELFRY_GOOGLE_CLIENT_SECRET")
      }),
    )
  })

  it.effect("is found elsewhere when the host says so, and what a host sets wins", () =>
    Effect.gen(function* () {
      const [google] = yield* providersOf(
        Google.layer({
          ...client,
          id: "workspace",
          name: undefined,
          prompt: "select_account",
          authority: "http://127.0.0.1:4002/",
          strategy: { errorOf: () => null },
        }),
      )
      assert.strictEqual(google?.id, "workspace")
      assert.strictEqual(google?.name, "Google")
      assert.strictEqual(google?.prompt, "select_account")
      assert.strictEqual(google?.issuer, "http://127.0.0.1:4002")
      assert.strictEqual(google?.discoveryUrl, "http://127.0.0.1:4002/.well-known/openid-configuration")
      const accepts = (issuer: string) =>
        google?.strategy.acceptsIssuer?.(issuer, {}, contextOf(Google.options(client)))
      assert.isTrue(accepts("http://127.0.0.1:4002"))
      assert.isFalse(accepts("https://accounts.google.com"))
      assert.isDefined(google?.strategy.errorOf)
      assert.isDefined(google?.strategy.profile)
    }),
  )
})
