/**
 * What the mailers on nodemailer share: loading it when needed, and our messages in its terms and as text.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { SendMailOptions } from "nodemailer"
import type MimeNode from "nodemailer/lib/mime-node"
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

/**
 * Composes messages of text and HTML at once, by nodemailer's own parts: its streams, which could carry files too, take
 * more than twice as long for the same text.
 */
export interface Composer {
  readonly compile: (message: MailMessage, from: MailSender) => MimeNode
  /** What the node's own streams would give. */
  readonly toText: (node: MimeNode) => string
}

/** Loads what composes messages. */
export const loadComposer = Effect.map(
  Effect.promise(() =>
    Promise.all([import("nodemailer/lib/mail-composer"), import("nodemailer/lib/base64"), import("nodemailer/lib/qp")]),
  ),
  ([{ default: MailComposer }, base64, quotedPrintable]): Composer => {
    const bodyOf = (node: MimeNode): string => {
      const content = typeof node.content === "string" ? node.content : ""
      switch (node.getTransferEncoding()) {
        case "base64":
          return base64.wrap(base64.encode(content))
        case "quoted-printable":
          return quotedPrintable.wrap(quotedPrintable.encode(content))
        default:
          return content
      }
    }
    const toText = (node: MimeNode): string => {
      // The boundary of the parts is chosen with the headers.
      const headers = node.buildHeaders()
      const parts = node.childNodes.map((child) => `--${node.boundary}\r\n${toText(child)}\r\n`)
      const body = parts.length === 0 ? bodyOf(node) : `${parts.join("")}--${node.boundary}--\r\n`
      return `${headers}\r\n\r\n${body}`
    }
    return {
      compile: (message, from) =>
        new MailComposer({ ...headersOf(message, from), text: message.text, html: message.html }).compile(),
      toText,
    }
  },
)
