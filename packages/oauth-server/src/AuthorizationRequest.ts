/**
 * What a client asks of a person: the authorization request, checked, and as it waits for them.
 *
 * @since 0.1.0
 */
import type { KeyedHash } from "@belfry/core/KeyedHash"
import type { SessionId } from "@belfry/core/Session"
import { isUuid } from "@belfry/core/Uuid"
import type * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import { ClientId } from "./OAuthClient.ts"

/**
 * What a client asks to happen before it is answered.
 *
 * @see [OpenID Connect Core §3.1.2.1](https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest)
 * @see [Initiating User Registration via OpenID Connect §4](https://openid.net/specs/openid-connect-prompt-create-1_0.html#section-4)
 * @category models
 * @since 0.1.0
 */
export const Prompt = Schema.Literals(["none", "login", "consent", "select_account", "create"])
/**
 * @category models
 * @since 0.1.0
 */
export type Prompt = typeof Prompt.Type

/**
 * How the answer goes to the redirect URI.
 *
 * @see [OAuth 2.0 Form Post Response Mode §2](https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html#FormPostResponseMode)
 * @category models
 * @since 0.1.0
 */
export const ResponseMode = Schema.Literals(["query", "form_post"])
/**
 * @category models
 * @since 0.1.0
 */
export type ResponseMode = typeof ResponseMode.Type

/**
 * One claim that is asked for: null asks for it as it is.
 *
 * @see [OpenID Connect Core §5.5.1](https://openid.net/specs/openid-connect-core-1_0.html#IndividualClaimsRequests)
 * @category models
 * @since 0.1.0
 */
export const ClaimRequest = Schema.NullOr(
  Schema.Struct({
    essential: Schema.optionalKey(Schema.Boolean),
    value: Schema.optionalKey(Schema.Json),
    values: Schema.optionalKey(Schema.Array(Schema.Json)),
  }),
)
/**
 * @category models
 * @since 0.1.0
 */
export type ClaimRequest = typeof ClaimRequest.Type

/**
 * The `claims` parameter.
 *
 * @see [OpenID Connect Core §5.5](https://openid.net/specs/openid-connect-core-1_0.html#ClaimsParameter)
 * @category models
 * @since 0.1.0
 */
export const ClaimsRequest = Schema.Struct({
  userinfo: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, ClaimRequest))),
  id_token: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, ClaimRequest))),
})
/**
 * @category models
 * @since 0.1.0
 */
export interface ClaimsRequest extends Schema.Schema.Type<typeof ClaimsRequest> {}

/**
 * An authorization request of which everything was checked.
 *
 * **Details**
 *
 * `redirectUri` is where the answer goes; `isRedirectUriGiven` tells whether the client sent it, and so must send it to
 * the token endpoint. `scopes` are those asked for, or the default. `resources`: RFC 8707, each known. `maxAge` in
 * seconds. `subject` is who must be signed in, by `id_token_hint` or a `sub` in `claims`, as the client knows them.
 *
 * @see [RFC 6749 §4.1.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-4.1.1)
 * @category models
 * @since 0.1.0
 */
export const AuthorizationRequest = Schema.Struct({
  clientId: ClientId,
  redirectUri: Schema.String,
  isRedirectUriGiven: Schema.Boolean,
  responseMode: ResponseMode,
  state: Schema.NullOr(Schema.String),
  scopes: Schema.Array(Schema.String),
  resources: Schema.Array(Schema.String),
  codeChallenge: Schema.NullOr(Schema.String),
  nonce: Schema.NullOr(Schema.String),
  prompts: Schema.Array(Prompt),
  maxAge: Schema.NullOr(Schema.Int),
  acrValues: Schema.Array(Schema.String),
  isAcrEssential: Schema.Boolean,
  claims: Schema.NullOr(ClaimsRequest),
  subject: Schema.NullOr(Schema.String),
  loginHint: Schema.NullOr(Schema.String),
  uiLocales: Schema.Array(Schema.String),
  display: Schema.NullOr(Schema.Literals(["page", "popup", "touch", "wap"])),
}).annotate({ identifier: "AuthorizationRequest" })
/**
 * @category models
 * @since 0.1.0
 */
export interface AuthorizationRequest extends Schema.Schema.Type<typeof AuthorizationRequest> {}

/**
 * The id of a request that waits. It is no credential: the browser's cookie is.
 *
 * @category models
 * @since 0.1.0
 */
export const WaitingRequestId = Schema.String.check(isUuid).pipe(Schema.brand("WaitingRequestId"))
/**
 * @category models
 * @since 0.1.0
 */
export type WaitingRequestId = typeof WaitingRequestId.Type

/**
 * What a person did for a request that waits, beside signing in and consenting.
 *
 * @category models
 * @since 0.1.0
 */
export type RequestStep = "select_account" | "post_login"

/**
 * A request that waits for a person, in the browser of `browserHash` and in no other.
 *
 * **Details**
 *
 * `steps` were done in the session `sessionId`, and count in it alone. `createdAt` is also the time after which a
 * person must have proved who they are, for `prompt=login`, and after which a session must have begun, for
 * `prompt=create`.
 *
 * @category models
 * @since 0.1.0
 */
export interface WaitingRequest {
  readonly id: WaitingRequestId
  readonly browserHash: KeyedHash
  readonly request: AuthorizationRequest
  readonly sessionId: SessionId | null
  readonly steps: ReadonlyArray<RequestStep>
  readonly createdAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc
}

/**
 * What a person has to do next for a request that waits.
 *
 * **Details**
 *
 * `login`: sign in. `reauthenticate`: prove again who they are, as `prompt=login` or `max_age` asks. `step_up`: prove
 * more, as `acr_values` asks. `create`: sign up. `post_login`: a step of the host.
 *
 * @category models
 * @since 0.1.0
 */
export const Intent = Schema.Literals([
  "login",
  "create",
  "reauthenticate",
  "step_up",
  "select_account",
  "post_login",
  "consent",
])
/**
 * @category models
 * @since 0.1.0
 */
export type Intent = typeof Intent.Type
