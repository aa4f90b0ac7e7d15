/**
 * Port: where teams are kept. Calls that change something are for a transaction that holds the lock of the
 * organization.
 *
 * @since 0.1.0
 */
import type { StoreError } from "@belfry/core/StoreError"
import type { UserId } from "@belfry/core/User"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { MemberId, MemberRef } from "./Member.ts"
import type { Guarded, Viewer } from "./Membership.ts"
import type { OrganizationId } from "./Organization.ts"
import type { StorePage } from "./Page.ts"
import type { Team, TeamId, TeamMember, TeamOfMember, TeamRoleName } from "./Team.ts"

/**
 * A team that a call is about, and the role that the viewer has in it.
 *
 * @category models
 * @since 0.1.0
 */
export interface TeamTarget {
  readonly team: Team
  readonly viewerRole: TeamRoleName | null
}

/**
 * Where teams are kept. A member is in a team once, and a team has members of its own organization alone.
 *
 * @category ports
 * @since 0.1.0
 */
export class TeamStore extends Context.Service<
  TeamStore,
  {
    /** Teams, oldest first. `search` is of the name. One statement. */
    readonly list: (
      viewer: Viewer,
      page: StorePage,
    ) => Effect.Effect<Option.Option<Guarded<ReadonlyArray<Team>>>, StoreError>
    /** One team, and one member of it when `memberId` is given. One statement. */
    readonly find: (
      viewer: Viewer,
      id: TeamId,
      memberId?: MemberId,
    ) => Effect.Effect<
      Option.Option<Guarded<Option.Option<TeamTarget & { readonly member: TeamMember | null }>>>,
      StoreError
    >
    readonly insert: (team: Team, limit: number | null) => Effect.Effect<"kept" | "full", StoreError>
    readonly update: (
      organizationId: OrganizationId,
      id: TeamId,
      name: string,
      now: DateTime.Utc,
    ) => Effect.Effect<Option.Option<Team>, StoreError>
    /** Removes a team, from open invitations too. `last`: it is the only one, and `keepsLast`. */
    readonly remove: (
      organizationId: OrganizationId,
      id: TeamId,
      keepsLast: boolean,
    ) => Effect.Effect<"removed" | "last" | "absent", StoreError>
    /** The members of a team, by when they became members of the organization. One statement. */
    readonly listMembers: (
      viewer: Viewer,
      id: TeamId,
      page: StorePage,
    ) => Effect.Effect<
      Option.Option<Guarded<Option.Option<TeamTarget & { readonly members: ReadonlyArray<TeamMember> }>>>,
      StoreError
    >
    /** The teams of a member, oldest first. One statement. */
    readonly listByMember: (
      viewer: Viewer,
      ref: MemberRef,
      page: StorePage,
    ) => Effect.Effect<Option.Option<Guarded<Option.Option<ReadonlyArray<TeamOfMember>>>>, StoreError>
    /** The ids of these that are teams of the organization. */
    readonly existing: (
      organizationId: OrganizationId,
      ids: ReadonlyArray<TeamId>,
    ) => Effect.Effect<ReadonlyArray<TeamId>, StoreError>
    /** Adds a member unless there are `limit` already. `absent`: no such team or member in the organization. */
    readonly addMember: (options: {
      readonly organizationId: OrganizationId
      readonly teamId: TeamId
      readonly memberId: MemberId
      readonly role: TeamRoleName
      readonly limit: number | null
      readonly now: DateTime.Utc
    }) => Effect.Effect<"added" | "exists" | "full" | "absent", StoreError>
    /**
     * Sets roles in a team, each member's once. Those of the members who are in the team, by id, with the role that
     * they had before. One statement.
     */
    readonly setRoles: (
      organizationId: OrganizationId,
      teamId: TeamId,
      roles: ReadonlyArray<{ readonly memberId: MemberId; readonly role: TeamRoleName }>,
    ) => Effect.Effect<
      ReadonlyArray<{ readonly memberId: MemberId; readonly userId: UserId; readonly before: TeamRoleName }>,
      StoreError
    >
    readonly removeMember: (
      organizationId: OrganizationId,
      teamId: TeamId,
      memberId: MemberId,
    ) => Effect.Effect<boolean, StoreError>
  }
>()("@belfry/organization/TeamStore") {}
