/**
 * The whole server as one Layer: stores, services, HTTP API, pages, health, metrics; from configuration.
 *
 * @since 0.1.0
 */
import * as BillingConfig from "@belfry/billing/BillingConfig"
import * as BillingGuards from "@belfry/billing/BillingGuards"
import * as BillingHandlers from "@belfry/billing/BillingHandlers"
import * as BillingHookRuns from "@belfry/billing/BillingHookRuns"
import * as BillingJobs from "@belfry/billing/BillingJobs"
import * as BillingServices from "@belfry/billing/BillingServices"
import * as BillingSubscribers from "@belfry/billing/BillingSubscribers"
import * as EntitlementLimits from "@belfry/billing/EntitlementLimits"
import * as SqlBillingMigrations from "@belfry/billing/SqlBillingMigrations"
import * as SqlBillingStores from "@belfry/billing/SqlBillingStores"
import * as StripeConfig from "@belfry/billing/StripeConfig"
import { BelfryApi } from "@belfry/client/BelfryApi"
import * as ClientAddressHandlers from "@belfry/core/ClientAddressHandlers"
import * as CoreHandlers from "@belfry/core/CoreHandlers"
import * as CoreServices from "@belfry/core/CoreServices"
import * as MailQueue from "@belfry/core/MailQueue"
import * as OutboxDeliveries from "@belfry/core/OutboxDeliveries"
import * as RateLimits from "@belfry/core/RateLimits"
import * as Site from "@belfry/core/Site"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlStores from "@belfry/core/SqlStores"
import * as DictionaryCommonPasswords from "@belfry/factors/DictionaryCommonPasswords"
import * as FactorsHandlers from "@belfry/factors/FactorsHandlers"
import * as FactorsServices from "@belfry/factors/FactorsServices"
import * as PasswordHasher from "@belfry/factors/PasswordHasher"
import * as SignInPolicy from "@belfry/factors/SignInPolicy"
import * as SqlFactorsMigrations from "@belfry/factors/SqlFactorsMigrations"
import * as SqlFactorStores from "@belfry/factors/SqlFactorStores"
import * as OAuthClientHandlers from "@belfry/oauth-client/OAuthClientHandlers"
import * as OAuthClientServices from "@belfry/oauth-client/OAuthClientServices"
import * as OAuthProviders from "@belfry/oauth-client/OAuthProviders"
import * as ProviderPresets from "@belfry/oauth-client/ProviderPresets"
import * as SqlOAuthClientMigrations from "@belfry/oauth-client/SqlOAuthClientMigrations"
import * as SqlOAuthClientStores from "@belfry/oauth-client/SqlOAuthClientStores"
import * as CorsHandlers from "@belfry/oauth-server/CorsHandlers"
import * as OAuthServerConfig from "@belfry/oauth-server/OAuthServerConfig"
import * as OAuthServerHandlers from "@belfry/oauth-server/OAuthServerHandlers"
import * as OAuthServerServices from "@belfry/oauth-server/OAuthServerServices"
import * as SqlOAuthServerMigrations from "@belfry/oauth-server/SqlOAuthServerMigrations"
import * as SqlOAuthServerStores from "@belfry/oauth-server/SqlOAuthServerStores"
import { organizationHeader } from "@belfry/organization/MembershipApi"
import * as OrganizationConfig from "@belfry/organization/OrganizationConfig"
import * as OrganizationHandlers from "@belfry/organization/OrganizationHandlers"
import * as OrganizationServices from "@belfry/organization/OrganizationServices"
import * as SqlOrganizationMigrations from "@belfry/organization/SqlOrganizationMigrations"
import * as SqlOrganizationStores from "@belfry/organization/SqlOrganizationStores"
import * as Database from "@belfry/sql/Database"
import * as Migrations from "@belfry/sql/Migrations"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import * as ApiReference from "./ApiReference.ts"
import * as Argon2id from "./Argon2id.ts"
import * as DemoPlans from "./DemoPlans.ts"
import * as FactorsAuthenticationContexts from "./FactorsAuthenticationContexts.ts"
import * as FactorsSignInGate from "./FactorsSignInGate.ts"
import * as Health from "./Health.ts"
import * as McpConfig from "./McpConfig.ts"
import * as Metrics from "./Metrics.ts"
import * as NodeOutboundHttp from "./NodeOutboundHttp.ts"
import * as OrganizationAddressProofs from "./OrganizationAddressProofs.ts"
import * as OrganizationGrants from "./OrganizationGrants.ts"
import * as OrganizationOAuthHooks from "./OrganizationOAuthHooks.ts"
import * as OrganizationUserRemovals from "./OrganizationUserRemovals.ts"
import * as Pages from "./Pages.ts"
import * as RateLimitStore from "./RateLimitStore.ts"
import * as Requests from "./Requests.ts"
import * as ServerConfig from "./ServerConfig.ts"
import * as ServerMailer from "./ServerMailer.ts"
import * as Sweeper from "./Sweeper.ts"

