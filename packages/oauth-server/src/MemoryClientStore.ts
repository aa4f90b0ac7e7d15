/**
 * Clients in memory.
 *
 * @since 0.1.0
 */
import { MemoryTables } from "@belfry/core/MemoryTables"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { ClientStore } from "./ClientStore.ts"
import { refuse } from "@belfry/core/MemoryStoreError"
import { MemoryOAuthServerTables } from "./MemoryOAuthServerTables.ts"
import type { ClientId, ClientSecret, OAuthClient } from "./OAuthClient.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const { clients, consents, grants, removeClient } = yield* MemoryOAuthServerTables

  const isUsed = (id: ClientId): boolean =>
    [...grants.values()].some(({ grant }) => grant.clientId === id) ||
    [...consents.values()].some(({ clientId }) => clientId === id)

  /** A page of the clients that are meant, newest first. */
  const page = (
    isMeant: (client: OAuthClient) => boolean,
    { before, limit }: { readonly before?: Aged | undefined; readonly limit: number },
  ) =>
    tables.statement(() =>
      Effect.succeed(
        [...clients.values()]
          .filter(isMeant)
          .filter((client) => before === undefined || compareAge(client, before) > 0)
          .sort(compareAge)
          .slice(0, limit),
      ),
    )

  return ClientStore.of({
    insert: (client) =>
      tables.statement(() => {
        if (clients.has(client.id)) return Effect.succeed(false)
        if (client.userId !== null && !tables.users.has(client.userId)) {
          return refuse("ClientStore", "insert", "the user exists")
        }
        if (client.secrets.length > 2) return refuse("ClientStore", "insert", "two secrets at most")
        clients.set(client.id, client)
        return Effect.succeed(true)
      }),
    find: (id) => tables.statement(() => Effect.succeed(Option.fromUndefinedOr(clients.get(id)))),
    list: ({ userId, referenceId, ...options }) =>
      page(
        (client) =>
          (userId !== undefined && client.userId === userId) ||
          (referenceId !== undefined && client.referenceId === referenceId),
        options,
      ),
    listAll: (options) => page(() => true, options),
    update: (seen, next) =>
      tables.statement(() => {
        const client = clients.get(seen.id)
        if (client === undefined || !DateTime.Equivalence(client.updatedAt, seen.updatedAt)) {
          return Effect.succeed(false)
        }
        clients.set(seen.id, {
          ...client,
          metadata: next.metadata,
          privileges: next.privileges,
          isDisabled: next.isDisabled,
          documentUntil: next.documentUntil,
          updatedAt: next.updatedAt,
        })
        return Effect.succeed(true)
      }),
    rotateSecret: (id, secret, overlapUntil, now) =>
      tables.statement(() => {
        const client = clients.get(id)
        if (client === undefined) return Effect.succeedNone
        const former = client.secrets
          .map((kept) => ({ ...kept, expiresAt: Math.min(kept.expiresAt ?? Infinity, overlapUntil.epochMilliseconds) }))
          .filter(({ expiresAt }) => expiresAt > now.epochMilliseconds)
          .slice(0, 1)
        const rotated = {
          ...client,
          secrets: [secret, ...former],
          updatedAt: DateTime.max(client.updatedAt, now),
        }
        clients.set(id, rotated)
        return Effect.succeedSome(rotated)
      }),
    rehashSecret: (id, from, to) =>
      tables.statement(() => {
        const client = clients.get(id)
        if (client === undefined || !client.secrets.some(({ hash }) => hash === from)) return Effect.succeed(false)
        const rehash = (secret: ClientSecret) => (secret.hash === from ? { ...secret, hash: to } : secret)
        clients.set(id, { ...client, secrets: client.secrets.map(rehash) })
        return Effect.succeed(true)
      }),
    remove: (id) =>
      tables.statement(() => {
        const client = clients.get(id)
        removeClient(id)
        return Effect.succeed(Option.fromUndefinedOr(client))
      }),
    removeUnused: (until, limit) =>
      tables.statement(() => {
        const unused = [...clients.values()]
          .filter(
            (client) =>
              client.isDynamic &&
              client.createdAt.epochMilliseconds < until.epochMilliseconds &&
              !client.metadata.grantTypes.includes("client_credentials") &&
              !isUsed(client.id),
          )
          .sort((a, b) => -compareAge(a, b))
          .slice(0, limit)
        for (const { id } of unused) removeClient(id)
        return Effect.succeed(unused.length)
      }),
  })
})

/**
 * Layer that keeps clients in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<ClientStore, never, MemoryOAuthServerTables | MemoryTables> = Layer.effect(
  ClientStore,
  make,
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** Newest first; of the same instant, the greater id first. */
const compareAge = (a: Aged, b: Aged): number =>
  b.createdAt.epochMilliseconds - a.createdAt.epochMilliseconds || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0)

type Aged = Pick<OAuthClient, "createdAt" | "id">
