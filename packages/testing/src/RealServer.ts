/**
 * The authorization server on a real Node server, for programs that know nothing of it but its URL.
 *
 * @since 0.1.0
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import { CoreApi } from "@belfry/core/CoreApi"
import * as CoreHandlers from "@belfry/core/CoreHandlers"
import * as CoreServices from "@belfry/core/CoreServices"
import * as MemoryRateLimitStore from "@belfry/core/MemoryRateLimitStore"
import * as RateLimits from "@belfry/core/RateLimits"
import { routerConfig } from "@belfry/core/RequestHandlers"
import * as Site from "@belfry/core/Site"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlRateLimitStore from "@belfry/core/SqlRateLimitStore"
import * as SqlStores from "@belfry/core/SqlStores"
import { AdminClients } from "@belfry/oauth-server/AdminClients"
import * as CorsHandlers from "@belfry/oauth-server/CorsHandlers"
import {
  ClientId,
  type ClientMetadata,
  type ClientPrivileges,
  type OAuthClient,
} from "@belfry/oauth-server/OAuthClient"
import { OAuthServerApi } from "@belfry/oauth-server/OAuthServerApi"
import * as OAuthServerHandlers from "@belfry/oauth-server/OAuthServerHandlers"
import * as SqlOAuthServerMigrations from "@belfry/oauth-server/SqlOAuthServerMigrations"
import * as SqlOAuthServerStores from "@belfry/oauth-server/SqlOAuthServerStores"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as CapturingMailer from "./CapturingMailer.ts"
import * as OAuthHost from "./OAuthHost.ts"
import { make as makePerson, type Person, signIn } from "./Person.ts"
import * as TestDatabase from "./TestDatabase.ts"
import * as TestServices from "./TestServices.ts"

/**
 * A client as the server has it, with the secret that it was given; empty if it has none.
 *
 * @category models
 * @since 0.1.0
 */
export interface Registered {
  readonly client: OAuthClient
  readonly id: string
  readonly secret: string
}

/**
 * A server that listens, seen from outside. `run` looks into it.
 *
 * @category services
 * @since 0.1.0
 */
export class RealServer extends Context.Service<
  RealServer,
  {
    /** `http://127.0.0.1:<port>`. */
    readonly origin: string
    readonly issuer: string
    readonly run: <A, E>(effect: Effect.Effect<A, E, Services>) => Promise<A>
    /** Makes a client as the host does: confidential, with a secret in the header, unless it says otherwise. */
    readonly client: (
      metadata?: Partial<ClientMetadata>,
      options?: { readonly id?: string; readonly secret?: string; readonly privileges?: Partial<ClientPrivileges> },
    ) => Promise<Registered>
    /** Somebody with a browser, signed in unless said otherwise. */
    readonly person: (options?: { readonly isSignedIn: boolean }) => Promise<Person>
  }
>()("@belfry/testing/RealServer") {}

/**
 * A test whose body is a promise of the server.
 *
 * @category constructors
 * @since 0.1.0
 */
export const real = (body: (server: RealServer["Service"]) => Promise<void>) =>
  RealServer.use((server) => Effect.promise(() => body(server)))

