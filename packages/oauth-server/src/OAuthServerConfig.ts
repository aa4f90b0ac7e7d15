/**
 * The settings of the authorization server from configuration: `BELFRY_OAUTH_*`.
 *
 * @since 0.1.0
 */
import { ConfigList, parse } from "@belfry/core/ConfigList"
import { boolean, choice, duration, isWithin } from "@belfry/core/ConfigValues"
import { Scope } from "@belfry/core/User"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import { ClientId } from "./OAuthClient.ts"
import { OAuthServerPages } from "./OAuthServerPages.ts"
import { make, OAuthServerSettings, type OAuthServerSettingsService } from "./OAuthServerSettings.ts"
import { ProtectedResource, ResourceIdentifier } from "./ProtectedResource.ts"
import { SigningAlgorithm } from "./SigningKey.ts"

const defaults = make()
const Scopes = ConfigList(Scope)
const scopes = (name: string, byDefault: ReadonlyArray<string>) =>
  Config.schema(Scopes, name).pipe(Config.withDefault(byDefault))
const orNull = <A>(config: Config.Config<A>) => config.pipe(Config.withDefault(null))

// A whole resource, of which all but the identifier has a default.
const ResourceOptions = Schema.Struct({
  identifier: ResourceIdentifier,
  name: Schema.optionalKey(ProtectedResource.fields.name),
  scopes: Schema.optionalKey(ProtectedResource.fields.scopes),
  accessTokenLifetime: Schema.optionalKey(ProtectedResource.fields.accessTokenLifetime),
  signingAlgorithm: Schema.optionalKey(ProtectedResource.fields.signingAlgorithm),
  introspectionClientId: Schema.optionalKey(ProtectedResource.fields.introspectionClientId),
})

const Resources = Schema.String.pipe(
  Schema.decodeTo(Schema.fromJsonString(Schema.Array(ResourceOptions)), {
    decode: SchemaGetter.transform((text: string) =>
      text.trimStart().startsWith("[") ? text : JSON.stringify(parse(text).map((identifier) => ({ identifier }))),
    ),
    encode: SchemaGetter.transform((text: string) => text),
  }),
)

const ScopeLifetimes = Schema.String.pipe(
  Schema.decodeTo(Schema.Record(Schema.String, Schema.DurationFromString.check(isWithin({}))), {
    decode: SchemaGetter.transform((text: string) =>
      Object.fromEntries(
        parse(text).map((entry) => {
          const at = entry.indexOf("=")
          return [entry.slice(0, at), entry.slice(at + 1)]
        }),
      ),
    ),
    encode: SchemaGetter.transform((entries: Readonly<Record<string, string>>) =>
      Object.entries(entries)
        .map(([scope, duration]) => `${scope}=${duration}`)
        .join(","),
    ),
  }),
)

/**
 * The settings of `BELFRY_OAUTH_*`; what is not set is the default.
 *
 * **Details**
 *
 * `BELFRY_OAUTH_RESOURCES` has identifiers separated by commas, or a JSON array of `ProtectedResource`, in which only
 * the identifier is needed. `BELFRY_OAUTH_SCOPE_LIFETIMES` is written `scope=duration`, by commas.
 *
 * @category config
 * @since 0.1.0
 */
