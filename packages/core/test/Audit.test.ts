import { Audit } from "@belfry/core/Audit"
import { AuditEvent, unknownClient } from "@belfry/core/AuditEvent"
import { AuthEvent } from "@belfry/core/AuthEvent"
import * as AuthEvents from "@belfry/core/AuthEvents"
import * as Hooks from "@belfry/core/Hooks"
import type { Session } from "@belfry/core/Session"
import { TransactionStore } from "@belfry/core/TransactionStore"
import * as Builders from "@belfry/testing/Builders"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Latch, Logger, References, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as HostProbe from "./support/HostProbe.ts"
import * as TestCore from "./support/TestCore.ts"

describe("Audit", () => {
  it.effect("adds id, time and outcome, and null for what is not said", () =>
    Effect.gen(function* () {
      const audit = yield* Audit
      yield* TestClock.adjust("1 day")
      yield* audit.record({ type: "test.happened" })
      const event = yield* newest
      assert.deepStrictEqual(event, {
        id: event.id,
        type: "test.happened",
        outcome: "success",
        reason: null,
        userId: null,
        sessionId: null,
        client: unknownClient,
        data: {},
        aggregate: null,
        before: null,
        after: null,
        occurredAt: yield* DateTime.now,
      })
      assert.isTrue(Schema.is(AuditEvent)(event))
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("counts an entry with a reason as a failure, and keeps all that is said", () =>
    Effect.gen(function* () {
      const audit = yield* Audit
      const { id: userId } = yield* Builders.user()
      const { id: sessionId }: Session = yield* Builders.session({ userId })
      const change = { aggregate: "organization:1", before: { roles: ["admin"] }, after: { roles: [] } }
      const entry = { userId, sessionId, client: TestCore.client, data: { amr: ["pwd"], count: 2 }, ...change }
      yield* audit.record({ type: "test.failed", reason: "wrong-password", ...entry })
      const event = yield* newest
      assert.deepStrictEqual(event, {
        id: event.id,
        type: "test.failed",
        outcome: "failure",
        reason: "wrong-password",
        ...entry,
        occurredAt: yield* DateTime.now,
      })
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("lists the newest first, of all or of one user, page by page", () =>
    Effect.gen(function* () {
      const audit = yield* Audit
      const { id: userId } = yield* Builders.user()
      for (let index = 0; index < 5; index++) yield* audit.record({ type: `test.mine${index}`, userId })
      yield* audit.record({ type: "test.other" })
      const types = (events: ReadonlyArray<AuditEvent>) => events.map(({ type }) => type)
      assert.strictEqual((yield* audit.list()).length, 6)
      const page = yield* audit.list({ userId, limit: 2 })
      assert.deepStrictEqual(types(page), ["test.mine4", "test.mine3"])
      const last = page.at(-1)
      if (last === undefined) return assert.fail("an empty page")
      assert.deepStrictEqual(types(yield* audit.list({ userId, before: last.id, limit: 2 })), [
        "test.mine2",
        "test.mine1",
      ])
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("lists the events of one aggregate, and those of types with a beginning", () =>
    Effect.gen(function* () {
      const audit = yield* Audit
      yield* audit.record({ type: "organization.created", aggregate: "organization:1" })
      yield* audit.record({ type: "organization-member.added", aggregate: "organization:1" })
      yield* audit.record({ type: "organization.created", aggregate: "organization:2" })
      const types = (events: ReadonlyArray<AuditEvent>) => events.map(({ type, aggregate }) => [type, aggregate])
      assert.deepStrictEqual(types(yield* audit.list({ aggregate: "organization:1" })), [
        ["organization-member.added", "organization:1"],
        ["organization.created", "organization:1"],
      ])
      assert.deepStrictEqual(types(yield* audit.list({ aggregate: "organization:1", type: "organization." })), [
        ["organization.created", "organization:1"],
      ])
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("reads events that say nothing of what changed", () =>
    Effect.gen(function* () {
      const audit = yield* Audit
      yield* audit.record({ type: "test.happened" })
      const event = yield* newest
      const { aggregate, before, after, ...rest } = yield* Schema.encodeEffect(AuditEvent)(event)
      assert.deepStrictEqual([aggregate, before, after], [null, null, null])
      assert.deepStrictEqual(yield* Schema.decodeEffect(AuditEvent)(rest), event)
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("lists 100 events unless told how many", () =>
    Effect.gen(function* () {
      const audit = yield* Audit
      yield* Effect.forEach(Array(101).keys(), () => audit.record({ type: "test.happened" }), { discard: true })
      assert.strictEqual((yield* audit.list()).length, 100)
      assert.strictEqual((yield* audit.list({ limit: 101 })).length, 101)
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("vanishes with the transaction that it is written in", () =>
    Effect.gen(function* () {
      const audit = yield* Audit
      const transactions = yield* TransactionStore
      yield* Effect.flip(
        transactions.run(Effect.andThen(audit.record({ type: "test.undone" }), Effect.fail("no" as const))),
      )
      assert.deepStrictEqual(yield* audit.list(), [])
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("takes types of the form concept.what-happened", () =>
    Effect.gen(function* () {
      const audit = yield* Audit
      yield* audit.record({ type: "password.sign-up-requested" })
      const event = yield* newest
      const isEvent = (type: string) => Schema.is(AuditEvent)({ ...event, type })
      assert.isTrue(isEvent("password.sign-up-requested"))
      for (const type of ["signin", "Session.started", "session.", ".started", "session started"]) {
        assert.isFalse(isEvent(type), type)
      }
    }).pipe(Effect.provide(TestCore.layer)),
  )
})

describe("AuthEvents", () => {
  it.effect("tells everybody who follows, in order, and keeps nothing for who comes later", () =>
    Effect.gen(function* () {
      const { publish } = yield* AuthEvents.AuthEvents
      const user = yield* Builders.user()
      const told = [AuthEvent.UserCreated({ user }), AuthEvent.EmailVerified({ user })]
      const { result: inner, events: outer } = yield* HostProbe.withEvents(
        HostProbe.withEvents(Effect.forEach(told, publish, { discard: true })),
      )
      assert.deepStrictEqual([inner.events, outer], [told, told])
      const later = yield* HostProbe.withEvents(Effect.void)
      assert.deepStrictEqual(later.events, [])
    }).pipe(Effect.provide(AuthEvents.layer)),
  )

  it.effect("loses the oldest events for a reader who is far behind, and never makes the teller wait", () =>
    Effect.gen(function* () {
      const { publish, stream } = yield* AuthEvents.AuthEvents
      const { id: userId } = yield* Builders.user()
      const tell = publish(AuthEvent.CredentialChanged({ userId, method: "pwd" }))
      const held = yield* Latch.make()
      const read: Array<AuthEvent> = []
      yield* Effect.forkScoped(
        Stream.runForEach(stream, (event) =>
          Effect.andThen(
            Effect.sync(() => void read.push(event)),
            held.await,
          ),
        ),
        { startImmediately: true },
      )
      yield* HostProbe.settled
      yield* Effect.repeat(tell, { times: 5000 })
      yield* publish(AuthEvent.SessionsRevoked({ userId, sessionIds: [] }))
      yield* HostProbe.settled
      assert.strictEqual(read.length, 1)
      yield* held.open
      yield* HostProbe.settled
      assert.isBelow(read.length, 1100)
      assert.strictEqual(read.at(-1)?._tag, "SessionsRevoked")
    }).pipe(Effect.provide(AuthEvents.layer)),
  )
})

describe("Hooks", () => {
  it.effect("do nothing without a host that provides them", () =>
    Effect.gen(function* () {
      const hooks = yield* Hooks.Hooks
      const user = yield* Builders.user()
      const session = yield* Builders.session({ userId: user.id })
      yield* hooks.afterSignUp({ user, client: unknownClient })
      yield* hooks.afterSignIn({ user, session, client: unknownClient })
      yield* hooks.afterUserUpdate({ previous: user, user })
      yield* hooks.beforeUserDeletion({ user })
      yield* hooks.afterUserDeletion({ user })
    }),
  )

  it.effect("are guarded: what goes wrong in one is logged with its name and stops nothing", () => {
    const logged: Array<string> = []
    const logger = Logger.make(({ message, cause, fiber }) => {
      logged.push(
        `${String(message)} ${String(cause)} ${JSON.stringify(fiber.getRef(References.CurrentLogAnnotations))}`,
      )
    })
    return Effect.gen(function* () {
      yield* Hooks.guard("afterSignIn", () => Effect.die(new Error("first")))
      yield* Hooks.guard("afterSignUp", () => {
        throw new Error("second")
      })
      yield* Hooks.guard("afterUserUpdate", () => Effect.void)
      assert.strictEqual(logged.length, 2)
      assert.match(logged[0] ?? "", /A hook of the host failed.*first.*"hook":"afterSignIn"/s)
      assert.match(logged[1] ?? "", /A hook of the host failed.*second.*"hook":"afterSignUp"/s)
    }).pipe(Effect.provide(Logger.layer([logger])))
  })
})

/** The event that was written last. */
const newest = Effect.gen(function* () {
  const [event] = yield* Audit.use((audit) => audit.list({ limit: 1 }))
  return event ?? (yield* Effect.die(new Error("The audit log is empty")))
})
