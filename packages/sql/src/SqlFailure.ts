/**
 * Tells the failures of the SQL client apart, for adapters that turn them into domain results,
 * and retries the ones after which a statement or a transaction is safe to repeat.
 *
 * Classification goes by SQLSTATE where the server sent one, so both databases answer alike.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import { isSqlError, type SqlError } from "effect/sql/SqlError"

/**
 * What a failed statement means for its caller.
 *
 * **Details**
 *
 * - `unique`, `foreign-key`, `constraint`: the row was refused by the schema; nothing was written.
 * - `serialization`: serialization failure or deadlock; the transaction has been rolled back.
 * - `connection`: the server cannot be reached or went away; the outcome of a write is unknown.
 * - `timeout`: the statement or its wait for a lock was cut by the server.
 * - `other`: everything else, usually a bug in the statement.
 *
 * @see [PostgreSQL, Appendix A](https://www.postgresql.org/docs/15/errcodes-appendix.html)
 * @category models
 * @since 0.1.0
 */
export type Reason = "unique" | "foreign-key" | "constraint" | "serialization" | "connection" | "timeout" | "other"

/**
 * Reads the SQLSTATE that the server sent, five characters, if it sent one.
 *
 * @category accessors
 * @since 0.1.0
 */
export const sqlState = (error: SqlError): string | undefined => field(error, "code")

/**
 * Reads the name of the constraint that refused a row, if the server named one.
 *
 * @category accessors
 * @since 0.1.0
 */
export const constraint = (error: SqlError): string | undefined => field(error, "constraint")

/**
 * Classifies a failure of the SQL client.
 *
 * @category accessors
 * @since 0.1.0
 */
export const reason = (error: SqlError): Reason => {
  switch (error.reason._tag) {
    case "UniqueViolation":
      return "unique"
    case "ConstraintError":
      return sqlState(error) === "23503" ? "foreign-key" : "constraint"
    case "DeadlockError":
    case "SerializationError":
      return "serialization"
    case "ConnectionError":
      return "connection"
    case "LockTimeoutError":
    case "StatementTimeoutError":
      return "timeout"
    default:
      return isServerUnavailable(sqlState(error)) ? "connection" : "other"
  }
}

/**
 * Tells whether a unique constraint or index refused the row.
 *
 * **Details**
 *
 * With `name`, only for the constraint or index of that name.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isUniqueViolation = (error: SqlError, name?: string): boolean =>
  reason(error) === "unique" && (name === undefined || constraint(error) === name)

/**
 * Tells whether a foreign key refused the row, for a missing parent or a remaining child.
 *
 * **Details**
 *
 * With `name`, only for the constraint of that name.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isForeignKeyViolation = (error: SqlError, name?: string): boolean =>
  reason(error) === "foreign-key" && (name === undefined || constraint(error) === name)

/**
 * Tells whether the same request may succeed later, with no change by the caller.
 *
 * **Gotchas**
 *
 * After a lost connection the outcome of a write is unknown: "may succeed later" is advice for whoever
 * asked, not leave to send the write again. {@link retryRead} and {@link retryTransaction} know the difference.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isRetryable = (error: SqlError): boolean => {
  const why = reason(error)
  return why === "connection" || why === "serialization" || why === "timeout"
}

/**
 * Tells whether the server refused the statement, so that nothing of it was kept.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isRolledBack = (error: SqlError): boolean =>
  sqlState(error) !== undefined && reason(error) !== "connection"

/**
 * Repeats a single reading statement after a lost connection, a serialization failure or a timeout.
 *
 * **Details**
 *
 * At most 2 more tries, after about 20 ms and 40 ms (jittered). Every other failure passes at once, and the
 * last failure passes unchanged.
 *
 * **Gotchas**
 *
 * For one statement without effects. Inside a transaction it must not be used: the transaction is aborted by then.
 *
 * @category retries
 * @since 0.1.0
 */
export const retryRead = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.retry(self, {
    while: (error: E) => isSqlError(error) && isRetryable(error),
    schedule: backoff(2),
  })

/**
 * Repeats a whole transaction that the database rolled back for a serialization failure or a deadlock.
 *
 * **Details**
 *
 * At most 3 more tries, after about 20, 40 and 80 ms (jittered). A lost connection is never retried, because the
 * commit may have happened.
 *
 * **Gotchas**
 *
 * Goes around the outermost `withTransaction`. What the transaction does outside the database is repeated too.
 *
 * @category retries
 * @since 0.1.0
 */
export const retryTransaction = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.retry(self, {
    while: (error: E) => isSqlError(error) && reason(error) === "serialization",
    schedule: backoff(3),
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const backoff = (times: number) => Schedule.exponential("20 millis").pipe(Schedule.jittered, Schedule.upTo({ times }))

const field = (error: SqlError, name: "code" | "constraint"): string | undefined => {
  const cause: unknown = error.reason.cause
  if (!Predicate.hasProperty(cause, name)) return undefined
  const value: unknown = cause[name]
  return typeof value === "string" && value.length > 0 ? value : undefined
}

// Class 57P: the server shuts down, has crashed, is still starting, or ended an idle session.
// 53300: no connection slot is free. 25P03 and 25P04: the server ended the session for its time limits.
const isServerUnavailable = (state: string | undefined): boolean =>
  state !== undefined && (state.startsWith("57P") || state === "53300" || state === "25P03" || state === "25P04")
