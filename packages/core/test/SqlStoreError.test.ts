import { StoreError } from "@belfry/core/StoreError"
import { SessionStore } from "@belfry/core/SessionStore"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import * as SqlStores from "@belfry/core/SqlStores"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { UserStore } from "@belfry/core/UserStore"
import * as Migrations from "@belfry/sql/Migrations"
import * as Postgres from "@belfry/sql/Postgres"
import * as Builders from "@belfry/testing/Builders"
import * as PostgresServer from "@belfry/testing/PostgresServer"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted } from "effect"
import { SqlClient, SqlError, Statement } from "effect/sql"

const migrations = [SqlCoreMigrations.migrations]

describe("SQL stores, when the server goes away", () => {
  it.live("fail with a retryable StoreError, lose nothing, and answer again when it is back", () =>
    Effect.gen(function* () {
      const { server, stores } = yield* startServer
      yield* Effect.gen(function* () {
        const [users, sessions] = [yield* UserStore, yield* SessionStore]
        const transactions = yield* TransactionStore
        const { user, session, tokenHash } = yield* insertSession
        const unborn = yield* Builders.user()
        yield* Effect.promise(() => server.stop("immediate"))
        const calls = {
          find: sessions.findByTokenHash([tokenHash]),
          list: sessions.listByUser(user.id, session.createdAt),
          touch: sessions.touch(session, { ...session, lastSeenAt: session.expiresAt }),
          insert: users.insert(unborn),
          run: transactions.run(Effect.void),
          runExclusive: transactions.runExclusive("sweep", Effect.void),
        }
        for (const [name, call] of Object.entries(calls)) {
          const error = yield* Effect.flip(Effect.asVoid<unknown, unknown, never>(call))
          assert.isTrue(error instanceof StoreError && error.isRetryable, name)
        }
        yield* Effect.promise(() => server.start())
        // Reads take a new connection by themselves.
        const found = yield* sessions.findByTokenHash([tokenHash])
        assert.deepStrictEqual(found, Option.some({ session, user, tokenHash }))
        assert.isTrue(Option.isNone(yield* users.findById(unborn.id)))
        yield* users.insert(unborn)
      }).pipe(Effect.provide(stores))
    }),
  )

  it.live("undo a transaction that was cut in the middle, and report a StoreError", () =>
    Effect.gen(function* () {
      const { server, stores } = yield* startServer
      yield* Effect.gen(function* () {
        const users = yield* UserStore
        const { run } = yield* TransactionStore
        const user = yield* Builders.user()
        let runs = 0
        const work = Effect.gen(function* () {
          runs += 1
          yield* users.insert(user)
          yield* Effect.promise(() => server.stop("immediate"))
          yield* users.insert(yield* Builders.user())
        })
        const error = yield* Effect.flip(run(work))
        assert.isTrue(error._tag === "StoreError" && error.isRetryable)
        // Whether it committed is unknown to a caller: never again by itself.
        assert.strictEqual(runs, 1)
        yield* Effect.promise(() => server.start())
        assert.isTrue(Option.isNone(yield* users.findById(user.id)))
      }).pipe(Effect.provide(stores))
    }),
  )
})

