/**
 * HTTP contract of sensitive actions: a middleware for a host's own endpoints.
 *
 * @since 0.1.0
 */
import { asProblem } from "@belfry/core/ProblemApi"
import type { CurrentSession, CurrentUser } from "@belfry/core/SessionsApi"
import * as Context from "effect/Context"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import { StepUpRequired } from "./StepUp.ts"

/**
 * The action that {@link StepUpCheck} asks a recent proof for: an annotation of an endpoint or group. Without it, an
 * endpoint is an action of its own: `accounts.transfer`, by the names of group and endpoint.
 *
 * @category annotations
 * @since 0.1.0
 */
export const SensitiveAction = Context.Reference<string | null>("@belfry/factors/SensitiveAction", {
  defaultValue: () => null,
})

/**
 * Asks that the factors which the policy wants before the endpoint's {@link SensitiveAction} were proved recently.
 *
 * **Example** (An endpoint that moves money)
 *
 * ```ts
 * HttpApiEndpoint.post("transfer", "/transfers", { payload: Transfer })
 *   .annotate(SensitiveAction, "transfer")
 *   .middleware(StepUpCheck)
 *   .middleware(Authentication)
 * ```
 *
 * @category middleware
 * @since 0.1.0
 */
export class StepUpCheck extends HttpApiMiddleware.Service<StepUpCheck, { requires: CurrentSession | CurrentUser }>()(
  "@belfry/factors/StepUpCheck",
  {
    error: StepUpRequired.pipe(asProblem({ status: 403, title: "Forbidden" })),
  },
) {}
