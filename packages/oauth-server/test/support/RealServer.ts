/**
 * The authorization server on a real Node server, for programs that know nothing of it but its URL.
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
import * as SqlStores from "@belfry/core/SqlStores"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import * as CapturingMailer from "@belfry/testing/CapturingMailer"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Context, Effect, Layer, Redacted } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { type Host, layerHost, signIn } from "./Authorizing.ts"
import { make as makePerson, type Person } from "./Person.ts"
import type { Application } from "./RelyingParty.ts"

/** The redirect URI of the clients of these tests; nothing is there. */
export const callback = "https://client.example.com/callback"

/** Where clients want browsers to go after logging out; nothing is there either. */
export const signedOut = "https://client.example.com/signed-out"

/** Two protected resources: one that takes ES256, one that stands for itself at introspection and takes RS256. */
export const notes = "https://notes.example.com/api"
export const files = "https://files.example.com/api"

const filesSecret = "the secret of the files API, which is long enough"

/** The files API, as it asks the server about tokens. */
export const filesApi: Application = {
  id: "files-api",
  proof: { method: "client_secret_basic", secret: filesSecret },
}

/** A client as the server has it, with the secret that it was given, if it has one. */
export interface Registered {
  readonly client: OAuthClient
  readonly id: string
  readonly secret: string
}

/** A server that listens, seen from outside. `run` looks into it. */
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
>()("@belfry/oauth-server/test/RealServer") {}

/** A test whose body is a promise of the server. */
export const real = (body: (server: RealServer["Service"]) => Promise<void>) =>
  RealServer.use((server) => Effect.promise(() => body(server)))

class Origin extends Context.Service<Origin, string>()("@belfry/oauth-server/test/RealServer/Origin") {}

const layerOrigin = Layer.effect(
  Origin,
  Effect.map(HttpServer.HttpServer, ({ address }) => {
    if (address._tag === "UnixPathAddress") throw new Error("The server listens on no port")
    return `http://127.0.0.1:${address.port}`
  }),
)

/** The site is where the server listens: the issuer has the port in it. */
const layerSite = Layer.unwrap(Effect.map(Origin, (baseUrl) => Layer.orDie(Site.layer({ baseUrl }))))

const layerMemory = Layer.mergeAll(TestServices.layerMemoryStores, MemoryRateLimitStore.layer)

const layerPostgres = Layer.mergeAll(SqlOAuthServerStores.layer, SqlStores.layer, SqlRateLimitStore.layer).pipe(
  Layer.provide(
    Layer.orDie(TestDatabase.layerPostgres([SqlCoreMigrations.migrations, SqlOAuthServerMigrations.migrations])),
  ),
)

const hostOf = ({ settings, ...host }: Host): Host => ({
  ...host,
  settings: {
    registration: "open",
    resources: [
      OAuthBuilders.resource(notes, { scopes: ["notes:read", "notes:write"] }),
      OAuthBuilders.resource(files, { introspectionClientId: "files-api", signingAlgorithm: "RS256" }),
    ],
    clientCredentialsDefaultScopes: ["notes:read"],
    ...settings,
  },
})

const layerServices = (host: Host) =>
  TestServices.layerOAuthServer.pipe(
    Layer.provideMerge(layerHost(hostOf(host))),
    Layer.provideMerge(CoreServices.layer()),
    Layer.provideMerge(
      Layer.mergeAll(
        Layer.provideMerge(RateLimits.layer, TestServices.layerKeyRing),
        Layer.provideMerge(TestServices.layerMailAtOnce, CapturingMailer.layer),
        layerSite,
      ),
    ),
  )

/** What `run` can look at. */
export type Services =
  | Layer.Success<ReturnType<typeof layerServices>>
  | Layer.Success<typeof layerPostgres>
  | Layer.Success<typeof NodeCrypto.layer>

const layerRoutes = Layer.mergeAll(
  HttpApiBuilder.layer(CoreApi),
  HttpApiBuilder.layer(OAuthServerApi),
  CorsHandlers.layer,
).pipe(Layer.provide(OAuthServerHandlers.layer), Layer.provide(CoreHandlers.layer))

const layerRealServer = Layer.effect(
  RealServer,
  Effect.gen(function* () {
    const origin = yield* Origin
    const run = Effect.runPromiseWith(yield* Effect.context<Services>())
    const client: RealServer["Service"]["client"] = async (metadata = {}, given = {}) => {
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
    }
    yield* Effect.promise(() =>
      client(
        { grantTypes: ["client_credentials"], redirectUris: [], postLogoutRedirectUris: [] },
        { id: filesApi.id, secret: filesSecret },
      ),
    )
    return RealServer.of({
      origin,
      issuer: `${origin}/auth`,
      run,
      client,
      person: async ({ isSignedIn } = { isSignedIn: true }) => {
        const person = makePerson({ origin, signIn: (user) => run(signIn(user)) })
        if (isSignedIn) await person.signIn()
        return person
      },
    })
  }),
)

const serve = (
  host: Host,
  stores: Layer.Layer<Layer.Success<typeof layerPostgres>, never, Layer.Success<typeof NodeCrypto.layer>>,
) =>
  Layer.merge(
    layerRealServer,
    HttpRouter.serve(layerRoutes, { disableLogger: true, disableListenLog: true, routerConfig }),
  ).pipe(
    Layer.provide(layerServices(host)),
    Layer.provide(stores),
    Layer.provide(NodeCrypto.layer),
    Layer.provide(layerOrigin),
    Layer.provide(NodeHttpServer.layerTest),
  )

/** The server over memory. */
export const layer = (host: Host = {}) => serve(host, layerMemory)

/** The server over a database of its own on PostgreSQL. */
export const layerOnPostgres = (host: Host = {}) => serve(host, layerPostgres)

const defaults: Partial<ClientMetadata> = {
  clientName: "Analytical Engine",
  redirectUris: [callback],
  postLogoutRedirectUris: [signedOut],
  grantTypes: ["authorization_code", "refresh_token", "client_credentials"],
}
