/**
 * HTTP adapter of the provider's webhooks.
 *
 * @since 0.1.0
 */
import { RequestGuard } from "@belfry/core/ProblemApi"
import { RequestBody } from "@belfry/core/RequestBodyHandlers"
import { clientInfo, rateLimited, seeing, storeUnavailable } from "@belfry/core/RequestHandlers"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { BillingApi } from "./BillingApi.ts"
import { providerFailed } from "./internal/requests.ts"
import { WebhookRefused } from "./WebhookEvent.ts"
import { WebhookInbox } from "./WebhookInbox.ts"
import { maximumWebhookBytes } from "./WebhooksApi.ts"

/**
 * The handlers of `WebhooksApi`.
 *
 * **Details**
 *
 * The signature is the credential; cookies count for nothing. What is larger than an event, or breaks off, is none.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = HttpApiBuilder.group(
  BillingApi,
  "webhooks",
  Effect.fnUntraced(function* (handlers) {
    const inbox = yield* WebhookInbox
    const body = yield* RequestBody

    return handlers.handle("receive", ({ request }) =>
      Effect.gen(function* () {
        const bytes = yield* Effect.mapError(body.bytes(request, maxSize), () => new WebhookRefused({ reason: "form" }))
        const signature = request.headers["stripe-signature"]
        yield* inbox.receive({ body: bytes, signature, client: clientInfo(request) })
        return { received: true }
      }).pipe(
        Effect.catchTags({
          StoreError: storeUnavailable,
          RateLimited: rateLimited,
          BillingProviderError: providerFailed,
        }),
      ),
    )
  }),
).pipe(seeing(WebhookInbox, RequestBody, RequestGuard))

// internal

const maxSize = ByteSize.bytes(maximumWebhookBytes)
