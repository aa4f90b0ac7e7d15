/**
 * Protected resources, managed at run time by administrators and the host's own code.
 *
 * @since 0.1.0
 */
import { Audit } from "@belfry/core/Audit"
import type { ClientInfo } from "@belfry/core/AuditEvent"
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { UserId } from "@belfry/core/User"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { ofResource, pageSize, toIdentifier } from "./internal/listCursors.ts"
import { OAuthServerSettings } from "./OAuthServerSettings.ts"
import {
  type ProtectedResource,
  ResourceConfigured,
  ResourceIdentifier,
  ResourceNotFound,
  ResourceTaken,
} from "./ProtectedResource.ts"
import { ResourceStore } from "./ResourceStore.ts"

/**
 * A page of protected resources, by identifier. `cursor` goes on; null at the end.
 *
 * @category models
 * @since 0.1.0
 */
export interface ResourcePage {
  readonly resources: ReadonlyArray<ProtectedResource>
  readonly cursor: string | null
}

/**
 * Protected resources. Those of the configuration are in every list, win over those on file, and cannot be changed.
 *
 * **Details**
 *
 * `by` is who asked for a change, for the audit log; none where the host's code does it by itself.
 *
 * @category services
 * @since 0.1.0
 */
export class Resources extends Context.Service<
  Resources,
  {
    readonly create: (
      resource: ProtectedResource,
      clientInfo: ClientInfo,
      by?: UserId,
    ) => Effect.Effect<ProtectedResource, ResourceTaken | StoreError>
    readonly get: (identifier: string) => Effect.Effect<ProtectedResource, ResourceNotFound | StoreError>
    /** By identifier; `limit` from 1 to 100 (50). A foreign cursor finds nothing. */
    readonly list: (options?: {
      readonly cursor?: string | undefined
      readonly limit?: number | undefined
    }) => Effect.Effect<ResourcePage, StoreError>
    readonly update: (
      resource: ProtectedResource,
      clientInfo: ClientInfo,
      by?: UserId,
    ) => Effect.Effect<ProtectedResource, ResourceNotFound | ResourceConfigured | StoreError>
    readonly remove: (
      identifier: string,
      clientInfo: ClientInfo,
      by?: UserId,
    ) => Effect.Effect<void, ResourceNotFound | ResourceConfigured | StoreError>
  }
>()("@belfry/oauth-server/Resources") {}

/**
 * Builds the service over its store.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const store = yield* ResourceStore
  const transactions = yield* TransactionStore
  const audit = yield* Audit
  const settings = yield* OAuthServerSettings
  const configured = settings.resources.toSorted((a, b) => (a.identifier < b.identifier ? -1 : 1))
  const configuredOf = (identifier: string) => configured.find((resource) => resource.identifier === identifier)

  const record = (what: string, identifier: string, client: ClientInfo, by: UserId | undefined) =>
    audit.record({
      type: `oauth-resource.${what}`,
      ...(by === undefined ? {} : { userId: by }),
      client,
      data: { identifier },
    })

  const requireChangeable = (identifier: string): Effect.Effect<void, ResourceNotFound | ResourceConfigured> => {
    if (configuredOf(identifier) !== undefined) return Effect.fail(new ResourceConfigured({ identifier }))
    return isIdentifier(identifier) ? Effect.void : Effect.fail(new ResourceNotFound({ identifier }))
  }

  return Resources.of({
    create: Effect.fn("Resources.create")(function* (resource, clientInfo, by) {
      const { identifier } = resource
      if (configuredOf(identifier) !== undefined) return yield* new ResourceTaken({ identifier })
      yield* transactions.run(
        Effect.gen(function* () {
          if (!(yield* store.insert(resource))) return yield* new ResourceTaken({ identifier })
          yield* record("created", identifier, clientInfo, by)
        }),
      )
      return resource
    }),
    get: Effect.fn("Resources.get")(function* (identifier) {
      const found = configuredOf(identifier)
      if (found !== undefined) return found
      const onFile = isIdentifier(identifier) ? yield* store.find(identifier) : Option.none()
      return Option.isSome(onFile) ? onFile.value : yield* new ResourceNotFound({ identifier })
    }),
    list: Effect.fn("Resources.list")(function* ({ cursor, limit } = {}) {
      const after = cursor === undefined ? Option.some(undefined) : toIdentifier(cursor)
      if (Option.isNone(after)) return { resources: [], cursor: null }
      const size = pageSize(limit)
      // One more tells whether there is a page after this one. For each that is hidden the configuration has one.
      const onFile = yield* store.list({ after: after.value, limit: size + 1 })
      const resources = [
        ...configured.filter(({ identifier }) => after.value === undefined || identifier > after.value),
        ...onFile.filter(({ identifier }) => configuredOf(identifier) === undefined),
      ].toSorted((a, b) => (a.identifier < b.identifier ? -1 : 1))
      const last = resources[size - 1]
      return {
        resources: resources.slice(0, size),
        cursor: resources.length > size && last !== undefined ? ofResource(last.identifier) : null,
      }
    }),
    update: Effect.fn("Resources.update")(function* (resource, clientInfo, by) {
      const { identifier } = resource
      yield* requireChangeable(identifier)
      yield* transactions.run(
        Effect.gen(function* () {
          if (!(yield* store.update(resource))) return yield* new ResourceNotFound({ identifier })
          yield* record("updated", identifier, clientInfo, by)
        }),
      )
      return resource
    }),
    remove: Effect.fn("Resources.remove")(function* (identifier, clientInfo, by) {
      yield* requireChangeable(identifier)
      yield* transactions.run(
        Effect.gen(function* () {
          if (!(yield* store.remove(identifier))) return yield* new ResourceNotFound({ identifier })
          yield* record("deleted", identifier, clientInfo, by)
        }),
      )
    }),
  })
})

/**
 * Layer of the service.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(Resources, make)

// internal

const isIdentifier = Schema.is(ResourceIdentifier)
