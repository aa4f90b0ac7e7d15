import * as Oidc from "@belfry/oauth-client/Oidc"
import * as ProviderPresets from "@belfry/oauth-client/ProviderPresets"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { exportPKCS8, generateKeyPair } from "jose"
import { providersOf, reveal } from "./support/strategies.ts"

const acme = {
  BELFRY_OIDC_PROVIDERS: "acme",
  BELFRY_OIDC_ACME_ISSUER: "https://id.acme.example/tenant/",
  BELFRY_OIDC_ACME_CLIENT_ID: "belfry, other",
  BELFRY_OIDC_ACME_CLIENT_SECRET: "secret",
  BELFRY_OIDC_ACME_NAME: "Acme Inc.",
  BELFRY_OIDC_ACME_SCOPES: "openid  email groups",
}

describe("a provider of OpenID Connect", () => {
  it.effect("is discovered below its issuer", () =>
    Effect.gen(function* () {
      const [provider] = yield* providersOf(
        Oidc.layer({
          id: "acme",
          issuer: "https://id.acme.example",
          clientId: "belfry",
          clientSecret: Redacted.make("s"),
        }),
      )
      assert.strictEqual(provider?.id, "acme")
      assert.strictEqual(provider?.name, "acme")
      assert.strictEqual(provider?.issuer, "https://id.acme.example")
      assert.strictEqual(provider?.discoveryUrl, "https://id.acme.example/.well-known/openid-configuration")
      assert.deepStrictEqual(provider?.scopes, ["openid", "profile", "email"])
      assert.deepStrictEqual(provider?.strategy, {})
    }),
  )

  it.effect("comes from the environment that lists it", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* providersOf(Oidc.layerConfig), [])
      const { BELFRY_OIDC_PROVIDERS: _, ...unlisted } = acme
      assert.deepStrictEqual(yield* providersOf(Oidc.layerConfig, unlisted), [])
      const [provider, ...others] = yield* providersOf(Oidc.layerConfig, acme)
      assert.deepStrictEqual(others, [])
      assert.strictEqual(provider?.name, "Acme Inc.")
      // OpenID Connect Discovery §4.1: the slash at the end is part of the issuer, and not of the document's URL.
      assert.strictEqual(provider?.issuer, "https://id.acme.example/tenant/")
      assert.strictEqual(provider?.discoveryUrl, "https://id.acme.example/tenant/.well-known/openid-configuration")
      assert.deepStrictEqual(provider?.audiences, ["belfry", "other"])
      assert.deepStrictEqual(provider?.scopes, ["openid", "email", "groups"])
      assert.strictEqual(reveal(provider?.clientSecret), "secret")
    }),
  )

  it.effect("may be one of several, whose names may have hyphens", () =>
    Effect.gen(function* () {
      const providers = yield* providersOf(Oidc.layerConfig, {
        ...acme,
        BELFRY_OIDC_PROVIDERS: " globex-eu , acme ",
        BELFRY_OIDC_GLOBEX_EU_ISSUER: "https://id.globex.example",
        BELFRY_OIDC_GLOBEX_EU_CLIENT_ID: "belfry",
      })
      assert.deepStrictEqual(
        providers.map(({ id, tokenEndpointAuthMethod }) => `${id} ${tokenEndpointAuthMethod}`),
        ["globex-eu none", "acme client_secret_post"],
      )
    }),
  )

  it.effect("that is listed and not described, or listed twice, keeps the server from starting", () =>
    Effect.gen(function* () {
      const failure = (environment: Readonly<Record<string, string>>) =>
        Effect.map(Effect.flip(providersOf(Oidc.layerConfig, environment)), (error) => error._tag)
      assert.strictEqual(yield* failure({ BELFRY_OIDC_PROVIDERS: "acme" }), "ProviderInvalid")
      const { BELFRY_OIDC_ACME_ISSUER: _, ...unissued } = acme
      assert.strictEqual(yield* failure(unissued), "ConfigError")
      assert.strictEqual(yield* failure({ ...acme, BELFRY_OIDC_PROVIDERS: "acme,acme" }), "ProviderInvalid")
      assert.strictEqual(yield* failure({ ...acme, BELFRY_OIDC_ACME_ISSUER: "acme" }), "ProviderInvalid")
    }),
  )
})

describe("the presets", () => {
  it.effect("are none in an empty environment", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* providersOf(ProviderPresets.layerConfig), [])
    }),
  )

  it.effect("are all that the environment configures, in one order, a host's own first", () =>
    Effect.gen(function* () {
      const { privateKey } = yield* Effect.promise(() => generateKeyPair("ES256", { extractable: true }))
      const environment = {
        BELFRY_LINE_CLIENT_ID: "line",
        BELFRY_LINE_CLIENT_SECRET: "secret",
        BELFRY_GITHUB_CLIENT_ID: "github",
        BELFRY_GITHUB_CLIENT_SECRET: "secret",
        BELFRY_APPLE_CLIENT_ID: "apple",
        BELFRY_APPLE_TEAM_ID: "team",
        BELFRY_APPLE_KEY_ID: "key",
        BELFRY_APPLE_PRIVATE_KEY: yield* Effect.promise(() => exportPKCS8(privateKey)),
        BELFRY_MICROSOFT_CLIENT_ID: "microsoft",
        BELFRY_GOOGLE_CLIENT_ID: "google",
        BELFRY_GOOGLE_CLIENT_SECRET: "secret",
        ...acme,
      }
      const providers = yield* providersOf(ProviderPresets.layerConfig, environment)
      assert.deepStrictEqual(
        providers.map(({ id }): string => id),
        ["acme", "google", "microsoft", "apple", "github", "line"],
      )
      const google = { BELFRY_GOOGLE_CLIENT_ID: "google", BELFRY_GOOGLE_CLIENT_SECRET: "secret" }
      const [one, ...others] = yield* providersOf(ProviderPresets.layerConfig, google)
      assert.strictEqual(one?.id, "google")
      assert.lengthOf(others, 0)
    }),
  )
})
