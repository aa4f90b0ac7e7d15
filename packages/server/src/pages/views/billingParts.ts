/**
 * What the pages about bills share: whose bills they are, how plans and what they give are called, the way out.
 *
 * @since 0.1.0
 */
import type { PayerKind } from "@belfry/billing/Payer"
import type { Plan, PlanName } from "@belfry/billing/Plan"
import { html, type Html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import type { BillingPaths } from "../billingPaths.ts"
import type { Page } from "./document.ts"
import { nameIn, type Shown, shownPage } from "./organizationParts.ts"

/**
 * What a page about bills is about, whatever it shows: who pays, and where the pages are. `name` is that of an
 * organization or a team; null: the reader pays. `home` is the page of who pays. `mayManage`: the reader may buy and
 * end, too.
 *
 * @category models
 * @since 0.1.0
 */
export interface BillingFrame {
  readonly kind: PayerKind
  readonly name: string | null
  readonly home: string
  readonly mayManage: boolean
  readonly at: BillingPaths
}

/**
 * Somebody whose bills the reader may see, and where; `name` null: the reader.
 *
 * @category models
 * @since 0.1.0
 */
export interface PayerChoice {
  readonly name: string | null
  readonly href: string
}

/**
 * How plans are called, by their names.
 *
 * @category models
 * @since 0.1.0
 */
export type PlanTitles = ReadonlyMap<PlanName, string>

/**
 * How plans are called.
 *
 * @category constructors
 * @since 0.1.0
 */
export const planTitlesOf = (plans: ReadonlyArray<Pick<Plan, "name" | "title">>): PlanTitles =>
  new Map(plans.map(({ name, title }) => [name, title]))

/**
 * How a plan is called; one that is not known here any more is called so.
 *
 * @category formatting
 * @since 0.1.0
 */
export const planTitle = ({ billing }: Catalogue, titles: PlanTitles, plan: PlanName | null): string =>
  (plan === null ? undefined : titles.get(plan)) ?? billing.unknownPlan

/**
 * A page about bills: its problems, its heading, who pays, what was done.
 *
 * @category parts
 * @since 0.1.0
 */
export const billingPage = (words: Catalogue, title: string, view: Shown & BillingFrame, content: Html): Page => {
  const { name } = view
  return {
    ...shownPage(
      words,
      title,
      view,
      html`${name !== null && html`<p class="quiet">${words.billing.forName(name)}</p>`} ${content}`,
    ),
    title: name === null ? title : `${title} – ${name}`,
  }
}

/**
 * What a plan gives, in words: its features, then its limits.
 *
 * @category formatting
 * @since 0.1.0
 */
export const grantsOf = (
  { billing, featureNames, limitNames }: Catalogue,
  { features, limits }: Pick<Plan, "features" | "limits">,
): ReadonlyArray<string> => [
  ...features.map((feature) => nameIn(featureNames, feature, spelled(feature))),
  ...Object.entries(limits).map(([limit, count]) => {
    const name = nameIn(limitNames, limit, spelled(limit))
    return count === null ? billing.noLimit(name) : billing.limit(name, count)
  }),
]

/**
 * The same as a list; nothing where it gives nothing.
 *
 * @category parts
 * @since 0.1.0
 */
export const grantList = (words: Catalogue, grants: Pick<Plan, "features" | "limits">): Html => {
  const lines = grantsOf(words, grants)
  return html`${
    lines.length > 0 &&
    html`<ul class="quiet">
      ${lines.map((line) => html`<li>${line}</li>`)}
    </ul>`
  }`
}

/**
 * The step between this site and the payment service. The browser goes on by itself.
 *
 * **Details**
 *
 * It ends the way of the form: a browser holds every redirect after a form to the page's `form-action`, and the service
 * may send people through any of its origins, or through one of the host's.
 *
 * @see [CSP Level 3 §6.4.1.1](https://www.w3.org/TR/CSP3/#form-action-pre-navigate)
 * @see [HTML Standard, the `Refresh` header](https://html.spec.whatwg.org/multipage/document-lifecycle.html#the-refresh-header)
 * @category views
 * @since 0.1.0
 */
export const leaveForPaymentPage = (
  { billingLeave: text }: Catalogue,
  { to, url }: { readonly to: "checkout" | "portal"; readonly url: string },
): Page => ({
  title: text[to],
  headers: { refresh: `0;url=${url}` },
  main: html`<h1>${text[to]}</h1>
    <p>${text.text}</p>
    <p><a class="button main" href="${url}">${text.go}</a></p>`,
})

// internal

/** A name of the host's that has no words, spelled as words: `auditExport` and `audit-export` as `Audit export`. */
const spelled = (name: string): string => {
  const words = name.replaceAll("-", " ").replace(/(?<=[a-z0-9])[A-Z]/gu, (letter) => ` ${letter.toLowerCase()}`)
  return words.charAt(0).toUpperCase() + words.slice(1)
}
