import { Audit } from "@belfry/core/Audit"
import { KeyRing } from "@belfry/core/KeyRing"
import { StoreError } from "@belfry/core/StoreError"
import { Hotps } from "@belfry/factors/Hotps"
import type { Digits, TotpAlgorithm } from "@belfry/factors/OneTimePassword"
import * as Totps from "@belfry/factors/Totps"
import { TotpStore } from "@belfry/factors/TotpStore"
import * as Authenticator from "@belfry/testing/Authenticator"
import { assert, layer as withLayer } from "@effect/vitest"
import { DateTime, Effect, Layer, Option, Redacted, Schema } from "effect"
import { TestClock } from "effect/testing"
import { type Driver, answerOf, enrolled, layerMemory, person, secondStep } from "./support/OneTimePasswords.ts"
import * as OneTimePasswordRaces from "./support/oneTimePasswordRaces.ts"
import * as OneTimePasswordSuite from "./support/oneTimePasswordSuite.ts"
import { home as client } from "./support/People.ts"

/** Sets the clock to the middle of a time step. */
const goTo = (step: number) => TestClock.setTime((step * 30 + 15) * 1000)

const driver: Driver = {
  factor: "totp",
  enrol: (by) => Totps.Totps.use((totps) => totps.enrol({ by, client })),
  pending: (by) => Totps.Totps.use((totps) => totps.pending({ by, client })),
  confirm: (by, code) => Totps.Totps.use((totps) => totps.confirm({ by, code, client })),
  prove: (token, code) => Totps.Totps.use((totps) => totps.prove({ token, code, client })),
  remove: ({ session, user }) => Totps.Totps.use((totps) => totps.remove({ session, user, client })),
  find: (userId) => TotpStore.use((store) => store.find(userId)),
  copy: (from, to) =>
    TotpStore.use((store) =>
      Effect.flatMap(store.find(from), (row) => store.begin({ ...Option.getOrThrow(row), userId: to })),
    ),
  withKeys: (keys, effect, reseals = true) =>
    Effect.provide(
      effect,
      Layer.fresh(Totps.layer).pipe(
        Layer.provide(keys),
        Layer.provide(
          Layer.effect(
            TotpStore,
            Effect.map(TotpStore, (store) => (reseals ? store : TotpStore.of({ ...store, reseal: () => away }))),
          ),
        ),
      ),
    ),
  show: (app, n) => Effect.as(goTo(n), app.code(n)),
}

const away = Effect.fail(
  new StoreError({ store: "TotpStore", method: "reseal", isRetryable: true, cause: new Error("The store is away") }),
)

OneTimePasswordSuite.suite(driver)
OneTimePasswordRaces.suite(driver)

/** Somebody whose app was confirmed at time step `step`. */
const enrolledAt = Effect.fnUntraced(function* (step: number) {
  yield* goTo(step)
  return yield* enrolled({
    ...driver,
    // Of eight digits hardly two are alike by chance.
    enrol: (by) => Totps.Totps.use((totps) => totps.enrol({ by, digits: 8, client })),
    show: (app) => Effect.succeed(app.code(step)),
  })
})

/** The answer to the code of time step `step`, in a sign-in of its own. */
const answerTo = Effect.fnUntraced(function* (ada: Effect.Success<ReturnType<typeof enrolledAt>>, step: number) {
  return yield* answerOf(driver.prove(yield* secondStep(ada.user), ada.app.code(step)))
})

