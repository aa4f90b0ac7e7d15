/**
 * The account cookie: it tells which of a user's accounts is meant, to that user and for that provider alone.
 */
import * as KeyRing from "@belfry/core/KeyRing"
import { unknownClient } from "@belfry/core/AuditEvent"
import type { LinkedAccount } from "@belfry/core/LinkedAccount"
import { LinkedAccounts } from "@belfry/core/LinkedAccounts"
import { OAuthAccounts } from "@belfry/oauth-client/OAuthAccounts"
import * as Builders from "@belfry/testing/Builders"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import * as Accounts from "./support/Accounts.ts"
import { FakeRefresher } from "./support/FakeRefresher.ts"

const { link, newUser, rowOf, valueOf } = Accounts

const none = { accessToken: null, refreshToken: null, idToken: null, accessTokenExpiresAt: null }

const cookieOf = Effect.fnUntraced(function* (account: LinkedAccount) {
  const cookie = yield* OAuthAccounts.use((accounts) => accounts.accountCookie(account.providerId, account))
  return cookie === null ? assert.fail("no cookie") : cookie
})

/** Two accounts of a user, so that one has to be meant, with the cookie of the second. */
const two = Effect.gen(function* () {
  const first = yield* link({ providerId: "crumb" })
  const second = yield* link({ userId: first.userId, providerId: "crumb", accountId: "43" })
  return { userId: first.userId, first, second, cookie: (yield* cookieOf(second)).value }
})

/** Which account a call takes, or why none. */
const chosen = (selector: Parameters<OAuthAccounts["Service"]["tokenSet"]>[0]) =>
  OAuthAccounts.use((accounts) => accounts.tokenSet(selector)).pipe(
    Effect.map(({ accountId }) => accountId),
    Effect.catchTag("AccountUnusable", ({ reason }) => Effect.succeed(reason)),
  )

/** A cookie that this installation sealed, of whatever content. */
const forged = Effect.fnUntraced(function* (content: string) {
  const sealer = yield* (yield* KeyRing.KeyRing).sealer("oauth-account-cookie")
  return Redacted.make<string>(yield* sealer.seal(Redacted.make(content), "account"))
})

