/**
 * How often sign-ins may be begun and factors be tried.
 *
 * @since 0.1.0
 */
import type { RateLimit } from "@belfry/core/RateLimit"
import * as Duration from "effect/Duration"

/**
 * The prefix of the tokens of sign-in attempts.
 *
 * @category models
 * @since 0.1.0
 */
export const tokenPrefix = "belfry_sign_in"

/**
 * How often sign-ins may be begun and factors be tried, beside the tries that an attempt counts.
 *
 * **Details**
 *
 * The daily limit bounds what somebody who knows the first factor can guess of a six-digit code: 50 of a million.
 *
 * @see [NIST SP 800-63B-4 §3.2.2](https://pages.nist.gov/800-63-4/sp800-63b.html#throttle)
 * @category rules
 * @since 0.1.0
 */
export const limits = {
  startByAddress: { name: "sign-in-start-by-address", limit: 300, window: Duration.minutes(15) },
  factorByAddress: { name: "factor-by-address", limit: 100, window: Duration.minutes(15) },
  factorByUser: { name: "factor-by-user", limit: 10, window: Duration.minutes(15) },
  factorByUserDaily: { name: "factor-by-user-daily", limit: 50, window: Duration.days(1) },
  passkeyOptionsByAddress: { name: "passkey-options-by-address", limit: 300, window: Duration.minutes(15) },
  mailByAddress: { name: "sign-in-mail-by-address", limit: 50, window: Duration.hours(1) },
  mailByAccount: { name: "sign-in-mail-by-account", limit: 5, window: Duration.hours(1) },
} satisfies Record<string, RateLimit>
