/**
 * HTTP adapter of clients, for the people whose they are.
 *
 * @since 0.1.0
 */
import { RequestGuard } from "@belfry/core/ProblemApi"
import { clientInfo, seeing, storeUnavailable } from "@belfry/core/RequestHandlers"
import { Authentication, CurrentSession, CurrentUser, FreshSession } from "@belfry/core/SessionsApi"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import { type Actor, Clients } from "./Clients.ts"
import { toManagedClient } from "./ClientsApi.ts"
import { clientIdOf, withSecret } from "./internal/clientJson.ts"
import { OAuthServerApi } from "./OAuthServerApi.ts"

/**
 * The handlers of `ClientsApi`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = HttpApiBuilder.group(
  OAuthServerApi,
  "oauthClients",
  Effect.fnUntraced(function* (handlers) {
    const clients = yield* Clients

    return handlers.handleAll({
      create: ({ payload, request }) =>
        Effect.gen(function* () {
          return yield* withSecret(yield* clients.create(yield* actorOf(request), payload), toManagedClient)
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      list: ({ query, request }) =>
        Effect.gen(function* () {
          const page = yield* clients.list(yield* actorOf(request), query)
          return { clients: page.clients.map(toManagedClient), cursor: page.cursor }
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      get: ({ params, request }) =>
        Effect.gen(function* () {
          return toManagedClient(yield* clients.get(yield* actorOf(request), yield* clientIdOf(params)))
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      update: ({ params, payload, request }) =>
        Effect.gen(function* () {
          return toManagedClient(yield* clients.update(yield* actorOf(request), yield* clientIdOf(params), payload))
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      remove: ({ params, request }) =>
        Effect.gen(function* () {
          yield* clients.remove(yield* actorOf(request), yield* clientIdOf(params))
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      rotateSecret: ({ params, request }) =>
        Effect.gen(function* () {
          const rotated = yield* clients.rotateSecret(yield* actorOf(request), yield* clientIdOf(params))
          return yield* withSecret(rotated, toManagedClient)
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      getPublic: ({ params }) =>
        Effect.gen(function* () {
          return yield* clients.getPublic(yield* clientIdOf(params))
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
    })
  }),
).pipe(seeing(Clients, RequestGuard, Authentication, FreshSession))

// internal

const actorOf = Effect.fnUntraced(function* (request: HttpServerRequest.HttpServerRequest) {
  const actor: Actor = { user: yield* CurrentUser, session: yield* CurrentSession, clientInfo: clientInfo(request) }
  return actor
})
