/**
 * All HTTP handlers of this package and the middleware that they and other packages use.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import * as RequestHandlers from "./RequestHandlers.ts"
import * as SessionsHandlers from "./SessionsHandlers.ts"
import * as UsersHandlers from "./UsersHandlers.ts"

/**
 * The middleware: request guard, authentication, freshness, scopes.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMiddleware = Layer.mergeAll(
  RequestHandlers.layerRequestGuard,
  SessionsHandlers.layerAuthentication,
  SessionsHandlers.layerFreshSession,
  SessionsHandlers.layerScopeCheck,
)

/**
 * The handlers of {@link CoreApi}, still without the middleware.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerNoDeps = Layer.mergeAll(SessionsHandlers.layer, UsersHandlers.layer)

/**
 * The handlers of {@link CoreApi} with their middleware.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.provideMerge(layerNoDeps, layerMiddleware)
