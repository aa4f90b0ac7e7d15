/**
 * What happens while a password is being compared: the password that a user has at the end decides.
 */
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlRateLimitStore from "@belfry/core/SqlRateLimitStore"
import * as SessionsModule from "@belfry/core/Sessions"
import { SessionStore } from "@belfry/core/SessionStore"
import { Email } from "@belfry/core/User"
import * as PasswordHasher from "@belfry/factors/PasswordHasher"
import * as Passwords from "@belfry/factors/Passwords"
import { PasswordStore } from "@belfry/factors/PasswordStore"
import * as SqlFactorsMigrations from "@belfry/factors/SqlFactorsMigrations"
import * as Totps from "@belfry/factors/Totps"
import { isWaitingForLock } from "@belfry/testing/PostgresLocks"
import * as TestCrypto from "@belfry/testing/TestCrypto"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it, layer as withLayer } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Option } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import {
  adasPassword,
  auditTrail,
  begin,
  change,
  home,
  layer,
  pending,
  reauthenticate,
  register,
  reset,
  secret,
  signIn,
  takeResetToken,
} from "./support/People.ts"
import { codeOf, enrolApp, proveCode } from "./support/SecondFactors.ts"

const { Sessions } = SessionsModule

const newPassword = secret("a password of next year")

/** The service whose first comparison is followed by something that others do, before its outcome is known. */
const overtakenBy = <A, E, R>(others: Effect.Effect<A, E, R>, options?: Partial<PasswordHasher.PasswordCost>) =>
  Layer.fresh(
    Layer.provide(
      Passwords.layer,
      Layer.effect(
        PasswordHasher.PasswordHasher,
        Effect.gen(function* () {
          const hasher = yield* PasswordHasher.make(options)
          const context = yield* Effect.context<R>()
          const once = yield* Effect.cached(Effect.orDie(Effect.provideContext(others, context)))
          return PasswordHasher.PasswordHasher.of({
            ...hasher,
            compare: (password, hash) => Effect.tap(hasher.compare(password, hash), once),
          })
        }),
      ),
    ),
  )

const tagOf = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), ({ _tag }) => _tag)

const outcomeOf = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.match(effect, { onFailure: ({ _tag }) => _tag, onSuccess: () => "success" })

const idsOf = (user: Passwords.SignIn["user"]) =>
  Effect.map(
    Sessions.use((sessions) => sessions.list(user.id)),
    (all) => all.map(({ id }) => id),
  )

