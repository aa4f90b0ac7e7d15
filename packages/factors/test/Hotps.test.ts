import { StoreError } from "@belfry/core/StoreError"
import * as Hotps from "@belfry/factors/Hotps"
import { HotpStore } from "@belfry/factors/HotpStore"
import * as Authenticator from "@belfry/testing/Authenticator"
import { assert, layer as withLayer } from "@effect/vitest"
import { Cause, Effect, Exit, Layer, Option, Redacted, Schema } from "effect"
import { answerOf, type Driver, enrolled, layerMemory, person, secondStep } from "./support/OneTimePasswords.ts"
import * as OneTimePasswordRaces from "./support/oneTimePasswordRaces.ts"
import * as OneTimePasswordSuite from "./support/oneTimePasswordSuite.ts"
import { home as client } from "./support/People.ts"

const driver: Driver = {
  factor: "hotp",
  enrol: (by) => Hotps.Hotps.use((hotps) => hotps.enrol({ by, client })),
  pending: (by) => Hotps.Hotps.use((hotps) => hotps.pending({ by, client })),
  confirm: (by, code) => Hotps.Hotps.use((hotps) => hotps.confirm({ by, code, client })),
  prove: (token, code) => Hotps.Hotps.use((hotps) => hotps.prove({ token, code, client })),
  remove: ({ session, user }) => Hotps.Hotps.use((hotps) => hotps.remove({ session, user, client })),
  find: (userId) => HotpStore.use((store) => store.find(userId)),
  copy: (from, to) =>
    HotpStore.use((store) =>
      Effect.flatMap(store.find(from), (row) => store.begin({ ...Option.getOrThrow(row), userId: to })),
    ),
  withKeys: (keys, effect, reseals = true) =>
    Effect.provide(
      effect,
      Layer.fresh(Hotps.layer).pipe(
        Layer.provide(keys),
        Layer.provide(
          Layer.effect(
            HotpStore,
            Effect.map(HotpStore, (store) => (reseals ? store : HotpStore.of({ ...store, reseal: () => away }))),
          ),
        ),
      ),
    ),
  show: (app, n) => Effect.succeed(app.code(n)),
}

const away = Effect.fail(
  new StoreError({ store: "HotpStore", method: "reseal", isRetryable: true, cause: new Error("The store is away") }),
)

OneTimePasswordSuite.suite(driver)
OneTimePasswordRaces.suite(driver)

/** The secret of RFC 4226, Appendix D. */
const rfc = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

/** Somebody whose token was confirmed by counter 0: the next one is 1. */
const atOne = enrolled({
  ...driver,
  // A secret that is the same in every run, and of eight digits hardly two alike: no code is right by chance.
  enrol: (by) => Hotps.Hotps.use((hotps) => hotps.enrol({ by, secret: Redacted.make(rfc), digits: 8, client })),
})

type Ada = Effect.Success<typeof atOne>

const counterOf = ({ user }: Ada) =>
  HotpStore.use((store) => Effect.map(store.find(user.id), (row) => Option.getOrThrow(row).counter))

/** The answer to the code of a counter, or to two of them, in a sign-in of its own. */
const answerTo = Effect.fnUntraced(function* (ada: Ada, counter: number, next?: number) {
  const hotps = yield* Hotps.Hotps
  const nextCode = next === undefined ? undefined : ada.app.code(next)
  return yield* answerOf(
    hotps.prove({ token: yield* secondStep(ada.user), code: ada.app.code(counter), nextCode, client }),
  )
})

withLayer(layerMemory)("RFC 4226 §7.2", (it) => {
  it.effect(
    "MUST move the counter past the value that was validated: 0 to 1 by the confirmation, then one at a time",
    () =>
      Effect.gen(function* () {
        const ada = yield* atOne
        assert.strictEqual(yield* counterOf(ada), 1)
        assert.strictEqual(yield* answerTo(ada, 1), "SignInComplete")
        assert.strictEqual(yield* counterOf(ada), 2)
        assert.strictEqual(yield* answerTo(ada, 1), "CodeInvalid 4")
        assert.strictEqual(yield* counterOf(ada), 2)
      }),
  )

  it.effect("MUST NOT move the counter by a value that is wrong", () =>
    Effect.gen(function* () {
      const ada = yield* atOne
      for (const counter of [0, 7, 11, 1000]) {
        assert.strictEqual(yield* answerTo(ada, counter), "CodeInvalid 4", `${counter}`)
        assert.strictEqual(yield* counterOf(ada), 1)
      }
    }),
  )
})

