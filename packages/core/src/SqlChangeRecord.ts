/**
 * What changes leave behind, as parts of the statement that makes them: one change or many, whose values are rows of
 * JSON.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import type { ChangeRecord } from "./ChangeRecord.ts"
import { auditEventColumns } from "./SqlAuditStore.ts"
import { appendedTo, toEventRow } from "./SqlOutboxStore.ts"

/**
 * The columns of a record among those of a change, of which {@link toRecordRow} writes the values.
 *
 * @category rows
 * @since 0.1.0
 */
export const recordColumns = "audit jsonb, aggregate text, events jsonb"

/**
 * A record as values of {@link recordColumns}; null each without one.
 *
 * @category rows
 * @since 0.1.0
 */
export const toRecordRow = (record: ChangeRecord | undefined) =>
  record === undefined
    ? { audit: null, aggregate: null, events: null }
    : {
        audit: toAuditRow(record.audit),
        aggregate: record.events[0]?.aggregate ?? null,
        events: record.events.map(toEventRow),
      }

/**
 * Common table expressions that keep the record of each row of `table`, to stand after those of the changes. `table` is
 * one of them, with {@link recordColumns}, and has an aggregate once.
 *
 * **Example** (With the rows that were inserted)
 *
 * ```ts
 * sql.unsafe(
 *   `WITH asked AS (SELECT * FROM jsonb_to_recordset($1::jsonb) AS asked (id uuid, ${recordColumns})),
 *     kept AS (INSERT INTO things (id) SELECT id FROM asked ON CONFLICT DO NOTHING RETURNING id),
 *     made AS (SELECT asked.* FROM asked JOIN kept USING (id)), ${recordedIn("made")} SELECT id FROM made`,
 *   [toJsonb([{ id, ...toRecordRow(record) }])],
 * )
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const recordedIn = (table: string): string => `audited AS (
    INSERT INTO belfry_audit_events (${auditEventColumns})
    SELECT event.* FROM ${table} CROSS JOIN LATERAL jsonb_to_record(${table}.audit) AS event (
      id uuid, type text, outcome text, reason text, user_id uuid, session_id uuid, ip_address text, user_agent text,
      data jsonb, aggregate text, before jsonb, after jsonb, occurred_at timestamptz
    ) WHERE ${table}.audit IS NOT NULL
  ), ${appendedTo(table)}`

// internal

const toAuditRow = ({ client, occurredAt, sessionId, userId, ...event }: ChangeRecord["audit"]) => ({
  ...event,
  user_id: userId,
  session_id: sessionId,
  ip_address: client.ipAddress,
  user_agent: client.userAgent,
  occurred_at: DateTime.formatIso(occurredAt),
})
