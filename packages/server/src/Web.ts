/**
 * The server as a function from `Request` to `Response`, for hosts that speak Fetch.
 *
 * @since 0.1.0
 */
import { routerConfig } from "@belfry/core/RequestHandlers"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Requests from "./Requests.ts"
import * as Server from "./Server.ts"

/**
 * Makes the handler, and starts the server: requests wait until it is up, and reject with the reason when it cannot be.
 * `dispose` stops it.
 *
 * **Example** (Any host with Fetch types)
 *
 * ```ts
 * const { handler, dispose } = Web.make()
 * export default { fetch: handler }
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = () =>
  HttpRouter.toWebHandler(
    Server.layer.pipe(
      Layer.merge(Layer.succeed(HttpIncomingMessage.MaxBodySize)(Requests.maxBodySize)),
      Layer.provide([HttpServer.layerServices, NodeCrypto.layer, NodeServices.layer]),
    ),
    { disableLogger: true, routerConfig },
  )
