/**
 * How tokens rest and change: those that were imported in plain text, keys that rotate, values that were tampered with,
 * nodes that write at once.
 */
import { KeyedHash } from "@belfry/core/KeyedHash"
import type { LinkedAccount, ProviderTokens } from "@belfry/core/LinkedAccount"
import * as LinkedAccounts from "@belfry/core/LinkedAccounts"
import { LinkedAccountStore } from "@belfry/core/LinkedAccountStore"
import * as MemoryRateLimitStore from "@belfry/core/MemoryRateLimitStore"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlFactorsMigrations from "@belfry/factors/SqlFactorsMigrations"
import * as Builders from "@belfry/testing/Builders"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Option, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { StoreProbe } from "./support/StoreProbe.ts"
import * as TestCore from "./support/TestCore.ts"
import * as TestKeyRing from "./support/TestKeyRing.ts"

const { client } = TestCore

const bare: ProviderTokens<never> = {
  ...Builders.noTokens,
  tokenType: "Bearer",
  scopes: ["openid"],
}

const withAccessToken = (token: string): ProviderTokens<Redacted.Redacted> => ({
  ...bare,
  accessToken: Redacted.make(token),
})

const newUser = Builders.storedUser()

/** A row as another program left it. */
const imported = Effect.fnUntraced(function* (tokens: Partial<ProviderTokens<string>>) {
  const user = yield* newUser
  const account = yield* Builders.linkedAccount({ userId: user.id, accountId: "42", tokens: { ...bare, ...tokens } })
  return yield* LinkedAccountStore.use((store) => store.upsert(account))
})

const linked = Effect.gen(function* () {
  const accounts = yield* LinkedAccounts.LinkedAccounts
  const { id: userId } = yield* newUser
  const tokens = withAccessToken("first")
  return yield* accounts.link({ userId, providerId: "github", accountId: "42", tokens, client })
})

const find = LinkedAccounts.LinkedAccounts.use((accounts) =>
  Effect.map(accounts.find("github", "42"), Option.getOrThrow),
)
const resting = LinkedAccountStore.use((store) => Effect.map(store.find("github", "42"), Option.getOrThrow))
const valueOf = ({ tokens }: LinkedAccount) => tokens.accessToken && Redacted.value(tokens.accessToken)

const layerWithKeys = (...ids: readonly [string, ...ReadonlyArray<string>]) =>
  Layer.fresh(Layer.provide(LinkedAccounts.layer, TestKeyRing.layerOf(...ids)))

