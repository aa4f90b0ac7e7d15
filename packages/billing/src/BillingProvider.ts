/**
 * Port: who takes the money. Every write has an idempotency key: asked again with it, the provider does nothing more
 * and answers the same.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { BillingCustomer, CustomerProfile, ProviderCustomerId } from "./BillingCustomer.ts"
import type { BillingProviderError, PaymentDeclined } from "./BillingProviderError.ts"
import type { Invoice } from "./Invoice.ts"
import type { OperationRequest } from "./Operation.ts"
import type { BillingInterval, PriceRef, Proration } from "./Plan.ts"
import type {
  DesiredItem,
  ProviderCheckout,
  ProviderCheckoutId,
  ProviderItem,
  ProviderPrice,
  ProviderScheduleId,
  ProviderSubscription,
  ProviderSubscriptionId,
} from "./ProviderSubscription.ts"
import type { WebhookEnvelope, WebhookRefused } from "./WebhookEvent.ts"

/**
 * A key under which the provider does something once: `belfry-<id>-<step>`, at most 255 characters.
 *
 * @category models
 * @since 0.1.0
 */
export type IdempotencyKey = string

/**
 * A customer as the provider has it now.
 *
 * @category models
 * @since 0.1.0
 */
export interface ProviderCustomer {
  readonly id: ProviderCustomerId
  readonly isDeleted: boolean
  readonly profile: CustomerProfile
  readonly metadata: { readonly [key: string]: string }
}

/**
 * What the portal is opened for. `update`: confirm a change of one item, `cancel`: end a subscription.
 *
 * @category models
 * @since 0.1.0
 */
export type PortalFlow =
  | { readonly _tag: "Home" }
  | { readonly _tag: "PaymentMethod" }
  | { readonly _tag: "Cancel"; readonly subscriptionId: ProviderSubscriptionId }
  | {
      readonly _tag: "Update"
      readonly subscriptionId: ProviderSubscriptionId
      readonly itemId: string
      readonly item: DesiredItem
    }

/**
 * A change of a subscription: every item as it is to be. Those with `id` are changed, the others added; items that the
 * subscription has and this does not name are taken off. Null leaves alone.
 *
 * @category models
 * @since 0.1.0
 */
export interface SubscriptionUpdate {
  readonly items: ReadonlyArray<DesiredItem & { readonly id: string | null }> | null
  readonly removed: ReadonlyArray<ProviderItem>
  readonly proration: Proration
  /** Whether a payment that is declined undoes the change, rather than leaving the invoice open. */
  readonly failsWhenDeclined: boolean
  readonly cancelAtPeriodEnd: boolean | null
  /** Takes a set day of end back. */
  readonly clearsCancelAt: boolean
  readonly metadata: { readonly [key: string]: string } | null
}

/**
 * Who takes the money.
 *
 * **Details**
 *
 * Answers are whole: lists are read to their end, unless they say otherwise. Calls that may succeed later are tried
 * again with the same key, a few times, before they fail.
 *
 * @category ports
 * @since 0.1.0
 */
