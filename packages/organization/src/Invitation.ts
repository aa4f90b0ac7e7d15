/**
 * An invitation: an offer to an address to become a member. Its token, which goes by mail, is the credential; its id is
 * none.
 *
 * @since 0.1.0
 */
import { Email, UserId } from "@belfry/core/User"
import { isUuid } from "@belfry/core/Uuid"
import type * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import { OrganizationId } from "./Organization.ts"
import { RoleName } from "./Role.ts"
import { TeamId, TeamRoleName } from "./Team.ts"

/**
 * Identifies an invitation: a UUIDv7, not the secret.
 *
 * @category models
 * @since 0.1.0
 */
export const InvitationId = Schema.String.check(isUuid).pipe(Schema.brand("InvitationId"))
/**
 * @category models
 * @since 0.1.0
 */
export type InvitationId = typeof InvitationId.Type

/**
 * The prefix of the tokens of invitations.
 *
 * @category models
 * @since 0.1.0
 */
export const tokenPrefix = "belfry_invitation"

/**
 * How an invitation stands. `expired` is computed of an open one whose time is over; the sweep writes it down later.
 *
 * @category models
 * @since 0.1.0
 */
export const InvitationStatus = Schema.Literals(["pending", "accepted", "rejected", "revoked", "expired"])
/**
 * @category models
 * @since 0.1.0
 */
export type InvitationStatus = typeof InvitationStatus.Type

/**
 * An invitation. `inviterId` is null once that user is gone; `sentAt` is when its newest token went out, `sends` how
 * many did.
 *
 * @category models
 * @since 0.1.0
 */
export const Invitation = Schema.Struct({
  id: InvitationId,
  organizationId: OrganizationId,
  email: Schema.toType(Email),
  roles: Schema.Array(RoleName),
  teams: Schema.Array(Schema.Struct({ teamId: TeamId, role: TeamRoleName })),
  status: InvitationStatus,
  inviterId: Schema.NullOr(UserId),
  acceptedBy: Schema.NullOr(UserId),
  sends: Schema.Int,
  sentAt: Schema.DateTimeUtc,
  createdAt: Schema.DateTimeUtc,
  updatedAt: Schema.DateTimeUtc,
  expiresAt: Schema.DateTimeUtc,
}).annotate({ identifier: "Invitation" })
/**
 * @category models
 * @since 0.1.0
 */
export interface Invitation extends Schema.Schema.Type<typeof Invitation> {}

/**
 * What whoever holds the token learns before signing in, and what the address's owner sees in a list of their own.
 *
 * @category models
 * @since 0.1.0
 */
export const InvitationPreview = Schema.Struct({
  id: InvitationId,
  organizationName: Schema.String,
  organizationLogo: Schema.NullOr(Schema.String),
  email: Schema.toType(Email),
  inviterName: Schema.NullOr(Schema.String),
  roles: Schema.Array(RoleName),
  status: InvitationStatus,
  expiresAt: Schema.DateTimeUtc,
}).annotate({ identifier: "InvitationPreview" })
/**
 * @category models
 * @since 0.1.0
 */
export interface InvitationPreview extends Schema.Schema.Type<typeof InvitationPreview> {}

/**
 * How an invitation stands at `now`. The expiry instant itself is already too late.
 *
 * @category decisions
 * @since 0.1.0
 */
export const statusAt = (
  { status, expiresAt }: Pick<Invitation, "status" | "expiresAt">,
  now: DateTime.Utc,
): InvitationStatus =>
  status === "pending" && now.epochMilliseconds >= expiresAt.epochMilliseconds ? "expired" : status

/**
 * There is no such invitation, or it is not the caller's to see, which look alike.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvitationNotFound extends Schema.TaggedError<InvitationNotFound>(
  "@belfry/organization/InvitationNotFound",
)("InvitationNotFound", {}) {
  override get message(): string {
    return "No such invitation"
  }
}

/**
 * The invitation serves no more; told to whoever holds its token or its address, and to those who manage it.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvitationClosed extends Schema.TaggedError<InvitationClosed>("@belfry/organization/InvitationClosed")(
  "InvitationClosed",
  { reason: Schema.Literals(["accepted", "rejected", "revoked", "expired"]) },
) {
  override get message(): string {
    return `The invitation is ${this.reason}`
  }
}

/**
 * The invitation is for another address, or for this one, which is not verified.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvitationForAnother extends Schema.TaggedError<InvitationForAnother>(
  "@belfry/organization/InvitationForAnother",
)("InvitationForAnother", { reason: Schema.Literals(["address", "unverified"]) }) {
  override get message(): string {
    return this.reason === "address" ? "The invitation is for another address" : "Verify your address first"
  }
}

/**
 * The address belongs to a member, or has an open invitation already.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvitationConflict extends Schema.TaggedError<InvitationConflict>(
  "@belfry/organization/InvitationConflict",
)("InvitationConflict", { reason: Schema.Literals(["member", "invited"]) }) {
  override get message(): string {
    return this.reason === "member" ? "Already a member" : "Already invited"
  }
}
