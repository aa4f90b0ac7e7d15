/**
 * What TOTP and HOTP promise alike when many codes come, at once or one after the other.
 */
import { Sessions } from "@belfry/core/Sessions"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlFactorsMigrations from "@belfry/factors/SqlFactorsMigrations"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, layer as withLayer } from "@effect/vitest"
import { Effect, type Layer, type Redacted } from "effect"
import * as OneTimePasswords from "./OneTimePasswords.ts"

/** Registers the suite. */
export const suite = (driver: OneTimePasswords.Driver): void => {
  const { factor, prove, show } = driver
  const { answerOf, secondStep, wrong } = OneTimePasswords
  const somebodyEnrolled = OneTimePasswords.enrolled(driver)

  const databases = TestDatabase.each([SqlCoreMigrations.migrations, SqlFactorsMigrations.migrations])
  const layers: ReadonlyArray<{
    readonly name: string
    readonly layer: Layer.Layer<OneTimePasswords.Services, TestDatabase.TestDatabaseError>
  }> = [
    { name: "memory", layer: OneTimePasswords.layerMemory },
    ...databases.map(({ name, layer }) => ({ name, layer: OneTimePasswords.layerSql(layer) })),
  ]

  for (const { name, layer } of layers) {
    withLayer(layer)(`One code of ${factor} from 50 fibers (${name})`, (it) => {
      const race = Effect.fnUntraced(function* (
        tokensOf: (
          ada: OneTimePasswords.Person,
        ) => Effect.Effect<ReadonlyArray<Redacted.Redacted>, unknown, OneTimePasswords.Services>,
      ) {
        const ada = yield* somebodyEnrolled
        const code = yield* show(ada.app, 1)
        const tokens = yield* tokensOf(ada)
        const before = (yield* Sessions.use((sessions) => sessions.list(ada.user.id))).length
        const answers = yield* Effect.forEach(tokens, (token) => answerOf(prove(token, code)), {
          concurrency: "unbounded",
        })
        const after = (yield* Sessions.use((sessions) => sessions.list(ada.user.id))).length
        return { answers, started: after - before }
      })

      it.effect("ends in one session, in one sign-in", () =>
        Effect.gen(function* () {
          const { answers, started } = yield* race(({ user }) =>
            Effect.map(secondStep(user), (token) => Array.from({ length: 50 }, () => token)),
          )
          assert.strictEqual(answers.filter((answer) => answer === "SignInComplete").length, 1)
          assert.strictEqual(started, 1)
          assert.isFalse(answers.includes("StoreError"))
        }),
      )

      it.effect("ends in one session, in 50 sign-ins", () =>
        Effect.gen(function* () {
          const { answers, started } = yield* race(({ user }) =>
            Effect.forEach(Array.from({ length: 50 }), () => secondStep(user)),
          )
          assert.strictEqual(answers.filter((answer) => answer === "SignInComplete").length, 1)
          assert.strictEqual(answers.filter((answer) => answer === "CodeInvalid 4").length, 49)
          assert.strictEqual(started, 1)
        }),
      )
    })
  }

  withLayer(TestServices.layerMemory)(`The rate limits of ${factor}`, (it) => {
    it.effect("bound the codes that can be guessed over many sign-ins", () =>
      Effect.gen(function* () {
        const ada = yield* somebodyEnrolled
        const code = yield* show(ada.app, 1)
        const answers: Array<string> = []
        for (let index = 0; index < 11; index++) {
          answers.push(yield* answerOf(prove(yield* secondStep(ada.user), wrong(ada.app))))
        }
        assert.deepStrictEqual(answers, [...Array.from({ length: 10 }, () => "CodeInvalid 4"), "RateLimited"])
        assert.strictEqual(yield* answerOf(prove(yield* secondStep(ada.user), code)), "RateLimited")
      }),
    )
  })
}
