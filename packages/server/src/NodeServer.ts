/**
 * The server on Node: one port, bounded requests, a stop that lets open requests finish.
 *
 * @since 0.1.0
 */
import { routerConfig } from "@belfry/core/RequestHandlers"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import * as Http from "node:http"
import * as NodeJwsSigner from "./NodeJwsSigner.ts"
import * as NodeMac from "./NodeMac.ts"
import * as NodeRequestBody from "./NodeRequestBody.ts"
import * as NodeSecureRandom from "./NodeSecureRandom.ts"
import * as NodeThreadPool from "./NodeThreadPool.ts"
import * as Requests from "./Requests.ts"
import * as Server from "./Server.ts"
import * as ServerConfig from "./ServerConfig.ts"

/**
 * Listens on `BELFRY_HOST` and `BELFRY_PORT`.
 *
 * **Details**
 *
 * Headers must arrive within 10 seconds, a whole request within 30, and take 16 KiB at most. On a stop no new
 * connection is taken, requests have 9 seconds to finish, and what is open then is cut.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerHttp = Layer.unwrap(
  Effect.gen(function* () {
    const { host, port } = yield* ServerConfig.ServerConfig
    return NodeHttpServer.layer(
      () =>
        new BoundedServer({
          maxHeaderSize: 16 * 1024,
          headersTimeout: 10_000,
          requestTimeout: 30_000,
          // How often Node looks for requests that are late; its default of 30 seconds would let them be.
          connectionsCheckingInterval: 2000,
          keepAliveTimeout: 72_000,
        }),
      { host, port, backlog: 1024, gracefulShutdownTimeout: stopTimeout },
    )
  }),
).pipe(Layer.provide(ServerConfig.layer))

/**
 * Crypto on Node.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerCrypto = Layer.mergeAll(NodeCrypto.layer, NodeMac.layer, NodeJwsSigner.layer, NodeSecureRandom.layer)

/**
 * Serves routes: those of `Server.layerRoutes`, and whatever a host adds to them.
 *
 * **Details**
 *
 * The port opens when everything behind it is ready: a connection that came earlier would find nobody to answer.
 *
 * @category layers
 * @since 0.1.0
 */
export const serve = <E, R>(routes: Layer.Layer<never, E, R>) =>
  Layer.unwrap(
    Effect.gen(function* () {
      // Given to the routes alone: what is in scope of the server itself is copied into every request.
      const platform = yield* Layer.build(
        Layer.mergeAll(
          layerCrypto,
          NodeHttpServer.layerHttpServices,
          NodeRequestBody.layer,
          NodeThreadPool.layerBackground,
        ),
      )
      const app = yield* Effect.provideContext(HttpRouter.toHttpEffect(routes), platform)
      const listen = HttpServer.serveEffect(app)
      // Only now the port opens.
      return Layer.provideMerge(
        Layer.effectDiscard(Effect.updateContext(listen, forRequests<Effect.Services<typeof listen>>)),
        layerHttp,
      )
    }).pipe(Effect.provideService(HttpRouter.RouterConfig, routerConfig)),
  )

/**
 * The whole server, listening. Build it by `Layer.launch`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = serve(Server.layer)

/**
 * Where the server listens, for instance `127.0.0.1:3000`.
 *
 * @category accessors
 * @since 0.1.0
 */
export const address = Effect.map(HttpServer.HttpServer, (server) => NetAddress.formatSocketAddress(server.address))

// internal

const stopTimeout = Duration.seconds(9)

/**
 * A server whose `close` comes to an end. Node's closes the connections that are idle at that moment; it waits for
 * those that are kept alive after a last request, and for whoever never finishes one. Requests that are interrupted
 * when their time is up are still answered.
 */
class BoundedServer extends Http.Server {
  override close(callback?: (error?: Error) => void): this {
    const idle = setInterval(() => this.closeIdleConnections(), 50)
    const rest = setTimeout(() => this.closeAllConnections(), Duration.toMillis(stopTimeout) + 500)
    return super.close((error) => {
      clearInterval(idle)
      clearTimeout(rest)
      callback?.(error)
    })
  }
}

/** The context of every request: with the limit of bodies, and room for what a request adds before it is copied. */
const forRequests = <R>(context: Context.Context<R>): Context.Context<R> =>
  Context.makeUnsafe(Context.add(context, HttpIncomingMessage.MaxBodySize, Requests.maxBodySize).mapUnsafe, {
    maxDepth: 24,
  })
