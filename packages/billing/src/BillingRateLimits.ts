/**
 * How often the provider may be asked for by people.
 *
 * @since 0.1.0
 */
import type { RateLimit } from "@belfry/core/RateLimit"
import * as Duration from "effect/Duration"

/**
 * The rate limits of this package. Subjects: the user for `*ByUser`, the client's address for `webhookByClient`, which
 * counts requests with signatures that do not fit alone.
 *
 * @category rules
 * @since 0.1.0
 */
export const rateLimits = {
  changeByUser: { name: "billing-change-by-user", limit: 60, window: Duration.hours(1) },
  readByUser: { name: "billing-read-by-user", limit: 120, window: Duration.minutes(1) },
  refusedWebhookByClient: { name: "billing-refused-webhook-by-client", limit: 100, window: Duration.minutes(15) },
} satisfies Record<string, RateLimit>
