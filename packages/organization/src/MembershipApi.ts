/**
 * HTTP contract of access: the middleware by which a host's own endpoints act for an organization.
 *
 * @since 0.1.0
 */
import { asProblem } from "@belfry/core/ProblemApi"
import type { CurrentSession, CurrentUser } from "@belfry/core/SessionsApi"
import * as Context from "effect/Context"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as Schema from "effect/Schema"
import type { Membership } from "./Membership.ts"
import { OrganizationNotFound } from "./Organization.ts"
import { type Permission, PermissionMissing } from "./Permission.ts"

/**
 * Who the caller is in the organization that the request acts for.
 *
 * @category services
 * @since 0.1.0
 */
export class CurrentMembership extends Context.Service<CurrentMembership, Membership>()(
  "@belfry/organization/CurrentMembership",
) {}

/**
 * The header by which a request names the organization it acts for: an id or a slug.
 *
 * @category models
 * @since 0.1.0
 */
export const organizationHeader = "belfry-organization"

/**
 * The path parameter by which a route names the organization; it wins over the header.
 *
 * @category models
 * @since 0.1.0
 */
export const organizationParameter = "organization"

/**
 * The permissions that {@link MembershipCheck} asks for: an annotation of an endpoint or group.
 *
 * @category annotations
 * @since 0.1.0
 */
export const RequiredPermissions = Context.Reference<ReadonlyArray<Permission>>(
  "@belfry/organization/RequiredPermissions",
  { defaultValue: () => [] },
)

/**
 * The request names no organization, and the caller is in several, or in none.
 *
 * @category errors
 * @since 0.1.0
 */
export class OrganizationRequired extends Schema.TaggedError<OrganizationRequired>(
  "@belfry/organization/OrganizationRequired",
)("OrganizationRequired", {}) {
  override get message(): string {
    return `Name an organization in the header ${organizationHeader}`
  }
}

/**
 * An organization that is not there, or not the caller's to see, on the wire.
 *
 * @category errors
 * @since 0.1.0
 */
export const organizationNotFound = OrganizationNotFound.pipe(asProblem({ status: 404, title: "Not Found" }))

/**
 * A missing permission, on the wire.
 *
 * @category errors
 * @since 0.1.0
 */
export const permissionMissing = PermissionMissing.pipe(asProblem({ status: 403, title: "Forbidden" }))

/**
 * What every endpoint of an organization may answer.
 *
 * @category errors
 * @since 0.1.0
 */
export const denied = [organizationNotFound, permissionMissing] as const

/**
 * Finds the organization that the request acts for and provides {@link CurrentMembership}, for members who hold every
 * permission of the endpoint's and group's {@link RequiredPermissions}.
 *
 * **Details**
 *
 * The path parameter `organization`, else the header, else the session's default, else the one chosen last, else the
 * only one. One statement beside the session's.
 *
 * **Example** (An endpoint of a host)
 *
 * ```ts
 * HttpApiEndpoint.post("create", "/projects", { payload: NewProject, success: Project })
 *   .annotate(RequiredPermissions, [access.permission("project:create")])
 *   .middleware(MembershipCheck)
 *   .middleware(Authentication)
 * ```
 *
 * @category middleware
 * @since 0.1.0
 */
export class MembershipCheck extends HttpApiMiddleware.Service<
  MembershipCheck,
  { provides: CurrentMembership; requires: CurrentSession | CurrentUser }
>()("@belfry/organization/MembershipCheck", {
  error: [
    organizationNotFound,
    permissionMissing,
    OrganizationRequired.pipe(asProblem({ status: 409, title: "Conflict" })),
  ],
}) {}
