/**
 * People, browsers and clients at the authorization endpoint: at the service, and over HTTP with cookies.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import * as CoreHandlers from "@belfry/core/CoreHandlers"
import type { MemoryTables } from "@belfry/core/MemoryTables"
import type { User } from "@belfry/core/User"
import {
  type AuthorizationOutcome,
  Authorizations,
  type Browser,
  type SignedInUser,
} from "@belfry/oauth-server/Authorizations"
import type { MemoryFactorTables } from "@belfry/factors/MemoryFactorTables"
import type { MemoryOAuthServerTables } from "@belfry/oauth-server/MemoryOAuthServerTables"
import type { ClientMetadata, ClientPrivileges, OAuthClient } from "@belfry/oauth-server/OAuthClient"
import { OAuthServerApi } from "@belfry/oauth-server/OAuthServerApi"
import * as OAuthServerHandlers from "@belfry/oauth-server/OAuthServerHandlers"
import type { MemoryOrganizationTables } from "@belfry/organization/MemoryOrganizationTables"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import { type Host, layer as layerHost } from "@belfry/testing/OAuthHost"
import { signIn } from "@belfry/testing/Person"
import * as TestHttp from "@belfry/testing/TestHttp"
import * as TestServices from "@belfry/testing/TestServices"
import { assert } from "@effect/vitest"
import { Effect, Layer, Redacted, type Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"

export { type Host, layer as layerHost, noLimits } from "@belfry/testing/OAuthHost"
export { signIn } from "@belfry/testing/Person"

export const home = "http://localhost:3000"
export const issuer = `${home}/auth`
export const callback = "https://client.example.com/callback"

/** RFC 7636 appendix B. */
export const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

/** The services over memory. */
export const layer = (host: Host = {}) =>
  TestServices.layerOAuthServer.pipe(Layer.provideMerge(layerHost(host)), Layer.provideMerge(TestServices.layerMemory))

/** What tests of this kind run with, in memory or not. */
export type Services = Exclude<
  Layer.Success<ReturnType<typeof layer>>,
  MemoryTables | MemoryFactorTables | MemoryOAuthServerTables | MemoryOrganizationTables
>

/** Keeps a confidential client that may ask for everything. */
export const storedClient = (
  fields: Omit<Partial<OAuthClient>, "metadata" | "privileges"> & {
    readonly metadata?: Partial<ClientMetadata>
    readonly privileges?: Partial<ClientPrivileges>
  } = {},
) =>
  OAuthBuilders.storedClient({
    ...fields,
    metadata: {
      scopes: ["openid", "profile", "email", "offline_access", "notes:read", "notes:write"],
      ...fields.metadata,
    },
  })

/** A browser, at the service: nobody is signed in, and there is no cookie. */
export const browser = (signedIn: SignedInUser | null = null, token: Redacted.Redacted | null = null): Browser => ({
  token,
  signedIn,
  clientInfo: unknownClient,
})

/** Parameters of a request: null leaves one out, an array repeats it. */
export type Asked = Readonly<Record<string, string | ReadonlyArray<string> | null>>

/** A request of a client, or of what says that it is one. */
export const ask = (
  { id, metadata }: { readonly id: string; readonly metadata: Pick<ClientMetadata, "redirectUris"> },
  asked: Asked = {},
): URLSearchParams => {
  const search = new URLSearchParams()
  const all: Asked = {
    client_id: id,
    redirect_uri: metadata.redirectUris[0] ?? callback,
    response_type: "code",
    scope: "openid profile",
    state: "of the client",
    code_challenge: challenge,
    code_challenge_method: "S256",
    ...asked,
  }
  for (const [name, value] of Object.entries(all)) {
    for (const each of value === null ? [] : typeof value === "string" ? [value] : value) search.append(name, each)
  }
  return search
}

/** The parameters of an answer to a client. Fails the test when a page comes instead. */
export const answerOf = (outcome: AuthorizationOutcome): Readonly<Record<string, string>> =>
  outcome._tag === "Respond" ? Object.fromEntries(outcome.response.parameters) : assert.fail(`a page: ${outcome.url}`)

/** The page that a person is sent to. Fails the test when the client is answered instead. */
export const pageOf = (outcome: AuthorizationOutcome) =>
  outcome._tag === "Interact" ? outcome : assert.fail(`an answer: ${JSON.stringify(outcome.response.parameters)}`)

