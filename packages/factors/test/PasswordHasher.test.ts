import { PasswordHash } from "@belfry/factors/Password"
import * as PasswordHasher from "@belfry/factors/PasswordHasher"
import * as TestCrypto from "@belfry/testing/TestCrypto"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import { assert, describe, it, vi } from "@effect/vitest"
import { ConfigProvider, Effect, Fiber, Layer, Option, Redacted } from "effect"
import { Kdf, SecureRandom } from "effect/crypto"
import { Hex } from "effect/encoding"
import { TestClock } from "effect/testing"

const secret = (text: string) => Redacted.make(text)
const ascii = (text: string) => new TextEncoder().encode(text)

const costOf = (hash: string) => /\$m=(\d+),t=(\d+),p=(\d+)\$/.exec(hash)?.slice(1).map(Number)

/** A hasher of a cost over the crypto of the test. */
const hasherOf = (cost?: Partial<PasswordHasher.PasswordCost>) => PasswordHasher.make(cost)

describe("Argon2id", () => {
  // RFC 9106 §5.3 has one vector, with a secret and associated data, which Effect's Kdf does not take. These are of the
  // reference implementation (phc-winner-argon2, src/test.c, version 0x13).
  const vectors = [
    {
      memory: 65_536,
      passes: 2,
      parallelism: 1,
      password: "password",
      salt: "somesalt",
      tag: "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7",
    },
    {
      memory: 256,
      passes: 2,
      parallelism: 1,
      password: "password",
      salt: "somesalt",
      tag: "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe",
    },
    {
      memory: 256,
      passes: 2,
      parallelism: 2,
      password: "password",
      salt: "somesalt",
      tag: "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037",
    },
    {
      memory: 65_536,
      passes: 2,
      parallelism: 1,
      password: "differentpassword",
      salt: "somesalt",
      tag: "0b84d652cf6b0c4beaef0dfe278ba6a80df6696281d7e0d2891b817d8c458fde",
    },
    {
      memory: 65_536,
      passes: 2,
      parallelism: 1,
      password: "password",
      salt: "diffsalt",
      tag: "bdf32b05ccc42eb15d58fd19b1f856b113da1e9a5874fdcc544308565aa8141c",
    },
  ]

  it.effect("derives what the reference implementation derives", () =>
    Effect.gen(function* () {
      const kdf = yield* Kdf.Kdf
      for (const { password, salt, tag, ...cost } of vectors) {
        const derived = yield* kdf.derive(Kdf.argon2id(cost), ascii(password), { salt: ascii(salt), length: 32 })
        assert.strictEqual(Hex.encode(derived), tag)
      }
    }).pipe(Effect.provide(NodeCrypto.layer)),
  )

  it.effect("knows the password of a hash that the reference implementation wrote", () =>
    Effect.gen(function* () {
      const hasher = yield* hasherOf()
      const hash = Option.some(
        PasswordHash.make("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"),
      )
      assert.deepStrictEqual(yield* hasher.compare(secret("password"), hash), { matches: true, isOutdated: false })
      assert.deepStrictEqual(yield* hasher.compare(secret("Password"), hash), { matches: false, isOutdated: false })
    }).pipe(Effect.provide(NodeCrypto.layer)),
  )

  it.effect("hashes at the default cost and knows the password again, and no other", () =>
    Effect.gen(function* () {
      const hasher = yield* hasherOf()
      const hash = yield* hasher.hash(secret("correct horse battery"))
      assert.match(hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
      const compare = (text: string) => hasher.compare(secret(text), Option.some(hash))
      assert.deepStrictEqual(yield* compare("correct horse battery"), { matches: true, isOutdated: false })
      for (const wrong of ["correct horse batter", "correct horse battery ", "Correct horse battery", ""]) {
        assert.deepStrictEqual(yield* compare(wrong), { matches: false, isOutdated: false })
      }
    }).pipe(Effect.provide(NodeCrypto.layer)),
  )
})

describe("PasswordHasher", () => {
  it.effect("never makes the same hash twice", () =>
    Effect.gen(function* () {
      const hasher = yield* hasherOf()
      const hashes = yield* Effect.replicateEffect(hasher.hash(secret("correct horse battery")), 10)
      assert.strictEqual(new Set(hashes).size, 10)
      for (const hash of hashes) {
        assert.isTrue((yield* hasher.compare(secret("correct horse battery"), Option.some(hash))).matches)
      }
    }).pipe(Effect.provide(TestCrypto.layer)),
  )

  it.effect("takes what NFKC calls the same for the same password", () =>
    Effect.gen(function* () {
      const hasher = yield* hasherOf()
      const pairs = [
        ["ﬁshing boat", "fishing boat"],
        ["１２３４５６７８", "12345678"],
        ["cafe\u0301 cafe\u0301", "caf\u00E9 caf\u00E9"],
        ["ｐａｓｓ　ｗｏｒｄ", "pass word"],
        ["\u212Bngstr\u00F6m", "\u00C5ngstr\u00F6m"],
      ] as const
      for (const [one, other] of pairs) {
        const hash = Option.some(yield* hasher.hash(secret(one)))
        assert.isTrue((yield* hasher.compare(secret(other), hash)).matches)
        const back = Option.some(yield* hasher.hash(secret(other)))
        assert.isTrue((yield* hasher.compare(secret(one), back)).matches)
      }
    }).pipe(Effect.provide(TestCrypto.layer)),
  )

  it.effect("calls a hash outdated when any part of the cost rose, and only if the password matches", () =>
    Effect.gen(function* () {
      const password = secret("correct horse battery")
      const hash = Option.some(yield* (yield* hasherOf()).hash(password))
      for (const cost of [{ memory: 20_000 }, { passes: 3 }, { parallelism: 2 }]) {
        const hasher = yield* hasherOf(cost)
        assert.deepStrictEqual(yield* hasher.compare(password, hash), { matches: true, isOutdated: true })
        assert.deepStrictEqual(yield* hasher.compare(secret("wrong"), hash), { matches: false, isOutdated: false })
        const renewed = Option.some(yield* hasher.hash(password))
        assert.deepStrictEqual(yield* hasher.compare(password, renewed), { matches: true, isOutdated: false })
      }
    }).pipe(Effect.provide(TestCrypto.layer)),
  )

  it.effect("leaves a hash that cost more than it does now", () =>
    Effect.gen(function* () {
      const password = secret("correct horse battery")
      const hash = Option.some(yield* (yield* hasherOf({ memory: 65_536, passes: 3, parallelism: 4 })).hash(password))
      assert.deepStrictEqual(yield* (yield* hasherOf()).compare(password, hash), { matches: true, isOutdated: false })
    }).pipe(Effect.provide(TestCrypto.layer)),
  )

  it.effect("raises costs below the floor to it", () =>
    Effect.gen(function* () {
      const costs = [
        { memory: 8, passes: 1, parallelism: 0, concurrency: 0 },
        { memory: -1, passes: -1, parallelism: -1, concurrency: -1 },
        { memory: 19_455, passes: 1 },
      ]
      for (const cost of costs) {
        const hash = yield* (yield* hasherOf(cost)).hash(secret("correct horse battery"))
        assert.deepStrictEqual(costOf(hash), [19_456, 2, 1])
      }
      const mixed = yield* (yield* hasherOf({ memory: 8, passes: 5 })).hash(secret("correct horse battery"))
      assert.deepStrictEqual(costOf(mixed), [19_456, 5, 1])
    }).pipe(Effect.provide(TestCrypto.layer)),
  )

  it.effect("gives every lane the memory that Argon2 asks for", () =>
    Effect.gen(function* () {
      // RFC 9106 §3.1: 8 KiB a lane, or Argon2 refuses to run.
      const hash = yield* (yield* hasherOf({ parallelism: 3000 })).hash(secret("correct horse battery"))
      assert.deepStrictEqual(costOf(hash), [24_000, 2, 3000])
    }).pipe(Effect.provide(TestCrypto.layer)),
  )

  it.effect("spends as much where there is no hash, and matches nothing", () =>
    Effect.gen(function* () {
      const { all } = yield* TestCrypto.Derivations
      const hasher = yield* hasherOf({ memory: 32_768, passes: 3 })
      const hash = Option.some(yield* hasher.hash(secret("correct horse battery")))
      const spentBy = Effect.fnUntraced(function* (stored: Option.Option<PasswordHash>) {
        const before = (yield* all).length
        const comparison = yield* hasher.compare(secret("wrong"), stored)
        assert.deepStrictEqual(comparison, { matches: false, isOutdated: false })
        return (yield* all).slice(before)
      })
      const spent = yield* spentBy(hash)
      assert.deepStrictEqual(
        spent.map(({ memory, passes, parallelism }) => ({ memory, passes, parallelism })),
        [{ memory: 32_768, passes: 3, parallelism: 1 }],
      )
      assert.deepStrictEqual(yield* spentBy(Option.none()), spent)
    }).pipe(Effect.provide(TestCrypto.layer)),
  )

  it.effect("matches nothing where there is no hash, even if the derivation gives what it is compared with", () =>
    Effect.gen(function* () {
      const zeros = Kdf.Kdf.of({ derive: (_algorithm, _secret, { length }) => Effect.succeed(new Uint8Array(length)) })
      const noRandom = SecureRandom.make((length) => new Uint8Array(length))
      const hasher = yield* hasherOf().pipe(
        Effect.provideService(Kdf.Kdf, zeros),
        Effect.provideService(SecureRandom.SecureRandom, noRandom),
      )
      const compare = (hash: Option.Option<PasswordHash>) => hasher.compare(secret("correct horse battery"), hash)
      assert.deepStrictEqual(yield* compare(Option.none()), { matches: false, isOutdated: false })
      const hash = yield* hasher.hash(secret("correct horse battery"))
      assert.deepStrictEqual(yield* compare(Option.some(hash)), { matches: true, isOutdated: false })
    }),
  )

  it.effect("matches nothing with a hash that cannot be read, and spends as much", () =>
    Effect.gen(function* () {
      const { all } = yield* TestCrypto.Derivations
      const hasher = yield* hasherOf()
      // 41 characters are no base64.
      const broken = PasswordHash.make(`$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$${"A".repeat(41)}`)
      const comparison = yield* hasher.compare(secret("correct horse battery"), Option.some(broken))
      assert.deepStrictEqual(comparison, { matches: false, isOutdated: false })
      assert.strictEqual((yield* all).length, 1)
    }).pipe(Effect.provide(TestCrypto.layer)),
  )

  it.effect("derives no more at a time than its concurrency allows, comparisons included", () =>
    Effect.gen(function* () {
      let running = 0
      let most = 0
      let done = 0
      const slow = Kdf.Kdf.of({
        derive: (_algorithm, _secret, { length }) =>
          Effect.gen(function* () {
            running++
            most = Math.max(most, running)
            yield* Effect.sleep("1 second")
            running--
            done++
            return new Uint8Array(length)
          }),
      })
      const hasher = yield* Effect.provideService(hasherOf({ concurrency: 3 }), Kdf.Kdf, slow)
      const fibers = yield* Effect.forEach(Array.from({ length: 10 }), (_, index) =>
        Effect.forkChild(
          index % 2 === 0
            ? Effect.asVoid(hasher.hash(secret("correct horse battery")))
            : Effect.asVoid(hasher.compare(secret("correct horse battery"), Option.none())),
        ),
      )
      for (const expected of [3, 6, 9, 10]) {
        yield* TestClock.adjust("1 second")
        assert.strictEqual(done, expected)
      }
      assert.strictEqual(most, 3)
      yield* Fiber.joinAll(fibers)
    }).pipe(Effect.provide(NodeCrypto.layer)),
  )

  const mostAtOnce = Effect.fnUntraced(function* (
    cores: number | undefined,
    cost?: Partial<PasswordHasher.PasswordCost>,
  ) {
    let running = 0
    let most = 0
    const slow = Kdf.Kdf.of({
      derive: (_algorithm, _secret, { length }) =>
        Effect.gen(function* () {
          most = Math.max(most, ++running)
          yield* Effect.sleep("1 second")
          running--
          return new Uint8Array(length)
        }),
    })
    yield* Effect.acquireRelease(
      Effect.sync(() => vi.stubGlobal("navigator", { hardwareConcurrency: cores })),
      () => Effect.sync(() => vi.unstubAllGlobals()),
    )
    const hasher = yield* Effect.provideService(hasherOf(cost), Kdf.Kdf, slow)
    yield* Effect.forkScoped(
      Effect.forEach(Array.from({ length: 10 }), () => hasher.hash(secret("correct horse battery")), {
        concurrency: "unbounded",
      }),
    )
    yield* TestClock.adjust("10 seconds")
    return most
  }, Effect.scoped)

  it.effect("derives as many at a time as there are cores, four at most", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* mostAtOnce(1), 1)
      assert.strictEqual(yield* mostAtOnce(2), 2)
      assert.strictEqual(yield* mostAtOnce(16), 4)
      assert.strictEqual(yield* mostAtOnce(2, { concurrency: 3 }), 3)
    }).pipe(Effect.provide(NodeCrypto.layer)),
  )

  it.effect("derives four at a time where the runtime does not tell its cores", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* mostAtOnce(undefined), 4)
    }).pipe(Effect.provide(NodeCrypto.layer)),
  )

  it.effect("gives the place back when a waiting caller goes away", () =>
    Effect.gen(function* () {
      const slow = Kdf.Kdf.of({
        derive: (_algorithm, _secret, { length }) => Effect.as(Effect.sleep("1 second"), new Uint8Array(length)),
      })
      const hasher = yield* Effect.provideService(hasherOf({ concurrency: 1 }), Kdf.Kdf, slow)
      const hash = hasher.hash(secret("correct horse battery"))
      const [first, second, third] = [
        yield* Effect.forkChild(hash),
        yield* Effect.forkChild(hash),
        yield* Effect.forkChild(hash),
      ]
      yield* TestClock.adjust("500 millis")
      yield* Fiber.interrupt(second)
      yield* TestClock.adjust("1500 millis")
      yield* Fiber.join(first)
      yield* Fiber.join(third)
    }).pipe(Effect.provide(NodeCrypto.layer)),
  )
})

describe("PasswordHasher.layerConfig", () => {
  const costWith = (environment: Record<string, string>) =>
    PasswordHasher.PasswordHasher.use((hasher) => hasher.hash(secret("correct horse battery"))).pipe(
      Effect.map(costOf),
      Effect.provide(Layer.provide(PasswordHasher.layerConfig, TestCrypto.layer)),
      Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(environment))),
    )

  it.effect("is the default cost when nothing is configured", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* costWith({}), [19_456, 2, 1])
    }),
  )

  it.effect("reads memory, passes and lanes, and keeps to the floor", () =>
    Effect.gen(function* () {
      const cost = { BELFRY_PASSWORD_MEMORY: "65536", BELFRY_PASSWORD_PASSES: "3", BELFRY_PASSWORD_PARALLELISM: "4" }
      assert.deepStrictEqual(yield* costWith(cost), [65_536, 3, 4])
      assert.deepStrictEqual(yield* costWith({ ...cost, BELFRY_PASSWORD_MEMORY: "1024" }), [19_456, 3, 4])
    }),
  )

  it.effect("refuses what is no whole number", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(costWith({ BELFRY_PASSWORD_PASSES: "2.5" }))
      assert.strictEqual(error._tag, "ConfigError")
    }),
  )
})
