/**
 * Audit events in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { AuditEvent, AuditEventId } from "./AuditEvent.ts"
import { AuditStore } from "./AuditStore.ts"
import { toJsonb } from "./SqlJson.ts"
import type { SessionId } from "./Session.ts"
import * as SqlStoreError from "./SqlStoreError.ts"
import type { UserId } from "./User.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "AuditStore")
  const columns = sql.literal(auditEventColumns)

  return AuditStore.of({
    insert: (event) =>
      Effect.asVoid(
        statements.write(
          "insert",
          sql`INSERT INTO belfry_audit_events (${columns}) VALUES (
            ${event.id}, ${event.type}, ${event.outcome}, ${event.reason}, ${event.userId}, ${event.sessionId},
            ${event.client.ipAddress}, ${event.client.userAgent}, ${toJsonb(event.data)}::jsonb,
            ${event.aggregate}, ${toNullableJsonb(event.before)}::jsonb, ${toNullableJsonb(event.after)}::jsonb,
            ${DateTime.toDateUtc(event.occurredAt)}
          )`,
        ),
      ),
    list: ({ userId, aggregate, typePrefix, before, limit }) =>
      Effect.map(
        statements.read(
          "list",
          sql<AuditEventRow>`SELECT ${columns} FROM belfry_audit_events WHERE ${sql.and([
            ...Option.toArray(Option.map(userId, (id) => sql`user_id = ${id}`)),
            ...Option.toArray(Option.map(aggregate, (name) => sql`aggregate = ${name}`)),
            ...Option.toArray(Option.map(typePrefix, (prefix) => sql`starts_with(type, ${prefix})`)),
            ...Option.toArray(Option.map(before, (id) => sql`id < ${id}`)),
          ])} ORDER BY id DESC LIMIT ${limit}`,
        ),
        (rows) => rows.map(toAuditEvent),
      ),
    removeBefore: (instant, limit) =>
      Effect.map(
        statements.write(
          "removeBefore",
          sql<{ readonly count: number }>`WITH removed AS (
            DELETE FROM belfry_audit_events WHERE ctid = ANY (ARRAY (
              SELECT ctid FROM belfry_audit_events WHERE occurred_at < ${DateTime.toDateUtc(instant)}
              ORDER BY occurred_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
            )) RETURNING 1
          ) SELECT count(*)::int4 AS count FROM removed`,
        ),
        (rows) => rows[0]?.count ?? 0,
      ),
  })
})

/**
 * Layer that keeps audit events in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<AuditStore, never, SqlClient.SqlClient> = Layer.effect(AuditStore, make)

/**
 * The columns of `belfry_audit_events` that make an {@link AuditEventRow}, for adapters that join them.
 *
 * @category rows
 * @since 0.1.0
 */
export const auditEventColumns =
  "id, type, outcome, reason, user_id, session_id, ip_address, user_agent, data, aggregate, before, after, occurred_at"

/**
 * An audit event as the table has it.
 *
 * @category rows
 * @since 0.1.0
 */
export interface AuditEventRow {
  readonly id: AuditEventId
  readonly type: string
  readonly outcome: AuditEvent["outcome"]
  readonly reason: string | null
  readonly user_id: UserId | null
  readonly session_id: SessionId | null
  readonly ip_address: string | null
  readonly user_agent: string | null
  readonly data: AuditEvent["data"]
  readonly aggregate: string | null
  readonly before: AuditEvent["before"]
  readonly after: AuditEvent["after"]
  readonly occurred_at: Date
}

/**
 * The audit event of a row.
 *
 * @category rows
 * @since 0.1.0
 */
export const toAuditEvent = (row: AuditEventRow): AuditEvent => ({
  id: row.id,
  type: row.type,
  outcome: row.outcome,
  reason: row.reason,
  userId: row.user_id,
  sessionId: row.session_id,
  client: { ipAddress: row.ip_address, userAgent: row.user_agent },
  data: row.data,
  aggregate: row.aggregate,
  before: row.before,
  after: row.after,
  occurredAt: DateTime.fromDateUnsafe(row.occurred_at),
})

/**
 * Facts as text of JSON, of an event that may have none.
 *
 * @category rows
 * @since 0.1.0
 */
export const toNullableJsonb = (facts: AuditEvent["before"]): string | null => (facts === null ? null : toJsonb(facts))
