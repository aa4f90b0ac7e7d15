/**
 * Subscriptions as rows of `belfry_billing_subscriptions`.
 */
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import type { CustomerId } from "../BillingCustomer.ts"
import type { ProviderSubscriptionId } from "../ProviderSubscription.ts"
import { type Milestone, type StoredSubscription, type SubscriptionId, SubscriptionState } from "../Subscription.ts"
import type { SubscriptionLease } from "../SubscriptionStore.ts"

/** The columns of a {@link SubscriptionRow}, of `belfry_billing_subscriptions AS s`. */
export const subscriptionColumns = `s.id, s.customer_id, s.provider_id, s.state, s.milestones,
  s.applied::float8 AS applied, s.wants, s.created_at, s.updated_at`

/** The condition by which a subscription is not over, of `belfry_billing_subscriptions AS s`. */
export const isNotEnded = "s.status NOT IN ('canceled', 'incomplete_expired')"

export interface SubscriptionRow {
  readonly id: SubscriptionId
  readonly customer_id: CustomerId
  readonly provider_id: ProviderSubscriptionId
  readonly state: unknown
  readonly milestones: ReadonlyArray<Milestone>
  readonly applied: number
  readonly wants: StoredSubscription["wants"]
  readonly created_at: Date
  readonly updated_at: Date
}

/** A row with a lease. */
export interface LeaseRow extends SubscriptionRow {
  readonly asked: number
  readonly attempts: number
}

/** The subscription of a row. */
export const toSubscription = (row: SubscriptionRow): StoredSubscription => ({
  id: row.id,
  customerId: row.customer_id,
  providerId: row.provider_id,
  state: decodeState(row.state),
  milestones: new Set(row.milestones),
  applied: row.applied,
  wants: row.wants,
  createdAt: DateTime.fromDateUnsafe(row.created_at),
  updatedAt: DateTime.fromDateUnsafe(row.updated_at),
})

/** What was leased, of a row. */
export const toLease = (row: LeaseRow, lease: string): SubscriptionLease => ({
  subscription: toSubscription(row),
  lease,
  asked: row.asked,
  attempts: row.attempts,
})

/** A state as JSON. */
export const encodeState = (state: SubscriptionState): Schema.Json => encode(state)

// internal

const stateJson = Schema.toCodecJson(SubscriptionState)
const encode = Schema.encodeSync(stateJson)
const decodeState = Schema.decodeUnknownSync(stateJson)
