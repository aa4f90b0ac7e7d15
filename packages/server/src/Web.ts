/**
 * The server as a function from `Request` to `Response`, for hosts that speak Fetch.
 *
 * @since 0.1.0
 */
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Server from "./Server.ts"

/**
 * Makes the handler. The server starts with the first request; `dispose` stops it.
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
    Server.layer.pipe(Layer.provide([HttpServer.layerServices, NodeCrypto.layer, NodeServices.layer])),
    { disableLogger: true },
  )
