/**
 * All HTTP handlers of this package.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import * as AdminClientsHandlers from "./AdminClientsHandlers.ts"
import * as AuthorizationsHandlers from "./AuthorizationsHandlers.ts"
import * as ClientsHandlers from "./ClientsHandlers.ts"
import * as ConsentsHandlers from "./ConsentsHandlers.ts"
import * as DiscoveryHandlers from "./DiscoveryHandlers.ts"
import * as RegistrationHandlers from "./RegistrationHandlers.ts"
import * as ResourcesHandlers from "./ResourcesHandlers.ts"
import * as TokensHandlers from "./TokensHandlers.ts"

/**
 * The handlers of `OAuthServerApi`, without the middleware: that is `CoreHandlers.layerMiddleware`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.mergeAll(
  AdminClientsHandlers.layer,
  ClientsHandlers.layer,
  AuthorizationsHandlers.layer,
  ConsentsHandlers.layer,
  DiscoveryHandlers.layer,
  RegistrationHandlers.layer,
  ResourcesHandlers.layer,
  TokensHandlers.layer,
)
