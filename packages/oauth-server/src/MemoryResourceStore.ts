/**
 * Protected resources in memory.
 *
 * @since 0.1.0
 */
import { MemoryTables } from "@belfry/core/MemoryTables"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { MemoryOAuthServerTables } from "./MemoryOAuthServerTables.ts"
import { ResourceStore } from "./ResourceStore.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const { resources } = yield* MemoryOAuthServerTables

  return ResourceStore.of({
    insert: (resource) =>
      tables.statement(() => {
        if (resources.has(resource.identifier)) return Effect.succeed(false)
        resources.set(resource.identifier, resource)
        return Effect.succeed(true)
      }),
    find: (identifier) => tables.statement(() => Effect.succeed(Option.fromUndefinedOr(resources.get(identifier)))),
    list: ({ after, limit }) =>
      tables.statement(() =>
        Effect.succeed(
          [...resources.values()]
            .filter(({ identifier }) => after === undefined || identifier > after)
            .sort((a, b) => (a.identifier < b.identifier ? -1 : 1))
            .slice(0, limit),
        ),
      ),
    update: (resource) =>
      tables.statement(() => {
        if (!resources.has(resource.identifier)) return Effect.succeed(false)
        resources.set(resource.identifier, resource)
        return Effect.succeed(true)
      }),
    remove: (identifier) => tables.statement(() => Effect.succeed(resources.delete(identifier))),
  })
})

/**
 * Layer that keeps protected resources in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<ResourceStore, never, MemoryOAuthServerTables | MemoryTables> = Layer.effect(
  ResourceStore,
  make,
)
