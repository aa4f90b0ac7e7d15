/**
 * HTTP contract of protected resources, for administrators.
 *
 * @since 0.1.0
 */
import { asProblem } from "@belfry/core/ProblemApi"
import { FreshSession, Authentication, RequiredScopes, ScopeCheck } from "@belfry/core/SessionsApi"
import * as Effect from "effect/Effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { adminScope } from "./AdminClientsApi.ts"
import { pageQuery } from "./ClientsApi.ts"
import { ProtectedResource, ResourceConfigured, ResourceNotFound, ResourceTaken } from "./ProtectedResource.ts"

const { identifier, name, scopes, accessTokenLifetime, signingAlgorithm, introspectionClientId, isDisabled } =
  ProtectedResource.fields

/**
 * A protected resource as it is sent: what is left out is null, or not disabled.
 *
 * @category models
 * @since 0.1.0
 */
export const ProtectedResourceInput = Schema.Struct({
  identifier,
  name: name.pipe(Schema.withDecodingDefaultKey(Effect.succeed(null))),
  scopes: scopes.pipe(Schema.withDecodingDefaultKey(Effect.succeed(null))),
  accessTokenLifetime: accessTokenLifetime.pipe(Schema.withDecodingDefaultKey(Effect.succeed(null))),
  signingAlgorithm: signingAlgorithm.pipe(Schema.withDecodingDefaultKey(Effect.succeed(null))),
  introspectionClientId: introspectionClientId.pipe(Schema.withDecodingDefaultKey(Effect.succeed(null))),
  isDisabled: isDisabled.pipe(Schema.withDecodingDefaultKey(Effect.succeed(false))),
}).annotate({ identifier: "ProtectedResourceInput" })

const notFound = ResourceNotFound.pipe(asProblem({ status: 404, title: "Not Found" }))
const configured = ResourceConfigured.pipe(asProblem({ status: 409, title: "Conflict" }))
// Any text: an identifier that is none has no resource.
const text = Schema.String.check(Schema.isMaxLength(4096))

/**
 * The endpoints of protected resources. An identifier is a URI, so it never stands in a path.
 *
 * @category api
 * @since 0.1.0
 */
export class ResourcesApi extends HttpApiGroup.make("oauthResources")
  .add(
    HttpApiEndpoint.get("list", "/oauth2/admin/resources", {
      query: { ...pageQuery, identifier: Schema.optionalKey(text) },
      success: Schema.Struct({ resources: Schema.Array(ProtectedResource), cursor: Schema.NullOr(Schema.String) }),
      error: notFound,
    }).annotate(OpenApi.Summary, "Protected resources by identifier; with `identifier` the one of it"),
    HttpApiEndpoint.post("create", "/oauth2/admin/resources", {
      payload: ProtectedResourceInput,
      success: ProtectedResource.pipe(HttpApiSchema.status(201)),
      error: ResourceTaken.pipe(asProblem({ status: 409, title: "Conflict" })),
    })
      .annotate(OpenApi.Summary, "Adds a protected resource")
      .middleware(FreshSession),
    HttpApiEndpoint.put("update", "/oauth2/admin/resources", {
      payload: ProtectedResourceInput,
      success: ProtectedResource,
      error: [notFound, configured],
    })
      .annotate(OpenApi.Summary, "Replaces the protected resource of the identifier")
      .middleware(FreshSession),
    HttpApiEndpoint.delete("remove", "/oauth2/admin/resources", {
      query: { identifier: text },
      success: HttpApiSchema.NoContent,
      error: [notFound, configured],
    })
      .annotate(OpenApi.Summary, "Removes a protected resource")
      .middleware(FreshSession),
  )
  .annotate(RequiredScopes, [adminScope])
  .middleware(ScopeCheck)
  .middleware(Authentication)
  .annotateMerge(OpenApi.annotations({ title: "Protected resources", description: "For administrators" })) {}
