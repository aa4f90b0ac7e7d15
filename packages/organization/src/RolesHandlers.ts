/**
 * HTTP adapter of roles.
 *
 * @since 0.1.0
 */
import { RequestGuard } from "@belfry/core/ProblemApi"
import { seeing, storeUnavailable } from "@belfry/core/RequestHandlers"
import { Authentication } from "@belfry/core/SessionsApi"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Schema from "effect/Schema"
import { actorOf, organizationOf } from "./internal/requests.ts"
import { OrganizationApi } from "./OrganizationApi.ts"
import { RoleName, RoleNotFound } from "./Role.ts"
import { Roles } from "./Roles.ts"

/**
 * The handlers of `RolesApi`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = HttpApiBuilder.group(
  OrganizationApi,
  "organizationRoles",
  Effect.fnUntraced(function* (handlers) {
    const roles = yield* Roles

    return handlers.handleAll({
      list: ({ params, query, request }) =>
        Effect.gen(function* () {
          const page = yield* roles.list(yield* actorOf(request), yield* organizationOf(params), query)
          return { roles: page.items, cursor: page.cursor }
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      create: ({ params, payload, request }) =>
        Effect.gen(function* () {
          return yield* roles.create(yield* actorOf(request), yield* organizationOf(params), payload)
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      get: ({ params, request }) =>
        Effect.gen(function* () {
          const [actor, organization] = [yield* actorOf(request), yield* organizationOf(params)]
          return yield* roles.get(actor, organization, yield* nameOf(params))
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      update: ({ params, payload, request }) =>
        Effect.gen(function* () {
          const [actor, organization] = [yield* actorOf(request), yield* organizationOf(params)]
          return yield* roles.update(actor, organization, yield* nameOf(params), payload)
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      remove: ({ params, query, request }) =>
        Effect.gen(function* () {
          const [actor, organization] = [yield* actorOf(request), yield* organizationOf(params)]
          yield* roles.remove(actor, organization, yield* nameOf(params), query.replacement)
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
    })
  }),
).pipe(seeing(Roles, RequestGuard, Authentication))

// internal

const isRoleName = Schema.is(RoleName)

/** The role that a path names; what has the form of no name is not found, and not repeated. */
const nameOf = ({ role }: { readonly role: string }): Effect.Effect<RoleName, RoleNotFound> =>
  isRoleName(role) ? Effect.succeed(role) : Effect.fail(new RoleNotFound({ roles: [] }))
