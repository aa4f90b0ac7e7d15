/**
 * Microsoft as a provider: accounts of organizations (Entra ID) and of persons.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { photoOf } from "./internal/microsoftPhoto.ts"
import { microsoftProfile } from "./internal/microsoftProfile.ts"
import {
  baseOf,
  layerChecked,
  layerConfigured,
  optionalSecret,
  optionalText,
  overDefaults,
  whereConfigured,
} from "./internal/presets.ts"
import { claimsOf, text } from "./internal/profiles.ts"
import { type OAuthProviderOptions, ProviderInvalid } from "./OAuthProvider.ts"
import type { OAuthProviders } from "./OAuthProviders.ts"
import type { PresetOptions } from "./ProviderPreset.ts"
import type { ProviderStrategy } from "./ProviderStrategy.ts"

/**
 * The sizes of profile photos that Microsoft has, in pixels of a side.
 *
 * @category models
 * @since 0.1.0
 */
export const PhotoSize = Schema.Literals([48, 64, 96, 120, 240, 360, 432, 504, 648])
/**
 * @category models
 * @since 0.1.0
 */
export type PhotoSize = typeof PhotoSize.Type

/**
 * What Microsoft's strategy is made of.
 *
 * **Details**
 *
 * `tenant` is the id of a tenant, a UUID, or `common` (everybody, the default), `organizations` (no personal accounts)
 * or `consumers` (only those). The domain name of a tenant is not taken: issuers carry the id, so there would be
 * nothing to compare with. `authority` and `graphUrl` are `https://login.microsoftonline.com` and
 * `https://graph.microsoft.com` unless a sovereign cloud has others. The photo has 48 pixels unless `profilePhotoSize`
 * says otherwise.
 *
 * @category models
 * @since 0.1.0
 */
export interface MicrosoftSettings {
  readonly tenant?: string | undefined
  readonly authority?: string | undefined
  readonly graphUrl?: string | undefined
  readonly disableProfilePhoto?: boolean | undefined
  readonly profilePhotoSize?: PhotoSize | undefined
}

/**
 * The settings of Microsoft. Without `clientSecret` the client is public.
 *
 * @category models
 * @since 0.1.0
 */
export interface MicrosoftOptions extends PresetOptions, MicrosoftSettings {}

/**
 * How Microsoft differs: one issuer for each tenant, e-mail addresses that prove little, photos, scopes on refresh.
 *
 * @category constructors
 * @since 0.1.0
 */
export const strategy = (settings: MicrosoftSettings = {}): ProviderStrategy => {
  const { tenant, authority, graph } = resolved(settings)
  return {
    acceptsIssuer: (issuer, claims) => {
      const tenantId = text(claims, "tid")
      return (
        tenantId !== null &&
        isTenantId(tenantId) &&
        issuer === `${authority}/${tenantId}/v2.0` &&
        admits(tenant, tenantId.toLowerCase())
      )
    },
    profile: Effect.fnUntraced(function* (source, context) {
      const profile = microsoftProfile(yield* claimsOf(source, ["email", "name"]))
      if (profile === null || settings.disableProfilePhoto === true) return profile
      const size = settings.profilePhotoSize ?? 48
      const image = yield* photoOf(context, `${graph}/v1.0/me/photos/${size}x${size}/$value`, source.tokens)
      return { ...profile, image }
    }),
    refreshParams: (tokens, { provider }) => {
      const granted = tokens.scope?.split(" ").filter((scope) => scope !== "") ?? []
      // What was granted is told without `offline_access`, which without there would be no further refresh token.
      const scopes = granted.length === 0 ? provider.scopes : new Set([...granted, "offline_access"])
      return { scope: [...scopes].join(" ") }
    },
  }
}

/**
 * Microsoft as a provider, of one tenant or all.
 *
 * @category constructors
 * @since 0.1.0
 */
