/**
 * How a sign-in or a link begins: a start URL for one browser, then the state that leads to the provider.
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import { rateLimitSubject } from "@belfry/core/ClientAddress"
import * as OpaqueToken from "@belfry/core/OpaqueToken"
import { RateLimits } from "@belfry/core/RateLimits"
import { Site } from "@belfry/core/Site"
import type { UserId } from "@belfry/core/User"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Redacted from "effect/Redacted"
import type { OAuthProvider } from "../OAuthProvider.ts"
import { limits } from "../OAuthRules.ts"
import type { OAuthRequest } from "../OAuthSignIn.ts"
import { statePolicy } from "../OAuthState.ts"
import { OAuthStates } from "../OAuthStates.ts"
import { OAuthTransport } from "../OAuthTransport.ts"
import * as Redirects from "./redirects.ts"
import { refuse } from "./refusals.ts"

// The prefix of what the start cookie of a browser holds.
const browserPrefix = "belfry_oauth_browser"

/** Builds the beginnings over states and the transport. */
export const make = Effect.gen(function* () {
  const transport = yield* OAuthTransport
  const states = yield* OAuthStates
  const rateLimits = yield* RateLimits
  const random = yield* SecureRandom.SecureRandom
  const site = yield* Site

  const randomText = (bytes: number) => Effect.map(random.randomBytes(bytes), Base64Url.encode)
  const newBrowser = Effect.provideService(OpaqueToken.generate(browserPrefix), SecureRandom.SecureRandom, random)
  const redirectUriOf = ({ id }: OAuthProvider) => site.url(`/auth/provider/${id}/callback`)

  return {
    /** Where a provider leads the browser back to. */
    redirectUriOf,

    /** The URL that begins a sign-in, or a link of `userId`. `browser` is what the start cookie holds already. */
    url: Effect.fnUntraced(function* (
      provider: OAuthProvider,
      userId: UserId | null,
      request: OAuthRequest,
      held: Redacted.Redacted | null,
      client: ClientInfo,
    ) {
      yield* rateLimits.consume(limits.startUrlByAddress, rateLimitSubject(client.ipAddress))
      // Start URLs that are open at the same time in one browser share its cookie.
      const isKept = held !== null && OpaqueToken.isWellFormed(browserPrefix, Redacted.value(held))
      const browser = isKept ? held : yield* newBrowser
      const expiresAt = DateTime.addDuration(yield* DateTime.now, statePolicy.startLifetime)
      const intent = userId === null ? "sign-in" : "link"
      const token = yield* states.sealStart({ providerId: provider.id, intent, userId, request, expiresAt }, browser)
      return {
        url: site.url(`/auth/provider/${provider.id}/start`, { token: Redacted.value(token) }),
        browser,
        expiresAt,
      }
    }),

    /** Opens a start URL, keeps a state for it, and tells where to at the provider. */
    open: Effect.fnUntraced(function* (
      provider: OAuthProvider,
      token: Redacted.Redacted,
      browser: Redacted.Redacted | null,
    ) {
      const opened = yield* states.openStart(provider, token, browser)
      if (opened === null) return yield* refuse("state_mismatch", { detail: "start" })
      const { intent, userId, request } = opened
      // First: no state is kept for a provider that cannot be asked.
      yield* transport.metadata(provider)
      const now = yield* DateTime.now
      const isOpenId = (request.scopes ?? provider.scopes).includes("openid")
      const codeVerifier = provider.usePkce ? Redacted.make(yield* randomText(64)) : null
      const nonce = provider.useNonce && isOpenId ? yield* randomText(32) : null
      const redirectUri = redirectUriOf(provider)
      const { token: state, cookie } = yield* states
        .create(provider, {
          providerId: provider.id,
          intent,
          userId,
          redirectUri,
          codeVerifier,
          nonce,
          scopes: request.scopes ?? null,
          ...Redirects.accepted(request, site),
          requestSignUp: request.requestSignUp ?? false,
          payload: request.payload ?? null,
          createdAt: now,
          expiresAt: DateTime.addDuration(now, statePolicy.lifetime),
        })
        .pipe(
          Effect.catchTag("OAuthStateTooLarge", (error) =>
            Effect.andThen(
              Effect.logWarning(error.message),
              refuse("oauth_callback_failed", { detail: `too large: ${error.part}` }),
            ),
          ),
        )
      const { scopes, prompt, accessType, responseMode, loginHint, authorizationParams } = request
      const asked = { scopes, prompt, accessType, responseMode, loginHint, authorizationParams }
      const location = yield* transport.authorizationUrl(provider, {
        ...asked,
        redirectUri,
        state,
        codeVerifier,
        nonce,
      })
      return { location, cookie }
    }),
  }
})
