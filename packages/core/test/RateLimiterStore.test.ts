import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlRateLimiterStore from "@belfry/core/SqlRateLimiterStore"
import * as RateLimiterStoreTest from "@belfry/testing/RateLimiterStoreTest"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { assert, layer as withLayer } from "@effect/vitest"
import { Context, DateTime, Duration, Effect, Layer } from "effect"
import { RateLimiter } from "effect/persistence"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"

// Effect's own store takes the suite too: it is what the SQL adapter is measured by.
RateLimiterStoreTest.suite("memory", RateLimiter.layerStoreMemory)

class Reference extends Context.Service<Reference, RateLimiter.RateLimiterStore["Service"]>()("test/Reference") {}

const reference = Layer.provide(Layer.effect(Reference, RateLimiter.RateLimiterStore), RateLimiter.layerStoreMemory)

for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations])) {
  RateLimiterStoreTest.suite(name, Layer.provide(SqlRateLimiterStore.layer, layer))

  withLayer(Layer.mergeAll(Layer.provideMerge(SqlRateLimiterStore.layer, layer), reference))(
    `SqlRateLimiterStore (${name})`,
    (it) => {
      it.effect("answers a long random sequence of calls as Effect's memory store does", () =>
        Effect.gen(function* () {
          const [actual, expected] = [yield* RateLimiter.RateLimiterStore, yield* Reference]
          let epoch = 0
          for (let step = 0; step < 400; step++) {
            const choose = chooser(step)
            yield* TestClock.adjust(choose([0, 0, 1, 7, 250, 1000, 4321, 90_000]))
            const key = choose(["a", "b"])
            const tokens = choose([1, 1, 2, 0.5, 5])
            const refillRate = Duration.millis(choose([1000, 333.25, 0.3]))
            const limit = choose([3, 4.5])
            const isLimited = choose([true, false])
            const call = choose([
              (store: RateLimiter.RateLimiterStore["Service"]) =>
                store.fixedWindow({ key, tokens, refillRate, limit: isLimited ? limit : undefined }),
              (store: RateLimiter.RateLimiterStore["Service"]) =>
                store.tokenBucket({ key, tokens, limit, refillRate, allowOverflow: tokens === 2 }),
              (store: RateLimiter.RateLimiterStore["Service"]) =>
                Effect.map(
                  store.adaptiveConsume({ key, tokens, fallbackLimit: 3, fallbackWindow: Duration.seconds(9) }),
                  (answer) => {
                    epoch = answer.epoch
                    return [Duration.toMillis(answer.delay), answer.epoch, answer.phase]
                  },
                ),
              (store: RateLimiter.RateLimiterStore["Service"]) =>
                store.adaptiveFeedback({ key, epoch, tokens, status: 429, retryAfter: Duration.millis(tokens * 900) }),
            ])
            assert.deepStrictEqual(yield* call(actual), yield* call(expected), `step ${step}`)
          }
        }),
      )

      it.effect("sweeps what has run out, at the exact instant and no more than the limit", () =>
        Effect.gen(function* () {
          const store = yield* RateLimiter.RateLimiterStore
          const sql = yield* SqlClient.SqlClient
          yield* SqlRateLimiterStore.removeExpired(DateTime.makeUnsafe("2100-01-01T00:00:00Z"), 1000)
          const take = (key: string, seconds: number) =>
            store.fixedWindow({ key, tokens: 1, refillRate: Duration.seconds(seconds), limit: 1 })
          yield* take("first", 1)
          yield* take("second", 2)
          yield* take("third", 3)
          yield* store.tokenBucket({
            key: "first",
            tokens: 4,
            limit: 5,
            refillRate: Duration.seconds(1),
            allowOverflow: false,
          })
          const left = Effect.map(
            sql<{ readonly name: string }>`
              SELECT concat(kind, ' ', key) AS name FROM belfry_rate_limits ORDER BY expires_at`,
            (rows) => rows.map((row) => row.name),
          )
          const now = yield* DateTime.now
          const sweep = (milliseconds: number, limit: number) =>
            SqlRateLimiterStore.removeExpired(DateTime.add(now, { milliseconds }), limit)
          assert.strictEqual(yield* sweep(999, 10), 0)
          assert.strictEqual(yield* sweep(3000, 1), 1)
          assert.deepStrictEqual(yield* left, ["fixed-window second", "fixed-window third", "token-bucket first"])
          assert.strictEqual(yield* sweep(3000, 10), 2)
          assert.deepStrictEqual(yield* left, ["token-bucket first"])
          assert.strictEqual(yield* sweep(3999, 10), 0)
          assert.strictEqual(yield* sweep(4000, 10), 1)
        }),
      )

      it.effect("fails with a RateLimiterError when the database cannot answer", () =>
        Effect.gen(function* () {
          const store = yield* RateLimiter.RateLimiterStore
          const sql = yield* SqlClient.SqlClient
          const calls = [
            store.fixedWindow({ key: "k", tokens: 1, refillRate: Duration.seconds(1), limit: 1 }),
            store.adaptiveFeedback({ key: "k", epoch: 0, tokens: 1, status: 429, retryAfter: Duration.seconds(1) }),
          ]
          for (const call of calls) {
            const failing = sql.withTransaction(Effect.andThen(sql`DROP TABLE belfry_rate_limits`, call))
            const error = yield* Effect.flip(failing)
            assert.strictEqual(error._tag, "RateLimiterError")
          }
        }),
      )
    },
  )
}

/** Chooses as a small generator decides, the same in every run. */
const chooser = (seed: number) => {
  let state = (seed + 1) * 2_654_435_761
  return <A>(options: ReadonlyArray<A>): A => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) >>> 0
    state = Math.imul(state ^ (state >>> 12), 0x297a2d39) >>> 0
    const chosen = options[state % options.length]
    if (chosen === undefined) throw new Error("Nothing to choose from")
    return chosen
  }
}
