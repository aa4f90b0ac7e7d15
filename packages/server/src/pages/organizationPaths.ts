/**
 * Where the pages of one organization are.
 *
 * @since 0.1.0
 */
import type { Organization } from "@belfry/organization/Organization"
import { RoleName } from "@belfry/organization/Role"
import * as Schema from "effect/Schema"
import type { Paths } from "./PageKit.ts"

/**
 * The paths of the pages below one path.
 *
 * @category models
 * @since 0.1.0
 */
export type OrganizationPaths = ReturnType<typeof below>

/**
 * Where the pages of an organization are: by its slug where it has one, which people can read.
 *
 * @category accessors
 * @since 0.1.0
 */
export const pathsOf = (
  { organizations }: Pick<Paths, "organizations">,
  { id, slug }: Pick<Organization, "id" | "slug">,
): OrganizationPaths => below(`${organizations}/${slug ?? id}`)

/**
 * The same as routes, with the parameters `organization`, `member`, `role` and `team`.
 *
 * @category accessors
 * @since 0.1.0
 */
export const routesOf = ({ organizations }: Pick<Paths, "organizations">) => {
  const paths = below(`${organizations}/:organization`)
  return {
    ...paths,
    member: paths.member(":member"),
    removeMember: paths.removeMember(":member"),
    role: paths.role(":role"),
    deleteRole: paths.deleteRole(":role"),
    team: paths.team(":team"),
    deleteTeam: paths.deleteTeam(":team"),
  }
}

/**
 * The name of the role that a path is about; none where no role has such a name.
 *
 * @category accessors
 * @since 0.1.0
 */
export const roleOf = (parameter: string | undefined): RoleName | undefined => {
  const name = parameter === reserved ? "new" : parameter
  return isRoleName(name) ? name : undefined
}

// internal

const isRoleName = Schema.is(RoleName)

/** A role may be called as the page is that makes one; no name of a role has a dot. */
const reserved = "new."

const below = (overview: `/${string}`) => {
  const under = (path: string): `/${string}` => `${overview}/${path}`
  const role = (name: string) => under(`roles/${name === "new" ? reserved : name}`)
  return {
    overview,
    leave: under("leave"),
    settings: under("settings"),
    members: under("members"),
    member: (id: string) => under(`members/${id}`),
    removeMember: (id: string) => under(`members/${id}/remove`),
    roles: under("roles"),
    newRole: under("roles/new"),
    role,
    deleteRole: (name: string): `/${string}` => `${role(name)}/delete`,
    invitations: under("invitations"),
    newInvitation: under("invitations/new"),
    teams: under("teams"),
    newTeam: under("teams/new"),
    team: (id: string) => under(`teams/${id}`),
    deleteTeam: (id: string) => under(`teams/${id}/delete`),
    auditLog: under("audit-log"),
  }
}
