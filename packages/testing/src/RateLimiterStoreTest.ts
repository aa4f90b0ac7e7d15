/**
 * Contract suite of Effect's `RateLimiterStore`, as Effect's own memory store answers it.
 *
 * @since 0.1.0
 */
import { assert, layer as withLayer } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { RateLimiterStore } from "effect/persistence/RateLimiter"
import * as TestClock from "effect/testing/TestClock"

/**
 * Registers the suite for an adapter.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<RateLimiterStore, E>): void =>
  withLayer(layer)(`RateLimiterStore (${name})`, (it) => {
    it.effect("counts in a window that grows by what is taken, and begins anew at its end", () =>
      Effect.gen(function* () {
        const store = yield* RateLimiterStore
        const take = (tokens: number) =>
          store.fixedWindow({ key: "window", tokens, refillRate: Duration.seconds(10), limit: 3 })
        assert.deepStrictEqual(yield* take(1), [1, 10_000])
        assert.deepStrictEqual(yield* take(2), [3, 30_000])
        assert.deepStrictEqual(yield* take(1), [4, 30_000])
        yield* TestClock.adjust("29999 millis")
        assert.deepStrictEqual(yield* take(1), [4, 1])
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual(yield* take(1), [1, 10_000])
      }),
    )

    it.effect("takes fractions of a millisecond into account", () =>
      Effect.gen(function* () {
        const store = yield* RateLimiterStore
        const options = { key: "fraction", tokens: 1, refillRate: Duration.millis(0.25), limit: undefined }
        assert.deepStrictEqual(yield* store.fixedWindow(options), [1, 0.25])
        assert.deepStrictEqual(yield* store.fixedWindow(options), [2, 0.5])
      }),
    )

    it.effect("counts past every number without a limit", () =>
      Effect.gen(function* () {
        const store = yield* RateLimiterStore
        const options = { key: "unlimited", tokens: 5, refillRate: Duration.seconds(1), limit: undefined }
        assert.deepStrictEqual(yield* store.fixedWindow(options), [5, 5000])
        assert.deepStrictEqual(yield* store.fixedWindow(options), [10, 10_000])
      }),
    )

    it.effect("takes nothing when more is asked than the limit", () =>
      Effect.gen(function* () {
        const store = yield* RateLimiterStore
        const take = (tokens: number) =>
          store.fixedWindow({ key: "too much", tokens, refillRate: Duration.seconds(1), limit: 3 })
        assert.deepStrictEqual(yield* take(4), [4, 0])
        assert.deepStrictEqual(yield* take(3), [3, 3000])
      }),
    )

    it.effect("lets exactly the limit of 50 concurrent requests through", () =>
      Effect.gen(function* () {
        const store = yield* RateLimiterStore
        const window = { key: "race", tokens: 1, refillRate: Duration.seconds(1), limit: 7 }
        const counts = yield* Effect.replicateEffect(store.fixedWindow(window), 50, { concurrency: "unbounded" })
        assert.deepStrictEqual(
          counts
            .map(([count]) => count)
            .filter((count) => count <= 7)
            .sort(),
          [1, 2, 3, 4, 5, 6, 7],
        )
        const bucket = { ...window, allowOverflow: false }
        const remaining = yield* Effect.replicateEffect(store.tokenBucket(bucket), 50, { concurrency: "unbounded" })
        assert.strictEqual(remaining.filter(([left]) => left >= 0).length, 7)
      }),
    )

    it.effect("keeps keys apart, and the window and the bucket of one key", () =>
      Effect.gen(function* () {
        const store = yield* RateLimiterStore
        const options = { tokens: 3, refillRate: Duration.seconds(1), limit: 3 }
        assert.deepStrictEqual(yield* store.fixedWindow({ ...options, key: "a" }), [3, 3000])
        assert.deepStrictEqual(yield* store.fixedWindow({ ...options, key: "b" }), [3, 3000])
        assert.deepStrictEqual(yield* store.tokenBucket({ ...options, key: "a", allowOverflow: false }), [0, 0])
        assert.deepStrictEqual(yield* store.fixedWindow({ ...options, key: "a" }), [6, 3000])
      }),
    )

    it.effect("refills a bucket token by token, without losing the time in between", () =>
      Effect.gen(function* () {
        const store = yield* RateLimiterStore
        const take = (tokens: number) =>
          store.tokenBucket({ key: "bucket", tokens, limit: 5, refillRate: Duration.seconds(1), allowOverflow: false })
        assert.deepStrictEqual(yield* take(4), [1, 0])
        assert.deepStrictEqual(yield* take(2), [-1, 0])
        yield* TestClock.adjust("1500 millis")
        assert.deepStrictEqual(yield* take(2), [0, 500])
        yield* TestClock.adjust("499 millis")
        assert.deepStrictEqual(yield* take(1), [-1, 999])
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual(yield* take(0.5), [0.5, 0])
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(yield* take(1), [4, 0])
      }),
    )

    it.effect("lets a bucket go into debt only when overflow is allowed", () =>
      Effect.gen(function* () {
        const store = yield* RateLimiterStore
        const take = (tokens: number, allowOverflow: boolean) =>
          store.tokenBucket({ key: "debt", tokens, limit: 2, refillRate: Duration.seconds(1), allowOverflow })
        assert.deepStrictEqual(yield* take(3, false), [-1, 0])
        assert.deepStrictEqual(yield* take(5, true), [-3, 0])
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(yield* take(1, true), [-2, 0])
        assert.deepStrictEqual(yield* take(1, false), [-3, 0])
      }),
    )

    it.effect("learns a limit from the answers of a server", () =>
      Effect.gen(function* () {
        const store = yield* RateLimiterStore
        const key = "adaptive"
        const fallback = { fallbackLimit: 10, fallbackWindow: Duration.seconds(10) }
        const consume = (tokens: number) =>
          Effect.map(store.adaptiveConsume({ key, tokens, ...fallback }), ({ delay, epoch, phase }) => ({
            delay: Duration.toMillis(delay),
            epoch,
            phase,
          }))
        const refuse = (epoch: number, tokens: number, seconds: number) =>
          store.adaptiveFeedback({ key, epoch, tokens, status: 429, retryAfter: Duration.seconds(seconds) })

        assert.deepStrictEqual(yield* consume(1), { delay: 0, epoch: 0, phase: "inactive" })
        // Neither another status nor a missing delay nor an epoch that never was changes anything.
        yield* store.adaptiveFeedback({ key, epoch: 0, tokens: 1, status: 503, retryAfter: Duration.seconds(1) })
        yield* store.adaptiveFeedback({ key, epoch: 0, tokens: 1, status: 429, retryAfter: undefined })
        yield* refuse(3, 1, 1)
        assert.deepStrictEqual(yield* consume(1), { delay: 0, epoch: 0, phase: "inactive" })

        yield* refuse(0, 1, 5)
        yield* refuse(0, 1, 2)
        assert.deepStrictEqual(yield* consume(1), { delay: 5000, epoch: 0, phase: "cooldown" })
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(yield* consume(1), { delay: 0, epoch: 1, phase: "learning" })
        assert.deepStrictEqual(yield* consume(3), { delay: 0, epoch: 1, phase: "learning" })
        yield* TestClock.adjust("2 seconds")
        yield* refuse(0, 1, 6)
        assert.deepStrictEqual(yield* consume(1), { delay: 0, epoch: 1, phase: "learning" })
        yield* refuse(1, 1, 6)
        // 4 tokens went through in 2 + 6 seconds; the next is due when that window is over.
        assert.deepStrictEqual(yield* consume(1), { delay: 6000, epoch: 2, phase: "learned" })
        yield* TestClock.adjust("30 seconds")
        assert.deepStrictEqual(yield* consume(4), { delay: 0, epoch: 2, phase: "learned" })
        assert.deepStrictEqual(yield* consume(1), { delay: 8000, epoch: 2, phase: "learned" })
        yield* refuse(2, 1, 3)
        assert.deepStrictEqual(yield* consume(1), { delay: 3000, epoch: 2, phase: "cooldown" })
        // A minute after the cool-down all is forgotten.
        yield* TestClock.adjust("62999 millis")
        yield* refuse(2, 1, 0.001)
        yield* TestClock.adjust("60001 millis")
        assert.deepStrictEqual(yield* consume(1), { delay: 0, epoch: 0, phase: "inactive" })
        yield* refuse(0, 1, 1)
        assert.deepStrictEqual(yield* consume(1), { delay: 1000, epoch: 0, phase: "cooldown" })
      }),
    )

    it.effect("cools down again when the very first request of a learning phase is refused", () =>
      Effect.gen(function* () {
        const store = yield* RateLimiterStore
        const key = "unlucky"
        const consume = store.adaptiveConsume({
          key,
          tokens: 1,
          fallbackLimit: 1,
          fallbackWindow: Duration.seconds(1),
        })
        const refuse = (epoch: number) =>
          store.adaptiveFeedback({ key, epoch, tokens: 1, status: 429, retryAfter: Duration.seconds(2) })
        yield* refuse(0)
        yield* TestClock.adjust("2 seconds")
        yield* consume
        yield* refuse(1)
        const answer = yield* consume
        assert.deepStrictEqual([answer.phase, answer.epoch, Duration.toMillis(answer.delay)], ["cooldown", 1, 2000])
      }),
    )
  })
