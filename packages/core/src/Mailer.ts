/**
 * Port: what hands a message over to a mail server.
 *
 * Services do not wait for a mail server: they give messages to `MailQueue`, which sends through this port.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { MailMessage } from "./Mail.ts"

/**
 * A message was not handed over.
 *
 * **Details**
 *
 * `isRetryable` is true when the same message may go through later: no connection, a temporary refusal (4yz). `code`
 * is the SMTP reply code or the name of the failure, safe to log; `cause` may quote the recipient's address and is not.
 *
 * @see [RFC 5321 §4.2.1](https://www.rfc-editor.org/rfc/rfc5321.html#section-4.2.1)
 * @category errors
 * @since 0.1.0
 */
export class MailError extends Schema.TaggedError<MailError>("@belfry/core/MailError")("MailError", {
  isRetryable: Schema.Boolean,
  code: Schema.NullOr(Schema.String),
  cause: Schema.Defect(),
}) {
  override get message(): string {
    return `A message could not be sent (${this.code ?? "no code"})`
  }
}

/**
 * Hands messages over to a mail server.
 *
 * @category ports
 * @since 0.1.0
 */
export class Mailer extends Context.Service<
  Mailer,
  {
    /**
     * Returns when the server has taken the message over. A message whose connection broke after it was sent may arrive
     * twice when it is sent again.
     */
    readonly send: (message: MailMessage) => Effect.Effect<void, MailError>
  }
>()("@belfry/core/Mailer") {}
