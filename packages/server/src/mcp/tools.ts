/**
 * The tools of this server's own MCP endpoint, as clients see them: names, parameters, answers, scopes and hints.
 *
 * Every one of them answers what the HTTP API answers to the same person, and refuses what that refuses.
 */
import { RateLimited } from "@belfry/core/RateLimit"
import { Email, User } from "@belfry/core/User"
import { CurrentAccess, CurrentMcpUser } from "@belfry/mcp/McpAccess"
import { RequiredScopes } from "@belfry/mcp/McpScopes"
import {
  Invitation,
  InvitationClosed,
  InvitationConflict,
  InvitationId,
  InvitationNotFound,
  InvitationStatus,
} from "@belfry/organization/Invitation"
import { LastOwner, MemberNotFound, MemberWithUser } from "@belfry/organization/Member"
import { MembershipView } from "@belfry/organization/Membership"
import { LimitReached, Organization, OrganizationCounts, OrganizationNotFound } from "@belfry/organization/Organization"
import { PermissionMissing } from "@belfry/organization/Permission"
import { RoleName, RoleNames, RoleNotFound } from "@belfry/organization/Role"
import * as Context from "effect/Context"
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import * as Schema from "effect/Schema"
import { accountRead, organizationsRead, organizationsWrite } from "./scopes.ts"

/** The call names no organization, and neither does the address of the endpoint. */
export class OrganizationNotNamed extends Schema.TaggedError<OrganizationNotNamed>(
  "@belfry/server/OrganizationNotNamed",
)("OrganizationNotNamed", {}) {
  override get message(): string {
    return "Say which organization: its id or its slug, as list_organizations tells them"
  }
}

/** A store cannot answer at the moment. */
export class ToolUnavailable extends Schema.TaggedError<ToolUnavailable>("@belfry/server/ToolUnavailable")(
  "ToolUnavailable",
  {},
) {
  override get message(): string {
    return "This cannot be answered at the moment: try again"
  }
}

const organization = Schema.optionalKey(
  Schema.String.check(Schema.isMaxLength(64)).annotate({
    description: "Id or slug of the organization. Not needed where the endpoint is that of one organization",
  }),
)

const member = Schema.String.check(Schema.isMaxLength(254)).annotate({
  description: "Id of the member, their e-mail address, or me",
})

const roles = RoleNames.annotate({ description: "Names of roles: owner, admin, member, or others of the organization" })

const page = {
  cursor: Schema.optionalKey(
    Schema.String.check(Schema.isMaxLength(200)).annotate({ description: "Where to go on, as the page before says" }),
  ),
  limit: Schema.optionalKey(
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 })).annotate({
      description: "How many a page has at most; 50 unless it is given",
    }),
  ),
}

const search = (what: string) =>
  Schema.optionalKey(Schema.String.check(Schema.isMaxLength(200)).annotate({ description: `How ${what} begins` }))

const cursor = Schema.NullOr(Schema.String)

const dependencies: [typeof CurrentAccess, typeof CurrentMcpUser] = [CurrentAccess, CurrentMcpUser]

const denied = [OrganizationNotNamed, OrganizationNotFound, PermissionMissing, ToolUnavailable] as const

interface Hints {
  readonly title: string
  readonly scope: string
  readonly isReadonly?: boolean
  readonly isDestructive?: boolean
  readonly isIdempotent?: boolean
  readonly reachesOut?: boolean
}

/** What a tool needs and does. Strict: an argument that nobody knows is a misspelt one, and not passed over. */
const hints = ({ title, scope, isReadonly, isDestructive, isIdempotent, reachesOut }: Hints) =>
  Context.make(Tool.Title, title).pipe(
    Context.add(RequiredScopes, [scope]),
    Context.add(Tool.Readonly, isReadonly ?? false),
    Context.add(Tool.Destructive, isDestructive ?? false),
    Context.add(Tool.Idempotent, isIdempotent ?? false),
    Context.add(Tool.OpenWorld, reachesOut ?? false),
    Context.add(Tool.Strict, true),
  )

const GetAccount = Tool.make("get_account", {
  description: "Who the person is that this client acts for: name, e-mail address, and whether it was verified",
  success: Schema.toCodecJson(Schema.Struct({ account: User })),
  dependencies,
}).annotateMerge(hints({ title: "Your account", scope: accountRead, isReadonly: true }))

