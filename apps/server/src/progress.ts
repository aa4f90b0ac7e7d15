/**
 * How far long work is, told on standard error.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/** Where progress is told. On a terminal it is one line that is written over, elsewhere lines. */
export class ProgressLine extends Context.Reference<{
  readonly isTerminal: boolean
  readonly write: (text: string) => void
}>("@belfry/app-server/ProgressLine", {
  defaultValue: () => ({
    isTerminal: process.stderr.isTTY === true,
    write: (text) => void process.stderr.write(text),
  }),
}) {}

/**
 * Does work and tells meanwhile what it is, how far it has come, and how long it takes already: on a terminal each
 * second, and the line goes when the work is done; elsewhere every ten seconds, so that what is quick says nothing.
 */
export const during = Effect.fnUntraced(function* <A, E, R>(
  label: string,
  work: (tell: (howFar: string) => Effect.Effect<void>) => Effect.Effect<A, E, R>,
) {
  const { isTerminal, write } = yield* ProgressLine
  const start = yield* Clock.currentTimeMillis
  let detail = ""
  const show = Effect.map(Clock.currentTimeMillis, (now) => {
    const seconds = Math.floor((now - start) / 1000)
    const line = `${label}${detail === "" ? "" : `: ${detail}`} (${seconds} s)`
    write(isTerminal ? `${erase}${line}` : `${line}\n`)
  })
  const tell = (howFar: string) => {
    detail = howFar
    return isTerminal ? show : Effect.void
  }
  const telling = show.pipe(Effect.delay(isTerminal ? "1 second" : "10 seconds"), Effect.forever)
  const working = Effect.andThen(
    Effect.forkScoped(telling),
    Effect.suspend(() => work(tell)),
  )
  return yield* Effect.scoped(working).pipe(Effect.ensuring(Effect.sync(() => isTerminal && write(erase))))
})

// internal

/** To the beginning of the line, and what stands there goes (ECMA-48, CR and EL 2). */
const erase = "\r\u001b[2K"
