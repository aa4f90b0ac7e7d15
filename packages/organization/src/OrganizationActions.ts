/**
 * Which permission each call needs: the one table of authorization. Services read it; a test goes through all of it.
 *
 * **Details**
 *
 * `permission`: what the caller must have in the organization; null: being a member is enough. `teamScoped`: a role in
 * the team gives it too. `covers`: the call is also held to `escalation` of what it gives or takes. `fresh`: the person
 * proved who they are just now.
 *
 * @since 0.1.0
 */
import type { BuiltInPermission } from "./Permission.ts"

/**
 * What a call needs.
 *
 * @category models
 * @since 0.1.0
 */
export interface ActionRule {
  readonly permission: BuiltInPermission | null
  readonly teamScoped?: true
  readonly covers?: "roles" | "permissions" | "team-role"
  readonly fresh?: true
}

/**
 * Which permission each call needs.
 *
 * @category rules
 * @since 0.1.0
 */
export const organizationActions = {
  "organizations.get": { permission: "organization:read" },
  "organizations.update": { permission: "organization:update" },
  "organizations.remove": { permission: "organization:delete", fresh: true },
  "organizations.restore": { permission: "organization:delete", fresh: true },
  "organizations.transfer": { permission: "organization:transfer", fresh: true },
  "organizations.auditEvents": { permission: "audit:read" },
  "organizations.access": { permission: null },
  "organizations.check": { permission: null },
  "organizations.leave": { permission: null },
  "members.list": { permission: "member:read" },
  "members.get": { permission: "member:read" },
  "members.add": { permission: "member:create", covers: "roles" },
  "members.setRoles": { permission: "member:update", covers: "roles" },
  "members.remove": { permission: "member:delete", covers: "roles" },
  "roles.list": { permission: "role:read" },
  "roles.get": { permission: "role:read" },
  "roles.create": { permission: "role:create", covers: "permissions" },
  "roles.update": { permission: "role:update", covers: "permissions" },
  "roles.remove": { permission: "role:delete", covers: "permissions" },
  "invitations.list": { permission: "invitation:read" },
  "invitations.get": { permission: "invitation:read" },
  "invitations.create": { permission: "invitation:create", covers: "roles" },
  "invitations.resend": { permission: "invitation:create", covers: "roles" },
  "invitations.revoke": { permission: "invitation:revoke" },
  "teams.list": { permission: "team:read" },
  "teams.get": { permission: "team:read", teamScoped: true },
  "teams.check": { permission: null },
  "teams.create": { permission: "team:create" },
  "teams.update": { permission: "team:update", teamScoped: true },
  "teams.remove": { permission: "team:delete", teamScoped: true },
  "teams.members": { permission: "teamMember:read", teamScoped: true },
  "teams.ofMember": { permission: "teamMember:read" },
  "teams.addMember": { permission: "teamMember:create", teamScoped: true, covers: "team-role" },
  "teams.setRoles": { permission: "teamMember:update", teamScoped: true, covers: "team-role" },
  "teams.removeMember": { permission: "teamMember:delete", teamScoped: true, covers: "team-role" },
} as const satisfies Record<string, ActionRule>

/**
 * The name of a call.
 *
 * @category models
 * @since 0.1.0
 */
export type OrganizationAction = keyof typeof organizationActions
