/**
 * All services of this package at once, over whatever stores the host provides.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import * as AccessTokenReader from "./AccessTokenReader.ts"
import * as AccessTokens from "./AccessTokens.ts"
import * as AdminClients from "./AdminClients.ts"
import * as Authorizations from "./Authorizations.ts"
import * as ClientAuthentications from "./ClientAuthentications.ts"
import * as ClientRegistrations from "./ClientRegistrations.ts"
import * as ClientMetadataDocuments from "./ClientMetadataDocuments.ts"
import * as Clients from "./Clients.ts"
import * as Consents from "./Consents.ts"
import * as Discovery from "./Discovery.ts"
import type { GrantTypes } from "./GrantTypes.ts"
import * as LoginFlow from "./LoginFlow.ts"
import * as Logouts from "./Logouts.ts"
import * as Resources from "./Resources.ts"
import * as SigningKeys from "./SigningKeys.ts"
import * as StandardGrantTypes from "./StandardGrantTypes.ts"
import * as Subjects from "./Subjects.ts"
import * as TokenIssuer from "./TokenIssuer.ts"
import * as Tokens from "./Tokens.ts"
import * as WaitingRequests from "./WaitingRequests.ts"

const layerTokenIssuer = Layer.provideMerge(TokenIssuer.layer, Layer.mergeAll(SigningKeys.layer, Subjects.layer))

const layerTokens = Layer.mergeAll(Tokens.layer, AccessTokens.layer, AccessTokenReader.layer, Discovery.layer)

const layerAuthorizations = Layer.merge(LoginFlow.layer, Logouts.layer).pipe(
  Layer.provideMerge(Authorizations.layer),
  Layer.provideMerge(Layer.mergeAll(ClientMetadataDocuments.layer, Consents.layer, WaitingRequests.layer)),
)

const layerClients = Layer.mergeAll(ClientRegistrations.layer, Clients.layer, AdminClients.layer, Resources.layer)

/**
 * All services of this package, with grant types that the host chooses.
 *
 * **Example** (One more grant type)
 *
 * ```ts
 * const grantTypes = Layer.effect(
 *   GrantTypes,
 *   Effect.map(StandardGrantTypes.make, (standard) => [...standard, ownGrantType])
 * )
 * const layer = OAuthServerServices.layerWith(grantTypes)
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerWith = <E, R>(grantTypes: Layer.Layer<GrantTypes, E, R>) =>
  Layer.mergeAll(layerTokens, layerAuthorizations, layerClients).pipe(
    Layer.provideMerge(Layer.mergeAll(ClientAuthentications.layer, grantTypes)),
    Layer.provideMerge(layerTokenIssuer),
  )

/**
 * All services of this package.
 *
 * **Details**
 *
 * Needs the services of `core` (`CoreServices.layer`) with their stores, the stores of this package,
 * `AuthenticationContexts` and `OutboundHttp`. Settings, hooks and pages are references with defaults.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = layerWith(StandardGrantTypes.layer)
