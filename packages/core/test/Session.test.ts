import * as Session from "@belfry/core/Session"
import { type User, UserId } from "@belfry/core/User"
import * as Builders from "@belfry/testing/Builders"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Option, Schema } from "effect"

const policy = Session.defaultSessionPolicy
const userId: User["id"] = UserId.make("019a0000-0000-7000-8000-000000000001")
const start = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
const after = (duration: Duration.Input) => DateTime.addDuration(start, duration)

/** A session that began at `start` by the default policy. */
const session = Effect.runSync(
  Builders.session({
    userId,
    authTime: start,
    createdAt: start,
    lastSeenAt: start,
    expiresAt: after("7 days"),
    endsAt: after("30 days"),
  }),
)

describe("expiryAt", () => {
  it("is the lifetime from now", () => {
    assert.deepStrictEqual(Session.expiryAt(policy, start, after("30 days")), after("7 days"))
  })

  it("is never past the absolute end", () => {
    assert.deepStrictEqual(Session.expiryAt(policy, after("23 days"), session.endsAt), session.endsAt)
    assert.deepStrictEqual(Session.expiryAt(policy, after("24 days"), session.endsAt), session.endsAt)
  })
})

describe("isExpired", () => {
  it("is false a millisecond before the expiry and true at the very instant", () => {
    assert.isFalse(Session.isExpired(session, policy, DateTime.subtract(session.expiresAt, { milliseconds: 1 })))
    assert.isTrue(Session.isExpired(session, policy, session.expiresAt))
  })

  it("is false a millisecond before the idle timeout and true at the very instant, counted from the last use", () => {
    const strict = { ...policy, idleTimeout: Option.some(Duration.minutes(30)) }
    const used = { ...session, lastSeenAt: after("2 hours") }
    assert.isFalse(Session.isExpired(used, strict, DateTime.subtract(after("150 minutes"), { milliseconds: 1 })))
    assert.isTrue(Session.isExpired(used, strict, after("150 minutes")))
    assert.isFalse(Session.isExpired(used, policy, after("150 minutes")))
  })
})

describe("slide", () => {
  it("leaves a session alone while exactly lifetime - updateAge remains", () => {
    assert.deepStrictEqual(Session.slide(session, policy, after("1 day")), Option.none())
  })

  it("moves the expiry when a millisecond less remains, and keeps everything else", () => {
    const now = DateTime.add(after("1 day"), { milliseconds: 1 })
    const expected = { ...session, lastSeenAt: now, expiresAt: DateTime.addDuration(now, policy.lifetime) }
    assert.deepStrictEqual(Session.slide(session, policy, now), Option.some(expected))
  })

  it("moves the expiry to the absolute end, never past it", () => {
    const late = { ...session, expiresAt: after("27 days") }
    const slid = Option.getOrThrow(Session.slide(late, policy, after("26 days")))
    assert.deepStrictEqual(slid.expiresAt, session.endsAt)
  })

  it("does nothing when the expiry is at the absolute end already, though little remains", () => {
    const last = { ...session, expiresAt: session.endsAt }
    for (const time of [after("24 days"), after("29 days"), DateTime.subtract(session.endsAt, { milliseconds: 1 })]) {
      assert.deepStrictEqual(Session.slide(last, policy, time), Option.none())
    }
  })

  it("writes down a use after a quarter of the idle timeout, and leaves the expiry", () => {
    const strict = { ...policy, idleTimeout: Option.some(Duration.minutes(60)) }
    assert.deepStrictEqual(
      Session.slide(session, strict, DateTime.subtract(after("15 minutes"), { milliseconds: 1 })),
      Option.none(),
    )
    const now = after("15 minutes")
    assert.deepStrictEqual(Session.slide(session, strict, now), Option.some({ ...session, lastSeenAt: now }))
  })

  it("does nothing when the clock was set back", () => {
    assert.deepStrictEqual(Session.slide(session, policy, DateTime.subtract(start, { days: 3 })), Option.none())
  })

  const Gaps = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 45 * 60_000 }))).check(
    Schema.isMaxLength(60),
  )

  it.prop("never lets a session idle out that is used within three quarters of the idle timeout", [Gaps], ([gaps]) => {
    const strict = { ...policy, idleTimeout: Option.some(Duration.minutes(60)) }
    let current: Session.Session = session
    let now = start
    for (const gap of gaps) {
      now = DateTime.add(now, { milliseconds: gap })
      assert.isFalse(Session.isExpired(current, strict, now))
      current = Option.getOrElse(Session.slide(current, strict, now), () => current)
    }
  })

  const Uses = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 7 * 86_400_000 })))

  it.prop("moves the expiry forward only, at most to the absolute end, and not twice in a day", [Uses], ([gaps]) => {
    let current: Session.Session = session
    let now = start
    let moved: DateTime.Utc | undefined
    for (const gap of gaps) {
      now = DateTime.add(now, { milliseconds: gap })
      if (Session.isExpired(current, policy, now)) return
      const slid = Session.slide(current, policy, now)
      if (Option.isNone(slid)) continue
      assert.isTrue(DateTime.isGreaterThan(slid.value.expiresAt, current.expiresAt))
      assert.isFalse(DateTime.isGreaterThan(slid.value.expiresAt, slid.value.endsAt))
      if (moved !== undefined) assert.isTrue(DateTime.isGreaterThan(now, DateTime.add(moved, { days: 1 })))
      moved = now
      current = slid.value
    }
  })
})

describe("isFresh", () => {
  it("is true a millisecond before the freshness ends and false at the very instant", () => {
    assert.isTrue(Session.isFresh(session, policy, start))
    assert.isTrue(Session.isFresh(session, policy, DateTime.subtract(after("10 minutes"), { milliseconds: 1 })))
    assert.isFalse(Session.isFresh(session, policy, after("10 minutes")))
  })

  it("counts from the last proof, not from the start of the session or its last use", () => {
    const proved = { ...session, authTime: after("5 days") }
    assert.isTrue(Session.isFresh(proved, policy, after("5 days")))
    assert.isFalse(Session.isFresh({ ...session, lastSeenAt: after("5 days") }, policy, after("5 days")))
  })
})

describe("Session", () => {
  it.effect("survives the way over the wire, its times to the millisecond", () =>
    Effect.gen(function* () {
      const codec = Schema.toCodecJson(Session.Session)
      const full = { ...session, lastSeenAt: DateTime.makeUnsafe(1_700_000_000_123), label: "Laptop «a»" }
      const wire = yield* Schema.encodeEffect(codec)(full)
      const text = JSON.stringify(wire)
      assert.include(text, `"lastSeenAt":"2023-11-14T22:13:20.123Z"`)
      assert.deepStrictEqual(yield* Schema.decodeUnknownEffect(codec)(JSON.parse(text)), full)
    }),
  )
})
