/**
 * What the provider knows: subscriptions, schedules, prices, checkouts, as this package reads them. Objects of the
 * provider are never passed through.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { ProviderCustomerId } from "./BillingCustomer.ts"
import { BillingInterval } from "./Plan.ts"

const id = (name: string) =>
  Schema.String.check(Schema.isPattern(/^[\x21-\x7E]{1,255}$/u, { message: `Expected ${name}` }))

/**
 * Identifies a subscription at the provider (`sub_...`).
 *
 * @category models
 * @since 0.1.0
 */
export const ProviderSubscriptionId = id("a subscription").pipe(Schema.brand("ProviderSubscriptionId"))
/**
 * @category models
 * @since 0.1.0
 */
export type ProviderSubscriptionId = typeof ProviderSubscriptionId.Type

/**
 * Identifies a price at the provider (`price_...`).
 *
 * @category models
 * @since 0.1.0
 */
export const ProviderPriceId = id("a price").pipe(Schema.brand("ProviderPriceId"))
/**
 * @category models
 * @since 0.1.0
 */
export type ProviderPriceId = typeof ProviderPriceId.Type

/**
 * Identifies a schedule at the provider (`sub_sched_...`).
 *
 * @category models
 * @since 0.1.0
 */
export const ProviderScheduleId = id("a schedule").pipe(Schema.brand("ProviderScheduleId"))
/**
 * @category models
 * @since 0.1.0
 */
export type ProviderScheduleId = typeof ProviderScheduleId.Type

/**
 * Identifies a checkout at the provider (`cs_...`).
 *
 * @category models
 * @since 0.1.0
 */
export const ProviderCheckoutId = id("a checkout").pipe(Schema.brand("ProviderCheckoutId"))
/**
 * @category models
 * @since 0.1.0
 */
export type ProviderCheckoutId = typeof ProviderCheckoutId.Type

/**
 * How a subscription stands, in the provider's words, all eight of them. Any other word is refused at the port.
 *
 * @see [Stripe: the subscription object](https://docs.stripe.com/api/subscriptions/object#subscription_object-status)
 * @category models
 * @since 0.1.0
 */
export const SubscriptionStatus = Schema.Literals([
  "active",
  "canceled",
  "incomplete",
  "incomplete_expired",
  "past_due",
  "paused",
  "trialing",
  "unpaid",
])
/**
 * @category models
 * @since 0.1.0
 */
export type SubscriptionStatus = typeof SubscriptionStatus.Type

/**
 * One item of a subscription. `quantity` null: measured.
 *
 * @category models
 * @since 0.1.0
 */
export const ProviderItem = Schema.Struct({
  id: Schema.String,
  priceId: ProviderPriceId,
  lookupKey: Schema.NullOr(Schema.String),
  interval: Schema.NullOr(BillingInterval),
  currency: Schema.String,
  amount: Schema.NullOr(Schema.Int),
  quantity: Schema.NullOr(Schema.Int),
  periodStart: Schema.DateTimeUtc,
  periodEnd: Schema.DateTimeUtc,
})
/**
 * @category models
 * @since 0.1.0
 */
export interface ProviderItem extends Schema.Schema.Type<typeof ProviderItem> {}

/**
 * A schedule that changes a subscription later. `next`: what comes when the current phase ends; null: nothing.
 *
 * @category models
 * @since 0.1.0
 */
export const ProviderSchedule = Schema.Struct({
  id: ProviderScheduleId,
  /** Whether this installation made it. */
  isOwn: Schema.Boolean,
  next: Schema.NullOr(
    Schema.Struct({
      startsAt: Schema.DateTimeUtc,
      items: Schema.Array(Schema.Struct({ priceId: ProviderPriceId, quantity: Schema.NullOr(Schema.Int) })),
    }),
  ),
})

/**
 * The newest invoice of a subscription, as far as paying it goes.
 *
 * @category models
 * @since 0.1.0
 */
export const LatestInvoice = Schema.Struct({
  id: Schema.String,
  status: Schema.NullOr(Schema.Literals(["draft", "open", "paid", "uncollectible", "void"])),
  amountDue: Schema.Int,
  currency: Schema.String,
  payUrl: Schema.NullOr(Schema.String),
  nextAttemptAt: Schema.NullOr(Schema.DateTimeUtc),
})

/**
 * A subscription as the provider has it now.
 *
 * **Details**
 *
 * `endedBecause` is the provider's reason where it ended or is to end. `metadata` are ours or somebody's: nothing is
 * decided by them alone.
 *
 * @category models
 * @since 0.1.0
 */
export const ProviderSubscription = Schema.Struct({
  id: ProviderSubscriptionId,
  customerId: ProviderCustomerId,
  status: SubscriptionStatus,
  items: Schema.Array(ProviderItem),
  currency: Schema.String,
  trialStart: Schema.NullOr(Schema.DateTimeUtc),
  trialEnd: Schema.NullOr(Schema.DateTimeUtc),
  cancelAtPeriodEnd: Schema.Boolean,
  cancelAt: Schema.NullOr(Schema.DateTimeUtc),
  canceledAt: Schema.NullOr(Schema.DateTimeUtc),
  endedAt: Schema.NullOr(Schema.DateTimeUtc),
  endedBecause: Schema.NullOr(Schema.String),
  schedule: Schema.NullOr(ProviderSchedule),
  latestInvoice: Schema.NullOr(LatestInvoice),
  metadata: Schema.Record(Schema.String, Schema.String),
  createdAt: Schema.DateTimeUtc,
})
/**
 * @category models
 * @since 0.1.0
 */
export interface ProviderSubscription extends Schema.Schema.Type<typeof ProviderSubscription> {}

/**
 * A price of the provider.
 *
 * @category models
 * @since 0.1.0
 */
export const ProviderPrice = Schema.Struct({
  id: ProviderPriceId,
  lookupKey: Schema.NullOr(Schema.String),
  isActive: Schema.Boolean,
  currency: Schema.String,
  amount: Schema.NullOr(Schema.Int),
  interval: Schema.NullOr(BillingInterval),
  isMetered: Schema.Boolean,
})
/**
 * @category models
 * @since 0.1.0
 */
export interface ProviderPrice extends Schema.Schema.Type<typeof ProviderPrice> {}

/**
 * A checkout as the provider has it now.
 *
 * @category models
 * @since 0.1.0
 */
export const ProviderCheckout = Schema.Struct({
  id: ProviderCheckoutId,
  status: Schema.Literals(["open", "complete", "expired"]),
  url: Schema.NullOr(Schema.String),
  customerId: Schema.NullOr(ProviderCustomerId),
  subscriptionId: Schema.NullOr(ProviderSubscriptionId),
  expiresAt: Schema.DateTimeUtc,
  metadata: Schema.Record(Schema.String, Schema.String),
})
/**
 * @category models
 * @since 0.1.0
 */
export interface ProviderCheckout extends Schema.Schema.Type<typeof ProviderCheckout> {}

/**
 * An item that is asked for. `quantity` null: measured.
 *
 * @category models
 * @since 0.1.0
 */
export const DesiredItem = Schema.Struct({ priceId: ProviderPriceId, quantity: Schema.NullOr(Schema.Int) })
/**
 * @category models
 * @since 0.1.0
 */
export interface DesiredItem extends Schema.Schema.Type<typeof DesiredItem> {}
