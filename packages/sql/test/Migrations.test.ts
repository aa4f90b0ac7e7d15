import * as Migrations from "@belfry/sql/Migrations"
import * as Postgres from "@belfry/sql/Postgres"
import * as SqlFailure from "@belfry/sql/SqlFailure"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Layer, Option } from "effect"
import { SqlClient, SqlError } from "effect/sql"

const users: Migrations.Migration = {
  name: "0001_users",
  statements: ["CREATE TABLE t_users (id int PRIMARY KEY)", "INSERT INTO t_users VALUES (1)"],
}
const names: Migrations.Migration = { name: "0002_names", statements: ["ALTER TABLE t_users ADD COLUMN name text"] }
const sessions: Migrations.Migration = {
  name: "0001_sessions",
  statements: ["CREATE TABLE t_sessions (user_id int REFERENCES t_users)"],
}
const core = (...migrations: ReadonlyArray<Migrations.Migration>): Migrations.MigrationSet => ({
  package: "core",
  migrations,
})
const later: Migrations.MigrationSet = { package: "later", migrations: [sessions] }

const summary = (statuses: ReadonlyArray<Migrations.MigrationStatus>) =>
  statuses.map((status) => `${status.package}/${status.name} ${status.state}`)

const tableExists = (name: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const rows = yield* sql<{ present: boolean }>`SELECT to_regclass(${name}) IS NOT NULL AS present`
    return rows[0]?.present === true
  })

