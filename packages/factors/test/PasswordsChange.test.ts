import { AuthEvents } from "@belfry/core/AuthEvents"
import { Emails } from "@belfry/core/Emails"
import { Sessions } from "@belfry/core/Sessions"
import { Email, type User } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import type { SignIn } from "@belfry/factors/Passwords"
import { PasswordStore } from "@belfry/factors/PasswordStore"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Fiber, Option, Stream } from "effect"
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
        [changed.session.id, changed.session.amr, changed.session.acr, changed.session.authTime],
        [here.session.id, ["pwd"], "aal1", here.session.authTime],
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
      // By the current one it is no fresher than before.
      assert.strictEqual(yield* tagOf(change(third, newPassword)), "SessionNotFresh")
      yield* change(yield* reauthenticate(third, adasPassword), newPassword)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("leaves when and how the session was proved, and what it is worth, with the current one or without", () =>
    Effect.gen(function* () {
      const { user } = yield* register()
      const byMail = yield* Sessions.use((sessions) =>
        sessions.start({ user, amr: ["email", "otp", "mfa"], acr: "aal2", client: home }),
      )
      const { amr, acr, authTime } = byMail.session
      yield* TestClock.adjust("1 minute")
      const changed = yield* change({ ...byMail, user }, newPassword)
      const proved = yield* change(changed, adasPassword, newPassword)
      for (const { session } of [changed, proved]) {
        assert.deepStrictEqual([session.amr, session.acr, session.authTime], [amr, acr, authTime])
      }
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

  it.effect("takes 10 changes of fresh sessions in 15 minutes, attempts at the current password among them", () =>
    Effect.gen(function* () {
      let here: SignIn = yield* register()
      for (let i = 0; i < 5; i++) {
        here = yield* change(here, newPassword)
        assert.strictEqual(yield* tagOf(reauthenticate(here, evesPassword)), "InvalidCredentials")
      }
      assert.strictEqual(yield* tagOf(change(here, newPassword)), "RateLimited")
      yield* TestClock.adjust("15 minutes")
      assert.strictEqual(yield* tagOf(change(here, adasPassword)), "SessionNotFresh")
      yield* change(yield* reauthenticate(here, newPassword), adasPassword)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("counts no change of a session that is not fresh", () =>
    Effect.gen(function* () {
      const here = yield* register()
      yield* TestClock.adjust("10 minutes")
      for (let i = 0; i < 11; i++) {
        assert.strictEqual(yield* tagOf(change(here, newPassword)), "SessionNotFresh")
      }
      yield* reauthenticate(here, adasPassword)
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

describe("A first password", () => {
  /** Somebody who is signed in by another way than a password, whose address nobody has proved. */
  const arrive = Effect.gen(function* () {
    const user = yield* Users.use((users) => users.create({ email: ada }))
    const issued = yield* Sessions.use((sessions) => sessions.start({ user, amr: ["oauth"], client: home }))
    return { ...issued, user }
  })
  const hash = ({ user }: { readonly user: User }) => PasswordStore.use((passwords) => passwords.find(user.id))

  it.effect("is not set for an address that is not proved: by no change, with or without a current password", () =>
    Effect.gen(function* () {
      const eve = yield* arrive
      assert.strictEqual(yield* tagOf(change(eve, evesPassword)), "EmailUnverified")
      assert.strictEqual(yield* tagOf(change(eve, evesPassword, evesPassword)), "InvalidCredentials")
      assert.deepStrictEqual(yield* hash(eve), Option.none())
      assert.deepStrictEqual(yield* mails, [])
      const verified = yield* Sessions.use((sessions) => sessions.verify(eve.token))
      assert.deepStrictEqual(verified.session, eve.session)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is set by a fresh session once the address is proved", () =>
    Effect.gen(function* () {
      const here = yield* arrive
      const user = yield* Users.use((users) =>
        Effect.flatMap(DateTime.now, (emailVerifiedAt) => users.update(here.user.id, { emailVerifiedAt })),
      )
      yield* change({ ...here, user }, newPassword)
      yield* signIn({ password: newPassword })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("may be followed by another one, though the proof of the address was taken back", () =>
    Effect.gen(function* () {
      const here = yield* register()
      const user = yield* Users.use((users) => users.update(here.user.id, { emailVerifiedAt: null }))
      yield* change({ ...here, user }, newPassword)
      yield* signIn({ password: newPassword })
    }).pipe(Effect.provide(layer)),
  )
})
