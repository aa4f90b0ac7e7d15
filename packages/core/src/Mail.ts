/**
 * A message to one person, and who sends it.
 *
 * What would be a header of the message cannot hold a line break: the types of subject and recipient refuse it.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { DisplayText, toClear } from "./DisplayText.ts"
import { Email } from "./User.ts"

/**
 * A subject: 1 to 200 characters in one line that show as they are written.
 *
 * @see [RFC 5322 §2.2](https://www.rfc-editor.org/rfc/rfc5322.html#section-2.2)
 * @category models
 * @since 0.1.0
 */
export const MailSubject = DisplayText(200).pipe(Schema.brand("MailSubject"))
/**
 * @category models
 * @since 0.1.0
 */
export type MailSubject = typeof MailSubject.Type

/**
 * A message, complete: nothing is filled in when it is sent.
 *
 * **Details**
 *
 * `text` and `html` say the same. `category` names the kind of message (`verify-email`, `reset-password`) for logs,
 * metrics and tests; it is not sent.
 *
 * @category models
 * @since 0.1.0
 */
export const MailMessage = Schema.Struct({
  to: Schema.toType(Email),
  subject: MailSubject,
  text: Schema.String,
  html: Schema.String,
  category: Schema.String.check(Schema.isPattern(/^[a-z0-9-]{1,64}$/u)),
}).annotate({ identifier: "MailMessage" })
/**
 * @category models
 * @since 0.1.0
 */
export interface MailMessage extends Schema.Schema.Type<typeof MailMessage> {}

/**
 * Makes a message of any subject: what would not show as it is written becomes spaces, what is too long is cut.
 *
 * **Details**
 *
 * A category that is not a lower-case word of letters, digits and hyphens is a defect.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (message: {
  readonly to: Email
  readonly subject: string
  readonly text: string
  readonly html: string
  readonly category: string
}): MailMessage => MailMessage.make({ ...message, subject: toSubject(message.subject) })

/**
 * Who sends: an address and, if it has one, a display name.
 *
 * @category models
 * @since 0.1.0
 */
export interface MailSender {
  readonly name: string | null
  readonly address: string
}

/**
 * Reads a sender as `address` or `Name <address>`. Fails with what is wrong, in words that follow "the sender".
 *
 * @see [RFC 5322 §3.4](https://www.rfc-editor.org/rfc/rfc5322.html#section-3.4)
 * @category schemas
 * @since 0.1.0
 */
export const parseSender = (text: string): Result.Result<MailSender, string> => {
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text)) return Result.fail("has control characters")
  const match = /^(?<name>[^<>]*)<(?<inAngles>[^<>]*)>$|^(?<bare>[^<>]*)$/u.exec(text.trim())
  const { name = "", inAngles, bare = "" } = match?.groups ?? {}
  const address = (inAngles ?? bare).trim()
  // Unlike a recipient, a sender may be at a bare host name: `belfry@localhost`.
  if (!/^[^\s@"(),:;<>[\\\]]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/u.test(address)) {
    return Result.fail("is written address or Name <address>")
  }
  const displayName = name.trim().replace(/^"(.*)"$/u, "$1")
  return Result.succeed({ name: displayName === "" ? null : displayName, address })
}

// internal

const toSubject = (text: string): MailSubject => {
  const line = toClear(text).replace(/\s+/gu, " ").trim()
  // Cut by code points, so that no character is cut in two.
  const cut = line.length <= 200 ? line : `${[...line].slice(0, 99).join("")}…`
  return MailSubject.make(cut === "" ? "(no subject)" : cut)
}
