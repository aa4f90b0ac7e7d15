import { Audit } from "@belfry/core/Audit"
import * as KeyRing from "@belfry/core/KeyRing"
import { AccountLinkedElsewhere, type ProviderTokens } from "@belfry/core/LinkedAccount"
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
const secrets = ["access-secret", "refresh-secret", "id-secret"] as const

const tokens: ProviderTokens<Redacted.Redacted> = {
  accessToken: Redacted.make(secrets[0]),
  refreshToken: Redacted.make(secrets[1]),
  idToken: Redacted.make(secrets[2]),
  tokenType: "Bearer",
  scopes: ["openid", "email"],
  accessTokenExpiresAt: DateTime.makeUnsafe(3_600_000),
  refreshTokenExpiresAt: null,
}

const newUser = Builders.storedUser()

/** A new user with an account at a provider. */
const linked = Effect.gen(function* () {
  const user = yield* newUser
  const accounts = yield* LinkedAccounts.LinkedAccounts
  return yield* accounts.link({ userId: user.id, providerId: "github", accountId: "42", tokens, client })
})

/** The service over the same stores with the keys of another time. */
const layerWithKeys = (...ids: readonly [string, ...ReadonlyArray<string>]) =>
  Layer.fresh(Layer.provide(LinkedAccounts.layer, TestKeyRing.layerOf(...ids)))

