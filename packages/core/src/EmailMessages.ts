/**
 * The mails about e-mail addresses, in words. A host provides its own to change them.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import { inWords, render, type RenderedMail } from "./MailTemplate.ts"

/**
 * The mails about e-mail addresses.
 *
 * @category models
 * @since 0.1.0
 */
export interface EmailMessagesService {
  /** Asks somebody to prove that an address is theirs. */
  readonly verifyEmail: (values: {
    readonly siteName: string
    readonly url: string
    readonly lifetime: Duration.Duration
  }) => RenderedMail
  /** Asks, at the new address, to confirm the change. */
  readonly confirmEmailChange: (values: {
    readonly siteName: string
    readonly url: string
    readonly lifetime: Duration.Duration
  }) => RenderedMail
  /** Tells the old address that it was replaced. */
  readonly emailChanged: (values: { readonly siteName: string; readonly newEmail: string }) => RenderedMail
}

/**
 * The mails in English.
 *
 * @category constructors
 * @since 0.1.0
 */
export const english: EmailMessagesService = {
  verifyEmail: ({ siteName, url, lifetime }) =>
    render({
      siteName,
      subject: `Confirm your e-mail address for ${siteName}`,
      heading: "Confirm your e-mail address",
      paragraphs: [`Please confirm that this address belongs to you. The link works once, for ${inWords(lifetime)}.`],
      action: { label: "Confirm my address", url },
      closing: ["If you did not ask for this, ignore this message: nothing will happen."],
    }),
  confirmEmailChange: ({ siteName, url, lifetime }) =>
    render({
      siteName,
      subject: `Confirm your new e-mail address for ${siteName}`,
      heading: "Confirm your new e-mail address",
      paragraphs: [
        `You asked to use this address for your account. Your old address stays until you confirm. The link works once, for ${inWords(lifetime)}.`,
      ],
      action: { label: "Use this address", url },
      closing: ["If you did not ask for this, ignore this message: nothing will change."],
    }),
  emailChanged: ({ siteName, newEmail }) =>
    render({
      siteName,
      subject: `Your e-mail address for ${siteName} was changed`,
      heading: "Your e-mail address was changed",
      paragraphs: [`Your account now uses ${newEmail}. This address cannot sign in any more.`],
      closing: ["If this was not you, somebody may have access to your account. Contact us at once."],
    }),
}

/**
 * The mails about e-mail addresses, in English unless the host provides others.
 *
 * @category services
 * @since 0.1.0
 */
export const EmailMessages = Context.Reference<EmailMessagesService>("@belfry/core/EmailMessages", {
  defaultValue: () => english,
})
