/**
 * How subscriptions end, and what ends with them.
 */
import type { Engine } from "./engine.ts"
import type { Subscription } from "./objects.ts"

export const hasEnded = ({ status }: Subscription): boolean => status === "canceled" || status === "incomplete_expired"

/** When the current period ends; of several, the first. */
export const periodEnd = (subscription: Subscription): number =>
  Math.min(...subscription.items.data.map((item) => item.current_period_end))

export const periodStart = (subscription: Subscription): number =>
  Math.max(...subscription.items.data.map((item) => item.current_period_start))

/** Ends a subscription now. Null: it ends as was asked for before. */
export const end = (
  engine: Engine,
  subscription: Subscription,
  reason: Subscription["cancellation_details"]["reason"],
): void => {
  const now = nowOf(engine, subscription)
  stopCollecting(engine, subscription)
  delete engine.state.pending[subscription.id]
  const schedule = subscription.schedule === null ? undefined : engine.state.schedules[subscription.schedule]
  if (schedule?.status === "active") {
    engine.change("subscription_schedule.canceled", schedule, () => {
      schedule.status = "canceled"
      schedule.canceled_at = now
      schedule.current_phase = null
    })
  }
  subscription.status = "canceled"
  subscription.canceled_at ??= now
  subscription.ended_at = now
  if (reason !== null) subscription.cancellation_details.reason = reason
  engine.emit("customer.subscription.deleted", subscription)
}

/** Gives a subscription up whose first payment never came. */
export const expire = (engine: Engine, subscription: Subscription): void => {
  const now = nowOf(engine, subscription)
  const invoice = subscription.latest_invoice === null ? undefined : engine.state.invoices[subscription.latest_invoice]
  if (invoice?.status === "open") {
    engine.change("invoice.voided", invoice, () => {
      invoice.status = "void"
      invoice.next_payment_attempt = null
      invoice.status_transitions.voided_at = now
    })
  }
  engine.change("customer.subscription.updated", subscription, () => {
    subscription.status = "incomplete_expired"
    subscription.ended_at = now
  })
}

// internal

const nowOf = (engine: Engine, { test_clock }: Subscription) => engine.timeOf({ test_clock })

/** Drafts are not finalized any more, and nothing is charged again by itself. */
const stopCollecting = (engine: Engine, subscription: Subscription) => {
  for (const invoice of Object.values(engine.state.invoices)) {
    if (invoice.parent.subscription_details.subscription !== subscription.id) continue
    if (invoice.status !== "draft" && invoice.status !== "open") continue
    invoice.auto_advance = false
    invoice.automatically_finalizes_at = null
    invoice.next_payment_attempt = null
  }
}
