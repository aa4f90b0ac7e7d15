/**
 * Subscriptions: how one stands here, computed from what the provider has.
 *
 * @since 0.1.0
 */
import { isUuid } from "@belfry/core/Uuid"
import type * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import type { CustomerId } from "./BillingCustomer.ts"
import { Payer } from "./Payer.ts"
import { BillingInterval, LimitName, type Plan, PlanGroup, PlanName, type PriceRef } from "./Plan.ts"
import type { ProviderSubscriptionId } from "./ProviderSubscription.ts"
import {
  ProviderItem,
  ProviderPriceId,
  ProviderScheduleId,
  type ProviderSubscription,
  SubscriptionStatus,
} from "./ProviderSubscription.ts"

/**
 * Identifies a subscription here: a UUIDv7.
 *
 * @category models
 * @since 0.1.0
 */
export const SubscriptionId = Schema.String.check(isUuid).pipe(Schema.brand("SubscriptionId"))
/**
 * @category models
 * @since 0.1.0
 */
export type SubscriptionId = typeof SubscriptionId.Type

/**
 * What comes at the end of the period: another plan, interval or number of seats. `plan` null: prices of no plan here.
 *
 * @category models
 * @since 0.1.0
 */
export const ScheduledChange = Schema.Struct({
  plan: Schema.NullOr(PlanName),
  interval: Schema.NullOr(BillingInterval),
  seats: Schema.NullOr(Schema.Int),
  startsAt: Schema.DateTimeUtc,
})
/**
 * @category models
 * @since 0.1.0
 */
export interface ScheduledChange extends Schema.Schema.Type<typeof ScheduledChange> {}

/**
 * An invoice that could not be collected. `payUrl` is where it can be paid, at the provider.
 *
 * @category models
 * @since 0.1.0
 */
export const PastDue = Schema.Struct({
  invoiceId: Schema.String,
  amountDue: Schema.Int,
  currency: Schema.String,
  payUrl: Schema.NullOr(Schema.String),
  nextAttemptAt: Schema.NullOr(Schema.DateTimeUtc),
})
/**
 * @category models
 * @since 0.1.0
 */
export interface PastDue extends Schema.Schema.Type<typeof PastDue> {}

/**
 * How a subscription stands: everything here that the provider decides, and nothing else.
 *
 * **Details**
 *
 * A pure function of the provider's object and the plans ({@link stateOf}), so that whoever has the newest object has
 * the newest state, whatever came before. `plan` null: the prices are of no plan here; `group` is then that of the
 * plan before, or the default. The period is the earliest that ends of all items.
 *
 * @category models
 * @since 0.1.0
 */
export const SubscriptionState = Schema.Struct({
  status: SubscriptionStatus,
  plan: Schema.NullOr(PlanName),
  group: PlanGroup,
  interval: Schema.NullOr(BillingInterval),
  priceId: Schema.NullOr(ProviderPriceId),
  currency: Schema.String,
  /** Quantity of the item that counts seats; null: the plan has none. */
  seats: Schema.NullOr(Schema.Int),
  items: Schema.Array(ProviderItem),
  periodStart: Schema.NullOr(Schema.DateTimeUtc),
  periodEnd: Schema.NullOr(Schema.DateTimeUtc),
  trialStart: Schema.NullOr(Schema.DateTimeUtc),
  trialEnd: Schema.NullOr(Schema.DateTimeUtc),
  cancelAtPeriodEnd: Schema.Boolean,
  cancelAt: Schema.NullOr(Schema.DateTimeUtc),
  canceledAt: Schema.NullOr(Schema.DateTimeUtc),
  endedAt: Schema.NullOr(Schema.DateTimeUtc),
  endedBecause: Schema.NullOr(Schema.String),
  scheduleId: Schema.NullOr(ProviderScheduleId),
  scheduled: Schema.NullOr(ScheduledChange),
  pastDue: Schema.NullOr(PastDue),
})
/**
 * @category models
 * @since 0.1.0
 */
export interface SubscriptionState extends Schema.Schema.Type<typeof SubscriptionState> {}

/**
 * What happens to a subscription once at most, whatever is delivered in which order, and was told of already.
 *
 * @category models
 * @since 0.1.0
 */
