/**
 * HTTP adapter of protected resources.
 *
 * @since 0.1.0
 */
import { RequestGuard } from "@belfry/core/ProblemApi"
import { clientInfo, seeing, storeUnavailable } from "@belfry/core/RequestHandlers"
import { Authentication, CurrentUser, FreshSession, ScopeCheck } from "@belfry/core/SessionsApi"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OAuthServerApi } from "./OAuthServerApi.ts"
import { Resources } from "./Resources.ts"

/**
 * The handlers of `ResourcesApi`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = HttpApiBuilder.group(
  OAuthServerApi,
  "oauthResources",
  Effect.fnUntraced(function* (handlers) {
    const resources = yield* Resources

    return handlers.handleAll({
      list: ({ query: { identifier, ...page } }) =>
        Effect.gen(function* () {
          if (identifier === undefined) return yield* resources.list(page)
          return { resources: [yield* resources.get(identifier)], cursor: null }
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      create: ({ payload, request }) =>
        Effect.flatMap(CurrentUser, ({ id }) => resources.create(payload, clientInfo(request), id)).pipe(
          Effect.catchTag("StoreError", storeUnavailable),
        ),
      update: ({ payload, request }) =>
        Effect.flatMap(CurrentUser, ({ id }) => resources.update(payload, clientInfo(request), id)).pipe(
          Effect.catchTag("StoreError", storeUnavailable),
        ),
      remove: ({ query, request }) =>
        Effect.flatMap(CurrentUser, ({ id }) => resources.remove(query.identifier, clientInfo(request), id)).pipe(
          Effect.catchTag("StoreError", storeUnavailable),
        ),
    })
  }),
).pipe(seeing(Resources, RequestGuard, Authentication, FreshSession, ScopeCheck))
