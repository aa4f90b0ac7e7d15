import { Audit } from "@belfry/core/Audit"
import { Sessions } from "@belfry/core/Sessions"
import { Email } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { InvalidCredentials } from "@belfry/factors/Password"
import * as PasswordHasher from "@belfry/factors/PasswordHasher"
import * as PasswordsModule from "@belfry/factors/Passwords"
import { PasswordStore } from "@belfry/factors/PasswordStore"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import {
  ada,
  adasPassword,
  auditTrail,
  bob,
  clientAt,
  complete,
  costOf,
  evesPassword,
  home,
  layer,
  reauthenticate,
  register,
  secret,
  signIn,
} from "./support/People.ts"

const { Passwords } = PasswordsModule

/** How attempts end, told by the tags of their failures: each kind with its number. */
const attempts = <A, E extends { readonly _tag: string }, R>(
  count: number,
  attempt: (index: number) => Effect.Effect<A, E, R>,
  options?: { readonly concurrency: "unbounded" },
) =>
  Effect.map(
    Effect.forEach(
      Array.from({ length: count }),
      (_, index) => Effect.match(attempt(index), { onFailure: ({ _tag }) => _tag, onSuccess: () => "success" }),
      options,
    ),
    (tags) =>
      Object.fromEntries(Object.entries(Object.groupBy(tags, (tag) => tag)).map(([tag, all]) => [tag, all?.length])),
  )

/** The seconds after which a limited caller may come again. */
const retryAfter = <A, R>(effect: Effect.Effect<A, { readonly _tag: string; readonly retryAfter?: number }, R>) =>
  Effect.map(Effect.flip(effect), (error) => (error._tag === "RateLimited" ? error.retryAfter : error._tag))

