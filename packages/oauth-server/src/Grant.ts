/**
 * Grants: what a person let a client do, with the code, the refresh tokens and the access tokens that hang on it.
 *
 * A grant is the family of its tokens: whoever revokes it ends all of them at once, and those of no other device.
 *
 * @since 0.1.0
 */
import type { KeyedHash, Sealed } from "@belfry/core/KeyedHash"
import type { AuthenticationMethod, SessionId } from "@belfry/core/Session"
import { isDisabled, type User, type UserId } from "@belfry/core/User"
import { isUuid } from "@belfry/core/Uuid"
import type * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import type { ClaimsRequest } from "./AuthorizationRequest.ts"
import type { ClientId } from "./OAuthClient.ts"

/**
 * @category models
 * @since 0.1.0
 */
export const GrantId = Schema.String.check(isUuid).pipe(Schema.brand("GrantId"))
/**
 * @category models
 * @since 0.1.0
 */
export type GrantId = typeof GrantId.Type

/**
 * The prefixes of what this server hands out. JWTs have none.
 *
 * @category models
 * @since 0.1.0
 */
export const prefixes = {
  code: "belfry_code",
  accessToken: "belfry_access",
  refreshToken: "belfry_refresh",
  clientSecret: "belfry_client_secret",
  clientId: "belfry_client",
  /** What the cookie holds that ties waiting requests to a browser. */
  browser: "belfry_authorization",
  /** An initial access token for registering clients. */
  initialAccessToken: "belfry_registration",
} as const

/**
 * A grant.
 *
 * **Details**
 *
 * `sessionId` is the session it was given in, null once that is gone; `sid` is the same, kept. With `isOffline`
 * (`offline_access`) it outlives that session; else it ends with it. `expiresAt` is when the last of its tokens is
 * over; refreshes move it, up to `endsAt`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Grant {
  readonly id: GrantId
  readonly clientId: ClientId
  readonly userId: UserId
  readonly sessionId: SessionId | null
  readonly sid: string
  readonly referenceId: string | null
  readonly scopes: ReadonlyArray<string>
  readonly resources: ReadonlyArray<string>
  readonly claims: ClaimsRequest | null
  readonly nonce: string | null
  readonly authTime: DateTime.Utc
  readonly acr: string | null
  readonly amr: ReadonlyArray<AuthenticationMethod>
  readonly isOffline: boolean
  readonly createdAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc
  readonly endsAt: DateTime.Utc
  readonly revokedAt: DateTime.Utc | null
}

/**
 * The code of a grant. It stays on file when it was redeemed, so that a second use is known for what it is.
 *
 * @see [RFC 6749 §4.1.2](https://www.rfc-editor.org/rfc/rfc6749.html#section-4.1.2)
 * @category models
 * @since 0.1.0
 */
export interface AuthorizationCode {
  readonly hash: KeyedHash
  readonly redirectUri: string
  readonly isRedirectUriGiven: boolean
  /** `S256` of the verifier; null when the client was exempted and sent none. */
  readonly codeChallenge: string | null
  readonly expiresAt: DateTime.Utc
  readonly redeemedAt: DateTime.Utc | null
}

/**
 * A grant as it is on file, with its user, and when the session it was given in ends: null when that is over
 * or gone.
 *
 * @category models
 * @since 0.1.0
 */
export interface GrantRecord {
  readonly grant: Grant
  readonly user: User
  readonly sessionExpiresAt: DateTime.Utc | null
}

/**
 * Whether a grant is in force at `now`. None of a user who is disabled is.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isInForce = ({ grant, sessionExpiresAt, user }: GrantRecord, now: DateTime.Utc): boolean =>
  grant.revokedAt === null &&
  !isDisabled(user) &&
  now.epochMilliseconds < grant.expiresAt.epochMilliseconds &&
  (grant.isOffline || (sessionExpiresAt !== null && now.epochMilliseconds < sessionExpiresAt.epochMilliseconds))

/**
 * A refresh token. `rotatedAt` tells when its successor took its place; `successor` is that one, sealed, where a grace
 * window is set.
 *
 * @see [RFC 9700 §4.14.2](https://www.rfc-editor.org/rfc/rfc9700.html#section-4.14.2)
 * @category models
 * @since 0.1.0
 */
export interface RefreshToken {
  readonly hash: KeyedHash
  readonly grantId: GrantId
  readonly createdAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc
  readonly rotatedAt: DateTime.Utc | null
  readonly successor: Sealed | null
}

/**
 * An opaque access token. `userId` and `grantId` are null when a client got it for itself.
 *
 * @category models
 * @since 0.1.0
 */
export interface AccessToken {
  readonly hash: KeyedHash
  readonly clientId: ClientId
  readonly grantId: GrantId | null
  readonly userId: UserId | null
  readonly scopes: ReadonlyArray<string>
  readonly audience: ReadonlyArray<string>
  readonly createdAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc
}

/**
 * A grant in the account of its user: which application, since when, for what.
 *
 * @category models
 * @since 0.1.0
 */
export const GrantSummary = Schema.Struct({
  id: GrantId,
  clientId: Schema.String,
  clientName: Schema.NullOr(Schema.String),
  scopes: Schema.Array(Schema.String),
  isOffline: Schema.Boolean,
  createdAt: Schema.DateTimeUtc,
  expiresAt: Schema.DateTimeUtc,
}).annotate({ identifier: "GrantSummary" })
/**
 * @category models
 * @since 0.1.0
 */
export interface GrantSummary extends Schema.Schema.Type<typeof GrantSummary> {}

/**
 * There is no such grant of the user.
 *
 * @category errors
 * @since 0.1.0
 */
export class GrantNotFound extends Schema.TaggedError<GrantNotFound>("@belfry/oauth-server/GrantNotFound")(
  "GrantNotFound",
  { grantId: Schema.String },
) {
  override get message(): string {
    return "No such grant"
  }
}
