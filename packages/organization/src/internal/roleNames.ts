/**
 * Names of roles as people write them, and what stands behind them: roles of the host, and those of the organization.
 */
import type { StoreError } from "@belfry/core/StoreError"
import * as Effect from "effect/Effect"
import type { AccessRules } from "../AccessDefinition.ts"
import type { OrganizationId } from "../Organization.ts"
import type { Permission } from "../Permission.ts"
import { type CustomRole, type RoleAssignment, type RoleName, RoleNotFound } from "../Role.ts"
import type { RoleStore } from "../RoleStore.ts"

/** Roles that are there: by name, the host's first, each part in the order of the alphabet. */
export interface NamedRoles {
  readonly names: ReadonlyArray<RoleName>
  readonly assignment: RoleAssignment
  /** What they give together. */
  readonly permissions: ReadonlySet<Permission>
}

/** Those of the names that no role of the host has: to be looked for in the organization. */
export const customNames = (rules: AccessRules, names: Iterable<RoleName>): ReadonlyArray<RoleName> =>
  [...new Set(names)].filter((name) => !rules.roles.has(name))

/**
 * The roles of these names, of which `custom` are those that the organization has. Permissions that the host does not
 * declare any more count for nothing.
 */
export const toRoles = (
  rules: AccessRules,
  names: Iterable<RoleName>,
  custom: ReadonlyArray<Pick<CustomRole, "id" | "name" | "permissions">>,
): Effect.Effect<NamedRoles, RoleNotFound> => {
  const asked = [...new Set(names)].toSorted()
  const ofOrganization = new Map(custom.map((role) => [role.name, role]))
  const builtIn = asked.filter((name) => rules.roles.has(name))
  const others = asked.filter((name) => !rules.roles.has(name))
  const absent = others.filter((name) => !ofOrganization.has(name))
  if (absent.length > 0) return Effect.fail(new RoleNotFound({ roles: absent }))
  const found = others.flatMap((name) => ofOrganization.get(name) ?? [])
  return Effect.succeed({
    names: [...builtIn, ...others],
    assignment: { builtIn, custom: found.map(({ id }) => id) },
    permissions: new Set([
      ...builtIn.flatMap((name) => [...(rules.roles.get(name) ?? [])]),
      ...found.flatMap(({ permissions }) => permissions.filter((permission) => rules.permissions.has(permission))),
    ]),
  })
}

/** The roles of these names in an organization. The store is asked only for names that no role of the host has. */
export const findRoles = (
  { rules, store }: { readonly rules: AccessRules; readonly store: RoleStore["Service"] },
  organizationId: OrganizationId,
  names: ReadonlyArray<RoleName>,
): Effect.Effect<NamedRoles, RoleNotFound | StoreError> => {
  const others = customNames(rules, names)
  return Effect.flatMap(others.length === 0 ? Effect.succeed([]) : store.getByNames(organizationId, others), (custom) =>
    toRoles(rules, names, custom),
  )
}
