import * as MemoryStores from "@belfry/core/MemoryStores"
import * as Outbox from "@belfry/core/Outbox"
import * as OutboxDeliveries from "@belfry/core/OutboxDeliveries"
import type { OutboxEvent } from "@belfry/core/OutboxEvent"
import { OutboxStore } from "@belfry/core/OutboxStore"
import * as OutboxSubscribers from "@belfry/core/OutboxSubscribers"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlStores from "@belfry/core/SqlStores"
import { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import * as Builders from "@belfry/testing/Builders"
import * as StatementCounter from "@belfry/testing/StatementCounter"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import { assert, describe, it, layer as withLayer } from "@effect/vitest"
import { DateTime, Deferred, Duration, Effect, Exit, Fiber, Layer, Logger, Metric, References } from "effect"
import { TestClock } from "effect/testing"

const layerOver = <E>(stores: Layer.Layer<OutboxStore | TransactionStore, E>) =>
  OutboxDeliveries.layer().pipe(
    Layer.provideMerge(Layer.merge(Outbox.layer, OutboxSubscribers.layer)),
    Layer.provideMerge(Layer.merge(stores, NodeCrypto.layer)),
  )

const layer = layerOver(MemoryStores.layer)

const backends = [
  { name: "memory", layer },
  ...TestDatabase.each([SqlCoreMigrations.migrations]).map(({ name, layer }) => ({
    name,
    layer: layerOver(Layer.provide(SqlStores.layer, layer)),
  })),
]

const deliver = OutboxDeliveries.OutboxDeliveries.use((deliveries) => deliveries.deliver)

const deliverAll = OutboxDeliveries.OutboxDeliveries.use((deliveries) => deliveries.deliverAll)

const append = (aggregate: string, ...payloads: ReadonlyArray<string>) =>
  Outbox.Outbox.use((outbox) =>
    outbox.append(
      aggregate,
      payloads.map((payload) => ({ type: "test.Happened", payload })),
    ),
  )

const register = (name: string, handle: OutboxSubscribers.OutboxSubscriber["handle"], types?: ReadonlySet<string>) =>
  OutboxSubscribers.OutboxSubscribers.use((subscribers) => subscribers.register({ name, handle, types }))

/** A subscriber that writes down what it gets, as `a:1:payload`. */
const recording = Effect.fnUntraced(function* (name: string, fails: (event: OutboxEvent) => boolean = () => false) {
  const taken: Array<string> = []
  yield* register(name, (event) =>
    fails(event) ? Effect.fail("refused") : Effect.sync(() => void taken.push(written(event))),
  )
  return taken
})

/** A millisecond of the test's clock, in which the database gets its turn. */
const passed = Effect.andThen(
  TestClock.adjust("1 millis"),
  Effect.promise(() => new Promise((resolve) => setImmediate(resolve))),
)

const leaseOfOthers = Effect.map(Builders.user(), ({ id }) => id)

const written = ({ aggregate, payload, version }: OutboxEvent) => `${aggregate}:${version}:${String(payload)}`

for (const { name, layer: layerOfBackend } of backends) {
  withLayer(layerOfBackend)(`OutboxDeliveries (${name})`, (it) => {
    it.effect("delivers each aggregate's events in their order while 50 transactions append", () =>
      Effect.gen(function* () {
        const transactions = yield* TransactionStore
        const taken = yield* recording("all")
        const aggregates = ["test:a", "test:b", "test:c"]
        const appending = yield* Effect.forkChild(
          Effect.forEach(
            Array.from({ length: 50 }, (_, index) => index),
            (index) => transactions.run(append(aggregates[index % 3] ?? "test:d", `${index}`, `${index}'`)),
            { concurrency: "unbounded", discard: true },
          ),
        )
        for (let round = 0; round < 20; round++) yield* Effect.andThen(deliver, Effect.yieldNow)
        yield* Fiber.join(appending)
        yield* deliverAll
        for (const [place, aggregate] of aggregates.entries()) {
          const mine = taken.filter((event) => event.startsWith(aggregate)).map((event) => event.split(":")[2])
          const count = [34, 34, 32][place] ?? 0
          assert.deepStrictEqual(
            mine,
            Array.from({ length: count }, (_, index) => `${index + 1}`),
          )
        }
      }),
    )

    it.effect("never delivers an aggregate by two deliverers at a time, nor an event twice", () =>
      Effect.gen(function* () {
        const { waitsSince } = yield* OutboxStore
        const busy = new Set<string>()
        const taken: Array<string> = []
        yield* register("slow", (event) =>
          Effect.gen(function* () {
            assert.isFalse(busy.has(event.aggregate), "two deliverers are at one aggregate")
            busy.add(event.aggregate)
            yield* Effect.yieldNow
            yield* waitsSince
            taken.push(written(event))
            busy.delete(event.aggregate)
          }),
        )
        for (let index = 0; index < 10; index++) yield* append(`test:${index}`, "1", "2", "3")
        const counts = yield* Effect.replicateEffect(deliver, 8, { concurrency: "unbounded" })
        yield* deliverAll
        assert.strictEqual(new Set(taken).size, 30)
        assert.strictEqual(taken.length, 30)
        assert.isAbove(
          counts.reduce((sum, count) => sum + count, 0),
          0,
        )
      }),
    )

    it.effect("delivers nothing of a transaction that is undone, and what is committed only after it is", () =>
      Effect.gen(function* () {
        const transactions = yield* TransactionStore
        const { arrivals } = yield* Outbox.Outbox
        const taken = yield* recording("all")
        yield* arrivals.close
        yield* Effect.flip(transactions.run(Effect.andThen(append("test:z", "undone"), Effect.fail("no" as const))))
        assert.strictEqual(yield* deliver, 0)
        assert.isFalse(arrivals.isOpen())
        yield* transactions.run(
          Effect.andThen(
            append("test:z", "kept"),
            Effect.sync(() => assert.isFalse(arrivals.isOpen())),
          ),
        )
        assert.isTrue(arrivals.isOpen())
        assert.strictEqual(yield* deliver, 1)
        assert.deepStrictEqual(taken, ["test:z:1:kept"])
      }),
    )
  })
}

describe("OutboxDeliveries", () => {
  it.effect("gives an event to every subscriber in the order of registration, and to those who want its type", () =>
    Effect.gen(function* () {
      const taken: Array<string> = []
      const note = (name: string) => (event: OutboxEvent) => Effect.sync(() => void taken.push(`${name} ${event.type}`))
      yield* register("first", note("first"))
      yield* register("seen alone", note("seen alone"), new Set(["test.WasSeen"]))
      yield* register("last", note("last"))
      const outbox = yield* Outbox.Outbox
      yield* outbox.append("test:a", [
        { type: "test.Happened", payload: null },
        { type: "test.WasSeen", payload: null },
      ])
      assert.strictEqual(yield* deliver, 2)
      assert.deepStrictEqual(taken, [
        "first test.Happened",
        "last test.Happened",
        "first test.WasSeen",
        "seen alone test.WasSeen",
        "last test.WasSeen",
      ])
      assert.strictEqual(yield* deliver, 0)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("has one subscriber of a name, until it goes", () =>
    Effect.gen(function* () {
      const { list } = yield* OutboxSubscribers.OutboxSubscribers
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* recording("mine")
          assert.isTrue(Exit.hasDies(yield* Effect.exit(recording("mine"))))
          assert.deepStrictEqual(
            (yield* list).map(({ name }) => name),
            ["mine"],
          )
        }),
      )
      assert.deepStrictEqual(yield* list, [])
      yield* recording("mine")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("keeps no event where there are none to keep", () =>
    Effect.gen(function* () {
      yield* append("test:a")
      assert.strictEqual(yield* deliver, 0)
    }).pipe(Effect.provide(layer)),
  )

  it.effect(
    "tries what failed again, later each time and an hour later at most, and holds up its aggregate alone",
    () =>
      Effect.gen(function* () {
        let isDown = true
        const first = yield* recording("first")
        const second = yield* recording("second", ({ payload }) => isDown && payload === "2")
        yield* append("test:a", "1", "2", "3")
        yield* append("test:b", "x")
        assert.strictEqual(yield* deliver, 2)
        assert.sameMembers(second, ["test:a:1:1", "test:b:1:x"])
        for (const wait of [1, 2, 4, 8]) {
          yield* TestClock.adjust(Duration.millis(wait * 1000 - 1))
          const before = first.length
          assert.strictEqual(yield* deliver, 0)
          assert.strictEqual(first.length, before, `before ${wait} s are over`)
          yield* TestClock.adjust("1 millis")
          assert.strictEqual(yield* deliver, 0)
          assert.strictEqual(first.length, before + 1, `after ${wait} s`)
        }
        yield* append("test:b", "y")
        assert.strictEqual(yield* deliver, 1)
        for (let tries = 0; tries < 20; tries++) {
          yield* TestClock.adjust("1 hour")
          const before = first.length
          yield* deliver
          assert.strictEqual(first.length, before + 1)
        }
        isDown = false
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(yield* deliver, 2)
        assert.deepStrictEqual(
          second.filter((event) => event.startsWith("test:a")),
          ["test:a:1:1", "test:a:2:2", "test:a:3:3"],
        )
      }).pipe(Effect.provide(layer), Effect.provide(Logger.layer([]))),
  )

  it.effect("takes a defect for a failure, and logs what failed without what the event says", () => {
    const logged: Array<string> = []
    const logger = Logger.make(({ fiber, message }) => {
      logged.push(`${String(message)} ${JSON.stringify(fiber.getRef(References.CurrentLogAnnotations))}`)
    })
    return Effect.gen(function* () {
      yield* register("broken", () => {
        throw new Error("a bug")
      })
      yield* append("test:a", "the payload")
      assert.strictEqual(yield* deliver, 0)
      assert.strictEqual(logged.length, 1)
      const [line = ""] = logged
      assert.match(line, /could not be delivered/)
      for (const said of ['"aggregate":"test:a"', '"type":"test.Happened"', '"subscriber":"broken"', '"attempt":1']) {
        assert.include(line, said)
      }
      assert.notInclude(line, "the payload")
    }).pipe(Effect.provide(Logger.layer([logger])), Effect.provide(layer))
  })

  it.effect("gives up before its lease is over, so that nobody else is at the aggregate with it", () =>
    Effect.gen(function* () {
      const store = yield* OutboxStore
      const started = yield* Deferred.make<void>()
      let wasStopped = false
      yield* register("hanging", () =>
        Effect.andThen(Deferred.succeed(started, undefined), Effect.never).pipe(
          Effect.onInterrupt(() => Effect.sync(() => void (wasStopped = true))),
        ),
      )
      yield* append("test:a", "1")
      const delivering = yield* Effect.forkChild(deliver)
      yield* Deferred.await(started)
      yield* TestClock.adjust("26 seconds")
      assert.isFalse(wasStopped)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(delivering), 0)
      assert.isTrue(wasStopped)
      const now = yield* DateTime.now
      const claim = {
        lease: (yield* Builders.user()).id,
        aggregates: 1,
        events: 1,
        until: DateTime.add(now, { hours: 1 }),
      }
      assert.deepStrictEqual(yield* store.claim({ ...claim, now }), [])
      assert.strictEqual((yield* store.claim({ ...claim, now: DateTime.add(now, { seconds: 1 }) }))[0]?.attempts, 1)
    }).pipe(Effect.provide(layer), Effect.provide(Logger.layer([]))),
  )

  it.effect("leaves an aggregate to another node when its lease is over", () =>
    Effect.gen(function* () {
      const store = yield* OutboxStore
      const taken = yield* recording("all")
      yield* append("test:a", "1")
      // A node that died at it.
      const now = yield* DateTime.now
      const lease = (yield* Builders.user()).id
      yield* store.claim({ lease, aggregates: 1, events: 1, now, until: DateTime.add(now, { seconds: 30 }) })
      yield* TestClock.adjust("29 seconds")
      assert.strictEqual(yield* deliver, 0)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* deliver, 1)
      assert.deepStrictEqual(taken, ["test:a:1:1"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("gives back what it has when it is told to stop in the middle, which is no failure", () => {
    const logged: Array<string> = []
    return Effect.gen(function* () {
      const started = yield* Deferred.make<void>()
      const taken: Array<string> = []
      let isStopping = true
      yield* register("slow", (event) =>
        isStopping && (event.payload === "2" || event.aggregate === "test:b")
          ? Effect.andThen(Deferred.succeed(started, undefined), Effect.never)
          : Effect.sync(() => void taken.push(written(event))),
      )
      yield* append("test:a", "1", "2")
      yield* append("test:b", "1")
      const delivering = yield* Effect.forkChild(deliver)
      yield* Deferred.await(started)
      yield* Fiber.interrupt(delivering)
      taken.push("stopped")
      isStopping = false
      assert.deepStrictEqual(logged, [])
      assert.strictEqual(yield* deliver, 2)
      assert.sameMembers(taken, ["test:a:1:1", "stopped", "test:a:2:2", "test:b:1:1"])
      assert.strictEqual(taken[1], "stopped")
    }).pipe(
      Effect.provide(layer),
      Effect.provide(Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))])),
    )
  })

  it.effect("counts no more failures, and no fewer, for being told to stop", () =>
    Effect.gen(function* () {
      const store = yield* OutboxStore
      const started = yield* Deferred.make<void>()
      let tries = 0
      yield* register("failing", () =>
        Effect.suspend(() =>
          ++tries === 2 ? Effect.andThen(Deferred.succeed(started, undefined), Effect.never) : Effect.fail("refused"),
        ),
      )
      yield* append("test:a", "1")
      assert.strictEqual(yield* deliver, 0)
      yield* TestClock.adjust("1 second")
      const delivering = yield* Effect.forkChild(deliver)
      yield* Deferred.await(started)
      yield* Fiber.interrupt(delivering)
      const now = yield* DateTime.now
      const [batch] = yield* store.claim({ lease: yield* leaseOfOthers, aggregates: 1, events: 1, now, until: now })
      assert.strictEqual(batch?.attempts, 1)
    }).pipe(Effect.provide(layer), Effect.provide(Logger.layer([]))),
  )

  it.effect("takes a subscriber that interrupts itself for one that fails", () =>
    Effect.gen(function* () {
      yield* register("interrupting", () => Effect.interrupt)
      yield* append("test:a", "1")
      assert.strictEqual(yield* deliver, 0)
      const store = yield* OutboxStore
      const now = yield* DateTime.now
      const claim = { lease: yield* leaseOfOthers, aggregates: 1, events: 1, until: now }
      assert.deepStrictEqual(yield* store.claim({ ...claim, now }), [])
      const [batch] = yield* store.claim({ ...claim, now: DateTime.add(now, { seconds: 1 }) })
      assert.strictEqual(batch?.attempts, 1)
    }).pipe(Effect.provide(layer), Effect.provide(Logger.layer([]))),
  )

  it.effect("leaves no lease behind when it is told to stop while it leases", () =>
    Effect.gen(function* () {
      const store = yield* OutboxStore
      const leased = yield* Deferred.make<void>()
      const goOn = yield* Deferred.make<void>()
      const slow = OutboxStore.of({
        ...store,
        claim: (options) =>
          Effect.tap(store.claim(options), () =>
            Effect.andThen(Deferred.succeed(leased, undefined), Deferred.await(goOn)),
          ),
      })
      const taken = yield* recording("all")
      const deliveries = yield* Effect.provideService(OutboxDeliveries.make(), OutboxStore, slow)
      yield* append("test:a", "1")
      const delivering = yield* Effect.forkChild(deliveries.deliver)
      yield* Deferred.await(leased)
      const stopping = yield* Effect.forkChild(Fiber.interrupt(delivering))
      yield* Effect.yieldNow
      yield* Deferred.succeed(goOn, undefined)
      yield* Fiber.join(stopping)
      assert.deepStrictEqual(taken, [])
      assert.strictEqual(yield* deliver, 1)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("goes on to others that are due when all of a lease fail", () =>
    Effect.gen(function* () {
      const deliveries = yield* OutboxDeliveries.make({ aggregates: 2 })
      const taken = yield* recording("all", ({ payload }) => payload === "bad")
      for (const aggregate of ["test:a", "test:b"]) yield* append(aggregate, "bad")
      yield* TestClock.adjust("1 millis")
      yield* append("test:c", "good")
      assert.strictEqual(yield* deliveries.deliverAll, 1)
      assert.deepStrictEqual(taken, ["test:c:1:good"])
    }).pipe(Effect.provide(layer), Effect.provide(Logger.layer([]))),
  )

  it.effect("ends the leases of those that are through while others are not", () =>
    Effect.gen(function* () {
      const goOn = yield* Deferred.make<void>()
      const started = yield* Deferred.make<void>()
      yield* register(
        "slow",
        ({ payload }) =>
          payload === "slow" ? Effect.andThen(Deferred.succeed(started, undefined), Deferred.await(goOn)) : Effect.void,
        new Set(["test.Happened"]),
      )
      const outbox = yield* Outbox.Outbox
      yield* append("test:a", "slow")
      yield* append("test:b", "fast")
      yield* outbox.append("test:c", [{ type: "test.Unwanted", payload: null }])
      const delivering = yield* Effect.forkChild(deliver)
      yield* Deferred.await(started)
      // Lets what is through be kept.
      for (let turn = 0; turn < 20; turn++) yield* Effect.yieldNow
      for (const aggregate of ["test:b", "test:c"]) yield* append(aggregate, "next")
      assert.strictEqual(yield* deliver, 2)
      yield* Deferred.succeed(goOn, undefined)
      assert.strictEqual(yield* Fiber.join(delivering), 3)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("fails when the store cannot answer", () =>
    Effect.gen(function* () {
      const deliveries = yield* OutboxDeliveries.make()
      assert.deepStrictEqual(yield* Effect.flip(deliveries.deliver), away)
    }).pipe(
      Effect.provide(Layer.mock(OutboxStore, { claim: () => Effect.fail(away) })),
      Effect.provide(Layer.merge(OutboxSubscribers.layer, NodeCrypto.layer)),
    ),
  )
})

describe("OutboxDeliveries.layerLoop", () => {
  it.effect("delivers soon what this process commits, and looks every second for the rest", () =>
    Effect.gen(function* () {
      const store = yield* OutboxStore
      yield* append("test:a", "before it began")
      yield* TestClock.adjust("999 millis")
      const taken = yield* recording("all")
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(taken.splice(0), ["test:a:1:before it began"])
      yield* append("test:a", "mine")
      yield* TestClock.adjust("24 millis")
      assert.deepStrictEqual(taken, [])
      yield* append("test:b", "with it")
      yield* TestClock.adjust("1 millis")
      assert.sameMembers(taken.splice(0), ["test:a:2:mine", "test:b:1:with it"])
      yield* store.append([yield* Builders.outboxEvent({ aggregate: "test:a", payload: "of another node" })])
      yield* TestClock.adjust("999 millis")
      assert.deepStrictEqual(taken, [])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(taken, ["test:a:3:of another node"])
    }).pipe(Effect.provide(OutboxDeliveries.layerLoop()), Effect.provide(layer)),
  )

  it.effect("waits for more for as long as it is told to, and no longer than until it looks anyhow", () =>
    Effect.gen(function* () {
      const taken = yield* recording("all")
      yield* TestClock.adjust("1 second")
      yield* TestClock.adjust("500 millis")
      yield* append("test:a", "1")
      yield* TestClock.adjust("399 millis")
      assert.deepStrictEqual(taken, [])
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(taken.length, 1)
      yield* TestClock.adjust("900 millis")
      yield* append("test:a", "2")
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(taken.length, 2)
    }).pipe(Effect.provide(OutboxDeliveries.layerLoop({ gather: Duration.millis(400) })), Effect.provide(layer)),
  )

  it.effect("delivers more than fits into one lease", () =>
    Effect.gen(function* () {
      const taken = yield* recording("all")
      const deliveries = yield* OutboxDeliveries.make({ aggregates: 2, events: 3 })
      for (const aggregate of ["test:a", "test:b", "test:c"]) yield* append(aggregate, "1", "2", "3", "4", "5")
      assert.strictEqual(yield* deliveries.deliver, 6)
      const loop = OutboxDeliveries.layerLoop().pipe(
        Layer.provide(Layer.succeed(OutboxDeliveries.OutboxDeliveries, deliveries)),
      )
      yield* Effect.provide(TestClock.adjust("1 second"), loop)
      assert.strictEqual(taken.length, 15)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("makes 3 statements for a change by itself, and asks for the lag once a second", () => {
    const store = Layer.provide(SqlStores.layer, TestDatabase.layerPglite([SqlCoreMigrations.migrations]))
    return Effect.gen(function* () {
      const taken = yield* recording("all")
      const changes = Effect.gen(function* () {
        yield* TestClock.adjust("1 second")
        for (const payload of ["1", "2", "3"]) {
          const before = taken.length
          yield* append("test:a", payload)
          while (taken.length === before) yield* passed
        }
      }).pipe(Effect.provide(OutboxDeliveries.layerLoop()))
      const statements = yield* StatementCounter.statementsOf(changes)
      // A change may be kept before the lease of the one before has ended.
      const lone = ["APPEND events", "CLAIM events", "UPDATE outbox_aggregates"]
      assert.sameMembers([...statements], ["CLAIM events", "SELECT outbox_aggregates", ...lone, ...lone, ...lone])
    }).pipe(Effect.provide(layerOver(store)))
  })

  it.effect("leases what 50 changes commit beside each other, and ends its leases, by a handful of statements", () => {
    const store = Layer.provide(SqlStores.layer, TestDatabase.layerPglite([SqlCoreMigrations.migrations]))
    return Effect.gen(function* () {
      const taken = yield* recording("all")
      const changes = Effect.gen(function* () {
        yield* TestClock.adjust("1 second")
        yield* Effect.forEach(
          Array.from({ length: 50 }, (_, index) => index),
          (index) => append(`test:${index}`, "1"),
          { concurrency: "unbounded", discard: true },
        )
        while (taken.length < 50) yield* passed
      }).pipe(Effect.provide(OutboxDeliveries.layerLoop()))
      const statements = yield* StatementCounter.statementsOf(changes)
      assert.strictEqual(statements.filter((statement) => statement === "APPEND events").length, 50)
      const others = statements.filter((statement) => statement !== "APPEND events")
      assert.includeMembers(others, ["CLAIM events", "UPDATE outbox_aggregates"])
      assert.isAtMost(others.length, 6, others.join())
    }).pipe(Effect.provide(layerOver(store)))
  })

  it.effect("goes on when the store could not answer, and says for how long the oldest event waits", () =>
    Effect.gen(function* () {
      let isDown = true
      const logged: Array<string> = []
      const logger = Logger.make(({ message }) => void logged.push(String(message)))
      const deliveries = yield* OutboxDeliveries.OutboxDeliveries
      const flaky = {
        ...deliveries,
        deliverAll: Effect.suspend(() => (isDown ? Effect.fail(away) : deliveries.deliverAll)),
      }
      const taken = yield* recording("all")
      const lag = Effect.map(Metric.value(OutboxDeliveries.lagSeconds), ({ value }) => value)
      const store = yield* OutboxStore
      const old = DateTime.subtract(yield* DateTime.now, { minutes: 1 })
      yield* store.append([yield* Builders.outboxEvent({ occurredAt: old })])
      yield* Effect.gen(function* () {
        yield* TestClock.adjust("1500 millis")
        assert.deepStrictEqual(logged, ["Events of the outbox could not be delivered"])
        isDown = false
        yield* TestClock.adjust("500 millis")
        assert.strictEqual(taken.length, 1)
        assert.strictEqual(yield* lag, 0)
        yield* register("failing", () => Effect.fail("refused"))
        yield* store.append([yield* Builders.outboxEvent({ occurredAt: old })])
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* lag, 63)
      }).pipe(
        Effect.provide(OutboxDeliveries.layerLoop()),
        Effect.provideService(OutboxDeliveries.OutboxDeliveries, flaky),
        Effect.provide(Logger.layer([logger])),
      )
    }).pipe(Effect.provide(layer)),
  )
})

const away = new StoreError({ store: "OutboxStore", method: "claim", isRetryable: true, cause: new Error("away") })
