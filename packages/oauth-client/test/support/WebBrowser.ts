/**
 * Browsers over the handlers of this package, the real services behind them and a provider on loopback. A browser keeps
 * cookies and says where a request comes from; it follows no redirect by itself.
 */
import { CoreApi } from "@belfry/core/CoreApi"
import * as CoreHandlers from "@belfry/core/CoreHandlers"
import { Sessions } from "@belfry/core/Sessions"
import * as Site from "@belfry/core/Site"
import { unknownClient } from "@belfry/core/AuditEvent"
import { StoreError } from "@belfry/core/StoreError"
import { Email, type User } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { OAuthClientApi } from "@belfry/oauth-client/OAuthClientApi"
import * as OAuthClientHandlers from "@belfry/oauth-client/OAuthClientHandlers"
import type { OAuthProviderOptions } from "@belfry/oauth-client/OAuthProvider"
import * as OAuthProviders from "@belfry/oauth-client/OAuthProviders"
import { OAuthStateStore } from "@belfry/oauth-client/OAuthStateStore"
import * as Authenticator from "@belfry/testing/Authenticator"
import * as TestHttp from "@belfry/testing/TestHttp"
import * as TestServices from "@belfry/testing/TestServices"
import { assert } from "@effect/vitest"
import { Clock, Context, Effect, Layer, Option, Redacted, type Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import * as LocalProvider from "./LocalProvider.ts"

/** The services behind the handlers, over memory. */
export const layer = TestServices.layerOAuthClient.pipe(Layer.provideMerge(TestServices.layerMemory))

/** Takes the store of states away, and brings it back. */
export class Away extends Context.Service<Away, { readonly set: (isAway: boolean) => Effect.Effect<void> }>()(
  "@belfry/oauth-client/test/Away",
) {}

const layerFailing = Layer.effectContext(
  Effect.map(OAuthStateStore, (store) => {
    let isAway = false
    const away = new StoreError({ store: "OAuthStateStore", method: "any", isRetryable: true, cause: "away" })
    const unless = <A>(effect: Effect.Effect<A, StoreError>): Effect.Effect<A, StoreError> =>
      Effect.suspend(() => (isAway ? Effect.fail(away) : effect))
    return Context.make(
      OAuthStateStore,
      OAuthStateStore.of({
        ...store,
        insert: (row) => unless(store.insert(row)),
        consume: (hashes) => unless(store.consume(hashes)),
      }),
    ).pipe(
      Context.add(
        Away,
        Away.of({
          set: (value) =>
            Effect.sync(() => {
              isAway = value
            }),
        }),
      ),
    )
  }),
)

/** The services behind the handlers, over memory, with {@link Away}. */
export const layerAway = TestServices.layerOAuthClient.pipe(
  Layer.provideMerge(layerFailing),
  Layer.provideMerge(TestServices.layerMemory),
)

export { textAt } from "@belfry/testing/TestHttp"

export const home = "http://localhost:3000"

/** Serves the handlers at `baseUrl` and answers a function that sends requests to them, over the services of the test. */
export const serve = Effect.fnUntraced(function* (baseUrl = home) {
  const services = yield* Effect.context<Layer.Success<typeof layer>>()
  const app = Layer.mergeAll(HttpApiBuilder.layer(CoreApi), HttpApiBuilder.layer(OAuthClientApi)).pipe(
    Layer.provide(OAuthClientHandlers.layer),
    Layer.provide(CoreHandlers.layer),
    Layer.provide(Layer.orDie(Site.layer({ baseUrl }))),
    Layer.provide(Layer.succeedContext(services)),
  )
  return yield* TestHttp.serve(app, baseUrl)
})

/** A browser without cookies. */
export const open = Effect.fnUntraced(function* (baseUrl = home) {
  const send = yield* serve(baseUrl)
  const cookies = new Map<string, string>()

  const request = Effect.fnUntraced(function* (path: string, given: TestHttp.TestRequest = {}, isCrossSite = false) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ")
    // SameSite=Lax: what another site posts comes without cookies.
    const isBare = cookie === "" || (isCrossSite && given.method === "POST")
    const response = yield* send(path, {
      ...given,
      headers: { ...(isBare ? {} : { cookie }), ...(isCrossSite ? {} : { origin: baseUrl }), ...given.headers },
    })
    TestHttp.keepCookies(cookies, response)
    return response
  })

  return {
    cookies,
    request,
    get: (path: string) => request(path),
    post: (path: string, json: Schema.Json = {}) => request(path, { method: "POST", json }),
    /** Posts a form that a page of another site has. */
    postFrom: (origin: string, path: string, form: Readonly<Record<string, string>>) =>
      request(
        path,
        {
          method: "POST",
          headers: { origin, "sec-fetch-site": "cross-site", "content-type": "application/x-www-form-urlencoded" },
          body: new URLSearchParams(form).toString(),
        },
        true,
      ),
  }
})

