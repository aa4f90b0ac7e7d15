/**
 * Operations as rows of `belfry_billing_operations`.
 */
import type { UserId } from "@belfry/core/User"
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import type { CustomerId } from "../BillingCustomer.ts"
import { type Operation, type OperationId, OperationRequest, type OperationStatus } from "../Operation.ts"
import type { PlanGroup } from "../Plan.ts"
import type { ProviderCheckoutId } from "../ProviderSubscription.ts"
import type { SubscriptionId } from "../Subscription.ts"

/** The columns of an {@link OperationRow}, of `belfry_billing_operations AS o`. */
export const operationColumns = `o.id, o.customer_id, o.plan_group, o.subscription_id, o.request, o.fingerprint,
  o.status, o.checkout_id, o.url, o.actor_id, o.created_at, o.expires_at`

export interface OperationRow {
  readonly id: OperationId
  readonly customer_id: CustomerId
  readonly plan_group: PlanGroup
  readonly subscription_id: SubscriptionId | null
  readonly request: unknown
  readonly fingerprint: string
  readonly status: OperationStatus
  readonly checkout_id: ProviderCheckoutId | null
  readonly url: string | null
  readonly actor_id: UserId | null
  readonly created_at: Date
  readonly expires_at: Date
}

/** The operation of a row. */
export const toOperation = (row: OperationRow): Operation => ({
  id: row.id,
  customerId: row.customer_id,
  group: row.plan_group,
  subscriptionId: row.subscription_id,
  request: decodeRequest(row.request),
  fingerprint: row.fingerprint,
  status: row.status,
  checkoutId: row.checkout_id,
  url: row.url,
  actorId: row.actor_id,
  createdAt: DateTime.fromDateUnsafe(row.created_at),
  expiresAt: DateTime.fromDateUnsafe(row.expires_at),
})

/** A request as JSON. */
export const encodeRequest = (request: OperationRequest): Schema.Json => encode(request)

// internal

const requestJson = Schema.toCodecJson(OperationRequest)
const encode = Schema.encodeSync(requestJson)
const decodeRequest = Schema.decodeUnknownSync(requestJson)
