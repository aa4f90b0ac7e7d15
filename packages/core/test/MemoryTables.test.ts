import * as MemoryTables from "@belfry/core/MemoryTables"
import * as Builders from "@belfry/testing/Builders"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber } from "effect"

describe("MemoryTables", () => {
  it.effect("refuses a second table of one name", () =>
    Effect.gen(function* () {
      const tables = yield* MemoryTables.make
      yield* tables.table("widgets")
      assert.isTrue(Exit.hasDies(yield* Effect.exit(tables.table("widgets"))))
      assert.isTrue(Exit.hasDies(yield* Effect.exit(tables.table("users"))))
      assert.isTrue(Exit.hasDies(yield* Effect.exit(tables.table("sessions"))))
    }),
  )

  it.effect("puts back the rows of every table, in their order", () =>
    Effect.gen(function* () {
      const tables = yield* MemoryTables.make
      const widgets = yield* tables.table<string, number>("widgets")
      const gadgets = yield* tables.table<string, number>("gadgets")
      yield* tables.statement(() => Effect.succeed(widgets.set("a", 1).set("b", 2)))
      const work = tables.statement(() => {
        widgets.delete("a")
        widgets.set("b", 3)
        gadgets.set("c", 4)
        return Effect.fail("refused")
      })
      yield* Effect.flip(tables.transaction(work))
      assert.deepStrictEqual(
        [...widgets],
        [
          ["a", 1],
          ["b", 2],
        ],
      )
      assert.deepStrictEqual([...gadgets], [])
    }),
  )

  it.effect("lets other work wait for the end of a transaction", () =>
    Effect.gen(function* () {
      const tables = yield* MemoryTables.make
      const [entered, goOn] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const log: Array<string> = []
      const note = (entry: string) => tables.statement(() => Effect.succeed(log.push(entry)))
      const first = yield* note("begin").pipe(
        Effect.andThen(Deferred.succeed(entered, undefined)),
        Effect.andThen(Deferred.await(goOn)),
        Effect.andThen(note("end")),
        tables.transaction,
        Effect.forkChild,
      )
      yield* Deferred.await(entered)
      const statement = yield* Effect.forkChild(note("statement"))
      const transaction = yield* Effect.forkChild(tables.transaction(note("transaction")))
      const interrupted = yield* Effect.forkChild(tables.transaction(note("never")))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(interrupted)
      yield* Deferred.succeed(goOn, undefined)
      yield* Effect.forEach([first, statement, transaction], (fiber) => Fiber.join<unknown, unknown>(fiber))
      assert.deepStrictEqual(log, ["begin", "end", "statement", "transaction"])
    }),
  )

  it.effect("keeps the transactions of two instances apart", () =>
    Effect.gen(function* () {
      const [one, other] = [yield* MemoryTables.make, yield* MemoryTables.make]
      const user = yield* Builders.user()
      const work = one.transaction(
        Effect.andThen(
          other.transaction(Effect.sync(() => other.users.set(user.id, user))),
          one.statement(() => Effect.fail("refused")),
        ),
      )
      yield* Effect.flip(work)
      assert.isTrue(other.users.has(user.id))
      assert.isFalse(one.users.has(user.id))
    }),
  )
})
