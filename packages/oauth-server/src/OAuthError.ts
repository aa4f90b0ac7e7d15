/**
 * How protocol endpoints fail: the error codes of the RFCs, with a description for developers.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * Error codes of the token endpoint and of those that answer in its way.
 *
 * @see [RFC 6749 §5.2](https://www.rfc-editor.org/rfc/rfc6749.html#section-5.2)
 * @see [RFC 8707 §2](https://www.rfc-editor.org/rfc/rfc8707.html#section-2)
 * @see [RFC 7009 §2.2.1](https://www.rfc-editor.org/rfc/rfc7009.html#section-2.2.1)
 * @see [RFC 7591 §3.2.2](https://www.rfc-editor.org/rfc/rfc7591.html#section-3.2.2)
 * @category models
 * @since 0.1.0
 */
export const OAuthErrorCode = Schema.Literals([
  "invalid_request",
  "invalid_client",
  "invalid_grant",
  "unauthorized_client",
  "unsupported_grant_type",
  "invalid_scope",
  "invalid_target",
  "access_denied",
  "unsupported_token_type",
  "invalid_token",
  "insufficient_scope",
  "invalid_redirect_uri",
  "invalid_client_metadata",
  "invalid_software_statement",
  "unapproved_software_statement",
  "temporarily_unavailable",
  "slow_down",
])
/**
 * @category models
 * @since 0.1.0
 */
export type OAuthErrorCode = typeof OAuthErrorCode.Type

/**
 * A refusal of a protocol endpoint that answers its caller directly.
 *
 * **Details**
 *
 * `description` is for the developer of the client, in the characters that RFC 6749 allows; it never repeats what was
 * sent. `detail` is for the audit log and the span of this server, and never leaves it.
 *
 * @see [RFC 6749 §5.2](https://www.rfc-editor.org/rfc/rfc6749.html#section-5.2)
 * @category errors
 * @since 0.1.0
 */
export class OAuthError extends Schema.TaggedError<OAuthError>("@belfry/oauth-server/OAuthError")("OAuthError", {
  code: OAuthErrorCode,
  description: Schema.String,
  detail: Schema.optionalKey(Schema.String),
}) {
  override get message(): string {
    return `${this.code}: ${this.description}`
  }
}

/**
 * Error codes that go to the client through the browser.
 *
 * @see [RFC 6749 §4.1.2.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-4.1.2.1)
 * @see [OpenID Connect Core §3.1.2.6](https://openid.net/specs/openid-connect-core-1_0.html#AuthError)
 * @see [OpenID Connect Core Unmet Authentication Requirements §2](https://openid.net/specs/openid-connect-unmet-authentication-requirements-1_0.html)
 * @category models
 * @since 0.1.0
 */
export const AuthorizationErrorCode = Schema.Literals([
  "invalid_request",
  "unauthorized_client",
  "access_denied",
  "unsupported_response_type",
  "invalid_scope",
  "invalid_target",
  "server_error",
  "temporarily_unavailable",
  "interaction_required",
  "login_required",
  "account_selection_required",
  "consent_required",
  "request_not_supported",
  "request_uri_not_supported",
  "invalid_request_uri",
  "registration_not_supported",
  "unmet_authentication_requirements",
])
/**
 * @category models
 * @since 0.1.0
 */
export type AuthorizationErrorCode = typeof AuthorizationErrorCode.Type

/**
 * An authorization request that is refused, told to the client by a redirect: client and redirect URI were proved.
 *
 * @see [RFC 6749 §4.1.2.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-4.1.2.1)
 * @category errors
 * @since 0.1.0
 */
export class AuthorizationError extends Schema.TaggedError<AuthorizationError>(
  "@belfry/oauth-server/AuthorizationError",
)("AuthorizationError", { code: AuthorizationErrorCode, description: Schema.String }) {
  override get message(): string {
    return `${this.code}: ${this.description}`
  }
}

/**
 * An authorization request that is told to the person alone, because nobody knows where it comes from.
 *
 * **Details**
 *
 * `invalid_client`: unknown or disabled. `invalid_redirect_uri`: missing where several are registered, or not one of
 * them. `invalid_request`: one of these two stands twice, or what the person answers was not asked. `expired`: the
 * request that waited is gone, or waits in another browser; `other_browser` where the browser sends no cookie at all.
 *
 * @see [RFC 6749 §4.1.2.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-4.1.2.1)
 * @category errors
 * @since 0.1.0
 */
export class AuthorizationRefused extends Schema.TaggedError<AuthorizationRefused>(
  "@belfry/oauth-server/AuthorizationRefused",
)("AuthorizationRefused", {
  reason: Schema.Literals([
    "invalid_client",
    "invalid_redirect_uri",
    "invalid_request",
    "expired",
    "other_browser",
    "rate_limited",
    "temporarily_unavailable",
  ]),
  description: Schema.String,
  /** Seconds until the same may succeed: with `rate_limited` and `temporarily_unavailable`. */
  retryAfter: Schema.optionalKey(Schema.Int),
}) {
  override get message(): string {
    return `${this.reason}: ${this.description}`
  }
}
