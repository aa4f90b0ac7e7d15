/**
 * Roles: those of the host, and those that an organization makes.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Access from "./internal/access.ts"
import * as Changes from "./internal/changes.ts"
import { storePage, toPage } from "./internal/cursors.ts"
import * as Limits from "./internal/limits.ts"
import * as Locked from "./internal/locked.ts"
import type { Actor, Membership } from "./Membership.ts"
import { MembershipStore } from "./MembershipStore.ts"
import { LimitReached, type OrganizationRef } from "./Organization.ts"
import type { Denied } from "./Organizations.ts"
import { OrganizationSettings } from "./OrganizationSettings.ts"
import type { ListOptions, Page } from "./Page.ts"
import type { Permission } from "./Permission.ts"
import { type CustomRole, owner, type Role, RoleId, RoleName, RoleNotFound, RoleRefused } from "./Role.ts"
import { RoleStore } from "./RoleStore.ts"

/**
 * Roles, as those see and change them who may. Nobody makes a role of more than they have, or changes one that has
 * more.
 *
 * @category services
 * @since 0.1.0
 */
export class Roles extends Context.Service<
  Roles,
  {
    /**
     * The roles of the host first, all of them on the first page beside what `limit` counts; then those of the
     * organization by name. `search`: how the name begins.
     */
    readonly list: (
      actor: Actor,
      organization: OrganizationRef,
      options?: ListOptions,
    ) => Effect.Effect<Page<Role>, Denied>
    /** Where the host declared a role of a name that one of the organization has, the one of the organization. */
    readonly get: (
      actor: Actor,
      organization: OrganizationRef,
      name: RoleName,
    ) => Effect.Effect<Role, Denied | RoleNotFound>
    readonly create: (
      actor: Actor,
      organization: OrganizationRef,
      role: {
        readonly name: RoleName
        readonly description?: string | null | undefined
        readonly permissions: ReadonlyArray<Permission>
      },
    ) => Effect.Effect<Role, Denied | RoleRefused | LimitReached>
    /**
     * Whoever has the role has what it gives from then on. One whose name the host declared since has to be renamed
     * with that.
     */
    readonly update: (
      actor: Actor,
      organization: OrganizationRef,
      name: RoleName,
      patch: {
        readonly name?: RoleName | undefined
        readonly description?: string | null | undefined
        readonly permissions?: ReadonlyArray<Permission> | undefined
      },
    ) => Effect.Effect<Role, Denied | RoleNotFound | RoleRefused>
    /**
     * Deletes a role that nobody has, or whose holders get `replacement`: of one whose name the host declared since,
     * the host's role of that name, too.
     */
    readonly remove: (
      actor: Actor,
      organization: OrganizationRef,
      name: RoleName,
      replacement?: RoleName | undefined,
    ) => Effect.Effect<void, Denied | RoleNotFound | RoleRefused>
  }
>()("@belfry/organization/Roles") {}

