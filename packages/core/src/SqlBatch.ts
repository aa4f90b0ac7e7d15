/**
 * Statements of concurrent requests joined into one, for the SQL adapters of all packages.
 *
 * What is alone runs at once. What comes while a statement is under way waits for its end and then runs together, so
 * that load makes statements larger instead of more numerous: each answer was read after it was asked for, and nothing
 * is kept.
 *
 * A `RequestResolver` would say the same in fewer lines. It keeps its batches in sets that it clears and uses again,
 * and a cleared set points at the table that replaces it: under load that carries every request's memory into the old
 * generation, which cost a tenth of the processor's time where it was measured.
 *
 * @since 0.1.0
 */
import * as Array from "effect/Array"
import type { NonEmptyReadonlyArray } from "effect/Array"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"

/**
 * Makes a call that joins those that are made beside it.
 *
 * **Details**
 *
 * `run` gets at most 100 items and says what each of them is answered; it sees the services of the one that came first.
 * When it fails, it fails for all of them. Who is interrupted while waiting is left out; what runs already runs to its
 * end.
 *
 * **Gotchas**
 *
 * It runs in a fiber of its own: call it outside of transactions alone.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <A, B, E>(
  run: (items: NonEmptyReadonlyArray<A>) => Effect.Effect<(item: A) => B, E>,
): ((item: A) => Effect.Effect<B, E>) => {
  let waiting: Array<Waiting<A, B, E>> = []
  let isRunning = false

  const runNext = (): void => {
    const present = waiting.filter(({ isAbandoned }) => !isAbandoned)
    waiting = present.splice(mostAtOnce)
    isRunning = Array.isArrayNonEmpty(present)
    if (!Array.isArrayNonEmpty(present)) return
    const items = Array.map(present, ({ item }) => item)
    Effect.runForkWith(present[0].context)(Effect.suspend(() => run(items))).addObserver((exit) => {
      // First the next statement, so that the database works while these requests go on.
      runNext()
      for (const { resume } of present) resume(exit)
    })
  }

  return (item) =>
    Effect.withFiber(({ context }) =>
      Effect.map(
        Effect.callback<(item: A) => B, E>((resume) => {
          const entry: Waiting<A, B, E> = { item, context, resume, isAbandoned: false }
          waiting.push(entry)
          if (!isRunning) runNext()
          return Effect.sync(() => {
            entry.isAbandoned = true
          })
        }),
        (answerOf) => answerOf(item),
      ),
    )
}

// internal

interface Waiting<A, B, E> {
  readonly item: A
  readonly context: Context.Context<never>
  readonly resume: (exit: Exit.Exit<(item: A) => B, E>) => void
  isAbandoned: boolean
}

/** So many that a statement is worth it, and so few that nobody waits long for the others. */
const mostAtOnce = 100
