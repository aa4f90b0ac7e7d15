import { AuthEvents } from "@belfry/core/AuthEvents"
import { Emails } from "@belfry/core/Emails"
import { Sessions } from "@belfry/core/Sessions"
import { Email } from "@belfry/core/User"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import {
  ada,
  adasPassword,
  auditTrail,
  change,
  evesPassword,
  home,
  layer,
  mails,
  reauthenticate,
  register,
  reset,
  secret,
  signIn,
  takeResetToken,
  takeToken,
} from "./support/People.ts"

const newPassword = secret("a password of next year")

const tagOf = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), ({ _tag }) => _tag)

describe("Changing a password", () => {
  it.effect("takes the current one, ends the other sessions and gives this one a new token", () =>
    Effect.gen(function* () {
      const here = yield* register()
      const elsewhere = yield* signIn()
      yield* TestClock.adjust("1 day")
      const changed = yield* change(here, newPassword, adasPassword)
      const sessions = yield* Sessions
      for (const { token } of [here, elsewhere]) {
        assert.strictEqual(yield* tagOf(sessions.verify(token)), "SessionInvalid")
      }
      assert.deepStrictEqual((yield* sessions.verify(changed.token)).session, changed.session)
      assert.deepStrictEqual(
        [changed.session.id, changed.session.amr, changed.session.authTime],
        [here.session.id, ["pwd"], yield* DateTime.now],
      )
      assert.deepStrictEqual(changed.user, here.user)
      assert.strictEqual(yield* tagOf(signIn({ password: adasPassword })), "InvalidCredentials")
      yield* signIn({ password: newPassword })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("records itself and what it ended, and tells the user", () =>
    Effect.gen(function* () {
      const here = yield* register()
      yield* signIn()
      const before = (yield* auditTrail).length
      yield* change(here, newPassword, adasPassword)
      assert.deepStrictEqual((yield* auditTrail).slice(before), [
        "password.changed",
        "session.revoked",
        "session.rotated",
      ])
      assert.deepStrictEqual(yield* mails, ["password-changed"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("tells those who follow the events, once it is done", () =>
    Effect.gen(function* () {
      const here = yield* register()
      const events = yield* AuthEvents
      const following = yield* Effect.forkChild(
        events.stream.pipe(
          Stream.filter((event) => event._tag === "CredentialChanged"),
          Stream.take(1),
          Stream.runCollect,
        ),
        { startImmediately: true },
      )
      yield* change(here, newPassword, adasPassword)
      assert.deepStrictEqual(yield* Fiber.join(following), [
        { _tag: "CredentialChanged", userId: here.user.id, method: "pwd" },
      ])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("needs no current password within 10 minutes of the last proof, and one at 10 minutes", () =>
    Effect.gen(function* () {
      const first = yield* register()
      yield* TestClock.adjust("599999 millis")
      const second = yield* change(first, newPassword)
      yield* signIn({ password: newPassword })
      yield* TestClock.adjust("10 minutes")
      const error = yield* Effect.flip(change(second, adasPassword))
      assert.deepStrictEqual(error._tag === "SessionNotFresh" ? error.maxAge : error, 600)
      const third = yield* change(second, adasPassword, newPassword)
      yield* TestClock.adjust("10 minutes")
      yield* change(yield* reauthenticate(third, adasPassword), newPassword)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("leaves the ways in which a fresh session was proved as they are", () =>
    Effect.gen(function* () {
      const { user } = yield* register()
      const byMail = yield* Sessions.use((sessions) => sessions.start({ user, amr: ["email"], client: home }))
      const changed = yield* change({ ...byMail, user }, newPassword)
      assert.deepStrictEqual(changed.session.amr, ["email"])
      const proved = yield* change(changed, adasPassword, newPassword)
      assert.deepStrictEqual(proved.session.amr, ["email", "pwd"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("refuses a wrong current password, even of a fresh session, and nothing changes", () =>
    Effect.gen(function* () {
      const here = yield* register()
      const elsewhere = yield* signIn()
      assert.strictEqual(yield* tagOf(change(here, newPassword, evesPassword)), "InvalidCredentials")
      assert.strictEqual(yield* tagOf(change(here, newPassword, secret(""))), "InvalidCredentials")
      assert.deepStrictEqual((yield* auditTrail).slice(-1), ["password.reauthentication:wrong-password"])
      const sessions = yield* Sessions
      for (const { session, token } of [here, elsewhere]) {
        assert.deepStrictEqual((yield* sessions.verify(token)).session, session)
      }
      assert.deepStrictEqual(yield* mails, [])
      yield* signIn()
    }).pipe(Effect.provide(layer)),
  )

  it.effect("takes 10 attempts at the current password in 15 minutes", () =>
    Effect.gen(function* () {
      const here = yield* register()
      for (let i = 0; i < 5; i++) {
        assert.strictEqual(yield* tagOf(change(here, newPassword, evesPassword)), "InvalidCredentials")
        assert.strictEqual(yield* tagOf(reauthenticate(here, evesPassword)), "InvalidCredentials")
      }
      assert.strictEqual(yield* tagOf(change(here, newPassword, adasPassword)), "RateLimited")
      yield* TestClock.adjust("15 minutes")
      yield* change(here, newPassword, adasPassword)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("refuses a new password that will not do, and nothing changes", () =>
    Effect.gen(function* () {
      const here = yield* register()
      for (const text of ["1234567", "a".repeat(1025)]) {
        assert.strictEqual(yield* tagOf(change(here, secret(text), adasPassword)), "PasswordRejected")
      }
      yield* Sessions.use((sessions) => sessions.verify(here.token))
      yield* signIn()
    }).pipe(Effect.provide(layer)),
  )

  it.effect("makes links from before worthless: those that reset, and those that change the address", () =>
    Effect.gen(function* () {
      const here = yield* register()
      const token = yield* takeResetToken()
      const eve = Email.make("eve@example.com")
      yield* Emails.use((emails) => emails.requestChange(here.user, eve, home))
      const toEve = yield* takeToken(eve, "confirm-email-change")
      yield* change(here, newPassword, adasPassword)
      assert.strictEqual(yield* tagOf(reset(token, evesPassword)), "VerificationTokenInvalid")
      assert.strictEqual(
        yield* tagOf(Emails.use((emails) => emails.confirmChange(toEve, home))),
        "VerificationTokenInvalid",
      )
      yield* signIn({ email: ada, password: newPassword })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("fails when the session ended meanwhile, and the password stays", () =>
    Effect.gen(function* () {
      const here = yield* register()
      const elsewhere = yield* signIn()
      const sessions = yield* Sessions
      yield* sessions.signOut(here.token, home)
      assert.strictEqual(yield* tagOf(change(here, newPassword, adasPassword)), "SessionInvalid")
      yield* signIn()
      yield* sessions.verify(elsewhere.token)
      assert.deepStrictEqual(yield* mails, [])
    }).pipe(Effect.provide(layer)),
  )
})
