/**
 * What is said to a provider, and what is believed of its answers: discovery, the authorization request, tokens, ID
 * tokens, UserInfo.
 *
 * @since 0.1.0
 */
import { OutboundHttp } from "@belfry/core/OutboundHttp"
import * as Context from "effect/Context"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { urlOf } from "./internal/authorizationRequest.ts"
import { credentialsOf, reservedFields } from "./internal/clientAuthentication.ts"
import * as IdToken from "./internal/idToken.ts"
import { call } from "./internal/providerCalls.ts"
import * as Documents from "./internal/providerDocuments.ts"
import * as TokenAnswer from "./internal/tokenAnswer.ts"
import * as UserInfo from "./internal/userinfo.ts"
import type { OAuthProvider } from "./OAuthProvider.ts"
import type { Claims, IdTokenInvalid, OAuthTokenSet, OAuthUserInfo, ProviderUnavailable } from "./OAuthTokens.ts"
import type { ExpectedNonce, ProviderMetadata, StrategyContext, StrategyError } from "./ProviderStrategy.ts"

/**
 * What is asked of one authorization request, over the settings of the provider.
 *
 * @category models
 * @since 0.1.0
 */
export interface AuthorizationOptions {
  readonly scopes?: ReadonlyArray<string> | undefined
  readonly prompt?: string | undefined
  readonly accessType?: string | undefined
  readonly responseMode?: "query" | "form_post" | undefined
  readonly loginHint?: string | undefined
  readonly authorizationParams?: Readonly<Record<string, string>> | undefined
}

/**
 * What is said to a provider.
 *
 * **Details**
 *
 * Discovery documents and JWK Sets are cached for their lifetime and fetched once for all who wait; a JWK Set is
 * fetched again when a token names a key that it lacks, at most every 30 seconds.
 *
 * @category services
 * @since 0.1.0
 */
export class OAuthTransport extends Context.Service<
  OAuthTransport,
  {
    /** What the provider says about itself, under its settings here. */
    readonly metadata: (provider: OAuthProvider) => Effect.Effect<ProviderMetadata, ProviderUnavailable>
    /**
     * The URL that a browser is sent to. `codeVerifier` and `nonce` are null where the provider is asked without.
     *
     * @see [RFC 6749 §4.1.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-4.1.1)
     * @see [RFC 7636 §4.3](https://www.rfc-editor.org/rfc/rfc7636.html#section-4.3)
     */
    readonly authorizationUrl: (
      provider: OAuthProvider,
      request: AuthorizationOptions & {
        readonly redirectUri: string
        readonly state: Redacted.Redacted
        readonly codeVerifier: Redacted.Redacted | null
        readonly nonce: string | null
      },
    ) => Effect.Effect<URL, ProviderUnavailable>
    /**
     * Exchanges a code. The tokens that come are not validated yet. `scopes` are those that were asked for, the
     * provider's where left out: a provider that granted all of them need not say so.
     */
    readonly exchange: (
      provider: OAuthProvider,
      request: {
        readonly code: Redacted.Redacted
        readonly redirectUri: string
        readonly codeVerifier: Redacted.Redacted | null
        readonly scopes?: ReadonlyArray<string> | undefined
      },
    ) => Effect.Effect<OAuthTokenSet, StrategyError>
    /**
     * Renews tokens. What the provider leaves out of its answer is as it was, but the times: an answer without
     * `expires_in` has no known end. An ID token that comes is validated, and must be of the same issuer and subject.
     *
     * @see [OpenID Connect Core §12.2](https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse)
     */
    readonly refresh: (provider: OAuthProvider, tokens: OAuthTokenSet) => Effect.Effect<OAuthTokenSet, StrategyError>
    /**
     * Validates an ID token and returns its claims: signature, `iss`, `aud`, `azp`, `exp`, `iat`, `sub`, `nonce` (none
     * may be there that was not sent), `at_hash` where there is an access token, `auth_time` where `maxAge` was asked.
     *
     * @see [OpenID Connect Core §3.1.3.7](https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation)
     */
    readonly validateIdToken: (
      provider: OAuthProvider,
      idToken: Redacted.Redacted,
      expected: {
        readonly nonce: string | null
        readonly accessToken: Redacted.Redacted | null
        readonly maxAge?: Duration.Duration
      },
    ) => Effect.Effect<Claims, IdTokenInvalid | StrategyError>
    /**
     * Who the person is; null where the provider does not tell. `claims` are those of the ID token, if there is one.
     */
    readonly profile: (
      provider: OAuthProvider,
      source: {
        readonly tokens: OAuthTokenSet
        readonly claims: Claims | null
        readonly callbackFields: Readonly<Record<string, string>>
      },
    ) => Effect.Effect<OAuthUserInfo | null, StrategyError>
  }
>()("@belfry/oauth-client/OAuthTransport") {}

