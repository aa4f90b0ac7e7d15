/**
 * Everything on file about what a request presented, in memory.
 *
 * @since 0.1.0
 */
import type { KeyedHash } from "@belfry/core/KeyedHash"
import { MemoryTables } from "@belfry/core/MemoryTables"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { GrantId, GrantRecord } from "./Grant.ts"
import { MemoryOAuthServerTables } from "./MemoryOAuthServerTables.ts"
import type { ClientId, OAuthClient } from "./OAuthClient.ts"
import { type Records, RecordStore } from "./RecordStore.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const { accessTokens, clients, consents, grants, refreshTokens, resources, revokedJwts } =
    yield* MemoryOAuthServerTables

  const findGrant = (id: GrantId | null | undefined): GrantRecord | null => {
    const row = id === null || id === undefined ? undefined : grants.get(id)
    const user = row && tables.users.get(row.grant.userId)
    if (row === undefined || user === undefined) return null
    const session = row.grant.sessionId === null ? undefined : tables.sessions.get(row.grant.sessionId)?.session
    return { grant: row.grant, user, sessionExpiresAt: session?.expiresAt ?? null }
  }
  const findClient = (id: ClientId | undefined): OAuthClient | null =>
    (id === undefined ? undefined : clients.get(id)) ?? null

  return RecordStore.of({
    find: ({ accessToken, clientId, code, consentOf, jwt, refreshToken, resources: identifiers = [] }) =>
      tables.statement(() => {
        const foundRefreshToken = firstOf(refreshTokens, refreshToken)
        const foundAccessToken = firstOf(accessTokens, accessToken)
        const ofCode = [...grants.values()].find((row) => code?.includes(row.code.hash))
        const grant = findGrant(
          ofCode?.grant.id ?? foundRefreshToken?.grantId ?? foundAccessToken?.grantId ?? jwt?.grantId,
        )
        const named = [...identifiers, ...(grant?.grant.resources ?? []), ...(foundAccessToken?.audience ?? [])]
        const records: Records = {
          client: findClient(clientId),
          resources: [...new Set(named)].flatMap((identifier) => resources.get(identifier) ?? []),
          grant,
          code: ofCode?.code ?? null,
          refreshToken: foundRefreshToken,
          accessToken: foundAccessToken,
          tokenClient: findClient(foundAccessToken?.clientId ?? jwt?.clientId),
          isRevoked: jwt !== undefined && revokedJwts.has(jwt.jti),
          consent:
            [...consents.values()].find(
              (consent) =>
                consent.clientId === clientId &&
                consent.userId === consentOf?.userId &&
                consent.referenceId === consentOf.referenceId,
            ) ?? null,
        }
        return Effect.succeed(records)
      }),
  })
})

/**
 * Layer that looks up in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<RecordStore, never, MemoryOAuthServerTables | MemoryTables> = Layer.effect(
  RecordStore,
  make,
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const firstOf = <Row>(rows: ReadonlyMap<KeyedHash, Row>, hashes: ReadonlyArray<KeyedHash> = []): Row | null =>
  hashes.map((hash) => rows.get(hash)).find((row) => row !== undefined) ?? null
