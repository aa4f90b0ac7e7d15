/**
 * Sessions that end before their time: written down with the change, and told once it holds.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Audit } from "../Audit.ts"
import type { ClientInfo } from "../AuditEvent.ts"
import { AuthEvent } from "../AuthEvent.ts"
import { AuthEvents } from "../AuthEvents.ts"
import type { SessionId } from "../Session.ts"
import { SessionStore } from "../SessionStore.ts"
import { TransactionStore } from "../TransactionStore.ts"
import type { UserId } from "../User.ts"

/** Ends sessions of users. */
export const make = Effect.gen(function* () {
  const store = yield* SessionStore
  const transactions = yield* TransactionStore
  const audit = yield* Audit
  const events = yield* AuthEvents

  const written = Effect.fnUntraced(function* (
    userId: UserId,
    sessionIds: ReadonlyArray<SessionId>,
    client: ClientInfo,
  ) {
    yield* Effect.forEach(
      sessionIds,
      (sessionId) => audit.record({ type: "session.revoked", userId, sessionId, client }),
      { discard: true },
    )
    if (sessionIds.length === 0) return
    yield* transactions.afterCommit(events.publish(AuthEvent.SessionsRevoked({ userId, sessionIds })))
  })

  return {
    /** Ends one session of a user; whether there was one. */
    revoke: (userId: UserId, sessionId: SessionId, client: ClientInfo) =>
      transactions.run(
        Effect.gen(function* () {
          const removed = yield* store.remove(userId, sessionId)
          if (Option.isSome(removed)) yield* written(userId, [sessionId], client)
          return Option.isSome(removed)
        }),
      ),

    /** Ends every session of a user, or all but `except`; the number ended. */
    revokeAll: (options: {
      readonly userId: UserId
      readonly except?: SessionId | undefined
      readonly client: ClientInfo
    }) =>
      transactions.run(
        Effect.gen(function* () {
          const { userId, except, client } = options
          const ids = yield* store.removeByUser(userId, Option.fromUndefinedOr(except))
          yield* written(userId, ids, client)
          return ids.length
        }),
      ),
  }
})