/**
 * The migrations of every package, in the order of their dependencies.
 *
 * @category models
 * @since 0.1.0
 */
export const migrations: ReadonlyArray<Migrations.MigrationSet> = [
  SqlCoreMigrations.migrations,
  SqlFactorsMigrations.migrations,
  SqlOAuthClientMigrations.migrations,
  SqlOAuthServerMigrations.migrations,
  SqlOrganizationMigrations.migrations,
  SqlBillingMigrations.migrations,
]

/**
 * The database of the configuration, migrated.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerDatabase = Layer.provideMerge(Migrations.layer(migrations), Database.layerConfig)

/**
 * The HTTP API at `/auth`, its OpenAPI document at `/auth/openapi.json` and a page to read it at `/auth/docs`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerApi = Layer.mergeAll(
  HttpApiBuilder.layer(BelfryApi, { openapiPath: "/auth/openapi.json" }),
  ApiReference.layer,
).pipe(
  Layer.provide(
    Layer.mergeAll(
      CoreHandlers.layerNoDeps,
      FactorsHandlers.layer,
      OAuthClientHandlers.layer,
      OAuthServerHandlers.layer,
      OrganizationHandlers.layerWithTeams,
      BillingHandlers.layer,
    ),
  ),
  Layer.provide(CoreHandlers.layerMiddleware),
)

/**
 * Pages of other origins that are allowed may call the API with the user's cookie.
 *
 * @see [Fetch §3.3](https://fetch.spec.whatwg.org/#http-cors-protocol)
 * @category layers
 * @since 0.1.0
 */
export const layerCors = Layer.unwrap(
  Effect.gen(function* () {
    const { allowedOrigins } = yield* Site.Site
    return allowedOrigins.length === 0
      ? Layer.empty
      : HttpRouter.cors({
          allowedOrigins,
          allowedMethods: ["GET", "POST", "PATCH", "DELETE"],
          allowedHeaders: ["content-type", "authorization", organizationHeader],
          exposedHeaders: ["retry-after", "x-request-id"],
          credentials: true,
          maxAge: 600,
        })
  }),
)

