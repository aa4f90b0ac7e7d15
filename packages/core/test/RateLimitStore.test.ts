import * as MemoryRateLimitStore from "@belfry/core/MemoryRateLimitStore"
import { RateLimitStore, type RateLimitUse } from "@belfry/core/RateLimitStore"
import * as RedisRateLimitStore from "@belfry/core/RedisRateLimitStore"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlRateLimiterStore from "@belfry/core/SqlRateLimiterStore"
import * as SqlRateLimitStore from "@belfry/core/SqlRateLimitStore"
import * as RateLimitStoreTest from "@belfry/testing/RateLimitStoreTest"
import { statementsOf } from "@belfry/testing/StatementCounter"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { assert, describe, it, layer as withLayer } from "@effect/vitest"
import { Context, Duration, Effect, Layer, Option } from "effect"
import { RateLimiter, Redis } from "effect/persistence"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"

RateLimitStoreTest.suite("memory", MemoryRateLimitStore.layer)

class Reference extends Context.Service<Reference, RateLimitStore["Service"]>()("test/Reference") {}

const reference = Layer.provide(Layer.effect(Reference, RateLimitStore), MemoryRateLimitStore.layer)

const use = (key: string, limit: number): RateLimitUse => ({ key, limit, window: Duration.minutes(1) })

for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations])) {
  RateLimitStoreTest.suite(name, Layer.provide(SqlRateLimitStore.layer, layer))

  const stores = Layer.merge(SqlRateLimitStore.layer, SqlRateLimiterStore.layer)

  withLayer(Layer.merge(Layer.provideMerge(stores, layer), reference))(`SqlRateLimitStore (${name})`, (it) => {
    it.effect("answers a long sequence of calls as the memory store does", () =>
      Effect.gen(function* () {
        const [actual, expected] = [yield* RateLimitStore, yield* Reference]
        const keys = ["a", "b", "c", "d"]
        for (let step = 0; step < 400; step++) {
          yield* TestClock.adjust(Duration.millis([0, 1, 250, 4321, 30_000][(step * 7) % 5] ?? 0))
          const [first = "a", ...others] = keys.map((_, index) => keys[(index + step * 3) % 4] ?? "a")
          const uses = [first, ...others.slice(0, step % 4)].map((key) => use(key, 2 + (step % 5)))
          const [head, ...tail] = uses
          if (head === undefined) return assert.fail("no use")
          const [was, is] = [yield* actual.take([head, ...tail]), yield* expected.take([head, ...tail])]
          assert.deepStrictEqual(Option.map(was, Duration.toMillis), Option.map(is, Duration.toMillis), `step ${step}`)
        }
      }),
    )

    it.effect("takes all uses by one statement", () =>
      Effect.gen(function* () {
        const store = yield* RateLimitStore
        const uses = [use("one", 5), use("statement", 5), use("for all", 5)] as const
        assert.deepStrictEqual(yield* statementsOf(store.take(uses)), ["TAKE rate limits"])
      }),
    )

    it.effect("counts with Effect's store in the same windows", () =>
      Effect.gen(function* () {
        const [store, limiter] = [yield* RateLimitStore, yield* RateLimiter.RateLimiterStore]
        const window = { key: "both", tokens: 1, refillRate: Duration.seconds(20), limit: 3 }
        assert.deepStrictEqual(yield* store.take([use("both", 3)]), Option.none())
        assert.deepStrictEqual(yield* limiter.fixedWindow(window), [2, 40_000])
        assert.deepStrictEqual(yield* store.take([use("both", 3)]), Option.none())
        assert.deepStrictEqual(yield* limiter.fixedWindow(window), [4, 60_000])
      }),
    )

    it.effect("takes nothing in a transaction that is undone", () =>
      Effect.gen(function* () {
        const [store, sql] = [yield* RateLimitStore, yield* SqlClient.SqlClient]
        const uses = [use("undone a", 1), use("undone b", 1)] as const
        yield* Effect.flip(sql.withTransaction(Effect.andThen(store.take(uses), Effect.fail("undo"))))
        assert.deepStrictEqual(yield* store.take(uses), Option.none())
      }),
    )

    it.effect("lets nothing through when one key comes twice, or the database cannot answer", () =>
      Effect.gen(function* () {
        const [store, sql] = [yield* RateLimitStore, yield* SqlClient.SqlClient]
        const twice = [use("twice", 9), use("twice", 9)] as const
        const away = sql.withTransaction(
          Effect.andThen(sql`DROP TABLE belfry_rate_limits`, store.take([use("away", 1)])),
        )
        for (const call of [store.take(twice), away]) {
          const error = yield* Effect.flip(call)
          assert.deepInclude(error, { _tag: "StoreError", store: "RateLimitStore", method: "take" })
        }
      }),
    )
  })
}

describe("RateLimitStore over Effect's RateLimiter", () => {
  it.effect("lets nothing through when the store cannot answer, and asks for no further key", () => {
    const keys: Array<string> = []
    const redis = Layer.mock(Redis.Redis, {
      eval:
        () =>
        (...[key]: ReadonlyArray<unknown>) => {
          keys.push(String(key))
          return Effect.fail(new Redis.RedisError({ cause: new Error("ECONNREFUSED") }))
        },
    })
    return Effect.gen(function* () {
      const store = yield* RateLimitStore
      const error = yield* Effect.flip(store.take([use("first", 1), use("second", 1)]))
      assert.deepInclude(error, { _tag: "StoreError", store: "RateLimitStore", method: "take", isRetryable: true })
      assert.deepStrictEqual(keys, ["belfry:first"])
    }).pipe(Effect.provide(Layer.provide(RedisRateLimitStore.layer(), redis)))
  })
})
