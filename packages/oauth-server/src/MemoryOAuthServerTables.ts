/**
 * The tables that the memory adapters of this package share.
 *
 * @since 0.1.0
 */
import type { KeyedHash } from "@belfry/core/KeyedHash"
import { MemoryTables } from "@belfry/core/MemoryTables"
import type { SessionId } from "@belfry/core/Session"
import type { UserId } from "@belfry/core/User"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Consent, ConsentId } from "./Consent.ts"
import type { AccessToken, AuthorizationCode, Grant, GrantId, RefreshToken } from "./Grant.ts"
import type { ClientId, OAuthClient } from "./OAuthClient.ts"
import type { ProtectedResource } from "./ProtectedResource.ts"

/**
 * A grant with its code, as it rests.
 *
 * @category models
 * @since 0.1.0
 */
export interface GrantRow {
  readonly grant: Grant
  readonly code: AuthorizationCode
}

/**
 * The tables that the memory adapters of this package share. Rows are touched inside a `statement` of `MemoryTables`.
 *
 * @category services
 * @since 0.1.0
 */
export class MemoryOAuthServerTables extends Context.Service<
  MemoryOAuthServerTables,
  {
    readonly clients: Map<ClientId, OAuthClient>
    readonly grants: Map<GrantId, GrantRow>
    readonly refreshTokens: Map<KeyedHash, RefreshToken>
    readonly accessTokens: Map<KeyedHash, AccessToken>
    readonly revokedJwts: Map<string, DateTime.Utc>
    readonly consents: Map<ConsentId, Consent>
    readonly resources: Map<string, ProtectedResource>
    /** Removes a grant with its tokens. For use in a statement. */
    readonly removeGrant: (id: GrantId) => void
    /** Removes a client with its grants, tokens and consents. For use in a statement. */
    readonly removeClient: (id: ClientId) => void
  }
>()("@belfry/oauth-server/MemoryOAuthServerTables") {}

/**
 * Layer with empty tables, which take part in the transactions of `MemoryTables` and in its cascades.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<MemoryOAuthServerTables, never, MemoryTables> = Layer.effect(
  MemoryOAuthServerTables,
  Effect.gen(function* () {
    const tables = yield* MemoryTables
    const clients = yield* tables.table<ClientId, OAuthClient>("oauth_clients")
    const grants = yield* tables.table<GrantId, GrantRow>("oauth_grants")
    const refreshTokens = yield* tables.table<KeyedHash, RefreshToken>("oauth_refresh_tokens")
    const accessTokens = yield* tables.table<KeyedHash, AccessToken>("oauth_access_tokens")
    const revokedJwts = yield* tables.table<string, DateTime.Utc>("oauth_revoked_jwts")
    const consents = yield* tables.table<ConsentId, Consent>("oauth_consents")
    const resources = yield* tables.table<string, ProtectedResource>("oauth_resources")

    const removeGrant = (id: GrantId): void => {
      grants.delete(id)
      removeWhere(refreshTokens, ({ grantId }) => grantId === id)
      removeWhere(accessTokens, ({ grantId }) => grantId === id)
    }
    const grantsOf = (isMeant: (grant: Grant) => boolean): ReadonlyArray<GrantId> =>
      [...grants.values()].filter(({ grant }) => isMeant(grant)).map(({ grant }) => grant.id)

    yield* tables.onUserRemoved((userId: UserId) => {
      grantsOf((grant) => grant.userId === userId).forEach(removeGrant)
      removeWhere(consents, (consent) => consent.userId === userId)
      for (const [id, client] of clients) if (client.userId === userId) clients.set(id, { ...client, userId: null })
    })
    yield* tables.onSessionRemoved((sessionId: SessionId) => {
      for (const id of grantsOf((grant) => grant.sessionId === sessionId)) {
        const row = grants.get(id)
        if (row !== undefined) grants.set(id, { ...row, grant: { ...row.grant, sessionId: null } })
      }
    })

    return MemoryOAuthServerTables.of({
      clients,
      grants,
      refreshTokens,
      accessTokens,
      revokedJwts,
      consents,
      resources,
      removeGrant,
      removeClient: (id) => {
        clients.delete(id)
        grantsOf((grant) => grant.clientId === id).forEach(removeGrant)
        removeWhere(accessTokens, ({ clientId }) => clientId === id)
        removeWhere(consents, ({ clientId }) => clientId === id)
      },
    })
  }),
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const removeWhere = <Key, Row>(rows: Map<Key, Row>, isMeant: (row: Row) => boolean): void => {
  for (const [key, row] of rows) if (isMeant(row)) rows.delete(key)
}
