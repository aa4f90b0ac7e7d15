/**
 * HTTP contract of dynamic client registration, in the words of RFC 7591.
 *
 * @since 0.1.0
 */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { byRegistrant } from "./ProtocolSecurityApi.ts"

const Texts = Schema.Array(Schema.String)

/**
 * The metadata of a client. Members that are not known are ignored.
 *
 * @see [RFC 7591 §2](https://www.rfc-editor.org/rfc/rfc7591.html#section-2)
 * @category models
 * @since 0.1.0
 */
export const RegistrationRequest = Schema.Struct({
  redirect_uris: Schema.optionalKey(Texts),
  post_logout_redirect_uris: Schema.optionalKey(Texts),
  application_type: Schema.optionalKey(Schema.String),
  token_endpoint_auth_method: Schema.optionalKey(Schema.String),
  grant_types: Schema.optionalKey(Texts),
  response_types: Schema.optionalKey(Texts),
  scope: Schema.optionalKey(Schema.String),
  client_name: Schema.optionalKey(Schema.String),
  client_uri: Schema.optionalKey(Schema.String),
  logo_uri: Schema.optionalKey(Schema.String),
  tos_uri: Schema.optionalKey(Schema.String),
  policy_uri: Schema.optionalKey(Schema.String),
  contacts: Schema.optionalKey(Texts),
  jwks: Schema.optionalKey(Schema.Struct({ keys: Schema.Array(Schema.Record(Schema.String, Schema.Json)) })),
  jwks_uri: Schema.optionalKey(Schema.String),
  software_id: Schema.optionalKey(Schema.String),
  software_version: Schema.optionalKey(Schema.String),
  software_statement: Schema.optionalKey(Schema.String),
  subject_type: Schema.optionalKey(Schema.String),
  sector_identifier_uri: Schema.optionalKey(Schema.String),
  id_token_signed_response_alg: Schema.optionalKey(Schema.String),
  access_token_signing_alg: Schema.optionalKey(Schema.String),
  default_max_age: Schema.optionalKey(Schema.Int),
  default_acr_values: Schema.optionalKey(Texts),
  require_auth_time: Schema.optionalKey(Schema.Boolean),
}).annotate({ identifier: "RegistrationRequest" })
/**
 * @category models
 * @since 0.1.0
 */
export interface RegistrationRequest extends Schema.Schema.Type<typeof RegistrationRequest> {}

/**
 * A client as it is registered: its metadata as the server keeps it, its id, and its secret, which is shown this once.
 * Instants are seconds since the epoch; `client_secret_expires_at` is 0 when it never ends.
 *
 * @see [RFC 7591 §3.2.1](https://www.rfc-editor.org/rfc/rfc7591.html#section-3.2.1)
 * @category models
 * @since 0.1.0
 */
export const RegisteredClient = Schema.Struct({
  ...RegistrationRequest.fields,
  client_id: Schema.String,
  client_id_issued_at: Schema.Int,
  client_secret: Schema.optionalKey(Schema.RedactedFromValue(Schema.String)),
  client_secret_expires_at: Schema.optionalKey(Schema.Int),
}).annotate({ identifier: "RegisteredClient" })
/**
 * @category models
 * @since 0.1.0
 */
export interface RegisteredClient extends Schema.Schema.Type<typeof RegisteredClient> {}

const RegistrationError = Schema.Struct({ error: Schema.String, error_description: Schema.optionalKey(Schema.String) })

/**
 * Dynamic client registration.
 *
 * @see [RFC 7591 §3](https://www.rfc-editor.org/rfc/rfc7591.html#section-3)
 * @category api
 * @since 0.1.0
 */
export class RegistrationApi extends HttpApiGroup.make("oauthRegistration")
  .add(
    HttpApiEndpoint.post("register", "/oauth2/register", {
      payload: RegistrationRequest,
      success: RegisteredClient.pipe(HttpApiSchema.status(201)),
      error: [
        RegistrationError.pipe(HttpApiSchema.status(400)),
        RegistrationError.pipe(HttpApiSchema.status(401)),
        RegistrationError.pipe(HttpApiSchema.status(403)),
        RegistrationError.pipe(HttpApiSchema.status(429)),
        RegistrationError.pipe(HttpApiSchema.status(503)),
      ],
    })
      .annotate(OpenApi.Summary, "Registers a client; by an initial access token, unless registration is open")
      .annotateMerge(byRegistrant),
  )
  .annotateMerge(
    OpenApi.annotations({ title: "Client registration", description: "Clients that register themselves (RFC 7591)" }),
  ) {}
