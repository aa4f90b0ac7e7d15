/**
 * The client's address of an HTTP request, behind proxies that are known.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Layer from "effect/Layer"
import type * as IpNetwork from "effect/net/IpNetwork"
import * as Option from "effect/Option"
import * as ClientAddress from "./ClientAddress.ts"

/**
 * Layer of the router middleware that believes `X-Forwarded-For`, `-Host` and `-Proto` of the given proxies and of
 * nobody else.
 *
 * **Details**
 *
 * The client is the right-most address of `X-Forwarded-For` that is no trusted proxy: what stands left of it was
 * written by the client itself.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>,
): Layer.Layer<never, never, HttpRouter.HttpRouter> =>
  // Without proxies there is nothing to believe, and no header to read on every request.
  trustedProxies.length === 0
    ? Layer.empty
    : HttpRouter.middleware(HttpMiddleware.xForwardedHeaders({ trustedProxies }), { global: true })

/**
 * Layer of the router middleware for the proxies of `BELFRY_TRUSTED_PROXIES`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig: Layer.Layer<
  never,
  Config.ConfigError | ClientAddress.TrustedProxiesInvalid,
  HttpRouter.HttpRouter
> = Layer.unwrap(Effect.map(ClientAddress.configTrustedProxies, layer))

/**
 * The address of the client of a request, in its one form, or null when the transport has none.
 *
 * @category accessors
 * @since 0.1.0
 */
export const addressOf = (request: HttpServerRequest.HttpServerRequest): string | null =>
  Option.match(request.remoteAddress, { onNone: () => null, onSome: ClientAddress.normalize })

/**
 * The address of the client of the current request: {@link addressOf}.
 *
 * @category accessors
 * @since 0.1.0
 */
export const currentAddress: Effect.Effect<string | null, never, HttpServerRequest.HttpServerRequest> = Effect.map(
  HttpServerRequest.HttpServerRequest,
  addressOf,
)
