/**
 * HTTP adapter of sensitive actions.
 *
 * @since 0.1.0
 */
import { clientInfo, storeUnavailable, unavailableResponse } from "@belfry/core/RequestHandlers"
import { CurrentSession, CurrentUser } from "@belfry/core/SessionsApi"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Layer from "effect/Layer"
import { SensitiveAction, StepUpCheck } from "./StepUpApi.ts"
import { StepUps } from "./StepUps.ts"

/**
 * Checks the action that the endpoint, or else its group, is annotated with, or that it is.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerStepUpCheck = Layer.effect(
  StepUpCheck,
  Effect.gen(function* () {
    const stepUps = yield* StepUps
    return StepUpCheck.of(
      Effect.fnUntraced(function* (httpEffect, { endpoint, group }) {
        const action =
          Context.get(endpoint.annotations, SensitiveAction) ??
          Context.get(group.annotations, SensitiveAction) ??
          `${group.identifier}.${endpoint.identifier}`
        const isAnswered = yield* stepUps
          .require({
            session: yield* CurrentSession,
            user: yield* CurrentUser,
            action,
            client: clientInfo(yield* HttpServerRequest.HttpServerRequest),
          })
          .pipe(
            Effect.as(true),
            // Answered here: this middleware cannot fail with what others fail with.
            Effect.catchTag("StoreError", (error) => Effect.ignore(storeUnavailable(error)).pipe(Effect.as(false))),
          )
        return isAnswered ? yield* httpEffect : unavailableResponse
      }),
    )
  }),
)
