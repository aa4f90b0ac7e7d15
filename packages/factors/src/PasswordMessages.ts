/**
 * The mails about passwords, in words. A host provides its own to change them.
 *
 * @since 0.1.0
 */
import { inWords, render, type RenderedMail } from "@belfry/core/MailTemplate"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"

/**
 * What a mail with a link is made from.
 *
 * @category models
 * @since 0.1.0
 */
export interface LinkValues {
  readonly siteName: string
  readonly url: string
  readonly lifetime: Duration.Duration
}

/**
 * The mails about passwords.
 *
 * @category models
 * @since 0.1.0
 */
export interface PasswordMessagesService {
  /** Completes a sign-up. */
  readonly confirmSignUp: (values: LinkValues) => RenderedMail
  /** Tells the owner of an account that somebody signed up with its address. The link sets a new password. */
  readonly alreadySignedUp: (values: LinkValues) => RenderedMail
  /** Sets a new password. */
  readonly resetPassword: (values: LinkValues) => RenderedMail
  /** Tells that the password was changed. */
  readonly passwordChanged: (values: { readonly siteName: string; readonly resetUrl: string }) => RenderedMail
}

/**
 * The mails in English.
 *
 * @category constructors
 * @since 0.1.0
 */
export const english: PasswordMessagesService = {
  confirmSignUp: ({ siteName, url, lifetime }) =>
    render({
      siteName,
      subject: `Confirm your e-mail address for ${siteName}`,
      heading: "Confirm your e-mail address",
      paragraphs: [
        `You are one step away from your ${siteName} account. The link works once, for ${inWords(lifetime)}.`,
      ],
      action: { label: "Confirm and sign in", url },
      closing: ["If you did not sign up, ignore this message: no account will be made."],
    }),
  alreadySignedUp: ({ siteName, url, lifetime }) =>
    render({
      siteName,
      subject: `You already have a ${siteName} account`,
      heading: "You already have an account",
      paragraphs: [
        `Somebody, probably you, tried to sign up with this address. There is an account already, and nothing about it was changed.`,
        `If you do not remember the password, set a new one. The link works once, for ${inWords(lifetime)}.`,
      ],
      action: { label: "Set a new password", url },
      closing: ["If this was not you, ignore this message."],
    }),
  resetPassword: ({ siteName, url, lifetime }) =>
    render({
      siteName,
      subject: `Set a new password for ${siteName}`,
      heading: "Set a new password",
      paragraphs: [`Somebody, probably you, asked for a new password. The link works once, for ${inWords(lifetime)}.`],
      action: { label: "Set a new password", url },
      closing: ["If this was not you, ignore this message: your password stays as it is."],
    }),
  passwordChanged: ({ siteName, resetUrl }) =>
    render({
      siteName,
      subject: `Your password for ${siteName} was changed`,
      heading: "Your password was changed",
      paragraphs: ["Your other sessions were signed out."],
      action: { label: "This was not me: set a new password", url: resetUrl },
      closing: ["If you changed it yourself, there is nothing to do."],
    }),
}

/**
 * The mails about passwords, in English unless the host provides others.
 *
 * @category services
 * @since 0.1.0
 */
export const PasswordMessages = Context.Reference<PasswordMessagesService>("@belfry/factors/PasswordMessages", {
  defaultValue: () => english,
})
