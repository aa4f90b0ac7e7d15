/**
 * HTTP contract of a resource server: endpoints that ask for an access token.
 *
 * @since 0.1.0
 */
import { asProblem, ServiceUnavailable } from "@belfry/core/ProblemApi"
import * as Context from "effect/Context"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as Schema from "effect/Schema"
import type { VerifiedAccessToken } from "./VerifiedAccessToken.ts"

/**
 * The access token that the request was authorized by.
 *
 * @category services
 * @since 0.1.0
 */
export class CurrentAccessToken extends Context.Service<CurrentAccessToken, VerifiedAccessToken>()(
  "@belfry/oauth-server/CurrentAccessToken",
) {}

/**
 * The scopes that {@link ResourceAuthorization} asks for: an annotation of an endpoint or group.
 *
 * @category annotations
 * @since 0.1.0
 */
export const RequiredTokenScopes = Context.Reference<ReadonlyArray<string>>(
  "@belfry/oauth-server/RequiredTokenScopes",
  { defaultValue: () => [] },
)

/**
 * There is no access token, or none that is good here. Which one is told by the challenge in `WWW-Authenticate` alone.
 *
 * @see [RFC 6750 §3.1](https://www.rfc-editor.org/rfc/rfc6750.html#section-3.1)
 * @category errors
 * @since 0.1.0
 */
export class AccessTokenNeeded extends Schema.TaggedError<AccessTokenNeeded>("@belfry/oauth-server/AccessTokenNeeded")(
  "AccessTokenNeeded",
  {},
) {
  override get message(): string {
    return "An access token for this resource is needed"
  }
}

/**
 * The access token is good, and lacks scopes that the request needs; `required` are all of them.
 *
 * @see [RFC 6750 §3.1](https://www.rfc-editor.org/rfc/rfc6750.html#section-3.1)
 * @category errors
 * @since 0.1.0
 */
export class InsufficientScope extends Schema.TaggedError<InsufficientScope>("@belfry/oauth-server/InsufficientScope")(
  "InsufficientScope",
  { required: Schema.Array(Schema.String) },
) {
  override get message(): string {
    return "The access token lacks scopes that the request needs"
  }
}

/**
 * Asks for an access token in the `Authorization` header, with every scope that the endpoint's
 * {@link RequiredTokenScopes} name, and provides it.
 *
 * **Details**
 *
 * 401 without a good token, 403 when it lacks a scope, each with a challenge that tells where the metadata of the
 * resource is; 503 when nobody can tell. A token in the query or in a form counts for nothing.
 *
 * **Example** (An endpoint for those who may read reports)
 *
 * ```ts
 * HttpApiEndpoint.get("reports", "/reports", { success: Reports })
 *   .annotate(RequiredTokenScopes, ["reports:read"])
 *   .middleware(ResourceAuthorization)
 * ```
 *
 * @see [RFC 6750 §2.1](https://www.rfc-editor.org/rfc/rfc6750.html#section-2.1)
 * @see [RFC 9728 §5.1](https://www.rfc-editor.org/rfc/rfc9728.html#section-5.1)
 * @category middleware
 * @since 0.1.0
 */
export class ResourceAuthorization extends HttpApiMiddleware.Service<
  ResourceAuthorization,
  { provides: CurrentAccessToken }
>()("@belfry/oauth-server/ResourceAuthorization", {
  error: [
    AccessTokenNeeded.pipe(asProblem({ status: 401, title: "Unauthorized" })),
    InsufficientScope.pipe(asProblem({ status: 403, title: "Forbidden" })),
    ServiceUnavailable.pipe(asProblem({ status: 503, title: "Service Unavailable" })),
  ],
  security: { bearer: HttpApiSecurity.bearer },
}) {}
