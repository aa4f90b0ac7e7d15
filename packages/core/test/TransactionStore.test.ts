import * as MemoryStores from "@belfry/core/MemoryStores"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlStores from "@belfry/core/SqlStores"
import * as SqlTransactionStore from "@belfry/core/SqlTransactionStore"
import { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { UserStore } from "@belfry/core/UserStore"
import * as Builders from "@belfry/testing/Builders"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TransactionStoreTest from "@belfry/testing/TransactionStoreTest"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Latch, Layer, Option } from "effect"
import { SqlClient, SqlError } from "effect/sql"

const migrations = [SqlCoreMigrations.migrations]

TransactionStoreTest.suite("memory", MemoryStores.layer)
for (const { name, layer } of TestDatabase.each(migrations)) {
  TransactionStoreTest.suite(name, Layer.provide(SqlStores.layer, layer))

  describe(`SqlTransactionStore (${name})`, () => {
    const stores = Layer.provideMerge(SqlStores.layer, layer)

    it.live("runs the outermost transaction again after a serialization failure, at most 3 times", () =>
      Effect.gen(function* () {
        const { run } = yield* TransactionStore
        const users = yield* UserStore
        const [first, user] = [yield* Builders.user(), yield* Builders.user()]
        let outer = 0
        let inner = 0
        const flaky = Effect.gen(function* () {
          inner += 1
          yield* users.insert(user)
          if (inner < 4) yield* failAs("40001")
        })
        const work = Effect.gen(function* () {
          outer += 1
          yield* users.insert(first)
          yield* run(flaky)
        })
        yield* run(work)
        assert.deepStrictEqual([outer, inner], [4, 4])
        assert.isTrue(Option.isSome(yield* users.findById(user.id)))
        outer = 0
        const error = yield* Effect.flip(
          run(
            Effect.suspend(() => {
              outer += 1
              return failAs("40P01")
            }),
          ),
        )
        assert.deepStrictEqual([outer, error.isRetryable, error.method], [4, true, "write"])
      }).pipe(Effect.provide(stores)),
    )

    it.live("runs a transaction once when it fails for another reason", () =>
      Effect.gen(function* () {
        const { run } = yield* TransactionStore
        let runs = 0
        const work = Effect.suspend(() => {
          runs += 1
          return failAs("22012")
        })
        assert.isFalse((yield* Effect.flip(run(work))).isRetryable)
        assert.strictEqual(runs, 1)
      }).pipe(Effect.provide(stores)),
    )

    it.live("passes on an SqlError of the caller as it is", () =>
      Effect.gen(function* () {
        const { run } = yield* TransactionStore
        const cause = new SqlError.SqlError({ reason: new SqlError.UnknownError({ cause: "the caller's" }) })
        assert.strictEqual(yield* Effect.flip(run(Effect.fail(cause))), cause)
      }).pipe(Effect.provide(stores)),
    )

    it.live("fails when a failure was swallowed that the database has not forgotten", () =>
      Effect.gen(function* () {
        const { run } = yield* TransactionStore
        const users = yield* UserStore
        const user = yield* Builders.user()
        const error = yield* Effect.flip(run(Effect.andThen(users.insert(user), Effect.ignore(failAs("22012")))))
        assert.strictEqual(error._tag === "StoreError" ? error.store : error._tag, "TransactionStore")
        assert.isTrue(Option.isNone(yield* users.findById(user.id)))
      }).pipe(Effect.provide(stores)),
    )

    it.live("reports a commit that the database refuses as a StoreError", () =>
      Effect.gen(function* () {
        const { run } = yield* TransactionStore
        const sql = yield* SqlClient.SqlClient
        yield* sql`CREATE TABLE later (id int PRIMARY KEY REFERENCES later (id) DEFERRABLE INITIALLY DEFERRED)`
        yield* sql`ALTER TABLE later ADD other int REFERENCES later (id) DEFERRABLE INITIALLY DEFERRED`
        const error = yield* Effect.flip(run(sql`INSERT INTO later (id, other) VALUES (1, 2)`))
        assert.strictEqual(error._tag, "StoreError")
      }).pipe(Effect.provide(stores)),
    )
  })
}

describe("SqlTransactionStore (PostgreSQL), several nodes", () => {
  const stores = Layer.provideMerge(SqlStores.layer, TestDatabase.layerPostgres(migrations))

  it.live("runs exclusive work of one name on one node at a time", () =>
    Effect.gen(function* () {
      const [one, other] = [yield* SqlTransactionStore.make, yield* SqlTransactionStore.make]
      const [entered, goOn] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const working = yield* Deferred.succeed(entered, undefined).pipe(
        Effect.andThen(Deferred.await(goOn)),
        (work) => one.runExclusive("sweep", work),
        Effect.forkChild,
      )
      yield* Deferred.await(entered)
      assert.deepStrictEqual(yield* other.runExclusive("sweep", Effect.succeed(1)), Option.none())
      assert.deepStrictEqual(yield* other.runExclusive("other", Effect.succeed(2)), Option.some(2))
      yield* Deferred.succeed(goOn, undefined)
      assert.isTrue(Option.isSome(yield* Fiber.join(working)))
      assert.deepStrictEqual(yield* other.runExclusive("sweep", Effect.succeed(3)), Option.some(3))
    }).pipe(Effect.provide(stores)),
  )

  it.live("runs the victim of a deadlock again", () =>
    Effect.gen(function* () {
      const { run } = yield* TransactionStore
      const users = yield* UserStore
      const [ada, bob] = [yield* Builders.user(), yield* Builders.user()]
      yield* users.insert(ada)
      yield* users.insert(bob)
      const [adaIsLocked, bobIsLocked] = [yield* Latch.make(), yield* Latch.make()]
      let runs = 0
      const update = (first: typeof ada, opened: Latch.Latch, awaited: Latch.Latch, second: typeof ada) =>
        run(
          Effect.gen(function* () {
            runs += 1
            yield* users.update(first.id, { name: "first" }, first.updatedAt)
            yield* opened.open
            yield* awaited.await
            yield* users.update(second.id, { name: "second" }, second.updatedAt)
          }),
        )
      yield* Effect.all([update(ada, adaIsLocked, bobIsLocked, bob), update(bob, bobIsLocked, adaIsLocked, ada)], {
        concurrency: "unbounded",
      })
      assert.strictEqual(runs, 3)
    }).pipe(Effect.provide(stores)),
  )
})

/** A store's failure, of the given SQLSTATE. */
const failAs = Effect.fnUntraced(function* (state: string) {
  const sql = yield* SqlClient.SqlClient
  return yield* sql
    .unsafe(`DO $$ BEGIN RAISE EXCEPTION 'planned' USING ERRCODE = '${state}'; END $$`)
    .pipe(
      Effect.mapError(
        (cause) => new StoreError({ store: "Test", method: "write", isRetryable: state.startsWith("40"), cause }),
      ),
    )
})
