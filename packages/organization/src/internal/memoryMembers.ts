/**
 * Members whom a call names, and with what others see of the person, in memory.
 */
import type { MemoryTables } from "@belfry/core/MemoryTables"
import type { MemberRef, MemberWithUser } from "../Member.ts"
import type { MemberRow, MemoryOrganizationTables } from "../MemoryOrganizationTables.ts"
import type { OrganizationId } from "../Organization.ts"
import { inOrder } from "../Role.ts"

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
