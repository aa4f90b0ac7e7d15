/**
 * HTTP contract of roles.
 *
 * @since 0.1.0
 */
import { asProblem } from "@belfry/core/ProblemApi"
import { Authentication } from "@belfry/core/SessionsApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { denied } from "./MembershipApi.ts"
import { organizationParams, problems } from "./OrganizationsApi.ts"
import { pageQuery } from "./Page.ts"
import { Permission } from "./Permission.ts"
import { Role, RoleDescription, RoleName, RoleRefused } from "./Role.ts"

const refused = RoleRefused.pipe(asProblem({ status: 409, title: "Conflict" }))
const params = { ...organizationParams, role: Schema.String }
const permissions = Schema.Array(Permission).check(Schema.isMaxLength(500), Schema.isUnique())
const description = Schema.optionalKey(Schema.NullOr(RoleDescription))

/**
 * The endpoints of roles.
 *
 * @category api
 * @since 0.1.0
 */
export class RolesApi extends HttpApiGroup.make("organizationRoles")
  .add(
    HttpApiEndpoint.get("list", "/organizations/:organization/roles", {
      params: organizationParams,
      query: pageQuery,
      success: Schema.Struct({ roles: Schema.Array(Role), cursor: Schema.NullOr(Schema.String) }),
      error: denied,
    }).annotate(OpenApi.Summary, "The roles: those of the host, then those of the organization by name"),
    HttpApiEndpoint.post("create", "/organizations/:organization/roles", {
      params: organizationParams,
      payload: Schema.Struct({ name: RoleName, description, permissions }),
      success: Role.pipe(HttpApiSchema.status(201)),
      error: [...denied, refused, problems.limitReached],
    }).annotate(OpenApi.Summary, "Makes a role of permissions that the caller has"),
    HttpApiEndpoint.get("get", "/organizations/:organization/roles/:role", {
      params,
      success: Role,
      error: [...denied, problems.roleNotFound],
    }).annotate(OpenApi.Summary, "A role"),
    HttpApiEndpoint.patch("update", "/organizations/:organization/roles/:role", {
      params,
      payload: Schema.Struct({
        name: Schema.optionalKey(RoleName),
        description,
        permissions: Schema.optionalKey(permissions),
      }),
      success: Role,
      error: [...denied, problems.roleNotFound, refused],
    }).annotate(OpenApi.Summary, "Changes a role that the organization made"),
    HttpApiEndpoint.delete("remove", "/organizations/:organization/roles/:role", {
      params,
      query: { replacement: Schema.optionalKey(RoleName) },
      success: HttpApiSchema.NoContent,
      error: [...denied, problems.roleNotFound, refused],
    }).annotate(OpenApi.Summary, "Deletes a role that nobody has, or whose holders get the replacement"),
  )
  .middleware(Authentication)
  .annotateMerge(OpenApi.annotations({ title: "Roles", description: "What members may do" })) {}
