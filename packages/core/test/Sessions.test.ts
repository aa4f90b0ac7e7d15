import { SessionInvalid } from "@belfry/core/Session"
import * as Sessions from "@belfry/core/Sessions"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { assert, layer as withLayer } from "@effect/vitest"
import { DateTime, Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { justBefore, makeSessions, newUser, signIn } from "./support/SignIns.ts"
import { StoreProbe } from "./support/StoreProbe.ts"
import * as TestCore from "./support/TestCore.ts"
import * as TestKeyRing from "./support/TestKeyRing.ts"

const { client } = TestCore

for (const { name, stores } of TestCore.backends) {
  withLayer(TestCore.layerOver(stores))(`Sessions, in use (${name})`, (it) => {
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
          acr: null,
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

    it.effect("leaves a session as it is for a look, which opens what a use opens", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions.Sessions
        const probe = yield* StoreProbe
        const { session, token, user } = yield* signIn
        yield* TestClock.adjust("2 days")
        yield* probe.clear
        assert.deepStrictEqual(yield* sessions.peek(token), { session, user })
        assert.deepStrictEqual(yield* probe.calls, ["SessionStore.findByTokenHash"])
        assert.isTrue((yield* sessions.verify(token)).prolonged)
        yield* TestClock.adjust("7 days")
        assert.deepStrictEqual(yield* Effect.flip(sessions.peek(token)), new SessionInvalid())
        assert.deepStrictEqual(yield* Effect.flip(sessions.peek(Redacted.make("made up"))), new SessionInvalid())
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
        const raised = yield* sessions.rotate({ session, amr: ["pwd", "otp"], acr: "aal2", client })
        assert.strictEqual(raised.session.acr, "aal2")
        const kept = yield* sessions.rotate({ session: raised.session, amr: ["pwd"], client })
        assert.strictEqual(kept.session.acr, "aal2")
        assert.deepStrictEqual(yield* Effect.flip(sessions.verify(token)), new SessionInvalid())
        assert.deepStrictEqual((yield* sessions.verify(kept.token)).session, kept.session)
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

    it.effect("tells what was proved when it began and when it was rotated, after an instant", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions.Sessions
        const user = yield* newUser
        const began = yield* DateTime.now
        const { session } = yield* sessions.start({
          user,
          amr: ["pwd"],
          proofs: ["password", "totp"].map((factor) => ({ factor, at: began })),
          client,
        })
        yield* TestClock.adjust("1 hour")
        const again = yield* DateTime.now
        yield* sessions.rotate({ session, amr: ["otp"], proofs: [{ factor: "totp", at: again }], client })
        yield* sessions.rotate({ session, amr: ["otp"], client })
        assert.deepStrictEqual(yield* sessions.proofs(session.id, DateTime.subtract(began, { milliseconds: 1 })), [
          { factor: "password", at: began },
          { factor: "totp", at: again },
        ])
        assert.deepStrictEqual(yield* sessions.proofs(session.id, began), [{ factor: "totp", at: again }])
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
  })
}

/** The last two neighbours that differ, in the other order. */
const swapLast = (text: string): string => {
  const at = Array.from(text, (letter, index) => letter !== text[index - 1]).lastIndexOf(true)
  return `${text.slice(0, at - 1)}${text[at]}${text[at - 1]}${text.slice(at + 1)}`
}