describe("A password that is changed while the old one is compared", () => {
  it.effect("signs nobody in: a reset leaves no session behind", () =>
    Effect.gen(function* () {
      const { user } = yield* register()
      const token = yield* takeResetToken()
      const overtaken = Effect.provide(signIn(), overtakenBy(reset(token, newPassword)))
      assert.strictEqual(yield* tagOf(overtaken), "InvalidCredentials")
      assert.deepStrictEqual(yield* idsOf(user), [])
      assert.deepStrictEqual((yield* auditTrail).slice(-1), ["password.sign-in:wrong-password"])
      yield* signIn({ password: newPassword })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("signs nobody in: a change leaves the session that did it, and no other", () =>
    Effect.gen(function* () {
      const here = yield* register()
      const overtaken = Effect.provide(signIn(), overtakenBy(change(here, newPassword, adasPassword)))
      assert.strictEqual(yield* tagOf(overtaken), "InvalidCredentials")
      assert.deepStrictEqual(yield* idsOf(here.user), [here.session.id])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("makes no session fresh", () =>
    Effect.gen(function* () {
      const here = yield* register()
      const overtaken = Effect.provide(
        reauthenticate(here, adasPassword),
        overtakenBy(change(here, newPassword, adasPassword)),
      )
      assert.strictEqual(yield* tagOf(overtaken), "InvalidCredentials")
      assert.deepStrictEqual((yield* auditTrail).slice(-2), [
        "session.rotated",
        "password.reauthentication:wrong-password",
      ])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("moves no sign-in on that asks for more", () =>
    Effect.gen(function* () {
      const here = yield* register()
      yield* enrolApp(here)
      const overtaken = Effect.provide(begin(), overtakenBy(change(here, newPassword, adasPassword)))
      assert.strictEqual(yield* tagOf(overtaken), "InvalidCredentials")
      assert.deepStrictEqual((yield* auditTrail).slice(-1), ["password.sign-in:wrong-password"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is right for who brings the new one, though the cost rose and another sign-in renewed its hash", () =>
    Effect.gen(function* () {
      const { user } = yield* register()
      const dearer = { passes: 3 }
      const dearly = Layer.fresh(Layer.provide(Passwords.layer, PasswordHasher.layer(dearer)))
      const another = Effect.provide(signIn(), dearly)
      yield* Effect.provide(signIn(), overtakenBy(another, dearer))
      const hash = yield* PasswordStore.use((passwords) => passwords.find(user.id))
      assert.match(Option.getOrThrow(hash), /^\$argon2id\$v=19\$m=19456,t=3,p=1\$/)
      assert.strictEqual((yield* idsOf(user)).length, 3)
    }).pipe(Effect.provide(layer)),
  )
})

describe("A session that ends while its password is compared", () => {
  it.effect("is not made fresh", () =>
    Effect.gen(function* () {
      const here = yield* register()
      const ending = Sessions.use((sessions) => sessions.signOut(here.token, home))
      const overtaken = Effect.provide(reauthenticate(here, adasPassword), overtakenBy(ending))
      const error = yield* Effect.flip(overtaken)
      assert.strictEqual(error._tag === "SignInRefused" ? error.reason : error._tag, "invalid")
      assert.deepStrictEqual(yield* idsOf(here.user), [])
    }).pipe(Effect.provide(layer)),
  )
})

const migrations = [SqlCoreMigrations.migrations, SqlFactorsMigrations.migrations]

for (const { name, layer: database } of TestDatabase.each(migrations)) {
  withLayer(TestServices.layerSql(database))(`Sign-ins while the password changes (${name})`, (it) => {
    it.effect("are over, whichever of reset and change wins", () =>
      Effect.gen(function* () {
        for (const round of [1, 2, 3]) {
          const email = Email.make(`race-${round}@example.com`)
          const here = yield* register({ email })
          const elsewhere = yield* signIn({ email })
          const token = yield* takeResetToken({ email })
          const { changed, wasReset, ...others } = yield* Effect.all(
            {
              before: outcomeOf(Effect.all([signIn({ email }), signIn({ email })], { concurrency: "unbounded" })),
              changed: outcomeOf(change(elsewhere, newPassword, adasPassword)),
              between: outcomeOf(signIn({ email })),
              wasReset: outcomeOf(reset(token, newPassword)),
              again: outcomeOf(reauthenticate(here, adasPassword)),
              after: outcomeOf(signIn({ email })),
            },
            { concurrency: "unbounded" },
          )
          assert.notInclude(Object.values(others), "StoreError")
          assert.deepStrictEqual(
            [changed, wasReset].toSorted(),
            [changed === "success" ? "VerificationTokenInvalid" : "SessionInvalid", "success"].toSorted(),
          )
          assert.deepStrictEqual(yield* idsOf(here.user), changed === "success" ? [elsewhere.session.id] : [])
          yield* signIn({ email, password: newPassword })
        }
      }),
    )
  })
}

for (const { name, layer: database } of TestDatabase.each(migrations)) {
  // Hashes cost nothing here: the derivations would keep the two apart.
  const services = TestServices.layer.pipe(
    Layer.provideMerge(Layer.mergeAll(TestServices.layerSqlStores, TestCrypto.layer, SqlRateLimitStore.layer)),
    Layer.provideMerge(database),
  )

  withLayer(services)(`A sign-in that is completed while the password changes (${name})`, (it) => {
    it.effect("is refused, or its session ends, whoever is first", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const totps = yield* Totps.Totps
        let here: Passwords.SignIn = yield* register()
        const app = yield* enrolApp(here)
        let current = adasPassword
        for (let round = 0; round < 50; round++) {
          yield* TestClock.adjust("1 hour")
          const { token } = yield* pending(begin({ password: current }))
          const code = yield* codeOf(app)
          const next = secret(`the password of round ${round}`)
          // Each gets a head start in turn, of more and more statements.
          const headStart = Effect.repeat(sql`SELECT 1`, { times: (round >> 1) % 25 })
          const completing = outcomeOf(totps.prove({ token, code, client: home }))
          const changing = change(here, next, current)
          const [outcome, changed] = yield* Effect.all(
            round % 2 === 0
              ? [completing, Effect.andThen(headStart, changing)]
              : [Effect.andThen(headStart, completing), changing],
            { concurrency: "unbounded" },
          )
          assert.include(["SignInRefused", "success"], outcome)
          assert.deepStrictEqual(yield* idsOf(here.user), [changed.session.id])
          here = changed
          current = next
        }
      }),
    )
  })
}

withLayer(TestServices.layerSql(TestDatabase.layerPostgres(migrations)))("A sign-in on PostgreSQL", (it) => {
  it.effect("is refused that would be complete after a change ended the sessions, before it is done", () =>
    Effect.gen(function* () {
      const here = yield* register()
      const app = yield* enrolApp(here)
      const { token } = yield* pending(begin())
      const ended = yield* Deferred.make<void>()
      const goOn = yield* Deferred.make<void>()
      const pausing = Layer.effect(
        SessionStore,
        Effect.map(SessionStore, (store) =>
          SessionStore.of({
            ...store,
            removeByUser: (userId, except) =>
              Effect.tap(store.removeByUser(userId, except), () =>
                Effect.andThen(Deferred.succeed(ended, undefined), Deferred.await(goOn)),
              ),
          }),
        ),
      )
      const slow = Layer.provide(Passwords.layer, Layer.provide(SessionsModule.layer(), pausing))
      const changing = yield* Effect.forkChild(
        Effect.provide(change(here, newPassword, adasPassword), Layer.fresh(slow)),
      )
      yield* Deferred.await(ended)
      const completing = yield* Effect.forkChild(outcomeOf(proveCode(token, app)))
      assert.isTrue(yield* isWaitingForLock(completing))
      yield* Deferred.succeed(goOn, undefined)
      const { session } = yield* Fiber.join(changing)
      assert.strictEqual(yield* Fiber.join(completing), "SignInRefused")
      assert.deepStrictEqual(yield* idsOf(here.user), [session.id])
    }),
  )

  it.effect("holds a reset up from its last look at the password, so that the reset ends its session", () =>
    Effect.gen(function* () {
      const email = Email.make("last-look@example.com")
      const { user } = yield* register({ email })
      const token = yield* takeResetToken({ email })
      const looked = yield* Deferred.make<void>()
      const goOn = yield* Deferred.make<void>()
      const pausing = Layer.effect(
        PasswordStore,
        Effect.map(PasswordStore, (passwords) =>
          PasswordStore.of({
            ...passwords,
            confirm: (userId, hash) =>
              Effect.tap(passwords.confirm(userId, hash), () =>
                Effect.andThen(Deferred.succeed(looked, undefined), Deferred.await(goOn)),
              ),
          }),
        ),
      )
      const signingIn = yield* Effect.forkChild(
        Effect.provide(signIn({ email }), Layer.fresh(Layer.provide(Passwords.layer, pausing))),
      )
      yield* Deferred.await(looked)
      const resetting = yield* Effect.forkChild(reset(token, newPassword))
      assert.isTrue(yield* isWaitingForLock(resetting))
      yield* Deferred.succeed(goOn, undefined)
      const { session } = yield* Fiber.join(signingIn)
      yield* Fiber.join(resetting)
      assert.deepStrictEqual(yield* idsOf(user), [])
      assert.strictEqual(session.userId, user.id)
    }),
  )
})
