import { Audit } from "@belfry/core/Audit"
import { unknownClient } from "@belfry/core/AuditEvent"
import * as Hooks from "@belfry/core/Hooks"
import { MemoryTables } from "@belfry/core/MemoryTables"
import { Sessions } from "@belfry/core/Sessions"
import { Email, EmailTaken, UserDeletionRefused, UserId, UserNotFound } from "@belfry/core/User"
import { UserRemovals } from "@belfry/core/UserRemovals"
import * as Users from "@belfry/core/Users"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Logger, Option } from "effect"
import { TestClock } from "effect/testing"
import * as HostProbe from "./support/HostProbe.ts"
import { StoreProbe } from "./support/StoreProbe.ts"
import * as TestCore from "./support/TestCore.ts"

const { client } = TestCore
const email = Email.make("ada@example.com")
const otherEmail = Email.make("bob@example.com")
const nobody = UserId.make("019a0000-0000-7000-8000-000000000000")

/** The service once more over the same stores, for a host with these hooks. */
const layerWith = (hooks: Hooks.HooksService) =>
  Layer.provide(Layer.fresh(Users.layer), Layer.succeed(Hooks.Hooks)(hooks))

const auditTrail = (userId: UserId) =>
  Effect.map(
    Audit.use((audit) => audit.list({ userId })),
    (events) => events.toReversed().map(({ type, data }) => [type, data]),
  )

