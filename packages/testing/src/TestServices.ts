/**
 * Every service of the domain packages, wired for tests: the real ones over memory or a test database, with mail that
 * is kept, a fixed key ring and the site `http://localhost:3000`.
 *
 * @since 0.1.0
 */
import * as CoreServices from "@belfry/core/CoreServices"
import * as HttpClientOutboundHttp from "@belfry/core/HttpClientOutboundHttp"
import * as KeyRing from "@belfry/core/KeyRing"
import { Mailer } from "@belfry/core/Mailer"
import { MailQueue } from "@belfry/core/MailQueue"
import * as MemoryRateLimitStore from "@belfry/core/MemoryRateLimitStore"
import * as MemoryStores from "@belfry/core/MemoryStores"
import * as RateLimits from "@belfry/core/RateLimits"
import * as Site from "@belfry/core/Site"
import * as SqlRateLimitStore from "@belfry/core/SqlRateLimitStore"
import * as SqlStores from "@belfry/core/SqlStores"
import * as FactorsServices from "@belfry/factors/FactorsServices"
import * as MemoryFactorStores from "@belfry/factors/MemoryFactorStores"
import * as PasswordHasher from "@belfry/factors/PasswordHasher"
import * as SqlFactorStores from "@belfry/factors/SqlFactorStores"
import * as MemoryOAuthClientStores from "@belfry/oauth-client/MemoryOAuthClientStores"
import * as OAuthClientServices from "@belfry/oauth-client/OAuthClientServices"
import * as OAuthProviders from "@belfry/oauth-client/OAuthProviders"
import * as SqlOAuthClientStores from "@belfry/oauth-client/SqlOAuthClientStores"
import { AuthenticationContexts } from "@belfry/oauth-server/AuthenticationContexts"
import * as MemoryOAuthServerStores from "@belfry/oauth-server/MemoryOAuthServerStores"
import * as OAuthServerServices from "@belfry/oauth-server/OAuthServerServices"
import * as SqlOAuthServerStores from "@belfry/oauth-server/SqlOAuthServerStores"
import * as MemoryOrganizationStores from "@belfry/organization/MemoryOrganizationStores"
import * as OrganizationServices from "@belfry/organization/OrganizationServices"
import * as SqlOrganizationStores from "@belfry/organization/SqlOrganizationStores"
import * as FactorsSignInGate from "@belfry/server/FactorsSignInGate"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as SqlClient from "effect/sql/SqlClient"
import * as CapturingMailer from "./CapturingMailer.ts"
import * as TestAccess from "./TestAccess.ts"

/**
 * Layer with the stores of all packages in memory, and the tables that they share.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemoryStores = Layer.mergeAll(
  MemoryFactorStores.layer,
  MemoryOAuthClientStores.layer,
  MemoryOAuthServerStores.layer,
  MemoryOrganizationStores.layer,
).pipe(Layer.provideMerge(MemoryStores.layer))

/**
 * Layer with the stores of all packages in a database that has their migrations.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerSqlStores = Layer.mergeAll(
  SqlFactorStores.layer,
  SqlOAuthClientStores.layer,
  SqlOAuthServerStores.layer,
  SqlOrganizationStores.layer,
  SqlStores.layer,
)

/**
 * The stores that the services need.
 *
 * @category models
 * @since 0.1.0
 */
export type Stores = Layer.Success<typeof layerSqlStores>

/**
 * Layer of a queue without a queue: a message has arrived when `enqueue` returns, so a test can tell that none was
 * sent.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMailAtOnce: Layer.Layer<MailQueue, never, Mailer> = Layer.effect(
  MailQueue,
  Effect.map(Mailer, (mailer) => MailQueue.of({ enqueue: (message) => Effect.orDie(mailer.send(message)) })),
)

/**
 * Layer of a key ring of one fixed secret.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerKeyRing = KeyRing.layer([
  { id: "test", value: Redacted.make("test-0123456789abcdefghijklmnopqrstuvwxyz") },
])

/**
 * Layer with all services, without the stores, the crypto services and the counters of rate limits.
 *
 * **When to use**
 *
 * For stores that fail, race or count, and for hashes that cost nothing (`TestCrypto`); {@link layerMemory} and
 * {@link layerSql} are complete.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = FactorsServices.layer.pipe(
  Layer.provideMerge(CoreServices.layer()),
  Layer.provideMerge(
    Layer.mergeAll(
      Layer.provideMerge(RateLimits.layer, layerKeyRing),
      Layer.provideMerge(layerMailAtOnce, CapturingMailer.layer),
      Layer.orDie(Site.layer({ baseUrl: "http://localhost:3000" })),
      PasswordHasher.layer(),
    ),
  ),
)

/**
 * What {@link layer} provides.
 *
 * @category models
 * @since 0.1.0
 */
export type Services = Layer.Success<typeof layer>

