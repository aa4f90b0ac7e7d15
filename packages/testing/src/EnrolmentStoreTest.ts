/**
 * Contract suite of {@link EnrolmentStore}, over the stores of all factors.
 *
 * @since 0.1.0
 */
import { LinkedAccountStore } from "@belfry/core/LinkedAccountStore"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { UserId } from "@belfry/core/User"
import { UserStore } from "@belfry/core/UserStore"
import { BackupCodeStore } from "@belfry/factors/BackupCodeStore"
import type { Enrolment } from "@belfry/factors/Enrolment"
import { EnrolmentStore } from "@belfry/factors/EnrolmentStore"
import { HotpStore } from "@belfry/factors/HotpStore"
import { PasskeyId } from "@belfry/factors/Passkey"
import { PasskeyStore } from "@belfry/factors/PasskeyStore"
import { PasswordHash } from "@belfry/factors/Password"
import { PasswordStore } from "@belfry/factors/PasswordStore"
import { TotpStore } from "@belfry/factors/TotpStore"
import { assert, layer as withLayer } from "@effect/vitest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Builders from "./Builders.ts"

/**
 * The stores that {@link suite} fills and reads.
 *
 * @category models
 * @since 0.1.0
 */
export type Stores =
  | BackupCodeStore
  | EnrolmentStore
  | HotpStore
  | LinkedAccountStore
  | PasskeyStore
  | PasswordStore
  | TotpStore
  | TransactionStore
  | UserStore

