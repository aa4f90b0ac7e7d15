/**
 * Proving again who one is: the session that is there becomes fresh, under a new token.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import type { Session } from "@belfry/core/Session"
import { Sessions } from "@belfry/core/Sessions"
import type { User } from "@belfry/core/User"
import * as SignInPolicy from "@belfry/factors/SignInPolicy"
import { TotpStore } from "@belfry/factors/TotpStore"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect } from "effect"
import { TestClock } from "effect/testing"
import {
  completed,
  get,
  going,
  layer,
  layerOf,
  open,
  prove,
  proveEnrolment,
  proveFirst,
  proveNext,
  refusal,
  setUps,
  stepUp,
  trailOf,
  userWith,
} from "./support/SignIns.ts"

const verify = (token: Parameters<Sessions["Service"]["verify"]>[0]) =>
  Sessions.use((sessions) => sessions.verify(token))

const revoke = (user: User, session: Session) =>
  Sessions.use((sessions) => sessions.revoke(user.id, session.id, unknownClient))

const invalid = "SignInRefused:invalid"

describe("A step-up", () => {
  it.effect("makes the session fresh under a new token, and adds what was proved", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password")
      const before = yield* completed(proveFirst(user))
      yield* setUps.totp(user)
      yield* TestClock.adjust("2 hours")
      const now = yield* DateTime.now
      assert.strictEqual(
        yield* refusal(Sessions.use((sessions) => sessions.requireFresh(before.session))),
        "SessionNotFresh",
      )
      const started = yield* stepUp(before.session, user)
      assert.deepStrictEqual(started.state.factors, ["totp"])
      assert.deepStrictEqual(started.state.user, user)
      const after = yield* completed(proveNext(started.token, user, "totp"))
      assert.deepStrictEqual(after.session, {
        ...before.session,
        amr: ["pwd", "otp", "mfa"],
        acr: "aal2",
        authTime: now,
        lastSeenAt: after.session.lastSeenAt,
        expiresAt: after.session.expiresAt,
      })
      assert.strictEqual(yield* refusal(verify(before.token)), "SessionInvalid")
      const verified = yield* verify(after.token)
      assert.strictEqual(verified.session.id, before.session.id)
      yield* Sessions.use((sessions) => sessions.requireFresh(verified.session))
      assert.strictEqual((yield* Sessions.use((sessions) => sessions.list(user.id))).length, 1)
      assert.deepStrictEqual((yield* trailOf(user)).slice(-2), ["session.started", "session.rotated"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("says each method once, however often it is proved again", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password", "totp")
      const { token } = yield* going(proveFirst(user))
      const first = yield* completed(proveNext(token, user, "totp"))
      const started = yield* stepUp(first.session, user)
      const { session } = yield* completed(proveNext(started.token, user, "totp"))
      assert.deepStrictEqual([session.amr, session.acr], [["pwd", "otp", "mfa"], "aal2"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("takes the password of nobody who has a second factor", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password", "totp")
      const signedIn = yield* going(proveFirst(user))
      const { session } = yield* completed(proveNext(signedIn.token, user, "totp"))
      const { token } = yield* stepUp(session, user)
      assert.strictEqual(yield* refusal(open(token, "password")), "SignInRefused:factor-unavailable")
      assert.strictEqual(yield* refusal(open(token, "email-code")), "SignInRefused:factor-unavailable")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("takes the proof of nobody else", () =>
    Effect.gen(function* () {
      const [ada, eve] = [yield* userWith("password"), yield* userWith("password")]
      const adas = yield* completed(proveFirst(ada))
      const { token } = yield* stepUp(adas.session, ada)
      assert.strictEqual(yield* refusal(proveNext(token, eve, "password")), "SignInRefused:user-mismatch")
      assert.deepStrictEqual((yield* verify(adas.token)).session, adas.session)
      // A sign-in that begins in the same browser leaves it alone.
      const eves = yield* completed(proveFirst(eve, "password", { token }))
      assert.notStrictEqual(eves.session.id, adas.session.id)
      yield* get(token)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("of a session that ended meanwhile goes nowhere, and brings it not back", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password")
      const before = yield* completed(proveFirst(user))
      const [first, second] = [yield* stepUp(before.session, user), yield* stepUp(before.session, user)]
      const opened = yield* open(first.token, "password")
      yield* revoke(user, before.session)
      assert.strictEqual(yield* refusal(prove(opened, user)), invalid)
      assert.strictEqual(yield* refusal(get(second.token)), invalid)
      assert.strictEqual(yield* refusal(open(second.token, "password")), invalid)
      assert.deepStrictEqual(yield* Sessions.use((sessions) => sessions.list(user.id)), [])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("of a session that is over, though nobody swept it, goes nowhere", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password")
      const before = yield* completed(proveFirst(user))
      yield* TestClock.setTime(before.session.expiresAt.epochMilliseconds - 1)
      const { token } = yield* stepUp(before.session, user)
      const opened = yield* open(token, "password")
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* refusal(prove(opened, user)), invalid)
      assert.strictEqual(yield* refusal(verify(before.token)), "SessionInvalid")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is over after 15 minutes like any attempt", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password")
      const { session } = yield* completed(proveFirst(user))
      const { token } = yield* stepUp(session, user)
      yield* TestClock.adjust("15 minutes")
      assert.strictEqual(yield* refusal(open(token, "password")), invalid)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("demands nothing to be set up, where a sign-in does", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password")
      const first = yield* going(proveFirst(user))
      assert.deepStrictEqual(first.state.enrol, ["totp"])
      const { session } = yield* completed(proveEnrolment(first.token, user, "totp"))
      yield* TotpStore.use((totps) => totps.remove(user.id))
      const { token } = yield* stepUp(session, user)
      yield* completed(proveNext(token, user, "password"))
    }).pipe(Effect.provide(layerOf(byAction))),
  )

  it.effect("asks for what the policy says of the action", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password", "totp")
      const { token } = yield* going(proveFirst(user))
      const { session } = yield* completed(proveNext(token, user, "totp"))
      const plain = yield* stepUp(session, user)
      assert.deepStrictEqual(plain.state.factors, ["password"])
      const removal = yield* stepUp(session, user, "account.remove")
      assert.deepStrictEqual(removal.state.factors, ["password", "totp"])
      assert.strictEqual(removal.state.attempt.stepUp?.action, "account.remove")
      const next = yield* going(proveNext(removal.token, user, "password"))
      assert.deepStrictEqual(next.state.factors, ["totp"])
      // Half way is no way.
      assert.deepStrictEqual((yield* Sessions.use((sessions) => sessions.list(user.id)))[0]?.authTime, session.authTime)
      yield* completed(proveNext(next.token, user, "totp"))
    }).pipe(Effect.provide(layerOf(byAction))),
  )
})

/** Asks for a password, and before an account is removed for TOTP besides; everybody has to have TOTP. */
const byAction: SignInPolicy.SignInPolicyService = {
  ...SignInPolicy.make(),
  stepUp: ({ stepUp: { action } }) =>
    Effect.succeed(action === "account.remove" ? [["password", "totp"]] : [["password"]]),
  enrolment: () => Effect.succeed(["totp"]),
}
