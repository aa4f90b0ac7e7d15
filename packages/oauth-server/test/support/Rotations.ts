/**
 * Grants whose refresh tokens are about to be rotated, and transactions that stay open meanwhile.
 */
import { TransactionStore } from "@belfry/core/TransactionStore"
import { GrantStore } from "@belfry/oauth-server/GrantStore"
import { RecordStore } from "@belfry/oauth-server/RecordStore"
import * as Held from "@belfry/testing/GrantFixtures"
import { Deferred, Effect, Fiber } from "effect"

/** Runs an effect in a transaction that stays open until it is told how to end. */
export const holding = Effect.fnUntraced(function* <A, E>(effect: Effect.Effect<A, E>) {
  const { run } = yield* TransactionStore
  const isDone = yield* Deferred.make<A>()
  const end = yield* Deferred.make<boolean>()
  const fiber = yield* Effect.gen(function* () {
    const answer = yield* effect
    yield* Deferred.succeed(isDone, answer)
    return (yield* Deferred.await(end)) ? answer : yield* Effect.fail("undo" as const)
  }).pipe(run, Effect.forkChild)
  yield* Deferred.await(isDone)
  return {
    commit: Effect.andThen(Deferred.succeed(end, true), Fiber.join(fiber)),
    undo: Effect.andThen(Deferred.succeed(end, false), Effect.exit(Fiber.join(fiber))),
  }
})

/** A grant that was redeemed, and a rotation of its refresh token. */
export const aboutToRotate = Effect.gen(function* () {
  const held = yield* Held.redeemed()
  const rotation = yield* Held.rotationOf(held.refreshToken, held.grant)
  return { grants: yield* GrantStore, records: yield* RecordStore, held, rotation }
})

/** Grants of as many clients and users, and the rotations of their refresh tokens. */
export const manyToRotate = Effect.fnUntraced(function* (count: number) {
  const held = yield* Effect.forEach(Array.from({ length: count }), () => Held.redeemed())
  const rotations = yield* Effect.forEach(held, ({ grant, refreshToken }) => Held.rotationOf(refreshToken, grant))
  return { grants: yield* GrantStore, rotations }
})