/**
 * Builds the service over the stores.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const store = yield* RoleStore
  const memberships = yield* MembershipStore
  const random = yield* SecureRandom.SecureRandom
  const settings = yield* OrganizationSettings
  const access = yield* Access.make
  const locked = yield* Locked.make
  const changes = yield* Changes.make
  const { rules } = access

  const ofHost = (name: RoleName): Role | undefined => {
    const given = rules.roles.get(name)
    return given === undefined
      ? undefined
      : {
          id: null,
          name,
          description: null,
          permissions: [...given].toSorted(),
          isBuiltIn: true,
          createdAt: null,
          updatedAt: null,
        }
  }
  /** Permissions that the host does not declare any more are in the store, and nowhere else. */
  const declared = (role: CustomRole): CustomRole => ({
    ...role,
    permissions: role.permissions.filter((permission) => rules.permissions.has(permission)),
  })

  /**
   * Who makes or changes a role has all that it gives. What nobody declares cannot be lacked: it is refused as unknown.
   */
  const refuse = Effect.fnUntraced(function* (
    membership: Membership,
    { before, after }: { readonly before: ReadonlyArray<Permission>; readonly after: ReadonlyArray<Permission> },
  ) {
    const known = after.filter((permission) => rules.permissions.has(permission))
    yield* access.refuseEscalation(membership, { roles: [], permissions: new Set([...before, ...known]) })
    if (known.length < after.length) return yield* new RoleRefused({ reason: "permission-unknown" })
  })

  const find = (name: RoleName, found: ReadonlyArray<CustomRole>) => {
    const role = found.find((role) => role.name === name)
    return role === undefined ? Effect.fail(new RoleNotFound({ roles: [name] })) : Effect.succeed(declared(role))
  }
  /** A role that can be changed: one of the organization, though the host has one of its name by now. */
  const changeable = (name: RoleName, found: ReadonlyArray<CustomRole>) =>
    Effect.mapError(find(name, found), (absent) =>
      rules.roles.has(name) ? new RoleRefused({ reason: "built-in" }) : absent,
    )

  return Roles.of({
    list: Effect.fn("Roles.list")(function* (actor, organization, options = {}) {
      const place = storePage(options, isRoleName)
      const { value } = yield* access.read("roles.list", store.list({ userId: actor.user.id, organization }, place))
      const page = toPage(value.map(declared), place, ({ name }) => name)
      if (options.cursor !== undefined) return page
      const wanted = place.search?.toLowerCase() ?? ""
      const first = [...rules.roles.keys()]
        .filter((name) => name.startsWith(wanted))
        .flatMap((name) => ofHost(name) ?? [])
      return { ...page, items: [...first, ...page.items] }
    }),
    get: Effect.fn("Roles.get")(function* (actor, organization, name) {
      const found = store.findByNames({ userId: actor.user.id, organization }, [name])
      const { value } = yield* access.read("roles.get", found)
      const host = ofHost(name)
      return yield* host === undefined ? find(name, value) : Effect.orElseSucceed(find(name, value), () => host)
    }),
    create: Effect.fn("Roles.create")((actor, organization, { name, description = null, permissions: asked }) =>
      locked.inOrganization(
        {
          actor,
          organization,
          action: "roles.create",
          read: (viewer) => Access.alone(memberships.find(viewer)),
          audits: "organization-role.created",
        },
        Effect.fnUntraced(function* ({ organizationId, membership }) {
          const permissions = sorted(asked)
          yield* refuse(membership, { before: [], after: permissions })
          if (rules.roles.has(name)) return yield* new RoleRefused({ reason: "built-in" })
          const now = yield* DateTime.now
          const id = RoleId.make(yield* random.uuidV7())
          const role = { id, name, description, permissions, isBuiltIn: false, createdAt: now, updatedAt: now }
          const limit = yield* Limits.evaluate(settings.limits.roles, { organizationId })
          const kept = yield* store.insert(organizationId, role, limit)
          if (kept === "name-taken") return yield* new RoleRefused({ reason: "name-taken" })
          if (kept === "full") return yield* new LimitReached({ limit: "roles", maximum: limit ?? 0 })
          yield* changes.record({
            type: "organization-role.created",
            organizationId,
            doer: Changes.doerOf(actor),
            after: { name, description, permissions },
            data: { roleId: id },
            events: [{ _tag: "RoleCreated", roleId: id, name, permissions }],
          })
          return role
        }),
      ),
    ),
    update: Effect.fn("Roles.update")((actor, organization, name, patch) =>
      locked.inOrganization(
        {
          actor,
          organization,
          action: "roles.update",
          read: (viewer) => store.findByNames(viewer, [name]),
          audits: "organization-role.updated",
        },
        Effect.fnUntraced(function* ({ organizationId, membership, value }) {
          const role = yield* changeable(name, value)
          const changed = changedFields(role, patch)
          const next = { ...role, ...changed }
          yield* refuse(membership, { before: role.permissions, after: next.permissions })
          if (rules.roles.has(next.name)) return yield* new RoleRefused({ reason: "built-in" })
          if (Object.keys(changed).length === 0) return role
          const updated = yield* store.update(organizationId, role.id, changed, yield* DateTime.now)
          if (updated === "name-taken") return yield* new RoleRefused({ reason: "name-taken" })
          if (Option.isNone(updated)) return yield* new RoleNotFound({ roles: [name] })
          yield* changes.record({
            type: "organization-role.updated",
            organizationId,
            doer: Changes.doerOf(actor),
            before: former(role, changed),
            after: { ...changed },
            data: { roleId: role.id },
            events: [
              {
                _tag: "RoleUpdated",
                roleId: role.id,
                name: next.name,
                before: role.permissions,
                after: next.permissions,
              },
            ],
          })
          return declared(updated.value)
        }),
      ),
    ),
    remove: Effect.fn("Roles.remove")((actor, organization, name, replacement) =>
      locked.inOrganization(
        {
          actor,
          organization,
          action: "roles.remove",
          read: (viewer) => store.findByNames(viewer, replacement === undefined ? [name] : [name, replacement]),
          audits: "organization-role.deleted",
        },
        Effect.fnUntraced(function* ({ organizationId, membership, value }) {
          const role = yield* changeable(name, value)
          const others = value.filter((other) => other.id !== role.id)
          const successor =
            replacement === undefined ? null : (ofHost(replacement) ?? (yield* find(replacement, others)))
          yield* access.refuseEscalation(membership, {
            roles: successor === null ? [] : [successor.name],
            permissions: new Set([...role.permissions, ...(successor?.permissions ?? [])]),
          })
          // Owners are made one by one, by those who own: not by deleting a role.
          if (successor?.name === owner) return yield* new RoleRefused({ reason: "built-in" })
          const removed = yield* store.remove({
            organizationId,
            id: role.id,
            replacement: successor === null ? null : toReplacement(successor),
            now: yield* DateTime.now,
          })
          if (removed === "in-use") return yield* new RoleRefused({ reason: "in-use" })
          if (removed === "absent") return yield* new RoleNotFound({ roles: [name] })
          yield* changes.record({
            type: "organization-role.deleted",
            organizationId,
            doer: Changes.doerOf(actor),
            before: { name, description: role.description, permissions: role.permissions },
            data: { roleId: role.id, replacement: successor?.name ?? null },
            events: [{ _tag: "RoleDeleted", roleId: role.id, name, replacement: successor?.name ?? null }],
          })
        }),
      ),
    ),
  })
})

/**
 * Layer of the service.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(Roles, make)

// internal

const isRoleName = Schema.is(RoleName)

const sorted = (permissions: ReadonlyArray<Permission>): ReadonlyArray<Permission> =>
  [...new Set(permissions)].toSorted()

const toReplacement = ({ id, name }: Pick<Role, "id" | "name">) => (id === null ? { builtIn: name } : { custom: id })

type Fields = Partial<Pick<CustomRole, "name" | "description" | "permissions">>

/** What a patch changes. */
const changedFields = (
  role: CustomRole,
  { name, description, permissions }: { readonly [K in keyof Fields]: Fields[K] | undefined },
): Fields => ({
  ...(name === undefined || name === role.name ? {} : { name }),
  ...(description === undefined || description === role.description ? {} : { description }),
  ...(permissions === undefined || sorted(permissions).join(" ") === sorted(role.permissions).join(" ")
    ? {}
    : { permissions: sorted(permissions) }),
})

/** What was there before. */
const former = ({ name, description, permissions }: CustomRole, changed: Fields) => ({
  ...(changed.name === undefined ? {} : { name }),
  ...(changed.description === undefined ? {} : { description }),
  ...(changed.permissions === undefined ? {} : { permissions }),
})
