/**
 * HTTP adapter of members.
 *
 * @since 0.1.0
 */
import { RequestGuard } from "@belfry/core/ProblemApi"
import { seeing, storeUnavailable } from "@belfry/core/RequestHandlers"
import { Authentication } from "@belfry/core/SessionsApi"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { actorOf, memberOf, organizationOf } from "./internal/requests.ts"
import { Members } from "./Members.ts"
import { OrganizationApi } from "./OrganizationApi.ts"

/**
 * The handlers of `MembersApi`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = HttpApiBuilder.group(
  OrganizationApi,
  "members",
  Effect.fnUntraced(function* (handlers) {
    const members = yield* Members

    return handlers.handleAll({
      list: ({ params, query, request }) =>
        Effect.gen(function* () {
          const page = yield* members.list(yield* actorOf(request), yield* organizationOf(params), query)
          return { members: page.items, cursor: page.cursor }
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      add: ({ params, payload, request }) =>
        Effect.gen(function* () {
          return yield* members.add(yield* actorOf(request), yield* organizationOf(params), payload)
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      get: ({ params, request }) =>
        Effect.gen(function* () {
          const [actor, organization] = [yield* actorOf(request), yield* organizationOf(params)]
          return yield* members.get(actor, organization, yield* memberOf(params, actor))
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      setRoles: ({ params, payload, request }) =>
        Effect.gen(function* () {
          const [actor, organization] = [yield* actorOf(request), yield* organizationOf(params)]
          return yield* members.setRoles(actor, organization, yield* memberOf(params, actor), payload.roles)
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      remove: ({ params, request }) =>
        Effect.gen(function* () {
          const [actor, organization] = [yield* actorOf(request), yield* organizationOf(params)]
          yield* members.remove(actor, organization, yield* memberOf(params, actor))
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
    })
  }),
).pipe(seeing(Members, RequestGuard, Authentication))
