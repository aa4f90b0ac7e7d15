/**
 * PostgreSQL inside the process: PGlite behind the same wire driver that talks to a server, so that both
 * databases share types, errors, transactions and SQL.
 *
 * PGlite is loaded when a layer is built, not when this module is: on a server database it costs nothing.
 *
 * @since 0.1.0
 */
import type { PGlite } from "@electric-sql/pglite"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import * as DirectoryLock from "./internal/directoryLock.ts"
import * as PgliteStream from "./internal/pgliteStream.ts"
import { withTypedRollback } from "./internal/transactions.ts"

/**
 * Where the database lives and what it starts from.
 *
 * **Details**
 *
 * Without `dataDir` the database is in memory and ends with its scope. Parent directories of `dataDir` are created.
 * `loadDataDir` is a snapshot as {@link Instance.snapshot} makes it; it fills a new database only.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly dataDir?: string | undefined
  readonly loadDataDir?: Blob | File | undefined
}

/**
 * A running PGlite: its client, and a way to copy its data.
 *
 * @category models
 * @since 0.1.0
 */
export interface Instance {
  readonly client: PgClient.PgClient
  /** Copies the data directory as an uncompressed tar archive that `loadDataDir` takes. */
  readonly snapshot: Effect.Effect<Blob, SqlError>
}

/**
 * Starts PGlite for as long as the scope lives.
 *
 * **Details**
 *
 * One connection serves everybody in turn; a running statement holds the event loop, so time limits cannot cut it.
 * Fails with a `SqlError` of reason `ConnectionError` when PGlite cannot start, the directory cannot be opened, or
 * another process has it open: a data directory belongs to one process at a time.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: (options?: Options) => Effect.Effect<Instance, SqlError, Scope.Scope> = Effect.fnUntraced(function* (
  options: Options = {},
) {
  const { dataDir, loadDataDir } = options
  if (dataDir !== undefined) {
    yield* attempt("PGlite: cannot create the data directory", () =>
      Fs.mkdir(Path.resolve(dataDir), { recursive: true, mode: 0o700 }),
    )
    yield* Effect.acquireRelease(
      attempt("PGlite: the data directory is in use by another process", () => DirectoryLock.acquire(dataDir)),
      (release) => Effect.promise(release),
    )
  }
  const database = yield* Effect.acquireRelease(
    attempt("PGlite: failed to start", () => start(dataDir, loadDataDir)),
    (database) => Effect.promise(() => database.close()),
  )
  const client = yield* PgClient.make({
    stream: PgliteStream.make(database),
    username: "postgres",
    database: "postgres",
    applicationName: "belfry",
    maxConnections: 1,
    minConnections: 1,
    // A replacement connection waits for the work on the one before it, which may be a long transaction.
    connectTimeout: "5 minutes",
  }).pipe(Effect.provide(Reactivity.layer))
  yield* client`SELECT 1`
  return {
    client: withTypedRollback(client),
    snapshot: attempt("PGlite: failed to copy its data", () => database.dumpDataDir("none")),
  }
})

/**
 * Layer that runs PGlite and provides it as SQL client.
 *
 * **Details**
 *
 * Fails as {@link make} does. Closing the layer closes the database and writes out what is pending.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<SqlClient.SqlClient | PgClient.PgClient, SqlError> =>
  Layer.effectContext(Effect.map(make(options), ({ client }) => contextOf(client)))

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const contextOf = (client: PgClient.PgClient): Context.Context<SqlClient.SqlClient | PgClient.PgClient> =>
  Context.make(PgClient.PgClient, client).pipe(Context.add(SqlClient.SqlClient, client))

const start = async (dataDir: string | undefined, loadDataDir: Blob | File | undefined): Promise<PGlite> => {
  const { PGlite } = await import("@electric-sql/pglite")
  return PGlite.create({
    ...(dataDir === undefined ? {} : { dataDir: Path.resolve(dataDir) }),
    ...(loadDataDir === undefined ? {} : { loadDataDir }),
  })
}

const attempt = <A>(message: string, evaluate: () => Promise<A>): Effect.Effect<A, SqlError> =>
  Effect.tryPromise({
    try: evaluate,
    catch: (cause) => new SqlError({ reason: new ConnectionError({ cause, message, operation: "connect" }) }),
  })
