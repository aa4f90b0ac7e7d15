/**
 * Contract suite of {@link UserStore}.
 *
 * @since 0.1.0
 */
import { Email } from "@belfry/core/User"
import { UserStore } from "@belfry/core/UserStore"
import { assert, layer as withLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Builders from "./Builders.ts"

/**
 * Registers the suite for an adapter.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<UserStore, E>): void =>
  withLayer(layer)(`UserStore (${name})`, (it) => {
    it.effect("returns a user as it was inserted", () =>
      Effect.gen(function* () {
        const users = yield* UserStore
        const full = yield* Builders.user({
          name: "Grace “Amazing” Hopper 🦉",
          image: "https://example.com/a.png?b=c&d='e'",
          emailVerifiedAt: DateTime.makeUnsafe("2026-02-03T04:05:06.789Z"),
          scopes: ["admin", 'quote"comma,brace{}'],
        })
        const bare = yield* Builders.user({ name: null })
        yield* users.insert(full)
        yield* users.insert(bare)
        assert.deepStrictEqual(yield* users.findById(full.id), Option.some(full))
        assert.deepStrictEqual(yield* users.findById(bare.id), Option.some(bare))
        assert.deepStrictEqual(yield* users.findByEmail(full.email), Option.some(full))
      }),
    )

    it.effect("finds nobody under an unknown id or address", () =>
      Effect.gen(function* () {
        const users = yield* UserStore
        yield* users.insert(yield* Builders.user())
        const unknown = yield* Builders.user()
        assert.deepStrictEqual(yield* users.findById(unknown.id), Option.none())
        assert.deepStrictEqual(yield* users.findByEmail(unknown.email), Option.none())
        assert.deepStrictEqual(yield* users.update(unknown.id, { name: "x" }, unknown.updatedAt), Option.none())
        assert.deepStrictEqual(yield* users.remove(unknown.id), Option.none())
      }),
    )

    it.effect("disables a user as of the first time, and enables them, and changes nothing else", () =>
      Effect.gen(function* () {
        const users = yield* UserStore
        const [ada, bob] = [yield* Builders.user(), yield* Builders.user()]
        yield* users.insert(ada)
        yield* users.insert(bob)
        const [first, second, third] = [1, 2, 3].map((minutes) => DateTime.add(ada.updatedAt, { minutes }))
        if (first === undefined || second === undefined || third === undefined) return assert.fail()
        const disabled = { ...ada, disabledAt: first, updatedAt: first }
        assert.deepStrictEqual(yield* users.setDisabled(ada.id, first, first), Option.some(disabled))
        assert.deepStrictEqual(yield* users.findById(ada.id), Option.some(disabled))
        assert.deepStrictEqual(yield* users.findByEmail(ada.email), Option.some(disabled))
        const again = yield* users.setDisabled(ada.id, second, second)
        assert.deepStrictEqual(again, Option.some({ ...disabled, updatedAt: second }))
        const enabled = { ...ada, updatedAt: third }
        assert.deepStrictEqual(yield* users.setDisabled(ada.id, null, third), Option.some(enabled))
        assert.deepStrictEqual(yield* users.findById(ada.id), Option.some(enabled))
        assert.deepStrictEqual(yield* users.findById(bob.id), Option.some(bob))
        const other = yield* Builders.user({ disabledAt: first })
        assert.deepStrictEqual(yield* users.setDisabled(other.id, first, first), Option.none())
        yield* users.insert(other)
        assert.deepStrictEqual(yield* users.findById(other.id), Option.some(other))
      }),
    )

    it.effect("lists users newest first, page by page, whoever is gone meanwhile", () =>
      Effect.gen(function* () {
        const users = yield* UserStore
        const made = yield* Effect.replicateEffect(Builders.user(), 5)
        for (const user of made) yield* users.insert(user)
        const newest = made.toSorted((one, other) => (one.id < other.id ? 1 : -1))
        const page = yield* users.list({ before: null, limit: 2 })
        assert.deepStrictEqual(page, newest.slice(0, 2))
        const last = newest[1]?.id ?? assert.fail()
        yield* users.remove(last)
        assert.deepStrictEqual(yield* users.list({ before: last, limit: 2 }), newest.slice(2, 4))
        const rest = yield* users.list({ before: newest[3]?.id ?? null, limit: 100 })
        assert.deepStrictEqual(rest[0], newest[4])
        assert.deepStrictEqual(
          rest.map(({ id }) => id),
          rest
            .map(({ id }) => id)
            .toSorted()
            .toReversed(),
        )
        const oldest = rest.at(-1)?.id ?? assert.fail()
        assert.deepStrictEqual(yield* users.list({ before: oldest, limit: 2 }), [])
      }),
    )

    it.effect("acts when the effect runs, not when it is built", () =>
      Effect.gen(function* () {
        const users = yield* UserStore
        const user = yield* Builders.user()
        const inserting = users.insert(user)
        const finding = users.findById(user.id)
        assert.deepStrictEqual(yield* finding, Option.none())
        yield* inserting
        assert.deepStrictEqual(yield* finding, Option.some(user))
      }),
    )

    it.effect("refuses a second user with the same address", () =>
      Effect.gen(function* () {
        const users = yield* UserStore
        const first = yield* Builders.user()
        const second = yield* Builders.user({ email: first.email })
        yield* users.insert(first)
        const error = yield* Effect.flip(users.insert(second))
        assert.strictEqual(error._tag, "EmailTaken")
        assert.deepStrictEqual(yield* users.findById(second.id), Option.none())
        assert.deepStrictEqual(yield* users.findByEmail(first.email), Option.some(first))
      }),
    )

    it.effect("lets one of 50 concurrent inserts of one address win", () =>
      Effect.gen(function* () {
        const users = yield* UserStore
        const { email } = yield* Builders.user()
        const candidates = yield* Effect.replicateEffect(Builders.user({ email }), 50)
        const exits = yield* Effect.forEach(candidates, (user) => Effect.exit(users.insert(user)), {
          concurrency: "unbounded",
        })
        assert.strictEqual(exits.filter(Exit.isSuccess).length, 1)
        const errors = yield* Effect.forEach(exits.filter(Exit.isFailure), Effect.flip)
        assert.deepStrictEqual(new Set(errors.map((error) => error._tag)), new Set(["EmailTaken"]))
        const winner = candidates[exits.findIndex(Exit.isSuccess)]
        assert.deepStrictEqual(yield* users.findByEmail(email), Option.fromUndefinedOr(winner))
      }),
    )

    it.effect("refuses an address that is not in its one form", () =>
      Effect.gen(function* () {
        const users = yield* UserStore
        const shouting = yield* Builders.user({ email: Email.make("ADA@example.com") })
        const error = yield* Effect.flip(users.insert(shouting))
        assert.strictEqual(error._tag, "StoreError")
      }),
    )

    it.effect("changes what the patch names and nothing else", () =>
      Effect.gen(function* () {
        const users = yield* UserStore
        const user = yield* Builders.user({ image: "https://example.com/a.png", scopes: ["admin"] })
        yield* users.insert(user)
        const later = DateTime.add(user.updatedAt, { minutes: 1 })
        const renamed = { ...user, name: "Countess of Lovelace", updatedAt: later }
        assert.deepStrictEqual(yield* users.update(user.id, { name: renamed.name }, later), Option.some(renamed))
        assert.deepStrictEqual(yield* users.findById(user.id), Option.some(renamed))
        const { email } = yield* Builders.user()
        const patch = { email, name: null, image: null, emailVerifiedAt: later, scopes: ["a", "b"] }
        const everything = { ...user, ...patch, updatedAt: later }
        assert.deepStrictEqual(yield* users.update(user.id, patch, later), Option.some(everything))
        assert.deepStrictEqual(yield* users.findByEmail(email), Option.some(everything))
        assert.deepStrictEqual(yield* users.findByEmail(user.email), Option.none())
        const cleared = { ...everything, emailVerifiedAt: null, scopes: [] }
        const clearing = users.update(user.id, { emailVerifiedAt: null, scopes: [] }, later)
        assert.deepStrictEqual(yield* clearing, Option.some(cleared))
      }),
    )

    it.effect("refuses to change an address to one that is taken, but lets a user keep its own", () =>
      Effect.gen(function* () {
        const users = yield* UserStore
        const [ada, bob] = [yield* Builders.user(), yield* Builders.user()]
        yield* users.insert(ada)
        yield* users.insert(bob)
        const error = yield* Effect.flip(users.update(bob.id, { email: ada.email, name: "x" }, bob.updatedAt))
        assert.strictEqual(error._tag, "EmailTaken")
        assert.deepStrictEqual(yield* users.findById(bob.id), Option.some(bob))
        assert.deepStrictEqual(yield* users.update(bob.id, { email: bob.email }, bob.updatedAt), Option.some(bob))
      }),
    )

    it.effect("removes a user once and says who it was", () =>
      Effect.gen(function* () {
        const users = yield* UserStore
        const [ada, bob] = [yield* Builders.user(), yield* Builders.user()]
        yield* users.insert(ada)
        yield* users.insert(bob)
        const removed = yield* Effect.all(
          Array.from({ length: 10 }, () => users.remove(ada.id)),
          {
            concurrency: "unbounded",
          },
        )
        assert.deepStrictEqual(removed.filter(Option.isSome), [Option.some(ada)])
        assert.deepStrictEqual(yield* users.findById(ada.id), Option.none())
        assert.deepStrictEqual(yield* users.findById(bob.id), Option.some(bob))
        // The address is free again.
        yield* users.insert(yield* Builders.user({ email: ada.email }))
      }),
    )
  })
