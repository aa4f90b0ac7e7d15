/**
 * Apple as a provider: its client secret is signed on the fly, and the name of a person comes once.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { type AppleKey, makeAppleClientSecret, readAppleKey } from "./internal/appleClientSecret.ts"
import { baseOf, layerChecked, layerConfigured, overDefaults, secret, whereConfigured } from "./internal/presets.ts"
import { isTrue, text } from "./internal/profiles.ts"
import { type OAuthProviderOptions, ProviderInvalid } from "./OAuthProvider.ts"
import type { OAuthProviders } from "./OAuthProviders.ts"
import type { PresetOptions } from "./ProviderPreset.ts"
import type { ProviderStrategy } from "./ProviderStrategy.ts"

/**
 * What Apple's strategy is made of.
 *
 * **Details**
 *
 * `teamId`, `keyId` and `privateKey` (the `.p8` file: PKCS#8 in PEM, of P-256) belong to the developer's account.
 * `authority` is where Apple is, `https://appleid.apple.com` by default.
 *
 * @category models
 * @since 0.1.0
 */
export interface AppleSettings extends AppleKey {
  readonly authority?: string | undefined
}

/**
 * The settings of Apple. There is no `clientSecret`: it is made of the key.
 *
 * @category models
 * @since 0.1.0
 */
export interface AppleOptions extends Omit<PresetOptions, "clientSecret" | "clientKey">, AppleSettings {}

/**
 * How Apple differs: the client secret, booleans that are texts, the name in the first callback alone, no UserInfo.
 *
 * **Details**
 *
 * The `user` field of the first callback is not signed. So only the name is taken from it, never the address, and what
 * is malformed or longer than 2048 characters is as if it were not there.
 *
 * @category constructors
 * @since 0.1.0
 */
export const strategy = (settings: AppleSettings): ProviderStrategy => ({
  clientSecret: makeAppleClientSecret(settings, baseOf(settings.authority ?? defaultAuthority)),
  profile: ({ claims, callbackFields }) => {
    const accountId = text(claims, "sub")
    if (claims === null || accountId === null) return Effect.succeed(null)
    return Effect.succeed({
      accountId,
      email: text(claims, "email"),
      emailVerified: isTrue(claims["email_verified"]),
      name: nameOf(callbackFields["user"] ?? "") ?? text(claims, "name"),
      image: null,
      raw: claims,
    })
  },
})

/**
 * Apple as a provider: `openid name email`. Where the name or the address is asked, Apple answers by `form_post` alone.
 *
 * @category constructors
 * @since 0.1.0
 */
export const options = ({ teamId, keyId, privateKey, authority, ...given }: AppleOptions): OAuthProviderOptions => {
  const issuer = baseOf(authority ?? defaultAuthority)
  const scopes = given.scopes ?? ["openid", "name", "email"]
  return overDefaults(
    {
      id: "apple",
      name: "Apple",
      issuer,
      authorizationEndpoint: `${issuer}/auth/authorize`,
      tokenEndpoint: `${issuer}/auth/token`,
      jwksUri: `${issuer}/auth/keys`,
      scopes,
      responseMode: scopes.includes("name") || scopes.includes("email") ? "form_post" : undefined,
      strategy: strategy({ teamId, keyId, privateKey, authority }),
    },
    given,
  )
}

/**
 * Layer that adds Apple. Fails when the key cannot sign.
 *
 * **Example** (Sign in with Apple)
 *
 * ```ts
 * const AppleLive = Apple.layer({
 *   clientId: "example.acme.signin",
 *   teamId: "ABCDE12345",
 *   keyId: "KEY1234567",
 *   privateKey: Redacted.make("-----BEGIN PRIVATE KEY-----...")
 * })
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (given: AppleOptions): Layer.Layer<never, ProviderInvalid, OAuthProviders> =>
  layerChecked(checked(given))

/**
 * Apple by `BELFRY_APPLE_CLIENT_ID`, `_TEAM_ID`, `_KEY_ID` and `_PRIVATE_KEY`; nothing without the first.
 *
 * @category config
 * @since 0.1.0
 */
export const configured = whereConfigured("BELFRY_APPLE_CLIENT_ID", (clientId) =>
  Effect.gen(function* () {
    const teamId = yield* Config.NonEmptyString("BELFRY_APPLE_TEAM_ID")
    const keyId = yield* Config.NonEmptyString("BELFRY_APPLE_KEY_ID")
    const privateKey = yield* secret("BELFRY_APPLE_PRIVATE_KEY")
    return yield* checked({ clientId, teamId, keyId, privateKey })
  }),
)

/**
 * Layer that adds Apple where the environment names its client.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig: Layer.Layer<never, ProviderInvalid | Config.ConfigError, OAuthProviders> =
  layerConfigured(configured)

// internal

const defaultAuthority = "https://appleid.apple.com"

const checked = Effect.fnUntraced(function* (given: AppleOptions) {
  if ((yield* readAppleKey(given)) === null) {
    return yield* new ProviderInvalid({
      providerId: given.id ?? "apple",
      reason: "its private key is no key of P-256 in PKCS#8",
    })
  }
  return options(given)
})

const AppleUser = Schema.fromJsonString(
  Schema.Struct({
    name: Schema.Struct({
      firstName: Schema.optionalKey(Schema.NullOr(Schema.String)),
      lastName: Schema.optionalKey(Schema.NullOr(Schema.String)),
    }),
  }),
)

const nameOf = (field: string): string | null => {
  if (field === "" || field.length > 2048) return null
  const user = Schema.decodeUnknownOption(AppleUser)(field)
  if (Option.isNone(user)) return null
  const { firstName, lastName } = user.value.name
  const name = [firstName, lastName]
    .map((part) => part?.trim() ?? "")
    .filter((part) => part !== "")
    .join(" ")
  return name === "" || name.length > 200 ? null : name
}
