/**
 * Organizations, managed by code that is trusted: no permission is asked for, and every invariant holds all the same.
 *
 * @since 0.1.0
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import type { StoreError } from "@belfry/core/StoreError"
import { type Email, type UserId, UserNotFound } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AccessModel } from "./AccessModel.ts"
import * as Changes from "./internal/changes.ts"
import { storePage, toPage } from "./internal/cursors.ts"
import * as Locked from "./internal/locked.ts"
import * as MemberChanges from "./internal/memberChanges.ts"
import * as OrganizationChanges from "./internal/organizationChanges.ts"
import { findRoles } from "./internal/roleNames.ts"
import { acceptInTrust, orFail } from "./internal/trust.ts"
import * as TrustedInvitations from "./internal/trustedInvitations.ts"
import * as TrustedRemovals from "./internal/trustedRemovals.ts"
import type {
  Invitation,
  InvitationClosed,
  InvitationConflict,
  InvitationId,
  InvitationNotFound,
} from "./Invitation.ts"
import { type LastOwner, MemberNotFound, type MemberRef, type MemberWithUser } from "./Member.ts"
import { MemberStore } from "./MemberStore.ts"
import {
  type JsonObject,
  type LimitReached,
  type MetadataInvalid,
  type NewOrganization,
  type OrganizationId,
  OrganizationNotFound,
  type OrganizationPatch,
  type OrganizationRef,
  type SlugTaken,
} from "./Organization.ts"
import { OrganizationStore, type StoredOrganization } from "./OrganizationStore.ts"
import type { ListOptions, Page } from "./Page.ts"
import type { RoleNames, RoleNotFound } from "./Role.ts"
import { RoleStore } from "./RoleStore.ts"
import type { TeamAssignment, TeamNotFound } from "./Team.ts"
import { TeamAssignments } from "./TeamAssignments.ts"

/**
 * For the audit log: who asked for it, none where the host's code does it by itself.
 *
 * @category models
 * @since 0.1.0
 */
export interface By {
  readonly by?: UserId | undefined
  readonly client?: ClientInfo | undefined
}

/**
 * Organizations, managed by code that is trusted: the host's own, the command line, or an administrator's request that
 * was authorized before.
 *
 * **Details**
 *
 * The counterpart of `Organizations`, `Members` and `Invitations`, named otherwise so that nobody reaches past
 * permissions by mistake. Limits within an organization, slugs, the last owner and the form of metadata count here too;
 * who may make organizations, and how many, is asked of people alone. Private metadata is only here.
 *
 * @category services
 * @since 0.1.0
 */
export class TrustedOrganizations extends Context.Service<
  TrustedOrganizations,
  {
    readonly create: (
      organization: NewOrganization & {
        readonly ownerId: UserId
        readonly privateMetadata?: JsonObject | undefined
      } & By,
    ) => Effect.Effect<StoredOrganization, UserNotFound | SlugTaken | MetadataInvalid | StoreError>
    readonly get: (
      organization: OrganizationRef,
    ) => Effect.Effect<StoredOrganization, OrganizationNotFound | StoreError>
    readonly list: (options?: ListOptions) => Effect.Effect<Page<StoredOrganization>, StoreError>
    readonly update: (
      organization: OrganizationRef,
      patch: OrganizationPatch & { readonly privateMetadata?: JsonObject | undefined },
      by?: By,
    ) => Effect.Effect<StoredOrganization, OrganizationNotFound | SlugTaken | MetadataInvalid | StoreError>
    /** Deletes at once and for good, with `purges`; else as an owner does. The host's hook is not asked. */
    readonly remove: (
      organization: OrganizationRef,
      options?: By & { readonly purges?: boolean | undefined },
    ) => Effect.Effect<void, OrganizationNotFound | StoreError>
    readonly restore: (
      organization: OrganizationRef,
      by?: By,
    ) => Effect.Effect<StoredOrganization, OrganizationNotFound | StoreError>
    readonly listMembers: (
      organization: OrganizationRef,
      options?: ListOptions,
    ) => Effect.Effect<Page<MemberWithUser>, OrganizationNotFound | StoreError>
    readonly addMember: (
      organization: OrganizationRef,
      options: By & {
        readonly userId: UserId
        readonly roles: RoleNames
        readonly teams?: ReadonlyArray<TeamAssignment> | undefined
      },
    ) => Effect.Effect<
      MemberWithUser,
      OrganizationNotFound | UserNotFound | RoleNotFound | TeamNotFound | LimitReached | StoreError
    >
    readonly setRoles: (
      organization: OrganizationRef,
      member: MemberRef,
      roles: RoleNames,
      by?: By,
    ) => Effect.Effect<MemberWithUser, OrganizationNotFound | MemberNotFound | RoleNotFound | LastOwner | StoreError>
    readonly removeMember: (
      organization: OrganizationRef,
      member: MemberRef,
      by?: By,
    ) => Effect.Effect<void, OrganizationNotFound | MemberNotFound | LastOwner | StoreError>
    readonly transfer: (
      organization: OrganizationRef,
      options: By & { readonly from: MemberRef; readonly to: MemberRef; readonly keeps?: RoleNames | undefined },
    ) => Effect.Effect<void, OrganizationNotFound | MemberNotFound | RoleNotFound | StoreError>
    readonly invite: (
      organization: OrganizationRef,
      options: By & {
        readonly email: Email
        readonly roles: RoleNames
        readonly teams?: ReadonlyArray<TeamAssignment> | undefined
        readonly lifetime?: Duration.Duration | undefined
      },
    ) => Effect.Effect<
      Invitation,
      OrganizationNotFound | InvitationConflict | RoleNotFound | TeamNotFound | LimitReached | StoreError
    >
    readonly revokeInvitation: (
      organization: OrganizationRef,
      id: InvitationId,
      by?: By,
    ) => Effect.Effect<void, OrganizationNotFound | InvitationNotFound | InvitationClosed | StoreError>
    /** Ends every membership of a user, in the caller's transaction. Fails where the user is the last owner of one. */
    readonly removeUser: (userId: UserId, client: ClientInfo) => Effect.Effect<void, LastOwner | StoreError>
    /** Removes organizations whose time of grace is over, at most 100 at a time; the number. */
    readonly purge: Effect.Effect<number, StoreError>
  }
