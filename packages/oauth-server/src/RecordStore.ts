/**
 * Port: everything on file about what a request presented, in one look-up.
 *
 * @since 0.1.0
 */
import type { KeyedHash } from "@belfry/core/KeyedHash"
import type { StoreError } from "@belfry/core/StoreError"
import type { UserId } from "@belfry/core/User"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Consent } from "./Consent.ts"
import type { AccessToken, AuthorizationCode, GrantId, GrantRecord, RefreshToken } from "./Grant.ts"
import type { ClientId, OAuthClient } from "./OAuthClient.ts"
import type { ProtectedResource } from "./ProtectedResource.ts"

/**
 * What a request presented. What is left out is not looked for.
 *
 * **Details**
 *
 * Hashes are the candidates of the key ring. Of `code`, `refreshToken`, `accessToken` and `jwt` one at most is given;
 * its grant is looked up with it. `jwt` is of a token whose signature was verified.
 *
 * @category models
 * @since 0.1.0
 */
export interface Presented {
  readonly clientId?: ClientId | undefined
  readonly resources?: ReadonlyArray<string> | undefined
  readonly code?: NonEmptyReadonlyArray<KeyedHash> | undefined
  readonly refreshToken?: NonEmptyReadonlyArray<KeyedHash> | undefined
  readonly accessToken?: NonEmptyReadonlyArray<KeyedHash> | undefined
  readonly jwt?: { readonly jti: string; readonly clientId: ClientId; readonly grantId: GrantId | null } | undefined
  /** The consent of this user for `clientId`. */
  readonly consentOf?: { readonly userId: UserId; readonly referenceId: string | null } | undefined
}

/**
 * What is on file. Disabled clients and resources, tokens that are over and grants that are revoked are in it: who asks
 * decides what that means.
 *
 * **Details**
 *
 * `resources` are those that were named, those of the grant, and those in the audience of the access token. `grant` is
 * that of the code or token; the code itself is looked at where it is what was presented. `tokenClient` is the client
 * that the access token or JWT was issued to, disabled or not; null when it is gone. `isRevoked`: the JWT was revoked
 * by itself.
 *
 * @category models
 * @since 0.1.0
 */
export interface Records {
  readonly client: OAuthClient | null
  readonly resources: ReadonlyArray<ProtectedResource>
  readonly grant: GrantRecord | null
  readonly code: AuthorizationCode | null
  readonly refreshToken: RefreshToken | null
  readonly accessToken: AccessToken | null
  readonly tokenClient: OAuthClient | null
  readonly isRevoked: boolean
  readonly consent: Consent | null
}

/**
 * Everything on file about what a request presented.
 *
 * @category ports
 * @since 0.1.0
 */
export class RecordStore extends Context.Service<
  RecordStore,
  {
    /** One statement, whatever is presented: look-ups by unique index, none of which grows with the tables. */
    readonly find: (presented: Presented) => Effect.Effect<Records, StoreError>
  }
>()("@belfry/oauth-server/RecordStore") {}
