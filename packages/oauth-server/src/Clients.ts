/**
 * Clients, managed by the people whose they are.
 *
 * Those for administrators and for the host's own code are in {@link AdminClients}.
 *
 * @since 0.1.0
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import type { Session } from "@belfry/core/Session"
import type { StoreError } from "@belfry/core/StoreError"
import type { User } from "@belfry/core/User"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import { ClientStore } from "./ClientStore.ts"
import { type Changer, makeClientChanges } from "./internal/clientChanges.ts"
import { pageOf } from "./internal/clientPages.ts"
import { isTrusted } from "./internal/clientTrust.ts"
import { vouchedChange, vouchedFor } from "./internal/softwareStatements.ts"
import {
  ClientChangeRefused,
  type ClientId,
  type ClientMetadata,
  ClientMetadataInvalid,
  ClientNotFound,
  type OAuthClient,
  type PublicClient,
  toPublicClient,
} from "./OAuthClient.ts"
import { type ClientAction, OAuthServerHooks } from "./OAuthServerHooks.ts"
import { OAuthServerSettings } from "./OAuthServerSettings.ts"

/**
 * A client with a new secret: the only moment at which it exists outside the client. Null for clients without one.
 *
 * @category models
 * @since 0.1.0
 */
export interface ClientWithSecret {
  readonly client: OAuthClient
  readonly secret: Redacted.Redacted | null
}

/**
 * Who manages clients.
 *
 * @category models
 * @since 0.1.0
 */
export interface Actor {
  readonly user: User
  readonly session: Session
  readonly clientInfo: ClientInfo
}

/**
 * A page of clients, newest first. `cursor` goes on; null at the end.
 *
 * @category models
 * @since 0.1.0
 */
export interface ClientPage {
  readonly clients: ReadonlyArray<OAuthClient>
  readonly cursor: string | null
}

/**
 * Clients, managed by the people whose they are. What belongs to others is not found.
 *
 * **Details**
 *
 * A client is somebody's who made it, or who acts for what it belongs to (`clientReference`). Beyond that
 * `clientPrivileges` decides: true lets somebody at the clients of a reference, false keeps even owners away. A client
 * that belongs to nothing is its maker's alone. Clients that are trusted can be read, and not changed. No call touches
 * `ClientPrivileges`, or how a client proves itself.
 *
 * @category services
 * @since 0.1.0
 */
export class Clients extends Context.Service<
  Clients,
  {
    readonly create: (
      actor: Actor,
      metadata: Partial<ClientMetadata>,
    ) => Effect.Effect<ClientWithSecret, ClientMetadataInvalid | ClientChangeRefused | StoreError>
    readonly get: (actor: Actor, id: ClientId) => Effect.Effect<OAuthClient, ClientNotFound | StoreError>
    /** What everybody who is signed in may know of a client that is not disabled. */
    readonly getPublic: (id: ClientId) => Effect.Effect<PublicClient, ClientNotFound | StoreError>
    /** The actor's clients and those of their reference; `limit` from 1 to 100 (50). A foreign cursor finds nothing. */
    readonly list: (
      actor: Actor,
      options?: { readonly cursor?: string | undefined; readonly limit?: number | undefined },
    ) => Effect.Effect<ClientPage, ClientChangeRefused | StoreError>
    /**
     * Changes what is known of a client; members that are left out stay. What the software statement on file vouches
     * for can be changed by a new statement alone, and the statement cannot be taken off (`vouched`).
     *
     * @see [RFC 7591 §2.3](https://www.rfc-editor.org/rfc/rfc7591.html#section-2.3)
     */
    readonly update: (
      actor: Actor,
      id: ClientId,
      patch: Partial<ClientMetadata>,
    ) => Effect.Effect<OAuthClient, ClientNotFound | ClientMetadataInvalid | ClientChangeRefused | StoreError>
    readonly remove: (
      actor: Actor,
      id: ClientId,
    ) => Effect.Effect<void, ClientNotFound | ClientChangeRefused | StoreError>
    /** Gives a client a new secret; the former one holds for the overlap. */
    readonly rotateSecret: (
      actor: Actor,
      id: ClientId,
    ) => Effect.Effect<ClientWithSecret, ClientNotFound | ClientChangeRefused | StoreError>
  }
>()("@belfry/oauth-server/Clients") {}

