/**
 * Users whom the host shuts out: no factor signs them in, and who asks learns nothing of it.
 */
import { Emails } from "@belfry/core/Emails"
import { Sessions } from "@belfry/core/Sessions"
import { Email, type UserId } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import * as SignInAttempts from "@belfry/factors/SignInAttempts"
import * as VirtualAuthenticator from "@belfry/testing/VirtualAuthenticator"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import {
  codeFor,
  createUser,
  linkFor,
  outcomeOf,
  proveCode,
  proveLink,
  sendCode,
  sendLink,
} from "./support/Mailboxes.ts"
import * as PasskeyPeople from "./support/PasskeyPeople.ts"
import {
  ada,
  auditTrail,
  begin,
  complete,
  costOf,
  evesPassword,
  forgot,
  home,
  layer,
  mails,
  pending,
  register,
  reset,
  signIn,
  signUp,
  takeResetToken,
  takeToken,
} from "./support/People.ts"
import * as SecondFactors from "./support/SecondFactors.ts"

const disable = (id: UserId) => Users.use((users) => users.disable(id))
const enable = (id: UserId) => Users.use((users) => users.enable(id))

const lastReason = Effect.map(auditTrail, (trail) => trail.at(-1))

describe("A user who is disabled", () => {
  it.effect(
    "is answered to the right password as anybody is to a wrong one, at the same cost, until enabled again",
    () =>
      Effect.gen(function* () {
        const { user } = yield* register()
        const wrong = {
          result: yield* outcomeOf(begin({ password: evesPassword })),
          cost: yield* costOf(begin({ password: evesPassword })),
        }
        yield* disable(user.id)
        assert.deepStrictEqual({ result: yield* outcomeOf(begin()), cost: yield* costOf(begin()) }, wrong)
        assert.strictEqual(yield* lastReason, "password.sign-in:user-disabled")
        yield* enable(user.id)
        yield* signIn()
      }).pipe(Effect.provide(layer)),
  )

  it.effect("gets no link for a new password, and the one from before does nothing", () =>
    Effect.gen(function* () {
      const { user } = yield* register()
      const token = yield* takeResetToken()
      const unknown = yield* costOf(forgot({ email: Email.make("nobody@example.com") }))
      yield* disable(user.id)
      const before = yield* mails
      assert.deepStrictEqual(yield* costOf(forgot()), unknown)
      assert.deepStrictEqual(yield* mails, before)
      assert.strictEqual(yield* lastReason, "password.reset-requested:user-disabled")
      assert.strictEqual(yield* outcomeOf(reset(token, evesPassword)), "VerificationTokenInvalid")
      yield* enable(user.id)
      yield* signIn()
    }).pipe(Effect.provide(layer)),
  )

  it.effect("gets no mail when somebody signs up with the address, who is answered as everybody is", () =>
    Effect.gen(function* () {
      const { user } = yield* register()
      yield* disable(user.id)
      const before = yield* mails
      yield* signUp({ password: evesPassword })
      assert.deepStrictEqual(yield* mails, before)
      yield* enable(user.id)
      yield* signUp({ password: evesPassword })
      assert.deepStrictEqual(yield* mails, [...before, "already-signed-up"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("cannot reset by a link that is good otherwise", () =>
    Effect.gen(function* () {
      const { user } = yield* register()
      const token = yield* takeResetToken()
      yield* disable(user.id)
      assert.strictEqual(yield* outcomeOf(reset(token, evesPassword)), "VerificationTokenInvalid")
      yield* enable(user.id)
      yield* reset(token, evesPassword)
    }).pipe(Effect.provide(layer)),
  )

  for (const [what, ask, prove] of [
    ["code", sendCode, Effect.map(codeFor(), (sent) => outcomeOf(proveCode(sent)))],
    ["link", sendLink, Effect.map(linkFor(), (sent) => outcomeOf(proveLink(sent)))],
  ] as const) {
    it.effect(`gets no ${what} by mail, and the one from before is a wrong one`, () =>
      Effect.gen(function* () {
        const { id } = yield* createUser()
        const proving = yield* prove
        yield* disable(id)
        const before = yield* mails
        yield* ask()
        assert.deepStrictEqual(yield* mails, before)
        assert.match(yield* proving, /^(?:CodeInvalid|VerificationTokenInvalid)$/)
        assert.match((yield* lastReason) ?? "", /:user-disabled$/)
      }).pipe(Effect.provide(layer)),
    )
  }

  it.effect("has a passkey that nobody knows", () =>
    Effect.gen(function* () {
      const phone = VirtualAuthenticator.make()
      const person = yield* PasskeyPeople.join("ada")
      yield* PasskeyPeople.enrol(person, phone)
      yield* disable(person.user.id)
      const gone = VirtualAuthenticator.make()
      const other = yield* PasskeyPeople.join("bob")
      yield* PasskeyPeople.enrol(other, gone)
      yield* Users.use((users) => users.remove(other.user.id))
      const unknown = yield* PasskeyPeople.failureOf(PasskeyPeople.signIn(gone))
      const refused = yield* PasskeyPeople.failureOf(PasskeyPeople.signIn(phone))
      assert.deepStrictEqual(refused, unknown)
      yield* enable(person.user.id)
      yield* complete(PasskeyPeople.signIn(phone))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("does not go on with a sign-in that waits for the second factor", () =>
    Effect.gen(function* () {
      const own = yield* register()
      const app = yield* SecondFactors.enrolApp(own)
      const { token } = yield* pending(begin())
      yield* disable(own.user.id)
      const look = SignInAttempts.SignInAttempts.use((attempts) => attempts.get(token, home))
      assert.strictEqual(yield* outcomeOf(look), "SignInRefused:invalid")
      assert.strictEqual(yield* outcomeOf(SecondFactors.proveCode(token, app)), "SignInRefused:invalid")
      yield* enable(own.user.id)
      yield* complete(SecondFactors.proveCode(token, app))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is refused whatever way was proved, so by a provider too, and no session begins", () =>
    Effect.gen(function* () {
      const { user } = yield* register()
      const disabled = yield* disable(user.id)
      const attempts = yield* SignInAttempts.SignInAttempts
      const open = yield* attempts.begin({ token: undefined, factor: "oauth", client: home })
      const proving = attempts.prove({ open, user: disabled, amr: ["oauth"], confirm: Effect.void })
      assert.strictEqual(yield* outcomeOf(proving), "SignInRefused:invalid")
      assert.strictEqual(yield* lastReason, "sign-in.refused:user-disabled")
      yield* enable(user.id)
      assert.deepStrictEqual(yield* Sessions.use((sessions) => sessions.list(user.id)), [])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("changes no address by a link from before", () =>
    Effect.gen(function* () {
      const { user } = yield* register()
      const emails = yield* Emails
      const other = Email.make("ada@example.org")
      yield* emails.requestChange(user, other, home)
      const token = yield* takeToken(other, "confirm-email-change")
      yield* disable(user.id)
      assert.strictEqual(yield* outcomeOf(emails.confirmChange(token, home)), "VerificationTokenInvalid")
      assert.strictEqual((yield* Users.use((users) => users.get(user.id))).email, ada)
    }).pipe(Effect.provide(layer)),
  )
})
