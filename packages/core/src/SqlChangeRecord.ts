/**
 * What a change leaves behind, as parts of the statement that makes the change.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import type * as SqlClient from "effect/sql/SqlClient"
import type { Fragment } from "effect/sql/Statement"
import type { ChangeRecord } from "./ChangeRecord.ts"
import { auditEventColumns, toNullableJsonb } from "./SqlAuditStore.ts"
import { toJsonb } from "./SqlJson.ts"
import { appendTo } from "./SqlOutboxStore.ts"

/**
 * Common table expressions that keep a record where `table` has a row, to stand after those of the change; nothing
 * without a record. `table` is one of them, and has one row or none.
 *
 * **Example** (With the row that was inserted)
 *
 * ```ts
 * sql`WITH made AS (INSERT INTO things (id) VALUES (${id}) ON CONFLICT DO NOTHING RETURNING id)
 *   ${recorded(sql, "made", record)} SELECT EXISTS (SELECT FROM made) AS is_made`
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const recorded = (sql: SqlClient.SqlClient, table: string, record: ChangeRecord | undefined): Fragment => {
  if (record === undefined) return sql``
  const { audit, events } = record
  const from = sql.literal(table)
  const [first, ...rest] = events
  return sql`, audited AS (
      INSERT INTO belfry_audit_events (${sql.literal(auditEventColumns)})
      SELECT ${audit.id}::uuid, ${audit.type}::text, ${audit.outcome}::text, ${audit.reason}::text, ${audit.userId}::uuid,
        ${audit.sessionId}::uuid, ${audit.client.ipAddress}::text, ${audit.client.userAgent}::text,
        ${toJsonb(audit.data)}::jsonb, ${audit.aggregate}::text, ${toNullableJsonb(audit.before)}::jsonb,
        ${toNullableJsonb(audit.after)}::jsonb, ${DateTime.toDateUtc(audit.occurredAt)}::timestamptz
      FROM ${from}
    )${first === undefined ? sql`` : sql`, ${appendTo(sql, [first, ...rest], from)}`}`
}