describe("Users", () => {
  it.effect("creates a user of whom only the address is known", () =>
    Effect.gen(function* () {
      const users = yield* Users.Users
      yield* TestClock.adjust("1 day")
      const now = yield* DateTime.now
      const user = yield* users.create({ email })
      assert.deepStrictEqual(user, {
        id: user.id,
        email,
        name: null,
        image: null,
        emailVerifiedAt: null,
        scopes: [],
        disabledAt: null,
        createdAt: now,
        updatedAt: now,
      })
      assert.deepStrictEqual(yield* users.get(user.id), user)
      assert.deepStrictEqual(yield* users.findByEmail(email), Option.some(user))
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("creates a user of whom everything is known", () =>
    Effect.gen(function* () {
      const users = yield* Users.Users
      const known = {
        email,
        name: "Ada",
        image: "https://example.com/ada.png",
        emailVerifiedAt: DateTime.makeUnsafe(1),
        scopes: ["admin"],
      }
      const user = yield* users.create(known, client)
      assert.deepStrictEqual({ ...user, ...known }, user)
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("fails for a user that there is not, and finds none", () =>
    Effect.gen(function* () {
      const users = yield* Users.Users
      const missing = new UserNotFound({ userId: nobody })
      assert.deepStrictEqual(yield* Effect.flip(users.get(nobody)), missing)
      assert.deepStrictEqual(yield* Effect.flip(users.update(nobody, { name: "Ada" })), missing)
      assert.deepStrictEqual(yield* Effect.flip(users.remove(nobody)), missing)
      assert.deepStrictEqual(yield* users.findByEmail(email), Option.none())
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("lists users newest first: as many as asked for, 50 unless that is said, and never more than 100", () =>
    Effect.gen(function* () {
      const users = yield* Users.Users
      for (let number = 0; number < 102; number++) {
        yield* users.create({ email: Email.make(`ada${number}@example.com`) })
      }
      const [newest, second] = yield* users.list({ limit: 2 })
      assert.deepStrictEqual([newest?.email, second?.email], ["ada101@example.com", "ada100@example.com"])
      assert.strictEqual((yield* users.list({ before: second?.id, limit: 1 }))[0]?.email, "ada99@example.com")
      const lengths = yield* Effect.forEach([undefined, 1000, 0, -1, Number.NaN, 2.9], (limit) =>
        Effect.map(users.list({ limit }), ({ length }) => length),
      )
      assert.deepStrictEqual(lengths, [50, 100, 1, 1, 1, 2])
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("tells the host of a user it created by an event, and of one who signed up by its hook too", () => {
    const { called, hooks } = HostProbe.recordingHooks()
    return Effect.gen(function* () {
      const users = yield* Users.Users
      const created = yield* HostProbe.withEvents(users.create({ email }))
      assert.deepStrictEqual([created.tags, called], [["UserCreated"], []])
      const signedUp = yield* HostProbe.withEvents(users.signUp({ email: otherEmail }, client))
      assert.deepStrictEqual([signedUp.tags, called], [["UserCreated"], ["afterSignUp"]])
    }).pipe(Effect.provide(layerWith(hooks)), Effect.provide(TestCore.layer))
  })

  it.effect("refuses an address that somebody has, and tells nobody", () => {
    const { called, hooks } = HostProbe.recordingHooks()
    return Effect.gen(function* () {
      const users = yield* Users.Users
      const ada = yield* users.create({ email })
      const bob = yield* users.create({ email: otherEmail })
      const { tags } = yield* HostProbe.withEvents(
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* Effect.flip(users.signUp({ email }, client)), new EmailTaken())
          assert.deepStrictEqual(yield* Effect.flip(users.update(bob.id, { email })), new EmailTaken())
        }),
      )
      assert.deepStrictEqual([tags, called], [[], []])
      assert.deepStrictEqual(yield* users.get(bob.id), bob)
      assert.deepStrictEqual(yield* users.findByEmail(email), Option.some(ada))
      assert.deepStrictEqual(yield* auditTrail(bob.id), [["user.created", {}]])
    }).pipe(Effect.provide(layerWith(hooks)), Effect.provide(TestCore.layer))
  })

  it.effect("changes what the patch names, clears what it says is null, and leaves the rest", () =>
    Effect.gen(function* () {
      const users = yield* Users.Users
      const user = yield* users.create({ email, name: "Ada", image: "https://example.com/ada.png", scopes: ["admin"] })
      yield* TestClock.adjust("1 hour")
      const updated = yield* users.update(user.id, { name: null }, client)
      assert.deepStrictEqual(updated, { ...user, name: null, updatedAt: yield* DateTime.now })
      assert.deepStrictEqual(yield* users.get(user.id), updated)
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("tells the host what was and what is, and the audit log which fields, without their values", () => {
    const seen: Array<unknown> = []
    const hooks: Hooks.HooksService = {
      ...Hooks.none,
      afterUserUpdate: (event) => Effect.sync(() => void seen.push(event)),
    }
    return Effect.gen(function* () {
      const users = yield* Users.Users
      const previous = yield* users.create({ email, name: "Ada" })
      const { result: user, events } = yield* HostProbe.withEvents(
        users.update(previous.id, { name: "Augusta", image: null }, client),
      )
      assert.deepStrictEqual(seen, [{ previous, user }])
      assert.deepStrictEqual(
        events.map((event) => ({ ...event })),
        [{ _tag: "UserUpdated", previous, user }],
      )
      const [event] = yield* Audit.use((audit) => audit.list({ userId: user.id, limit: 1 }))
      assert.deepStrictEqual(
        [event?.type, event?.data, event?.client],
        ["user.updated", { fields: ["name", "image"] }, client],
      )
    }).pipe(Effect.provide(layerWith(hooks)), Effect.provide(TestCore.layer))
  })

  it.effect("shuts a user out, whose sessions end at once, and lets them in again, without those", () =>
    Effect.gen(function* () {
      const users = yield* Users.Users
      const sessions = yield* Sessions
      const [user, other] = [yield* users.create({ email }), yield* users.create({ email: otherEmail })]
      const begin = (user: Parameters<typeof sessions.start>[0]["user"]) =>
        Effect.map(sessions.start({ user, amr: ["pwd"], client }), ({ token }) => token)
      const isOver = (token: Parameters<typeof sessions.verify>[0]) =>
        Effect.match(sessions.verify(token), { onFailure: ({ _tag }) => _tag, onSuccess: () => "live" })
      const tokens = [yield* begin(user), yield* begin(user)]
      const others = yield* begin(other)
      yield* TestClock.adjust("1 minute")
      const now = yield* DateTime.now
      const { result: disabled, tags } = yield* HostProbe.withEvents(users.disable(user.id, client))
      assert.deepStrictEqual(tags, ["SessionsRevoked", "UserUpdated"])
      assert.deepStrictEqual(disabled, { ...user, disabledAt: now, updatedAt: now })
      assert.deepStrictEqual(yield* users.get(user.id), disabled)
      assert.deepStrictEqual(yield* Effect.forEach(tokens, isOver), ["SessionInvalid", "SessionInvalid"])
      assert.strictEqual(yield* isOver(others), "live")
      // One that begins all the same, in the same moment say, opens nothing, then and later.
      const late = yield* begin(user)
      assert.strictEqual(yield* isOver(late), "SessionInvalid")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual((yield* users.disable(user.id)).disabledAt, now)
      const enabled = yield* users.enable(user.id, client)
      assert.deepStrictEqual(enabled, { ...user, updatedAt: yield* DateTime.now })
      assert.deepStrictEqual(yield* Effect.forEach([...tokens, late], isOver), Array(3).fill("SessionInvalid"))
      assert.strictEqual(yield* isOver(yield* begin(enabled)), "live")
      assert.includeMembers(
        (yield* auditTrail(user.id)).map(([type]) => type),
        ["user.disabled", "user.enabled", "session.revoked"],
      )
      for (const change of [users.disable(nobody), users.enable(nobody)]) {
        assert.deepStrictEqual(yield* Effect.flip(change), new UserNotFound({ userId: nobody }))
      }
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("deletes a user with the sessions, asks the host before and tells it after", () => {
    const { called, hooks } = HostProbe.recordingHooks()
    return Effect.gen(function* () {
      const users = yield* Users.Users
      const sessions = yield* Sessions
      const user = yield* users.create({ email })
      const { token } = yield* sessions.start({ user, amr: ["pwd"], client })
      const { tags } = yield* HostProbe.withEvents(users.remove(user.id, client))
      assert.deepStrictEqual([tags, called], [["UserDeleted"], ["beforeUserDeletion", "afterUserDeletion"]])
      assert.strictEqual((yield* Effect.flip(users.get(user.id)))._tag, "UserNotFound")
      assert.strictEqual((yield* Effect.flip(sessions.verify(token)))._tag, "SessionInvalid")
      assert.deepStrictEqual((yield* auditTrail(user.id)).at(-1), ["user.deleted", {}])
      yield* users.create({ email })
    }).pipe(Effect.provide(layerWith(hooks)), Effect.provide(TestCore.layer))
  })

  it.effect("deletes nobody whom the host refuses to let go", () => {
    const { called, hooks } = HostProbe.recordingHooks()
    const refusal = new UserDeletionRefused({ reason: "an invoice is open" })
    return Effect.gen(function* () {
      const users = yield* Users.Users
      const user = yield* users.create({ email })
      const { tags } = yield* HostProbe.withEvents(
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* Effect.flip(users.remove(user.id, client)), refusal)
        }),
      )
      assert.deepStrictEqual([tags, called], [[], []])
      assert.deepStrictEqual(yield* users.get(user.id), user)
    }).pipe(
      Effect.provide(layerWith({ ...hooks, beforeUserDeletion: () => Effect.fail(refusal) })),
      Effect.provide(TestCore.layer),
    )
  })

  it.effect("lets packages clean up in the transaction that deletes a user, one after another, before it is gone", () =>
    Effect.gen(function* () {
      const users = yield* Users.Users
      const audit = yield* Audit
      const removals = yield* UserRemovals
      const user = yield* users.create({ email })
      const ran: Array<unknown> = []
      yield* removals.register((removed, from) =>
        Effect.gen(function* () {
          ran.push(["first", yield* users.get(removed.id), from])
          yield* audit.record({ type: "test.left", userId: removed.id })
        }).pipe(Effect.orDie),
      )
      yield* removals.register(() => Effect.sync(() => void ran.push("second")))
      yield* users.remove(user.id, client)
      assert.deepStrictEqual(ran, [["first", user, client], "second"])
      assert.deepStrictEqual(
        (yield* auditTrail(user.id)).map(([type]) => type),
        ["user.created", "test.left", "user.deleted"],
      )
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("deletes nobody whom a package refuses to let go, and undoes what others had done for it", () => {
    const { called, hooks } = HostProbe.recordingHooks()
    const refusal = new UserDeletionRefused({ reason: "the last owner of Acme" })
    return Effect.gen(function* () {
      const users = yield* Users.Users
      const audit = yield* Audit
      const removals = yield* UserRemovals
      const user = yield* users.create({ email })
      yield* removals.register(({ id }) => audit.record({ type: "test.left", userId: id }))
      yield* removals.register(() => Effect.fail(refusal))
      const { tags } = yield* HostProbe.withEvents(
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* Effect.flip(users.remove(user.id, client)), refusal)
        }),
      )
      assert.deepStrictEqual([tags, called], [[], ["beforeUserDeletion"]])
      assert.deepStrictEqual(yield* users.get(user.id), user)
      assert.deepStrictEqual(yield* auditTrail(user.id), [["user.created", {}]])
    }).pipe(Effect.provide(layerWith(hooks)), Effect.provide(TestCore.layer))
  })

  it.effect("deletes a user to whom something came since the packages looked, who look again", () =>
    Effect.gen(function* () {
      const users = yield* Users.Users
      const tables = yield* MemoryTables
      const removals = yield* UserRemovals
      const user = yield* users.create({ email })
      let [hasMore, looks] = [false, 0]
      yield* tables.restrictUserRemoval(() => hasMore)
      yield* removals.register(() => Effect.sync(() => void (hasMore = ++looks === 1)))
      yield* users.remove(user.id, client)
      assert.strictEqual(looks, 2)
      assert.deepStrictEqual(
        (yield* auditTrail(user.id)).map(([type]) => type),
        ["user.created", "user.deleted"],
      )
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("keeps a user to whom something still refers", () =>
    Effect.gen(function* () {
      const users = yield* Users.Users
      const tables = yield* MemoryTables
      const [ada, bob] = [yield* users.create({ email }), yield* users.create({ email: otherEmail })]
      yield* tables.restrictUserRemoval((id) => id === ada.id)
      const refusal = new UserDeletionRefused({ reason: "Other data refers to the user" })
      assert.deepStrictEqual(yield* Effect.flip(users.remove(ada.id)), refusal)
      assert.deepStrictEqual(yield* users.get(ada.id), ada)
      yield* users.remove(bob.id)
      assert.deepStrictEqual(yield* users.findByEmail(otherEmail), Option.none())
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("changes nothing and tells nobody when the audit event cannot be written", () => {
    const { called, hooks } = HostProbe.recordingHooks()
    return Effect.gen(function* () {
      const users = yield* Users.Users
      const probe = yield* StoreProbe
      const user = yield* users.create({ email })
      const attempts: ReadonlyArray<Effect.Effect<unknown, { readonly _tag: string }>> = [
        users.signUp({ email: otherEmail }, client),
        users.update(user.id, { name: "Ada" }),
        users.remove(user.id),
      ]
      const { tags } = yield* HostProbe.withEvents(
        Effect.forEach(attempts, (attempt) =>
          Effect.map(Effect.flip(probe.failing(["AuditStore.insert"], attempt)), (error) =>
            assert.strictEqual(error._tag, "StoreError"),
          ),
        ),
      )
      assert.deepStrictEqual([tags, called], [[], ["beforeUserDeletion"]])
      assert.deepStrictEqual(yield* users.get(user.id), user)
      assert.deepStrictEqual(yield* users.findByEmail(otherEmail), Option.none())
    }).pipe(Effect.provide(layerWith(hooks)), Effect.provide(TestCore.layer))
  })

  it.effect("signs up, changes and deletes though every later hook of the host throws", () => {
    const fail = () => {
      throw new Error("the host's own")
    }
    const hooks = { ...Hooks.none, afterSignUp: fail, afterUserUpdate: fail, afterUserDeletion: fail }
    const logged: Array<string> = []
    const logger = Logger.make(({ message }) => void logged.push(String(message)))
    return Effect.gen(function* () {
      const users = yield* Users.Users
      const user = yield* users.signUp({ email }, client)
      yield* users.update(user.id, { name: "Ada" })
      yield* users.remove(user.id)
      assert.deepStrictEqual(yield* users.findByEmail(email), Option.none())
      assert.deepStrictEqual(logged, Array(3).fill("A hook of the host failed"))
    }).pipe(Effect.provide(layerWith(hooks)), Effect.provide(Logger.layer([logger])), Effect.provide(TestCore.layer))
  })

  it.effect("writes down that nothing is known of the client when the host acts on its own", () =>
    Effect.gen(function* () {
      const user = yield* Users.Users.use((users) => users.create({ email }))
      const [event] = yield* Audit.use((audit) => audit.list({ userId: user.id }))
      assert.deepStrictEqual(event?.client, unknownClient)
    }).pipe(Effect.provide(TestCore.layer)),
  )
})
