/**
 * How often sign-ins may be begun and factors be tried.
 *
 * @since 0.1.0
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import { rateLimitSubject } from "@belfry/core/ClientAddress"
import type { RateLimit } from "@belfry/core/RateLimit"
import type { UserId } from "@belfry/core/User"
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

/**
 * The limits that count a try of a code: of the client, and of the user if it is known.
 *
 * @category rules
 * @since 0.1.0
 */
export const codeUses = (
  client: ClientInfo,
  userId: UserId | undefined,
): ReadonlyArray<readonly [rule: RateLimit, subject: string]> => [
  [limits.factorByAddress, rateLimitSubject(client.ipAddress)],
  ...(userId === undefined
    ? []
    : ([
        [limits.factorByUser, userId],
        [limits.factorByUserDaily, userId],
      ] as const)),
]
