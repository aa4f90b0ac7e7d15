/**
 * The mails that people sign in by, in words. A host provides its own to change them.
 *
 * @since 0.1.0
 */
import { inWords, render, type RenderedMail } from "@belfry/core/MailTemplate"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"

/**
 * What the mail with a code is made from. `code` is written as it is to be typed.
 *
 * @category models
 * @since 0.1.0
 */
export interface CodeMailValues {
  readonly siteName: string
  readonly code: string
  readonly lifetime: Duration.Duration
}

/**
 * What the mail with a link is made from.
 *
 * @category models
 * @since 0.1.0
 */
export interface LinkMailValues {
  readonly siteName: string
  readonly url: string
  readonly lifetime: Duration.Duration
}

/**
 * The mails that people sign in by.
 *
 * **Gotchas**
 *
 * Keep the code out of the subject: a locked telephone shows that to everybody.
 *
 * @category models
 * @since 0.1.0
 */
export interface SignInMessagesService {
  /** Brings a code, on a line of its own in the text. */
  readonly code: (values: CodeMailValues) => RenderedMail
  /** Brings a link. */
  readonly link: (values: LinkMailValues) => RenderedMail
}

/**
 * The mails in English.
 *
 * @category constructors
 * @since 0.1.0
 */
export const english: SignInMessagesService = {
  code: ({ siteName, code, lifetime }) =>
    render({
      siteName,
      subject: `Your code for ${siteName}`,
      heading: `Sign in to ${siteName}`,
      paragraphs: [
        "Type this code where you were asked for it:",
        code,
        `It works once, for ${inWords(lifetime)}. Nobody from ${siteName} will ever ask you for it.`,
      ],
      closing: ["If this was not you, ignore this message: without the code nobody gets in."],
    }),
  link: ({ siteName, url, lifetime }) =>
    render({
      siteName,
      subject: `Your link to sign in to ${siteName}`,
      heading: `Sign in to ${siteName}`,
      paragraphs: [`Open the link in the browser that you asked for it in. It works once, for ${inWords(lifetime)}.`],
      action: { label: "Sign in", url },
      closing: ["If this was not you, ignore this message: without the link nobody gets in."],
    }),
}

/**
 * The mails that people sign in by, in English unless the host provides others.
 *
 * @category services
 * @since 0.1.0
 */
export const SignInMessages = Context.Reference<SignInMessagesService>("@belfry/factors/SignInMessages", {
  defaultValue: () => english,
})
