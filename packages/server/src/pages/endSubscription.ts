/**
 * The page that ends a subscription, with its period or now.
 *
 * @since 0.1.0
 */
import { Plans } from "@belfry/billing/Plans"
import { isActive, type Subscription, SubscriptionId, SubscriptionNotFound } from "@belfry/billing/Subscription"
import { Subscriptions } from "@belfry/billing/Subscriptions"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { EndForm } from "./billingForms.ts"
import { orAgain } from "./billingRefusals.ts"
import { type BillingVisit, makeBillingVisits, requireManager } from "./billingVisits.ts"
import { decodeHidden } from "./form.ts"
import { typedOf } from "./organizationForms.ts"
import { asShown } from "./organizationRefusals.ts"
import { PageKit } from "./PageKit.ts"
import { get, post, type Visit } from "./visit.ts"
import { endSubscriptionPage } from "./views/endSubscription.ts"
import type { Shown } from "./views/organizationParts.ts"

/**
 * Adds the page.
 *
 * @category routes
 * @since 0.1.0
 */
export const routes = Effect.gen(function* () {
  const { paths } = yield* PageKit
  const plans = yield* Plans
  const subscriptions = yield* Subscriptions
  const visits = yield* makeBillingVisits

  /** The subscription of the address, while it is there. */
  const find = Effect.fnUntraced(function* ({ query }: Visit, { actor, ref }: BillingVisit) {
    const id = query("subscription")
    if (!isSubscriptionId(id)) return yield* new SubscriptionNotFound()
    const subscription = yield* subscriptions.get(actor, ref, id)
    return isActive(subscription.status) ? subscription : yield* new SubscriptionNotFound()
  })

  const show = Effect.fnUntraced(function* (
    { words }: Visit,
    entered: BillingVisit,
    subscription: Subscription,
    shown: Shown = {},
  ) {
    const plan = subscription.plan === null ? undefined : yield* plans.find(subscription.plan)
    return endSubscriptionPage(words, { ...entered, ...shown, subscription, plan })
  })

  yield* get(
    paths.endSubscription,
    Effect.fnUntraced(function* (visit) {
      const entered = yield* visits.enter(visit)
      yield* requireManager(entered)
      return yield* show(visit, entered, yield* find(visit, entered))
    }),
  )

  yield* post(
    paths.endSubscription,
    Effect.fnUntraced(function* (visit, fields) {
      const entered = yield* visits.enter(visit)
      const { actor, at, ref } = entered
      const { when } = yield* decodeHidden(EndForm, fields)
      const subscription = yield* find(visit, entered)
      return yield* subscriptions
        .cancel(actor, {
          payer: ref,
          subscriptionId: subscription.id,
          when,
          confirm: "service",
          returnUrl: at.overview,
          locale: visit.words.locale,
        })
        .pipe(
          Effect.as(at.done(when === "now" ? "subscription-ended" : "subscription-ending")),
          orAgain(visit.words, (refused) =>
            show(visit, entered, subscription, asShown(refused, typedOf(fields, ["when"]))),
          ),
          // The pages of this site are always allowed.
          Effect.catchTag("RedirectRefused", Effect.die),
        )
    }),
  )
})

// internal

const isSubscriptionId = Schema.is(SubscriptionId)
