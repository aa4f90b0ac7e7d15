/**
 * Members: listed, added, given roles, removed by those who may.
 *
 * @since 0.1.0
 */
import type { UserId } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Access from "./internal/access.ts"
import { doerOf } from "./internal/changes.ts"
import { searchingPeople, storePage, toPage } from "./internal/cursors.ts"
import * as Locked from "./internal/locked.ts"
import * as MemberChanges from "./internal/memberChanges.ts"
import { findRoles, type NamedRoles } from "./internal/roleNames.ts"
import {
  type LastOwner,
  MemberAdditionDisabled,
  MemberNotFound,
  type MemberRef,
  type MemberWithUser,
} from "./Member.ts"
import { MemberStore, type MemberTarget } from "./MemberStore.ts"
import type { Actor, Membership } from "./Membership.ts"
import type { LimitReached, OrganizationRef } from "./Organization.ts"
import type { Denied } from "./Organizations.ts"
import { OrganizationSettings } from "./OrganizationSettings.ts"
import type { ListOptions, Page } from "./Page.ts"
import type { RoleName, RoleNames, RoleNotFound } from "./Role.ts"
import { RoleStore } from "./RoleStore.ts"
import type { TeamAssignment, TeamNotFound } from "./Team.ts"
import { TeamAssignments } from "./TeamAssignments.ts"

/**
 * Members, as those see and change them who may. Nobody gives or takes what they lack themselves (`escalation`).
 *
 * @category services
 * @since 0.1.0
 */
export class Members extends Context.Service<
  Members,
  {
    /** Oldest first; those with a role, when given. `search`: how address or name begins, from 2 characters on. */
    readonly list: (
      actor: Actor,
      organization: OrganizationRef,
      options?: ListOptions & { readonly role?: RoleName | undefined },
    ) => Effect.Effect<Page<MemberWithUser>, Denied>
    readonly get: (
      actor: Actor,
      organization: OrganizationRef,
      member: MemberRef,
    ) => Effect.Effect<MemberWithUser, Denied | MemberNotFound>
    /**
     * Makes somebody a member without asking them, where the settings let it. A member stays as it is, and joins the
     * teams.
     */
    readonly add: (
      actor: Actor,
      organization: OrganizationRef,
      options: {
        readonly userId: UserId
        readonly roles: RoleNames
        readonly teams?: ReadonlyArray<TeamAssignment> | undefined
      },
    ) => Effect.Effect<
      MemberWithUser,
      Denied | MemberAdditionDisabled | MemberNotFound | RoleNotFound | TeamNotFound | LimitReached
    >
    /** Replaces the roles of a member. */
    readonly setRoles: (
      actor: Actor,
      organization: OrganizationRef,
      member: MemberRef,
      roles: RoleNames,
    ) => Effect.Effect<MemberWithUser, Denied | MemberNotFound | RoleNotFound | LastOwner>
    /** Ends a membership: in all sessions and teams at once. */
    readonly remove: (
      actor: Actor,
      organization: OrganizationRef,
      member: MemberRef,
    ) => Effect.Effect<void, Denied | MemberNotFound | LastOwner>
  }
>()("@belfry/organization/Members") {}

/**
 * Builds the service over the stores.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const store = yield* MemberStore
  const roleStore = yield* RoleStore
  const users = yield* Users
  const settings = yield* OrganizationSettings
  const assignments = yield* TeamAssignments
  const access = yield* Access.make
  const locked = yield* Locked.make
  const changes = yield* MemberChanges.make

  /** What somebody gives a member beside what the member has: each of it must be theirs. */
  const refuseEscalation = (membership: Membership, target: MemberTarget | null, given: NamedRoles | null) => {
    const held = target === null ? null : access.resolve(target.membership)
    return access.refuseEscalation(membership, {
      roles: [...(held?.roles ?? []), ...(given?.names ?? [])],
      permissions: new Set([...(held?.permissions ?? []), ...(given?.permissions ?? [])]),
    })
  }

  return Members.of({
    list: Effect.fn("Members.list")(function* (actor, organization, options = {}) {
      const place = searchingPeople(storePage(options))
      const { value } = yield* access.read(
        "members.list",
        store.list({ userId: actor.user.id, organization }, { ...place, role: options.role ?? null }),
      )
      return toPage(value, place, ({ id }) => id)
    }),
    get: Effect.fn("Members.get")(function* (actor, organization, ref) {
      const found = yield* store.find({ userId: actor.user.id, organization }, ref)
      const { membership, value } = yield* access.open(found)
      const isOneself = Option.isSome(value) && value.value.member.userId === actor.user.id
      if (!isOneself) yield* access.authorize(membership, "members.get")
      return Option.isSome(value) ? value.value.member : yield* new MemberNotFound()
    }),
    add: Effect.fn("Members.add")((actor, organization, { userId, roles, teams = [] }) =>
      locked.inOrganization(
        {
          actor,
          organization,
          action: "members.add",
          read: (viewer) => store.find(viewer, { _tag: "User", userId }),
        },
        Effect.fnUntraced(function* ({ organizationId, membership, value: present }) {
          if (!settings.addsMembersDirectly) return yield* new MemberAdditionDisabled()
          const user = yield* Effect.catchTag(users.get(userId), "UserNotFound", () =>
            Effect.fail(new MemberNotFound()),
          )
          const given = yield* findRoles({ rules: access.rules, store: roleStore }, organizationId, roles)
          const accepted = yield* assignments.accept({ organizationId, by: membership, teams })
          yield* refuseEscalation(membership, null, given)
          const doer = doerOf(actor)
          return yield* changes.add({ organizationId, user, present, roles: given, teams: accepted, doer })
        }),
      ),
    ),
    setRoles: Effect.fn("Members.setRoles")((actor, organization, ref, roles) =>
      locked.inOrganization(
        {
          actor,
          organization,
          action: "members.setRoles",
          read: (viewer) => store.find(viewer, ref),
          audits: "organization-member.roles-changed",
        },
        Effect.fnUntraced(function* ({ organizationId, membership, value: target }) {
          if (Option.isNone(target)) return yield* new MemberNotFound()
          const given = yield* findRoles({ rules: access.rules, store: roleStore }, organizationId, roles)
          yield* refuseEscalation(membership, target.value, given)
          return yield* changes.setRoles(target.value, given, doerOf(actor))
        }),
      ),
    ),
    remove: Effect.fn("Members.remove")((actor, organization, ref) =>
      locked.inOrganization(
        {
          actor,
          organization,
          action: "members.remove",
          read: (viewer) => store.find(viewer, ref),
          audits: "organization-member.removed",
        },
        Effect.fnUntraced(function* ({ membership, value: target }) {
          if (Option.isNone(target)) return yield* new MemberNotFound()
          yield* refuseEscalation(membership, target.value, null)
          const reason = target.value.member.userId === actor.user.id ? "left" : "removed"
          yield* changes.remove(target.value, reason, doerOf(actor))
        }),
      ),
    ),
  })
})

/**
 * Layer of the service.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(Members, make)
