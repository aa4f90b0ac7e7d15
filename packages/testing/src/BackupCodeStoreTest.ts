/**
 * Contract suite of {@link BackupCodeStore}.
 *
 * @since 0.1.0
 */
import type { KeyedHash } from "@belfry/core/KeyedHash"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { UserId } from "@belfry/core/User"
import { UserStore } from "@belfry/core/UserStore"
import { BackupCodeStore } from "@belfry/factors/BackupCodeStore"
import { assert, layer as withLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Builders from "./Builders.ts"

/**
 * Registers the suite for an adapter.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<BackupCodeStore | TransactionStore | UserStore, E>): void =>
  withLayer(layer)(`BackupCodeStore (${name})`, (it) => {
    it.effect("knows no codes of a user without any, nor of nobody", () =>
      Effect.gen(function* () {
        const codes = yield* BackupCodeStore
        for (const { id } of [yield* insertUser, yield* Builders.user()]) {
          const hash = yield* Builders.keyedHash
          assert.strictEqual(yield* codes.remaining(id), 0)
          assert.isFalse(yield* codes.consume(id, [hash], yield* DateTime.now))
          assert.isFalse(yield* codes.isUsed(id, [hash]))
          assert.isFalse(yield* codes.remove(id))
        }
      }),
    )

    it.effect("consumes each code once, in any order", () =>
      Effect.gen(function* () {
        const codes = yield* BackupCodeStore
        const { id } = yield* insertUser
        const now = yield* DateTime.now
        const hashes = yield* insertCodes(id, 10)
        for (const [index, hash] of [...hashes].toReversed().entries()) {
          assert.isFalse(yield* codes.isUsed(id, [hash]))
          assert.isTrue(yield* codes.consume(id, [hash], now))
          assert.isTrue(yield* codes.isUsed(id, [hash]))
          assert.isFalse(yield* codes.consume(id, [hash], now))
          assert.strictEqual(yield* codes.remaining(id), 9 - index)
        }
      }),
    )

    it.effect("finds a code under any of the hashes given, and uses up no other", () =>
      Effect.gen(function* () {
        const codes = yield* BackupCodeStore
        const { id } = yield* insertUser
        const now = yield* DateTime.now
        const [first, second] = yield* insertCodes(id, 2)
        assert.isFalse(yield* codes.consume(id, [yield* Builders.keyedHash, yield* Builders.keyedHash], now))
        assert.isTrue(yield* codes.consume(id, [yield* Builders.keyedHash, second], now))
        assert.isTrue(yield* codes.isUsed(id, [yield* Builders.keyedHash, second]))
        assert.isFalse(yield* codes.isUsed(id, [first]))
        assert.strictEqual(yield* codes.remaining(id), 1)
      }),
    )

    it.effect("consumes a code for one of 50 fibers", () =>
      Effect.gen(function* () {
        const codes = yield* BackupCodeStore
        const { id } = yield* insertUser
        const now = yield* DateTime.now
        const [hash] = yield* insertCodes(id, 3)
        const answers = yield* Effect.all(
          Array.from({ length: 50 }, () => codes.consume(id, [hash], now)),
          { concurrency: "unbounded" },
        )
        assert.strictEqual(answers.filter((isConsumed) => isConsumed).length, 1)
        assert.strictEqual(yield* codes.remaining(id), 2)
      }),
    )

    it.effect("takes nobody's code for another user's, even the same one", () =>
      Effect.gen(function* () {
        const codes = yield* BackupCodeStore
        const [ada, bob] = [yield* insertUser, yield* insertUser]
        const now = yield* DateTime.now
        const [adas, shared] = yield* insertCodes(ada.id, 2)
        yield* codes.replace(bob.id, [shared], now)
        assert.isFalse(yield* codes.consume(bob.id, [adas], now))
        assert.isTrue(yield* codes.consume(bob.id, [shared], now))
        assert.isFalse(yield* codes.isUsed(ada.id, [shared]))
        assert.strictEqual(yield* codes.remaining(ada.id), 2)
      }),
    )

    it.effect("replaces all codes of a user, used ones too, and nobody else's", () =>
      Effect.gen(function* () {
        const codes = yield* BackupCodeStore
        const [ada, bob] = [yield* insertUser, yield* insertUser]
        const now = yield* DateTime.now
        const [used, unused] = yield* insertCodes(ada.id, 2)
        yield* insertCodes(bob.id, 3)
        yield* codes.consume(ada.id, [used], now)
        const [fresh] = yield* insertCodes(ada.id, 4)
        assert.strictEqual(yield* codes.remaining(ada.id), 4)
        assert.isFalse(yield* codes.isUsed(ada.id, [used]))
        assert.isFalse(yield* codes.consume(ada.id, [used, unused], now))
        assert.isTrue(yield* codes.consume(ada.id, [fresh], now))
        assert.strictEqual(yield* codes.remaining(bob.id), 3)
      }),
    )

    it.effect("takes a code again that the set before had, unused", () =>
      Effect.gen(function* () {
        const codes = yield* BackupCodeStore
        const { id } = yield* insertUser
        const now = yield* DateTime.now
        const hashes = yield* insertCodes(id, 2)
        yield* codes.consume(id, hashes, now)
        yield* codes.replace(id, hashes, now)
        assert.strictEqual(yield* codes.remaining(id), 2)
      }),
    )

    it.effect("leaves one whole set when 20 fibers replace it", () =>
      Effect.gen(function* () {
        const codes = yield* BackupCodeStore
        const { id } = yield* insertUser
        yield* Effect.all(
          Array.from({ length: 20 }, () => insertCodes(id, 10)),
          { concurrency: "unbounded" },
        )
        assert.strictEqual(yield* codes.remaining(id), 10)
      }),
    )

    it.effect("keeps the old set when the new one is refused", () =>
      Effect.gen(function* () {
        const codes = yield* BackupCodeStore
        const { id } = yield* insertUser
        yield* insertCodes(id, 3)
        const twice = yield* Builders.keyedHash
        const error = yield* Effect.flip(codes.replace(id, [twice, twice], yield* DateTime.now))
        assert.deepStrictEqual([error._tag, error.store, error.method], ["StoreError", "BackupCodeStore", "replace"])
        assert.strictEqual(yield* codes.remaining(id), 3)
      }),
    )

    it.effect("refuses the codes of a user who does not exist", () =>
      Effect.gen(function* () {
        const codes = yield* BackupCodeStore
        const { id } = yield* Builders.user()
        const error = yield* Effect.flip(insertCodes(id, 2))
        assert.deepStrictEqual(
          [error._tag, error.store, error.method, error.isRetryable],
          ["StoreError", "BackupCodeStore", "replace", false],
        )
        assert.strictEqual(yield* codes.remaining(id), 0)
      }),
    )

    it.effect("removes all codes of a user, and says whether any was unused", () =>
      Effect.gen(function* () {
        const codes = yield* BackupCodeStore
        const [ada, bob] = [yield* insertUser, yield* insertUser]
        const now = yield* DateTime.now
        const adas = yield* insertCodes(ada.id, 2)
        yield* insertCodes(bob.id, 2)
        yield* codes.consume(ada.id, [adas[0]], now)
        assert.isTrue(yield* codes.remove(ada.id))
        assert.isFalse(yield* codes.remove(ada.id))
        assert.isFalse(yield* codes.isUsed(ada.id, adas))
        assert.strictEqual(yield* codes.remaining(bob.id), 2)
        const last = yield* insertCodes(ada.id, 2)
        yield* codes.consume(ada.id, last, now)
        assert.isFalse(yield* codes.remove(ada.id))
      }),
    )

    it.effect("removes the codes of a user with the user, and nobody else's", () =>
      Effect.gen(function* () {
        const codes = yield* BackupCodeStore
        const [ada, bob] = [yield* insertUser, yield* insertUser]
        yield* insertCodes(ada.id, 2)
        yield* insertCodes(bob.id, 2)
        yield* UserStore.use((users) => users.remove(ada.id))
        assert.strictEqual(yield* codes.remaining(ada.id), 0)
        assert.strictEqual(yield* codes.remaining(bob.id), 2)
      }),
    )

    it.effect("puts everything back when the transaction fails", () =>
      Effect.gen(function* () {
        const codes = yield* BackupCodeStore
        const transactions = yield* TransactionStore
        const [consumed, replaced, removed] = [yield* insertUser, yield* insertUser, yield* insertUser]
        const now = yield* DateTime.now
        const [hash] = yield* insertCodes(consumed.id, 2)
        yield* insertCodes(replaced.id, 2)
        yield* insertCodes(removed.id, 2)
        const failure = yield* Effect.flip(
          transactions.run(
            Effect.gen(function* () {
              assert.isTrue(yield* codes.consume(consumed.id, [hash], now))
              yield* insertCodes(replaced.id, 5)
              assert.isTrue(yield* codes.remove(removed.id))
              return yield* Effect.fail("undo" as const)
            }),
          ),
        )
        assert.strictEqual(failure, "undo")
        for (const { id } of [consumed, replaced, removed]) assert.strictEqual(yield* codes.remaining(id), 2)
        assert.isFalse(yield* codes.isUsed(consumed.id, [hash]))
      }),
    )
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const insertUser = Builders.storedUser()

/** Gives a user a new set of `count` codes, 2 or more. */
const insertCodes = Effect.fnUntraced(function* (userId: UserId, count: number) {
  const hashes: readonly [KeyedHash, KeyedHash, ...ReadonlyArray<KeyedHash>] = [
    yield* Builders.keyedHash,
    yield* Builders.keyedHash,
    ...(yield* Effect.forEach(Array.from({ length: count - 2 }), () => Builders.keyedHash)),
  ]
  yield* BackupCodeStore.use((codes) => Effect.flatMap(DateTime.now, (now) => codes.replace(userId, hashes, now)))
  return hashes
})
