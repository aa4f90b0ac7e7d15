/**
 * HTTP adapter of a user's own consents and grants.
 *
 * @since 0.1.0
 */
import { RequestGuard } from "@belfry/core/ProblemApi"
import { clientInfo, seeing, storeUnavailable } from "@belfry/core/RequestHandlers"
import { Authentication, CurrentUser } from "@belfry/core/SessionsApi"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Schema from "effect/Schema"
import { ConsentId, ConsentNotFound } from "./Consent.ts"
import { Consents } from "./Consents.ts"
import { GrantId, GrantNotFound } from "./Grant.ts"
import { OAuthServerApi } from "./OAuthServerApi.ts"

/**
 * The handlers of {@link ConsentsApi}.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = HttpApiBuilder.group(
  OAuthServerApi,
  "oauthConsents",
  Effect.fnUntraced(function* (handlers) {
    const consents = yield* Consents

    return handlers.handleAll({
      list: ({ query }) =>
        Effect.gen(function* () {
          const user = yield* CurrentUser
          return { consents: yield* consents.list(user.id, query.referenceId) }
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      get: ({ params }) =>
        Effect.gen(function* () {
          const user = yield* CurrentUser
          return yield* consents.get(user.id, yield* toConsentId(params))
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      narrow: ({ params, payload, request }) =>
        Effect.gen(function* () {
          const user = yield* CurrentUser
          const id = yield* toConsentId(params)
          return yield* consents.narrow({ userId: user.id, id, scopes: payload.scopes, client: clientInfo(request) })
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      withdraw: ({ params, request }) =>
        Effect.gen(function* () {
          const user = yield* CurrentUser
          yield* consents.withdraw(user.id, yield* toConsentId(params), clientInfo(request))
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      grants: () =>
        Effect.gen(function* () {
          const user = yield* CurrentUser
          return { grants: yield* consents.grants(user.id) }
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      revokeGrant: ({ params, request }) =>
        Effect.gen(function* () {
          const user = yield* CurrentUser
          yield* consents.revokeGrant(user.id, yield* toGrantId(params), clientInfo(request))
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
    })
  }),
).pipe(seeing(Consents, RequestGuard, Authentication))

// internal

const isConsentId = Schema.is(ConsentId)
const isGrantId = Schema.is(GrantId)

const toConsentId = ({ consentId }: { readonly consentId: string }): Effect.Effect<ConsentId, ConsentNotFound> =>
  isConsentId(consentId) ? Effect.succeed(consentId) : Effect.fail(new ConsentNotFound({ consentId }))

const toGrantId = ({ grantId }: { readonly grantId: string }): Effect.Effect<GrantId, GrantNotFound> =>
  isGrantId(grantId) ? Effect.succeed(grantId) : Effect.fail(new GrantNotFound({ grantId }))