describe("LinkedAccounts", () => {
  it.effect("returns an account as it was linked, to whoever looks for it and to its user", () =>
    Effect.gen(function* () {
      const accounts = yield* LinkedAccounts.LinkedAccounts
      const account = yield* linked
      assert.deepStrictEqual(account.tokens, tokens)
      assert.deepStrictEqual(yield* accounts.find("github", "42"), Option.some(account))
      assert.deepStrictEqual(yield* accounts.list(account.userId), [account])
      assert.deepStrictEqual(yield* accounts.find("github", "43"), Option.none())
      assert.deepStrictEqual(yield* accounts.find("gitlab", "42"), Option.none())
      assert.notInclude(JSON.stringify(account), "secret")
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("keeps an account without tokens", () =>
    Effect.gen(function* () {
      const accounts = yield* LinkedAccounts.LinkedAccounts
      const user = yield* newUser
      const bare = { ...tokens, accessToken: null, refreshToken: null, idToken: null }
      yield* accounts.link({ userId: user.id, providerId: "github", accountId: "42", tokens: bare, client })
      assert.deepStrictEqual((yield* accounts.list(user.id))[0]?.tokens, bare)
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("gives the store sealed tokens, each of its own", () =>
    Effect.gen(function* () {
      const store = yield* LinkedAccountStore
      yield* linked
      const { accessToken, refreshToken, idToken } = Option.getOrThrow(yield* store.find("github", "42")).tokens
      const sealed = [accessToken, refreshToken, idToken]
      for (const text of sealed) assert.match(text ?? "", /^belfry:sealed:test\.[\w-]{40,}$/)
      assert.strictEqual(new Set(sealed).size, 3)
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("leaves no token in the database that somebody could read", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* linked
      const rows = yield* sql<{ readonly row: string }>`SELECT a::text AS row FROM belfry_linked_accounts a`
      assert.strictEqual(rows.length, 1)
      for (const { row } of rows) {
        assert.include(row, "github")
        for (const secret of secrets) {
          assert.notInclude(row, secret)
          assert.notInclude(row, Buffer.from(secret).toString("base64url"))
          assert.notInclude(row, Buffer.from(secret).toString("hex"))
        }
      }
    }).pipe(
      Effect.provide(
        TestCore.layerOver(
          Layer.merge(TestServices.layerSqlStores, MemoryRateLimitStore.layer).pipe(
            Layer.provideMerge(
              TestDatabase.layerPglite([SqlCoreMigrations.migrations, SqlFactorsMigrations.migrations]),
            ),
          ),
        ),
      ),
    ),
  )

  it.effect("opens no token that was moved to another account or another field", () =>
    Effect.gen(function* () {
      const accounts = yield* LinkedAccounts.LinkedAccounts
      const store = yield* LinkedAccountStore
      const account = yield* linked
      const sealed = Option.getOrThrow(yield* store.find("github", "42"))
      const other = yield* newUser
      yield* store.upsert({
        ...sealed,
        id: (yield* Builders.linkedAccount({ userId: other.id })).id,
        userId: other.id,
        accountId: "43",
      })
      assert.strictEqual((yield* Effect.flip(accounts.find("github", "43")))._tag, "SealBroken")
      assert.strictEqual((yield* Effect.flip(accounts.list(other.id)))._tag, "SealBroken")
      const { accessToken, refreshToken } = sealed.tokens
      yield* store.replaceTokens({
        id: account.id,
        seenAt: sealed.updatedAt,
        tokens: { ...sealed.tokens, accessToken: refreshToken, refreshToken: accessToken },
        updatedAt: sealed.updatedAt,
      })
      assert.strictEqual((yield* Effect.flip(accounts.find("github", "42")))._tag, "SealBroken")
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("seals tokens anew when they are read after a rotation, once, and then the old key can go", () =>
    Effect.gen(function* () {
      const probe = yield* StoreProbe
      const account = yield* linked
      yield* TestClock.adjust("1 day")
      yield* Effect.gen(function* () {
        const accounts = yield* LinkedAccounts.LinkedAccounts
        yield* probe.clear
        assert.deepStrictEqual(yield* accounts.find("github", "42"), Option.some(account))
        assert.deepStrictEqual(yield* accounts.find("github", "42"), Option.some(account))
        assert.deepStrictEqual(yield* probe.calls, [
          "LinkedAccountStore.find",
          "LinkedAccountStore.replaceTokens",
          "LinkedAccountStore.find",
        ])
      }).pipe(Effect.provide(layerWithKeys("new", "test")))
      yield* Effect.gen(function* () {
        const accounts = yield* LinkedAccounts.LinkedAccounts
        assert.deepStrictEqual(yield* accounts.list(account.userId), [account])
      }).pipe(Effect.provide(layerWithKeys("new")))
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("fails for tokens whose key is gone", () =>
    Effect.gen(function* () {
      const account = yield* linked
      const error = yield* LinkedAccounts.LinkedAccounts.use((accounts) => accounts.list(account.userId)).pipe(
        Effect.provide(layerWithKeys("other")),
        Effect.flip,
      )
      assert.deepStrictEqual(error, new KeyRing.SealBroken({ keyId: "test" }))
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("renews the tokens of a link without writing a second one down", () =>
    Effect.gen(function* () {
      const accounts = yield* LinkedAccounts.LinkedAccounts
      const first = yield* linked
      yield* TestClock.adjust("1 hour")
      const renewed = yield* accounts.link({
        userId: first.userId,
        providerId: "github",
        accountId: "42",
        tokens: { ...tokens, accessToken: Redacted.make("newer-secret") },
        client,
      })
      assert.deepStrictEqual(renewed, {
        ...first,
        tokens: { ...tokens, accessToken: Redacted.make("newer-secret") },
        updatedAt: yield* DateTime.now,
      })
      assert.deepStrictEqual(yield* accounts.list(first.userId), [renewed])
      const events = yield* Audit.use((audit) => audit.list({ userId: first.userId }))
      assert.deepStrictEqual(
        events.map(({ type, data, client: from }) => [type, data, from]),
        [["account.linked", { providerId: "github" }, client]],
      )
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("links no account that another user has", () =>
    Effect.gen(function* () {
      const accounts = yield* LinkedAccounts.LinkedAccounts
      const account = yield* linked
      const other = yield* newUser
      const error = yield* Effect.flip(
        accounts.link({ userId: other.id, providerId: "github", accountId: "42", tokens, client }),
      )
      if (error._tag !== "AccountLinkedElsewhere") return assert.fail(error._tag)
      assert.instanceOf(error, AccountLinkedElsewhere)
      assert.strictEqual(error.providerId, "github")
      assert.deepStrictEqual(yield* accounts.find("github", "42"), Option.some(account))
      assert.deepStrictEqual(yield* Audit.use((audit) => audit.list({ userId: other.id })), [])
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("unlinks an account of its user alone, once, and writes it down", () =>
    Effect.gen(function* () {
      const accounts = yield* LinkedAccounts.LinkedAccounts
      const { userId } = yield* linked
      const other = yield* newUser
      const unlink = (id: typeof userId) =>
        accounts.unlink({ userId: id, providerId: "github", accountId: "42", client })
      assert.deepStrictEqual(
        [yield* unlink(other.id), yield* unlink(userId), yield* unlink(userId)],
        [false, true, false],
      )
      assert.deepStrictEqual(yield* accounts.list(userId), [])
      const events = yield* Audit.use((audit) => audit.list({ userId }))
      assert.deepStrictEqual(
        events.map(({ type }) => type),
        ["account.unlinked", "account.linked"],
      )
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("links and unlinks nothing when the audit event cannot be written", () =>
    Effect.gen(function* () {
      const accounts = yield* LinkedAccounts.LinkedAccounts
      const probe = yield* StoreProbe
      const user = yield* newUser
      const link = accounts.link({ userId: user.id, providerId: "github", accountId: "42", tokens, client })
      assert.strictEqual((yield* Effect.flip(probe.failing(["AuditStore.insert"], link)))._tag, "StoreError")
      assert.deepStrictEqual(yield* accounts.list(user.id), [])
      const account = yield* link
      const unlink = accounts.unlink({ userId: user.id, providerId: "github", accountId: "42", client })
      assert.strictEqual((yield* Effect.flip(probe.failing(["AuditStore.insert"], unlink)))._tag, "StoreError")
      assert.deepStrictEqual(yield* accounts.list(user.id), [account])
    }).pipe(Effect.provide(TestCore.layer)),
  )
})
