/**
 * Contract suite of {@link SigningKeyStore}.
 *
 * @since 0.1.0
 */
import type { SigningAlgorithm, SigningKey } from "@belfry/oauth-server/SigningKey"
import { SigningKeyStore } from "@belfry/oauth-server/SigningKeyStore"
import { assert, layer as withLayer } from "@effect/vitest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Builders from "./Builders.ts"

/**
 * Registers the suite for an adapter. The store is empty when it begins.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<SigningKeyStore, E>): void =>
  withLayer(layer)(`SigningKeyStore (${name})`, (it) => {
    it.effect("returns keys as they were inserted, the youngest first", () =>
      Effect.gen(function* () {
        const keys = yield* SigningKeyStore
        yield* clear
        assert.deepStrictEqual(yield* keys.list, [])
        const first = yield* inserted({}, null)
        const second = yield* inserted({ createdAt: later(first.createdAt, 1) }, first.kid)
        const other = yield* inserted({ algorithm: "RS256", createdAt: later(first.createdAt, -1) }, null)
        assert.deepStrictEqual(yield* keys.list, [second, first, other])
      }),
    )

    it.effect("takes the one that no other has replaced for the youngest of an instant", () =>
      Effect.gen(function* () {
        const keys = yield* SigningKeyStore
        yield* clear
        const first = yield* inserted({ kid: "m" }, null)
        const second = yield* inserted({ kid: "z" }, first.kid)
        const third = yield* inserted({ kid: "a" }, second.kid)
        assert.deepStrictEqual((yield* keys.list)[0], third)
      }),
    )

    it.effect("lets a key take the place of one that was seen, once, and of none that is not there", () =>
      Effect.gen(function* () {
        const keys = yield* SigningKeyStore
        yield* clear
        const refused = Effect.fnUntraced(function* (fields: Partial<SigningKey>, seen: string | null) {
          assert.isFalse(yield* keys.insert(yield* build(fields), seen))
        })
        yield* refused({}, "unknown")
        const first = yield* inserted({}, null)
        yield* refused({}, null)
        yield* refused({ algorithm: "RS256" }, first.kid)
        yield* refused({ kid: first.kid }, first.kid)
        const second = yield* inserted({}, first.kid)
        yield* refused({}, first.kid)
        yield* refused({}, null)
        yield* inserted({ algorithm: "EdDSA" }, null)
        yield* inserted({}, second.kid)
        assert.strictEqual((yield* keys.list).length, 4)
      }),
    )

    it.effect("does not take one who saw nothing for the first when the first key is gone", () =>
      Effect.gen(function* () {
        const keys = yield* SigningKeyStore
        yield* clear
        const first = yield* inserted({}, null)
        const second = yield* inserted({}, first.kid)
        yield* keys.retire("ES256", second.kid, first.createdAt)
        assert.strictEqual(yield* keys.removeExpired(first.createdAt, 10), 1)
        assert.isFalse(yield* keys.insert(yield* build(), null))
        assert.isFalse(yield* keys.insert(yield* build(), first.kid))
        assert.deepStrictEqual(yield* keys.list, [second])
      }),
    )

    it.effect("lets one of 100 fibers insert the first key, and one the next", () =>
      Effect.gen(function* () {
        const keys = yield* SigningKeyStore
        yield* clear
        let seen: string | null = null
        for (const count of [1, 2]) {
          const answers: ReadonlyArray<boolean> = yield* Effect.forEach(
            Array.from({ length: 100 }),
            () => Effect.flatMap(build(), (key) => keys.insert(key, seen)),
            { concurrency: "unbounded" },
          )
          assert.strictEqual(answers.length, 100)
          assert.strictEqual(answers.filter((isKept) => isKept).length, 1)
          const kept = yield* keys.list
          assert.strictEqual(kept.length, count)
          seen = kept[0]?.kid ?? null
        }
      }),
    )

    it.effect("retires the other keys of an algorithm that have no end or a later one, and no more", () =>
      Effect.gen(function* () {
        const keys = yield* SigningKeyStore
        yield* clear
        const first = yield* inserted({}, null)
        const end = later(first.createdAt, 1000)
        const second = yield* inserted({ createdAt: later(first.createdAt, 1) }, first.kid)
        const third = yield* inserted({ createdAt: later(first.createdAt, 2) }, second.kid)
        const other = yield* inserted({ algorithm: "RS256", createdAt: later(first.createdAt, -1) }, null)
        assert.strictEqual(yield* keys.retire("ES256", third.kid, end), 2)
        assert.strictEqual(yield* keys.retire("ES256", third.kid, later(end, 1)), 0)
        assert.deepStrictEqual(yield* keys.list, [
          third,
          { ...second, expiresAt: end },
          { ...first, expiresAt: end },
          other,
        ])
        // A compromise ends them sooner.
        assert.strictEqual(yield* keys.retire("ES256", third.kid, later(end, -1)), 2)
        assert.deepStrictEqual(
          (yield* keys.list).map(({ expiresAt }) => expiresAt),
          [null, later(end, -1), later(end, -1), null],
        )
      }),
    )

    it.effect("replaces the sealed key that was seen, and no other", () =>
      Effect.gen(function* () {
        const keys = yield* SigningKeyStore
        yield* clear
        const [key, sealed] = [yield* inserted({}, null), yield* Builders.sealed]
        assert.isFalse(yield* keys.reseal(key.kid, yield* Builders.sealed, sealed))
        assert.isFalse(yield* keys.reseal("unknown", key.privateKey, sealed))
        assert.isTrue(yield* keys.reseal(key.kid, key.privateKey, sealed))
        assert.isFalse(yield* keys.reseal(key.kid, key.privateKey, sealed))
        assert.deepStrictEqual(yield* keys.list, [{ ...key, privateKey: sealed }])
      }),
    )

    it.effect("removes what is over at an instant, no more than the limit, and none without an end", () =>
      Effect.gen(function* () {
        const keys = yield* SigningKeyStore
        yield* clear
        const algorithms: ReadonlyArray<SigningAlgorithm> = ["ES256", "RS256", "PS256", "EdDSA"]
        const now = yield* DateTime.now
        const ends = [later(now, -1), now, later(now, 1), null]
        for (const [index, algorithm] of algorithms.entries()) {
          yield* inserted({ algorithm, expiresAt: ends[index] ?? null }, null)
        }
        const left = Effect.map(keys.list, (rows) => rows.map(({ algorithm }) => algorithm).toSorted())
        assert.strictEqual(yield* keys.removeExpired(now, 1), 1)
        assert.deepStrictEqual(yield* left, ["EdDSA", "PS256", "RS256"])
        assert.strictEqual(yield* keys.removeExpired(now, 10), 1)
        assert.strictEqual(yield* keys.removeExpired(now, 10), 0)
        assert.deepStrictEqual(yield* left, ["EdDSA", "PS256"])
      }),
    )
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const random = SecureRandom.make(SecureRandom.randomBytesUnsafe)

const later = (at: DateTime.Utc, milliseconds: number): DateTime.Utc => DateTime.add(at, { milliseconds })

/** All keys go: each test begins with none. */
const clear = Effect.gen(function* () {
  const keys = yield* SigningKeyStore
  const now = yield* DateTime.now
  for (const algorithm of ["ES256", "RS256", "PS256", "EdDSA"] as const) yield* keys.retire(algorithm, "", now)
  yield* keys.removeExpired(DateTime.add(now, { days: 1000 }), 1000)
})

/** An ES256 key that was made now and signs at once; nobody has the private half. */
const build = Effect.fnUntraced(function* (fields: Partial<SigningKey> = {}) {
  const now = yield* DateTime.now
  const kid = fields.kid ?? (yield* random.uuidV7())
  const algorithm = fields.algorithm ?? "ES256"
  const key: SigningKey = {
    kid,
    algorithm,
    publicJwk: { kty: "EC", kid, alg: algorithm, use: "sig", crv: "P-256", x: "eA", y: "eQ" },
    privateKey: yield* Builders.sealed,
    createdAt: now,
    activeAt: DateTime.add(now, { days: 1 }),
    expiresAt: null,
  }
  return { ...key, ...fields }
})

const inserted = Effect.fnUntraced(function* (fields: Partial<SigningKey>, seen: string | null) {
  const key = yield* build(fields)
  assert.isTrue(yield* SigningKeyStore.use((keys) => keys.insert(key, seen)))
  return key
})
