/**
 * Members with what others see of the person, in memory.
 */
import type { MemoryTables } from "@belfry/core/MemoryTables"
import type { MemberWithUser } from "../Member.ts"
import type { MemberRow, MemoryOrganizationTables } from "../MemoryOrganizationTables.ts"

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
    roles: [...row.builtInRoles.toSorted(), ...names.toSorted()],
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    email: user.email,
    name: user.name,
    image: user.image,
  }
}
