/**
 * The server on Node: one port, bounded requests, a stop that lets open requests finish.
 *
 * @since 0.1.0
 */
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import { createServer } from "node:http"
import * as Server from "./Server.ts"
import * as ServerConfig from "./ServerConfig.ts"

/**
 * Listens on `BELFRY_HOST` and `BELFRY_PORT`.
 *
 * **Details**
 *
 * Headers must arrive within 10 seconds, a whole request within 30, and take 16 KiB at most. On a stop no new
 * connection is taken, and requests have 10 seconds to finish.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerHttp = Layer.unwrap(
  Effect.gen(function* () {
    const { host, port } = yield* ServerConfig.ServerConfig
    return NodeHttpServer.layer(
      () =>
        createServer({
          maxHeaderSize: 16 * 1024,
          headersTimeout: 10_000,
          requestTimeout: 30_000,
          keepAliveTimeout: 72_000,
        }),
      { host, port, backlog: 1024, gracefulShutdownTimeout: Duration.seconds(10) },
    )
  }),
).pipe(Layer.provide(ServerConfig.layer))

/**
 * The whole server, listening. Build it by `Layer.launch`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = HttpRouter.serve(Server.layer, { disableLogger: true, disableListenLog: true }).pipe(
  Layer.provideMerge(layerHttp),
  Layer.provide(NodeCrypto.layer),
)

/**
 * Where the server listens, for instance `127.0.0.1:3000`.
 *
 * @category accessors
 * @since 0.1.0
 */
export const address = Effect.map(HttpServer.HttpServer, (server) => NetAddress.formatSocketAddress(server.address))
