/**
 * Port: where uses of rate limits are counted.
 *
 * @since 0.1.0
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { StoreError } from "./StoreError.ts"

/**
 * One use of what `key` counts, of at most `limit` within `window`.
 *
 * @category models
 * @since 0.1.0
 */
export interface RateLimitUse {
  readonly key: string
  readonly limit: number
  readonly window: Duration.Duration
}

/**
 * Where uses of rate limits are counted, in fixed windows as those of Effect's `RateLimiter`: each use taken lengthens
 * its window by `window / limit`.
 *
 * @category ports
 * @since 0.1.0
 */
export class RateLimitStore extends Context.Service<
  RateLimitStore,
  {
    /**
     * Takes the uses in the order given, and returns none when all were taken. The first that is over its limit ends
     * it: the answer is how long that one is over, those before it stay taken, and neither it nor those after it count.
     * No two of `uses` have one key. Concurrent calls never take more than a limit.
     */
    readonly take: (
      uses: NonEmptyReadonlyArray<RateLimitUse>,
    ) => Effect.Effect<Option.Option<Duration.Duration>, StoreError>
  }
>()("@belfry/core/RateLimitStore") {}
