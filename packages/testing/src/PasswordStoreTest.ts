/**
 * Contract suite of {@link PasswordStore}.
 *
 * @since 0.1.0
 */
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { User } from "@belfry/core/User"
import { UserStore } from "@belfry/core/UserStore"
import { PasswordHash } from "@belfry/factors/Password"
import { PasswordStore } from "@belfry/factors/PasswordStore"
import { assert, layer as withLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Builders from "./Builders.ts"

/**
 * Registers the suite for an adapter.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<PasswordStore | TransactionStore | UserStore, E>): void =>
  withLayer(layer)(`PasswordStore (${name})`, (it) => {
    it.effect("finds no password of a user without one, nor of nobody", () =>
      Effect.gen(function* () {
        const passwords = yield* PasswordStore
        assert.deepStrictEqual(yield* passwords.find((yield* insertUser).id), Option.none())
        assert.deepStrictEqual(yield* passwords.find((yield* Builders.user()).id), Option.none())
      }),
    )

    it.effect("finds the user of an address with the password, if there is one, and nobody for another address", () =>
      Effect.gen(function* () {
        const passwords = yield* PasswordStore
        const disabledAt = DateTime.makeUnsafe(1_700_000_000_456)
        const [ada, eve] = [yield* insertUser, yield* Builders.user()]
        const bob = yield* Builders.storedUser({ disabledAt })
        yield* passwords.set(ada.id, hashOf("1"), yield* DateTime.now)
        const find = ({ email }: User) => passwords.findByEmail(email)
        assert.deepStrictEqual(yield* find(ada), Option.some({ user: ada, hash: Option.some(hashOf("1")) }))
        assert.deepStrictEqual(yield* find(bob), Option.some({ user: bob, hash: Option.none() }))
        assert.deepStrictEqual(yield* find(eve), Option.none())
        yield* passwords.remove(ada.id)
        assert.deepStrictEqual(yield* find(ada), Option.some({ user: ada, hash: Option.none() }))
      }),
    )

    it.effect("keeps one hash a user: the last one set", () =>
      Effect.gen(function* () {
        const passwords = yield* PasswordStore
        const [ada, bob] = [yield* insertUser, yield* insertUser]
        const now = yield* DateTime.now
        yield* passwords.set(ada.id, hashOf("1"), now)
        yield* passwords.set(bob.id, hashOf("2"), now)
        assert.deepStrictEqual(yield* passwords.find(ada.id), Option.some(hashOf("1")))
        yield* passwords.set(ada.id, hashOf("3"), DateTime.add(now, { hours: 1 }))
        assert.deepStrictEqual(yield* passwords.find(ada.id), Option.some(hashOf("3")))
        assert.deepStrictEqual(yield* passwords.find(bob.id), Option.some(hashOf("2")))
      }),
    )

    it.effect("sets the password of one user from 50 fibers without a failure", () =>
      Effect.gen(function* () {
        const passwords = yield* PasswordStore
        const { id } = yield* insertUser
        const now = yield* DateTime.now
        const hashes = Array.from({ length: 50 }, (_, index) => hashOf(String(index)))
        yield* Effect.forEach(hashes, (hash) => passwords.set(id, hash, now), { concurrency: "unbounded" })
        const found = yield* passwords.find(id)
        assert.isTrue(Option.isSome(found) && hashes.includes(found.value))
        assert.isTrue(yield* passwords.remove(id))
        assert.deepStrictEqual(yield* passwords.find(id), Option.none())
      }),
    )

    it.effect("refuses the password of a user who does not exist", () =>
      Effect.gen(function* () {
        const passwords = yield* PasswordStore
        const { id } = yield* Builders.user()
        const error = yield* Effect.flip(passwords.set(id, hashOf("1"), yield* DateTime.now))
        assert.deepStrictEqual(
          [error._tag, error.store, error.method, error.isRetryable],
          ["StoreError", "PasswordStore", "set", false],
        )
        assert.deepStrictEqual(yield* passwords.find(id), Option.none())
      }),
    )

    it.effect("replaces a hash for one of 50 fibers that saw it", () =>
      Effect.gen(function* () {
        const passwords = yield* PasswordStore
        const { id } = yield* insertUser
        const now = yield* DateTime.now
        yield* passwords.set(id, hashOf("old"), now)
        const answers = yield* Effect.forEach(
          Array.from({ length: 50 }, (_, index) => hashOf(String(index))),
          (to) => Effect.map(passwords.rehash(id, hashOf("old"), to, now), (isReplaced) => ({ isReplaced, to })),
          { concurrency: "unbounded" },
        )
        const winners = answers.filter(({ isReplaced }) => isReplaced)
        assert.strictEqual(winners.length, 1)
        assert.deepStrictEqual(yield* passwords.find(id), Option.fromUndefinedOr(winners[0]?.to))
      }),
    )

    it.effect("leaves a hash that is not the one expected, and makes none", () =>
      Effect.gen(function* () {
        const passwords = yield* PasswordStore
        const [ada, bob] = [yield* insertUser, yield* insertUser]
        const now = yield* DateTime.now
        yield* passwords.set(ada.id, hashOf("new"), now)
        assert.isFalse(yield* passwords.rehash(ada.id, hashOf("old"), hashOf("other"), now))
        assert.deepStrictEqual(yield* passwords.find(ada.id), Option.some(hashOf("new")))
        assert.isFalse(yield* passwords.rehash(bob.id, hashOf("old"), hashOf("other"), now))
        assert.deepStrictEqual(yield* passwords.find(bob.id), Option.none())
      }),
    )

    it.effect("confirms the hash that a user has, and no other", () =>
      Effect.gen(function* () {
        const passwords = yield* PasswordStore
        const [ada, bob, nobody] = [yield* insertUser, yield* insertUser, yield* Builders.user()]
        const now = yield* DateTime.now
        yield* passwords.set(ada.id, hashOf("1"), now)
        assert.isTrue(yield* passwords.confirm(ada.id, hashOf("1")))
        assert.isTrue(yield* passwords.confirm(ada.id, hashOf("1")))
        yield* passwords.set(ada.id, hashOf("2"), now)
        assert.isFalse(yield* passwords.confirm(ada.id, hashOf("1")))
        assert.isTrue(yield* passwords.confirm(ada.id, hashOf("2")))
        for (const { id } of [bob, nobody]) assert.isFalse(yield* passwords.confirm(id, hashOf("2")))
        yield* passwords.remove(ada.id)
        assert.isFalse(yield* passwords.confirm(ada.id, hashOf("2")))
      }),
    )

    it.effect("lets nobody change a confirmed hash before the transaction ends, and lets others confirm it", () =>
      Effect.gen(function* () {
        const passwords = yield* PasswordStore
        const transactions = yield* TransactionStore
        const { id } = yield* insertUser
        const now = yield* DateTime.now
        yield* passwords.set(id, hashOf("old"), now)
        const confirmed = yield* Deferred.make<void>()
        const holding = yield* passwords.confirm(id, hashOf("old")).pipe(
          Effect.tap(() => Deferred.succeed(confirmed, undefined)),
          // As many statements as a change could come between.
          Effect.andThen(Effect.forEach(Array.from({ length: 50 }), () => passwords.find(id))),
          transactions.run,
          Effect.forkChild,
        )
        yield* Deferred.await(confirmed)
        yield* passwords.set(id, hashOf("new"), now)
        const found = yield* Fiber.join(holding)
        assert.deepStrictEqual(
          found.filter((hash) => Option.getOrUndefined(hash) !== hashOf("old")),
          [],
        )
        const answers = yield* Effect.forEach(
          Array.from({ length: 50 }),
          () => transactions.run(passwords.confirm(id, hashOf("new"))),
          { concurrency: "unbounded" },
        )
        assert.isTrue(answers.every((isConfirmed) => isConfirmed))
      }),
    )

    it.effect("removes a password once, and nobody else's", () =>
      Effect.gen(function* () {
        const passwords = yield* PasswordStore
        const [ada, bob] = [yield* insertUser, yield* insertUser]
        const now = yield* DateTime.now
        yield* passwords.set(ada.id, hashOf("1"), now)
        yield* passwords.set(bob.id, hashOf("2"), now)
        const answers = yield* Effect.all(
          Array.from({ length: 50 }, () => passwords.remove(ada.id)),
          { concurrency: "unbounded" },
        )
        assert.strictEqual(answers.filter((isRemoved) => isRemoved).length, 1)
        assert.deepStrictEqual(yield* passwords.find(ada.id), Option.none())
        assert.deepStrictEqual(yield* passwords.find(bob.id), Option.some(hashOf("2")))
      }),
    )

    it.effect("removes a password with its user, and nobody else's", () =>
      Effect.gen(function* () {
        const passwords = yield* PasswordStore
        const users = yield* UserStore
        const [ada, bob] = [yield* insertUser, yield* insertUser]
        const now = yield* DateTime.now
        yield* passwords.set(ada.id, hashOf("1"), now)
        yield* passwords.set(bob.id, hashOf("2"), now)
        yield* users.remove(ada.id)
        assert.deepStrictEqual(yield* passwords.find(ada.id), Option.none())
        assert.deepStrictEqual(yield* passwords.find(bob.id), Option.some(hashOf("2")))
      }),
    )

    it.effect("puts everything back when the transaction fails", () =>
      Effect.gen(function* () {
        const passwords = yield* PasswordStore
        const transactions = yield* TransactionStore
        const [set, rehashed, removed] = [yield* insertUser, yield* insertUser, yield* insertUser]
        const now = yield* DateTime.now
        yield* passwords.set(rehashed.id, hashOf("1"), now)
        yield* passwords.set(removed.id, hashOf("2"), now)
        const failure = yield* Effect.flip(
          transactions.run(
            Effect.gen(function* () {
              yield* passwords.set(set.id, hashOf("3"), now)
              assert.isTrue(yield* passwords.rehash(rehashed.id, hashOf("1"), hashOf("4"), now))
              assert.isTrue(yield* passwords.remove(removed.id))
              return yield* Effect.fail("undo" as const)
            }),
          ),
        )
        assert.strictEqual(failure, "undo")
        assert.deepStrictEqual(yield* passwords.find(set.id), Option.none())
        assert.deepStrictEqual(yield* passwords.find(rehashed.id), Option.some(hashOf("1")))
        assert.deepStrictEqual(yield* passwords.find(removed.id), Option.some(hashOf("2")))
      }),
    )
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const insertUser = Effect.gen(function* () {
  const user = yield* Builders.user()
  yield* UserStore.use((users) => users.insert(user))
  return user
})

/** A hash that no password has, told apart by `mark`. */
const hashOf = (mark: string): PasswordHash =>
  PasswordHash.make(`$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$${mark.padStart(43, "A")}`)
