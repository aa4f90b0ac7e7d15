/**
 * Uses of rate limits over any store of Effect's `RateLimiter`, which knows one key at a time: one after the other.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as RateLimiter from "effect/persistence/RateLimiter"
import { RateLimitStore, type RateLimitUse } from "../RateLimitStore.ts"
import { StoreError } from "../StoreError.ts"

const make = Effect.map(RateLimiter.make, (limiter) => {
  const take = (use: RateLimitUse): Effect.Effect<Option.Option<Duration.Duration>, StoreError> =>
    Effect.matchEffect(limiter.consume(use), {
      onSuccess: () => Effect.succeedNone,
      onFailure: ({ reason }) =>
        reason._tag === "RateLimitExceeded"
          ? Effect.succeedSome(reason.retryAfter)
          : Effect.fail(new StoreError({ store: "RateLimitStore", method: "take", isRetryable: true, cause: reason })),
    })

  return RateLimitStore.of({
    take: Effect.fnUntraced(function* (uses) {
      for (const use of uses) {
        const refused = yield* take(use)
        if (Option.isSome(refused)) return refused
      }
      return Option.none()
    }),
  })
})

/** Layer over a `RateLimiterStore`. */
export const layer: Layer.Layer<RateLimitStore, never, RateLimiter.RateLimiterStore> = Layer.effect(
  RateLimitStore,
  make,
)
