/**
 * What is told when a subscription is seen to stand otherwise than before: pure, from the two states alone.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import type { BillingEvent, SubscriptionSummary } from "./BillingEvent.ts"
import { isActive, isEnded, type Milestone, type SubscriptionState } from "./Subscription.ts"

/**
 * An event before it is said whose it is.
 *
 * @category models
 * @since 0.1.0
 */
export type SubscriptionEvent = BillingEvent extends infer E
  ? E extends { readonly subscriptionId: unknown }
    ? Omit<E, "customerId" | "payer" | "subscriptionId" | "plan">
    : never
  : never

/**
 * What differs between two states, and which milestones were reached. `milestones` has all that were by now.
 *
 * **Details**
 *
 * Milestones are read from the new state, not from the step to it: a trial that was over before anybody looked is told
 * to have started and ended. A subscription that never got beyond its first payment never started.
 *
 * @category decisions
 * @since 0.1.0
 */
export const between = (options: {
  readonly before: SubscriptionState | null
  readonly after: SubscriptionState
  readonly milestones: ReadonlySet<Milestone>
  readonly via: "checkout" | "elsewhere"
  readonly now: DateTime.Utc
  readonly trialNotice: Duration.Duration
}): { readonly events: ReadonlyArray<SubscriptionEvent>; readonly milestones: ReadonlySet<Milestone> } => {
  const { before, after, now } = options
  const events: Array<SubscriptionEvent> = []
  const milestones = new Set(options.milestones)
  const once = (milestone: Milestone, isReached: boolean, event: () => SubscriptionEvent): void => {
    if (!isReached || milestones.has(milestone)) return
    milestones.add(milestone)
    events.push(event())
  }
  const { trialEnd } = after
  const hasEnded = isEnded(after.status)
  // What ended after it was paid for has a reason to have started; a first payment that failed has not.
  const hasStarted = isActive(after.status) || after.status === "canceled"
  const inTrial = after.status === "trialing"
  once("started", hasStarted, () => ({ _tag: "SubscriptionStarted", via: options.via, summary: summaryOf(after) }))
  if (trialEnd !== null && after.trialStart !== null) {
    once("trial-started", hasStarted, () => ({ _tag: "TrialStarted", endsAt: trialEnd }))
    const noticeAt = DateTime.subtractDuration(trialEnd, options.trialNotice)
    once("trial-ending", inTrial && DateTime.isLessThanOrEqualTo(noticeAt, now), () => ({
      _tag: "TrialEnding",
      endsAt: trialEnd,
    }))
  }
  if (before !== null && options.milestones.has("started")) events.push(...differences(before, after))
  once("trial-ended", milestones.has("trial-started") && !inTrial, () => ({
    _tag: "TrialEnded",
    outcome: after.status === "paused" || (hasEnded && !wasBilled(after)) ? "expired" : "converted",
  }))
  once("ended", hasEnded && milestones.has("started"), () => ({
    _tag: "SubscriptionEnded",
    reason: after.endedBecause,
  }))
  return { events, milestones }
}

/**
 * What a change is told by.
 *
 * @category converting
 * @since 0.1.0
 */
export const summaryOf = (state: SubscriptionState): SubscriptionSummary => ({
  status: state.status,
  plan: state.plan,
  interval: state.interval,
  seats: state.seats,
  periodEnd: state.periodEnd,
  cancelAt: endOf(state),
  scheduled: state.scheduled,
})

/**
 * When a subscription is to end that goes on for now; null: it is not to end.
 *
 * @category accessors
 * @since 0.1.0
 */
export const endOf = (
  state: Pick<SubscriptionState, "status" | "cancelAt" | "cancelAtPeriodEnd" | "periodEnd">,
): DateTime.Utc | null =>
  isEnded(state.status) ? null : (state.cancelAt ?? (state.cancelAtPeriodEnd ? state.periodEnd : null))

// internal

const differences = (before: SubscriptionState, after: SubscriptionState): ReadonlyArray<SubscriptionEvent> => {
  const events: Array<SubscriptionEvent> = []
  const [was, is] = [summaryOf(before), summaryOf(after)]
  if (JSON.stringify(was) !== JSON.stringify(is)) events.push({ _tag: "SubscriptionChanged", before: was, after: is })
  if (before.seats !== after.seats) events.push({ _tag: "SeatsChanged", before: before.seats, after: after.seats })
  const [wasEnding, isEnding] = [endOf(before) !== null, endOf(after) !== null]
  if (!wasEnding && isEnding) events.push({ _tag: "CancellationRequested", endsAt: endOf(after) })
  if (wasEnding && !isEnding && !isEnded(after.status)) events.push({ _tag: "CancellationWithdrawn" })
  if (!isOwing(before) && isOwing(after)) {
    const { pastDue } = after
    events.push({
      _tag: "SubscriptionPastDue",
      invoiceId: pastDue?.invoiceId ?? null,
      amountDue: pastDue?.amountDue ?? null,
      currency: after.currency,
    })
  }
  if (isOwing(before) && !isOwing(after) && !isEnded(after.status)) events.push({ _tag: "SubscriptionRecovered" })
  return events
}

const isOwing = ({ status }: SubscriptionState): boolean => status === "past_due" || status === "unpaid"

/** Whether a subscription that ended lived beyond its trial. */
const wasBilled = ({ endedAt, trialEnd }: SubscriptionState): boolean =>
  endedAt !== null && trialEnd !== null && DateTime.isGreaterThan(endedAt, trialEnd)
