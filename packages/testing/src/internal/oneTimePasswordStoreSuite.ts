/**
 * What the contracts of `TotpStore` and `HotpStore` have in common. A position is a time step or a counter.
 */
import type { Sealed } from "@belfry/core/KeyedHash"
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { UserId } from "@belfry/core/User"
import { UserStore } from "@belfry/core/UserStore"
import type { Hotp } from "@belfry/factors/OneTimePassword"
import { assert, layer as withLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Builders from "../Builders.ts"

type Row = Omit<Hotp, "counter">

interface Claim {
  readonly userId: UserId
  readonly secret: Sealed
  readonly position: number
  readonly now: DateTime.Utc
}

/** A store under one set of names. */
export interface Subject<R extends Row> {
  readonly find: (userId: UserId) => Effect.Effect<Option.Option<R>, StoreError>
  readonly begin: (row: R) => Effect.Effect<boolean, StoreError>
  readonly confirm: (claim: Claim) => Effect.Effect<boolean, StoreError>
  readonly claim: (claim: Claim) => Effect.Effect<boolean, StoreError>
  readonly reseal: (userId: UserId, from: Sealed, to: Sealed) => Effect.Effect<boolean, StoreError>
  readonly remove: (userId: UserId) => Effect.Effect<boolean, StoreError>
}

/**
 * Registers the suite. `build` makes a row in which no position is used up, and `used` the fields after `position` was.
 */
export const register = <Store, R extends Row, E>(options: {
  readonly port: string
  readonly name: string
  readonly layer: Layer.Layer<Store | TransactionStore | UserStore, E>
  readonly subject: Effect.Effect<Subject<R>, never, Store>
  readonly build: (fields: Row) => R
  readonly used: (row: R, position: number) => R
  /** Another row of the same user, in which each field is another one. */
  readonly other: (row: R) => R
}): void =>
  withLayer(options.layer)(`${options.port} (${options.name})`, (it) => {
    const { subject, used, other } = options

    /** An unconfirmed row of a user who exists, not yet kept. */
    const draft = Effect.gen(function* () {
      const user = yield* Builders.user()
      yield* UserStore.use((users) => users.insert(user))
      return options.build({
        userId: user.id,
        secret: yield* Builders.sealed,
        digits: 6,
        createdAt: yield* DateTime.now,
        confirmedAt: null,
        lastUsedAt: null,
      })
    })

    const unconfirmed = Effect.gen(function* () {
      const row = yield* draft
      assert.isTrue(yield* (yield* subject).begin(row))
      return row
    })

    /** A row that was confirmed by position 10. */
    const confirmed = Effect.gen(function* () {
      const row = yield* unconfirmed
      const now = yield* DateTime.now
      assert.isTrue(yield* (yield* subject).confirm({ ...row, position: 10, now }))
      return { ...used(row, 10), confirmedAt: now }
    })

    const find = Effect.fnUntraced(function* ({ userId }: R) {
      return Option.getOrUndefined(yield* (yield* subject).find(userId))
    })

    const fifty = <A, E, R>(make: (index: number) => Effect.Effect<A, E, R>) =>
      Effect.all(
        Array.from({ length: 50 }, (_, index) => make(index)),
        { concurrency: "unbounded" },
      )

    const winners = (answers: ReadonlyArray<boolean>): number => answers.filter((isWinner) => isWinner).length

    it.effect("finds what was begun, field by field, and nothing of others", () =>
      Effect.gen(function* () {
        const store = yield* subject
        const [row, stranger] = [yield* draft, yield* draft]
        assert.deepStrictEqual(yield* store.find(row.userId), Option.none())
        assert.isTrue(yield* store.begin(row))
        assert.deepStrictEqual(yield* store.find(row.userId), Option.some(row))
        assert.deepStrictEqual(yield* store.find(stranger.userId), Option.none())
      }),
    )

    it.effect("keeps a new beginning in place of one that was not confirmed, every field of it", () =>
      Effect.gen(function* () {
        const store = yield* subject
        const row = yield* unconfirmed
        const again = other({
          ...row,
          secret: yield* Builders.sealed,
          digits: 8,
          createdAt: DateTime.add(row.createdAt, { hours: 1 }),
        })
        assert.isTrue(yield* store.begin(again))
        assert.deepStrictEqual(yield* find(row), again)
        assert.isFalse(yield* store.confirm({ ...row, position: 1, now: yield* DateTime.now }))
      }),
    )

    it.effect("begins nothing beside a confirmed one", () =>
      Effect.gen(function* () {
        const store = yield* subject
        const row = yield* confirmed
        const again = other({ ...row, secret: yield* Builders.sealed, confirmedAt: null })
        assert.isFalse(yield* store.begin(again))
        assert.deepStrictEqual(yield* find(row), row)
      }),
    )

    it.effect("keeps one of 50 that begin at once, whole", () =>
      Effect.gen(function* () {
        const store = yield* subject
        const row = yield* draft
        const rows = yield* fifty(() => Effect.map(Builders.sealed, (secret) => ({ ...row, secret })))
        yield* Effect.forEach(rows, (each) => store.begin(each), { concurrency: "unbounded" })
        const kept = yield* find(row)
        assert.isTrue(rows.some(({ secret }) => secret === kept?.secret))
      }),
    )

    it.effect("refuses one of a user who does not exist", () =>
      Effect.gen(function* () {
        const store = yield* subject
        const row = { ...(yield* draft), userId: (yield* Builders.user()).id }
        const error = yield* Effect.flip(store.begin(row))
        assert.deepStrictEqual(
          [error._tag, error.store, error.method, error.isRetryable],
          ["StoreError", options.port, "begin", false],
        )
        assert.isUndefined(yield* find(row))
      }),
    )

    it.effect("confirms once, by the secret that waits, and uses up the position", () =>
      Effect.gen(function* () {
        const store = yield* subject
        const [row, stranger] = [yield* unconfirmed, yield* unconfirmed]
        const now = DateTime.add(row.createdAt, { minutes: 1 })
        assert.isFalse(yield* store.confirm({ ...row, secret: stranger.secret, position: 7, now }))
        assert.deepStrictEqual(yield* find(row), row)
        assert.strictEqual(winners(yield* fifty(() => store.confirm({ ...row, position: 7, now }))), 1)
        assert.deepStrictEqual(yield* find(row), { ...used(row, 7), confirmedAt: now })
        assert.isFalse(yield* store.confirm({ ...row, position: 8, now: DateTime.add(now, { minutes: 1 }) }))
        assert.deepStrictEqual(yield* find(row), { ...used(row, 7), confirmedAt: now })
        assert.deepStrictEqual(yield* find(stranger), stranger)
        const nobody = yield* Builders.user()
        assert.isFalse(yield* store.confirm({ userId: nobody.id, secret: row.secret, position: 7, now }))
      }),
    )

    it.effect("confirms by no position that was used up before it began", () =>
      Effect.gen(function* () {
        const store = yield* subject
        const row = used(yield* draft, 10)
        const now = yield* DateTime.now
        assert.isTrue(yield* store.begin(row))
        for (const position of [0, 10]) assert.isFalse(yield* store.confirm({ ...row, position, now }))
        assert.deepStrictEqual(yield* find(row), row)
        assert.isTrue(yield* store.confirm({ ...row, position: 11, now }))
      }),
    )

    it.effect("claims a position for one of 50 that come at once", () =>
      Effect.gen(function* () {
        const store = yield* subject
        const row = yield* confirmed
        const now = DateTime.add(row.createdAt, { minutes: 1 })
        assert.strictEqual(winners(yield* fifty(() => store.claim({ ...row, position: 11, now }))), 1)
        assert.deepStrictEqual(yield* find(row), { ...used(row, 11), lastUsedAt: now })
      }),
    )

    it.effect("ends at the highest of 50 positions that come at once", () =>
      Effect.gen(function* () {
        const store = yield* subject
        const row = yield* confirmed
        const now = yield* DateTime.now
        const answers = yield* fifty((index) => store.claim({ ...row, position: 11 + index, now }))
        // Nothing is above the highest, so it always wins.
        assert.isTrue(answers[49])
        assert.deepStrictEqual(yield* find(row), { ...used(row, 60), lastUsedAt: now })
      }),
    )

    it.effect("claims no position twice and none before one that was claimed", () =>
      Effect.gen(function* () {
        const store = yield* subject
        const row = yield* confirmed
        const now = DateTime.add(row.createdAt, { minutes: 1 })
        for (const position of [0, 9, 10]) assert.isFalse(yield* store.claim({ ...row, position, now }))
        assert.deepStrictEqual(yield* find(row), row)
        assert.isTrue(yield* store.claim({ ...row, position: 20, now }))
        for (const position of [10, 11, 19, 20]) assert.isFalse(yield* store.claim({ ...row, position, now }))
        assert.isTrue(yield* store.claim({ ...row, position: 21, now }))
        assert.deepStrictEqual(yield* find(row), { ...used(row, 21), lastUsedAt: now })
      }),
    )

    it.effect("claims positions beyond 32 bits", () =>
      Effect.gen(function* () {
        const store = yield* subject
        const row = yield* confirmed
        const now = yield* DateTime.now
        assert.isTrue(yield* store.claim({ ...row, position: 2 ** 40, now }))
        assert.deepStrictEqual(yield* find(row), { ...used(row, 2 ** 40), lastUsedAt: now })
        assert.isFalse(yield* store.claim({ ...row, position: 2 ** 40, now }))
        assert.isTrue(yield* store.claim({ ...row, position: 2 ** 40 + 1, now }))
      }),
    )

    it.effect("claims nothing of one that is not confirmed, by another secret, or of nobody", () =>
      Effect.gen(function* () {
        const store = yield* subject
        const [waiting, row] = [yield* unconfirmed, yield* confirmed]
        const now = DateTime.add(row.createdAt, { minutes: 1 })
        assert.isFalse(yield* store.claim({ ...waiting, position: 11, now }))
        assert.deepStrictEqual(yield* find(waiting), waiting)
        assert.isFalse(yield* store.claim({ ...row, secret: waiting.secret, position: 11, now }))
        assert.deepStrictEqual(yield* find(row), row)
        const nobody = yield* Builders.user()
        assert.isFalse(yield* store.claim({ userId: nobody.id, secret: row.secret, position: 11, now }))
      }),
    )

    it.effect("seals anew for one of 50 that saw the old seal, and changes nothing else", () =>
      Effect.gen(function* () {
        const store = yield* subject
        const [row, stranger] = [yield* confirmed, yield* confirmed]
        const now = yield* DateTime.now
        const seals = yield* fifty(() => Builders.sealed)
        const answers = yield* Effect.forEach(seals, (to) => store.reseal(row.userId, row.secret, to), {
          concurrency: "unbounded",
        })
        assert.strictEqual(winners(answers), 1)
        const secret = seals[answers.indexOf(true)] ?? row.secret
        assert.deepStrictEqual(yield* find(row), { ...row, secret })
        assert.isFalse(yield* store.claim({ ...row, position: 11, now }))
        assert.isTrue(yield* store.claim({ ...row, secret, position: 11, now }))
        assert.isFalse(yield* store.reseal(stranger.userId, row.secret, secret))
        assert.deepStrictEqual(yield* find(stranger), stranger)
      }),
    )

    it.effect("removes it once, tells whether it was confirmed, and leaves those of others", () =>
      Effect.gen(function* () {
        const store = yield* subject
        const [waiting, row, stranger] = [yield* unconfirmed, yield* confirmed, yield* confirmed]
        assert.isFalse(yield* store.remove(waiting.userId))
        assert.isUndefined(yield* find(waiting))
        assert.strictEqual(winners(yield* fifty(() => store.remove(row.userId))), 1)
        assert.isUndefined(yield* find(row))
        assert.deepStrictEqual(yield* find(stranger), stranger)
        assert.isTrue(yield* store.begin({ ...row, confirmedAt: null }))
      }),
    )

    it.effect("goes with its user, and with nobody else", () =>
      Effect.gen(function* () {
        const [row, stranger] = [yield* confirmed, yield* confirmed]
        yield* UserStore.use((users) => users.remove(row.userId))
        assert.isUndefined(yield* find(row))
        assert.deepStrictEqual(yield* find(stranger), stranger)
      }),
    )

    it.effect("puts everything back when the transaction fails", () =>
      Effect.gen(function* () {
        const store = yield* subject
        const transactions = yield* TransactionStore
        const [begun, waiting, row, resealed, removed] = [
          yield* draft,
          yield* unconfirmed,
          yield* confirmed,
          yield* confirmed,
          yield* confirmed,
        ]
        const now = yield* DateTime.now
        const failure = yield* Effect.flip(
          transactions.run(
            Effect.gen(function* () {
              assert.isTrue(yield* store.begin(begun))
              assert.isTrue(yield* store.confirm({ ...waiting, position: 1, now }))
              assert.isTrue(yield* store.claim({ ...row, position: 11, now }))
              assert.isTrue(yield* store.reseal(resealed.userId, resealed.secret, yield* Builders.sealed))
              assert.isTrue(yield* store.remove(removed.userId))
              return yield* Effect.fail("undo" as const)
            }),
          ),
        )
        assert.strictEqual(failure, "undo")
        assert.isUndefined(yield* find(begun))
        for (const kept of [waiting, row, resealed, removed]) assert.deepStrictEqual(yield* find(kept), kept)
      }),
    )
  })