withLayer(layerMemory)("RFC 4226 §7.4", (it) => {
  it.effect("SHOULD look ahead by a window of 5, and MUST NOT look farther", () =>
    Effect.gen(function* () {
      for (const [ahead, answer, next] of [
        [0, "SignInComplete", 2],
        [4, "SignInComplete", 6],
        [5, "SignInComplete", 7],
        [6, "CodeInvalid 4", 1],
        [10, "CodeInvalid 4", 1],
      ] as const) {
        const ada = yield* atOne
        assert.strictEqual(yield* answerTo(ada, 1 + ahead), answer, `${ahead}`)
        assert.strictEqual(yield* counterOf(ada), next)
      }
    }),
  )

  it.effect("MUST NOT take a value that was skipped", () =>
    Effect.gen(function* () {
      const ada = yield* atOne
      assert.strictEqual(yield* answerTo(ada, 5), "SignInComplete")
      for (const counter of [1, 4, 5]) assert.strictEqual(yield* answerTo(ada, counter), "CodeInvalid 4")
    }),
  )

  it.effect("SHOULD resynchronise by two values that follow one another, and uses up both", () =>
    Effect.gen(function* () {
      for (const ahead of [0, 5, 50, 100]) {
        const ada = yield* atOne
        assert.strictEqual(yield* answerTo(ada, 1 + ahead, 2 + ahead), "SignInComplete", `${ahead}`)
        assert.strictEqual(yield* counterOf(ada), 3 + ahead)
        for (const counter of [1 + ahead, 2 + ahead]) {
          assert.strictEqual(yield* answerTo(ada, counter), "CodeInvalid 4")
        }
        assert.strictEqual(yield* answerTo(ada, 3 + ahead), "SignInComplete")
      }
    }),
  )

  it.effect("MUST NOT resynchronise farther than 100, nor by other values", () =>
    Effect.gen(function* () {
      const ada = yield* atOne
      for (const [counter, next] of [
        [102, 103],
        [0, 1],
        [10, 12],
        [11, 10],
        [10, 10],
        [1, 3],
        [1, 200],
        [200, 2],
      ] as const) {
        assert.strictEqual(yield* answerTo(ada, counter, next), "CodeInvalid 4", `${counter}, ${next}`)
        assert.strictEqual(yield* counterOf(ada), 1)
      }
    }),
  )

  it.effect("MUST NOT look 100 ahead for one value that comes with something else", () =>
    Effect.gen(function* () {
      const hotps = yield* Hotps.Hotps
      const ada = yield* atOne
      for (const nextCode of ["", "12345", "x"].map((text) => Redacted.make(text))) {
        const token = yield* secondStep(ada.user)
        assert.strictEqual(
          yield* answerOf(hotps.prove({ token, code: ada.app.code(1), nextCode, client })),
          "CodeInvalid 4",
        )
      }
      assert.strictEqual(yield* counterOf(ada), 1)
    }),
  )

  it.effect("resynchronises in one of 50 sign-ins that bring the same values", () =>
    Effect.gen(function* () {
      const ada = yield* atOne
      const answers = yield* Effect.all(
        Array.from({ length: 50 }, () => answerTo(ada, 31, 32)),
        { concurrency: "unbounded" },
      )
      assert.strictEqual(answers.filter((answer) => answer === "SignInComplete").length, 1)
      assert.strictEqual(yield* counterOf(ada), 33)
    }),
  )

  it.effect.prop(
    "takes no counter twice and none older than the last, whatever is tried",
    [
      Schema.Array(
        Schema.Struct({
          skew: Schema.Int.check(Schema.isBetween({ minimum: -3, maximum: 8 })),
          isPair: Schema.Boolean,
        }),
      ).check(Schema.isMaxLength(10)),
    ],
    ([tries]) =>
      Effect.gen(function* () {
        const ada = yield* atOne
        let next = 1
        for (const { skew, isPair } of tries) {
          const counter = Math.max(0, next + skew)
          const answer = yield* answerTo(ada, counter, isPair ? counter + 1 : undefined)
          const isAccepted = counter >= next && (isPair || counter <= next + 5)
          assert.strictEqual(answer === "SignInComplete", isAccepted)
          if (isAccepted) next = counter + (isPair ? 2 : 1)
          assert.strictEqual(yield* counterOf(ada), next)
        }
      }),
  )
})

