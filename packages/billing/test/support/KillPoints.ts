/**
 * A process that can be killed: at every statement of its database and every call of its provider, before it or when it
 * is done and its answer has not come back.
 *
 * What is killed does nothing more, in no fiber: every further step is interrupted at once, so that nothing can be
 * cleaned up that a real process would have left. Transactions that were open are undone, as by a connection that is
 * cut.
 */
import { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient, type SqlConnection } from "effect/sql"

/** The steps of one process. */
export interface KillPoints {
  /** Kills it at its `step`th point from now on. */
  readonly arm: (step: number) => void
  readonly disarm: () => void
  readonly isDead: () => boolean
  /** A service whose methods are such steps. */
  readonly watch: <S extends object>(service: S) => S
  /** A client of the same database whose statements are such steps, those that begin and end transactions too. */
  readonly client: (database: SqlClient.SqlClient) => Effect.Effect<SqlClient.SqlClient>
}

export const make = (): KillPoints => {
  let isDead = false
  let left = Infinity

  const point = Effect.suspend((): Effect.Effect<void> => {
    if (!isDead && --left <= 0) isDead = true
    return isDead ? Effect.interrupt : Effect.void
  })
  const step = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.andThen(
      point,
      Effect.flatMap(effect, (answer) => Effect.as(point, answer)),
    )
  const watch = <S extends object>(service: S): S =>
    new Proxy(service, {
      get: (target, name): unknown => {
        const member: unknown = Reflect.get(target, name)
        if (typeof member !== "function") return member
        return (...parameters: ReadonlyArray<unknown>): unknown => {
          const answer: unknown = Reflect.apply(member, target, parameters)
          if (!Effect.isEffect(answer) || parameters[0] === rollback) return answer
          // When a transaction has begun, its next statement is the next point.
          return parameters[0] === "BEGIN" ? Effect.andThen(point, answer) : step(answer)
        }
      },
    })

  return {
    arm: (at) => void (left = at),
    disarm: () => void (left = Infinity),
    isDead: () => isDead,
    watch,
    client: (database) =>
      SqlClient.make({
        acquirer: Effect.map(database.reserve, (connection) => watch<SqlConnection.Connection>(connection)),
        compiler: PgClient.makeCompiler(),
        driver: database.driver,
        spanAttributes: [],
        prepareTransactionControls: true,
        rollback,
        // The server undoes what nobody lives to commit.
        onCommitFailure: (connection) => Effect.asVoid(connection.executeUnprepared(rollback, [], undefined)),
      }).pipe(Effect.provide(Reactivity.layer)),
  }
}

// internal

/** What the server does by itself when a connection is cut; here the connection goes on to the next process. */
const rollback = "ROLLBACK"
