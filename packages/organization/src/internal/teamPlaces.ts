/**
 * Places in teams, as services give them: with what the host allows, and with what is left behind in log and outbox.
 */
import type { StoreError } from "@belfry/core/StoreError"
import type { UserId } from "@belfry/core/User"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { MemberId } from "../Member.ts"
import { LimitReached, type OrganizationId } from "../Organization.ts"
import { OrganizationSettings } from "../OrganizationSettings.ts"
import { type Team, TeamId, type TeamRoleName } from "../Team.ts"
import { TeamStore } from "../TeamStore.ts"
import * as Changes from "./changes.ts"
import { evaluate } from "./limits.ts"
import { lead } from "./teamAccess.ts"

/** A place in a team that somebody is to have. */
export interface Place {
  readonly organizationId: OrganizationId
  readonly teamId: TeamId
  readonly memberId: MemberId
  readonly userId: UserId
  readonly role: TeamRoleName
}

/** Who founds a team: their place in the organization. */
export type Founder = Pick<Place, "organizationId" | "memberId" | "userId">

/** Gives places in teams. */
export type TeamPlaces = Effect.Success<typeof make>

/** For use in a transaction that holds the lock of the organization. */
export const make = Effect.gen(function* () {
  const store = yield* TeamStore
  const settings = yield* OrganizationSettings
  const random = yield* SecureRandom.SecureRandom
  const changes = yield* Changes.make

  /** Puts a member into a team. `exists`: as it was; `absent`: the team is gone, or the member. */
  const put = Effect.fnUntraced(function* ({
    organizationId,
    teamId,
    memberId,
    role,
  }: Omit<Place, "userId">): Effect.fn.Return<"added" | "exists" | "absent", LimitReached | StoreError> {
    const limit = yield* evaluate(settings.limits.teamMembers, { organizationId, teamId })
    const now = yield* DateTime.now
    const outcome = yield* store.addMember({ organizationId, teamId, memberId, role, limit, now })
    return outcome === "full" ? yield* new LimitReached({ limit: "team-members", maximum: limit ?? 0 }) : outcome
  })

  return {
    put,
    /** Records that somebody has these places now. */
    recordAdditions: (places: ReadonlyArray<Place>, doer: Changes.Doer) =>
      changes.record(...places.map((place) => additionOf(place, doer))),
    /**
     * Keeps a new team unless there are `limit`. Its founder leads it where the settings say so: the first has room.
     */
    found: Effect.fnUntraced(function* (
      founder: Founder,
      name: string,
      limit: number | null,
      doer: Changes.Doer,
    ): Effect.fn.Return<Team | "full", StoreError> {
      const { organizationId } = founder
      const now = yield* DateTime.now
      const id = TeamId.make(yield* random.uuidV7())
      const team: Team = { id, organizationId, name, createdAt: now, updatedAt: now }
      if ((yield* store.insert(team, limit)) === "full") return "full"
      const place: Place = { ...founder, teamId: id, role: lead }
      const joins = settings.teams.creatorJoins && (yield* store.addMember({ ...place, limit: null, now })) === "added"
      const creation: Changes.Change = {
        type: "organization-team.created",
        organizationId,
        doer,
        after: { name },
        data: { teamId: id },
        events: [{ _tag: "TeamCreated", teamId: id, name }],
      }
      yield* changes.record(creation, ...(joins ? [additionOf(place, doer)] : []))
      return team
    }),
  }
})

// internal

const additionOf = ({ memberId, organizationId, role, teamId, userId }: Place, doer: Changes.Doer): Changes.Change => ({
  type: "organization-team-member.added",
  organizationId,
  doer,
  after: { role },
  data: { teamId, memberId, userId },
  events: [{ _tag: "TeamMemberAdded", teamId, memberId, userId, role }],
})
