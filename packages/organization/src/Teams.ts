/**
 * Teams of an organization: a host may do without them.
 *
 * @since 0.1.0
 */
import type { StoreError } from "@belfry/core/StoreError"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Access from "./internal/access.ts"
import * as Changes from "./internal/changes.ts"
import { searchingPeople, storePage, toPage } from "./internal/cursors.ts"
import { evaluate } from "./internal/limits.ts"
import * as Locked from "./internal/locked.ts"
import { defaultTeamRole } from "./internal/teamAccess.ts"
import { makeAssignments } from "./internal/teamAssignments.ts"
import * as TeamPlaces from "./internal/teamPlaces.ts"
import * as TeamScenes from "./internal/teamScenes.ts"
import { type MemberId, MemberNotFound, type MemberRef } from "./Member.ts"
import { type Actor, type Membership, missing } from "./Membership.ts"
import { MembershipStore } from "./MembershipStore.ts"
import { type DeletionRefused, LimitReached, type OrganizationNotFound, type OrganizationRef } from "./Organization.ts"
import { OrganizationHooks } from "./OrganizationHooks.ts"
import type { Denied } from "./Organizations.ts"
import { OrganizationSettings } from "./OrganizationSettings.ts"
import type { ListOptions, Page } from "./Page.ts"
import type { Permission } from "./Permission.ts"
import {
  LastTeam,
  type Team,
  type TeamId,
  type TeamMember,
  TeamNotFound,
  type TeamOfMember,
  type TeamRoleName,
} from "./Team.ts"
import { TeamAssignments } from "./TeamAssignments.ts"
import { TeamStore } from "./TeamStore.ts"

/**
 * Teams, as those see and change them who may: by a role in the organization, or by one in the team.
 *
 * @category services
 * @since 0.1.0
 */
export class Teams extends Context.Service<
  Teams,
  {
    /** Oldest first. `search`: how the name begins. */
    readonly list: (
      actor: Actor,
      organization: OrganizationRef,
      options?: ListOptions,
    ) => Effect.Effect<Page<Team>, Denied>
    readonly get: (
      actor: Actor,
      organization: OrganizationRef,
      id: TeamId,
    ) => Effect.Effect<Team, Denied | TeamNotFound>
    /** Makes a team; its maker leads it, unless the settings say otherwise. */
    readonly create: (
      actor: Actor,
      organization: OrganizationRef,
      team: { readonly name: string },
    ) => Effect.Effect<Team, Denied | LimitReached>
    readonly update: (
      actor: Actor,
      organization: OrganizationRef,
      id: TeamId,
      patch: { readonly name: string },
    ) => Effect.Effect<Team, Denied | TeamNotFound>
    /** Deletes a team, unless the host's hook refuses; open invitations lose it. */
    readonly remove: (
      actor: Actor,
      organization: OrganizationRef,
      id: TeamId,
    ) => Effect.Effect<void, Denied | TeamNotFound | LastTeam | DeletionRefused>
    readonly members: (
      actor: Actor,
      organization: OrganizationRef,
      id: TeamId,
      options?: ListOptions,
    ) => Effect.Effect<Page<TeamMember>, Denied | TeamNotFound>
    /** Which of `permissions` the actor lacks within a team: those of the organization and of the role there count. */
    readonly missing: (
      actor: Actor,
      organization: OrganizationRef,
      id: TeamId,
      permissions: ReadonlyArray<Permission>,
    ) => Effect.Effect<ReadonlyArray<Permission>, OrganizationNotFound | TeamNotFound | StoreError>
    /** The teams of a member. One's own need no permission. */
    readonly ofMember: (
      actor: Actor,
      organization: OrganizationRef,
      member: MemberRef,
      options?: ListOptions,
    ) => Effect.Effect<Page<TeamOfMember>, Denied | MemberNotFound>
    /** Adds a member of the organization; one that is in the team stays as it is. */
    readonly addMember: (
      actor: Actor,
      organization: OrganizationRef,
      id: TeamId,
      options: { readonly memberId: MemberId; readonly role?: TeamRoleName | undefined },
    ) => Effect.Effect<TeamMember, Denied | TeamNotFound | MemberNotFound | LimitReached>
    /** Sets roles in a team, all or none; at most 100 at a time. */
    readonly setRoles: (
      actor: Actor,
      organization: OrganizationRef,
      id: TeamId,
      roles: ReadonlyArray<{ readonly memberId: MemberId; readonly role: TeamRoleName }>,
    ) => Effect.Effect<void, Denied | TeamNotFound | MemberNotFound>
    /** Takes a member out of a team. Leaving by oneself needs no permission. */
    readonly removeMember: (
      actor: Actor,
      organization: OrganizationRef,
      id: TeamId,
      memberId: MemberId,
    ) => Effect.Effect<void, Denied | TeamNotFound>
  }
