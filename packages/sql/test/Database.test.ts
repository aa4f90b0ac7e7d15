import * as Database from "@belfry/sql/Database"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Option, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import * as Fs from "node:fs/promises"
import * as Os from "node:os"
import * as Path from "node:path"

const withEnv = (env: Record<string, string>) => Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(env)))

const opened = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ version: string }>`SELECT version() AS version`
  return { description: yield* Database.Database, version: rows[0]?.version ?? "" }
}).pipe(Effect.provide(Database.layerConfig, { local: true }))

describe("Database", () => {
  it.live("opens PostgreSQL where DATABASE_URL names one", () =>
    Effect.gen(function* () {
      const url = Redacted.value(yield* TestDatabase.acquirePostgres([]))
      const { description, version } = yield* opened.pipe(withEnv({ DATABASE_URL: url, BELFRY_DATABASE_POOL: "3" }))
      assert.deepStrictEqual(description, { kind: "postgres", maxConnections: 3 })
      assert.notInclude(version, "PGlite")
    }).pipe(Effect.scoped),
  )

  it.live("opens PGlite in the data directory otherwise", () =>
    Effect.gen(function* () {
      const directory = yield* Effect.acquireRelease(
        Effect.promise(() => Fs.mkdtemp(Path.join(Os.tmpdir(), "belfry-data-"))),
        (directory) => Effect.promise(() => Fs.rm(directory, { recursive: true, force: true })),
      )
      const { description, version } = yield* opened.pipe(withEnv({ DATABASE_URL: "", BELFRY_DATA_DIR: directory }))
      assert.deepStrictEqual(description, { kind: "pglite", dataDir: Path.join(directory, "db") })
      assert.include(version, "PGlite")
    }).pipe(Effect.scoped),
  )

  it.effect("describes its defaults without opening anything", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* Database.describe.pipe(withEnv({})), { kind: "pglite", dataDir: ".belfry/db" })
      const postgres = yield* Database.describe.pipe(withEnv({ DATABASE_URL: "postgres://nobody@nowhere/x" }))
      assert.deepStrictEqual(postgres, { kind: "postgres", maxConnections: 10 })
    }),
  )

  it.effect("refuses a pool size that is no positive whole number", () =>
    Effect.gen(function* () {
      for (const size of ["0", "-1", "1.5", "many"]) {
        const read = Effect.gen(function* () {
          return yield* Database.poolSize
        })
        const error = yield* Effect.flip(read.pipe(withEnv({ BELFRY_DATABASE_POOL: size })))
        assert.strictEqual(error._tag, "ConfigError")
      }
      const none = yield* Effect.gen(function* () {
        return yield* Database.databaseUrl
      }).pipe(withEnv({ DATABASE_URL: "" }))
      assert.isTrue(Option.isNone(none))
    }),
  )
})
