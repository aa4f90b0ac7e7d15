/**
 * Teams in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import type { UserId } from "@belfry/core/User"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import { memberColumns, type MemberRow, toMember } from "./internal/memberRow.ts"
import { isMeant, searched, smallList } from "./internal/sqlMembers.ts"
import { type MembershipRow, toGuarded, viewerTable } from "./internal/sqlMembership.ts"
import { after, begins, limitTo } from "./internal/sqlPages.ts"
import type { MemberId } from "./Member.ts"
import type { OrganizationId } from "./Organization.ts"
import type { StorePage } from "./Page.ts"
import type { Team, TeamId, TeamMember, TeamRoleName } from "./Team.ts"
import { TeamStore, type TeamTarget } from "./TeamStore.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "TeamStore")
  const columns = sql.literal(teamColumns)
  const place = sql.literal("tm.role AS item_team_role, tm.joined_at AS item_joined_at")
  /** The team, with the role that the viewer has in it. */
  const target = (id: TeamId) => sql`LEFT JOIN LATERAL (
      SELECT ${columns}, (
        SELECT mine.role FROM belfry_organization_team_members AS mine
        WHERE mine.team_id = t.id AND mine.member_id = viewer.viewer_member_id
      ) AS viewer_team_role
      FROM belfry_organization_teams AS t
      WHERE t.id = ${id} AND t.organization_id = viewer.viewer_organization_id
    ) AS team ON true`
  const people = sql.literal(
    `belfry_organization_team_members AS tm JOIN belfry_organization_members AS m ON m.id = tm.member_id
     JOIN belfry_users AS u ON u.id = m.user_id`,
  )
  /** A page of the members of `team`. */
  const membersOf = ({ after: last, limit, search }: StorePage) => {
    const members = sql.literal(memberColumns)
    const isOnPage = sql`tm.team_id = team.team_id ${after(sql, "tm.member_id", last)}`
    if (search === null) {
      return sql`SELECT ${members}, ${place} FROM ${people} WHERE ${isOnPage} ORDER BY tm.member_id ${limitTo(sql, limit)}`
    }
    const ids = searched(sql, {
      isSmall: sql`(SELECT count(*) FROM (
        SELECT FROM belfry_organization_team_members AS tm WHERE tm.team_id = team.team_id LIMIT ${smallList + 1}
      ) AS counted) <= ${smallList}`,
      seatOf: sql`SELECT place.id FROM (
          SELECT m.id FROM belfry_organization_members AS m
          WHERE m.organization_id = team.team_organization_id AND m.user_id = found.id OFFSET 0
        ) AS m CROSS JOIN LATERAL (
          SELECT tm.member_id AS id FROM belfry_organization_team_members AS tm
          WHERE tm.member_id = m.id AND ${isOnPage} OFFSET 0
        ) AS place`,
      seats: sql`SELECT tm.member_id AS id, (
          SELECT m.user_id FROM belfry_organization_members AS m WHERE m.id = tm.member_id
        ) AS user_id FROM belfry_organization_team_members AS tm WHERE ${isOnPage} ORDER BY tm.member_id`,
      limit,
      search,
    })
    return sql`SELECT item.* FROM (${ids}) AS hit CROSS JOIN LATERAL (
        SELECT ${members}, ${place} FROM ${people} WHERE tm.team_id = team.team_id AND tm.member_id = hit.id OFFSET 0
      ) AS item`
  }

  return TeamStore.of({
    list: (viewer, page) =>
      Effect.map(
        statements.read(
          "list",
          sql<MembershipRow & TeamJoin>`WITH ${viewerTable(sql, viewer)} SELECT viewer.*, team.* FROM viewer
            LEFT JOIN LATERAL (
              SELECT ${columns} FROM belfry_organization_teams AS t
              WHERE t.organization_id = viewer.viewer_organization_id
                ${after(sql, "t.id", page.after)} ${begins(sql, ["lower(t.name)"], page.search)}
              ORDER BY t.id ${limitTo(sql, page.limit)}
            ) AS team ON true ORDER BY team.team_id`,
        ),
        (rows) => toGuarded(rows, (found) => found.flatMap((row) => (row.team_id === null ? [] : [toTeam(row)]))),
      ),
    find: (viewer, id, memberId) =>
      Effect.map(
        statements.read(
          "find",
          sql<
            MembershipRow & TargetJoin & PlaceJoin
          >`WITH ${viewerTable(sql, viewer)} SELECT * FROM viewer ${target(id)}
            LEFT JOIN LATERAL (
              SELECT ${sql.literal(memberColumns)}, ${place} FROM ${people}
              WHERE tm.team_id = team.team_id AND tm.member_id = ${memberId ?? null}::uuid
            ) AS item ON true`,
        ),
        (rows) =>
          toGuarded(rows, ([row]) =>
            Option.map(toTarget(row), (found) => ({ ...found, member: toTeamMember(id, row) ?? null })),
          ),
      ),
    // Whoever creates holds the lock of the organization, so that nobody is counted too late.
    insert: ({ id, organizationId, name, createdAt, updatedAt }, limit) =>
      Effect.map(
        statements.write(
          "insert",
          sql`INSERT INTO belfry_organization_teams (id, organization_id, name, created_at, updated_at)
            SELECT ${id}::uuid, ${organizationId}::uuid, ${name}::text, ${toDate(createdAt)}::timestamptz,
              ${toDate(updatedAt)}::timestamptz
            WHERE ${limit}::integer IS NULL OR (SELECT count(*) FROM (
              SELECT FROM belfry_organization_teams WHERE organization_id = ${organizationId} LIMIT ${limit}::integer
            ) AS present) < ${limit}::integer
            RETURNING id`,
        ),
        ([row]) => (row === undefined ? "full" : "kept"),
      ),
    update: (organizationId, id, name, now) =>
      Effect.map(
        statements.write(
          "update",
          sql<TeamRow>`UPDATE belfry_organization_teams AS t SET name = ${name}, updated_at = ${toDate(now)}
            WHERE t.id = ${id} AND t.organization_id = ${organizationId} RETURNING ${columns}`,
        ),
        ([row]) => (row === undefined ? Option.none() : Option.some(toTeam(row))),
      ),
    // Its members and its places in invitations go by their foreign keys.
    remove: (organizationId, id, keepsLast) =>
      Effect.map(
        statements.write(
          "remove",
          sql<{ readonly is_found: boolean; readonly is_removed: boolean }>`WITH team AS (
            SELECT id FROM belfry_organization_teams WHERE id = ${id} AND organization_id = ${organizationId} FOR UPDATE
          ), removed AS (
            DELETE FROM belfry_organization_teams AS t USING team
            WHERE t.id = team.id AND (NOT ${keepsLast}::boolean OR EXISTS (
              SELECT FROM belfry_organization_teams WHERE organization_id = ${organizationId} AND id <> ${id}
            )) RETURNING t.id
          ) SELECT EXISTS (SELECT FROM team) AS is_found, EXISTS (SELECT FROM removed) AS is_removed`,
        ),
        ([row]) => (row?.is_found !== true ? "absent" : row.is_removed ? "removed" : "last"),
      ),
    listMembers: (viewer, id, page) =>
      Effect.map(
        statements.read(
          "listMembers",
          sql<
            MembershipRow & TargetJoin & PlaceJoin
          >`WITH ${viewerTable(sql, viewer)} SELECT * FROM viewer ${target(id)}
            LEFT JOIN LATERAL (${membersOf(page)}) AS item ON true ORDER BY item.item_id`,
        ),
        (rows) =>
          toGuarded(rows, (found) =>
            Option.map(toTarget(found[0]), (team) => ({
              ...team,
              members: found.flatMap((row) => toTeamMember(id, row) ?? []),
            })),
          ),
      ),
    listByMember: (viewer, ref, page) =>
      Effect.map(
        statements.read(
          "listByMember",
          sql<MembershipRow & OfMemberJoin>`WITH ${viewerTable(sql, viewer)} SELECT * FROM viewer
            LEFT JOIN LATERAL (
              SELECT m.id AS target_id FROM belfry_organization_members AS m JOIN belfry_users AS u ON u.id = m.user_id
              WHERE m.organization_id = viewer.viewer_organization_id AND ${isMeant(sql, ref)}
            ) AS target ON true
            LEFT JOIN LATERAL (
              SELECT ${columns}, ${place} FROM belfry_organization_team_members AS tm
              JOIN belfry_organization_teams AS t ON t.id = tm.team_id
              WHERE tm.member_id = target.target_id
                ${after(sql, "tm.team_id", page.after)} ${begins(sql, ["lower(t.name)"], page.search)}
              ORDER BY tm.team_id ${limitTo(sql, page.limit)}
            ) AS item ON true ORDER BY item.team_id`,
        ),
        (rows) =>
          toGuarded(rows, (found) =>
            found[0].target_id === null
              ? Option.none()
              : Option.some(
                  found.flatMap((row) =>
                    row.team_id === null
                      ? []
                      : [{ team: toTeam(row), role: row.item_team_role, joinedAt: toInstant(row.item_joined_at) }],
                  ),
                ),
          ),
      ),
    existing: (organizationId, ids) =>
      Effect.map(
        statements.read(
          "existing",
          sql<{ readonly id: TeamId }>`SELECT id FROM belfry_organization_teams
            WHERE organization_id = ${organizationId} AND id = ANY (${ids}::uuid[]) ORDER BY id`,
        ),
        (rows) => rows.map(({ id }) => id),
      ),
    // Whoever is in the team already is told so before it is found to be full.
    addMember: ({ organizationId, teamId, memberId, role, limit, now }) => {
      const hasRoom = sql`(${limit}::integer IS NULL OR (SELECT count(*) FROM (
          SELECT FROM belfry_organization_team_members WHERE team_id = ${teamId} LIMIT ${limit}::integer
        ) AS present) < ${limit}::integer)`
      return Effect.map(
        statements.write(
          "addMember",
          sql<Addition>`WITH target AS (
            SELECT t.id AS team_id, m.id AS member_id, t.organization_id FROM belfry_organization_teams AS t
            JOIN belfry_organization_members AS m ON m.organization_id = t.organization_id AND m.id = ${memberId}
            WHERE t.id = ${teamId} AND t.organization_id = ${organizationId}
          ), seat AS (
            INSERT INTO belfry_organization_team_members (team_id, member_id, organization_id, role, joined_at)
            SELECT team_id, member_id, organization_id, ${role}::text, ${toDate(now)}::timestamptz FROM target
            WHERE ${hasRoom}
            ON CONFLICT ON CONSTRAINT belfry_organization_team_members_pkey DO NOTHING
            RETURNING member_id
          ) SELECT EXISTS (SELECT FROM target) AS is_found, EXISTS (SELECT FROM seat) AS is_added, ${hasRoom} OR EXISTS (
            SELECT FROM belfry_organization_team_members WHERE team_id = ${teamId} AND member_id = ${memberId}
          ) AS is_present`,
        ),
        ([row]) => (row?.is_found !== true ? "absent" : row.is_added ? "added" : row.is_present ? "exists" : "full"),
      )
    },
    setRoles: (organizationId, teamId, roles) =>
      Effect.map(
        statements.write(
          "setRoles",
          sql<Earlier>`WITH asked AS (
            SELECT * FROM unnest(
              ${roles.map(({ memberId }) => memberId)}::uuid[], ${roles.map(({ role }) => role)}::text[]
            ) AS asked (member_id, role)
          ), earlier AS (
            SELECT tm.member_id, m.user_id, tm.role FROM asked
            JOIN belfry_organization_team_members AS tm ON tm.team_id = ${teamId} AND tm.member_id = asked.member_id
            JOIN belfry_organization_members AS m ON m.id = tm.member_id
            WHERE tm.organization_id = ${organizationId}
          ), changed AS (
            UPDATE belfry_organization_team_members AS tm SET role = asked.role FROM asked
            WHERE tm.team_id = ${teamId} AND tm.organization_id = ${organizationId}
              AND tm.member_id = asked.member_id AND tm.role <> asked.role
          ) SELECT member_id, user_id, role FROM earlier ORDER BY member_id`,
        ),
        (rows) => rows.map((row) => ({ memberId: row.member_id, userId: row.user_id, before: row.role })),
      ),
    removeMember: (organizationId, teamId, memberId) =>
      Effect.map(
        statements.write(
          "removeMember",
          sql`DELETE FROM belfry_organization_team_members
            WHERE team_id = ${teamId} AND member_id = ${memberId} AND organization_id = ${organizationId}
            RETURNING member_id`,
        ),
        (rows) => rows.length > 0,
      ),
  })
})

