import * as Postgres from "@belfry/sql/Postgres"
import * as SqlFailure from "@belfry/sql/SqlFailure"
import * as PostgresServer from "@belfry/testing/PostgresServer"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import type * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Redacted, Schedule } from "effect"

/** Waits until the server runs `count` statements that contain `text`. */
const running = (observer: PgClient.PgClient, text: string, count: number) =>
  observer<{ n: number }>`SELECT count(*)::int4 AS n FROM pg_stat_activity
    WHERE state = 'active' AND pid <> pg_backend_pid() AND position(${text} in query) > 0`.pipe(
    Effect.repeat({ until: (rows) => rows[0]?.n === count, schedule: Schedule.spaced("10 millis") }),
  )

describe("Postgres", () => {
  it.live("fails what is on the wire at once when the server dies, and recovers when it is back", () =>
    Effect.gen(function* () {
      const server = yield* PostgresServer.acquire()
      const url = Redacted.make(server.url)
      const sql = yield* Postgres.make({ url, statementTimeout: "10 minutes" })
      const observer = yield* Postgres.make({ url })
      yield* sql`CREATE TABLE t (id int)`
      yield* sql`INSERT INTO t VALUES (1)`
      yield* sql`CHECKPOINT`

      // First, because a transaction waits for the single statements on the connection that it takes.
      const transaction = yield* Effect.forkChild(
        Effect.flip(
          sql.withTransaction(
            Effect.andThen(sql`INSERT INTO t VALUES (2)`, sql`SELECT pg_sleep(300)::text AS "in flight"`),
          ),
        ),
      )
      yield* running(observer, "in flight", 1)
      const single = yield* Effect.forkChild(Effect.flip(sql`SELECT pg_sleep(300)::text AS "in flight"`))
      yield* running(observer, "in flight", 2)
      yield* Effect.promise(() => server.stop("immediate"))
      const failures = [yield* Fiber.join(single), yield* Fiber.join(transaction)]
      assert.deepStrictEqual(failures.map(SqlFailure.reason), ["connection", "connection"])

      const down = yield* Effect.flip(sql`SELECT id FROM t`)
      assert.strictEqual(SqlFailure.reason(down), "connection")
      const downInTransaction = yield* Effect.flip(sql.withTransaction(sql`SELECT id FROM t`))
      assert.strictEqual(SqlFailure.reason(downInTransaction), "connection")

      yield* Effect.promise(() => server.start())
      const rows = yield* Effect.forEach(
        Array.from({ length: 50 }),
        () => SqlFailure.retryRead(sql`SELECT id FROM t`),
        { concurrency: "unbounded" },
      )
      assert.isTrue(rows.every((answer) => answer.length === 1))
      yield* sql.withTransaction(sql`INSERT INTO t VALUES (3)`)
      assert.deepStrictEqual(yield* sql`SELECT id FROM t ORDER BY id`, [{ id: 1 }, { id: 3 }])
    }).pipe(Effect.scoped),
  )

  it.live("keeps a connection lost inside a transaction a typed failure, whoever ended it", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.acquirePostgres([])
      const sql = yield* Postgres.make({ url })
      const error = yield* sql
        .withTransaction(
          Effect.gen(function* () {
            const rows = yield* sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`
            const other = yield* Effect.scoped(
              Effect.flatMap(Postgres.make({ url }), (other) => other`SELECT pg_terminate_backend(${rows[0]?.pid})`),
            )
            assert.lengthOf(other, 1)
            return yield* sql`SELECT 1`
          }),
        )
        .pipe(Effect.flip)
      assert.strictEqual(SqlFailure.reason(error), "connection")
      assert.deepStrictEqual(yield* sql`SELECT 1::int4 AS one`, [{ one: 1 }])
    }).pipe(Effect.scoped),
  )

  it.live("cuts a statement after the statement timeout, and the connection stays usable", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.acquirePostgres([])
      const sql = yield* Postgres.make({ url, maxConnections: 1, statementTimeout: "100 millis" })
      const error = yield* Effect.flip(sql`SELECT pg_sleep(300)::text`)
      assert.strictEqual(SqlFailure.reason(error), "timeout")
      assert.deepStrictEqual(yield* sql`SELECT current_setting('application_name') AS name`, [{ name: "belfry" }])
      const unlimited = yield* Postgres.make({ url, statementTimeout: Infinity })
      assert.deepStrictEqual(yield* unlimited`SELECT current_setting('statement_timeout') AS t`, [{ t: "0" }])
      const standard = yield* Postgres.make({ url })
      assert.deepStrictEqual(yield* standard`SELECT current_setting('statement_timeout') AS t`, [{ t: "5s" }])
    }).pipe(Effect.scoped),
  )

  it.live("fails when it is built where no server listens, or the URL is none, without telling the password", () =>
    Effect.gen(function* () {
      const attempts = ["postgres://belfry:hunter2@127.0.0.1:1/x", "postgres://belfry:hunter2@:x", "hunter2"]
      for (const url of attempts) {
        const error = yield* Effect.flip(Effect.scoped(Postgres.make({ url: Redacted.make(url) })))
        assert.strictEqual(SqlFailure.reason(error), "connection")
        assert.notInclude(
          JSON.stringify(error, (_key, value: unknown) => deepView(value)),
          "hunter2",
        )
      }
    }),
  )
})

/** Shows the fields of errors to JSON, which leaves them out. */
const deepView = (value: unknown): unknown =>
  value instanceof Error ? { ...value, message: value.message, stack: value.stack, cause: value.cause } : value
