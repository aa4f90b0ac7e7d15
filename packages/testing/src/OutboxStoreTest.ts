/**
 * Contract suite of {@link OutboxStore}.
 *
 * @since 0.1.0
 */
import type { NewOutboxEvent } from "@belfry/core/OutboxEvent"
import { type OutboxBatch, type OutboxOutcome, OutboxStore } from "@belfry/core/OutboxStore"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { assert, layer as withLayer } from "@effect/vitest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as Builders from "./Builders.ts"

/**
 * Registers the suite for an adapter. What is due is due to whoever asks, so each test begins with nothing.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<OutboxStore | TransactionStore, E>): void => {
  withLayer(Layer.merge(layer, NodeCrypto.layer))(`OutboxStore (${name})`, (it) => {
    it.effect("gives events back as they were appended, with versions from 1 on", () =>
      Effect.gen(function* () {
        yield* emptied
        const outbox = yield* OutboxStore
        const first = yield* Builders.outboxEvent({
          payload: { text: "“x” 🦉 'y' \\ z", list: [1, null, true, { a: [] }] },
          occurredAt: at("2026-02-03T04:05:06.789Z"),
        })
        const second = yield* Builders.outboxEvent({ aggregate: first.aggregate, payload: null })
        const third = yield* Builders.outboxEvent({ aggregate: first.aggregate, type: "test.WasSeen", payload: "p" })
        yield* outbox.append([first, second])
        yield* outbox.append([third])
        assert.deepStrictEqual(yield* claim({ now: first.occurredAt }), [
          {
            aggregate: first.aggregate,
            attempts: 0,
            events: [
              { ...first, version: 1 },
              { ...second, version: 2 },
              { ...third, version: 3 },
            ],
          },
        ])
      }),
    )

    it.effect("refuses an id twice", () =>
      Effect.gen(function* () {
        yield* emptied
        const outbox = yield* OutboxStore
        const event = yield* append()
        const error = yield* Effect.flip(outbox.append([event]))
        assert.deepStrictEqual([error.store, error.method, error.isRetryable], ["OutboxStore", "append", false])
      }),
    )

    it.effect("leases what is due, the longest due first, no more than the limits", () =>
      Effect.gen(function* () {
        yield* emptied
        const late = yield* append({ occurredAt: second(3) })
        const early = yield* append({ occurredAt: second(1) })
        const middle = yield* append({ occurredAt: second(2) })
        yield* append({ aggregate: early.aggregate, occurredAt: second(2) })
        assert.deepStrictEqual(yield* claim({ now: DateTime.subtract(second(1), { milliseconds: 1 }) }), [])
        const batches = yield* claim({ now: second(3), aggregates: 2, events: 1 })
        assert.deepStrictEqual(
          new Map(batches.map((batch) => [batch.aggregate, versions(batch)])),
          new Map([
            [early.aggregate, [1]],
            [middle.aggregate, [1]],
          ]),
        )
        assert.deepStrictEqual(names(yield* claim({ now: second(3) })), [late.aggregate])
      }),
    )

    it.effect("keeps what is leased from others until the lease is over, also what comes meanwhile", () =>
      Effect.gen(function* () {
        yield* emptied
        const event = yield* append({ occurredAt: second(0) })
        assert.strictEqual((yield* claim({ now: second(0), until: second(30) })).length, 1)
        yield* append({ aggregate: event.aggregate, occurredAt: second(1) })
        assert.deepStrictEqual(yield* claim({ now: DateTime.subtract(second(30), { milliseconds: 1 }) }), [])
        const [batch] = yield* claim({ now: second(30) })
        assert.deepStrictEqual(batch && versions(batch), [1, 2])
      }),
    )

    it.effect("gives an aggregate to one of 20 claims", () =>
      Effect.gen(function* () {
        yield* emptied
        yield* Effect.replicateEffect(append({ occurredAt: second(0) }), 5)
        const claims = yield* Effect.all(
          Array.from({ length: 20 }, () => claim({ now: second(0), aggregates: 1 })),
          { concurrency: "unbounded" },
        )
        const taken = names(claims.flat())
        assert.strictEqual(new Set(taken).size, taken.length)
        // Who found all of them locked got none; they are still there then.
        const rest = names(yield* claim({ now: second(0) }))
        assert.strictEqual(new Set([...taken, ...rest]).size, 5)
        assert.strictEqual(taken.length + rest.length, 5)
      }),
    )

    it.effect("ends a lease: what was delivered does not come again, the rest does at once", () =>
      Effect.gen(function* () {
        yield* emptied
        const { aggregate } = yield* appendMany(3)
        yield* claim({ lease: leases.a })
        const settled = { aggregate, lease: leases.a, delivered: 2, retryAt: null, now: second(5) }
        assert.isTrue(yield* settle(settled))
        assert.deepStrictEqual(yield* claim({ now: DateTime.subtract(second(5), { milliseconds: 1 }) }), [])
        const [batch] = yield* claim({ lease: leases.b, now: second(5) })
        assert.deepStrictEqual(batch && [versions(batch), batch.attempts], [[3], 0])
        assert.isTrue(yield* settle({ ...settled, lease: leases.b, delivered: 3 }))
        assert.deepStrictEqual(yield* claim({ now: second(3600) }), [])
        const { occurredAt } = yield* append({ aggregate, occurredAt: second(7) })
        const [next] = yield* claim({ now: occurredAt })
        assert.deepStrictEqual(next && versions(next), [4])
      }),
    )

    it.effect("ends a lease with a failure: what is left is due when it is to be tried again, and failures count", () =>
      Effect.gen(function* () {
        yield* emptied
        const { aggregate } = yield* appendMany(2)
        yield* claim({ lease: leases.a })
        const failed = { aggregate, lease: leases.a, delivered: 1, attempts: 1, retryAt: second(10), now: second(5) }
        assert.isTrue(yield* settle(failed))
        assert.deepStrictEqual(yield* claim({ now: DateTime.subtract(second(10), { milliseconds: 1 }) }), [])
        const [again] = yield* claim({ lease: leases.b, now: second(10) })
        assert.deepStrictEqual(again && [versions(again), again.attempts], [[2], 1])
        assert.isTrue(yield* settle({ ...failed, lease: leases.b, attempts: 2, retryAt: second(20) }))
        const [third] = yield* claim({ lease: leases.a, now: second(20) })
        assert.strictEqual(third?.attempts, 2)
        assert.isTrue(yield* settle({ ...failed, attempts: 2, retryAt: null, now: second(20) }))
        const [stopped] = yield* claim({ lease: leases.b, now: second(20) })
        assert.strictEqual(stopped?.attempts, 2)
        assert.isTrue(yield* settle({ ...failed, lease: leases.b, attempts: 0, retryAt: null, now: second(20) }))
        const [last] = yield* claim({ now: second(20) })
        assert.strictEqual(last?.attempts, 0)
      }),
    )

    it.effect("does nothing for a lease that is somebody else's by now", () =>
      Effect.gen(function* () {
        yield* emptied
        const { aggregate } = yield* appendMany(2)
        const settled = { aggregate, lease: leases.a, delivered: 2, retryAt: null, now: second(31) }
        assert.isFalse(yield* settle(settled))
        yield* claim({ lease: leases.a, until: second(30) })
        yield* claim({ lease: leases.b, now: second(30), until: second(60) })
        assert.isFalse(yield* settle(settled))
        const [batch] = yield* claim({ now: second(60) })
        assert.deepStrictEqual(batch && versions(batch), [1, 2])
      }),
    )

    it.effect("ends leases of one claim together, each in its own way, and those alone that it still has", () =>
      Effect.gen(function* () {
        yield* emptied
        const outbox = yield* OutboxStore
        const [through, some, failed, stopped, lost] = [
          yield* appendMany(2),
          yield* appendMany(3),
          yield* appendMany(2),
          yield* appendMany(2),
          yield* append(),
        ]
        yield* claim({ lease: leases.a, until: second(60) })
        // What comes meanwhile is due with what is left.
        yield* append({ aggregate: through.aggregate, occurredAt: second(1) })
        const early = { lease: leases.a, retryAt: null, now: second(30) }
        assert.isTrue(yield* settle({ ...early, aggregate: lost.aggregate, delivered: 0 }))
        yield* claim({ lease: leases.b, now: second(30), until: second(90), aggregates: 1 })
        const ended = yield* outbox.settle({
          lease: leases.a,
          now: second(40),
          outcomes: [
            { aggregate: lost.aggregate, delivered: 1, attempts: 0, retryAt: null },
            { aggregate: through.aggregate, delivered: 2, attempts: 0, retryAt: null },
            { aggregate: some.aggregate, delivered: 3, attempts: 0, retryAt: null },
            { aggregate: failed.aggregate, delivered: 1, attempts: 5, retryAt: second(50) },
            { aggregate: stopped.aggregate, delivered: 0, attempts: 3, retryAt: null },
          ],
        })
        assert.sameMembers(
          [...ended],
          [through, some, failed, stopped].map(({ aggregate }) => aggregate),
        )
        const seen = (batches: ReadonlyArray<OutboxBatch>) =>
          new Map(batches.map((batch) => [batch.aggregate, [versions(batch), batch.attempts]]))
        assert.deepStrictEqual(yield* claim({ now: DateTime.subtract(second(40), { milliseconds: 1 }) }), [])
        assert.deepStrictEqual(
          seen(yield* claim({ now: second(40), until: second(3600) })),
          new Map([
            [through.aggregate, [[3], 0]],
            [stopped.aggregate, [[1, 2], 3]],
          ]),
        )
        assert.deepStrictEqual(
          seen(yield* claim({ now: second(50), until: second(3600) })),
          new Map([[failed.aggregate, [[2], 5]]]),
        )
        assert.deepStrictEqual(
          seen(yield* claim({ now: second(90), until: second(3600) })),
          new Map([[lost.aggregate, [[1], 0]]]),
        )
      }),
    )

    it.effect("ends leases while transactions append to their aggregates in whatever order", () =>
      Effect.gen(function* () {
        yield* emptied
        const outbox = yield* OutboxStore
        const transactions = yield* TransactionStore
        const events = yield* Effect.replicateEffect(append(), 4)
        for (let turn = 0; turn < 5; turn++) {
          const batches = yield* claim({ lease: leases.a, now: second(turn), until: second(turn) })
          assert.strictEqual(batches.length, 4)
          const outcomes = batches.map((batch) => ({
            aggregate: batch.aggregate,
            delivered: versions(batch).at(-1) ?? 0,
            attempts: 0,
            retryAt: null,
          }))
          const [first, ...rest] = outcomes
          if (first === undefined) return assert.fail("nothing is leased")
          const started = yield* Deferred.make<void>()
          const appending = transactions.run(
            Effect.gen(function* () {
              for (const { aggregate } of events.toReversed()) {
                yield* outbox.append([yield* Builders.outboxEvent({ aggregate, occurredAt: second(turn) })])
                yield* Deferred.succeed(started, undefined)
                for (let looks = 0; looks < 5; looks++) yield* outbox.waitsSince
              }
            }),
          )
          const settling = Effect.andThen(
            Deferred.await(started),
            outbox.settle({ lease: leases.a, outcomes: [first, ...rest], now: second(turn) }),
          )
          const [, ended] = yield* Effect.all([appending, settling], { concurrency: "unbounded" })
          assert.sameMembers([...ended], names(batches))
        }
        const left = yield* claim({ now: second(10), events: 100 })
        assert.deepStrictEqual(left.map(versions), [[6], [6], [6], [6]])
      }),
    )

    it.effect("keeps nothing of a transaction that is undone, and leaves no gap for it", () =>
      Effect.gen(function* () {
        yield* emptied
        const outbox = yield* OutboxStore
        const transactions = yield* TransactionStore
        const first = yield* append()
        const undone = yield* Builders.outboxEvent({ aggregate: first.aggregate })
        const strange = yield* Builders.outboxEvent()
        yield* Effect.flip(
          transactions.run(
            Effect.andThen(
              Effect.andThen(outbox.append([undone]), outbox.append([strange])),
              Effect.fail("undone" as const),
            ),
          ),
        )
        const kept = yield* append({ aggregate: first.aggregate })
        const batches = yield* claim()
        assert.deepStrictEqual(names(batches), [first.aggregate])
        assert.deepStrictEqual(
          batches[0]?.events.map(({ id, version }) => [id, version]),
          [
            [first.id, 1],
            [kept.id, 2],
          ],
        )
      }),
    )

    it.effect("counts the versions of 50 concurrent transactions without gaps, each in its own order", () =>
      Effect.gen(function* () {
        yield* emptied
        const outbox = yield* OutboxStore
        const transactions = yield* TransactionStore
        const { aggregate } = yield* Builders.outboxEvent()
        yield* Effect.forEach(
          Array.from({ length: 50 }, (_, index) => index),
          (by) =>
            transactions.run(
              Effect.forEach([0, 1], (place) =>
                Effect.flatMap(Builders.outboxEvent({ aggregate, payload: { by, place } }), (event) =>
                  outbox.append([event]),
                ),
              ),
            ),
          { concurrency: "unbounded", discard: true },
        )
        const [batch] = yield* claim({ events: 200 })
        assert.deepStrictEqual(
          batch && versions(batch),
          Array.from({ length: 100 }, (_, index) => index + 1),
        )
        // What one transaction appended stands together: nobody else's came between.
        const pairs = Array.from({ length: 50 }, (_, index) => batch?.events.slice(2 * index, 2 * index + 2))
        for (const pair of pairs) {
          const by = pair?.[0]?.payload
          assert.deepStrictEqual(
            pair?.map(({ payload }) => payload),
            [by, { ...(typeof by === "object" && by !== null ? by : {}), place: 1 }],
          )
        }
      }),
    )

    it.effect("removes delivered events from before an instant, oldest first and no more than the limit", () =>
      Effect.gen(function* () {
        yield* emptied
        const outbox = yield* OutboxStore
        const first = yield* append({ occurredAt: second(1) })
        yield* append({ aggregate: first.aggregate, occurredAt: second(2) })
        yield* append({ aggregate: first.aggregate, occurredAt: second(3) })
        yield* append({ aggregate: first.aggregate, occurredAt: second(4) })
        const waiting = yield* append({ occurredAt: second(0) })
        yield* claim({ lease: leases.a, now: second(4) })
        const settled = { lease: leases.a, retryAt: null, now: second(4) }
        yield* settle({ ...settled, aggregate: first.aggregate, delivered: 3 })
        yield* settle({ ...settled, aggregate: waiting.aggregate, delivered: 0 })
        assert.strictEqual(yield* outbox.removeDelivered(second(1), 10), 0)
        assert.strictEqual(yield* outbox.removeDelivered(second(3), 1), 1)
        assert.strictEqual(yield* outbox.removeDelivered(second(3), 10), 1)
        assert.strictEqual(yield* outbox.removeDelivered(second(100), 10), 1)
        const left = yield* claim({ now: second(100) })
        assert.deepStrictEqual(
          new Map(left.map((batch) => [batch.aggregate, versions(batch)])),
          new Map([
            [first.aggregate, [4]],
            [waiting.aggregate, [1]],
          ]),
        )
      }),
    )

    it.effect("knows since when the oldest event waits", () =>
      Effect.gen(function* () {
        yield* emptied
        const outbox = yield* OutboxStore
        assert.isNull(yield* outbox.waitsSince)
        const young = yield* append({ occurredAt: second(5) })
        const old = yield* append({ occurredAt: second(2) })
        yield* append({ aggregate: old.aggregate, occurredAt: second(9) })
        assert.deepStrictEqual(yield* outbox.waitsSince, second(2))
        yield* claim({ lease: leases.a, now: second(9) })
        assert.deepStrictEqual(yield* outbox.waitsSince, second(2))
        const settled = { lease: leases.a, retryAt: null, now: second(9) }
        yield* settle({ ...settled, aggregate: old.aggregate, delivered: 1 })
        assert.deepStrictEqual(yield* outbox.waitsSince, second(5))
        yield* settle({ ...settled, aggregate: young.aggregate, delivered: 1 })
        assert.deepStrictEqual(yield* outbox.waitsSince, second(9))
      }),
    )
  })
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const at = DateTime.makeUnsafe

const second = (seconds: number) => DateTime.add(at("2026-01-01T00:00:00Z"), { seconds })

const leases = { a: "019a0000-0000-7000-8000-00000000000a", b: "019a0000-0000-7000-8000-00000000000b" }

/** Leaves nothing that is due, and nothing that was delivered. */
const emptied = Effect.gen(function* () {
  const outbox = yield* OutboxStore
  const now = at("3000-01-01T00:00:00Z")
  const lease = leases.a
  while (true) {
    const batches = yield* outbox.claim({ lease, now, until: now, aggregates: 100, events: 1000 })
    if (batches.length === 0) break
    for (const { aggregate, events } of batches) {
      yield* settle({ lease, aggregate, delivered: events.at(-1)?.version ?? 0, retryAt: null, now })
    }
  }
  while ((yield* outbox.removeDelivered(now, 1000)) > 0) continue
})