/**
 * What is said to providers, over outbound calls.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const http = yield* OutboundHttp
  const digest = yield* Digest.Digest
  const random = yield* SecureRandom.SecureRandom
  const documentsOf = Documents.make(http)

  const contextOf = Effect.fnUntraced(function* (
    provider: OAuthProvider,
  ): Effect.fn.Return<StrategyContext, ProviderUnavailable> {
    const { metadata } = yield* documentsOf(provider)
    return { provider, metadata: yield* metadata, http, now: yield* DateTime.now }
  })

  const requestTokens = Effect.fnUntraced(function* (
    context: StrategyContext,
    own: Readonly<Record<string, string>>,
    further: Readonly<Record<string, string>>,
  ): Effect.fn.Return<OAuthTokenSet, StrategyError> {
    const { provider, metadata } = context
    const credentials = yield* credentialsOf(context, yield* random.uuidV4())
    const chosen = Object.entries(further).filter(([name]) => !reservedFields.has(name))
    const response = yield* call(http, provider, "token", {
      url: metadata.tokenEndpoint,
      headers: { accept: "application/json", ...credentials.headers },
      form: { ...Object.fromEntries(chosen), ...own, ...credentials.fields },
    })
    return yield* TokenAnswer.read(provider, response, yield* DateTime.now)
  })

  const validate = Effect.fnUntraced(function* (
    context: StrategyContext,
    idToken: Redacted.Redacted,
    expected: IdToken.Expected,
  ): Effect.fn.Return<Claims, StrategyError> {
    const { validateIdToken, checkClaims } = context.provider.strategy
    const claims = yield* validateIdToken === undefined
      ? Effect.provideService(
          IdToken.validate(context, yield* documentsOf(context.provider), idToken, expected),
          Digest.Digest,
          digest,
        )
      : validateIdToken(idToken, { nonce: expected.nonce }, context)
    if (checkClaims !== undefined) yield* checkClaims(claims, context)
    return claims
  })

  const withCheckedIdToken = (
    context: StrategyContext,
    { idToken: earlier }: OAuthTokenSet,
    answer: OAuthTokenSet,
  ): Effect.Effect<OAuthTokenSet, StrategyError> =>
    answer.idToken === null || earlier === null
      ? Effect.succeed(answer)
      : validate(context, answer.idToken, { nonce: { _tag: "Any" }, accessToken: answer.accessToken }).pipe(
          Effect.flatMap((claims) => IdToken.checkSameSubject(context.provider, earlier, claims)),
          Effect.as(answer),
          // The old refresh token is used up: the new ones are not lost because keys cannot be fetched just now.
          Effect.catchTag("ProviderUnavailable", () => Effect.succeed({ ...answer, idToken: null })),
        )

  return OAuthTransport.of({
    metadata: Effect.fn("OAuthTransport.metadata")((provider) =>
      Effect.flatMap(documentsOf(provider), ({ metadata }) => metadata),
    ),

    authorizationUrl: Effect.fn("OAuthTransport.authorizationUrl")(function* (provider, request) {
      const { metadata } = yield* documentsOf(provider)
      const { authorizationEndpoint } = yield* metadata
      const { codeVerifier, state, ...rest } = request
      const codeChallenge =
        codeVerifier === null
          ? null
          : Base64Url.encode(
              yield* digest.digest(Digest.sha256, new TextEncoder().encode(Redacted.value(codeVerifier))),
            )
      return urlOf(provider, authorizationEndpoint, { ...rest, state: Redacted.value(state), codeChallenge })
    }),

    exchange: Effect.fn("OAuthTransport.exchange")(function* (provider, { code, redirectUri, codeVerifier, scopes }) {
      const context = yield* contextOf(provider)
      const { getToken } = provider.hooks
      if (getToken !== undefined) {
        return yield* getToken({ code, codeVerifier, redirectUri, params: provider.tokenParams }, context)
      }
      const fields = {
        grant_type: "authorization_code",
        code: Redacted.value(code),
        redirect_uri: redirectUri,
        ...(codeVerifier === null ? {} : { code_verifier: Redacted.value(codeVerifier) }),
      }
      const tokens = yield* requestTokens(context, fields, provider.tokenParams)
      // RFC 6749 §5.1: without `scope` the one that was asked for is granted.
      const asked = (scopes ?? provider.scopes).join(" ")
      return { ...tokens, scope: tokens.scope ?? (asked === "" ? null : asked) }
    }),

    refresh: Effect.fn("OAuthTransport.refresh")(function* (provider, tokens) {
      const context = yield* contextOf(provider)
      const { refreshTokens } = provider.hooks
      if (refreshTokens !== undefined) return TokenAnswer.merged(tokens, yield* refreshTokens(tokens, context))
      if (tokens.refreshToken === null) {
        return yield* TokenAnswer.refused(provider, "invalid_grant", "There is no refresh token")
      }
      const fields = { grant_type: "refresh_token", refresh_token: Redacted.value(tokens.refreshToken) }
      const further = { ...provider.tokenParams, ...provider.strategy.refreshParams?.(tokens, context) }
      const answer = yield* requestTokens(context, fields, further)
      return TokenAnswer.merged(tokens, yield* withCheckedIdToken(context, tokens, answer))
    }),

    validateIdToken: Effect.fn("OAuthTransport.validateIdToken")(function* (provider, idToken, expected) {
      const nonce: ExpectedNonce =
        expected.nonce === null ? { _tag: "Absent" } : { _tag: "Equal", nonce: expected.nonce }
      return yield* validate(yield* contextOf(provider), idToken, { ...expected, nonce })
    }),

    profile: Effect.fn("OAuthTransport.profile")(function* (provider, { tokens, claims, callbackFields }) {
      const context = yield* contextOf(provider)
      const userinfo = UserInfo.ask(context, tokens, claims)
      const source = { tokens, claims, callbackFields, userinfo }
      const profile = yield* provider.strategy.profile?.(source, context) ?? UserInfo.profileOf(source)
      const { mapProfile } = provider.hooks
      return profile === null || mapProfile === undefined ? profile : yield* mapProfile(profile, tokens, context)
    }),
  })
})

/**
 * What is said to providers, over outbound calls, without the digests that the platform has.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerNoDeps: Layer.Layer<OAuthTransport, never, OutboundHttp | Digest.Digest | SecureRandom.SecureRandom> =
  Layer.effect(OAuthTransport, make)

/**
 * What is said to providers, over outbound calls.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<OAuthTransport, never, OutboundHttp | SecureRandom.SecureRandom> = Layer.provide(
  layerNoDeps,
  Digest.layerWebCrypto,
)