describe("SqlStoreError", () => {
  const lost = new SqlError.SqlError({ reason: new SqlError.ConnectionError({ cause: "lost" }) })
  const refused = new SqlError.SqlError({ reason: new SqlError.UnknownError({ cause: "refused" }) })
  const database = TestDatabase.layerPostgres(migrations)

  /** Fails `failures` times, then answers how often it ran. */
  const flaky = (failures: number, failure: SqlError.SqlError) => {
    let runs = 0
    return Effect.suspend(() => (++runs <= failures ? Effect.fail(failure) : Effect.succeed(runs)))
  }

  it.live("repeats a read after a lost connection, but not for ever", () =>
    Effect.gen(function* () {
      const { read } = SqlStoreError.statements(yield* SqlClient.SqlClient, "Test")
      assert.strictEqual(yield* read("method", flaky(2, lost)), 3)
      const error = yield* Effect.flip(read("method", flaky(100, lost)))
      assert.deepStrictEqual([error.store, error.method, error.isRetryable], ["Test", "method", true])
    }).pipe(Effect.provide(database)),
  )

  it.live("repeats no read in a transaction, no read that was refused, and no write", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { read, write } = SqlStoreError.statements(sql, "Test")
      const inside = yield* Effect.flip(sql.withTransaction(read("method", flaky(1, lost))))
      assert.isTrue(inside._tag === "StoreError" && inside.isRetryable)
      assert.isFalse((yield* Effect.flip(read("method", flaky(1, refused)))).isRetryable)
      assert.isTrue((yield* Effect.flip(write("method", flaky(1, lost)))).isRetryable)
    }).pipe(Effect.provide(database)),
  )
})

describe("SqlSessionStore", () => {
  it.live("finds a session by one statement, of a text that does not depend on the token", () => {
    const texts: Array<string> = []
    const recording: Statement.Transformer = (statement) =>
      Effect.sync(() => {
        texts.push(statement.compile()[0])
        return statement
      })
    return Effect.gen(function* () {
      const sessions = yield* SessionStore
      const inserted = [yield* insertSession, yield* insertSession]
      texts.length = 0
      for (const { tokenHash } of inserted) {
        assert.isTrue(Option.isSome(yield* sessions.findByTokenHash([tokenHash])))
      }
      assert.strictEqual(texts.length, 2)
      assert.strictEqual(texts[0], texts[1])
    }).pipe(
      Effect.provide(Layer.provide(SqlStores.layer, TestDatabase.layerPostgres(migrations))),
      Effect.provideService(Statement.CurrentTransformer, recording),
    )
  })

  it.live("looks sessions up by index: by token, by user and by expiry", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* insertSession
      yield* sql`INSERT INTO belfry_sessions
        SELECT gen_random_uuid(), user_id, md5(n::text), amr, auth_time, created_at, last_seen_at, expires_at, ends_at
        FROM belfry_sessions, generate_series(1, 20000) AS n`
      yield* sql`ANALYZE belfry_sessions`
      const plans = {
        find: sql`SELECT s.id FROM belfry_sessions s JOIN belfry_users u ON u.id = s.user_id WHERE s.token_hash = 'x'`,
        sweep: sql`SELECT ctid FROM belfry_sessions WHERE expires_at <= ${new Date(0)} ORDER BY expires_at LIMIT 100`,
        list: sql`SELECT id FROM belfry_sessions WHERE user_id = ${(yield* Builders.user()).id} AND expires_at > ${new Date(0)}`,
      }
      for (const [name, plan] of Object.entries(plans)) {
        const rows = yield* sql<{ readonly "QUERY PLAN": string }>`EXPLAIN ${plan}`
        const text = rows.map((row) => row["QUERY PLAN"]).join("\n")
        assert.notInclude(text, "Seq Scan on belfry_sessions", `${name}: ${text}`)
      }
    }).pipe(Effect.provide(Layer.provideMerge(SqlStores.layer, TestDatabase.layerPostgres(migrations)))),
  )
})

const startServer = Effect.gen(function* () {
  // Without a synchronous commit the server itself may forget what it had promised.
  const server = yield* PostgresServer.acquire({ settings: { synchronous_commit: "on" } })
  const client = Postgres.layer({ url: Redacted.make(server.url), connectTimeout: "2 seconds" })
  const database = Layer.provideMerge(Migrations.layer(migrations), client)
  return { server, stores: Layer.provide(SqlStores.layer, database) }
})

const insertSession = Effect.gen(function* () {
  const user = yield* Builders.user()
  const session = yield* Builders.session({ userId: user.id })
  const tokenHash = yield* Builders.keyedHash
  yield* UserStore.use((users) => users.insert(user))
  yield* SessionStore.use((sessions) => sessions.insert(session, tokenHash))
  return { user, session, tokenHash }
})
