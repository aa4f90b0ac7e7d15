/**
 * What strategies are tried with: a provider's context without a network, and calls that answer recorded shapes.
 */
import { type OutboundCalls, OutboundFailed, type OutboundRequest, type OutboundResponse } from "@belfry/core/Outbound"
import { make, type OAuthProvider, type OAuthProviderOptions } from "@belfry/oauth-client/OAuthProvider"
import * as OAuthProviders from "@belfry/oauth-client/OAuthProviders"
import type { Claims, OAuthTokenSet } from "@belfry/oauth-client/OAuthTokens"
import type {
  ProfileSource,
  ProviderStrategy,
  StrategyContext,
  StrategyError,
} from "@belfry/oauth-client/ProviderStrategy"
import { ConfigProvider, DateTime, Effect, Layer, Redacted, Result, type Schema } from "effect"

/** A moment of the tests: 2026-01-01. */
export const now = DateTime.makeUnsafe("2026-01-01T00:00:00Z")

/** An answer in JSON. */
export const json = (body: Schema.Json, status = 200): OutboundResponse => ({
  status,
  headers: { "content-type": "application/json; charset=utf-8" },
  body: new TextEncoder().encode(JSON.stringify(body)),
})

/** Calls that answer by URL and remember what was asked. What has no answer is no connection. */
export const calls = (
  answers: Readonly<Record<string, OutboundResponse | Effect.Effect<OutboundResponse, OutboundFailed>>> = {},
): OutboundCalls & { readonly requests: ReadonlyArray<OutboundRequest> } => {
  const requests: Array<OutboundRequest> = []
  return {
    requests,
    send: (request) =>
      Effect.suspend(() => {
        requests.push(request)
        const answer = answers[request.url]
        if (answer === undefined) return Effect.fail(new OutboundFailed({ reason: "connection" }))
        return Effect.isEffect(answer) ? answer : Effect.succeed(answer)
      }),
  }
}

/** The context of a provider with these settings. */
export const contextOf = (
  options: OAuthProviderOptions,
  http: OutboundCalls = calls(),
  instant = now,
): StrategyContext => {
  const provider = Result.getOrThrow(make(options))
  return {
    provider,
    http,
    now: instant,
    metadata: {
      issuer: provider.issuer,
      authorizationEndpoint: provider.authorizationEndpoint ?? "",
      tokenEndpoint: provider.tokenEndpoint ?? "",
      userinfoEndpoint: provider.userinfoEndpoint,
      jwksUri: provider.jwksUri,
      idTokenSigningAlgorithms: ["RS256"],
      issuerParameterSupported: false,
    },
  }
}

/** Tokens of which everything may be left out. */
export const tokensOf = (given: Partial<OAuthTokenSet> = {}): OAuthTokenSet => ({
  accessToken: Redacted.make("access"),
  tokenType: "Bearer",
  refreshToken: null,
  scope: null,
  idToken: null,
  accessTokenExpiresAt: null,
  refreshTokenExpiresAt: null,
  raw: Redacted.make({}),
  ...given,
})

/** What a profile is made of: claims, UserInfo that dies unless it is expected, further fields of the callback. */
export const sourceOf = (given: {
  readonly claims?: Claims | null
  readonly userinfo?: Claims | null | StrategyError
  readonly callbackFields?: Readonly<Record<string, string>>
  readonly tokens?: OAuthTokenSet
}): ProfileSource => ({
  tokens: given.tokens ?? tokensOf(),
  claims: given.claims ?? null,
  callbackFields: given.callbackFields ?? {},
  userinfo:
    given.userinfo === undefined
      ? Effect.die("UserInfo was asked")
      : given.userinfo instanceof Error
        ? Effect.fail(given.userinfo)
        : Effect.succeed(given.userinfo),
})

/** The profile that a strategy makes. */
export const profileOf = (strategy: ProviderStrategy, source: ProfileSource, context: StrategyContext) =>
  strategy.profile?.(source, context) ?? Effect.die("The strategy makes no profile")

/** The strategy of settings. */
export const strategyOf = (options: OAuthProviderOptions): ProviderStrategy => options.strategy ?? {}

/** What a secret says. */
export const reveal = (secret: Redacted.Redacted | null | undefined): string | null =>
  secret === null || secret === undefined ? null : Redacted.value(secret)

/** The providers that a layer adds, in an environment. */
export const providersOf = <E>(
  layer: Layer.Layer<never, E, OAuthProviders.OAuthProviders>,
  environment: Readonly<Record<string, string>> = {},
): Effect.Effect<ReadonlyArray<OAuthProvider>, E> =>
  OAuthProviders.OAuthProviders.use((providers) => providers.list).pipe(
    Effect.provide(
      layer.pipe(
        Layer.provideMerge(OAuthProviders.layer),
        Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord({ ...environment }))),
      ),
    ),
  )
