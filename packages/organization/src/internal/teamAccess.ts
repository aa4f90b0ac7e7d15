/**
 * What somebody may do within a team: permissions of the organization, and those of a role in the team.
 */
import type { AccessRules } from "../AccessDefinition.ts"
import { escalation, type Membership } from "../Membership.ts"
import type { Permission, PermissionMissing } from "../Permission.ts"
import { TeamRoleName } from "../Team.ts"

/** The role of whoever leads a team. */
export const lead = TeamRoleName.make("lead")

/** A membership with what a role in a team gives besides, within that team. */
export const within = (membership: Membership, role: TeamRoleName | null, rules: AccessRules): Membership => {
  const given = role === null ? undefined : rules.teamRoles.get(role)
  if (given === undefined || given.size === 0) return membership
  const permissionSet = new Set([...membership.permissions, ...given])
  return { ...membership, permissions: [...permissionSet].toSorted(), permissionSet }
}

/** Why somebody may not give or take these roles in a team: a permission of theirs that they lack there. */
export const teamEscalation = (
  actor: Membership,
  roles: Iterable<TeamRoleName>,
  rules: AccessRules,
): PermissionMissing | undefined => {
  const permissions = new Set<Permission>()
  // A role that the host does not declare any more gives nothing.
  for (const role of roles) for (const permission of rules.teamRoles.get(role) ?? []) permissions.add(permission)
  return escalation(actor, { roles: [], permissions })
}

/** The role of whoever joins a team without one: the first that there is. */
export const defaultTeamRole = (rules: AccessRules): TeamRoleName => {
  const [first = TeamRoleName.make("member")] = rules.teamRoles.keys()
  return first
}
