/**
 * HTTP contract of teams.
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
import { MemberId } from "./Member.ts"
import { denied, organizationNotFound } from "./MembershipApi.ts"
import { memberParams, teamNotFound } from "./MembersApi.ts"
import { accessCheck, organizationParams, problems } from "./OrganizationsApi.ts"
import { pageQuery } from "./Page.ts"
import { LastTeam, Team, TeamMember, TeamName, TeamOfMember, TeamRoleName } from "./Team.ts"

const params = { ...organizationParams, teamId: Schema.String }
const ofMember = { ...params, memberId: Schema.String }
const cursor = Schema.NullOr(Schema.String)
const named = Schema.Struct({ name: TeamName })

/**
 * The endpoints of teams.
 *
 * @category api
 * @since 0.1.0
 */
export class TeamsApi extends HttpApiGroup.make("teams")
  .add(
    HttpApiEndpoint.get("list", "/organizations/:organization/teams", {
      params: organizationParams,
      query: pageQuery,
      success: Schema.Struct({ teams: Schema.Array(Team), cursor }),
      error: denied,
    }).annotate(OpenApi.Summary, "The teams, oldest first; search is how the name begins"),
    HttpApiEndpoint.post("create", "/organizations/:organization/teams", {
      params: organizationParams,
      payload: named,
      success: Team.pipe(HttpApiSchema.status(201)),
      error: [...denied, problems.limitReached],
    }).annotate(OpenApi.Summary, "Makes a team"),
    HttpApiEndpoint.get("get", "/organizations/:organization/teams/:teamId", {
      params,
      success: Team,
      error: [...denied, teamNotFound],
    }).annotate(OpenApi.Summary, "A team"),
    HttpApiEndpoint.patch("update", "/organizations/:organization/teams/:teamId", {
      params,
      payload: named,
      success: Team,
      error: [...denied, teamNotFound],
    }).annotate(OpenApi.Summary, "Renames a team"),
    HttpApiEndpoint.delete("remove", "/organizations/:organization/teams/:teamId", {
      params,
      success: HttpApiSchema.NoContent,
      error: [
        ...denied,
        teamNotFound,
        problems.deletionRefused,
        LastTeam.pipe(asProblem({ status: 409, title: "Conflict" })),
      ],
    }).annotate(OpenApi.Summary, "Deletes a team; open invitations lose it"),
    HttpApiEndpoint.post("check", "/organizations/:organization/teams/:teamId/access/check", {
      params,
      ...accessCheck,
      error: [organizationNotFound, teamNotFound],
    }).annotate(OpenApi.Summary, "Whether the caller has all of these permissions within a team"),
    HttpApiEndpoint.get("members", "/organizations/:organization/teams/:teamId/members", {
      params,
      query: pageQuery,
      success: Schema.Struct({ members: Schema.Array(TeamMember), cursor }),
      error: [...denied, teamNotFound],
    }).annotate(OpenApi.Summary, "The members of a team"),
    HttpApiEndpoint.post("addMember", "/organizations/:organization/teams/:teamId/members", {
      params,
      payload: Schema.Struct({ memberId: MemberId, role: Schema.optionalKey(TeamRoleName) }),
      success: TeamMember,
      error: [...denied, teamNotFound, problems.memberNotFound, problems.limitReached],
    }).annotate(OpenApi.Summary, "Adds a member of the organization; one that is in the team stays as it is"),
    HttpApiEndpoint.patch("setRoles", "/organizations/:organization/teams/:teamId/members", {
      params,
      payload: Schema.Struct({
        roles: Schema.NonEmptyArray(Schema.Struct({ memberId: MemberId, role: TeamRoleName })).check(
          Schema.isMaxLength(100),
        ),
      }),
      success: HttpApiSchema.NoContent,
      error: [...denied, teamNotFound, problems.memberNotFound],
    }).annotate(OpenApi.Summary, "Sets roles in a team, all or none"),
    HttpApiEndpoint.delete("removeMember", "/organizations/:organization/teams/:teamId/members/:memberId", {
      params: ofMember,
      success: HttpApiSchema.NoContent,
      error: [...denied, teamNotFound],
    }).annotate(OpenApi.Summary, "Takes a member out of a team, or leaves it"),
    HttpApiEndpoint.get("ofMember", "/organizations/:organization/members/:member/teams", {
      params: memberParams,
      query: pageQuery,
      success: Schema.Struct({ teams: Schema.Array(TeamOfMember), cursor }),
      error: [...denied, problems.memberNotFound],
    }).annotate(OpenApi.Summary, "The teams of a member; one's own as me"),
  )
  .middleware(Authentication)
  .annotateMerge(OpenApi.annotations({ title: "Teams", description: "Some members of an organization" })) {}
