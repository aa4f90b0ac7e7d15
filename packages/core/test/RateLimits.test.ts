import * as ClientAddress from "@belfry/core/ClientAddress"
import type { RateLimit } from "@belfry/core/RateLimit"
import { RateLimited } from "@belfry/core/RateLimit"
import * as RateLimits from "@belfry/core/RateLimits"
import { RateLimitStore } from "@belfry/core/RateLimitStore"
import { StoreError } from "@belfry/core/StoreError"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, Result } from "effect"
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

  /** A store that answers as `take` says. */
  const storeOf = (take: RateLimitStore["Service"]["take"]) =>
    RateLimits.layer.pipe(
      Layer.provide(Layer.succeed(RateLimitStore, RateLimitStore.of({ take }))),
      Layer.provide(TestKeyRing.layer),
    )

  for (const [millis, seconds] of [
    [0, 1],
    [0.4, 1],
    [1, 1],
    [1000, 1],
    [1001, 2],
    // Dividing a window leaves fractions of a millisecond over.
    [10_000.3, 10],
  ] as const) {
    it.effect(`says ${seconds} s when the window ends in ${millis} ms`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* Effect.flip(consume(rule, "a")), new RateLimited({ retryAfter: seconds }))
      }).pipe(Effect.provide(storeOf(() => Effect.succeedSome(Duration.millis(millis))))),
    )
  }

  it.effect("gives the store a keyed hash, never the subject, and all uses at once in their order", () => {
    const taken: Array<ReadonlyArray<string>> = []
    const store = storeOf((uses) => {
      taken.push(uses.map(({ key }) => key))
      return Effect.succeedNone
    })
    return Effect.gen(function* () {
      const limits = yield* RateLimits.RateLimits
      yield* consume(rule, "ada@example.com")
      yield* limits.consumeAll([])
      yield* limits.consumeAll([
        [{ ...rule, name: "address" }, "192.0.2.1"],
        [rule, "ada@example.com"],
      ])
      const [[first], [address, second]] = [taken[0] ?? [], taken[1] ?? []]
      assert.deepStrictEqual(
        taken.map((keys) => keys.length),
        [1, 2],
      )
      assert.match(first ?? "", /^sign-in:k1\.[A-Za-z0-9_-]{43}$/)
      assert.match(address ?? "", /^address:k1\.[A-Za-z0-9_-]{43}$/)
      assert.strictEqual(first, second)
      assert.notStrictEqual(first?.slice(-43), address?.slice(-43))
    }).pipe(Effect.provide(store))
  })

  it.effect("lets nothing through when the store cannot answer", () => {
    const away = new StoreError({
      store: "RateLimitStore",
      method: "take",
      isRetryable: true,
      cause: new Error("away"),
    })
    return Effect.gen(function* () {
      assert.strictEqual(yield* Effect.flip(consume(rule, "a")), away)
    }).pipe(Effect.provide(storeOf(() => Effect.fail(away))))
  })
})
