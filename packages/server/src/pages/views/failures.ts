/**
 * Pages for what went wrong.
 *
 * @since 0.1.0
 */
import { html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import type { Page } from "./document.ts"
import { links } from "./parts.ts"

/**
 * What went wrong, as a status. `retryAfter` is in seconds.
 *
 * @category models
 * @since 0.1.0
 */
export type FailureStatus =
  | { readonly status: 400 | 403 | 404 | 413 | 415 | 500 }
  | { readonly status: 429 | 503; readonly retryAfter: number }

/**
 * The page for what went wrong.
 *
 * @category views
 * @since 0.1.0
 */
export const failurePage = (words: Catalogue, failure: FailureStatus): Page => {
  const { title, text } = textOf(words, failure)
  return {
    title,
    status: failure.status,
    main: html`<h1>${title}</h1>
      <p>${text}</p>
      ${links({ href: "/", label: words.failures.home })}`,
    ...("retryAfter" in failure ? { headers: { "retry-after": String(failure.retryAfter) } } : {}),
  }
}

/**
 * The page for a sign-in that cannot go on. `href` is where to begin anew, or to choose another way.
 *
 * @category views
 * @since 0.1.0
 */
export const refusedPage = (
  words: Catalogue,
  { reason, href }: { readonly reason: "invalid" | "locked" | "mismatch"; readonly href: string },
): Page => {
  const { title, text } = words.refused[reason]
  return {
    title,
    status: 409,
    main: html`<h1>${title}</h1>
      <p>${text}</p>
      <p>
        <a class="button main" href="${href}">${reason === "mismatch" ? words.refused.back : words.refused.again}</a>
      </p>`,
  }
}

/**
 * The page for somebody whose roles in an organization do not allow what they asked for; or whom the host does not let
 * create one, or see to its bills.
 *
 * @category views
 * @since 0.1.0
 */
export const deniedPage = (
  words: Catalogue,
  reason: "permission" | "escalation" | "owner" | "creation" | "billing",
): Page => ({
  title: words.denied.title,
  status: 403,
  main: html`<h1>${words.denied.title}</h1>
    <p>${words.denied[reason]}</p>
    ${links({ href: "/", label: words.failures.home })}`,
})

// internal

const textOf = ({ failures }: Catalogue, failure: FailureStatus): { readonly title: string; readonly text: string } => {
  switch (failure.status) {
    case 400:
    case 415:
      return failures.badForm
    case 403:
      return failures.forbidden
    case 404:
      return failures.notFound
    case 413:
      return failures.tooLarge
    case 429:
      return { title: failures.limited.title, text: failures.limited.text(failure.retryAfter) }
    case 500:
      return failures.internal
    case 503:
      return failures.unavailable
  }
}