withLayer(layerMemory)("RFC 6238 §5.2", (it) => {
  it.effect("MUST NOT accept the second attempt of the OTP after the first was successful", () =>
    Effect.gen(function* () {
      const ada = yield* enrolledAt(100)
      yield* goTo(102)
      assert.strictEqual(yield* answerTo(ada, 102), "SignInComplete")
      assert.strictEqual(yield* answerTo(ada, 102), "CodeInvalid 4")
      yield* goTo(103)
      assert.strictEqual(yield* answerTo(ada, 102), "CodeInvalid 4")
    }),
  )

  it.effect("SHOULD accept one time step either side, and MUST NOT accept more", () =>
    Effect.gen(function* () {
      for (const [difference, answer] of [
        [-3, "CodeInvalid 4"],
        [-2, "CodeInvalid 4"],
        [-1, "SignInComplete"],
        [0, "SignInComplete"],
        [1, "SignInComplete"],
        [2, "CodeInvalid 4"],
        [3, "CodeInvalid 4"],
        [1000, "CodeInvalid 4"],
      ] as const) {
        const ada = yield* enrolledAt(100)
        yield* goTo(110)
        assert.strictEqual(yield* answerTo(ada, 110 + difference), answer, `${difference}`)
      }
    }),
  )

  it.effect("MUST NOT accept a code before the first of its window, nor after the last", () =>
    Effect.gen(function* () {
      for (const [millis, answer] of [
        [109 * 30_000 - 1, "CodeInvalid 4"],
        [109 * 30_000, "SignInComplete"],
        [112 * 30_000 - 1, "SignInComplete"],
        [112 * 30_000, "CodeInvalid 4"],
      ] as const) {
        const ada = yield* enrolledAt(100)
        yield* TestClock.setTime(millis)
        assert.strictEqual(yield* answerTo(ada, 110), answer, `${millis}`)
      }
    }),
  )
})

withLayer(layerMemory)("The window of a TOTP", (it) => {
  it.effect("takes the next step after the current one", () =>
    Effect.gen(function* () {
      const ada = yield* enrolledAt(100)
      yield* goTo(110)
      assert.strictEqual(yield* answerTo(ada, 110), "SignInComplete")
      assert.strictEqual(yield* answerTo(ada, 111), "SignInComplete")
    }),
  )

  it.effect("does not take the previous step after the current one", () =>
    Effect.gen(function* () {
      const ada = yield* enrolledAt(100)
      yield* goTo(110)
      assert.strictEqual(yield* answerTo(ada, 110), "SignInComplete")
      assert.strictEqual(yield* answerTo(ada, 109), "CodeInvalid 4")
    }),
  )

  it.effect("does not creep ahead of a clock that is behind the app", () =>
    Effect.gen(function* () {
      const ada = yield* enrolledAt(100)
      yield* goTo(110)
      assert.strictEqual(yield* answerTo(ada, 111), "SignInComplete")
      for (const step of [111, 112, 113]) assert.strictEqual(yield* answerTo(ada, step), "CodeInvalid 4")
      yield* goTo(111)
      assert.strictEqual(yield* answerTo(ada, 112), "SignInComplete")
      for (const step of [112, 113, 114]) assert.strictEqual(yield* answerTo(ada, step), "CodeInvalid 4")
    }),
  )

  it.effect("begins at time step 0", () =>
    Effect.gen(function* () {
      const ada = yield* enrolledAt(0)
      assert.strictEqual(yield* answerTo(ada, 1), "SignInComplete")
    }),
  )

  it.effect.prop(
    "is exactly one step either side, and only newer ones than the last",
    [
      Schema.Int.check(Schema.isBetween({ minimum: 100, maximum: 200_000_000 })),
      Schema.Int.check(Schema.isBetween({ minimum: -3, maximum: 3 })),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 29_999 })),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })),
    ],
    ([step, skew, millis, since]) =>
      Effect.gen(function* () {
        const ada = yield* enrolledAt(step - since)
        yield* TestClock.setTime(step * 30_000 + millis)
        const isAccepted = (yield* answerTo(ada, step + skew)) === "SignInComplete"
        assert.strictEqual(isAccepted, Math.abs(skew) <= 1 && step + skew > step - since)
      }),
  )

  it.effect.prop(
    "takes no step twice and none older than the last, whatever is tried",
    [
      Schema.Array(
        Schema.Struct({
          later: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 })),
          skew: Schema.Int.check(Schema.isBetween({ minimum: -3, maximum: 3 })),
        }),
      ).check(Schema.isMaxLength(12)),
    ],
    ([tries]) =>
      Effect.gen(function* () {
        const ada = yield* enrolledAt(1000)
        let now = 1000
        let last = 1000
        for (const { later, skew } of tries) {
          now += later
          yield* goTo(now)
          const isAccepted = (yield* answerTo(ada, now + skew)) === "SignInComplete"
          assert.strictEqual(isAccepted, Math.abs(skew) <= 1 && now + skew > last)
          if (isAccepted) last = now + skew
        }
      }),
  )
})

