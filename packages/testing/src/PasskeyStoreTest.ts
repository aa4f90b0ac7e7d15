/**
 * Contract suite of {@link PasskeyStore}.
 *
 * @since 0.1.0
 */
import { TransactionStore } from "@belfry/core/TransactionStore"
import { UserStore } from "@belfry/core/UserStore"
import { PasskeyId, type StoredPasskey } from "@belfry/factors/Passkey"
import { PasskeyStore } from "@belfry/factors/PasskeyStore"
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
export const suite = <E>(name: string, layer: Layer.Layer<PasskeyStore | TransactionStore | UserStore, E>): void =>
  withLayer(layer)(`PasskeyStore (${name})`, (it) => {
    it.effect("finds a passkey by its credential id as it was inserted, every byte and the largest counter", () =>
      Effect.gen(function* () {
        const passkeys = yield* PasskeyStore
        const user = yield* insertUser
        const lastUsedAt = DateTime.add(yield* DateTime.now, { minutes: 1 })
        const passkey = yield* build({
          userId: user.id,
          publicKey: Uint8Array.from({ length: 256 }, (_, byte) => byte),
          signCount: 2 ** 32 - 1,
          transports: ["internal", "hybrid"],
          isMultiDevice: true,
          isBackedUp: true,
          name: "Zoë's 📱",
          lastUsedAt,
        })
        assert.isTrue(yield* passkeys.insert(passkey))
        assert.deepStrictEqual(yield* passkeys.findByCredentialId(passkey.credentialId), Option.some(passkey))
        const plain = yield* build({ userId: user.id, transports: [] })
        assert.isTrue(yield* passkeys.insert(plain))
        assert.deepStrictEqual(yield* passkeys.findByCredentialId(plain.credentialId), Option.some(plain))
      }),
    )

    it.effect("finds none by a credential id that is unknown, the beginning of one or in other case", () =>
      Effect.gen(function* () {
        const passkeys = yield* PasskeyStore
        const { credentialId } = yield* insertPasskey({ credentialId: `Aa-${yield* Builders.keyedHash}` })
        for (const other of ["", credentialId.slice(0, -1), credentialId.toLowerCase(), credentialId.toUpperCase()]) {
          assert.deepStrictEqual(yield* passkeys.findByCredentialId(other), Option.none())
        }
      }),
    )

    it.effect("keeps the first passkey of a credential id, whoever comes with it again", () =>
      Effect.gen(function* () {
        const passkeys = yield* PasskeyStore
        const first = yield* insertPasskey()
        const other = yield* insertUser
        for (const userId of [first.userId, other.id]) {
          const again = yield* build({ userId, credentialId: first.credentialId, signCount: 9, name: "2" })
          assert.isFalse(yield* passkeys.insert(again))
        }
        assert.deepStrictEqual(yield* passkeys.findByCredentialId(first.credentialId), Option.some(first))
        assert.deepStrictEqual(yield* passkeys.listByUser(other.id), [])
      }),
    )

    it.effect("inserts a credential id for one of 50 fibers", () =>
      Effect.gen(function* () {
        const passkeys = yield* PasskeyStore
        const user = yield* insertUser
        const credentialId = yield* Builders.keyedHash
        const candidates = yield* Effect.forEach(Array.from({ length: 50 }), () =>
          build({ userId: user.id, credentialId }),
        )
        const answers = yield* Effect.forEach(candidates, passkeys.insert, { concurrency: "unbounded" })
        assert.strictEqual(answers.filter((isInserted) => isInserted).length, 1)
        const winner = candidates[answers.indexOf(true)]
        assert.deepStrictEqual(yield* passkeys.listByUser(user.id), winner === undefined ? [] : [winner])
      }),
    )

    it.effect("refuses the passkey of a user who does not exist", () =>
      Effect.gen(function* () {
        const passkeys = yield* PasskeyStore
        const passkey = yield* build({ userId: (yield* Builders.user()).id })
        const error = yield* Effect.flip(passkeys.insert(passkey))
        assert.deepStrictEqual(
          [error._tag, error.store, error.method, error.isRetryable],
          ["StoreError", "PasskeyStore", "insert", false],
        )
        assert.deepStrictEqual(yield* passkeys.findByCredentialId(passkey.credentialId), Option.none())
      }),
    )

    it.effect("refuses a second passkey with the id of another", () =>
      Effect.gen(function* () {
        const passkeys = yield* PasskeyStore
        const first = yield* insertPasskey()
        const error = yield* Effect.flip(passkeys.insert(yield* build({ userId: first.userId, id: first.id })))
        assert.deepStrictEqual([error._tag, error.method], ["StoreError", "insert"])
        assert.deepStrictEqual(yield* passkeys.listByUser(first.userId), [first])
      }),
    )

    it.effect("lists the passkeys of a user, the oldest first, and nobody else's", () =>
      Effect.gen(function* () {
        const passkeys = yield* PasskeyStore
        const [ada, bob] = [yield* insertUser, yield* insertUser]
        const now = yield* DateTime.now
        const young = yield* insertPasskey({ userId: ada.id, createdAt: DateTime.add(now, { hours: 1 }) })
        const old = yield* insertPasskey({ userId: ada.id, createdAt: now })
        const twin = yield* insertPasskey({ userId: ada.id, createdAt: now })
        const bobs = yield* insertPasskey({ userId: bob.id })
        assert.deepStrictEqual(yield* passkeys.listByUser(ada.id), [old, twin, young])
        assert.deepStrictEqual(yield* passkeys.listByUser(bob.id), [bobs])
      }),
    )

    it.effect("writes down a use whose counter grew, of that passkey alone", () =>
      Effect.gen(function* () {
        const passkeys = yield* PasskeyStore
        const passkey = yield* insertPasskey({ signCount: 7 })
        const other = yield* insertPasskey({ userId: passkey.userId, signCount: 7 })
        const now = DateTime.add(yield* DateTime.now, { minutes: 1 })
        assert.isTrue(yield* passkeys.claimUse({ id: passkey.id, signCount: 8, isBackedUp: true, now }))
        const used = { ...passkey, signCount: 8, isBackedUp: true, lastUsedAt: now }
        assert.deepStrictEqual(yield* passkeys.findByCredentialId(passkey.credentialId), Option.some(used))
        assert.deepStrictEqual(yield* passkeys.findByCredentialId(other.credentialId), Option.some(other))
      }),
    )

    it.effect("refuses a use whose counter stands still, goes backwards or falls to 0, and changes nothing", () =>
      Effect.gen(function* () {
        const passkeys = yield* PasskeyStore
        const passkey = yield* insertPasskey({ signCount: 7 })
        const now = DateTime.add(yield* DateTime.now, { minutes: 1 })
        for (const signCount of [7, 6, 1, 0]) {
          assert.isFalse(yield* passkeys.claimUse({ id: passkey.id, signCount, isBackedUp: true, now }))
        }
        assert.deepStrictEqual(yield* passkeys.findByCredentialId(passkey.credentialId), Option.some(passkey))
      }),
    )

    it.effect("takes every use of an authenticator that does not count", () =>
      Effect.gen(function* () {
        const passkeys = yield* PasskeyStore
        const { id } = yield* insertPasskey({ signCount: 0 })
        const now = yield* DateTime.now
        const use = (signCount: number) => passkeys.claimUse({ id, signCount, isBackedUp: false, now })
        assert.deepStrictEqual([yield* use(0), yield* use(0), yield* use(1), yield* use(0)], [true, true, true, false])
      }),
    )

    it.effect("takes no use of a passkey that there is not", () =>
      Effect.gen(function* () {
        const passkeys = yield* PasskeyStore
        const { id } = yield* build({ userId: (yield* insertUser).id })
        const now = yield* DateTime.now
        assert.isFalse(yield* passkeys.claimUse({ id, signCount: 0, isBackedUp: false, now }))
      }),
    )

    it.effect("takes a use for one of 50 fibers that come with the same counter", () =>
      Effect.gen(function* () {
        const passkeys = yield* PasskeyStore
        const { id } = yield* insertPasskey({ signCount: 0 })
        const now = yield* DateTime.now
        const answers = yield* Effect.all(
          Array.from({ length: 50 }, () => passkeys.claimUse({ id, signCount: 1, isBackedUp: false, now })),
          { concurrency: "unbounded" },
        )
        assert.strictEqual(answers.filter((isTaken) => isTaken).length, 1)
      }),
    )

    it.effect("renames a passkey of its user, and nobody else's", () =>
      Effect.gen(function* () {
        const passkeys = yield* PasskeyStore
        const passkey = yield* insertPasskey()
        const eve = yield* insertUser
        assert.deepStrictEqual(yield* passkeys.rename(eve.id, passkey.id, "Mine"), Option.none())
        assert.deepStrictEqual(yield* passkeys.listByUser(passkey.userId), [passkey])
        const renamed = { ...passkey, name: "Work key" }
        assert.deepStrictEqual(
          yield* passkeys.rename(passkey.userId, passkey.id, "Work key"),
          Option.some<StoredPasskey>(renamed),
        )
        assert.deepStrictEqual(yield* passkeys.listByUser(passkey.userId), [renamed])
      }),
    )

    it.effect("removes a passkey of its user once, and nobody else's", () =>
      Effect.gen(function* () {
        const passkeys = yield* PasskeyStore
        const passkey = yield* insertPasskey()
        const other = yield* insertPasskey({ userId: passkey.userId })
        const eve = yield* insertUser
        assert.deepStrictEqual(yield* passkeys.remove(eve.id, passkey.id), Option.none())
        const answers = yield* Effect.all(
          Array.from({ length: 50 }, () => passkeys.remove(passkey.userId, passkey.id)),
          { concurrency: "unbounded" },
        )
        assert.deepStrictEqual(answers.filter(Option.isSome), [Option.some(passkey)])
        assert.deepStrictEqual(yield* passkeys.listByUser(passkey.userId), [other])
      }),
    )

    it.effect("removes the passkeys of a user with the user, and nobody else's", () =>
      Effect.gen(function* () {
        const passkeys = yield* PasskeyStore
        const users = yield* UserStore
        const [passkey, other] = [yield* insertPasskey(), yield* insertPasskey()]
        yield* users.remove(passkey.userId)
        assert.deepStrictEqual(yield* passkeys.findByCredentialId(passkey.credentialId), Option.none())
        assert.deepStrictEqual(yield* passkeys.findByCredentialId(other.credentialId), Option.some(other))
      }),
    )

    it.effect("puts everything back when the transaction fails", () =>
      Effect.gen(function* () {
        const passkeys = yield* PasskeyStore
        const transactions = yield* TransactionStore
        const [used, renamed, removed] = [yield* insertPasskey(), yield* insertPasskey(), yield* insertPasskey()]
        const inserted = yield* build({ userId: used.userId })
        const now = yield* DateTime.now
        const failure = yield* Effect.flip(
          transactions.run(
            Effect.gen(function* () {
              assert.isTrue(yield* passkeys.insert(inserted))
              assert.isTrue(yield* passkeys.claimUse({ id: used.id, signCount: 9, isBackedUp: true, now }))
              assert.isTrue(Option.isSome(yield* passkeys.rename(renamed.userId, renamed.id, "Other")))
              assert.isTrue(Option.isSome(yield* passkeys.remove(removed.userId, removed.id)))
              return yield* Effect.fail("undo" as const)
            }),
          ),
        )
        assert.strictEqual(failure, "undo")
        assert.deepStrictEqual(yield* passkeys.findByCredentialId(inserted.credentialId), Option.none())
        for (const passkey of [used, renamed, removed]) {
          assert.deepStrictEqual(yield* passkeys.findByCredentialId(passkey.credentialId), Option.some(passkey))
        }
      }),
    )
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const insertUser = Builders.storedUser()

// One generator: UUIDv7 ascend only within a generator.
const random = SecureRandom.make(SecureRandom.randomBytesUnsafe)

/** A passkey with a credential id of its own, which was made now and never used. */
const build = Effect.fnUntraced(function* (fields: Partial<StoredPasskey> & Pick<StoredPasskey, "userId">) {
  const defaults: Omit<StoredPasskey, "userId"> = {
    id: PasskeyId.make(yield* random.uuidV7()),
    credentialId: yield* Builders.keyedHash,
    publicKey: Uint8Array.from(yield* random.randomBytes(77)),
    signCount: 0,
    transports: ["usb"],
    isMultiDevice: false,
    isBackedUp: false,
    name: "Passkey",
    aaguid: "00000000-0000-0000-0000-000000000000",
    createdAt: yield* DateTime.now,
    lastUsedAt: null,
  }
  return { ...defaults, ...fields }
})

/** Inserts a passkey, of a new user unless it says whose. */
const insertPasskey = Effect.fnUntraced(function* (fields: Partial<StoredPasskey> = {}) {
  const userId = fields.userId ?? (yield* insertUser).id
  const passkey = yield* build({ ...fields, userId })
  yield* PasskeyStore.use((passkeys) => passkeys.insert(passkey))
  return passkey
})
