/**
 * What a host wants to do when organizations change. What must not be lost belongs to the outbox instead.
 *
 * @since 0.1.0
 */
import type { StoreError } from "@belfry/core/StoreError"
import type { UserId } from "@belfry/core/User"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Invitation } from "./Invitation.ts"
import type { Member, RemovalReason } from "./Member.ts"
import type { DeletionRefused, Organization, OrganizationId } from "./Organization.ts"
import type { TeamId } from "./Team.ts"

/**
 * The hooks of a host. Those that come after run when the change committed, and cannot undo it.
 *
 * @category models
 * @since 0.1.0
 */
export interface OrganizationHooksService {
  /** An organization is about to be deleted, in the transaction; failing refuses. */
  readonly beforeDeletion: (event: {
    readonly organizationId: OrganizationId
  }) => Effect.Effect<void, DeletionRefused | StoreError>
  /** The same of a team. Not asked when its organization goes. */
  readonly beforeTeamDeletion: (event: {
    readonly organizationId: OrganizationId
    readonly teamId: TeamId
  }) => Effect.Effect<void, DeletionRefused | StoreError>
  readonly afterUpdate: (event: {
    readonly previous: Organization
    readonly organization: Organization
  }) => Effect.Effect<void>
  readonly afterMemberAddition: (event: { readonly member: Member }) => Effect.Effect<void>
  readonly afterMemberRemoval: (event: {
    readonly organizationId: OrganizationId
    readonly userId: UserId
    readonly reason: RemovalReason
  }) => Effect.Effect<void>
  readonly afterInvitationAcceptance: (event: {
    readonly invitation: Invitation
    readonly member: Member
  }) => Effect.Effect<void>
}

/**
 * Hooks that do nothing; a host spreads them and replaces what it needs.
 *
 * @category constructors
 * @since 0.1.0
 */
export const none: OrganizationHooksService = {
  beforeDeletion: () => Effect.void,
  beforeTeamDeletion: () => Effect.void,
  afterUpdate: () => Effect.void,
  afterMemberAddition: () => Effect.void,
  afterMemberRemoval: () => Effect.void,
  afterInvitationAcceptance: () => Effect.void,
}

/**
 * The hooks of the host; without a layer for it, nothing happens.
 *
 * @category services
 * @since 0.1.0
 */
export const OrganizationHooks = Context.Reference<OrganizationHooksService>("@belfry/organization/OrganizationHooks", {
  defaultValue: () => none,
})