/**
 * The MCP endpoint where `BELFRY_MCP` is `on`. Where it is not, the protocol is not even loaded.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMcp = Layer.unwrap(
  Effect.gen(function* () {
    const { mode } = yield* McpConfig.config
    if (mode === "off") return Layer.empty
    const { layer } = yield* Effect.promise(() => import("./BelfryMcp.ts"))
    return layer
  }),
)

/**
 * Every route of the server, over whatever services the host provides.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRoutes = Layer.mergeAll(layerApi, layerMcp, Pages.layer, Health.layer, Metrics.layer).pipe(
  Layer.provideMerge(layerCors),
  // Around it, because a host's rules for origins are about cookies, and what any origin may call takes none.
  Layer.provideMerge(CorsHandlers.layer),
  // Around CORS, whose own answers then have an id and headers too. Inside what changes the context of a request, since
  // the route is read from there when a handler ends.
  Layer.provideMerge(Requests.layer),
  Layer.provideMerge(ClientAddressHandlers.layerConfig),
)

const layerStores = Layer.mergeAll(
  SqlStores.layer,
  SqlFactorStores.layer,
  SqlOAuthClientStores.layer,
  SqlOAuthServerStores.layer,
  SqlOrganizationStores.layer,
  SqlBillingStores.layer,
)

const layerFoundation = Layer.mergeAll(
  layerStores,
  RateLimits.layer.pipe(Layer.provide(RateLimitStore.layer)),
  MailQueue.layer().pipe(Layer.provide(ServerMailer.layer)),
  PasswordHasher.layerConfig,
  DictionaryCommonPasswords.layerConfig,
  SignInPolicy.layerConfig,
).pipe(
  Layer.provideMerge(Layer.mergeAll(ServerConfig.layerKeyRing, ServerConfig.layerSafeOrigin, Argon2id.layerRequired)),
  Layer.provideMerge(Layer.mergeAll(ServerConfig.layer, Site.layerConfig)),
)

/**
 * The providers to sign in with: those of the configuration. A host adds its own to the same `OAuthProviders.layer`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerProviders = Layer.provideMerge(ProviderPresets.layerConfig, OAuthProviders.layer)

/**
 * What is sold, who takes the money for it, and what payers may use: all of billing that organizations ask for.
 *
 * **Details**
 *
 * Plans are those of `BELFRY_BILLING_PLANS`, or of the host (`PlanCatalogue.layer`), or with `BELFRY_STRIPE=local`
 * those for looking at it. Settings come from configuration; hooks are a reference.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerEntitlements = BillingServices.layerEntitlements.pipe(
  Layer.provideMerge(Layer.provideMerge(BillingConfig.layerConfigPlans, DemoPlans.layerConfig)),
  Layer.provideMerge(Layer.merge(BillingConfig.layerConfig, StripeConfig.layerConfig)),
  // What is unsafe is said before what else may be wrong.
  Layer.provideMerge(ServerConfig.layerSafeStripe),
)

/**
 * Organizations with teams, from configuration. What a host declares of access is a reference, as are its hooks. Plans
 * may limit organizations, and one that is paid for is not deleted as it is.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerOrganizations = OrganizationUserRemovals.layer.pipe(
  Layer.provideMerge(OrganizationServices.layerWithTeams),
  Layer.provideMerge(BillingGuards.layerOrganizations),
  Layer.provideMerge(EntitlementLimits.layer),
  Layer.provideMerge(OrganizationConfig.layerConfig),
)

/**
 * Billing of users, organizations and teams, over {@link layerOrganizations} and {@link layerEntitlements}.
 *
 * **Details**
 *
 * Users are guarded after they left their organizations: whoever deletes one locks organizations first, and customers
 * then.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerBilling = Layer.mergeAll(
  BillingGuards.layerUsers,
  BillingSubscribers.layer,
  BillingHookRuns.layer,
).pipe(Layer.provideMerge(BillingServices.layer))

/**
 * Every service of the server, from configuration, over the database that the host provides.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerServices = Layer.mergeAll(Sweeper.layer, Sweeper.layerBilling, OrganizationGrants.layer).pipe(
  Layer.provideMerge(Layer.mergeAll(OAuthClientServices.layer, OAuthServerServices.layer)),
  Layer.provideMerge(OrganizationOAuthHooks.layer),
  Layer.provideMerge(McpConfig.layerOAuthServer),
  Layer.provideMerge(
    Layer.mergeAll(
      layerProviders,
      FactorsSignInGate.layer,
      FactorsAuthenticationContexts.layer,
      NodeOutboundHttp.layerConfig,
      Layer.merge(OAuthServerConfig.layerConfig, OAuthServerConfig.layerConfigPages),
    ),
  ),
  Layer.provideMerge(FactorsServices.layer),
  Layer.provideMerge(OrganizationAddressProofs.layer),
  Layer.provideMerge(layerBilling),
  Layer.provideMerge(layerOrganizations),
  Layer.provideMerge(layerEntitlements),
  Layer.provideMerge(CoreServices.layerConfig),
  Layer.provideMerge(layerFoundation),
)

/**
 * Delivers the events of the outbox and sees to subscriptions, beside the routes. Not a part of {@link layerServices}:
 * a command has none of the host's subscribers, and is over soon.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerDeliveries = Layer.merge(
  Layer.provide(OutboxDeliveries.layerLoop(), OutboxDeliveries.layer()),
  BillingJobs.layerLoop(),
)

/**
 * The whole server: routes for the `HttpRouter`, from configuration, and deliveries. Serve it by `NodeServer` or `Web`.
 *
 * **Example** (A subscriber of the host)
 *
 * ```ts
 * const subscriber = Layer.effectDiscard(
 *   OutboxSubscribers.OutboxSubscribers.use((subscribers) => subscribers.register({ name: "search", handle })),
 * )
 * const routes = Layer.merge(Server.layer, Layer.provide(subscriber, OutboxSubscribers.layer))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.merge(layerRoutes, layerDeliveries).pipe(
  Layer.provide(layerServices),
  Layer.provide(layerDatabase),
)
