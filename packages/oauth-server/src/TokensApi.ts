/**
 * HTTP contract of what clients call about tokens: token, introspection, revocation and UserInfo endpoint.
 *
 * Browser-safe: models and schemas only. The answers to what is malformed are those of the RFCs, so the handlers read
 * the requests themselves.
 *
 * @since 0.1.0
 */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { OAuthErrorCode } from "./OAuthError.ts"
import { byAccessToken, byAccessTokenOrForm, byClient, byConfidentialClient } from "./ProtocolSecurityApi.ts"

const Secret = Schema.RedactedFromValue(Schema.String)

/** How clients that use the form prove themselves; others use the `Authorization` header. */
const clientFields = {
  client_id: Schema.optionalKey(Schema.String),
  client_secret: Schema.optionalKey(Secret),
  client_assertion: Schema.optionalKey(Secret),
  client_assertion_type: Schema.optionalKey(Schema.String),
}

/**
 * The form of a token request. Which fields there must be is up to the grant type.
 *
 * @see [RFC 6749 §4.1.3](https://www.rfc-editor.org/rfc/rfc6749.html#section-4.1.3)
 * @category models
 * @since 0.1.0
 */
export const TokenForm = Schema.Struct({
  ...clientFields,
  grant_type: Schema.String,
  code: Schema.optionalKey(Secret),
  redirect_uri: Schema.optionalKey(Schema.String),
  code_verifier: Schema.optionalKey(Secret),
  refresh_token: Schema.optionalKey(Secret),
  scope: Schema.optionalKey(Schema.String),
  resource: Schema.optionalKey(Schema.Union([Schema.String, Schema.Array(Schema.String)])),
}).annotate({ identifier: "TokenForm" })

/**
 * The form of a request about a token.
 *
 * @see [RFC 7009 §2.1](https://www.rfc-editor.org/rfc/rfc7009.html#section-2.1)
 * @see [RFC 7662 §2.1](https://www.rfc-editor.org/rfc/rfc7662.html#section-2.1)
 * @category models
 * @since 0.1.0
 */
export const TokenQueryForm = Schema.Struct({
  ...clientFields,
  token: Secret,
  token_type_hint: Schema.optionalKey(Schema.String),
}).annotate({ identifier: "TokenQueryForm" })

/**
 * What a token request gets. `expires_in` in seconds from now, `expires_at` in seconds since the epoch.
 *
 * @see [RFC 6749 §5.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-5.1)
 * @category models
 * @since 0.1.0
 */
export const TokenAnswer = Schema.Struct({
  access_token: Secret,
  token_type: Schema.Literal("Bearer"),
  expires_in: Schema.Int,
  expires_at: Schema.Int,
  scope: Schema.optionalKey(Schema.String),
  refresh_token: Schema.optionalKey(Secret),
  id_token: Schema.optionalKey(Secret),
}).annotate({ identifier: "TokenAnswer" })

/**
 * What introspection tells of a token. One that is not in force, or none of the caller's business, is `active: false`
 * and nothing else.
 *
 * @see [RFC 7662 §2.2](https://www.rfc-editor.org/rfc/rfc7662.html#section-2.2)
 * @category models
 * @since 0.1.0
 */
export const IntrospectionAnswer = Schema.Struct({
  active: Schema.Boolean,
  scope: Schema.optionalKey(Schema.String),
  client_id: Schema.optionalKey(Schema.String),
  username: Schema.optionalKey(Schema.String),
  token_type: Schema.optionalKey(Schema.String),
  exp: Schema.optionalKey(Schema.Int),
  iat: Schema.optionalKey(Schema.Int),
  sub: Schema.optionalKey(Schema.String),
  aud: Schema.optionalKey(Schema.Union([Schema.String, Schema.Array(Schema.String)])),
  iss: Schema.optionalKey(Schema.String),
  jti: Schema.optionalKey(Schema.String),
  sid: Schema.optionalKey(Schema.String),
  acr: Schema.optionalKey(Schema.String),
  amr: Schema.optionalKey(Schema.Array(Schema.String)),
  auth_time: Schema.optionalKey(Schema.Int),
}).annotate({ identifier: "IntrospectionAnswer" })

/**
 * Claims about the user of an access token.
 *
 * @see [OpenID Connect Core §5.3.2](https://openid.net/specs/openid-connect-core-1_0.html#UserInfoResponse)
 * @category models
 * @since 0.1.0
 */
export const UserInfoAnswer = Schema.StructWithRest(Schema.Struct({ sub: Schema.String }), [
  Schema.Record(Schema.String, Schema.Json),
]).annotate({ identifier: "UserInfoAnswer" })

/**
 * A refusal in the words of RFC 6749.
 *
 * @see [RFC 6749 §5.2](https://www.rfc-editor.org/rfc/rfc6749.html#section-5.2)
 * @category models
 * @since 0.1.0
 */
export const OAuthErrorAnswer = Schema.Struct({
  error: OAuthErrorCode,
  error_description: Schema.optionalKey(Schema.String),
}).annotate({ identifier: "OAuthErrorAnswer" })

const refusals = [
  OAuthErrorAnswer.pipe(HttpApiSchema.status(400)),
  OAuthErrorAnswer.pipe(HttpApiSchema.status(401)),
  OAuthErrorAnswer.pipe(HttpApiSchema.status(429)),
  OAuthErrorAnswer.pipe(HttpApiSchema.status(503)),
] as const

const userInfoRefusals = [...refusals, OAuthErrorAnswer.pipe(HttpApiSchema.status(403))] as const

/**
 * What clients call about tokens.
 *
 * @category api
 * @since 0.1.0
 */
export class TokensApi extends HttpApiGroup.make("oauthTokens")
  .add(
    HttpApiEndpoint.post("token", "/oauth2/token", {
      payload: TokenForm.pipe(HttpApiSchema.asFormUrlEncoded()),
      success: TokenAnswer,
      error: refusals,
    })
      .annotate(OpenApi.Summary, "Tokens for a code, a refresh token or a client")
      .annotateMerge(byClient),
    HttpApiEndpoint.post("introspect", "/oauth2/introspect", {
      payload: TokenQueryForm.pipe(HttpApiSchema.asFormUrlEncoded()),
      success: IntrospectionAnswer,
      error: refusals,
    })
      .annotate(OpenApi.Summary, "What a token is worth, for its client and for the resource it is meant for")
      .annotateMerge(byConfidentialClient),
    HttpApiEndpoint.post("revoke", "/oauth2/revoke", {
      payload: TokenQueryForm.pipe(HttpApiSchema.asFormUrlEncoded()),
      success: HttpApiSchema.Empty(200),
      error: refusals,
    })
      .annotate(OpenApi.Summary, "Revokes a token of the client; a refresh token with its whole grant")
      .annotateMerge(byClient),
    HttpApiEndpoint.get("userInfo", "/oauth2/userinfo", {
      success: UserInfoAnswer,
      error: userInfoRefusals,
    })
      .annotate(OpenApi.Summary, "Claims about the user of the access token in the Authorization header")
      .annotateMerge(byAccessToken),
    HttpApiEndpoint.post("userInfoByPost", "/oauth2/userinfo", {
      success: UserInfoAnswer,
      error: userInfoRefusals,
    })
      .annotate(OpenApi.Summary, "The same; the access token may stand in a form instead, as access_token")
      .annotateMerge(byAccessTokenOrForm),
  )
  .annotateMerge(
    OpenApi.annotations({ title: "Tokens", description: "What clients call about tokens, in the words of the RFCs" }),
  ) {}
