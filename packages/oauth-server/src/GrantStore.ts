/**
 * Port: where grants are kept, with their codes, refresh tokens and opaque access tokens.
 *
 * @since 0.1.0
 */
import type { KeyedHash, Sealed } from "@belfry/core/KeyedHash"
import type { StoreError } from "@belfry/core/StoreError"
import type { UserId } from "@belfry/core/User"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { AccessToken, AuthorizationCode, Grant, GrantId, GrantSummary, RefreshToken } from "./Grant.ts"
import type { ClientId } from "./OAuthClient.ts"

/**
 * What became of a new grant: it is kept; or it is not, since there is no consent that has all of it, or since its
 * session ended in this very moment, with its user or alone.
 *
 * @category models
 * @since 0.1.0
 */
export type GrantInsertion = "kept" | "no-consent" | "session-over"

/**
 * A refresh token and what takes its place: `successor`, and the access token that was made with it. `expiresAt` is the
 * grant's from then on, unless it is null; `sealed` is kept with the old one.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rotation {
  readonly hash: KeyedHash
  readonly grantId: GrantId
  readonly now: DateTime.Utc
  readonly expiresAt: DateTime.Utc | null
  readonly successor: RefreshToken
  readonly sealed: Sealed | null
  readonly accessToken: AccessToken | null
}

/**
 * Where grants are kept.
 *
 * **Details**
 *
 * Redeeming and rotating are one statement each: it takes what is used once and keeps what was issued for it, or does
 * nothing. There is no moment between the two at which a server could die.
 *
 * @category ports
 * @since 0.1.0
 */
export class GrantStore extends Context.Service<
  GrantStore,
  {
    /**
     * Keeps a new grant with its code. With `needsConsent` only where a consent of its user, client and reference has
     * all of its scopes and resources, which then stays as it is until the transaction ends: whoever takes it back
     * finds the grant. After `session-over` a transaction around it has come to nothing.
     */
    readonly insert: (
      grant: Grant,
      code: AuthorizationCode,
      options?: { readonly needsConsent: boolean },
    ) => Effect.Effect<GrantInsertion, StoreError>
    /**
     * Redeems the code of a grant that is not revoked, and keeps the tokens that were made for it; `expiresAt` is the
     * grant's from then on, unless it is null. False when the code was redeemed already, is over at `now`, or its grant
     * is revoked: nothing is kept then. Of concurrent calls one gets true.
     */
    readonly redeem: (options: {
      readonly grantId: GrantId
      readonly now: DateTime.Utc
      readonly expiresAt: DateTime.Utc | null
      readonly refreshToken: RefreshToken | null
      readonly accessToken: AccessToken | null
    }) => Effect.Effect<boolean, StoreError>
    /**
     * Rotates a refresh token. False when it was rotated already, is over at `now`, or its grant is revoked: nothing is
     * kept then. Of concurrent calls one gets true.
     */
    readonly rotate: (rotation: Rotation) => Effect.Effect<boolean, StoreError>
    /** Keeps an opaque access token by itself. */
    readonly insertAccessToken: (token: AccessToken) => Effect.Effect<void, StoreError>
    /** Revokes a grant; true for the call that did it. */
    readonly revoke: (id: GrantId, now: DateTime.Utc) => Effect.Effect<boolean, StoreError>
    /**
     * Revokes the grants of a user that are not revoked yet, to one client or to all, under one reference or any; with
     * `beyond`, only those with a scope that is not in it. Their ids.
     */
    readonly revokeByUser: (options: {
      readonly userId: UserId
      readonly clientId?: ClientId | undefined
      readonly referenceId?: string | null | undefined
      readonly beyond?: ReadonlyArray<string> | undefined
      readonly now: DateTime.Utc
    }) => Effect.Effect<ReadonlyArray<GrantId>, StoreError>
    /** Revokes the grants under a reference that are not revoked yet, of everybody and to every client. Their ids. */
    readonly revokeByReference: (
      referenceId: string,
      now: DateTime.Utc,
    ) => Effect.Effect<ReadonlyArray<GrantId>, StoreError>
    /** Removes an opaque access token of a client; false when there is none. */
    readonly removeAccessToken: (
      hashes: NonEmptyReadonlyArray<KeyedHash>,
      clientId: ClientId,
    ) => Effect.Effect<boolean, StoreError>
    /** Remembers that a JWT is revoked, until it is over anyway. */
    readonly revokeJwt: (jti: string, expiresAt: DateTime.Utc) => Effect.Effect<void, StoreError>
    /** The grants of a user that are in force and were redeemed, newest first. */
    readonly listByUser: (userId: UserId, now: DateTime.Utc) => Effect.Effect<ReadonlyArray<GrantSummary>, StoreError>
    /** A grant of a user, in force or not. */
    readonly findByUser: (userId: UserId, id: GrantId) => Effect.Effect<Option.Option<Grant>, StoreError>
    /**
     * Removes at most `limit` of each: grants, refresh tokens, access tokens and revoked JWTs that were over at `now`.
     */
    readonly removeExpired: (
      now: DateTime.Utc,
      limit: number,
    ) => Effect.Effect<
      {
        readonly grants: number
        readonly refreshTokens: number
        readonly accessTokens: number
        readonly revokedJwts: number
      },
      StoreError
    >
  }
>()("@belfry/oauth-server/GrantStore") {}
