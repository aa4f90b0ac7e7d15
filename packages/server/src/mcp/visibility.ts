/**
 * Which tools of this server's own MCP endpoint somebody sees. It is there to spare people calls that would be refused;
 * what refuses them are the services.
 */
import { UserId } from "@belfry/core/User"
import { CurrentAccess, McpUnavailable } from "@belfry/mcp/McpAccess"
import { missing } from "@belfry/organization/Membership"
import { Memberships } from "@belfry/organization/Memberships"
import { isOrganizationId } from "@belfry/organization/Organization"
import { organizationActions } from "@belfry/organization/OrganizationActions"
import { builtInPermission } from "@belfry/organization/Permission"
import * as McpServer from "effect/ai/McpServer"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { AdministrationTools } from "./tools.ts"

/** Tools that are of no use where the endpoint is that of one organization. */
export const unboundOnly = McpServer.visibility(() =>
  Effect.map(CurrentAccess, ({ organizationId }) => organizationId === null),
)

/**
 * Tools that change an organization: where the endpoint is that of one, for those who may do it there. Elsewhere it
 * depends on the organization that a call names, so they are seen.
 */
export const permittedOnly = McpServer.visibility(
  Effect.gen(function* () {
    const memberships = yield* Memberships
    return Effect.fnUntraced(function* ({ target }: McpServer.MiddlewareOptions) {
      const { organizationId, token } = yield* CurrentAccess
      if (organizationId === null) return true
      const { subject: userId } = token
      if (!isOrganizationId(organizationId) || token.isClientItself || !isUserId(userId) || !isTool(target))
        return false
      const membership = yield* memberships.find({ userId, organization: organizationId }).pipe(
        Effect.tapError(({ store }) =>
          Effect.annotateLogs(Effect.logError("Who may see a tool cannot be looked up"), { store }),
        ),
        Effect.mapError(() => new McpUnavailable({ message: "Permissions cannot be looked up at the moment" })),
      )
      const permission = builtInPermission(organizationActions[actionOf[target]].permission)
      return Option.exists(membership, (found) => missing(found, [permission]).length === 0)
    })
  }),
)

// internal

type ToolName = keyof typeof AdministrationTools.tools

const actionOf = {
  invite_member: "invitations.create",
  revoke_invitation: "invitations.revoke",
  set_member_roles: "members.setRoles",
  remove_member: "members.remove",
} as const satisfies Record<ToolName, keyof typeof organizationActions>

const isTool = (name: string): name is ToolName => Object.hasOwn(actionOf, name)

const isUserId = Schema.is(UserId)
