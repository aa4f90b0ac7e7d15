/**
 * HTTP adapter of teams.
 *
 * @since 0.1.0
 */
import { RequestGuard } from "@belfry/core/ProblemApi"
import { seeing, storeUnavailable } from "@belfry/core/RequestHandlers"
import { Authentication } from "@belfry/core/SessionsApi"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Schema from "effect/Schema"
import { actorOf, memberOf, organizationOf } from "./internal/requests.ts"
import { MemberId } from "./Member.ts"
import { OrganizationTeamsApi } from "./OrganizationTeamsApi.ts"
import { TeamId, TeamNotFound } from "./Team.ts"
import { Teams } from "./Teams.ts"

/**
 * The handlers of `TeamsApi`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = HttpApiBuilder.group(
  OrganizationTeamsApi,
  "teams",
  Effect.fnUntraced(function* (handlers) {
    const teams = yield* Teams

    return handlers.handleAll({
      list: ({ params, query, request }) =>
        Effect.gen(function* () {
          const page = yield* teams.list(yield* actorOf(request), yield* organizationOf(params), query)
          return { teams: page.items, cursor: page.cursor }
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      create: ({ params, payload, request }) =>
        Effect.gen(function* () {
          return yield* teams.create(yield* actorOf(request), yield* organizationOf(params), payload)
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      get: ({ params, request }) =>
        Effect.gen(function* () {
          return yield* teams.get(...(yield* whereOf(request, params)))
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      update: ({ params, payload, request }) =>
        Effect.gen(function* () {
          return yield* teams.update(...(yield* whereOf(request, params)), payload)
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      remove: ({ params, request }) =>
        Effect.gen(function* () {
          yield* teams.remove(...(yield* whereOf(request, params)))
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      check: ({ params, payload, request }) =>
        Effect.gen(function* () {
          const missing = yield* teams.missing(...(yield* whereOf(request, params)), payload.permissions)
          return { isAllowed: missing.length === 0, missing }
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      members: ({ params, query, request }) =>
        Effect.gen(function* () {
          const page = yield* teams.members(...(yield* whereOf(request, params)), query)
          return { members: page.items, cursor: page.cursor }
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      addMember: ({ params, payload, request }) =>
        Effect.gen(function* () {
          return yield* teams.addMember(...(yield* whereOf(request, params)), payload)
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      setRoles: ({ params, payload, request }) =>
        Effect.gen(function* () {
          yield* teams.setRoles(...(yield* whereOf(request, params)), payload.roles)
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      removeMember: ({ params, request }) =>
        Effect.gen(function* () {
          const where = yield* whereOf(request, params)
          if (!isMemberId(params.memberId)) return yield* new TeamNotFound({ what: "team-member" })
          yield* teams.removeMember(...where, params.memberId)
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      ofMember: ({ params, query, request }) =>
        Effect.gen(function* () {
          const [actor, organization] = [yield* actorOf(request), yield* organizationOf(params)]
          const page = yield* teams.ofMember(actor, organization, yield* memberOf(params, actor), query)
          return { teams: page.items, cursor: page.cursor }
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
    })
  }),
).pipe(seeing(Teams, RequestGuard, Authentication))

// internal

/** Who calls, the organization and the team that a path names. Text that has the form of no id has no team. */
const whereOf = Effect.fnUntraced(function* (
  request: HttpServerRequest.HttpServerRequest,
  params: { readonly organization: string; readonly teamId: string },
) {
  const [actor, organization] = [yield* actorOf(request), yield* organizationOf(params)]
  if (!isTeamId(params.teamId)) return yield* new TeamNotFound({ what: "team" })
  return [actor, organization, params.teamId] as const
})

const isTeamId = Schema.is(TeamId)

const isMemberId = Schema.is(MemberId)
