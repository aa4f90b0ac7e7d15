/**
 * A provider that people sign in with: its settings, and how it differs from others.
 *
 * @since 0.1.0
 */

import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { ProviderHooks, ProviderStrategy } from "./ProviderStrategy.ts"

/**
 * Identifies a provider, in routes and in the names of cookies: 1 to 64 letters, digits, `_` or `-`.
 *
 * @category models
 * @since 0.1.0
 */
export const ProviderId = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_-]{1,64}$/u)).pipe(
  Schema.brand("ProviderId"),
)
/**
 * @category models
 * @since 0.1.0
 */
export type ProviderId = typeof ProviderId.Type

/**
 * How a client proves itself at the token endpoint.
 *
 * @see [OpenID Connect Core §9](https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication)
 * @category models
 * @since 0.1.0
 */
export type TokenEndpointAuthMethod = "none" | "client_secret_basic" | "client_secret_post" | "private_key_jwt"

/**
 * A key that signs client assertions or client secrets: PKCS#8 in PEM, or a JWK in JSON.
 *
 * @category models
 * @since 0.1.0
 */
export interface ClientKey {
  readonly key: Redacted.Redacted
  readonly keyId: string
  /** `ES256` unless it says otherwise. */
  readonly algorithm?: string
}

/**
 * The settings of a provider.
 *
 * **Details**
 *
 * Either `discoveryUrl`, or both `authorizationEndpoint` and `tokenEndpoint`; endpoints given here win over discovery.
 * Of several `clientId`s the first one asks, and ID tokens for any of them are taken. Without `clientSecret` and
 * `clientKey` the client is public (`none`). PKCE is S256 and always used unless `usePkce` is false; `useNonce` counts
 * only where `openid` is among the scopes.
 *
 * `disableSignUp`: nobody new joins through this provider. `disableImplicitSignUp`: somebody new joins only where the
 * flow asked for it. `allowImplicitAccountLinking`: links to the user who has the same address, if the address is
 * verified on both sides, or if `trustedForAccountLinking`. `allowDifferentLinkEmails`: who is signed in may link an
 * account of another address.
 *
 * @category models
 * @since 0.1.0
 */
export interface OAuthProviderOptions {
  readonly id: string
  /** What people read on buttons; the id where left out. */
  readonly name?: string | undefined
  readonly clientId: string | readonly [string, ...ReadonlyArray<string>]
  readonly clientSecret?: Redacted.Redacted | undefined
  readonly clientKey?: ClientKey | undefined
  readonly discoveryUrl?: string | undefined
  readonly issuer?: string | undefined
  readonly requireIssuerParameterValidation?: boolean | undefined
  readonly authorizationEndpoint?: string | undefined
  readonly tokenEndpoint?: string | undefined
  readonly userinfoEndpoint?: string | undefined
  readonly jwksUri?: string | undefined
  readonly scopes?: ReadonlyArray<string> | undefined
  readonly responseMode?: "query" | "form_post" | undefined
  readonly prompt?: string | undefined
  readonly accessType?: string | undefined
  readonly stateStrategy?: "adapter" | "cookie" | undefined
  readonly usePkce?: boolean | undefined
  readonly useNonce?: boolean | undefined
  readonly overrideUserInfoOnSignIn?: boolean | undefined
  readonly updateAccountOnSignIn?: boolean | undefined
  readonly tokenEndpointAuthMethod?: TokenEndpointAuthMethod | undefined
  readonly authorizationParams?: Readonly<Record<string, string>> | undefined
  readonly tokenParams?: Readonly<Record<string, string>> | undefined
  readonly discoveryHeaders?: Readonly<Record<string, string>> | undefined
  readonly disableSignUp?: boolean | undefined
  readonly disableImplicitSignUp?: boolean | undefined
  readonly disableIdTokenSignIn?: boolean | undefined
  readonly allowImplicitAccountLinking?: boolean | undefined
  readonly allowDifferentLinkEmails?: boolean | undefined
  readonly trustedForAccountLinking?: boolean | undefined
  readonly storeAccountCookie?: boolean | undefined
  readonly defaultErrorRedirectUrl?: string | undefined
  readonly strategy?: ProviderStrategy | undefined
  readonly hooks?: ProviderHooks | undefined
}

/**
 * A provider with every setting filled in.
 *
 * @category models
 * @since 0.1.0
 */
export interface OAuthProvider {
  readonly id: ProviderId
  readonly name: string
  readonly clientId: string
  /** All client ids whose ID tokens are taken, `clientId` among them. */
  readonly audiences: ReadonlyArray<string>
  readonly clientSecret: Redacted.Redacted | null
  readonly clientKey: ClientKey | null
  readonly discoveryUrl: string | null
  readonly issuer: string | null
  readonly requireIssuerParameterValidation: boolean
  readonly authorizationEndpoint: string | null
  readonly tokenEndpoint: string | null
  readonly userinfoEndpoint: string | null
  readonly jwksUri: string | null
  readonly scopes: ReadonlyArray<string>
  readonly responseMode: "query" | "form_post" | null
  readonly prompt: string | null
  readonly accessType: string | null
  readonly stateStrategy: "adapter" | "cookie"
  readonly usePkce: boolean
  readonly useNonce: boolean
  readonly overrideUserInfoOnSignIn: boolean
  readonly updateAccountOnSignIn: boolean
  readonly tokenEndpointAuthMethod: TokenEndpointAuthMethod
  readonly authorizationParams: Readonly<Record<string, string>>
  readonly tokenParams: Readonly<Record<string, string>>
  readonly discoveryHeaders: Readonly<Record<string, string>>
  readonly disableSignUp: boolean
  readonly disableImplicitSignUp: boolean
  readonly disableIdTokenSignIn: boolean
  readonly allowImplicitAccountLinking: boolean
  readonly allowDifferentLinkEmails: boolean
  readonly trustedForAccountLinking: boolean
  readonly storeAccountCookie: boolean
  readonly defaultErrorRedirectUrl: string | null
  readonly strategy: ProviderStrategy
  readonly hooks: ProviderHooks
}

