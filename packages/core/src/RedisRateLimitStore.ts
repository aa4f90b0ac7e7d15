/**
 * Uses of rate limits in Redis, shared by all nodes that use it.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import * as RateLimiter from "effect/persistence/RateLimiter"
import type * as Redis from "effect/persistence/Redis"
import * as LimiterRateLimitStore from "./internal/limiterRateLimitStore.ts"
import type { RateLimitStore } from "./RateLimitStore.ts"

/**
 * Layer that counts in Redis, under keys that begin with `prefix` (`belfry:`).
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: {
  readonly prefix?: string | undefined
}): Layer.Layer<RateLimitStore, never, Redis.Redis> =>
  Layer.provide(LimiterRateLimitStore.layer, RateLimiter.layerStoreRedis({ prefix: options?.prefix ?? "belfry:" }))