/**
 * Registers the suite for an adapter.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<Stores, E>): void =>
  withLayer(layer)(`EnrolmentStore (${name})`, (it) => {
    it.effect("lists nothing of a user who set up nothing, nor of nobody", () =>
      Effect.gen(function* () {
        const user = yield* insertUser
        yield* setUpAll(yield* insertUser)
        assert.deepStrictEqual(yield* list(user), [])
        assert.deepStrictEqual(yield* list((yield* Builders.user()).id), [])
      }),
    )

    it.effect("lists every factor that a user set up, in one order, whatever the order of setting up", () =>
      Effect.gen(function* () {
        const user = yield* insertUser
        yield* setUpAll(user)
        const createdAt = yield* DateTime.now
        const one = { count: 1, createdAt }
        assert.deepStrictEqual(
          (yield* list(user)).map(({ factor, count, createdAt }) => ({ factor, count, createdAt })),
          [
            { factor: "password", ...one },
            { factor: "oauth", ...one },
            { factor: "passkey", ...one },
            { factor: "totp", ...one },
            { factor: "hotp", ...one },
            { factor: "backup-code", count: 2, createdAt },
          ],
        )
      }),
    )

    it.effect("counts passkeys and accounts, from the oldest to the one used last", () =>
      Effect.gen(function* () {
        const user = yield* insertUser
        const first = yield* DateTime.now
        const later = (hours: number) => DateTime.add(first, { hours })
        yield* linkAccount(user, later(2))
        yield* linkAccount(user, later(1))
        yield* addPasskey(user, { createdAt: later(3), lastUsedAt: null })
        yield* addPasskey(user, { createdAt: later(1), lastUsedAt: later(5) })
        yield* addPasskey(user, { createdAt: later(2), lastUsedAt: later(4) })
        const expected: ReadonlyArray<Enrolment> = [
          { factor: "oauth", count: 2, createdAt: later(1), lastUsedAt: null },
          { factor: "passkey", count: 3, createdAt: later(1), lastUsedAt: later(5) },
        ]
        assert.deepStrictEqual(yield* list(user), expected)
      }),
    )

    it.effect("lists one-time passwords once they are confirmed, with their last use", () =>
      Effect.gen(function* () {
        const totps = yield* TotpStore
        const hotps = yield* HotpStore
        const user = yield* insertUser
        const now = yield* DateTime.now
        const later = (hours: number) => DateTime.add(now, { hours })
        const totp = yield* beginTotp(user)
        const hotp = yield* beginHotp(user)
        assert.deepStrictEqual(yield* list(user), [])
        yield* totps.confirm({ userId: user, secret: totp, step: 1, now: later(1) })
        yield* hotps.confirm({ userId: user, secret: hotp, counter: 1, now: later(1) })
        assert.deepStrictEqual(
          (yield* list(user)).map(({ factor }) => factor),
          ["totp", "hotp"],
        )
        yield* totps.claimStep({ userId: user, secret: totp, step: 2, now: later(2) })
        yield* hotps.claimCounter({ userId: user, secret: hotp, counter: 2, now: later(3) })
        const expected: ReadonlyArray<Enrolment> = [
          { factor: "totp", count: 1, createdAt: now, lastUsedAt: later(2) },
          { factor: "hotp", count: 1, createdAt: now, lastUsedAt: later(3) },
        ]
        assert.deepStrictEqual(yield* list(user), expected)
      }),
    )

    it.effect("counts unused backup codes, and lists none when all are used", () =>
      Effect.gen(function* () {
        const codes = yield* BackupCodeStore
        const user = yield* insertUser
        const now = yield* DateTime.now
        const later = (hours: number) => DateTime.add(now, { hours })
        const [first, second] = [yield* Builders.keyedHash, yield* Builders.keyedHash]
        yield* codes.replace(user, [first, second], now)
        const enrolment: Enrolment = { factor: "backup-code", count: 2, createdAt: now, lastUsedAt: null }
        assert.deepStrictEqual(yield* list(user), [enrolment])
        yield* codes.consume(user, [first], later(1))
        assert.deepStrictEqual(yield* list(user), [{ ...enrolment, count: 1, lastUsedAt: later(1) }])
        yield* codes.consume(user, [second], later(2))
        assert.deepStrictEqual(yield* list(user), [])
      }),
    )

    it.effect("lists a factor no longer once it is removed", () =>
      Effect.gen(function* () {
        const user = yield* insertUser
        yield* setUpAll(user)
        yield* PasswordStore.use((passwords) => passwords.remove(user))
        yield* TotpStore.use((totps) => totps.remove(user))
        yield* BackupCodeStore.use((codes) => codes.remove(user))
        assert.deepStrictEqual(
          (yield* list(user)).map(({ factor }) => factor),
          ["oauth", "passkey", "hotp"],
        )
        yield* UserStore.use((users) => users.remove(user))
        assert.deepStrictEqual(yield* list(user), [])
      }),
    )

    it.effect("locks a user who is there, and nobody else", () =>
      Effect.gen(function* () {
        const enrolments = yield* EnrolmentStore
        const { run } = yield* TransactionStore
        assert.isTrue(yield* run(enrolments.lock(yield* insertUser)))
        assert.isFalse(yield* run(enrolments.lock((yield* Builders.user()).id)))
      }),
    )

    it.effect("lets whoever locks wait for the end of the transaction that locked before", () =>
      Effect.gen(function* () {
        const enrolments = yield* EnrolmentStore
        const { run } = yield* TransactionStore
        const user = yield* insertUser
        const locked = yield* Deferred.make<void>()
        const holding = yield* enrolments.lock(user).pipe(
          Effect.andThen(Deferred.succeed(locked, undefined)),
          // As many statements as a change could come between.
          Effect.andThen(Effect.forEach(Array.from({ length: 50 }), () => list(user))),
          run,
          Effect.forkChild,
        )
        yield* Deferred.await(locked)
        yield* run(Effect.andThen(enrolments.lock(user), setPassword(user)))
        const seen = yield* Fiber.join(holding)
        assert.deepStrictEqual(
          seen.filter((enrolled) => enrolled.length > 0),
          [],
        )
        assert.strictEqual((yield* list(user)).length, 1)
      }),
    )
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const random = SecureRandom.make(SecureRandom.randomBytesUnsafe)

const list = (userId: UserId) => EnrolmentStore.use((enrolments) => enrolments.list(userId))

const insertUser = Effect.gen(function* () {
  const user = yield* Builders.user()
  yield* UserStore.use((users) => users.insert(user))
  return user.id
})

const setPassword = Effect.fnUntraced(function* (userId: UserId) {
  const hash = PasswordHash.make(`$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$${"A".repeat(43)}`)
  const now = yield* DateTime.now
  yield* PasswordStore.use((passwords) => passwords.set(userId, hash, now))
})

const linkAccount = Effect.fnUntraced(function* (userId: UserId, createdAt: DateTime.Utc) {
  const account = yield* Builders.linkedAccount({ userId, createdAt })
  yield* LinkedAccountStore.use((accounts) => accounts.upsert(account))
})

const addPasskey = Effect.fnUntraced(function* (
  userId: UserId,
  times: { readonly createdAt: DateTime.Utc; readonly lastUsedAt: DateTime.Utc | null },
) {
  const { createdAt, lastUsedAt } = times
  const id = PasskeyId.make(yield* random.uuidV7())
  const passkeys = yield* PasskeyStore
  yield* passkeys.insert({
    id,
    userId,
    credentialId: id,
    publicKey: new Uint8Array([1, 2, 3]),
    signCount: 0,
    transports: [],
    isMultiDevice: false,
    isBackedUp: false,
    name: "Passkey",
    aaguid: "00000000-0000-0000-0000-000000000000",
    createdAt,
    lastUsedAt: null,
  })
  if (lastUsedAt !== null) yield* passkeys.claimUse({ id, signCount: 0, isBackedUp: false, now: lastUsedAt })
})

const beginTotp = Effect.fnUntraced(function* (userId: UserId) {
  const secret = yield* Builders.sealed
  const createdAt = yield* DateTime.now
  yield* TotpStore.use((totps) =>
    totps.begin({
      userId,
      secret,
      algorithm: "SHA1",
      digits: 6,
      period: 30,
      lastStep: null,
      createdAt,
      confirmedAt: null,
      lastUsedAt: null,
    }),
  )
  return secret
})

const beginHotp = Effect.fnUntraced(function* (userId: UserId) {
  const secret = yield* Builders.sealed
  const createdAt = yield* DateTime.now
  yield* HotpStore.use((hotps) =>
    hotps.begin({ userId, secret, digits: 6, counter: 0, createdAt, confirmedAt: null, lastUsedAt: null }),
  )
  return secret
})

/** Sets up everything there is, in the reverse of the order in which it is listed. */
const setUpAll = Effect.fnUntraced(function* (userId: UserId) {
  const now = yield* DateTime.now
  const hashes = [yield* Builders.keyedHash, yield* Builders.keyedHash] as const
  yield* BackupCodeStore.use((codes) => codes.replace(userId, hashes, now))
  const hotp = yield* beginHotp(userId)
  yield* HotpStore.use((hotps) => hotps.confirm({ userId, secret: hotp, counter: 0, now }))
  const totp = yield* beginTotp(userId)
  yield* TotpStore.use((totps) => totps.confirm({ userId, secret: totp, step: 1, now }))
  yield* addPasskey(userId, { createdAt: now, lastUsedAt: null })
  yield* linkAccount(userId, now)
  yield* setPassword(userId)
})
