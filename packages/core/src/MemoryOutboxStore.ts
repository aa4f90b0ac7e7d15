/**
 * The outbox in memory.
 *
 * @since 0.1.0
 */
import { isReadonlyArrayNonEmpty } from "effect/Array"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { refuse } from "./MemoryStoreError.ts"
import { MemoryTables } from "./MemoryTables.ts"
import type { OutboxEvent, OutboxEventId } from "./OutboxEvent.ts"
import { OutboxStore } from "./OutboxStore.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const aggregates = yield* tables.table<string, AggregateRow>("outbox_aggregates")
  const events = yield* tables.table<OutboxEventId, OutboxEvent>("outbox_events")

  const waiting = (row: AggregateRow) =>
    [...events.values()]
      .filter((event) => event.aggregate === row.aggregate && event.version > row.deliveredVersion)
      .sort((a, b) => a.version - b.version)

  return OutboxStore.of({
    append: (appended) =>
      tables.statement(() => {
        const [{ aggregate, occurredAt }] = appended
        if (appended.some((event) => events.has(event.id))) return refuse("OutboxStore", "append", "unique id")
        const head = aggregates.get(aggregate) ?? newAggregate(aggregate)
        appended.forEach((event, index) =>
          events.set(event.id, { ...event, aggregate, version: head.lastVersion + index + 1 }),
        )
        const lastVersion = head.lastVersion + appended.length
        aggregates.set(aggregate, { ...head, lastVersion, dueAt: head.dueAt ?? occurredAt })
        return Effect.void
      }),
    claim: (options) =>
      tables.statement(() => {
        const due = [...aggregates.values()]
          .flatMap((row) => (row.dueAt === null ? [] : [{ row, dueAt: row.dueAt.epochMilliseconds }]))
          .filter(({ dueAt }) => dueAt <= options.now.epochMilliseconds)
          .sort((a, b) => a.dueAt - b.dueAt)
          .slice(0, options.aggregates)
        return Effect.succeed(
          due.flatMap(({ row }) => {
            const { aggregate, attempts } = row
            aggregates.set(aggregate, { ...row, lease: options.lease, dueAt: options.until })
            const batch = waiting(row).slice(0, options.events)
            return isReadonlyArrayNonEmpty(batch) ? [{ aggregate, attempts, events: batch }] : []
          }),
        )
      }),
    settle: ({ lease, now, outcomes }) =>
      tables.statement(() =>
        Effect.succeed(
          outcomes.flatMap(({ aggregate, attempts, delivered, retryAt }) => {
            const row = aggregates.get(aggregate)
            if (row?.lease !== lease) return []
            const dueAt = retryAt ?? (row.lastVersion > delivered ? now : null)
            aggregates.set(aggregate, { ...row, deliveredVersion: delivered, lease: null, attempts, dueAt })
            return [aggregate]
          }),
        ),
      ),
    removeDelivered: (instant, limit) =>
      tables.statement(() => {
        const old = [...events.values()]
          .filter(
            (event) =>
              event.occurredAt.epochMilliseconds < instant.epochMilliseconds &&
              event.version <= (aggregates.get(event.aggregate)?.deliveredVersion ?? 0),
          )
          .sort((a, b) => a.occurredAt.epochMilliseconds - b.occurredAt.epochMilliseconds)
          .slice(0, limit)
        old.forEach((event) => events.delete(event.id))
        return Effect.succeed(old.length)
      }),
    waitsSince: tables.statement(() => {
      const instants = [...aggregates.values()].flatMap((row) =>
        waiting(row)
          .slice(0, 1)
          .map((event) => event.occurredAt),
      )
      const [oldest] = instants.sort((a, b) => a.epochMilliseconds - b.epochMilliseconds)
      return Effect.succeed(oldest ?? null)
    }),
  })
})

/**
 * Layer that keeps the outbox in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<OutboxStore, never, MemoryTables> = Layer.effect(OutboxStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface AggregateRow {
  readonly aggregate: string
  readonly lastVersion: number
  readonly deliveredVersion: number
  readonly dueAt: DateTime.Utc | null
  readonly lease: string | null
  readonly attempts: number
}

const newAggregate = (aggregate: string): AggregateRow => ({
  aggregate,
  lastVersion: 0,
  deliveredVersion: 0,
  dueAt: null,
  lease: null,
  attempts: 0,
})
