/**
 * What a provider gives: tokens, and who the person is.
 *
 * @since 0.1.0
 */
import type { ProviderTokens } from "@belfry/core/LinkedAccount"
import { Scope } from "@belfry/core/User"
import * as Schema from "effect/Schema"
import type * as DateTime from "effect/DateTime"
import type * as Redacted from "effect/Redacted"

/**
 * The answer of a token endpoint.
 *
 * **Details**
 *
 * What the provider left out is null; `scope` is the granted scope, space separated. `raw` is the answer as it came,
 * for strategies that need more; it is never kept, and redacted because tokens are in it.
 *
 * @see [RFC 6749 §5.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-5.1)
 * @category models
 * @since 0.1.0
 */
export interface OAuthTokenSet {
  readonly accessToken: Redacted.Redacted | null
  readonly tokenType: string | null
  readonly refreshToken: Redacted.Redacted | null
  readonly scope: string | null
  readonly idToken: Redacted.Redacted | null
  readonly accessTokenExpiresAt: DateTime.Utc | null
  readonly refreshTokenExpiresAt: DateTime.Utc | null
  readonly raw: Redacted.Redacted<Readonly<Record<string, Schema.Json>>>
}

/**
 * Claims of an ID token that was validated, or of the UserInfo endpoint.
 *
 * @category models
 * @since 0.1.0
 */
export type Claims = Readonly<Record<string, Schema.Json>>

/**
 * Who the person is, by the provider.
 *
 * **Details**
 *
 * `accountId` is the provider's own id of the account (OpenID Connect's `sub`). `email` is as the provider wrote it;
 * `emailVerified` is true only where the provider says so.
 *
 * @category models
 * @since 0.1.0
 */
export const OAuthUserInfo = Schema.Struct({
  accountId: Schema.String,
  email: Schema.NullOr(Schema.String),
  emailVerified: Schema.Boolean,
  name: Schema.NullOr(Schema.String),
  image: Schema.NullOr(Schema.String),
  raw: Schema.Record(Schema.String, Schema.Json),
}).annotate({ identifier: "OAuthUserInfo" })
/**
 * @category models
 * @since 0.1.0
 */
export interface OAuthUserInfo extends Schema.Schema.Type<typeof OAuthUserInfo> {}

/**
 * The tokens as linked accounts keep them. A type or a scope that no specification allows counts as not given: no
 * database may take it.
 *
 * @category converting
 * @since 0.1.0
 */
export const toProviderTokens = (tokens: OAuthTokenSet): ProviderTokens<Redacted.Redacted> => ({
  accessToken: tokens.accessToken,
  refreshToken: tokens.refreshToken,
  idToken: tokens.idToken,
  tokenType: tokens.tokenType !== null && /^[\x21-\x7E]{1,64}$/u.test(tokens.tokenType) ? tokens.tokenType : null,
  scopes: tokens.scope?.split(" ").filter(isScope) ?? [],
  accessTokenExpiresAt: tokens.accessTokenExpiresAt,
  refreshTokenExpiresAt: tokens.refreshTokenExpiresAt,
})

/**
 * The provider could not be asked, or its answer makes no sense: no connection, too slow, too large, not what the
 * specification says. The same call may succeed later.
 *
 * @category errors
 * @since 0.1.0
 */
export class ProviderUnavailable extends Schema.TaggedError<ProviderUnavailable>(
  "@belfry/oauth-client/ProviderUnavailable",
)("ProviderUnavailable", {
  providerId: Schema.String,
  endpoint: Schema.Literals(["discovery", "jwks", "token", "userinfo", "verify", "other"]),
  reason: Schema.Literals(["address", "connection", "timeout", "too-large", "status", "malformed"]),
}) {
  override get message(): string {
    return `The provider ${this.providerId} could not be asked (${this.endpoint}: ${this.reason})`
  }
}

/**
 * The provider refused: an error of its token endpoint, such as `invalid_grant`.
 *
 * @see [RFC 6749 §5.2](https://www.rfc-editor.org/rfc/rfc6749.html#section-5.2)
 * @category errors
 * @since 0.1.0
 */
export class ProviderRefused extends Schema.TaggedError<ProviderRefused>("@belfry/oauth-client/ProviderRefused")(
  "ProviderRefused",
  { providerId: Schema.String, error: Schema.String, description: Schema.NullOr(Schema.String) },
) {
  override get message(): string {
    return `The provider ${this.providerId} refused: ${this.error}`
  }
}

/**
 * An ID token that proves nothing; `reason` is the claim or property that is wrong.
 *
 * @see [OpenID Connect Core §3.1.3.7](https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation)
 * @category errors
 * @since 0.1.0
 */
export class IdTokenInvalid extends Schema.TaggedError<IdTokenInvalid>("@belfry/oauth-client/IdTokenInvalid")(
  "IdTokenInvalid",
  {
    providerId: Schema.String,
    reason: Schema.Literals([
      "malformed",
      "algorithm",
      "signature",
      "key",
      "issuer",
      "audience",
      "authorized-party",
      "expired",
      "not-yet-valid",
      "nonce",
      "access-token-hash",
      "auth-time",
      "subject",
      "hosted-domain",
    ]),
  },
) {
  override get message(): string {
    return `The ID token of ${this.providerId} is not valid: ${this.reason}`
  }
}

// internal

const isScope = Schema.is(Scope)
