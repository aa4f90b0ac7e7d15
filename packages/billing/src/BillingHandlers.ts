/**
 * All HTTP handlers of this package.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import * as PlansHandlers from "./PlansHandlers.ts"
import * as SubscriptionsHandlers from "./SubscriptionsHandlers.ts"
import * as WebhooksHandlers from "./WebhooksHandlers.ts"

/**
 * The handlers of `BillingApi`, without the middleware: that is `CoreHandlers.layerMiddleware`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.mergeAll(PlansHandlers.layer, SubscriptionsHandlers.layer, WebhooksHandlers.layer)
