/**
 * The one way to a team: who somebody is within it, and changes under the lock of its organization.
 */
import type { StoreError } from "@belfry/core/StoreError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { MemberId } from "../Member.ts"
import type { Actor, Guarded, Membership } from "../Membership.ts"
import type { OrganizationId, OrganizationNotFound, OrganizationRef } from "../Organization.ts"
import type { OrganizationAction } from "../OrganizationActions.ts"
import type { PermissionMissing } from "../Permission.ts"
import { type Team, type TeamId, type TeamMember, TeamNotFound, type TeamRoleName } from "../Team.ts"
import { TeamStore, type TeamTarget } from "../TeamStore.ts"
import * as Access from "./access.ts"
import * as Changes from "./changes.ts"
import * as Locked from "./locked.ts"
import { teamEscalation, within } from "./teamAccess.ts"

/** What a change in a team starts from: the caller as they are in it, and the member that it is about. */
export interface TeamScene {
  readonly organizationId: OrganizationId
  readonly membership: Membership
  readonly team: Team
  readonly member: TeamMember | null
  readonly doer: Changes.Doer
}

/** A guarded read of a team. */
type Found<A extends TeamTarget> = Effect.Effect<Option.Option<Guarded<Option.Option<A>>>, StoreError>

/** What the way to a team may fail with. */
type NoWay = OrganizationNotFound | PermissionMissing | TeamNotFound | StoreError

/** What was found; fails where there is no such team. */
export const there = <A>(found: Option.Option<A>): Effect.Effect<A, TeamNotFound> =>
  Option.isSome(found) ? Effect.succeed(found.value) : Effect.fail(new TeamNotFound({ what: "team" }))

/** Over the stores, by the rules of the host. */
export const make = Effect.gen(function* () {
  const store = yield* TeamStore
  const access = yield* Access.make
  const locked = yield* Locked.make
  const { rules } = access

  /** The caller as they are within a team. */
  const inside = (membership: Membership, target: Option.Option<TeamTarget>): Membership =>
    within(membership, Option.isSome(target) ? target.value.viewerRole : null, rules)

  /** The caller as they are within the team that was read, of a member of the organization. */
  const look = Effect.fnUntraced(function* <A extends TeamTarget>(found: Found<A>) {
    const { membership, value } = yield* access.open(yield* found)
    return { membership: inside(membership, value), value }
  })

  return {
    /** The caller as they are within a team that is there. */
    membership: <A extends TeamTarget>(
      found: Found<A>,
    ): Effect.Effect<Membership, OrganizationNotFound | TeamNotFound | StoreError> =>
      Effect.flatMap(look(found), ({ membership, value }) => Effect.as(there(value), membership)),
    /** What was read of a team, for a member who may do this there. */
    read: <A extends TeamTarget>(action: OrganizationAction, found: Found<A>): Effect.Effect<A, NoWay> =>
      Effect.flatMap(look(found), ({ membership, value }) =>
        Effect.andThen(access.authorize(membership, action), there(value)),
      ),
    /** A change in a team that is there; `isAllowed` is for those who may without a permission. */
    change: <B, E>(
      asked: {
        readonly actor: Actor
        readonly organization: OrganizationRef
        readonly id: TeamId
        readonly action: OrganizationAction
        readonly memberId?: MemberId
        readonly isAllowed?: (membership: Membership) => boolean
      },
      change: (scene: TeamScene) => Effect.Effect<B, E>,
    ): Effect.Effect<B, E | NoWay> => {
      const { actor, organization, id, action, memberId, isAllowed = () => false } = asked
      return locked.inOrganization(
        {
          actor,
          organization,
          action,
          read: (viewer) => store.find(viewer, id, memberId),
          authorize: ({ membership, value }) =>
            isAllowed(membership) ? Effect.void : access.authorize(inside(membership, value), action),
        },
        ({ organizationId, membership, value }) =>
          Effect.flatMap(there(value), ({ team, member }) =>
            change({
              organizationId,
              membership: inside(membership, value),
              team,
              member,
              doer: Changes.doerOf(actor),
            }),
          ),
      )
    },
    /** Fails where somebody would give or take a role in a team that has more than they have there. */
    refuseEscalation: (
      membership: Membership,
      roles: Iterable<TeamRoleName>,
    ): Effect.Effect<void, PermissionMissing> => {
      const refusal = teamEscalation(membership, roles, rules)
      return refusal === undefined ? Effect.void : Effect.fail(refusal)
    },
    /** Fails where the host has no such role in teams. */
    requireKnown: (roles: ReadonlyArray<TeamRoleName>): Effect.Effect<void, TeamNotFound> =>
      roles.every((role) => rules.teamRoles.has(role))
        ? Effect.void
        : Effect.fail(new TeamNotFound({ what: "team-role" })),
  }
})
