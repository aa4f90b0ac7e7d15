/**
 * What a password is worth where the policy asks for more, or for something else.
 */
import { Sessions } from "@belfry/core/Sessions"
import type { User } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { Passwords } from "@belfry/factors/Passwords"
import { SignInAttempts } from "@belfry/factors/SignInAttempts"
import * as SignInPolicy from "@belfry/factors/SignInPolicy"
import { Totps } from "@belfry/factors/Totps"
import * as Authenticator from "@belfry/testing/Authenticator"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, type Redacted } from "effect"
import { codeOf, enrolApp, proveCode } from "./support/SecondFactors.ts"
import {
  ada,
  adasPassword,
  auditTrail,
  begin,
  bob,
  change,
  complete,
  costOf,
  evesPassword,
  home,
  layer,
  pending,
  register,
  reset,
  secret,
  signUp,
  takeResetToken,
  takeToken,
} from "./support/People.ts"

const newPassword = secret("a password of next year")

/** How an effect fails: its tag, and the reason where there is one. */
const failureOf = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error) =>
    "reason" in error && typeof error.reason === "string" ? `${error._tag}:${error.reason}` : error._tag,
  )

const sessionsOf = (user: User) => Sessions.use((sessions) => sessions.list(user.id))

const withPolicy = (policy: SignInPolicy.SignInPolicyService) =>
  Effect.provide(Layer.provide(layer, Layer.succeed(SignInPolicy.SignInPolicy, policy)))