/**
 * Builds the service over the stores.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const store = yield* ClientStore
  const settings = yield* OAuthServerSettings
  const hooks = yield* OAuthServerHooks
  const changes = yield* makeClientChanges

  const isAllowed = Effect.fnUntraced(function* (actor: Actor, action: ClientAction, client: OAuthClient) {
    const { referenceId } = client
    const decision = yield* hooks.clientPrivileges({ action, user: actor.user, session: actor.session, referenceId })
    if (decision === false) return false
    if (client.userId === actor.user.id) return true
    if (referenceId === null) return false
    return decision === true || (yield* hooks.clientReference(actor)) === referenceId
  })

  /** Lets those through who may; whoever may not even read it is told that there is no such client. */
  const permit = (actor: Actor, action: ClientAction) =>
    Effect.fnUntraced(function* (client: OAuthClient) {
      if (!(yield* isAllowed(actor, action, client))) {
        return yield* action !== "read" && (yield* isAllowed(actor, "read", client))
          ? new ClientChangeRefused({ reason: "forbidden" })
          : new ClientNotFound({ clientId: client.id })
      }
      if (yield* isTrusted(client, { hooks, settings })) return yield* new ClientChangeRefused({ reason: "trusted" })
    })

  /** Tokens for itself a client gets by the host's leave alone: no person is asked what it may do with them. */
  const permitMachine = Effect.fnUntraced(function* (
    actor: Actor,
    action: ClientAction,
    referenceId: string | null,
    { grantTypes }: Partial<ClientMetadata>,
  ) {
    if (grantTypes?.includes("client_credentials") !== true) return
    const { user, session } = actor
    if ((yield* hooks.clientPrivileges({ action, user, session, referenceId })) !== true) return yield* noMachine
  })

  return Clients.of({
    create: Effect.fn("Clients.create")(function* (actor, metadata) {
      const referenceId = yield* hooks.clientReference(actor)
      const { user, session } = actor
      const decision = yield* hooks.clientPrivileges({ action: "create", user, session, referenceId })
      if (decision === false) return yield* new ClientChangeRefused({ reason: "forbidden" })
      const vouched = yield* vouchedFor(hooks, metadata)
      yield* permitMachine(actor, "create", referenceId, vouched)
      return yield* changes.create({
        metadata: yield* changes.validated(vouched),
        userId: user.id,
        referenceId,
        clientInfo: actor.clientInfo,
      })
    }),
    get: Effect.fn("Clients.get")(function* (actor, id) {
      const client = yield* changes.get(id)
      return (yield* isAllowed(actor, "read", client)) ? client : yield* new ClientNotFound({ clientId: id })
    }),
    getPublic: Effect.fn("Clients.getPublic")(function* (id) {
      const client = yield* changes.get(id)
      return client.isDisabled ? yield* new ClientNotFound({ clientId: id }) : toPublicClient(client)
    }),
    list: Effect.fn("Clients.list")(function* (actor, options = {}) {
      const referenceId = yield* hooks.clientReference(actor)
      const { user, session } = actor
      const decision = yield* hooks.clientPrivileges({ action: "list", user, session, referenceId })
      if (decision === false) return yield* new ClientChangeRefused({ reason: "forbidden" })
      return yield* pageOf(options, (place) =>
        store.list({ userId: user.id, referenceId: referenceId ?? undefined, ...place }),
      )
    }),
    update: Effect.fn("Clients.update")((actor, id, patch) =>
      changes.update(id, changerOf(actor), (client) =>
        // Whose the client is comes first: nobody learns from a refusal that it is there.
        Effect.gen(function* () {
          yield* permit(actor, "update")(client)
          const metadata = yield* vouchedChange(hooks, client, patch)
          const isMachine = client.metadata.grantTypes.includes("client_credentials")
          if (!isMachine) yield* permitMachine(actor, "update", client.referenceId, metadata)
          return { metadata }
        }),
      ),
    ),
    remove: Effect.fn("Clients.remove")((actor, id) => changes.remove(id, changerOf(actor), permit(actor, "delete"))),
    rotateSecret: Effect.fn("Clients.rotateSecret")((actor, id) =>
      changes.rotateSecret(id, changerOf(actor), permit(actor, "rotate")),
    ),
  })
})

/**
 * Layer of the service.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(Clients, make)

// internal

const noMachine = new ClientMetadataInvalid({
  code: "invalid_client_metadata",
  member: "grant_types",
  description: "Only the host lets a client have the grant type client_credentials",
})

const changerOf = ({ user, session, clientInfo }: Actor): Changer => ({
  userId: user.id,
  sessionId: session.id,
  clientInfo,
})
