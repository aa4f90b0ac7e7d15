/**
 * What a change leaves behind: its audit event and its events in the outbox, made before the change is written, so that
 * a store keeps them with it.
 *
 * @since 0.1.0
 */
import type { AuditEvent } from "./AuditEvent.ts"
import type { NewOutboxEvent } from "./OutboxEvent.ts"

/**
 * What a change leaves behind. `events` are of one aggregate, in their order.
 *
 * **Details**
 *
 * A change that is one statement needs no transaction to be kept together with its record: the store that has it writes
 * both in that statement, or neither.
 *
 * @category models
 * @since 0.1.0
 */
export interface ChangeRecord {
  readonly audit: AuditEvent
  readonly events: ReadonlyArray<NewOutboxEvent>
}
