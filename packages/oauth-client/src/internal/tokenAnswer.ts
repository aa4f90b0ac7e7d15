/**
 * Answers of token endpoints: tokens, or an error.
 *
 * @see [RFC 6749 §5](https://www.rfc-editor.org/rfc/rfc6749.html#section-5)
 */
import type { OutboundResponse } from "@belfry/core/Outbound"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { OAuthProvider } from "../OAuthProvider.ts"
import { type Claims, type OAuthTokenSet, ProviderRefused, type ProviderUnavailable } from "../OAuthTokens.ts"
import { errorLengths, limited } from "./errorText.ts"
import { objectOf, unavailable } from "./providerCalls.ts"

/** Reads an answer. What the provider leaves out is null. */
export const read = (
  provider: OAuthProvider,
  response: OutboundResponse,
  now: DateTime.Utc,
): Effect.Effect<OAuthTokenSet, ProviderUnavailable | ProviderRefused> =>
  Effect.gen(function* () {
    const isSuccess = response.status >= 200 && response.status <= 299
    const raw = Option.getOrUndefined(objectOf(response))
    const refusal = raw === undefined || response.status >= 500 ? null : refusalOf(provider, raw, isSuccess)
    if (refusal !== null) return yield* refusal
    if (!isSuccess) return yield* unavailable(provider, "token", "status")
    const answer = decodeAnswer(raw)
    if (raw === undefined || Option.isNone(answer)) return yield* unavailable(provider, "token", "malformed")
    const { access_token, token_type, refresh_token, scope, id_token } = answer.value
    // RFC 6749 §7.1: a token of a type that is not understood must not be used.
    if (token_type !== undefined && token_type.toLowerCase() !== "bearer") {
      return yield* unavailable(provider, "token", "malformed")
    }
    const tokens: OAuthTokenSet = {
      accessToken: Redacted.make(access_token),
      tokenType: token_type === undefined ? null : "Bearer",
      refreshToken: secret(refresh_token),
      scope: typeof scope === "string" ? scope.replaceAll(separatorOf(provider), " ") : (scope?.join(" ") ?? null),
      idToken: secret(id_token),
      accessTokenExpiresAt: endOf(now, raw["expires_in"]),
      refreshTokenExpiresAt: endOf(now, raw["refresh_token_expires_in"]),
      raw: Redacted.make(raw),
    }
    return tokens
  })

/**
 * The tokens after a refresh. What the provider left out is as it was, but for the end of the access token: an old end
 * would have the tokens refreshed at every call.
 */
export const merged = (old: OAuthTokenSet, answer: OAuthTokenSet): OAuthTokenSet => {
  const refreshToken = answer.refreshToken ?? old.refreshToken
  return {
    ...answer,
    accessToken: answer.accessToken ?? old.accessToken,
    tokenType: answer.tokenType ?? old.tokenType,
    refreshToken,
    // RFC 6749 §3.3: a scope has a name at least; some providers write an empty text where nothing changed.
    scope: answer.scope === null || answer.scope.trim() === "" ? old.scope : answer.scope,
    idToken: answer.idToken ?? old.idToken,
    // The same refresh token ends when it did.
    refreshTokenExpiresAt:
      answer.refreshTokenExpiresAt ?? (isSame(refreshToken, old.refreshToken) ? old.refreshTokenExpiresAt : null),
  }
}

/** The provider's refusal in words that may be shown. */
export const refused = (provider: OAuthProvider, error: string, description: string | null): ProviderRefused =>
  new ProviderRefused({
    providerId: provider.id,
    error: limited(error, errorLengths.error) || "unknown_error",
    description: description === null ? null : limited(description, errorLengths.description),
  })

// internal

const Token = Schema.NonEmptyString

const decodeAnswer = Schema.decodeUnknownOption(
  Schema.Struct({
    access_token: Token,
    token_type: Schema.optionalKey(Schema.String),
    refresh_token: Schema.optionalKey(Schema.NullOr(Schema.String)),
    // Some providers write a list.
    scope: Schema.optionalKey(Schema.NullOr(Schema.Union([Schema.String, Schema.Array(Schema.String)]))),
    id_token: Schema.optionalKey(Schema.NullOr(Schema.String)),
  }),
)

const secret = (text: string | null | undefined): Redacted.Redacted | null =>
  text === undefined || text === null || text === "" ? null : Redacted.make(text)

const isSame = (one: Redacted.Redacted | null, other: Redacted.Redacted | null): boolean =>
  one !== null && other !== null && Redacted.value(one) === Redacted.value(other)

const separatorOf = ({ strategy }: OAuthProvider): string => strategy.scopeSeparator ?? " "

/** The error of an answer. One of status 200 may carry an error too: by the strategy, or instead of a token. */
const refusalOf = (provider: OAuthProvider, raw: Claims, isSuccess: boolean): ProviderRefused | null => {
  const own = provider.strategy.errorOf?.(raw) ?? null
  if (own !== null) return refused(provider, own.error, own.description)
  const { error, error_description: description, access_token: token } = raw
  if (typeof error !== "string" || (isSuccess && token !== undefined)) return null
  return refused(provider, error, typeof description === "string" ? description : null)
}

const tenYears = 315_360_000

/** When something ends that lives for seconds from now, a number or digits. Null where that makes no sense. */
const endOf = (now: DateTime.Utc, lifetime: Schema.Json | undefined): DateTime.Utc | null => {
  const seconds = typeof lifetime === "string" && /^\d{1,12}$/u.test(lifetime) ? Number(lifetime) : lifetime
  if (typeof seconds !== "number" || !(seconds >= 0)) return null
  return DateTime.addDuration(now, Duration.seconds(Math.min(seconds, tenYears)))
}
