/**
 * HTTP contract of what this server tells of itself: metadata and keys.
 *
 * @since 0.1.0
 */
import { asProblem, ServiceUnavailable } from "@belfry/core/ProblemApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { PublicJwk } from "./SigningKey.ts"

/**
 * The metadata of an authorization server and OpenID provider: the members that every answer has, and further ones.
 *
 * @see [RFC 8414 §2](https://www.rfc-editor.org/rfc/rfc8414.html#section-2)
 * @see [OpenID Connect Discovery §3](https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata)
 * @category models
 * @since 0.1.0
 */
export const ServerMetadata = Schema.StructWithRest(
  Schema.Struct({ issuer: Schema.String, token_endpoint: Schema.String }),
  [Schema.Record(Schema.String, Schema.Json)],
).annotate({ identifier: "ServerMetadata" })

/**
 * The keys that verify what this server signed.
 *
 * @see [RFC 7517 §5](https://www.rfc-editor.org/rfc/rfc7517.html#section-5)
 * @category models
 * @since 0.1.0
 */
export const JwkSet = Schema.Struct({ keys: Schema.Array(PublicJwk) }).annotate({ identifier: "JwkSet" })

/**
 * There is no JWK Set, because this server makes no JWTs.
 *
 * @category errors
 * @since 0.1.0
 */
export class JwkSetAbsent extends Schema.TaggedError<JwkSetAbsent>("@belfry/oauth-server/JwkSetAbsent")(
  "JwkSetAbsent",
  {},
) {
  override get message(): string {
    return "This server makes no JWTs"
  }
}

/**
 * Metadata and keys, appended to the issuer.
 *
 * @category api
 * @since 0.1.0
 */
export class DiscoveryApi extends HttpApiGroup.make("discovery")
  .add(
    HttpApiEndpoint.get("openIdConfiguration", "/.well-known/openid-configuration", {
      success: ServerMetadata,
    }).annotate(OpenApi.Summary, "The metadata of this OpenID provider"),
    HttpApiEndpoint.get("authorizationServer", "/.well-known/oauth-authorization-server", {
      success: ServerMetadata,
    }).annotate(OpenApi.Summary, "The metadata of this authorization server"),
    HttpApiEndpoint.get("jwks", "/jwks", {
      success: JwkSet.pipe(HttpApiSchema.asJson({ contentType: "application/jwk-set+json" })),
      error: [
        JwkSetAbsent.pipe(asProblem({ status: 404, title: "Not Found" })),
        ServiceUnavailable.pipe(asProblem({ status: 503, title: "Service Unavailable" })),
      ],
    }).annotate(OpenApi.Summary, "The keys that verify what this server signed"),
  )
  .annotate(OpenApi.Title, "Discovery") {}

/**
 * Metadata where RFC 8414 puts it: inserted before the path of the issuer. Its paths are of the origin.
 *
 * @see [RFC 8414 §3.1](https://www.rfc-editor.org/rfc/rfc8414.html#section-3.1)
 * @category api
 * @since 0.1.0
 */
export class DiscoveryRootApi extends HttpApiGroup.make("discoveryRoot")
  .add(
    HttpApiEndpoint.get("authorizationServer", "/.well-known/oauth-authorization-server/auth", {
      success: ServerMetadata,
    }).annotate(OpenApi.Summary, "The metadata of this authorization server"),
    HttpApiEndpoint.get("openIdConfiguration", "/.well-known/openid-configuration/auth", {
      success: ServerMetadata,
    }).annotate(OpenApi.Summary, "The metadata of this OpenID provider"),
  )
  .annotate(OpenApi.Title, "Discovery at the origin") {}
