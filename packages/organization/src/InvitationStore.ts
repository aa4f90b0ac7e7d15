/**
 * Port: where invitations are kept, by keyed hash of their token.
 *
 * @since 0.1.0
 */
import type { ChangeRecord } from "@belfry/core/ChangeRecord"
import type { KeyedHash } from "@belfry/core/KeyedHash"
import type { SessionId } from "@belfry/core/Session"
import type { StoreError } from "@belfry/core/StoreError"
import type { Email, UserId } from "@belfry/core/User"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { Invitation, InvitationId, InvitationPreview, InvitationStatus } from "./Invitation.ts"
import type { MemberId } from "./Member.ts"
import type { Guarded, Viewer } from "./Membership.ts"
import type { OrganizationId, Slug } from "./Organization.ts"
import type { StorePage } from "./Page.ts"
import type { CustomRole, RoleAssignment, RoleName } from "./Role.ts"

/**
 * What is known when somebody is invited. `open` is an invitation that is marked pending, its time over or not. All of
 * it holds while the organization has this version.
 *
 * @category models
 * @since 0.1.0
 */
export interface InvitationFacts {
  readonly version: number
  readonly organizationName: string
  readonly isMember: boolean
  readonly open: Pick<Invitation, "id" | "expiresAt"> | null
  readonly roles: ReadonlyArray<Pick<CustomRole, "id" | "name" | "permissions">>
}

/**
 * An invitation as it rests: with its roles as they are assigned. One that is closed assigns none of the
 * organization's. Its status is as it was written, not as time makes it.
 *
 * @category models
 * @since 0.1.0
 */
export interface StoredInvitation {
  readonly invitation: Invitation
  readonly assignment: RoleAssignment
  readonly preview: InvitationPreview
  readonly organizationSlug: Slug | null
  /** Of the organization: while it has this one, nobody has changed anything in it since. */
  readonly version: number
  /** The permissions of the roles that the organization made, by name. */
  readonly customRoles: ReadonlyArray<Pick<CustomRole, "id" | "name" | "permissions">>
}

/**
 * An acceptance by somebody who does not hold the lock of the organization: the invitation as it was found, who becomes
 * a member, and what that leaves behind. `hashes`: it has to have one of these tokens. `limit`: so many members.
 *
 * @category models
 * @since 0.1.0
 */
export interface Acceptance {
  readonly invitation: Pick<StoredInvitation, "assignment" | "invitation" | "version">
  readonly hashes: NonEmptyReadonlyArray<KeyedHash> | null
  readonly member: {
    readonly id: MemberId
    readonly userId: UserId
    readonly sessionId?: SessionId | null | undefined
  }
  readonly limit: number | null
  readonly now: DateTime.Utc
  readonly record: ChangeRecord
}

/**
 * What became of a new invitation: it is kept; the address is invited already; the organization has too many open ones;
 * or it has not the version that was named, or is gone.
 *
 * @category models
 * @since 0.1.0
 */
export type InvitationInsertion = "kept" | "invited" | "full" | "changed"

/**
 * A new invitation with the hash of its token. `limit`: so many open ones. With `version`, the organization must have
 * it, and gets another one; without, the lock of the organization is held.
 *
 * @category models
 * @since 0.1.0
 */
export interface NewInvitation {
  readonly invitation: Invitation
  readonly assignment: RoleAssignment
  readonly tokenHash: KeyedHash
  readonly limit: number | null
  readonly version?: number | null
  readonly record?: ChangeRecord
}

/**
 * Where invitations are kept. An address has at most one open invitation to an organization, and an invitation is
 * closed once, whatever happens at the same time.
 *
 * @category ports
 * @since 0.1.0
 */
