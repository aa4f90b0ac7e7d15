/**
 * Contract suite of {@link SignInAttemptStore}.
 *
 * @since 0.1.0
 */
import type { SessionId } from "@belfry/core/Session"
import { SessionStore } from "@belfry/core/SessionStore"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { Email, type UserId } from "@belfry/core/User"
import { UserStore } from "@belfry/core/UserStore"
import { type Proof, SignInAttemptId } from "@belfry/factors/SignInAttempt"
import { type RestingAttempt, SignInAttemptStore } from "@belfry/factors/SignInAttemptStore"
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
  layer: Layer.Layer<SessionStore | SignInAttemptStore | TransactionStore | UserStore, E>,
): void =>
  withLayer(layer)(`SignInAttemptStore (${name})`, (it) => {
    it.effect("returns an attempt as it was inserted, with the hash it was found by", () =>
      Effect.gen(function* () {
        const attempts = yield* SignInAttemptStore
        const now = yield* DateTime.now
        const user = yield* insertUser
        const session = yield* insertSession(user.id)
        const proofs: ReadonlyArray<Proof> = [
          { factor: "password", amr: ["pwd"], at: DateTime.makeUnsafe(1_700_000_000_123), email: null },
          { factor: "email-code", amr: ["email"], at: now, email: Email.make("ada@example.com") },
          { factor: "backup-code", amr: [], at: now, email: null },
        ]
        const stored = [
          yield* insertAttempt(),
          yield* insertAttempt({ context: yield* Builders.sealed, tries: 3 }),
          yield* insertAttempt({ context: yield* Builders.sealed, userId: user.id, proofs }),
          yield* insertAttempt({
            userId: user.id,
            stepUp: { sessionId: session.id, amr: ["pwd", "otp", "mfa"], acr: "aal2", action: "account.remove" },
          }),
          yield* insertAttempt({
            userId: user.id,
            stepUp: { sessionId: session.id, amr: [], acr: null, action: null },
          }),
        ]
        for (const { attempt, tokenHash } of stored) {
          const expected = Option.some({ attempt, tokenHash })
          assert.deepStrictEqual(yield* attempts.find([tokenHash], now), expected)
          const hashes = [yield* Builders.keyedHash, tokenHash, yield* Builders.keyedHash] as const
          assert.deepStrictEqual(yield* attempts.find(hashes, now), expected)
        }
        assert.deepStrictEqual(yield* attempts.find([yield* Builders.keyedHash], now), Option.none())
      }),
    )

    it.effect(
      "refuses an attempt of nobody's session or proofs, of an unknown user or session, an id or hash twice",
      () =>
        Effect.gen(function* () {
          const attempts = yield* SignInAttemptStore
          const user = yield* insertUser
          const there = yield* insertAttempt({ userId: user.id })
          const session = yield* insertSession(user.id)
          const unknown = yield* Builders.user()
          const stepUp = { sessionId: session.id, amr: [], acr: null, action: null }
          const unknownSession = yield* Builders.session({ userId: user.id })
          const refused = [
            { proofs: [yield* proofOf("password")] },
            { stepUp },
            { userId: unknown.id },
            { userId: user.id, stepUp: { ...stepUp, sessionId: unknownSession.id } },
            { id: there.attempt.id },
          ]
          for (const fields of refused) {
            const error = yield* Effect.flip(insertAttempt(fields))
            assert.deepStrictEqual(
              [error.store, error.method, error.isRetryable],
              ["SignInAttemptStore", "insert", false],
            )
          }
          const error = yield* Effect.flip(attempts.insert(yield* build(), there.tokenHash))
          assert.deepStrictEqual([error.store, error.method], ["SignInAttemptStore", "insert"])
        }),
    )

    it.effect("finds, counts, moves and completes an attempt until a millisecond before its end, and not at it", () =>
      Effect.gen(function* () {
        const attempts = yield* SignInAttemptStore
        const user = yield* insertUser
        const { attempt, tokenHash } = yield* insertAttempt()
        const end = attempt.expiresAt
        const before = DateTime.subtract(end, { milliseconds: 1 })
        const to = yield* Builders.keyedHash
        const proofs = [yield* proofOf("password")]
        const context = null
        const advance = (now: DateTime.Utc) =>
          attempts.advance({ from: tokenHash, to, userId: user.id, proofs, context, now })

        assert.isTrue(Option.isNone(yield* attempts.find([tokenHash], end)))
        assert.isTrue(Option.isNone(yield* attempts.claimTry({ tokenHash, maxTries: 5, now: end })))
        assert.isTrue(Option.isNone(yield* advance(end)))
        assert.isTrue(Option.isNone(yield* attempts.complete(tokenHash, end)))

        assert.isTrue(Option.isSome(yield* attempts.find([tokenHash], before)))
        assert.isTrue(Option.isSome(yield* attempts.claimTry({ tokenHash, maxTries: 5, now: before })))
        assert.isTrue(Option.isSome(yield* advance(before)))
        assert.isTrue(Option.isSome(yield* attempts.complete(to, before)))
      }),
    )

    it.effect("counts no more tries than there are for 50 fibers, each number once", () =>
      Effect.gen(function* () {
        const attempts = yield* SignInAttemptStore
        const now = yield* DateTime.now
        const { attempt, tokenHash } = yield* insertAttempt()
        const other = yield* insertAttempt()
        const claims = yield* inFiftyFibers(() => attempts.claimTry({ tokenHash, maxTries: 5, now }))
        const counted = claims.flatMap(Option.toArray).toSorted((a, b) => a.tries - b.tries)
        assert.deepStrictEqual(
          counted,
          [1, 2, 3, 4, 5].map((tries) => ({ ...attempt, tries })),
        )
        const found = yield* attempts.find([tokenHash], now)
        assert.deepStrictEqual(found, Option.some({ attempt: { ...attempt, tries: 5 }, tokenHash }))
        assert.deepStrictEqual(yield* attempts.find([other.tokenHash], now), Option.some(other))
        const unknown = { tokenHash: yield* Builders.keyedHash, maxTries: 5, now }
        assert.deepStrictEqual(yield* attempts.claimTry(unknown), Option.none())
      }),
    )

    it.effect("moves an attempt one step for one of 50 fibers, whose token alone opens it then", () =>
      Effect.gen(function* () {
        const attempts = yield* SignInAttemptStore
        const now = yield* DateTime.now
        const user = yield* insertUser
        const { attempt, tokenHash: from } = yield* insertAttempt({ tries: 2, context: yield* Builders.sealed })
        const other = yield* insertAttempt()
        const proofs = [yield* proofOf("email-code")]
        const context = yield* Builders.sealed
        const answers = yield* inFiftyFibers(() =>
          Effect.gen(function* () {
            const to = yield* Builders.keyedHash
            return { to, moved: yield* attempts.advance({ from, to, userId: user.id, proofs, context, now }) }
          }),
        )
        const winners = answers.filter(({ moved }) => Option.isSome(moved))
        assert.strictEqual(winners.length, 1)
        const expected = { ...attempt, userId: user.id, proofs, context, tries: 1 }
        for (const { to, moved } of winners) {
          assert.deepStrictEqual(moved, Option.some(expected))
          assert.deepStrictEqual(yield* attempts.find([to], now), Option.some({ attempt: expected, tokenHash: to }))
        }
        for (const tokenHash of [from, ...answers.filter(({ moved }) => Option.isNone(moved)).map(({ to }) => to)]) {
          assert.deepStrictEqual(yield* attempts.find([tokenHash], now), Option.none())
        }
        assert.deepStrictEqual(yield* attempts.find([other.tokenHash], now), Option.some(other))
      }),
    )

    it.effect("gives one try back for a step, and none that was not counted", () =>
      Effect.gen(function* () {
        const attempts = yield* SignInAttemptStore
        const now = yield* DateTime.now
        const user = yield* insertUser
        const { tokenHash } = yield* insertAttempt({ tries: 1 })
        const hashes = [tokenHash, yield* Builders.keyedHash, yield* Builders.keyedHash]
        const tries: Array<number | undefined> = []
        for (const [index, from] of hashes.entries()) {
          const to = hashes[index + 1]
          if (to === undefined) break
          const moved = yield* attempts.advance({ from, to, userId: user.id, proofs: [], context: null, now })
          tries.push(Option.getOrUndefined(moved)?.tries)
        }
        assert.deepStrictEqual(tries, [0, 0])
      }),
    )

    it.effect("moves no attempt for another user than its own, nor to a token that opens another one", () =>
      Effect.gen(function* () {
        const attempts = yield* SignInAttemptStore
        const now = yield* DateTime.now
        const [ada, eve] = [yield* insertUser, yield* insertUser]
        const adas = yield* insertAttempt({ userId: ada.id, proofs: [yield* proofOf("password")] })
        const step = {
          from: adas.tokenHash,
          to: yield* Builders.keyedHash,
          proofs: [yield* proofOf("totp")],
          context: null,
          now,
        }
        assert.deepStrictEqual(yield* attempts.advance({ ...step, userId: eve.id }), Option.none())
        assert.deepStrictEqual(yield* attempts.find([adas.tokenHash], now), Option.some(adas))

        const other = yield* insertAttempt()
        const error = yield* Effect.flip(attempts.advance({ ...step, userId: ada.id, to: other.tokenHash }))
        assert.deepStrictEqual([error.store, error.method], ["SignInAttemptStore", "advance"])
        const unknown = yield* Builders.user()
        const { tokenHash: from } = yield* insertAttempt()
        const refused = yield* Effect.flip(attempts.advance({ ...step, from, userId: unknown.id }))
        assert.deepStrictEqual([refused.store, refused.method], ["SignInAttemptStore", "advance"])

        assert.isTrue(Option.isSome(yield* attempts.advance({ ...step, userId: ada.id })))
      }),
    )

    it.effect("completes an attempt for one of 50 fibers, and is rid of it", () =>
      Effect.gen(function* () {
        const attempts = yield* SignInAttemptStore
        const now = yield* DateTime.now
        const user = yield* insertUser
        const { attempt, tokenHash } = yield* insertAttempt({ userId: user.id, proofs: [yield* proofOf("password")] })
        const other = yield* insertAttempt()
        const answers = yield* inFiftyFibers(() => attempts.complete(tokenHash, now))
        assert.deepStrictEqual(answers.flatMap(Option.toArray), [attempt])
        assert.deepStrictEqual(yield* attempts.find([tokenHash], now), Option.none())
        assert.isFalse(yield* attempts.remove([tokenHash]))
        assert.deepStrictEqual(yield* attempts.find([other.tokenHash], now), Option.some(other))
      }),
    )

    it.effect("lets either a step or the completion have an attempt, of 50 fibers that try both", () =>
      Effect.gen(function* () {
        const attempts = yield* SignInAttemptStore
        const now = yield* DateTime.now
        const user = yield* insertUser
        const { tokenHash: from } = yield* insertAttempt({ userId: user.id })
        const answers = yield* inFiftyFibers((index) =>
          Effect.gen(function* () {
            const to = yield* Builders.keyedHash
            return index % 2 === 0
              ? yield* attempts.complete(from, now)
              : yield* attempts.advance({ from, to, userId: user.id, proofs: [], context: null, now })
          }),
        )
        assert.strictEqual(answers.filter(Option.isSome).length, 1)
        assert.deepStrictEqual(yield* attempts.find([from], now), Option.none())
      }),
    )

    it.effect("removes an attempt under any of the hashes given, once, over or not", () =>
      Effect.gen(function* () {
        const attempts = yield* SignInAttemptStore
        const now = yield* DateTime.now
        const { tokenHash } = yield* insertAttempt()
        const over = yield* insertAttempt({ expiresAt: now })
        const other = yield* insertAttempt()
        const hashes = [yield* Builders.keyedHash, tokenHash] as const
        const answers = yield* inFiftyFibers(() => attempts.remove(hashes))
        assert.strictEqual(answers.filter((isRemoved) => isRemoved).length, 1)
        assert.deepStrictEqual(yield* attempts.find([tokenHash], now), Option.none())
        assert.isTrue(yield* attempts.remove([over.tokenHash]))
        assert.deepStrictEqual(yield* attempts.find([other.tokenHash], now), Option.some(other))
      }),
    )

    it.effect("removes every attempt of a user, and nobody else's", () =>
      Effect.gen(function* () {
        const attempts = yield* SignInAttemptStore
        const now = yield* DateTime.now
        const [ada, bob] = [yield* insertUser, yield* insertUser]
        const lost = [yield* insertAttempt({ userId: ada.id }), yield* insertAttempt({ userId: ada.id })]
        const kept = [yield* insertAttempt({ userId: bob.id }), yield* insertAttempt()]
        assert.strictEqual(yield* attempts.removeByUser(ada.id), 2)
        assert.strictEqual(yield* attempts.removeByUser(ada.id), 0)
        for (const { tokenHash } of lost) {
          assert.deepStrictEqual(yield* attempts.find([tokenHash], now), Option.none())
        }
        for (const attempt of kept) {
          assert.deepStrictEqual(yield* attempts.find([attempt.tokenHash], now), Option.some(attempt))
        }
      }),
    )

    it.effect("removes the attempts of a user with the user", () =>
      Effect.gen(function* () {
        const attempts = yield* SignInAttemptStore
        const now = yield* DateTime.now
        const [ada, bob] = [yield* insertUser, yield* insertUser]
        const lost = yield* insertAttempt({ userId: ada.id })
        const kept = yield* insertAttempt({ userId: bob.id })
        yield* UserStore.use((users) => users.remove(ada.id))
        assert.deepStrictEqual(yield* attempts.find([lost.tokenHash], now), Option.none())
        assert.deepStrictEqual(yield* attempts.find([kept.tokenHash], now), Option.some(kept))
      }),
    )

    it.effect("removes an attempt with the session that it was to make fresh, however that ends", () =>
      Effect.gen(function* () {
        const attempts = yield* SignInAttemptStore
        const sessions = yield* SessionStore
        const users = yield* UserStore
        const now = yield* DateTime.now
        yield* sessions.removeExpired(now, 1000)
        const ends: ReadonlyArray<(userId: UserId, id: SessionId) => Effect.Effect<unknown, unknown>> = [
          (userId, id) => sessions.remove(userId, id),
          (userId) => sessions.removeByUser(userId, Option.none()),
          () => sessions.removeExpired(now, 1000),
          (userId) => users.remove(userId),
        ]
        for (const end of ends) {
          const user = yield* insertUser
          const session = yield* insertSession(user.id, { expiresAt: now })
          const other = yield* insertSession((yield* insertUser).id)
          const stepUpOf = (sessionId: SessionId) => ({ sessionId, amr: [], acr: null, action: null })
          const lost = yield* insertAttempt({ userId: user.id, stepUp: stepUpOf(session.id) })
          const kept = yield* insertAttempt({ userId: other.userId, stepUp: stepUpOf(other.id) })
          yield* Effect.orDie(end(user.id, session.id))
          assert.deepStrictEqual(yield* attempts.find([lost.tokenHash], now), Option.none())
          assert.deepStrictEqual(yield* attempts.find([kept.tokenHash], now), Option.some(kept))
        }
      }),
    )

    it.effect("sweeps attempts that are over, oldest first, at the exact instant and no more than the limit", () =>
      Effect.gen(function* () {
        const attempts = yield* SignInAttemptStore
        const now = yield* DateTime.now
        yield* attempts.removeExpired(now, 1000)
        const endingIn = (millis: number) => insertAttempt({ expiresAt: DateTime.add(now, { milliseconds: millis }) })
        const live = yield* endingIn(1)
        const atNow = yield* endingIn(0)
        const oldest = yield* endingIn(-2)
        const old = yield* endingIn(-1)
        const beginning = DateTime.subtract(now, { days: 1 })
        const isThere = ({ tokenHash }: typeof live) => Effect.map(attempts.find([tokenHash], beginning), Option.isSome)
        assert.strictEqual(yield* attempts.removeExpired(now, 1), 1)
        assert.deepStrictEqual(yield* Effect.forEach([oldest, old, atNow, live], isThere), [false, true, true, true])
        assert.strictEqual(yield* attempts.removeExpired(now, 2), 2)
        assert.deepStrictEqual(yield* Effect.forEach([old, atNow, live], isThere), [false, false, true])
        assert.strictEqual(yield* attempts.removeExpired(now, 2), 0)
      }),
    )

    it.effect("puts everything back when the transaction fails", () =>
      Effect.gen(function* () {
        const attempts = yield* SignInAttemptStore
        const transactions = yield* TransactionStore
        const now = yield* DateTime.now
        const [ada, bob] = [yield* insertUser, yield* insertUser]
        const advanced = yield* insertAttempt({ tries: 1 })
        const stored = [
          yield* insertAttempt(),
          advanced,
          yield* insertAttempt(),
          yield* insertAttempt(),
          yield* insertAttempt({ userId: bob.id }),
        ] as const
        const fresh = { attempt: yield* build(), tokenHash: yield* Builders.keyedHash }
        const to = yield* Builders.keyedHash
        const failure = yield* Effect.flip(
          transactions.run(
            Effect.gen(function* () {
              const [tried, , completed, removed] = stored
              yield* attempts.insert(fresh.attempt, fresh.tokenHash)
              yield* attempts.claimTry({ tokenHash: tried.tokenHash, maxTries: 5, now })
              yield* attempts.advance({ from: advanced.tokenHash, to, userId: ada.id, proofs: [], context: null, now })
              yield* attempts.complete(completed.tokenHash, now)
              assert.isTrue(yield* attempts.remove([removed.tokenHash]))
              assert.strictEqual(yield* attempts.removeByUser(bob.id), 1)
              return yield* Effect.fail("undo" as const)
            }),
          ),
        )
        assert.strictEqual(failure, "undo")
        for (const attempt of stored) {
          assert.deepStrictEqual(yield* attempts.find([attempt.tokenHash], now), Option.some(attempt))
        }
        assert.deepStrictEqual(yield* attempts.find([fresh.tokenHash, to], now), Option.none())
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

const insertUser = Builders.storedUser()

const insertSession = Effect.fnUntraced(function* (
  userId: UserId,
  fields: Partial<Parameters<typeof Builders.session>[0]> = {},
) {
  const session = yield* Builders.session({ userId, ...fields })
  const tokenHash = yield* Builders.keyedHash
  yield* SessionStore.use((sessions) => sessions.insert(session, tokenHash))
  return session
})

const proofOf = Effect.fnUntraced(function* (factor: Proof["factor"]) {
  return { factor, amr: ["pwd"], at: yield* DateTime.now, email: null } satisfies Proof
})

/** An attempt of nobody that began now and takes 15 minutes. */
const build = Effect.fnUntraced(function* (fields: Partial<RestingAttempt> = {}) {
  const now = yield* DateTime.now
  const defaults: RestingAttempt = {
    id: SignInAttemptId.make(yield* random.uuidV7()),
    userId: null,
    stepUp: null,
    proofs: [],
    tries: 0,
    context: null,
    createdAt: now,
    expiresAt: DateTime.add(now, { minutes: 15 }),
  }
  return { ...defaults, ...fields }
})

const insertAttempt = Effect.fnUntraced(function* (fields: Partial<RestingAttempt> = {}) {
  const attempt = yield* build(fields)
  const tokenHash = yield* Builders.keyedHash
  yield* SignInAttemptStore.use((attempts) => attempts.insert(attempt, tokenHash))
  return { attempt, tokenHash }
})
