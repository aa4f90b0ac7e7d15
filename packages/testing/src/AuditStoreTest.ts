/**
 * Contract suite of {@link AuditStore}.
 *
 * @since 0.1.0
 */
import { SessionId } from "@belfry/core/Session"
import { AuditStore } from "@belfry/core/AuditStore"
import { UserStore } from "@belfry/core/UserStore"
import { assert, layer as withLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Builders from "./Builders.ts"

/**
 * Registers the suite for an adapter.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<AuditStore | UserStore, E>): void =>
  withLayer(layer)(`AuditStore (${name})`, (it) => {
    it.effect("returns an event as it was inserted", () =>
      Effect.gen(function* () {
        const audit = yield* AuditStore
        const { id: userId } = yield* Builders.user()
        const bare = yield* insertEvent({ userId })
        const full = yield* insertEvent({
          userId,
          type: "session.creation-refused",
          outcome: "failure",
          reason: "wrong-password",
          sessionId: SessionId.make("0190f3c4-0000-7000-8000-000000000000"),
          client: { ipAddress: "2001:db8::1", userAgent: "curl/8.0 «x»" },
          data: { attempts: 3, nested: { list: [1, "a", null] } },
          aggregate: "organization:019a0000-0000-7000-8000-000000000000",
          before: { name: "Acme", roles: ["owner"] },
          after: { name: null, roles: [] },
        })
        const events = yield* audit.list({ ...every, userId: Option.some(userId) })
        assert.deepStrictEqual(events, [full, bare])
      }),
    )

    it.effect("refuses an id twice", () =>
      Effect.gen(function* () {
        const audit = yield* AuditStore
        const event = yield* insertEvent()
        const error = yield* Effect.flip(audit.insert({ ...event, type: "session.revoked" }))
        assert.deepStrictEqual([error.store, error.method, error.isRetryable], ["AuditStore", "insert", false])
      }),
    )

    it.effect("lists newest first, page by page, of one user or of all", () =>
      Effect.gen(function* () {
        const audit = yield* AuditStore
        const [ada, bob] = [yield* Builders.user(), yield* Builders.user()]
        const first = yield* insertEvent({ userId: ada.id })
        const second = yield* insertEvent({ userId: bob.id })
        const third = yield* insertEvent({ userId: ada.id })
        const fourth = yield* insertEvent()
        assert.deepStrictEqual(yield* audit.list({ ...every, limit: 2 }), [fourth, third])
        const next = { ...every, before: Option.some(third.id), limit: 2 }
        assert.deepStrictEqual(yield* audit.list(next), [second, first])
        const own = Option.some(ada.id)
        assert.deepStrictEqual(yield* audit.list({ ...every, userId: own }), [third, first])
        assert.deepStrictEqual(yield* audit.list({ ...next, userId: own }), [first])
        assert.deepStrictEqual(yield* audit.list({ ...next, userId: own, before: Option.some(first.id) }), [])
      }),
    )

    it.effect("lists the events of one aggregate, of types with a beginning, and of both", () =>
      Effect.gen(function* () {
        const audit = yield* AuditStore
        const { id } = yield* Builders.user()
        const [ours, theirs] = [`organization:${id}`, `organization:${id}x`]
        const created = yield* insertEvent({ aggregate: ours, type: "organization.created" })
        const added = yield* insertEvent({ aggregate: ours, type: "organization-member.added" })
        const other = yield* insertEvent({ aggregate: theirs, type: "organization.created" })
        yield* insertEvent({ type: "organization.created" })
        const list = (aggregate: string, prefix?: string) =>
          audit.list({
            ...every,
            aggregate: Option.some(aggregate),
            typePrefix: Option.fromUndefinedOr(prefix),
          })
        assert.deepStrictEqual(yield* list(ours), [added, created])
        assert.deepStrictEqual(yield* list(theirs), [other])
        assert.deepStrictEqual(yield* list(ours, "organization-m"), [added])
        assert.deepStrictEqual(yield* list(ours, "organization."), [created])
        // Nothing in it is a pattern.
        assert.deepStrictEqual(yield* list(ours, "organization%"), [])
        assert.deepStrictEqual(yield* list(ours, "organization_"), [])
        assert.deepStrictEqual(yield* audit.list({ ...every, typePrefix: Option.some("organization-member.added") }), [
          added,
        ])
      }),
    )

    it.effect("keeps the events of a user that is removed", () =>
      Effect.gen(function* () {
        const audit = yield* AuditStore
        const users = yield* UserStore
        const user = yield* Builders.user()
        yield* users.insert(user)
        const event = yield* insertEvent({ userId: user.id })
        yield* users.remove(user.id)
        const events = yield* audit.list({ ...every, userId: Option.some(user.id) })
        assert.deepStrictEqual(events, [event])
      }),
    )

    it.effect("removes events from before an instant, oldest first and no more than the limit", () =>
      Effect.gen(function* () {
        const audit = yield* AuditStore
        const { id: userId } = yield* Builders.user()
        const instant = DateTime.makeUnsafe("1960-01-01T00:00:00Z")
        const at = (millis: number) =>
          insertEvent({ userId, occurredAt: DateTime.add(instant, { milliseconds: millis }) })
        const left = Effect.map(audit.list({ ...every, userId: Option.some(userId) }), (events) =>
          events.map((event) => event.id),
        )
        const kept = yield* at(0)
        yield* at(-2)
        const old = yield* at(-1)
        assert.strictEqual(yield* audit.removeBefore(instant, 1), 1)
        assert.deepStrictEqual(yield* left, [old.id, kept.id])
        assert.strictEqual(yield* audit.removeBefore(instant, 10), 1)
        assert.deepStrictEqual(yield* left, [kept.id])
      }),
    )
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const every = {
  userId: Option.none(),
  aggregate: Option.none(),
  typePrefix: Option.none(),
  before: Option.none(),
  limit: 10,
}

const insertEvent = Effect.fnUntraced(function* (...fields: Parameters<typeof Builders.auditEvent>) {
  const event = yield* Builders.auditEvent(...fields)
  yield* AuditStore.use((audit) => audit.insert(event))
  return event
})
