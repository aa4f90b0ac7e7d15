/**
 * Permissions: what may be done to which kind of thing, written `resource:action`.
 *
 * The package brings those of its own things; a host declares more in `AccessDefinition`.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * A permission, `resource:action`: two words of letters, the first letter small.
 *
 * **Details**
 *
 * The brand is what keeps misspelt text out of services: the ways to one are {@link builtInPermission}, `permission` of
 * a host's definition, which the compiler checks, and this schema, for text from outside.
 *
 * @category models
 * @since 0.1.0
 */
export const Permission = Schema.String.check(
  Schema.isPattern(/^[a-z][A-Za-z0-9]{0,63}:[a-z][A-Za-z0-9]{0,63}$/u, { message: "Expected resource:action" }),
).pipe(Schema.brand("Permission"))
/**
 * @category models
 * @since 0.1.0
 */
export type Permission = typeof Permission.Type

/**
 * Kinds of things, and what can be done to each.
 *
 * @category models
 * @since 0.1.0
 */
export type Resources = Readonly<Record<string, ReadonlyArray<string>>>

/**
 * The permissions of {@link Resources}, as a union of literals.
 *
 * @category models
 * @since 0.1.0
 */
export type PermissionOf<R extends Resources> = { [K in keyof R & string]: `${K}:${R[K][number]}` }[keyof R & string]

/**
 * The things that every organization has.
 *
 * **Details**
 *
 * `apiKey`, `sso` and `domain` are for packages that are to come, so that roles need not change then.
 *
 * @category models
 * @since 0.1.0
 */
export const builtInResources = {
  organization: ["read", "update", "delete", "transfer"],
  member: ["read", "create", "update", "delete"],
  invitation: ["read", "create", "revoke"],
  role: ["read", "create", "update", "delete"],
  team: ["read", "create", "update", "delete"],
  teamMember: ["read", "create", "update", "delete"],
  audit: ["read"],
  billing: ["read", "manage"],
  oauthClient: ["read", "create", "update", "delete"],
  apiKey: ["read", "create", "delete"],
  sso: ["read", "manage"],
  domain: ["read", "manage"],
} as const satisfies Resources

/**
 * A permission about the things that every organization has.
 *
 * @category models
 * @since 0.1.0
 */
export type BuiltInPermission = PermissionOf<typeof builtInResources>

/**
 * A permission of this package as one of all.
 *
 * @category constructors
 * @since 0.1.0
 */
export const builtInPermission = (permission: BuiltInPermission): Permission => Permission.make(permission)

/**
 * All permissions of some resources.
 *
 * @category constructors
 * @since 0.1.0
 */
export const permissionsOf = (resources: Resources): ReadonlyArray<Permission> =>
  Object.entries(resources).flatMap(([resource, actions]) =>
    actions.map((action) => Permission.make(`${resource}:${action}`)),
  )

/**
 * The caller lacks what the call needs.
 *
 * **Details**
 *
 * `reason`: `permission` when the call itself needs `missing`; `escalation` when it would give somebody, or take from
 * somebody, permissions that the caller lacks; `owner` when only an owner may do it to an owner.
 *
 * @category errors
 * @since 0.1.0
 */
export class PermissionMissing extends Schema.TaggedError<PermissionMissing>("@belfry/organization/PermissionMissing")(
  "PermissionMissing",
  { reason: Schema.Literals(["permission", "escalation", "owner"]), missing: Schema.Array(Permission) },
) {
  override get message(): string {
    return this.reason === "owner" ? "Only an owner may do this to an owner" : `Missing: ${this.missing.join(", ")}`
  }
}
