import * as Pglite from "@belfry/sql/Pglite"
import * as SqlFailure from "@belfry/sql/SqlFailure"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs/promises"
import * as Os from "node:os"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"

const temporaryDirectory = Effect.acquireRelease(
  Effect.promise(() => Fs.mkdtemp(Path.join(Os.tmpdir(), "belfry-pglite-"))),
  (directory) => Effect.promise(() => Fs.rm(directory, { recursive: true, force: true })),
)

const lockModule = fileURLToPath(new URL("../src/internal/directoryLock.ts", import.meta.url))

/** A process that holds the lock of a directory until it is killed. */
const lockingProcess = (dataDir: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const script = `const { acquire } = await import(${JSON.stringify(lockModule)})
        await acquire(${JSON.stringify(dataDir)}); console.log("locked"); setInterval(() => {}, 1000)`
      const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
        stdio: ["ignore", "pipe", "inherit"],
      })
      await once(child.stdout, "data")
      return child
    }),
    (child) => Effect.sync(() => child.kill("SIGKILL")),
  )

describe("Pglite", () => {
  it.live("keeps data in a directory it creates, over a close and a reopen", () =>
    Effect.gen(function* () {
      const dataDir = Path.join(yield* temporaryDirectory, "some", "where", "db")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { client: sql } = yield* Pglite.make({ dataDir })
          yield* sql`CREATE TABLE t (id int)`
          yield* sql`INSERT INTO t VALUES (7)`
        }),
      )
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { client: sql } = yield* Pglite.make({ dataDir })
          assert.deepStrictEqual(yield* sql`SELECT id FROM t`, [{ id: 7 }])
        }),
      )
    }).pipe(Effect.scoped),
  )

  it.live("refuses a directory that this process or another one has open", () =>
    Effect.gen(function* () {
      const dataDir = Path.join(yield* temporaryDirectory, "db")
      const second = yield* Effect.scoped(
        Effect.gen(function* () {
          yield* Pglite.make({ dataDir })
          return yield* Effect.flip(Effect.scoped(Pglite.make({ dataDir })))
        }),
      )
      assert.strictEqual(SqlFailure.reason(second), "connection")
      assert.include(second.message, "in use")
      yield* lockingProcess(dataDir)
      const other = yield* Effect.flip(Effect.scoped(Pglite.make({ dataDir })))
      assert.strictEqual(SqlFailure.reason(other), "connection")
      assert.include(other.message, "in use")
    }).pipe(Effect.scoped),
  )

  it.live("takes over the directory of a process that was killed", () =>
    Effect.gen(function* () {
      const dataDir = Path.join(yield* temporaryDirectory, "db")
      const child = yield* lockingProcess(dataDir)
      const ended = once(child, "exit")
      child.kill("SIGKILL")
      yield* Effect.promise(() => ended)
      const { client: sql } = yield* Pglite.make({ dataDir })
      assert.deepStrictEqual(yield* sql`SELECT 1::int4 AS one`, [{ one: 1 }])
    }).pipe(Effect.scoped),
  )

  it.live("fails typed when the directory cannot be created", () =>
    Effect.gen(function* () {
      const file = Path.join(yield* temporaryDirectory, "file")
      yield* Effect.promise(() => Fs.writeFile(file, ""))
      const error = yield* Effect.flip(Effect.scoped(Pglite.make({ dataDir: Path.join(file, "db") })))
      assert.strictEqual(SqlFailure.reason(error), "connection")
    }).pipe(Effect.scoped),
  )

  it.live("starts from a snapshot of another instance", () =>
    Effect.gen(function* () {
      const snapshot = yield* Effect.scoped(
        Effect.gen(function* () {
          const { client: sql, snapshot } = yield* Pglite.make()
          yield* sql`CREATE TABLE t AS SELECT 3::int4 AS id`
          return yield* snapshot
        }),
      )
      const { client: sql } = yield* Pglite.make({ loadDataDir: snapshot })
      assert.deepStrictEqual(yield* sql`SELECT id FROM t`, [{ id: 3 }])
    }).pipe(Effect.scoped),
  )

  it.live("goes on after its connection broke, with nothing left of the broken one", () =>
    Effect.gen(function* () {
      const { client: sql } = yield* Pglite.make()
      yield* sql`CREATE TABLE t (id int)`
      yield* sql`SET lock_timeout = '9s'`
      // More than the driver takes in one message: it gives the connection up.
      const broken = sql.withTransaction(
        Effect.andThen(sql`INSERT INTO t VALUES (1)`, sql`SELECT repeat('x', 20000000) AS x`),
      )
      const error = yield* Effect.flip(broken)
      assert.strictEqual(SqlFailure.reason(error), "connection")
      assert.deepStrictEqual(yield* sql`SELECT id FROM t`, [])
      assert.deepStrictEqual(yield* sql`SELECT current_setting('lock_timeout') AS t`, [{ t: "0" }])
      yield* sql.withTransaction(sql`INSERT INTO t VALUES (2)`)
      assert.deepStrictEqual(yield* sql`SELECT id FROM t`, [{ id: 2 }])
    }).pipe(Effect.scoped),
  )

  it.live("serves transactions and single statements side by side, one after the other", () =>
    Effect.gen(function* () {
      const { client: sql } = yield* Pglite.make()
      yield* sql`CREATE TABLE counter (n int)`
      yield* sql`INSERT INTO counter VALUES (0)`
      const add = sql.withTransaction(
        Effect.gen(function* () {
          const rows = yield* sql<{ n: number }>`SELECT n FROM counter`
          yield* Effect.yieldNow
          yield* sql`UPDATE counter SET n = ${(rows[0]?.n ?? 0) + 1}`
        }),
      )
      yield* Effect.forEach(
        Array.from({ length: 20 }, (_, index) => index),
        (index) => (index % 2 === 0 ? add : sql`SELECT n FROM counter`),
        { concurrency: "unbounded" },
      )
      assert.deepStrictEqual(yield* sql`SELECT n FROM counter`, [{ n: 10 }])
    }).pipe(Effect.scoped),
  )
})
