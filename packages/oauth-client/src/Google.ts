/**
 * Google as a provider.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { layerConfigured, baseOf, optionalText, overDefaults, secret, whereConfigured } from "./internal/presets.ts"
import { claimsOf, standardProfile, text } from "./internal/profiles.ts"
import type { OAuthProviderOptions, ProviderInvalid } from "./OAuthProvider.ts"
import { type OAuthProviders, layerProvider } from "./OAuthProviders.ts"
import { type Claims, IdTokenInvalid } from "./OAuthTokens.ts"
import type { PresetOptions } from "./ProviderPreset.ts"
import type { ProviderStrategy, StrategyContext } from "./ProviderStrategy.ts"

/**
 * What Google's strategy is made of.
 *
 * **Details**
 *
 * `hostedDomain` lets in nobody but accounts of that Workspace domain, `*` accounts of any. It is sent as `hd`, which
 * only sorts the list of accounts that Google shows, and verified in what Google says of the person. `authority` is
 * where Google is, `https://accounts.google.com` by default.
 *
 * @category models
 * @since 0.1.0
 */
export interface GoogleSettings {
  readonly hostedDomain?: string | undefined
  readonly authority?: string | undefined
}

/**
 * The settings of Google.
 *
 * @category models
 * @since 0.1.0
 */
export interface GoogleOptions extends PresetOptions, GoogleSettings {}

/**
 * How Google differs: two spellings of its issuer, the hosted domain, a refresh token only on request.
 *
 * @category constructors
 * @since 0.1.0
 */
export const strategy = (settings: GoogleSettings = {}): ProviderStrategy => {
  const issuer = baseOf(settings.authority ?? defaultAuthority)
  const hostedDomain = settings.hostedDomain?.toLowerCase()
  const checkHostedDomain = (claims: Claims | null, { provider }: StrategyContext) => {
    if (hostedDomain === undefined) return Effect.void
    const domain = text(claims, "hd")?.toLowerCase() ?? null
    return domain !== null && (hostedDomain === "*" || domain === hostedDomain)
      ? Effect.void
      : Effect.fail(new IdTokenInvalid({ providerId: provider.id, reason: "hosted-domain" }))
  }
  return {
    authorizationParams: () => ({
      include_granted_scopes: "true",
      ...(hostedDomain === undefined ? {} : { hd: hostedDomain }),
    }),
    acceptsIssuer: (claimed) => claimed === issuer || claimed === issuer.replace(/^https:\/\//u, ""),
    checkClaims: checkHostedDomain,
    profile: Effect.fnUntraced(function* (source, context) {
      const sources = yield* claimsOf(source, ["email", "name", "picture"])
      // Where `openid` was not among the scopes there was no ID token in which the domain would have been checked.
      if (source.claims === null) yield* checkHostedDomain(sources[0] ?? null, context)
      return standardProfile(sources)
    }),
  }
}

/**
 * Google as a provider: `openid email profile`, with a refresh token.
 *
 * @category constructors
 * @since 0.1.0
 */
export const options = ({ hostedDomain, authority, ...given }: GoogleOptions): OAuthProviderOptions => {
  const issuer = baseOf(authority ?? defaultAuthority)
  return overDefaults(
    {
      id: "google",
      name: "Google",
      issuer,
      discoveryUrl: `${issuer}/.well-known/openid-configuration`,
      scopes: ["openid", "email", "profile"],
      accessType: "offline",
      prompt: "consent",
      strategy: strategy({ hostedDomain, authority }),
    },
    given,
  )
}

/**
 * Layer that adds Google.
 *
 * **Example** (Only the people of one Workspace)
 *
 * ```ts
 * const GoogleLive = Google.layer({
 *   clientId: "123.apps.googleusercontent.com",
 *   clientSecret: Redacted.make("..."),
 *   hostedDomain: "acme.example"
 * })
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (given: GoogleOptions): Layer.Layer<never, ProviderInvalid, OAuthProviders> =>
  layerProvider(options(given))

/**
 * Google by `BELFRY_GOOGLE_CLIENT_ID`, `BELFRY_GOOGLE_CLIENT_SECRET` and `BELFRY_GOOGLE_HOSTED_DOMAIN`; nothing without
 * the first.
 *
 * @category config
 * @since 0.1.0
 */
export const configured = whereConfigured("BELFRY_GOOGLE_CLIENT_ID", (clientId) =>
  Effect.gen(function* () {
    const clientSecret = yield* secret("BELFRY_GOOGLE_CLIENT_SECRET")
    const hostedDomain = yield* optionalText("BELFRY_GOOGLE_HOSTED_DOMAIN")
    return options({ clientId, clientSecret, hostedDomain })
  }),
)

/**
 * Layer that adds Google where the environment names its client.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig: Layer.Layer<never, ProviderInvalid | Config.ConfigError, OAuthProviders> =
  layerConfigured(configured)

// internal

const defaultAuthority = "https://accounts.google.com"
