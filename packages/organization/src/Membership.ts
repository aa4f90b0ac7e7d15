/**
 * Who somebody is in an organization, what they may do there, and the pure rules of who may do what to whom.
 *
 * @since 0.1.0
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import type { Session, SessionId } from "@belfry/core/Session"
import { type User, UserId } from "@belfry/core/User"
import * as Schema from "effect/Schema"
import { MemberId } from "./Member.ts"
import { OrganizationId, type OrganizationRef, Slug } from "./Organization.ts"
import { Permission, PermissionMissing } from "./Permission.ts"
import { type CustomRole, inOrder, owner, RoleName } from "./Role.ts"

/**
 * Who calls: the person, the session, and where the request came from.
 *
 * **Details**
 *
 * `session` is null for who calls without one, by an access token say. What asks for a fresh session refuses them as
 * it refuses a session that is not fresh any more, and nothing becomes the default of a session.
 *
 * @category models
 * @since 0.1.0
 */
export interface Actor {
  readonly user: User
  readonly session: Session | null
  readonly client: ClientInfo
}

/**
 * Somebody who calls in a session.
 *
 * @category models
 * @since 0.1.0
 */
export interface SessionActor extends Actor {
  readonly session: Session
}

/**
 * Who did something: a person, in a session where there is one, or the host's own code, which may name a person, or
 * time.
 *
 * @category models
 * @since 0.1.0
 */
export interface Doer {
  readonly userId: UserId | null
  readonly sessionId: SessionId | null
  readonly client: ClientInfo
}

/**
 * Who looks at which organization: what every guarded read is asked with.
 *
 * @category models
 * @since 0.1.0
 */
export interface Viewer {
  readonly userId: UserId
  readonly organization: OrganizationRef
}

/**
 * A membership as one statement reads it: roles of the host by name, those of the organization with their permissions.
 *
 * @category models
 * @since 0.1.0
 */
export interface StoredMembership {
  readonly organizationId: OrganizationId
  readonly organizationName: string
  readonly organizationSlug: Slug | null
  readonly memberId: MemberId
  readonly userId: UserId
  readonly builtInRoles: ReadonlyArray<RoleName>
  readonly customRoles: ReadonlyArray<Pick<CustomRole, "id" | "name" | "permissions">>
}

/**
 * What a store read, and who read it. The service looks at the membership first and drops the value where that is not
 * enough.
 *
 * @category models
 * @since 0.1.0
 */
export interface Guarded<A> {
  readonly membership: StoredMembership
  readonly value: A
}

/**
 * Who somebody is in an organization, on the wire.
 *
 * @category models
 * @since 0.1.0
 */
export const MembershipView = Schema.Struct({
  organizationId: OrganizationId,
  organizationName: Schema.String,
  organizationSlug: Schema.NullOr(Slug),
  memberId: MemberId,
  userId: UserId,
  roles: Schema.Array(RoleName),
  permissions: Schema.Array(Permission),
}).annotate({ identifier: "Membership" })

/**
 * Who somebody is in an organization. `permissions` is the union over the roles; `permissionSet` has the same as a set
 * of text.
 *
 * @category models
 * @since 0.1.0
 */
export interface Membership extends Schema.Schema.Type<typeof MembershipView> {
  readonly permissionSet: ReadonlySet<string>
}

/**
 * The names of the roles of a membership.
 *
 * @category converting
 * @since 0.1.0
 */
export const rolesOf = ({
  builtInRoles,
  customRoles,
}: Pick<StoredMembership, "builtInRoles" | "customRoles">): ReadonlyArray<RoleName> =>
  inOrder(
    builtInRoles,
    customRoles.map(({ name }) => name),
  )

/**
 * A membership with its permissions. Roles and permissions that the host does not declare any more count for nothing.
 *
 * **Details**
 *
 * A role of the organization whose name the host declared since gives what it gave, but is not told by its name: that
 * means the host's, and its holders were not given that.
 *
 * @category decisions
 * @since 0.1.0
 */
export const resolve = (
  stored: StoredMembership,
  rules: {
    readonly permissions: ReadonlySet<Permission>
    readonly roles: ReadonlyMap<RoleName, ReadonlySet<Permission>>
  },
): Membership => {
  const { builtInRoles, customRoles, ...who } = stored
  const permissionSet = new Set<Permission>()
  for (const name of builtInRoles) for (const permission of rules.roles.get(name) ?? []) permissionSet.add(permission)
  for (const role of customRoles) {
    for (const permission of role.permissions) if (rules.permissions.has(permission)) permissionSet.add(permission)
  }
  const roles = rolesOf({ builtInRoles, customRoles: customRoles.filter(({ name }) => !rules.roles.has(name)) })
  return { ...who, roles, permissions: [...permissionSet].toSorted(), permissionSet }
}

/**
 * Which of `required` a membership lacks.
 *
 * @category decisions
 * @since 0.1.0
 */
export const missing = (
  membership: Pick<Membership, "permissionSet">,
  required: Iterable<Permission>,
): ReadonlyArray<Permission> => [...required].filter((permission) => !membership.permissionSet.has(permission))

/**
 * Whether a membership is an owner's.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isOwner = ({ roles }: Pick<Membership, "roles">): boolean => roles.includes(owner)

/**
 * Why somebody may not give or take these roles: a permission of theirs that they lack, or the role of owner, which
 * only owners give and take. Undefined when they may.
 *
 * **Details**
 *
 * The one rule against raising anybody above oneself. It holds for what is given as for what is taken away, so nobody
 * reaches up either: changing somebody's roles asks it of all roles before and after.
 *
 * @category decisions
 * @since 0.1.0
 */
export const escalation = (
  actor: Membership,
  touched: { readonly roles: Iterable<RoleName>; readonly permissions: Iterable<Permission> },
): PermissionMissing | undefined => {
  const lacking = missing(actor, touched.permissions)
  if ([...touched.roles].includes(owner) && !isOwner(actor))
    return new PermissionMissing({ reason: "owner", missing: lacking })
  return lacking.length === 0 ? undefined : new PermissionMissing({ reason: "escalation", missing: lacking })
}
