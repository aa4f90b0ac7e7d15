/**
 * What waits in the outbox, for tests of what changes leave behind.
 *
 * @since 0.1.0
 */
import { OutboxStore } from "@belfry/core/OutboxStore"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"

/**
 * The payloads of the events of an aggregate in their order, each once: those that were taken are delivered. What
 * others have waits on.
 *
 * @category observing
 * @since 0.1.0
 */
export const takePayloads = Effect.fnUntraced(function* (aggregate: string) {
  const store = yield* OutboxStore
  const now = yield* DateTime.now
  const lease = "00000000-0000-7000-8000-000000000000"
  // The lease is over at once.
  const batches = yield* store.claim({ lease, now, until: now, aggregates: 1000, events: 1000 })
  const own = batches.filter((batch) => batch.aggregate === aggregate).flatMap(({ events }) => events)
  const delivered = own.at(-1)?.version
  if (delivered !== undefined) {
    yield* store.settle({ lease, outcomes: [{ aggregate, delivered, attempts: 0, retryAt: null }], now })
  }
  return own.map(({ payload }) => payload)
})
