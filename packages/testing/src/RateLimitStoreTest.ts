/**
 * Contract suite of {@link RateLimitStore}.
 *
 * @since 0.1.0
 */
import { RateLimitStore, type RateLimitUse } from "@belfry/core/RateLimitStore"
import { assert, layer as withLayer } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"

/**
 * Registers the suite for an adapter.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<RateLimitStore, E>): void =>
  withLayer(layer)(`RateLimitStore (${name})`, (it) => {
    it.effect("takes uses up to the limit in a window that grows by each, and begins anew at its end", () =>
      Effect.gen(function* () {
        const one = useOf("window", 3)
        assert.deepStrictEqual(yield* takeTimes(5, one), ["taken", "taken", "taken", 30_000, 30_000])
        yield* TestClock.adjust("29999 millis")
        assert.strictEqual(yield* take(one), 1)
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual(yield* takeTimes(2, one), ["taken", "taken"])
        // Two of three uses: two thirds of the window.
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual(yield* takeTimes(4, one), ["taken", "taken", "taken", 30_000])
      }),
    )

    it.effect("takes one use of each key", () =>
      Effect.gen(function* () {
        const [a, b, c] = [useOf("each a", 2), useOf("each b", 3), useOf("each c", 4)]
        assert.deepStrictEqual([yield* take(a, b, c), yield* take(a, b, c)], ["taken", "taken"])
        assert.deepStrictEqual(yield* takeTimes(1, a), [20_000])
        assert.deepStrictEqual(yield* takeTimes(2, b), ["taken", 30_000])
        assert.deepStrictEqual(yield* takeTimes(3, c), ["taken", "taken", 40_000])
      }),
    )

    it.effect("ends at the first that is over its limit: those before it stay taken, and no other is touched", () =>
      Effect.gen(function* () {
        const [a, b, c] = [useOf("stop a", 3), useOf("stop b", 1), useOf("stop c", 2)]
        assert.strictEqual(yield* take(b), "taken")
        assert.deepStrictEqual([yield* take(a, b, c), yield* take(a, b, c)], [10_000, 10_000])
        assert.deepStrictEqual(yield* takeTimes(2, a), ["taken", 30_000])
        assert.deepStrictEqual(yield* takeTimes(3, c), ["taken", "taken", 20_000])
        assert.strictEqual(yield* take(a, b, c), 30_000)
      }),
    )

    it.effect("does not let who is over its own limit use up another's", () =>
      Effect.gen(function* () {
        const [caller, account] = [useOf("caller", 2), useOf("account", 4)]
        for (let index = 0; index < 10; index++) yield* take(caller, account)
        assert.deepStrictEqual(yield* takeTimes(3, account), ["taken", "taken", 40_000])
      }),
    )

    it.effect("counts a key once, however uses are put together", () =>
      Effect.gen(function* () {
        const [a, b] = [useOf("shared a", 2), useOf("shared b", 5)]
        assert.deepStrictEqual([yield* take(a), yield* take(a, b), yield* take(a, b)], ["taken", "taken", 20_000])
      }),
    )

    it.effect("answers by the limit and the window of each use", () =>
      Effect.gen(function* () {
        // No window is shorter than a millisecond.
        const short = { key: "short", limit: 1, window: Duration.zero }
        const thirds = { key: "thirds", limit: 3, window: Duration.millis(1) }
        assert.deepStrictEqual([yield* take(short), yield* take(short)], ["taken", 1])
        assert.deepStrictEqual(yield* takeTimes(3, thirds), ["taken", "taken", "taken"])
        assert.closeTo(Number(yield* take(thirds)), 1, 1e-3)
        // A limit of none lets nothing through, whatever it says of the time.
        assert.notStrictEqual(yield* take({ ...short, key: "none", limit: 0 }), "taken")
      }),
    )

    it.effect("lets exactly the limit of 50 concurrent calls through, for each key of several", () =>
      Effect.gen(function* () {
        const wide = useOf("race wide", 20)
        const narrow = [useOf("race 0", 6), useOf("race 1", 8)] as const
        const answers = yield* Effect.forEach(
          Array.from({ length: 50 }, (_, index) => narrow[index % 2 === 0 ? 0 : 1]),
          (last) => Effect.map(take(wide, last), (answer) => [last.key, answer === "taken"] as const),
          { concurrency: "unbounded" },
        )
        const taken = answers.filter(([, isTaken]) => isTaken).map(([key]) => key)
        const left = yield* Effect.forEach(narrow, (one) =>
          Effect.map(takeTimes(one.limit, one), (all) => all.filter((answer) => answer === "taken").length),
        )
        // 20 came past the first key; each of those took of the second what was there.
        assert.notStrictEqual(yield* take(wide), "taken")
        for (const [index, one] of narrow.entries()) {
          assert.strictEqual(taken.filter((key) => key === one.key).length, one.limit - (left[index] ?? 0))
        }
        assert.isAtMost(taken.length, 14)
      }),
    )
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** Ten seconds a use. */
const useOf = (key: string, limit: number): RateLimitUse => ({ key, limit, window: Duration.seconds(limit * 10) })

/** The milliseconds until the key that is over its limit opens again, or that all were taken. */
const take = (...uses: readonly [RateLimitUse, ...ReadonlyArray<RateLimitUse>]) =>
  RateLimitStore.use((store) =>
    Effect.map(store.take(uses), Option.match({ onNone: () => "taken", onSome: Duration.toMillis })),
  )

const takeTimes = (count: number, one: RateLimitUse) => Effect.replicateEffect(take(one), count)
