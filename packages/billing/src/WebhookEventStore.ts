/**
 * Port: the inbox of the provider's events, and which of our own hooks ran.
 *
 * @since 0.1.0
 */
import type { OutboxEventId } from "@belfry/core/OutboxEvent"
import type { StoreError } from "@belfry/core/StoreError"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { WebhookEnvelope, WebhookEvent, WebhookEventId, WebhookReason, WebhookStatus } from "./WebhookEvent.ts"

/**
 * Where events of the provider wait, and are remembered so that none counts twice.
 *
 * @category ports
 * @since 0.1.0
 */
export class WebhookEventStore extends Context.Service<
  WebhookEventStore,
  {
    /** Keeps an event unless it is there, and returns how it stands. `dueAt` is when a sweep takes it up. */
    readonly receive: (
      event: WebhookEnvelope,
      at: { readonly now: DateTime.Utc; readonly dueAt: DateTime.Utc },
    ) => Effect.Effect<{ readonly isNew: boolean; readonly event: WebhookEvent }, StoreError>
    readonly find: (id: WebhookEventId) => Effect.Effect<Option.Option<WebhookEvent>, StoreError>
    /**
     * Closes an event that is not done. In the transaction of what it changed. False: it was done by then, so that
     * whoever loses undoes what they changed or changed nothing.
     */
    readonly finish: (
      id: WebhookEventId,
      status: "done" | "ignored",
      reason: WebhookReason | null,
      now: DateTime.Utc,
    ) => Effect.Effect<boolean, StoreError>
    /** Counts an attempt that failed: due again at `retryAt`, or parked where that is null. Leaves what is done. */
    readonly fail: (
      id: WebhookEventId,
      reason: WebhookReason,
      retryAt: DateTime.Utc | null,
    ) => Effect.Effect<void, StoreError>
    /** Has an event dealt with anew, whatever became of it; its attempts begin again. None: there is none. */
    readonly reopen: (id: WebhookEventId, now: DateTime.Utc) => Effect.Effect<Option.Option<WebhookEvent>, StoreError>
    /** Takes events that are due, until `until`. Of any number of concurrent calls, one gets an event. */
    readonly claim: (options: {
      readonly now: DateTime.Utc
      readonly until: DateTime.Utc
      readonly limit: number
    }) => Effect.Effect<ReadonlyArray<WebhookEvent>, StoreError>
    /** Events, newest first, of one status or of all. */
    readonly list: (options: {
      readonly status: WebhookStatus | null
      readonly after: WebhookEventId | null
      readonly limit: number
    }) => Effect.Effect<ReadonlyArray<WebhookEvent>, StoreError>
    /** Removes at most `limit` events, done or ignored, from before `instant`; the number removed. */
    readonly removeClosed: (instant: DateTime.Utc, limit: number) => Effect.Effect<number, StoreError>
    /** When a job of this name got so far (`events`), or ran (`customers`); null: never. */
    readonly cursor: (name: string) => Effect.Effect<DateTime.Utc | null, StoreError>
    readonly setCursor: (name: string, instant: DateTime.Utc) => Effect.Effect<void, StoreError>
    /** Claims a run of the host's hook for an event of the outbox; false: it ran. In the transaction of the run. */
    readonly claimHook: (id: OutboxEventId, now: DateTime.Utc) => Effect.Effect<boolean, StoreError>
    readonly removeHooks: (instant: DateTime.Utc, limit: number) => Effect.Effect<number, StoreError>
  }
>()("@belfry/billing/WebhookEventStore") {}
