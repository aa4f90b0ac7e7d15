/**
 * GitHub as a provider, on github.com or a company's own: OAuth 2.0 without OpenID Connect.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { baseOf, layerConfigured, optionalText, overDefaults, secret, whereConfigured } from "./internal/presets.ts"
import { askApi, imageOf, readJson, text } from "./internal/profiles.ts"
import { unavailable } from "./internal/providerCalls.ts"
import type { OAuthProviderOptions, ProviderInvalid } from "./OAuthProvider.ts"
import { type OAuthProviders, layerProvider } from "./OAuthProviders.ts"
import type { PresetOptions } from "./ProviderPreset.ts"
import type { ProviderStrategy } from "./ProviderStrategy.ts"

/**
 * Where GitHub is.
 *
 * **Details**
 *
 * `baseUrl` is `https://github.com` by default. `apiUrl` follows from it: `https://api.github.com` for github.com and
 * `{baseUrl}/api/v3`, as GitHub Enterprise Server has it, for others.
 *
 * @category models
 * @since 0.1.0
 */
export interface GitHubSettings {
  readonly baseUrl?: string | undefined
  readonly apiUrl?: string | undefined
}

/**
 * The settings of GitHub.
 *
 * @category models
 * @since 0.1.0
 */
export interface GitHubOptions extends PresetOptions, GitHubSettings {}

/**
 * How GitHub differs: errors of the token endpoint come with status 200, scopes with commas, and the profile from its
 * own API.
 *
 * **Details**
 *
 * The address is the primary one, whatever its state, and it counts as verified only where GitHub says so of it. An
 * address that is public in the profile says nothing. An account that hides its addresses from the client has none.
 *
 * @category constructors
 * @since 0.1.0
 */
export const strategy = (settings: GitHubSettings = {}): ProviderStrategy => {
  const { apiUrl } = resolved(settings)
  return {
    profile: Effect.fnUntraced(function* ({ tokens: { accessToken } }, context) {
      if (accessToken === null) return null
      const ask = (path: string) =>
        Effect.mapError(askApi(context, `${apiUrl}${path}`, accessToken, apiHeaders), ({ reason }) =>
          unavailable(context.provider, "userinfo", reason),
        )
      const user = yield* readJson(GitHubUser, context, "userinfo", yield* ask("/user"))
      const answer = yield* ask("/user/emails?per_page=100")
      // Without the scope `user:email`, or the permission of a GitHub App, these are the answers.
      const isHidden = answer.status === 403 || answer.status === 404
      const addresses = isHidden ? [] : yield* readJson(GitHubEmails, context, "userinfo", answer)
      const primary = addresses.find((address) => address.primary)
      return {
        accountId: String(user["id"]),
        email: primary?.email ?? text(user, "email"),
        emailVerified: primary?.verified ?? false,
        name: text(user, "name", "login"),
        image: imageOf(user, "avatar_url"),
        raw: user,
      }
    }),
    scopeSeparator: ",",
    errorOf: ({ error, error_description: description }) =>
      typeof error === "string" ? { error, description: typeof description === "string" ? description : null } : null,
  }
}

/**
 * GitHub as a provider: `read:user user:email`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const options = ({ baseUrl: givenBaseUrl, apiUrl, ...given }: GitHubOptions): OAuthProviderOptions => {
  const { baseUrl } = resolved({ baseUrl: givenBaseUrl })
  return overDefaults(
    {
      id: "github",
      name: "GitHub",
      authorizationEndpoint: `${baseUrl}/login/oauth/authorize`,
      tokenEndpoint: `${baseUrl}/login/oauth/access_token`,
      scopes: ["read:user", "user:email"],
      strategy: strategy({ baseUrl, apiUrl }),
    },
    given,
  )
}

/**
 * Layer that adds GitHub.
 *
 * **Example** (GitHub Enterprise Server)
 *
 * ```ts
 * const GitHubLive = GitHub.layer({
 *   clientId: "Iv1.0123456789abcdef",
 *   clientSecret: Redacted.make("..."),
 *   baseUrl: "https://github.acme.example"
 * })
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (given: GitHubOptions): Layer.Layer<never, ProviderInvalid, OAuthProviders> =>
  layerProvider(options(given))

/**
 * GitHub by `BELFRY_GITHUB_CLIENT_ID`, `_CLIENT_SECRET`, `_BASE_URL` and `_API_URL`; nothing without the first.
 *
 * @category config
 * @since 0.1.0
 */
export const configured = whereConfigured("BELFRY_GITHUB_CLIENT_ID", (clientId) =>
  Effect.gen(function* () {
    const clientSecret = yield* secret("BELFRY_GITHUB_CLIENT_SECRET")
    const baseUrl = yield* optionalText("BELFRY_GITHUB_BASE_URL")
    const apiUrl = yield* optionalText("BELFRY_GITHUB_API_URL")
    return options({ clientId, clientSecret, baseUrl, apiUrl })
  }),
)

/**
 * Layer that adds GitHub where the environment names its client.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig: Layer.Layer<never, ProviderInvalid | Config.ConfigError, OAuthProviders> =
  layerConfigured(configured)

// internal

const GitHubUser = Schema.StructWithRest(Schema.Struct({ id: Schema.Int }), [Schema.Record(Schema.String, Schema.Json)])

const GitHubEmails = Schema.Array(
  Schema.Struct({ email: Schema.String, primary: Schema.Boolean, verified: Schema.Boolean }),
)

const apiHeaders = {
  accept: "application/vnd.github+json",
  "x-github-api-version": "2022-11-28",
  // GitHub refuses requests that do not say who asks.
  "user-agent": "belfry",
}

const resolved = ({ baseUrl, apiUrl }: GitHubSettings) => {
  const base = baseOf(baseUrl ?? "https://github.com")
  const api = base === "https://github.com" ? "https://api.github.com" : `${base}/api/v3`
  return { baseUrl: base, apiUrl: baseOf(apiUrl ?? api) }
}
