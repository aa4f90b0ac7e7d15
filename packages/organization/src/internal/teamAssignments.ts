/**
 * How invitations and new members come to teams, where a host has some.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Membership } from "../Membership.ts"
import { OrganizationSettings } from "../OrganizationSettings.ts"
import { TeamNotFound } from "../Team.ts"
import type { AcceptedTeam, TeamAssignmentsService } from "../TeamAssignments.ts"
import { TeamStore } from "../TeamStore.ts"
import * as Access from "./access.ts"
import { defaultTeamRole, teamEscalation, within } from "./teamAccess.ts"
import * as TeamPlaces from "./teamPlaces.ts"

export const makeAssignments = Effect.gen(function* () {
  const store = yield* TeamStore
  const { rules } = yield* Access.make
  const places = yield* TeamPlaces.make
  const settings = yield* OrganizationSettings

  /** Why somebody may not give a role in a team. Their own role there is looked up only where it matters. */
  const refusal = Effect.fnUntraced(function* (by: Membership, { teamId, role }: AcceptedTeam) {
    if (teamEscalation(by, [role], rules) === undefined) return undefined
    const found = yield* store.find({ userId: by.userId, organization: by.organizationId }, teamId)
    const target = Option.getOrUndefined(Option.flatMap(found, ({ value }) => value))
    return teamEscalation(within(by, target?.viewerRole ?? null, rules), [role], rules)
  })

  const service: TeamAssignmentsService = {
    accept: Effect.fnUntraced(function* ({ organizationId, by, teams }) {
      if (teams.length === 0) return []
      const asked = new Map(teams.map(({ teamId, role = defaultTeamRole(rules) }) => [teamId, role]))
      const present = yield* store.existing(organizationId, [...asked.keys()])
      if (present.length < asked.size) return yield* new TeamNotFound({ what: "team" })
      if (![...asked.values()].every((role) => rules.teamRoles.has(role))) {
        return yield* new TeamNotFound({ what: "team-role" })
      }
      const accepted = [...asked].map(([teamId, role]) => ({ teamId, role }))
      if (by !== null) {
        for (const team of accepted) {
          const why = yield* refusal(by, team)
          if (why !== undefined) return yield* why
        }
      }
      return accepted
    }),
    assign: Effect.fnUntraced(function* ({ organizationId, memberId, userId, teams, doer }) {
      const added: Array<TeamPlaces.Place> = []
      for (const { teamId, role } of teams) {
        const place = { organizationId, teamId, memberId, userId, role }
        if ((yield* places.put(place)) === "added") added.push(place)
      }
      yield* places.recordAdditions(added, doer)
    }),
    begins: settings.teams.defaultTeam !== null,
    begin: Effect.fnUntraced(function* ({ doer, ...founder }) {
      const { defaultTeam } = settings.teams
      if (defaultTeam === null) return
      yield* places.found(founder, defaultTeam, null, doer)
    }),
  }
  return service
})
