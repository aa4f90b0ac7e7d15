import * as Mail from "@belfry/core/Mail"
import * as MailQueue from "@belfry/core/MailQueue"
import { MailError, Mailer } from "@belfry/core/Mailer"
import { Email } from "@belfry/core/User"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Layer, Logger, Metric, Schema, Scope } from "effect"
import { TestClock } from "effect/testing"

const messageOf = (category: string, address = "ada@example.com") =>
  Mail.make({ to: Schema.decodeSync(Email)(address), subject: "Hello", text: "Hello", html: "Hello", category })

const failure = (isRetryable: boolean) =>
  Effect.fail(new MailError({ isRetryable, code: "450", cause: new Error("450 <ada@example.com> not now") }))

/** A queue over a mailer that answers as `answer` says to the nth try; tells what was tried. Ends with the test. */
const start = Effect.fnUntraced(function* (
  answer: (message: Mail.MailMessage, tries: number) => Effect.Effect<void, MailError>,
  options: MailQueue.MailQueueOptions = {},
) {
  const tried: Array<Mail.MailMessage> = []
  const logged: Array<string> = []
  const scope = yield* Scope.make()
  const mailer = Mailer.of({
    send: (message) => Effect.suspend(() => answer(message, tried.push(message))),
  })
  const logger = Logger.layer([
    Logger.map(Logger.formatJson, (line) => {
      logged.push(line)
    }),
  ])
  const context = yield* Layer.buildWithScope(
    MailQueue.layer(options).pipe(Layer.provide(Layer.succeed(Mailer, mailer)), Layer.provideMerge(logger)),
    scope,
  )
  const close = Effect.provide(Scope.close(scope, Exit.void), context)
  yield* Effect.addFinalizer(() => Effect.andThen(Effect.forkDetach(close), TestClock.adjust("1 hour")))
  const queue = yield* Effect.provide(MailQueue.MailQueue, context)
  return {
    tried,
    logged,
    close,
    enqueue: (message: Mail.MailMessage) => Effect.provide(queue.enqueue(message), context),
  }
})

/** Lets the background work until it waits for the clock or for good. */
const settle = TestClock.adjust(0)

const countOf = (category: string, outcome: string) =>
  Effect.map(Metric.value(Metric.withAttributes(MailQueue.mailTotal, { category, outcome })), ({ count }) =>
    Number(count),
  )

