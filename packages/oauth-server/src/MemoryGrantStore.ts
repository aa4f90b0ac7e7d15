/**
 * Grants with their codes and tokens in memory.
 *
 * @since 0.1.0
 */
import { MemoryTables } from "@belfry/core/MemoryTables"
import type { StoreError } from "@belfry/core/StoreError"
import type { UserId } from "@belfry/core/User"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Consent } from "./Consent.ts"
import type { AccessToken, Grant, GrantSummary, RefreshToken } from "./Grant.ts"
import { GrantStore } from "./GrantStore.ts"
import { refuse } from "@belfry/core/MemoryStoreError"
import { type GrantRow, MemoryOAuthServerTables } from "./MemoryOAuthServerTables.ts"
import { isCovered } from "./OAuthScope.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const { accessTokens, clients, consents, grants, refreshTokens, removeGrant, revokedJwts } =
    yield* MemoryOAuthServerTables

  const isInForce = ({ grant }: GrantRow, now: DateTime.Utc): boolean => {
    if (grant.revokedAt !== null || isOver(grant, now)) return false
    const session = grant.sessionId === null ? undefined : tables.sessions.get(grant.sessionId)?.session
    return grant.isOffline || (session !== undefined && !isOver(session, now))
  }
  const ofUser = (userId: UserId): ReadonlyArray<GrantRow> =>
    [...grants.values()].filter(({ grant }) => grant.userId === userId)

  /** Keeps what was issued with a grant, or fails before anything is kept. */
  const issue = (
    method: string,
    row: GrantRow,
    tokens: { readonly refreshToken: RefreshToken | null; readonly accessToken: AccessToken | null },
  ): Effect.Effect<boolean, StoreError> => {
    const { accessToken, refreshToken } = tokens
    const { grant } = row
    if (isAfter(grant.expiresAt, grant.endsAt)) return refuse("GrantStore", method, "end of the grant")
    if (refreshToken !== null && refreshTokens.has(refreshToken.hash)) {
      return refuse("GrantStore", method, "unique refresh token hash")
    }
    if (accessToken !== null && !clients.has(accessToken.clientId)) {
      return refuse("GrantStore", method, "the client exists")
    }
    if (accessToken !== null && accessTokens.has(accessToken.hash)) {
      return refuse("GrantStore", method, "unique access token hash")
    }
    grants.set(grant.id, row)
    if (refreshToken !== null) refreshTokens.set(refreshToken.hash, { ...refreshToken, grantId: grant.id })
    if (accessToken !== null) accessTokens.set(accessToken.hash, { ...accessToken, grantId: grant.id })
    return Effect.succeed(true)
  }

  const revokeRow = (row: GrantRow, now: DateTime.Utc): boolean => {
    if (row.grant.revokedAt !== null) return false
    grants.set(row.grant.id, { ...row, grant: { ...row.grant, revokedAt: now } })
    return true
  }

  return GrantStore.of({
    insert: (grant, code, options) =>
      tables.statement(() => {
        if (options?.needsConsent === true && ![...consents.values()].some((consent) => isFor(consent, grant))) {
          return Effect.succeed("no-consent")
        }
        if (!clients.has(grant.clientId)) return refuse("GrantStore", "insert", "the client exists")
        const isSessionOver = grant.sessionId !== null && !tables.sessions.has(grant.sessionId)
        if (isSessionOver || !tables.users.has(grant.userId)) return Effect.succeed("session-over")
        if (grants.has(grant.id)) return refuse("GrantStore", "insert", "unique id")
        if ([...grants.values()].some((row) => row.code.hash === code.hash)) {
          return refuse("GrantStore", "insert", "unique code hash")
        }
        if (isAfter(grant.expiresAt, grant.endsAt)) return refuse("GrantStore", "insert", "end of the grant")
        grants.set(grant.id, { grant, code })
        return Effect.succeed("kept")
      }),
    redeem: ({ accessToken, expiresAt, grantId, now, refreshToken }) =>
      tables.statement(() => {
        const row = grants.get(grantId)
        if (
          row === undefined ||
          row.grant.revokedAt !== null ||
          row.code.redeemedAt !== null ||
          isOver(row.code, now)
        ) {
          return Effect.succeed(false)
        }
        const redeemed = { grant: movedTo(row.grant, expiresAt), code: { ...row.code, redeemedAt: now } }
        return issue("redeem", redeemed, { refreshToken, accessToken })
      }),
    rotate: ({ accessToken, expiresAt, grantId, hash, now, sealed, successor }) =>
      tables.statement(() => {
        const token = refreshTokens.get(hash)
        const row = grants.get(grantId)
        if (
          token === undefined ||
          row === undefined ||
          token.grantId !== grantId ||
          token.rotatedAt !== null ||
          isOver(token, now) ||
          row.grant.revokedAt !== null
        ) {
          return Effect.succeed(false)
        }
        const moved = { ...row, grant: movedTo(row.grant, expiresAt) }
        return Effect.tap(issue("rotate", moved, { refreshToken: successor, accessToken }), () =>
          Effect.sync(() => void refreshTokens.set(hash, { ...token, rotatedAt: now, successor: sealed })),
        )
      }),
    insertAccessToken: (token) =>
      tables.statement(() => {
        if (!clients.has(token.clientId)) return refuse("GrantStore", "insertAccessToken", "the client exists")
        if (token.grantId !== null && !grants.has(token.grantId)) {
          return refuse("GrantStore", "insertAccessToken", "the grant exists")
        }
        if (accessTokens.has(token.hash)) return refuse("GrantStore", "insertAccessToken", "unique token hash")
        accessTokens.set(token.hash, token)
        return Effect.void
      }),
    revoke: (id, now) =>
      tables.statement(() => {
        const row = grants.get(id)
        return Effect.succeed(row !== undefined && revokeRow(row, now))
      }),
    revokeByUser: ({ beyond, clientId, now, referenceId, userId }) =>
      tables.statement(() => {
        const revoked = ofUser(userId).filter(
          (row) =>
            (clientId === undefined || row.grant.clientId === clientId) &&
            (referenceId === undefined || row.grant.referenceId === referenceId) &&
            (beyond === undefined || !row.grant.scopes.every((scope) => beyond.includes(scope))) &&
            revokeRow(row, now),
        )
        return Effect.succeed(revoked.map(({ grant }) => grant.id))
      }),
    revokeByReference: (referenceId, now) =>
      tables.statement(() => {
        const revoked = [...grants.values()].filter(
          (row) => row.grant.referenceId === referenceId && revokeRow(row, now),
        )
        return Effect.succeed(revoked.map(({ grant }) => grant.id))
      }),
    removeAccessToken: (hashes, clientId) =>
      tables.statement(() => {
        const found = hashes.map((hash) => accessTokens.get(hash)).find((token) => token?.clientId === clientId)
        return Effect.succeed(found !== undefined && accessTokens.delete(found.hash))
      }),
    revokeJwt: (jti, expiresAt) =>
      tables.statement(() => {
        if (!revokedJwts.has(jti)) revokedJwts.set(jti, expiresAt)
        return Effect.void
      }),
    listByUser: (userId, now) =>
      tables.statement(() =>
        Effect.succeed(
          ofUser(userId)
            .filter((row) => row.code.redeemedAt !== null && isInForce(row, now))
            .map(({ grant }): GrantSummary => ({
              id: grant.id,
              clientId: grant.clientId,
              clientName: clients.get(grant.clientId)?.metadata.clientName ?? null,
              scopes: grant.scopes,
              isOffline: grant.isOffline,
              createdAt: grant.createdAt,
              expiresAt: grant.expiresAt,
            }))
            .sort(newestFirst),
        ),
      ),
    findByUser: (userId, id) =>
      tables.statement(() => {
        const grant = grants.get(id)?.grant
        return Effect.succeed(Option.fromUndefinedOr(grant?.userId === userId ? grant : undefined))
      }),
    removeExpired: (now, limit) =>
      tables.statement(() => {
        const oldest = <Row>(rows: Iterable<Row>, end: (row: Row) => DateTime.Utc): ReadonlyArray<Row> =>
          [...rows]
            .filter((row) => !isAfter(end(row), now))
            .sort((a, b) => end(a).epochMilliseconds - end(b).epochMilliseconds)
            .slice(0, limit)
        const overRefreshTokens = oldest(refreshTokens.values(), ({ expiresAt }) => expiresAt)
        const overAccessTokens = oldest(accessTokens.values(), ({ expiresAt }) => expiresAt)
        const overJwts = oldest(revokedJwts, ([, expiresAt]) => expiresAt)
        const overGrants = oldest(grants.values(), ({ grant }) => grant.expiresAt)
        overRefreshTokens.forEach(({ hash }) => refreshTokens.delete(hash))
        overAccessTokens.forEach(({ hash }) => accessTokens.delete(hash))
        overJwts.forEach(([jti]) => revokedJwts.delete(jti))
        overGrants.forEach(({ grant }) => removeGrant(grant.id))
        return Effect.succeed({
          grants: overGrants.length,
          refreshTokens: overRefreshTokens.length,
          accessTokens: overAccessTokens.length,
          revokedJwts: overJwts.length,
        })
      }),
  })
})

/**
 * Layer that keeps grants in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<GrantStore, never, MemoryOAuthServerTables | MemoryTables> = Layer.effect(
  GrantStore,
  make,
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** Whether a grant can stand on a consent. */
const isFor = (consent: Consent, grant: Grant): boolean =>
  consent.userId === grant.userId &&
  consent.clientId === grant.clientId &&
  consent.referenceId === grant.referenceId &&
  isCovered(grant.scopes, consent.scopes) &&
  isCovered(grant.resources, consent.resources)

const isAfter = (a: DateTime.Utc, b: DateTime.Utc): boolean => a.epochMilliseconds > b.epochMilliseconds

const movedTo = (grant: Grant, expiresAt: DateTime.Utc | null): Grant =>
  expiresAt === null ? grant : { ...grant, expiresAt }

const isOver = ({ expiresAt }: { readonly expiresAt: DateTime.Utc }, now: DateTime.Utc): boolean =>
  !isAfter(expiresAt, now)

const newestFirst = (a: Pick<Grant, "createdAt" | "id">, b: Pick<Grant, "createdAt" | "id">): number =>
  b.createdAt.epochMilliseconds - a.createdAt.epochMilliseconds || (a.id < b.id ? 1 : -1)
