/**
 * Contract suite of {@link LinkedAccountStore}.
 *
 * @since 0.1.0
 */
import { LinkedAccountStore } from "@belfry/core/LinkedAccountStore"
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
export const suite = <E>(name: string, layer: Layer.Layer<LinkedAccountStore | UserStore, E>): void =>
  withLayer(layer)(`LinkedAccountStore (${name})`, (it) => {
    it.effect("returns an account as it was linked", () =>
      Effect.gen(function* () {
        const accounts = yield* LinkedAccountStore
        const user = yield* insertUser
        const full = yield* Builders.linkedAccount({ userId: user.id, tokens: yield* fullTokens })
        const bare = yield* Builders.linkedAccount({ userId: user.id, tokens: Builders.noTokens })
        for (const account of [full, bare]) {
          assert.deepStrictEqual(yield* accounts.upsert(account), account)
          assert.deepStrictEqual(yield* accounts.find(account.providerId, account.accountId), Option.some(account))
        }
      }),
    )

    it.effect("keeps the accounts of different providers apart", () =>
      Effect.gen(function* () {
        const accounts = yield* LinkedAccountStore
        const [ada, bob] = [yield* insertUser, yield* insertUser]
        const one = yield* accounts.upsert(yield* Builders.linkedAccount({ userId: ada.id }))
        assert.deepStrictEqual(yield* accounts.find("google", one.accountId), Option.none())
        assert.deepStrictEqual(yield* accounts.find(one.providerId, `${one.accountId}0`), Option.none())
        const { accountId } = one
        const two = yield* accounts.upsert(
          yield* Builders.linkedAccount({ userId: bob.id, providerId: "google", accountId }),
        )
        assert.deepStrictEqual(yield* accounts.find("google", accountId), Option.some(two))
        assert.deepStrictEqual(yield* accounts.find(one.providerId, accountId), Option.some(one))
      }),
    )

    it.effect("renews the tokens of a link that the user has, under the id it has", () =>
      Effect.gen(function* () {
        const accounts = yield* LinkedAccountStore
        const user = yield* insertUser
        const first = yield* accounts.upsert(yield* Builders.linkedAccount({ userId: user.id }))
        const later = DateTime.add(first.updatedAt, { hours: 1 })
        const again = yield* Builders.linkedAccount({
          userId: user.id,
          accountId: first.accountId,
          tokens: yield* fullTokens,
          createdAt: later,
          updatedAt: later,
        })
        const renewed = { ...first, tokens: again.tokens, updatedAt: later }
        assert.deepStrictEqual(yield* accounts.upsert(again), renewed)
        assert.deepStrictEqual(yield* accounts.listByUser(user.id), [renewed])
      }),
    )

    it.effect("refuses an account that another user has, and leaves that link as it is", () =>
      Effect.gen(function* () {
        const accounts = yield* LinkedAccountStore
        const [ada, bob] = [yield* insertUser, yield* insertUser]
        const { accountId, ...linked } = yield* accounts.upsert(yield* Builders.linkedAccount({ userId: ada.id }))
        const error = yield* Effect.flip(
          accounts.upsert(yield* Builders.linkedAccount({ userId: bob.id, accountId, tokens: Builders.noTokens })),
        )
        assert.strictEqual(error._tag, "AccountLinkedElsewhere")
        if (error._tag === "AccountLinkedElsewhere") {
          assert.deepStrictEqual([error.providerId, error.userId], [linked.providerId, ada.id])
        }
        const kept = yield* accounts.find(linked.providerId, accountId)
        assert.deepStrictEqual(kept, Option.some({ ...linked, accountId }))
        assert.deepStrictEqual(yield* accounts.listByUser(bob.id), [])
      }),
    )

    it.effect("gives an account to one of many users that link it at once", () =>
      Effect.gen(function* () {
        const accounts = yield* LinkedAccountStore
        const people = yield* Effect.replicateEffect(insertUser, 20)
        const { accountId } = yield* Builders.linkedAccount({ userId: (yield* Builders.user()).id })
        const candidates = yield* Effect.forEach(people, ({ id }) => Builders.linkedAccount({ userId: id, accountId }))
        const exits = yield* Effect.forEach(candidates, (account) => Effect.exit(accounts.upsert(account)), {
          concurrency: "unbounded",
        })
        const winners = exits.filter(Exit.isSuccess).map((exit) => exit.value)
        assert.strictEqual(winners.length, 1)
        const errors = yield* Effect.forEach(exits.filter(Exit.isFailure), Effect.flip)
        assert.deepStrictEqual(new Set(errors.map((error) => error._tag)), new Set(["AccountLinkedElsewhere"]))
        assert.deepStrictEqual(yield* accounts.find("github", accountId), Option.fromUndefinedOr(winners[0]))
      }),
    )

    it.effect("refuses an account of an unknown user", () =>
      Effect.gen(function* () {
        const accounts = yield* LinkedAccountStore
        const account = yield* Builders.linkedAccount({ userId: (yield* Builders.user()).id })
        const error = yield* Effect.flip(accounts.upsert(account))
        assert.strictEqual(error._tag, "StoreError")
      }),
    )

    it.effect("lists the accounts of one user, oldest first", () =>
      Effect.gen(function* () {
        const accounts = yield* LinkedAccountStore
        const [ada, bob] = [yield* insertUser, yield* insertUser]
        const now = yield* DateTime.now
        const link = Effect.fnUntraced(function* (userId: typeof ada.id, days: number) {
          const createdAt = DateTime.add(now, { days })
          return yield* accounts.upsert(yield* Builders.linkedAccount({ userId, createdAt }))
        })
        const [second, third, first] = [yield* link(ada.id, 2), yield* link(ada.id, 3), yield* link(ada.id, 1)]
        yield* link(bob.id, 2)
        assert.deepStrictEqual(yield* accounts.listByUser(ada.id), [first, second, third])
      }),
    )

    it.effect("lets one of many concurrent refreshes replace the tokens", () =>
      Effect.gen(function* () {
        const accounts = yield* LinkedAccountStore
        const user = yield* insertUser
        const account = yield* accounts.upsert(yield* Builders.linkedAccount({ userId: user.id }))
        const { id, updatedAt: seenAt } = account
        const refreshes = yield* Effect.replicateEffect(fullTokens, 20)
        const updatedAt = DateTime.add(seenAt, { hours: 1 })
        const answers = yield* Effect.forEach(
          refreshes,
          (tokens) => accounts.replaceTokens({ id, seenAt, tokens, updatedAt }),
          { concurrency: "unbounded" },
        )
        assert.strictEqual(answers.filter((isReplaced) => isReplaced).length, 1)
        const tokens = refreshes[answers.indexOf(true)] ?? Builders.noTokens
        const kept = yield* accounts.find(account.providerId, account.accountId)
        assert.deepStrictEqual(kept, Option.some({ ...account, tokens, updatedAt }))
        assert.isFalse(yield* accounts.replaceTokens({ id, seenAt, tokens: Builders.noTokens, updatedAt }))
      }),
    )

    it.effect("finds an account with its user, and renews its tokens on the way", () =>
      Effect.gen(function* () {
        const accounts = yield* LinkedAccountStore
        const now = yield* DateTime.now
        const user = yield* Builders.user({ name: null, scopes: ["admin"], emailVerifiedAt: now, disabledAt: now })
        yield* UserStore.use((users) => users.insert(user))
        const account = yield* accounts.upsert(
          yield* Builders.linkedAccount({ userId: user.id, tokens: yield* fullTokens }),
        )
        yield* accounts.upsert(yield* Builders.linkedAccount({ userId: (yield* insertUser).id }))
        const { providerId, accountId } = account
        const updatedAt = DateTime.add(account.updatedAt, { hours: 1 })
        const found = yield* accounts.renew({ providerId, accountId, tokens: null, updatedAt })
        assert.deepStrictEqual(found, Option.some({ account, user }))
        const tokens = yield* fullTokens
        const renewed = { ...account, tokens, updatedAt }
        assert.deepStrictEqual(
          yield* accounts.renew({ providerId, accountId, tokens, updatedAt }),
          Option.some({ account: renewed, user }),
        )
        assert.deepStrictEqual(yield* accounts.listByUser(user.id), [renewed])
        for (const other of [
          { providerId: "google", accountId },
          { providerId, accountId: `${accountId}0` },
        ]) {
          assert.deepStrictEqual(yield* accounts.renew({ ...other, tokens, updatedAt }), Option.none())
        }
      }),
    )

    it.effect("keeps the refresh token and the scopes that a renewal lacks, and nothing else", () =>
      Effect.gen(function* () {
        const accounts = yield* LinkedAccountStore
        const user = yield* insertUser
        const full = yield* fullTokens
        const { providerId, accountId, ...account } = yield* accounts.upsert(
          yield* Builders.linkedAccount({ userId: user.id, tokens: full }),
        )
        const updatedAt = DateTime.add(account.updatedAt, { hours: 1 })
        yield* accounts.renew({ providerId, accountId, tokens: Builders.noTokens, updatedAt })
        const { refreshToken, refreshTokenExpiresAt, scopes } = full
        assert.deepStrictEqual(yield* accounts.listByUser(user.id), [
          {
            ...account,
            providerId,
            accountId,
            tokens: { ...Builders.noTokens, refreshToken, refreshTokenExpiresAt, scopes },
            updatedAt,
          },
        ])
      }),
    )

    it.effect("removes a link of its own user only, once", () =>
      Effect.gen(function* () {
        const accounts = yield* LinkedAccountStore
        const [ada, bob] = [yield* insertUser, yield* insertUser]
        const { providerId, accountId } = yield* accounts.upsert(yield* Builders.linkedAccount({ userId: ada.id }))
        assert.isFalse(yield* accounts.remove(bob.id, providerId, accountId))
        assert.isTrue(Option.isSome(yield* accounts.find(providerId, accountId)))
        assert.isTrue(yield* accounts.remove(ada.id, providerId, accountId))
        assert.isFalse(yield* accounts.remove(ada.id, providerId, accountId))
        assert.deepStrictEqual(yield* accounts.find(providerId, accountId), Option.none())
      }),
    )

    it.effect("removes the links of a user with the user, and nobody else's", () =>
      Effect.gen(function* () {
        const accounts = yield* LinkedAccountStore
        const users = yield* UserStore
        const [ada, bob] = [yield* insertUser, yield* insertUser]
        const lost = yield* accounts.upsert(yield* Builders.linkedAccount({ userId: ada.id }))
        const kept = yield* accounts.upsert(yield* Builders.linkedAccount({ userId: bob.id }))
        yield* users.remove(ada.id)
        assert.deepStrictEqual(yield* accounts.find(lost.providerId, lost.accountId), Option.none())
        assert.deepStrictEqual(yield* accounts.listByUser(bob.id), [kept])
      }),
    )
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const insertUser = Builders.storedUser()

const fullTokens = Effect.gen(function* () {
  return {
    accessToken: yield* Builders.sealed,
    refreshToken: yield* Builders.sealed,
    idToken: yield* Builders.sealed,
    tokenType: "Bearer",
    scopes: ["openid", "https://example.com/scope"],
    accessTokenExpiresAt: DateTime.makeUnsafe("2026-01-02T03:04:05.678Z"),
    refreshTokenExpiresAt: DateTime.makeUnsafe("2027-01-02T03:04:05.678Z"),
  }
})
