/**
 * HTTP adapter of sign-ins that are on their way.
 *
 * @since 0.1.0
 */
import { RequestGuard } from "@belfry/core/ProblemApi"
import { clientInfo, seeing } from "@belfry/core/RequestHandlers"
import { Authentication, CurrentSession, CurrentUser } from "@belfry/core/SessionsApi"
import { Site } from "@belfry/core/Site"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Struct from "effect/Struct"
import { FactorsApi } from "./FactorsApi.ts"
import { SignInAttempts } from "./SignInAttempts.ts"
import {
  answeringFailures,
  clearSignInCookie,
  continued,
  inSignIn,
  signInTokens,
  toSignInContinued,
  transportOf,
} from "./SignInHandlers.ts"

/**
 * The handlers of {@link SignInAttemptsApi}.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = HttpApiBuilder.group(
  FactorsApi,
  "signIn",
  Effect.fnUntraced(function* (handlers) {
    const attempts = yield* SignInAttempts
    const site = yield* Site

    return handlers.handleAll({
      start: ({ payload, request }) =>
        attempts.start({ context: Struct.pick(payload, ["returnTo", "label"]), client: clientInfo(request) }).pipe(
          Effect.flatMap((started) => continued(started, transportOf(request, payload.transport), site)),
          answeringFailures(request, site),
        ),
      current: ({ request }) =>
        inSignIn(request, site, undefined, ({ token, client }) =>
          Effect.map(attempts.get(token, client), (state) => toSignInContinued(state, null)),
        ),
      cancel: ({ request }) =>
        Effect.forEach(signInTokens(request, site), (token) => attempts.cancel(token, clientInfo(request)), {
          discard: true,
        }).pipe(Effect.andThen(clearSignInCookie(site)), answeringFailures(request, site)),
      reauthenticate: ({ payload, request }) =>
        Effect.gen(function* () {
          const session = yield* CurrentSession
          const user = yield* CurrentUser
          const started = yield* attempts.start({
            stepUp: { session, user, action: payload.action ?? null },
            client: clientInfo(request),
          })
          return yield* continued(started, transportOf(request, payload.transport), site)
        }).pipe(answeringFailures(request, site)),
    })
  }),
).pipe(seeing(SignInAttempts, Site, RequestGuard, Authentication))
