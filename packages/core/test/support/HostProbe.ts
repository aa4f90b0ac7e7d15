/**
 * What a host hears of: hooks that are called and events that are told.
 */
import type { AuthEvent } from "@belfry/core/AuthEvent"
import { AuthEvents } from "@belfry/core/AuthEvents"
import type * as Hooks from "@belfry/core/Hooks"
import { Effect, Stream } from "effect"

/** Hooks that write their names down. */
export const recordingHooks = () => {
  const called: Array<string> = []
  const record = (name: string) => () => Effect.sync(() => void called.push(name))
  const hooks: Hooks.HooksService = {
    afterSignUp: record("afterSignUp"),
    afterSignIn: record("afterSignIn"),
    afterUserUpdate: record("afterUserUpdate"),
    beforeUserDeletion: record("beforeUserDeletion"),
    afterUserDeletion: record("afterUserDeletion"),
  }
  return { called, hooks }
}

/** Runs `effect` and answers its result with the events told meanwhile. */
export const withEvents = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.scoped(
    Effect.gen(function* () {
      const events: Array<AuthEvent> = []
      const { stream } = yield* AuthEvents
      yield* Effect.forkScoped(
        Stream.runForEach(stream, (event) => Effect.sync(() => void events.push(event))),
        { startImmediately: true },
      )
      yield* settled
      const result = yield* effect
      yield* settled
      return { result, events, tags: events.map((event) => event._tag) }
    }),
  )

/** Gives every other fiber several turns. */
export const settled = Effect.repeat(Effect.yieldNow, { times: 20 })