for (const { name, layer } of TestDatabase.each([])) {
  describe(`Migrations on ${name}`, () => {
    const test = (title: string, body: Effect.Effect<void, unknown, SqlClient.SqlClient>) =>
      it.effect(title, () => Effect.provide(body, Layer.fresh(layer)))

    test(
      "applies every set in the given order, once",
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const first = yield* Migrations.run([core(users, names), later])
        assert.deepStrictEqual(summary(first), [
          "core/0001_users applied",
          "core/0002_names applied",
          "later/0001_sessions applied",
        ])
        assert.deepStrictEqual(yield* Migrations.run([core(users, names), later]), [])
        assert.deepStrictEqual(yield* sql`SELECT id, name FROM t_users`, [{ id: 1, name: null }])
      }),
    )

    test(
      "tells of each step when it is applied, and how many there are",
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* Migrations.run([core(users)])
        const told: Array<string> = []
        yield* Migrations.run([core(users, names), later], ({ name }, { done, pending }) =>
          Effect.map(tableExists("t_sessions"), (exists) => told.push(`${name} ${done} of ${pending}, ${exists}`)).pipe(
            Effect.orDie,
            Effect.provideService(SqlClient.SqlClient, sql),
          ),
        )
        assert.deepStrictEqual(told, ["0002_names 1 of 2, false", "0001_sessions 2 of 2, true"])
      }),
    )

    test(
      "applies what a later release adds",
      Effect.gen(function* () {
        yield* Migrations.run([core(users)])
        assert.deepStrictEqual(summary(yield* Migrations.run([core(users, names)])), ["core/0002_names applied"])
      }),
    )

    test(
      "refuses a migration that was edited after it had been applied, and applies nothing",
      Effect.gen(function* () {
        yield* Migrations.run([core(users)])
        const edited = { ...users, statements: [...users.statements, "SELECT 1"] }
        const error = yield* Effect.flip(Migrations.run([later, core(edited)]))
        assert.instanceOf(error, Migrations.MigrationChecksumMismatch)
        assert.deepInclude(error, { package: "core", migration: "0001_users" })
        assert.isFalse(yield* tableExists("t_sessions"))
      }),
    )

    test(
      "refuses a migration that sorts before an applied one",
      Effect.gen(function* () {
        yield* Migrations.run([core(users), later])
        const early = { name: "0000_early", statements: ["CREATE TABLE t_early (id int)"] }
        const error = yield* Effect.flip(Migrations.run([core(early, users)]))
        assert.instanceOf(error, Migrations.MigrationOutOfOrder)
        assert.deepInclude(error, { package: "core", migration: "0000_early", applied: "0001_users" })
        assert.isFalse(yield* tableExists("t_early"))
      }),
    )

    test(
      "rolls a failing migration back whole and keeps those before it",
      Effect.gen(function* () {
        const broken = { name: "0002_broken", statements: ["CREATE TABLE t_half (id int)", "SELECT 1 / 0"] }
        const error = yield* Effect.flip(Migrations.run([core(users, broken), later]))
        assert.instanceOf(error, Migrations.MigrationFailed)
        assert.deepInclude(error, { package: "core", migration: "0002_broken" })
        assert.isTrue(SqlError.isSqlError(error.cause) && SqlFailure.sqlState(error.cause) === "22012")
        assert.isFalse(yield* tableExists("t_half"))
        assert.isFalse(yield* tableExists("t_sessions"))
        assert.deepStrictEqual(summary(yield* Migrations.status([core(users, broken)])), [
          "core/0001_users applied",
          "core/0002_broken pending",
        ])
      }),
    )

    test(
      "tolerates and reports migrations of a newer release",
      Effect.gen(function* () {
        yield* Migrations.run([core(users, names), later])
        assert.deepStrictEqual(yield* Migrations.run([core(users)]), [])
        const statuses = yield* Migrations.status([core(users)])
        assert.deepStrictEqual(summary(statuses), [
          "core/0001_users applied",
          "core/0002_names unknown",
          "later/0001_sessions unknown",
        ])
        assert.isTrue(statuses.every((status) => Option.isSome(status.appliedAt)))
      }),
    )

    test(
      "reports on an empty database without changing it",
      Effect.gen(function* () {
        const edited = { ...users, statements: ["SELECT 1"] }
        assert.deepStrictEqual(summary(yield* Migrations.status([core(users)])), ["core/0001_users pending"])
        assert.isFalse(yield* tableExists("belfry_migrations"))
        yield* Migrations.run([core(users)])
        assert.deepStrictEqual(summary(yield* Migrations.status([core(edited)])), ["core/0001_users changed"])
      }),
    )

    test(
      "dies on sets that are malformed",
      Effect.gen(function* () {
        for (const sets of [[core(users), core(names)], [core(names, users)], [core({ ...users, name: "users" })]]) {
          const exit = yield* Effect.exit(Migrations.run(sets))
          assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
        }
      }),
    )
  })
}

describe("Migrations by several processes", () => {
  it.live("applies each migration once when nodes start at the same time", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.acquirePostgres([])
      const nodes = yield* Effect.forEach([1, 2, 3, 4], () => Postgres.make({ url, maxConnections: 2 }), {
        concurrency: "unbounded",
      })
      const applied = yield* Effect.forEach(
        nodes,
        (node) => Effect.provideService(Migrations.run([core(users, names), later]), SqlClient.SqlClient, node),
        { concurrency: "unbounded" },
      )
      assert.deepStrictEqual(summary(applied.flat()).sort(), [
        "core/0001_users applied",
        "core/0002_names applied",
        "later/0001_sessions applied",
      ])
    }).pipe(Effect.scoped),
  )

  it.live("takes no lock when nothing is pending", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.acquirePostgres([core(users)])
      const holder = yield* Postgres.make({ url })
      const node = yield* Postgres.make({ url })
      const run = Effect.provideService(Migrations.run([core(users)]), SqlClient.SqlClient, node)
      yield* holder.withTransaction(
        Effect.gen(function* () {
          yield* holder`LOCK TABLE belfry_migrations IN SHARE ROW EXCLUSIVE MODE`
          yield* holder`SELECT pg_advisory_xact_lock(108187749872249)::text`
          assert.deepStrictEqual(yield* run, [])
        }),
      )
    }).pipe(Effect.scoped),
  )
})
