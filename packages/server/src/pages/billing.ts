/**
 * The page about the bills of a payer, and its actions: taking back an end or a change, going to the payment service.
 *
 * @since 0.1.0
 */
import { BillingProvider } from "@belfry/billing/BillingProvider"
import { Plans } from "@belfry/billing/Plans"
import { Portals } from "@belfry/billing/Portals"
import { Subscriptions } from "@belfry/billing/Subscriptions"
import * as Effect from "effect/Effect"
import { RestoreForm } from "./billingForms.ts"
import { type BillingVisit, doneAt, makeBillingVisits } from "./billingVisits.ts"
import { orAgain } from "./billingRefusals.ts"
import { actionOf, decodeHidden, type FormFields } from "./form.ts"
import { asShown } from "./organizationRefusals.ts"
import { PageKit } from "./PageKit.ts"
import { get, post, type Visit } from "./visit.ts"
import { billingOverviewPage } from "./views/billing.ts"
import { leaveForPaymentPage, planTitlesOf } from "./views/billingParts.ts"
import type { Shown } from "./views/organizationParts.ts"

/**
 * Whether anybody takes money here: whether there are ways to the pages about bills.
 *
 * @category constructors
 * @since 0.1.0
 */
export const takesMoney = Effect.map(BillingProvider, ({ isEnabled }) => isEnabled)

/**
 * Adds the page.
 *
 * @category routes
 * @since 0.1.0
 */
export const routes = Effect.gen(function* () {
  const { paths } = yield* PageKit
  const plans = yield* Plans
  const portals = yield* Portals
  const subscriptions = yield* Subscriptions
  const visits = yield* makeBillingVisits

  const show = Effect.fnUntraced(function* ({ words }: Visit, { actor, ref, ...frame }: BillingVisit, shown: Shown) {
    const all = yield* plans.all
    return billingOverviewPage(words, {
      ...frame,
      ...shown,
      subscriptions: yield* subscriptions.list(actor, ref),
      titles: planTitlesOf(all),
      sells: all.some(({ audience }) => audience.includes(frame.kind)),
      entitlements: yield* subscriptions.entitlements(actor, ref),
      payers: yield* visits.payers(actor),
    })
  })

  type Action = (visit: Visit, entered: BillingVisit, fields: FormFields) => ReturnType<Parameters<typeof post>[1]>

  const openPortal =
    (part: "home" | "payment-method"): Action =>
    (visit, entered) =>
      portals
        .open(entered.actor, {
          payer: entered.ref,
          returnUrl: entered.at.overview,
          locale: visit.words.locale,
          part,
        })
        .pipe(
          Effect.map((url) => leaveForPaymentPage(visit.words, { to: "portal", url })),
          orAgain(visit.words, (refused) => show(visit, entered, asShown(refused))),
          // The pages of this site are always allowed.
          Effect.catchTag("RedirectRefused", Effect.die),
        )

  const actions: Readonly<Record<string, Action>> = {
    portal: openPortal("home"),

    card: openPortal("payment-method"),

    restore: Effect.fnUntraced(function* (visit, entered, fields) {
      const { subscription: id } = yield* decodeHidden(RestoreForm, fields)
      const { scheduled } = yield* subscriptions.get(entered.actor, entered.ref, id)
      return yield* subscriptions.restore(entered.actor, entered.ref, id).pipe(
        Effect.as(entered.at.done(scheduled === null ? "subscription-kept" : "change-released")),
        orAgain(visit.words, (refused) => show(visit, entered, asShown(refused))),
      )
    }),
  }

  yield* get(
    paths.billing,
    Effect.fnUntraced(function* (visit) {
      return yield* show(visit, yield* visits.enter(visit), { done: doneAt(visit) })
    }),
  )

  yield* post(
    paths.billing,
    Effect.fnUntraced(function* (visit, fields) {
      const entered = yield* visits.enter(visit)
      const action = yield* actionOf(actions, fields)
      return yield* action(visit, entered, fields)
    }),
  )
})
