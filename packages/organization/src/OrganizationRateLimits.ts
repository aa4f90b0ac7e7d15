/**
 * How often invitations may be sent and looked at, and organizations be made.
 *
 * @since 0.1.0
 */
import type { RateLimit } from "@belfry/core/RateLimit"
import * as Duration from "effect/Duration"

/**
 * The rate limits of this package. Subjects: the user for `*ByUser`, the address for `*ByAddress`, the invitation for
 * `resend*`, the client's IP address for `tokenByClient`.
 *
 * @category rules
 * @since 0.1.0
 */
export const rateLimits = {
  createByUser: { name: "organization-create-by-user", limit: 20, window: Duration.hours(1) },
  inviteByUser: { name: "organization-invite-by-user", limit: 200, window: Duration.hours(1) },
  inviteByAddress: { name: "organization-invite-by-address", limit: 20, window: Duration.days(1) },
  resend: { name: "organization-invitation-resend", limit: 1, window: Duration.minutes(1) },
  resendDaily: { name: "organization-invitation-resend-daily", limit: 5, window: Duration.days(1) },
  tokenByClient: { name: "organization-invitation-token-by-client", limit: 100, window: Duration.minutes(15) },
} satisfies Record<string, RateLimit>
