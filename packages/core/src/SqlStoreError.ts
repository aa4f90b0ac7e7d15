/**
 * How SQL adapters of this and other packages turn failures of the database into {@link StoreError}.
 *
 * @since 0.1.0
 */
import * as SqlFailure from "@belfry/sql/SqlFailure"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { StoreError } from "./StoreError.ts"

/**
 * Runs the statements of one store and gives their failures the store's name.
 *
 * @category models
 * @since 0.1.0
 */
export interface Statements {
  /** A single reading statement: repeated after a lost connection, unless a transaction is open. */
  readonly read: <A>(method: string, statement: Effect.Effect<A, SqlError>) => Effect.Effect<A, StoreError>
  /** A statement that writes: never repeated, since after a lost connection nobody knows whether it happened. */
  readonly write: <A>(method: string, statement: Effect.Effect<A, SqlError>) => Effect.Effect<A, StoreError>
  /** The failure as the store reports it. */
  readonly failure: (method: string, cause: SqlError) => StoreError
}

/**
 * Makes the {@link Statements} of the store named `store`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const statements = (sql: SqlClient.SqlClient, store: string): Statements => {
  const failure = (method: string, cause: SqlError): StoreError =>
    new StoreError({ store, method, isRetryable: SqlFailure.isRetryable(cause), cause })
  return {
    failure,
    write: (method, statement) => Effect.mapError(statement, (cause) => failure(method, cause)),
    read: (method, statement) =>
      Effect.catch(statement, (cause) =>
        SqlFailure.isRetryable(cause)
          ? Effect.flatMap(isInTransaction(sql), (isInside) =>
              isInside
                ? Effect.fail(failure(method, cause))
                : Effect.mapError(SqlFailure.retryRead(statement), (last) => failure(method, last)),
            )
          : Effect.fail(failure(method, cause)),
      ),
  }
}

/**
 * Tells whether the calling fiber is inside a transaction of this client.
 *
 * @category accessors
 * @since 0.1.0
 */
export const isInTransaction = (sql: SqlClient.SqlClient): Effect.Effect<boolean> =>
  Effect.map(Effect.serviceOption(sql.transactionService), Option.isSome)