/**
 * What runs beside the authorization server, and how it is set up.
 *
 * **Details**
 *
 * `clients` are what every client has that says nothing else. `routes` are added to those of the server, and `calls`
 * is what calls go out by; `fetch` unless a test says otherwise.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<E = never> {
  readonly stores?: "memory" | "postgres"
  readonly host?: (origin: string) => OAuthHost.Host
  readonly clients?: Partial<ClientMetadata>
  readonly calls?: Layer.Layer<HttpClient.HttpClient>
  readonly routes?: (origin: string) => Layer.Layer<never, E, HttpRouter.HttpRouter | Services>
}

/**
 * Layer with a server that listens, over memory or over a database of its own on PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <E = never>({
  calls,
  clients = {},
  host = () => ({}),
  routes = () => Layer.empty,
  stores = "memory",
}: Options<E> = {}) =>
  Layer.unwrap(
    Effect.map(Origin, (origin) =>
      Layer.merge(
        layerRealServer(origin, clients),
        HttpRouter.serve(Layer.merge(layerRoutes, routes(origin)), {
          disableLogger: true,
          disableListenLog: true,
          routerConfig,
        }),
      ).pipe(Layer.provide(layerServices(origin, host(origin), calls))),
    ),
  ).pipe(
    Layer.provide(stores === "memory" ? layerMemory : layerPostgres),
    Layer.provide(NodeCrypto.layer),
    Layer.provide(layerOrigin),
    Layer.provide(NodeHttpServer.layerTest),
  )

// internal

class Origin extends Context.Service<Origin, string>()("@belfry/testing/RealServer/Origin") {}

const layerOrigin = Layer.effect(
  Origin,
  Effect.map(HttpServer.HttpServer, ({ address }) => {
    if (address._tag === "UnixPathAddress") throw new Error("The server listens on no port")
    return `http://127.0.0.1:${address.port}`
  }),
)

const layerMemory = Layer.mergeAll(TestServices.layerMemoryStores, MemoryRateLimitStore.layer)

const layerPostgres = Layer.mergeAll(SqlOAuthServerStores.layer, SqlStores.layer, SqlRateLimitStore.layer).pipe(
  Layer.provide(
    Layer.orDie(TestDatabase.layerPostgres([SqlCoreMigrations.migrations, SqlOAuthServerMigrations.migrations])),
  ),
)

/** The site is where the server listens: the issuer has the port in it. */
const layerServices = (
  origin: string,
  host: OAuthHost.Host,
  calls: Layer.Layer<HttpClient.HttpClient> = FetchHttpClient.layer,
) =>
  TestServices.layerOAuthServerWith(TestServices.layerAuthenticationContexts(), calls).pipe(
    Layer.provideMerge(OAuthHost.layer(host)),
    Layer.provideMerge(CoreServices.layer()),
    Layer.provideMerge(
      Layer.mergeAll(
        Layer.provideMerge(RateLimits.layer, TestServices.layerKeyRing),
        Layer.provideMerge(TestServices.layerMailAtOnce, CapturingMailer.layer),
        Layer.orDie(Site.layer({ baseUrl: origin })),
      ),
    ),
  )

/**
 * What `run` can look at.
 *
 * @category models
 * @since 0.1.0
 */
export type Services =
  | Layer.Success<ReturnType<typeof layerServices>>
  | Layer.Success<typeof layerPostgres>
  | Layer.Success<typeof NodeCrypto.layer>

const layerRoutes = Layer.mergeAll(
  HttpApiBuilder.layer(CoreApi),
  HttpApiBuilder.layer(OAuthServerApi),
  CorsHandlers.layer,
).pipe(Layer.provide(OAuthServerHandlers.layer), Layer.provide(CoreHandlers.layer))

const layerRealServer = (origin: string, defaults: Partial<ClientMetadata>) =>
  Layer.effect(
    RealServer,
    Effect.gen(function* () {
      const run = Effect.runPromiseWith(yield* Effect.context<Services>())
      return RealServer.of({
        origin,
        issuer: `${origin}/auth`,
        run,
        client: async (metadata = {}, given = {}) => {
          const { client, secret } = await run(
            AdminClients.use((clients) =>
              clients.create({
                metadata: { ...defaults, ...metadata },
                privileges: given.privileges ?? {},
                ...(given.id === undefined ? {} : { id: ClientId.make(given.id) }),
                ...(given.secret === undefined ? {} : { secret: Redacted.make(given.secret) }),
                clientInfo: unknownClient,
              }),
            ),
          )
          return { client, id: client.id, secret: secret === null ? "" : Redacted.value(secret) }
        },
        person: async ({ isSignedIn } = { isSignedIn: true }) => {
          const person = makePerson({ origin, signIn: (user) => run(signIn(user)) })
          if (isSignedIn) await person.signIn()
          return person
        },
      })
    }),
  )