describe("Signing in", () => {
  it.effect("starts a session for the right password", () =>
    Effect.gen(function* () {
      const { user } = yield* register()
      yield* TestClock.adjust("1 day")
      const { session, token, ...rest } = yield* signIn({ client: clientAt("203.0.113.9") })
      assert.deepStrictEqual([rest.user, rest.context], [user, {}])
      assert.deepStrictEqual(
        [session.amr, session.acr, session.authTime, session.ipAddress, session.userAgent],
        [["pwd"], "aal1", yield* DateTime.now, "203.0.113.9", "Mozilla/5.0"],
      )
      const verified = yield* Sessions.use((sessions) => sessions.verify(token))
      assert.deepStrictEqual([verified.session, verified.user], [session, user])
      const [event] = yield* Audit.use((audit) => audit.list({ userId: user.id, limit: 1 }))
      assert.deepStrictEqual([event?.type, event?.data], ["session.started", { amr: ["pwd"], factors: ["password"] }])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("takes the password as another keyboard writes it", () =>
    Effect.gen(function* () {
      yield* register({ password: secret("ﬁshing in １９２６") })
      yield* signIn({ password: secret("fishing in 1926") })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("ends the session that the browser had before, and no other", () =>
    Effect.gen(function* () {
      const first = yield* register()
      const second = yield* signIn()
      const third = yield* Passwords.use((passwords) =>
        complete(
          passwords.signIn({
            email: ada,
            password: adasPassword,
            replaces: second.token,
            context: { label: "Phone" },
            client: home,
          }),
        ),
      )
      const sessions = yield* Sessions
      assert.strictEqual((yield* Effect.flip(sessions.verify(second.token)))._tag, "SessionInvalid")
      assert.deepStrictEqual(
        new Set((yield* sessions.list(first.user.id)).map(({ id }) => id)),
        new Set([first.session.id, third.session.id]),
      )
      assert.strictEqual(third.session.label, "Phone")
    }).pipe(Effect.provide(layer)),
  )

  it.effect(
    "refuses a wrong password, an unknown address and an account without password alike, at the same cost",
    () =>
      Effect.gen(function* () {
        yield* register()
        yield* Users.use((users) => users.create({ email: bob }))
        const [wrong, unknown, without] = [
          signIn({ password: evesPassword }),
          signIn({ email: Email.make("nobody@example.com"), password: evesPassword }),
          signIn({ email: bob, password: evesPassword }),
        ]
        const cost = yield* costOf(wrong)
        assert.deepStrictEqual(cost, {
          statements: 2,
          derivations: [{ memory: 19_456, passes: 2, parallelism: 1 }],
          mails: 0,
        })
        for (const attempt of [unknown, without]) assert.deepStrictEqual(yield* costOf(attempt), cost)
        for (const attempt of [wrong, unknown, without]) {
          assert.deepStrictEqual(yield* Effect.flip(attempt), new InvalidCredentials())
        }
        // The audit log alone tells them apart.
        assert.deepStrictEqual((yield* auditTrail).slice(-3), [
          "password.sign-in:wrong-password",
          "password.sign-in:unknown-address",
          "password.sign-in:no-password",
        ])
      }).pipe(Effect.provide(layer)),
  )

  it.effect("renews the hash when the cost rose, and only then", () =>
    Effect.gen(function* () {
      const { user } = yield* register()
      const find = PasswordStore.use((passwords) => passwords.find(user.id))
      const before = Option.getOrThrow(yield* find)
      yield* signIn()
      assert.strictEqual(Option.getOrThrow(yield* find), before)
      const dearer = Layer.fresh(Layer.provide(PasswordsModule.layer, PasswordHasher.layer({ passes: 3 })))
      const wrong = Effect.provide(signIn({ password: evesPassword }), dearer)
      assert.strictEqual((yield* Effect.flip(wrong))._tag, "InvalidCredentials")
      assert.strictEqual(Option.getOrThrow(yield* find), before)
      yield* Effect.provide(signIn(), dearer)
      const after = Option.getOrThrow(yield* find)
      assert.match(after, /^\$argon2id\$v=19\$m=19456,t=3,p=1\$/)
      yield* Effect.provide(signIn(), dearer)
      yield* signIn()
      assert.strictEqual(Option.getOrThrow(yield* find), after)
    }).pipe(Effect.provide(layer)),
  )
})

describe("The lock-out of an account", () => {
  it.effect("refuses even the right password, from anywhere, after 10 attempts in 15 minutes", () =>
    Effect.gen(function* () {
      yield* register()
      yield* register({ email: bob })
      const refused = yield* attempts(10, (index) =>
        signIn({ password: evesPassword, client: clientAt(`198.51.100.${index}`) }),
      )
      assert.deepStrictEqual(refused, { InvalidCredentials: 10 })
      const cost = yield* costOf(signIn())
      assert.deepStrictEqual(cost, { statements: 0, derivations: [], mails: 0 })
      assert.strictEqual(yield* retryAfter(signIn()), 900)
      assert.strictEqual(yield* retryAfter(signIn({ client: clientAt("2001:db8::1") })), 900)
      yield* signIn({ email: bob })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("opens again at the end of the window", () =>
    Effect.gen(function* () {
      yield* register()
      yield* attempts(10, () => signIn({ password: evesPassword }))
      yield* TestClock.adjust("899999 millis")
      assert.strictEqual(yield* retryAfter(signIn()), 1)
      yield* TestClock.adjust("1 millis")
      yield* signIn()
    }).pipe(Effect.provide(layer)),
  )

  it.effect("locks an address that nobody has in the same way", () =>
    Effect.gen(function* () {
      yield* attempts(10, () => signIn({ email: bob, password: evesPassword }))
      assert.strictEqual(yield* retryAfter(signIn({ email: bob })), 900)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("lets no more than 10 of 50 attempts at once through", () =>
    Effect.gen(function* () {
      yield* register()
      const outcomes = yield* attempts(50, () => signIn({ password: evesPassword }), { concurrency: "unbounded" })
      assert.deepStrictEqual(outcomes, { InvalidCredentials: 10, RateLimited: 40 })
    }).pipe(Effect.provide(layer)),
  )
})

describe("The lock-out of a client", () => {
  const account = (index: number) => Email.make(`person-${index}@example.com`)
  const eve = clientAt("203.0.113.66")

  it.effect("refuses an address after 100 attempts on whatever accounts, and nobody else", () =>
    Effect.gen(function* () {
      yield* register()
      const refused = yield* attempts(100, (index) =>
        signIn({ email: account(index), password: evesPassword, client: eve }),
      )
      assert.deepStrictEqual(refused, { InvalidCredentials: 100 })
      assert.strictEqual(yield* retryAfter(signIn({ client: eve })), 900)
      yield* signIn()
      yield* TestClock.adjust("15 minutes")
      yield* signIn({ client: eve })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("counts a /64 of IPv6 as one client", () =>
    Effect.gen(function* () {
      yield* attempts(100, (index) =>
        signIn({ email: account(index), password: evesPassword, client: clientAt(`2001:db8::${index}`) }),
      )
      const next = (ipAddress: string) => signIn({ email: bob, password: evesPassword, client: clientAt(ipAddress) })
      assert.strictEqual(yield* retryAfter(next("2001:db8::ffff")), 900)
      assert.strictEqual(yield* retryAfter(next("2001:db8:0:1::1")), "InvalidCredentials")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("does not let a client over its own limit lock an account", () =>
    Effect.gen(function* () {
      yield* register()
      yield* attempts(100, (index) => signIn({ email: account(index), password: evesPassword, client: eve }))
      yield* attempts(50, () => signIn({ password: evesPassword, client: eve }))
      yield* signIn()
    }).pipe(Effect.provide(layer)),
  )
})

describe("Proving the password again", () => {
  it.effect("makes the session fresh and gives it a new token: the old one is dead", () =>
    Effect.gen(function* () {
      const before = yield* register()
      yield* TestClock.adjust("10 minutes")
      const sessions = yield* Sessions
      assert.strictEqual((yield* Effect.flip(sessions.requireFresh(before.session)))._tag, "SessionNotFresh")
      const after = yield* reauthenticate(before, adasPassword)
      yield* sessions.requireFresh(after.session)
      assert.deepStrictEqual(after.session.authTime, yield* DateTime.now)
      assert.strictEqual(after.session.id, before.session.id)
      assert.strictEqual((yield* Effect.flip(sessions.verify(before.token)))._tag, "SessionInvalid")
      assert.deepStrictEqual((yield* sessions.verify(after.token)).session, after.session)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("adds the password to the ways in which the session was proved", () =>
    Effect.gen(function* () {
      const { user } = yield* register()
      const byMail = yield* Sessions.use((sessions) => sessions.start({ user, amr: ["email"], client: home }))
      const both = yield* reauthenticate({ ...byMail, user }, adasPassword)
      assert.deepStrictEqual([both.session.amr, both.session.acr], [["email", "pwd", "mfa"], "aal2"])
      assert.deepStrictEqual((yield* reauthenticate(both, adasPassword)).session.amr, ["email", "pwd", "mfa"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("leaves the session as it is for a wrong password, and takes 10 in 15 minutes", () =>
    Effect.gen(function* () {
      const signedIn = yield* register()
      const refused = yield* attempts(10, () => reauthenticate(signedIn, evesPassword))
      assert.deepStrictEqual(refused, { InvalidCredentials: 10 })
      assert.deepStrictEqual((yield* auditTrail).slice(-1), ["password.reauthentication:wrong-password"])
      assert.strictEqual(yield* retryAfter(reauthenticate(signedIn, adasPassword)), 900)
      const verified = yield* Sessions.use((sessions) => sessions.verify(signedIn.token))
      assert.deepStrictEqual(verified.session, signedIn.session)
      yield* TestClock.adjust("15 minutes")
      yield* reauthenticate(signedIn, adasPassword)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is not open to who has no password", () =>
    Effect.gen(function* () {
      const user = yield* Users.use((users) => users.create({ email: bob }))
      const byMail = yield* Sessions.use((sessions) => sessions.start({ user, amr: ["email"], client: home }))
      const error = yield* Effect.flip(reauthenticate({ ...byMail, user }, adasPassword))
      assert.strictEqual(error._tag === "SignInRefused" ? error.reason : error._tag, "factor-unavailable")
    }).pipe(Effect.provide(layer)),
  )
})
