/**
 * The tokens of linked accounts between the form in which they are kept and the one that providers speak.
 */
import type { LinkedAccount, ProviderTokens } from "@belfry/core/LinkedAccount"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"
import { type OAuthTokenSet, toProviderTokens } from "../OAuthTokens.ts"

type Kept = ProviderTokens<Redacted.Redacted>

/** The tokens as providers speak of them. Of the answer in which they came nothing is kept. */
export const toTokenSet = ({ scopes, ...tokens }: Kept): OAuthTokenSet => ({
  ...tokens,
  scope: scopes.length === 0 ? null : scopes.join(" "),
  raw: Redacted.make({}),
})

/**
 * The tokens after a refresh: what the provider left out is as it was, but for the end of the access token. An old end
 * would have the tokens refreshed at every call.
 */
export const refreshed = (kept: Kept, answer: OAuthTokenSet): Kept => {
  const given = toProviderTokens(answer)
  const keepsRefreshToken = given.refreshToken === null || isSame(given.refreshToken, kept.refreshToken)
  return {
    accessToken: given.accessToken ?? kept.accessToken,
    refreshToken: given.refreshToken ?? kept.refreshToken,
    idToken: given.idToken ?? kept.idToken,
    tokenType: given.tokenType ?? kept.tokenType,
    scopes: given.scopes.length === 0 ? kept.scopes : given.scopes,
    accessTokenExpiresAt: given.accessTokenExpiresAt,
    refreshTokenExpiresAt: given.refreshTokenExpiresAt ?? (keepsRefreshToken ? kept.refreshTokenExpiresAt : null),
  }
}

/** Whether the access token ends within 30 seconds and can be renewed. */
export const isDue = ({ tokens }: LinkedAccount, now: DateTime.Utc): boolean =>
  tokens.refreshToken !== null &&
  tokens.accessTokenExpiresAt !== null &&
  DateTime.isLessThanOrEqualTo(tokens.accessTokenExpiresAt, DateTime.addDuration(now, margin))

const margin = Duration.seconds(30)

const isSame = (one: Redacted.Redacted, other: Redacted.Redacted | null): boolean =>
  other !== null && Redacted.value(one) === Redacted.value(other)