export class InvitationStore extends Context.Service<
  InvitationStore,
  {
    /** What must be known to invite. One statement. */
    readonly prepare: (
      viewer: Viewer,
      asked: { readonly email: Email; readonly roles: ReadonlyArray<RoleName> },
    ) => Effect.Effect<Option.Option<Guarded<InvitationFacts>>, StoreError>
    /**
     * Keeps an invitation unless there are `limit` open ones when it is made (null: no limit). `invited`: one to the
     * address is marked pending, its time over or not. With `version` it is for who does not hold the lock of the
     * organization: `changed` where that has another version, which it has afterwards too. With it its record, where
     * one is given. One statement.
     */
    readonly insert: (invitation: NewInvitation) => Effect.Effect<InvitationInsertion, StoreError>
    /** Invitations, newest first; of one status at `now`, when given. `search` is of the address. One statement. */
    readonly list: (
      viewer: Viewer,
      page: StorePage & { readonly status: InvitationStatus | null; readonly now: DateTime.Utc },
    ) => Effect.Effect<Option.Option<Guarded<ReadonlyArray<Invitation>>>, StoreError>
    /** One invitation. One statement. */
    readonly find: (
      viewer: Viewer,
      id: InvitationId,
    ) => Effect.Effect<Option.Option<Guarded<Option.Option<StoredInvitation>>>, StoreError>
    /** The invitation of a token, whatever its status; none where its organization is deleted. */
    readonly findByToken: (
      hashes: NonEmptyReadonlyArray<KeyedHash>,
    ) => Effect.Effect<Option.Option<StoredInvitation>, StoreError>
    /** One invitation to an address; none where its organization is deleted. */
    readonly findByEmail: (email: Email, id: InvitationId) => Effect.Effect<Option.Option<StoredInvitation>, StoreError>
    /**
     * Open invitations to an address that are not over at `now`, newest first. `search` is of the organization's name;
     * none of organizations that are deleted.
     */
    readonly listByEmail: (
      email: Email,
      page: StorePage & { readonly now: DateTime.Utc },
    ) => Effect.Effect<ReadonlyArray<InvitationPreview>, StoreError>
    /**
     * Gives an invitation a new token, a new end and these roles, and opens it again if it had expired; the old token
     * is dead. None when it is closed otherwise, or another one to the address is open.
     */
    readonly rotate: (options: {
      readonly organizationId: OrganizationId
      readonly id: InvitationId
      readonly roles: ReadonlyArray<RoleName>
      readonly assignment: RoleAssignment
      readonly tokenHash: KeyedHash
      readonly expiresAt: DateTime.Utc
      readonly now: DateTime.Utc
    }) => Effect.Effect<Option.Option<Invitation>, StoreError>
    /**
     * Closes an open invitation, in one statement: of any number of concurrent calls one answers the invitation as it
     * is then, with the roles that it gave. `accepted` and `rejected` only before its end, `expired` only after. With
     * `hashes` only while its token is one of these. `acceptedBy` is kept of a user who is there.
     */
    readonly close: (options: {
      readonly id: InvitationId
      readonly hashes: NonEmptyReadonlyArray<KeyedHash> | null
      readonly status: Exclude<InvitationStatus, "pending">
      readonly acceptedBy: UserId | null
      readonly now: DateTime.Utc
    }) => Effect.Effect<Option.Option<StoredInvitation>, StoreError>
    /**
     * Closes an open invitation without teams as accepted, and makes the user a member with the roles that it gives:
     * both, with their record, or nothing. For who does not hold the lock of the organization: false where that has
     * another version, or is deleted, or has `limit` members (null: no limit), where the invitation is not open, or has
     * none of these tokens, and where the user is gone or a member. One statement.
     */
    readonly accept: (acceptance: Acceptance) => Effect.Effect<boolean, StoreError>
    /** Writes down at most `limit` invitations as expired that were over at `now`; which. */
    readonly expire: (
      now: DateTime.Utc,
      limit: number,
    ) => Effect.Effect<ReadonlyArray<Pick<Invitation, "id" | "organizationId">>, StoreError>
    /** Removes at most `limit` invitations that were closed before `instant`; the number removed. */
    readonly removeClosed: (instant: DateTime.Utc, limit: number) => Effect.Effect<number, StoreError>
  }
>()("@belfry/organization/InvitationStore") {}