export class BillingProvider extends Context.Service<
  BillingProvider,
  {
    /** Whether there is one: false where nothing is sold. */
    readonly isEnabled: boolean
    /** Whether real money moves. Events of the other mode are not ours. */
    readonly isLive: boolean
    readonly createCustomer: (
      request: BillingCustomer["request"],
      key: IdempotencyKey,
    ) => Effect.Effect<ProviderCustomer, BillingProviderError>
    readonly updateCustomer: (
      id: ProviderCustomerId,
      change: { readonly profile?: CustomerProfile; readonly metadata?: { readonly [key: string]: string } },
      key: IdempotencyKey,
    ) => Effect.Effect<ProviderCustomer, BillingProviderError>
    /** None: no such customer. One that was deleted is found, and says so. */
    readonly findCustomer: (
      id: ProviderCustomerId,
    ) => Effect.Effect<Option.Option<ProviderCustomer>, BillingProviderError>
    /** Those whose metadata say so. The provider finds new ones with a delay. At most 10. */
    readonly searchCustomers: (metadata: {
      readonly key: string
      readonly value: string
    }) => Effect.Effect<ReadonlyArray<ProviderCustomer>, BillingProviderError>
    /** Those of an address. At most 10. */
    readonly listCustomersByEmail: (
      email: string,
    ) => Effect.Effect<ReadonlyArray<ProviderCustomer>, BillingProviderError>
    /** The prices that these name and the provider has, active or not. */
    readonly findPrices: (
      refs: ReadonlyArray<PriceRef>,
    ) => Effect.Effect<ReadonlyArray<ProviderPrice>, BillingProviderError>
    readonly createCheckout: (
      options: Extract<OperationRequest, { readonly _tag: "Checkout" }> & { readonly customerId: ProviderCustomerId },
      key: IdempotencyKey,
    ) => Effect.Effect<ProviderCheckout, BillingProviderError>
    readonly findCheckout: (
      id: ProviderCheckoutId,
    ) => Effect.Effect<Option.Option<ProviderCheckout>, BillingProviderError>
    /** Closes a checkout that is open; what it is now, open no more. */
    readonly expireCheckout: (id: ProviderCheckoutId) => Effect.Effect<ProviderCheckout, BillingProviderError>
    /** The address of the portal, good for a few minutes. */
    readonly createPortal: (options: {
      readonly customerId: ProviderCustomerId
      readonly flow: PortalFlow
      readonly returnUrl: string
      readonly locale: string | null
    }) => Effect.Effect<string, BillingProviderError>
    /** A subscription with its schedule and newest invoice, in one call. None: no such subscription. */
    readonly findSubscription: (
      id: ProviderSubscriptionId,
    ) => Effect.Effect<Option.Option<ProviderSubscription>, BillingProviderError>
    /** Ids of a customer's subscriptions, those that ended too with `ended`. */
    readonly listSubscriptions: (
      customerId: ProviderCustomerId,
      options: { readonly ended: boolean },
    ) => Effect.Effect<ReadonlyArray<ProviderSubscriptionId>, BillingProviderError>
    readonly updateSubscription: (
      id: ProviderSubscriptionId,
      update: SubscriptionUpdate,
      key: IdempotencyKey,
    ) => Effect.Effect<void, BillingProviderError | PaymentDeclined>
    /** Ends a subscription at once. One that ended already is fine. */
    readonly cancelSubscription: (
      id: ProviderSubscriptionId,
      key: IdempotencyKey,
    ) => Effect.Effect<void, BillingProviderError>
    /** Has the items change when the current period ends; a schedule that there is must be released before. */
    readonly scheduleChange: (
      id: ProviderSubscriptionId,
      change: {
        readonly items: ReadonlyArray<DesiredItem>
        readonly interval: BillingInterval
        readonly startsAt: DateTime.Utc
      },
      key: IdempotencyKey,
    ) => Effect.Effect<void, BillingProviderError>
    /** Takes a schedule off its subscription, which goes on as it is. One that is off already is fine. */
    readonly releaseSchedule: (id: ProviderScheduleId, key: IdempotencyKey) => Effect.Effect<void, BillingProviderError>
    /** Invoices of a customer, newest first, without drafts: `limit` of them, after the one of this id. */
    readonly listInvoices: (
      customerId: ProviderCustomerId,
      page: { readonly limit: number; readonly after: string | null },
    ) => Effect.Effect<ReadonlyArray<Invoice>, BillingProviderError>
    /** Events since `instant` of the types that count here, oldest first, at most 1,000. The provider keeps 30 days. */
    readonly listEvents: (since: DateTime.Utc) => Effect.Effect<ReadonlyArray<WebhookEnvelope>, BillingProviderError>
    /** Reads a webhook: the signature over these very bytes, made within the tolerance of `now`. */
    readonly readWebhook: (request: {
      readonly body: Uint8Array
      readonly signature: string | undefined
      readonly now: DateTime.Utc
    }) => Effect.Effect<WebhookEnvelope, WebhookRefused>
  }
>()("@belfry/billing/BillingProvider") {}
