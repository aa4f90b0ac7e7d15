/**
 * The UserInfo endpoint, and the profile that standard claims make.
 *
 * @see [OpenID Connect Core §5](https://openid.net/specs/openid-connect-core-1_0.html#Claims)
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { type Claims, IdTokenInvalid, type OAuthTokenSet, type OAuthUserInfo } from "../OAuthTokens.ts"
import type { ProfileSource, StrategyContext, StrategyError } from "../ProviderStrategy.ts"
import { call, readObject } from "./providerCalls.ts"
import { imageOf, isTrue, text } from "./profiles.ts"

/** Asks the UserInfo endpoint; null where there is none, or no access token. */
export const ask = Effect.fnUntraced(function* (
  { provider, metadata, http, ...context }: StrategyContext,
  tokens: OAuthTokenSet,
  claims: Claims | null,
): Effect.fn.Return<Claims | null, StrategyError> {
  const { getUserInfo } = provider.hooks
  const info =
    getUserInfo !== undefined
      ? yield* getUserInfo(tokens, { provider, metadata, http, ...context })
      : metadata.userinfoEndpoint === null || tokens.accessToken === null
        ? null
        : yield* Effect.flatMap(
            call(http, provider, "userinfo", {
              url: metadata.userinfoEndpoint,
              headers: { authorization: `Bearer ${Redacted.value(tokens.accessToken)}` },
            }),
            (response) => readObject(provider, "userinfo", response),
          )
  // OpenID Connect Core §5.3.2: without this, another person's access token would bring that person's claims.
  if (info !== null && claims !== null && info["sub"] !== claims["sub"]) {
    return yield* new IdTokenInvalid({ providerId: provider.id, reason: "subject" })
  }
  return info
})

/**
 * Who the person is by the claims of the ID token and, where there is none or it lacks address or name, UserInfo, whose
 * values win. Null without a subject.
 */
export const profileOf = Effect.fnUntraced(function* ({
  claims,
  userinfo,
}: ProfileSource): Effect.fn.Return<OAuthUserInfo | null, StrategyError> {
  const isComplete = text(claims, "email") !== null && text(claims, "name") !== null
  const info = isComplete ? null : yield* userinfo
  const raw = { ...claims, ...info }
  const accountId = accountIdOf(raw)
  if (accountId === null) return null
  const email = text(info, "email") ?? text(claims, "email")
  // `email_verified` is said of the address beside it, not of another one.
  const byEmail = [info, claims].find(
    (source) => source?.["email_verified"] !== undefined && email !== null && text(source, "email") === email,
  )
  return {
    accountId,
    email,
    emailVerified: isTrue(byEmail?.["email_verified"]),
    name: text(raw, "name"),
    image: imageOf(raw, "picture"),
    raw,
  }
})

// internal

/** `sub`; of providers without OpenID Connect, `id`, which some write as a number. */
const accountIdOf = (raw: Claims): string | null =>
  text(raw, "sub", "id") ?? (Number.isSafeInteger(raw["id"]) ? String(raw["id"]) : null)
