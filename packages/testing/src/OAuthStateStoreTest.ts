/**
 * Contract suite of {@link OAuthStateStore}.
 *
 * @since 0.1.0
 */
import { TransactionStore } from "@belfry/core/TransactionStore"
import { UserId } from "@belfry/core/User"
import { UserStore } from "@belfry/core/UserStore"
import { ProviderId } from "@belfry/oauth-client/OAuthProvider"
import { type OAuthStateRow, OAuthStateStore } from "@belfry/oauth-client/OAuthStateStore"
import { assert, layer as withLayer } from "@effect/vitest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Builders from "./Builders.ts"

/**
 * Registers the suite for an adapter.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<OAuthStateStore | TransactionStore | UserStore, E>): void =>
  withLayer(layer)(`OAuthStateStore (${name})`, (it) => {
    it.effect("returns a state as it was inserted, and removes it", () =>
      Effect.gen(function* () {
        const states = yield* OAuthStateStore
        const user = yield* insertUser
        const rows = [
          yield* insertState({ createdAt: DateTime.makeUnsafe(1_700_000_000_123) }),
          yield* insertState({ userId: user.id, providerId: ProviderId.make("Acme_1-eu") }),
        ]
        for (const row of rows) {
          assert.deepStrictEqual(yield* states.consume([row.stateHash]), Option.some(row))
          assert.deepStrictEqual(yield* states.consume([row.stateHash]), Option.none())
        }
      }),
    )

    it.effect("finds a state by any of several hashes, and touches no other", () =>
      Effect.gen(function* () {
        const states = yield* OAuthStateStore
        const [row, other] = [yield* insertState(), yield* insertState()]
        const [one, two] = [yield* Builders.keyedHash, yield* Builders.keyedHash]
        assert.deepStrictEqual(yield* states.consume([one, two]), Option.none())
        assert.deepStrictEqual(yield* states.consume([one, row.stateHash, two]), Option.some(row))
        assert.deepStrictEqual(yield* states.consume([other.stateHash]), Option.some(other))
      }),
    )

    it.effect("gives a state to one of 50 fibers that consume it", () =>
      Effect.gen(function* () {
        const states = yield* OAuthStateStore
        const row = yield* insertState()
        const answers = yield* Effect.forEach(
          Array.from({ length: 50 }),
          () => Effect.flatMap(Builders.keyedHash, (older) => states.consume([older, row.stateHash])),
          { concurrency: "unbounded" },
        )
        assert.strictEqual(answers.length, 50)
        assert.deepStrictEqual(answers.filter(Option.isSome), [Option.some(row)])
      }),
    )

    it.effect("returns a state that is over, too", () =>
      Effect.gen(function* () {
        const states = yield* OAuthStateStore
        const now = yield* DateTime.now
        const row = yield* insertState({ expiresAt: DateTime.subtract(now, { days: 1 }) })
        assert.deepStrictEqual(yield* states.consume([row.stateHash]), Option.some(row))
      }),
    )

    it.effect("refuses a second state of the same hash, and keeps the first", () =>
      Effect.gen(function* () {
        const states = yield* OAuthStateStore
        const row = yield* insertState()
        const second = { ...(yield* build), stateHash: row.stateHash }
        yield* assertRefused(second)
        assert.deepStrictEqual(yield* states.consume([row.stateHash]), Option.some(row))
      }),
    )

    it.effect("refuses the state of a user who does not exist", () =>
      Effect.gen(function* () {
        yield* assertRefused({ ...(yield* build), userId: UserId.make(yield* random.uuidV7()) })
      }),
    )

    it.effect("loses the states of a user with the user, and no others", () =>
      Effect.gen(function* () {
        const states = yield* OAuthStateStore
        const users = yield* UserStore
        const [user, other] = [yield* insertUser, yield* insertUser]
        const gone = [yield* insertState({ userId: user.id }), yield* insertState({ userId: user.id })]
        const kept = [yield* insertState({ userId: other.id }), yield* insertState()]
        yield* users.remove(user.id)
        for (const { stateHash } of gone) assert.deepStrictEqual(yield* states.consume([stateHash]), Option.none())
        for (const row of kept) assert.deepStrictEqual(yield* states.consume([row.stateHash]), Option.some(row))
      }),
    )

    it.effect("removes what is over at an instant, the oldest first, and no more than the limit", () =>
      Effect.gen(function* () {
        const states = yield* OAuthStateStore
        const now = yield* DateTime.now
        yield* states.removeExpired(now, 1000)
        const endingIn = (milliseconds: number) => insertState({ expiresAt: DateTime.add(now, { milliseconds }) })
        const live = yield* endingIn(1)
        const atNow = yield* endingIn(0)
        const oldest = yield* endingIn(-2)
        const old = yield* endingIn(-1)
        const isThere = ({ stateHash }: OAuthStateRow) => Effect.map(states.consume([stateHash]), Option.isSome)
        assert.strictEqual(yield* states.removeExpired(now, 2), 2)
        assert.deepStrictEqual(yield* Effect.forEach([oldest, old], isThere), [false, false])
        assert.strictEqual(yield* states.removeExpired(now, 2), 1)
        assert.strictEqual(yield* states.removeExpired(now, 2), 0)
        assert.deepStrictEqual(yield* Effect.forEach([atNow, live], isThere), [false, true])
      }),
    )

    it.effect("puts a state back when the transaction fails that consumed it", () =>
      Effect.gen(function* () {
        const states = yield* OAuthStateStore
        const { run } = yield* TransactionStore
        const row = yield* insertState()
        const undone = run(Effect.andThen(states.consume([row.stateHash]), Effect.fail("undo" as const)))
        assert.strictEqual(yield* Effect.flip(undone), "undo")
        assert.deepStrictEqual(yield* states.consume([row.stateHash]), Option.some(row))
      }),
    )
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const random = SecureRandom.make(SecureRandom.randomBytesUnsafe)

const insertUser = Builders.storedUser()

/** A state of nobody that began now, for 10 minutes. */
const build = Effect.gen(function* () {
  const now = yield* DateTime.now
  const row: OAuthStateRow = {
    stateHash: yield* Builders.keyedHash,
    providerId: ProviderId.make("acme"),
    userId: null,
    sealed: yield* Builders.sealed,
    createdAt: now,
    expiresAt: DateTime.add(now, { minutes: 10 }),
  }
  return row
})

const insertState = Effect.fnUntraced(function* (fields: Partial<OAuthStateRow> = {}) {
  const row = { ...(yield* build), ...fields }
  yield* OAuthStateStore.use((states) => states.insert(row))
  return row
})

const assertRefused = Effect.fnUntraced(function* (row: OAuthStateRow) {
  const error = yield* Effect.flip(OAuthStateStore.use((states) => states.insert(row)))
  assert.deepStrictEqual(
    [error._tag, error.store, error.method, error.isRetryable],
    ["StoreError", "OAuthStateStore", "insert", false],
  )
})
