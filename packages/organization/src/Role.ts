/**
 * A role: a name for a set of permissions. Those of the host are in code; an organization makes its own beside them.
 *
 * @since 0.1.0
 */
import { DisplayText } from "@belfry/core/DisplayText"
import { isUuid } from "@belfry/core/Uuid"
import * as Schema from "effect/Schema"
import { Permission } from "./Permission.ts"

/**
 * Identifies a role that an organization made: a UUIDv7.
 *
 * @category models
 * @since 0.1.0
 */
export const RoleId = Schema.String.check(isUuid).pipe(Schema.brand("RoleId"))
/**
 * @category models
 * @since 0.1.0
 */
export type RoleId = typeof RoleId.Type

/**
 * The name of a role: 1 to 63 of `a-z`, `0-9` and `-`, a letter first. One name is one role in an organization.
 *
 * @category models
 * @since 0.1.0
 */
export const RoleName = Schema.String.check(
  Schema.isPattern(/^[a-z][a-z0-9-]{0,62}$/u, { message: "Expected a word in lower case" }),
).pipe(Schema.brand("RoleName"))
/**
 * @category models
 * @since 0.1.0
 */
export type RoleName = typeof RoleName.Type

/**
 * What a role is for: 1 to 500 characters that show as they are written.
 *
 * @category models
 * @since 0.1.0
 */
export const RoleDescription = DisplayText(500)

/**
 * The role that holds everything, and that an organization always has somebody with.
 *
 * @category models
 * @since 0.1.0
 */
export const owner: RoleName = RoleName.make("owner")

/**
 * The roles of one member or invitation: at least one, each once, at most 20.
 *
 * @category models
 * @since 0.1.0
 */
export const RoleNames = Schema.NonEmptyArray(RoleName).check(Schema.isMaxLength(20), Schema.isUnique())
/**
 * @category models
 * @since 0.1.0
 */
export type RoleNames = typeof RoleNames.Type

/**
 * A role. `id` is null for the roles of the host, which no organization can change.
 *
 * @category models
 * @since 0.1.0
 */
export const Role = Schema.Struct({
  id: Schema.NullOr(RoleId),
  name: RoleName,
  description: Schema.NullOr(Schema.String),
  permissions: Schema.Array(Permission),
  isBuiltIn: Schema.Boolean,
  createdAt: Schema.NullOr(Schema.DateTimeUtc),
  updatedAt: Schema.NullOr(Schema.DateTimeUtc),
}).annotate({ identifier: "Role" })
/**
 * @category models
 * @since 0.1.0
 */
export interface Role extends Schema.Schema.Type<typeof Role> {}

/**
 * A role that an organization made, as it is kept.
 *
 * @category models
 * @since 0.1.0
 */
export interface CustomRole extends Omit<Role, "id" | "createdAt" | "updatedAt"> {
  readonly id: RoleId
  readonly createdAt: NonNullable<Role["createdAt"]>
  readonly updatedAt: NonNullable<Role["updatedAt"]>
}

/**
 * The names of roles in the order in which they are told: those of the host first, each part in that of the alphabet.
 *
 * @category converting
 * @since 0.1.0
 */
export const inOrder = (builtIn: ReadonlyArray<RoleName>, custom: ReadonlyArray<RoleName>): ReadonlyArray<RoleName> => [
  ...builtIn.toSorted(),
  ...custom.toSorted(),
]

/**
 * Roles as they are assigned: those of the host by name, those of the organization by id.
 *
 * @category models
 * @since 0.1.0
 */
export interface RoleAssignment {
  readonly builtIn: ReadonlyArray<RoleName>
  readonly custom: ReadonlyArray<RoleId>
}

/**
 * The organization has no such role.
 *
 * @category errors
 * @since 0.1.0
 */
export class RoleNotFound extends Schema.TaggedError<RoleNotFound>("@belfry/organization/RoleNotFound")(
  "RoleNotFound",
  {
    roles: Schema.Array(Schema.String),
  },
) {
  override get message(): string {
    return "No such role"
  }
}

/**
 * The role cannot be made, changed or deleted so.
 *
 * **Details**
 *
 * `built-in`: it is the host's. `name-taken`: the organization has a role of that name. `in-use`: members or open
 * invitations have it, and no replacement was named. `permission-unknown`: the host declares no such permission.
 *
 * @category errors
 * @since 0.1.0
 */
export class RoleRefused extends Schema.TaggedError<RoleRefused>("@belfry/organization/RoleRefused")("RoleRefused", {
  reason: Schema.Literals(["built-in", "name-taken", "in-use", "permission-unknown"]),
}) {
  override get message(): string {
    return `The role cannot be changed so: ${this.reason}`
  }
}
