/**
 * What the mailers on nodemailer share: loading it when needed, and our messages in its terms.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { SendMailOptions } from "nodemailer"
import type { MailMessage, MailSender } from "../Mail.ts"

/** Loads nodemailer, which nothing but a mailer needs. A defect when it is not installed. */
export const load = Effect.promise(() => import("nodemailer"))

/** A message without its body, addresses as objects: nodemailer does not look for further addresses in those. */
export const headersOf = (message: MailMessage, from: MailSender): SendMailOptions => ({
  from: { name: from.name ?? "", address: from.address },
  to: { name: "", address: message.to },
  subject: message.subject,
  // RFC 3834 §5: nobody's out-of-office notice should answer.
  headers: { "Auto-Submitted": "auto-generated" },
  disableFileAccess: true,
  disableUrlAccess: true,
})