>()("@belfry/organization/TrustedOrganizations") {}

/**
 * Builds the service over the stores.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const store = yield* OrganizationStore
  const members = yield* MemberStore
  const roles = yield* RoleStore
  const users = yield* Users
  const assignments = yield* TeamAssignments
  const rules = yield* AccessModel
  const locked = yield* Locked.make
  const organizationChanges = yield* OrganizationChanges.make
  const memberChanges = yield* MemberChanges.make
  const removals = yield* TrustedRemovals.make
  const trustedInvitations = yield* TrustedInvitations.make

  const get = (ref: OrganizationRef): Effect.Effect<StoredOrganization, OrganizationNotFound | StoreError> =>
    orFail(store.find(ref), () => new OrganizationNotFound())
  const target = (organizationId: OrganizationId, ref: MemberRef) =>
    orFail(members.get(organizationId, ref), () => new MemberNotFound())
  const named = (organizationId: OrganizationId, names: RoleNames) =>
    findRoles({ rules, store: roles }, organizationId, names)

  return TrustedOrganizations.of({
    ...removals,
    ...trustedInvitations,
    create: Effect.fn("TrustedOrganizations.create")(function* ({ ownerId, by, client, ...input }) {
      const doer = Changes.doerBy({ by, client })
      return (yield* organizationChanges.create(input, { ownerId, doer })).organization
    }),
    get: Effect.fn("TrustedOrganizations.get")(get),
    list: Effect.fn("TrustedOrganizations.list")(function* (options = {}) {
      const place = storePage(options)
      return toPage(yield* store.list(place), place, ({ id }) => id)
    }),
    update: Effect.fn("TrustedOrganizations.update")((organization, patch, by) =>
      locked.inTrust(organization, ({ id }) =>
        Effect.flatMap(get(id), (previous) => organizationChanges.update(previous, patch, Changes.doerBy(by))),
      ),
    ),
    restore: Effect.fn("TrustedOrganizations.restore")((organization, by) =>
      locked.inTrust(
        organization,
        ({ id }) => Effect.flatMap(get(id), (deleted) => organizationChanges.restore(deleted, Changes.doerBy(by))),
        { deleted: true },
      ),
    ),
    listMembers: Effect.fn("TrustedOrganizations.listMembers")(function* (organization, options = {}) {
      const { id } = yield* get(organization)
      const place = storePage(options)
      return toPage(yield* members.listAll(id, place), place, (member) => member.id)
    }),
    addMember: Effect.fn("TrustedOrganizations.addMember")(
      (organization, { userId, roles: names, teams = [], ...by }) =>
        locked.inTrust(
          organization,
          Effect.fnUntraced(function* ({ id: organizationId }) {
            const user = yield* users.get(userId)
            const given = yield* named(organizationId, names)
            const accepted = yield* acceptInTrust(assignments, organizationId, teams)
            const adding = memberChanges.add({
              organizationId,
              user,
              present: yield* members.get(organizationId, { _tag: "User", userId }),
              roles: given,
              teams: accepted,
              doer: Changes.doerBy(by),
            })
            return yield* Effect.catchTag(adding, "MemberNotFound", () => Effect.fail(new UserNotFound({ userId })))
          }),
        ),
    ),
    setRoles: Effect.fn("TrustedOrganizations.setRoles")((organization, member, names, by) =>
      locked.inTrust(
        organization,
        Effect.fnUntraced(function* ({ id }) {
          const found = yield* target(id, member)
          return yield* memberChanges.setRoles(found, yield* named(id, names), Changes.doerBy(by))
        }),
      ),
    ),
    removeMember: Effect.fn("TrustedOrganizations.removeMember")((organization, member, by) =>
      locked.inTrust(organization, ({ id }) =>
        Effect.flatMap(target(id, member), (found) => memberChanges.remove(found, "removed", Changes.doerBy(by))),
      ),
    ),
    transfer: Effect.fn("TrustedOrganizations.transfer")(
      (organization, { from, to, keeps = OrganizationChanges.keptByDefault, ...by }) =>
        locked.inTrust(
          organization,
          Effect.fnUntraced(function* ({ id }) {
            const [former, next] = [yield* target(id, from), yield* target(id, to)]
            const kept = yield* named(id, keeps)
            const handing = { ...former.membership, roles: former.member.roles }
            yield* organizationChanges.transfer({ from: handing, to: next, keeps: kept }, Changes.doerBy(by))
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
export const layer = Layer.effect(TrustedOrganizations, make)
