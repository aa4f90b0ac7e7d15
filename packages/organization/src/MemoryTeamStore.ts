/**
 * Teams in memory.
 *
 * @since 0.1.0
 */
import { refuse } from "@belfry/core/MemoryStoreError"
import { MemoryTables } from "@belfry/core/MemoryTables"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { memberMeant, toMember } from "./internal/memoryMembers.ts"
import { guarded, pageBy } from "./internal/memoryMembership.ts"
import type { MemberId } from "./Member.ts"
import type { StoredMembership } from "./Membership.ts"
import { MemoryOrganizationTables, type TeamMemberRow, teamMemberKey } from "./MemoryOrganizationTables.ts"
import type { OrganizationId } from "./Organization.ts"
import type { Team, TeamId, TeamMember } from "./Team.ts"
import { TeamStore, type TeamTarget } from "./TeamStore.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const organizationTables = yield* MemoryOrganizationTables
  const { members, organizations, removeTeam, teamMembers, teams } = organizationTables

  const teamOf = (organizationId: OrganizationId, id: TeamId): Team | undefined => {
    const team = teams.get(id)
    return team?.organizationId === organizationId ? team : undefined
  }
  const teamsOf = (organizationId: OrganizationId): ReadonlyArray<Team> =>
    [...teams.values()].filter((team) => team.organizationId === organizationId)
  const placesIn = (teamId: TeamId): ReadonlyArray<TeamMemberRow> =>
    [...teamMembers.values()].filter((place) => place.teamId === teamId)
  const placeIn = (team: Team, memberId: MemberId): TeamMemberRow | undefined =>
    teamMembers.get(teamMemberKey(team.id, memberId))
  const hasRoom = (present: number, limit: number | null): boolean => limit === null || present < limit

  const targetOf = ({ organizationId, memberId }: StoredMembership, id: TeamId): Option.Option<TeamTarget> =>
    Option.map(Option.fromUndefinedOr(teamOf(organizationId, id)), (team) => ({
      team,
      viewerRole: placeIn(team, memberId)?.role ?? null,
    }))
  const toTeamMember = ({ teamId, memberId, role, joinedAt }: TeamMemberRow): TeamMember | undefined => {
    const row = members.get(memberId)
    const member = row === undefined ? undefined : toMember(tables, organizationTables, row)
    return member === undefined ? undefined : { teamId, member, role, joinedAt }
  }

  return TeamStore.of({
    list: (viewer, page) =>
      tables.statement(() =>
        Effect.succeed(
          guarded(organizationTables, viewer, ({ organizationId }) =>
            pageBy(teamsOf(organizationId), idOf, page, ({ name }) => [name]),
          ),
        ),
      ),
    find: (viewer, id, memberId) =>
      tables.statement(() =>
        Effect.succeed(
          guarded(organizationTables, viewer, (membership) =>
            Option.map(targetOf(membership, id), (target) => {
              const place = memberId === undefined ? undefined : placeIn(target.team, memberId)
              return { ...target, member: (place === undefined ? undefined : toTeamMember(place)) ?? null }
            }),
          ),
        ),
      ),
    insert: (team, limit) =>
      tables.statement(() => {
        if (!hasRoom(teamsOf(team.organizationId).length, limit)) return Effect.succeed("full" as const)
        if (!organizations.has(team.organizationId)) return refuse("TeamStore", "insert", "the organization exists")
        if (teams.has(team.id)) return refuse("TeamStore", "insert", "unique id")
        teams.set(team.id, team)
        return Effect.succeed("kept" as const)
      }),
    update: (organizationId, id, name, now) =>
      tables.statement(() => {
        const team = teamOf(organizationId, id)
        if (team === undefined) return Effect.succeedNone
        const changed: Team = { ...team, name, updatedAt: now }
        teams.set(id, changed)
        return Effect.succeedSome(changed)
      }),
    remove: (organizationId, id, keepsLast) =>
      tables.statement(() => {
        if (teamOf(organizationId, id) === undefined) return Effect.succeed("absent" as const)
        if (keepsLast && teamsOf(organizationId).length === 1) return Effect.succeed("last" as const)
        removeTeam(id)
        return Effect.succeed("removed" as const)
      }),
    listMembers: (viewer, id, page) =>
      tables.statement(() =>
        Effect.succeed(
          guarded(organizationTables, viewer, (membership) =>
            Option.map(targetOf(membership, id), (target) => ({
              ...target,
              members: pageBy(
                placesIn(id).flatMap((place) => toTeamMember(place) ?? []),
                ({ member }) => member.id,
                page,
                ({ member }) => [member.email, member.name],
              ),
            })),
          ),
        ),
      ),
    listByMember: (viewer, ref, page) =>
      tables.statement(() =>
        Effect.succeed(
          guarded(organizationTables, viewer, ({ organizationId }) =>
            Option.map(Option.fromUndefinedOr(memberMeant(tables, organizationTables, organizationId, ref)), (member) =>
              pageBy(
                [...teamMembers.values()].flatMap(({ joinedAt, memberId, role, teamId }) => {
                  const team = memberId === member.id ? teams.get(teamId) : undefined
                  return team === undefined ? [] : [{ team, role, joinedAt }]
                }),
                ({ team }) => team.id,
                page,
                ({ team }) => [team.name],
              ),
            ),
          ),
        ),
      ),
    existing: (organizationId, ids) =>
      tables.statement(() =>
        Effect.succeed(
          teamsOf(organizationId)
            .map(idOf)
            .filter((id) => ids.includes(id))
            .sort(),
        ),
      ),
    addMember: ({ organizationId, teamId, memberId, role, limit, now }) =>
      tables.statement(() => {
        const team = teamOf(organizationId, teamId)
        if (team === undefined || members.get(memberId)?.organizationId !== organizationId) {
          return Effect.succeed("absent" as const)
        }
        if (placeIn(team, memberId) !== undefined) return Effect.succeed("exists" as const)
        if (!hasRoom(placesIn(teamId).length, limit)) return Effect.succeed("full" as const)
        teamMembers.set(teamMemberKey(teamId, memberId), { teamId, memberId, organizationId, role, joinedAt: now })
        return Effect.succeed("added" as const)
      }),
    setRoles: (organizationId, teamId, roles) =>
      tables.statement(() => {
        const team = teamOf(organizationId, teamId)
        const earlier = roles.flatMap(({ memberId, role }) => {
          const place = team === undefined ? undefined : placeIn(team, memberId)
          const userId = members.get(memberId)?.userId
          if (place === undefined || userId === undefined) return []
          teamMembers.set(teamMemberKey(teamId, memberId), { ...place, role })
          return [{ memberId, userId, before: place.role }]
        })
        return Effect.succeed(earlier.sort((a, b) => (a.memberId < b.memberId ? -1 : 1)))
      }),
    removeMember: (organizationId, teamId, memberId) =>
      tables.statement(() => {
        const team = teamOf(organizationId, teamId)
        return Effect.succeed(team !== undefined && teamMembers.delete(teamMemberKey(team.id, memberId)))
      }),
  })
})

/**
 * Layer that keeps teams in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<TeamStore, never, MemoryOrganizationTables | MemoryTables> = Layer.effect(
  TeamStore,
  make,
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const idOf = ({ id }: Team): TeamId => id
