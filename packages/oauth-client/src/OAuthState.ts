/**
 * What an authorization request remembers until its callback.
 *
 * @since 0.1.0
 */
import { UserId } from "@belfry/core/User"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { ProviderId } from "./OAuthProvider.ts"

/**
 * What the host takes along: a JSON object, at most 4 kB of it.
 *
 * @category models
 * @since 0.1.0
 */
export const OAuthPayload = Schema.Record(Schema.String, Schema.Json)
/**
 * @category models
 * @since 0.1.0
 */
export type OAuthPayload = typeof OAuthPayload.Type

/**
 * What an authorization request remembers.
 *
 * **Details**
 *
 * `intent` `link` adds the account to `userId`, who is signed in. The redirect targets were checked when they came:
 * they stay on this site or an allowed origin. `codeVerifier` and `nonce` are null where the provider is asked without,
 * `scopes` where it is asked for those of its settings.
 *
 * @category models
 * @since 0.1.0
 */
export const OAuthState = Schema.Struct({
  providerId: ProviderId,
  intent: Schema.Literals(["sign-in", "link"]),
  userId: Schema.NullOr(UserId),
  redirectUri: Schema.String,
  codeVerifier: Schema.NullOr(Schema.RedactedFromValue(Schema.String)),
  nonce: Schema.NullOr(Schema.String),
  scopes: Schema.NullOr(Schema.Array(Schema.String)),
  redirectUrl: Schema.NullOr(Schema.String),
  errorRedirectUrl: Schema.NullOr(Schema.String),
  newUserRedirectUrl: Schema.NullOr(Schema.String),
  requestSignUp: Schema.Boolean,
  payload: Schema.NullOr(OAuthPayload),
  createdAt: Schema.DateTimeUtc,
  expiresAt: Schema.DateTimeUtc,
})
/**
 * @category models
 * @since 0.1.0
 */
export interface OAuthState extends Schema.Schema.Type<typeof OAuthState> {}

/**
 * How long a state lives, and how long a start URL does.
 *
 * @category models
 * @since 0.1.0
 */
export const statePolicy = { lifetime: Duration.minutes(10), startLifetime: Duration.minutes(10), maxPayload: 4096 }

/**
 * The prefix of the tokens that go to providers as `state`.
 *
 * @category models
 * @since 0.1.0
 */
export const tokenPrefix = "belfry_oauth_state"

/**
 * A state that cannot be kept: its payload, or all of it in a cookie, has more than `limit` bytes.
 *
 * @category errors
 * @since 0.1.0
 */
export class OAuthStateTooLarge extends Schema.TaggedError<OAuthStateTooLarge>(
  "@belfry/oauth-client/OAuthStateTooLarge",
)("OAuthStateTooLarge", {
  providerId: Schema.String,
  part: Schema.Literals(["payload", "cookie"]),
  bytes: Schema.Int,
  limit: Schema.Int,
}) {
  override get message(): string {
    return `The ${this.part} of a state for ${this.providerId} has ${this.bytes} bytes; ${this.limit} fit`
  }
}
