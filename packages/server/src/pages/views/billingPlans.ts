/**
 * The plans that are sold to a payer, with what they cost and give.
 *
 * @since 0.1.0
 */
import type { BillingInterval, Plan, PlanGroup, PlanPrice } from "@belfry/billing/Plan"
import type { Subscription } from "@belfry/billing/Subscription"
import { attributes, html, type Html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import type { Page } from "./document.ts"
import { offer } from "./billingMoney.ts"
import { type BillingFrame, billingPage, grantList } from "./billingParts.ts"
import type { Shown } from "./organizationParts.ts"
import { form, links } from "./parts.ts"

/**
 * A plan, its price in the interval that is looked at, and what the payer has of its group. `price` null: it is not to
 * be had so, or nobody knows. `trialDays`: of the trial that the payer would have.
 *
 * @category models
 * @since 0.1.0
 */
export interface OfferedPlan {
  readonly plan: Plan
  readonly price: PlanPrice | null
  readonly current: Subscription | null
  readonly trialDays: number | null
}

/**
 * What the page shows. `group`: the one that the page is about, if any. `isAway`: nobody knows the prices.
 *
 * @category models
 * @since 0.1.0
 */
export interface PlansView extends Shown, BillingFrame {
  readonly group: PlanGroup | undefined
  readonly interval: BillingInterval
  /** Those in which anything is sold. */
  readonly intervals: ReadonlyArray<BillingInterval>
  readonly plans: ReadonlyArray<OfferedPlan>
  readonly isAway: boolean
}

/**
 * The plans.
 *
 * @category views
 * @since 0.1.0
 */
export const billingPlansPage = (words: Catalogue, view: PlansView): Page => {
  const { at, isAway, mayManage, plans } = view
  const text = words.billingPlans
  return billingPage(
    words,
    text.title,
    view,
    html`${isAway && html`<div class="errors" role="status"><p>${text.noPrices}</p></div>`}
    ${!mayManage && html`<p class="quiet">${text.cannotBuy}</p>`} ${intervalLinks(words, view)}
    ${
      plans.length === 0
        ? html`<p class="quiet">${text.none}</p>`
        : html`<ul class="rows">
            ${plans.map((offered) => planRow(words, view, offered))}
          </ul>`
    }
    ${links({ href: at.overview, label: words.billing.back })}`,
  )
}

// internal

const intervalLinks = (words: Catalogue, { at, group, interval, intervals }: PlansView): Html => {
  const text = words.billingPlans
  return html`${
    intervals.length > 1 &&
    html`<nav aria-label="${text.interval}">
      <ul class="row">
        ${intervals.map((each) => {
          const href = at.plans({ interval: each, ...(group === undefined ? {} : { group }) })
          const link = attributes({ href, "aria-current": each === interval ? "true" : undefined })
          return html`<li><a${link}>${text[each]}</a></li>`
        })}
      </ul>
    </nav>`
  }`
}

const planRow = (words: Catalogue, view: PlansView, offered: OfferedPlan): Html => {
  const { current, plan, price, trialDays } = offered
  const text = words.billingPlans
  return html`<li>
    <h2>${plan.title}</h2>
    ${plan.description !== null && html`<p>${plan.description}</p>`}
    ${price !== null ? html`<p>${offer(words, price)}</p>` : !view.isAway && html`<p class="quiet">${text.otherInterval}</p>`}
    ${trialDays !== null && current === null && html`<p class="quiet">${text.trial(trialDays)}</p>`}
    ${grantList(words, plan)} ${choice(words, view, offered)}
  </li>`
}

/** That it is the payer's plan, or the way to have it. */
const choice = (words: Catalogue, { at, interval, kind, mayManage }: PlansView, offered: OfferedPlan): Html => {
  const { current, plan, price } = offered
  const { name, title } = plan
  const text = words.billingPlans
  const choosesSeats = kind === "user" && plan.seats !== null
  const href = at.plan({ plan: name, interval })
  const way = (label: string, named: string) =>
    html`<p><a class="button plain" href="${href}" aria-label="${named}">${label}</a></p>`
  if (current?.plan === name && current.interval === interval) {
    return html`<p class="status good">${text.current}</p>
      ${mayManage && choosesSeats && price !== null && way(text.changeSeats, text.changeSeatsNamed(title))}`
  }
  if (!mayManage || price === null) return html``
  if (current !== null) return way(text.change, text.changeNamed(title))
  if (choosesSeats) return way(text.choose, text.chooseNamed(title))
  return form(href, html`<button aria-label="${text.subscribeNamed(title)}">${text.subscribe}</button>`, {
    action: "subscribe",
  })
}
