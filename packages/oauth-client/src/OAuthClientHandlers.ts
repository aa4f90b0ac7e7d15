/**
 * All HTTP handlers of this package.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import * as ProviderRedirectsHandlers from "./ProviderRedirectsHandlers.ts"
import * as ProvidersHandlers from "./ProvidersHandlers.ts"

/**
 * The handlers of {@link OAuthClientApi}, without the middleware: that is `CoreHandlers.layerMiddleware`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.mergeAll(ProvidersHandlers.layer, ProviderRedirectsHandlers.layer)
