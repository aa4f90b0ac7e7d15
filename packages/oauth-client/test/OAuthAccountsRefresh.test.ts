/**
 * Refreshes that come together: in one process, and on nodes that share a database.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import { LinkedAccounts, layer as LinkedAccountsLayer } from "@belfry/core/LinkedAccounts"
import { LinkedAccountStore } from "@belfry/core/LinkedAccountStore"
import { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import * as OAuthAccounts from "@belfry/oauth-client/OAuthAccounts"
import { assert, describe, it } from "@effect/vitest"
import { Context, DateTime, Effect, Exit, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as Accounts from "./support/Accounts.ts"
import { FakeRefresher } from "./support/FakeRefresher.ts"

const { inTime, link, otherNode, rowOf, valueOf } = Accounts

const all = { concurrency: "unbounded" } as const
const ended = { accessTokenExpiresAt: DateTime.makeUnsafe(0) }

/** Waits, in the time of the machine, until something is so. */
const until = <E, R>(condition: Effect.Effect<boolean, E, R>): Effect.Effect<void, E, R> =>
  Effect.gen(function* () {
    while (!(yield* condition)) yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
  })
const wasAsked = (times: number) =>
  until(FakeRefresher.use(({ asked }) => Effect.map(asked, ({ length }) => length === times)))

for (const { name, layer } of Accounts.backends) {
  describe(`Refreshes (${name})`, () => {
    it.live("renews tokens once for fifty calls that need them at once", () =>
      Effect.gen(function* () {
        const accounts = yield* OAuthAccounts.OAuthAccounts
        const account = yield* link({ tokens: ended })
        const selector = { providerId: "acme", userId: account.userId }
        const tokens = yield* Effect.replicateEffect(accounts.accessToken(selector), 50, all)
        assert.deepStrictEqual(new Set(tokens.map(valueOf)), new Set(["access-2"]))
        assert.deepStrictEqual(yield* FakeRefresher.use(({ asked }) => asked), ["refresh-1"])
        assert.strictEqual(valueOf((yield* rowOf(account)).tokens.refreshToken), "refresh-2")
      }).pipe(Effect.provide(layer)),
    )

    it.live("renews tokens once for fifty calls that ask for it", () =>
      Effect.gen(function* () {
        const accounts = yield* OAuthAccounts.OAuthAccounts
        const { userId } = yield* link()
        const answers = yield* Effect.replicateEffect(accounts.refresh({ providerId: "acme", userId }), 50, all)
        assert.deepStrictEqual(new Set(answers.map(({ tokens }) => valueOf(tokens.accessToken))), new Set(["access-2"]))
        assert.deepStrictEqual(yield* FakeRefresher.use(({ asked }) => asked), ["refresh-1"])
      }).pipe(Effect.provide(layer)),
    )

    it.live("gives good tokens to all calls of two nodes, of a provider that takes a refresh token once", () =>
      Effect.gen(function* () {
        const nodes = [yield* OAuthAccounts.OAuthAccounts, yield* otherNode]
        const { asked } = yield* FakeRefresher
        for (let round = 1; round <= 5; round += 1) {
          const account = yield* link({ accountId: String(round), tokens: ended })
          const selector = { providerId: "acme", userId: account.userId }
          const before = (yield* asked).length
          const tokens = yield* Effect.forEach(
            Array.from({ length: 20 }, (_, index) => nodes[index % 2]),
            (node) => node?.accessToken(selector) ?? Effect.die("no node"),
            all,
          )
          const row = yield* rowOf(account)
          assert.deepStrictEqual(new Set(tokens.map(valueOf)), new Set([valueOf(row.tokens.accessToken)]))
          assert.isAtMost((yield* asked).length - before, 2)
          // What is kept is what the provider takes.
          const again = yield* nodes[0]?.refresh(selector) ?? Effect.die("no node")
          assert.notStrictEqual(valueOf(again.tokens.accessToken), valueOf(row.tokens.accessToken))
        }
      }).pipe(Effect.scoped, Effect.provide(layer)),
    )

    it.live("loses no tokens over a type and a scope that no database takes", () =>
      Effect.gen(function* () {
        const accounts = yield* OAuthAccounts.OAuthAccounts
        const { answering } = yield* FakeRefresher
        const account = yield* link()
        yield* answering((answer) => ({ ...answer, tokenType: "Bearer\0", scope: "openid a\0b" }))
        yield* accounts.refresh({ providerId: "acme", userId: account.userId })
        const { refreshToken, scopes, tokenType } = (yield* rowOf(account)).tokens
        assert.deepStrictEqual([valueOf(refreshToken), scopes, tokenType], ["refresh-2", ["openid"], null])
      }).pipe(Effect.provide(layer)),
    )
  })
}

