/**
 * The outbox: events that commit with their change and are delivered afterwards, at least once, in order for each
 * aggregate.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Latch from "effect/Latch"
import type * as Schema from "effect/Schema"
import { type NewOutboxEvent, OutboxEventId } from "./OutboxEvent.ts"
import { OutboxStore } from "./OutboxStore.ts"
import type { StoreError } from "./StoreError.ts"
import { TransactionStore } from "./TransactionStore.ts"

/**
 * What a caller says of an event; id, version and time are added.
 *
 * @category models
 * @since 0.1.0
 */
export interface OutboxEntry {
  readonly type: string
  readonly payload: Schema.Json
}

/**
 * The outbox.
 *
 * @category services
 * @since 0.1.0
 */
export class Outbox extends Context.Service<
  Outbox,
  {
    /** The events that `append` would keep, for a store that keeps them with their change: see `announce`. */
    readonly prepare: (
      aggregate: string,
      entries: ReadonlyArray<OutboxEntry>,
    ) => Effect.Effect<ReadonlyArray<NewOutboxEvent>>
    /** Says that prepared events were kept: to the deliverer, once they are committed. */
    readonly announce: Effect.Effect<void>
    /** Keeps events of one aggregate in the transaction that is open; they vanish with it. None at all is fine. */
    readonly append: (aggregate: string, entries: ReadonlyArray<OutboxEntry>) => Effect.Effect<void, StoreError>
    /** Opens when this process committed events: for the deliverer, which need not wait for its next round then. */
    readonly arrivals: Latch.Latch
  }
>()("@belfry/core/Outbox") {}

/**
 * The outbox over an {@link OutboxStore}.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(
  Outbox,
  Effect.gen(function* () {
    const store = yield* OutboxStore
    const transactions = yield* TransactionStore
    const random = yield* SecureRandom.SecureRandom
    const arrivals = yield* Latch.make(false)
    const announce = transactions.afterCommit(Effect.asVoid(arrivals.open))
    const prepare = Effect.fnUntraced(function* (aggregate: string, entries: ReadonlyArray<OutboxEntry>) {
      const occurredAt = yield* DateTime.now
      return yield* Effect.forEach(entries, (entry) =>
        Effect.map(random.uuidV7(), (id): NewOutboxEvent => ({
          ...entry,
          id: OutboxEventId.make(id),
          aggregate,
          occurredAt,
        })),
      )
    })
    return Outbox.of({
      arrivals,
      prepare,
      announce,
      append: Effect.fnUntraced(function* (aggregate, entries) {
        const [first, ...rest] = yield* prepare(aggregate, entries)
        if (first === undefined) return
        yield* store.append([first, ...rest])
        yield* announce
      }),
    })
  }),
)
