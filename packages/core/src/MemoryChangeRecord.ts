/**
 * What a change leaves behind, kept in memory in the transaction of the change.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { AuditStore } from "./AuditStore.ts"
import type { ChangeRecord } from "./ChangeRecord.ts"
import { MemoryTables } from "./MemoryTables.ts"
import { OutboxStore } from "./OutboxStore.ts"
import type { StoreError } from "./StoreError.ts"

/**
 * Over the shared tables: makes a change, and keeps its record in the same transaction where the change was made.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const audit = yield* AuditStore
  const outbox = yield* OutboxStore

  return <A, E>(
    change: Effect.Effect<A, E>,
    isMade: (outcome: A) => boolean,
    record: ChangeRecord | undefined,
  ): Effect.Effect<A, E | StoreError> => {
    if (record === undefined) return change
    const [first, ...rest] = record.events
    const keep = Effect.andThen(
      audit.insert(record.audit),
      first === undefined ? Effect.void : outbox.append([first, ...rest]),
    )
    return tables.transaction(Effect.tap(change, (outcome) => (isMade(outcome) ? keep : Effect.void)))
  }
})