export const Milestone = Schema.Literals(["started", "trial-started", "trial-ending", "trial-ended", "ended"])
/**
 * @category models
 * @since 0.1.0
 */
export type Milestone = typeof Milestone.Type

/**
 * A subscription as it rests: its state, whose it is, and what is still to be done about it.
 *
 * **Details**
 *
 * `applied` is the ticket of the look that `state` came from. `wants` is what a worker brings about: an end now or with
 * the period, because the payer is gone or going; seats are always wanted as memberships say.
 *
 * @category models
 * @since 0.1.0
 */
export interface StoredSubscription {
  readonly id: SubscriptionId
  readonly customerId: CustomerId
  readonly providerId: ProviderSubscriptionId
  readonly state: SubscriptionState
  readonly milestones: ReadonlySet<Milestone>
  readonly applied: number
  readonly wants: "end-now" | "end-with-period" | null
  readonly createdAt: DateTime.Utc
  readonly updatedAt: DateTime.Utc
}

/**
 * A subscription as services return it and as the wire carries it.
 *
 * @category models
 * @since 0.1.0
 */
export const Subscription = Schema.Struct({
  id: SubscriptionId,
  payer: Payer,
  plan: SubscriptionState.fields.plan,
  group: PlanGroup,
  status: SubscriptionStatus,
  isActive: Schema.Boolean,
  interval: SubscriptionState.fields.interval,
  priceId: SubscriptionState.fields.priceId,
  currency: Schema.String,
  /** What a period costs with its seats, in the smallest unit; null: some is measured, or has no single amount. */
  amount: Schema.NullOr(Schema.Int),
  seats: SubscriptionState.fields.seats,
  periodStart: SubscriptionState.fields.periodStart,
  periodEnd: SubscriptionState.fields.periodEnd,
  trialStart: SubscriptionState.fields.trialStart,
  trialEnd: SubscriptionState.fields.trialEnd,
  cancelAtPeriodEnd: Schema.Boolean,
  cancelAt: SubscriptionState.fields.cancelAt,
  canceledAt: SubscriptionState.fields.canceledAt,
  endedAt: SubscriptionState.fields.endedAt,
  scheduled: SubscriptionState.fields.scheduled,
  pastDue: SubscriptionState.fields.pastDue,
  limits: Schema.Record(LimitName, Schema.NullOr(Schema.Int)),
  createdAt: Schema.DateTimeUtc,
  updatedAt: Schema.DateTimeUtc,
}).annotate({ identifier: "Subscription" })
/**
 * @category models
 * @since 0.1.0
 */
export interface Subscription extends Schema.Schema.Type<typeof Subscription> {}

/**
 * Whether a subscription is over for good.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isEnded = (status: SubscriptionStatus): boolean => status === "canceled" || status === "incomplete_expired"

/**
 * Whether a subscription counts as there: neither over nor waiting for its first payment.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isActive = (status: SubscriptionStatus): boolean => !isEnded(status) && status !== "incomplete"

/**
 * Whether a price is the one that is named.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isPrice = (
  price: { readonly priceId: string; readonly lookupKey: string | null },
  ref: PriceRef | undefined,
): boolean => ref !== undefined && ("id" in ref ? ref.id === price.priceId : ref.lookupKey === price.lookupKey)

/**
 * The plan and interval whose price is among the items; undefined: none here. By price, not by what metadata say.
 *
 * @category decisions
 * @since 0.1.0
 */
export const planOf = (
  items: ReadonlyArray<{ readonly priceId: string; readonly lookupKey: string | null }>,
  plans: ReadonlyArray<Plan>,
): { readonly plan: Plan; readonly interval: BillingInterval; readonly item: number } | undefined => {
  for (const plan of plans) {
    for (const interval of BillingInterval.literals) {
      const item = items.findIndex((candidate) => isPrice(candidate, plan.prices[interval]))
      if (item >= 0) return { plan, interval, item }
    }
  }
  return undefined
}

/**
 * How a subscription stands, from what the provider has. `lookupKeyOf` names prices of a schedule, which come by id.
 *
 * @category decisions
 * @since 0.1.0
 */
