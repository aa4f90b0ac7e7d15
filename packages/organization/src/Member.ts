/**
 * A member: one user in one organization, with a set of roles.
 *
 * @since 0.1.0
 */
import { Email, UserId } from "@belfry/core/User"
import { isUuid } from "@belfry/core/Uuid"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { OrganizationId } from "./Organization.ts"
import { RoleName } from "./Role.ts"

/**
 * Identifies a member: a UUIDv7.
 *
 * @category models
 * @since 0.1.0
 */
export const MemberId = Schema.String.check(isUuid).pipe(Schema.brand("MemberId"))
/**
 * @category models
 * @since 0.1.0
 */
export type MemberId = typeof MemberId.Type

/**
 * A member. `roles` by name, those of the host first, each part in the order of the alphabet.
 *
 * @category models
 * @since 0.1.0
 */
export const Member = Schema.Struct({
  id: MemberId,
  organizationId: OrganizationId,
  userId: UserId,
  roles: Schema.Array(RoleName),
  createdAt: Schema.DateTimeUtc,
  updatedAt: Schema.DateTimeUtc,
}).annotate({ identifier: "Member" })
/**
 * @category models
 * @since 0.1.0
 */
export interface Member extends Schema.Schema.Type<typeof Member> {}

/**
 * A member with what other members see of the person.
 *
 * @category models
 * @since 0.1.0
 */
export const MemberWithUser = Schema.Struct({
  ...Member.fields,
  email: Schema.toType(Email),
  name: Schema.NullOr(Schema.String),
  image: Schema.NullOr(Schema.String),
}).annotate({ identifier: "MemberWithUser" })
/**
 * @category models
 * @since 0.1.0
 */
export interface MemberWithUser extends Schema.Schema.Type<typeof MemberWithUser> {}

/**
 * What names a member: the id, the person's address, or the caller.
 *
 * @category models
 * @since 0.1.0
 */
export type MemberRef =
  | { readonly _tag: "Id"; readonly id: MemberId }
  | { readonly _tag: "Email"; readonly email: Email }
  | { readonly _tag: "User"; readonly userId: UserId }

/**
 * Reads what names a member from text of any form: an id, an address, or `me` for the caller; null: no member has such
 * a name.
 *
 * @category converting
 * @since 0.1.0
 */
export const toMemberRef = (text: string, caller: UserId): MemberRef | null => {
  if (text === "me") return { _tag: "User", userId: caller }
  if (isMemberId(text)) return { _tag: "Id", id: text }
  return Option.match(toEmail(text), {
    onNone: () => null,
    onSome: (email): MemberRef => ({ _tag: "Email", email }),
  })
}

/**
 * Why somebody is no member any more.
 *
 * @category models
 * @since 0.1.0
 */
export const RemovalReason = Schema.Literals(["removed", "left", "user-deleted"])
/**
 * @category models
 * @since 0.1.0
 */
export type RemovalReason = typeof RemovalReason.Type

/**
 * The organization has no such member.
 *
 * @category errors
 * @since 0.1.0
 */
export class MemberNotFound extends Schema.TaggedError<MemberNotFound>("@belfry/organization/MemberNotFound")(
  "MemberNotFound",
  {},
) {
  override get message(): string {
    return "No such member"
  }
}

/**
 * Nobody would own the organization then: name another owner first, or delete it.
 *
 * @category errors
 * @since 0.1.0
 */
export class LastOwner extends Schema.TaggedError<LastOwner>("@belfry/organization/LastOwner")("LastOwner", {
  organizationId: OrganizationId,
}) {
  override get message(): string {
    return "An organization keeps at least one owner"
  }
}

/**
 * Here people become members by invitation alone.
 *
 * @category errors
 * @since 0.1.0
 */
export class MemberAdditionDisabled extends Schema.TaggedError<MemberAdditionDisabled>(
  "@belfry/organization/MemberAdditionDisabled",
)("MemberAdditionDisabled", {}) {
  override get message(): string {
    return "People become members by invitation"
  }
}

// internal

const isMemberId = Schema.is(MemberId)

const toEmail = Schema.decodeOption(Email)
