/**
 * Chooses the database by configuration: a PostgreSQL server where one is named, PGlite in the data directory
 * otherwise.
 *
 * @since 0.1.0
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Path from "node:path"
import * as Pglite from "./Pglite.ts"
import * as Postgres from "./Postgres.ts"

/**
 * Which database is in use.
 *
 * **Details**
 *
 * `postgres` says how many connections this process may open; `pglite` says in which directory the data lies.
 * Neither holds the URL of the server or anything else that is secret.
 *
 * @category models
 * @since 0.1.0
 */
export type Description =
  | { readonly kind: "postgres"; readonly maxConnections: number }
  | { readonly kind: "pglite"; readonly dataDir: string }

/**
 * Says which database the layer of this module opened.
 *
 * @category services
 * @since 0.1.0
 */
export class Database extends Context.Service<Database, Description>()("@belfry/sql/Database") {}

/**
 * URL of the PostgreSQL server, `DATABASE_URL`; without one PGlite is used. An empty value counts as none.
 *
 * @category configuration
 * @since 0.1.0
 */
export const databaseUrl: Config.Config<Option.Option<Redacted.Redacted>> = Config.option(
  Config.Redacted("DATABASE_URL"),
).pipe(Config.map(Option.filter((url) => Redacted.value(url) !== "")))

/**
 * Connections that one process opens at most, `BELFRY_DATABASE_POOL`, 10 by default.
 *
 * @category configuration
 * @since 0.1.0
 */
export const poolSize: Config.Config<number> = Config.schema(
  Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: 1000 })),
  "BELFRY_DATABASE_POOL",
).pipe(Config.withDefault(10))

/**
 * Directory for everything that is kept on disk, `BELFRY_DATA_DIR`, `.belfry` by default; PGlite takes `db` in it.
 *
 * @category configuration
 * @since 0.1.0
 */
export const dataDir: Config.Config<string> = Config.NonEmptyString("BELFRY_DATA_DIR").pipe(
  Config.withDefault(".belfry"),
)

/**
 * Reads from the configuration which database would be used, without opening it.
 *
 * @category accessors
 * @since 0.1.0
 */
export const describe: Effect.Effect<Description, Config.ConfigError> = Effect.gen(function* () {
  const url = yield* databaseUrl
  if (Option.isSome(url)) return { kind: "postgres", maxConnections: yield* poolSize }
  return { kind: "pglite", dataDir: Path.join(yield* dataDir, "db") }
})

/**
 * Layer that opens the configured database and provides it as SQL client, with its description.
 *
 * **Details**
 *
 * Reads `DATABASE_URL`, `BELFRY_DATABASE_POOL` and `BELFRY_DATA_DIR`. Fails with `ConfigError` when one of them is
 * unreadable, and with `SqlError` as `Postgres.layer` and `Pglite.layer` do.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig: Layer.Layer<
  SqlClient.SqlClient | PgClient.PgClient | Database,
  Config.ConfigError | SqlError
> = Layer.unwrap(
  Effect.gen(function* () {
    const description = yield* describe
    const url = yield* databaseUrl
    const client =
      description.kind === "postgres" && Option.isSome(url)
        ? Postgres.layer({ url: url.value, maxConnections: description.maxConnections })
        : Pglite.layer(description.kind === "pglite" ? { dataDir: description.dataDir } : {})
    return Layer.merge(client, Layer.succeed(Database, description))
  }),
)
