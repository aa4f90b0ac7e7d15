import { UserStore } from "@belfry/core/UserStore"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { VerificationTokenInvalid } from "@belfry/core/VerificationToken"
import * as VerificationTokens from "@belfry/core/VerificationTokens"
import * as Builders from "@belfry/testing/Builders"
import { assert, describe, it, layer as withLayer } from "@effect/vitest"
import { DateTime, Duration, Effect, Layer, Redacted, Result, Schema } from "effect"
import { TestClock } from "effect/testing"
import { StoreProbe } from "./support/StoreProbe.ts"
import * as TestCore from "./support/TestCore.ts"
import * as TestKeyRing from "./support/TestKeyRing.ts"

const Payload = Schema.Struct({
  amount: Schema.Int,
  until: Schema.DateTimeUtc,
  note: Schema.optionalKey(Schema.String),
})

const purpose: VerificationTokens.Purpose<typeof Payload> = {
  name: "test.approve",
  lifetime: Duration.hours(1),
  payload: Payload,
}
const payload = { amount: 7, until: DateTime.makeUnsafe("2026-01-01T00:00:00Z") }

const issue = (subject = "ada") =>
  VerificationTokens.VerificationTokens.use((tokens) => tokens.issue({ purpose, subject, userId: null, payload }))

const invalid = new VerificationTokenInvalid()

for (const { name, stores } of TestCore.backends) {
  withLayer(TestCore.layerOver(stores))(`VerificationTokens (${name})`, (it) => {
    it.effect("gives back what was issued, as often as it is looked at and once when it is used", () =>
      Effect.gen(function* () {
        const tokens = yield* VerificationTokens.VerificationTokens
        const user = yield* Builders.user()
        yield* UserStore.use((users) => users.insert(user))
        const token = yield* tokens.issue({ purpose, subject: "ada", userId: user.id, payload })
        const now = yield* DateTime.now
        assert.match(Redacted.value(token), /^belfry_verify_[0-9A-Za-z]{43}$/)
        const seen = yield* tokens.peek(purpose, token)
        assert.deepStrictEqual(seen, {
          id: seen.id,
          purpose: "test.approve",
          subject: "ada",
          userId: user.id,
          payload,
          createdAt: now,
          expiresAt: DateTime.add(now, { hours: 1 }),
        })
        assert.deepStrictEqual(yield* tokens.peek(purpose, token), seen)
        assert.deepStrictEqual(yield* tokens.consume(purpose, token), seen)
        assert.deepStrictEqual(yield* Effect.flip(tokens.consume(purpose, token)), invalid)
        assert.deepStrictEqual(yield* Effect.flip(tokens.peek(purpose, token)), invalid)
      }),
    )

    it.effect("lets one of 50 fibers use a token", () =>
      Effect.gen(function* () {
        const tokens = yield* VerificationTokens.VerificationTokens
        const token = yield* issue()
        const uses = yield* Effect.all(
          Array.from({ length: 50 }, () => Effect.result(tokens.consume(purpose, token))),
          { concurrency: "unbounded" },
        )
        assert.strictEqual(uses.filter(Result.isSuccess).length, 1)
        for (const use of uses) if (Result.isFailure(use)) assert.deepStrictEqual(use.failure, invalid)
      }),
    )

    it.effect("ends a token at the instant of its lifetime", () =>
      Effect.gen(function* () {
        const tokens = yield* VerificationTokens.VerificationTokens
        const [early, late] = [yield* issue(), yield* issue()]
        yield* TestClock.adjust(Duration.millis(3_599_999))
        yield* tokens.consume(purpose, early)
        yield* tokens.peek(purpose, late)
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual(yield* Effect.flip(tokens.peek(purpose, late)), invalid)
        assert.deepStrictEqual(yield* Effect.flip(tokens.consume(purpose, late)), invalid)
      }),
    )

    it.effect("serves no other purpose, and is not used up by the attempt", () =>
      Effect.gen(function* () {
        const tokens = yield* VerificationTokens.VerificationTokens
        const token = yield* issue()
        for (const other of ["test.reject", "test", "test.approve.more", "TEST.APPROVE"]) {
          assert.deepStrictEqual(yield* Effect.flip(tokens.consume({ ...purpose, name: other }, token)), invalid)
        }
        yield* tokens.consume(purpose, token)
      }),
    )

    it.effect("is back when the transaction of its use came to nothing", () =>
      Effect.gen(function* () {
        const tokens = yield* VerificationTokens.VerificationTokens
        const transactions = yield* TransactionStore
        const token = yield* issue()
        yield* Effect.flip(transactions.run(Effect.andThen(tokens.consume(purpose, token), Effect.fail("no" as const))))
        yield* tokens.consume(purpose, token)
      }),
    )

    it.effect("revokes the tokens of one purpose about one subject", () =>
      Effect.gen(function* () {
        const tokens = yield* VerificationTokens.VerificationTokens
        const other = { ...purpose, name: "test.reject" }
        const first = yield* issue("revoked")
        const second = yield* issue("revoked")
        const ofOther = yield* tokens.issue({ purpose: other, subject: "revoked", userId: null, payload })
        const ofBob = yield* issue("bob")
        assert.strictEqual(yield* tokens.revoke(purpose, "revoked"), 2)
        assert.strictEqual(yield* tokens.revoke(purpose, "revoked"), 0)
        for (const token of [first, second]) {
          assert.deepStrictEqual(yield* Effect.flip(tokens.consume(purpose, token)), invalid)
        }
        yield* tokens.consume(other, ofOther)
        yield* tokens.consume(purpose, ofBob)
      }),
    )
  })
}