describe("Signing in by password and authenticator app", () => {
  it.effect("starts no session by the password alone", () =>
    Effect.gen(function* () {
      const here = yield* register()
      const app = yield* enrolApp(here)
      const { state, token } = yield* pending(begin())
      assert.deepStrictEqual(
        [state.isComplete, state.factors, state.enrol, state.attempt.proofs.map(({ factor }) => factor)],
        [false, ["totp", "backup-code"], [], ["password"]],
      )
      assert.deepStrictEqual(yield* sessionsOf(here.user), [here.session])
      const { session, user } = yield* complete(proveCode(token, app))
      assert.deepStrictEqual([session.amr, session.acr], [["pwd", "otp", "mfa"], "aal2"])
      assert.deepStrictEqual(user, here.user)
      assert.strictEqual((yield* sessionsOf(here.user)).length, 2)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("ends the session that the browser had before when it is complete, and not sooner", () =>
    Effect.gen(function* () {
      const before = yield* register()
      const app = yield* enrolApp(before)
      const sessions = yield* Sessions
      const replaces = before.token
      const { token } = yield* pending(
        Passwords.use((passwords) =>
          passwords.signIn({ email: ada, password: adasPassword, replaces, context: { label: "Phone" }, client: home }),
        ),
      )
      yield* sessions.verify(before.token)
      const { session } = yield* complete(proveCode(token, app, replaces))
      assert.strictEqual(session.label, "Phone")
      assert.strictEqual(yield* failureOf(sessions.verify(before.token)), "SessionInvalid")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("comes to nothing when the password is changed or reset in between", () =>
    Effect.gen(function* () {
      const here = yield* register()
      const app = yield* enrolApp(here)
      const beforeChange = yield* pending(begin())
      const changed = yield* change(here, newPassword, adasPassword)
      assert.strictEqual(yield* failureOf(proveCode(beforeChange.token, app)), "SignInRefused:invalid")
      assert.deepStrictEqual(yield* sessionsOf(here.user), [changed.session])
      const beforeReset = yield* pending(begin({ password: newPassword }))
      yield* reset(yield* takeResetToken(), adasPassword)
      assert.strictEqual(yield* failureOf(proveCode(beforeReset.token, app)), "SignInRefused:invalid")
      assert.deepStrictEqual(yield* sessionsOf(here.user), [])
      const { token } = yield* pending(begin())
      yield* complete(proveCode(token, app))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is no way to make a session fresh by the password alone, nor by a new password", () =>
    Effect.gen(function* () {
      const here = yield* register()
      yield* enrolApp(here)
      const again = Passwords.use((passwords) =>
        passwords.reauthenticate({ session: here.session, user: here.user, password: adasPassword, client: home }),
      )
      assert.strictEqual((yield* costOf(again)).derivations.length, 0)
      assert.strictEqual(yield* failureOf(again), "SignInRefused:factor-unavailable")
      const { session } = yield* change(here, newPassword, adasPassword)
      assert.deepStrictEqual(session.authTime, here.session.authTime)
    }).pipe(Effect.provide(layer)),
  )
})

describe("A password in a sign-in that has begun", () => {
  it.effect("is proved in the attempt of its browser, which takes along what it was started with", () =>
    Effect.gen(function* () {
      yield* register()
      const attempts = yield* SignInAttempts
      const { token } = yield* attempts.start({ context: { returnTo: "/reports" }, client: home })
      const { context } = yield* complete(
        Passwords.use((passwords) =>
          passwords.signIn({
            token,
            email: ada,
            password: adasPassword,
            context: { label: "Phone" },
            client: home,
          }),
        ),
      )
      assert.deepStrictEqual(context, { returnTo: "/reports", label: "Phone" })
      assert.strictEqual(yield* failureOf(attempts.get(token, home)), "SignInRefused:invalid")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("begins another one where something was proved already", () =>
    Effect.gen(function* () {
      const here = yield* register()
      const app = yield* enrolApp(here)
      yield* register({ email: bob })
      const { token } = yield* pending(begin())
      const { user } = yield* complete(
        Passwords.use((passwords) => passwords.signIn({ token, email: bob, password: adasPassword, client: home })),
      )
      assert.strictEqual(user.email, bob)
      assert.strictEqual((yield* complete(proveCode(token, app))).user.email, ada)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is not taken for the next factor where it is not", () =>
    Effect.gen(function* () {
      yield* enrolApp(yield* register())
      const { token } = yield* pending(begin())
      const again = (attempt?: Redacted.Redacted) =>
        failureOf(
          Passwords.use((passwords) => passwords.signIn({ token: attempt, password: adasPassword, client: home })),
        )
      assert.strictEqual(yield* again(token), "SignInRefused:factor-unavailable")
      assert.strictEqual(yield* again(), "SignInRefused:invalid")
      const unproved = yield* SignInAttempts.use((attempts) => attempts.start({ client: home }))
      // A password alone tells nobody's name.
      assert.strictEqual(yield* again(unproved.token), "SignInRefused:factor-unavailable")
    }).pipe(Effect.provide(layer)),
  )

  /** A policy that asks for an e-mail code and the password. */
  const both: SignInPolicy.SignInPolicyService = {
    ...SignInPolicy.make(),
    signIn: () => Effect.succeed([["email-code", "password"]]),
  }

  /** Ada's sign-in in which the mailbox was proved. */
  const mailboxProved = Effect.gen(function* () {
    const attempts = yield* SignInAttempts
    const user = Option.getOrThrow(yield* Users.use((users) => users.findByEmail(ada)))
    const open = yield* attempts.begin({ token: undefined, factor: "email-code", client: home })
    return yield* pending(attempts.prove({ open, user, amr: ["email"], email: ada, confirm: Effect.void }))
  })

  const goOn = (token: Redacted.Redacted, password: Redacted.Redacted) =>
    Passwords.use((passwords) => passwords.signIn({ token, password, client: home }))

  /** Somebody with a password whom no policy kept from signing up. */
  const arrive = Effect.gen(function* () {
    const browser = yield* signUp()
    const token = yield* takeToken(ada, "confirm-sign-up")
    yield* pending(Passwords.use((passwords) => passwords.confirmSignUp({ token, browser, client: home })))
  })

  it.effect("completes it as the next factor, without the address", () =>
    Effect.gen(function* () {
      yield* arrive
      const { token, state } = yield* mailboxProved
      assert.deepStrictEqual(state.factors, ["password"])
      const { session } = yield* complete(goOn(token, adasPassword))
      assert.deepStrictEqual([session.amr, session.acr], [["email", "pwd", "mfa"], "aal2"])
    }).pipe(withPolicy(both)),
  )

  it.effect("counts as a try when it is wrong, of which the attempt takes five", () =>
    Effect.gen(function* () {
      yield* arrive
      const { token } = yield* mailboxProved
      const attempts = yield* SignInAttempts
      for (const tries of [1, 2, 3, 4]) {
        assert.strictEqual(yield* failureOf(goOn(token, evesPassword)), "InvalidCredentials")
        assert.strictEqual((yield* attempts.get(token, home)).attempt.tries, tries)
      }
      assert.strictEqual(yield* failureOf(goOn(token, evesPassword)), "InvalidCredentials")
      assert.deepStrictEqual((yield* auditTrail).slice(-1), ["sign-in.refused:wrong-password"])
      assert.strictEqual(yield* failureOf(goOn(token, adasPassword)), "SignInRefused:locked")
    }).pipe(withPolicy(both)),
  )
})

describe("A policy", () => {
  it.effect("without passwords takes none, known address or not, and compares nothing", () =>
    Effect.gen(function* () {
      yield* Users.use((users) => users.create({ email: ada }))
      for (const attempt of [begin(), begin({ email: bob })]) {
        assert.deepStrictEqual(yield* costOf(attempt), { statements: 0, derivations: [], mails: 0 })
        assert.strictEqual(yield* failureOf(attempt), "SignInRefused:factor-unavailable")
      }
    }).pipe(withPolicy(SignInPolicy.make({ firstFactors: ["email-code"] }))),
  )

  it.effect("without passwords completes no sign-up by one, and makes no user", () =>
    Effect.gen(function* () {
      const browser = yield* signUp()
      const token = yield* takeToken(ada, "confirm-sign-up")
      const confirming = Passwords.use((passwords) => passwords.confirmSignUp({ token, browser, client: home }))
      assert.strictEqual(yield* failureOf(confirming), "SignInRefused:factor-unavailable")
      assert.deepStrictEqual(yield* Users.use((users) => users.findByEmail(ada)), Option.none())
    }).pipe(withPolicy(SignInPolicy.make({ firstFactors: ["email-code"] }))),
  )

  it.effect("that has everybody set up a second factor has it set up before the first session", () =>
    Effect.gen(function* () {
      const browser = yield* signUp()
      const confirmation = yield* takeToken(ada, "confirm-sign-up")
      const signedUp = yield* pending(
        Passwords.use((passwords) => passwords.confirmSignUp({ token: confirmation, browser, client: home })),
      )
      assert.deepStrictEqual([signedUp.state.factors, signedUp.state.enrol], [[], ["passkey", "totp"]])
      const user = Option.getOrThrow(yield* Users.use((users) => users.findByEmail(ada)))
      assert.deepStrictEqual(yield* sessionsOf(user), [])
      // Whoever leaves there signs in later, and is where they were.
      const { state, token } = yield* pending(begin())
      assert.deepStrictEqual(state.enrol, ["passkey", "totp"])
      const totps = yield* Totps
      const by = { _tag: "SignIn", token } as const
      const app = Authenticator.scan((yield* totps.enrol({ by, client: home })).uri)
      const { signIn: outcome } = yield* totps.confirm({ by, code: yield* codeOf(app), client: home })
      assert.strictEqual(outcome?._tag, "SignInComplete")
      assert.strictEqual((yield* sessionsOf(user)).length, 1)
    }).pipe(withPolicy(SignInPolicy.make({ secondFactor: "required" }))),
  )
})
