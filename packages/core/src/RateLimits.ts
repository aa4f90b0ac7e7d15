/**
 * Counts what subjects do against rules, on Effect's RateLimiter.
 *
 * A subject (an address, an e-mail) is hashed with a key of the installation before it reaches the store.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Redacted from "effect/Redacted"
import { KeyRing } from "./KeyRing.ts"
import { type RateLimit, RateLimited } from "./RateLimit.ts"
import { StoreError } from "./StoreError.ts"

/**
 * Counts what subjects do against rules.
 *
 * **Details**
 *
 * A limit opens again when its window ends. Each use taken lengthens the window by `window / limit`, up to `window` in
 * all, as Effect's fixed windows do: a subject can use the whole limit at once, and over time gets `limit` uses a
 * window. A refused use takes nothing and lengthens nothing.
 *
 * @category services
 * @since 0.1.0
 */
export class RateLimits extends Context.Service<
  RateLimits,
  {
    /**
     * Takes one use of `rule` for `subject`, in one step of the store: concurrent calls never take more than the limit.
     * Fails with `RateLimited` when the limit is used up, and with `StoreError` when the store cannot answer: who
     * cannot be counted is not let through.
     */
    readonly consume: (rule: RateLimit, subject: string) => Effect.Effect<void, RateLimited | StoreError>
    /**
     * Takes one use of each rule, in the order given. The first refusal ends it; what was taken before stays taken. Put
     * the rule about the caller first: a caller over its own limit then cannot use up another's.
     */
    readonly consumeAll: (
      uses: ReadonlyArray<readonly [rule: RateLimit, subject: string]>,
    ) => Effect.Effect<void, RateLimited | StoreError>
  }
>()("@belfry/core/RateLimits") {}

/**
 * Builds the service over a rate limiter and the key ring.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const limiter = yield* RateLimiter.RateLimiter
  const hasher = yield* Effect.flatMap(KeyRing, (keyRing) => keyRing.hasher("rate-limit"))

  const consume = Effect.fn("RateLimits.consume")(function* (rule: RateLimit, subject: string) {
    const hash = yield* hasher.hash(Redacted.make(subject))
    yield* limiter.consume({ key: `${rule.name}:${hash}`, limit: rule.limit, window: rule.window }).pipe(
      Effect.mapError(({ reason }) =>
        reason._tag === "RateLimitExceeded"
          ? new RateLimited({ retryAfter: wholeSeconds(reason.retryAfter) })
          : new StoreError({
              store: "RateLimiterStore",
              method: "fixedWindow",
              isRetryable: true,
              cause: reason,
            }),
      ),
    )
  })

  return RateLimits.of({
    consume,
    consumeAll: (uses) => Effect.forEach(uses, ([rule, subject]) => consume(rule, subject), { discard: true }),
  })
})

/**
 * Layer over a rate limiter that the host provides.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerNoDeps: Layer.Layer<RateLimits, never, KeyRing | RateLimiter.RateLimiter> = Layer.effect(
  RateLimits,
  make,
)

/**
 * Layer over a `RateLimiterStore`, which all nodes share.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<RateLimits, never, KeyRing | RateLimiter.RateLimiterStore> = Layer.provide(
  layerNoDeps,
  RateLimiter.layer,
)

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
export const layerMemory: Layer.Layer<RateLimits, never, KeyRing> = Layer.provide(layer, RateLimiter.layerStoreMemory)

// internal

/** Rounds up, to 1 at least; fractions of a millisecond come from dividing the window and do not count. */
const wholeSeconds = (duration: Duration.Duration): number =>
  Math.max(1, Math.ceil(Math.round(Duration.toMillis(duration)) / 1000))
