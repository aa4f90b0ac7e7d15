/**
 * Look-ups of the same thing, joined: what each of them may be answered.
 */
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber } from "effect"
import * as JoinedLookups from "../src/internal/joinedLookups.ts"

/** A store whose look-ups end when they are let, and answer what it holds at that moment. */
const make = Effect.sync(() => {
  const joined = JoinedLookups.make<number, string>()
  const gates: Array<Deferred.Deferred<void, string>> = []
  const asked: Array<string> = []
  const store = { value: 0 }
  const find = (key: string) =>
    joined(
      key,
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void, string>()
        gates.push(gate)
        asked.push(key)
        const read = store.value
        yield* Deferred.await(gate)
        return read
      }),
    )
  const fork = (key: string) => Effect.forkChild(find(key), { startImmediately: true })
  const end = (index: number) =>
    Effect.suspend(() => {
      const gate = gates[index]
      return gate === undefined ? Effect.die(`look-up ${index} does not run`) : Deferred.succeed(gate, undefined)
    })
  const fail = (index: number) => Effect.suspend(() => Deferred.fail(gates[index] ?? assert.fail(), "away"))
  return { joined, asked, store, fork, end, fail, settle: Effect.repeat(Effect.yieldNow, { times: 5 }) }
})

describe("joined look-ups", () => {
  it.effect("run at once when they are alone, one after the other", () =>
    Effect.gen(function* () {
      const { asked, end, fork } = yield* make
      const first = yield* fork("a")
      yield* end(0)
      assert.strictEqual(yield* Fiber.join(first), 0)
      const second = yield* fork("a")
      yield* end(1)
      assert.strictEqual(yield* Fiber.join(second), 0)
      assert.deepStrictEqual(asked, ["a", "a"])
    }),
  )

  it.effect("share the next one when they come while one is under way, and are answered what was there by then", () =>
    Effect.gen(function* () {
      const { asked, end, fork, settle, store } = yield* make
      const first = yield* fork("a")
      store.value = 1
      const others = yield* Effect.forEach(Array.from({ length: 99 }), () => fork("a"))
      yield* settle
      assert.deepStrictEqual(asked, ["a"])
      yield* end(0)
      assert.strictEqual(yield* Fiber.join(first), 0)
      yield* settle
      yield* end(1)
      assert.deepStrictEqual(
        yield* Effect.forEach(others, Fiber.join),
        Array.from({ length: 99 }, () => 1),
      )
      assert.deepStrictEqual(asked, ["a", "a"])
    }),
  )

  it.effect("wait for none of another key", () =>
    Effect.gen(function* () {
      const { asked, end, fork } = yield* make
      yield* fork("a")
      const other = yield* fork("b")
      yield* end(1)
      assert.strictEqual(yield* Fiber.join(other), 0)
      assert.deepStrictEqual(asked, ["a", "b"])
    }),
  )

  it.effect("fail together, and the next one is tried anew", () =>
    Effect.gen(function* () {
      const { end, fail, fork, settle } = yield* make
      const first = yield* fork("a")
      const [second, third] = [yield* fork("a"), yield* fork("a")]
      yield* end(0)
      yield* Fiber.join(first)
      yield* settle
      yield* fail(1)
      assert.deepStrictEqual(yield* Fiber.await(second), Exit.fail("away"))
      assert.deepStrictEqual(yield* Fiber.await(third), Exit.fail("away"))
      const fourth = yield* fork("a")
      yield* end(2)
      assert.strictEqual(yield* Fiber.join(fourth), 0)
    }),
  )

  it.effect("are not run for those who went away, and go on for those who did not", () =>
    Effect.gen(function* () {
      const { asked, end, fork, settle } = yield* make
      const first = yield* fork("a")
      const second = yield* fork("a")
      yield* Fiber.interrupt(second)
      yield* Fiber.interrupt(first)
      const third = yield* fork("a")
      yield* end(0)
      yield* settle
      yield* end(1)
      assert.strictEqual(yield* Fiber.join(third), 0)
      const fourth = yield* fork("a")
      yield* Fiber.interrupt(fourth)
      yield* end(2)
      yield* settle
      const fifth = yield* fork("a")
      yield* end(3)
      assert.strictEqual(yield* Fiber.join(fifth), 0)
      assert.strictEqual(asked.length, 4)
    }),
  )

  it.effect("are not run where all who waited went away", () =>
    Effect.gen(function* () {
      const { asked, end, fork, settle } = yield* make
      const first = yield* fork("a")
      yield* Effect.forEach([yield* fork("a"), yield* fork("a")], Fiber.interrupt)
      yield* end(0)
      yield* Fiber.join(first)
      yield* settle
      assert.deepStrictEqual(asked, ["a"])
    }),
  )

  it.effect("go on for the others when the one whose look-up they share goes away", () =>
    Effect.gen(function* () {
      const { end, fork, settle } = yield* make
      const first = yield* fork("a")
      const [second, third] = [yield* fork("a"), yield* fork("a")]
      yield* end(0)
      yield* Fiber.join(first)
      yield* settle
      yield* Fiber.interrupt(second)
      yield* end(1)
      assert.strictEqual(yield* Fiber.join(third), 0)
    }),
  )

  it.effect("that break down are told to all who share them, and hold up none after them", () =>
    Effect.gen(function* () {
      const joined = JoinedLookups.make<string, never>()
      const gate = yield* Deferred.make<void>()
      const fork = (lookUp: Effect.Effect<string>) => Effect.forkChild(joined("a", lookUp), { startImmediately: true })
      const first = yield* fork(Effect.as(Deferred.await(gate), "first"))
      const broken = yield* Effect.forEach([1, 2], () => fork(Effect.die("broken")))
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual(yield* Fiber.join(first), "first")
      assert.deepStrictEqual(yield* Effect.forEach(broken, Fiber.await), [Exit.die("broken"), Exit.die("broken")])
      assert.strictEqual(yield* joined("a", Effect.succeed("next")), "next")
    }),
  )

  it.effect("see the services of the one who asked", () =>
    Effect.gen(function* () {
      class Name extends Context.Service<Name, string>()("JoinedLookups/Name") {}
      const joined = JoinedLookups.make<string, never>()
      const look = joined(
        "a",
        Effect.map(Effect.serviceOption(Name), (name) => (name._tag === "Some" ? name.value : "")),
      )
      assert.strictEqual(yield* Effect.provideService(look, Name, "of the request"), "of the request")
    }),
  )
})