export const options = (given: MicrosoftOptions): OAuthProviderOptions => {
  const { tenant: _, authority: __, graphUrl, disableProfilePhoto, profilePhotoSize, ...rest } = given
  const { tenant, authority, graph } = resolved(given)
  return overDefaults(
    {
      id: "microsoft",
      name: "Microsoft",
      issuer: isTenantId(tenant) ? `${authority}/${tenant}/v2.0` : undefined,
      authorizationEndpoint: `${authority}/${tenant}/oauth2/v2.0/authorize`,
      tokenEndpoint: `${authority}/${tenant}/oauth2/v2.0/token`,
      jwksUri: `${authority}/${tenant}/discovery/v2.0/keys`,
      userinfoEndpoint: `${graph}/oidc/userinfo`,
      scopes: ["openid", "profile", "email", "offline_access", "User.Read"],
      responseMode: "query",
      strategy: strategy({ tenant, authority, graphUrl, disableProfilePhoto, profilePhotoSize }),
    },
    rest,
  )
}

/**
 * Layer that adds Microsoft. Fails when the tenant is neither an id nor one of the three names.
 *
 * **Example** (One organization)
 *
 * ```ts
 * const MicrosoftLive = Microsoft.layer({
 *   clientId: "7f0c2f7e-...",
 *   clientSecret: Redacted.make("..."),
 *   tenant: "3f1e0d5c-8c0f-4a55-9a47-0b1f3f6c7d21"
 * })
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (given: MicrosoftOptions): Layer.Layer<never, ProviderInvalid, OAuthProviders> =>
  layerChecked(checked(given))

/**
 * Microsoft by `BELFRY_MICROSOFT_CLIENT_ID`, `_CLIENT_SECRET`, `_TENANT`, `_AUTHORITY`, `_GRAPH_URL`,
 * `_DISABLE_PROFILE_PHOTO` and `_PROFILE_PHOTO_SIZE`; nothing without the first.
 *
 * @category config
 * @since 0.1.0
 */
export const configured = whereConfigured("BELFRY_MICROSOFT_CLIENT_ID", (clientId) =>
  Effect.gen(function* () {
    const clientSecret = yield* optionalSecret("BELFRY_MICROSOFT_CLIENT_SECRET")
    const tenant = yield* optionalText("BELFRY_MICROSOFT_TENANT")
    const authority = yield* optionalText("BELFRY_MICROSOFT_AUTHORITY")
    const graphUrl = yield* optionalText("BELFRY_MICROSOFT_GRAPH_URL")
    const disableProfilePhoto = yield* Config.Boolean("BELFRY_MICROSOFT_DISABLE_PROFILE_PHOTO").pipe(
      Config.withDefault(false),
    )
    const profilePhotoSize = yield* Config.schema(PhotoSizeFromString, "BELFRY_MICROSOFT_PROFILE_PHOTO_SIZE").pipe(
      Config.withDefault(undefined),
    )
    const settings = { tenant, authority, graphUrl, disableProfilePhoto, profilePhotoSize }
    return yield* checked({ clientId, clientSecret, ...settings })
  }),
)

/**
 * Layer that adds Microsoft where the environment names its client.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig: Layer.Layer<never, ProviderInvalid | Config.ConfigError, OAuthProviders> =
  layerConfigured(configured)

// internal

const PhotoSizeFromString = Schema.NumberFromString.pipe(Schema.decodeTo(PhotoSize))

const defaultAuthority = "https://login.microsoftonline.com"
const defaultGraph = "https://graph.microsoft.com"

/** The tenant of all personal accounts. */
const consumersTenantId = "9188040d-6c67-4c5b-b112-36a304b66dad"

const resolved = ({ tenant, authority, graphUrl }: MicrosoftSettings) => ({
  tenant: tenant?.toLowerCase() ?? "common",
  authority: baseOf(authority ?? defaultAuthority),
  graph: baseOf(graphUrl ?? defaultGraph),
})

const isTenantId = (text: string): boolean => /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/iu.test(text)

const admits = (tenant: string, tenantId: string): boolean => {
  switch (tenant) {
    case "common":
      return true
    case "organizations":
      return tenantId !== consumersTenantId
    case "consumers":
      return tenantId === consumersTenantId
    default:
      return tenantId === tenant
  }
}

const checked = (given: MicrosoftOptions): Effect.Effect<OAuthProviderOptions, ProviderInvalid> => {
  const { tenant } = resolved(given)
  return isTenantId(tenant) || ["common", "organizations", "consumers"].includes(tenant)
    ? Effect.succeed(options(given))
    : Effect.fail(
        new ProviderInvalid({
          providerId: given.id ?? "microsoft",
          reason: "its tenant is neither an id nor common, organizations or consumers",
        }),
      )
}
