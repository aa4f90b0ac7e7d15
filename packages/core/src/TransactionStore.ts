/**
 * Port: all or nothing over several stores.
 *
 * A service that changes several things, or one thing and its audit event, does so inside {@link TransactionStore}'s
 * `run`: they commit together or not at all.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import { StoreError } from "./StoreError.ts"

/**
 * All or nothing over several stores.
 *
 * @category ports
 * @since 0.1.0
 */
export class TransactionStore extends Context.Service<
  TransactionStore,
  {
    /**
     * Runs `effect` in one transaction; a failure of any kind undoes what it wrote. Nested calls join the outer one,
     * and their failure undoes it whole: where the outer effect goes on after that, `run` fails with a `StoreError` at
     * its end. When the database reports a serialization failure or deadlock the effect runs again, so it must have no
     * effect outside the stores: put mails and events into `afterCommit`.
     */
    readonly run: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | StoreError, R>
    /** Runs `effect` once the outermost transaction committed, or at once when none is open. */
    readonly afterCommit: (effect: Effect.Effect<void>) => Effect.Effect<void>
    /** Runs `effect` in a transaction if no other node runs work of this name at the moment; none otherwise. */
    readonly runExclusive: <A, E, R>(
      name: string,
      effect: Effect.Effect<A, E, R>,
    ) => Effect.Effect<Option.Option<A>, E | StoreError, R>
  }
>()("@belfry/core/TransactionStore") {}

/**
 * The failure of a transaction that went on after one inside of it had failed.
 *
 * @category errors
 * @since 0.1.0
 */
export const undoneInside = (): StoreError =>
  new StoreError({
    store: "TransactionStore",
    method: "run",
    isRetryable: false,
    cause: new Error("A transaction inside of this one failed, so that nothing was kept"),
  })
