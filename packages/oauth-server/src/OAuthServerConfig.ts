/**
 * The settings of the authorization server from configuration: `BELFRY_OAUTH_*`.
 *
 * @since 0.1.0
 */
import { Scope } from "@belfry/core/User"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import { boolean, choice, isWithin, lifetime, List, named, split } from "./internal/configValues.ts"
import { ClientId } from "./OAuthClient.ts"
import { OAuthServerPages } from "./OAuthServerPages.ts"
import { make, OAuthServerSettings, type OAuthServerSettingsService } from "./OAuthServerSettings.ts"
import { ProtectedResource, ResourceIdentifier } from "./ProtectedResource.ts"
import { SigningAlgorithm } from "./SigningKey.ts"

const defaults = make()
const Scopes = List(Scope)
const scopes = (name: string, byDefault: ReadonlyArray<string>) =>
  Config.schema(Scopes, named(name)).pipe(Config.withDefault(byDefault))
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
      text.trimStart().startsWith("[") ? text : JSON.stringify(split(text).map((identifier) => ({ identifier }))),
    ),
    encode: SchemaGetter.transform((text: string) => text),
  }),
)

const ScopeLifetimes = Schema.String.pipe(
  Schema.decodeTo(Schema.Record(Schema.String, Schema.DurationFromString.check(isWithin({}))), {
    decode: SchemaGetter.transform((text: string) =>
      Object.fromEntries(
        split(text).map((entry) => {
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
 * `BELFRY_OAUTH_RESOURCES` has identifiers separated by commas, or a JSON array of `ProtectedResource`, in which only the
 * identifier is needed. `BELFRY_OAUTH_SCOPE_LIFETIMES` is written `scope=duration`, by commas.
 *
 * @category config
 * @since 0.1.0
 */
export const configSettings: Config.Config<OAuthServerSettingsService> = Config.all({
  scopes: scopes("SCOPES", defaults.scopes),
  defaultScopes: scopes("DEFAULT_SCOPES", defaults.defaultScopes),
  clientCredentialsDefaultScopes: scopes("CLIENT_CREDENTIALS_DEFAULT_SCOPES", defaults.clientCredentialsDefaultScopes),
  codeLifetime: lifetime("CODE_LIFETIME", defaults.codeLifetime, { maximum: Duration.minutes(10) }),
  requestLifetime: lifetime("REQUEST_LIFETIME", defaults.requestLifetime, { maximum: Duration.hours(1) }),
  accessTokenLifetime: lifetime("ACCESS_TOKEN_LIFETIME", defaults.accessTokenLifetime),
  clientCredentialsLifetime: lifetime("CLIENT_CREDENTIALS_LIFETIME", defaults.clientCredentialsLifetime),
  refreshTokenLifetime: lifetime("REFRESH_TOKEN_LIFETIME", defaults.refreshTokenLifetime),
  grantLifetime: lifetime("GRANT_LIFETIME", defaults.grantLifetime),
  idTokenLifetime: lifetime("ID_TOKEN_LIFETIME", defaults.idTokenLifetime),
  scopeLifetimes: Config.schema(ScopeLifetimes, named("SCOPE_LIFETIMES")).pipe(
    Config.withDefault(defaults.scopeLifetimes),
  ),
  refreshGrace: lifetime("REFRESH_GRACE", defaults.refreshGrace, {
    minimum: Duration.zero,
    maximum: Duration.minutes(10),
  }),
  resources: Config.schema(Resources, named("RESOURCES")).pipe(
    Config.map((resources) => resources.map((resource): ProtectedResource => ({ ...plainResource, ...resource }))),
    Config.withDefault(defaults.resources),
  ),
  registration: choice("REGISTRATION", ["off", "token", "open"], defaults.registration),
  registrationScopes: orNull(Config.schema(Scopes, named("REGISTRATION_SCOPES"))),
  registrationDefaultScopes: orNull(Config.schema(Scopes, named("REGISTRATION_DEFAULT_SCOPES"))),
  redirectSchemes: Config.schema(
    List(Schema.String.check(Schema.isPattern(/^[a-z][a-z0-9+.-]*$/u))),
    named("REDIRECT_SCHEMES"),
  ).pipe(Config.withDefault(defaults.redirectSchemes)),
  registrationSecretLifetime: orNull(
    Config.schema(Schema.DurationFromString.check(isWithin({})), named("REGISTRATION_SECRET_LIFETIME")),
  ),
  secretOverlap: lifetime("SECRET_OVERLAP", defaults.secretOverlap, { minimum: Duration.zero }),
  trustedClients: Config.schema(List(ClientId), named("TRUSTED_CLIENTS")).pipe(
    Config.map((ids): ReadonlySet<ClientId> => new Set(ids)),
    Config.withDefault(defaults.trustedClients),
  ),
  publicClientBeforeSignIn: boolean("PUBLIC_CLIENT_BEFORE_SIGN_IN", defaults.publicClientBeforeSignIn),
  pairwiseSecret: orNull(
    Config.schema(Schema.String.check(Schema.isMinLength(32)), named("PAIRWISE_SECRET")).pipe(
      Config.map((secret) => Redacted.make(secret, { label: "pairwise secret" })),
    ),
  ),
  accessTokenAlgorithm: choice("ACCESS_TOKEN_ALGORITHM", SigningAlgorithm.literals, defaults.accessTokenAlgorithm),
  idTokenAlgorithm: choice("ID_TOKEN_ALGORITHM", SigningAlgorithm.literals, defaults.idTokenAlgorithm),
  keyLifetime: lifetime("KEY_LIFETIME", defaults.keyLifetime, { minimum: Duration.hours(1) }),
  keyLead: lifetime("KEY_LEAD", defaults.keyLead, { minimum: Duration.zero }),
  disableJwt: boolean("DISABLE_JWT", defaults.disableJwt),
  endSession: boolean("END_SESSION", defaults.endSession),
  grantTypes: Config.schema(List(Schema.NonEmptyString), named("GRANT_TYPES")).pipe(
    Config.withDefault(defaults.grantTypes),
  ),
  rateLimits: boolean("RATE_LIMITS", true).pipe(
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
    const page = (name: string, byDefault: string) => Config.String(named(name)).pipe(Config.withDefault(byDefault))
    return {
      ...pages,
      login: yield* page("LOGIN_URL", pages.login),
      signUp: yield* Config.String(named("SIGN_UP_URL")).pipe(Config.withDefault(pages.signUp)),
      consent: yield* page("CONSENT_URL", pages.consent),
      selectAccount: yield* page("SELECT_ACCOUNT_URL", pages.selectAccount),
      postLogin: yield* Config.String(named("POST_LOGIN_URL")).pipe(Config.withDefault(pages.postLogin)),
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
  token: null,
  introspection: null,
  revocation: null,
  userInfo: null,
}
