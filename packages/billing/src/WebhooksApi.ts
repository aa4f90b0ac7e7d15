/**
 * HTTP contract of the provider's webhooks. The body is read as bytes, since its signature is over them.
 *
 * @since 0.1.0
 */
import { asProblem, limited } from "@belfry/core/ProblemApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { problems } from "./PlansApi.ts"
import { WebhookRefused } from "./WebhookEvent.ts"

/**
 * The largest body of a webhook that is read: 1 MiB, in bytes.
 *
 * @category rules
 * @since 0.1.0
 */
export const maximumWebhookBytes = 1024 * 1024

/**
 * The endpoint of webhooks.
 *
 * @category api
 * @since 0.1.0
 */
export class WebhooksApi extends HttpApiGroup.make("webhooks")
  .add(
    HttpApiEndpoint.post("receive", "/stripe/webhook", {
      success: Schema.Struct({ received: Schema.Boolean }),
      error: [
        WebhookRefused.pipe(asProblem({ status: 400, title: "Bad Request" })),
        limited,
        problems.unavailable,
        problems.failed,
      ],
    }).annotate(OpenApi.Summary, "Takes an event of Stripe; answers when what it says is durable here"),
  )
  .annotateMerge(OpenApi.annotations({ title: "Webhooks", description: "What the payment provider tells" })) {}
