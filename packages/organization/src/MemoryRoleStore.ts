/**
 * Roles of organizations in memory.
 *
 * @since 0.1.0
 */
import { refuse } from "@belfry/core/MemoryStoreError"
import { MemoryTables } from "@belfry/core/MemoryTables"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import { guarded, pageBy } from "./internal/memoryMembership.ts"
import { MemoryOrganizationTables } from "./MemoryOrganizationTables.ts"
import type { OrganizationId } from "./Organization.ts"
import type { CustomRole, RoleAssignment, RoleId, RoleName } from "./Role.ts"
import { RoleStore } from "./RoleStore.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const organizationTables = yield* MemoryOrganizationTables
  const { organizations, members, memberRoles, roles, invitations } = organizationTables

  const rolesOf = (organizationId: OrganizationId): ReadonlyArray<CustomRole> =>
    [...roles.values()].filter((row) => row.organizationId === organizationId).map(({ role }) => role)
  const named = (organizationId: OrganizationId, names: ReadonlyArray<RoleName>): ReadonlyArray<CustomRole> =>
    rolesOf(organizationId)
      .filter(({ name }) => names.includes(name))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  const find = (organizationId: OrganizationId, id: RoleId): CustomRole | undefined => {
    const row = roles.get(id)
    return row?.organizationId === organizationId ? row.role : undefined
  }

  return RoleStore.of({
    list: (viewer, page) =>
      tables.statement(() =>
        Effect.succeed(
          guarded(organizationTables, viewer, ({ organizationId }) =>
            pageBy(
              rolesOf(organizationId),
              ({ name }) => name,
              page,
              ({ name }) => [name],
            ),
          ),
        ),
      ),
    findByNames: (viewer, names) =>
      tables.statement(() =>
        Effect.succeed(guarded(organizationTables, viewer, ({ organizationId }) => named(organizationId, names))),
      ),
    getByNames: (organizationId, names) => tables.statement(() => Effect.succeed(named(organizationId, names))),
    insert: (organizationId, role, limit) =>
      tables.statement(() => {
        if (!organizations.has(organizationId)) return refuse("RoleStore", "insert", "the organization exists")
        const others = rolesOf(organizationId)
        if (others.some(({ name }) => name === role.name)) return Effect.succeed("name-taken" as const)
        if (limit !== null && others.length >= limit) return Effect.succeed("full" as const)
        if (roles.has(role.id)) return refuse("RoleStore", "insert", "unique id")
        roles.set(role.id, { organizationId, role })
        return Effect.succeed("kept" as const)
      }),
    update: (organizationId, id, patch, now) =>
      tables.statement((): Effect.Effect<Option.Option<CustomRole> | "name-taken"> => {
        const role = find(organizationId, id)
        if (role === undefined) return Effect.succeedNone
        const isTaken = rolesOf(organizationId).some((other) => other.id !== id && other.name === patch.name)
        if (isTaken) return Effect.succeed("name-taken")
        const updated: CustomRole = { ...role, ...patch, updatedAt: now }
        roles.set(id, { organizationId, role: updated })
        // Open invitations show the name that the role has.
        for (const [key, row] of invitations) {
          if (!row.assignment.custom.includes(id)) continue
          const names = row.invitation.roles.map((name) => (name === role.name ? updated.name : name))
          invitations.set(key, { ...row, invitation: { ...row.invitation, roles: names } })
        }
        return Effect.succeedSome(updated)
      }),
    remove: ({ organizationId, id, replacement, now }) =>
      tables.statement(() => {
        const role = find(organizationId, id)
        if (role === undefined) return Effect.succeed("absent" as const)
        const successor = toSuccessor(organizationId, id, replacement)
        const holders = [...memberRoles].filter(([, held]) => held.includes(id))
        const offers = [...invitations].filter(([, row]) => row.assignment.custom.includes(id))
        if (successor === undefined && (holders.length > 0 || offers.length > 0))
          return Effect.succeed("in-use" as const)
        for (const [memberId, held] of holders) {
          const member = members.get(memberId)
          if (member === undefined || successor === undefined) continue
          const assignment = replaced({ builtIn: member.builtInRoles, custom: held }, id, successor)
          members.set(memberId, { ...member, builtInRoles: assignment.builtIn, updatedAt: now })
          if (assignment.custom.length === 0) memberRoles.delete(memberId)
          else memberRoles.set(memberId, assignment.custom)
        }
        for (const [key, row] of offers) {
          if (successor === undefined) continue
          const names = row.invitation.roles.map((name) => (name === role.name ? successor.name : name))
          invitations.set(key, {
            ...row,
            assignment: replaced(row.assignment, id, successor),
            invitation: { ...row.invitation, roles: [...new Set(names)], updatedAt: now },
          })
        }
        roles.delete(id)
        return Effect.succeed("removed" as const)
      }),
  })

  function toSuccessor(
    organizationId: OrganizationId,
    id: RoleId,
    replacement: { readonly builtIn: RoleName } | { readonly custom: RoleId } | null,
  ): Successor | undefined {
    if (replacement === null) return undefined
    if ("builtIn" in replacement) return { id: null, name: replacement.builtIn }
    const role = replacement.custom === id ? undefined : find(organizationId, replacement.custom)
    return role === undefined ? undefined : { id: role.id, name: role.name }
  }
})

/**
 * Layer that keeps roles in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<RoleStore, never, MemoryOrganizationTables | MemoryTables> = Layer.effect(
  RoleStore,
  make,
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface Successor {
  readonly id: RoleId | null
  readonly name: RoleName
}

const replaced = ({ builtIn, custom }: RoleAssignment, id: RoleId, successor: Successor): RoleAssignment => {
  const others = custom.filter((held) => held !== id)
  return successor.id === null
    ? { builtIn: [...new Set([...builtIn, successor.name])], custom: others }
    : { builtIn, custom: [...new Set([...others, successor.id])] }
}
