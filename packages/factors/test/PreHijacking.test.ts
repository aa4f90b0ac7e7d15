/**
 * Accounts that somebody made for an address that is not theirs, before its owner came.
 */
import { LinkedAccounts } from "@belfry/core/LinkedAccounts"
import { Sessions } from "@belfry/core/Sessions"
import type { User, UserId } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { EnrolmentStore } from "@belfry/factors/EnrolmentStore"
import { PasswordHasher } from "@belfry/factors/PasswordHasher"
import { PasswordStore } from "@belfry/factors/PasswordStore"
import * as SignInPolicy from "@belfry/factors/SignInPolicy"
import * as Builders from "@belfry/testing/Builders"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer, type Redacted } from "effect"
import { codeFor, linkFor, outcomeOf, proveCode, proveLink, sendCode, takeCode } from "./support/Mailboxes.ts"
import {
  ada,
  adasPassword,
  auditTrail,
  begin,
  complete,
  evesPassword,
  home,
  layer,
  pending,
  reset,
  signIn,
  takeResetToken,
} from "./support/People.ts"

/** Eve makes an account of Ada's address: at a provider, with a password and an app of hers, and stays signed in. */
const evesAccount = Effect.gen(function* () {
  const user = yield* Users.use((users) => users.create({ email: ada }))
  yield* LinkedAccounts.use((accounts) =>
    accounts.link({ userId: user.id, providerId: "acme", accountId: "eve", tokens: Builders.noTokens, client: home }),
  )
  const hash = yield* PasswordHasher.use((hasher) => hasher.hash(evesPassword))
  const now = yield* DateTime.now
  yield* PasswordStore.use((passwords) => passwords.set(user.id, hash, now))
  return user
})

const sessionOf = (user: User) => Sessions.use((sessions) => sessions.start({ user, amr: ["oauth"], client: home }))

const waysIn = (userId: UserId) =>
  Effect.map(
    EnrolmentStore.use((store) => store.list(userId)),
    (enrolments) => enrolments.map(({ factor }) => factor),
  )

const verify = (token: Redacted.Redacted) => outcomeOf(Sessions.use((sessions) => sessions.verify(token)))

describe("An account whose address nobody had proved", () => {
  const owners = [
    ["by a code", Effect.orDie(complete(Effect.flatMap(codeFor(), proveCode)))],
    ["by a link", Effect.orDie(complete(Effect.flatMap(linkFor(), proveLink)))],
  ] as const

  for (const [way, signedIn] of owners) {
    it.effect(`is its owner's alone from the first sign-in ${way} on`, () =>
      Effect.gen(function* () {
        const user = yield* evesAccount
        yield* Builders.storedTotp(user.id)
        const eves = yield* sessionOf(user)
        const own = yield* signedIn
        assert.strictEqual(own.user.id, user.id)
        assert.isNotNull(own.user.emailVerifiedAt)
        assert.deepStrictEqual(yield* waysIn(user.id), [])
        assert.strictEqual(yield* verify(eves.token), "SessionInvalid")
        assert.strictEqual(yield* verify(own.token), "success")
        assert.strictEqual(yield* outcomeOf(begin({ password: evesPassword })), "InvalidCredentials")
        const trail = yield* auditTrail
        for (const type of ["factor.removed:address-proved", "account.unlinked", "session.revoked"])
          assert.include(trail, type)
      }).pipe(Effect.provide(layer)),
    )
  }

  it.effect("is its owner's alone once the password was set by mail", () =>
    Effect.gen(function* () {
      const user = yield* evesAccount
      yield* Builders.storedTotp(user.id)
      const eves = yield* sessionOf(user)
      yield* reset(yield* takeResetToken(), adasPassword)
      assert.deepStrictEqual(yield* waysIn(user.id), ["password"])
      assert.strictEqual(yield* verify(eves.token), "SessionInvalid")
      assert.strictEqual((yield* signIn()).user.id, user.id)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("stays as it is where the token of the mail does not count any more", () =>
    Effect.gen(function* () {
      const user = yield* evesAccount
      const eves = yield* sessionOf(user)
      const answer = yield* codeFor()
      yield* complete(proveCode(answer))
      const again = yield* Users.use((users) => users.update(user.id, { emailVerifiedAt: null }))
      const kept = yield* sessionOf(again)
      assert.strictEqual(yield* outcomeOf(proveCode(answer)), "SignInRefused:invalid")
      assert.strictEqual(yield* verify(kept.token), "success")
      assert.strictEqual(yield* verify(eves.token), "SessionInvalid")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("keeps its ways in when who proves the address proved another factor of it before", () => {
    const both = SignInPolicy.make()
    const policy = Layer.succeed(SignInPolicy.SignInPolicy, {
      ...both,
      signIn: () => Effect.succeed([["password" as const, "email-code" as const]]),
    })
    return Effect.gen(function* () {
      const user = yield* evesAccount
      const { token } = yield* pending(begin({ password: evesPassword }))
      yield* sendCode({ token })
      const own = yield* complete(proveCode({ token, code: yield* takeCode() }))
      assert.isNotNull(own.user.emailVerifiedAt)
      assert.deepStrictEqual(yield* waysIn(user.id), ["password", "oauth"])
    }).pipe(Effect.provide(Layer.provideMerge(Layer.fresh(layer), policy)))
  })
})
