/**
 * The server as a whole, listening on a free port, with its services in the test's reach and what it logs kept.
 */
import * as NodeServer from "@belfry/server/NodeServer"
import * as Server from "@belfry/server/Server"
import * as TestCrypto from "@belfry/testing/TestCrypto"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { ConfigProvider, Console, Context, Effect, Layer, Logger, References } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import type { SqlClient } from "effect/sql"
import * as Fs from "node:fs/promises"
import * as Os from "node:os"
import * as Path from "node:path"

/** One route of the router. */
export interface RouteName {
  readonly method: string
  readonly path: string
}

/** Where the server listens, what it serves and what it said. */
export class TestServer extends Context.Service<
  TestServer,
  {
    readonly port: number
    /** Every route that was added to the router, whoever added it. */
    readonly routes: ReadonlyArray<RouteName>
    /** Log lines, each a JSON object. */
    readonly logs: ReadonlyArray<string>
    /** What was written to the console, the development mailer's mail for instance. */
    readonly printed: ReadonlyArray<string>
  }
>()("@belfry/server/test/TestServer") {}

/** A temporary directory that goes with the scope. */
export const temporaryDirectory = Effect.acquireRelease(
  Effect.promise(() => Fs.mkdtemp(Path.join(Os.tmpdir(), "belfry-server-"))),
  (directory) => Effect.promise(() => Fs.rm(directory, { recursive: true, force: true })),
)

/** Configuration from these variables and nothing else. Port 0 and a temporary data directory go without saying. */
export const layerEnvironment = (environment: Readonly<Record<string, string>>) =>
  Layer.unwrap(
    Effect.map(temporaryDirectory, (BELFRY_DATA_DIR) =>
      ConfigProvider.layer(ConfigProvider.fromEnvRecord({ BELFRY_PORT: "0", BELFRY_DATA_DIR, ...environment })),
    ),
  )

/** What a test may change about the server. */
export interface Options {
  readonly environment?: Readonly<Record<string, string>>
  /** By default a migrated PGlite in memory. */
  readonly database?: Layer.Layer<SqlClient.SqlClient, unknown>
  /** Routes beside the server's own. */
  readonly routes?: Layer.Layer<never, never, HttpRouter.HttpRouter>
}

/** The server, its log at the most talkative level. Hashing a password costs nothing. */
export const layer = ({
  environment = {},
  database = TestDatabase.layerPglite(Server.migrations),
  routes = Layer.empty,
}: Options = {}) => {
  const added: Array<RouteName> = []
  const logs: Array<string> = []
  const printed: Array<string> = []
  return Layer.effect(
    TestServer,
    Effect.map(HttpServer.HttpServer, ({ address }) =>
      TestServer.of({ port: "port" in address ? address.port : 0, routes: added, logs, printed }),
    ),
  ).pipe(
    Layer.provide(
      NodeServer.serve(Layer.mergeAll(Server.layerRoutes, routes).pipe(Layer.provide(layerRecorder(added)))),
    ),
    Layer.provideMerge(Server.layerServices.pipe(Layer.provideMerge(database))),
    Layer.provideMerge(TestCrypto.layer),
    Layer.provide(NodeHttpServer.layerHttpServices),
    Layer.provide(Logger.layer([Logger.map(Logger.formatJson, (line) => logs.push(line))])),
    Layer.provide(Layer.succeed(References.MinimumLogLevel)("All")),
    Layer.provide(layerConsole(printed)),
    Layer.provide(layerEnvironment(environment)),
    Layer.orDie,
  )
}

// internal

/** Writes down what is added to the router, which itself tells nobody. */
const layerRecorder = (routes: Array<RouteName>) =>
  Layer.effectDiscard(
    Effect.map(HttpRouter.HttpRouter, (router) => {
      const { add, addAll } = router
      Object.assign(router, {
        add: (...route: Parameters<typeof add>) => {
          routes.push({ method: route[0], path: route[1] })
          return add(...route)
        },
        addAll: (added: Parameters<typeof addAll>[0]) => {
          for (const { method, path } of added) routes.push({ method, path })
          return addAll(added)
        },
      })
    }),
  )

const layerConsole = (printed: Array<string>) =>
  Layer.succeed(Console.Console)(
    new Proxy(globalThis.console, {
      get:
        () =>
        (...parts: ReadonlyArray<unknown>) =>
          printed.push(parts.map(String).join(" ")),
    }),
  )
