/**
 * Ports are ports: sessions in a store of your own, signing in with a provider of your own, all else as it was.
 */
import { CoreApi, CoreHandlers, CoreServices, KeyRing, MailQueue, Mailer, MemoryStores } from "@belfry/core"
import { RateLimits, RequestHandlers, Site } from "@belfry/core"
import { FactorsServices, MemoryFactorStores, PasswordHasher } from "@belfry/factors"
import { MemoryOAuthClientStores, OAuthClientApi, OAuthClientHandlers } from "@belfry/oauth-client"
import { OAuthClientServices, OAuthProviders } from "@belfry/oauth-client"
import { FactorsSignInGate, NodeOutboundHttp } from "@belfry/server"
import { NodeHttpServer } from "@effect/platform-node"
import * as Example from "@belfry/testing/Example"
import * as LocalServer from "@belfry/testing/LocalServer"
import { Config, Console, Effect, Layer } from "effect"
import { HttpRouter } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { match, strictEqual } from "node:assert"
import { randomBytes } from "node:crypto"
import { createServer } from "node:http"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as SqliteSessionStore from "./SqliteSessionStore.ts"

// A provider of OAuth alone. What is special is one function: who the person is.
const Forge = Layer.unwrap(
  Effect.gen(function* () {
    const url = yield* Config.String("FORGE_URL")
    return OAuthProviders.layerProvider({
      id: "forge",
      name: "The Forge",
      clientId: yield* Config.String("FORGE_CLIENT_ID"),
      clientSecret: yield* Config.Redacted("FORGE_CLIENT_SECRET"),
      authorizationEndpoint: `${url}/authorize`,
      tokenEndpoint: `${url}/token`,
      userinfoEndpoint: `${url}/me`,
      scopes: ["profile"],
      strategy: {
        profile: ({ userinfo }) =>
          Effect.map(userinfo, (me) =>
            me === null
              ? null
              : {
                  accountId: String(me["number"]),
                  email: String(me["mail"]),
                  // The Forge takes whatever address somebody writes, so nothing is verified.
                  emailVerified: false,
                  name: String(me["login"]),
                  image: null,
                  raw: me,
                },
          ),
      },
    })
  }),
)

// The stores: in memory, and sessions in SQLite, which stand in the place of those below.
const Stores = Layer.mergeAll(
  MemoryFactorStores.layer,
  MemoryOAuthClientStores.layer,
  SqliteSessionStore.layerConfig,
).pipe(Layer.provideMerge(MemoryStores.layer))

const Foundation = Layer.mergeAll(
  Layer.provideMerge(RateLimits.layerMemory, KeyRing.layerConfig),
  MailQueue.layer().pipe(
    Layer.provide(Layer.succeed(Mailer.Mailer)({ send: ({ to }) => Console.log(`Mail to ${to}`) })),
  ),
  Site.layerConfig,
  PasswordHasher.layer(),
  NodeOutboundHttp.layer({ allowedHosts: ["127.0.0.1"] }),
)

const Services = OAuthClientServices.layer.pipe(
  Layer.provideMerge(Layer.merge(Layer.provideMerge(Forge, OAuthProviders.layer), FactorsSignInGate.layer)),
  Layer.provideMerge(FactorsServices.layer),
  Layer.provideMerge(CoreServices.layer()),
  Layer.provideMerge(Foundation),
  Layer.provideMerge(Stores),
)

// Of the API, what this program needs: sessions, users and providers.
const Routes = Layer.merge(
  HttpApiBuilder.layer(CoreApi.CoreApi).pipe(Layer.provide(CoreHandlers.layerNoDeps)),
  HttpApiBuilder.layer(OAuthClientApi.OAuthClientApi).pipe(Layer.provide(OAuthClientHandlers.layer)),
).pipe(Layer.provide(CoreHandlers.layerMiddleware))

const Http = Layer.unwrap(
  Effect.map(Example.Place, ({ port }) => NodeHttpServer.layer(createServer, { port, host: "127.0.0.1" })),
)

const program = HttpRouter.serve(Routes, {
  disableLogger: true,
  disableListenLog: true,
  routerConfig: RequestHandlers.routerConfig,
}).pipe(Layer.provide(Http), Layer.provideMerge(Services))

const check = Effect.fnUntraced(function* ({ file }: Effect.Success<typeof standIn>) {
  const { baseUrl } = yield* Example.Place
  const browser = yield* Example.browser
  const { providers, sessions } = yield* browser.client(CoreApi.CoreApi.addHttpApi(OAuthClientApi.OAuthClientApi))
  const kept = () => {
    const database = new DatabaseSync(file, { readOnly: true })
    const rows = database.prepare("SELECT token_hash FROM sessions").all()
    database.close()
    return rows.map((row) => String(row["token_hash"]))
  }

  const { url } = yield* providers.signIn({
    params: { providerId: "forge" },
    payload: { redirectUrl: "/auth/session" },
  })
  const landed = yield* browser.http.get(url)
  strictEqual(landed.request.url, `${baseUrl}/auth/session`)
  const { session, user } = yield* sessions.current()
  yield* Console.log(`${user.name} is signed in by ${session.amr.join(", ")}; the address is not verified`)
  strictEqual(user.emailVerifiedAt, null)

  const hashes = kept()
  strictEqual(hashes.length, 1)
  match(hashes[0] ?? "", /^1\.[\w-]{43}$/u)
  yield* Console.log("SQLite has 1 session, under a keyed hash of its token")

  yield* sessions.signOut()
  yield* Console.log(`Signed out, SQLite has ${kept().length}`)
})

/** The Forge on this machine, where everybody is the smith, and a file for the sessions. */
const standIn = Effect.gen(function* () {
  const { dataDir } = yield* Example.Place
  const forge = yield* LocalServer.make
  forge.answer("/authorize", ({ query }, response) => {
    const back = new URL(query.get("redirect_uri") ?? forge.url)
    back.search = new URLSearchParams({ code: "one-time", state: query.get("state") ?? "" }).toString()
    response.writeHead(302, { location: back.href }).end()
  })
  forge.answer("/token", LocalServer.json({ access_token: "of the smith", token_type: "Bearer" }))
  forge.answer("/me", LocalServer.json({ number: 7, login: "smith", mail: "smith@example.com" }))
  return { url: forge.url, file: join(dataDir, "sessions.sqlite") }
})

Example.run({
  program,
  standIn,
  settings: ({ file, url }) => ({
    BELFRY_SECRETS: `1:${randomBytes(32).toString("base64url")}`,
    SESSIONS_FILE: file,
    FORGE_URL: url,
    FORGE_CLIENT_ID: "belfry",
    FORGE_CLIENT_SECRET: "secret",
  }),
  check,
  look: "/auth/providers",
})
