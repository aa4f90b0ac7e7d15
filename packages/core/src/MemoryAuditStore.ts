/**
 * Audit events in memory.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { AuditEvent, AuditEventId } from "./AuditEvent.ts"
import { AuditStore } from "./AuditStore.ts"
import { refuse } from "./MemoryStoreError.ts"
import { MemoryTables } from "./MemoryTables.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const events = yield* tables.table<AuditEventId, AuditEvent>("audit_events")

  return AuditStore.of({
    insert: (event) =>
      tables.statement(() => {
        if (events.has(event.id)) return refuse("AuditStore", "insert", "unique id")
        events.set(event.id, event)
        return Effect.void
      }),
    list: ({ userId, aggregate, typePrefix, before, limit }) =>
      tables.statement(() =>
        Effect.succeed(
          [...events.values()]
            .filter(
              (event) =>
                (Option.isNone(userId) || event.userId === userId.value) &&
                (Option.isNone(aggregate) || event.aggregate === aggregate.value) &&
                (Option.isNone(typePrefix) || event.type.startsWith(typePrefix.value)) &&
                (Option.isNone(before) || event.id < before.value),
            )
            .sort((a, b) => (a.id < b.id ? 1 : -1))
            .slice(0, limit),
        ),
      ),
    removeBefore: (instant, limit) =>
      tables.statement(() => {
        const old = [...events.values()]
          .filter((event) => event.occurredAt.epochMilliseconds < instant.epochMilliseconds)
          .sort((a, b) => a.occurredAt.epochMilliseconds - b.occurredAt.epochMilliseconds)
          .slice(0, limit)
        old.forEach((event) => events.delete(event.id))
        return Effect.succeed(old.length)
      }),
  })
})

/**
 * Layer that keeps audit events in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<AuditStore, never, MemoryTables> = Layer.effect(AuditStore, make)
