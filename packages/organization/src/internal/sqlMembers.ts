/**
 * The member whom a call names, the user who becomes one, and the members whom a search means, as SQL.
 */
import type { SessionId } from "@belfry/core/Session"
import type { UserId } from "@belfry/core/User"
import * as DateTime from "effect/DateTime"
import type * as SqlClient from "effect/sql/SqlClient"
import type { Fragment } from "effect/sql/Statement"
import type { MemberId, MemberRef } from "../Member.ts"
import type { OrganizationId } from "../Organization.ts"
import type { RoleAssignment, RoleName } from "../Role.ts"
import { chooses } from "./sqlMembership.ts"
import { begins, isText, limitTo } from "./sqlPages.ts"

/** The member that is named, of `belfry_organization_members AS m` and `belfry_users AS u`. */
export const isMeant = (sql: SqlClient.SqlClient, ref: MemberRef): Fragment => {
  switch (ref._tag) {
    case "Id":
      return sql`m.id = ${ref.id}`
    case "Email":
      return sql`u.email = ${ref.email}`
    case "User":
      return sql`m.user_id = ${ref.userId}`
  }
}

/**
 * `person AS (...)`: the user who becomes a member, locked as the foreign key locks them. It waits for whoever is
 * deleting the user, and has no row then: a foreign key that speaks aborts the transaction. Null is nobody.
 */
export const personTable = (sql: SqlClient.SqlClient, userId: UserId | null): Fragment =>
  sql`person AS (SELECT id FROM belfry_users WHERE id = ${userId} FOR KEY SHARE)`

/**
 * Common table expressions that make a user a member: `seat` has the row then, and none where `from` has none, or the
 * user is a member already. The membership becomes the default of the session, where one is given.
 */
export const seatTables = (
  sql: SqlClient.SqlClient,
  member: {
    readonly id: MemberId
    readonly organizationId: OrganizationId
    readonly userId: UserId
    readonly roles: RoleAssignment
    readonly sessionId: SessionId | null
    readonly now: DateTime.Utc
  },
  from: Fragment,
): Fragment => {
  const { id, organizationId, userId, roles, sessionId } = member
  const now = DateTime.toDateUtc(member.now)
  return sql`seat AS (
      INSERT INTO belfry_organization_members (
        id, organization_id, user_id, built_in_roles, last_used_at, created_at, updated_at
      ) SELECT ${id}::uuid, ${organizationId}::uuid, ${userId}::uuid, ${roles.builtIn}::text[],
        ${sessionId === null ? null : now}::timestamptz, ${now}::timestamptz, ${now}::timestamptz
      FROM ${from}
      ON CONFLICT ON CONSTRAINT belfry_organization_members_organization_id_user_id_key DO NOTHING
      RETURNING id, organization_id, is_owner
    ), ${
      // The database would plan the statement anew each time for the length of the array.
      roles.custom.length === 0
        ? sql``
        : sql`given AS (
            INSERT INTO belfry_organization_member_roles (member_id, role_id, organization_id)
            SELECT seat.id, role_id, seat.organization_id FROM seat, unnest(${roles.custom}::uuid[]) AS role_id
          ), `
    }chosen AS (${chooses(sql, sessionId, "seat", member.now)}), counted AS (
      UPDATE belfry_organizations AS o SET member_count = member_count + 1,
        owner_count = owner_count + seat.is_owner::integer, version = o.version + 1
      FROM seat WHERE o.id = seat.organization_id
    )`
}

/**
 * The ids of the first `limit` members of a list, in the order of their ids, whose address or name begins with a text.
 *
 * **Details**
 *
 * The database knows how large lists are on average, and would go through the whole of a large one. So the way is said
 * here. Those of all users who are called so are looked up in the list, one by one, at most {@link few}. Where more are
 * called so, or the list is small, it is gone through until there are enough: in a list where as many are called so as
 * elsewhere, that is soon.
 *
 * `seats` selects `id` and `user_id` of all in the list by id; `seatOf` the `id` of the user `found.id`; `isSmall` says
 * whether there are no more than {@link smallList} in it.
 */