/** Begins a request that waits, in a browser that gets its cookie by it. */
export const begin = Effect.fnUntraced(function* (
  client: OAuthClient,
  signedIn: SignedInUser | null = null,
  asked: Asked = {},
) {
  const page = pageOf(yield* Authorizations.use(({ authorize }) => authorize(ask(client, asked), browser(signedIn))))
  return { ...page, id: page.waiting.id, browser: browser(signedIn, page.browserToken) }
})

/** Serves the handlers over the services of the test. */
export const serve = Effect.gen(function* () {
  const services = yield* Effect.context<Services>()
  const routes = HttpApiBuilder.layer(OAuthServerApi).pipe(
    Layer.provide(OAuthServerHandlers.layer),
    Layer.provide(CoreHandlers.layerMiddleware),
    Layer.provide(Layer.succeedContext(services)),
  )
  return yield* TestHttp.serve(routes, home)
})

/** A person's browser: keeps cookies, says where a request comes from, and follows no redirect by itself. */
export const open = (send: Effect.Success<typeof serve>) => Effect.sync(() => toBrowser(send))

const toBrowser = (send: Effect.Success<typeof serve>) => {
  const cookies = new Map<string, string>()

  const request = Effect.fnUntraced(function* (path: string, given: TestHttp.TestRequest = {}) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ")
    // SameSite=Lax: what another site posts comes without cookies.
    const isCrossSite = given.headers?.["sec-fetch-site"] === "cross-site"
    const isBare = cookie === "" || (isCrossSite && given.method === "POST")
    const response = yield* send(path, { ...given, headers: { ...(isBare ? {} : { cookie }), ...given.headers } })
    TestHttp.keepCookies(cookies, response)
    return response
  })

  const ofNavigation = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", accept: "text/html" }
  const ofScript = { "sec-fetch-mode": "cors", "sec-fetch-site": "same-origin", origin: home }
  const form = { "content-type": "application/x-www-form-urlencoded" }

  return {
    cookies,
    request,
    /** Follows a link of another site, or types an address. */
    go: (path: string) => request(path, { headers: { ...ofNavigation, "sec-fetch-site": "cross-site" } }),
    /** Sends a form of this site. */
    submit: (path: string, fields: string | Readonly<Record<string, string>>) =>
      request(path, {
        method: "POST",
        headers: { ...ofNavigation, ...form, "sec-fetch-site": "same-origin", origin: home },
        body: typeof fields === "string" ? fields : new URLSearchParams(fields).toString(),
      }),
    /** Sends a form of another site. */
    submitFrom: (origin: string, path: string, fields: Readonly<Record<string, string>>) =>
      request(path, {
        method: "POST",
        headers: { ...ofNavigation, ...form, "sec-fetch-site": "cross-site", origin },
        body: new URLSearchParams(fields).toString(),
      }),
    /** Asks by script of this site. */
    fetch: (path: string, json?: Schema.Json) =>
      request(path, json === undefined ? { headers: ofScript } : { method: "POST", headers: ofScript, json }),
    /** Signs in here, as the sign-in page does. */
    signIn: Effect.fnUntraced(function* (user?: User) {
      const person = yield* signIn(user)
      cookies.set("belfry_session", Redacted.value(person.token))
      return person
    }),
  }
}

/** A browser. */
export type TestBrowser = Effect.Success<ReturnType<typeof open>>

/** A server with a client, and a browser in which nobody is signed in yet. */
export const openSite = Effect.fnUntraced(function* (client: Parameters<typeof storedClient>[0] = {}) {
  const send = yield* serve
  return { send, browser: yield* open(send), client: yield* storedClient(client) }
})

/** The path of a request of a client. */
export const authorizePath = (client: OAuthClient, asked: Asked = {}): string =>
  `/auth/oauth2/authorize?${ask(client, asked).toString()}`

/** The query of where a response leads to. */
export const locationOf = (response: TestHttp.TestResponse): URL =>
  new URL(response.location ?? assert.fail(`no redirect: ${response.status} ${response.text}`), home)

/** The query of where a response leads to, as a record. */
export const queryOf = (response: TestHttp.TestResponse): Readonly<Record<string, string>> =>
  Object.fromEntries(locationOf(response).searchParams)
