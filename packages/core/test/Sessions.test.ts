import { Audit } from "@belfry/core/Audit"
import * as Hooks from "@belfry/core/Hooks"
import type { Session, SessionPolicy } from "@belfry/core/Session"
import { defaultSessionPolicy, SessionInvalid, SessionNotFound, SessionNotFresh } from "@belfry/core/Session"
import * as Sessions from "@belfry/core/Sessions"
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { User } from "@belfry/core/User"
import { UserStore } from "@belfry/core/UserStore"
import * as Builders from "@belfry/testing/Builders"
import { assert, describe, it, layer as withLayer } from "@effect/vitest"
import { ConfigProvider, DateTime, Duration, Effect, Logger, Option, Redacted } from "effect"
import { TestClock } from "effect/testing"
import * as HostProbe from "./support/HostProbe.ts"
import { StoreProbe } from "./support/StoreProbe.ts"
import * as TestCore from "./support/TestCore.ts"
import * as TestKeyRing from "./support/TestKeyRing.ts"

const { client } = TestCore

for (const { name, stores } of TestCore.backends) {
  withLayer(TestCore.layerOver(stores))(`Sessions (${name})`, (it) => {
    it.effect("starts a session that its token opens, with its user", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions.Sessions
        const user = yield* newUser
        const { session, token } = yield* sessions.start({ user, amr: ["pwd"], client, label: "Laptop" })
        const now = yield* DateTime.now
        assert.deepStrictEqual(session, {
          id: session.id,
          userId: user.id,
          amr: ["pwd"],
          authTime: now,
          createdAt: now,
          lastSeenAt: now,
          expiresAt: DateTime.add(now, { days: 7 }),
          endsAt: DateTime.add(now, { days: 30 }),
          ipAddress: client.ipAddress,
          userAgent: client.userAgent,
          label: "Laptop",
        })
        assert.match(Redacted.value(token), /^belfry_session_[0-9A-Za-z]{43}$/)
        assert.deepStrictEqual(yield* sessions.verify(token), { session, user, prolonged: false })
      }),
    )

    it.effect("asks the stores once when nothing is due, and twice when the session slides", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions.Sessions
        const probe = yield* StoreProbe
        const { token } = yield* signIn
        yield* TestClock.adjust("1 day")
        yield* probe.clear
        yield* sessions.verify(token)
        assert.deepStrictEqual(yield* probe.calls, ["SessionStore.findByTokenHash"])
        yield* TestClock.adjust("1 millis")
        yield* sessions.verify(token)
        assert.deepStrictEqual((yield* probe.calls).slice(1), ["SessionStore.findByTokenHash", "SessionStore.touch"])
      }),
    )

    it.effect("opens no session for a token of another form, and asks no store", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions.Sessions
        const probe = yield* StoreProbe
        const { token } = yield* signIn
        const text = Redacted.value(token)
        yield* probe.clear
        for (const forged of ["", "x", text.slice(0, -1), `${text}0`, text.toUpperCase(), swapLast(text), ` ${text}`]) {
          const error = yield* Effect.flip(sessions.verify(Redacted.make(forged)))
          assert.deepStrictEqual(error, new SessionInvalid())
        }
        assert.isFalse(yield* sessions.signOut(Redacted.make("x"), client))
        assert.deepStrictEqual(yield* probe.calls, [])
      }),
    )

    it.effect("ends an unused session at the instant of its 7 days", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions.Sessions
        const [used, unused] = [yield* signIn, yield* signIn]
        yield* TestClock.adjust(justBefore("7 days"))
        yield* sessions.verify(used.token)
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual(yield* Effect.flip(sessions.verify(unused.token)), new SessionInvalid())
        yield* sessions.verify(used.token)
      }),
    )

    it.effect("prolongs a session by use after a day, and tells so once", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions.Sessions
        const { session, token } = yield* signIn
        yield* TestClock.adjust("2 days")
        const now = yield* DateTime.now
        const slid = yield* sessions.verify(token)
        const expected = { ...session, lastSeenAt: now, expiresAt: DateTime.add(now, { days: 7 }) }
        assert.deepStrictEqual([slid.session, slid.prolonged], [expected, true])
        const next = yield* sessions.verify(token)
        assert.deepStrictEqual([next.session, next.prolonged], [expected, false])
      }),
    )

    it.effect("ends a session at the instant of its 30 days, however it is used", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions.Sessions
        const { session, token } = yield* signIn
        for (let day = 1; day < 30; day++) {
          yield* TestClock.adjust("1 day")
          yield* sessions.verify(token)
        }
        yield* TestClock.adjust(justBefore("1 day"))
        const last = yield* sessions.verify(token)
        assert.deepStrictEqual([last.session.expiresAt, last.prolonged], [session.endsAt, false])
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual(yield* Effect.flip(sessions.verify(token)), new SessionInvalid())
      }),
    )

    it.effect("writes once for 50 concurrent uses of a session that is due", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions.Sessions
        const probe = yield* StoreProbe
        const { session, token } = yield* signIn
        yield* TestClock.adjust("2 days")
        yield* probe.clear
        const verified = yield* Effect.all(
          Array.from({ length: 50 }, () => sessions.verify(token)),
          { concurrency: "unbounded" },
        )
        const calls = yield* probe.calls
        assert.strictEqual(calls.filter((call) => call === "SessionStore.findByTokenHash").length, 50)
        assert.strictEqual(calls.filter((call) => call === "SessionStore.touch").length, 1)
        assert.strictEqual(verified.filter(({ prolonged }) => prolonged).length, 1)
        for (const each of verified) assert.strictEqual(each.session.id, session.id)
        const { expiresAt } = (yield* sessions.verify(token)).session
        assert.deepStrictEqual(expiresAt, DateTime.add(yield* DateTime.now, { days: 7 }))
      }),
    )

    it.effect("prolongs once for two nodes that find the session due at the same time", () =>
      Effect.gen(function* () {
        const nodes = [yield* makeSessions(), yield* makeSessions()]
        const { token } = yield* signIn
        yield* TestClock.adjust("2 days")
        const verified = yield* Effect.forEach(nodes, (node) => node.verify(token), { concurrency: "unbounded" })
        assert.strictEqual(verified.filter(({ prolonged }) => prolonged).length, 1)
      }),
    )

    it.effect("tries to prolong again after the store could not answer", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions.Sessions
        const probe = yield* StoreProbe
        const { token } = yield* signIn
        yield* TestClock.adjust("2 days")
        const error = yield* Effect.flip(probe.failing(["SessionStore.touch"], sessions.verify(token)))
        assert.strictEqual(error._tag, "StoreError")
        assert.isTrue((yield* sessions.verify(token)).prolonged)
      }),
    )

    it.effect("prolongs within seconds when the transaction around the first use came to nothing", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions.Sessions
        const transactions = yield* TransactionStore
        const { token } = yield* signIn
        yield* TestClock.adjust("2 days")
        yield* Effect.flip(transactions.run(Effect.andThen(sessions.verify(token), Effect.fail("undone"))))
        yield* TestClock.adjust("10 seconds")
        assert.isTrue((yield* sessions.verify(token)).prolonged)
      }),
    )

    it.effect("signs nobody out when the key ring rotates, and needs the old key no longer than the next use", () =>
      Effect.gen(function* () {
        const probe = yield* StoreProbe
        const [used, unused] = [yield* signIn, yield* signIn]
        const rotating = yield* Effect.provide(makeSessions(), TestKeyRing.layerOf("new", "test"))
        yield* probe.clear
        const verified = yield* Effect.all(
          Array.from({ length: 20 }, () => rotating.verify(used.token)),
          { concurrency: "unbounded" },
        )
        for (const { session } of verified) assert.deepStrictEqual(session, used.session)
        assert.strictEqual((yield* probe.calls).filter((call) => call === "SessionStore.rehash").length, 1)
        const rotated = yield* Effect.provide(makeSessions(), TestKeyRing.layerOf("new"))
        assert.deepStrictEqual((yield* rotated.verify(used.token)).session, used.session)
        assert.deepStrictEqual(yield* Effect.flip(rotated.verify(unused.token)), new SessionInvalid())
      }),
    )

    it.effect("ends the session that a sign-in replaces, whoever had it", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions.Sessions
        const [own, other] = [yield* signIn, yield* signIn]
        const { user } = own
        yield* sessions.start({ user, amr: ["pwd"], client, replaces: own.token })
        yield* sessions.start({ user, amr: ["pwd"], client, replaces: other.token })
        yield* sessions.start({ user, amr: ["pwd"], client, replaces: Redacted.make("nothing") })
        for (const { token } of [own, other]) {
          assert.deepStrictEqual(yield* Effect.flip(sessions.verify(token)), new SessionInvalid())
        }
        assert.strictEqual((yield* sessions.list(user.id)).length, 3)
        assert.deepStrictEqual(yield* sessions.list(other.user.id), [])
      }),
    )

    it.effect("leaves both alone when the session that a sign-in replaces cannot be ended", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions.Sessions
        const probe = yield* StoreProbe
        const { session, token, user } = yield* signIn
        const replacing = sessions.start({ user, amr: ["pwd"], client, replaces: token })
        assert.strictEqual((yield* Effect.flip(probe.failing(["SessionStore.remove"], replacing)))._tag, "StoreError")
        assert.deepStrictEqual(yield* sessions.list(user.id), [session])
      }),
    )

    it.effect("gives a session a new token, and the old one is dead", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions.Sessions
        const { session, token } = yield* signIn
        yield* TestClock.adjust("1 hour")
        const rotated = yield* sessions.rotate({ session, amr: ["pwd", "otp"], client })
        assert.deepStrictEqual(rotated.session, { ...session, amr: ["pwd", "otp"], authTime: yield* DateTime.now })
        assert.deepStrictEqual(yield* Effect.flip(sessions.verify(token)), new SessionInvalid())
        assert.deepStrictEqual((yield* sessions.verify(rotated.token)).session, rotated.session)
      }),
    )

    it.effect("keeps the time of the last proof when the rotation is told it", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions.Sessions
        const { session } = yield* signIn
        yield* TestClock.adjust("1 hour")
        const { authTime, amr } = session
        assert.deepStrictEqual((yield* sessions.rotate({ session, amr, authTime, client })).session, session)
      }),
    )

    it.effect("rotates no session that is over or revoked", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions.Sessions
        const [over, revoked] = [yield* signIn, yield* signIn]
        yield* sessions.revoke(revoked.user.id, revoked.session.id, client)
        yield* TestClock.adjust("7 days")
        for (const { session } of [over, revoked]) {
          const error = yield* Effect.flip(sessions.rotate({ session, amr: ["pwd"], client }))
          assert.deepStrictEqual(error, new SessionInvalid())
        }
      }),
    )

    it.effect("lists the live sessions of a user, newest first, and nobody else's", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions.Sessions
        const over = yield* signIn
        const { user } = over
        const start = Effect.map(sessions.start({ user, amr: ["pwd"], client }), ({ session }) => session)
        yield* TestClock.adjust("4 days")
        const first = yield* start
        yield* TestClock.adjust("3 days")
        const second = yield* start
        yield* signIn
        assert.deepStrictEqual(yield* sessions.list(user.id), [second, first])
      }),
    )

    it.effect("revokes one session of its user, and not of anybody else", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions.Sessions
        const [mine, theirs] = [yield* signIn, yield* signIn]
        const sessionId = theirs.session.id
        const refused = yield* Effect.flip(sessions.revoke(mine.user.id, sessionId, client))
        assert.deepStrictEqual(refused, new SessionNotFound({ sessionId }))
        yield* sessions.verify(theirs.token)
        yield* sessions.revoke(theirs.user.id, sessionId, client)
        assert.deepStrictEqual(yield* Effect.flip(sessions.verify(theirs.token)), new SessionInvalid())
        assert.strictEqual(
          (yield* Effect.flip(sessions.revoke(theirs.user.id, sessionId, client)))._tag,
          "SessionNotFound",
        )
        yield* sessions.verify(mine.token)
      }),
    )

    it.effect("revokes the others or all, counts them, and leaves other people's", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions.Sessions
        const [mine, theirs] = [yield* signIn, yield* signIn]
        const { user } = mine
        yield* sessions.start({ user, amr: ["pwd"], client })
        yield* sessions.start({ user, amr: ["pwd"], client })
        const others = sessions.revokeAll({ userId: user.id, except: mine.session.id, client })
        assert.deepStrictEqual([yield* others, yield* others], [2, 0])
        assert.deepStrictEqual(yield* sessions.list(user.id), [mine.session])
        assert.strictEqual(yield* sessions.revokeAll({ userId: user.id, client }), 1)
        assert.deepStrictEqual(yield* sessions.list(user.id), [])
        yield* sessions.verify(theirs.token)
      }),
    )

    it.effect("signs out the session that a token opens, once", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions.Sessions
        const { token } = yield* signIn
        assert.deepStrictEqual(
          [yield* sessions.signOut(token, client), yield* sessions.signOut(token, client)],
          [true, false],
        )
        assert.deepStrictEqual(yield* Effect.flip(sessions.verify(token)), new SessionInvalid())
      }),
    )

    it.effect("writes an audit event for each start, rotation and end, from where it came", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions.Sessions
        const first = yield* signIn
        const { user, session } = first
        const second = yield* sessions.start({ user, amr: ["pwd"], client, replaces: first.token })
        yield* sessions.rotate({ session: second.session, amr: ["pwd", "otp"], client })
        yield* sessions.revoke(user.id, second.session.id, client)
        const third = yield* sessions.start({ user, amr: ["email"], client })
        yield* sessions.signOut(third.token, client)
        yield* sessions.signOut(third.token, client)
        const events = yield* Audit.use((audit) => audit.list({ userId: user.id }))
        const started = (id: Session["id"], amr: ReadonlyArray<string>) => ["session.started", id, { amr }]
        assert.deepStrictEqual(
          events.toReversed().map(({ type, sessionId, data }) => [type, sessionId, data]),
          [
            started(session.id, ["pwd"]),
            ["session.revoked", session.id, {}],
            started(second.session.id, ["pwd"]),
            ["session.rotated", second.session.id, { amr: ["pwd", "otp"] }],
            ["session.revoked", second.session.id, {}],
            started(third.session.id, ["email"]),
            ["session.revoked", third.session.id, {}],
          ],
        )
        for (const event of events) assert.deepStrictEqual([event.client, event.outcome], [client, "success"])
      }),
    )

    it.effect("changes nothing and tells nobody when the audit event cannot be written", () =>
      Effect.gen(function* () {
        const probe = yield* StoreProbe
        const { called, hooks } = HostProbe.recordingHooks()
        const sessions = yield* Effect.provideService(makeSessions(), Hooks.Hooks, hooks)
        const { user, session, token } = yield* signIn
        const attempts = [
          sessions.start({ user, amr: ["pwd"], client, replaces: token }),
          sessions.rotate({ session, amr: ["pwd", "otp"], client }),
          sessions.revoke(user.id, session.id, client),
          sessions.revokeAll({ userId: user.id, client }),
          sessions.signOut(token, client),
        ]
        const { tags } = yield* HostProbe.withEvents(
          Effect.forEach(attempts, (attempt: Effect.Effect<unknown, SessionInvalid | SessionNotFound | StoreError>) =>
            Effect.map(Effect.flip(probe.failing(["AuditStore.insert"], attempt)), (error) =>
              assert.strictEqual(error._tag, "StoreError"),
            ),
          ),
        )
        assert.deepStrictEqual([tags, called], [[], []])
        assert.deepStrictEqual(yield* sessions.list(user.id), [session])
        assert.deepStrictEqual((yield* sessions.verify(token)).session, session)
      }),
    )

    it.effect("tells the host after the commit: an event for each change, the hook after a sign-in", () =>
      Effect.gen(function* () {
        const { called, hooks } = HostProbe.recordingHooks()
        const sessions = yield* Effect.provideService(makeSessions(), Hooks.Hooks, hooks)
        const user = yield* newUser
        const { events } = yield* HostProbe.withEvents(
          Effect.gen(function* () {
            const { session } = yield* sessions.start({ user, amr: ["pwd"], client })
            const rotated = yield* sessions.rotate({ session, amr: ["pwd"], client })
            yield* sessions.signOut(rotated.token, client)
            yield* sessions.revokeAll({ userId: user.id, client })
          }),
        )
        assert.deepStrictEqual(called, ["afterSignIn"])
        const [started, rotated, revoked] = events
        assert.deepStrictEqual(
          [started?._tag, rotated?._tag, revoked?._tag, events.length],
          ["SessionStarted", "SessionRotated", "SessionsRevoked", 3],
        )
        if (started?._tag !== "SessionStarted" || revoked?._tag !== "SessionsRevoked")
          return assert.fail("other events")
        assert.deepStrictEqual(started.user, user)
        assert.deepStrictEqual(revoked.sessionIds, [started.session.id])
      }),
    )

    it.effect("removes what is over and nothing else", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions.Sessions
        const over = yield* signIn
        yield* TestClock.adjust("1 day")
        const live = yield* signIn
        yield* TestClock.adjust("6 days")
        assert.isAtLeast(yield* sessions.removeExpired, 1)
        assert.strictEqual(yield* sessions.removeExpired, 0)
        assert.deepStrictEqual((yield* sessions.verify(live.token)).session.id, live.session.id)
        assert.deepStrictEqual(
          yield* sessions.revoke(over.user.id, over.session.id, client).pipe(Effect.flip),
          new SessionNotFound({ sessionId: over.session.id }),
        )
      }),
    )
  })
}

