/**
 * HTTP contract of invitations: for those who invite, and for those who are invited.
 *
 * @since 0.1.0
 */
import { asProblem, limited } from "@belfry/core/ProblemApi"
import { Authentication } from "@belfry/core/SessionsApi"
import { Email } from "@belfry/core/User"
import { TokenText } from "@belfry/core/UsersApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import {
  Invitation,
  InvitationClosed,
  InvitationConflict,
  InvitationForAnother,
  InvitationNotFound,
  InvitationPreview,
  InvitationStatus,
} from "./Invitation.ts"
import { MembershipView } from "./Membership.ts"
import { denied } from "./MembershipApi.ts"
import { teamAssignments, teamNotFound } from "./MembersApi.ts"
import { organizationParams, problems } from "./OrganizationsApi.ts"
import { pageQuery } from "./Page.ts"
import { RoleNames } from "./Role.ts"

const notFound = InvitationNotFound.pipe(asProblem({ status: 404, title: "Not Found" }))
const closed = InvitationClosed.pipe(asProblem({ status: 409, title: "Conflict" }))
const conflict = InvitationConflict.pipe(asProblem({ status: 409, title: "Conflict" }))
const forAnother = InvitationForAnother.pipe(asProblem({ status: 403, title: "Forbidden" }))
const params = { ...organizationParams, invitationId: Schema.String }
const own = { invitationId: Schema.String }
const byToken = Schema.Struct({ token: TokenText })

/**
 * The endpoints of those who invite.
 *
 * @category api
 * @since 0.1.0
 */
export class InvitationsApi extends HttpApiGroup.make("invitations")
  .add(
    HttpApiEndpoint.post("create", "/organizations/:organization/invitations", {
      params: organizationParams,
      payload: Schema.Struct({
        email: Email,
        roles: RoleNames,
        teams: teamAssignments,
        /** Seconds. */
        lifetime: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 60, maximum: 31_536_000 }))),
        resend: Schema.optionalKey(Schema.Boolean),
      }),
      success: Invitation.pipe(HttpApiSchema.status(201)),
      error: [...denied, conflict, problems.roleNotFound, teamNotFound, problems.limitReached, limited],
    }).annotate(OpenApi.Summary, "Invites an address by mail"),
    HttpApiEndpoint.get("list", "/organizations/:organization/invitations", {
      params: organizationParams,
      query: { ...pageQuery, status: Schema.optionalKey(InvitationStatus) },
      success: Schema.Struct({ invitations: Schema.Array(Invitation), cursor: Schema.NullOr(Schema.String) }),
      error: denied,
    }).annotate(OpenApi.Summary, "The invitations, newest first; search is how the address begins"),
    HttpApiEndpoint.get("get", "/organizations/:organization/invitations/:invitationId", {
      params,
      success: Invitation,
      error: [...denied, notFound],
    }).annotate(OpenApi.Summary, "An invitation"),
    HttpApiEndpoint.post("resend", "/organizations/:organization/invitations/:invitationId/resend", {
      params,
      success: Invitation,
      error: [...denied, notFound, closed, conflict, limited],
    }).annotate(OpenApi.Summary, "Mails a new token; the old one is dead"),
    HttpApiEndpoint.delete("revoke", "/organizations/:organization/invitations/:invitationId", {
      params,
      success: HttpApiSchema.NoContent,
      error: [...denied, notFound, closed],
    }).annotate(OpenApi.Summary, "Takes an open invitation back"),
    HttpApiEndpoint.get("mine", "/invitations", {
      query: pageQuery,
      success: Schema.Struct({ invitations: Schema.Array(InvitationPreview), cursor: Schema.NullOr(Schema.String) }),
    }).annotate(OpenApi.Summary, "The open invitations to the caller's verified address"),
    HttpApiEndpoint.post("accept", "/invitations/accept", {
      payload: byToken,
      success: MembershipView,
      error: [notFound, closed, forAnother, problems.limitReached, limited],
    }).annotate(OpenApi.Summary, "Makes the caller a member by the token of the mail; twice is as once"),
    HttpApiEndpoint.post("acceptById", "/invitations/:invitationId/accept", {
      params: own,
      success: MembershipView,
      error: [notFound, closed, forAnother, problems.limitReached, limited],
    }).annotate(OpenApi.Summary, "Makes the caller a member, by the verified address"),
    HttpApiEndpoint.post("rejectById", "/invitations/:invitationId/reject", {
      params: own,
      success: HttpApiSchema.NoContent,
      error: [notFound, closed, forAnother, limited],
    }).annotate(OpenApi.Summary, "Turns an invitation down, by the verified address"),
  )
  .middleware(Authentication)
  // Whoever holds the token need not be signed in for these.
  .add(
    HttpApiEndpoint.post("preview", "/invitations/preview", {
      payload: byToken,
      success: InvitationPreview,
      error: [notFound, limited],
    }).annotate(OpenApi.Summary, "What the token of a mail is about; uses nothing up"),
    HttpApiEndpoint.post("reject", "/invitations/reject", {
      payload: byToken,
      success: HttpApiSchema.NoContent,
      error: [notFound, closed, forAnother, limited],
    }).annotate(OpenApi.Summary, "Turns an invitation down, by the token of the mail"),
  )
  .annotateMerge(OpenApi.annotations({ title: "Invitations", description: "Becoming a member" })) {}
