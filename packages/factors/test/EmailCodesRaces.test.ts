/**
 * Codes by mail that several people, or several requests of one, bring or ask for at once.
 */
import { Audit } from "@belfry/core/Audit"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import { Sessions } from "@belfry/core/Sessions"
import { Email } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { SignInAttempts } from "@belfry/factors/SignInAttempts"
import * as SqlFactorsMigrations from "@belfry/factors/SqlFactorsMigrations"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, layer as withLayer } from "@effect/vitest"
import { Effect, type Layer, Option } from "effect"
import { codeFor, outcomeOf, proveCode, sendCode, takeCode } from "./support/Mailboxes.ts"
import { complete, home } from "./support/People.ts"

const suite = <E>(name: string, services: Layer.Layer<TestServices.Services | TestServices.Stores, E>) =>
  withLayer(services)(`A code by mail that is raced for (${name})`, (it) => {
    it.effect("signs up and in one of 50 fibers that bring it", () =>
      Effect.gen(function* () {
        const email = Email.make("raced-sign-up@example.com")
        const answer = yield* codeFor(email)
        const outcomes = yield* Effect.all(
          Array.from({ length: 50 }, () => outcomeOf(complete(proveCode(answer)))),
          { concurrency: "unbounded" },
        )
        assert.strictEqual(outcomes.filter((outcome) => outcome === "success").length, 1)
        assert.notInclude(outcomes.join(), "StoreError")
        const user = Option.getOrThrow(yield* Users.use((users) => users.findByEmail(email)))
        assert.strictEqual((yield* Sessions.use((sessions) => sessions.list(user.id))).length, 1)
        const created = yield* Audit.use((audit) => audit.list({ limit: 1000, userId: user.id }))
        assert.strictEqual(created.filter(({ type }) => type === "user.created").length, 1)
      }),
    )

    it.effect("makes one user of two sign-ups of one address at once, and signs both in", () =>
      Effect.gen(function* () {
        const email = Email.make("two-sign-ups@example.com")
        const answers = [yield* codeFor(email), yield* codeFor(email), yield* codeFor(email)]
        const all = yield* Effect.forEach(answers, (answer) => complete(proveCode(answer)), {
          concurrency: "unbounded",
        })
        assert.strictEqual(new Set(all.map(({ user }) => user.id)).size, 1)
        assert.strictEqual(new Set(all.map(({ session }) => session.id)).size, 3)
      }),
    )

    it.effect("is one code, though 20 fibers ask in the same attempt", () =>
      Effect.gen(function* () {
        const email = Email.make("raced-requests@example.com")
        const { token } = yield* SignInAttempts.use((attempts) => attempts.start({ client: home }))
        const outcomes = yield* Effect.all(
          Array.from({ length: 20 }, () => outcomeOf(sendCode({ token, email }))),
          { concurrency: "unbounded" },
        )
        assert.strictEqual(outcomes.filter((outcome) => outcome === "success").length, 1)
        assert.strictEqual(outcomes.filter((outcome) => outcome === "RateLimited").length, 19)
        yield* complete(proveCode({ token, code: yield* takeCode(email) }))
      }),
    )
  })

suite("memory", TestServices.layerMemory)

for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations, SqlFactorsMigrations.migrations])) {
  suite(name, TestServices.layerSql(layer))
}
