/**
 * Port: where members are kept. Calls that change something are for a transaction that holds the lock of the
 * organization.
 *
 * @since 0.1.0
 */
import type { SessionId } from "@belfry/core/Session"
import type { StoreError } from "@belfry/core/StoreError"
import type { UserId } from "@belfry/core/User"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { MemberId, MemberRef, MemberWithUser } from "./Member.ts"
import type { Guarded, StoredMembership, Viewer } from "./Membership.ts"
import type { OrganizationId } from "./Organization.ts"
import type { StorePage } from "./Page.ts"
import type { RoleAssignment, RoleName } from "./Role.ts"

/**
 * A member whom a call is about: what others see, and what they may do.
 *
 * @category models
 * @since 0.1.0
 */
export interface MemberTarget {
  readonly member: MemberWithUser
  readonly membership: StoredMembership
}

/**
 * Where members are kept. A user is a member of an organization once, and an organization has an owner, whatever
 * happens at the same time.
 *
 * @category ports
 * @since 0.1.0
 */
export class MemberStore extends Context.Service<
  MemberStore,
  {
    /** Members, oldest first; those with a role, when given. `search` is of address and name. One statement. */
    readonly list: (
      viewer: Viewer,
      page: StorePage & { readonly role: RoleName | null },
    ) => Effect.Effect<Option.Option<Guarded<ReadonlyArray<MemberWithUser>>>, StoreError>
    /** One member. One statement. */
    readonly find: (
      viewer: Viewer,
      ref: MemberRef,
    ) => Effect.Effect<Option.Option<Guarded<Option.Option<MemberTarget>>>, StoreError>
    /** One member, for trusted code. */
    readonly get: (
      organizationId: OrganizationId,
      ref: MemberRef,
    ) => Effect.Effect<Option.Option<MemberTarget>, StoreError>
    /** Members, oldest first, for trusted code; those with a role, when given. */
    readonly listAll: (
      organizationId: OrganizationId,
      page: StorePage & { readonly role?: RoleName | null },
    ) => Effect.Effect<ReadonlyArray<MemberWithUser>, StoreError>
    /**
     * Keeps a member with roles and counts it, unless there are `limit` already (null: no limit). The membership
     * becomes the default of the session and is used from now on, where one is given that is there. `absent`: there is
     * no such user, or one who is just being deleted. One statement.
     */
    readonly insert: (options: {
      readonly id: MemberId
      readonly organizationId: OrganizationId
      readonly userId: UserId
      readonly roles: RoleAssignment
      readonly limit: number | null
      readonly sessionId?: SessionId | null | undefined
      readonly now: DateTime.Utc
    }) => Effect.Effect<"kept" | "exists" | "full" | "absent", StoreError>
    /** Replaces the roles of a member. `last-owner`: nobody would own the organization then, and nothing changed. */
    readonly setRoles: (options: {
      readonly organizationId: OrganizationId
      readonly memberId: MemberId
      readonly roles: RoleAssignment
      readonly now: DateTime.Utc
    }) => Effect.Effect<"kept" | "last-owner" | "absent", StoreError>
    /** Removes a member: from teams and as the default of sessions, too. */
    readonly remove: (
      organizationId: OrganizationId,
      memberId: MemberId,
    ) => Effect.Effect<"removed" | "last-owner" | "absent", StoreError>
    /** Makes `to` an owner and gives `from` the roles `keeps`, in one statement. False when either is gone. */
    readonly transfer: (options: {
      readonly organizationId: OrganizationId
      readonly from: MemberId
      readonly to: MemberId
      readonly keeps: RoleAssignment
      readonly now: DateTime.Utc
    }) => Effect.Effect<boolean, StoreError>
    /** The organizations that a user is in, deleted ones too, by id: the order in which they are to be locked. */
    readonly listOrganizations: (userId: UserId) => Effect.Effect<ReadonlyArray<OrganizationId>, StoreError>
  }
>()("@belfry/organization/MemberStore") {}
