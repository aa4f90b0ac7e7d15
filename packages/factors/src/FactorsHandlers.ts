/**
 * All HTTP handlers of this package.
 *
 * @since 0.1.0
 */
import * as PasswordsHandlers from "./PasswordsHandlers.ts"

/**
 * The handlers of {@link FactorsApi}, without the middleware: that is `CoreHandlers.layerMiddleware`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = PasswordsHandlers.layer
