import { unknownClient } from "@belfry/core/AuditEvent"
import { toAccountSummary } from "@belfry/core/LinkedAccount"
import { LinkedAccountStore } from "@belfry/core/LinkedAccountStore"
import { LinkedAccounts } from "@belfry/core/LinkedAccounts"
import type { StoreError } from "@belfry/core/StoreError"
import type { AccountUnusable } from "@belfry/oauth-client/OAuthAccount"
import { OAuthAccounts } from "@belfry/oauth-client/OAuthAccounts"
import type { ProviderNotFound } from "@belfry/oauth-client/OAuthSignIn"
import { ProviderRefused, ProviderUnavailable } from "@belfry/oauth-client/OAuthTokens"
import * as Builders from "@belfry/testing/Builders"
import { statementsOf } from "@belfry/testing/StatementCounter"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import * as Accounts from "./support/Accounts.ts"
import { FakeRefresher } from "./support/FakeRefresher.ts"

const { inTime, link, newUser, rowOf, valueOf } = Accounts

type Failure = AccountUnusable | ProviderNotFound | StoreError

const unavailable = new ProviderUnavailable({ providerId: "acme", endpoint: "token", reason: "timeout" })
const refused = new ProviderRefused({ providerId: "acme", error: "invalid_grant", description: "no-secret-here" })

