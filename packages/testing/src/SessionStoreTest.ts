/**
 * Contract suite of {@link SessionStore}.
 *
 * @since 0.1.0
 */
import type { Session, SessionProof } from "@belfry/core/Session"
import { SessionStore } from "@belfry/core/SessionStore"
import { UserStore } from "@belfry/core/UserStore"
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
export const suite = <E>(name: string, layer: Layer.Layer<SessionStore | UserStore, E>): void =>
  withLayer(layer)(`SessionStore (${name})`, (it) => {
    it.effect("returns a session as it was inserted, with its user and the hash it was found by", () =>
      Effect.gen(function* () {
        const sessions = yield* SessionStore
        const user = yield* insertUser({
          scopes: ["admin"],
          emailVerifiedAt: DateTime.makeUnsafe(1_700_000_000_123),
          disabledAt: DateTime.makeUnsafe(1_700_000_000_456),
        })
        const full = yield* insertSession({
          userId: user.id,
          amr: ["pwd", "otp", "mfa"],
          acr: "aal2",
          label: "Laptop «a»",
        })
        const bare = yield* insertSession({ userId: user.id, amr: [], ipAddress: null, userAgent: null })
        for (const { session, tokenHash } of [full, bare]) {
          const expected = Option.some({ session, user, tokenHash })
          assert.deepStrictEqual(yield* sessions.findByTokenHash([tokenHash]), expected)
        }
      }),
    )

    it.effect("finds a session under any of the hashes given, and none under unknown ones", () =>
      Effect.gen(function* () {
        const sessions = yield* SessionStore
        const user = yield* insertUser()
        const { session, tokenHash } = yield* insertSession({ userId: user.id })
        const [one, other] = [yield* Builders.keyedHash, yield* Builders.keyedHash]
        const found = yield* sessions.findByTokenHash([one, tokenHash, other])
        assert.deepStrictEqual(found, Option.some({ session, user, tokenHash }))
        assert.deepStrictEqual(yield* sessions.findByTokenHash([one]), Option.none())
        assert.deepStrictEqual(yield* sessions.findByTokenHash([one, other]), Option.none())
      }),
    )

    it.effect("returns a session that is over too: the caller decides about time", () =>
      Effect.gen(function* () {
        const sessions = yield* SessionStore
        const user = yield* insertUser()
        const past = DateTime.subtract(yield* DateTime.now, { days: 1 })
        const { session, tokenHash } = yield* insertSession({ userId: user.id, expiresAt: past })
        const found = yield* sessions.findByTokenHash([tokenHash])
        assert.deepStrictEqual(Option.getOrThrow(found).session, session)
      }),
    )

    it.effect("refuses a session of an unknown user, a hash or id twice, and an expiry past the end", () =>
      Effect.gen(function* () {
        const sessions = yield* SessionStore
        const user = yield* insertUser()
        const { session, tokenHash } = yield* insertSession({ userId: user.id })
        const stranger = yield* Builders.session({ userId: (yield* Builders.user()).id })
        const another = yield* Builders.session({ userId: user.id })
        const endless = { ...another, expiresAt: DateTime.add(another.endsAt, { milliseconds: 1 }) }
        const refusals = [
          sessions.insert(stranger, yield* Builders.keyedHash),
          sessions.insert(another, tokenHash),
          sessions.insert(session, yield* Builders.keyedHash),
          sessions.insert(endless, yield* Builders.keyedHash),
        ]
        for (const refusal of refusals) {
          const error = yield* Effect.flip(refusal)
          assert.deepStrictEqual([error.store, error.method, error.isRetryable], ["SessionStore", "insert", false])
        }
        assert.deepStrictEqual(yield* sessions.listByUser(user.id, session.createdAt), [session])
      }),
    )

    it.effect("touches a session once for 50 concurrent calls that saw the same", () =>
      Effect.gen(function* () {
        const sessions = yield* SessionStore
        const user = yield* insertUser()
        const { session, tokenHash } = yield* insertSession({ userId: user.id })
        const next = {
          ...session,
          lastSeenAt: DateTime.add(session.lastSeenAt, { days: 2 }),
          expiresAt: DateTime.add(session.expiresAt, { days: 2 }),
        }
        const answers = yield* Effect.all(
          Array.from({ length: 50 }, () => sessions.touch(session, next)),
          {
            concurrency: "unbounded",
          },
        )
        assert.strictEqual(answers.filter((isTouched) => isTouched).length, 1)
        const found = yield* sessions.findByTokenHash([tokenHash])
        assert.deepStrictEqual(Option.getOrThrow(found).session, next)
      }),
    )

    it.effect("touches only the times, and only of a session that is as it was seen", () =>
      Effect.gen(function* () {
        const sessions = yield* SessionStore
        const user = yield* insertUser()
        const { session, tokenHash } = yield* insertSession({ userId: user.id })
        const later = DateTime.add(session.lastSeenAt, { minutes: 5 })
        const next: Session = { ...session, lastSeenAt: later, label: "not written", amr: ["otp"] }
        const otherExpiry = { ...session, expiresAt: DateTime.add(session.expiresAt, { milliseconds: 1 }) }
        const otherUse = { ...session, lastSeenAt: DateTime.add(session.lastSeenAt, { milliseconds: 1 }) }
        assert.isFalse(yield* sessions.touch(otherExpiry, next))
        assert.isFalse(yield* sessions.touch(otherUse, next))
        assert.isTrue(yield* sessions.touch(session, next))
        const found = yield* sessions.findByTokenHash([tokenHash])
        assert.deepStrictEqual(Option.getOrThrow(found).session, { ...session, lastSeenAt: later })
        yield* sessions.remove(user.id, session.id)
        assert.isFalse(yield* sessions.touch({ ...session, lastSeenAt: later }, session))
      }),
    )

    it.effect("rehashes once, from the hash that is there", () =>
      Effect.gen(function* () {
        const sessions = yield* SessionStore
        const user = yield* insertUser()
        const { session, tokenHash } = yield* insertSession({ userId: user.id })
        const to = yield* Builders.keyedHash
        assert.isFalse(yield* sessions.rehash(session.id, yield* Builders.keyedHash, to))
        const answers = yield* Effect.all(
          Array.from({ length: 20 }, () => sessions.rehash(session.id, tokenHash, to)),
          { concurrency: "unbounded" },
        )
        assert.strictEqual(answers.filter((isDone) => isDone).length, 1)
        assert.deepStrictEqual(yield* sessions.findByTokenHash([tokenHash]), Option.none())
        assert.deepStrictEqual(yield* sessions.findByTokenHash([to]), Option.some({ session, user, tokenHash: to }))
      }),
    )

    it.effect("rotates: the old token is dead, the new one opens the same session", () =>
      Effect.gen(function* () {
        const sessions = yield* SessionStore
        const user = yield* insertUser()
        const { session, tokenHash } = yield* insertSession({ userId: user.id })
        const next = yield* Builders.keyedHash
        const now = DateTime.add(session.createdAt, { hours: 1 })
        const authTime = DateTime.subtract(now, { minutes: 1 })
        const rotated: Session = { ...session, amr: ["pwd", "otp"], acr: "aal2", authTime }
        const { id, amr, acr } = rotated
        const answer = yield* sessions.rotate({ id, tokenHash: next, amr, acr, authTime, now })
        assert.deepStrictEqual(answer, Option.some(rotated))
        assert.deepStrictEqual(yield* sessions.findByTokenHash([tokenHash]), Option.none())
        const found = yield* sessions.findByTokenHash([next])
        assert.deepStrictEqual(found, Option.some({ session: rotated, user, tokenHash: next }))
      }),
    )

    it.effect("rotates until a millisecond before the expiry, and not at it", () =>
      Effect.gen(function* () {
        const sessions = yield* SessionStore
        const user = yield* insertUser()
        const { session, tokenHash } = yield* insertSession({ userId: user.id })
        const [first, second] = [yield* Builders.keyedHash, yield* Builders.keyedHash]
        const { id, amr, acr, authTime } = session
        const at = { id, tokenHash: first, amr, acr, authTime, now: session.expiresAt }
        assert.deepStrictEqual(yield* sessions.rotate(at), Option.none())
        assert.isTrue(Option.isSome(yield* sessions.findByTokenHash([tokenHash])))
        const before = { ...at, tokenHash: second, now: DateTime.subtract(session.expiresAt, { milliseconds: 1 }) }
        assert.isTrue(Option.isSome(yield* sessions.rotate(before)))
        yield* sessions.remove(user.id, session.id)
        assert.deepStrictEqual(yield* sessions.rotate(before), Option.none())
      }),
    )

    it.effect("keeps what was proved to the millisecond, and tells those after an instant, by time and factor", () =>
      Effect.gen(function* () {
        const sessions = yield* SessionStore
        const user = yield* insertUser()
        const at = (millis: number) => DateTime.makeUnsafe(1_795_338_487_006 + millis)
        const far = DateTime.makeUnsafe("2099-12-31T23:59:59.999Z")
        const { id } = yield* insertSessionProving({ userId: user.id }, [
          { factor: "totp", at: far },
          { factor: "password", at: at(0) },
          { factor: "passkey", at: at(0) },
          { factor: "what a host adds", at: at(5) },
          { factor: "password", at: at(2) },
        ])
        const all = [
          { factor: "passkey", at: at(0) },
          { factor: "password", at: at(2) },
          { factor: "what a host adds", at: at(5) },
          { factor: "totp", at: far },
        ]
        for (const [since, count] of [
          [-1, 4],
          [0, 3],
          [1, 3],
          [2, 2],
          [4, 2],
          [5, 1],
        ] as const) {
          assert.deepStrictEqual(yield* sessions.listProofs(id, at(since)), all.slice(-count), `since ${since}`)
        }
        assert.deepStrictEqual(yield* sessions.listProofs(id, far), [])
        const proofs = ["totp", "password", "hotp"].map((factor) => ({ factor, at: at(0) }))
        const atOnce = yield* insertSessionProving({ userId: user.id }, proofs)
        assert.deepStrictEqual(
          (yield* sessions.listProofs(atOnce.id, at(-1))).map(({ factor }) => factor),
          ["hotp", "password", "totp"],
        )
      }),
    )

    it.effect("replaces what was proved by a rotation that proves it again, and by nothing else", () =>
      Effect.gen(function* () {
        const sessions = yield* SessionStore
        const user = yield* insertUser()
        const at = (millis: number) => DateTime.makeUnsafe(1_700_000_000_000 + millis)
        const session = yield* insertSessionProving({ userId: user.id }, [
          { factor: "password", at: at(1) },
          { factor: "totp", at: at(2) },
        ])
        const { id, amr, acr, authTime, createdAt: now } = session
        const listed = sessions.listProofs(id, at(0))
        const rotate = Effect.fnUntraced(function* (options: Partial<Parameters<typeof sessions.rotate>[0]>) {
          const tokenHash = yield* Builders.keyedHash
          return yield* sessions.rotate({ id, tokenHash, amr, acr, authTime, now, ...options })
        })
        const before = yield* listed
        const hash = yield* Builders.keyedHash
        assert.deepStrictEqual(yield* rotate({ tokenHash: hash }), Option.some(session))
        assert.isTrue(yield* sessions.rehash(id, hash, yield* Builders.keyedHash))
        assert.isTrue(yield* sessions.touch(session, { ...session, lastSeenAt: DateTime.add(now, { minutes: 1 }) }))
        const late = yield* rotate({ proofs: [{ factor: "totp", at: at(9) }], now: session.expiresAt })
        assert.deepStrictEqual(late, Option.none())
        assert.deepStrictEqual(yield* listed, before)
        yield* rotate({
          proofs: [
            { factor: "passkey", at: at(3) },
            { factor: "password", at: at(4) },
          ],
        })
        assert.deepStrictEqual(yield* listed, [
          { factor: "totp", at: at(2) },
          { factor: "passkey", at: at(3) },
          { factor: "password", at: at(4) },
        ])
      }),
    )

    it.effect("keeps what was proved in sessions apart, and it goes with its session", () =>
      Effect.gen(function* () {
        const sessions = yield* SessionStore
        const user = yield* insertUser()
        const at = DateTime.makeUnsafe(1_700_000_000_000)
        const since = DateTime.subtract(at, { seconds: 1 })
        const one = yield* insertSessionProving({ userId: user.id }, [{ factor: "password", at }])
        const other = yield* insertSessionProving({ userId: user.id }, [{ factor: "totp", at }])
        const { session: bare } = yield* insertSession({ userId: user.id })
        const listed = Effect.forEach([one, other, bare], ({ id }) => sessions.listProofs(id, since))
        assert.deepStrictEqual(yield* listed, [[{ factor: "password", at }], [{ factor: "totp", at }], []])
        yield* sessions.remove(user.id, one.id)
        assert.deepStrictEqual(yield* listed, [[], [{ factor: "totp", at }], []])
        yield* UserStore.use((users) => users.remove(user.id))
        assert.deepStrictEqual(yield* listed, [[], [], []])
      }),
    )

    it.effect("lists the live sessions of one user, newest first, up to the exact instant of expiry", () =>
      Effect.gen(function* () {
        const sessions = yield* SessionStore
        const [ada, bob] = [yield* insertUser(), yield* insertUser()]
        const now = yield* DateTime.now
        const oldest = yield* insertSession({ userId: ada.id, createdAt: DateTime.subtract(now, { days: 2 }) })
        const newest = yield* insertSession({ userId: ada.id, expiresAt: DateTime.add(now, { seconds: 1 }) })
        const middle = yield* insertSession({ userId: ada.id, createdAt: DateTime.subtract(now, { days: 1 }) })
        yield* insertSession({ userId: bob.id })
        const list = yield* sessions.listByUser(ada.id, now)
        assert.deepStrictEqual(list, [newest.session, middle.session, oldest.session])
        const before = yield* sessions.listByUser(ada.id, DateTime.add(now, { milliseconds: 999 }))
        assert.strictEqual(before.length, 3)
        const at = yield* sessions.listByUser(ada.id, DateTime.add(now, { milliseconds: 1000 }))
        assert.deepStrictEqual(at, [middle.session, oldest.session])
      }),
    )

    it.effect("removes a session of its own user only, once", () =>
      Effect.gen(function* () {
        const sessions = yield* SessionStore
        const [ada, bob] = [yield* insertUser(), yield* insertUser()]
        const { session, tokenHash } = yield* insertSession({ userId: ada.id })
        assert.deepStrictEqual(yield* sessions.remove(bob.id, session.id), Option.none())
        assert.isTrue(Option.isSome(yield* sessions.findByTokenHash([tokenHash])))
        assert.deepStrictEqual(yield* sessions.remove(ada.id, session.id), Option.some(session))
        assert.deepStrictEqual(yield* sessions.findByTokenHash([tokenHash]), Option.none())
        assert.deepStrictEqual(yield* sessions.remove(ada.id, session.id), Option.none())
      }),
    )

    it.effect("removes all sessions of a user, or all but one, and nobody else's", () =>
      Effect.gen(function* () {
        const sessions = yield* SessionStore
        const [ada, bob] = [yield* insertUser(), yield* insertUser()]
        const own = yield* Effect.replicateEffect(insertSession({ userId: ada.id }), 3)
        const others = yield* insertSession({ userId: bob.id })
        const [kept, ...gone] = own.map(({ session }) => session.id)
        const removed = yield* sessions.removeByUser(ada.id, Option.fromUndefinedOr(kept))
        assert.deepStrictEqual(new Set(removed), new Set(gone))
        const now = yield* DateTime.now
        assert.deepStrictEqual(
          (yield* sessions.listByUser(ada.id, now)).map((session) => session.id),
          own.slice(0, 1).map(({ session }) => session.id),
        )
        assert.deepStrictEqual(yield* sessions.removeByUser(ada.id, Option.none()), kept === undefined ? [] : [kept])
        assert.deepStrictEqual(yield* sessions.removeByUser(ada.id, Option.none()), [])
        assert.deepStrictEqual(yield* sessions.listByUser(bob.id, now), [others.session])
      }),
    )

    it.effect("removes the sessions of a user with the user, and nobody else's", () =>
      Effect.gen(function* () {
        const sessions = yield* SessionStore
        const users = yield* UserStore
        const [ada, bob] = [yield* insertUser(), yield* insertUser()]
        const lost = yield* insertSession({ userId: ada.id })
        const kept = yield* insertSession({ userId: bob.id })
        yield* users.remove(ada.id)
        assert.deepStrictEqual(yield* sessions.findByTokenHash([lost.tokenHash]), Option.none())
        assert.deepStrictEqual(yield* sessions.remove(ada.id, lost.session.id), Option.none())
        assert.isTrue(Option.isSome(yield* sessions.findByTokenHash([kept.tokenHash])))
      }),
    )

    it.effect("sweeps expired sessions, oldest first, at the exact instant and no more than the limit", () =>
      Effect.gen(function* () {
        const sessions = yield* SessionStore
        const user = yield* insertUser()
        const now = yield* DateTime.now
        yield* sessions.removeExpired(now, 1000)
        const endingIn = (millis: number) =>
          insertSession({ userId: user.id, expiresAt: DateTime.add(now, { milliseconds: millis }) })
        const live = yield* endingIn(1)
        const atNow = yield* endingIn(0)
        const oldest = yield* endingIn(-2)
        const old = yield* endingIn(-1)
        const isThere = ({ tokenHash }: typeof live) => Effect.map(sessions.findByTokenHash([tokenHash]), Option.isSome)
        assert.strictEqual(yield* sessions.removeExpired(now, 1), 1)
        assert.deepStrictEqual(yield* Effect.forEach([oldest, old, atNow, live], isThere), [false, true, true, true])
        assert.strictEqual(yield* sessions.removeExpired(now, 2), 2)
        assert.deepStrictEqual(yield* Effect.forEach([old, atNow, live], isThere), [false, false, true])
        assert.strictEqual(yield* sessions.removeExpired(now, 2), 0)
      }),
    )
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const insertUser = Builders.storedUser

const insertSession = Effect.fnUntraced(function* (...fields: Parameters<typeof Builders.session>) {
  const session = yield* Builders.session(...fields)
  const tokenHash = yield* Builders.keyedHash
  yield* SessionStore.use((sessions) => sessions.insert(session, tokenHash))
  return { session, tokenHash }
})

const insertSessionProving = Effect.fnUntraced(function* (
  fields: Parameters<typeof Builders.session>[0],
  proofs: ReadonlyArray<SessionProof>,
) {
  const session = yield* Builders.session(fields)
  const tokenHash = yield* Builders.keyedHash
  yield* SessionStore.use((sessions) => sessions.insert(session, tokenHash, proofs))
  return session
})
