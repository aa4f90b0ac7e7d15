/**
 * The settings of billing.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import { grantingStatuses } from "./Entitlement.ts"
import type { SubscriptionStatus } from "./ProviderSubscription.ts"

/**
 * The settings of billing. Every one has a default.
 *
 * @category models
 * @since 0.1.0
 */
export interface BillingSettingsService {
  /** Whether people need a verified address to buy: no. */
  readonly requiresVerifiedEmail: boolean
  /** What deleting a payer with a subscription comes to: it is refused, or the subscription ends: refused. */
  readonly deletion: "refuse" | "cancel"
  /** Whether a customer whom the provider knows by a user's verified address becomes theirs: no. */
  readonly adoptsCustomers: boolean
  /** Whether the provider is told of every user who signs up: no. */
  readonly createsCustomerOnSignUp: boolean
  /** For how long a checkout is open: 2 hours; 30 minutes to 24 hours. */
  readonly checkoutLifetime: Duration.Duration
  /** How long before its end a trial is said to end: 3 days. */
  readonly trialNotice: Duration.Duration
  /** How subscriptions may stand whose plans count: active, trialing, past due. */
  readonly granting: ReadonlySet<SubscriptionStatus>
  /** How often a webhook is tried before it waits for a replay: 12 times, over about two days. */
  readonly webhookAttempts: number
  /** How long events stay that are done: 30 days. */
  readonly eventRetention: Duration.Duration
  /** How often every customer is compared with the provider: every day. */
  readonly reconcileInterval: Duration.Duration
  /** Whether rate limits count: yes. */
  readonly limitsRates: boolean
}

/**
 * The defaults.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Partial<BillingSettingsService> = {}): BillingSettingsService => ({
  requiresVerifiedEmail: false,
  deletion: "refuse",
  adoptsCustomers: false,
  createsCustomerOnSignUp: false,
  checkoutLifetime: Duration.hours(2),
  trialNotice: Duration.days(3),
  granting: grantingStatuses,
  webhookAttempts: 12,
  eventRetention: Duration.days(30),
  reconcileInterval: Duration.days(1),
  limitsRates: true,
  ...options,
})

/**
 * The settings of billing; the defaults, unless a host provides others.
 *
 * @category services
 * @since 0.1.0
 */
export const BillingSettings = Context.Reference<BillingSettingsService>("@belfry/billing/BillingSettings", {
  defaultValue: () => make(),
})
