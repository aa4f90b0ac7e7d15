import { Audit } from "@belfry/core/Audit"
import * as Hooks from "@belfry/core/Hooks"
import { type Session, SessionInvalid, SessionNotFound } from "@belfry/core/Session"
import * as Sessions from "@belfry/core/Sessions"
import type { StoreError } from "@belfry/core/StoreError"
import { assert, layer as withLayer } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as HostProbe from "./support/HostProbe.ts"
import { makeSessions, newUser, signIn } from "./support/SignIns.ts"
import { StoreProbe } from "./support/StoreProbe.ts"
import * as TestCore from "./support/TestCore.ts"

const { client } = TestCore

for (const { name, stores } of TestCore.backends) {
  withLayer(TestCore.layerOver(stores))(`Sessions, listed, ended and written down (${name})`, (it) => {
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
        const proved = (...factors: ReadonlyArray<string>) =>
          factors.map((factor) => ({ factor, at: session.authTime }))
        const proofs = proved("password", "totp", "password")
        const second = yield* sessions.start({ user, amr: ["pwd"], proofs, client, replaces: first.token })
        yield* sessions.rotate({ session: second.session, amr: ["pwd", "otp"], proofs: proved("totp", "totp"), client })
        yield* sessions.rotate({ session: second.session, amr: ["otp"], client })
        yield* sessions.revoke(user.id, second.session.id, client)
        const third = yield* sessions.start({ user, amr: ["email"], client })
        yield* sessions.signOut(third.token, client)
        yield* sessions.signOut(third.token, client)
        const events = yield* Audit.use((audit) => audit.list({ userId: user.id }))
        const started = (id: Session["id"], amr: ReadonlyArray<string>, ...factors: ReadonlyArray<string>) => [
          "session.started",
          id,
          { amr, factors },
        ]
        assert.deepStrictEqual(
          events.toReversed().map(({ type, sessionId, data }) => [type, sessionId, data]),
          [
            started(session.id, ["pwd"]),
            ["session.revoked", session.id, {}],
            started(second.session.id, ["pwd"], "password", "totp"),
            ["session.rotated", second.session.id, { amr: ["pwd", "otp"], factors: ["totp"] }],
            ["session.rotated", second.session.id, { amr: ["otp"], factors: [] }],
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
