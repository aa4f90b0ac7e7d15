/**
 * How a provider differs from the standard: what it is asked, where the profile comes from, how its tokens are renewed.
 *
 * A host that needs a provider of its own kind writes one of these; presets are nothing else.
 *
 * @since 0.1.0
 */
import type { OutboundCalls } from "@belfry/core/Outbound"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { OAuthProvider } from "./OAuthProvider.ts"
import type {
  Claims,
  IdTokenInvalid,
  OAuthTokenSet,
  OAuthUserInfo,
  ProviderRefused,
  ProviderUnavailable,
} from "./OAuthTokens.ts"

/**
 * What a provider says about itself: its discovery document, under the settings that win over it.
 *
 * @category models
 * @since 0.1.0
 */
export interface ProviderMetadata {
  readonly issuer: string | null
  readonly authorizationEndpoint: string
  readonly tokenEndpoint: string
  readonly userinfoEndpoint: string | null
  readonly jwksUri: string | null
  readonly idTokenSigningAlgorithms: ReadonlyArray<string>
  /** Whether it promises `iss` in authorization responses (RFC 9207). */
  readonly issuerParameterSupported: boolean
}

/**
 * What a strategy works with.
 *
 * **Details**
 *
 * `http` is guarded: it has limits of time and size, and no foreign URL leads it to a private address.
 *
 * @category models
 * @since 0.1.0
 */
export interface StrategyContext {
  readonly provider: OAuthProvider
  readonly metadata: ProviderMetadata
  readonly http: OutboundCalls
  readonly now: DateTime.Utc
}

/**
 * Failures of a strategy.
 *
 * @category errors
 * @since 0.1.0
 */
export type StrategyError = ProviderUnavailable | ProviderRefused | IdTokenInvalid

/**
 * What is known when a profile is made: tokens, the claims of the ID token that was validated (null without one), and
 * the further fields of the callback.
 *
 * @category models
 * @since 0.1.0
 */
export interface ProfileSource {
  readonly tokens: OAuthTokenSet
  readonly claims: Claims | null
  readonly callbackFields: Readonly<Record<string, string>>
  /** Asks the UserInfo endpoint; null where the provider has none. Its `sub` must be that of the ID token. */
  readonly userinfo: Effect.Effect<Claims | null, StrategyError>
}

/**
 * What an ID token must say in `nonce`: what the authorization request sent (`Equal`), nothing, because that sent none
 * (`Absent`), or anything (`Any`): the token of a refresh repeats the nonce of the first one, or has none.
 *
 * @see [OpenID Connect Core §12.2](https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse)
 * @category models
 * @since 0.1.0
 */
export type ExpectedNonce =
  | { readonly _tag: "Equal"; readonly nonce: string }
  | { readonly _tag: "Absent" }
  | { readonly _tag: "Any" }

/**
 * How a provider differs from the standard. What is left out is as the standard says.
 *
 * @category models
 * @since 0.1.0
 */
export interface ProviderStrategy {
  /** Further parameters of the authorization request. */
  readonly authorizationParams?: (context: Pick<StrategyContext, "provider">) => Readonly<Record<string, string>>
  /** The client secret to send, where it is made on the fly. */
  readonly clientSecret?: (context: StrategyContext) => Effect.Effect<Redacted.Redacted, StrategyError>
  /** Whether an ID token's issuer is this provider's; compared with `metadata.issuer` where left out. */
  readonly acceptsIssuer?: (issuer: string, claims: Claims, context: StrategyContext) => boolean
  /** Validates an ID token in another way than by the JWK Set, and returns its claims. */
  readonly validateIdToken?: (
    idToken: Redacted.Redacted,
    expected: { readonly nonce: ExpectedNonce },
    context: StrategyContext,
  ) => Effect.Effect<Claims, StrategyError>
  /** Refuses claims that are valid and not enough, such as those of another hosted domain. */
  readonly checkClaims?: (claims: Claims, context: StrategyContext) => Effect.Effect<void, StrategyError>
  /** Who the person is; null where the provider does not tell. */
  readonly profile?: (
    source: ProfileSource,
    context: StrategyContext,
  ) => Effect.Effect<OAuthUserInfo | null, StrategyError>
  /** Further parameters of the refresh request. */
  readonly refreshParams?: (tokens: OAuthTokenSet, context: StrategyContext) => Readonly<Record<string, string>>
  /** What stands between scopes in its token answers, where that is no space. */
  readonly scopeSeparator?: string
  /** The error that a token answer of status 200 carries, for providers that answer so. */
  readonly errorOf?: (
    raw: Readonly<Record<string, unknown>>,
  ) => { readonly error: string; readonly description: string | null } | null
}

/**
 * What a host replaces in one provider: the exchange of the code, the refresh, what UserInfo says, the profile.
 *
 * @category models
 * @since 0.1.0
 */
export interface ProviderHooks {
  readonly getToken?: (
    request: {
      readonly code: Redacted.Redacted
      readonly codeVerifier: Redacted.Redacted | null
      readonly redirectUri: string
      readonly params: Readonly<Record<string, string>>
    },
    context: StrategyContext,
  ) => Effect.Effect<OAuthTokenSet, StrategyError>
  readonly refreshTokens?: (
    tokens: OAuthTokenSet,
    context: StrategyContext,
  ) => Effect.Effect<OAuthTokenSet, StrategyError>
  readonly getUserInfo?: (
    tokens: OAuthTokenSet,
    context: StrategyContext,
  ) => Effect.Effect<Claims | null, StrategyError>
  readonly mapProfile?: (
    profile: OAuthUserInfo,
    tokens: OAuthTokenSet,
    context: StrategyContext,
  ) => Effect.Effect<OAuthUserInfo, StrategyError>
}
