/**
 * Transactions of PostgreSQL.
 *
 * @since 0.1.0
 */
import * as SqlFailure from "@belfry/sql/SqlFailure"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as SqlClient from "effect/sql/SqlClient"
import { isSqlError } from "effect/sql/SqlError"
import * as SqlStoreError from "./SqlStoreError.ts"
import { StoreError } from "./StoreError.ts"
import { TransactionStore, undoneInside } from "./TransactionStore.ts"

/**
 * Builds the store over the SQL client.
 *
 * **Details**
 *
 * A transaction runs at READ COMMITTED. One inside of another has no statements of its own; inside of a transaction
 * that the host opened on the client, it is a savepoint. After a serialization failure or a deadlock the outermost one
 * runs again, at most 3 times, after about 20, 40 and 80 ms.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "TransactionStore")
  const running = new Set<string>()
  const current = Context.Service<OpenTransaction>(`@belfry/core/SqlTransactionStore/OpenTransaction/${++instances}`)

  const run = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | StoreError, R> =>
    Effect.withFiber((fiber) => {
      const open = Context.getOrUndefined(fiber.context, current)
      return open === undefined ? outermost(effect) : Effect.onError(effect, () => Effect.sync(open.break))
    })

  const outermost = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | StoreError, R> => {
    const unbroken = Effect.suspend(() => {
      let isBroken = false
      const open: OpenTransaction = { break: () => void (isBroken = true) }
      return Effect.flatMap(Effect.provideService(effect, current, open), (value) =>
        isBroken ? Effect.fail(undoneInside()) : Effect.succeed(value),
      )
    })
    // What the effect fails with is wrapped, so that it is told from what BEGIN and COMMIT fail with: the caller's own
    // SQL may well fail with an `SqlError` that is none of ours.
    const transaction = Effect.mapError(
      sql.withTransaction(Effect.mapError(unbroken, (error) => new EffectFailure({ error }))),
      (error) => (error instanceof EffectFailure ? error : statements.failure("run", error)),
    )
    return Effect.flatMap(SqlStoreError.isInTransaction(sql), (isInside) =>
      isInside ? transaction : Effect.retry(transaction, { while: isSerializationFailure, schedule: backoff }),
    ).pipe(Effect.mapError((failure) => (failure instanceof EffectFailure ? failure.error : failure)))
  }

  const runExclusive = <A, E, R>(
    name: string,
    effect: Effect.Effect<A, E, R>,
  ): Effect.Effect<Option.Option<A>, E | StoreError, R> => {
    const lock = statements.write(
      "runExclusive",
      sql<{ readonly isLocked: boolean }>`
        SELECT pg_try_advisory_xact_lock(hashtextextended(${`belfry:${name}`}, 0)) AS "isLocked"`,
    )
    const locked = run(
      Effect.flatMap(lock, ([row]) => (row?.isLocked === true ? Effect.asSome(effect) : Effect.succeedNone)),
    )
    // The lock keeps other nodes out. Within this one the name is enough, and needed: PGlite has one connection, where
    // a second caller would wait for its turn and then find the lock free.
    return Effect.suspend(() => {
      if (running.has(name)) return Effect.succeedNone
      running.add(name)
      return Effect.ensuring(
        locked,
        Effect.sync(() => running.delete(name)),
      )
    })
  }

  // It runs after the transaction, with the services of now, among which the open transaction must not be. Most have
  // none open, and to take a service away copies all of them.
  const afterCommit = (effect: Effect.Effect<void>) =>
    Effect.withFiber((fiber) =>
      sql.afterCommit(
        Context.getOrUndefined(fiber.context, current) === undefined
          ? effect
          : Effect.updateContext(effect, (context: Context.Context<never>) => Context.omit(current)(context)),
      ),
    )

  return TransactionStore.of({ run, runExclusive, afterCommit })
})

/**
 * Layer that runs transactions in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<TransactionStore, never, SqlClient.SqlClient> = Layer.effect(TransactionStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface OpenTransaction {
  /** Has the transaction undone at its end. */
  readonly break: () => void
}

// Each client has transactions of its own, so each has its own key.
let instances = 0

class EffectFailure<E> extends Data.TaggedError("EffectFailure")<{ readonly error: E }> {}

const backoff = Schedule.exponential("20 millis").pipe(Schedule.jittered, Schedule.upTo({ times: 3 }))

/** PostgreSQL rolled the transaction back and asks for it again; a store has put its own name on the failure. */
const isSerializationFailure = (failure: unknown): boolean => {
  const error = failure instanceof EffectFailure ? failure.error : failure
  const cause = error instanceof StoreError ? error.cause : error
  return isSqlError(cause) && SqlFailure.reason(cause) === "serialization"
}
