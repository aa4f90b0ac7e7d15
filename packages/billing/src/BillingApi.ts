/**
 * The HTTP API of billing, under `/auth`.
 *
 * @since 0.1.0
 */
import { RequestGuard } from "@belfry/core/ProblemApi"
import * as HttpApi from "effect/http-api/HttpApi"
import { PlansApi } from "./PlansApi.ts"
import { SubscriptionsApi } from "./SubscriptionsApi.ts"
import { WebhooksApi } from "./WebhooksApi.ts"

/**
 * Plans, subscriptions and the provider's webhooks.
 *
 * @category api
 * @since 0.1.0
 */
export class BillingApi extends HttpApi.make("belfry")
  .add(PlansApi)
  .add(SubscriptionsApi)
  .add(WebhooksApi)
  .middleware(RequestGuard)
  .annotate(HttpApi.PayloadParseOptions, { errors: "all" })
  .prefix("/auth") {}
