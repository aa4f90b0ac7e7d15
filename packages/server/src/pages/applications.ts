/**
 * Applications that somebody let use their account: what they have, and taking it back.
 *
 * @since 0.1.0
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import type { UserId } from "@belfry/core/User"
import { AdminClients } from "@belfry/oauth-server/AdminClients"
import { Consents } from "@belfry/oauth-server/Consents"
import type { GrantId } from "@belfry/oauth-server/Grant"
import { ClientId } from "@belfry/oauth-server/OAuthClient"
import * as OAuthScope from "@belfry/oauth-server/OAuthScope"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Application } from "./views/applications.ts"

/**
 * Builds what the account page knows of applications.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeApplications = Effect.gen(function* () {
  const consents = yield* Consents
  const clients = yield* AdminClients

  /** The name of a client that has no access at the moment, and so comes without one. */
  const nameOf = (clientId: string) =>
    isClientId(clientId)
      ? clients.get(clientId).pipe(
          Effect.map(({ metadata }) => metadata.clientName),
          Effect.catchTag("ClientNotFound", () => Effect.succeed(null)),
        )
      : Effect.succeed(null)

  return {
    /** The applications with access, and those that get it without a question; the youngest first. */
    list: Effect.fnUntraced(function* (userId: UserId) {
      const agreed = yield* consents.list(userId)
      const grants = yield* consents.grants(userId)
      const ids = new Set([...grants, ...agreed].map(({ clientId }) => clientId))
      return yield* Effect.forEach(
        ids,
        Effect.fnUntraced(function* (clientId) {
          const own = grants.filter((grant) => grant.clientId === clientId)
          const all = [...own, ...agreed.filter((consent) => consent.clientId === clientId)]
          const application: Application = {
            clientId,
            name: own[0] === undefined ? yield* nameOf(clientId) : own[0].clientName,
            scopes: all.reduce<ReadonlyArray<string>>((scopes, each) => OAuthScope.union(scopes, each.scopes), []),
            since: Math.min(...all.map(({ createdAt }) => createdAt.epochMilliseconds)),
            grants: own,
          }
          return application
        }),
      )
    }),

    /** Ends one access; it may have ended in the meantime. */
    end: (userId: UserId, grantId: GrantId, client: ClientInfo) =>
      consents.revokeGrant(userId, grantId, client).pipe(Effect.catchTag("GrantNotFound", () => Effect.void)),

    /** Takes back what somebody agreed to for a client, and every access of it. */
    remove: Effect.fnUntraced(function* (userId: UserId, clientId: string, client: ClientInfo) {
      for (const consent of yield* consents.list(userId)) {
        if (consent.clientId !== clientId) continue
        yield* consents.withdraw(userId, consent.id, client).pipe(Effect.catchTag("ConsentNotFound", () => Effect.void))
      }
      // A trusted client has access without consent.
      for (const grant of yield* consents.grants(userId)) {
        if (grant.clientId !== clientId) continue
        yield* consents.revokeGrant(userId, grant.id, client).pipe(Effect.catchTag("GrantNotFound", () => Effect.void))
      }
    }),
  }
})

// internal

const isClientId = Schema.is(ClientId)
