/**
 * Statements of concurrent requests, joined: which of them run together, and what each is answered.
 */
import * as SqlBatch from "@belfry/core/SqlBatch"
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber } from "effect"

/** A store whose statements end when they are let, and answer what it holds at the moment at which they began. */
const make = Effect.sync(() => {
  const statements: Array<{ readonly items: ReadonlyArray<string>; readonly end: Deferred.Deferred<void, string> }> = []
  const store = { value: 0 }
  const find = SqlBatch.make((items: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const end = yield* Deferred.make<void, string>()
      const { value } = store
      statements.push({ items, end })
      yield* Deferred.await(end)
      return (item: string) => `${item} ${value}`
    }),
  )
  const settle = (index: number, exit: Exit.Exit<void, string>) =>
    Effect.suspend(() => Deferred.done(statements[index]?.end ?? assert.fail(`statement ${index} does not run`), exit))
  return {
    find,
    store,
    asked: () => statements.map(({ items }) => items),
    fork: (item: string) => Effect.forkChild(find(item), { startImmediately: true }),
    end: (index: number) => Effect.andThen(settle(index, Exit.void), pause),
    fail: (index: number) => Effect.andThen(settle(index, Exit.fail("away")), pause),
  }
})

const pause = Effect.repeat(Effect.yieldNow, { times: 5 })

describe("Joined statements", () => {
  it.effect("run at once when they are alone, one after the other", () =>
    Effect.gen(function* () {
      const { asked, end, fork } = yield* make
      for (const [index, item] of ["a", "b"].entries()) {
        const fiber = yield* fork(item)
        yield* end(index)
        assert.strictEqual(yield* Fiber.join(fiber), `${item} 0`)
      }
      assert.deepStrictEqual(asked(), [["a"], ["b"]])
    }),
  )

  it.effect("share the next one when they come while one is under way, each with its own answer, as of then", () =>
    Effect.gen(function* () {
      const { asked, end, fork, store } = yield* make
      const first = yield* fork("a")
      store.value = 1
      const others = yield* Effect.forEach(["b", "c", "b"], fork)
      yield* pause
      assert.deepStrictEqual(asked(), [["a"]])
      yield* end(0)
      assert.strictEqual(yield* Fiber.join(first), "a 0")
      assert.deepStrictEqual(asked(), [["a"], ["b", "c", "b"]])
      yield* end(1)
      assert.deepStrictEqual(yield* Effect.forEach(others, Fiber.join), ["b 1", "c 1", "b 1"])
    }),
  )

  it.effect("begin with the next one before those of the last one go on", () =>
    Effect.gen(function* () {
      const { asked, end, find, fork } = yield* make
      const seen: Array<number> = []
      yield* Effect.forkChild(
        Effect.tap(find("a"), () => Effect.sync(() => seen.push(asked().length))),
        { startImmediately: true },
      )
      yield* fork("b")
      yield* end(0)
      assert.deepStrictEqual(seen, [2])
    }),
  )

  it.effect("take 100 at a time, in the order in which they came", () =>
    Effect.gen(function* () {
      const { asked, end, fork } = yield* make
      const items = Array.from({ length: 251 }, (_, index) => `${index}`)
      const fibers = yield* Effect.forEach(items, fork)
      for (const index of [0, 1, 2, 3]) yield* end(index)
      assert.deepStrictEqual(
        asked().map(({ length }) => length),
        [1, 100, 100, 50],
      )
      assert.deepStrictEqual(asked().flat(), items)
      assert.deepStrictEqual(
        yield* Effect.forEach(fibers, Fiber.join),
        items.map((item) => `${item} 0`),
      )
    }),
  )

  it.effect("fail together, and the next one is tried anew", () =>
    Effect.gen(function* () {
      const { end, fail, fork } = yield* make
      const first = yield* fork("a")
      const together = [yield* fork("b"), yield* fork("c")]
      yield* end(0)
      yield* Fiber.join(first)
      yield* fail(1)
      assert.deepStrictEqual(yield* Effect.forEach(together, Fiber.await), [Exit.fail("away"), Exit.fail("away")])
      const next = yield* fork("b")
      yield* end(2)
      assert.strictEqual(yield* Fiber.join(next), "b 0")
    }),
  )

  it.effect("leave out who went away while waiting, and go on for those who did not", () =>
    Effect.gen(function* () {
      const { asked, end, fork } = yield* make
      const first = yield* fork("a")
      const second = yield* fork("b")
      yield* Fiber.interrupt(second)
      yield* Fiber.interrupt(first)
      const third = yield* fork("c")
      yield* end(0)
      yield* end(1)
      assert.strictEqual(yield* Fiber.join(third), "c 0")
      assert.deepStrictEqual(asked(), [["a"], ["c"]])
    }),
  )

  it.effect("are not run where all who waited went away", () =>
    Effect.gen(function* () {
      const { asked, end, fork } = yield* make
      const first = yield* fork("a")
      yield* Effect.forEach([yield* fork("b"), yield* fork("c")], Fiber.interrupt)
      yield* end(0)
      yield* Fiber.join(first)
      assert.deepStrictEqual(asked(), [["a"]])
      const next = yield* fork("d")
      yield* end(1)
      assert.strictEqual(yield* Fiber.join(next), "d 0")
    }),
  )

  it.effect("go on for the others when the first of them goes away", () =>
    Effect.gen(function* () {
      const { end, fork } = yield* make
      yield* fork("a")
      const [second, third] = [yield* fork("b"), yield* fork("c")]
      yield* end(0)
      yield* Fiber.interrupt(second)
      yield* end(1)
      assert.strictEqual(yield* Fiber.join(third), "c 0")
    }),
  )

  it.effect("that break down are told to all who share them, and hold up none after them", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const find = SqlBatch.make((items: ReadonlyArray<string>) => {
        if (items.includes("broken")) throw new Error("broken")
        return Effect.as(Deferred.await(gate), (item: string) => item)
      })
      const fork = (item: string) => Effect.forkChild(Effect.exit(find(item)), { startImmediately: true })
      const first = yield* fork("first")
      const broken = yield* Effect.forEach(["broken", "beside it"], fork)
      yield* Deferred.succeed(gate, undefined)
      assert.deepStrictEqual(yield* Fiber.join(first), Exit.succeed("first"))
      for (const fiber of broken) assert.isTrue(Exit.hasDies(yield* Fiber.join(fiber)))
      assert.strictEqual(yield* find("next"), "next")
    }),
  )

  it.effect("are answered to each by itself: an answer that breaks down is nobody else's", () =>
    Effect.gen(function* () {
      const find = SqlBatch.make<string, string, never>(() =>
        Effect.succeed((item) => (item === "broken" ? assert.fail("broken") : item)),
      )
      const exits = yield* Effect.forEach(["a", "broken", "b"], (item) => Effect.exit(find(item)), {
        concurrency: "unbounded",
      })
      assert.deepStrictEqual(exits.map(Exit.hasDies), [false, true, false])
    }),
  )

  it.effect("see the services of the one who came first", () =>
    Effect.gen(function* () {
      class Name extends Context.Service<Name, string>()("SqlBatch/Name") {}
      const find = SqlBatch.make<string, string, never>(() =>
        Effect.map(Effect.serviceOption(Name), (name) => () => (name._tag === "Some" ? name.value : "")),
      )
      assert.strictEqual(yield* Effect.provideService(find("a"), Name, "of the request"), "of the request")
    }),
  )
})
