/**
 * HTTP contract of organizations.
 *
 * @since 0.1.0
 */
import { AuditEvent } from "@belfry/core/AuditEvent"
import { asProblem, limited } from "@belfry/core/ProblemApi"
import { Authentication, notFresh } from "@belfry/core/SessionsApi"
import { UserId } from "@belfry/core/User"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { LastOwner, MemberId, MemberNotFound } from "./Member.ts"
import { MembershipView } from "./Membership.ts"
import { denied, organizationNotFound } from "./MembershipApi.ts"
import {
  DeletionRefused,
  LimitReached,
  MetadataInvalid,
  NewOrganization,
  Organization,
  OrganizationCounts,
  OrganizationCreationRefused,
  OrganizationPatch,
  Slug,
  SlugTaken,
} from "./Organization.ts"
import { pageQuery } from "./Page.ts"
import { Permission } from "./Permission.ts"
import { RoleNames, RoleNotFound } from "./Role.ts"

/**
 * Errors of this package that several groups answer, on the wire.
 *
 * @category errors
 * @since 0.1.0
 */
export const problems = {
  slugTaken: SlugTaken.pipe(asProblem({ status: 409, title: "Conflict" })),
  limitReached: LimitReached.pipe(asProblem({ status: 409, title: "Conflict" })),
  lastOwner: LastOwner.pipe(asProblem({ status: 409, title: "Conflict" })),
  deletionRefused: DeletionRefused.pipe(asProblem({ status: 409, title: "Conflict" })),
  metadataInvalid: MetadataInvalid.pipe(asProblem({ status: 422, title: "Unprocessable Content" })),
  creationRefused: OrganizationCreationRefused.pipe(asProblem({ status: 403, title: "Forbidden" })),
  memberNotFound: MemberNotFound.pipe(asProblem({ status: 404, title: "Not Found" })),
  roleNotFound: RoleNotFound.pipe(asProblem({ status: 404, title: "Not Found" })),
}

/**
 * The path parameter of an organization: id or slug. Whatever stands there: what names none is not found.
 *
 * @category models
 * @since 0.1.0
 */
export const organizationParams = { organization: Schema.String }

/**
 * An organization of the caller, on the wire.
 *
 * @category models
 * @since 0.1.0
 */
export const OwnOrganizationView = Schema.Struct({
  organization: Organization,
  membership: MembershipView,
  lastUsedAt: Schema.NullOr(Schema.DateTimeUtc),
}).annotate({ identifier: "OwnOrganization" })

/**
 * What is asked of a check of access, and what it answers: at most 100 permissions, and those that the caller lacks.
 *
 * @category models
 * @since 0.1.0
 */
export const accessCheck = {
  payload: Schema.Struct({ permissions: Schema.NonEmptyArray(Permission).check(Schema.isMaxLength(100)) }),
  success: Schema.Struct({ isAllowed: Schema.Boolean, missing: Schema.Array(Permission) }),
}

const cursor = Schema.NullOr(Schema.String)

/**
 * The endpoints of organizations.
 *
 * @category api
 * @since 0.1.0
 */
