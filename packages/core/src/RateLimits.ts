/**
 * Counts what subjects do against rules.
 *
 * A subject (an address, an e-mail) is hashed with a key of the installation before it reaches the store.
 *
 * @since 0.1.0
 */
import * as Array from "effect/Array"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Redacted from "effect/Redacted"
import * as LimiterRateLimitStore from "./internal/limiterRateLimitStore.ts"
import { KeyRing } from "./KeyRing.ts"
import { type RateLimit, RateLimited } from "./RateLimit.ts"
import { RateLimitStore } from "./RateLimitStore.ts"
import type { StoreError } from "./StoreError.ts"

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
     * Takes one use of each rule, in the order given, in as few steps as the store can. The first refusal ends it; what
     * was taken before stays taken. Put the rule about the caller first: a caller over its own limit then cannot use up
     * another's. Name rules in the same order everywhere, and no rule twice for a subject: a store may lock them in
     * turn.
     */
    readonly consumeAll: (
      uses: ReadonlyArray<readonly [rule: RateLimit, subject: string]>,
    ) => Effect.Effect<void, RateLimited | StoreError>
  }
>()("@belfry/core/RateLimits") {}

/**
 * Builds the service over its store and the key ring.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const store = yield* RateLimitStore
  const hasher = yield* Effect.flatMap(KeyRing, (keyRing) => keyRing.hasher("rate-limit"))

  const useOf = Effect.fnUntraced(function* ([rule, subject]: readonly [rule: RateLimit, subject: string]) {
    const hash = yield* hasher.hash(Redacted.make(subject))
    return { key: `${rule.name}:${hash}`, limit: rule.limit, window: rule.window }
  })

  const take = Effect.fnUntraced(function* (uses: ReadonlyArray<readonly [rule: RateLimit, subject: string]>) {
    const hashed = yield* Effect.forEach(uses, useOf)
    if (!Array.isReadonlyArrayNonEmpty(hashed)) return
    const refused = yield* store.take(hashed)
    if (Option.isSome(refused)) return yield* new RateLimited({ retryAfter: wholeSeconds(refused.value) })
  })

  return RateLimits.of({
    consume: Effect.fn("RateLimits.consume")((rule, subject) => take([[rule, subject]])),
    consumeAll: Effect.fn("RateLimits.consumeAll")(take),
  })
})

/**
 * Layer over the store, which all nodes share.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<RateLimits, never, KeyRing | RateLimitStore> = Layer.effect(RateLimits, make)

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
export const layerMemory: Layer.Layer<RateLimits, never, KeyRing> = layer.pipe(
  Layer.provide(LimiterRateLimitStore.layer),
  Layer.provide(RateLimiter.layerStoreMemory),
)

// internal

/** Rounds up, to 1 at least; fractions of a millisecond come from dividing the window and do not count. */
const wholeSeconds = (duration: Duration.Duration): number =>
  Math.max(1, Math.ceil(Math.round(Duration.toMillis(duration)) / 1000))
