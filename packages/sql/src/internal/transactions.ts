/**
 * Keeps a lost connection a typed failure: the SQL client makes a rollback that fails a defect, which is what happens
 * when the server goes away in the middle of a transaction.
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import * as SqlFailure from "../SqlFailure.ts"

/**
 * Replaces `withTransaction` of the client by one that fails, instead of dying, when its rollback has no connection.
 */
export const withTypedRollback = (client: PgClient.PgClient): PgClient.PgClient => {
  const { withTransaction } = client
  return Object.assign(client, {
    withTransaction: <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError, R> =>
      Effect.catchCause(withTransaction(self), (cause) => {
        const lost = Cause.hasInterrupts(cause) ? undefined : cause.reasons.map(lostConnection).find(isSqlError)
        return lost === undefined ? Effect.failCause(cause) : Effect.fail(lost)
      }),
  })
}

const lostConnection = (reason: Cause.Reason<unknown>): SqlError | undefined =>
  Cause.isDieReason(reason) && isSqlError(reason.defect) && SqlFailure.reason(reason.defect) === "connection"
    ? reason.defect
    : undefined
