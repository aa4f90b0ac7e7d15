/**
 * Port: where events wait for their delivery.
 *
 * @since 0.1.0
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type { NewOutboxEvent, OutboxEvent } from "./OutboxEvent.ts"
import type { StoreError } from "./StoreError.ts"

/**
 * The next events of an aggregate, leased to one node. `attempts` is how often their delivery failed before.
 *
 * @category models
 * @since 0.1.0
 */
export interface OutboxBatch {
  readonly aggregate: string
  readonly attempts: number
  readonly events: NonEmptyReadonlyArray<OutboxEvent>
}

/**
 * How the lease of an aggregate ends: its events up to version `delivered` are, what is left failed `attempts` times
 * and is due at `retryAt`, or at once where that is null.
 *
 * @category models
 * @since 0.1.0
 */
export interface OutboxOutcome {
  readonly aggregate: string
  readonly delivered: number
  readonly attempts: number
  readonly retryAt: DateTime.Utc | null
}

/**
 * Where events wait for their delivery: of each aggregate in the order of their versions, by one node at a time.
 *
 * @category ports
 * @since 0.1.0
 */
export class OutboxStore extends Context.Service<
  OutboxStore,
  {
    /**
     * Keeps events of one aggregate, in this order, after those that it has. For use in the transaction of their
     * change; whoever appends to the same aggregate waits for its end, so that versions are in the order of commits.
     */
    readonly append: (events: NonEmptyReadonlyArray<NewOutboxEvent>) => Effect.Effect<void, StoreError>
    /**
     * Leases at most `aggregates` aggregates with events that are due at `now`, the ones due longest first, to `lease`
     * until `until`, and reads at most `events` of each. Leased ones are due again when their lease is over. One
     * statement; of any number of concurrent calls, one gets an aggregate.
     */
    readonly claim: (options: {
      readonly lease: string
      readonly now: DateTime.Utc
      readonly until: DateTime.Utc
      readonly aggregates: number
      readonly events: number
    }) => Effect.Effect<ReadonlyArray<OutboxBatch>, StoreError>
    /**
     * Ends the leases of different aggregates, and answers with those whose lease it ended: where it is somebody
     * else's by now, nothing is changed. One statement for all to which nobody appends at that moment; it holds none
     * of them while it waits for another.
     */
    readonly settle: (options: {
      readonly lease: string
      readonly outcomes: NonEmptyReadonlyArray<OutboxOutcome>
      readonly now: DateTime.Utc
    }) => Effect.Effect<ReadonlyArray<string>, StoreError>
    /** Removes at most `limit` events from before `instant` that were delivered; the number removed. */
    readonly removeDelivered: (instant: DateTime.Utc, limit: number) => Effect.Effect<number, StoreError>
    /** Since when the oldest event waits that is not delivered; null when none does. */
    readonly waitsSince: Effect.Effect<DateTime.Utc | null, StoreError>
  }
>()("@belfry/core/OutboxStore") {}
