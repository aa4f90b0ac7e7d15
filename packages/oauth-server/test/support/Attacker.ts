/**
 * The whole authorization server over HTTP, with `core` beside it, and those who meet there: clients with their
 * secrets, people with browsers, and whoever is between them.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import { CoreApi } from "@belfry/core/CoreApi"
import * as CoreHandlers from "@belfry/core/CoreHandlers"
import type { OutboundHttp } from "@belfry/core/OutboundHttp"
import type { UserId } from "@belfry/core/User"
import { AdminClients } from "@belfry/oauth-server/AdminClients"
import * as CorsHandlers from "@belfry/oauth-server/CorsHandlers"
import type { ClientMetadata, ClientPrivileges, OAuthClient } from "@belfry/oauth-server/OAuthClient"
import { OAuthServerApi } from "@belfry/oauth-server/OAuthServerApi"
import * as OAuthServerHandlers from "@belfry/oauth-server/OAuthServerHandlers"
import * as OAuthServerServices from "@belfry/oauth-server/OAuthServerServices"
import type { OAuthServerSettingsService } from "@belfry/oauth-server/OAuthServerSettings"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import * as TestHttp from "@belfry/testing/TestHttp"
import * as TestServices from "@belfry/testing/TestServices"
import { assert } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import type { SqlClient } from "effect/sql"
import {
  type Asked,
  authorizePath,
  callback,
  home,
  type Host,
  layer as layerServices,
  layerHost,
  open,
  queryOf,
  type Services,
  type TestBrowser,
} from "./Authorizing.ts"
import { basic, toBody, verifier } from "./TokenClients.ts"

/** Two protected resources; `files-api` stands for the second one at introspection. */
export const notes = "https://notes.example.com/api"
export const files = "https://files.example.com/api"

const settings: Partial<OAuthServerSettingsService> = {
  resources: [
    OAuthBuilders.resource(notes, { scopes: ["notes:read", "notes:write"] }),
    OAuthBuilders.resource(files, { introspectionClientId: "files-api" }),
  ],
}

/** The services over memory. */
export const layer = (host: Host = {}) => layerServices({ ...host, settings: { ...settings, ...host.settings } })

/** The services over a database that has the migrations of `core` and of this package. */
export const layerSql = <E>(database: Layer.Layer<SqlClient.SqlClient, E>, host: Host = {}) =>
  TestServices.layerOAuthServer.pipe(
    Layer.provideMerge(layerHost({ ...host, settings: { ...settings, ...host.settings } })),
    Layer.provideMerge(TestServices.layerSql(database)),
  )

/** The services over memory, with other calls out. */
export const layerCalling = (outbound: Layer.Layer<OutboundHttp>, host: Host = {}) =>
  OAuthServerServices.layer.pipe(
    Layer.provideMerge(Layer.merge(TestServices.layerAuthenticationContexts(), outbound)),
    Layer.provideMerge(layerHost({ ...host, settings: { ...settings, ...host.settings } })),
    Layer.provideMerge(TestServices.layerMemory),
  )

/** Serves all of it over the services of the test. */
export const serve = Effect.gen(function* () {
  const services = yield* Effect.context<Services>()
  const routes = Layer.mergeAll(
    HttpApiBuilder.layer(CoreApi),
    HttpApiBuilder.layer(OAuthServerApi),
    CorsHandlers.layer,
  ).pipe(
    Layer.provide(OAuthServerHandlers.layer),
    Layer.provide(CoreHandlers.layer),
    Layer.provide(Layer.succeedContext(services)),
  )
  return yield* TestHttp.serve(routes, home)
})

export type Send = Effect.Success<typeof serve>

/** A client with its secret. `headers` and `fields`: how it proves itself, or says who it is. */
export interface Application {
  readonly client: OAuthClient
  readonly id: string
  readonly secret: string
  readonly headers: Readonly<Record<string, string>>
  readonly fields: Readonly<Record<string, string>>
}

