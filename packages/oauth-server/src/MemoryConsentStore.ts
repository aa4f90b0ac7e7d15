/**
 * Consents in memory.
 *
 * @since 0.1.0
 */
import { MemoryTables } from "@belfry/core/MemoryTables"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Consent } from "./Consent.ts"
import { ConsentStore } from "./ConsentStore.ts"
import { refuse } from "@belfry/core/MemoryStoreError"
import { MemoryOAuthServerTables } from "./MemoryOAuthServerTables.ts"
import * as OAuthScope from "./OAuthScope.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const { clients, consents } = yield* MemoryOAuthServerTables

  const ofUser = (userId: Consent["userId"], id: Consent["id"]): Consent | undefined => {
    const consent = consents.get(id)
    return consent?.userId === userId ? consent : undefined
  }

  return ConsentStore.of({
    merge: (consent) =>
      tables.statement(() => {
        if (!clients.has(consent.clientId)) return refuse("ConsentStore", "merge", "the client exists")
        if (!tables.users.has(consent.userId)) return refuse("ConsentStore", "merge", "the user exists")
        const earlier = [...consents.values()].find((other) => isSame(other, consent))
        if (earlier === undefined && consents.has(consent.id)) return refuse("ConsentStore", "merge", "unique id")
        const before = earlier ?? { ...consent, scopes: [], declinedScopes: [], resources: [] }
        const scopes = OAuthScope.union(before.scopes, consent.scopes)
        const merged: Consent = {
          ...before,
          scopes,
          declinedScopes: OAuthScope.union(before.declinedScopes, consent.declinedScopes).filter(
            (scope) => !scopes.includes(scope),
          ),
          resources: OAuthScope.union(before.resources, consent.resources),
          updatedAt: consent.updatedAt,
        }
        consents.set(merged.id, merged)
        return Effect.succeed(merged)
      }),
    find: (userId, id) => tables.statement(() => Effect.succeed(Option.fromUndefinedOr(ofUser(userId, id)))),
    listByUser: (userId, referenceId) =>
      tables.statement(() =>
        Effect.succeed(
          [...consents.values()]
            .filter(
              (consent) =>
                consent.userId === userId && (referenceId === undefined || consent.referenceId === referenceId),
            )
            .sort(newestFirst),
        ),
      ),
    narrow: (userId, id, scopes, now) =>
      tables.statement(() => {
        const consent = ofUser(userId, id)
        if (consent === undefined) return Effect.succeedNone
        const narrowed: Consent = {
          ...consent,
          scopes: consent.scopes.filter((scope) => scopes.includes(scope)),
          updatedAt: now,
        }
        consents.set(id, narrowed)
        return Effect.succeedSome(narrowed)
      }),
    remove: (userId, id) =>
      tables.statement(() => {
        const consent = ofUser(userId, id)
        if (consent !== undefined) consents.delete(id)
        return Effect.succeed(Option.fromUndefinedOr(consent))
      }),
  })
})

/**
 * Layer that keeps consents in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<ConsentStore, never, MemoryOAuthServerTables | MemoryTables> = Layer.effect(
  ConsentStore,
  make,
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const isSame = (a: Consent, b: Consent): boolean =>
  a.userId === b.userId && a.clientId === b.clientId && a.referenceId === b.referenceId

const newestFirst = (a: Consent, b: Consent): number =>
  b.createdAt.epochMilliseconds - a.createdAt.epochMilliseconds || (a.id < b.id ? 1 : -1)
