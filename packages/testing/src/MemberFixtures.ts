/**
 * What the suites of `MemberStore` begin with, and see it through.
 *
 * @since 0.1.0
 */
import type { User } from "@belfry/core/User"
import type { Viewer } from "@belfry/organization/Membership"
import type { OrganizationId } from "@belfry/organization/Organization"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import type { RoleAssignment } from "@belfry/organization/Role"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Builders from "./Builders.ts"
import * as OrganizationBuilders from "./OrganizationBuilders.ts"

/**
 * The first page of everybody.
 *
 * @category fixtures
 * @since 0.1.0
 */
export const everybody = { after: null, limit: 200, search: null, role: null }

/**
 * A member to be added: somebody new, with the role of a member and without a limit, unless fields say otherwise.
 *
 * @category fixtures
 * @since 0.1.0
 */
export const insertion = Effect.fnUntraced(function* (
  organizationId: OrganizationId,
  fields: { readonly user?: User; readonly roles?: RoleAssignment; readonly limit?: number } = {},
) {
  const user = fields.user ?? (yield* Builders.storedUser())
  return {
    id: yield* OrganizationBuilders.memberId,
    organizationId,
    userId: user.id,
    roles: fields.roles ?? OrganizationBuilders.builtIn("member"),
    limit: fields.limit ?? null,
    now: yield* DateTime.now,
  }
})

/**
 * The counts that the organization keeps.
 *
 * @category accessors
 * @since 0.1.0
 */
export const countsOf = Effect.fnUntraced(function* (viewer: Viewer) {
  const now = yield* DateTime.now
  const found = yield* OrganizationStore.use((organizations) => organizations.get(viewer, now))
  const { members, owners } = Option.getOrThrow(found).value.counts
  return { members, owners }
})
