/**
 * Operations: what somebody asked the provider for, written down before it is asked, so that asking again is the same.
 *
 * @since 0.1.0
 */
import type { UserId } from "@belfry/core/User"
import { isUuid } from "@belfry/core/Uuid"
import type * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import type { CustomerId } from "./BillingCustomer.ts"
import type { PlanGroup } from "./Plan.ts"
import { BillingInterval, PlanName, Proration } from "./Plan.ts"
import type { ProviderCheckoutId } from "./ProviderSubscription.ts"
import { DesiredItem } from "./ProviderSubscription.ts"
import type { SubscriptionId } from "./Subscription.ts"
import { Subscription } from "./Subscription.ts"

/**
 * Identifies an operation: a UUIDv7. The idempotency keys of everything that it asks the provider begin with it.
 *
 * @category models
 * @since 0.1.0
 */
export const OperationId = Schema.String.check(isUuid).pipe(Schema.brand("OperationId"))
/**
 * @category models
 * @since 0.1.0
 */
export type OperationId = typeof OperationId.Type

/**
 * What is asked for, whole: every attempt sends this and nothing else, since a key is good for one request alone.
 *
 * @category models
 * @since 0.1.0
 */
export const OperationRequest = Schema.Union([
  Schema.TaggedStruct("Checkout", {
    plan: PlanName,
    interval: BillingInterval,
    items: Schema.Array(DesiredItem),
    trialDays: Schema.NullOr(Schema.Int),
    successUrl: Schema.String,
    cancelUrl: Schema.String,
    /** Where the person goes when it is done; `successUrl` at the provider is ours. */
    returnUrl: Schema.String,
    locale: Schema.NullOr(Schema.String),
    expiresAt: Schema.DateTimeUtc,
    metadata: Schema.Record(Schema.String, Schema.String),
    /** What the host added, in the provider's words. */
    extra: Schema.Record(Schema.String, Schema.Json),
  }),
  Schema.TaggedStruct("Change", {
    plan: PlanName,
    interval: BillingInterval,
    items: Schema.Array(DesiredItem),
    proration: Proration,
  }),
  Schema.TaggedStruct("Schedule", {
    plan: PlanName,
    interval: BillingInterval,
    items: Schema.Array(DesiredItem),
    startsAt: Schema.DateTimeUtc,
  }),
  Schema.TaggedStruct("Release", {}),
  Schema.TaggedStruct("Cancel", { when: Schema.Literals(["now", "period-end"]) }),
  Schema.TaggedStruct("Restore", {}),
  Schema.TaggedStruct("Seats", { quantity: Schema.Int }),
])
/**
 * @category models
 * @since 0.1.0
 */
export type OperationRequest = typeof OperationRequest.Type

/**
 * What is asked for of a subscription that there is.
 *
 * @category models
 * @since 0.1.0
 */
export type SubscriptionRequest = Exclude<OperationRequest, { readonly _tag: "Checkout" }>

/**
 * How an operation stands. `superseded`: something else was asked for before it was done; `abandoned`: nobody knows
 * what became of it, and what the provider has was looked at instead.
 *
 * @category models
 * @since 0.1.0
 */
export const OperationStatus = Schema.Literals(["open", "done", "superseded", "failed", "abandoned"])
/**
 * @category models
 * @since 0.1.0
 */
export type OperationStatus = typeof OperationStatus.Type

/**
 * An operation. `fingerprint` is equal for requests that want the same; of a customer and group, one checkout is open.
 *
 * @category models
 * @since 0.1.0
 */
export interface Operation {
  readonly id: OperationId
  readonly customerId: CustomerId
  readonly group: PlanGroup
  readonly subscriptionId: SubscriptionId | null
  readonly request: OperationRequest
  readonly fingerprint: string
  readonly status: OperationStatus
  readonly checkoutId: ProviderCheckoutId | null
  readonly url: string | null
  readonly actorId: UserId | null
  readonly createdAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc
}

/**
 * What an upgrade came to.
 *
 * **Details**
 *
 * `checkout`, `portal`: the person goes to `url`, of the provider, to confirm. `changed`: it is done. `scheduled`: it
 * comes with the end of the period. `released`: what was scheduled is taken back. For these `url` is the return URL.
 *
 * @category models
 * @since 0.1.0
 */
export const UpgradeOutcome = Schema.Struct({
  kind: Schema.Literals(["checkout", "portal", "changed", "scheduled", "released"]),
  url: Schema.String,
  checkoutId: Schema.NullOr(OperationId),
  subscription: Schema.NullOr(Subscription),
}).annotate({ identifier: "UpgradeOutcome" })
/**
 * @category models
 * @since 0.1.0
 */
export interface UpgradeOutcome extends Schema.Schema.Type<typeof UpgradeOutcome> {}

/**
 * How a checkout stands. `finalizing`: paid, and the subscription is not known here yet.
 *
 * @category models
 * @since 0.1.0
 */
export const CheckoutView = Schema.Struct({
  id: OperationId,
  status: Schema.Literals(["open", "finalizing", "complete", "expired"]),
  plan: PlanName,
  /** Where the person goes when it is complete. */
  returnUrl: Schema.String,
  /** Where the person goes when it is given up, or over without being paid. */
  cancelUrl: Schema.String,
  /** Where it goes on; null: it is not open. */
  url: Schema.NullOr(Schema.String),
  subscription: Schema.NullOr(Subscription),
}).annotate({ identifier: "Checkout" })
/**
 * @category models
 * @since 0.1.0
 */
export interface CheckoutView extends Schema.Schema.Type<typeof CheckoutView> {}

/**
 * There is no such checkout, or it is not the caller's to see.
 *
 * @category errors
 * @since 0.1.0
 */
export class CheckoutNotFound extends Schema.TaggedError<CheckoutNotFound>("@belfry/billing/CheckoutNotFound")(
  "CheckoutNotFound",
  {},
) {
  override get message(): string {
    return "No such checkout"
  }
}

/**
 * The person's address must be verified before anything is bought.
 *
 * @category errors
 * @since 0.1.0
 */
export class EmailUnverified extends Schema.TaggedError<EmailUnverified>("@belfry/billing/EmailUnverified")(
  "EmailUnverified",
  {},
) {
  override get message(): string {
    return "Verify your address first"
  }
}
