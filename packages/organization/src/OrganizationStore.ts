/**
 * Port: where organizations are kept.
 *
 * @since 0.1.0
 */
import type { AuditEvent } from "@belfry/core/AuditEvent"
import type { ChangeRecord } from "@belfry/core/ChangeRecord"
import type { SessionId } from "@belfry/core/Session"
import type { StoreError } from "@belfry/core/StoreError"
import type { UserId } from "@belfry/core/User"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { MemberId } from "./Member.ts"
import type { Guarded, StoredMembership, Viewer } from "./Membership.ts"
import type {
  JsonObject,
  Organization,
  OrganizationCounts,
  OrganizationId,
  OrganizationRef,
  Slug,
} from "./Organization.ts"
import type { StorePage } from "./Page.ts"

/**
 * An organization with what only trusted code sees.
 *
 * @category models
 * @since 0.1.0
 */
export interface StoredOrganization extends Organization {
  readonly privateMetadata: JsonObject
}

/**
 * What may change about an organization.
 *
 * @category models
 * @since 0.1.0
 */
export interface StoredPatch {
  readonly name?: string
  readonly slug?: Slug | null
  readonly logo?: string | null
  readonly publicMetadata?: JsonObject
  readonly privateMetadata?: JsonObject
}

/**
 * The first owner of a new organization, and the session that is to act for it.
 *
 * @category models
 * @since 0.1.0
 */
export interface NewOwner {
  readonly id: MemberId
  readonly userId: UserId
  readonly sessionId?: SessionId | null | undefined
}

/**
 * What became of a new organization: it is kept; its slug is somebody else's; or there is no such user.
 *
 * @category models
 * @since 0.1.0
 */
export type OrganizationInsertion = "kept" | "slug-taken" | "absent"

/**
 * Where organizations are kept. A slug belongs to at most one, whatever happens at the same time; an organization that
 * is deleted keeps its own until it is gone.
 *
 * @category ports
 * @since 0.1.0
 */
export class OrganizationStore extends Context.Service<
  OrganizationStore,
  {
    /**
     * Keeps a new organization with its first owner, whose membership becomes the default of the session and is used
     * from now on, where one is given that is there. `absent`: there is no such user, or one who is just being deleted.
     * With it its record, where one is given. One statement.
     */
    readonly insert: (
      organization: StoredOrganization,
      owner: NewOwner,
      record?: ChangeRecord,
    ) => Effect.Effect<OrganizationInsertion, StoreError>
    /** An organization with its counts at `now`, for a member. One statement. */
    readonly get: (
      viewer: Viewer,
      now: DateTime.Utc,
    ) => Effect.Effect<
      Option.Option<Guarded<{ readonly organization: Organization; readonly counts: OrganizationCounts }>>,
      StoreError
    >
    /** An organization, deleted or not, for trusted code. */
    readonly find: (organization: OrganizationRef) => Effect.Effect<Option.Option<StoredOrganization>, StoreError>
    /**
     * The organizations of a user, the one joined last first; those that are deleted and not yet gone, with `deleted`.
     * The place in the list is the id of the member.
     */
    readonly listByUser: (
      userId: UserId,
      page: StorePage & { readonly deleted: boolean },
    ) => Effect.Effect<
      ReadonlyArray<{
        readonly organization: Organization
        readonly membership: StoredMembership
        readonly lastUsedAt: DateTime.Utc | null
      }>,
      StoreError
    >
    /** All organizations, newest first, for trusted code. */
    readonly list: (page: StorePage) => Effect.Effect<ReadonlyArray<StoredOrganization>, StoreError>
    /**
     * How many organizations a user is in, counted up to `upTo`; those too that are deleted and can be restored. Locks
     * the user until the transaction ends: who counts at the same time waits.
     */
    readonly countByUser: (userId: UserId, upTo: number) => Effect.Effect<number, StoreError>
    readonly isSlugTaken: (slug: Slug) => Effect.Effect<boolean, StoreError>
    /** Applies a patch; none when there is no such organization. */
    readonly update: (
      id: OrganizationId,
      patch: StoredPatch,
      now: DateTime.Utc,
    ) => Effect.Effect<Option.Option<StoredOrganization> | "slug-taken", StoreError>
    /**
     * Marks as deleted, and so ends it as what sessions act for, however many members there are. False when it was
     * already.
     */
    readonly markDeleted: (id: OrganizationId, now: DateTime.Utc) => Effect.Effect<boolean, StoreError>
    /**
     * Takes the mark off. Sessions for which nothing else was chosen meanwhile act for the organization again. False
     * when there was no mark.
     */
    readonly restore: (id: OrganizationId, now: DateTime.Utc) => Effect.Effect<boolean, StoreError>
    /** Removes an organization with everything in it, by foreign keys. */
    readonly remove: (id: OrganizationId) => Effect.Effect<boolean, StoreError>
    /**
     * What happened in an organization, newest first; what one user did, when given. `search` is how the type begins,
     * and the place in the list the id of an event. One statement.
     */
    readonly listAuditEvents: (
      viewer: Viewer,
      page: StorePage & { readonly userId: UserId | null },
    ) => Effect.Effect<Option.Option<Guarded<ReadonlyArray<AuditEvent>>>, StoreError>
    /** Removes at most `limit` organizations that were deleted at or before `instant`; their ids. */
    readonly removeDeleted: (
      instant: DateTime.Utc,
      limit: number,
    ) => Effect.Effect<ReadonlyArray<OrganizationId>, StoreError>
  }
>()("@belfry/organization/OrganizationStore") {}
