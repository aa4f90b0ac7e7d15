/**
 * How often sign-ins through providers may be begun and ID tokens be tried.
 *
 * @since 0.1.0
 */
import type { RateLimit } from "@belfry/core/RateLimit"
import * as Duration from "effect/Duration"

/**
 * How often one address may begin a sign-in or a link, and bring an ID token.
 *
 * **Details**
 *
 * A start URL costs no more than its seal; opening one writes a state and may ask the provider for its metadata. An ID
 * token costs a signature. Callbacks are not counted: each needs a state, which is used once.
 *
 * @category rules
 * @since 0.1.0
 */
export const limits = {
  startUrlByAddress: { name: "oauth-start-url-by-address", limit: 300, window: Duration.minutes(15) },
  startByAddress: { name: "oauth-start-by-address", limit: 300, window: Duration.minutes(15) },
  idTokenByAddress: { name: "oauth-id-token-by-address", limit: 100, window: Duration.minutes(15) },
} satisfies Record<string, RateLimit>
