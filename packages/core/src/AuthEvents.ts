/**
 * The stream of {@link AuthEvent}s of this process.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Stream from "effect/Stream"
import type { AuthEvent } from "./AuthEvent.ts"

/**
 * The stream of events of this process.
 *
 * @category services
 * @since 0.1.0
 */
export class AuthEvents extends Context.Service<
  AuthEvents,
  {
    /** Tells an event to everybody who follows at the moment. */
    readonly publish: (event: AuthEvent) => Effect.Effect<void>
    /** The events from the moment on that the stream runs. A reader who is 1,024 events behind loses the oldest. */
    readonly stream: Stream.Stream<AuthEvent>
  }
>()("@belfry/core/AuthEvents") {}

/**
 * Events over a sliding PubSub: a slow reader never holds up a sign-in.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(
  AuthEvents,
  Effect.gen(function* () {
    const pubsub = yield* Effect.acquireRelease(PubSub.sliding<AuthEvent>(1024), PubSub.shutdown)
    return AuthEvents.of({
      publish: (event) => Effect.asVoid(PubSub.publish(pubsub, event)),
      stream: Stream.fromPubSub(pubsub),
    })
  }),
)
