/**
 * HTTP adapter of the signed-in user.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { CoreApi } from "./CoreApi.ts"
import { Emails } from "./Emails.ts"
import { RequestGuard } from "./ProblemApi.ts"
import { clearSessionCookie, clientInfo, rateLimited, noSession, storeUnavailable, seeing } from "./RequestHandlers.ts"
import { Authentication, CurrentUser, FreshSession } from "./SessionsApi.ts"
import { Site } from "./Site.ts"
import { Users } from "./Users.ts"

/**
 * The handlers of {@link UsersApi}.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = HttpApiBuilder.group(
  CoreApi,
  "users",
  Effect.fnUntraced(function* (handlers) {
    const users = yield* Users
    const emails = yield* Emails
    const site = yield* Site

    return handlers.handleAll({
      current: () =>
        Effect.gen(function* () {
          return yield* CurrentUser
        }),
      update: ({ payload, request }) =>
        Effect.flatMap(CurrentUser, (user) => users.update(user.id, payload, clientInfo(request))).pipe(
          Effect.catchTags({
            StoreError: storeUnavailable,
            // The user was deleted since the session was verified, and the session with it.
            UserNotFound: () => noSession(request),
            // The payload has no address.
            EmailTaken: Effect.die,
          }),
        ),
      remove: ({ request }) =>
        Effect.flatMap(CurrentUser, (user) => users.remove(user.id, clientInfo(request))).pipe(
          Effect.andThen(clearSessionCookie(site)),
          Effect.catchTags({
            StoreError: storeUnavailable,
            UserNotFound: () => noSession(request),
          }),
        ),
      sendVerification: ({ request }) =>
        Effect.flatMap(CurrentUser, (user) => emails.sendVerification(user, clientInfo(request))).pipe(
          Effect.catchTags({ RateLimited: rateLimited, StoreError: storeUnavailable }),
        ),
      confirmVerification: ({ payload, request }) =>
        emails
          .confirmVerification(payload.token, clientInfo(request))
          .pipe(Effect.asVoid, Effect.catchTag("StoreError", storeUnavailable)),
      requestEmailChange: ({ payload, request }) =>
        Effect.flatMap(CurrentUser, (user) => emails.requestChange(user, payload.email, clientInfo(request))).pipe(
          Effect.catchTags({ RateLimited: rateLimited, StoreError: storeUnavailable }),
        ),
      confirmEmailChange: ({ payload, request }) =>
        emails
          .confirmChange(payload.token, clientInfo(request))
          .pipe(Effect.asVoid, Effect.catchTag("StoreError", storeUnavailable)),
    })
  }),
).pipe(seeing(Users, Emails, Site, RequestGuard, Authentication, FreshSession))
