import { Emails } from "@belfry/core/Emails"
import { Sessions } from "@belfry/core/Sessions"
import { Email } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import * as CapturingMailer from "@belfry/testing/CapturingMailer"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Exit, Option, Redacted } from "effect"
import { TestClock } from "effect/testing"
import {
  ada,
  adasPassword,
  auditTrail,
  bob,
  clientAt,
  costOf,
  forgot,
  home,
  layer,
  mails,
  register,
  reset,
  secret,
  signIn,
  signUp,
  takeResetToken,
  takeToken,
} from "./support/People.ts"

const newPassword = secret("a password of next year")

const tagOf = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), ({ _tag }) => _tag)

describe("Forgetting a password", () => {
  it.effect("sends a link to a known address alone, for the same work and the same answer", () =>
    Effect.gen(function* () {
      yield* register()
      const { mails: sentToKnown, ...known } = yield* costOf(forgot())
      const { mails: sentToUnknown, ...unknown } = yield* costOf(forgot({ email: bob }))
      assert.deepStrictEqual(known, unknown)
      assert.deepStrictEqual(known, { statements: 4, derivations: [] })
      assert.deepStrictEqual([sentToKnown, sentToUnknown], [1, 0])
      assert.deepStrictEqual([yield* forgot(), yield* forgot({ email: bob })], [undefined, undefined])
      assert.deepStrictEqual((yield* auditTrail).slice(-2), [
        "password.reset-requested",
        "password.reset-requested:unknown-address",
      ])
      const message = yield* CapturingMailer.CapturingMailer.use((mailer) => mailer.takeLast(ada))
      assert.strictEqual(message.category, "reset-password")
      const link = CapturingMailer.linkIn(message)
      assert.strictEqual(link.origin + link.pathname, "http://localhost:3000/reset-password")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is limited to 5 mails an hour for an address, known or not", () =>
    Effect.gen(function* () {
      yield* register({ email: bob })
      for (const [email, uses] of [
        [ada, 5],
        [bob, 4],
      ] as const) {
        yield* Effect.forEach(Array.from({ length: uses }), () => forgot({ email }), { discard: true })
        const error = yield* Effect.flip(forgot({ email, client: clientAt("203.0.113.9") }))
        assert.deepStrictEqual(error._tag === "RateLimited" ? error.retryAfter : error, 3600)
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is limited to 50 mails an hour for a client", () =>
    Effect.gen(function* () {
      for (let i = 0; i < 50; i++) yield* forgot({ email: Email.make(`person-${i}@example.com`) })
      assert.strictEqual(yield* tagOf(forgot()), "RateLimited")
      assert.strictEqual(yield* tagOf(signUp()), "RateLimited")
      yield* forgot({ client: clientAt("203.0.113.9") })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("makes the link from before worthless", () =>
    Effect.gen(function* () {
      yield* register()
      const first = yield* takeResetToken()
      const second = yield* takeResetToken()
      assert.strictEqual(yield* tagOf(reset(first, newPassword)), "VerificationTokenInvalid")
      yield* reset(second, newPassword)
    }).pipe(Effect.provide(layer)),
  )
})

describe("Resetting a password", () => {
  it.effect("sets the new password and ends every session", () =>
    Effect.gen(function* () {
      const { user, token: laptop } = yield* register()
      const { token: phone } = yield* signIn()
      const bobs = yield* register({ email: bob })
      const returned = yield* reset(yield* takeResetToken(), newPassword)
      assert.strictEqual(returned.id, user.id)
      assert.strictEqual(yield* tagOf(signIn({ password: adasPassword })), "InvalidCredentials")
      const sessions = yield* Sessions
      for (const token of [laptop, phone]) assert.strictEqual(yield* tagOf(sessions.verify(token)), "SessionInvalid")
      assert.deepStrictEqual(yield* sessions.list(user.id), [])
      yield* sessions.verify(bobs.token)
      yield* signIn({ password: newPassword })
      yield* signIn({ email: bob })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("records itself and every session that it ended, and tells the user", () =>
    Effect.gen(function* () {
      yield* register()
      yield* signIn()
      const token = yield* takeResetToken()
      const before = (yield* auditTrail).length
      yield* reset(token, newPassword)
      assert.deepStrictEqual((yield* auditTrail).slice(before), [
        "password.reset",
        "session.revoked",
        "session.revoked",
      ])
      assert.deepStrictEqual(yield* mails, ["password-changed"])
      const message = yield* CapturingMailer.CapturingMailer.use((mailer) => mailer.takeLast(ada))
      assert.notInclude(message.text, Redacted.value(newPassword))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("works for one of 50 who bring the token at once", () =>
    Effect.gen(function* () {
      yield* register()
      const token = yield* takeResetToken()
      const exits = yield* Effect.forEach(
        Array.from({ length: 50 }, (_, index) => secret(`password number ${index}`)),
        (password) => Effect.map(Effect.exit(reset(token, password)), (exit) => ({ exit, password })),
        { concurrency: "unbounded" },
      )
      const winners = exits.filter(({ exit }) => Exit.isSuccess(exit))
      assert.strictEqual(winners.length, 1)
      for (const { password } of winners) yield* signIn({ password })
      assert.strictEqual((yield* auditTrail).filter((event) => event === "password.reset").length, 1)
      assert.deepStrictEqual(yield* mails, ["password-changed"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("works until a millisecond before an hour, and not at it", () =>
    Effect.gen(function* () {
      yield* register()
      yield* register({ email: bob })
      const token = yield* takeResetToken()
      const lateToken = yield* takeResetToken({ email: bob })
      yield* TestClock.adjust("3599999 millis")
      yield* reset(token, newPassword)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* tagOf(reset(lateToken, newPassword)), "VerificationTokenInvalid")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("makes the other links worthless: those that reset, and those that change the address", () =>
    Effect.gen(function* () {
      const { user } = yield* register()
      yield* signUp()
      const already = yield* takeToken(ada, "already-signed-up")
      // Somebody who had the session asked for an address of their own.
      yield* Emails.use((emails) => emails.requestChange(user, Email.make("eve@example.com"), home))
      const toEve = yield* takeToken(Email.make("eve@example.com"), "confirm-email-change")
      yield* signUp()
      yield* reset(yield* takeToken(ada, "already-signed-up"), newPassword)
      assert.strictEqual(yield* tagOf(reset(already, adasPassword)), "VerificationTokenInvalid")
      assert.strictEqual(
        yield* tagOf(Emails.use((emails) => emails.confirmChange(toEve, home))),
        "VerificationTokenInvalid",
      )
    }).pipe(Effect.provide(layer)),
  )

  it.effect("refuses a password that will not do, without using up the link", () =>
    Effect.gen(function* () {
      yield* register()
      const token = yield* takeResetToken()
      assert.strictEqual(yield* tagOf(reset(token, secret("1234567"))), "PasswordRejected")
      yield* signIn()
      yield* reset(token, newPassword)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("proves the address of a user who had not proved it", () =>
    Effect.gen(function* () {
      const { id } = yield* Users.use((users) => users.create({ email: ada }))
      const token = yield* takeResetToken()
      yield* TestClock.adjust("1 minute")
      yield* reset(token, newPassword)
      const user = yield* Users.use((users) => users.get(id))
      assert.deepStrictEqual(user.emailVerifiedAt, yield* DateTime.now)
      yield* signIn({ password: newPassword })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("leaves the time at which the address was proved", () =>
    Effect.gen(function* () {
      const { user } = yield* register()
      yield* TestClock.adjust("1 day")
      yield* reset(yield* takeResetToken(), newPassword)
      assert.deepStrictEqual(yield* Users.use((users) => users.get(user.id)), user)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("takes no link that went to an address which the user has no more", () =>
    Effect.gen(function* () {
      const { user } = yield* register()
      const token = yield* takeResetToken()
      yield* Users.use((users) => users.update(user.id, { email: bob, emailVerifiedAt: null }))
      assert.strictEqual(yield* tagOf(reset(token, newPassword)), "VerificationTokenInvalid")
      const after = yield* Users.use((users) => users.get(user.id))
      assert.isNull(after.emailVerifiedAt)
      yield* signIn({ email: bob, password: adasPassword })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("takes neither tokens of another kind, nor made-up ones, nor those of a deleted user", () =>
    Effect.gen(function* () {
      yield* signUp({ email: bob })
      const confirmation = yield* takeToken(bob, "confirm-sign-up")
      const { user } = yield* register()
      const token = yield* takeResetToken()
      yield* Users.use((users) => users.remove(user.id))
      for (const other of [confirmation, token, secret(""), secret("belfry_verify_0"), adasPassword]) {
        assert.strictEqual(yield* tagOf(reset(other, newPassword)), "VerificationTokenInvalid")
      }
      assert.deepStrictEqual(yield* Users.use((users) => users.findByEmail(ada)), Option.none())
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is limited to 50 attempts an hour for a client", () =>
    Effect.gen(function* () {
      yield* register()
      const token = yield* takeResetToken()
      for (let i = 0; i < 50; i++) {
        assert.strictEqual(yield* tagOf(reset(secret("x"), newPassword)), "VerificationTokenInvalid")
      }
      assert.strictEqual(yield* tagOf(reset(token, newPassword)), "RateLimited")
      yield* reset(token, newPassword, clientAt("203.0.113.9"))
    }).pipe(Effect.provide(layer)),
  )
})
