/**
 * Port: where the roles are kept that organizations make. Calls that change something are for a transaction that holds
 * the lock of the organization.
 *
 * @since 0.1.0
 */
import type { StoreError } from "@belfry/core/StoreError"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { Guarded, Viewer } from "./Membership.ts"
import type { OrganizationId } from "./Organization.ts"
import type { StorePage } from "./Page.ts"
import type { Permission } from "./Permission.ts"
import type { CustomRole, RoleId, RoleName } from "./Role.ts"

/**
 * Where the roles are kept that organizations make. A name is one role in an organization, and a role that somebody has
 * is not removed, whatever happens at the same time.
 *
 * @category ports
 * @since 0.1.0
 */
export class RoleStore extends Context.Service<
  RoleStore,
  {
    /** Roles by name; `after` is a name. One statement. */
    readonly list: (
      viewer: Viewer,
      page: StorePage,
    ) => Effect.Effect<Option.Option<Guarded<ReadonlyArray<CustomRole>>>, StoreError>
    /** Those of these names that there are. One statement. */
    readonly findByNames: (
      viewer: Viewer,
      names: ReadonlyArray<RoleName>,
    ) => Effect.Effect<Option.Option<Guarded<ReadonlyArray<CustomRole>>>, StoreError>
    /** The same for trusted code. */
    readonly getByNames: (
      organizationId: OrganizationId,
      names: ReadonlyArray<RoleName>,
    ) => Effect.Effect<ReadonlyArray<CustomRole>, StoreError>
    readonly insert: (
      organizationId: OrganizationId,
      role: CustomRole,
      limit: number | null,
    ) => Effect.Effect<"kept" | "name-taken" | "full", StoreError>
    readonly update: (
      organizationId: OrganizationId,
      id: RoleId,
      patch: {
        readonly name?: RoleName
        readonly description?: string | null
        readonly permissions?: ReadonlyArray<Permission>
      },
      now: DateTime.Utc,
    ) => Effect.Effect<Option.Option<CustomRole> | "name-taken", StoreError>
    /**
     * Removes a role. With a replacement, whoever has the role has that one from then on: a role of the host by name or
     * one of the organization by id. `in-use`: somebody has it and none was given.
     */
    readonly remove: (options: {
      readonly organizationId: OrganizationId
      readonly id: RoleId
      readonly replacement: { readonly builtIn: RoleName } | { readonly custom: RoleId } | null
      readonly now: DateTime.Utc
    }) => Effect.Effect<"removed" | "in-use" | "absent", StoreError>
  }
>()("@belfry/organization/RoleStore") {}
