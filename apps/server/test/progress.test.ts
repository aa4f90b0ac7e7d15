import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { during, ProgressLine } from "../src/progress.ts"

/** Begins work that ends when it is told to, and collects what is written meanwhile. */
const begin = Effect.fnUntraced(function* (isTerminal: boolean) {
  const written: Array<string> = []
  const mayEnd = yield* Deferred.make<void>()
  const hasTold = yield* Deferred.make<void>()
  const fiber = yield* during("migrating", (tell) =>
    Effect.andThen(Effect.andThen(tell("2 of 40"), Deferred.succeed(hasTold, undefined)), Deferred.await(mayEnd)),
  ).pipe(
    Effect.provideService(ProgressLine, { isTerminal, write: (text) => void written.push(text) }),
    Effect.forkChild,
  )
  yield* Deferred.await(hasTold)
  return { written, end: Effect.andThen(Deferred.succeed(mayEnd, undefined), Fiber.join(fiber)) }
})

describe("progress", () => {
  it.effect("is one line on a terminal, written over each second and at each step, and gone in the end", () =>
    Effect.gen(function* () {
      const { end, written } = yield* begin(true)
      assert.deepStrictEqual(written, ["\r\u001b[2Kmigrating: 2 of 40 (0 s)"])
      yield* TestClock.adjust("2 seconds")
      yield* end
      assert.deepStrictEqual(written.slice(1), [
        "\r\u001b[2Kmigrating: 2 of 40 (1 s)",
        "\r\u001b[2Kmigrating: 2 of 40 (2 s)",
        "\r\u001b[2K",
      ])
    }),
  )

  it.effect("is a plain line every ten seconds elsewhere, so that quick work says nothing", () =>
    Effect.gen(function* () {
      const { end, written } = yield* begin(false)
      yield* TestClock.adjust("9 seconds")
      assert.deepStrictEqual(written, [])
      yield* TestClock.adjust("12 seconds")
      yield* end
      assert.deepStrictEqual(written, ["migrating: 2 of 40 (10 s)\n", "migrating: 2 of 40 (20 s)\n"])
    }),
  )

  it.effect("leaves no line behind on a terminal where work fails", () =>
    Effect.gen(function* () {
      const written: Array<string> = []
      yield* Effect.flip(during("migrating", (tell) => Effect.andThen(tell("1 of 2"), Effect.fail("no")))).pipe(
        Effect.provideService(ProgressLine, { isTerminal: true, write: (text) => void written.push(text) }),
      )
      assert.strictEqual(written.at(-1), "\r\u001b[2K")
    }),
  )
})
