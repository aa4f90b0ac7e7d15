/**
 * One plan, before it is bought or changed to: what changes, when, and what it costs now and then.
 *
 * @since 0.1.0
 */
import { endOf } from "@belfry/billing/SubscriptionChanges"
import type { BillingInterval } from "@belfry/billing/Plan"
import type { Subscription } from "@belfry/billing/Subscription"
import { html, type Html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import type { Page } from "./document.ts"
import { costOf, offer, offerFor, planFor } from "./billingMoney.ts"
import { type BillingFrame, billingPage, grantList, planTitle, type PlanTitles } from "./billingParts.ts"
import type { OfferedPlan } from "./billingPlans.ts"
import { moment, type Shown } from "./organizationParts.ts"
import { blank, field, form, links, submit } from "./parts.ts"

/**
 * What the page shows.
 *
 * @category models
 * @since 0.1.0
 */
export interface PlanChoiceView extends Shown, BillingFrame {
  readonly offered: OfferedPlan
  readonly interval: BillingInterval
  readonly titles: PlanTitles
}

/**
 * The plan.
 *
 * @category views
 * @since 0.1.0
 */
export const billingPlanPage = (words: Catalogue, view: PlanChoiceView): Page => {
  const { at, interval, offered } = view
  const { current, plan, price, trialDays } = offered
  const text = words.billingPlan
  const choice = { interval, group: plan.group }
  if (current === null) {
    return billingPage(
      words,
      text.subscribeTitle(plan.title),
      view,
      html`${plan.description !== null && html`<p>${plan.description}</p>`}
        ${price !== null && html`<p>${offer(words, price)}</p>`}
        ${trialDays !== null && html`<p class="quiet">${words.billingPlans.trial(trialDays)}</p>`}
        ${grantList(words, plan)}
        <p class="quiet">${text.subscribeText}</p>
        ${form(at.plan({ plan: plan.name, interval }), html`${seatsField(words, view)} ${submit(text.submit)}`, {
          action: "subscribe",
        })}
        ${links({ href: at.plans(choice), label: text.other })}`,
    )
  }
  const isSame = current.plan === plan.name && current.interval === interval
  return billingPage(
    words,
    isSame ? text.seatsTitle(plan.title) : text.changeTitle(planFor(words, plan.title, { interval, seats: null })),
    view,
    html`<p>${text.now(present(words, view, current))}</p>
      ${!isSame && price !== null && html`<p>${text.afterwards(wanted(words, view, current))}</p>`}
      ${!isSame && grantList(words, plan)} ${undone(words, view, current)}
      ${form(
        at.plan({ plan: plan.name, interval }),
        html`${seatsField(words, view)}
          <p class="quiet">${text.atOnceText[consequence(view, current)]}</p>
          <button class="main" name="action" value="now">${text.atOnce}</button>
          ${atEnd(words, current)}`,
      )}
      ${links(
        { href: at.overview, label: text.cancel },
        ...(isSame ? [] : [{ href: at.plans(choice), label: text.other }]),
      )}`,
  )
}

// internal

const present = (words: Catalogue, { titles }: PlanChoiceView, current: Subscription): string => {
  const what = planFor(words, planTitle(words, titles, current.plan), { interval: null, seats: current.seats })
  const cost = costOf(words, current)
  return cost === null ? what : words.billingPlan.withPrice(what, cost)
}

const wanted = (words: Catalogue, { kind, offered }: PlanChoiceView, current: Subscription): string => {
  const { plan, price } = offered
  // Organizations and teams pay for their members; how many seats a user wants is to be entered yet.
  const seats = kind === "user" ? null : current.seats
  return price === null ? plan.title : words.billingPlan.withPrice(plan.title, offerFor(words, price, seats))
}

/** What the payer asked for before and does not come then. */
const undone = (words: Catalogue, { titles }: PlanChoiceView, current: Subscription): Html => {
  const { billingPlan: text, time } = words
  const { scheduled } = current
  const end = endOf(current)
  return html`${
    scheduled !== null &&
    html`<p>
      ${moment(
        scheduled.startsAt.epochMilliseconds,
        text.takesBackChange(
          planFor(words, planTitle(words, titles, scheduled.plan), scheduled),
          time.date(scheduled.startsAt.epochMilliseconds),
        ),
      )}
    </p>`
  }
  ${end !== null && html`<p>${moment(end.epochMilliseconds, text.takesBackEnd(time.date(end.epochMilliseconds)))}</p>`}`
}

/** What a change at once comes to for who pays. */
const consequence = (
  { interval, offered }: PlanChoiceView,
  current: Subscription,
): keyof Catalogue["billingPlan"]["atOnceText"] => {
  if (current.status === "trialing") return "trial"
  return current.interval === interval ? offered.plan.proration : "interval"
}

const atEnd = (words: Catalogue, { periodEnd }: Subscription): Html => {
  const { billingPlan: text, time } = words
  if (periodEnd === null) return html``
  const date = time.date(periodEnd.epochMilliseconds)
  return html`<p class="quiet">${moment(periodEnd.epochMilliseconds, text.atEndText(date))}</p>
    <button class="main plain" name="action" value="period-end">${text.atEnd(date)}</button>`
}

const seatsField = (words: Catalogue, { kind, offered, state = blank }: PlanChoiceView): Html => {
  const { seats } = offered.plan
  if (kind !== "user" || seats === null) return html``
  return field(words, state, {
    name: "seats",
    label: words.fields.seats.label,
    type: "text",
    inputmode: "numeric",
    autocomplete: "off",
    hint: words.billingPlan.seatsHint(seats.minimum),
    value: String(Math.max(seats.minimum, offered.current?.seats ?? 1)),
  })
}
