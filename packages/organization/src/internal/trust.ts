/**
 * What code that is trusted does without asking who may.
 */
import type { StoreError } from "@belfry/core/StoreError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { OrganizationId } from "../Organization.ts"
import type { TeamAssignment, TeamNotFound } from "../Team.ts"
import type { AcceptedTeam, TeamAssignmentsService } from "../TeamAssignments.ts"

/** What was found. */
export const orFail = <A, E, F>(found: Effect.Effect<Option.Option<A>, E>, failure: () => F): Effect.Effect<A, E | F> =>
  Effect.flatMap(found, (option) => (Option.isSome(option) ? Effect.succeed(option.value) : Effect.fail(failure())))

/** Teams that are there, with roles that are there. */
export const acceptInTrust = (
  assignments: TeamAssignmentsService,
  organizationId: OrganizationId,
  teams: ReadonlyArray<TeamAssignment>,
): Effect.Effect<ReadonlyArray<AcceptedTeam>, TeamNotFound | StoreError> =>
  Effect.catchTag(
    assignments.accept({ organizationId, by: null, teams }),
    "PermissionMissing",
    // Nobody is asked for a permission where nobody asks.
    (error) => Effect.die(error),
  )
