/**
 * PostgreSQL over the network: a pool of connections with time limits, which survives a server that goes away
 * and comes back.
 *
 * @since 0.1.0
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import { withTypedRollback } from "./internal/transactions.ts"

/**
 * Address and limits of a PostgreSQL server.
 *
 * **Details**
 *
 * - `url`: `postgres://user:password@host:port/database?sslmode=...`.
 * - `maxConnections`: connections of this process, 10 by default. Single statements share them; a transaction has one
 *   to itself.
 * - `multiplexConcurrency`: single statements that share one connection at a time, 32 by default. They wait for the
 *   slowest among them, and another connection is opened when all are full, so fewer means more connections in use.
 * - `statementTimeout`: after this the server cuts a statement, 5 seconds by default. `Duration.infinity` leaves the
 *   server's own setting, as a pooler that refuses startup parameters needs.
 * - `connectTimeout`: for opening one connection, 5 seconds by default.
 * - `applicationName`: what `pg_stat_activity` shows, `belfry` by default.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly url: Redacted.Redacted
  readonly maxConnections?: number | undefined
  readonly multiplexConcurrency?: number | undefined
  readonly statementTimeout?: Duration.Input | undefined
  readonly connectTimeout?: Duration.Input | undefined
  readonly applicationName?: string | undefined
}

/**
 * Opens a pool of connections for as long as the scope lives, and checks that the server answers.
 *
 * **Details**
 *
 * When the server goes away, every statement on the wire fails at once with a `SqlError` of reason
 * `ConnectionError`, so does a transaction, and the dead connections are replaced by the next statements.
 * Fails with a `SqlError` when the URL is no PostgreSQL URL, the server does not answer, or it refuses the user.
 *
 * **Gotchas**
 *
 * Interrupting a single statement does not cancel it on the server, because it shares its connection; the statement
 * timeout ends it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: (options: Options) => Effect.Effect<PgClient.PgClient, SqlError, Scope.Scope> = Effect.fnUntraced(
  function* (options: Options) {
    yield* checkUrl(options.url)
    const statementTimeout = Duration.fromInputUnsafe(options.statementTimeout ?? "5 seconds")
    const client = yield* PgClient.make({
      url: options.url,
      maxConnections: options.maxConnections ?? 10,
      multiplex: true,
      multiplexConcurrency: options.multiplexConcurrency,
      connectTimeout: options.connectTimeout ?? "5 seconds",
      // A peer that vanished without a word is noticed in about 20 seconds.
      keepAlive: "10 seconds",
      applicationName: options.applicationName ?? "belfry",
      ...(Duration.isFinite(statementTimeout)
        ? { startupParameters: { statement_timeout: String(Math.ceil(Duration.toMillis(statementTimeout))) } }
        : {}),
    }).pipe(Effect.provide(Reactivity.layer))
    // The pool opens connections when they are wanted: without this a wrong address would show at the first request.
    yield* client`SELECT 1`
    return withTypedRollback(client)
  },
)

/**
 * Layer that provides PostgreSQL as SQL client.
 *
 * **Details**
 *
 * Fails as {@link make} does: with no server there is no layer.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<SqlClient.SqlClient | PgClient.PgClient, SqlError> =>
  Layer.effectContext(
    Effect.map(make(options), (client) =>
      Context.make(PgClient.PgClient, client).pipe(Context.add(SqlClient.SqlClient, client)),
    ),
  )

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

// The driver's own failure for an unreadable URL carries the URL, and with it the password, as its cause.
const checkUrl = (url: Redacted.Redacted): Effect.Effect<void, SqlError> => {
  const parsed = URL.parse(Redacted.value(url))
  if (parsed !== null && (parsed.protocol === "postgres:" || parsed.protocol === "postgresql:")) return Effect.void
  const message = "Postgres: the database URL is no postgres:// or postgresql:// URL"
  return Effect.fail(
    new SqlError({ reason: new ConnectionError({ cause: new Error(message), message, operation: "connect" }) }),
  )
}
