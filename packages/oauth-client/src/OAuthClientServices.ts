/**
 * All services of this package at once, over whatever stores, providers and gate the host provides.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import * as OAuthAccounts from "./OAuthAccounts.ts"
import * as OAuthSignIns from "./OAuthSignIns.ts"
import * as OAuthStates from "./OAuthStates.ts"
import * as OAuthTransport from "./OAuthTransport.ts"

/**
 * All services of this package but the list of providers, which is the host's to fill.
 *
 * **Details**
 *
 * Needs the services of `core` (`CoreServices.layer`) with their stores, the stores of this package, `OAuthProviders`,
 * `OutboundHttp` and `SignInGate`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.mergeAll(OAuthSignIns.layer, OAuthAccounts.layer).pipe(
  Layer.provideMerge(Layer.mergeAll(OAuthStates.layer, OAuthTransport.layer)),
)
