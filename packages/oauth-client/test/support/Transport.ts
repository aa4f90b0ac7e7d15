/**
 * The transport over real HTTP to a provider on loopback, at a time that the test clock says.
 */
import * as HttpClientOutboundHttp from "@belfry/core/HttpClientOutboundHttp"
import { Effect, Layer, Redacted, Result } from "effect"
import { SecureRandom } from "effect/crypto"
import { FetchHttpClient } from "effect/http"
import { TestClock } from "effect/testing"
import * as OAuthProvider from "../../src/OAuthProvider.ts"
import type { OAuthTokenSet } from "../../src/OAuthTokens.ts"
import * as OAuthTransport from "../../src/OAuthTransport.ts"
import * as LocalProvider from "./LocalProvider.ts"

/** The transport, with caches of its own wherever it is provided. No address that is not public is allowed to others. */
export const layer = Layer.fresh(OAuthTransport.layer).pipe(
  Layer.provide(HttpClientOutboundHttp.layer()),
  Layer.provide([FetchHttpClient.layer, SecureRandom.layerWebCrypto]),
)

/** When tests take place: 2026-01-01T00:00:00Z. */
export const start = 1_767_225_600_000

/** A provider on loopback that lives by the test clock, which stands at {@link start}. */
export const makeLocal = Effect.gen(function* () {
  const local = yield* LocalProvider.make
  yield* TestClock.setTime(start)
  const clock = yield* TestClock.testClockWith(Effect.succeed)
  local.clock = () => clock.currentTimeMillisUnsafe()
  return local
})

/** The settings of a provider on loopback, found by discovery. */
export const settings = (
  local: LocalProvider.LocalProvider,
  options: Partial<OAuthProvider.OAuthProviderOptions> = {},
): OAuthProvider.OAuthProvider =>
  Result.getOrThrow(
    OAuthProvider.make({
      id: "local",
      clientId: LocalProvider.clientId,
      clientSecret: Redacted.make(LocalProvider.clientSecret),
      discoveryUrl: local.discoveryUrl,
      scopes: ["openid", "email"],
      ...options,
    }),
  )

/** Tokens as a sign-in left them. */
export const tokenSet = (tokens: Partial<OAuthTokenSet> = {}): OAuthTokenSet => ({
  accessToken: Redacted.make("access-1"),
  tokenType: "Bearer",
  refreshToken: Redacted.make("refresh-1"),
  scope: "openid email",
  idToken: null,
  accessTokenExpiresAt: null,
  refreshTokenExpiresAt: null,
  raw: Redacted.make({}),
  ...tokens,
})
