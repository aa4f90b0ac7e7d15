import * as Postgres from "@belfry/sql/Postgres"
import * as SqlFailure from "@belfry/sql/SqlFailure"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { assert, describe, it, layer } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber } from "effect"
import { SqlClient, SqlError } from "effect/sql"
import { TestClock } from "effect/testing"

const schema = {
  package: "failures",
  migrations: [
    {
      name: "0001_tables",
      statements: [
        "CREATE TABLE parents (id int PRIMARY KEY, name text CONSTRAINT parents_name_key UNIQUE, CHECK (id > 0))",
        "CREATE TABLE children (parent int NOT NULL CONSTRAINT children_parent_fkey REFERENCES parents)",
        "INSERT INTO parents VALUES (1, 'a'), (2, 'b')",
        "INSERT INTO children VALUES (2)",
      ],
    },
  ],
}

for (const database of TestDatabase.each([schema])) {
  layer(database.layer)(`SqlFailure on ${database.name}`, (it) => {
    const failure = (statement: string) =>
      Effect.flatMap(SqlClient.SqlClient, (sql) => Effect.flip(sql.unsafe(statement)))

    it.effect("tells a unique violation and its constraint", () =>
      Effect.gen(function* () {
        const error = yield* failure("INSERT INTO parents VALUES (3, 'a')")
        assert.strictEqual(SqlFailure.reason(error), "unique")
        assert.strictEqual(SqlFailure.sqlState(error), "23505")
        assert.isTrue(SqlFailure.isUniqueViolation(error))
        assert.isTrue(SqlFailure.isUniqueViolation(error, "parents_name_key"))
        assert.isFalse(SqlFailure.isUniqueViolation(error, "parents_pkey"))
        assert.isFalse(SqlFailure.isRetryable(error))
      }),
    )

    it.effect("tells a foreign-key violation of a child and of a parent from other constraints", () =>
      Effect.gen(function* () {
        for (const statement of ["INSERT INTO children VALUES (9)", "DELETE FROM parents WHERE id = 2"]) {
          const error = yield* failure(statement)
          assert.strictEqual(SqlFailure.reason(error), "foreign-key")
          assert.isTrue(SqlFailure.isForeignKeyViolation(error))
          assert.isTrue(SqlFailure.isForeignKeyViolation(error, "children_parent_fkey"))
          assert.isFalse(SqlFailure.isForeignKeyViolation(error, "other_fkey"))
        }
      }),
    )

    it.effect("tells checks and missing values as constraints", () =>
      Effect.gen(function* () {
        for (const statement of ["INSERT INTO parents VALUES (-1, 'c')", "INSERT INTO children VALUES (NULL)"]) {
          const error = yield* failure(statement)
          assert.strictEqual(SqlFailure.reason(error), "constraint")
          assert.isFalse(SqlFailure.isForeignKeyViolation(error))
        }
      }),
    )

    it.effect("leaves a wrong statement as other", () =>
      Effect.gen(function* () {
        const error = yield* failure("SELECT nothing FROM nowhere")
        assert.strictEqual(SqlFailure.reason(error), "other")
        assert.isFalse(SqlFailure.isRetryable(error))
      }),
    )
  })
}

describe("SqlFailure between connections", () => {
  it.live("tells a serialization failure, and retries the transaction until it succeeds", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.acquirePostgres([schema])
      const sql = yield* Postgres.make({ url })
      const other = yield* Postgres.make({ url })
      let tries = 0
      const rename = sql.withTransaction(
        Effect.gen(function* () {
          tries += 1
          yield* sql`SET TRANSACTION ISOLATION LEVEL SERIALIZABLE`
          yield* sql`SELECT name FROM parents WHERE id = 1`
          if (tries === 1) yield* other`UPDATE parents SET name = 'meanwhile' WHERE id = 1`
          yield* sql`UPDATE parents SET name = 'mine' WHERE id = 1`
        }),
      )
      const error = yield* Effect.flip(rename)
      assert.strictEqual(SqlFailure.reason(error), "serialization")
      tries = 0
      yield* SqlFailure.retryTransaction(rename)
      assert.strictEqual(tries, 2)
      assert.deepStrictEqual(yield* sql`SELECT name FROM parents WHERE id = 1`, [{ name: "mine" }])
    }).pipe(Effect.scoped),
  )

  it.live("tells a deadlock as a serialization failure", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.acquirePostgres([schema])
      const sql = yield* Postgres.make({ url })
      const both = [yield* Deferred.make<void>(), yield* Deferred.make<void>()] as const
      const lock = (mine: 0 | 1, theirs: 0 | 1) =>
        sql.withTransaction(
          Effect.gen(function* () {
            yield* sql`SELECT id FROM parents WHERE id = ${mine + 1} FOR UPDATE`
            yield* Deferred.succeed(both[mine], undefined)
            yield* Deferred.await(both[theirs])
            yield* sql`SELECT id FROM parents WHERE id = ${theirs + 1} FOR UPDATE`
          }),
        )
      const exits = yield* Effect.all([Effect.exit(lock(0, 1)), Effect.exit(lock(1, 0))], { concurrency: 2 })
      assert.lengthOf(exits.filter(Exit.isSuccess), 1)
      const failed = exits.find(Exit.isFailure)
      assert.isDefined(failed)
      const error = yield* Effect.flip(failed)
      assert.isTrue(SqlError.isSqlError(error) && SqlFailure.reason(error) === "serialization")
    }).pipe(Effect.scoped),
  )

  it.live("tells a lock that was waited for too long as a timeout", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.acquirePostgres([schema])
      const sql = yield* Postgres.make({ url })
      const other = yield* Postgres.make({ url })
      const error = yield* sql.withTransaction(
        Effect.gen(function* () {
          yield* sql`SELECT id FROM parents WHERE id = 1 FOR UPDATE`
          return yield* Effect.flip(other`SELECT id FROM parents WHERE id = 1 FOR UPDATE NOWAIT`)
        }),
      )
      assert.strictEqual(SqlFailure.reason(error), "timeout")
    }).pipe(Effect.scoped),
  )
})

