/**
 * What a host declares of access: its permissions, its roles, the form of its metadata. The compiler checks every use.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { JsonObject, Organization } from "./Organization.ts"
import {
  type BuiltInPermission,
  builtInResources,
  Permission,
  PermissionMissing,
  type PermissionOf,
  permissionsOf,
  type Resources,
} from "./Permission.ts"
import type { Membership } from "./Membership.ts"
import { RoleName } from "./Role.ts"
import { TeamRoleName } from "./Team.ts"

/**
 * The form of metadata: anything that has JSON of its own.
 *
 * @category models
 * @since 0.1.0
 */
export type MetadataCodec = Schema.Codec<unknown, unknown>

/**
 * What access is decided by, without the types: see `AccessModel`.
 *
 * @category models
 * @since 0.1.0
 */
export interface AccessRules {
  readonly permissions: ReadonlySet<Permission>
  /** Roles of every organization, with what they give. */
  readonly roles: ReadonlyMap<RoleName, ReadonlySet<Permission>>
  /** Roles in teams, with what they give within the team. The first is that of whoever is added without one. */
  readonly teamRoles: ReadonlyMap<TeamRoleName, ReadonlySet<Permission>>
  readonly publicMetadata: MetadataCodec
  readonly privateMetadata: MetadataCodec
}

/**
 * What a host declares.
 *
 * **Details**
 *
 * `roles` adds to the roles that there are (`admin`, `member`, `billing`) what is named after them, and makes others;
 * an owner has every permission, so `owner` cannot be named. `teamRoles` adds to `lead` and `member`.
 *
 * @category models
 * @since 0.1.0
 */
export interface AccessOptions<
  R extends Resources,
  RoleKey extends string,
  TeamRoleKey extends string,
  Public extends MetadataCodec,
  Private extends MetadataCodec,
> {
  readonly resources: R
  readonly roles: Readonly<Record<RoleKey, ReadonlyArray<PermissionOf<NoInfer<R>> | BuiltInPermission>>> & {
    readonly owner?: never
  }
  readonly teamRoles: Readonly<Record<TeamRoleKey, ReadonlyArray<PermissionOf<NoInfer<R>> | BuiltInPermission>>>
  readonly metadata: { readonly public: Public; readonly private: Private }
  /** Whether administrators manage billing: no. */
  readonly adminManagesBilling?: boolean
}

/**
 * A host's declaration, ready for use: `rules` for `AccessModel.layer`, and checks that know the host's permissions.
 *
 * @category models
 * @since 0.1.0
 */
export interface AccessDefinition<
  P extends string,
  RoleKey extends string,
  Public extends MetadataCodec,
  Private extends MetadataCodec,
> {
  readonly rules: AccessRules
  /** A permission that is known: for annotations, and for calls that take any. */
  readonly permission: (permission: P) => Permission
  readonly role: (role: RoleKey) => RoleName
  /** Whether somebody has a permission. */
  readonly has: (membership: Membership, permission: P) => boolean
  /** Fails unless somebody has all of them, and says which are missing. */
  readonly require: (membership: Membership, ...permissions: ReadonlyArray<P>) => Effect.Effect<void, PermissionMissing>
  /** Reads the public metadata of an organization. */
  readonly publicMetadata: (
    organization: Pick<Organization, "publicMetadata">,
  ) => Effect.Effect<Public["Type"], Schema.SchemaError>
  /** Reads private metadata, which `TrustedOrganizations` gives. */
  readonly privateMetadata: (json: JsonObject) => Effect.Effect<Private["Type"], Schema.SchemaError>
  /** Metadata as services take it. */
  readonly encodePublic: (metadata: Public["Type"]) => Effect.Effect<Schema.Json, Schema.SchemaError>
  readonly encodePrivate: (metadata: Private["Type"]) => Effect.Effect<Schema.Json, Schema.SchemaError>
}