export const stateOf = (
  found: ProviderSubscription,
  plans: ReadonlyArray<Plan>,
  options: {
    readonly previousGroup: PlanGroup
    readonly lookupKeyOf: (priceId: ProviderPriceId) => string | null
  },
): SubscriptionState => {
  const known = planOf(found.items, plans)
  const base = known === undefined ? found.items[0] : found.items[known.item]
  const period = found.items.toSorted((a, b) => a.periodEnd.epochMilliseconds - b.periodEnd.epochMilliseconds)[0]
  const next = found.schedule?.next ?? null
  const nextItems = (next?.items ?? []).map((item) => ({ ...item, lookupKey: options.lookupKeyOf(item.priceId) }))
  const nextPlan = planOf(nextItems, plans)
  const { latestInvoice } = found
  return {
    status: found.status,
    plan: known?.plan.name ?? null,
    group: known?.plan.group ?? options.previousGroup,
    interval: known?.interval ?? base?.interval ?? null,
    priceId: base?.priceId ?? null,
    currency: found.currency,
    seats: known === undefined ? null : seatsOf(found.items, known),
    items: found.items,
    periodStart: period?.periodStart ?? null,
    periodEnd: period?.periodEnd ?? null,
    trialStart: found.trialStart,
    trialEnd: found.trialEnd,
    cancelAtPeriodEnd: found.cancelAtPeriodEnd,
    cancelAt: found.cancelAt,
    canceledAt: found.canceledAt,
    endedAt: found.endedAt,
    endedBecause: found.endedBecause,
    scheduleId: found.schedule?.id ?? null,
    scheduled:
      next === null
        ? null
        : {
            plan: nextPlan?.plan.name ?? null,
            interval: nextPlan?.interval ?? null,
            seats: nextPlan === undefined ? null : seatsOf(nextItems, nextPlan),
            startsAt: next.startsAt,
          },
    pastDue:
      latestInvoice === null || (found.status !== "past_due" && found.status !== "unpaid")
        ? null
        : {
            invoiceId: latestInvoice.id,
            amountDue: latestInvoice.amountDue,
            currency: latestInvoice.currency,
            payUrl: latestInvoice.payUrl,
            nextAttemptAt: latestInvoice.nextAttemptAt,
          },
  }
}

/**
 * The place of the item that counts seats; -1: the plan has no seats, or the subscription no such item.
 *
 * @category decisions
 * @since 0.1.0
 */
export const seatItemOf = (
  items: ReadonlyArray<{ readonly priceId: string; readonly lookupKey: string | null }>,
  { plan, interval, item }: { readonly plan: Plan; readonly interval: BillingInterval; readonly item: number },
): number => {
  if (plan.seats === null) return -1
  const { prices } = plan.seats
  return prices === null ? item : items.findIndex((candidate) => isPrice(candidate, prices[interval]))
}

/**
 * There is no such subscription of this payer.
 *
 * @category errors
 * @since 0.1.0
 */
export class SubscriptionNotFound extends Schema.TaggedError<SubscriptionNotFound>(
  "@belfry/billing/SubscriptionNotFound",
)("SubscriptionNotFound", {}) {
  override get message(): string {
    return "No such subscription"
  }
}

/**
 * What is asked for does not fit how the subscription stands.
 *
 * **Details**
 *
 * `subscribed`: it is this already. `canceling`, `not-canceling`: it is to end already, or nothing is to be taken back.
 * `ended`: it is over. `unpaid`: an invoice is to be paid first. `busy`: something else is being done to it at this
 * moment. `superseded`: somebody asked for something else meanwhile. `period`: it has no period to change at the end
 * of.
 *
 * @category errors
 * @since 0.1.0
 */
export class SubscriptionConflict extends Schema.TaggedError<SubscriptionConflict>(
  "@belfry/billing/SubscriptionConflict",
)("SubscriptionConflict", {
  reason: Schema.Literals([
    "subscribed",
    "canceling",
    "not-canceling",
    "ended",
    "unpaid",
    "busy",
    "superseded",
    "period",
  ]),
}) {
  override get message(): string {
    return `The subscription does not allow this: ${this.reason}`
  }
}

// internal

const seatsOf = (
  items: ReadonlyArray<{
    readonly priceId: string
    readonly lookupKey: string | null
    readonly quantity: number | null
  }>,
  known: { readonly plan: Plan; readonly interval: BillingInterval; readonly item: number },
): number | null => items[seatItemOf(items, known)]?.quantity ?? null
