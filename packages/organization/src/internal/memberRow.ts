/**
 * Members as rows of `belfry_organization_members` and `belfry_users`, beside the membership of whoever looks at them.
 */
import type { Email, UserId } from "@belfry/core/User"
import * as DateTime from "effect/DateTime"
import type { MemberId, MemberWithUser } from "../Member.ts"
import type { OrganizationId } from "../Organization.ts"
import { inOrder, type RoleName } from "../Role.ts"

/**
 * The columns of a member, of `belfry_organization_members AS m` and `belfry_users AS u`: named so that nothing else of
 * a row is called the same.
 */
export const memberColumns = `m.id AS item_id, m.organization_id AS item_organization_id, m.user_id AS item_user_id,
  m.built_in_roles AS item_built_in_roles, m.created_at AS item_created_at, m.updated_at AS item_updated_at,
  u.email AS item_email, u.name AS item_name, u.image AS item_image,
  ARRAY(
    SELECT r.name FROM belfry_organization_member_roles AS mr
    JOIN belfry_organization_roles AS r ON r.id = mr.role_id WHERE mr.member_id = m.id
  ) AS item_role_names`

export interface MemberRow {
  readonly item_id: MemberId
  readonly item_organization_id: OrganizationId
  readonly item_user_id: UserId
  readonly item_built_in_roles: ReadonlyArray<RoleName>
  readonly item_role_names: ReadonlyArray<RoleName>
  readonly item_created_at: Date
  readonly item_updated_at: Date
  readonly item_email: Email
  readonly item_name: string | null
  readonly item_image: string | null
}

/** The row of a join that may have found no member: `item_id` is null then. */
export type MemberJoin = MemberRow | { readonly [K in keyof MemberRow]: null }

export const toMember = (row: MemberRow): MemberWithUser => ({
  id: row.item_id,
  organizationId: row.item_organization_id,
  userId: row.item_user_id,
  roles: inOrder(row.item_built_in_roles, row.item_role_names),
  createdAt: DateTime.fromDateUnsafe(row.item_created_at),
  updatedAt: DateTime.fromDateUnsafe(row.item_updated_at),
  email: row.item_email,
  name: row.item_name,
  image: row.item_image,
})
