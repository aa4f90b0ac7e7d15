/**
 * The server as a function from `Request` to `Response`, for hosts that speak Fetch.
 *
 * @since 0.1.0
 */
import { routerConfig } from "@belfry/core/RequestHandlers"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Requests from "./Requests.ts"
import * as Server from "./Server.ts"

/**
 * What a host knows of a request that the request itself cannot say.
 *
 * **Details**
 *
 * `peerAddress` is the address at the other end of the connection. Sessions show it, and rate limits count by it:
 * without one, all clients are one. Behind proxies it is the proxy's, and `BELFRY_TRUSTED_PROXIES` names those whose
 * `X-Forwarded-For` counts.
 *
 * @category models
 * @since 0.1.0
 */
export interface Connection {
  readonly peerAddress?: string | undefined
}

/**
 * Makes the handler, and starts the server: requests wait until it is up, and reject with the reason when it cannot be.
 * `dispose` stops it.
 *
 * **Example** (Any host with Fetch types)
 *
 * ```ts
 * const { handler, dispose } = Web.make()
 * export default { fetch: (request, server) => handler(request, { peerAddress: server.requestIP(request)?.address }) }
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = () => {
  const { handler, dispose } = HttpRouter.toWebHandler(
    Server.layer.pipe(
      Layer.merge(Layer.succeed(HttpIncomingMessage.MaxBodySize)(Requests.maxBodySize)),
      // Around all else, which asks where the request comes from.
      Layer.provide(layerPeer),
      Layer.provide([HttpServer.layerServices, NodeCrypto.layer, NodeServices.layer]),
    ),
    { disableLogger: true, routerConfig },
  )
  return {
    handler: (request: Request, { peerAddress }: Connection = {}): Promise<Response> =>
      handler(request, Context.make(PeerAddress, peerAddress)),
    dispose,
  }
}

// internal

const PeerAddress = Context.Reference<string | undefined>("@belfry/server/Web/PeerAddress", {
  defaultValue: () => undefined,
})

const layerPeer = HttpRouter.middleware(
  (httpEffect) =>
    Effect.flatMap(PeerAddress, (address) =>
      address === undefined
        ? httpEffect
        : Effect.updateService(httpEffect, HttpServerRequest.HttpServerRequest, (request) =>
            request.modify({ remoteAddress: Option.some(address) }),
          ),
    ),
  { global: true },
)
