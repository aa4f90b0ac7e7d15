/**
 * Contract suite of {@link SessionProofStore}.
 *
 * @since 0.1.0
 */
import { SessionStore } from "@belfry/core/SessionStore"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { UserStore } from "@belfry/core/UserStore"
import { SessionProofStore } from "@belfry/factors/SessionProofStore"
import { assert, layer as withLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Builders from "./Builders.ts"

/**
 * Registers the suite for an adapter.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(
  name: string,
  layer: Layer.Layer<SessionProofStore | SessionStore | TransactionStore | UserStore, E>,
): void =>
  withLayer(layer)(`SessionProofStore (${name})`, (it) => {
    it.effect("keeps the latest time of each factor, and tells those after an instant", () =>
      Effect.gen(function* () {
        const proofs = yield* SessionProofStore
        const { id, createdAt } = yield* insertSession
        const at = (milliseconds: number) => DateTime.add(createdAt, { milliseconds })
        yield* proofs.record(id, [
          { factor: "password", at: at(1) },
          { factor: "totp", at: at(5) },
          { factor: "totp", at: at(3) },
        ])
        yield* proofs.record(id, [{ factor: "password", at: at(7) }])
        yield* proofs.record(id, [{ factor: "totp", at: at(4) }])
        assert.deepStrictEqual(yield* proofs.list(id, at(0)), [
          { factor: "totp", at: at(5) },
          { factor: "password", at: at(7) },
        ])
        assert.deepStrictEqual(yield* proofs.list(id, at(4)), yield* proofs.list(id, at(0)))
        assert.deepStrictEqual(yield* proofs.list(id, at(5)), [{ factor: "password", at: at(7) }])
        assert.deepStrictEqual(yield* proofs.list(id, at(7)), [])
      }),
    )

    it.effect("keeps an instant to the millisecond, far from now", () =>
      Effect.gen(function* () {
        const proofs = yield* SessionProofStore
        const { id, createdAt } = yield* insertSession
        for (const instant of ["2026-11-21T09:08:07.006Z", "2099-12-31T23:59:59.999Z"]) {
          const at = DateTime.makeUnsafe(instant)
          yield* proofs.record(id, [{ factor: "passkey", at }])
          assert.deepStrictEqual(yield* proofs.list(id, createdAt), [{ factor: "passkey", at }])
        }
      }),
    )

    it.effect("keeps the proofs of sessions apart, and they go with their session", () =>
      Effect.gen(function* () {
        const proofs = yield* SessionProofStore
        const [one, other] = [yield* insertSession, yield* insertSession]
        const at = DateTime.add(one.createdAt, { minutes: 1 })
        yield* proofs.record(one.id, [{ factor: "password", at }])
        yield* proofs.record(other.id, [{ factor: "totp", at }])
        assert.deepStrictEqual(yield* proofs.list(one.id, one.createdAt), [{ factor: "password", at }])
        yield* SessionStore.use((sessions) => sessions.remove(one.userId, one.id))
        assert.deepStrictEqual(yield* proofs.list(one.id, one.createdAt), [])
        yield* UserStore.use((users) => users.remove(other.userId))
        assert.deepStrictEqual(yield* proofs.list(other.id, other.createdAt), [])
      }),
    )

    it.effect("keeps nothing of a session that does not exist, nor of a transaction that fails", () =>
      Effect.gen(function* () {
        const proofs = yield* SessionProofStore
        const { run } = yield* TransactionStore
        const session = yield* insertSession
        const at = DateTime.add(session.createdAt, { minutes: 1 })
        const unborn = yield* Builders.session({ userId: session.userId })
        const error = yield* Effect.flip(proofs.record(unborn.id, [{ factor: "password", at }]))
        assert.deepStrictEqual(
          [error._tag, error.store, error.method, error.isRetryable],
          ["StoreError", "SessionProofStore", "record", false],
        )
        yield* Effect.flip(
          run(Effect.andThen(proofs.record(session.id, [{ factor: "password", at }]), Effect.fail("undo"))),
        )
        assert.deepStrictEqual(yield* proofs.list(session.id, session.createdAt), [])
      }),
    )

    it.effect("keeps one row a factor from 50 fibers: that of the latest", () =>
      Effect.gen(function* () {
        const proofs = yield* SessionProofStore
        const { id, createdAt } = yield* insertSession
        yield* Effect.forEach(
          Array.from({ length: 50 }, (_, index) => DateTime.add(createdAt, { seconds: index + 1 })),
          (at) => proofs.record(id, [{ factor: "totp", at }]),
          { concurrency: "unbounded", discard: true },
        )
        assert.deepStrictEqual(yield* proofs.list(id, createdAt), [
          { factor: "totp", at: DateTime.add(createdAt, { seconds: 50 }) },
        ])
      }),
    )
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const insertSession = Effect.gen(function* () {
  const user = yield* Builders.user()
  yield* UserStore.use((users) => users.insert(user))
  const session = yield* Builders.session({ userId: user.id })
  const tokenHash = yield* Builders.keyedHash
  yield* SessionStore.use((sessions) => sessions.insert(session, tokenHash))
  return session
})
