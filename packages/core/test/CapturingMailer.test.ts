import * as Mail from "@belfry/core/Mail"
import { Mailer } from "@belfry/core/Mailer"
import * as MailQueue from "@belfry/core/MailQueue"
import { Email } from "@belfry/core/User"
import * as CapturingMailer from "@belfry/testing/CapturingMailer"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Schema } from "effect"

const messageOf = (to: string, text: string, category = "test") =>
  Mail.make({ to: Schema.decodeSync(Email)(to), subject: "Hello", text, html: "Hello", category })

const send = (message: Mail.MailMessage) => Mailer.use((mailer) => mailer.send(message))

describe("CapturingMailer", () => {
  it.effect("keeps messages in their order", () =>
    Effect.gen(function* () {
      const { messages } = yield* CapturingMailer.CapturingMailer
      yield* send(messageOf("ada@example.com", "1"))
      yield* send(messageOf("bob@example.com", "2"))
      assert.deepStrictEqual(
        (yield* messages).map(({ text }) => text),
        ["1", "2"],
      )
    }).pipe(Effect.provide(CapturingMailer.layer)),
  )

  it.effect("gives the last message to an address, of a category, and forgets it", () =>
    Effect.gen(function* () {
      const { messages, takeLast } = yield* CapturingMailer.CapturingMailer
      yield* send(messageOf("ada@example.com", "1", "verify-email"))
      yield* send(messageOf("ada@example.com", "2"))
      yield* send(messageOf("ada@example.com", "3"))
      yield* send(messageOf("bob@example.com", "4"))
      assert.strictEqual((yield* takeLast("ada@example.com", "verify-email")).text, "1")
      assert.strictEqual((yield* takeLast("ada@example.com")).text, "3")
      assert.strictEqual((yield* takeLast("ada@example.com")).text, "2")
      assert.deepStrictEqual(
        (yield* messages).map(({ text }) => text),
        ["4"],
      )
    }).pipe(Effect.provide(CapturingMailer.layer)),
  )

  it.effect("waits for a message that a queue has yet to send", () =>
    Effect.gen(function* () {
      const { takeLast } = yield* CapturingMailer.CapturingMailer
      const taking = yield* Effect.forkChild(takeLast("ada@example.com"))
      const queue = yield* MailQueue.MailQueue
      yield* queue.enqueue(messageOf("ada@example.com", "here"))
      assert.strictEqual((yield* Fiber.join(taking)).text, "here")
    }).pipe(Effect.provide(Layer.provideMerge(MailQueue.layer(), CapturingMailer.layer))),
  )

  it("finds the link in a message", () => {
    const message = messageOf("ada@example.com", "Hello,\n\n  https://app.example/verify?token=a_b&c=d\n\nBye")
    assert.strictEqual(CapturingMailer.linkIn(message).href, "https://app.example/verify?token=a_b&c=d")
    assert.throws(() => CapturingMailer.linkIn(messageOf("ada@example.com", "no link")), /No link/)
  })
})