/**
 * Layer with all services over memory. The test's clock governs; hashing a password takes its real 45 ms.
 *
 * **Example** (A sign-up)
 *
 * ```ts
 * it.effect("sends a link", () =>
 *   Effect.gen(function* () {
 *     yield* Passwords.use((passwords) => passwords.signUp({ email, password, name: null, client: unknownClient }))
 *     const mail = yield* CapturingMailer.use((mailer) => mailer.takeLast(email, "confirm-sign-up"))
 *   }).pipe(Effect.provide(TestServices.layerMemory)))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory = layer.pipe(
  Layer.provideMerge(Layer.mergeAll(layerMemoryStores, NodeCrypto.layer, MemoryRateLimitStore.layer)),
)

/**
 * Layer with all services, rate limits too, over a database that has the migrations of `core` and `factors`: one of
 * `TestDatabase`, for instance.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerSql = <E>(database: Layer.Layer<SqlClient.SqlClient, E>) =>
  layer.pipe(
    Layer.provideMerge(Layer.mergeAll(layerSqlStores, NodeCrypto.layer, SqlRateLimitStore.layer)),
    Layer.provideMerge(database),
  )

/**
 * Layer with the services of signing in by other providers, over all other services and their stores.
 *
 * **Details**
 *
 * No provider is in it: a test adds its own to `OAuthProviders`. Behind a provider's word stands the state machine of
 * factors, as in the server. Calls go out by `fetch`, as far as loopback.
 *
 * **Example** (With a provider, over memory)
 *
 * ```ts
 * const layer = OAuthProviders.layerProvider(options).pipe(
 *   Layer.provideMerge(TestServices.layerOAuthClient),
 *   Layer.provideMerge(TestServices.layerMemory)
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerOAuthClient = OAuthClientServices.layer.pipe(
  Layer.provideMerge(
    Layer.mergeAll(
      OAuthProviders.layer,
      FactorsSignInGate.layer,
      HttpClientOutboundHttp.layer({ allowedHosts: ["localhost", "127.0.0.1"] }).pipe(
        Layer.provide(FetchHttpClient.layer),
      ),
    ),
  ),
)

/**
 * Layer with the services of organizations that have teams, over all other services and their stores. The host declares
 * what `TestAccess` has.
 *
 * **Details**
 *
 * Settings, hooks and messages are references: a test that needs others provides them to this layer.
 *
 * **Example** (Over memory, with settings)
 *
 * ```ts
 * const layer = TestServices.layerOrganization.pipe(
 *   Layer.provideMerge(Layer.succeed(OrganizationSettings, OrganizationSettings.make({ limits: { members: 2 } }))),
 *   Layer.provideMerge(TestServices.layerMemory)
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerOrganization = OrganizationServices.layerWithTeams.pipe(Layer.provideMerge(TestAccess.layer))

/**
 * Layer of what sessions are worth, without factors behind it: `aal1`, and `aal2` above it, as the session's `acr`
 * says.
 *
 * **Details**
 *
 * `reachable` are the values that every user could come to; all of them, unless a test says otherwise.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerAuthenticationContexts = (options: { readonly reachable?: ReadonlyArray<string> } = {}) => {
  const supported = ["aal1", "aal2"]
  const reachable = options.reachable ?? supported
  return Layer.succeed(
    AuthenticationContexts,
    AuthenticationContexts.of({
      supported,
      isMet: ({ acr }, acrValues) =>
        acrValues.some(
          (value) => supported.includes(value) && supported.indexOf(value) <= supported.indexOf(acr ?? ""),
        ),
      isReachable: ({ acrValues }) => Effect.succeed(acrValues.some((value) => reachable.includes(value))),
    }),
  )
}

/**
 * Layer with the services of the authorization server, over all other services and their stores.
 *
 * **Details**
 *
 * Settings, hooks and pages are references: a test that needs others provides them to this layer. Calls go out by
 * `fetch`, as far as loopback.
 *
 * **Example** (Over memory, with settings)
 *
 * ```ts
 * const layer = TestServices.layerOAuthServer.pipe(
 *   Layer.provideMerge(Layer.succeed(OAuthServerSettings, OAuthServerSettings.make({ disableJwt: true }))),
 *   Layer.provideMerge(TestServices.layerMemory)
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerOAuthServer = layerOAuthServerWith(layerAuthenticationContexts())

/**
 * {@link layerOAuthServer} with other contexts, for step-up that cannot be reached, say, or with other calls.
 *
 * @category layers
 * @since 0.1.0
 */
export function layerOAuthServerWith<E, R>(
  contexts: Layer.Layer<AuthenticationContexts, E, R>,
  calls: Layer.Layer<HttpClient.HttpClient> = FetchHttpClient.layer,
) {
  return OAuthServerServices.layer.pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        contexts,
        HttpClientOutboundHttp.layer({ allowedHosts: ["localhost", "127.0.0.1"] }).pipe(Layer.provide(calls)),
      ),
    ),
  )
}
