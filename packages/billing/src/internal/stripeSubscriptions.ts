/**
 * What a change of a subscription is asked for with.
 */
import type { Stripe } from "stripe"
import type { SubscriptionUpdate } from "../BillingProvider.ts"
import type { Proration } from "../Plan.ts"

/** The parameters of a change. Of what null leaves alone there is nothing. */
export const updateParameters = (update: SubscriptionUpdate): Stripe.SubscriptionUpdateParams => ({
  ...(update.items === null
    ? {}
    : {
        items: [
          ...update.items.map(({ id, priceId, quantity }) => ({
            ...(id === null ? {} : { id }),
            price: priceId,
            ...(quantity === null ? {} : { quantity }),
          })),
          ...update.removed.map(({ id }) => ({ id, deleted: true })),
        ],
        proration_behavior: prorations[update.proration],
        payment_behavior: update.failsWhenDeclined ? "error_if_incomplete" : "allow_incomplete",
      }),
  ...(update.cancelAtPeriodEnd === null ? {} : { cancel_at_period_end: update.cancelAtPeriodEnd }),
  ...(update.clearsCancelAt ? { cancel_at: "" } : {}),
  ...(update.metadata === null ? {} : { metadata: { ...update.metadata } }),
})

// internal

const prorations = {
  "always-invoice": "always_invoice",
  "create-prorations": "create_prorations",
  none: "none",
} as const satisfies Record<Proration, string>
