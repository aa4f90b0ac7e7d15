/**
 * HTTP adapter of what a user has set up.
 *
 * @since 0.1.0
 */
import { RequestGuard } from "@belfry/core/ProblemApi"
import { seeing } from "@belfry/core/RequestHandlers"
import { Authentication } from "@belfry/core/SessionsApi"
import { Site } from "@belfry/core/Site"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { Enrolments } from "./Enrolments.ts"
import { FactorsApi } from "./FactorsApi.ts"
import { inSession } from "./SignInHandlers.ts"

/**
 * The handlers of {@link EnrolmentsApi}.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = HttpApiBuilder.group(
  FactorsApi,
  "enrolments",
  Effect.fnUntraced(function* (handlers) {
    const enrolments = yield* Enrolments
    const site = yield* Site

    return handlers.handleAll({
      list: ({ request }) =>
        inSession(request, site, ({ user }) => Effect.map(enrolments.list(user.id), (list) => ({ enrolments: list }))),
    })
  }),
).pipe(seeing(Enrolments, Site, RequestGuard, Authentication))
