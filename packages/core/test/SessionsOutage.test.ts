import * as Sessions from "@belfry/core/Sessions"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlRateLimitStore from "@belfry/core/SqlRateLimitStore"
import { UserStore } from "@belfry/core/UserStore"
import * as SqlFactorsMigrations from "@belfry/factors/SqlFactorsMigrations"
import * as Migrations from "@belfry/sql/Migrations"
import * as Postgres from "@belfry/sql/Postgres"
import * as Builders from "@belfry/testing/Builders"
import * as PostgresServer from "@belfry/testing/PostgresServer"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Redacted, Schedule } from "effect"
import type { SqlClient } from "effect/sql"
import * as TestCore from "./support/TestCore.ts"

const { client } = TestCore
const migrations = [SqlCoreMigrations.migrations, SqlFactorsMigrations.migrations]

/** Every service over a PostgreSQL server of its own. */
const layerOver = (server: PostgresServer.PostgresServer) =>
  TestCore.layerOver(
    Layer.merge(TestServices.layerSqlStores, SqlRateLimitStore.layer).pipe(
      Layer.provideMerge(Migrations.layer(migrations)),
      Layer.provideMerge(Postgres.layer({ url: Redacted.make(server.url) })),
    ),
  )

const signIn = Effect.gen(function* () {
  const sessions = yield* Sessions.Sessions
  const user = yield* Builders.user()
  yield* UserStore.use((users) => users.insert(user))
  return yield* sessions.start({ user, amr: ["pwd"], client })
})

/** Runs `work` while nobody can read sessions. */
const withLockedSessions = Effect.fnUntraced(function* <A, E, R>(
  sql: SqlClient.SqlClient,
  work: Effect.Effect<A, E, R>,
) {
  const locked = yield* Deferred.make<void>()
  const holder = yield* Effect.forkChild(
    sql.withTransaction(
      Effect.gen(function* () {
        yield* sql`LOCK TABLE belfry_sessions IN ACCESS EXCLUSIVE MODE`
        yield* Deferred.succeed(locked, undefined)
        yield* Effect.never
      }),
    ),
  )
  yield* Deferred.await(locked)
  const result = yield* work
  yield* Fiber.interrupt(holder)
  return result
})

/** Waits until a statement waits for a lock. */
const statementIsWaiting = (sql: SqlClient.SqlClient) =>
  Effect.repeat(
    sql<{ readonly count: number }>`
      SELECT count(*)::int4 AS count FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    { until: ([row]) => row?.count === 1, schedule: Schedule.spaced("10 millis") },
  )

describe("Sessions, when PostgreSQL is killed", () => {
  it.live(
    "fails with StoreError in the middle of a use, never with SessionInvalid, and has the session afterwards",
    () =>
      Effect.gen(function* () {
        // Test servers may forget the last commits in a crash, unless told not to.
        const server = yield* PostgresServer.acquire({ settings: { synchronous_commit: "on" } })
        yield* Effect.gen(function* () {
          const sessions = yield* Sessions.Sessions
          const { session, token } = yield* signIn
          // Connections of its own: single statements may have to wait for a neighbour on theirs.
          const sql = yield* Postgres.make({ url: Redacted.make(server.url), maxConnections: 2 })
          const during = yield* withLockedSessions(
            sql,
            Effect.gen(function* () {
              const verifying = yield* Effect.forkChild(Effect.flip(sessions.verify(token)))
              yield* statementIsWaiting(sql)
              yield* Effect.promise(() => server.stop("immediate"))
              return yield* Fiber.join(verifying)
            }),
          )
          if (during._tag !== "StoreError") return assert.fail(during._tag)
          assert.deepStrictEqual([during.store, during.isRetryable], ["SessionStore", true])

          const user = yield* Builders.user()
          for (const attempt of [
            sessions.verify(token),
            sessions.list(session.userId),
            sessions.start({ user, amr: ["pwd"], client }),
            sessions.revoke(session.userId, session.id, client),
            sessions.signOut(token, client),
          ]) {
            const result: Effect.Effect<unknown, { readonly _tag: string }> = attempt
            assert.strictEqual((yield* Effect.flip(result))._tag, "StoreError")
          }

          yield* Effect.promise(() => server.start())
          assert.deepStrictEqual((yield* sessions.verify(token)).session, session)
          assert.deepStrictEqual(yield* sessions.list(session.userId), [session])
        }).pipe(Effect.provide(layerOver(server)))
      }),
  )
})
