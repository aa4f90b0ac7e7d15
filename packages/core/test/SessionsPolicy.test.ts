import * as Hooks from "@belfry/core/Hooks"
import { defaultSessionPolicy, SessionInvalid, SessionNotFresh, type SessionPolicy } from "@belfry/core/Session"
import * as Sessions from "@belfry/core/Sessions"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, DateTime, Duration, Effect, Logger, Option, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { justBefore, makeSessions, newUser, signIn } from "./support/SignIns.ts"
import { StoreProbe } from "./support/StoreProbe.ts"
import * as TestCore from "./support/TestCore.ts"

const { client } = TestCore

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

  it.effect("asks for one of who calls without a session", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions.Sessions
      assert.deepStrictEqual(yield* Effect.flip(sessions.requireFresh(null)), new SessionNotFresh({ maxAge: 600 }))
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