export const searched = (
  sql: SqlClient.SqlClient,
  {
    isSmall,
    limit,
    seatOf,
    seats,
    search,
  }: {
    readonly isSmall: Fragment
    readonly limit: number
    readonly seatOf: Fragment
    readonly seats: Fragment
    readonly search: string
  },
): Fragment => {
  const isCalled = begins(sql, ["u.email", "lower(u.name)"], search)
  // OFFSET 0 keeps the parts apart, so that they are carried out as they are written.
  return sql`WITH found AS MATERIALIZED (
      SELECT u.id FROM belfry_users AS u WHERE ${isBetween(sql, search)} LIMIT ${sql.literal(String(few + 1))}
    ), way AS MATERIALIZED (
      SELECT ${isSmall} OR (SELECT count(*) FROM found) > ${few} AS is_walked
    )
    SELECT hit.id FROM (
      SELECT seat.id FROM found CROSS JOIN LATERAL (${seatOf} OFFSET 0) AS seat
      WHERE NOT (SELECT is_walked FROM way)
      UNION ALL (
        SELECT seat.id FROM (${seats} OFFSET 0) AS seat CROSS JOIN LATERAL (
          SELECT FROM belfry_users AS u WHERE u.id = seat.user_id ${isCalled} OFFSET 0
        ) AS person
        WHERE (SELECT is_walked FROM way) ORDER BY seat.id ${limitTo(sql, limit)}
      )
    ) AS hit ORDER BY hit.id ${limitTo(sql, limit)}`
}

/**
 * The ids of the first `limit` members of an organization who have a role, in the order of their ids, after `place`.
 *
 * **Details**
 *
 * Roles of the host are kept with the member. The sets of them that differ are few, however many members there are, and
 * are found by leaps from one to the next in an index that has the members of each in order. A range says where such a
 * set begins and ends, where equality would do as well: so no other index has the order that is asked for.
 */
export const holders = (
  sql: SqlClient.SqlClient,
  {
    limit,
    organizationId,
    place,
    role,
  }: {
    readonly limit: number
    readonly organizationId: Fragment
    readonly place: string | null
    readonly role: RoleName
  },
): Fragment => {
  const beginning = sql`${place ?? nilId}::uuid`
  return sql`WITH RECURSIVE roles AS (
      (
        SELECT m.built_in_roles FROM belfry_organization_members AS m
        WHERE m.organization_id = ${organizationId} ORDER BY m.built_in_roles LIMIT 1
      )
      UNION ALL
      SELECT further.built_in_roles FROM roles CROSS JOIN LATERAL (
        SELECT m.built_in_roles FROM belfry_organization_members AS m
        WHERE m.organization_id = ${organizationId} AND m.built_in_roles > roles.built_in_roles
        ORDER BY m.built_in_roles LIMIT 1
      ) AS further
    )
    SELECT holder.id FROM (
      SELECT seat.id FROM roles CROSS JOIN LATERAL (
        SELECT m.id FROM belfry_organization_members AS m
        WHERE m.organization_id = ${organizationId} AND (m.built_in_roles, m.id) > (roles.built_in_roles, ${beginning})
          AND m.built_in_roles <= roles.built_in_roles
        ORDER BY m.built_in_roles, m.id ${limitTo(sql, limit)}
      ) AS seat WHERE ${role} = ANY (roles.built_in_roles)
      UNION
      SELECT seat.member_id FROM belfry_organization_roles AS r CROSS JOIN LATERAL (
        SELECT mr.member_id FROM belfry_organization_member_roles AS mr
        WHERE (mr.role_id, mr.member_id) > (r.id, ${beginning}) AND mr.role_id <= r.id
        ORDER BY mr.role_id, mr.member_id ${limitTo(sql, limit)}
      ) AS seat WHERE r.organization_id = ${organizationId} AND r.name = ${role}
    ) AS holder ORDER BY holder.id ${limitTo(sql, limit)}`
}

/** How many are gone through without looking for another way. */
export const smallList = 1000

// internal

/** Before every id. */
const nilId = "00000000-0000-0000-0000-000000000000"

/** How many users are looked up in a list, at most. */
const few = 3000

/**
 * The same as `begins`, of indexes: a pattern that is a parameter names no place in an index once the database plans
 * for all patterns alike, and a beginning and an end do.
 */
const isBetween = (sql: SqlClient.SqlClient, search: string): Fragment => {
  if (!isText(search)) return sql`false`
  const [first, last] = [sql`lower(${search}::text)`, sql`lower(${`${search}\u{10FFFF}`}::text)`]
  return sql`((u.email >= ${first} AND u.email < ${last})
    OR (lower(u.name) ~>=~ ${first} AND lower(u.name) ~<~ ${last}))`
}
