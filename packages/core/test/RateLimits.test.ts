import * as ClientAddress from "@belfry/core/ClientAddress"
import type { RateLimit } from "@belfry/core/RateLimit"
import { RateLimited } from "@belfry/core/RateLimit"
import * as RateLimits from "@belfry/core/RateLimits"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, Result } from "effect"
import { RateLimiter } from "effect/persistence"
import { TestClock } from "effect/testing"
import * as TestKeyRing from "./support/TestKeyRing.ts"

const rule: RateLimit = { name: "sign-in", limit: 5, window: Duration.minutes(10) }

const consume = (limit: RateLimit, subject: string) =>
  RateLimits.RateLimits.use((limits) => limits.consume(limit, subject))

const use = (times: number, limit: RateLimit, subject: string) =>
  Effect.forEach(Array.from({ length: times }), () => consume(limit, subject), { discard: true })

const isOver = (limit: RateLimit, subject: string) =>
  Effect.map(Effect.result(consume(limit, subject)), Result.isFailure)

describe("RateLimits", () => {
  const memory = Layer.provide(RateLimits.layerMemory, TestKeyRing.layer)

  it.effect("lets the last use of the limit through and refuses the next, for the rest of the window", () =>
    Effect.gen(function* () {
      yield* use(5, rule, "a")
      assert.deepStrictEqual(yield* Effect.flip(consume(rule, "a")), new RateLimited({ retryAfter: 600 }))
      yield* TestClock.adjust("599 seconds")
      assert.deepStrictEqual(yield* Effect.flip(consume(rule, "a")), new RateLimited({ retryAfter: 1 }))
    }).pipe(Effect.provide(memory)),
  )

  it.effect("opens again at the end of the window, for the whole limit", () =>
    Effect.gen(function* () {
      yield* use(5, rule, "a")
      yield* TestClock.adjust("599999 millis")
      assert.isTrue(yield* isOver(rule, "a"))
      yield* TestClock.adjust("1 millis")
      yield* use(5, rule, "a")
      assert.isTrue(yield* isOver(rule, "a"))
    }).pipe(Effect.provide(memory)),
  )

  it.effect("takes nothing for a refused use", () =>
    Effect.gen(function* () {
      yield* use(5, rule, "a")
      for (let i = 0; i < 20; i++) assert.isTrue(yield* isOver(rule, "a"))
      yield* TestClock.adjust("10 minutes")
      yield* consume(rule, "a")
    }).pipe(Effect.provide(memory)),
  )

  it.effect("says a whole number of seconds, rounded up, at least one", () =>
    Effect.gen(function* () {
      const short: RateLimit = { name: "short", limit: 3, window: Duration.millis(100) }
      yield* use(3, short, "a")
      assert.strictEqual((yield* Effect.flip(consume(short, "a")))._tag, "RateLimited")
      assert.deepStrictEqual(yield* Effect.flip(consume(short, "a")), new RateLimited({ retryAfter: 1 }))
      // 10 s in 3 parts is no whole number of milliseconds; it is 10 s all the same.
      const thirds: RateLimit = { name: "thirds", limit: 3, window: Duration.seconds(10) }
      yield* use(3, thirds, "a")
      assert.deepStrictEqual(yield* Effect.flip(consume(thirds, "a")), new RateLimited({ retryAfter: 10 }))
      yield* TestClock.adjust("1001 millis")
      assert.deepStrictEqual(yield* Effect.flip(consume(thirds, "a")), new RateLimited({ retryAfter: 9 }))
    }).pipe(Effect.provide(memory)),
  )

  it.effect("counts subjects apart, and rules of other names", () =>
    Effect.gen(function* () {
      yield* use(5, rule, "a")
      yield* use(5, rule, "b")
      yield* use(5, { ...rule, name: "sign-up" }, "a")
      assert.isTrue(yield* isOver(rule, "a"))
    }).pipe(Effect.provide(memory)),
  )

  it.effect("counts IPv6 neighbours of one /64 together, and other networks apart", () =>
    Effect.gen(function* () {
      const subject = ClientAddress.rateLimitSubject
      for (let i = 1; i <= 5; i++) yield* consume(rule, subject(`2001:db8:0:1::${i}`))
      assert.isTrue(yield* isOver(rule, subject("2001:db8:0:1:ffff::1")))
      yield* consume(rule, subject("2001:db8:0:2::1"))
    }).pipe(Effect.provide(memory)),
  )

  it.effect("lets exactly the limit through of 50 uses at once", () =>
    Effect.gen(function* () {
      const results = yield* Effect.forEach(Array.from({ length: 50 }), () => Effect.result(consume(rule, "a")), {
        concurrency: "unbounded",
      })
      assert.strictEqual(results.filter(Result.isSuccess).length, 5)
    }).pipe(Effect.provide(memory)),
  )

  it.effect("takes one use of each of several rules, and stops at the first refusal", () =>
    Effect.gen(function* () {
      const limits = yield* RateLimits.RateLimits
      const address: RateLimit = { name: "address", limit: 3, window: Duration.minutes(1) }
      const both = limits.consumeAll([
        [address, "192.0.2.1"],
        [rule, "a"],
      ])
      yield* both
      yield* both
      yield* both
      for (let i = 0; i < 10; i++) {
        assert.deepStrictEqual(yield* Effect.flip(both), new RateLimited({ retryAfter: 60 }))
      }
      // Three of five were taken: an address over its own limit uses up nothing of the account's.
      yield* use(2, rule, "a")
      assert.isTrue(yield* isOver(rule, "a"))
    }).pipe(Effect.provide(memory)),
  )

  /** A store that shows what it is given, and answers as `answer` says. */
  const storeOf = (answer: (key: string) => Effect.Effect<readonly [number, number], RateLimiter.RateLimiterError>) =>
    RateLimits.layer.pipe(
      Layer.provide(Layer.mock(RateLimiter.RateLimiterStore, { fixedWindow: ({ key }) => answer(key) })),
      Layer.provide(TestKeyRing.layer),
    )

  for (const [ttl, seconds] of [
    [0, 1],
    [0.4, 1],
    [1, 1],
    [1000, 1],
    [1001, 2],
    // Dividing a window leaves fractions of a millisecond over.
    [10_000.3, 10],
  ] as const) {
    it.effect(`says ${seconds} s when the window ends in ${ttl} ms`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* Effect.flip(consume(rule, "a")), new RateLimited({ retryAfter: seconds }))
      }).pipe(Effect.provide(storeOf(() => Effect.succeed([6, ttl])))),
    )
  }

  it.effect("gives the store a keyed hash, never the subject", () => {
    const keys: Array<string> = []
    const store = storeOf((key) => {
      keys.push(key)
      return Effect.succeed([1, 1000])
    })
    return Effect.gen(function* () {
      yield* consume(rule, "ada@example.com")
      yield* consume(rule, "ada@example.com")
      yield* consume(rule, "192.0.2.1")
      assert.strictEqual(keys.length, 3)
      for (const key of keys) assert.match(key, /^sign-in:k1\.[A-Za-z0-9_-]{43}$/)
      assert.strictEqual(keys[0], keys[1])
      assert.notStrictEqual(keys[0], keys[2])
    }).pipe(Effect.provide(store))
  })

  it.effect("lets nothing through when the store cannot answer", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(consume(rule, "a"))
      if (error._tag !== "StoreError") return assert.fail(error._tag)
      assert.deepStrictEqual([error.store, error.isRetryable], ["RateLimiterStore", true])
    }).pipe(
      Effect.provide(
        storeOf(() =>
          Effect.fail(
            new RateLimiter.RateLimiterError({
              reason: new RateLimiter.RateLimitStoreError({ message: "away", cause: new Error("ECONNREFUSED") }),
            }),
          ),
        ),
      ),
    ),
  )
})
