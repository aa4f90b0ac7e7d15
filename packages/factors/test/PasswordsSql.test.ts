/**
 * Passwords over PGlite and PostgreSQL, with real hashes: what depends on the transactions of a database.
 *
 * The clock stands still, so a test in which the database breaks a deadlock, after which we try again later, ends by
 * its timeout.
 */
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import { Sessions } from "@belfry/core/Sessions"
import { Email } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import * as SqlFactorsMigrations from "@belfry/factors/SqlFactorsMigrations"
import { statementsOf } from "@belfry/testing/StatementCounter"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, layer as withLayer } from "@effect/vitest"
import { Effect, Option } from "effect"
import {
  adasPassword,
  change,
  clientAt,
  confirm,
  forgot,
  reauthenticate,
  register,
  reset,
  secret,
  signIn,
  signUp,
  takeResetToken,
  takeToken,
} from "./support/People.ts"

const newPassword = secret("a password of next year")

const tags = <A, E extends { readonly _tag: string }, R>(effects: ReadonlyArray<Effect.Effect<A, E, R>>) =>
  Effect.map(
    Effect.forEach(effects, Effect.match({ onFailure: ({ _tag }) => _tag, onSuccess: () => "success" }), {
      concurrency: "unbounded",
    }),
    (all) => all.toSorted(),
  )

const times = (count: number, text: string) => Array.from({ length: count }, () => text)

for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations, SqlFactorsMigrations.migrations])) {
  withLayer(TestServices.layerSql(layer))(`Passwords (${name})`, (it) => {
    it.effect("signs up, signs in, changes and resets", () =>
      Effect.gen(function* () {
        const email = Email.make("whole-story@example.com")
        const here = yield* register({ email, name: "Ada" })
        const changed = yield* change(here, newPassword, adasPassword)
        const elsewhere = yield* signIn({ email, password: newPassword })
        yield* signUp({ email })
        yield* reset(yield* takeToken(email, "already-signed-up"), adasPassword)
        const sessions = yield* Sessions
        for (const { token } of [here, changed, elsewhere]) {
          assert.strictEqual((yield* Effect.flip(sessions.verify(token)))._tag, "SessionInvalid")
        }
        const { user } = yield* signIn({ email })
        assert.deepStrictEqual(user, here.user)
      }),
    )

    it.effect("completes a sign-up for one of 20 with the same link, and by one of several links to one address", () =>
      Effect.gen(function* () {
        const email = Email.make("one-link@example.com")
        const browser = yield* signUp({ email })
        const token = yield* takeToken(email, "confirm-sign-up")
        const once = yield* tags(Array.from({ length: 20 }, () => confirm(token, { browser })))
        assert.deepStrictEqual(once, [...times(19, "VerificationTokenInvalid"), "success"])
        const other = Email.make("many-links@example.com")
        const pending = yield* Effect.forEach(Array.from({ length: 5 }), () =>
          Effect.all({ browser: signUp({ email: other }), token: takeToken(other, "confirm-sign-up") }),
        )
        const outcomes = yield* tags(pending.map(({ token, browser }) => confirm(token, { browser })))
        assert.deepStrictEqual(outcomes, [...times(4, "VerificationTokenInvalid"), "success"])
        const user = yield* Users.use((users) => users.findByEmail(other))
        const sessions = yield* Sessions.use((all) => all.list(Option.getOrThrow(user).id))
        assert.strictEqual(sessions.length, 1)
      }),
    )

    it.effect("resets for one of 20 who bring the token at once", () =>
      Effect.gen(function* () {
        const email = Email.make("one-reset@example.com")
        yield* register({ email })
        const token = yield* takeResetToken({ email })
        const outcomes = yield* tags(Array.from({ length: 20 }, () => reset(token, newPassword)))
        assert.deepStrictEqual(outcomes, [...times(19, "VerificationTokenInvalid"), "success"])
        yield* signIn({ email, password: newPassword })
      }),
    )

    it.effect("resets by one of several links that are used at once", () =>
      Effect.gen(function* () {
        const email = Email.make("many-resets@example.com")
        yield* register({ email })
        const links = yield* Effect.forEach(Array.from({ length: 4 }), () =>
          Effect.andThen(signUp({ email }), takeToken(email, "already-signed-up")),
        )
        const outcomes = yield* tags(links.map((token) => reset(token, newPassword)))
        assert.deepStrictEqual(outcomes, [...times(3, "VerificationTokenInvalid"), "success"])
      }),
    )

    it.effect("changes nothing when the session ended meanwhile", () =>
      Effect.gen(function* () {
        const email = Email.make("ended@example.com")
        const here = yield* register({ email })
        const elsewhere = yield* signIn({ email })
        const sessions = yield* Sessions
        yield* sessions.signOut(here.token, clientAt(null))
        assert.strictEqual((yield* Effect.flip(change(here, newPassword, adasPassword)))._tag, "SessionInvalid")
        yield* sessions.verify(elsewhere.token)
        yield* signIn({ email })
      }),
    )

    it.effect("takes 6 statements to sign in without a second factor, and 14 to prove the password again", () =>
      Effect.gen(function* () {
        const email = Email.make("statements@example.com")
        const here = yield* register({ email })
        assert.deepStrictEqual(yield* statementsOf(signIn({ email })), [
          // Side by side; the user with the password:
          "TAKE rate limits",
          "SELECT users",
          // In one transaction:
          "SELECT passwords",
          "SELECT enrolments",
          "INSERT sessions",
          "INSERT audit_events",
        ])
        assert.deepStrictEqual(yield* statementsOf(reauthenticate(here, adasPassword)), [
          // The attempt begins, and is opened for the password:
          "TAKE rate limits",
          "INSERT sign_in_attempts",
          "SELECT enrolments",
          "SELECT sign_in_attempts",
          "SELECT users",
          "SELECT enrolments",
          "TAKE rate limits",
          "UPDATE sign_in_attempts",
          "SELECT passwords",
          // In one transaction:
          "SELECT passwords",
          "SELECT enrolments",
          "UPDATE sessions",
          "INSERT audit_events",
          "DELETE sign_in_attempts",
        ])
      }),
    )

    it.effect("counts attempts in the database: 10 on an account, whoever asks", () =>
      Effect.gen(function* () {
        const email = Email.make("locked@example.com")
        const outcomes = yield* tags(
          Array.from({ length: 15 }, (_, index) => signIn({ email, client: clientAt(`198.51.100.${index}`) })),
        )
        assert.deepStrictEqual(outcomes, [...times(10, "InvalidCredentials"), ...times(5, "RateLimited")])
        yield* forgot({ email })
      }),
    )
  })
}
