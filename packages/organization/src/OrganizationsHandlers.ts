/**
 * HTTP adapter of organizations.
 *
 * @since 0.1.0
 */
import { RequestGuard } from "@belfry/core/ProblemApi"
import { noSession, rateLimited, seeing, storeUnavailable } from "@belfry/core/RequestHandlers"
import { Authentication } from "@belfry/core/SessionsApi"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Option from "effect/Option"
import { actorOf, organizationOf, requestedOrganization } from "./internal/requests.ts"
import { Memberships } from "./Memberships.ts"
import { OrganizationApi } from "./OrganizationApi.ts"
import { Organizations } from "./Organizations.ts"

/**
 * The handlers of `OrganizationsApi`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = HttpApiBuilder.group(
  OrganizationApi,
  "organizations",
  Effect.fnUntraced(function* (handlers) {
    const organizations = yield* Organizations
    const memberships = yield* Memberships

    return handlers.handleAll({
      create: ({ payload, request }) =>
        Effect.gen(function* () {
          return yield* organizations.create(yield* actorOf(request), payload)
        }).pipe(
          Effect.catchTags({
            SessionInvalid: () => noSession(request),
            RateLimited: rateLimited,
            StoreError: storeUnavailable,
          }),
        ),
      list: ({ query: { deleted, ...options }, request }) =>
        Effect.gen(function* () {
          const page = yield* organizations.list(yield* actorOf(request), { ...options, deleted: deleted === "true" })
          return { organizations: page.items, cursor: page.cursor }
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      slug: ({ params: { slug } }) =>
        Effect.gen(function* () {
          return { slug, isAvailable: yield* organizations.isSlugAvailable(slug) }
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      get: ({ params, request }) =>
        Effect.gen(function* () {
          return yield* organizations.get(yield* actorOf(request), yield* organizationOf(params))
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      update: ({ params, payload, request }) =>
        Effect.gen(function* () {
          return yield* organizations.update(yield* actorOf(request), yield* organizationOf(params), payload)
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      remove: ({ params, request }) =>
        Effect.gen(function* () {
          yield* organizations.remove(yield* actorOf(request), yield* organizationOf(params))
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      restore: ({ params, request }) =>
        Effect.gen(function* () {
          return yield* organizations.restore(yield* actorOf(request), yield* organizationOf(params))
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      transfer: ({ params, payload: { memberId, keeps }, request }) =>
        Effect.gen(function* () {
          const [actor, organization] = [yield* actorOf(request), yield* organizationOf(params)]
          yield* organizations.transfer(actor, organization, { to: memberId, keeps })
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      leave: ({ params, request }) =>
        Effect.gen(function* () {
          yield* organizations.leave(yield* actorOf(request), yield* organizationOf(params))
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      access: ({ params, request }) =>
        Effect.gen(function* () {
          const [{ user }, organization] = [yield* actorOf(request), yield* organizationOf(params)]
          return yield* memberships.get({ userId: user.id, organization })
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      check: ({ params, payload, request }) =>
        Effect.gen(function* () {
          const [{ user }, organization] = [yield* actorOf(request), yield* organizationOf(params)]
          const missing = yield* memberships.missing({ userId: user.id, organization }, payload.permissions)
          return { isAllowed: missing.length === 0, missing }
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      auditEvents: ({ params, query, request }) =>
        Effect.gen(function* () {
          const [actor, organization] = [yield* actorOf(request), yield* organizationOf(params)]
          const page = yield* organizations.auditEvents(actor, organization, query)
          return { events: page.items, cursor: page.cursor }
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      active: ({ request }) =>
        Effect.gen(function* () {
          const { user, session } = yield* actorOf(request)
          const requested = yield* requestedOrganization(request)
          const active = yield* memberships.active({ userId: user.id, sessionId: session.id, requested })
          return Option.getOrElse(active, () => ({ membership: null, source: null }))
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      activate: ({ payload, request }) =>
        Effect.gen(function* () {
          return yield* memberships.activate(yield* actorOf(request), yield* organizationOf(payload))
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      deactivate: ({ request }) =>
        Effect.gen(function* () {
          yield* memberships.deactivate(yield* actorOf(request))
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
    })
  }),
).pipe(seeing(Organizations, Memberships, RequestGuard, Authentication))
