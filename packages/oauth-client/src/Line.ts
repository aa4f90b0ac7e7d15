/**
 * LINE as a provider.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { verifyLineIdToken } from "./internal/lineIdToken.ts"
import { baseOf, layerConfigured, overDefaults, secret, whereConfigured } from "./internal/presets.ts"
import { claimsOf, standardProfile } from "./internal/profiles.ts"
import type { OAuthProviderOptions, ProviderInvalid } from "./OAuthProvider.ts"
import { type OAuthProviders, layerProvider } from "./OAuthProviders.ts"
import type { PresetOptions } from "./ProviderPreset.ts"
import type { ProviderStrategy } from "./ProviderStrategy.ts"

/**
 * Where LINE is: `https://access.line.me`, which people see and which issues ID tokens, and `https://api.line.me`.
 *
 * @category models
 * @since 0.1.0
 */
export interface LineSettings {
  readonly authority?: string | undefined
  readonly apiUrl?: string | undefined
}

/**
 * The settings of LINE.
 *
 * @category models
 * @since 0.1.0
 */
export interface LineOptions extends PresetOptions, LineSettings {}

/**
 * How LINE differs: ID tokens that only its endpoint verifies, and addresses of which it does not say that they are
 * verified.
 *
 * @category constructors
 * @since 0.1.0
 */
export const strategy = (settings: LineSettings = {}): ProviderStrategy => {
  const { authority, apiUrl } = resolved(settings)
  return {
    validateIdToken: verifyLineIdToken(authority, `${apiUrl}/oauth2/v2.1/verify`),
    profile: Effect.fnUntraced(function* (source) {
      const profile = standardProfile(yield* claimsOf(source, ["name"]))
      return profile === null ? null : { ...profile, emailVerified: false }
    }),
  }
}

/**
 * LINE as a provider: `openid profile email`. LINE gives addresses only to channels that it approved for them.
 *
 * @category constructors
 * @since 0.1.0
 */
export const options = ({
  authority: givenAuthority,
  apiUrl: givenApiUrl,
  ...given
}: LineOptions): OAuthProviderOptions => {
  const { authority, apiUrl } = resolved({ authority: givenAuthority, apiUrl: givenApiUrl })
  return overDefaults(
    {
      id: "line",
      name: "LINE",
      issuer: authority,
      authorizationEndpoint: `${authority}/oauth2/v2.1/authorize`,
      tokenEndpoint: `${apiUrl}/oauth2/v2.1/token`,
      userinfoEndpoint: `${apiUrl}/oauth2/v2.1/userinfo`,
      scopes: ["openid", "profile", "email"],
      strategy: strategy({ authority, apiUrl }),
    },
    given,
  )
}

/**
 * Layer that adds LINE.
 *
 * **Example** (A channel of LINE Login)
 *
 * ```ts
 * const LineLive = Line.layer({ clientId: "1234567890", clientSecret: Redacted.make("...") })
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (given: LineOptions): Layer.Layer<never, ProviderInvalid, OAuthProviders> =>
  layerProvider(options(given))

/**
 * LINE by `BELFRY_LINE_CLIENT_ID` and `BELFRY_LINE_CLIENT_SECRET`; nothing without the first.
 *
 * @category config
 * @since 0.1.0
 */
export const configured = whereConfigured("BELFRY_LINE_CLIENT_ID", (clientId) =>
  Effect.gen(function* () {
    return options({ clientId, clientSecret: yield* secret("BELFRY_LINE_CLIENT_SECRET") })
  }),
)

/**
 * Layer that adds LINE where the environment names its client.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig: Layer.Layer<never, ProviderInvalid | Config.ConfigError, OAuthProviders> =
  layerConfigured(configured)

// internal

const resolved = ({ authority, apiUrl }: LineSettings) => ({
  authority: baseOf(authority ?? "https://access.line.me"),
  apiUrl: baseOf(apiUrl ?? "https://api.line.me"),
})
