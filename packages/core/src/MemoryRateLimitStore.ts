/**
 * Uses of rate limits in memory.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as LimiterRateLimitStore from "./internal/limiterRateLimitStore.ts"
import type { RateLimitStore } from "./RateLimitStore.ts"

/**
 * Layer that counts in the memory of this process.
 *
 * **Gotchas**
 *
 * Nodes do not see one another's counts, and counters of the past are never removed: for tests and short programs.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<RateLimitStore> = Layer.provide(
  LimiterRateLimitStore.layer,
  RateLimiter.layerStoreMemory,
)
