/**
 * HTTP contract of members.
 *
 * @since 0.1.0
 */
import { asProblem } from "@belfry/core/ProblemApi"
import { Authentication } from "@belfry/core/SessionsApi"
import { UserId } from "@belfry/core/User"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { MemberAdditionDisabled, MemberWithUser } from "./Member.ts"
import { denied } from "./MembershipApi.ts"
import { organizationParams, problems } from "./OrganizationsApi.ts"
import { pageQuery } from "./Page.ts"
import { RoleName, RoleNames } from "./Role.ts"
import { TeamAssignment, TeamNotFound } from "./Team.ts"

/**
 * A team that is not there, on the wire.
 *
 * @category errors
 * @since 0.1.0
 */
export const teamNotFound = TeamNotFound.pipe(asProblem({ status: 404, title: "Not Found" }))

/**
 * The path parameters of a member: an id, an address, or `me`.
 *
 * @category models
 * @since 0.1.0
 */
export const memberParams = { ...organizationParams, member: Schema.String }

/**
 * Teams that somebody joins at once: at most 20.
 *
 * @category models
 * @since 0.1.0
 */
export const teamAssignments = Schema.optionalKey(Schema.Array(TeamAssignment).check(Schema.isMaxLength(20)))

/**
 * The endpoints of members.
 *
 * @category api
 * @since 0.1.0
 */
export class MembersApi extends HttpApiGroup.make("members")
  .add(
    HttpApiEndpoint.get("list", "/organizations/:organization/members", {
      params: organizationParams,
      query: { ...pageQuery, role: Schema.optionalKey(RoleName) },
      success: Schema.Struct({ members: Schema.Array(MemberWithUser), cursor: Schema.NullOr(Schema.String) }),
      error: denied,
    }).annotate(OpenApi.Summary, "The members, oldest first; search is how address or name begins"),
    HttpApiEndpoint.post("add", "/organizations/:organization/members", {
      params: organizationParams,
      payload: Schema.Struct({ userId: UserId, roles: RoleNames, teams: teamAssignments }),
      success: MemberWithUser,
      error: [
        ...denied,
        MemberAdditionDisabled.pipe(asProblem({ status: 403, title: "Forbidden" })),
        problems.memberNotFound,
        problems.roleNotFound,
        teamNotFound,
        problems.limitReached,
      ],
    }).annotate(OpenApi.Summary, "Makes a user a member at once, where the host lets it; a member stays as it is"),
    HttpApiEndpoint.get("get", "/organizations/:organization/members/:member", {
      params: memberParams,
      success: MemberWithUser,
      error: [...denied, problems.memberNotFound],
    }).annotate(OpenApi.Summary, "A member: by id, by address, or the caller as me"),
    HttpApiEndpoint.patch("setRoles", "/organizations/:organization/members/:member", {
      params: memberParams,
      payload: Schema.Struct({ roles: RoleNames }),
      success: MemberWithUser,
      error: [...denied, problems.memberNotFound, problems.roleNotFound, problems.lastOwner],
    }).annotate(OpenApi.Summary, "Replaces the roles of a member"),
    HttpApiEndpoint.delete("remove", "/organizations/:organization/members/:member", {
      params: memberParams,
      success: HttpApiSchema.NoContent,
      error: [...denied, problems.memberNotFound, problems.lastOwner],
    }).annotate(OpenApi.Summary, "Ends a membership, in all sessions and teams at once"),
  )
  .middleware(Authentication)
  .annotateMerge(
    OpenApi.annotations({ title: "Members", description: "Who is in an organization, with which roles" }),
  ) {}
