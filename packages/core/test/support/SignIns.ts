/**
 * People who sign in, and the service as other nodes have it.
 */
import { defaultSessionPolicy, type SessionPolicy } from "@belfry/core/Session"
import * as Sessions from "@belfry/core/Sessions"
import * as Builders from "@belfry/testing/Builders"
import { Duration, Effect } from "effect"
import * as TestCore from "./TestCore.ts"

/** A new user. */
export const newUser = Builders.storedUser()

/** A new user who has just signed in. */
export const signIn = Effect.gen(function* () {
  const user = yield* newUser
  const sessions = yield* Sessions.Sessions
  return { user, ...(yield* sessions.start({ user, amr: ["pwd"], client: TestCore.client })) }
})

/** The service once more over the same stores, as another node has it. */
export const makeSessions = (policy: Partial<SessionPolicy> = {}) =>
  Sessions.make({ ...defaultSessionPolicy, ...policy })

/** A millisecond less. */
export const justBefore = (duration: Duration.Input) =>
  Duration.subtract(Duration.fromInputUnsafe(duration), Duration.millis(1))