withLayer(layerMemory)("A token that has its secret", (it) => {
  it.effect("is set up by it, from the counter where it stands (RFC 4226 Appendix D)", () =>
    Effect.gen(function* () {
      const hotps = yield* Hotps.Hotps
      const by = yield* person
      const secret = Redacted.make(`${rfc.toLowerCase().slice(0, 16)} ${rfc.toLowerCase().slice(16)}`)
      const shown = yield* hotps.enrol({ by, secret, counter: 3, client })
      assert.strictEqual(Redacted.value(shown.secret), rfc)
      assert.strictEqual(Authenticator.scan(shown.uri).moving, 3)
      for (const used of ["755224", "287082", "359152"]) {
        const error = yield* Effect.flip(hotps.confirm({ by, code: Redacted.make(used), client }))
        assert.strictEqual(error._tag, "CodeInvalid")
      }
      yield* hotps.confirm({ by, code: Redacted.make("969429"), client })
      const token = yield* secondStep(by.user)
      assert.strictEqual(
        yield* answerOf(hotps.prove({ token, code: Redacted.make("338314"), client })),
        "SignInComplete",
      )
    }),
  )

  it.effect("shows one code at two counters now and then, and stands at the lower one", () =>
    Effect.gen(function* () {
      const hotps = yield* Hotps.Hotps
      const by = yield* person
      yield* hotps.enrol({ by, secret: Redacted.make(rfc), counter: 910_737, client })
      yield* hotps.confirm({ by, code: Redacted.make("911617"), client })
      const token = yield* secondStep(by.user)
      assert.strictEqual(
        yield* answerOf(hotps.prove({ token, code: Redacted.make("911617"), client })),
        "SignInComplete",
      )
    }),
  )

  it.effect("may show eight digits", () =>
    Effect.gen(function* () {
      const hotps = yield* Hotps.Hotps
      const by = yield* person
      const { uri } = yield* hotps.enrol({ by, secret: Redacted.make(rfc), digits: 8, client })
      assert.include(Redacted.value(uri), "&digits=8&")
      const refused = yield* Effect.flip(hotps.confirm({ by, code: Redacted.make("755224"), client }))
      assert.strictEqual(refused._tag, "CodeInvalid")
      yield* hotps.confirm({ by, code: Redacted.make("84755224"), client })
    }),
  )

  it.effect("is refused with a secret that is too short or no base32, and nothing is kept", () =>
    Effect.gen(function* () {
      const hotps = yield* Hotps.Hotps
      const by = yield* person
      for (const secret of ["", rfc.slice(0, 24), "not base32!", `${rfc}1`]) {
        const error = yield* Effect.flip(hotps.enrol({ by, secret: Redacted.make(secret), client }))
        assert.strictEqual(error._tag, "SecretInvalid")
      }
      assert.deepStrictEqual(yield* driver.find(by.user.id), Option.none())
    }),
  )

  it.effect("cannot stand at a counter that is none", () =>
    Effect.gen(function* () {
      const hotps = yield* Hotps.Hotps
      const by = yield* person
      for (const counter of [-1, 0.5, Number.NaN, 2 ** 53]) {
        const exit = yield* Effect.exit(hotps.enrol({ by, counter, client }))
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      }
      assert.deepStrictEqual(yield* driver.find(by.user.id), Option.none())
    }),
  )
})
