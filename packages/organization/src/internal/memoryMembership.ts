/**
 * The membership of whoever looks, in memory: the part of every guarded read that says whether anything is to be seen.
 */
import type { UserId } from "@belfry/core/User"
import * as Option from "effect/Option"
import type { Guarded, StoredMembership, Viewer } from "../Membership.ts"
import type { MemberRow, MemoryOrganizationTables, OrganizationRow } from "../MemoryOrganizationTables.ts"
import type { OrganizationId, OrganizationRef } from "../Organization.ts"

type Tables = MemoryOrganizationTables["Service"]

/** An organization by its id or its slug, deleted or not. */
export const organizationOf = ({ organizations }: Tables, ref: OrganizationRef): OrganizationRow | undefined =>
  [...organizations.values()].find(({ organization }) => organization.id === ref || organization.slug === ref)

/** The member that a user is in an organization, deleted or not. */
export const memberOf = ({ members }: Tables, organizationId: OrganizationId, userId: UserId): MemberRow | undefined =>
  [...members.values()].find((member) => member.organizationId === organizationId && member.userId === userId)

/** A member with its roles. Undefined where the organization is gone. */
export const membershipOf = (tables: Tables, member: MemberRow): StoredMembership | undefined => {
  const row = tables.organizations.get(member.organizationId)
  if (row === undefined) return undefined
  return {
    organizationId: row.organization.id,
    organizationName: row.organization.name,
    organizationSlug: row.organization.slug,
    memberId: member.id,
    userId: member.userId,
    builtInRoles: member.builtInRoles,
    customRoles: (tables.memberRoles.get(member.id) ?? [])
      .flatMap((id) => tables.roles.get(id)?.role ?? [])
      .map(({ id, name, permissions }) => ({ id, name, permissions }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  }
}

/** The membership of a viewer in an organization that is there, or with `deleted` in one that is deleted. */
export const find = (tables: Tables, viewer: Viewer, deleted = false): StoredMembership | undefined => {
  const row = organizationOf(tables, viewer.organization)
  if (row === undefined || (row.organization.deletedAt !== null) !== deleted) return undefined
  const member = memberOf(tables, row.organization.id, viewer.userId)
  return member === undefined ? undefined : membershipOf(tables, member)
}

/** A guarded read. */
export const guarded = <A>(
  tables: Tables,
  viewer: Viewer,
  value: (membership: StoredMembership) => A,
): Option.Option<Guarded<A>> => {
  const membership = find(tables, viewer)
  return membership === undefined ? Option.none() : Option.some({ membership, value: value(membership) })
}

/**
 * A page of rows by their key, those with a greater one after the place; `begins` is asked where something is searched.
 */
export const pageBy = <Row>(
  rows: Iterable<Row>,
  keyOf: (row: Row) => string,
  { after, limit, search }: { readonly after: string | null; readonly limit: number; readonly search: string | null },
  texts: (row: Row) => ReadonlyArray<string | null>,
  order: "ascending" | "descending" = "ascending",
): ReadonlyArray<Row> => {
  const direction = order === "ascending" ? 1 : -1
  const wanted = search?.toLowerCase() ?? null
  return [...rows]
    .filter((row) => after === null || (keyOf(row) > after ? 1 : keyOf(row) < after ? -1 : 0) === direction)
    .filter((row) => wanted === null || texts(row).some((text) => text?.toLowerCase().startsWith(wanted) === true))
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -direction : direction))
    .slice(0, limit)
}
