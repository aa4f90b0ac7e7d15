/**
 * HTTP adapter of sessions, and of the middleware that authenticated endpoints use.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type * as Types from "effect/Types"
import { CoreApi } from "./CoreApi.ts"
import { sessionJson } from "./internal/sessionJson.ts"
import { RequestGuard } from "./ProblemApi.ts"
import {
  bearerToken,
  clearSessionCookie,
  clientInfo,
  cookieToken,
  noSession,
  setSessionCookie,
  storeUnavailable,
  unavailableResponse,
  seeing,
} from "./RequestHandlers.ts"
import { SessionInvalid } from "./Session.ts"
import { Sessions } from "./Sessions.ts"
import { Authentication, CurrentSession, CurrentUser, FreshSession, RequiredScopes, ScopeCheck } from "./SessionsApi.ts"
import { Site } from "./Site.ts"
import { hasScopes, ScopesMissing } from "./User.ts"

/**
 * Authenticates requests by session cookie or bearer token; a valid bearer token counts where both are given.
 *
 * **Gotchas**
 *
 * The platform tries the schemes in order and answers with the last failure. So the first one does all the work: it
 * reads both credentials, and when the store is away it answers 503 rather than failing, which the next scheme would
 * turn from "cannot say" into "no session".
 *
 * @category layers
 * @since 0.1.0
 */
export const layerAuthentication = Layer.effect(
  Authentication,
  Effect.gen(function* () {
    const sessions = yield* Sessions
    const site = yield* Site

    type Handled = Effect.Effect<HttpServerResponse.HttpServerResponse, Types.unhandled, CurrentSession | CurrentUser>

    const authenticate = (httpEffect: Handled, token: Redacted.Redacted, isCookie: boolean) =>
      Effect.matchEffect(sessions.verify(token), {
        onSuccess: ({ session, user, prolonged }) => {
          const handled = httpEffect.pipe(
            Effect.provideService(CurrentSession, session),
            Effect.provideService(CurrentUser, user),
          )
          return prolonged && isCookie ? Effect.andThen(setSessionCookie({ session, token }, site), handled) : handled
        },
        onFailure: (error) =>
          error._tag === "SessionInvalid"
            ? Effect.fail(error)
            : Effect.matchEffect(storeUnavailable(error), {
                onFailure: () => Effect.succeed(unavailableResponse),
                onSuccess: () => Effect.succeed(unavailableResponse),
              }),
      })

    const byCookie = (httpEffect: Handled, request: HttpServerRequest.HttpServerRequest) => {
      const token = cookieToken(request, site)
      return token === undefined ? Effect.fail(new SessionInvalid()) : authenticate(httpEffect, token, true)
    }

    return Authentication.of({
      bearer: (httpEffect) =>
        Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
          const token = bearerToken(request)
          return token === undefined
            ? byCookie(httpEffect, request)
            : Effect.catchTag(authenticate(httpEffect, token, false), "SessionInvalid", () =>
                byCookie(httpEffect, request),
              )
        }),
      cookie: () => Effect.flatMap(HttpServerRequest.HttpServerRequest, noSession),
    })
  }),
)

/**
 * Checks that the session is fresh.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerFreshSession = Layer.effect(
  FreshSession,
  Effect.gen(function* () {
    const sessions = yield* Sessions
    return FreshSession.of((httpEffect) =>
      Effect.andThen(
        Effect.flatMap(CurrentSession, (session) => sessions.requireFresh(session)),
        httpEffect,
      ),
    )
  }),
)

/**
 * Checks the scopes that the endpoint, or its group, is annotated with.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerScopeCheck = Layer.succeed(ScopeCheck)(
  ScopeCheck.of(
    Effect.fnUntraced(function* (httpEffect, { endpoint, group }) {
      const required = [
        ...Context.get(group.annotations, RequiredScopes),
        ...Context.get(endpoint.annotations, RequiredScopes),
      ]
      if (!hasScopes(yield* CurrentUser, required)) return yield* new ScopesMissing({ required })
      return yield* httpEffect
    }),
  ),
)

/**
 * The handlers of {@link SessionsApi}.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = HttpApiBuilder.group(
  CoreApi,
  "sessions",
  Effect.fnUntraced(function* (handlers) {
    const sessions = yield* Sessions
    const site = yield* Site

    return handlers.handleAll({
      current: () => current,
      list: () =>
        Effect.gen(function* () {
          const session = yield* CurrentSession
          return { sessions: yield* sessions.list(session.userId), currentSessionId: session.id }
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      revoke: ({ params, request }) =>
        Effect.gen(function* () {
          const session = yield* CurrentSession
          yield* sessions.revoke(session.userId, params.sessionId, clientInfo(request))
          if (params.sessionId === session.id) yield* clearSessionCookie(site)
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      revokeMany: ({ query, request }) =>
        Effect.gen(function* () {
          const { id, userId } = yield* CurrentSession
          const client = clientInfo(request)
          if (query.scope !== "all") return { revoked: yield* sessions.revokeAll({ userId, except: id, client }) }
          const revoked = yield* sessions.revokeAll({ userId, client })
          yield* clearSessionCookie(site)
          return { revoked }
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      signOut: ({ request }) =>
        Effect.gen(function* () {
          const tokens = [cookieToken(request, site), bearerToken(request)].filter((token) => token !== undefined)
          yield* Effect.forEach(tokens, (token) => sessions.signOut(token, clientInfo(request)), { discard: true })
          yield* clearSessionCookie(site)
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
    })
  }),
).pipe(seeing(Sessions, Site, RequestGuard, Authentication))

// internal

const current = Effect.gen(function* () {
  return HttpServerResponse.text(sessionJson(yield* CurrentSession, yield* CurrentUser), {
    contentType: "application/json",
  })
})
