/**
 * Subscriptions as people see them.
 */
import type { Payer } from "../Payer.ts"
import type { Plan } from "../Plan.ts"
import { isActive, type StoredSubscription, type Subscription, type SubscriptionState } from "../Subscription.ts"

/** A subscription as its payer sees it, with the limits of its plan as it is sold today. */
export const toView = (
  { id, state, createdAt, updatedAt }: StoredSubscription,
  payer: Payer,
  plans: ReadonlyArray<Plan>,
): Subscription => ({
  id,
  payer,
  plan: state.plan,
  group: state.group,
  status: state.status,
  isActive: isActive(state.status),
  interval: state.interval,
  priceId: state.priceId,
  currency: state.currency,
  amount: amountOf(state),
  seats: state.seats,
  periodStart: state.periodStart,
  periodEnd: state.periodEnd,
  trialStart: state.trialStart,
  trialEnd: state.trialEnd,
  cancelAtPeriodEnd: state.cancelAtPeriodEnd,
  cancelAt: state.cancelAt,
  canceledAt: state.canceledAt,
  endedAt: state.endedAt,
  scheduled: state.scheduled,
  pastDue: state.pastDue,
  limits: plans.find(({ name }) => name === state.plan)?.limits ?? {},
  createdAt,
  updatedAt,
})

// internal

const amountOf = ({ items }: SubscriptionState): number | null =>
  items.reduce<number | null>(
    (sum, { amount, quantity }) =>
      sum === null || amount === null || quantity === null ? null : sum + amount * quantity,
    0,
  )
