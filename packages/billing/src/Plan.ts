/**
 * Plans: what is sold, at which prices of the provider, and what it gives.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { PayerKind } from "./Payer.ts"

/**
 * The name of a plan, in small letters. Requests name it without regard to case.
 *
 * @category models
 * @since 0.1.0
 */
export const PlanName = Schema.String.check(Schema.isPattern(/^[a-z][a-z0-9_-]{0,62}$/u)).pipe(Schema.brand("PlanName"))
/**
 * @category models
 * @since 0.1.0
 */
export type PlanName = typeof PlanName.Type

/**
 * A group of plans of which a payer has one at a time. A payer has as many subscriptions as there are groups.
 *
 * @category models
 * @since 0.1.0
 */
export const PlanGroup = Schema.String.check(Schema.isPattern(/^[a-z][a-z0-9-]{0,62}$/u)).pipe(
  Schema.brand("PlanGroup"),
)
/**
 * @category models
 * @since 0.1.0
 */
export type PlanGroup = typeof PlanGroup.Type

/**
 * The group of a plan that names none.
 *
 * @category models
 * @since 0.1.0
 */
export const defaultGroup = PlanGroup.make("main")

/**
 * The name of a feature that plans give.
 *
 * @category models
 * @since 0.1.0
 */
export const Feature = Schema.String.check(Schema.isPattern(/^[a-z][A-Za-z0-9-]{0,62}$/u)).pipe(Schema.brand("Feature"))
/**
 * @category models
 * @since 0.1.0
 */
export type Feature = typeof Feature.Type

/**
 * The name of a limit that plans set.
 *
 * @category models
 * @since 0.1.0
 */
export const LimitName = Schema.String.check(Schema.isPattern(/^[a-z][A-Za-z0-9-]{0,62}$/u)).pipe(
  Schema.brand("LimitName"),
)
/**
 * @category models
 * @since 0.1.0
 */
export type LimitName = typeof LimitName.Type

/**
 * How often a subscription is paid.
 *
 * @category models
 * @since 0.1.0
 */
export const BillingInterval = Schema.Literals(["day", "week", "month", "year"])
/**
 * @category models
 * @since 0.1.0
 */
export type BillingInterval = typeof BillingInterval.Type

/**
 * What names a price at the provider: its id, or a lookup key that is transferred between prices there.
 *
 * @category models
 * @since 0.1.0
 */
export const PriceRef = Schema.Union([
  Schema.Struct({ id: Schema.NonEmptyString }),
  Schema.Struct({ lookupKey: Schema.NonEmptyString }),
])
/**
 * @category models
 * @since 0.1.0
 */
export type PriceRef = typeof PriceRef.Type

/**
 * A price for every interval in which something is sold.
 *
 * @category models
 * @since 0.1.0
 */
export const IntervalPrices = Schema.Struct({
  day: Schema.optionalKey(PriceRef),
  week: Schema.optionalKey(PriceRef),
  month: Schema.optionalKey(PriceRef),
  year: Schema.optionalKey(PriceRef),
})
/**
 * @category models
 * @since 0.1.0
 */
export interface IntervalPrices extends Schema.Schema.Type<typeof IntervalPrices> {}

/**
 * Seats: `prices` of one seat, beside the plan's own price; null where that is the price of a seat. At least `minimum`
 * are paid.
 *
 * @category models
 * @since 0.1.0
 */
export const PlanSeats = Schema.Struct({
  prices: Schema.NullOr(IntervalPrices),
  minimum: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)),
})

/**
 * Something that is sold along with a plan. `quantity` null: what is used is measured, so there is none.
 *
 * @category models
 * @since 0.1.0
 */
export const PlanItem = Schema.Struct({
  prices: IntervalPrices,
  quantity: Schema.NullOr(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))),
})

/**
 * What happens to the difference when a subscription changes within its period.
 *
 * @category models
 * @since 0.1.0
 */
export const Proration = Schema.Literals(["always-invoice", "create-prorations", "none"])
/**
 * @category models
 * @since 0.1.0
 */
export type Proration = typeof Proration.Type

/**
 * A plan.
 *
 * **Details**
 *
 * `features` and `limits` are what it gives; null is no limit. `trialDays`: once for each payer and group.
 *
 * @category models
 * @since 0.1.0
 */
export const Plan = Schema.Struct({
  name: PlanName,
  title: Schema.String,
  description: Schema.NullOr(Schema.String),
  group: PlanGroup,
  audience: Schema.NonEmptyArray(PayerKind),
  prices: IntervalPrices,
  seats: Schema.NullOr(PlanSeats),
  items: Schema.Array(PlanItem),
  features: Schema.Array(Feature),
  limits: Schema.Record(LimitName, Schema.NullOr(Schema.Int)),
  trialDays: Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 730 }))),
  proration: Proration,
}).annotate({ identifier: "Plan" })
/**
 * @category models
 * @since 0.1.0
 */
export interface Plan extends Schema.Schema.Type<typeof Plan> {}

/**
 * What an interval of a plan costs, for people to read: `amount`, which is 0 where there is nothing but seats, and
 * `seatAmount` for each seat. Amounts are in the smallest unit of the currency; null where the provider has no single
 * amount. What is measured is not in them.
 *
 * @category models
 * @since 0.1.0
 */
export const PlanPrice = Schema.Struct({
  interval: BillingInterval,
  currency: Schema.String,
  amount: Schema.NullOr(Schema.Int),
  seatAmount: Schema.NullOr(Schema.Int),
})
/**
 * @category models
 * @since 0.1.0
 */
export interface PlanPrice extends Schema.Schema.Type<typeof PlanPrice> {}

/**
 * A plan as everybody may see it. No price ids.
 *
 * @category models
 * @since 0.1.0
 */
export const PlanView = Schema.Struct({
  name: PlanName,
  title: Schema.String,
  description: Schema.NullOr(Schema.String),
  group: PlanGroup,
  audience: Schema.Array(PayerKind),
  features: Schema.Array(Feature),
  limits: Schema.Record(LimitName, Schema.NullOr(Schema.Int)),
  trialDays: Schema.NullOr(Schema.Int),
  hasSeats: Schema.Boolean,
  prices: Schema.Array(PlanPrice),
}).annotate({ identifier: "PlanView" })
/**
 * @category models
 * @since 0.1.0
 */
export interface PlanView extends Schema.Schema.Type<typeof PlanView> {}

/**
 * There is no such plan for this payer (`plan`), it is not sold in this interval (`interval`), or the provider has no
 * such price that is active (`price`).
 *
 * @category errors
 * @since 0.1.0
 */
export class PlanNotFound extends Schema.TaggedError<PlanNotFound>("@belfry/billing/PlanNotFound")("PlanNotFound", {
  reason: Schema.Literals(["plan", "interval", "price"]),
}) {
  override get message(): string {
    return { plan: "No such plan", interval: "The plan is not sold so", price: "The plan has no price" }[this.reason]
  }
}
