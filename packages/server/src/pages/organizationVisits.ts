/**
 * Who visits a page of an organization, and who they are there.
 *
 * @since 0.1.0
 */
import type { StoreError } from "@belfry/core/StoreError"
import type { SessionInvalid } from "@belfry/core/Session"
import type { SessionActor } from "@belfry/organization/Membership"
import { Memberships } from "@belfry/organization/Memberships"
import { type OrganizationId, OrganizationNotFound, toOrganizationRef } from "@belfry/organization/Organization"
import { type BuiltInPermission, builtInPermission, PermissionMissing } from "@belfry/organization/Permission"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import { PageKit } from "./PageKit.ts"
import { makeVisitors, type Visit } from "./visit.ts"
import { frameOf, may, type OrganizationFrame } from "./views/organizationParts.ts"

/**
 * A member on a page of their organization.
 *
 * @category models
 * @since 0.1.0
 */
export interface OrganizationVisit extends OrganizationFrame {
  readonly actor: SessionActor
  readonly organization: OrganizationId
}

/**
 * Builds the look-up of who visits, as the services of organizations want to know it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeOrganizationVisits = Effect.gen(function* () {
  const { paths } = yield* PageKit
  const memberships = yield* Memberships
  const visitors = yield* makeVisitors

  const actor = (
    visit: Visit,
  ): Effect.Effect<SessionActor, SessionInvalid | StoreError, HttpServerRequest.HttpServerRequest> =>
    Effect.map(visitors.get(visit), (visitor) => ({ ...visitor, client: visit.client }))

  return {
    /** Who visits, or a failure that leads to the sign-in page. */
    actor,

    /** Who visits the organization of the address; whoever is no member of it learns nothing of it. */
    enter: Effect.fnUntraced(function* (visit: Visit) {
      const visitor = yield* actor(visit)
      const ref = toOrganizationRef(visit.param("organization") ?? "")
      if (ref === null) return yield* new OrganizationNotFound()
      const membership = yield* memberships.get({ userId: visitor.user.id, organization: ref })
      const entered: OrganizationVisit = {
        actor: visitor,
        organization: membership.organizationId,
        ...frameOf(paths, membership),
      }
      return entered
    }),
  }
})

/**
 * Fails unless somebody may do what a page is for: pages that only ask, or only have a form, read nothing that is
 * guarded.
 *
 * @category combinators
 * @since 0.1.0
 */
export const requireOnPage = (
  { membership }: OrganizationFrame,
  permission: BuiltInPermission,
): Effect.Effect<void, PermissionMissing> =>
  may(membership, permission)
    ? Effect.void
    : Effect.fail(new PermissionMissing({ reason: "permission", missing: [builtInPermission(permission)] }))

/**
 * What was done, where the address says so.
 *
 * @category accessors
 * @since 0.1.0
 */
export const doneAt = ({ query, words }: Visit): string | undefined => {
  const flag = query("done") ?? ""
  return Object.hasOwn(words.organizationDone, flag) ? words.organizationDone[flag] : undefined
}

/**
 * Which part of a list the address asks for: what services are asked with, and what the ways to other parts keep.
 *
 * @category accessors
 * @since 0.1.0
 */
export const partOf = ({ query }: Visit, kept: ReadonlyArray<"search" | "status"> = []) => {
  const cursor = query("cursor")?.slice(0, 200)
  const values = Object.fromEntries(kept.map((name) => [name, query(name)?.trim().slice(0, 200) || undefined] as const))
  return { options: { ...values, cursor }, query: values, isFirst: cursor === undefined }
}