withLayer(layerMemory)("A TOTP", (it) => {
  it.effect("uses up both of two steps that have one code", () =>
    Effect.gen(function* () {
      const store = yield* TotpStore
      const { user } = yield* person
      const sealer = yield* KeyRing.use((keyRing) => keyRing.sealer("totp"))
      // The secret of RFC 6238 shows 911617 at both.
      const [first, second] = [910_737, 910_738]
      const secret = yield* sealer.seal(Redacted.make("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), user.id)
      const now = yield* DateTime.now
      const row = { userId: user.id, secret, createdAt: now, confirmedAt: null, lastUsedAt: null, lastStep: null }
      yield* store.begin({ ...row, algorithm: "SHA1", digits: 6, period: 30 })
      yield* store.confirm({ userId: user.id, secret, step: 1, now })
      const code = Redacted.make("911617")
      yield* goTo(first)
      assert.strictEqual(yield* answerOf(driver.prove(yield* secondStep(user), code)), "SignInComplete")
      yield* goTo(second)
      assert.strictEqual(yield* answerOf(driver.prove(yield* secondStep(user), code)), "CodeInvalid 4")
      assert.strictEqual(Option.getOrThrow(yield* store.find(user.id)).lastStep, second)
    }),
  )

  it.effect("is not asked for while it waits to be confirmed, beside another second factor", () =>
    Effect.gen(function* () {
      const hotps = yield* Hotps
      const by = yield* person
      const token = Authenticator.scan((yield* hotps.enrol({ by, client })).uri)
      yield* hotps.confirm({ by, code: token.code(0), client })
      const app = Authenticator.scan((yield* driver.enrol(by)).uri)
      const answer = yield* answerOf(driver.prove(yield* secondStep(by.user), yield* driver.show(app, 1)))
      assert.strictEqual(answer, "SignInRefused factor-unavailable")
    }),
  )

  it.effect("writes into the audit log why a code was refused", () =>
    Effect.gen(function* () {
      const ada = yield* enrolledAt(100)
      for (const step of [100, 105]) yield* answerTo(ada, step)
      const events = yield* Audit.use((audit) => audit.list({ userId: ada.user.id, limit: 10 }))
      assert.deepStrictEqual(
        events.filter(({ type }) => type === "sign-in.refused").map(({ reason, data }) => [reason, data]),
        [
          ["wrong-code", { factor: "totp" }],
          ["replayed", { factor: "totp" }],
        ],
      )
    }),
  )
})

withLayer(layerMemory)("RFC 6238 §1.2", (it) => {
  for (const [algorithm, digits, symbols] of [
    ["SHA1", 6, 32],
    ["SHA256", 6, 52],
    ["SHA512", 8, 103],
  ] satisfies ReadonlyArray<[TotpAlgorithm, Digits, number]>) {
    it.effect(`MAY use ${algorithm}, with ${digits} digits`, () =>
      Effect.gen(function* () {
        const totps = yield* Totps.Totps
        yield* goTo(100)
        const by = yield* person
        const { secret, uri } = yield* totps.enrol({ by, algorithm, digits, client })
        assert.strictEqual(Redacted.value(secret).length, symbols)
        const app = Authenticator.scan(uri)
        assert.deepStrictEqual([app.algorithm, app.digits, app.moving], [algorithm, digits, 30])
        yield* totps.confirm({ by, code: app.code(100), client })
        yield* goTo(101)
        assert.strictEqual(yield* answerOf(driver.prove(yield* secondStep(by.user), app.code(101))), "SignInComplete")
      }),
    )
  }
})
