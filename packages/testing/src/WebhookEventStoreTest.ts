/**
 * Contract suite of {@link WebhookEventStore}.
 *
 * @since 0.1.0
 */
import type { WebhookEnvelope, WebhookEvent } from "@belfry/billing/WebhookEvent"
import { WebhookEventStore } from "@belfry/billing/WebhookEventStore"
import { assert, layer as withLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as BillingBuilders from "./BillingBuilders.ts"
import * as Builders from "./Builders.ts"

/**
 * Registers the suite for an adapter.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<WebhookEventStore, E>): void =>
  withLayer(layer)(`WebhookEventStore (${name})`, (it) => {
    it.effect("keeps an event once, however often it comes at once", () =>
      Effect.gen(function* () {
        const events = yield* WebhookEventStore
        const envelope = yield* BillingBuilders.webhookEnvelope()
        const now = yield* DateTime.now
        const dueAt = soon(now)
        const all = yield* Effect.all(
          Array.from({ length: 20 }, () => events.receive(envelope, { now, dueAt })),
          { concurrency: "unbounded" },
        )
        const event: WebhookEvent = {
          ...envelope,
          status: "waiting",
          reason: null,
          attempts: 0,
          receivedAt: now,
          dueAt,
          doneAt: null,
        }
        assert.strictEqual(all.filter(({ isNew }) => isNew).length, 1)
        for (const received of all) assert.deepStrictEqual(received.event, event)
        assert.deepStrictEqual(yield* events.find(envelope.id), Option.some(event))
        const later = { now: soon(now), dueAt: soon(soon(now)) }
        const empty = { objectId: null, customerId: null, subscriptionId: null, apiVersion: null }
        assert.deepStrictEqual(yield* events.receive({ ...envelope, ...empty, isLive: true }, later), {
          isNew: false,
          event,
        })
        const other = yield* BillingBuilders.webhookEnvelope(empty)
        const { event: bare } = yield* events.receive(other, later)
        assert.deepStrictEqual(yield* events.find(other.id), Option.some(bare))
        assert.deepInclude(bare, { ...empty, receivedAt: later.now, dueAt: later.dueAt })
        const { id } = yield* BillingBuilders.webhookEnvelope()
        assert.deepStrictEqual(yield* events.find(id), Option.none())
      }),
    )

    it.effect("closes an event once", () =>
      Effect.gen(function* () {
        const events = yield* WebhookEventStore
        const event = yield* received()
        const { id } = event
        const now = soon(event.receivedAt)
        const all = yield* Effect.all(
          Array.from({ length: 10 }, () => events.finish(id, "done", null, now)),
          { concurrency: "unbounded" },
        )
        assert.strictEqual(all.filter((isClosed) => isClosed).length, 1)
        const done = Option.some<WebhookEvent>({ ...event, status: "done", dueAt: null, doneAt: now })
        assert.isFalse(yield* events.finish(id, "ignored", "foreign", soon(now)))
        yield* events.fail(id, "provider", soon(now))
        yield* events.fail(id, "provider", null)
        assert.deepStrictEqual(yield* events.find(id), done)
        const { id: absent } = yield* BillingBuilders.webhookEnvelope()
        assert.isFalse(yield* events.finish(absent, "done", null, now))
      }),
    )

    it.effect("says why an event is ignored, also one that was parked", () =>
      Effect.gen(function* () {
        const events = yield* WebhookEventStore
        const event = yield* received()
        const { id, receivedAt: doneAt } = event
        yield* events.fail(id, "unexpected", null)
        assert.isTrue(yield* events.finish(id, "ignored", "foreign", doneAt))
        const ignored: WebhookEvent = {
          ...event,
          status: "ignored",
          reason: "foreign",
          attempts: 1,
          dueAt: null,
          doneAt,
        }
        assert.deepStrictEqual(yield* events.find(id), Option.some(ignored))
      }),
    )

    it.effect("counts attempts that failed, until the event is parked", () =>
      Effect.gen(function* () {
        const events = yield* WebhookEventStore
        const event = yield* received()
        const { id } = event
        const retryAt = DateTime.add(event.receivedAt, { hours: 6 })
        yield* events.fail(id, "provider", retryAt)
        const once: WebhookEvent = { ...event, reason: "provider", attempts: 1, dueAt: retryAt }
        assert.deepStrictEqual(yield* events.find(id), Option.some(once))
        yield* events.fail(id, "store", null)
        const parked: WebhookEvent = { ...event, status: "parked", reason: "store", attempts: 2, dueAt: null }
        assert.deepStrictEqual(yield* events.find(id), Option.some(parked))
        // Whoever comes later with the same failure finds it parked.
        yield* events.fail(id, "provider", retryAt)
        assert.deepStrictEqual(yield* events.find(id), Option.some(parked))
      }),
    )

    it.effect("has an event dealt with anew, whatever became of it", () =>
      Effect.gen(function* () {
        const events = yield* WebhookEventStore
        const { id: absent } = yield* BillingBuilders.webhookEnvelope()
        for (const close of [events.finish, (id: WebhookEvent["id"]) => events.fail(id, "malformed", null)]) {
          const event = yield* received()
          yield* close(event.id, "done", null, event.receivedAt)
          const now = soon(soon(event.receivedAt))
          const anew = Option.some({ ...event, dueAt: now })
          assert.deepStrictEqual(yield* events.reopen(event.id, now), anew)
          assert.deepStrictEqual(yield* events.find(event.id), anew)
          assert.isTrue(yield* events.finish(event.id, "done", null, now))
          assert.deepStrictEqual(yield* events.reopen(absent, now), Option.none())
        }
      }),
    )

    it.effect("gives an event that is due to one of those who ask, until a time", () =>
      Effect.gen(function* () {
        const events = yield* WebhookEventStore
        const mine = yield* Effect.all(Array.from({ length: 6 }, () => received()))
        const [closed = assert.fail(), ...open] = mine
        yield* events.finish(closed.id, "done", null, closed.receivedAt)
        const now = soon(closed.receivedAt)
        const until = soon(now)
        const claim = (at: DateTime.Utc, limit: number) =>
          Effect.map(events.claim({ now: at, until, limit }), (found) =>
            found.filter((event) => mine.some(({ id }) => id === event.id)),
          )
        assert.deepStrictEqual(yield* claim(DateTime.subtract(now, { milliseconds: 1 }), 1000), [])
        assert.isAtMost((yield* events.claim({ now, until, limit: 1 })).length, 1)
        const all = yield* Effect.all(
          Array.from({ length: 5 }, () => claim(now, 1000)),
          { concurrency: "unbounded" },
        )
        const claimed = all.flat()
        assert.isAtLeast(claimed.length, open.length - 1)
        assert.strictEqual(new Set(claimed.map(({ id }) => id)).size, claimed.length)
        for (const event of claimed) assert.deepStrictEqual(event.dueAt, until)
        assert.deepStrictEqual(yield* claim(now, 1000), [])
        assert.strictEqual((yield* claim(until, 1000)).length, open.length)
      }),
    )

    it.effect("lists events, the newest first, by how they stand, page by page", () =>
      Effect.gen(function* () {
        const events = yield* WebhookEventStore
        // In a time of its own, after all that the other tests leave.
        const at = DateTime.add(yield* DateTime.now, { days: 1000 })
        const [first, second, third] = [
          yield* received({}, at),
          yield* received({}, soon(at)),
          yield* received({}, soon(at)),
        ]
        yield* events.fail(second.id, "unexpected", null)
        const ids = (options: Partial<Parameters<typeof events.list>[0]> = {}) =>
          Effect.map(events.list({ status: null, after: null, limit: 3, ...options }), (found) =>
            found.map(({ id }) => id),
          )
        assert.deepStrictEqual(yield* ids(), [third.id, second.id, first.id])
        assert.deepStrictEqual(yield* ids({ limit: 1 }), [third.id])
        assert.deepStrictEqual(yield* ids({ after: third.id, limit: 2 }), [second.id, first.id])
        assert.deepStrictEqual(yield* ids({ status: "parked", limit: 1 }), [second.id])
        assert.deepStrictEqual(yield* ids({ status: "waiting", limit: 2 }), [third.id, first.id])
        assert.deepStrictEqual(yield* ids({ status: "waiting", after: second.id, limit: 1 }), [first.id])
        const { id: absent } = yield* BillingBuilders.webhookEnvelope()
        assert.deepStrictEqual(yield* ids({ after: absent }), [])
      }),
    )

    it.effect("forgets events that were closed long ago, and no others", () =>
      Effect.gen(function* () {
        const events = yield* WebhookEventStore
        const start = DateTime.subtract(yield* DateTime.now, { days: 10_000 })
        const all = yield* Effect.forEach([0, 1, 2, 3, 4], () => received({}, start))
        const [done = assert.fail(), ignored = assert.fail(), late = assert.fail(), parked = assert.fail()] = all
        yield* events.finish(done.id, "done", null, start)
        yield* events.finish(ignored.id, "ignored", "foreign", soon(start))
        yield* events.finish(late.id, "done", null, soon(soon(start)))
        yield* events.fail(parked.id, "unexpected", null)
        const isThere = Effect.forEach(all, ({ id }) => Effect.map(events.find(id), Option.isSome))
        assert.strictEqual(yield* events.removeClosed(soon(soon(start)), 1), 1)
        assert.deepStrictEqual(yield* isThere, [false, true, true, true, true])
        assert.strictEqual(yield* events.removeClosed(soon(soon(start)), 10), 1)
        assert.deepStrictEqual(yield* isThere, [false, false, true, true, true])
      }),
    )

    it.effect("remembers how far jobs got", () =>
      Effect.gen(function* () {
        const events = yield* WebhookEventStore
        const now = yield* DateTime.now
        const { id: job } = yield* BillingBuilders.webhookEnvelope()
        assert.isNull(yield* events.cursor(job))
        for (const instant of [now, soon(now)]) {
          yield* events.setCursor(job, instant)
          assert.deepStrictEqual(yield* events.cursor(job), instant)
        }
      }),
    )

    it.effect("lets the hook for an event run once, and forgets runs of long ago", () =>
      Effect.gen(function* () {
        const events = yield* WebhookEventStore
        const start = DateTime.subtract(yield* DateTime.now, { days: 10_000 })
        const [first, second] = [yield* Builders.outboxEvent({}), yield* Builders.outboxEvent({})]
        const claims = yield* Effect.all(
          Array.from({ length: 10 }, () => events.claimHook(first.id, start)),
          { concurrency: "unbounded" },
        )
        assert.strictEqual(claims.filter((isClaimed) => isClaimed).length, 1)
        assert.isTrue(yield* events.claimHook(second.id, soon(start)))
        assert.strictEqual(yield* events.removeHooks(soon(start), 10), 1)
        assert.isTrue(yield* events.claimHook(first.id, start))
        assert.isFalse(yield* events.claimHook(second.id, start))
      }),
    )
  })

// internal

const soon = (now: DateTime.Utc): DateTime.Utc => DateTime.add(now, { minutes: 1 })

const received = Effect.fnUntraced(function* (fields: Partial<WebhookEnvelope> = {}, at?: DateTime.Utc) {
  const envelope = yield* BillingBuilders.webhookEnvelope(fields)
  const now = at ?? (yield* DateTime.now)
  const { event } = yield* WebhookEventStore.use((events) => events.receive(envelope, { now, dueAt: soon(now) }))
  return event
})
