/**
 * Sends mail behind the request: takes messages at once, hands them to the mailer in the background, tries again.
 *
 * How long the mail server takes never shows in how long a request takes.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import type { MailMessage } from "./Mail.ts"
import { type MailError, Mailer } from "./Mailer.ts"

/**
 * Sends mail behind the request.
 *
 * @category services
 * @since 0.1.0
 */
export class MailQueue extends Context.Service<
  MailQueue,
  {
    /**
     * Takes a message and returns at once. A message that finds the queue full or closed is dropped, which the log and
     * the metric `belfry_mail_total` say.
     */
    readonly enqueue: (message: MailMessage) => Effect.Effect<void>
  }
>()("@belfry/core/MailQueue") {}

/**
 * How the queue works; the defaults suit a server.
 *
 * @category models
 * @since 0.1.0
 */
export interface MailQueueOptions {
  /** Messages that may wait. Default: 10,000, of some 4 KB each. */
  readonly capacity?: number | undefined
  /** Messages sent at a time. Default: 10. */
  readonly concurrency?: number | undefined
  /** How long closing waits for what is queued. Default: 10 seconds. */
  readonly drainTimeout?: Duration.Duration | undefined
}

/**
 * Counts messages by `category` and `outcome`: `sent`, `failed` (after all tries) or `dropped` (never tried to the
 * end).
 *
 * @category metrics
 * @since 0.1.0
 */
export const mailTotal = Metric.counter("belfry_mail_total", {
  description: "Messages by category and outcome",
  incremental: true,
})

/**
 * Starts the queue in the surrounding scope.
 *
 * **Details**
 *
 * A message is tried 5 times at most, 1, 2, 4 and 8 seconds apart with jitter, and only while its failure is retryable.
 * Messages wait in memory: closing the scope sends what is queued, and what is not sent by then is lost and logged.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (options: MailQueueOptions = {}) {
  const { capacity = 10_000, concurrency = 10, drainTimeout = Duration.seconds(10) } = options
  const mailer = yield* Mailer
  const queue = yield* Queue.dropping<MailMessage, Cause.Done>(capacity)

  const worker = Queue.take(queue).pipe(
    Effect.flatMap((message) =>
      mailer.send(message).pipe(
        Effect.retry({ schedule: retrySchedule, times: 4, while: (error) => error.isRetryable }),
        Effect.onExit((exit) => report(message, exit)),
        // Reported: one message that fails, even by a defect of the mailer, does not stop the others.
        Effect.exit,
      ),
    ),
    Effect.forever,
    Effect.catch(() => Effect.void),
  )
  const workers = yield* Effect.forEach(Array.from({ length: concurrency }), () => Effect.forkScoped(worker))

  // Added after the workers were forked, so it runs before they are interrupted.
  yield* Effect.addFinalizer(() =>
    Effect.gen(function* () {
      yield* Queue.end(queue)
      yield* Effect.interruptible(Fiber.awaitAll(workers)).pipe(Effect.timeoutOption(drainTimeout))
      const lost = yield* Queue.clear(queue)
      yield* Effect.forEach(lost, drop, { discard: true })
    }),
  )

  return MailQueue.of({
    enqueue: (message) =>
      Effect.flatMap(Queue.offer(queue, message), (isTaken) => (isTaken ? Effect.void : drop(message))),
  })
})

/**
 * Layer of a queue over the mailer, with its background fibers.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: MailQueueOptions): Layer.Layer<MailQueue, never, Mailer> =>
  Layer.effect(MailQueue, make(options))

// internal

const retrySchedule = Schedule.exponential("1 second").pipe(Schedule.jittered)

const count = (message: MailMessage, outcome: "sent" | "failed" | "dropped") =>
  Metric.update(Metric.withAttributes(mailTotal, { category: message.category, outcome }), 1)

const drop = (message: MailMessage) =>
  Effect.andThen(
    count(message, "dropped"),
    Effect.logError("A message was dropped: the mail queue is full or closed").pipe(
      Effect.annotateLogs({ category: message.category }),
    ),
  )

/** Counts and logs what became of a message. Causes may quote the recipient's address, so they stay out of the log. */
const report = (message: MailMessage, exit: Exit.Exit<void, MailError>) => {
  if (Exit.isSuccess(exit)) return count(message, "sent")
  if (Cause.hasInterruptsOnly(exit.cause)) return drop(message)
  const code = Option.match(Cause.findErrorOption(exit.cause), {
    onNone: () => "defect",
    onSome: (error) => error.code ?? "unknown",
  })
  return Effect.andThen(
    count(message, "failed"),
    Effect.logError("A message could not be sent").pipe(Effect.annotateLogs({ category: message.category, code })),
  )
}
