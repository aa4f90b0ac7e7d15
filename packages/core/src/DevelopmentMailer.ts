/**
 * Sends nothing: prints messages on the console and keeps each as an `.eml` file, for development.
 *
 * **Gotchas**
 *
 * Messages hold links that sign people in. The files are readable by their owner alone, the console is not.
 *
 * @since 0.1.0
 */
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import { headersOf, load } from "./internal/nodemailer.ts"
import type { MailMessage, MailSender } from "./Mail.ts"
import { MailError, Mailer } from "./Mailer.ts"

/**
 * Where the messages are kept, and who sends them.
 *
 * @category models
 * @since 0.1.0
 */
export interface DevelopmentMailerOptions {
  /** The data directory; messages go to `mail/` in it. */
  readonly dataDir: string
  /** Default: `Belfry <belfry@localhost>`. */
  readonly from?: MailSender | undefined
}

/**
 * Makes the mailer, and the directory for its messages.
 *
 * **Details**
 *
 * A file is named by the time of its message and a running number, `2026-01-31T12-00-00.000Z-0001.eml`, so that names
 * sort by time.
 *
 * @see [RFC 5322 §2](https://www.rfc-editor.org/rfc/rfc5322.html#section-2)
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (options: DevelopmentMailerOptions) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const { createTransport } = yield* load
  const { dataDir, from = { name: "Belfry", address: "belfry@localhost" } } = options
  const directory = path.join(dataDir, "mail")
  yield* fs.makeDirectory(directory, { recursive: true, mode: 0o700 })
  const transport = createTransport({ streamTransport: true, buffer: true, newline: "windows" })
  let sequence = 0

  return Mailer.of({
    send: Effect.fn("DevelopmentMailer.send")(function* (message) {
      const now = yield* DateTime.now
      sequence += 1
      const name = `${DateTime.formatIso(now).replaceAll(":", "-")}-${String(sequence).padStart(4, "0")}.eml`
      const file = path.join(directory, name)
      const composed = yield* Effect.promise(() =>
        transport.sendMail({
          ...headersOf(message, from),
          date: DateTime.toDateUtc(now),
          alternatives: [readable("text/plain", message.text), readable("text/html", message.html)],
        }),
      )
      // A Buffer, as the transport's option `buffer` says; a stream would be a bug.
      if (!(composed.message instanceof Uint8Array)) return yield* Effect.die(new Error("Expected a buffer"))
      yield* Effect.mapError(
        fs.writeFile(file, composed.message, { mode: 0o600 }),
        (cause) => new MailError({ isRetryable: false, code: cause.reason._tag, cause }),
      )
      yield* Console.log(toConsole(message, file))
    }),
  })
})

/**
 * Layer of the mailer for development.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: DevelopmentMailerOptions,
): Layer.Layer<Mailer, PlatformError, FileSystem.FileSystem | Path.Path> => Layer.effect(Mailer, make(options))

// internal

/**
 * A part of the message that stands in the file as it is, so that its links can be copied: nodemailer would encode
 * lines of more than 76 characters. RFC 5322 §2.1.1 allows 998 octets; what is longer is encoded.
 */
const readable = (type: string, content: string) => {
  const contentType = `${type}; charset=utf-8`
  const lines = content.split(/\r\n|\r|\n/u)
  return lines.some((line) => new TextEncoder().encode(line).length > 998)
    ? { contentType, content }
    : { raw: [`Content-Type: ${contentType}`, "Content-Transfer-Encoding: 8bit", "", ...lines].join("\r\n") }
}

const toConsole = (message: MailMessage, file: string): string =>
  [
    "",
    `--- Mail, kept as ${file}`,
    `To: ${message.to}`,
    `Subject: ${message.subject}`,
    "",
    // A terminal obeys control characters, and names that people chose stand in messages.
    message.text.replace(/[^\P{Cc}\n\t]/gu, ""),
    "---",
  ].join("\n")
