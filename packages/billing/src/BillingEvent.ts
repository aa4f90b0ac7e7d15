/**
 * What happens to payers, as the outbox delivers it: at least once, in order for each customer.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { CustomerId } from "./BillingCustomer.ts"
import { Payer } from "./Payer.ts"
import { BillingInterval, PlanName } from "./Plan.ts"
import { SubscriptionStatus } from "./ProviderSubscription.ts"
import { ScheduledChange, SubscriptionId } from "./Subscription.ts"

const of = { customerId: CustomerId, payer: Schema.NullOr(Payer) }
const ofSubscription = { ...of, subscriptionId: SubscriptionId, plan: Schema.NullOr(PlanName) }

/**
 * What a change of a subscription is told by. Changes of one subscription chain: `after` of the one is `before` of the
 * next.
 *
 * @category models
 * @since 0.1.0
 */
export const SubscriptionSummary = Schema.Struct({
  status: SubscriptionStatus,
  plan: Schema.NullOr(PlanName),
  interval: Schema.NullOr(BillingInterval),
  seats: Schema.NullOr(Schema.Int),
  periodEnd: Schema.NullOr(Schema.DateTimeUtc),
  cancelAt: Schema.NullOr(Schema.DateTimeUtc),
  scheduled: Schema.NullOr(ScheduledChange),
})
/**
 * @category models
 * @since 0.1.0
 */
export interface SubscriptionSummary extends Schema.Schema.Type<typeof SubscriptionSummary> {}

/**
 * An event of a customer. `payer` null: who paid is gone. No event has an address, a name or a card in it.
 *
 * **Details**
 *
 * Started, TrialStarted, TrialEnding, TrialEnded and Ended come once for a subscription, whatever order its webhooks
 * come in. The rest tell differences between looks at it: what changed and changed back between two is not told of.
 *
 * @category models
 * @since 0.1.0
 */
export const BillingEvent = Schema.Union([
  Schema.TaggedStruct("CustomerCreated", of),
  Schema.TaggedStruct("SubscriptionStarted", {
    ...ofSubscription,
    via: Schema.Literals(["checkout", "elsewhere"]),
    summary: SubscriptionSummary,
  }),
  Schema.TaggedStruct("SubscriptionChanged", {
    ...ofSubscription,
    before: SubscriptionSummary,
    after: SubscriptionSummary,
  }),
  Schema.TaggedStruct("CancellationRequested", { ...ofSubscription, endsAt: Schema.NullOr(Schema.DateTimeUtc) }),
  Schema.TaggedStruct("CancellationWithdrawn", ofSubscription),
  Schema.TaggedStruct("SubscriptionPastDue", {
    ...ofSubscription,
    invoiceId: Schema.NullOr(Schema.String),
    amountDue: Schema.NullOr(Schema.Int),
    currency: Schema.String,
  }),
  Schema.TaggedStruct("SubscriptionRecovered", ofSubscription),
  Schema.TaggedStruct("SubscriptionEnded", { ...ofSubscription, reason: Schema.NullOr(Schema.String) }),
  Schema.TaggedStruct("TrialStarted", { ...ofSubscription, endsAt: Schema.DateTimeUtc }),
  Schema.TaggedStruct("TrialEnding", { ...ofSubscription, endsAt: Schema.DateTimeUtc }),
  Schema.TaggedStruct("TrialEnded", { ...ofSubscription, outcome: Schema.Literals(["converted", "expired"]) }),
  Schema.TaggedStruct("SeatsChanged", {
    ...ofSubscription,
    before: Schema.NullOr(Schema.Int),
    after: Schema.NullOr(Schema.Int),
  }),
  /** Every event of the provider that was genuine, once, after it was dealt with. */
  Schema.TaggedStruct("ProviderEventReceived", { ...of, eventId: Schema.String, eventType: Schema.String }),
])
/**
 * @category models
 * @since 0.1.0
 */
export type BillingEvent = typeof BillingEvent.Type