const ListOrganizations = Tool.make("list_organizations", {
  description: "The organizations that the person is in, with their roles and permissions there; newest first",
  parameters: Schema.Struct({ ...page, search: search("the name or the slug") }),
  success: Schema.toCodecJson(
    Schema.Struct({
      organizations: Schema.Array(Schema.Struct({ organization: Organization, membership: MembershipView })),
      cursor,
    }),
  ),
  failure: ToolUnavailable,
  dependencies,
}).annotateMerge(hints({ title: "Your organizations", scope: organizationsRead, isReadonly: true }))

const GetOrganization = Tool.make("get_organization", {
  description: "An organization, how much there is in it, and who the person is there",
  parameters: Schema.Struct({ organization }),
  success: Schema.toCodecJson(
    Schema.Struct({ organization: Organization, membership: MembershipView, counts: OrganizationCounts }),
  ),
  failure: Schema.Union(denied),
  dependencies,
}).annotateMerge(hints({ title: "An organization", scope: organizationsRead, isReadonly: true }))

const ListMembers = Tool.make("list_members", {
  description: "The members of an organization with their roles; oldest first",
  parameters: Schema.Struct({
    organization,
    ...page,
    search: search("the address or the name"),
    role: Schema.optionalKey(RoleName.annotate({ description: "Only those with this role" })),
  }),
  success: Schema.toCodecJson(Schema.Struct({ members: Schema.Array(MemberWithUser), cursor })),
  failure: Schema.Union(denied),
  dependencies,
}).annotateMerge(hints({ title: "Members", scope: organizationsRead, isReadonly: true }))

const ListInvitations = Tool.make("list_invitations", {
  description: "The invitations of an organization; newest first",
  parameters: Schema.Struct({
    organization,
    ...page,
    search: search("the address"),
    status: Schema.optionalKey(InvitationStatus),
  }),
  success: Schema.toCodecJson(Schema.Struct({ invitations: Schema.Array(Invitation), cursor })),
  failure: Schema.Union(denied),
  dependencies,
}).annotateMerge(hints({ title: "Invitations", scope: organizationsRead, isReadonly: true }))

const InviteMember = Tool.make("invite_member", {
  description: "Invites somebody into an organization by e-mail",
  parameters: Schema.Struct({ organization, email: Email, roles }),
  success: Schema.toCodecJson(Schema.Struct({ invitation: Invitation })),
  failure: Schema.Union([...denied, InvitationConflict, RoleNotFound, LimitReached, RateLimited]),
  dependencies,
}).annotateMerge(hints({ title: "Invite a member", scope: organizationsWrite, reachesOut: true }))

const RevokeInvitation = Tool.make("revoke_invitation", {
  description: "Takes an open invitation back: its link serves no more",
  parameters: Schema.Struct({ organization, invitation: InvitationId }),
  success: Schema.Struct({ revoked: InvitationId }),
  failure: Schema.Union([...denied, InvitationNotFound, InvitationClosed]),
  dependencies,
}).annotateMerge(hints({ title: "Revoke an invitation", scope: organizationsWrite, isDestructive: true }))

const SetMemberRoles = Tool.make("set_member_roles", {
  description: "Gives a member these roles in the place of all that they have",
  parameters: Schema.Struct({ organization, member, roles }),
  success: Schema.toCodecJson(Schema.Struct({ member: MemberWithUser })),
  failure: Schema.Union([...denied, MemberNotFound, RoleNotFound, LastOwner]),
  dependencies,
}).annotateMerge(
  hints({ title: "Set a member's roles", scope: organizationsWrite, isDestructive: true, isIdempotent: true }),
)

const RemoveMember = Tool.make("remove_member", {
  description: "Ends a membership, in all sessions and teams at once",
  parameters: Schema.Struct({ organization, member }),
  success: Schema.Struct({ removed: Schema.String }),
  failure: Schema.Union([...denied, MemberNotFound, LastOwner]),
  dependencies,
}).annotateMerge(hints({ title: "Remove a member", scope: organizationsWrite, isDestructive: true }))

/** What everybody sees at every endpoint of this server. */
export const ReadingTools = Toolkit.make(GetAccount, GetOrganization, ListMembers, ListInvitations)

/** What there is where the endpoint is not that of one organization. */
export const UnboundTools = Toolkit.make(ListOrganizations)

/** What changes an organization. */
export const AdministrationTools = Toolkit.make(InviteMember, RevokeInvitation, SetMemberRoles, RemoveMember)