>()("@belfry/organization/Teams") {}

/**
 * Builds the service over the stores.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const store = yield* TeamStore
  const memberships = yield* MembershipStore
  const hooks = yield* OrganizationHooks
  const settings = yield* OrganizationSettings
  const access = yield* Access.make
  const changes = yield* Changes.make
  const locked = yield* Locked.make
  const scenes = yield* TeamScenes.make
  const places = yield* TeamPlaces.make

  return Teams.of({
    list: Effect.fn("Teams.list")(function* (actor, organization, options) {
      const page = storePage(options)
      const { value } = yield* access.read("teams.list", store.list({ userId: actor.user.id, organization }, page))
      return toPage(value, page, ({ id }) => id)
    }),
    get: Effect.fn("Teams.get")(function* (actor, organization, id) {
      return (yield* scenes.read("teams.get", store.find({ userId: actor.user.id, organization }, id))).team
    }),
    create: Effect.fn("Teams.create")((actor, organization, { name }) =>
      locked.inOrganization(
        { actor, organization, action: "teams.create", read: (viewer) => Access.alone(memberships.find(viewer)) },
        Effect.fnUntraced(function* ({ organizationId, membership: { memberId, userId } }) {
          const limit = yield* evaluate(settings.limits.teams, { organizationId })
          const founder = { organizationId, memberId, userId }
          const team = yield* places.found(founder, name, limit, Changes.doerOf(actor))
          return team === "full" ? yield* new LimitReached({ limit: "teams", maximum: limit ?? 0 }) : team
        }),
      ),
    ),
    update: Effect.fn("Teams.update")((actor, organization, id, { name }) =>
      scenes.change(
        { actor, organization, id, action: "teams.update" },
        Effect.fnUntraced(function* ({ organizationId, team, doer }) {
          if (team.name === name) return team
          const changed = yield* TeamScenes.there(yield* store.update(organizationId, id, name, yield* DateTime.now))
          yield* changes.record({
            type: "organization-team.updated",
            organizationId,
            doer,
            before: { name: team.name },
            after: { name },
            data: { teamId: id },
            events: [{ _tag: "TeamUpdated", teamId: id, name }],
          })
          return changed
        }),
      ),
    ),
    remove: Effect.fn("Teams.remove")((actor, organization, id) =>
      scenes.change(
        { actor, organization, id, action: "teams.remove" },
        Effect.fnUntraced(function* ({ organizationId, team, doer }) {
          yield* hooks.beforeTeamDeletion({ organizationId, teamId: id })
          const outcome = yield* store.remove(organizationId, id, settings.teams.keepsLast)
          if (outcome === "absent") return yield* new TeamNotFound({ what: "team" })
          if (outcome === "last") return yield* new LastTeam()
          yield* changes.record({
            type: "organization-team.deleted",
            organizationId,
            doer,
            before: { name: team.name },
            data: { teamId: id },
            events: [{ _tag: "TeamDeleted", teamId: id }],
          })
        }),
      ),
    ),
    members: Effect.fn("Teams.members")(function* (actor, organization, id, options) {
      const page = searchingPeople(storePage(options))
      const found = store.listMembers({ userId: actor.user.id, organization }, id, page)
      const { members } = yield* scenes.read("teams.members", found)
      return toPage(members, page, ({ member }) => member.id)
    }),
    missing: Effect.fn("Teams.missing")(function* (actor, organization, id, permissions) {
      const found = store.find({ userId: actor.user.id, organization }, id)
      return missing(yield* scenes.membership(found), permissions)
    }),
    ofMember: Effect.fn("Teams.ofMember")(function* (actor, organization, ref, options) {
      const page = storePage(options)
      const found = yield* store.listByMember({ userId: actor.user.id, organization }, ref, page)
      const { membership, value } = yield* access.open(found)
      if (!isSelf(actor, membership, ref)) yield* access.authorize(membership, "teams.ofMember")
      if (Option.isNone(value)) return yield* new MemberNotFound()
      return toPage(value.value, page, ({ team }) => team.id)
    }),
    addMember: Effect.fn("Teams.addMember")(
      (actor, organization, id, { memberId, role = defaultTeamRole(access.rules) }) =>
        scenes.change(
          { actor, organization, id, memberId, action: "teams.addMember" },
          Effect.fnUntraced(function* ({ organizationId, membership, member, doer }) {
            yield* scenes.requireKnown([role])
            // Nothing is given to whoever has a place.
            if (member !== null) return member
            yield* scenes.refuseEscalation(membership, [role])
            if ((yield* places.put({ organizationId, teamId: id, memberId, role })) === "absent") {
              return yield* new MemberNotFound()
            }
            const viewer = { userId: actor.user.id, organization: organizationId }
            const added = (yield* TeamScenes.there((yield* access.open(yield* store.find(viewer, id, memberId))).value))
              .member
            if (added === null) return yield* new MemberNotFound()
            const { userId } = added.member
            yield* places.recordAdditions([{ organizationId, teamId: id, memberId, userId, role }], doer)
            return added
          }),
        ),
    ),
    setRoles: Effect.fn("Teams.setRoles")((actor, organization, id, roles) =>
      scenes.change(
        { actor, organization, id, action: "teams.setRoles" },
        Effect.fnUntraced(function* ({ organizationId, membership, doer }) {
          // Of two roles for one member the last counts.
          const asked = new Map(roles.map(({ memberId, role }) => [memberId, role]))
          yield* scenes.requireKnown([...asked.values()])
          const list = [...asked].map(([memberId, role]) => ({ memberId, role }))
          // What each had before is known when it is changed: a refusal now undoes it.
          const earlier = yield* store.setRoles(organizationId, id, list)
          if (earlier.length < asked.size) return yield* new MemberNotFound()
          const changed = earlier.flatMap(({ before, memberId, userId }) => {
            const after = asked.get(memberId) ?? before
            return after === before ? [] : [{ memberId, userId, before, after }]
          })
          yield* scenes.refuseEscalation(
            membership,
            changed.flatMap(({ before, after }) => [before, after]),
          )
          const said = changed.map(({ before, after, ...who }): Changes.Change => ({
            type: "organization-team-member.role-changed",
            organizationId,
            doer,
            before: { role: before },
            after: { role: after },
            data: { teamId: id, ...who },
            events: [{ _tag: "TeamMemberRoleChanged", teamId: id, ...who, before, after }],
          }))
          yield* changes.record(...said)
        }),
      ),
    ),
    removeMember: Effect.fn("Teams.removeMember")((actor, organization, id, memberId) =>
      scenes.change(
        {
          actor,
          organization,
          id,
          memberId,
          action: "teams.removeMember",
          isAllowed: (membership) => membership.memberId === memberId,
        },
        Effect.fnUntraced(function* ({ organizationId, membership, member, doer }) {
          if (member === null) return yield* new TeamNotFound({ what: "team-member" })
          if (membership.memberId !== memberId) yield* scenes.refuseEscalation(membership, [member.role])
          yield* store.removeMember(organizationId, id, memberId)
          const { userId } = member.member
          yield* changes.record({
            type: "organization-team-member.removed",
            organizationId,
            doer,
            before: { role: member.role },
            data: { teamId: id, memberId, userId },
            events: [{ _tag: "TeamMemberRemoved", teamId: id, memberId, userId }],
          })
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
export const layer = Layer.effect(Teams, make)

/**
 * Layer by which invitations and new members come to teams.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerAssignments = Layer.effect(TeamAssignments, makeAssignments)

// internal

/** Whether a member that is named is the caller. */
const isSelf = ({ user }: Actor, { memberId }: Membership, ref: MemberRef): boolean => {
  switch (ref._tag) {
    case "Id":
      return ref.id === memberId
    case "Email":
      return ref.email === user.email
    case "User":
      return ref.userId === user.id
  }
}
