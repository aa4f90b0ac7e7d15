import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Option } from "effect"
import * as sqlLookup from "../src/internal/sqlLookup.ts"

/** A table of letters whose statements end when the test says so. */
const makeTable = Effect.gen(function* () {
  const statements: Array<{ readonly keys: ReadonlyArray<string>; readonly end: Deferred.Deferred<void, string> }> = []
  const lookup = yield* sqlLookup.make({
    keyOf: (row: string) => row,
    find: (keys) =>
      Effect.gen(function* () {
        const end = yield* Deferred.make<void, string>()
        statements.push({ keys, end })
        yield* Deferred.await(end)
        return keys.filter((key) => key !== "absent")
      }),
  })
  const settle = (index: number, exit: Exit.Exit<void, string>) =>
    Effect.suspend(() => {
      const statement = statements[index]
      return statement === undefined ? Effect.die("No such statement") : Deferred.done(statement.end, exit)
    })
  return { statements, lookup, settle, end: (index: number) => settle(index, Exit.void) }
})

describe("Joined look-ups", () => {
  it.effect("run at once when alone", () =>
    Effect.gen(function* () {
      const { statements, lookup, end } = yield* makeTable
      const fiber = yield* Effect.forkChild(lookup(["a"]), { startImmediately: true })
      assert.deepStrictEqual(
        statements.map(({ keys }) => keys),
        [["a"]],
      )
      yield* end(0)
      assert.deepStrictEqual(yield* Fiber.join(fiber), Option.some("a"))
    }),
  )

  it.effect("share the next statement when they come while one is under way, each with its own answer", () =>
    Effect.gen(function* () {
      const { statements, lookup, end } = yield* makeTable
      const first = yield* Effect.forkChild(lookup(["a"]), { startImmediately: true })
      const rest = yield* Effect.forEach([["b"], ["absent"], ["absent", "c"], ["b"]], (keys) =>
        Effect.forkChild(lookup(keys), { startImmediately: true }),
      )
      yield* end(0)
      yield* Fiber.join(first)
      yield* Effect.yieldNow
      assert.deepStrictEqual(
        statements.map(({ keys }) => keys),
        [["a"], ["b", "absent", "c"]],
      )
      yield* end(1)
      assert.deepStrictEqual(yield* Effect.forEach(rest, Fiber.join), [
        Option.some("b"),
        Option.none(),
        Option.some("c"),
        Option.some("b"),
      ])
    }),
  )

  it.effect("fail together when their statement fails, and the next ones are not touched by it", () =>
    Effect.gen(function* () {
      const { lookup, settle, end } = yield* makeTable
      const first = yield* Effect.forkChild(lookup(["a"]), { startImmediately: true })
      const second = yield* Effect.forkChild(lookup(["b"]), { startImmediately: true })
      yield* settle(0, Exit.fail("lost"))
      assert.deepStrictEqual(yield* Effect.exit(Fiber.join(first)), Exit.fail("lost"))
      yield* Effect.yieldNow
      yield* end(1)
      assert.deepStrictEqual(yield* Fiber.join(second), Option.some("b"))
    }),
  )

  it.effect("leave out who was interrupted while waiting, and go on", () =>
    Effect.gen(function* () {
      const { statements, lookup, end } = yield* makeTable
      const first = yield* Effect.forkChild(lookup(["a"]), { startImmediately: true })
      const abandoned = yield* Effect.forkChild(lookup(["b"]), { startImmediately: true })
      yield* Fiber.interrupt(abandoned)
      yield* end(0)
      yield* Fiber.join(first)
      assert.strictEqual(statements.length, 1)
      const next = yield* Effect.forkChild(lookup(["c"]), { startImmediately: true })
      yield* end(1)
      assert.deepStrictEqual(yield* Fiber.join(next), Option.some("c"))
    }),
  )
})
