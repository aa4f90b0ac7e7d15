/**
 * How often users and clients may call an MCP endpoint.
 *
 * @since 0.1.0
 */
import type { RateLimit, RateLimited } from "@belfry/core/RateLimit"
import { RateLimits } from "@belfry/core/RateLimits"
import type { StoreError } from "@belfry/core/StoreError"
import type { VerifiedAccessToken } from "@belfry/oauth-server/VerifiedAccessToken"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/**
 * The rules: each user through all of their clients, and each client for all of its users.
 *
 * @category models
 * @since 0.1.0
 */
export interface McpRateLimitRules {
  readonly perUser: RateLimit
  readonly perClient: RateLimit
}

/**
 * Counts the requests of users and clients.
 *
 * **Details**
 *
 * Without {@link layer} nobody is counted. A batch counts as one request, and holds 100 messages at most.
 *
 * @category services
 * @since 0.1.0
 */
export const McpRateLimits = Context.Reference<{
  /** Takes one use: fails when a limit is used up, or when nobody can tell. */
  readonly take: (token: VerifiedAccessToken) => Effect.Effect<void, RateLimited | StoreError>
}>("@belfry/mcp/McpRateLimits", { defaultValue: () => ({ take: () => Effect.void }) })

/**
 * Layer that counts by the limits of `core`, in whichever store they are.
 *
 * **Details**
 *
 * The user comes first: who is over their own limit uses up nothing of their client's. A client that acts for itself is
 * counted as a client alone.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (rules: McpRateLimitRules): Layer.Layer<never, never, RateLimits> =>
  Layer.effect(
    McpRateLimits,
    Effect.map(RateLimits, (limits) => ({
      take: ({ clientId, isClientItself, subject }) =>
        limits.consumeAll([
          ...(isClientItself ? [] : [[rules.perUser, subject] as const]),
          [rules.perClient, clientId] as const,
        ]),
    })),
  )
