/**
 * Port: where protected resources are kept that are managed at run time, beside those of the configuration.
 *
 * @since 0.1.0
 */
import type { StoreError } from "@belfry/core/StoreError"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { ProtectedResource } from "./ProtectedResource.ts"

/**
 * Where protected resources are kept.
 *
 * @category ports
 * @since 0.1.0
 */
export class ResourceStore extends Context.Service<
  ResourceStore,
  {
    /** Keeps a new resource; false when the identifier is taken. */
    readonly insert: (resource: ProtectedResource) => Effect.Effect<boolean, StoreError>
    readonly find: (identifier: string) => Effect.Effect<Option.Option<ProtectedResource>, StoreError>
    /** By identifier, at most `limit`; those after `after`, when given. */
    readonly list: (options: {
      readonly after?: string | undefined
      readonly limit: number
    }) => Effect.Effect<ReadonlyArray<ProtectedResource>, StoreError>
    /** Replaces a resource; false when there is none. */
    readonly update: (resource: ProtectedResource) => Effect.Effect<boolean, StoreError>
    readonly remove: (identifier: string) => Effect.Effect<boolean, StoreError>
  }
>()("@belfry/oauth-server/ResourceStore") {}