describe("LinkedAccounts at rest", () => {
  // Some are written like what the installation's key sealed.
  for (const plain of [
    "gho_16C7e42F292c6912E7710c838347Ae178B4a",
    "test.a0AfH6SMBx",
    "0123456789abcdtest.a0AfH6SMBx",
    "ya29.a0AfH6SMBx-abc_def",
    "x y:z",
  ]) {
    it.effect(`reads the imported token ${plain} as it is, and seals it on the way, once`, () =>
      Effect.gen(function* () {
        const probe = yield* StoreProbe
        const row = yield* imported({ accessToken: plain, refreshToken: plain })
        yield* probe.clear
        for (const account of [yield* find, yield* find]) {
          assert.strictEqual(valueOf(account), plain)
          assert.deepStrictEqual(account.updatedAt, row.updatedAt)
        }
        assert.deepStrictEqual(yield* probe.calls, [
          "LinkedAccountStore.find",
          "LinkedAccountStore.replaceTokens",
          "LinkedAccountStore.find",
        ])
        const { accessToken, refreshToken, idToken } = (yield* resting).tokens
        assert.match(accessToken ?? "", /^belfry:sealed:test\.[\w-]{40,}$/)
        assert.match(refreshToken ?? "", /^belfry:sealed:test\.[\w-]{40,}$/)
        assert.notStrictEqual(accessToken, refreshToken)
        assert.isNull(idToken)
      }).pipe(Effect.provide(TestCore.layer)),
    )
  }

  it.effect("seals an imported token when its account is listed, linked again or renewed", () =>
    Effect.gen(function* () {
      const accounts = yield* LinkedAccounts.LinkedAccounts
      const store = yield* LinkedAccountStore
      const row = yield* imported({ accessToken: "plain" })
      const isSealed = Effect.map(resting, ({ tokens }) => tokens.accessToken?.startsWith("belfry:sealed:") ?? false)
      yield* accounts.list(row.userId)
      assert.isTrue(yield* isSealed)
      const tokens = withAccessToken("new")
      yield* store.upsert(row)
      yield* accounts.link({ userId: row.userId, providerId: "github", accountId: "42", tokens, client })
      assert.isTrue(yield* isSealed)
      yield* store.upsert(row)
      yield* accounts.renew({ providerId: "github", accountId: "42", tokens })
      assert.isTrue(yield* isSealed)
      assert.strictEqual(valueOf(yield* find), "new")
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("reads a row of which one token is sealed and another one plain", () =>
    Effect.gen(function* () {
      const store = yield* LinkedAccountStore
      yield* linked
      const row = yield* resting
      yield* store.upsert({ ...row, tokens: { ...row.tokens, refreshToken: "plain" } })
      const { accessToken, refreshToken } = (yield* find).tokens
      assert.deepStrictEqual([accessToken, refreshToken], [Redacted.make("first"), Redacted.make("plain")])
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("seals anew with the ring's first key, what was plain and what an older key sealed", () =>
    Effect.gen(function* () {
      const store = yield* LinkedAccountStore
      yield* linked
      const row = yield* resting
      yield* store.upsert({ ...row, tokens: { ...row.tokens, refreshToken: "plain" } })
      yield* Effect.provide(find, layerWithKeys("new", "test"))
      const { tokens } = yield* resting
      for (const token of [tokens.accessToken, tokens.refreshToken]) assert.match(token ?? "", /^belfry:sealed:new\./)
      assert.strictEqual(valueOf(yield* Effect.provide(find, layerWithKeys("new"))), "first")
      assert.strictEqual((yield* Effect.flip(find))._tag, "SealBroken")
    }).pipe(Effect.provide(TestCore.layer)),
  )

  const tampered: ReadonlyArray<readonly [string, (sealed: string) => string]> = [
    [
      "a letter is another one",
      (sealed) => sealed.slice(0, -5) + (sealed.at(-5) === "A" ? "B" : "A") + sealed.slice(-4),
    ],
    ["it is cut off", (sealed) => sealed.slice(0, -4)],
    ["nothing follows the prefix", () => "belfry:sealed:"],
    ["no key is named", (sealed) => sealed.replace("test.", "")],
    ["another key is named", (sealed) => sealed.replace("test.", "other.")],
    ["plain text follows the prefix", () => "belfry:sealed:gho_16C7e42F"],
    ["a keyed hash follows the prefix", () => `belfry:sealed:${KeyedHash.make(`test.${"A".repeat(43)}`)}`],
  ]
  for (const [name, change] of tampered) {
    it.effect(`opens no sealed token of which ${name}, and leaves it as it is`, () =>
      Effect.gen(function* () {
        const store = yield* LinkedAccountStore
        yield* linked
        const row = yield* resting
        const changed = { ...row, tokens: { ...row.tokens, accessToken: change(row.tokens.accessToken ?? "") } }
        yield* store.upsert(changed)
        assert.strictEqual((yield* Effect.flip(find))._tag, "SealBroken")
        assert.deepStrictEqual(yield* resting, changed)
      }).pipe(Effect.provide(TestCore.layer)),
    )
  }

  it.effect("replaces the tokens of an account, sealed, and answers it as it is then", () =>
    Effect.gen(function* () {
      const accounts = yield* LinkedAccounts.LinkedAccounts
      const account = yield* linked
      yield* TestClock.adjust("1 hour")
      const tokens = withAccessToken("second")
      const replaced = Option.getOrThrow(yield* accounts.replaceTokens(account, tokens))
      assert.deepStrictEqual(replaced, { ...account, tokens, updatedAt: yield* DateTime.now })
      assert.deepStrictEqual(yield* find, replaced)
      assert.match((yield* resting).tokens.accessToken ?? "", /^belfry:sealed:test\./)
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("leaves an account alone that was changed since it was read, within the same millisecond too", () =>
    Effect.gen(function* () {
      const accounts = yield* LinkedAccounts.LinkedAccounts
      const account = yield* linked
      const winner = yield* accounts.replaceTokens(account, withAccessToken("winner"))
      assert.deepStrictEqual(yield* accounts.replaceTokens(account, withAccessToken("loser")), winner)
      assert.strictEqual(valueOf(yield* find), "winner")
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("lets a node replace what one with a faster clock wrote", () =>
    Effect.gen(function* () {
      const accounts = yield* LinkedAccounts.LinkedAccounts
      yield* TestClock.adjust("1 hour")
      const account = yield* linked
      yield* TestClock.setTime(0)
      const replaced = Option.getOrThrow(yield* accounts.replaceTokens(account, withAccessToken("second")))
      assert.isTrue(DateTime.isGreaterThan(replaced.updatedAt, account.updatedAt))
      assert.strictEqual(valueOf(yield* find), "second")
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("tells of accounts and of none of their secrets, whatever became of their seals", () =>
    Effect.gen(function* () {
      const accounts = yield* LinkedAccounts.LinkedAccounts
      const store = yield* LinkedAccountStore
      const { userId } = yield* imported({ accessToken: "plain", idToken: "belfry:sealed:gone.AAAA" })
      yield* store.upsert(yield* Builders.linkedAccount({ userId, providerId: "google", tokens: bare }))
      const summaries = yield* accounts.summaries(userId)
      assert.deepStrictEqual(
        summaries.map(({ providerId, tokens }) => [
          providerId,
          tokens.accessToken,
          tokens.refreshToken,
          tokens.idToken,
        ]),
        [
          ["github", true, null, true],
          ["google", null, null, null],
        ],
      )
      assert.deepStrictEqual(yield* accounts.summaries(userId, "github"), summaries.slice(0, 1))
      assert.deepStrictEqual(yield* accounts.summaries(userId, "gitlab"), [])
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("answers none for an account that was unlinked meanwhile, or linked again", () =>
    Effect.gen(function* () {
      const accounts = yield* LinkedAccounts.LinkedAccounts
      const account = yield* linked
      const { userId, providerId, accountId } = account
      yield* accounts.unlink({ userId, providerId, accountId, client })
      assert.deepStrictEqual(yield* accounts.replaceTokens(account, withAccessToken("late")), Option.none())
      yield* accounts.link({ userId, providerId, accountId, tokens: withAccessToken("again"), client })
      assert.deepStrictEqual(yield* accounts.replaceTokens(account, withAccessToken("late")), Option.none())
      assert.strictEqual(valueOf(yield* find), "again")
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("lists the accounts at one provider, whatever became of the others", () =>
    Effect.gen(function* () {
      const accounts = yield* LinkedAccounts.LinkedAccounts
      const store = yield* LinkedAccountStore
      const account = yield* linked
      const { userId } = account
      yield* store.upsert(
        yield* Builders.linkedAccount({
          userId,
          providerId: "google",
          tokens: { ...bare, idToken: "belfry:sealed:x" },
        }),
      )
      assert.deepStrictEqual(yield* accounts.list(userId, "github"), [account])
      assert.deepStrictEqual(yield* accounts.list(userId, "gitlab"), [])
      assert.strictEqual((yield* Effect.flip(accounts.list(userId, "google")))._tag, "SealBroken")
      assert.strictEqual((yield* Effect.flip(accounts.list(userId)))._tag, "SealBroken")
    }).pipe(Effect.provide(TestCore.layer)),
  )

  for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations, SqlFactorsMigrations.migrations])) {
    it.effect(`seals and replaces tokens of rows that were written to the microsecond (${name})`, () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const accounts = yield* LinkedAccounts.LinkedAccounts
        const user = yield* newUser
        const { id } = yield* Builders.linkedAccount({ userId: user.id })
        yield* sql`INSERT INTO belfry_linked_accounts
          (id, user_id, provider_id, account_id, access_token, scopes, created_at, updated_at)
          VALUES (${id}, ${user.id}, 'github', '42', 'plain', '{}',
            '2026-01-02 03:04:05.678901Z', '2026-01-02 03:04:05.678901Z')`
        const account = yield* find
        assert.strictEqual(valueOf(account), "plain")
        assert.match((yield* resting).tokens.accessToken ?? "", /^belfry:sealed:test\./)
        yield* sql`UPDATE belfry_linked_accounts SET access_token = 'plain', updated_at = '2026-01-02 03:04:05.678901Z'`
        yield* accounts.replaceTokens(account, withAccessToken("second"))
        assert.strictEqual(valueOf(yield* find), "second")
      }).pipe(
        Effect.provide(
          TestCore.layerOver(
            Layer.provideMerge(TestServices.layerSqlStores, layer).pipe(Layer.merge(MemoryRateLimitStore.layer)),
          ),
        ),
      ),
    )
  }
})
