import * as Mail from "@belfry/core/Mail"
import { Mailer } from "@belfry/core/Mailer"
import * as SmtpMailer from "@belfry/core/SmtpMailer"
import { Email } from "@belfry/core/User"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Fiber, Redacted, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as SmtpServer from "./support/SmtpServer.ts"

const email = Schema.decodeSync(Email)

const message = Mail.make({
  to: email("ada@example.com"),
  subject: "Confirm your address",
  text: "Follow\nhttps://app.example/verify?token=abc",
  html: "<p>Follow <a href='https://app.example/verify?token=abc'>this</a></p>",
  category: "verify-email",
})

const sendTo = (url: string, mail: Mail.MailMessage = message, from = "Belfry <belfry@example.com>") =>
  Mailer.use((mailer) => mailer.send(mail)).pipe(
    Effect.provide(SmtpMailer.layer({ url: Redacted.make(url), from }), { local: true }),
  )

/** The failure of a send to a server that answers so, in what callers go by. */
const failureOf = Effect.fnUntraced(function* (answer: (command: string) => string | undefined) {
  const server = yield* SmtpServer.start(answer)
  const error = yield* Effect.flip(sendTo(`smtp://127.0.0.1:${server.port}`))
  if (error._tag !== "MailError") return assert.fail(error._tag)
  return { isRetryable: error.isRetryable, code: error.code }
}, Effect.scoped)

const answerTo = (verb: string, reply: string) => (command: string) => (command.startsWith(verb) ? reply : undefined)

const headerOf = (data: string) => data.slice(0, data.indexOf("\r\n\r\n"))

