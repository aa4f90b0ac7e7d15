/**
 * Clients, managed by code that is trusted.
 *
 * @since 0.1.0
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import type { StoreError } from "@belfry/core/StoreError"
import type { UserId } from "@belfry/core/User"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type { ClientPage, ClientWithSecret } from "./Clients.ts"
import { ClientStore } from "./ClientStore.ts"
import { makeClientChanges } from "./internal/clientChanges.ts"
import { pageOf } from "./internal/clientPages.ts"
import type {
  ClientChangeRefused,
  ClientId,
  ClientMetadata,
  ClientMetadataInvalid,
  ClientNotFound,
  ClientPrivileges,
  OAuthClient,
} from "./OAuthClient.ts"

/**
 * Clients, managed by code that is trusted: the host's own, or an administrator's request that was authorized before.
 *
 * **Details**
 *
 * `by` is who asked for it, for the audit log; none where the host's code does it by itself.
 *
 * @category services
 * @since 0.1.0
 */
export class AdminClients extends Context.Service<
  AdminClients,
  {
    /** Makes a client. `id` and `secret` may be given, for clients that exist elsewhere; else they are made. */
    readonly create: (options: {
      readonly metadata: Partial<ClientMetadata>
      readonly privileges?: Partial<ClientPrivileges>
      readonly id?: ClientId
      readonly secret?: Redacted.Redacted
      readonly secretExpiresAt?: DateTime.Utc | null
      readonly userId?: UserId | null
      readonly referenceId?: string | null
      readonly clientInfo: ClientInfo
      readonly by?: UserId
    }) => Effect.Effect<ClientWithSecret, ClientMetadataInvalid | StoreError>
    readonly get: (id: ClientId) => Effect.Effect<OAuthClient, ClientNotFound | StoreError>
    /**
     * The clients of everybody, or of a reference, newest first; `limit` from 1 to 100 (50). A foreign cursor finds
     * nothing.
     */
    readonly list: (options?: {
      readonly referenceId?: string | undefined
      readonly cursor?: string | undefined
      readonly limit?: number | undefined
    }) => Effect.Effect<ClientPage, StoreError>
    /**
     * Changes a client; members that are left out stay. How it proves itself cannot be changed. A software statement is
     * neither verified nor heeded, and stays, so that owners cannot change what it vouches for or was put in its place;
     * `softwareStatement: null` takes it off and leaves everything to them.
     */
    readonly update: (
      id: ClientId,
      patch: {
        readonly metadata?: Partial<ClientMetadata>
        readonly privileges?: Partial<ClientPrivileges>
        readonly isDisabled?: boolean
      },
      clientInfo: ClientInfo,
      by?: UserId,
    ) => Effect.Effect<OAuthClient, ClientNotFound | ClientMetadataInvalid | StoreError>
    /** Gives a client a new secret, which lasts as long as the former one did; that one holds for the overlap. */
    readonly rotateSecret: (
      id: ClientId,
      clientInfo: ClientInfo,
      by?: UserId,
    ) => Effect.Effect<ClientWithSecret, ClientNotFound | ClientChangeRefused | StoreError>
    readonly remove: (
      id: ClientId,
      clientInfo: ClientInfo,
      by?: UserId,
    ) => Effect.Effect<void, ClientNotFound | StoreError>
  }
>()("@belfry/oauth-server/AdminClients") {}

/**
 * Builds the service over the stores.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const store = yield* ClientStore
  const changes = yield* makeClientChanges

  return AdminClients.of({
    create: Effect.fn("AdminClients.create")(function* ({ metadata, ...options }) {
      return yield* changes.create({ ...options, metadata: yield* changes.validated(metadata) })
    }),
    get: Effect.fn("AdminClients.get")(changes.get),
    list: Effect.fn("AdminClients.list")(({ referenceId, ...options } = {}) =>
      pageOf(options, referenceId === undefined ? store.listAll : (page) => store.list({ ...page, referenceId })),
    ),
    update: Effect.fn("AdminClients.update")((id, patch, clientInfo, by) =>
      changes.update(id, { userId: by, clientInfo }, () => Effect.succeed(patch)),
    ),
    rotateSecret: Effect.fn("AdminClients.rotateSecret")((id, clientInfo, by) =>
      changes.rotateSecret(id, { userId: by, clientInfo }, anybody),
    ),
    remove: Effect.fn("AdminClients.remove")((id, clientInfo, by) =>
      changes.remove(id, { userId: by, clientInfo }, anybody),
    ),
  })
})

/**
 * Layer of the service.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(AdminClients, make)

// internal

const anybody = () => Effect.void
