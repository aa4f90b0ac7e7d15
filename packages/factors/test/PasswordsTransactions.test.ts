/**
 * What happens when a store fails half-way: a change and its audit event commit together or not at all.
 */
import { Sessions } from "@belfry/core/Sessions"
import { Users } from "@belfry/core/Users"
import { Passwords } from "@belfry/factors/Passwords"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import {
  ada,
  adasPassword,
  change,
  confirm,
  evesPassword,
  forgot,
  home,
  layer,
  mails,
  reauthenticate,
  register,
  reset,
  secret,
  signIn,
  signUp,
  takeResetToken,
  takeToken,
} from "./support/People.ts"
import { Failures } from "./support/TestStores.ts"

const newPassword = secret("a password of next year")

/** Runs an effect while `what` fails; it must fail with a StoreError. */
const whileFailing = Effect.fnUntraced(function* <A, E extends { readonly _tag: string }, R>(
  what: string,
  effect: Effect.Effect<A, E, R>,
) {
  const failures = yield* Failures
  yield* failures.begin(what)
  const error = yield* Effect.flip(effect)
  yield* failures.end
  assert.strictEqual(error._tag, "StoreError")
})

const tagOf = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), ({ _tag }) => _tag)

describe("When the audit log cannot be written", () => {
  it.effect("nobody is mailed to complete a sign-up", () =>
    Effect.gen(function* () {
      yield* whileFailing("password.sign-up-requested", signUp())
      assert.deepStrictEqual(yield* mails, [])
    }).pipe(Effect.provide(layer)),
  )

  for (const event of ["user.created", "password.sign-up", "session.started"]) {
    it.effect(`no sign-up completes without ${event}, and the link works later`, () =>
      Effect.gen(function* () {
        const browser = yield* signUp()
        const token = yield* takeToken(ada, "confirm-sign-up")
        yield* whileFailing(event, confirm(token, { browser }))
        assert.deepStrictEqual(yield* Users.use((users) => users.findByEmail(ada)), Option.none())
        const { user } = yield* confirm(token, { browser })
        assert.strictEqual((yield* Sessions.use((sessions) => sessions.list(user.id))).length, 1)
        yield* signIn()
      }).pipe(Effect.provide(layer)),
    )
  }

  it.effect("nobody signs in, and a wrong password is not called wrong", () =>
    Effect.gen(function* () {
      const { session, user } = yield* register()
      yield* whileFailing("session.started", signIn())
      yield* whileFailing("password.sign-in", signIn({ password: evesPassword }))
      assert.deepStrictEqual(yield* Sessions.use((sessions) => sessions.list(user.id)), [session])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("a session keeps its token", () =>
    Effect.gen(function* () {
      const here = yield* register()
      yield* whileFailing("session.rotated", reauthenticate(here, adasPassword))
      assert.deepStrictEqual((yield* Sessions.use((sessions) => sessions.verify(here.token))).session, here.session)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("no password is removed", () =>
    Effect.gen(function* () {
      const { session, user } = yield* register()
      yield* whileFailing(
        "factor.removed",
        Passwords.use((passwords) => passwords.remove({ session, user, client: home })),
      )
      assert.deepStrictEqual(yield* mails, [])
      yield* signIn()
    }).pipe(Effect.provide(layer)),
  )

  it.effect("no link to reset goes out, and the one from before stays alive", () =>
    Effect.gen(function* () {
      yield* register()
      const token = yield* takeResetToken()
      yield* whileFailing("password.reset-requested", forgot())
      assert.deepStrictEqual(yield* mails, [])
      yield* reset(token, newPassword)
    }).pipe(Effect.provide(layer)),
  )

  for (const event of ["password.reset", "session.revoked"]) {
    it.effect(`no password is reset without ${event}, and the link works later`, () =>
      Effect.gen(function* () {
        const here = yield* register()
        const token = yield* takeResetToken()
        yield* whileFailing(event, reset(token, newPassword))
        assert.deepStrictEqual((yield* Sessions.use((sessions) => sessions.verify(here.token))).session, here.session)
        assert.strictEqual(yield* tagOf(signIn({ password: newPassword })), "InvalidCredentials")
        assert.deepStrictEqual(yield* mails, [])
        yield* signIn()
        yield* reset(token, newPassword)
        yield* signIn({ password: newPassword })
      }).pipe(Effect.provide(layer)),
    )
  }

  for (const event of ["password.changed", "session.revoked", "session.rotated"]) {
    it.effect(`no password is changed without ${event}`, () =>
      Effect.gen(function* () {
        const here = yield* register()
        const elsewhere = yield* signIn()
        yield* whileFailing(event, change(here, newPassword, adasPassword))
        const sessions = yield* Sessions
        for (const { session, token } of [here, elsewhere]) {
          assert.deepStrictEqual((yield* sessions.verify(token)).session, session)
        }
        assert.deepStrictEqual(yield* mails, [])
        assert.strictEqual(yield* tagOf(signIn({ password: newPassword })), "InvalidCredentials")
        yield* signIn()
      }).pipe(Effect.provide(layer)),
    )
  }
})

describe("When a store cannot be read", () => {
  it.effect("the right password is not called wrong, and an address not unknown", () =>
    Effect.gen(function* () {
      const here = yield* register()
      yield* whileFailing("PasswordStore.findByEmail", signIn())
      yield* whileFailing("PasswordStore.find", reauthenticate(here, adasPassword))
      yield* whileFailing("PasswordStore.find", change(here, newPassword, adasPassword))
      yield* whileFailing("UserStore.findByEmail", signUp())
      yield* whileFailing("UserStore.findByEmail", forgot())
      assert.deepStrictEqual(yield* mails, [])
      yield* signIn()
    }).pipe(Effect.provide(layer)),
  )
})