export class OrganizationsApi extends HttpApiGroup.make("organizations")
  .add(
    HttpApiEndpoint.post("create", "/organizations", {
      payload: NewOrganization,
      success: OwnOrganizationView.pipe(HttpApiSchema.status(201)),
      error: [problems.creationRefused, problems.slugTaken, problems.limitReached, problems.metadataInvalid, limited],
    }).annotate(OpenApi.Summary, "Makes an organization that the caller owns, and acts for it from then on"),
    HttpApiEndpoint.get("list", "/organizations", {
      query: { ...pageQuery, deleted: Schema.optionalKey(Schema.Literals(["true", "false"])) },
      success: Schema.Struct({ organizations: Schema.Array(OwnOrganizationView), cursor }),
    }).annotate(
      OpenApi.Summary,
      "The caller's organizations, newest first; with deleted=true those that can be restored",
    ),
    HttpApiEndpoint.get("slug", "/organization-slugs/:slug", {
      params: { slug: Slug },
      success: Schema.Struct({ slug: Slug, isAvailable: Schema.Boolean }),
    }).annotate(OpenApi.Summary, "Whether a slug is free"),
    HttpApiEndpoint.get("get", "/organizations/:organization", {
      params: organizationParams,
      success: Schema.Struct({ organization: Organization, membership: MembershipView, counts: OrganizationCounts }),
      error: denied,
    }).annotate(OpenApi.Summary, "An organization with its counts, and who the caller is in it"),
    HttpApiEndpoint.patch("update", "/organizations/:organization", {
      params: organizationParams,
      payload: OrganizationPatch,
      success: Organization,
      error: [...denied, problems.slugTaken, problems.metadataInvalid],
    }).annotate(OpenApi.Summary, "Changes an organization; an absent key leaves, null clears"),
    HttpApiEndpoint.delete("remove", "/organizations/:organization", {
      params: organizationParams,
      success: HttpApiSchema.NoContent,
      error: [...denied, problems.deletionRefused, notFresh],
    }).annotate(OpenApi.Summary, "Deletes an organization, in a fresh session; owners can restore it for a while"),
    HttpApiEndpoint.post("restore", "/organizations/:organization/restore", {
      params: organizationParams,
      success: Organization,
      error: [...denied, problems.deletionRefused, notFresh],
    }).annotate(OpenApi.Summary, "Restores an organization that was deleted, in a fresh session"),
    HttpApiEndpoint.post("transfer", "/organizations/:organization/transfer", {
      params: organizationParams,
      payload: Schema.Struct({ memberId: MemberId, keeps: Schema.optionalKey(RoleNames) }),
      success: HttpApiSchema.NoContent,
      error: [...denied, problems.memberNotFound, problems.roleNotFound, notFresh],
    }).annotate(OpenApi.Summary, "Makes another member the owner in the caller's place, in a fresh session"),
    HttpApiEndpoint.post("leave", "/organizations/:organization/leave", {
      params: organizationParams,
      success: HttpApiSchema.NoContent,
      error: [organizationNotFound, problems.lastOwner],
    }).annotate(OpenApi.Summary, "Ends the caller's membership"),
    HttpApiEndpoint.get("access", "/organizations/:organization/access", {
      params: organizationParams,
      success: MembershipView,
      error: organizationNotFound,
    }).annotate(OpenApi.Summary, "The caller's roles and permissions"),
    HttpApiEndpoint.post("check", "/organizations/:organization/access/check", {
      params: organizationParams,
      ...accessCheck,
      error: organizationNotFound,
    }).annotate(OpenApi.Summary, "Whether the caller has all of these permissions, and which are missing"),
    HttpApiEndpoint.get("auditEvents", "/organizations/:organization/audit-events", {
      params: organizationParams,
      query: { ...pageQuery, userId: Schema.optionalKey(UserId) },
      success: Schema.Struct({ events: Schema.Array(AuditEvent), cursor }),
      error: denied,
    }).annotate(OpenApi.Summary, "What happened in the organization, newest first; search is how the type begins"),
    HttpApiEndpoint.get("active", "/active-organization", {
      success: Schema.Struct({
        membership: Schema.NullOr(MembershipView),
        source: Schema.NullOr(Schema.Literals(["request", "session", "last-used", "only"])),
      }),
      error: organizationNotFound,
    }).annotate(OpenApi.Summary, "The organization that the request acts for"),
    HttpApiEndpoint.post("activate", "/active-organization", {
      payload: Schema.Struct({ organization: Schema.String.check(Schema.isMaxLength(64)) }),
      success: MembershipView,
      error: organizationNotFound,
    }).annotate(OpenApi.Summary, "Makes an organization the session's default"),
    HttpApiEndpoint.delete("deactivate", "/active-organization", { success: HttpApiSchema.NoContent }).annotate(
      OpenApi.Summary,
      "Leaves the session without a default",
    ),
  )
  .middleware(Authentication)
  .annotateMerge(OpenApi.annotations({ title: "Organizations", description: "What people are members of" })) {}
