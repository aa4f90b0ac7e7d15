/**
 * What a provider answers to a code, or vouches for by an ID token: who arrives, and the tokens that came along.
 */
import type { ProviderTokens } from "@belfry/core/LinkedAccount"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { OAuthProvider } from "../OAuthProvider.ts"
import type { CallbackParameters, DirectIdToken } from "../OAuthSignIns.ts"
import type { OAuthState } from "../OAuthState.ts"
import { type Claims, type OAuthTokenSet, toProviderTokens } from "../OAuthTokens.ts"
import type { OAuthTransport } from "../OAuthTransport.ts"
import type { StrategyError } from "../ProviderStrategy.ts"
import { type Arrival, fromProfile } from "./arrivals.ts"
import { providerError } from "./redirects.ts"
import { detailOf, refuse, Refusal } from "./refusals.ts"

/** Somebody who arrives from a provider. */
export interface Answer {
  readonly provider: OAuthProvider
  readonly arrival: Arrival
  readonly tokens: ProviderTokens<Redacted.Redacted>
}

/** What is believed of a provider, over its transport. */
export const make = (transport: OAuthTransport["Service"]) => {
  /**
   * Compares `iss` with the provider's issuer before anything else of the answer is used.
   *
   * RFC 9207 §2.4: a provider that promises the parameter sends it always. Where no issuer is known there is nothing to
   * compare with, and only who demands the comparison is refused.
   */
  const checkIssuer = Effect.fnUntraced(function* (provider: OAuthProvider, iss: string | undefined) {
    const metadata = yield* Effect.mapError(transport.metadata(provider), failed("oauth_callback_failed"))
    const isRequired = provider.requireIssuerParameterValidation
    if (iss === undefined) {
      if (isRequired || metadata.issuerParameterSupported) return yield* refuse("issuer_missing")
      return
    }
    if (metadata.issuer === null ? isRequired : iss !== metadata.issuer) return yield* refuse("issuer_mismatch")
  })

  const arrive = Effect.fnUntraced(function* (
    provider: OAuthProvider,
    tokens: OAuthTokenSet,
    claims: Claims | null,
    callbackFields: Readonly<Record<string, string>>,
  ) {
    const profile = yield* Effect.mapError(transport.profile(provider, { tokens, claims, callbackFields }), (error) =>
      failed(error._tag === "IdTokenInvalid" ? "oauth_code_verification_failed" : "oauth_callback_failed")(error),
    )
    const arrival = fromProfile(profile)
    if (arrival === null) return yield* refuse("user_info_missing")
    return { provider, arrival, tokens: toProviderTokens(tokens) } satisfies Answer
  })

  return {
    /** Takes the answer of an authorization request: `iss`, the provider's error, the code, its tokens, the profile. */
    toCallback: Effect.fnUntraced(function* (
      provider: OAuthProvider,
      state: OAuthState,
      parameters: CallbackParameters,
    ) {
      yield* checkIssuer(provider, parameters.iss)
      if (parameters.error !== undefined) {
        const code = providerError(parameters.error)
        return yield* code === null ? refuse("oauth_callback_failed", { detail: "error" }) : new Refusal({ code })
      }
      const { code = "" } = parameters
      if (code === "") return yield* refuse("oauth_code_verification_failed", { detail: "no code" })
      const { redirectUri, codeVerifier, nonce } = state
      const scopes = state.scopes ?? provider.scopes
      const tokens = yield* Effect.mapError(
        transport.exchange(provider, { code: Redacted.make(code), redirectUri, codeVerifier, scopes }),
        failed("oauth_code_verification_failed"),
      )
      const { idToken, accessToken } = tokens
      if (idToken === null && scopes.includes("openid")) {
        return yield* refuse("oauth_code_verification_failed", { detail: "no id-token" })
      }
      const claims =
        idToken === null
          ? null
          : yield* Effect.mapError(
              transport.validateIdToken(provider, idToken, { nonce, accessToken }),
              failed("oauth_code_verification_failed"),
            )
      return yield* arrive(provider, tokens, claims, parameters.fields)
    }),

    /** Takes an ID token that a client got from the provider itself. */
    toIdToken: Effect.fnUntraced(function* (provider: OAuthProvider, token: DirectIdToken) {
      const { scopes, requestSignUp: _, nonce, idToken, ...given } = token
      const claims = yield* Effect.mapError(
        transport.validateIdToken(provider, idToken, { nonce, accessToken: given.accessToken }),
        failed("oauth_code_verification_failed"),
      )
      const tokens = {
        ...given,
        idToken,
        scope: scopes.length === 0 ? null : scopes.join(" "),
        raw: Redacted.make({}),
      }
      return yield* arrive(provider, tokens, claims, {})
    }),
  }
}

// internal

const failed = (code: "oauth_code_verification_failed" | "oauth_callback_failed") => (error: StrategyError) =>
  refuse(code, { detail: detailOf(error) })
