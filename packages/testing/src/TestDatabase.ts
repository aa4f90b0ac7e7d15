/**
 * Databases for tests: a migrated PGlite in memory, and a migrated database of one's own on the PostgreSQL server that
 * the test run found or started.
 *
 * Building one is cheap: PGlite starts from a snapshot, PostgreSQL copies a template, each made once a run.
 *
 * @since 0.1.0
 */
import * as Migrations from "@belfry/sql/Migrations"
import * as Pglite from "@belfry/sql/Pglite"
import * as Postgres from "@belfry/sql/Postgres"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { createHash, randomBytes } from "node:crypto"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"

/**
 * Why a test database could not be made.
 *
 * @category errors
 * @since 0.1.0
 */
export type TestDatabaseError = Migrations.MigrationError | SqlError

/**
 * A layer with an empty database that has the given migrations.
 *
 * @category models
 * @since 0.1.0
 */
export type TestDatabaseLayer = Layer.Layer<SqlClient.SqlClient | PgClient.PgClient, TestDatabaseError>

/**
 * Layer with a PGlite in memory that has the migrations.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerPglite = (sets: ReadonlyArray<Migrations.MigrationSet>): TestDatabaseLayer =>
  Layer.unwrap(Effect.map(snapshot(sets), (loadDataDir) => Pglite.layer({ loadDataDir })))

/**
 * Layer with a new database on the run's PostgreSQL server that has the migrations, dropped when the layer closes.
 *
 * **Details**
 *
 * Dies when `BELFRY_TEST_DATABASE_URL` is not set, which the global set-up does.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerPostgres = (sets: ReadonlyArray<Migrations.MigrationSet>): TestDatabaseLayer =>
  Layer.unwrap(Effect.map(acquirePostgres(sets), (url) => Postgres.layer({ url })))

/**
 * Both databases, for suites that hold on each of them.
 *
 * @category layers
 * @since 0.1.0
 */
export const each = (
  sets: ReadonlyArray<Migrations.MigrationSet>,
): ReadonlyArray<{ readonly name: "PGlite" | "PostgreSQL"; readonly layer: TestDatabaseLayer }> => [
  { name: "PGlite", layer: layerPglite(sets) },
  { name: "PostgreSQL", layer: layerPostgres(sets) },
]

/**
 * Creates a database on the run's PostgreSQL server that has the migrations, and answers its URL.
 *
 * **When to use**
 *
 * For tests that open their own pools or start a process on the database.
 *
 * **Details**
 *
 * The database is dropped with the scope, whoever is connected. Dies as {@link layerPostgres} does.
 *
 * @category constructors
 * @since 0.1.0
 */
