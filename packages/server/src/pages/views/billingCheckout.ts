/**
 * What somebody sees who comes back from a checkout before all is done.
 *
 * @since 0.1.0
 */
import { html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import type { Page } from "./document.ts"
import { links } from "./parts.ts"

/**
 * A checkout that is paid and not known here yet. `again` is where the page looks again, by itself after two seconds;
 * `isSlow`: it has done so often enough, and waits for the person.
 *
 * @category views
 * @since 0.1.0
 */
export const finalizingPage = (
  { billing, checkout: text }: Catalogue,
  view: { readonly again: string; readonly isSlow: boolean; readonly overview: string },
): Page => {
  const { again, isSlow, overview } = view
  return {
    title: text.finalizing,
    headers: isSlow ? {} : { refresh: `2;url=${again}` },
    main: html`<h1>${text.finalizing}</h1>
      <p role="status">${isSlow ? text.slow : text.finalizingText}</p>
      ${isSlow && html`<p><a class="button main" href="${again}">${text.look}</a></p>`}
      ${links({ href: overview, label: billing.back })}`,
  }
}

/**
 * A checkout that was not paid yet. `url` is where it goes on, `plans` where another plan can be chosen.
 *
 * @category views
 * @since 0.1.0
 */
export const openCheckoutPage = (
  { checkout: text }: Catalogue,
  { plan, plans, url }: { readonly plan: string; readonly plans: string; readonly url: string | null },
): Page => ({
  title: text.open,
  main: html`<h1>${text.open}</h1>
    <p>${text.openText(plan)}</p>
    ${url !== null && html`<p><a class="button main" href="${url}">${text.goOn}</a></p>`}
    ${links({ href: plans, label: text.plans })}`,
})

/**
 * Nobody knows how a checkout stands.
 *
 * @category views
 * @since 0.1.0
 */
export const unknownCheckoutPage = (
  { billing, checkout: text }: Catalogue,
  view: { readonly again: string; readonly overview: string } & Pick<Page, "status" | "headers">,
): Page => {
  const { again, overview, ...answer } = view
  return {
    ...answer,
    title: text.away,
    main: html`<h1>${text.away}</h1>
      <p>${text.awayText}</p>
      <p><a class="button main" href="${again}">${text.look}</a></p>
      ${links({ href: overview, label: billing.back })}`,
  }
}
