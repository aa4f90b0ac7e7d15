/**
 * Look-ups of concurrent requests joined into one statement.
 *
 * A look-up that is alone runs at once. Those that come while statements are under way wait for one of them to end and
 * then run together, so that load makes statements larger instead of more numerous.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Request from "effect/Request"
import * as RequestResolver from "effect/RequestResolver"

/** A look-up by any of several keys. */
interface Lookup<Row, E> extends Request.Request<Option.Option<Row>, E> {
  readonly keys: ReadonlyArray<string>
}

/** How rows are found. */
export interface LookupOptions<Row, E> {
  /** One statement for all keys. */
  readonly find: (keys: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Row>, E>
  /** The key by which a row was found; no two rows share one. */
  readonly keyOf: (row: Row) => string
  /** Statements under way at a time. */
  readonly concurrency: number
}

/** Makes a look-up that joins its concurrent calls. */
export const make = <Row, E>(options: LookupOptions<Row, E>) => {
  const waiting = new Set<() => void>()
  let running = 0

  // Nothing is taken here that an interruption could fail to give back.
  const turn = Effect.callback<void>((resume) => {
    if (running < options.concurrency) return resume(Effect.void)
    const go = () => resume(Effect.void)
    waiting.add(go)
    return Effect.sync(() => waiting.delete(go))
  })

  const resolver = RequestResolver.makeWith<Lookup<Row, E>>({
    batchKey: () => "all",
    delay: turn,
    collectWhile: () => true,
    runAll: (entries) =>
      Effect.suspend(() => {
        running += 1
        return options.find([...new Set(entries.flatMap((entry) => entry.request.keys))])
      }).pipe(
        Effect.map((rows) => {
          const found = new Map(rows.map((row) => [options.keyOf(row), row]))
          for (const entry of entries) {
            const key = entry.request.keys.find((key) => found.has(key))
            entry.completeUnsafe(Exit.succeed(Option.fromUndefinedOr(key === undefined ? undefined : found.get(key))))
          }
        }),
        Effect.ensuring(
          Effect.sync(() => {
            running -= 1
            for (const go of waiting) go()
            waiting.clear()
          }),
        ),
      ),
  })

  const Lookup = Request.of<Lookup<Row, E>>()
  return (keys: ReadonlyArray<string>): Effect.Effect<Option.Option<Row>, E> =>
    Effect.request(Lookup({ keys }), resolver)
}
