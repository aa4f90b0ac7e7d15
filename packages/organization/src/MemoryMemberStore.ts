/**
 * Members in memory.
 *
 * @since 0.1.0
 */
import { refuse } from "@belfry/core/MemoryStoreError"
import { MemoryTables } from "@belfry/core/MemoryTables"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { guarded, memberOf, membershipOf, pageBy } from "./internal/memoryMembership.ts"
import * as MemoryMembers from "./internal/memoryMembers.ts"
import { memberMeant, ownersOf, seat, toMember } from "./internal/memoryMembers.ts"
import type { MemberRef } from "./Member.ts"
import { MemberStore, type MemberTarget } from "./MemberStore.ts"
import { type MemberRow, MemoryOrganizationTables, type OrganizationRow } from "./MemoryOrganizationTables.ts"
import type { OrganizationId } from "./Organization.ts"
import type { StorePage } from "./Page.ts"
import { owner, type RoleAssignment, type RoleName } from "./Role.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const organizationTables = yield* MemoryOrganizationTables
  const { organizations, members, roles } = organizationTables
  const show = (row: MemberRow) => toMember(tables, organizationTables, row)

  const target = (organizationId: OrganizationId, ref: MemberRef): Option.Option<MemberTarget> => {
    const row = memberMeant(tables, organizationTables, organizationId, ref)
    const membership = row === undefined ? undefined : membershipOf(organizationTables, row)
    const member = row === undefined ? undefined : show(row)
    return member === undefined || membership === undefined ? Option.none() : Option.some({ member, membership })
  }
  const pageOf = (organizationId: OrganizationId, page: StorePage, role: RoleName | null) =>
    pageBy(
      [...members.values()]
        .filter((row) => row.organizationId === organizationId)
        .flatMap((row) => show(row) ?? [])
        .filter((member) => role === null || member.roles.includes(role)),
      ({ id }) => id,
      page,
      ({ email, name }) => [email, name],
    )
  const ofOrganization = (organizationId: OrganizationId, id: MemberRow["id"]): MemberRow | undefined => {
    const row = members.get(id)
    return row?.organizationId === organizationId ? row : undefined
  }
  const areThere = (organizationId: OrganizationId, { custom }: RoleAssignment): boolean =>
    custom.every((id) => roles.get(id)?.organizationId === organizationId)
  const give = (row: MemberRow, assignment: RoleAssignment): void =>
    MemoryMembers.give(organizationTables, row, assignment)
  const count = (row: OrganizationRow, seats: number, owners: number): void =>
    MemoryMembers.count(organizationTables, row, seats, owners)

  return MemberStore.of({
    list: (viewer, page) =>
      tables.statement(() =>
        Effect.succeed(
          guarded(organizationTables, viewer, ({ organizationId }) => pageOf(organizationId, page, page.role)),
        ),
      ),
    find: (viewer, ref) =>
      tables.statement(() =>
        Effect.succeed(guarded(organizationTables, viewer, ({ organizationId }) => target(organizationId, ref))),
      ),
    get: (organizationId, ref) => tables.statement(() => Effect.succeed(target(organizationId, ref))),
    listAll: (organizationId, page) =>
      tables.statement(() => Effect.succeed(pageOf(organizationId, page, page.role ?? null))),
    insert: ({ id, organizationId, userId, roles: given, limit, now, sessionId = null }) =>
      tables.statement(() => {
        const row = organizations.get(organizationId)
        if (row === undefined) return refuse("MemberStore", "insert", "the organization exists")
        if (!tables.users.has(userId)) return Effect.succeed("absent" as const)
        if (memberOf(organizationTables, organizationId, userId) !== undefined) return Effect.succeed("exists" as const)
        if (limit !== null && row.memberCount >= limit) return Effect.succeed("full" as const)
        if (members.has(id)) return refuse("MemberStore", "insert", "unique id")
        if (!areThere(organizationId, given)) return refuse("MemberStore", "insert", "the roles exist")
        seat(tables, organizationTables, row, { id, userId, roles: given, sessionId, now })
        return Effect.succeed("kept" as const)
      }),
    setRoles: ({ organizationId, memberId, roles: given, now }) =>
      tables.statement(() => {
        const row = organizations.get(organizationId)
        const member = ofOrganization(organizationId, memberId)
        if (row === undefined || member === undefined) return Effect.succeed("absent" as const)
        const step = ownersOf(given.builtIn) - ownersOf(member.builtInRoles)
        if (step !== 0 && row.ownerCount + step < 1) return Effect.succeed("last-owner" as const)
        if (!areThere(organizationId, given)) return refuse("MemberStore", "setRoles", "the roles exist")
        give({ ...member, updatedAt: now }, given)
        count(row, 0, step)
        return Effect.succeed("kept" as const)
      }),
    remove: (organizationId, memberId) =>
      tables.statement(() => {
        const row = organizations.get(organizationId)
        const member = ofOrganization(organizationId, memberId)
        if (row === undefined || member === undefined) return Effect.succeed("absent" as const)
        const owners = ownersOf(member.builtInRoles)
        if (owners > 0 && row.ownerCount <= 1) return Effect.succeed("last-owner" as const)
        organizationTables.removeMember(memberId)
        count(row, -1, -owners)
        return Effect.succeed("removed" as const)
      }),
    transfer: ({ organizationId, from, to, keeps, now }) =>
      tables.statement(() => {
        const row = organizations.get(organizationId)
        const [former, next] = [ofOrganization(organizationId, from), ofOrganization(organizationId, to)]
        if (row === undefined || former === undefined || next === undefined || from === to) return Effect.succeed(false)
        if (!former.builtInRoles.includes(owner)) return Effect.succeed(false)
        if (!areThere(organizationId, keeps)) return refuse("MemberStore", "transfer", "the roles exist")
        const isOwnerAlready = next.builtInRoles.includes(owner)
        give({ ...former, updatedAt: now }, keeps)
        members.set(to, {
          ...next,
          builtInRoles: isOwnerAlready ? next.builtInRoles : [...next.builtInRoles, owner],
          updatedAt: now,
        })
        count(row, 0, ownersOf(keeps.builtIn) - 1 + (isOwnerAlready ? 0 : 1))
        return Effect.succeed(true)
      }),
    listOrganizations: (userId) =>
      tables.statement(() =>
        Effect.succeed(
          [...members.values()]
            .filter((row) => row.userId === userId)
            .map(({ organizationId }) => organizationId)
            .sort(),
        ),
      ),
  })
})

/**
 * Layer that keeps members in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<MemberStore, never, MemoryOrganizationTables | MemoryTables> = Layer.effect(
  MemberStore,
  make,
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------
