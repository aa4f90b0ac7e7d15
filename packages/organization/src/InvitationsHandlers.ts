/**
 * HTTP adapter of invitations.
 *
 * @since 0.1.0
 */
import { RequestGuard } from "@belfry/core/ProblemApi"
import { clientInfo, noSession, rateLimited, seeing, storeUnavailable } from "@belfry/core/RequestHandlers"
import { Authentication } from "@belfry/core/SessionsApi"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Schema from "effect/Schema"
import { actorOf, organizationOf } from "./internal/requests.ts"
import { InvitationId, InvitationNotFound } from "./Invitation.ts"
import { Invitations } from "./Invitations.ts"
import { OrganizationApi } from "./OrganizationApi.ts"

/**
 * The handlers of `InvitationsApi`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = HttpApiBuilder.group(
  OrganizationApi,
  "invitations",
  Effect.fnUntraced(function* (handlers) {
    const invitations = yield* Invitations

    return handlers.handleAll({
      create: ({ params, payload, request }) =>
        Effect.gen(function* () {
          const { lifetime, resend, ...invited } = payload
          return yield* invitations.create(yield* actorOf(request), yield* organizationOf(params), {
            ...invited,
            lifetime: lifetime === undefined ? undefined : Duration.seconds(lifetime),
            resends: resend,
          })
        }).pipe(Effect.catchTags({ RateLimited: rateLimited, StoreError: storeUnavailable })),
      list: ({ params, query, request }) =>
        Effect.gen(function* () {
          const page = yield* invitations.list(yield* actorOf(request), yield* organizationOf(params), query)
          return { invitations: page.items, cursor: page.cursor }
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      get: ({ params, request }) =>
        Effect.gen(function* () {
          const [actor, organization] = [yield* actorOf(request), yield* organizationOf(params)]
          return yield* invitations.get(actor, organization, yield* invitationOf(params))
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      resend: ({ params, request }) =>
        Effect.gen(function* () {
          const [actor, organization] = [yield* actorOf(request), yield* organizationOf(params)]
          return yield* invitations.resend(actor, organization, yield* invitationOf(params))
        }).pipe(Effect.catchTags({ RateLimited: rateLimited, StoreError: storeUnavailable })),
      revoke: ({ params, request }) =>
        Effect.gen(function* () {
          const [actor, organization] = [yield* actorOf(request), yield* organizationOf(params)]
          yield* invitations.revoke(actor, organization, yield* invitationOf(params))
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      mine: ({ query, request }) =>
        Effect.gen(function* () {
          const page = yield* invitations.mine(yield* actorOf(request), query)
          return { invitations: page.items, cursor: page.cursor }
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      accept: ({ payload, request }) =>
        Effect.gen(function* () {
          return yield* invitations.accept(yield* actorOf(request), { _tag: "Token", token: payload.token })
        }).pipe(
          Effect.catchTags({
            SessionInvalid: () => noSession(request),
            RateLimited: rateLimited,
            StoreError: storeUnavailable,
          }),
        ),
      acceptById: ({ params, request }) =>
        Effect.gen(function* () {
          return yield* invitations.accept(yield* actorOf(request), { _tag: "Id", id: yield* invitationOf(params) })
        }).pipe(
          Effect.catchTags({
            SessionInvalid: () => noSession(request),
            RateLimited: rateLimited,
            StoreError: storeUnavailable,
          }),
        ),
      rejectById: ({ params, request }) =>
        Effect.gen(function* () {
          const actor = yield* actorOf(request)
          yield* invitations.reject(actor, { _tag: "Id", id: yield* invitationOf(params) }, actor.client)
        }).pipe(Effect.catchTags({ RateLimited: rateLimited, StoreError: storeUnavailable })),
      preview: ({ payload, request }) =>
        invitations
          .preview(payload.token, clientInfo(request))
          .pipe(Effect.catchTags({ RateLimited: rateLimited, StoreError: storeUnavailable })),
      reject: ({ payload, request }) =>
        invitations
          .reject(null, { _tag: "Token", token: payload.token }, clientInfo(request))
          .pipe(Effect.catchTags({ RateLimited: rateLimited, StoreError: storeUnavailable })),
    })
  }),
).pipe(seeing(Invitations, RequestGuard, Authentication))

// internal

/** The invitation that a path names; what has no form of an id is not found. */
const invitationOf = ({
  invitationId,
}: {
  readonly invitationId: string
}): Effect.Effect<InvitationId, InvitationNotFound> =>
  isInvitationId(invitationId) ? Effect.succeed(invitationId) : Effect.fail(new InvitationNotFound())

const isInvitationId = Schema.is(InvitationId)
