/**
 * The state that memory adapters share: tables, transactions over them, and what hangs on a user or a session.
 *
 * It behaves like a database with one connection: every statement is atomic, and while a transaction is open all other
 * work waits for its end. Rows are immutable values; a change replaces them.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Semaphore from "effect/Semaphore"
import type { KeyedHash } from "./KeyedHash.ts"
import type { Session, SessionId, SessionProof } from "./Session.ts"
import type { StoreError } from "./StoreError.ts"
import { undoneInside } from "./TransactionStore.ts"
import type { User, UserId } from "./User.ts"

/**
 * The state that memory adapters share.
 *
 * **Details**
 *
 * A memory adapter makes its tables with `table` when its layer is built, and touches rows inside `statement` only.
 * An adapter whose rows belong to users or sessions registers with `onUserRemoved`, `restrictUserRemoval` and
 * `onSessionRemoved` what the foreign key would do.
 *
 * @category services
 * @since 0.1.0
 */
export class MemoryTables extends Context.Service<
  MemoryTables,
  {
    readonly users: Map<UserId, User>
    readonly sessions: Map<SessionId, SessionRow>
    /** A new table that takes part in transactions. Dies when there is one of this name: its rows would be split. */
    readonly table: <Key, Row>(name: string) => Effect.Effect<Map<Key, Row>>
    /** Runs `body`, which must not wait for anything, as one atomic statement. */
    readonly statement: <A, E = never>(body: () => Effect.Effect<A, E>) => Effect.Effect<A, E>
    /** Runs `effect` in a transaction, or as a part of the open one; any failure in either puts the rows back. */
    readonly transaction: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | StoreError, R>
    /** Runs `effect` once the outermost transaction committed, or at once when none is open. */
    readonly afterCommit: (effect: Effect.Effect<void>) => Effect.Effect<void>
    /** Calls `cascade` in the same statement that removes a user. */
    readonly onUserRemoved: (cascade: (id: UserId) => void) => Effect.Effect<void>
    /** Keeps a user from being removed while `isReferenced` says so. */
    readonly restrictUserRemoval: (isReferenced: (id: UserId) => boolean) => Effect.Effect<void>
    /** Whether something keeps a user from being removed. For use in a statement. */
    readonly isUserReferenced: (id: UserId) => boolean
    /** Removes a user and, by the registered cascades, what hangs on it. For use in a statement. */
    readonly removeUser: (id: UserId) => void
    /** Calls `cascade` in the same statement that removes a session. */
    readonly onSessionRemoved: (cascade: (id: SessionId) => void) => Effect.Effect<void>
    /** Removes a session and, by the registered cascades, what hangs on it. For use in a statement. */
    readonly removeSession: (id: SessionId) => void
  }
>()("@belfry/core/MemoryTables") {}

/**
 * A session as it rests.
 *
 * @category models
 * @since 0.1.0
 */
export interface SessionRow {
  readonly session: Session
  readonly tokenHash: KeyedHash
  /** What was proved in it: when last, by factor. */
  readonly proofs: ReadonlyMap<SessionProof["factor"], SessionProof["at"]>
}

/**
 * Makes empty tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<MemoryTables["Service"]> = Effect.sync(() => {
  const users = new Map<UserId, User>()
  const sessions = new Map<SessionId, SessionRow>()
  const tables = new Map<string, Table>([
    ["users", snapshotting(users)],
    ["sessions", snapshotting(sessions)],
  ])
  const userRestrictions: Array<(id: UserId) => boolean> = []
  const userCascades: Array<(id: UserId) => void> = []
  const sessionCascades: Array<(id: SessionId) => void> = []
  const connection = Semaphore.makeUnsafe(1)
  const CurrentLevel = Context.Service<TransactionLevel>(`@belfry/core/MemoryTables/TransactionLevel/${++instances}`)

  const currentLevel = Effect.withFiber((fiber) => Effect.succeed(Context.getOrUndefined(fiber.context, CurrentLevel)))

  const table = <Key, Row>(name: string): Effect.Effect<Map<Key, Row>> =>
    Effect.suspend(() => {
      if (tables.has(name)) return Effect.die(new Error(`There is a memory table ${name} already`))
      const rows = new Map<Key, Row>()
      tables.set(name, snapshotting(rows))
      return Effect.succeed(rows)
    })

  const statement = <A, E = never>(body: () => Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.flatMap(currentLevel, (level) =>
      level === undefined ? connection.withPermit(Effect.suspend(body)) : Effect.suspend(body),
    )

  const transaction = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | StoreError, R> =>
    Effect.flatMap(currentLevel, (outer) => (outer === undefined ? outermost(effect) : joined(effect, outer)))

  const joined = <A, E, R>(effect: Effect.Effect<A, E, R>, outer: TransactionLevel): Effect.Effect<A, E, R> =>
    Effect.onError(effect, () => Effect.sync(() => void (outer.isBroken = true)))

  const outermost = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | StoreError, R> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const context = yield* Effect.context<R>()
        const level: TransactionLevel = { callbacks: [], isBroken: false }
        yield* restore(connection.take(1))
        const putBack = [...tables.values()].map((table) => table.snapshot())
        const exit = yield* Effect.exit(
          restore(Effect.provideContext(effect, Context.add(context, CurrentLevel, level))),
        )
        const isKept = Exit.isSuccess(exit) && !level.isBroken
        if (!isKept) putBack.forEach((restoreRows) => restoreRows())
        yield* connection.release(1)
        if (isKept) yield* Effect.forEach(level.callbacks, runCallback, { discard: true })
        else if (Exit.isSuccess(exit)) return yield* undoneInside()
        return yield* exit
      }),
    )

  return {
    users,
    sessions,
    table,
    statement,
    transaction,
    afterCommit: (effect) =>
      Effect.withFiber((fiber) => {
        const level = Context.getOrUndefined(fiber.context, CurrentLevel)
        if (level === undefined) return runCallback(effect)
        // Later it finds the services of now, without the transaction, so that its statements wait like all others.
        level.callbacks.push(Effect.provideContext(effect, Context.omit(CurrentLevel)(fiber.context)))
        return Effect.void
      }),
    onUserRemoved: (cascade) => Effect.sync(() => void userCascades.push(cascade)),
    restrictUserRemoval: (isReferenced) => Effect.sync(() => void userRestrictions.push(isReferenced)),
    isUserReferenced: (id) => userRestrictions.some((isReferenced) => isReferenced(id)),
    removeUser: (id) => {
      users.delete(id)
      userCascades.forEach((cascade) => cascade(id))
    },
    onSessionRemoved: (cascade) => Effect.sync(() => void sessionCascades.push(cascade)),
    removeSession: (id) => {
      sessions.delete(id)
      sessionCascades.forEach((cascade) => cascade(id))
    },
  }
})

/**
 * Layer with empty tables.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<MemoryTables> = Layer.effect(MemoryTables, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface Table {
  /** Remembers the rows; what it returns puts them back. */
  readonly snapshot: () => () => void
}

interface TransactionLevel {
  readonly callbacks: Array<Effect.Effect<void>>
  /** Whether a part of it failed. */
  isBroken: boolean
}

// Each instance has transactions of its own, so each has its own key.
let instances = 0

const snapshotting = <Key, Row>(rows: Map<Key, Row>): Table => ({
  snapshot: () => {
    const before = [...rows]
    return () => {
      rows.clear()
      for (const [key, row] of before) rows.set(key, row)
    }
  },
})

const runCallback = (effect: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.ignoreCause(effect, { log: "Unhandled", message: "Unhandled error in a callback after commit" })