describe("The account cookie", () => {
  it.effect("is there only for providers that keep one, in a name of their own, and shows nothing", () =>
    Effect.gen(function* () {
      const accounts = yield* OAuthAccounts
      const { second, first } = yield* two
      const acme = yield* link()
      assert.isNull(yield* accounts.accountCookie("acme", acme))
      assert.isNull(yield* accounts.accountCookie("biscuit", second))
      const error = yield* Effect.flip(accounts.accountCookie("nobody", second))
      assert.strictEqual(error._tag, "ProviderNotFound")
      const { name, value } = yield* cookieOf(second)
      assert.strictEqual(name, "belfry_oauth_crumb_account")
      assert.match(Redacted.value(value), /^[\w.-]+$/)
      const clear = Buffer.from(Redacted.value(value).split(".")[1] ?? "", "base64url").toString("latin1")
      for (const secret of ["access-", "refresh-", second.userId, '"43"']) assert.notInclude(clear, secret)
      assert.notStrictEqual(Redacted.value((yield* cookieOf(first)).value), Redacted.value(value))
    }).pipe(Effect.provide(Accounts.layer)),
  )

  it.effect("tells which account is meant, unless one is named", () =>
    Effect.gen(function* () {
      const { userId, cookie } = yield* two
      const selector = { providerId: "crumb", userId }
      assert.strictEqual(yield* chosen(selector), "account-required")
      assert.strictEqual(yield* chosen({ ...selector, cookie }), "43")
      assert.strictEqual(yield* chosen({ ...selector, cookie, accountId: "42" }), "42")
      assert.strictEqual(yield* chosen({ ...selector, cookie, accountId: "44" }), "not-linked")
    }).pipe(Effect.provide(Accounts.layer)),
  )

  it.effect("means nothing for another provider, for a provider that keeps none, or to another user", () =>
    Effect.gen(function* () {
      const { userId, cookie } = yield* two
      for (const providerId of ["biscuit", "acme"]) {
        yield* link({ userId, providerId, accountId: "42" })
        yield* link({ userId, providerId, accountId: "43" })
        assert.strictEqual(yield* chosen({ providerId, userId, cookie }), "account-required")
      }
      // From when the provider kept one.
      const old = yield* forged(JSON.stringify({ providerId: "acme", accountId: "43", userId, tokens: null }))
      assert.strictEqual(yield* chosen({ providerId: "acme", userId, cookie: old }), "account-required")
      const other = yield* newUser
      assert.strictEqual(yield* chosen({ providerId: "crumb", userId: other.id, cookie }), "not-linked")
      yield* link({ userId: other.id, providerId: "crumb", accountId: "50" })
      assert.strictEqual(yield* chosen({ providerId: "crumb", userId: other.id, cookie }), "50")
    }).pipe(Effect.provide(Accounts.layer)),
  )

  it.effect("means nothing to another user who has come to have the account", () =>
    Effect.gen(function* () {
      const { second, cookie } = yield* two
      const { userId, providerId, accountId } = second
      yield* LinkedAccounts.use(({ unlink }) => unlink({ userId, providerId, accountId, client: unknownClient }))
      const eve = yield* link({ providerId, accountId, tokens: none })
      const { tokens } = yield* OAuthAccounts.use((accounts) =>
        accounts.tokenSet({ providerId, userId: eve.userId, cookie }),
      )
      assert.deepStrictEqual([tokens.accessToken, tokens.refreshToken], [null, null])
    }).pipe(Effect.provide(Accounts.layer)),
  )

  it.effect("means nothing when it was altered, is another secret of ours, or nothing at all", () =>
    Effect.gen(function* () {
      const { userId, cookie, first } = yield* two
      const text = Redacted.value(cookie)
      const other = yield* (yield* KeyRing.KeyRing).sealer("provider-token")
      const content = JSON.stringify({ providerId: "crumb", accountId: "42", userId, tokens: null })
      for (const value of [
        "",
        "x",
        "test.",
        text.slice(0, -2),
        `${text.slice(0, -3)}${text.at(-3) === "A" ? "B" : "A"}${text.slice(-2)}`,
        text.replace("test.", "other."),
        yield* other.seal(Redacted.make(content), "account"),
        Redacted.value(yield* forged("not JSON")),
        Redacted.value(yield* forged('{"providerId":"crumb","accountId":"42"}')),
        Redacted.value(yield* forged(JSON.stringify({ providerId: "crumb", accountId: 42, userId, tokens: null }))),
      ]) {
        assert.strictEqual(
          yield* chosen({ providerId: "crumb", userId, cookie: Redacted.make(value) }),
          "account-required",
          value,
        )
      }
      assert.strictEqual(
        yield* chosen({ providerId: "crumb", userId, cookie: yield* forged(content) }),
        first.accountId,
      )
    }).pipe(Effect.provide(Accounts.layer)),
  )

  it.effect("means nothing once the account was unlinked: the one that is left is taken", () =>
    Effect.gen(function* () {
      const accounts = yield* OAuthAccounts
      const user = yield* newUser
      yield* link({ userId: user.id, providerId: "crumb" })
      const second = yield* link({ userId: user.id, providerId: "crumb", accountId: "43" })
      const { value: cookie } = yield* cookieOf(second)
      const selector = { providerId: "crumb", userId: user.id, cookie }
      const session = yield* Builders.session({ userId: user.id })
      const unlink = accounts.unlink({ account: selector, session, user, client: unknownClient })
      assert.deepStrictEqual(yield* unlink, { accountId: "43" })
      assert.strictEqual(yield* chosen(selector), "42")
      assert.deepStrictEqual(yield* unlink, { accountId: "42" })
      assert.strictEqual(yield* chosen(selector), "not-linked")
    }).pipe(Effect.provide(Accounts.layer)),
  )

  it.effect("stands in for tokens that the database does not keep, and never for those that it keeps", () =>
    Effect.gen(function* () {
      const accounts = yield* OAuthAccounts
      const account = yield* link({ providerId: "crumb" })
      const { userId } = account
      const { value: cookie } = yield* cookieOf(account)
      const selector = { providerId: "crumb", userId, cookie }
      const linkedAccounts = yield* LinkedAccounts
      yield* linkedAccounts.replaceTokens(account, { ...account.tokens, ...none })
      const { tokens } = yield* accounts.tokenSet(selector)
      assert.strictEqual(valueOf(tokens.accessToken), "access-1")
      assert.deepStrictEqual(tokens.accessTokenExpiresAt, account.tokens.accessTokenExpiresAt)
      const named = yield* accounts.tokenSet({ ...selector, accountId: "42" })
      assert.deepStrictEqual(named.tokens, tokens)
      const without = yield* accounts.tokenSet({ providerId: "crumb", userId })
      assert.isNull(without.tokens.accessToken)
      // Renewed, they are kept, and then the database tells.
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(valueOf(yield* accounts.accessToken(selector)), "access-2")
      assert.strictEqual(valueOf((yield* rowOf(account)).tokens.accessToken), "access-2")
      assert.strictEqual(valueOf(yield* accounts.accessToken({ providerId: "crumb", userId })), "access-2")
      assert.strictEqual(valueOf(yield* accounts.accessToken(selector)), "access-2")
      assert.deepStrictEqual(yield* FakeRefresher.use(({ asked }) => asked), ["refresh-1"])
    }).pipe(Effect.provide(Accounts.layer)),
  )

  it.effect("does not stand in for the tokens of another account of the user", () =>
    Effect.gen(function* () {
      const { userId, first, cookie } = yield* two
      yield* LinkedAccounts.use((accounts) => accounts.replaceTokens(first, { ...first.tokens, ...none }))
      const { tokens } = yield* OAuthAccounts.use((accounts) =>
        accounts.tokenSet({ providerId: "crumb", userId, accountId: "42", cookie }),
      )
      assert.isNull(tokens.accessToken)
    }).pipe(Effect.provide(Accounts.layer)),
  )

  for (const length of [100, 2_000, 3_000, 50_000]) {
    it.effect(`stays under 4 kB with an ID token of ${length} characters`, () =>
      Effect.gen(function* () {
        const accounts = yield* OAuthAccounts
        const idToken = Redacted.make("i".repeat(length))
        const first = yield* link({ providerId: "crumb", tokens: { idToken } })
        const { userId } = first
        yield* link({ userId, providerId: "crumb", accountId: "43" })
        const { name, value } = yield* cookieOf(first)
        const attributes = "; Path=/; HttpOnly; Secure; SameSite=Lax; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
        assert.isBelow(`__Host-${name}=${Redacted.value(value)}${attributes}`.length, 4_000)
        // Whatever fits, the account is told.
        const selector = { providerId: "crumb", userId, cookie: value }
        assert.strictEqual(yield* chosen(selector), "42")
        yield* LinkedAccounts.use((rows) => rows.replaceTokens(first, { ...first.tokens, ...none }))
        const { tokens } = yield* accounts.tokenSet(selector)
        assert.deepStrictEqual(tokens.idToken, length <= 2_000 ? idToken : null)
      }).pipe(Effect.provide(Accounts.layer)),
    )
  }

  it.effect("is not there for an account whose id alone is too long", () =>
    Effect.gen(function* () {
      const account = yield* link({ providerId: "crumb", accountId: "4".repeat(3_800) })
      assert.isNull(yield* OAuthAccounts.use((accounts) => accounts.accountCookie("crumb", account)))
    }).pipe(Effect.provide(Accounts.layer)),
  )
})