const append = Effect.fnUntraced(function* (fields: Partial<NewOutboxEvent> = {}) {
  const event = yield* Builders.outboxEvent({ occurredAt: second(0), ...fields })
  yield* OutboxStore.use((outbox) => outbox.append([event]))
  return event
})

const appendMany = Effect.fnUntraced(function* (count: number) {
  const first = yield* append()
  for (let index = 1; index < count; index++) yield* append({ aggregate: first.aggregate })
  return first
})

const claim = Effect.fnUntraced(function* (options: Partial<Parameters<OutboxStore["Service"]["claim"]>[0]> = {}) {
  const random = yield* SecureRandom.SecureRandom
  const now = options.now ?? second(0)
  const lease = options.lease ?? (yield* random.uuidV7())
  const until = options.until ?? DateTime.add(now, { seconds: 30 })
  const outbox = yield* OutboxStore
  return yield* outbox.claim({ aggregates: 10, events: 10, ...options, now, lease, until })
})

/** Ends one lease, without a failure unless told otherwise; whether it did. */
const settle = Effect.fnUntraced(function* ({
  lease,
  now,
  ...outcome
}: Omit<OutboxOutcome, "attempts"> & {
  readonly lease: string
  readonly now: DateTime.Utc
  readonly attempts?: number
}) {
  const outbox = yield* OutboxStore
  const ended = yield* outbox.settle({ lease, now, outcomes: [{ attempts: 0, ...outcome }] })
  return ended.includes(outcome.aggregate)
})

const names = (batches: ReadonlyArray<OutboxBatch>) => batches.map(({ aggregate }) => aggregate)

const versions = (batch: OutboxBatch) => batch.events.map(({ version }) => version)
