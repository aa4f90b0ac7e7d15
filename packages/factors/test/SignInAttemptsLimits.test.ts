/**
 * How much can be guessed: tries are counted per attempt, per account and per address.
 */
import { SignInAttempts } from "@belfry/factors/SignInAttempts"
import { limits } from "@belfry/factors/SignInRules"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { TestClock } from "effect/testing"
import {
  clientAt,
  completed,
  failOnce,
  get,
  going,
  home,
  layer,
  open,
  prove,
  proveFirst,
  proveNext,
  refusal,
  start,
  trailOf,
  userWith,
} from "./support/SignIns.ts"

const locked = "SignInRefused:locked"

describe("An attempt", () => {
  it.effect("is locked by five wrong codes: the sixth is not looked at, right or not", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password", "totp")
      const { token } = yield* going(proveFirst(user))
      const left = yield* Effect.forEach([1, 2, 3, 4, 5], () => failOnce(token, "totp"))
      assert.deepStrictEqual(left, [4, 3, 2, 1, 0])
      assert.strictEqual(yield* refusal(proveNext(token, user, "totp")), locked)
      assert.strictEqual(yield* refusal(get(token)), locked)
      assert.deepStrictEqual(yield* trailOf(user), [
        "sign-in.proved",
        ...Array.from({ length: 5 }, () => "sign-in.refused:wrong-code"),
      ])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("can still be completed by the fifth try", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password", "totp")
      const { token } = yield* going(proveFirst(user))
      for (let index = 0; index < 4; index++) yield* failOnce(token, "totp")
      yield* completed(proveNext(token, user, "totp"))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("counts a try when it is opened, and not when it turns out to be wrong", () =>
    Effect.gen(function* () {
      const { token } = yield* start()
      for (let index = 0; index < 5; index++) yield* open(token, "email-code")
      assert.strictEqual(yield* refusal(open(token, "email-code")), locked)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("takes five of 50 tries at once", () =>
    Effect.gen(function* () {
      const { token } = yield* start()
      const exits = yield* Effect.forEach(
        Array.from({ length: 50 }),
        () => Effect.exit(Effect.flip(open(token, "email-code"))),
        { concurrency: "unbounded" },
      )
      const refused = exits.filter(Exit.isSuccess).map(({ value }) => ("reason" in value ? value.reason : value._tag))
      assert.strictEqual(refused.length, 45)
      assert.deepStrictEqual(new Set(refused), new Set(["locked"]))
      assert.strictEqual(exits.filter(Exit.isFailure).length, 5)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("gets back the try of a right code, and none of the wrong ones", () =>
    Effect.gen(function* () {
      const user = yield* userWith("totp")
      const { token } = yield* start()
      for (let index = 0; index < 3; index++) yield* failOnce(token, "email-code")
      const next = yield* going(proveNext(token, user, "email-code"))
      assert.strictEqual(next.state.attempt.tries, 3)
      assert.deepStrictEqual([yield* failOnce(next.token, "totp"), yield* failOnce(next.token, "totp")], [1, 0])
      assert.strictEqual(yield* refusal(open(next.token, "totp")), locked)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is not unlocked by a first factor: that begins another sign-in", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password", "totp")
      const { token } = yield* start()
      for (let index = 0; index < 5; index++) yield* failOnce(token, "email-code")
      const begun = yield* going(proveFirst(user, "password", { token }))
      assert.strictEqual(begun.state.attempt.tries, 0)
      assert.strictEqual(yield* refusal(get(token)), locked)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("that does not count is refused without a number", () =>
    Effect.gen(function* () {
      const attempts = yield* SignInAttempts
      const begun = yield* attempts.begin({ token: undefined, factor: "password", client: home })
      const error = yield* Effect.flip(attempts.refuse(begun, "wrong-password"))
      assert.deepStrictEqual([error._tag, "triesLeft" in error ? error.triesLeft : 0], ["CodeInvalid", null])
    }).pipe(Effect.provide(layer)),
  )
})

describe("An account", () => {
  it.effect(`takes ${limits.factorByUser.limit} tries in 15 minutes, in any attempts and from any addresses`, () =>
    Effect.gen(function* () {
      const [ada, bob] = [yield* userWith("password", "totp"), yield* userWith("password", "totp")]
      yield* guess(ada, limits.factorByUser.limit)
      const { token } = yield* going(proveFirst(ada))
      assert.strictEqual(yield* refusal(open(token, "totp", clientAt("198.51.100.99"))), "RateLimited")
      // A try that was not looked at is none of the attempt's.
      assert.strictEqual((yield* get(token)).attempt.tries, 0)
      const bobs = yield* going(proveFirst(bob))
      yield* completed(proveNext(bobs.token, bob, "totp"))
      yield* TestClock.adjust("15 minutes")
      const later = yield* going(proveFirst(ada))
      yield* completed(proveNext(later.token, ada, "totp"))
    }).pipe(Effect.provide(layer)),
  )

  it.effect(`takes ${limits.factorByUserDaily.limit} tries in a day, however slowly`, () =>
    Effect.gen(function* () {
      const ada = yield* userWith("password", "totp")
      for (let window = 0; window < 5; window++) {
        yield* guess(ada, 10)
        yield* TestClock.adjust("15 minutes")
      }
      const { token } = yield* going(proveFirst(ada))
      assert.strictEqual(yield* refusal(open(token, "totp")), "RateLimited")
    }).pipe(Effect.provide(layer)),
  )
})

describe("An address", () => {
  it.effect(`takes ${limits.factorByAddress.limit} tries in 15 minutes, in any attempts`, () =>
    Effect.gen(function* () {
      yield* Effect.forEach(Array.from({ length: limits.factorByAddress.limit / 5 }), () =>
        Effect.flatMap(start(), ({ token }) => Effect.replicateEffect(open(token, "email-code"), 5)),
      )
      const { token } = yield* start()
      assert.strictEqual(yield* refusal(open(token, "email-code")), "RateLimited")
      yield* open(token, "email-code", clientAt("198.51.100.1"))
      yield* TestClock.adjust("15 minutes")
      const later = yield* start()
      yield* open(later.token, "email-code")
    }).pipe(Effect.provide(layer)),
  )

  it.effect(`begins ${limits.startByAddress.limit} sign-ins in 15 minutes`, () =>
    Effect.gen(function* () {
      yield* Effect.replicateEffect(start(), limits.startByAddress.limit)
      assert.strictEqual(yield* refusal(start()), "RateLimited")
      yield* SignInAttempts.use((attempts) => attempts.start({ client: clientAt("198.51.100.1") }))
      yield* TestClock.adjust("15 minutes")
      yield* start()
    }).pipe(Effect.provide(layer)),
  )

  it.effect("may be counted by other limits, which the factor chooses", () =>
    Effect.gen(function* () {
      const attempts = yield* SignInAttempts
      const { token } = yield* start()
      const once = { name: "once", limit: 1, window: limits.factorByAddress.window }
      const uses = [[once, "somebody"] as const]
      const opening = attempts.open({ token, factor: "email-code", uses, client: home })
      yield* opening
      assert.strictEqual(yield* refusal(opening), "RateLimited")
      yield* open(token, "email-code")
    }).pipe(Effect.provide(layer)),
  )
})

describe("A proof that was opened before the lock", () => {
  it.effect("still counts: it was one of the five", () =>
    Effect.gen(function* () {
      const user = yield* userWith("password", "totp")
      const { token } = yield* going(proveFirst(user))
      const opened = yield* open(token, "totp")
      for (let index = 0; index < 4; index++) yield* failOnce(token, "totp")
      yield* completed(prove(opened, user))
    }).pipe(Effect.provide(layer)),
  )
})

/** Wrong codes for an account, five an attempt, each attempt from an address of its own. */
const guess = Effect.fnUntraced(function* (user: Parameters<typeof proveFirst>[0], count: number) {
  for (let attempt = 0; attempt < count / 5; attempt++) {
    const { token } = yield* going(proveFirst(user))
    yield* Effect.replicateEffect(failOnce(token, "totp", clientAt(`198.51.${attempt}.1`)), 5)
  }
})
