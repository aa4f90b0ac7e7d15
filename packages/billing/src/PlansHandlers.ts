/**
 * HTTP adapter of plans.
 *
 * @since 0.1.0
 */
import { RequestGuard } from "@belfry/core/ProblemApi"
import { seeing, storeUnavailable } from "@belfry/core/RequestHandlers"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { BillingApi } from "./BillingApi.ts"
import { providerFailed } from "./internal/requests.ts"
import { Plans } from "./Plans.ts"

/**
 * The handlers of `PlansApi`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = HttpApiBuilder.group(
  BillingApi,
  "plans",
  Effect.fnUntraced(function* (handlers) {
    const plans = yield* Plans

    return handlers.handle("list", ({ query }) =>
      Effect.gen(function* () {
        return { plans: yield* plans.list(query.audience) }
      }).pipe(Effect.catchTags({ StoreError: storeUnavailable, BillingProviderError: providerFailed })),
    )
  }),
).pipe(seeing(Plans, RequestGuard))
