/**
 * Grants with their tokens as stores hold them, for tests of exchanges.
 *
 * @since 0.1.0
 */
import type { KeyedHash } from "@belfry/core/KeyedHash"
import type { AccessToken, AuthorizationCode, Grant, RefreshToken } from "@belfry/oauth-server/Grant"
import { GrantStore } from "@belfry/oauth-server/GrantStore"
import type { ClientId } from "@belfry/oauth-server/OAuthClient"
import { RecordStore } from "@belfry/oauth-server/RecordStore"
import { assert } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Builders from "./Builders.ts"
import * as OAuthBuilders from "./OAuthBuilders.ts"

/**
 * A grant whose code was redeemed, with what was issued for it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Redeemed {
  readonly grant: Grant
  readonly code: AuthorizationCode
  readonly refreshToken: RefreshToken
  readonly accessToken: AccessToken
}

/**
 * A grant whose code was redeemed, with a refresh token and an access token that last as long as it: 30 days.
 *
 * @category builders
 * @since 0.1.0
 */
export const redeemed = Effect.fnUntraced(function* (lifetime: { readonly days: number } = { days: 30 }) {
  const { code, grant } = yield* OAuthBuilders.storedGrant()
  const redemption = yield* redemptionOf(grant, lifetime)
  assert.isTrue(yield* GrantStore.use((grants) => grants.redeem(redemption)))
  const { accessToken, expiresAt, now, refreshToken } = redemption
  return { grant: { ...grant, expiresAt }, code: { ...code, redeemedAt: now }, accessToken, refreshToken }
})

/**
 * How the code of a grant is redeemed for a new refresh token and a new access token.
 *
 * @category builders
 * @since 0.1.0
 */
export const redemptionOf = Effect.fnUntraced(function* (
  grant: Grant,
  lifetime: { readonly days: number } = { days: 30 },
) {
  const expiresAt = DateTime.add(grant.createdAt, lifetime)
  return {
    grantId: grant.id,
    now: grant.createdAt,
    expiresAt,
    refreshToken: yield* OAuthBuilders.refreshToken({ grantId: grant.id, expiresAt }),
    accessToken: yield* accessTokenOf(grant, expiresAt),
  }
})

/**
 * How a refresh token is rotated a day later, for a new one and a new access token that last 30 days more.
 *
 * @category builders
 * @since 0.1.0
 */
export const rotationOf = Effect.fnUntraced(function* (token: RefreshToken, grant: Grant) {
  const now = DateTime.add(token.createdAt, { days: 1 })
  const expiresAt = DateTime.add(token.expiresAt, { days: 1 })
  return {
    hash: token.hash,
    grantId: grant.id,
    now,
    expiresAt,
    successor: yield* OAuthBuilders.refreshToken({ grantId: grant.id, createdAt: now, expiresAt }),
    sealed: yield* Builders.sealed,
    accessToken: yield* accessTokenOf(grant, expiresAt),
  }
})

const accessTokenOf = (grant: Grant, expiresAt: DateTime.Utc) =>
  OAuthBuilders.accessToken({ clientId: grant.clientId, grantId: grant.id, userId: grant.userId, expiresAt })

/**
 * The grant and the code on file, null each when there is none.
 *
 * @category accessors
 * @since 0.1.0
 */
export const byCode = ({ hash }: Pick<AuthorizationCode, "hash">) =>
  Effect.map(
    RecordStore.use((records) => records.find({ code: [hash] })),
    ({ code, grant }) => ({ grant: grant?.grant ?? null, code }),
  )

/**
 * The refresh token on file, or null.
 *
 * @category accessors
 * @since 0.1.0
 */
export const refreshToken = (hash: KeyedHash) =>
  Effect.map(
    RecordStore.use((records) => records.find({ refreshToken: [hash] })),
    (found) => found.refreshToken,
  )

/**
 * The access token on file, or null.
 *
 * @category accessors
 * @since 0.1.0
 */
export const accessToken = (hash: KeyedHash) =>
  Effect.map(
    RecordStore.use((records) => records.find({ accessToken: [hash] })),
    (found) => found.accessToken,
  )

/**
 * Whether a JWT is on file as revoked.
 *
 * @category accessors
 * @since 0.1.0
 */
export const isRevoked = (jti: string, clientId: ClientId) =>
  Effect.map(
    RecordStore.use((records) => records.find({ jwt: { jti, clientId, grantId: null } })),
    (found) => found.isRevoked,
  )

/**
 * Asserts that a grant with its tokens is on file as it was.
 *
 * @category assertions
 * @since 0.1.0
 */
export const assertKept = Effect.fnUntraced(function* (held: Redeemed) {
  assert.deepStrictEqual(yield* byCode(held.code), { grant: held.grant, code: held.code })
  assert.deepStrictEqual(yield* refreshToken(held.refreshToken.hash), held.refreshToken)
  assert.deepStrictEqual(yield* accessToken(held.accessToken.hash), held.accessToken)
})

/**
 * Asserts that nothing of a grant is on file.
 *
 * @category assertions
 * @since 0.1.0
 */
export const assertGone = Effect.fnUntraced(function* (held: Redeemed) {
  assert.deepStrictEqual(yield* byCode(held.code), { grant: null, code: null })
  assert.isNull(yield* refreshToken(held.refreshToken.hash))
  assert.isNull(yield* accessToken(held.accessToken.hash))
})

/**
 * Runs an effect 100 times at once, with the number of each.
 *
 * @category combinators
 * @since 0.1.0
 */
export const inHundredFibers = <A, E, R>(effect: (n: number) => Effect.Effect<A, E, R>) =>
  Effect.forEach(
    Array.from({ length: 100 }, (_, n) => n),
    effect,
    { concurrency: "unbounded" },
  )