describe("OAuthAccounts", () => {
  it.effect("lists the accounts of a user, at one provider or at all, oldest first", () =>
    Effect.gen(function* () {
      const accounts = yield* OAuthAccounts
      const first = yield* link()
      const { userId } = first
      yield* TestClock.adjust("1 second")
      const second = yield* link({ userId, accountId: "43" })
      yield* TestClock.adjust("1 second")
      const third = yield* link({ userId, providerId: "crumb" })
      yield* link({ accountId: "44" })
      const summaries = [first, second, third].map(toAccountSummary)
      assert.deepStrictEqual(yield* accounts.list(userId), summaries)
      assert.deepStrictEqual(yield* accounts.list(userId, "acme"), summaries.slice(0, 2))
      assert.deepStrictEqual(yield* accounts.list(userId, "biscuit"), [])
      assert.deepStrictEqual(yield* accounts.list((yield* newUser).id), [])
    }).pipe(Effect.provide(Accounts.layer)),
  )

  it.effect("gives the tokens of an account as they are, and asks nobody, while they are good", () =>
    Effect.gen(function* () {
      const accounts = yield* OAuthAccounts
      const { userId, tokens, accountId } = yield* link()
      const selector = { providerId: "acme", userId, accountId }
      const { scopes: _, ...kept } = tokens
      assert.deepStrictEqual(yield* accounts.tokenSet(selector), {
        accountId,
        tokens: { ...kept, scope: "openid email" },
      })
      assert.strictEqual(valueOf(yield* accounts.accessToken(selector)), "access-1")
      assert.deepStrictEqual(yield* FakeRefresher.use(({ asked }) => asked), [])
    }).pipe(Effect.provide(Accounts.layer)),
  )

  for (const [millis, refreshes] of [
    [30_001, false],
    [30_000, true],
    [29_999, true],
    [0, true],
    [-3_600_000, true],
  ] as const) {
    it.effect(`${refreshes ? "renews" : "keeps"} tokens ${millis} ms before their end`, () =>
      Effect.gen(function* () {
        const accounts = yield* OAuthAccounts
        const { userId, tokens } = yield* link()
        assert.deepStrictEqual(tokens.accessTokenExpiresAt, DateTime.makeUnsafe(3_600_000))
        yield* TestClock.setTime(3_600_000 - millis)
        const token = yield* accounts.accessToken({ providerId: "acme", userId })
        assert.strictEqual(valueOf(token), refreshes ? "access-2" : "access-1")
        assert.deepStrictEqual(yield* FakeRefresher.use(({ asked }) => asked), refreshes ? ["refresh-1"] : [])
      }).pipe(Effect.provide(Accounts.layer)),
    )
  }

  it.effect("renews no tokens that end where it is told not to, that never end, or that have no refresh token", () =>
    Effect.gen(function* () {
      const accounts = yield* OAuthAccounts
      const { userId } = yield* link({ tokens: { accessTokenExpiresAt: null } })
      yield* link({ userId, accountId: "43", tokens: { refreshToken: null } })
      yield* link({ userId, accountId: "44" })
      yield* TestClock.adjust("1 day")
      const tokenOf = (accountId: string, autoRefresh: boolean) =>
        Effect.map(accounts.accessToken({ providerId: "acme", userId, accountId, autoRefresh }), valueOf)
      assert.strictEqual(yield* tokenOf("42", true), "access-1")
      assert.strictEqual(yield* tokenOf("43", true), "access-2")
      assert.strictEqual(yield* tokenOf("44", false), "access-3")
      assert.deepStrictEqual(yield* FakeRefresher.use(({ asked }) => asked), [])
      assert.strictEqual(yield* tokenOf("44", true), "access-4")
    }).pipe(Effect.provide(Accounts.layer)),
  )

  it.effect("renews tokens when asked to, and keeps them", () =>
    Effect.gen(function* () {
      const accounts = yield* OAuthAccounts
      const account = yield* link()
      const { userId, accountId } = account
      const { tokens } = yield* accounts.refresh({ providerId: "acme", userId })
      assert.deepStrictEqual([tokens.accessToken, tokens.refreshToken, tokens.idToken].map(valueOf), [
        "access-2",
        "refresh-2",
        "id-2",
      ])
      assert.deepStrictEqual(yield* accounts.tokenSet({ providerId: "acme", userId }), { accountId, tokens })
      assert.deepStrictEqual(tokens.accessTokenExpiresAt, DateTime.makeUnsafe(3_600_000))
      const row = yield* rowOf(account)
      assert.deepStrictEqual([row.id, row.createdAt], [account.id, account.createdAt])
      assert.strictEqual(
        valueOf((yield* accounts.refresh({ providerId: "acme", userId })).tokens.accessToken),
        "access-3",
      )
      assert.deepStrictEqual(yield* FakeRefresher.use(({ asked }) => asked), ["refresh-1", "refresh-2"])
    }).pipe(Effect.provide(Accounts.layer)),
  )

  it.effect("keeps what the provider leaves out of its answer, but no end of the access token", () =>
    Effect.gen(function* () {
      const accounts = yield* OAuthAccounts
      const { answering, asked } = yield* FakeRefresher
      const { userId, tokens: first } = yield* link()
      yield* answering(({ accessToken, raw }) => ({
        accessToken,
        raw,
        tokenType: null,
        refreshToken: null,
        scope: null,
        idToken: null,
        accessTokenExpiresAt: null,
        refreshTokenExpiresAt: null,
      }))
      yield* TestClock.adjust("1 hour")
      const { tokens } = yield* accounts.tokenSet({ providerId: "acme", userId })
      assert.deepStrictEqual(tokens, {
        accessToken: Redacted.make("access-2"),
        refreshToken: first.refreshToken,
        idToken: first.idToken,
        tokenType: "Bearer",
        scope: "openid email",
        accessTokenExpiresAt: null,
        refreshTokenExpiresAt: first.refreshTokenExpiresAt,
      })
      yield* TestClock.adjust("1 day")
      assert.deepStrictEqual((yield* accounts.tokenSet({ providerId: "acme", userId })).tokens, tokens)
      assert.deepStrictEqual(yield* asked, ["refresh-1"])
    }).pipe(Effect.provide(Accounts.layer)),
  )

  it.effect("knows no end of a new refresh token of which the provider tells none, and keeps that of the old one", () =>
    Effect.gen(function* () {
      const accounts = yield* OAuthAccounts
      const { answering } = yield* FakeRefresher
      const { userId, tokens: first } = yield* link()
      yield* answering((answer) => ({ ...answer, refreshToken: first.refreshToken, refreshTokenExpiresAt: null }))
      const same = yield* accounts.refresh({ providerId: "acme", userId })
      assert.deepStrictEqual(same.tokens.refreshTokenExpiresAt, first.refreshTokenExpiresAt)
      const other = yield* link({ accountId: "43" })
      yield* answering((answer) => ({ ...answer, refreshTokenExpiresAt: null }))
      const renewed = yield* accounts.refresh({ providerId: "acme", userId: other.userId })
      assert.isNull(renewed.tokens.refreshTokenExpiresAt)
    }).pipe(Effect.provide(Accounts.layer)),
  )

  for (const error of [unavailable, refused]) {
    it.effect(`fails and leaves the tokens alone when the refresh ends in ${error._tag}`, () =>
      Effect.gen(function* () {
        const accounts = yield* OAuthAccounts
        const { failing, asked } = yield* FakeRefresher
        const account = yield* link()
        const selector = { providerId: "acme", userId: account.userId }
        yield* failing(error)
        yield* TestClock.adjust("1 hour")
        for (const call of [accounts.refresh(selector), accounts.accessToken(selector), accounts.info(selector)]) {
          const failure = yield* inTime(Effect.flip(Effect.asVoid<unknown, Failure, never>(call)))
          if (failure._tag !== "AccountUnusable") return assert.fail(failure._tag)
          assert.deepStrictEqual([failure.providerId, failure.reason], ["acme", "refresh-failed"])
          assert.notInclude(JSON.stringify(failure), "secret")
        }
        assert.deepStrictEqual(yield* rowOf(account), account)
        // A failure is not kept: the next call asks again.
        yield* failing(null)
        assert.strictEqual(valueOf(yield* accounts.accessToken(selector)), "access-2")
        assert.deepStrictEqual(yield* asked, ["refresh-1", "refresh-1", "refresh-1", "refresh-1"])
      }).pipe(Effect.provide(Accounts.layer)),
    )
  }

  it.effect("tells why there are no tokens", () =>
    Effect.gen(function* () {
      const accounts = yield* OAuthAccounts
      const { userId } = yield* link({ tokens: { accessToken: null, refreshToken: null } })
      const other = yield* newUser
      const reasonOf = <A, E extends { readonly _tag: string; readonly reason?: string }>(
        effect: Effect.Effect<A, E>,
      ) => Effect.map(Effect.flip(effect), ({ _tag, reason }) => reason ?? _tag)
      const selector = { providerId: "acme", userId }
      assert.strictEqual(yield* reasonOf(accounts.accessToken(selector)), "no-token")
      assert.strictEqual(yield* reasonOf(accounts.refresh(selector)), "no-token")
      assert.isNull((yield* accounts.tokenSet(selector)).tokens.accessToken)
      assert.strictEqual(yield* reasonOf(accounts.tokenSet({ ...selector, providerId: "nobody" })), "ProviderNotFound")
      assert.strictEqual(yield* reasonOf(accounts.tokenSet({ ...selector, providerId: "crumb" })), "not-linked")
      assert.strictEqual(yield* reasonOf(accounts.tokenSet({ ...selector, accountId: "43" })), "not-linked")
      // Somebody else's account is none.
      for (const accountId of ["42", undefined]) {
        assert.strictEqual(
          yield* reasonOf(accounts.tokenSet({ providerId: "acme", userId: other.id, accountId })),
          "not-linked",
        )
      }
      yield* link({ userId, accountId: "43" })
      assert.strictEqual(yield* reasonOf(accounts.tokenSet(selector)), "account-required")
      assert.strictEqual((yield* accounts.tokenSet({ ...selector, accountId: "43" })).accountId, "43")
    }).pipe(Effect.provide(Accounts.layer)),
  )

  it.effect("calls tokens unreadable whose seal does not open, and lists their account with the others", () =>
    Effect.gen(function* () {
      const accounts = yield* OAuthAccounts
      const store = yield* LinkedAccountStore
      const broken = yield* link()
      const { userId } = broken
      const readable = yield* link({ userId, providerId: "crumb" })
      const [row] = yield* store.listByUser(userId)
      if (row === undefined) return assert.fail("no row")
      yield* store.upsert({ ...row, tokens: { ...row.tokens, idToken: "belfry:sealed:gone.AAAA" } })
      const selector = { providerId: "acme", userId }
      for (const call of [
        accounts.tokenSet(selector),
        accounts.tokenSet({ ...selector, accountId: "42" }),
        accounts.accessToken(selector),
        accounts.refresh(selector),
        accounts.info(selector),
      ]) {
        const error = yield* Effect.flip<unknown, { readonly _tag: string; readonly reason?: string }, never>(call)
        assert.deepStrictEqual([error._tag, error.reason], ["AccountUnusable", "unreadable"])
      }
      const summaries = [broken, readable].map(toAccountSummary)
      assert.deepStrictEqual(yield* accounts.list(userId), summaries)
      assert.deepStrictEqual(yield* accounts.list(userId, "acme"), summaries.slice(0, 1))
    }).pipe(Effect.provide(Accounts.layer)),
  )

  it.effect("asks the provider who the person is, with tokens that are good", () =>
    Effect.gen(function* () {
      const accounts = yield* OAuthAccounts
      const { telling, profilesAsked } = yield* FakeRefresher
      const { userId } = yield* link()
      const selector = { providerId: "acme", userId }
      assert.deepStrictEqual(yield* accounts.info(selector), { accountId: "42", user: null })
      const ada = { accountId: "42", email: null, emailVerified: false, name: "Ada", image: null, raw: { sub: "42" } }
      yield* telling(ada)
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* accounts.info(selector), { accountId: "42", user: ada })
      yield* TestClock.adjust("1 hour")
      yield* accounts.info({ ...selector, autoRefresh: false })
      assert.deepStrictEqual(yield* profilesAsked, ["access-1", "access-2", "access-2"])
      yield* telling(new ProviderUnavailable({ providerId: "acme", endpoint: "userinfo", reason: "status" }))
      const error = yield* Effect.flip(accounts.info({ ...selector, autoRefresh: false }))
      assert.deepStrictEqual([error._tag, "reason" in error && error.reason], ["AccountUnusable", "refresh-failed"])
    }).pipe(Effect.provide(Accounts.layer)),
  )

  it.effect("tells nothing of a person who is not the one of the account", () =>
    Effect.gen(function* () {
      const accounts = yield* OAuthAccounts
      const { userId } = yield* link()
      const { telling } = yield* FakeRefresher
      yield* telling({ accountId: "43", email: null, emailVerified: false, name: "Eve", image: null, raw: {} })
      assert.deepStrictEqual(yield* accounts.info({ providerId: "acme", userId }), { accountId: "42", user: null })
    }).pipe(Effect.provide(Accounts.layer)),
  )

  it.effect("unlinks the account that is meant, and no other", () =>
    Effect.gen(function* () {
      const accounts = yield* OAuthAccounts
      const user = yield* newUser
      const session = yield* Builders.session({ userId: user.id })
      const [first, second] = [yield* link({ userId: user.id }), yield* link({ userId: user.id, accountId: "43" })]
      const unlink = (accountId?: string) =>
        accounts.unlink({
          account: { providerId: "acme", userId: user.id, accountId },
          session,
          user,
          client: unknownClient,
        })
      const error = yield* Effect.flip(unlink())
      assert.strictEqual("reason" in error && error.reason, "account-required")
      assert.deepStrictEqual(yield* unlink("43"), { accountId: second.accountId })
      assert.deepStrictEqual(yield* accounts.list(user.id), [toAccountSummary(first)])
      assert.deepStrictEqual(yield* unlink(), { accountId: "42" })
      assert.deepStrictEqual(yield* accounts.list(user.id), [])
      const gone = yield* Effect.flip(unlink("42"))
      assert.deepStrictEqual([gone._tag, "reason" in gone && gone.reason], ["UnlinkRefused", "not-linked"])
    }).pipe(Effect.provide(Accounts.layer)),
  )

  it.effect("unlinks nobody else's account, whoever is said to have it", () =>
    Effect.gen(function* () {
      const accounts = yield* OAuthAccounts
      const account = yield* link()
      const eve = yield* newUser
      const session = yield* Builders.session({ userId: eve.id })
      yield* link({ userId: account.userId, accountId: "43" })
      for (const selector of [
        { userId: account.userId, accountId: "42" },
        { userId: eve.id, accountId: "42" },
        // It is not even told that there are two.
        { userId: account.userId },
      ]) {
        const error = yield* accounts
          .unlink({ account: { providerId: "acme", ...selector }, session, user: eve, client: unknownClient })
          .pipe(Effect.flip)
        assert.deepStrictEqual([error._tag, "reason" in error && error.reason], ["UnlinkRefused", "not-linked"])
      }
      assert.deepStrictEqual(yield* rowOf(account), account)
    }).pipe(Effect.provide(Accounts.layer)),
  )

  it.effect("unlinks an account whose tokens cannot be read any more", () =>
    Effect.gen(function* () {
      const accounts = yield* OAuthAccounts
      const store = yield* LinkedAccountStore
      const user = yield* newUser
      yield* link({ userId: user.id })
      const [row] = yield* store.listByUser(user.id)
      if (row === undefined) return assert.fail("no row")
      yield* store.upsert({ ...row, tokens: { ...row.tokens, idToken: "belfry:sealed:gone.AAAA" } })
      const session = yield* Builders.session({ userId: user.id })
      const account = { providerId: "acme", userId: user.id, accountId: "42" }
      yield* accounts.unlink({ account, session, user, client: unknownClient })
      assert.deepStrictEqual(yield* store.listByUser(user.id), [])
    }).pipe(Effect.provide(Accounts.layer)),
  )

  it.effect("never unlinks what the gate keeps: the last way in", () =>
    Effect.gen(function* () {
      const accounts = yield* OAuthAccounts
      const user = yield* newUser
      const account = yield* link({ userId: user.id })
      const session = yield* Builders.session({ userId: user.id })
      const error = yield* accounts
        .unlink({ account: { providerId: "acme", userId: user.id }, session, user, client: unknownClient })
        .pipe(Effect.flip)
      assert.deepStrictEqual([error._tag, "reason" in error && error.reason], ["UnlinkRefused", "last-way-in"])
      assert.deepStrictEqual(yield* LinkedAccounts.use(({ list }) => list(user.id)), [account])
    }).pipe(Effect.provide(Accounts.layerOver(TestServices.layerMemory, Accounts.closedGate))),
  )

  for (const { name, layer } of Accounts.databases()) {
    it.effect(`runs one statement for tokens that are good (${name})`, () =>
      Effect.gen(function* () {
        const accounts = yield* OAuthAccounts
        const { userId } = yield* link()
        const selector = { providerId: "acme", userId }
        for (const call of [
          accounts.accessToken(selector),
          accounts.accessToken({ ...selector, accountId: "42" }),
          accounts.tokenSet(selector),
          accounts.info(selector),
          accounts.list(userId),
        ]) {
          const statements = yield* statementsOf(Effect.asVoid<unknown, unknown, never>(call))
          assert.deepStrictEqual(statements, ["SELECT linked_accounts"])
        }
      }).pipe(Effect.provide(Accounts.layerOver(TestServices.layerSql(layer)))),
    )
  }
})
