/**
 * The tokens of linked accounts between the form in which they are kept and the one that providers speak.
 */
import type { LinkedAccount, ProviderTokens } from "@belfry/core/LinkedAccount"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"
import type { OAuthTokenSet } from "../OAuthTokens.ts"

/** The tokens as providers speak of them. Of the answer in which they came nothing is kept. */
export const toTokenSet = ({ scopes, ...tokens }: ProviderTokens<Redacted.Redacted>): OAuthTokenSet => ({
  ...tokens,
  scope: scopes.length === 0 ? null : scopes.join(" "),
  raw: Redacted.make({}),
})

/** Whether the access token ends within 30 seconds and can be renewed. */
export const isDue = ({ tokens }: LinkedAccount, now: DateTime.Utc): boolean =>
  tokens.refreshToken !== null &&
  tokens.accessTokenExpiresAt !== null &&
  DateTime.isLessThanOrEqualTo(tokens.accessTokenExpiresAt, DateTime.addDuration(now, margin))

const margin = Duration.seconds(30)
