/**
 * Look-ups of the same thing joined: a client that asks for many tokens at once is looked up for all of them together.
 *
 * A look-up that is alone runs at once. Those of the same key that come while it is under way wait for its end, and
 * share the next one: so each answer was read after it was asked for, and nothing is kept.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"

interface Waiting<A, E> {
  readonly lookUp: Effect.Effect<A, E>
  readonly context: Context.Context<never>
  readonly resume: (exit: Exit.Exit<A, E>) => void
  isAbandoned: boolean
}

/** Makes a way to run look-ups by a key that says all that their answer depends on. */
export const make = <A, E>() => {
  /** Who waits for the next look-up, by the keys of those that are under way. */
  const waiting = new Map<string, Array<Waiting<A, E>>>()

  const runNext = (key: string): void => {
    const batch = (waiting.get(key) ?? []).filter(({ isAbandoned }) => !isAbandoned)
    const [first] = batch
    if (first === undefined) {
      waiting.delete(key)
      return
    }
    waiting.set(key, [])
    Effect.runForkWith(first.context)(first.lookUp).addObserver((exit) => {
      // First the next one, so that the database works while these requests go on.
      runNext(key)
      for (const { resume } of batch) resume(exit)
    })
  }

  return (key: string, lookUp: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.withFiber(({ context }) =>
      Effect.callback<A, E>((resume) => {
        const entry: Waiting<A, E> = { lookUp, context, resume, isAbandoned: false }
        const others = waiting.get(key)
        if (others === undefined) {
          waiting.set(key, [entry])
          runNext(key)
        } else {
          others.push(entry)
        }
        return Effect.sync(() => {
          entry.isAbandoned = true
        })
      }),
    )
}