export const configSettings: Config.Config<OAuthServerSettingsService> = Config.all({
  scopes: scopes("BELFRY_OAUTH_SCOPES", defaults.scopes),
  defaultScopes: scopes("BELFRY_OAUTH_DEFAULT_SCOPES", defaults.defaultScopes),
  clientCredentialsDefaultScopes: scopes(
    "BELFRY_OAUTH_CLIENT_CREDENTIALS_DEFAULT_SCOPES",
    defaults.clientCredentialsDefaultScopes,
  ),
  codeLifetime: duration("BELFRY_OAUTH_CODE_LIFETIME", defaults.codeLifetime, { maximum: Duration.minutes(10) }),
  requestLifetime: duration("BELFRY_OAUTH_REQUEST_LIFETIME", defaults.requestLifetime, { maximum: Duration.hours(1) }),
  accessTokenLifetime: duration("BELFRY_OAUTH_ACCESS_TOKEN_LIFETIME", defaults.accessTokenLifetime),
  clientCredentialsLifetime: duration("BELFRY_OAUTH_CLIENT_CREDENTIALS_LIFETIME", defaults.clientCredentialsLifetime),
  refreshTokenLifetime: duration("BELFRY_OAUTH_REFRESH_TOKEN_LIFETIME", defaults.refreshTokenLifetime),
  grantLifetime: duration("BELFRY_OAUTH_GRANT_LIFETIME", defaults.grantLifetime),
  idTokenLifetime: duration("BELFRY_OAUTH_ID_TOKEN_LIFETIME", defaults.idTokenLifetime),
  scopeLifetimes: Config.schema(ScopeLifetimes, "BELFRY_OAUTH_SCOPE_LIFETIMES").pipe(
    Config.withDefault(defaults.scopeLifetimes),
  ),
  refreshGrace: duration("BELFRY_OAUTH_REFRESH_GRACE", defaults.refreshGrace, {
    minimum: Duration.zero,
    maximum: Duration.minutes(10),
  }),
  resources: Config.schema(Resources, "BELFRY_OAUTH_RESOURCES").pipe(
    Config.map((resources) => resources.map((resource): ProtectedResource => ({ ...plainResource, ...resource }))),
    Config.withDefault(defaults.resources),
  ),
  registration: choice("BELFRY_OAUTH_REGISTRATION", ["off", "token", "open"], defaults.registration),
  registrationScopes: orNull(Config.schema(Scopes, "BELFRY_OAUTH_REGISTRATION_SCOPES")),
  registrationDefaultScopes: orNull(Config.schema(Scopes, "BELFRY_OAUTH_REGISTRATION_DEFAULT_SCOPES")),
  registrationStepUp: scopes("BELFRY_OAUTH_REGISTRATION_STEP_UP", defaults.registrationStepUp),
  clientMetadataDocuments: choice(
    "BELFRY_OAUTH_CLIENT_METADATA_DOCUMENTS",
    ["off", "on"],
    defaults.clientMetadataDocuments,
  ),
  redirectSchemes: Config.schema(
    ConfigList(Schema.String.check(Schema.isPattern(/^[a-z][a-z0-9+.-]*$/u))),
    "BELFRY_OAUTH_REDIRECT_SCHEMES",
  ).pipe(Config.withDefault(defaults.redirectSchemes)),
  registrationSecretLifetime: orNull(
    Config.schema(Schema.DurationFromString.check(isWithin({})), "BELFRY_OAUTH_REGISTRATION_SECRET_LIFETIME"),
  ),
  secretOverlap: duration("BELFRY_OAUTH_SECRET_OVERLAP", defaults.secretOverlap, { minimum: Duration.zero }),
  trustedClients: Config.schema(ConfigList(ClientId), "BELFRY_OAUTH_TRUSTED_CLIENTS").pipe(
    Config.map((ids): ReadonlySet<ClientId> => new Set(ids)),
    Config.withDefault(defaults.trustedClients),
  ),
  publicClientBeforeSignIn: boolean("BELFRY_OAUTH_PUBLIC_CLIENT_BEFORE_SIGN_IN", defaults.publicClientBeforeSignIn),
  pairwiseSecret: orNull(
    Config.schema(Schema.String.check(Schema.isMinLength(32)), "BELFRY_OAUTH_PAIRWISE_SECRET").pipe(
      Config.map((secret) => Redacted.make(secret, { label: "pairwise secret" })),
    ),
  ),
  accessTokenAlgorithm: choice(
    "BELFRY_OAUTH_ACCESS_TOKEN_ALGORITHM",
    SigningAlgorithm.literals,
    defaults.accessTokenAlgorithm,
  ),
  idTokenAlgorithm: choice("BELFRY_OAUTH_ID_TOKEN_ALGORITHM", SigningAlgorithm.literals, defaults.idTokenAlgorithm),
  keyLifetime: duration("BELFRY_OAUTH_KEY_LIFETIME", defaults.keyLifetime, { minimum: Duration.hours(1) }),
  keyLead: duration("BELFRY_OAUTH_KEY_LEAD", defaults.keyLead, { minimum: Duration.zero }),
  disableJwt: boolean("BELFRY_OAUTH_DISABLE_JWT", defaults.disableJwt),
  endSession: boolean("BELFRY_OAUTH_END_SESSION", defaults.endSession),
  grantTypes: Config.schema(ConfigList(Schema.NonEmptyString), "BELFRY_OAUTH_GRANT_TYPES").pipe(
    Config.withDefault(defaults.grantTypes),
  ),
  rateLimits: boolean("BELFRY_OAUTH_RATE_LIMITS", true).pipe(
    Config.map((isLimited) => (isLimited ? defaults.rateLimits : noLimits)),
  ),
}).pipe(Config.map((settings) => make(settings)))

/**
 * Layer of the settings of the configuration.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = Layer.effect(
  OAuthServerSettings,
  Effect.gen(function* () {
    return yield* configSettings
  }),
)

/**
 * Layer of the pages of `BELFRY_OAUTH_LOGIN_URL`, `_SIGN_UP_URL`, `_CONSENT_URL`, `_SELECT_ACCOUNT_URL` and
 * `_POST_LOGIN_URL`, over those that are provided: a host's own pages, each a path or a URL of an allowed origin.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfigPages = Layer.effect(
  OAuthServerPages,
  Effect.gen(function* () {
    const pages = yield* OAuthServerPages
    const page = (name: string, byDefault: string) => Config.String(name).pipe(Config.withDefault(byDefault))
    return {
      ...pages,
      login: yield* page("BELFRY_OAUTH_LOGIN_URL", pages.login),
      signUp: yield* Config.String("BELFRY_OAUTH_SIGN_UP_URL").pipe(Config.withDefault(pages.signUp)),
      consent: yield* page("BELFRY_OAUTH_CONSENT_URL", pages.consent),
      selectAccount: yield* page("BELFRY_OAUTH_SELECT_ACCOUNT_URL", pages.selectAccount),
      postLogin: yield* Config.String("BELFRY_OAUTH_POST_LOGIN_URL").pipe(Config.withDefault(pages.postLogin)),
    }
  }),
)

// internal

const plainResource = {
  name: null,
  scopes: null,
  accessTokenLifetime: null,
  signingAlgorithm: null,
  introspectionClientId: null,
  isDisabled: false,
} as const

const noLimits: OAuthServerSettingsService["rateLimits"] = {
  authorize: null,
  registration: null,
  clientDocuments: null,
  token: null,
  introspection: null,
  revocation: null,
  userInfo: null,
}
