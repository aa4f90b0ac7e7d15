/**
 * How invitations and new members come to teams, for organizations that have some: `Teams.layer` fills it.
 *
 * Without teams, no team is found.
 *
 * @since 0.1.0
 */
import type { StoreError } from "@belfry/core/StoreError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { MemberId } from "./Member.ts"
import type { Doer, Membership } from "./Membership.ts"
import type { LimitReached, OrganizationId } from "./Organization.ts"
import type { PermissionMissing } from "./Permission.ts"
import { type TeamAssignment, TeamNotFound, type TeamRoleName } from "./Team.ts"

/**
 * A team and the role there, after the default was put in.
 *
 * @category models
 * @since 0.1.0
 */
export interface AcceptedTeam {
  readonly teamId: TeamAssignment["teamId"]
  readonly role: TeamRoleName
}

/**
 * How invitations and new members come to teams. For use in a transaction that holds the lock of the organization.
 *
 * @category models
 * @since 0.1.0
 */
export interface TeamAssignmentsService {
  /** Fails unless all of them are teams of the organization, with roles that `by` may give; null: trusted code. */
  readonly accept: (options: {
    readonly organizationId: OrganizationId
    readonly by: Membership | null
    readonly teams: ReadonlyArray<TeamAssignment>
  }) => Effect.Effect<ReadonlyArray<AcceptedTeam>, TeamNotFound | PermissionMissing | StoreError>
  /** Puts a member into teams; one that it is in stays as it is, and one that is gone is left out. */
  readonly assign: (options: {
    readonly organizationId: OrganizationId
    readonly memberId: MemberId
    readonly userId: Membership["userId"]
    readonly teams: ReadonlyArray<AcceptedTeam>
    readonly doer: Doer
  }) => Effect.Effect<void, LimitReached | StoreError>
  /** Whether an organization begins with a team, so that making one is more than one statement. */
  readonly begins: boolean
  /**
   * Makes the team that an organization begins with, where the settings name one: after what tells of its beginning.
   */
  readonly begin: (options: {
    readonly organizationId: OrganizationId
    readonly memberId: MemberId
    readonly userId: Membership["userId"]
    readonly doer: Doer
  }) => Effect.Effect<void, StoreError>
}

/**
 * How invitations and new members come to teams.
 *
 * @category services
 * @since 0.1.0
 */
export const TeamAssignments = Context.Reference<TeamAssignmentsService>("@belfry/organization/TeamAssignments", {
  defaultValue: () => ({
    accept: ({ teams }) => (teams.length === 0 ? Effect.succeed([]) : Effect.fail(new TeamNotFound({ what: "team" }))),
    assign: () => Effect.void,
    begins: false,
    begin: () => Effect.void,
  }),
})