/**
 * A provider's settings contradict one another, or lack something; `reason` says which.
 *
 * @category errors
 * @since 0.1.0
 */
export class ProviderInvalid extends Schema.TaggedError<ProviderInvalid>("@belfry/oauth-client/ProviderInvalid")(
  "ProviderInvalid",
  { providerId: Schema.String, reason: Schema.String },
) {
  override get message(): string {
    return `The provider ${this.providerId} cannot be used: ${this.reason}`
  }
}

/**
 * Fills in the settings of a provider. Fails when they contradict one another.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: OAuthProviderOptions): Result.Result<OAuthProvider, ProviderInvalid> => {
  const fail = (reason: string) => Result.fail(new ProviderInvalid({ providerId: options.id, reason }))
  const id = Schema.decodeOption(ProviderId)(options.id)
  if (Option.isNone(id)) return fail("its id has other characters than letters, digits, _ and -, or too many")
  const audiences = typeof options.clientId === "string" ? [options.clientId] : options.clientId
  const [clientId] = audiences
  if (clientId === undefined || audiences.includes("")) return fail("a client id is empty")
  const discoveryUrl = options.discoveryUrl ?? null
  const authorizationEndpoint = options.authorizationEndpoint ?? null
  const tokenEndpoint = options.tokenEndpoint ?? null
  if (discoveryUrl === null && (authorizationEndpoint === null || tokenEndpoint === null)) {
    return fail("it needs a discovery URL, or an authorization endpoint and a token endpoint")
  }
  const urls = { ...endpointsOf(options), discoveryUrl, issuer: options.issuer ?? null }
  for (const [setting, url] of Object.entries(urls)) {
    if (url !== null && !isHttpUrl(url)) return fail(`${setting} is no http or https URL`)
  }
  const clientSecret = options.clientSecret ?? null
  const clientKey = options.clientKey ?? null
  const hasSecret = clientSecret !== null || options.strategy?.clientSecret !== undefined
  const method =
    options.tokenEndpointAuthMethod ??
    (hasSecret ? "client_secret_post" : clientKey === null ? "none" : "private_key_jwt")
  if (method === "private_key_jwt" && clientKey === null) return fail("private_key_jwt needs a client key")
  if (method.startsWith("client_secret_") && !hasSecret) return fail(`${method} needs a client secret`)
  const reserved = Object.keys(options.authorizationParams ?? {}).find((name) => reservedParameters.has(name))
  if (reserved !== undefined) return fail(`the authorization parameter ${reserved} is not for settings`)
  return Result.succeed({
    id: id.value,
    name: options.name ?? id.value,
    clientId,
    audiences,
    clientSecret,
    clientKey,
    ...urls,
    requireIssuerParameterValidation: options.requireIssuerParameterValidation ?? false,
    scopes: options.scopes ?? [],
    responseMode: options.responseMode ?? null,
    prompt: options.prompt ?? null,
    accessType: options.accessType ?? null,
    stateStrategy: options.stateStrategy ?? "adapter",
    usePkce: options.usePkce ?? true,
    useNonce: options.useNonce ?? true,
    overrideUserInfoOnSignIn: options.overrideUserInfoOnSignIn ?? false,
    updateAccountOnSignIn: options.updateAccountOnSignIn ?? true,
    tokenEndpointAuthMethod: method,
    authorizationParams: options.authorizationParams ?? {},
    tokenParams: options.tokenParams ?? {},
    discoveryHeaders: options.discoveryHeaders ?? {},
    disableSignUp: options.disableSignUp ?? false,
    disableImplicitSignUp: options.disableImplicitSignUp ?? false,
    disableIdTokenSignIn: options.disableIdTokenSignIn ?? false,
    allowImplicitAccountLinking: options.allowImplicitAccountLinking ?? true,
    allowDifferentLinkEmails: options.allowDifferentLinkEmails ?? false,
    trustedForAccountLinking: options.trustedForAccountLinking ?? false,
    storeAccountCookie: options.storeAccountCookie ?? false,
    defaultErrorRedirectUrl: options.defaultErrorRedirectUrl ?? null,
    strategy: options.strategy ?? {},
    hooks: options.hooks ?? {},
  })
}

/**
 * Parameters of authorization requests that nobody but the runtime sets: with them, a setting or a request could undo
 * what protects the flow.
 *
 * @category models
 * @since 0.1.0
 */
export const reservedParameters: ReadonlySet<string> = new Set([
  "client_id",
  "redirect_uri",
  "response_type",
  "response_mode",
  "state",
  "nonce",
  "code_challenge",
  "code_challenge_method",
  "scope",
  "request",
  "request_uri",
])

// internal

const endpointsOf = ({
  authorizationEndpoint = null,
  tokenEndpoint = null,
  userinfoEndpoint = null,
  jwksUri = null,
}: {
  readonly [Key in "authorizationEndpoint" | "tokenEndpoint" | "userinfoEndpoint" | "jwksUri"]?:
    | string
    | null
    | undefined
}) => ({ authorizationEndpoint, tokenEndpoint, userinfoEndpoint, jwksUri })

const isHttpUrl = (text: string): boolean => {
  const url = URL.parse(text)
  return (
    url !== null && (url.protocol === "https:" || url.protocol === "http:") && url.username === "" && url.hash === ""
  )
}
