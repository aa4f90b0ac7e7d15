/**
 * The client derived from the root contract, for browsers and for Node. Its errors are those of the contract.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import type * as Cookies from "effect/http/Cookies"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import type { HttpClientError } from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import { BelfryApi } from "./BelfryApi.ts"

/**
 * A typed client of a Belfry server: `client.passwords.signIn({ payload })`, `client.sessions.current()`.
 *
 * **Example** (Who is signed in?)
 *
 * ```ts
 * const program = Effect.gen(function*() {
 *   const client = yield* BelfryClient
 *   const { user } = yield* client.sessions.current()
 *   return user.email
 * }).pipe(Effect.catchTag("SessionInvalid", () => Effect.succeed("nobody")))
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export class BelfryClient extends Context.Service<BelfryClient, HttpApiClient.ForApi<typeof BelfryApi>>()(
  "@belfry/client/BelfryClient",
) {}

/**
 * Where the server is, and the token of clients that keep one.
 *
 * @category models
 * @since 0.1.0
 */
export interface BelfryClientOptions {
  /** The origin of the server, for instance `https://auth.example.com`. In a browser it may be left out: the page's. */
  readonly baseUrl?: string | URL
  /** The session token of a client that signed in with `transport: "bearer"`. */
  readonly token?: Redacted.Redacted
}

/**
 * Builds the client over the `HttpClient` that the host provides.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: BelfryClientOptions = {}) => {
  const { baseUrl, token } = options
  return HttpApiClient.make(BelfryApi, {
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(token === undefined
      ? {}
      : { transformClient: HttpClient.mapRequest(HttpClientRequest.bearerToken(Redacted.value(token))) }),
  })
}

/**
 * The client over the `HttpClient` that the host provides.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: BelfryClientOptions) => Layer.effect(BelfryClient, make(options))

/**
 * The client over `fetch`. In a browser the session cookie goes along by itself.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerFetch = (options?: BelfryClientOptions) =>
  layer(options).pipe(
    Layer.provide(FetchHttpClient.layer),
    Layer.provide(Layer.succeed(FetchHttpClient.RequestInit)({ credentials: "include" })),
  )

/**
 * An `HttpClient` that keeps cookies, for programs outside a browser: put it under {@link layer}.
 *
 * **Details**
 *
 * Cookies live as long as the layer. `Secure` cookies go to https only, as in a browser. Requests say whose they are in
 * `Origin`, as the server asks of requests with a cookie.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerCookieJar = (origin: string) =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.gen(function* () {
      const client = yield* HttpClient.HttpClient
      const jar = yield* Ref.make<ReadonlyArray<Cookies.Cookie>>([])
      const withCookies = client.pipe(
        HttpClient.mapRequest(HttpClientRequest.setHeader("origin", origin)),
        HttpClient.withCookiesRef(jar),
      )
      // The jar looks for the cookies of a URL, so it comes after whatever completes the URL, such as the base URL of
      // the client above.
      return HttpClient.makeWith<HttpClientError, never, HttpClientError, never>(
        Effect.flatMap(withCookies.execute),
        Effect.succeed,
      )
    }),
  )
