/**
 * Contract suite of {@link VerificationTokenStore}.
 *
 * @since 0.1.0
 */
import { UserStore } from "@belfry/core/UserStore"
import { VerificationTokenStore } from "@belfry/core/VerificationTokenStore"
import { assert, layer as withLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Builders from "./Builders.ts"

/**
 * Registers the suite for an adapter.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<UserStore | VerificationTokenStore, E>): void =>
  withLayer(layer)(`VerificationTokenStore (${name})`, (it) => {
    it.effect("returns a token as it was inserted, as often as it is looked at", () =>
      Effect.gen(function* () {
        const tokens = yield* VerificationTokenStore
        const user = yield* insertUser
        const payloads = [null, "text", 0.1, true, [], { a: [1, { b: null }], ключ: "🦉 \"'\\" }]
        for (const payload of payloads) {
          const { key, token } = yield* insertToken({ payload, userId: user.id })
          assert.deepStrictEqual(yield* tokens.find(key), Option.some(token))
          assert.deepStrictEqual(yield* tokens.find(key), Option.some(token))
          assert.deepStrictEqual(yield* tokens.consume(key), Option.some(token))
        }
      }),
    )

    it.effect("keeps a payload with characters that a database may not know", () =>
      Effect.gen(function* () {
        const tokens = yield* VerificationTokenStore
        const { key } = yield* insertToken({ payload: { text: "a\0b\uD800c" } })
        assert.isTrue(Option.isSome(yield* tokens.consume(key)))
      }),
    )

    it.effect("gives a token to one of 50 fibers that consume it", () =>
      Effect.gen(function* () {
        const tokens = yield* VerificationTokenStore
        const { key, token } = yield* insertToken()
        const answers = yield* Effect.all(
          Array.from({ length: 50 }, () => tokens.consume(key)),
          {
            concurrency: "unbounded",
          },
        )
        assert.deepStrictEqual(answers.filter(Option.isSome), [Option.some(token)])
        assert.deepStrictEqual(yield* tokens.consume(key), Option.none())
        assert.deepStrictEqual(yield* tokens.find(key), Option.none())
      }),
    )

    it.effect("knows a token by any of the hashes given, and not by others", () =>
      Effect.gen(function* () {
        const tokens = yield* VerificationTokenStore
        const { key, token } = yield* insertToken()
        const other = yield* Builders.keyedHash
        assert.deepStrictEqual(yield* tokens.find({ ...key, hashes: [other] }), Option.none())
        assert.deepStrictEqual(yield* tokens.consume({ ...key, hashes: [other] }), Option.none())
        const both = { ...key, hashes: [other, key.hashes[0]] as const }
        assert.deepStrictEqual(yield* tokens.find(both), Option.some(token))
        assert.deepStrictEqual(yield* tokens.consume(both), Option.some(token))
      }),
    )

    it.effect("never serves a token for another purpose, and leaves it where it is", () =>
      Effect.gen(function* () {
        const tokens = yield* VerificationTokenStore
        const { key, token } = yield* insertToken({ purpose: "verify-email" })
        const wrong = { ...key, purpose: "reset-password" }
        assert.deepStrictEqual(yield* tokens.find(wrong), Option.none())
        assert.deepStrictEqual(yield* tokens.consume(wrong), Option.none())
        assert.deepStrictEqual(yield* tokens.consume(key), Option.some(token))
      }),
    )

    it.effect("serves a token until a millisecond before its expiry, and not at it", () =>
      Effect.gen(function* () {
        const tokens = yield* VerificationTokenStore
        const { key, token } = yield* insertToken()
        const at = { ...key, now: token.expiresAt }
        const before = { ...key, now: DateTime.subtract(token.expiresAt, { milliseconds: 1 }) }
        assert.deepStrictEqual(yield* tokens.find(at), Option.none())
        assert.deepStrictEqual(yield* tokens.consume(at), Option.none())
        assert.deepStrictEqual(yield* tokens.find(before), Option.some(token))
        assert.deepStrictEqual(yield* tokens.consume(before), Option.some(token))
      }),
    )

    it.effect("refuses a hash or an id twice, and a token of an unknown user", () =>
      Effect.gen(function* () {
        const tokens = yield* VerificationTokenStore
        const { key, token } = yield* insertToken()
        const refusals = [
          tokens.insert(yield* Builders.verificationToken(), key.hashes[0]),
          tokens.insert(token, yield* Builders.keyedHash),
          tokens.insert(
            yield* Builders.verificationToken({ userId: (yield* Builders.user()).id }),
            yield* Builders.keyedHash,
          ),
        ]
        for (const refusal of refusals) {
          const error = yield* Effect.flip(refusal)
          assert.deepStrictEqual([error._tag, error.method, error.isRetryable], ["StoreError", "insert", false])
        }
      }),
    )

    it.effect("removes the tokens of one purpose about one subject", () =>
      Effect.gen(function* () {
        const tokens = yield* VerificationTokenStore
        const { subject } = yield* Builders.verificationToken()
        const gone = yield* Effect.replicateEffect(insertToken({ subject }), 2)
        const otherPurpose = yield* insertToken({ subject, purpose: "reset-password" })
        const otherSubject = yield* insertToken()
        assert.strictEqual(yield* tokens.removeBySubject("verify-email", subject), 2)
        assert.strictEqual(yield* tokens.removeBySubject("verify-email", subject), 0)
        for (const { key } of gone) assert.deepStrictEqual(yield* tokens.find(key), Option.none())
        for (const { key } of [otherPurpose, otherSubject]) assert.isTrue(Option.isSome(yield* tokens.find(key)))
      }),
    )

    it.effect("removes the tokens of a user with the user, and nobody else's", () =>
      Effect.gen(function* () {
        const tokens = yield* VerificationTokenStore
        const users = yield* UserStore
        const [ada, bob] = [yield* insertUser, yield* insertUser]
        const lost = yield* insertToken({ userId: ada.id })
        const kept = [yield* insertToken({ userId: bob.id }), yield* insertToken()]
        yield* users.remove(ada.id)
        assert.deepStrictEqual(yield* tokens.find(lost.key), Option.none())
        for (const { key } of kept) assert.isTrue(Option.isSome(yield* tokens.find(key)))
      }),
    )

    it.effect("sweeps expired tokens, oldest first, at the exact instant and no more than the limit", () =>
      Effect.gen(function* () {
        const tokens = yield* VerificationTokenStore
        const now = yield* DateTime.now
        yield* tokens.removeExpired(now, 1000)
        const endingIn = (millis: number) => insertToken({ expiresAt: DateTime.add(now, { milliseconds: millis }) })
        const live = yield* endingIn(1)
        const atNow = yield* endingIn(0)
        const oldest = yield* endingIn(-2)
        const old = yield* endingIn(-1)
        const beginning = DateTime.subtract(now, { days: 1 })
        const isThere = ({ key }: typeof live) => Effect.map(tokens.find({ ...key, now: beginning }), Option.isSome)
        assert.strictEqual(yield* tokens.removeExpired(now, 1), 1)
        assert.deepStrictEqual(yield* Effect.forEach([oldest, old, atNow, live], isThere), [false, true, true, true])
        assert.strictEqual(yield* tokens.removeExpired(now, 2), 2)
        assert.deepStrictEqual(yield* Effect.forEach([old, atNow, live], isThere), [false, false, true])
        assert.strictEqual(yield* tokens.removeExpired(now, 2), 0)
      }),
    )
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const insertUser = Builders.storedUser()

const insertToken = Effect.fnUntraced(function* (...fields: Parameters<typeof Builders.verificationToken>) {
  const token = yield* Builders.verificationToken(...fields)
  const tokenHash = yield* Builders.keyedHash
  yield* VerificationTokenStore.use((tokens) => tokens.insert(token, tokenHash))
  return { token, key: { purpose: token.purpose, hashes: [tokenHash] as const, now: yield* DateTime.now } }
})
