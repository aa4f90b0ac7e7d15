/**
 * The mails that tell a user what changed about how they sign in, in words. A host provides its own to change them.
 *
 * @since 0.1.0
 */
import { render, type RenderedMail } from "@belfry/core/MailTemplate"
import * as Context from "effect/Context"
import type { Factor } from "./Factor.ts"

/**
 * What these mails are made from. `accountUrl` is where the user sees and changes it.
 *
 * @category models
 * @since 0.1.0
 */
export interface EnrolmentMailValues {
  readonly siteName: string
  readonly accountUrl: string
  readonly factor: Factor
}

/**
 * The mails about factors.
 *
 * @category models
 * @since 0.1.0
 */
export interface EnrolmentMessagesService {
  /** A factor was set up. */
  readonly enrolled: (values: EnrolmentMailValues) => RenderedMail
  /** A factor was removed. */
  readonly removed: (values: EnrolmentMailValues) => RenderedMail
  /** A new set of backup codes was made, and the old one is worthless. */
  readonly backupCodesReplaced: (values: Omit<EnrolmentMailValues, "factor">) => RenderedMail
  /** Somebody signed in with a backup code. */
  readonly backupCodeUsed: (
    values: Omit<EnrolmentMailValues, "factor"> & { readonly remaining: number },
  ) => RenderedMail
}

/**
 * The mails in English.
 *
 * @category constructors
 * @since 0.1.0
 */
export const english: EnrolmentMessagesService = {
  enrolled: ({ siteName, accountUrl, factor }) =>
    render({
      siteName,
      subject: `You can now sign in to ${siteName} with ${names[factor]}`,
      heading: `${capitalized(names[factor])} was added to your account`,
      paragraphs: [`From now on, ${names[factor]} is part of how you sign in.`],
      action: { label: "See how you sign in", url: accountUrl },
      closing: ["If this was not you, remove it there at once and change your password."],
    }),
  removed: ({ siteName, accountUrl, factor }) =>
    render({
      siteName,
      subject: `You can no longer sign in to ${siteName} with ${names[factor]}`,
      heading: `${capitalized(names[factor])} was removed from your account`,
      paragraphs: [`It is not part of how you sign in any more.`],
      action: { label: "See how you sign in", url: accountUrl },
      closing: ["If this was not you, somebody may have access to your account: change your password at once."],
    }),
  backupCodesReplaced: ({ siteName, accountUrl }) =>
    render({
      siteName,
      subject: `New backup codes for ${siteName}`,
      heading: "You have new backup codes",
      paragraphs: ["The codes from before do not work any more."],
      action: { label: "See how you sign in", url: accountUrl },
      closing: ["If this was not you, make new codes at once and change your password."],
    }),
  backupCodeUsed: ({ siteName, accountUrl, remaining }) =>
    render({
      siteName,
      subject: `A backup code was used to sign in to ${siteName}`,
      heading: "A backup code was used",
      paragraphs: [
        `Somebody, probably you, signed in with one of your backup codes. ${remaining === 1 ? "One is" : `${remaining} are`} left.`,
      ],
      action: { label: "Make new backup codes", url: accountUrl },
      closing: ["If this was not you, change your password and make new codes at once."],
    }),
}

/**
 * The mails about factors, in English unless the host provides others.
 *
 * @category services
 * @since 0.1.0
 */
export const EnrolmentMessages = Context.Reference<EnrolmentMessagesService>("@belfry/factors/EnrolmentMessages", {
  defaultValue: () => english,
})

// internal

const names: Readonly<Record<Factor, string>> = {
  password: "a password",
  "email-code": "a code by e-mail",
  "magic-link": "a link by e-mail",
  oauth: "another account",
  passkey: "a passkey",
  "security-key": "a security key",
  totp: "an authenticator app",
  hotp: "a code generator",
  "backup-code": "backup codes",
}

const capitalized = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`
