/**
 * Being the provider: an application signs people in here and reads their reports, with their consent.
 */
import { BelfryApi } from "@belfry/client"
import { AuditEvent } from "@belfry/core"
import { AccessTokenVerifier, AdminClients, OAuthClient } from "@belfry/oauth-server"
import { ResourceServerApi, ResourceServerHandlers } from "@belfry/oauth-server"
import { NodeServer, Server } from "@belfry/server"
import * as Example from "@belfry/testing/Example"
import { Config, Console, Effect, Layer, Schema } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { randomBytes } from "node:crypto"
import { deepStrictEqual, ok, strictEqual } from "node:assert"
import * as Client from "./client.ts"

// An API for whoever has a token for it. 401 and 403 are as RFC 6750 says, and lead to the metadata of the resource.
const Report = Schema.Struct({ title: Schema.String, readBy: Schema.String })
const Api = HttpApi.make("reports").add(
  HttpApiGroup.make("reports")
    .add(HttpApiEndpoint.get("list", "/reports", { success: Schema.Array(Report) }))
    .annotate(ResourceServerApi.RequiredTokenScopes, ["reports:read"])
    .middleware(ResourceServerApi.ResourceAuthorization),
)

const Reports = HttpApiBuilder.group(Api, "reports", (handlers) =>
  handlers.handle("list", () =>
    Effect.map(ResourceServerApi.CurrentAccessToken, ({ clientId }) => [{ title: "Engines", readBy: clientId }]),
  ),
)

// The API verifies tokens with the server in the same process: what is revoked ends at once. Elsewhere it would be
// `AccessTokenVerifier.layerJwks`, or `layerIntrospection`.
const ReportsRoutes = Layer.unwrap(
  Effect.gen(function* () {
    const resource = yield* Config.String("BELFRY_OAUTH_RESOURCES")
    return HttpApiBuilder.layer(Api).pipe(
      Layer.provide(Reports),
      Layer.provide(ResourceServerHandlers.layer({ resource })),
      Layer.provide(AccessTokenVerifier.layerLocal({ audience: resource })),
    )
  }),
)

// Two clients: what `belfry client create` does. The server makes ids and secrets where none are given.
const Clients = Layer.effectDiscard(
  Effect.gen(function* () {
    const clients = yield* AdminClients.AdminClients
    yield* clients.create({
      id: OAuthClient.ClientId.make("reader"),
      secret: yield* Config.Redacted("READER_SECRET"),
      metadata: {
        clientName: "Reader",
        redirectUris: [yield* Config.String("READER_REDIRECT_URI")],
        grantTypes: ["authorization_code", "refresh_token"],
      },
      clientInfo: AuditEvent.unknownClient,
    })
    yield* clients.create({
      id: OAuthClient.ClientId.make("nightly"),
      secret: yield* Config.Redacted("NIGHTLY_SECRET"),
      metadata: { clientName: "Nightly", grantTypes: ["client_credentials"], scopes: ["reports:read"] },
      clientInfo: AuditEvent.unknownClient,
    })
  }),
)

const Try = Layer.unwrap(
  Effect.gen(function* () {
    const { origin } = new URL(yield* Config.String("READER_REDIRECT_URI"))
    return HttpRouter.add("GET", "/try", HttpServerResponse.redirect(origin))
  }),
)

const program = NodeServer.serve(
  Layer.mergeAll(Server.layerRoutes, Server.layerDeliveries, ReportsRoutes, Clients, Try),
).pipe(Layer.provideMerge(Server.layerServices), Layer.provideMerge(Server.layerDatabase))

const check = Effect.fnUntraced(function* ({ reader, machine, own }: Effect.Success<typeof standIn>) {
  const browser = yield* Example.browser
  const { oauthConsents, oauthRequests } = yield* browser.client(BelfryApi.BelfryApi)
  const { user } = yield* Example.signUp(browser, "Ada", "ada@example.com")

  // Ada opens the application, which sends her here to be asked.
  const { request, status } = yield* browser.http.get(reader.origin)
  const page = new URL(request.url)
  deepStrictEqual([status, page.pathname], [200, "/authorize/consent"])
  yield* Console.log("Reader asks Ada for consent")

  // What the button "Allow" does. The way goes on at the application, which brings its code, and reads.
  const waiting = page.searchParams.get("request") ?? ""
  const next = yield* oauthRequests.decide({ payload: { request: waiting, accept: true } })
  ok(next !== undefined && next.redirect)
  const read = yield* Effect.flatMap((yield* browser.http.get(next.url)).json, Schema.decodeUnknownEffect(Read))
  strictEqual(read.subject, user.id)
  yield* Console.log(`Reader has ${read.scope}`)
  yield* Console.log(`Reader reads with its token: ${read.reports.body}`)
  const later = yield* Effect.promise(() => reader.readLater())
  strictEqual(later.status, 200)
  yield* Console.log("Reader reads again, with its refresh token")

  const nightly = yield* Effect.promise(() => Client.readAsMachine(machine))
  yield* Console.log(`Nightly reads with a token of its own: ${nightly.body}`)

  // Ada takes it back: the grant ends, and with it every token that hangs on it.
  const { grants } = yield* oauthConsents.grants()
  for (const { id } of grants) yield* oauthConsents.revokeGrant({ params: { grantId: id } })
  const afterwards = yield* Effect.promise(() => Client.read(own.resource, later.accessToken))
  strictEqual(afterwards.status, 401)
  yield* Console.log("Ada revoked it: 401")
})

/** What the application shows. */
const Read = Schema.Struct({
  subject: Schema.String,
  scope: Schema.String,
  reports: Schema.Struct({ status: Schema.Literal(200), body: Schema.String }),
})

const standIn = Effect.gen(function* () {
  const { baseUrl } = yield* Example.Place
  const registration = (clientId: string): Client.Registration => ({
    issuer: `${baseUrl}/auth`,
    clientId,
    clientSecret: randomBytes(32).toString("base64url"),
    resource: `${baseUrl}/reports`,
  })
  const [own, machine] = [registration("reader"), registration("nightly")]
  const reader = yield* Effect.acquireRelease(
    Effect.promise(() => Client.start(own)),
    ({ stop }) => Effect.sync(stop),
  )
  return { reader, own, machine }
})

Example.run({
  program,
  standIn,
  settings: ({ reader, own, machine }) => ({
    BELFRY_OAUTH_SCOPES: "reports:read",
    BELFRY_OAUTH_RESOURCES: own.resource,
    READER_REDIRECT_URI: `${reader.origin}/callback`,
    READER_SECRET: own.clientSecret,
    NIGHTLY_SECRET: machine.clientSecret,
  }),
  check,
  look: "/try",
})
