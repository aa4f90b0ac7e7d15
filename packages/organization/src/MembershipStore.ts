/**
 * Port: who is a member of what, for every decision about access; and which organization a session acts for.
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
import type { MemberId } from "./Member.ts"
import type { StoredMembership, Viewer } from "./Membership.ts"
import type { OrganizationId, OrganizationRef } from "./Organization.ts"

/**
 * What stands behind the organization that a session acts for.
 *
 * @category models
 * @since 0.1.0
 */
export type ActiveSource = "session" | "last-used" | "only"

/**
 * An organization that is locked until the transaction ends.
 *
 * @category models
 * @since 0.1.0
 */
export interface LockedOrganization {
  readonly id: OrganizationId
  readonly deletedAt: DateTime.Utc | null
}

/**
 * Who is a member of what. Organizations that are deleted have no members here.
 *
 * @category ports
 * @since 0.1.0
 */
export class MembershipStore extends Context.Service<
  MembershipStore,
  {
    /** The membership of a user. One statement, whose cost does not grow with members or organizations. */
    readonly find: (viewer: Viewer) => Effect.Effect<Option.Option<StoredMembership>, StoreError>
    /** The same in an organization that is deleted and not yet gone, for restoring it. */
    readonly findDeleted: (viewer: Viewer) => Effect.Effect<Option.Option<StoredMembership>, StoreError>
    /**
     * The membership that a session acts by: its default, else the one that the user chose last, else the only one. One
     * statement.
     */
    readonly findActive: (options: {
      readonly userId: UserId
      readonly sessionId: SessionId
    }) => Effect.Effect<
      Option.Option<{ readonly membership: StoredMembership; readonly source: ActiveSource }>,
      StoreError
    >
    /**
     * Locks an organization, deleted or not, until the transaction ends: whoever changes anything in it waits here, and
     * what is read afterwards is not changed by others any more. Whoever read its version before finds another. With
     * `memberUserId`, none where that user is no member: outsiders hold up nobody.
     */
    readonly lock: (
      organization: OrganizationRef,
      memberUserId: UserId | null,
    ) => Effect.Effect<Option.Option<LockedOrganization>, StoreError>
    /**
     * Makes a membership the default of a session, if that is not over, and the one used last. False when the
     * membership is gone.
     */
    readonly setActive: (options: {
      readonly sessionId: SessionId
      readonly memberId: MemberId
      readonly now: DateTime.Utc
    }) => Effect.Effect<boolean, StoreError>
    /** Leaves a session without a default. */
    readonly clearActive: (sessionId: SessionId) => Effect.Effect<void, StoreError>
  }
>()("@belfry/organization/MembershipStore") {}
