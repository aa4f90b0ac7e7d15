/**
 * The look of every mail: a heading, plain sentences, one link; as text and as HTML.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"

/**
 * What a mail says.
 *
 * **Details**
 *
 * `paragraphs` come before the link and `closing` after it. A mail without a link has no `action`.
 *
 * @category models
 * @since 0.1.0
 */
export interface MailContent {
  readonly siteName: string
  readonly subject: string
  readonly heading: string
  readonly paragraphs: ReadonlyArray<string>
  readonly action?: { readonly label: string; readonly url: string }
  readonly closing: ReadonlyArray<string>
}

/**
 * A mail without its recipient.
 *
 * @category models
 * @since 0.1.0
 */
export interface RenderedMail {
  readonly subject: string
  readonly text: string
  readonly html: string
}

/**
 * Renders a mail as text and as HTML that says the same. Everything that is not ours is escaped.
 *
 * @category constructors
 * @since 0.1.0
 */
export const render = (content: MailContent): RenderedMail => ({
  subject: content.subject,
  text: [
    content.heading,
    ...content.paragraphs,
    ...(content.action === undefined ? [] : [`${content.action.label}:\n${content.action.url}`]),
    ...content.closing,
    content.siteName,
  ].join("\n\n"),
  html: page(
    escape(content.subject),
    [
      `<h1 style="font-size:1.375rem;margin:0 0 1rem">${escape(content.heading)}</h1>`,
      ...content.paragraphs.map(paragraph),
      ...(content.action === undefined
        ? []
        : [
            `<p style="margin:1.5rem 0"><a href="${escape(content.action.url)}" style="${button}">${escape(content.action.label)}</a></p>`,
            `<p style="margin:0 0 1rem;word-break:break-all;color:#505a5f">${escape(content.action.url)}</p>`,
          ]),
      ...content.closing.map(paragraph),
      `<p style="margin:1.5rem 0 0;color:#505a5f">${escape(content.siteName)}</p>`,
    ].join(""),
  ),
})

/**
 * A length of time in words: `10 minutes`, `1 hour`, `24 hours`, `3 days`.
 *
 * @category converting
 * @since 0.1.0
 */
export const inWords = (duration: Duration.Duration): string => {
  const minutes = Math.round(Duration.toMinutes(duration))
  const [count, unit] =
    minutes < 60
      ? [minutes, "minute"]
      : minutes <= 48 * 60
        ? [Math.round(minutes / 60), "hour"]
        : [Math.round(minutes / 1440), "day"]
  return `${count} ${unit}${count === 1 ? "" : "s"}`
}

// internal

const button =
  "display:inline-block;padding:.75rem 1.25rem;border-radius:.375rem;background:#1d4ed8;color:#ffffff;text-decoration:none;font-weight:600"

const escape = (text: string): string =>
  text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;")

const paragraph = (text: string): string => `<p style="margin:0 0 1rem">${escape(text)}</p>`

const page = (title: string, body: string): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title></head>` +
  `<body style="margin:0;padding:2rem 1rem;background:#f8f8f8;color:#0b0c0c;font:1rem/1.5 system-ui,sans-serif">` +
  `<div style="max-width:32rem;margin:0 auto;padding:2rem;background:#ffffff;border-radius:.5rem">${body}</div></body></html>`