/** A browser. */
export type WebBrowser = Effect.Success<ReturnType<typeof open>>

/** A provider on loopback that lives in the time of the test, and is known here as `acme`. */
export const provider = Effect.fnUntraced(function* (options: Partial<OAuthProviderOptions> = {}) {
  const local = yield* LocalProvider.make
  const clock = yield* Clock.Clock
  local.clock = () => clock.currentTimeMillisUnsafe()
  const providers = yield* OAuthProviders.OAuthProviders
  yield* providers.add({
    id: "acme",
    name: "Acme",
    clientId: LocalProvider.clientId,
    clientSecret: Redacted.make(LocalProvider.clientSecret),
    discoveryUrl: local.discoveryUrl,
    scopes: ["openid", "email", "profile"],
    ...options,
  })
  return local
})

/** Where the provider is that the browser was sent to by a start URL. */
export const leave = Effect.fnUntraced(function* (
  browser: WebBrowser,
  request: Schema.Json = {},
  endpoint = "/auth/provider/acme/sign-in",
) {
  const started = yield* browser.post(endpoint, request)
  assert.strictEqual(started.status, 200, started.text)
  const left = yield* browser.get(pathOf(TestHttp.textAt(started, "url")))
  assert.strictEqual(left.status, 302, left.text)
  return new URL(left.location ?? "")
})

/** Where the provider sends the browser that consents there: the callback, as a path of this site. */
export const consent = (at: URL) =>
  Effect.promise(async () => {
    const answer = await fetch(at, { redirect: "manual" })
    return pathOf(answer.headers.get("location") ?? assert.fail(`no redirect: ${answer.status}`))
  })

/** Signs in: leaves, consents and comes back. */
export const signIn = Effect.fnUntraced(function* (browser: WebBrowser, request: Schema.Json = {}) {
  return yield* browser.get(yield* consent(yield* leave(browser, request)))
})

/** A user, and a browser in which that user is signed in. */
export const signedIn = Effect.fnUntraced(function* (email: string, baseUrl = home) {
  const user: User = yield* Users.use((users) => users.create({ email: Email.make(email) }))
  const { token } = yield* Sessions.use((sessions) => sessions.start({ user, amr: ["pwd"], client: unknownClient }))
  const browser = yield* open(baseUrl)
  browser.cookies.set(baseUrl.startsWith("https:") ? "__Host-belfry_session" : "belfry_session", Redacted.value(token))
  return { user, browser, token }
})

/** Sets up an authenticator app for the user of an address; its next sign-in is asked for a code. */
export const enrolApp = Effect.fnUntraced(function* (email: string) {
  const found = yield* Users.use((users) => users.findByEmail(Email.make(email)))
  const user = Option.getOrThrow(found)
  const { session } = yield* Sessions.use((sessions) => sessions.start({ user, amr: ["oauth"], client: unknownClient }))
  return yield* Authenticator.enrol({ session, user })
})

/** Path and query of a URL. */
export const pathOf = (url: string): string => {
  const { pathname, search } = new URL(url, home)
  return `${pathname}${search}`
}

/** What stands at a path of the body, or undefined. */
export const at = ({ json }: TestHttp.TestResponse, ...path: ReadonlyArray<string>): unknown =>
  TestHttp.at(json, ...path)

/** The `amr` of the session, or null without one. */
export const amrOf = Effect.fnUntraced(function* (browser: WebBrowser) {
  const response = yield* browser.get("/auth/session")
  return response.status === 401 ? null : at(response, "session", "amr")
})

/** The name and parameters of the error page that a response leads to; fails the test when it leads elsewhere. */
export const errorOf = ({ status, location, text }: TestHttp.TestResponse): Readonly<Record<string, string>> => {
  assert.include([302, 303], status, text)
  const { origin, pathname, searchParams } = new URL(location ?? "/", home)
  assert.deepStrictEqual([origin, pathname], [home, "/sign-in/error"])
  return Object.fromEntries(searchParams)
}
