/**
 * Contract suite of {@link InitialAccessTokenStore}.
 *
 * @since 0.1.0
 */
import { UserId } from "@belfry/core/User"
import { UserStore } from "@belfry/core/UserStore"
import { type InitialAccessToken, InitialAccessTokenStore } from "@belfry/oauth-server/InitialAccessTokenStore"
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
export const suite = <E>(name: string, layer: Layer.Layer<InitialAccessTokenStore | UserStore, E>): void =>
  withLayer(layer)(`InitialAccessTokenStore (${name})`, (it) => {
    it.effect("counts the uses of a token down, and gives none after the last", () =>
      Effect.gen(function* () {
        const token = yield* insert({ uses: 2, userId: (yield* Builders.storedUser()).id })
        assert.deepStrictEqual(yield* use(token), Option.some({ ...token, uses: 1 }))
        assert.deepStrictEqual(yield* use(token), Option.some({ ...token, uses: 0 }))
        assert.deepStrictEqual(yield* use(token), Option.none())
      }),
    )

    it.effect("gives a token without a number as often as it is used", () =>
      Effect.gen(function* () {
        const token = yield* insert({ uses: null })
        for (const _ of [1, 2, 3]) assert.deepStrictEqual(yield* use(token), Option.some(token))
      }),
    )

    it.effect("finds a token by any of several hashes, and touches no other", () =>
      Effect.gen(function* () {
        const tokens = yield* InitialAccessTokenStore
        const [token, other] = [yield* insert({ uses: 1 }), yield* insert({ uses: 1 })]
        const [one, two] = [yield* Builders.keyedHash, yield* Builders.keyedHash]
        assert.deepStrictEqual(yield* tokens.use([one, two], token.createdAt), Option.none())
        assert.deepStrictEqual(
          yield* tokens.use([one, token.hash, two], token.createdAt),
          Option.some({ ...token, uses: 0 }),
        )
        assert.isTrue(Option.isSome(yield* use(other)))
      }),
    )

    it.effect("is used up to the instant at which it is over, and not at it", () =>
      Effect.gen(function* () {
        const token = yield* insert({ uses: 1 })
        assert.deepStrictEqual(yield* use(token, token.expiresAt), Option.none())
        assert.deepStrictEqual(
          yield* use(token, DateTime.subtract(token.expiresAt, { milliseconds: 1 })),
          Option.some({ ...token, uses: 0 }),
        )
      }),
    )

    it.effect("gives no more of 100 fibers a use than there are", () =>
      Effect.gen(function* () {
        for (const uses of [1, 3]) {
          const token = yield* insert({ uses })
          const answers = yield* Effect.forEach(Array.from({ length: 100 }), () => use(token), {
            concurrency: "unbounded",
          })
          const left = answers.filter(Option.isSome).map(({ value }) => value.uses ?? -1)
          assert.deepStrictEqual(
            left.toSorted((a, b) => a - b),
            Array.from({ length: uses }, (_, index) => index),
          )
        }
      }),
    )

    it.effect("removes a token once, and answers that there is none of an id of any form", () =>
      Effect.gen(function* () {
        const tokens = yield* InitialAccessTokenStore
        const [token, other] = [yield* insert(), yield* insert()]
        assert.isTrue(yield* tokens.remove(token.id))
        for (const id of [token.id, yield* random.uuidV7(), "", "no-uuid", "\0", `${other.id} `]) {
          assert.isFalse(yield* tokens.remove(id))
        }
        assert.deepStrictEqual(yield* use(token), Option.none())
        assert.deepStrictEqual(yield* use(other), Option.some(other))
      }),
    )

    it.effect("refuses the same id, the same hash, and a user who does not exist", () =>
      Effect.gen(function* () {
        const token = yield* insert()
        const again = yield* build
        for (const row of [
          { ...again, id: token.id },
          { ...again, hash: token.hash },
          { ...again, userId: UserId.make(yield* random.uuidV7()) },
          { ...again, uses: -1 },
        ]) {
          const error = yield* Effect.flip(InitialAccessTokenStore.use((tokens) => tokens.insert(row)))
          assert.deepStrictEqual(
            [error._tag, error.store, error.method, error.isRetryable],
            ["StoreError", "InitialAccessTokenStore", "insert", false],
          )
        }
        assert.deepStrictEqual(yield* use(token), Option.some(token))
      }),
    )

    it.effect("loses the tokens of a user with the user, and no others", () =>
      Effect.gen(function* () {
        const users = yield* UserStore
        const [user, other] = [yield* Builders.storedUser(), yield* Builders.storedUser()]
        const gone = yield* insert({ userId: user.id })
        const kept = [yield* insert({ userId: other.id }), yield* insert()]
        yield* users.remove(user.id)
        assert.deepStrictEqual(yield* use(gone), Option.none())
        for (const token of kept) assert.deepStrictEqual(yield* use(token), Option.some(token))
      }),
    )

    it.effect("removes what is over at an instant, the oldest first, and no more than the limit", () =>
      Effect.gen(function* () {
        const tokens = yield* InitialAccessTokenStore
        const now = yield* DateTime.now
        yield* tokens.removeExpired(now, 1000)
        const endingIn = (milliseconds: number) => insert({ expiresAt: DateTime.add(now, { milliseconds }) })
        const [live, atNow, oldest, old] = [
          yield* endingIn(1),
          yield* endingIn(0),
          yield* endingIn(-2),
          yield* endingIn(-1),
        ]
        assert.strictEqual(yield* tokens.removeExpired(now, 2), 2)
        assert.deepStrictEqual([yield* tokens.remove(oldest.id), yield* tokens.remove(old.id)], [false, false])
        assert.strictEqual(yield* tokens.removeExpired(now, 2), 1)
        assert.strictEqual(yield* tokens.removeExpired(now, 2), 0)
        assert.deepStrictEqual([yield* tokens.remove(atNow.id), yield* tokens.remove(live.id)], [false, true])
      }),
    )
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const random = SecureRandom.make(SecureRandom.randomBytesUnsafe)

/** A token of nobody for an hour and any number of uses. */
const build = Effect.gen(function* () {
  const now = yield* DateTime.now
  const token: InitialAccessToken = {
    id: yield* random.uuidV7(),
    hash: yield* Builders.keyedHash,
    userId: null,
    uses: null,
    createdAt: now,
    expiresAt: DateTime.add(now, { hours: 1 }),
  }
  return token
})

const insert = Effect.fnUntraced(function* (fields: Partial<InitialAccessToken> = {}) {
  const token = { ...(yield* build), ...fields }
  yield* InitialAccessTokenStore.use((tokens) => tokens.insert(token))
  return token
})

const use = ({ hash, createdAt }: InitialAccessToken, now: DateTime.Utc = createdAt) =>
  InitialAccessTokenStore.use((tokens) => tokens.use([hash], now))