describe("SqlFailure retries", () => {
  const failing = (reason: SqlError.SqlErrorReason) => {
    const attempt = { count: 0 }
    const effect = Effect.suspend(() => {
      attempt.count += 1
      return Effect.fail(new SqlError.SqlError({ reason }))
    })
    return { attempt, effect }
  }
  const lost = new SqlError.ConnectionError({ cause: new Error("gone") })
  const conflict = new SqlError.SerializationError({ cause: new Error("conflict") })
  const deadlock = new SqlError.DeadlockError({ cause: new Error("deadlock") })
  const slow = new SqlError.StatementTimeoutError({ cause: new Error("slow") })
  const taken = new SqlError.UniqueViolation({ cause: new Error("taken"), constraint: "x" })
  const shutdown = new SqlError.UnknownError({ cause: Object.assign(new Error("shutdown"), { code: "57P01" }) })
  const full = new SqlError.UnknownError({ cause: Object.assign(new Error("full"), { code: "53300" }) })

  const tries = (policy: typeof SqlFailure.retryRead, reason: SqlError.SqlErrorReason) =>
    Effect.gen(function* () {
      const { attempt, effect } = failing(reason)
      const fiber = yield* Effect.forkChild(Effect.flip(policy(effect)))
      yield* TestClock.adjust("1 second")
      const error = yield* Fiber.join(fiber)
      assert.strictEqual(error.reason, reason)
      return attempt.count
    })

  it.effect("tries a read three times in all when the connection, a conflict or the clock was to blame", () =>
    Effect.gen(function* () {
      for (const reason of [lost, conflict, deadlock, slow, shutdown, full]) {
        assert.strictEqual(yield* tries(SqlFailure.retryRead, reason), 3, reason._tag)
      }
      assert.strictEqual(yield* tries(SqlFailure.retryRead, taken), 1)
    }),
  )

  it.effect("tries a transaction four times in all after a rollback by the database, and only then", () =>
    Effect.gen(function* () {
      for (const reason of [conflict, deadlock]) {
        assert.strictEqual(yield* tries(SqlFailure.retryTransaction, reason), 4, reason._tag)
      }
      for (const reason of [lost, slow, taken, shutdown]) {
        assert.strictEqual(yield* tries(SqlFailure.retryTransaction, reason), 1, reason._tag)
      }
    }),
  )

  it.effect("waits before each further try, longer each time", () =>
    Effect.gen(function* () {
      const { attempt, effect } = failing(lost)
      yield* Effect.forkChild(Effect.flip(SqlFailure.retryRead(effect)))
      // The jitter is between 80 and 120 per cent of 20 and 40 ms.
      yield* TestClock.adjust("15 millis")
      assert.strictEqual(attempt.count, 1)
      yield* TestClock.adjust("10 millis")
      assert.strictEqual(attempt.count, 2)
      yield* TestClock.adjust("25 millis")
      assert.strictEqual(attempt.count, 2)
      yield* TestClock.adjust("25 millis")
      assert.strictEqual(attempt.count, 3)
    }),
  )

  it.effect("passes failures of other kinds untouched", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(SqlFailure.retryRead(Effect.fail("mine" as const)))
      assert.strictEqual(error, "mine")
    }),
  )
})
