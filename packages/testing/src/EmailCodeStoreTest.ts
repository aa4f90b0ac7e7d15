/**
 * Contract suite of {@link EmailCodeStore}.
 *
 * @since 0.1.0
 */
import { TransactionStore } from "@belfry/core/TransactionStore"
import { Email } from "@belfry/core/User"
import { type EmailCode, EmailCodeStore } from "@belfry/factors/EmailCodeStore"
import { SignInAttemptId } from "@belfry/factors/SignInAttempt"
import { SignInAttemptStore } from "@belfry/factors/SignInAttemptStore"
import { assert, layer as withLayer } from "@effect/vitest"
import * as SecureRandom from "effect/crypto/SecureRandom"
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
export const suite = <E>(
  name: string,
  layer: Layer.Layer<EmailCodeStore | SignInAttemptStore | TransactionStore, E>,
): void =>
  withLayer(layer)(`EmailCodeStore (${name})`, (it) => {
    it.effect("finds the code of an attempt by any of its hashes, as often as it is asked", () =>
      Effect.gen(function* () {
        const codes = yield* EmailCodeStore
        const code = yield* insertCode
        const hashes = [yield* Builders.keyedHash, code.codeHash] as const
        for (const _ of [1, 2]) {
          assert.deepStrictEqual(
            yield* codes.find({ attemptId: code.attemptId, hashes, now: code.createdAt }),
            Option.some(code.email),
          )
        }
      }),
    )

    it.effect("finds and consumes no code by another hash, and none of another attempt", () =>
      Effect.gen(function* () {
        const codes = yield* EmailCodeStore
        const [code, other] = [yield* insertCode, yield* insertCode]
        const now = code.createdAt
        const wrong = [
          { attemptId: code.attemptId, hashes: [other.codeHash], now },
          { attemptId: other.attemptId, hashes: [code.codeHash], now },
          { attemptId: (yield* insertAttempt).attempt.id, hashes: [code.codeHash, other.codeHash], now },
        ] as const
        for (const key of wrong) {
          assert.deepStrictEqual(yield* codes.find(key), Option.none())
          assert.deepStrictEqual(yield* codes.consume(key), Option.none())
        }
        for (const kept of [code, other])
          assert.deepStrictEqual(yield* codes.consume(keyOf(kept)), Option.some(kept.email))
      }),
    )

    it.effect("finds and consumes a code up to the instant at which it is over, and not at it", () =>
      Effect.gen(function* () {
        const codes = yield* EmailCodeStore
        const code = yield* insertCode
        const last = { ...keyOf(code), now: DateTime.subtract(code.expiresAt, { milliseconds: 1 }) }
        const over = { ...keyOf(code), now: code.expiresAt }
        assert.deepStrictEqual(yield* codes.find(over), Option.none())
        assert.deepStrictEqual(yield* codes.consume(over), Option.none())
        assert.deepStrictEqual(yield* codes.find(last), Option.some(code.email))
        assert.deepStrictEqual(yield* codes.consume(last), Option.some(code.email))
      }),
    )

    it.effect("gives a code to one of 50 fibers that consume it", () =>
      Effect.gen(function* () {
        const codes = yield* EmailCodeStore
        const code = yield* insertCode
        const answers = yield* inFiftyFibers(() => codes.consume(keyOf(code)))
        assert.deepStrictEqual(answers.filter(Option.isSome), [Option.some(code.email)])
        assert.deepStrictEqual(yield* codes.find(keyOf(code)), Option.none())
      }),
    )

    it.effect("keeps a code in place of an earlier one that was not made after the given instant", () =>
      Effect.gen(function* () {
        const codes = yield* EmailCodeStore
        const earlier = yield* insertCode
        const later = yield* build(earlier.attemptId, { seconds: 30 })
        assert.deepStrictEqual(yield* codes.put(later, earlier.createdAt), Option.none())
        assert.deepStrictEqual(yield* codes.find(keyOf(earlier)), Option.none())
        // What it says is what was put last, its end and its address, too.
        const last = { ...keyOf(later), now: DateTime.subtract(later.expiresAt, { milliseconds: 1 }) }
        assert.deepStrictEqual(yield* codes.find(last), Option.some(later.email))
        assert.deepStrictEqual(yield* codes.find({ ...last, now: later.expiresAt }), Option.none())
        const tooSoon = DateTime.subtract(later.createdAt, { milliseconds: 1 })
        assert.deepStrictEqual(yield* codes.put(yield* build(earlier.attemptId), tooSoon), Option.some(later.createdAt))
      }),
    )

    it.effect("leaves an earlier code that was made after the given instant, and tells when", () =>
      Effect.gen(function* () {
        const codes = yield* EmailCodeStore
        const earlier = yield* insertCode
        const later = yield* build(earlier.attemptId, { milliseconds: 29_999 })
        const notAfter = DateTime.subtract(earlier.createdAt, { milliseconds: 1 })
        assert.deepStrictEqual(yield* codes.put(later, notAfter), Option.some(earlier.createdAt))
        assert.deepStrictEqual(yield* codes.find(keyOf(later)), Option.none())
        assert.deepStrictEqual(yield* codes.find(keyOf(earlier)), Option.some(earlier.email))
      }),
    )

    it.effect("does not let the code of one attempt stand in the way of another's, nor one that is used up", () =>
      Effect.gen(function* () {
        const codes = yield* EmailCodeStore
        const [used, other] = [yield* insertCode, yield* build((yield* insertAttempt).attempt.id)]
        const never = DateTime.subtract(used.createdAt, { days: 1 })
        assert.deepStrictEqual(yield* codes.put(other, never), Option.none())
        yield* codes.consume(keyOf(used))
        const next = yield* build(used.attemptId)
        assert.deepStrictEqual(yield* codes.put(next, never), Option.none())
        assert.deepStrictEqual(yield* codes.find(keyOf(next)), Option.some(next.email))
      }),
    )

    it.effect("keeps the code of one of 50 fibers that put one at once", () =>
      Effect.gen(function* () {
        const codes = yield* EmailCodeStore
        const { attempt } = yield* insertAttempt
        const notAfter = DateTime.subtract(attempt.createdAt, { seconds: 30 })
        const answers = yield* inFiftyFibers(() =>
          Effect.flatMap(build(attempt.id), (code) =>
            Effect.map(codes.put(code, notAfter), (earlier) => ({ code, earlier })),
          ),
        )
        const kept = answers.filter(({ earlier }) => Option.isNone(earlier))
        assert.strictEqual(kept.length, 1)
        for (const { earlier } of answers) {
          if (Option.isSome(earlier)) assert.deepStrictEqual(earlier.value, attempt.createdAt)
        }
        for (const { code } of kept) assert.deepStrictEqual(yield* codes.find(keyOf(code)), Option.some(code.email))
      }),
    )

    it.effect("answers all who put and consume at once", () =>
      Effect.gen(function* () {
        const codes = yield* EmailCodeStore
        const code = yield* insertCode
        const notAfter = DateTime.subtract(code.createdAt, { seconds: 30 })
        const answers = yield* inFiftyFibers((index) =>
          index % 2 === 0
            ? Effect.as(codes.consume(keyOf(code)), "consumed")
            : Effect.as(codes.put(code, notAfter), "put"),
        )
        assert.strictEqual(answers.length, 50)
      }),
    )

    it.effect("refuses the code of an attempt that does not exist", () =>
      Effect.gen(function* () {
        const codes = yield* EmailCodeStore
        const code = yield* build(SignInAttemptId.make(yield* random.uuidV7()))
        const error = yield* Effect.flip(codes.put(code, code.createdAt))
        assert.deepStrictEqual(
          [error._tag, error.store, error.method, error.isRetryable],
          ["StoreError", "EmailCodeStore", "put", false],
        )
      }),
    )

    it.effect("loses a code with its attempt, and no other", () =>
      Effect.gen(function* () {
        const codes = yield* EmailCodeStore
        const attempts = yield* SignInAttemptStore
        const { attempt, tokenHash } = yield* insertAttempt
        const [code, other] = [yield* build(attempt.id), yield* insertCode]
        yield* codes.put(code, code.createdAt)
        assert.isTrue(yield* attempts.remove([tokenHash]))
        assert.deepStrictEqual(yield* codes.find(keyOf(code)), Option.none())
        assert.deepStrictEqual(yield* codes.find(keyOf(other)), Option.some(other.email))
      }),
    )

    it.effect("puts everything back when the transaction fails", () =>
      Effect.gen(function* () {
        const codes = yield* EmailCodeStore
        const { run } = yield* TransactionStore
        const [consumed, replaced] = [yield* insertCode, yield* insertCode]
        const next = yield* build(replaced.attemptId)
        const failure = yield* Effect.flip(
          run(
            Effect.gen(function* () {
              assert.isTrue(Option.isSome(yield* codes.consume(keyOf(consumed))))
              assert.isTrue(Option.isNone(yield* codes.put(next, replaced.createdAt)))
              return yield* Effect.fail("undo" as const)
            }),
          ),
        )
        assert.strictEqual(failure, "undo")
        for (const code of [consumed, replaced]) {
          assert.deepStrictEqual(yield* codes.find(keyOf(code)), Option.some(code.email))
        }
        assert.deepStrictEqual(yield* codes.find(keyOf(next)), Option.none())
      }),
    )
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const random = SecureRandom.make(SecureRandom.randomBytesUnsafe)

const inFiftyFibers = <A, E>(run: (index: number) => Effect.Effect<A, E>): Effect.Effect<ReadonlyArray<A>, E> =>
  Effect.forEach(
    Array.from({ length: 50 }, (_, index) => index),
    run,
    { concurrency: "unbounded" },
  )

const insertAttempt = Effect.gen(function* () {
  const now = yield* DateTime.now
  const attempt = {
    id: SignInAttemptId.make(yield* random.uuidV7()),
    userId: null,
    stepUp: null,
    proofs: [],
    tries: 0,
    context: null,
    createdAt: now,
    expiresAt: DateTime.add(now, { minutes: 15 }),
  }
  const tokenHash = yield* Builders.keyedHash
  yield* SignInAttemptStore.use((attempts) => attempts.insert(attempt, tokenHash))
  return { attempt, tokenHash }
})

/** A code that is made so long from now, for 10 minutes, to an address of its own. */
const build = Effect.fnUntraced(function* (
  attemptId: SignInAttemptId,
  after: Partial<DateTime.DateTime.PartsForMath> = {},
) {
  const createdAt = DateTime.add(yield* DateTime.now, after)
  const code: EmailCode = {
    attemptId,
    email: Email.make(`${yield* random.uuidV7()}@example.com`),
    codeHash: yield* Builders.keyedHash,
    createdAt,
    expiresAt: DateTime.add(createdAt, { minutes: 10 }),
  }
  return code
})

const insertCode = Effect.gen(function* () {
  const code = yield* build((yield* insertAttempt).attempt.id)
  yield* EmailCodeStore.use((codes) => codes.put(code, code.createdAt))
  return code
})

const keyOf = ({ attemptId, codeHash, createdAt }: EmailCode) =>
  ({ attemptId, hashes: [codeHash], now: createdAt }) as const
