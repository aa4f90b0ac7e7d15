/**
 * Events of the provider as rows of `belfry_billing_events`.
 */
import * as DateTime from "effect/DateTime"
import type { WebhookEvent, WebhookEventId, WebhookReason, WebhookStatus } from "../WebhookEvent.ts"

/** The columns of a {@link WebhookEventRow}, of `belfry_billing_events AS e`. */
export const webhookEventColumns = `e.id, e.type, e.api_version, e.is_live, e.occurred_at, e.object_type, e.object_id,
  e.customer_id, e.subscription_id, e.status, e.reason, e.attempts, e.received_at, e.due_at, e.done_at`

export interface WebhookEventRow {
  readonly id: WebhookEventId
  readonly type: string
  readonly api_version: string | null
  readonly is_live: boolean
  readonly occurred_at: Date
  readonly object_type: string
  readonly object_id: string | null
  readonly customer_id: string | null
  readonly subscription_id: string | null
  readonly status: WebhookStatus
  readonly reason: WebhookReason | null
  readonly attempts: number
  readonly received_at: Date
  readonly due_at: Date | null
  readonly done_at: Date | null
}

/** The event of a row. */
export const toWebhookEvent = (row: WebhookEventRow): WebhookEvent => ({
  id: row.id,
  type: row.type,
  apiVersion: row.api_version,
  isLive: row.is_live,
  createdAt: DateTime.fromDateUnsafe(row.occurred_at),
  objectType: row.object_type,
  objectId: row.object_id,
  customerId: row.customer_id,
  subscriptionId: row.subscription_id,
  status: row.status,
  reason: row.reason,
  attempts: row.attempts,
  receivedAt: DateTime.fromDateUnsafe(row.received_at),
  dueAt: row.due_at === null ? null : DateTime.fromDateUnsafe(row.due_at),
  doneAt: row.done_at === null ? null : DateTime.fromDateUnsafe(row.done_at),
})
