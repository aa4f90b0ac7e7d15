import { Sessions } from "@belfry/core/Sessions"
import { Users } from "@belfry/core/Users"
import { PasswordHasher } from "@belfry/factors/PasswordHasher"
import * as PasswordsModule from "@belfry/factors/Passwords"
import * as CapturingMailer from "@belfry/testing/CapturingMailer"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Exit, Layer, Option, Redacted } from "effect"
import { TestClock } from "effect/testing"
import {
  ada,
  adasPassword,
  auditTrail,
  bob,
  clientAt,
  complete,
  confirm,
  costOf,
  evesPassword,
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

const findUser = Users.use((users) => users.findByEmail(ada))
const sessionsOf = (userId: Parameters<Sessions["Service"]["list"]>[0]) =>
  Sessions.use((sessions) => sessions.list(userId))
const tagOf = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), ({ _tag }) => _tag)

describe("Signing up", () => {
  it.effect("sends one link, and makes no user", () =>
    Effect.gen(function* () {
      yield* signUp({ name: "Ada" })
      assert.deepStrictEqual(yield* mails, ["confirm-sign-up"])
      assert.deepStrictEqual(yield* findUser, Option.none())
      assert.deepStrictEqual(yield* auditTrail, ["password.sign-up-requested"])
      const message = yield* CapturingMailer.CapturingMailer.use((mailer) => mailer.takeLast(ada))
      const link = CapturingMailer.linkIn(message)
      assert.strictEqual(link.origin + link.pathname, "http://localhost:3000/confirm-sign-up")
      for (const text of [message.text, message.html, message.subject]) {
        assert.notInclude(text, Redacted.value(adasPassword))
        assert.notInclude(text, "$argon2id")
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("makes the user when the link is followed, with the address proved, and signs in", () =>
    Effect.gen(function* () {
      const browser = yield* signUp({ name: "Ada" })
      const token = yield* takeToken(ada, "confirm-sign-up")
      yield* TestClock.adjust("1 hour")
      const now = yield* DateTime.now
      const signedIn = yield* confirm(token, { browser })
      assert.deepStrictEqual(
        [signedIn.user.email, signedIn.user.name, signedIn.user.emailVerifiedAt],
        [ada, "Ada", now],
      )
      assert.deepStrictEqual(yield* findUser, Option.some(signedIn.user))
      assert.deepStrictEqual([signedIn.session.amr, signedIn.session.authTime], [["pwd"], now])
      const verified = yield* Sessions.use((sessions) => sessions.verify(signedIn.token))
      assert.deepStrictEqual(verified.session, signedIn.session)
      assert.deepStrictEqual(yield* auditTrail, [
        "password.sign-up-requested",
        "user.created",
        "password.sign-up",
        "session.started",
      ])
      yield* signIn()
    }).pipe(Effect.provide(layer)),
  )

  it.effect("completes once: the link is dead after it was followed", () =>
    Effect.gen(function* () {
      const browser = yield* signUp()
      const token = yield* takeToken(ada, "confirm-sign-up")
      const { user } = yield* confirm(token, { browser })
      assert.strictEqual(yield* tagOf(confirm(token, { browser })), "VerificationTokenInvalid")
      assert.strictEqual(yield* tagOf(confirm(token, { password: adasPassword })), "VerificationTokenInvalid")
      assert.strictEqual((yield* sessionsOf(user.id)).length, 1)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("completes for one of 50 who follow the link at once", () =>
    Effect.gen(function* () {
      const browser = yield* signUp()
      const token = yield* takeToken(ada, "confirm-sign-up")
      const exits = yield* Effect.forEach(Array.from({ length: 50 }), () => Effect.exit(confirm(token, { browser })), {
        concurrency: "unbounded",
      })
      const winners = exits.filter(Exit.isSuccess)
      assert.strictEqual(winners.length, 1)
      const user = Option.getOrThrow(yield* findUser)
      assert.strictEqual((yield* sessionsOf(user.id)).length, 1)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("completes until a millisecond before 24 hours, and not at them", () =>
    Effect.gen(function* () {
      const [browser, token] = [yield* signUp(), yield* takeToken(ada, "confirm-sign-up")]
      const [late, lateToken] = [yield* signUp({ email: bob }), yield* takeToken(bob, "confirm-sign-up")]
      yield* TestClock.adjust("86399999 millis")
      yield* confirm(token, { browser })
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* tagOf(confirm(lateToken, { browser: late })), "VerificationTokenInvalid")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("refuses passwords that are too short once normalized, too long or common, before anything happens", () =>
    Effect.gen(function* () {
      for (const [text, reason] of [
        ["1234567", "too-short"],
        ["１２３４５６７", "too-short"],
        ["a".repeat(1025), "too-long"],
        // U+FDFA is one character of 3 bytes, and 18 characters of 33 bytes in NFKC.
        ["\uFDFA".repeat(32), "too-long"],
      ] as const) {
        const cost = yield* costOf(
          Effect.gen(function* () {
            const error = yield* Effect.flip(signUp({ password: secret(text) }))
            assert.deepStrictEqual(
              error._tag === "PasswordRejected" ? [error.reason, error.minimum, error.maximum] : error,
              [reason, 8, 1024],
            )
          }),
        )
        assert.deepStrictEqual(cost, { statements: 0, derivations: [], mails: 0 })
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("sends at most 5 mails an hour to one address, whether or not it is known", () =>
    Effect.gen(function* () {
      yield* register({ email: bob })
      for (const [email, uses] of [
        [ada, 5],
        [bob, 4],
      ] as const) {
        yield* Effect.forEach(Array.from({ length: uses }), () => signUp({ email }), { discard: true })
        const before = yield* mails
        const error = yield* Effect.flip(signUp({ email, client: clientAt("203.0.113.9") }))
        assert.deepStrictEqual(error._tag === "RateLimited" ? error.retryAfter : error, 3600)
        assert.deepStrictEqual(yield* mails, before)
      }
      yield* TestClock.adjust("1 hour")
      yield* signUp()
      yield* signUp({ email: bob })
    }).pipe(Effect.provide(layer)),
  )
})

describe("Following the link in another browser", () => {
  it.effect("asks for the password, and leaves the link as it is", () =>
    Effect.gen(function* () {
      yield* signUp()
      const token = yield* takeToken(ada, "confirm-sign-up")
      const another = yield* signUp({ email: bob })
      assert.strictEqual(yield* tagOf(confirm(token)), "PasswordRequired")
      assert.strictEqual(yield* tagOf(confirm(token, { browser: another })), "PasswordRequired")
      assert.strictEqual(yield* tagOf(confirm(token, { browser: secret("belfry_sign_up_x") })), "PasswordRequired")
      assert.deepStrictEqual(yield* findUser, Option.none())
      const { user } = yield* confirm(token, { password: adasPassword })
      assert.strictEqual(user.email, ada)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("refuses a wrong password, says why in the audit log alone, and takes 10 in 15 minutes", () =>
    Effect.gen(function* () {
      const browser = yield* signUp()
      const token = yield* takeToken(ada, "confirm-sign-up")
      for (let i = 0; i < 10; i++) {
        assert.strictEqual(yield* tagOf(confirm(token, { password: evesPassword })), "InvalidCredentials")
      }
      assert.deepStrictEqual(yield* findUser, Option.none())
      assert.deepStrictEqual(
        (yield* auditTrail).slice(1),
        Array.from({ length: 10 }, () => "password.sign-up:wrong-password"),
      )
      // Not even the right one now, wherever it comes from.
      const elsewhere = clientAt("203.0.113.9")
      const limited = yield* Effect.flip(confirm(token, { password: adasPassword }, elsewhere))
      assert.deepStrictEqual(limited._tag === "RateLimited" ? limited.retryAfter : limited, 900)
      // Whoever signed up is not locked out of it.
      yield* confirm(token, { browser })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("takes the right password again when the limit's window is over", () =>
    Effect.gen(function* () {
      yield* signUp()
      const token = yield* takeToken(ada, "confirm-sign-up")
      const wrong = Effect.exit(confirm(token, { password: evesPassword }))
      yield* Effect.forEach(Array.from({ length: 10 }), () => wrong, { discard: true })
      yield* TestClock.adjust("899999 millis")
      assert.strictEqual(yield* tagOf(confirm(token, { password: adasPassword })), "RateLimited")
      yield* TestClock.adjust("1 millis")
      yield* confirm(token, { password: adasPassword })
    }).pipe(Effect.provide(layer)),
  )
})

describe("Signing up with somebody else's address", () => {
  it.effect("changes nothing about an account, and mails its owner", () =>
    Effect.gen(function* () {
      const owner = yield* register({ name: "Ada" })
      const before = yield* findUser
      const browser = yield* signUp({ password: evesPassword, name: "Eve", client: clientAt("203.0.113.9") })
      assert.deepStrictEqual(yield* mails, ["already-signed-up"])
      assert.deepStrictEqual(yield* findUser, before)
      assert.strictEqual(yield* tagOf(signIn({ password: evesPassword })), "InvalidCredentials")
      assert.deepStrictEqual(yield* sessionsOf(owner.user.id), [owner.session])
      yield* signIn()
      assert.deepStrictEqual((yield* auditTrail).slice(4, 5), ["password.sign-up-requested:known-address"])
      // The link in that mail completes no sign-up, not even in the browser that began it.
      const token = yield* takeToken(ada, "already-signed-up")
      assert.strictEqual(yield* tagOf(confirm(token, { browser })), "VerificationTokenInvalid")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("gives no password to an account that has none", () =>
    Effect.gen(function* () {
      const user = yield* Users.use((users) => users.create({ email: ada, name: "Ada" }))
      yield* signUp({ password: evesPassword })
      assert.strictEqual(yield* tagOf(signIn({ password: evesPassword })), "InvalidCredentials")
      assert.deepStrictEqual(yield* findUser, Option.some(user))
      // Only who reads Ada's mail sets one, and chooses it then.
      yield* reset(yield* takeToken(ada, "already-signed-up"), adasPassword)
      assert.strictEqual(yield* tagOf(signIn({ password: evesPassword })), "InvalidCredentials")
      yield* signIn({ password: adasPassword })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("leaves the links that the owner asked for alive", () =>
    Effect.gen(function* () {
      yield* register()
      const token = yield* takeResetToken()
      yield* signUp({ password: evesPassword })
      yield* reset(token, secret("a password of next year"))
      yield* signUp({ email: bob, password: adasPassword })
      const bobs = yield* takeToken(bob, "confirm-sign-up")
      yield* signUp({ email: bob, password: evesPassword })
      yield* confirm(bobs, { password: adasPassword })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("does the same work and answers alike, whether or not the address is known", () =>
    Effect.gen(function* () {
      yield* register({ email: bob })
      const unknown = yield* costOf(signUp({ email: ada }))
      const known = yield* costOf(signUp({ email: bob }))
      assert.deepStrictEqual(known, unknown)
      assert.deepStrictEqual(unknown, {
        statements: 3,
        derivations: [{ memory: 19_456, passes: 2, parallelism: 1 }],
        mails: 1,
      })
      const shape = (token: Redacted.Redacted) => Redacted.value(token).replace(/[A-Za-z0-9]{43}$/, "…")
      assert.strictEqual(shape(yield* signUp({ email: ada })), "belfry_sign_up_…")
      assert.strictEqual(shape(yield* signUp({ email: bob })), "belfry_sign_up_…")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("comes to nothing when the owner signs up: the link from before is dead", () =>
    Effect.gen(function* () {
      const evesBrowser = yield* signUp({ password: evesPassword })
      const evesToken = yield* takeToken(ada, "confirm-sign-up")
      // Ada gets that mail, and follows the link in her own browser: she is asked for a password that she never chose.
      assert.strictEqual(yield* tagOf(confirm(evesToken)), "PasswordRequired")
      assert.strictEqual(yield* tagOf(confirm(evesToken, { password: adasPassword })), "InvalidCredentials")
      yield* register()
      assert.strictEqual(yield* tagOf(confirm(evesToken, { browser: evesBrowser })), "VerificationTokenInvalid")
      assert.strictEqual(yield* tagOf(confirm(evesToken, { password: evesPassword })), "VerificationTokenInvalid")
      assert.strictEqual(yield* tagOf(signIn({ password: evesPassword })), "InvalidCredentials")
      yield* signIn()
    }).pipe(Effect.provide(layer)),
  )

  it.effect("stays dead when the owner deletes the account again", () =>
    Effect.gen(function* () {
      const evesBrowser = yield* signUp({ password: evesPassword })
      const evesToken = yield* takeToken(ada, "confirm-sign-up")
      const { user } = yield* register()
      yield* Users.use((users) => users.remove(user.id, home))
      assert.strictEqual(yield* tagOf(confirm(evesToken, { browser: evesBrowser })), "VerificationTokenInvalid")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("comes to nothing when the link dies while its password is checked", () => {
    let meanwhile: Effect.Effect<void> = Effect.void
    const slowHasher = Layer.effect(
      PasswordHasher,
      Effect.map(PasswordHasher, (hasher) =>
        PasswordHasher.of({
          ...hasher,
          compare: (password, hash) =>
            Effect.andThen(
              Effect.suspend(() => meanwhile),
              hasher.compare(password, hash),
            ),
        }),
      ),
    )
    return Effect.gen(function* () {
      yield* signUp({ password: evesPassword })
      const evesToken = yield* takeToken(ada, "confirm-sign-up")
      const services = yield* Effect.context<Layer.Success<typeof layer>>()
      meanwhile = Effect.gen(function* () {
        const { user } = yield* register()
        yield* Users.use((users) => users.remove(user.id))
      }).pipe(Effect.provideContext(services), Effect.orDie)
      const slow = Layer.fresh(Layer.provide(PasswordsModule.layer, slowHasher))
      const confirming = Effect.provide(confirm(evesToken, { password: evesPassword }), slow)
      assert.strictEqual(yield* tagOf(confirming), "VerificationTokenInvalid")
      assert.deepStrictEqual(yield* findUser, Option.none())
    }).pipe(Effect.provide(layer))
  })

  it.effect("fails like a dead link when the address came to somebody in another way meanwhile", () =>
    Effect.gen(function* () {
      const browser = yield* signUp()
      const token = yield* takeToken(ada, "confirm-sign-up")
      const user = yield* Users.use((users) => users.create({ email: ada, emailVerifiedAt: null }))
      assert.strictEqual(yield* tagOf(confirm(token, { browser })), "VerificationTokenInvalid")
      assert.deepStrictEqual(yield* findUser, Option.some(user))
      assert.strictEqual(yield* tagOf(signIn()), "InvalidCredentials")
    }).pipe(Effect.provide(layer)),
  )
})

describe("Passwords.confirmSignUp", () => {
  it.effect("ends the session that the browser had before", () =>
    Effect.gen(function* () {
      const before = yield* register({ email: bob })
      const browser = yield* signUp()
      const token = yield* takeToken(ada, "confirm-sign-up")
      const after = yield* PasswordsModule.Passwords.use((passwords) =>
        complete(
          passwords.confirmSignUp({
            token,
            browser,
            replaces: before.token,
            context: { label: "Laptop" },
            client: home,
          }),
        ),
      )
      assert.strictEqual(after.session.label, "Laptop")
      assert.strictEqual(yield* tagOf(Sessions.use((sessions) => sessions.verify(before.token))), "SessionInvalid")
    }).pipe(Effect.provide(layer)),
  )
})
