/**
 * What becomes of an account whose address nobody had proved, when somebody proves it: whoever made it, by another
 * provider or otherwise, may be a stranger who waited for its owner, and must not stay in.
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import { LinkedAccounts } from "@belfry/core/LinkedAccounts"
import { LinkedAccountStore } from "@belfry/core/LinkedAccountStore"
import { Sessions } from "@belfry/core/Sessions"
import type { UserId } from "@belfry/core/User"
import * as Effect from "effect/Effect"
import { Enrolments } from "../Enrolments.ts"

/** Builds the effect that ends every way in that a user has. For use in the transaction of the proof. */
export const make = Effect.gen(function* () {
  const enrolments = yield* Enrolments
  const accounts = yield* LinkedAccounts
  const accountStore = yield* LinkedAccountStore
  const sessions = yield* Sessions

  return Effect.fnUntraced(function* (userId: UserId, client: ClientInfo) {
    yield* enrolments.clear(userId, client)
    yield* Effect.forEach(
      yield* accountStore.listByUser(userId),
      ({ providerId, accountId }) => accounts.unlink({ userId, providerId, accountId, client }),
      { discard: true },
    )
    // Last: whoever signed in by what is gone now, while it went, has a session too.
    yield* sessions.revokeAll({ userId, client })
  })
})
