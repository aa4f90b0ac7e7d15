/**
 * Signing in and linking through a provider: what is asked for, how it ends, and why it may be refused.
 *
 * @since 0.1.0
 */
import { UserId } from "@belfry/core/User"
import * as Schema from "effect/Schema"
import { ProviderId } from "./OAuthProvider.ts"
import { OAuthPayload } from "./OAuthState.ts"

/**
 * What somebody asks for who wants to sign in through a provider, or link an account of it.
 *
 * **Details**
 *
 * Redirect targets that lead elsewhere than to this site or an allowed origin are dropped. `requestSignUp` lets
 * somebody new in where the provider takes new people only on request. `scopes` replace those of the provider.
 *
 * @category models
 * @since 0.1.0
 */
export const OAuthRequest = Schema.Struct({
  redirectUrl: Schema.optionalKey(Schema.String),
  errorRedirectUrl: Schema.optionalKey(Schema.String),
  newUserRedirectUrl: Schema.optionalKey(Schema.String),
  payload: Schema.optionalKey(OAuthPayload),
  scopes: Schema.optionalKey(Schema.Array(Schema.String)),
  prompt: Schema.optionalKey(Schema.String),
  accessType: Schema.optionalKey(Schema.String),
  responseMode: Schema.optionalKey(Schema.Literals(["query", "form_post"])),
  loginHint: Schema.optionalKey(Schema.String),
  authorizationParams: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  requestSignUp: Schema.optionalKey(Schema.Boolean),
})
/**
 * @category models
 * @since 0.1.0
 */
export interface OAuthRequest extends Schema.Schema.Type<typeof OAuthRequest> {}

/**
 * What a start URL carries, sealed.
 *
 * @category models
 * @since 0.1.0
 */
export const OAuthStart = Schema.Struct({
  providerId: ProviderId,
  intent: Schema.Literals(["sign-in", "link"]),
  userId: Schema.NullOr(UserId),
  request: OAuthRequest,
  expiresAt: Schema.DateTimeUtc,
})
/**
 * @category models
 * @since 0.1.0
 */
export interface OAuthStart extends Schema.Schema.Type<typeof OAuthStart> {}

/**
 * The codes of our own by which a sign-in or a link is refused. The provider's (`access_denied`) are passed on besides.
 *
 * @category models
 * @since 0.1.0
 */
export const OAuthErrorCode = Schema.Literals([
  "state_mismatch",
  "state_not_found",
  "issuer_missing",
  "issuer_mismatch",
  "oauth_code_verification_failed",
  "user_info_missing",
  "email_missing",
  "signup_disabled",
  "account_not_linked",
  "email_does_not_match",
  "account_already_linked_to_different_user",
  "id_token_sign_in_disabled",
  "oauth_callback_failed",
])
/**
 * @category models
 * @since 0.1.0
 */
export type OAuthErrorCode = typeof OAuthErrorCode.Type

/**
 * A sign-in or a link through a provider was refused. `code` is an {@link OAuthErrorCode} or the provider's own, of the
 * characters that RFC 6749 allows.
 *
 * @see [RFC 6749 §4.1.2.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-4.1.2.1)
 * @category errors
 * @since 0.1.0
 */
export class OAuthRefused extends Schema.TaggedError<OAuthRefused>("@belfry/oauth-client/OAuthRefused")(
  "OAuthRefused",
  { providerId: Schema.String, code: Schema.String },
) {
  override get message(): string {
    return `Signing in through the provider failed: ${this.code}`
  }
}

/**
 * The sign-in is over, locked, another user's, or may not be done through a provider.
 *
 * @category errors
 * @since 0.1.0
 */
export class GateRefused extends Schema.TaggedError<GateRefused>("@belfry/oauth-client/GateRefused")("GateRefused", {
  reason: Schema.String,
}) {
  override get message(): string {
    return "The sign-in cannot go on this way"
  }
}

/**
 * No provider has this id.
 *
 * @category errors
 * @since 0.1.0
 */
export class ProviderNotFound extends Schema.TaggedError<ProviderNotFound>("@belfry/oauth-client/ProviderNotFound")(
  "ProviderNotFound",
  { providerId: Schema.String },
) {
  override get message(): string {
    return "There is no such provider"
  }
}