describe("MailQueue", () => {
  it.effect("sends 10 messages at a time, while 10,000 more wait, unless told otherwise", () =>
    Effect.gen(function* () {
      const { enqueue, tried, logged } = yield* start(() => Effect.never)
      const many = (count: number) => Effect.replicateEffect(enqueue(messageOf("many")), count, { discard: true })
      yield* many(10)
      yield* settle
      assert.strictEqual(tried.length, 10)
      yield* many(10_000)
      yield* settle
      assert.deepStrictEqual([tried.length, logged.length], [10, 0])
      yield* many(1)
      assert.strictEqual(logged.length, 1)
    }),
  )

  it.effect("sends in the background and counts it", () =>
    Effect.gen(function* () {
      const { enqueue, tried } = yield* start(() => Effect.void)
      yield* enqueue(messageOf("sent"))
      assert.strictEqual(tried.length, 0)
      yield* settle
      assert.deepStrictEqual(tried, [messageOf("sent")])
      assert.strictEqual(yield* countOf("sent", "sent"), 1)
    }),
  )

  it.effect("takes messages at once, however long the mailer takes", () =>
    Effect.gen(function* () {
      const { enqueue, tried } = yield* start(() => Effect.never)
      for (let i = 0; i < 100; i++) yield* enqueue(messageOf("at-once"))
      yield* settle
      assert.strictEqual(tried.length, 10)
    }),
  )

  it.effect("tries again what may pass, each time later", () =>
    Effect.gen(function* () {
      const times: Array<number> = []
      const { enqueue, logged } = yield* start((_, tries) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          times.push(now)
          return tries < 5 ? failure(true) : Effect.void
        }),
      )
      yield* enqueue(messageOf("retried"))
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(times.length, 5)
      const planned = [1000, 2000, 4000, 8000]
      const waited = planned.map((_, index) => (times[index + 1] ?? 0) - (times[index] ?? 0))
      for (const [index, wait] of planned.entries()) {
        assert.isAtLeast(waited[index] ?? 0, wait * 0.8)
        assert.isAtMost(waited[index] ?? 0, wait * 1.2)
      }
      // Jittered: many messages that failed together do not come back together.
      assert.notDeepEqual(waited, planned)
      assert.strictEqual(yield* countOf("retried", "sent"), 1)
      assert.strictEqual(yield* countOf("retried", "failed"), 0)
      assert.deepStrictEqual(logged, [])
    }),
  )

  it.effect("gives up after five tries and logs it, without the address", () =>
    Effect.gen(function* () {
      const { enqueue, tried, logged } = yield* start(() => failure(true))
      yield* enqueue(messageOf("given-up"))
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(tried.length, 5)
      assert.strictEqual(yield* countOf("given-up", "failed"), 1)
      assert.strictEqual(logged.length, 1)
      assert.include(logged[0], "given-up")
      assert.include(logged[0], "450")
      assert.notInclude(logged[0], "ada")
    }),
  )

  it.effect("tries only once what will not pass", () =>
    Effect.gen(function* () {
      const { enqueue, tried } = yield* start(() => failure(false))
      yield* enqueue(messageOf("permanent"))
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(tried.length, 1)
      assert.strictEqual(yield* countOf("permanent", "failed"), 1)
    }),
  )

  it.effect("goes on after a message that the mailer dies of", () =>
    Effect.gen(function* () {
      const { enqueue, tried, logged } = yield* start(
        (_, tries) => (tries === 1 ? Effect.die(new Error("bug with ada@example.com")) : Effect.void),
        { concurrency: 1 },
      )
      yield* enqueue(messageOf("defect"))
      yield* enqueue(messageOf("after-defect"))
      yield* settle
      assert.strictEqual(tried.length, 2)
      assert.strictEqual(yield* countOf("defect", "failed"), 1)
      assert.strictEqual(yield* countOf("after-defect", "sent"), 1)
      assert.notInclude(logged.join(), "ada")
    }),
  )

  it.effect("sends others while one waits to be tried again", () =>
    Effect.gen(function* () {
      const { enqueue } = yield* start((message) => (message.category === "slow" ? failure(true) : Effect.void))
      yield* enqueue(messageOf("slow"))
      yield* enqueue(messageOf("quick"))
      yield* settle
      assert.strictEqual(yield* countOf("quick", "sent"), 1)
      assert.strictEqual(yield* countOf("slow", "failed"), 0)
    }),
  )

  it.effect("drops what it has no room for, and says so without the address", () =>
    Effect.gen(function* () {
      const { enqueue, logged } = yield* start(() => Effect.never, { capacity: 3, concurrency: 2 })
      yield* enqueue(messageOf("room"))
      yield* enqueue(messageOf("room"))
      yield* settle
      for (let i = 0; i < 3; i++) yield* enqueue(messageOf("room"))
      assert.strictEqual(yield* countOf("room", "dropped"), 0)
      yield* enqueue(messageOf("room"))
      assert.strictEqual(yield* countOf("room", "dropped"), 1)
      assert.strictEqual(logged.length, 1)
      assert.include(logged[0], "room")
      assert.notInclude(logged[0], "ada")
    }),
  )

  it.effect("sends what is queued before it closes", () =>
    Effect.gen(function* () {
      const { enqueue, tried, close } = yield* start(() => Effect.sleep("1 second"), { concurrency: 1 })
      for (let i = 0; i < 5; i++) yield* enqueue(messageOf("drained"))
      const closing = yield* Effect.forkChild(close)
      yield* TestClock.adjust("4999 millis")
      assert.isUndefined(closing.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(closing)
      assert.strictEqual(tried.length, 5)
      assert.strictEqual(yield* countOf("drained", "sent"), 5)
    }),
  )

  it.effect("closes at once when nothing is queued", () =>
    Effect.gen(function* () {
      const { close } = yield* start(() => Effect.void)
      yield* settle
      yield* close
    }),
  )

  it.effect("closes after 10 seconds at most, and counts what was lost", () =>
    Effect.gen(function* () {
      const { enqueue, close, logged } = yield* start(() => Effect.never, { concurrency: 2 })
      for (let i = 0; i < 5; i++) yield* enqueue(messageOf("lost"))
      const closing = yield* Effect.forkChild(close)
      yield* TestClock.adjust("9999 millis")
      assert.isUndefined(closing.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(closing)
      assert.strictEqual(yield* countOf("lost", "dropped"), 5)
      assert.strictEqual(logged.length, 5)
      assert.notInclude(logged.join(), "ada")
    }),
  )

  it.effect("drops what comes after it was closed", () =>
    Effect.gen(function* () {
      const { enqueue, close, tried } = yield* start(() => Effect.void)
      yield* close
      yield* enqueue(messageOf("late"))
      yield* settle
      assert.strictEqual(tried.length, 0)
      assert.strictEqual(yield* countOf("late", "dropped"), 1)
    }),
  )
})
