/**
 * Who gets the events of the outbox: packages and hosts register when their layers are built.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { OutboxEvent } from "./OutboxEvent.ts"

/**
 * A subscriber. `types` are the types that it wants, all when left out. It may get an event more than once (by `id`),
 * and never one of an aggregate before an earlier one was done with.
 *
 * @category models
 * @since 0.1.0
 */
export interface OutboxSubscriber {
  readonly name: string
  readonly types?: ReadonlySet<string> | undefined
  readonly handle: (event: OutboxEvent) => Effect.Effect<void, unknown>
}

/**
 * Who gets the events of the outbox.
 *
 * @category services
 * @since 0.1.0
 */
export class OutboxSubscribers extends Context.Service<
  OutboxSubscribers,
  {
    /** Adds a subscriber until the scope closes. Dies where there is one of that name. */
    readonly register: (subscriber: OutboxSubscriber) => Effect.Effect<void, never, Scope.Scope>
    readonly list: Effect.Effect<ReadonlyArray<OutboxSubscriber>>
  }
>()("@belfry/core/OutboxSubscribers") {}

/**
 * Layer with nobody.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.sync(OutboxSubscribers, () => {
  const subscribers = new Map<string, OutboxSubscriber>()
  return OutboxSubscribers.of({
    register: (subscriber) =>
      Effect.acquireRelease(
        Effect.suspend(() => {
          if (subscribers.has(subscriber.name)) return Effect.die(new Error(`There is a subscriber ${subscriber.name}`))
          subscribers.set(subscriber.name, subscriber)
          return Effect.void
        }),
        () => Effect.sync(() => subscribers.delete(subscriber.name)),
      ),
    list: Effect.sync(() => [...subscribers.values()]),
  })
})