describe("Sessions with an idle timeout of 30 minutes", () => {
  const idle: Partial<SessionPolicy> = { idleTimeout: Option.some(Duration.minutes(30)) }

  it.effect("ends a session at the instant of 30 minutes without use", () =>
    Effect.gen(function* () {
      const sessions = yield* makeSessions(idle)
      const user = yield* newUser
      const { token } = yield* sessions.start({ user, amr: ["pwd"], client })
      yield* TestClock.adjust(justBefore("30 minutes"))
      yield* sessions.verify(token)
      yield* TestClock.adjust(justBefore("30 minutes"))
      yield* sessions.verify(token)
      yield* TestClock.adjust("30 minutes")
      assert.deepStrictEqual(yield* Effect.flip(sessions.verify(token)), new SessionInvalid())
      assert.deepStrictEqual(yield* sessions.list(user.id), [])
      assert.isFalse(yield* sessions.signOut(token, client))
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("writes a use down after a quarter of it, which prolongs nothing", () =>
    Effect.gen(function* () {
      const probe = yield* StoreProbe
      const sessions = yield* makeSessions(idle)
      const { session, token } = yield* sessions.start({ user: yield* newUser, amr: ["pwd"], client })
      yield* TestClock.adjust(justBefore("450 seconds"))
      yield* probe.clear
      yield* sessions.verify(token)
      assert.deepStrictEqual(yield* probe.calls, ["SessionStore.findByTokenHash"])
      yield* TestClock.adjust("1 millis")
      const used = yield* sessions.verify(token)
      assert.isFalse(used.prolonged)
      assert.deepStrictEqual(used.session, { ...session, lastSeenAt: yield* DateTime.now })
    }).pipe(Effect.provide(TestCore.layer)),
  )
})

describe("Sessions", () => {
  it.effect("asks for a proof of identity within 10 minutes where a fresh session is needed", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions.Sessions
      const { session } = yield* signIn
      yield* TestClock.adjust(justBefore("10 minutes"))
      yield* sessions.requireFresh(session)
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* Effect.flip(sessions.requireFresh(session)), new SessionNotFresh({ maxAge: 600 }))
    }).pipe(Effect.provide(TestCore.layer)),
  )

  for (const [how, afterSignIn] of [
    ["dies", () => Effect.die(new Error("the host's own"))],
    [
      "throws",
      () => {
        throw new Error("the host's own")
      },
    ],
  ] as const) {
    it.effect(`starts a session though the hook of the host ${how}, and logs it`, () => {
      const logged: Array<string> = []
      const logger = Logger.make(({ message, cause }) => void logged.push(`${String(message)} ${String(cause)}`))
      return Effect.gen(function* () {
        const sessions = yield* Effect.provideService(makeSessions(), Hooks.Hooks, { ...Hooks.none, afterSignIn })
        const { session, token } = yield* sessions.start({ user: yield* newUser, amr: ["pwd"], client })
        assert.deepStrictEqual((yield* sessions.verify(token)).session, session)
        assert.strictEqual(logged.length, 1)
        assert.include(logged[0] ?? "", "A hook of the host failed")
        assert.include(logged[0] ?? "", "the host's own")
      }).pipe(Effect.provide(Logger.layer([logger])), Effect.provide(TestCore.layer))
    })
  }

  it.effect("shows no token when a session is printed or logged", () =>
    Effect.gen(function* () {
      const { session, token } = yield* signIn
      assert.notInclude(`${JSON.stringify({ session, token })} ${String(token)}`, Redacted.value(token).slice(-20))
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("reads its rules from configuration, and has defaults", () =>
    Effect.gen(function* () {
      const read = (variables: Record<string, string>) =>
        Effect.provide(
          Effect.gen(function* () {
            return yield* Sessions.configPolicy
          }),
          ConfigProvider.layer(ConfigProvider.fromEnvRecord(variables)),
        )
      assert.deepStrictEqual(yield* read({}), defaultSessionPolicy)
      assert.deepStrictEqual(
        yield* read({
          BELFRY_SESSION_LIFETIME: "12 hours",
          BELFRY_SESSION_UPDATE_AGE: "10 minutes",
          BELFRY_SESSION_ABSOLUTE_LIFETIME: "24 hours",
          BELFRY_SESSION_IDLE_TIMEOUT: "30 minutes",
          BELFRY_SESSION_FRESHNESS: "5 minutes",
        }),
        {
          lifetime: Duration.hours(12),
          updateAge: Duration.minutes(10),
          absoluteLifetime: Duration.hours(24),
          idleTimeout: Option.some(Duration.minutes(30)),
          freshness: Duration.minutes(5),
        },
      )
    }),
  )
})

const newUser = Effect.gen(function* () {
  const user = yield* Builders.user()
  yield* UserStore.use((users) => users.insert(user))
  return user
})

/** A new user who has just signed in. */
const signIn = Effect.gen(function* () {
  const user: User = yield* newUser
  const sessions = yield* Sessions.Sessions
  return { user, ...(yield* sessions.start({ user, amr: ["pwd"], client })) }
})

/** The service once more over the same stores, as another node has it. */
const makeSessions = (policy: Partial<SessionPolicy> = {}) => Sessions.make({ ...defaultSessionPolicy, ...policy })

/** A millisecond less. */
const justBefore = (duration: Duration.Input) =>
  Duration.subtract(Duration.fromInputUnsafe(duration), Duration.millis(1))

const swapLast = (text: string) => `${text.slice(0, -2)}${text.slice(-1)}${text.slice(-2, -1)}`
