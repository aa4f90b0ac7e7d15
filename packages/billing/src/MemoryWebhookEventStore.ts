/**
 * The inbox of the provider's events in memory.
 *
 * @since 0.1.0
 */
import { MemoryTables } from "@belfry/core/MemoryTables"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { MemoryBillingTables } from "./MemoryBillingTables.ts"
import type { WebhookEvent } from "./WebhookEvent.ts"
import { WebhookEventStore } from "./WebhookEventStore.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const { cursors, events, hookRuns } = yield* MemoryBillingTables

  const change = (event: WebhookEvent, patch: Partial<WebhookEvent>): WebhookEvent => {
    const changed = { ...event, ...patch }
    events.set(event.id, changed)
    return changed
  }

  return WebhookEventStore.of({
    receive: (envelope, { dueAt, now }) =>
      tables.statement(() => {
        const earlier = events.get(envelope.id)
        const event: WebhookEvent = earlier ?? {
          ...envelope,
          status: "waiting",
          reason: null,
          attempts: 0,
          receivedAt: now,
          dueAt,
          doneAt: null,
        }
        events.set(event.id, event)
        return Effect.succeed({ isNew: earlier === undefined, event })
      }),
    find: (id) => tables.statement(() => Effect.succeed(Option.fromUndefinedOr(events.get(id)))),
    finish: (id, status, reason, now) =>
      tables.statement(() => {
        const event = events.get(id)
        if (event === undefined || event.doneAt !== null) return Effect.succeed(false)
        change(event, { status, reason, dueAt: null, doneAt: now })
        return Effect.succeed(true)
      }),
    fail: (id, reason, retryAt) =>
      tables.statement(() =>
        Effect.sync(() => {
          const event = events.get(id)
          if (event?.status !== "waiting") return
          const status = retryAt === null ? "parked" : "waiting"
          change(event, { status, reason, attempts: event.attempts + 1, dueAt: retryAt })
        }),
      ),
    reopen: (id, now) =>
      tables.statement(() => {
        const event = events.get(id)
        if (event === undefined) return Effect.succeedNone
        const anew = { status: "waiting", reason: null, attempts: 0, dueAt: now, doneAt: null } as const
        return Effect.succeedSome(change(event, anew))
      }),
    claim: ({ limit, now, until }) =>
      tables.statement(() => {
        const due = [...events.values()]
          .flatMap((event) => (event.dueAt === null ? [] : [{ event, dueAt: event.dueAt }]))
          .filter(({ dueAt }) => DateTime.isLessThanOrEqualTo(dueAt, now))
          .sort((a, b) => a.dueAt.epochMilliseconds - b.dueAt.epochMilliseconds)
          .slice(0, limit)
        return Effect.succeed(due.map(({ event }) => change(event, { dueAt: until })))
      }),
    list: ({ after, limit, status }) =>
      tables.statement(() => {
        const place = after === null ? undefined : events.get(after)
        return Effect.succeed(
          [...events.values()]
            .filter((event) => status === null || event.status === status)
            .filter((event) => after === null || (place !== undefined && newestFirst(place, event) < 0))
            .sort(newestFirst)
            .slice(0, limit),
        )
      }),
    removeClosed: (instant, limit) =>
      tables.statement(() => Effect.sync(() => removeOld(events, doneAt, instant, limit))),
    cursor: (name) => tables.statement(() => Effect.succeed(cursors.get(name) ?? null)),
    setCursor: (name, instant) => tables.statement(() => Effect.sync(() => void cursors.set(name, instant))),
    claimHook: (id, now) =>
      tables.statement(() => {
        if (hookRuns.has(id)) return Effect.succeed(false)
        hookRuns.set(id, now)
        return Effect.succeed(true)
      }),
    removeHooks: (instant, limit) =>
      tables.statement(() => Effect.sync(() => removeOld(hookRuns, (ranAt) => ranAt, instant, limit))),
  })
})

/**
 * Layer that keeps the inbox in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<WebhookEventStore, never, MemoryBillingTables | MemoryTables> = Layer.effect(
  WebhookEventStore,
  make,
)

// internal

const doneAt = (event: WebhookEvent): DateTime.Utc | null => event.doneAt

const newestFirst = (a: WebhookEvent, b: WebhookEvent): number =>
  b.receivedAt.epochMilliseconds - a.receivedAt.epochMilliseconds || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0)

/** Removes the oldest rows from before `instant`; the number removed. */
const removeOld = <Key, Row>(
  rows: Map<Key, Row>,
  instantOf: (row: Row) => DateTime.Utc | null,
  instant: DateTime.Utc,
  limit: number,
): number => {
  const old = [...rows]
    .flatMap(([key, row]) => {
      const at = instantOf(row)
      return at !== null && DateTime.isLessThan(at, instant) ? [{ key, at: at.epochMilliseconds }] : []
    })
    .sort((a, b) => a.at - b.at)
    .slice(0, limit)
  for (const { key } of old) rows.delete(key)
  return old.length
}
