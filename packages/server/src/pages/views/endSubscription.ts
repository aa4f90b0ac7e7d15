/**
 * Asks once more before a subscription ends.
 *
 * @since 0.1.0
 */
import type { Plan } from "@belfry/billing/Plan"
import type { Subscription } from "@belfry/billing/Subscription"
import { endOf } from "@belfry/billing/SubscriptionChanges"
import { html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import type { Page } from "./document.ts"
import { type BillingFrame, billingPage, grantList, grantsOf, planTitle, planTitlesOf } from "./billingParts.ts"
import { choices, type Shown } from "./organizationParts.ts"
import { blank, form, links } from "./parts.ts"

/**
 * What the page shows. `plan` is undefined where it is not sold here any more.
 *
 * @category models
 * @since 0.1.0
 */
export interface EndSubscriptionView extends Shown, BillingFrame {
  readonly subscription: Subscription
  readonly plan: Plan | undefined
}

/**
 * Asks when it ends, and says what ends with it.
 *
 * @category views
 * @since 0.1.0
 */
export const endSubscriptionPage = (words: Catalogue, view: EndSubscriptionView): Page => {
  const { at, plan, state = blank, subscription } = view
  const { endSubscription: text, time } = words
  const { id, periodEnd } = subscription
  const end = endOf(subscription)
  const later = end === null && periodEnd !== null ? time.date(periodEnd.epochMilliseconds) : null
  const when = later === null ? "now" : (state.values["when"] ?? "period-end")
  const now = { name: "when", value: "now", label: text.now, hint: text.nowText, isChecked: when === "now" }
  return billingPage(
    words,
    text.title(planTitle(words, planTitlesOf(plan === undefined ? [] : [plan]), subscription.plan)),
    view,
    html`${end !== null && html`<p>${text.onlyNow(time.date(end.epochMilliseconds))}</p>`}
    ${plan !== undefined && grantsOf(words, plan).length > 0 && html`<p>${text.gone}</p>`}
    ${plan !== undefined && grantList(words, plan)}
    ${form(
      at.end(id),
      html`${choices(state, {
          id: "when",
          title: text.when,
          type: "radio",
          items:
            later === null
              ? [now]
              : [
                  {
                    name: "when",
                    value: "period-end",
                    label: text.periodEnd(later),
                    hint: text.periodEndText,
                    isChecked: when !== "now",
                  },
                  now,
                ],
        })} <button class="main danger">${text.submit}</button>`,
    )}
    ${links({ href: at.overview, label: text.cancel })}`,
  )
}