export const acquirePostgres: (
  sets: ReadonlyArray<Migrations.MigrationSet>,
) => Effect.Effect<Redacted.Redacted, TestDatabaseError, Scope.Scope> = Effect.fnUntraced(function* (
  sets: ReadonlyArray<Migrations.MigrationSet>,
) {
  const template = sets.length === 0 ? "template1" : yield* makeTemplate(sets)
  const name = `${databasePrefix()}_${randomBytes(8).toString("hex")}`
  yield* Effect.acquireRelease(
    asAdministrator((sql) => sql.unsafe(`CREATE DATABASE ${name} TEMPLATE ${template}`).unprepared),
    () => Effect.orDie(asAdministrator((sql) => sql.unsafe(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`).unprepared)),
  )
  return Redacted.make(urlOf(name))
})

/**
 * Drops every database that this test run made on its server.
 *
 * @category cleaning up
 * @since 0.1.0
 */
export const dropAll: Effect.Effect<void, SqlError> = Effect.suspend(() =>
  asAdministrator((sql) =>
    Effect.gen(function* () {
      const rows = yield* sql<{ readonly datname: string }>`
        SELECT datname::text AS datname FROM pg_database WHERE starts_with(datname::text, ${`${databasePrefix()}_`})`
      for (const { datname } of rows) yield* sql.unsafe(`DROP DATABASE IF EXISTS ${datname} WITH (FORCE)`).unprepared
    }),
  ),
)

/**
 * Asks the run's PostgreSQL server for its version, as `15.18`.
 *
 * @category accessors
 * @since 0.1.0
 */
export const serverVersion: Effect.Effect<string, SqlError> = Effect.suspend(() =>
  asAdministrator((sql) =>
    Effect.map(
      sql<{ readonly version: string }>`SELECT current_setting('server_version') AS version`,
      (rows) => rows[0]?.version ?? "unknown",
    ),
  ),
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const environment = (name: string): string => {
  const value = process.env[name]
  if (value === undefined || value === "") {
    throw new Error(`${name} is not set: run the tests by vitest with --config vitest.workspace.ts`)
  }
  return value
}

/** All names of a run share this, so that a run can clear up after a test that was killed. */
const databasePrefix = (): string => `belfry_${process.env["BELFRY_TEST_RUN"] ?? "single"}`

const urlOf = (database: string): string => {
  const url = new URL(environment("BELFRY_TEST_DATABASE_URL"))
  url.pathname = `/${database}`
  return url.href
}

const fingerprint = (sets: ReadonlyArray<Migrations.MigrationSet>): string =>
  createHash("sha256").update(JSON.stringify(sets)).digest("hex").slice(0, 16)

/** Lends a single connection to the server's own database. */
const asAdministrator = <A, E>(use: (sql: PgClient.PgClient) => Effect.Effect<A, E>): Effect.Effect<A, E | SqlError> =>
  Effect.suspend(() =>
    PgClient.makeClient({ url: Redacted.make(environment("BELFRY_TEST_DATABASE_URL")) }).pipe(
      Effect.flatMap(use),
      Effect.provide(Reactivity.layer),
      Effect.scoped,
    ),
  )

/** Makes the template database of these migrations unless this or another process of the run has, and names it. */
const makeTemplate = (sets: ReadonlyArray<Migrations.MigrationSet>): Effect.Effect<string, TestDatabaseError> =>
  asAdministrator((sql) =>
    Effect.gen(function* () {
      const name = `${databasePrefix()}_t${fingerprint(sets)}`
      // Held until this connection ends.
      yield* sql`SELECT pg_advisory_lock(hashtext(${name}))::text`
      const present = yield* sql`SELECT 1 FROM pg_database WHERE datname = ${name}`
      if (present.length > 0) return name
      // Under another name until it is complete, so that a test that dies here leaves no half of a template.
      const draft = `${name}_draft`
      yield* sql.unsafe(`DROP DATABASE IF EXISTS ${draft} WITH (FORCE)`).unprepared
      yield* sql.unsafe(`CREATE DATABASE ${draft}`).unprepared
      yield* Effect.provide(Migrations.run(sets), Postgres.layer({ url: Redacted.make(urlOf(draft)) }), { local: true })
      yield* sql.unsafe(`ALTER DATABASE ${draft} RENAME TO ${name}`).unprepared
      return name
    }),
  )

const snapshots = new Map<string, Blob>()
const snapshotLock = Semaphore.makeUnsafe(1)

/** The data of a migrated PGlite: from this process, else from a file of this run, else made now. */
const snapshot = (sets: ReadonlyArray<Migrations.MigrationSet>): Effect.Effect<Blob, TestDatabaseError> =>
  snapshotLock.withPermit(
    Effect.gen(function* () {
      const key = fingerprint(sets)
      const known = snapshots.get(key) ?? (yield* Effect.promise(() => readSnapshot(key)))
      const blob = known ?? (yield* Effect.scoped(makeSnapshot(sets)))
      snapshots.set(key, blob)
      if (known === undefined) yield* Effect.promise(() => writeSnapshot(key, blob))
      return blob
    }),
  )

const makeSnapshot = Effect.fnUntraced(function* (sets: ReadonlyArray<Migrations.MigrationSet>) {
  const { client, snapshot } = yield* Pglite.make()
  yield* Effect.provideService(Migrations.run(sets), SqlClient.SqlClient, client)
  return yield* snapshot
})

const snapshotFile = (key: string): string | undefined => {
  const directory = process.env["BELFRY_TEST_RUN_DIR"]
  return directory === undefined ? undefined : Path.join(directory, `${key}.tar`)
}

const readSnapshot = async (key: string): Promise<Blob | undefined> => {
  const file = snapshotFile(key)
  if (file === undefined) return undefined
  const content = await Fs.readFile(file).catch(() => undefined)
  return content === undefined ? undefined : new Blob([content])
}

const writeSnapshot = async (key: string, blob: Blob): Promise<void> => {
  const file = snapshotFile(key)
  if (file === undefined) return
  const draft = `${file}.${randomBytes(4).toString("hex")}`
  await Fs.writeFile(draft, Buffer.from(await blob.arrayBuffer()))
  await Fs.rename(draft, file)
}