describe("VerificationTokens", () => {
  it.effect("refuses a token of another form, and asks no store", () =>
    Effect.gen(function* () {
      const tokens = yield* VerificationTokens.VerificationTokens
      const probe = yield* StoreProbe
      const text = Redacted.value(yield* issue())
      const wrong = [
        "",
        "x",
        text.slice(0, -1),
        `${text} `,
        text.replace("belfry_verify", "belfry_session"),
        text.replace(/.$/, (last) => (last === "0" ? "1" : "0")),
      ]
      yield* probe.clear
      for (const token of wrong.map((value) => Redacted.make(value))) {
        assert.deepStrictEqual(yield* Effect.flip(tokens.peek(purpose, token)), invalid)
        assert.deepStrictEqual(yield* Effect.flip(tokens.consume(purpose, token)), invalid)
      }
      assert.deepStrictEqual(yield* probe.calls, [])
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("asks the store once for a look and once for a use", () =>
    Effect.gen(function* () {
      const tokens = yield* VerificationTokens.VerificationTokens
      const probe = yield* StoreProbe
      const token = yield* issue()
      yield* probe.clear
      yield* tokens.peek(purpose, token)
      yield* tokens.consume(purpose, token)
      assert.deepStrictEqual(yield* probe.calls, ["VerificationTokenStore.find", "VerificationTokenStore.consume"])
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("refuses a token whose payload is not what the purpose says today", () =>
    Effect.gen(function* () {
      const tokens = yield* VerificationTokens.VerificationTokens
      const token = yield* issue()
      const changed = { ...purpose, payload: Schema.Struct({ amount: Schema.String }) }
      assert.deepStrictEqual(yield* Effect.flip(tokens.peek(changed, token)), invalid)
      assert.deepStrictEqual((yield* tokens.peek(purpose, token)).payload, payload)
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("goes on after a rotation of the key ring, until the old key is dropped", () =>
    Effect.gen(function* () {
      const token = yield* issue()
      const peekWith = (...ids: readonly [string, ...ReadonlyArray<string>]) =>
        VerificationTokens.VerificationTokens.use((tokens) => tokens.peek(purpose, token)).pipe(
          Effect.provide(Layer.fresh(Layer.provide(VerificationTokens.layer, TestKeyRing.layerOf(...ids)))),
        )
      assert.deepStrictEqual((yield* peekWith("new", "test")).payload, payload)
      assert.deepStrictEqual(yield* Effect.flip(peekWith("new")), invalid)
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("says that a store is away rather than that the token is invalid", () =>
    Effect.gen(function* () {
      const tokens = yield* VerificationTokens.VerificationTokens
      const probe = yield* StoreProbe
      const token = yield* issue()
      const use = probe.failing(["VerificationTokenStore.consume"], tokens.consume(purpose, token))
      assert.strictEqual((yield* Effect.flip(use))._tag, "StoreError")
    }).pipe(Effect.provide(TestCore.layer)),
  )
})