/**
 * Declares what a host has beside what every organization has.
 *
 * **Example** (Projects)
 *
 * ```ts
 * export const access = AccessDefinition.define({
 *   resources: { project: ["read", "create", "delete"] },
 *   roles: { member: ["project:read"], editor: ["project:read", "project:create", "member:read"] },
 *   teamRoles: { lead: ["project:delete"] },
 *   metadata: { public: Schema.Struct({ plan: Schema.Literals(["free", "team"]) }), private: anyMetadata }
 * })
 * yield* access.require(yield* CurrentMembership, "project:create") // "project:crate" does not compile
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const define = <
  const R extends Resources,
  const RoleKey extends string,
  const TeamRoleKey extends string,
  Public extends MetadataCodec,
  Private extends MetadataCodec,
>(
  options: AccessOptions<R, RoleKey, TeamRoleKey, Public, Private>,
): AccessDefinition<PermissionOf<R> | BuiltInPermission, RoleKey | BuiltInRole, Public, Private> => {
  const { metadata } = options
  const publicCodec = Schema.toCodecJson(metadata.public)
  const privateCodec = Schema.toCodecJson(metadata.private)
  const decodePublic = Schema.decodeUnknownEffect(publicCodec)
  const decodePrivate = Schema.decodeUnknownEffect(privateCodec)
  const encodePublic = Schema.encodeEffect(publicCodec)
  const encodePrivate = Schema.encodeEffect(privateCodec)
  const missing = (membership: Membership, asked: ReadonlyArray<string>): ReadonlyArray<Permission> =>
    asked
      .filter((permission) => !membership.permissionSet.has(permission))
      .map((permission) => Permission.make(permission))
  return {
    rules: rulesOf(options),
    permission: (permission) => Permission.make(permission),
    role: (role) => RoleName.make(role),
    has: (membership, permission) => membership.permissionSet.has(permission),
    require: (membership, ...permissions) => {
      const lacking = missing(membership, permissions)
      return lacking.length === 0
        ? Effect.void
        : Effect.fail(new PermissionMissing({ reason: "permission", missing: lacking }))
    },
    publicMetadata: ({ publicMetadata }) => decodePublic(publicMetadata),
    privateMetadata: (json) => decodePrivate(json),
    encodePublic: (value) => encodePublic(value),
    encodePrivate: (value) => encodePrivate(value),
  }
}

/**
 * Metadata of any form.
 *
 * @category models
 * @since 0.1.0
 */
export const anyMetadata = Schema.Record(Schema.String, Schema.Json)

/**
 * The roles that every organization has.
 *
 * @category models
 * @since 0.1.0
 */
export type BuiltInRole = "owner" | "admin" | "member" | "billing"

// internal

const adminLacks: ReadonlySet<string> = new Set<BuiltInPermission>([
  "organization:delete",
  "organization:transfer",
  "billing:manage",
])
const ofMember: ReadonlyArray<BuiltInPermission> = [
  "organization:read",
  "member:read",
  "team:read",
  "teamMember:read",
  "role:read",
]
const ofBilling: ReadonlyArray<BuiltInPermission> = ["organization:read", "billing:read", "billing:manage"]
const ofLead: ReadonlyArray<BuiltInPermission> = [
  "team:update",
  "teamMember:read",
  "teamMember:create",
  "teamMember:update",
  "teamMember:delete",
]

/** Everything as text: what is typed above is checked already. */
const rulesOf = (options: {
  readonly resources: Resources
  readonly roles: Readonly<Record<string, ReadonlyArray<string> | undefined>>
  readonly teamRoles: Readonly<Record<string, ReadonlyArray<string>>>
  readonly metadata: { readonly public: MetadataCodec; readonly private: MetadataCodec }
  readonly adminManagesBilling?: boolean
}): AccessRules => {
  const builtIn = permissionsOf(builtInResources)
  const permissions = new Set([...builtIn, ...permissionsOf(options.resources)])
  const ofAdmin = builtIn.filter(
    (permission) =>
      !adminLacks.has(permission) || (permission === "billing:manage" && options.adminManagesBilling === true),
  )
  const given: Array<readonly [string, ReadonlyArray<string>]> = [
    ["admin", ofAdmin],
    ["member", ofMember],
    ["billing", ofBilling],
  ]
  for (const [name, list] of Object.entries(options.roles)) if (list !== undefined) given.push([name, list])
  const roles = new Map<RoleName, ReadonlySet<Permission>>([[RoleName.make("owner"), permissions]])
  for (const [name, list] of given) roles.set(RoleName.make(name), union(roles.get(RoleName.make(name)), list))
  const teamRoles = new Map<TeamRoleName, ReadonlySet<Permission>>([
    [TeamRoleName.make("member"), new Set()],
    [TeamRoleName.make("lead"), union(undefined, ofLead)],
  ])
  for (const [name, list] of Object.entries(options.teamRoles)) {
    teamRoles.set(TeamRoleName.make(name), union(teamRoles.get(TeamRoleName.make(name)), list))
  }
  return {
    permissions,
    roles,
    teamRoles,
    publicMetadata: options.metadata.public,
    privateMetadata: options.metadata.private,
  }
}

const union = (earlier: ReadonlySet<Permission> | undefined, more: ReadonlyArray<string>): ReadonlySet<Permission> =>
  new Set([...(earlier ?? []), ...more.map((permission) => Permission.make(permission))])
