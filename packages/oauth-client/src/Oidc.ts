/**
 * Any provider of OpenID Connect, by its discovery document.
 *
 * @since 0.1.0
 */
import * as ConfigList from "@belfry/core/ConfigList"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { baseOf, layerConfigured, optionalSecret, optionalText, overDefaults } from "./internal/presets.ts"
import { type OAuthProviderOptions, ProviderInvalid } from "./OAuthProvider.ts"
import { type OAuthProviders, layerProvider } from "./OAuthProviders.ts"
import type { PresetOptions } from "./ProviderPreset.ts"
import type { ProviderStrategy } from "./ProviderStrategy.ts"

/**
 * The settings of a provider of OpenID Connect. Its discovery document is looked for below the issuer.
 *
 * @see [OpenID Connect Discovery §4](https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig)
 * @category models
 * @since 0.1.0
 */
export interface OidcOptions extends PresetOptions {
  readonly id: string
  readonly issuer: string
}

/**
 * How the provider differs from the standard: not at all.
 *
 * @category constructors
 * @since 0.1.0
 */
export const strategy: ProviderStrategy = {}

/**
 * A provider of OpenID Connect: `openid profile email`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const options = (given: OidcOptions): OAuthProviderOptions =>
  overDefaults(
    {
      id: given.id,
      discoveryUrl: `${baseOf(given.issuer)}/.well-known/openid-configuration`,
      scopes: ["openid", "profile", "email"],
      strategy,
    },
    given,
  )

/**
 * Layer that adds a provider of OpenID Connect.
 *
 * **Example** (A company's own identity provider)
 *
 * ```ts
 * const AcmeLive = Oidc.layer({
 *   id: "acme",
 *   name: "Acme",
 *   issuer: "https://id.acme.example",
 *   clientId: "belfry",
 *   clientSecret: Redacted.make("...")
 * })
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (given: OidcOptions): Layer.Layer<never, ProviderInvalid, OAuthProviders> =>
  layerProvider(options(given))

/**
 * The providers that `BELFRY_OIDC_PROVIDERS` lists, by comma, each by its own settings.
 *
 * **Details**
 *
 * For `acme` they are `BELFRY_OIDC_ACME_ISSUER` and `BELFRY_OIDC_ACME_CLIENT_ID`, both required, and
 * `BELFRY_OIDC_ACME_CLIENT_SECRET`, `BELFRY_OIDC_ACME_NAME` and `BELFRY_OIDC_ACME_SCOPES` (separated by spaces).
 *
 * @category config
 * @since 0.1.0
 */
export const configured = Effect.gen(function* () {
  return yield* Effect.forEach(yield* ConfigList.config("BELFRY_OIDC_PROVIDERS"), fromEnvironment)
})

/**
 * Layer that adds the providers that `BELFRY_OIDC_PROVIDERS` lists.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig: Layer.Layer<never, ProviderInvalid | Config.ConfigError, OAuthProviders> =
  layerConfigured(configured)

// internal

const fromEnvironment = Effect.fnUntraced(function* (id: string) {
  const setting = (name: string) => name.replace("<NAME>", id.toUpperCase().replaceAll("-", "_"))
  const [clientId, ...others] = yield* ConfigList.config(setting("BELFRY_OIDC_<NAME>_CLIENT_ID"))
  if (clientId === undefined) {
    return yield* new ProviderInvalid({ providerId: id, reason: "it is listed, and its client id is not set" })
  }
  const issuer = yield* Config.NonEmptyString(setting("BELFRY_OIDC_<NAME>_ISSUER"))
  const clientSecret = yield* optionalSecret(setting("BELFRY_OIDC_<NAME>_CLIENT_SECRET"))
  const name = yield* optionalText(setting("BELFRY_OIDC_<NAME>_NAME"))
  const scopes = (yield* optionalText(setting("BELFRY_OIDC_<NAME>_SCOPES")))?.split(/\s+/u)
  return options({ id, name, issuer, clientId: [clientId, ...others], clientSecret, scopes })
})