/** Makes a client as a host does, with a secret in the header unless it says otherwise. */
export const application = Effect.fnUntraced(function* (
  metadata: Partial<ClientMetadata> = {},
  options: {
    readonly privileges?: Partial<ClientPrivileges>
    readonly userId?: UserId
    readonly id?: OAuthClient["id"]
  } = {},
) {
  const { client, secret } = yield* Effect.orDie(
    AdminClients.use((clients) =>
      clients.create({
        metadata: {
          redirectUris: [callback],
          grantTypes: ["authorization_code", "refresh_token"],
          ...metadata,
        },
        privileges: options.privileges ?? {},
        ...(options.userId === undefined ? {} : { userId: options.userId }),
        ...(options.id === undefined ? {} : { id: options.id }),
        clientInfo: unknownClient,
      }),
    ),
  )
  const text = secret === null ? "" : Redacted.value(secret)
  const made: Application = {
    client,
    id: client.id,
    secret: text,
    headers: secret === null ? {} : basic(client.id, text),
    fields: secret === null ? { client_id: client.id } : {},
  }
  return made
})

/** A client that keeps no secret. */
export const spa = (metadata: Partial<ClientMetadata> = {}) =>
  application({ tokenEndpointAuthMethod: "none", ...metadata })

/** A form that a client posts; an array stands for a field that comes more than once. */
export type Form = Readonly<Record<string, string | ReadonlyArray<string> | undefined>>

/** Posts a form to a protocol endpoint. */
export const post =
  (send: Send) =>
  (endpoint: string, form: Form, headers: Readonly<Record<string, string>> = {}) =>
    send(`/auth/oauth2/${endpoint}`, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
      body: toBody(form),
    })

/** Agrees to a request in a browser in which somebody is signed in: what the client is told. */
export const agree = Effect.fnUntraced(function* (browser: TestBrowser, { client }: Application, asked: Asked = {}) {
  const first = yield* browser.go(authorizePath(client, asked))
  const query = queryOf(first)
  if (first.location?.startsWith("/authorize/consent") !== true) return query
  return queryOf(yield* browser.submit("/auth/oauth2/consent", { request: query["request"] ?? "", accept: "true" }))
})

/** The code of a request to which somebody agreed. */
export const codeOf = (browser: TestBrowser, app: Application, asked: Asked = {}) =>
  Effect.map(agree(browser, app, asked), (answer) => answer["code"] ?? assert.fail(JSON.stringify(answer)))

/** Exchanges a code; fields are added, or with undefined left out. */
export const exchange = (send: Send, { fields, headers }: Application, code: string, changed: Form = {}) =>
  post(send)(
    "token",
    { grant_type: "authorization_code", code, redirect_uri: callback, code_verifier: verifier, ...fields, ...changed },
    headers,
  )

/** Refreshes. */
export const refresh = (send: Send, { fields, headers }: Application, token: string, changed: Form = {}) =>
  post(send)("token", { grant_type: "refresh_token", refresh_token: token, ...fields, ...changed }, headers)

/** Tokens of a request to which somebody agreed. */
export const tokensFor = Effect.fnUntraced(function* (
  send: Send,
  browser: TestBrowser,
  app: Application,
  asked: Asked = {},
) {
  const code = yield* codeOf(browser, app, { scope: "openid profile email offline_access", ...asked })
  const response = yield* exchange(send, app, code)
  assert.strictEqual(response.status, 200, response.text)
  const text = (name: string) => {
    const value = TestHttp.at(response.json, name)
    return typeof value === "string" ? value : ""
  }
  return {
    code,
    response,
    accessToken: text("access_token"),
    refreshToken: text("refresh_token"),
    idToken: text("id_token"),
  }
})

/** What the UserInfo endpoint answers to a token in the header. */
export const userInfo = (send: Send, token: string) =>
  send("/auth/oauth2/userinfo", { headers: { authorization: `Bearer ${token}` } })

/** Whether a client learns of a token that it is in force. */
export const isActive = (send: Send, { headers }: Application, token: string) =>
  Effect.map(post(send)("introspect", { token }, headers), (response) => {
    assert.strictEqual(response.status, 200, response.text)
    const active = TestHttp.at(response.json, "active")
    // RFC 7662 §2.2: of what is not in force nothing else is told.
    if (active === false) assert.deepStrictEqual(response.json, { active: false })
    return active
  })

/** A server, an application, and a browser in which somebody is signed in. */
export const start = Effect.gen(function* () {
  const send = yield* serve
  const browser = yield* open(send)
  const person = yield* browser.signIn()
  const app = yield* application()
  return { send, browser, person, app, post: post(send) }
})

/** The status and the code of an error, to be compared at once. */
export const errorOf = ({ json, status }: TestHttp.TestResponse): readonly [number, unknown] => [
  status,
  TestHttp.at(json, "error"),
]
