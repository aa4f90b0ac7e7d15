/**
 * The page about the bills of a payer: what is subscribed to, how it stands, what it gives; and the section of the
 * account page that leads there.
 *
 * @since 0.1.0
 */
import type { EntitlementsView } from "@belfry/billing/Entitlement"
import { isActive, isEnded, type Subscription } from "@belfry/billing/Subscription"
import { endOf } from "@belfry/billing/SubscriptionChanges"
import { attributes, empty, html, type Html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import type { Paths } from "../PageKit.ts"
import type { Page } from "./document.ts"
import { costOf, planFor } from "./billingMoney.ts"
import {
  type BillingFrame,
  billingPage,
  grantList,
  type PayerChoice,
  planTitle,
  type PlanTitles,
} from "./billingParts.ts"
import { moment, type Shown } from "./organizationParts.ts"
import { form, links, section } from "./parts.ts"

/**
 * What the page shows. `subscriptions` are all of the payer, in every state, newest first. `sells`: there are plans to
 * choose from.
 *
 * @category models
 * @since 0.1.0
 */
export interface BillingView extends Shown, BillingFrame {
  readonly subscriptions: ReadonlyArray<Subscription>
  readonly titles: PlanTitles
  readonly sells: boolean
  readonly entitlements: EntitlementsView
  readonly payers: ReadonlyArray<PayerChoice>
}

/**
 * The bills of a payer.
 *
 * @category views
 * @since 0.1.0
 */
export const billingOverviewPage = (words: Catalogue, view: BillingView): Page => {
  const { at, entitlements, home, mayManage, name, sells, subscriptions } = view
  const text = words.billing
  const current = subscriptions.filter(({ status }) => !isEnded(status))
  const former = subscriptions.filter(({ status }) => isEnded(status)).slice(0, 10)
  return billingPage(
    words,
    text.title,
    view,
    html`${payerLinks(words, view)}
    ${
      current.length === 0
        ? html`<p class="quiet">${text.none}</p>`
        : current.map((subscription) => subscriptionSection(words, view, subscription))
    }
    ${
      sells &&
      html`<p>
        <a class="button ${current.length === 0 && mayManage ? "main" : "plain"}" href="${at.plans()}"
          >${text.choose}</a
        >
      </p>`
    }
    ${section(
      "use",
      text.use,
      entitlements.features.length === 0 && Object.keys(entitlements.limits).length === 0
        ? html`<p class="quiet">${text.nothingToUse}</p>`
        : grantList(words, entitlements),
    )}
    ${mayManage && subscriptions.length > 0 && portal(words, view)}
    ${
      former.length > 0 &&
      section(
        "former",
        text.former,
        html`<ul class="rows">
          ${former.map((subscription) => formerRow(words, view, subscription))}
        </ul>`,
      )
    }
    ${links(
      { href: at.invoices, label: text.invoices },
      { href: home, label: name === null ? words.common.back : words.organizationParts.back(name) },
    )}`,
  )
}

/**
 * What the account page shows of bills: the way to them, where somebody takes money.
 *
 * @category models
 * @since 0.1.0
 */
export interface OwnBillingView {
  readonly hasBilling: boolean
}

/**
 * The section of the account page about bills.
 *
 * @category parts
 * @since 0.1.0
 */
export const billingSection = ({ billing }: Catalogue, paths: Paths, { hasBilling }: OwnBillingView): Html =>
  hasBilling ? section("billing", billing.section, html`<p><a href="${paths.billing}">${billing.open}</a></p>`) : empty

// internal

/** The payers whose bills the reader may see, where there are others than the one that is shown. */
const payerLinks = (words: Catalogue, { at, payers }: BillingView): Html =>
  payers.length < 2
    ? empty
    : html`<nav aria-label="${words.billing.whose}">
        <ul class="row">
          ${payers.map(({ href, name }) => {
            const link = attributes({ href, "aria-current": href === at.overview ? "page" : undefined })
            return html`<li><a${link}>${name ?? words.billing.own}</a></li>`
          })}
        </ul>
      </nav>`

const subscriptionSection = (words: Catalogue, view: BillingView, subscription: Subscription): Html => {
  const { id, plan, status } = subscription
  const text = words.billing
  const title = planTitle(words, view.titles, plan)
  return section(
    `subscription-${id}`,
    title,
    html`<p>
        <span class="status ${isGood(subscription) ? "good" : "warn"}">${text.status[status]}</span>
      </p>
      ${paid(words, title, subscription)} ${standing(words, view, subscription)}
      ${view.mayManage && isActive(status) && actions(words, view, subscription)}`,
  )
}

/** What is paid, and for how many seats. What a trial costs later is said with its end. */
const paid = (words: Catalogue, title: string, subscription: Subscription): Html => {
  const { interval, seats, status } = subscription
  const { billing: text } = words
  const cost = costOf(words, subscription)
  const isTried = status === "trialing" && endOf(subscription) === null
  const parts = [...(cost === null || isTried ? [] : [cost]), ...(seats === null ? [] : [text.seats(seats)])]
  if (cost === null) return html`<p>${planFor(words, title, { interval, seats })}</p>`
  return html`${parts.length > 0 && html`<p>${words.billing.parts(parts)}</p>`}`
}

/** What comes next, and what is missing. */
const standing = (words: Catalogue, view: BillingView, subscription: Subscription): Html => {
  const { billing: text, time } = words
  const { periodEnd, scheduled, status, trialEnd } = subscription
  const dated = (epochMilliseconds: number, said: (date: string) => string) =>
    html`<p>${moment(epochMilliseconds, said(time.date(epochMilliseconds)))}</p>`
  const ends = endOf(subscription)?.epochMilliseconds ?? null
  const cost = costOf(words, subscription)
  if (status === "past_due" || status === "unpaid") return owing(words, view, subscription)
  if (status === "paused")
    return html`<p>${text.paused}</p>
      ${cardForm(words, view)}`
  if (status === "incomplete") return html`<p>${text.incomplete}</p>`
  if (ends !== null) {
    return dated(ends, status === "trialing" && ends === trialEnd?.epochMilliseconds ? text.trialEnds : text.ends)
  }
  return html`${
    status === "trialing" && trialEnd !== null
      ? dated(trialEnd.epochMilliseconds, (date) =>
          cost === null ? text.trialUntil(date) : text.trialThen(date, cost),
        )
      : periodEnd !== null && scheduled === null && dated(periodEnd.epochMilliseconds, text.renews)
  }
  ${
    scheduled !== null &&
    dated(scheduled.startsAt.epochMilliseconds, (date) =>
      text.scheduled(planFor(words, planTitle(words, view.titles, scheduled.plan), scheduled), date),
    )
  }`
}

/** What is owed, since when it is tried, and the two ways to pay it. */
const owing = (words: Catalogue, view: BillingView, { pastDue }: Subscription): Html => {
  const { billing: text, money, time } = words
  const next = pastDue?.nextAttemptAt?.epochMilliseconds
  return html`<p>
      ${pastDue === null ? text.unpaid : text.pastDue(money(pastDue.amountDue, pastDue.currency))}
      ${next !== undefined && moment(next, text.nextAttempt(time.date(next)))} ${text.pastDueHint}
    </p>
    <div class="row">
      ${pastDue !== null && pastDue.payUrl !== null && html`<a class="button" href="${pastDue.payUrl}">${text.payNow}</a>`}
      ${cardForm(words, view)}
    </div>`
}

const cardForm = ({ billing }: Catalogue, { at, mayManage }: BillingView): Html =>
  mayManage ? form(at.overview, html`<button class="plain">${billing.changeCard}</button>`, { action: "card" }) : empty

const actions = (words: Catalogue, { at, titles }: BillingView, subscription: Subscription): Html => {
  const { group, id, interval, plan, scheduled, status } = subscription
  const text = words.billing
  const title = planTitle(words, titles, plan)
  const owes = status === "past_due" || status === "unpaid" || status === "paused"
  const restore = (label: string, name: string) =>
    form(at.overview, html`<button class="plain" aria-label="${name}">${label}</button>`, {
      action: "restore",
      subscription: id,
    })
  const plans = at.plans({ group, ...(interval === null ? {} : { interval }) })
  return html`<div class="row">
    ${scheduled !== null && restore(text.restoreChange(title), text.restoreChange(title))}
    ${scheduled === null && endOf(subscription) !== null && restore(text.restoreEnd, text.restoreEndNamed(title))}
    ${!owes && html`<a class="button plain" href="${plans}" aria-label="${text.changePlanNamed(title)}">${text.changePlan}</a>`}
    <a class="button danger" href="${at.end(id)}" aria-label="${text.endNamed(title)}">${text.end}</a>
  </div>`
}

const portal = ({ billing: text }: Catalogue, { at }: BillingView): Html =>
  section(
    "portal",
    text.portal,
    html`<p class="quiet">${text.portalText}</p>
      ${form(at.overview, html`<button class="plain">${text.portalSubmit}</button>`, { action: "portal" })}`,
  )

const formerRow = (
  words: Catalogue,
  { titles }: BillingView,
  { endedAt, plan, status, updatedAt }: Subscription,
): Html => {
  const { billing: text, time } = words
  const { epochMilliseconds } = endedAt ?? updatedAt
  return html`<li class="bar">
    <span>${planTitle(words, titles, plan)}</span>
    <span class="quiet"
      >${
        status === "canceled"
          ? moment(epochMilliseconds, text.endedOn(time.date(epochMilliseconds)))
          : text.status[status]
      }</span
    >
  </li>`
}

const isGood = (subscription: Subscription): boolean =>
  (subscription.status === "active" || subscription.status === "trialing") && endOf(subscription) === null
