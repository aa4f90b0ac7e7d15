/**
 * Members whom a call names, and with what others see of the person, in memory.
 */
import type { MemoryTables } from "@belfry/core/MemoryTables"
import type { SessionId } from "@belfry/core/Session"
import type { UserId } from "@belfry/core/User"
import type * as DateTime from "effect/DateTime"
import type { MemberId, MemberRef, MemberWithUser } from "../Member.ts"
import type { MemberRow, MemoryOrganizationTables, OrganizationRow } from "../MemoryOrganizationTables.ts"
import type { OrganizationId } from "../Organization.ts"
import { inOrder, owner, type RoleAssignment, type RoleName } from "../Role.ts"

/** The member of an organization whom a call names. */
export const memberMeant = (
  { users }: MemoryTables["Service"],
  { members }: MemoryOrganizationTables["Service"],
  organizationId: OrganizationId,
  ref: MemberRef,
): MemberRow | undefined =>
  [...members.values()].find((row) => {
    if (row.organizationId !== organizationId) return false
    switch (ref._tag) {
      case "Id":
        return row.id === ref.id
      case "Email":
        return users.get(row.userId)?.email === ref.email
      case "User":
        return row.userId === ref.userId
    }
  })

/** Gives a member these roles, in place of what they had. */
export const give = (
  { members, memberRoles }: MemoryOrganizationTables["Service"],
  row: MemberRow,
  { builtIn, custom }: RoleAssignment,
): void => {
  members.set(row.id, { ...row, builtInRoles: builtIn })
  if (custom.length === 0) memberRoles.delete(row.id)
  else memberRoles.set(row.id, custom)
}

/** Counts members and owners who came, or went. */
export const count = (
  { organizations }: MemoryOrganizationTables["Service"],
  row: OrganizationRow,
  seats: number,
  owners: number,
): void =>
  void organizations.set(row.organization.id, {
    ...row,
    memberCount: row.memberCount + seats,
    ownerCount: row.ownerCount + owners,
  })

/** Makes a user a member, and the membership the default of a session that is there, where one is given. */
export const seat = (
  { sessions }: MemoryTables["Service"],
  tables: MemoryOrganizationTables["Service"],
  row: OrganizationRow,
  member: {
    readonly id: MemberId
    readonly userId: UserId
    readonly roles: RoleAssignment
    readonly sessionId: SessionId | null
    readonly now: DateTime.Utc
  },
): void => {
  const { id, now, roles, sessionId, userId } = member
  const organizationId = row.organization.id
  const lastUsedAt = sessionId === null ? null : now
  give(tables, { id, organizationId, userId, builtInRoles: [], lastUsedAt, createdAt: now, updatedAt: now }, roles)
  if (sessionId !== null && sessions.has(sessionId)) {
    tables.sessionDefaults.set(sessionId, { memberId: id, chosenAt: now })
  }
  count(tables, { ...row, version: row.version + 1 }, 1, ownersOf(roles.builtIn))
}

/** How many owners these roles make of a member: one or none. */
export const ownersOf = (builtIn: ReadonlyArray<RoleName>): number => (builtIn.includes(owner) ? 1 : 0)

/** A member with the person. Undefined where there is no such person, which the tables do not let happen. */
export const toMember = (
  { users }: MemoryTables["Service"],
  { memberRoles, roles }: MemoryOrganizationTables["Service"],
  row: MemberRow,
): MemberWithUser | undefined => {
  const user = users.get(row.userId)
  if (user === undefined) return undefined
  const names = (memberRoles.get(row.id) ?? []).flatMap((id) => roles.get(id)?.role.name ?? [])
  return {
    id: row.id,
    organizationId: row.organizationId,
    userId: row.userId,
    roles: inOrder(row.builtInRoles, names),
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    email: user.email,
    name: user.name,
    image: user.image,
  }
}