describe("Refreshes", () => {
  it.effect("goes by the tokens of the node that was faster, where the provider refuses the slower one", () =>
    Effect.gen(function* () {
      const [here, there] = [yield* OAuthAccounts.OAuthAccounts, yield* otherNode]
      const { asked, line } = yield* FakeRefresher
      const account = yield* link({ tokens: ended })
      const selector = { providerId: "acme", userId: account.userId }
      yield* line.close
      const first = yield* Effect.forkChild(here.accessToken(selector))
      yield* wasAsked(1)
      const second = yield* Effect.forkChild(there.accessToken(selector))
      yield* wasAsked(2)
      // The refusal is there; what the other node got is still on its way.
      yield* TestClock.adjust("300 millis")
      yield* line.open
      assert.strictEqual(valueOf(yield* Fiber.join(first)), "access-2")
      assert.strictEqual(valueOf(yield* inTime(Fiber.join(second))), "access-2")
      assert.deepStrictEqual(yield* asked, ["refresh-1", "refresh-1"])
      assert.strictEqual(valueOf((yield* rowOf(account)).tokens.refreshToken), "refresh-2")
    }).pipe(Effect.scoped, Effect.provide(Accounts.layer)),
  )

  it.effect("goes by the tokens that were kept first, where the provider answers both nodes", () =>
    Effect.gen(function* () {
      const nodes = [yield* OAuthAccounts.OAuthAccounts, yield* otherNode]
      const { line, takingReuse } = yield* FakeRefresher
      const account = yield* link({ tokens: ended })
      const selector = { providerId: "acme", userId: account.userId }
      yield* takingReuse
      yield* line.close
      const fibers = yield* Effect.forEach(nodes, (node) => Effect.forkChild(node.accessToken(selector)))
      yield* wasAsked(2)
      yield* line.open
      const tokens = yield* Effect.forEach(fibers, Fiber.join)
      const row = yield* rowOf(account)
      for (const token of tokens) assert.strictEqual(valueOf(token), valueOf(row.tokens.accessToken))
    }).pipe(Effect.scoped, Effect.provide(Accounts.layer)),
  )

  it.effect("asks for nothing where the tokens were renewed after a call had read them", () =>
    Effect.gen(function* () {
      const accounts = yield* OAuthAccounts.OAuthAccounts
      const linkedAccounts = yield* LinkedAccounts
      const { asked, grant } = yield* FakeRefresher
      const account = yield* link({ tokens: ended })
      const renewed = yield* grant
      // Between the two reads of a call another node writes.
      let reads = 0
      const racing = LinkedAccounts.of({
        ...linkedAccounts,
        find: Effect.fnUntraced(function* (providerId, accountId) {
          reads += 1
          if (reads === 2) yield* linkedAccounts.replaceTokens(account, renewed)
          return yield* linkedAccounts.find(providerId, accountId)
        }),
      })
      const token = yield* OAuthAccounts.make.pipe(
        Effect.provideService(LinkedAccounts, racing),
        Effect.flatMap((node) => node.accessToken({ providerId: "acme", userId: account.userId, accountId: "42" })),
      )
      assert.strictEqual(valueOf(token), "access-2")
      assert.strictEqual(reads, 2)
      assert.deepStrictEqual(yield* asked, [])
      assert.strictEqual(
        valueOf(yield* accounts.accessToken({ providerId: "acme", userId: account.userId })),
        "access-2",
      )
    }).pipe(Effect.scoped, Effect.provide(Accounts.layer)),
  )

  it.effect("does not break off for others, nor lose what the provider gave, when the first caller goes", () =>
    Effect.gen(function* () {
      const accounts = yield* OAuthAccounts.OAuthAccounts
      const { asked, line } = yield* FakeRefresher
      const account = yield* link({ tokens: ended })
      const call = accounts.accessToken({ providerId: "acme", userId: account.userId })
      yield* line.close
      const first = yield* Effect.forkChild(call)
      yield* wasAsked(1)
      const second = yield* Effect.forkChild(call)
      yield* Fiber.interrupt(first)
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(first)))
      yield* line.open
      assert.strictEqual(valueOf(yield* Fiber.join(second)), "access-2")
      assert.deepStrictEqual(yield* asked, ["refresh-1"])
    }).pipe(Effect.provide(Accounts.layer)),
  )

  it.effect("keeps what the provider gave though nobody waits for it any more", () =>
    Effect.gen(function* () {
      const accounts = yield* OAuthAccounts.OAuthAccounts
      const { line } = yield* FakeRefresher
      const account = yield* link({ tokens: ended })
      yield* line.close
      const only = yield* Effect.forkChild(accounts.accessToken({ providerId: "acme", userId: account.userId }))
      yield* wasAsked(1)
      yield* Fiber.interrupt(only)
      yield* line.open
      yield* until(Effect.map(rowOf(account), ({ tokens }) => valueOf(tokens.refreshToken) === "refresh-2"))
    }).pipe(Effect.provide(Accounts.layer)),
  )

  it.effect("renews the tokens of different accounts beside one another", () =>
    Effect.gen(function* () {
      const accounts = yield* OAuthAccounts.OAuthAccounts
      const { line } = yield* FakeRefresher
      const one = yield* link({ tokens: ended })
      const other = yield* link({ accountId: "43", tokens: ended })
      yield* line.close
      const fibers = yield* Effect.forEach([one, other], ({ userId }) =>
        Effect.forkChild(accounts.accessToken({ providerId: "acme", userId })),
      )
      yield* wasAsked(2)
      yield* line.open
      const tokens = yield* Effect.forEach(fibers, Fiber.join)
      assert.deepStrictEqual(new Set(tokens.map(valueOf)), new Set(["access-3", "access-4"]))
    }).pipe(Effect.provide(Accounts.layer)),
  )

  it.effect("writes down what the provider gave once the database answers again", () =>
    Effect.gen(function* () {
      const store = yield* LinkedAccountStore
      const account = yield* link({ tokens: ended })
      const away = new StoreError({
        store: "LinkedAccountStore",
        method: "replaceTokens",
        isRetryable: true,
        cause: null,
      })
      let failures = 2
      const flaky = LinkedAccountStore.of({
        ...store,
        replaceTokens: (options) =>
          Effect.suspend(() => {
            failures -= 1
            return failures < 0 ? store.replaceTokens(options) : Effect.fail(away)
          }),
      })
      const context = yield* Layer.build(
        Layer.fresh(OAuthAccounts.layer).pipe(
          Layer.provide(Layer.fresh(LinkedAccountsLayer)),
          Layer.provide(Layer.succeed(LinkedAccountStore, flaky)),
        ),
      )
      const node = Context.get(context, OAuthAccounts.OAuthAccounts)
      const token = yield* inTime(node.accessToken({ providerId: "acme", userId: account.userId }))
      assert.strictEqual(valueOf(token), "access-2")
      assert.strictEqual(valueOf((yield* rowOf(account)).tokens.refreshToken), "refresh-2")
      assert.deepStrictEqual(yield* FakeRefresher.use(({ asked }) => asked), ["refresh-1"])
    }).pipe(Effect.scoped, Effect.provide(Accounts.layer)),
  )

  it.effect("tells that the account is not linked any more when it went during the refresh", () =>
    Effect.gen(function* () {
      const accounts = yield* OAuthAccounts.OAuthAccounts
      const { line } = yield* FakeRefresher
      const { userId, providerId, accountId } = yield* link({ tokens: ended })
      yield* line.close
      const call = yield* Effect.forkChild(Effect.flip(accounts.accessToken({ providerId, userId })))
      yield* wasAsked(1)
      yield* LinkedAccounts.use(({ unlink }) => unlink({ userId, providerId, accountId, client: unknownClient }))
      yield* line.open
      const error = yield* Fiber.join(call)
      assert.deepStrictEqual([error._tag, "reason" in error && error.reason], ["AccountUnusable", "not-linked"])
      assert.deepStrictEqual(yield* accounts.list(userId), [])
    }).pipe(Effect.provide(Accounts.layer)),
  )

  it.live("keeps the refresh when the caller's transaction is undone", () =>
    Effect.gen(function* () {
      const accounts = yield* OAuthAccounts.OAuthAccounts
      const transactions = yield* TransactionStore
      const account = yield* link({ tokens: ended })
      const call = accounts.accessToken({ providerId: "acme", userId: account.userId })
      yield* Effect.flip(transactions.run(Effect.andThen(call, Effect.fail("undone"))))
      assert.strictEqual(valueOf((yield* rowOf(account)).tokens.refreshToken), "refresh-2")
    }).pipe(Effect.provide(Accounts.postgres)),
  )
})
