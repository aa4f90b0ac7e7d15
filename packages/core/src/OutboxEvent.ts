/**
 * An event that is kept in the transaction of its change, to be delivered afterwards.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { isUuid } from "./Uuid.ts"

/**
 * Identifies an event of the outbox: a UUIDv7. Whoever gets one twice knows it by this.
 *
 * @category models
 * @since 0.1.0
 */
export const OutboxEventId = Schema.String.check(isUuid).pipe(Schema.brand("OutboxEventId"))
/**
 * @category models
 * @since 0.1.0
 */
export type OutboxEventId = typeof OutboxEventId.Type

/**
 * An event of the outbox.
 *
 * **Details**
 *
 * `aggregate` is what it happened to (`organization:<id>`); `version` counts the events of an aggregate from 1, without
 * gaps, in the order in which their transactions committed. `payload` is JSON of the package that `type` belongs to
 * (`organization.MemberAdded`).
 *
 * @category models
 * @since 0.1.0
 */
export const OutboxEvent = Schema.Struct({
  id: OutboxEventId,
  aggregate: Schema.String.check(Schema.isPattern(/^[a-z][a-z0-9-]*:[\x21-\x7E]{1,128}$/u)),
  version: Schema.Int,
  type: Schema.String.check(Schema.isPattern(/^[a-z][a-z0-9-]*\.[A-Z][A-Za-z]*$/u)),
  payload: Schema.Json,
  occurredAt: Schema.DateTimeUtc,
}).annotate({ identifier: "OutboxEvent" })
/**
 * @category models
 * @since 0.1.0
 */
export interface OutboxEvent extends Schema.Schema.Type<typeof OutboxEvent> {}

/**
 * An event before the store gave it its version.
 *
 * @category models
 * @since 0.1.0
 */
export type NewOutboxEvent = Omit<OutboxEvent, "version">
