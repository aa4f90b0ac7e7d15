/**
 * The grant types of this package, as the list that the token endpoint works with.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as AuthorizationCodeGrant from "./AuthorizationCodeGrant.ts"
import * as ClientCredentialsGrant from "./ClientCredentialsGrant.ts"
import { GrantTypes } from "./GrantTypes.ts"
import * as RefreshTokenGrant from "./RefreshTokenGrant.ts"

/**
 * The grant types of this package: authorization code, refresh token and client credentials.
 *
 * **When to use**
 *
 * A host with grant types of its own makes a list of these and its own; `settings.grantTypes` must name them.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.all([AuthorizationCodeGrant.make, RefreshTokenGrant.make, ClientCredentialsGrant.make])

/**
 * Layer with the grant types of this package.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(GrantTypes, make)