describe("SmtpMailer", () => {
  it.effect("hands the message over, with text and HTML", () =>
    Effect.gen(function* () {
      const server = yield* SmtpServer.start()
      yield* sendTo(`smtp://127.0.0.1:${server.port}`)
      assert.strictEqual(server.received.length, 1)
      const [received] = server.received
      assert.match(received?.from ?? "", /^MAIL FROM:<belfry@example\.com>/)
      assert.deepStrictEqual(received?.to, ["RCPT TO:<ada@example.com>"])
      const header = headerOf(received?.data ?? "")
      for (const line of [
        /^From: Belfry <belfry@example\.com>\r?$/m,
        /^To: ada@example\.com\r?$/m,
        /^Subject: Confirm your address\r?$/m,
        /^Auto-Submitted: auto-generated\r?$/m,
        /^Message-ID: <[^>]+@example\.com>\r?$/m,
        /^Content-Type: multipart\/alternative;/m,
      ]) {
        assert.match(header, line)
      }
      assert.notInclude(header, "verify-email")
      assert.include(received?.data, "https://app.example/verify?token=abc")
      assert.include(received?.data, "text/html")
    }),
  )

  it.effect("closes its connections with its scope", () =>
    Effect.gen(function* () {
      const server = yield* SmtpServer.start()
      yield* sendTo(`smtp://127.0.0.1:${server.port}`)
      yield* Effect.callback<void>((resume) => {
        const look = () => (server.openConnections() === 0 ? resume(Effect.void) : void setImmediate(look))
        look()
      })
    }),
  )

  it.effect("puts no line of a subject, name or body into the header", () =>
    Effect.gen(function* () {
      const server = yield* SmtpServer.start()
      const nasty = "x\r\nBcc: eve@evil.example\r\n\r\nbody"
      yield* sendTo(
        `smtp://127.0.0.1:${server.port}`,
        Mail.make({ ...message, subject: nasty, text: nasty, html: nasty }),
        `"Belfry, Inc. (x) @ eve@evil.example" <belfry@example.com>`,
      )
      const [received] = server.received
      assert.deepStrictEqual(received?.to, ["RCPT TO:<ada@example.com>"])
      assert.notMatch(headerOf(received?.data ?? ""), /^Bcc:/im)
      assert.match(headerOf(received?.data ?? ""), /^Subject: x Bcc: eve@evil\.example body\r?$/m)
    }),
  )

  it.effect("puts no line into the header even where the types were got round", () =>
    Effect.gen(function* () {
      const server = yield* SmtpServer.start()
      const nasty: Mail.MailMessage = JSON.parse(
        JSON.stringify({
          ...message,
          subject: "x\r\nBcc: eve@evil.example",
          to: "ada@example.com\r\nRCPT TO:<eve@evil.example>",
        }),
      )
      yield* Effect.exit(sendTo(`smtp://127.0.0.1:${server.port}`, nasty))
      assert.isFalse(server.commands.some((command) => /^RCPT TO:<eve@evil\.example>/i.test(command)))
      for (const { data } of server.received) assert.notMatch(headerOf(data), /^Bcc:|^RCPT/im)
    }),
  )

  it.effect("does not end the message at a line with a dot", () =>
    Effect.gen(function* () {
      const server = yield* SmtpServer.start()
      yield* sendTo(`smtp://127.0.0.1:${server.port}`, {
        ...message,
        text: "before\n.\nafter\r\n.\r\nMAIL FROM:<eve@evil.example>",
      })
      assert.strictEqual(server.received.length, 1)
      assert.strictEqual(server.commands.filter((command) => command.startsWith("MAIL")).length, 1)
    }),
  )

  it.effect("signs in with the user and password of the URL", () =>
    Effect.gen(function* () {
      const server = yield* SmtpServer.start()
      yield* sendTo(`smtp://us%40er:p%25w@127.0.0.1:${server.port}`)
      const plain = Buffer.from("\0us@er\0p%w").toString("base64")
      assert.include(server.commands, `AUTH PLAIN ${plain}`)
    }),
  )

  it.effect("never sends a password in the clear to another machine", () =>
    Effect.gen(function* () {
      const server = yield* SmtpServer.start()
      // 0.0.0.0 leads to this machine but is not one of its loopback names.
      const error = yield* Effect.flip(sendTo(`smtp://user:hunter2@0.0.0.0:${server.port}`))
      assert.strictEqual(error._tag, "MailError")
      assert.include(server.commands, "STARTTLS")
      assert.isFalse(server.commands.some((command) => command.startsWith("AUTH")))
      assert.strictEqual(server.received.length, 0)
    }),
  )

  describe("tells failures that may pass from those that will not", () => {
    const replies: ReadonlyArray<readonly [verb: string, reply: string, isRetryable: boolean, code: string]> = [
      ["MAIL", "451 4.3.0 Try later", true, "451"],
      ["RCPT", "450 4.2.0 Greylisted", true, "450"],
      ["RCPT", "452 4.2.2 Mailbox full", true, "452"],
      [".", "421 4.3.2 Shutting down", true, "421"],
      ["RCPT", "550 5.1.1 No such user", false, "550"],
      ["MAIL", "553 5.1.8 Sender refused", false, "553"],
      ["DATA", "554 5.7.1 Refused", false, "554"],
      [".", "552 5.3.4 Too big", false, "552"],
    ]
    for (const [verb, reply, isRetryable, code] of replies) {
      it.effect(`${verb === "." ? "the message" : verb} answered by ${reply}`, () =>
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* failureOf(answerTo(verb, reply)), { isRetryable, code })
        }),
      )
    }

    it.effect("a wrong password is not retryable", () =>
      Effect.gen(function* () {
        const server = yield* SmtpServer.start(answerTo("AUTH", "535 5.7.8 Wrong"))
        const error = yield* Effect.flip(sendTo(`smtp://user:hunter2@127.0.0.1:${server.port}`))
        if (error._tag !== "MailError") return assert.fail(error._tag)
        assert.deepStrictEqual([error.isRetryable, error.code], [false, "535"])
        assert.notInclude(error.message, "hunter2")
      }),
    )

    for (const verb of ["EHLO", "MAIL", "DATA", "."]) {
      it.effect(
        `a connection that breaks at ${verb === "." ? "the end of the message" : verb}: retryable, tried once`,
        () =>
          Effect.gen(function* () {
            const server = yield* SmtpServer.start(answerTo(verb, "close"))
            const error = yield* Effect.flip(sendTo(`smtp://127.0.0.1:${server.port}`))
            if (error._tag !== "MailError") return assert.fail(error._tag)
            assert.isTrue(error.isRetryable)
            assert.strictEqual(server.commands.filter((command) => command.startsWith(verb)).length, 1)
          }),
      )
    }

    it.effect("a server that is not there is retryable", () =>
      Effect.gen(function* () {
        const { port } = yield* Effect.scoped(SmtpServer.start())
        const error = yield* Effect.flip(sendTo(`smtp://127.0.0.1:${port}`))
        if (error._tag !== "MailError") return assert.fail(error._tag)
        assert.isTrue(error.isRetryable)
      }),
    )

    it.effect("a server that falls silent is given up after 60 seconds, which is retryable", () =>
      Effect.gen(function* () {
        let reached = () => {}
        const isReached = new Promise<void>((resolve) => (reached = resolve))
        const server = yield* SmtpServer.start((command) => {
          if (!command.startsWith("MAIL")) return undefined
          reached()
          return "hang"
        })
        const sending = yield* Effect.forkChild(Effect.flip(sendTo(`smtp://127.0.0.1:${server.port}`)))
        yield* Effect.promise(() => isReached)
        yield* TestClock.adjust("59 seconds")
        assert.isUndefined(sending.pollUnsafe())
        yield* TestClock.adjust("1 second")
        const error = yield* Fiber.join(sending)
        if (error._tag !== "MailError") return assert.fail(error._tag)
        assert.deepStrictEqual([error.isRetryable, error.code], [true, "ETIMEDOUT"])
      }),
    )
  })

  describe("is not built", () => {
    const settings: ReadonlyArray<readonly [what: string, url: string, from: string, setting: string]> = [
      ["from what is no URL", "mail.example.com hunter2", "a@example.com", "BELFRY_SMTP_URL"],
      ["from another scheme", "https://user:hunter2@mail.example.com", "a@example.com", "BELFRY_SMTP_URL"],
      ["without a host", "smtp://", "a@example.com", "BELFRY_SMTP_URL"],
      ["with options in the URL", "smtps://user:hunter2@mail.example.com/?tls=no", "a@example.com", "BELFRY_SMTP_URL"],
      ["with a path in the URL", "smtps://user:hunter2@mail.example.com/x", "a@example.com", "BELFRY_SMTP_URL"],
      ["with a wrong escape", "smtps://user:hunter2%zz@mail.example.com", "a@example.com", "BELFRY_SMTP_URL"],
      ["with a sender that is no address", "smtp://127.0.0.1", "Belfry", "BELFRY_MAIL_FROM"],
      [
        "with a line break in the sender",
        "smtp://127.0.0.1",
        "a@example.com\r\nBcc: b@example.com",
        "BELFRY_MAIL_FROM",
      ],
    ]
    for (const [what, url, from, setting] of settings) {
      it.effect(what, () =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(sendTo(url, message, from))
          if (error._tag !== "SmtpSettingInvalid") return assert.fail(error._tag)
          assert.strictEqual(error.setting, setting)
          assert.notInclude(`${error.message} ${JSON.stringify(error)}`, "hunter2")
        }),
      )
    }

    it.effect("without its settings", () =>
      Effect.gen(function* () {
        const build = (env: Record<string, string>) =>
          Mailer.pipe(
            Effect.provide(SmtpMailer.layerConfig, { local: true }),
            Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(env))),
          )
        const url = { BELFRY_SMTP_URL: "smtp://127.0.0.1" }
        const from = { BELFRY_MAIL_FROM: "belfry@example.com" }
        assert.strictEqual((yield* Effect.flip(build(url)))._tag, "ConfigError")
        assert.strictEqual((yield* Effect.flip(build(from)))._tag, "ConfigError")
        yield* build({ ...url, ...from })
      }),
    )
  })
})