/**
 * Layer that keeps teams in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<TeamStore, never, SqlClient.SqlClient> = Layer.effect(TeamStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

// Of `belfry_organization_teams AS t`, named so that nothing else of a row is called the same.
const teamColumns = `t.id AS team_id, t.organization_id AS team_organization_id, t.name AS team_name,
  t.created_at AS team_created_at, t.updated_at AS team_updated_at`

interface TeamRow {
  readonly team_id: TeamId
  readonly team_organization_id: OrganizationId
  readonly team_name: string
  readonly team_created_at: Date
  readonly team_updated_at: Date
}

/** A row of a join that may have found nothing: all of it is null then. */
type Join<Row> = Row | { readonly [K in keyof Row]: null }

type TeamJoin = Join<TeamRow>

type TargetJoin = TeamJoin & { readonly viewer_team_role: TeamRoleName | null }

interface PlaceRow {
  readonly item_team_role: TeamRoleName
  readonly item_joined_at: Date
}

type PlaceJoin = Join<MemberRow & PlaceRow>

type OfMemberJoin = Join<TeamRow & PlaceRow> & { readonly target_id: MemberId | null }

interface Addition {
  readonly is_found: boolean
  readonly is_added: boolean
  readonly is_present: boolean
}

interface Earlier {
  readonly member_id: MemberId
  readonly user_id: UserId
  readonly role: TeamRoleName
}

const toTeam = (row: TeamRow): Team => ({
  id: row.team_id,
  organizationId: row.team_organization_id,
  name: row.team_name,
  createdAt: toInstant(row.team_created_at),
  updatedAt: toInstant(row.team_updated_at),
})

const toTarget = (row: TargetJoin): Option.Option<TeamTarget> =>
  row.team_id === null ? Option.none() : Option.some({ team: toTeam(row), viewerRole: row.viewer_team_role })

/** Undefined where nobody was found. */
const toTeamMember = (teamId: TeamId, row: PlaceJoin): TeamMember | undefined =>
  row.item_id === null
    ? undefined
    : { teamId, member: toMember(row), role: row.item_team_role, joinedAt: toInstant(row.item_joined_at) }

const toDate = DateTime.toDateUtc

const toInstant = DateTime.fromDateUnsafe
