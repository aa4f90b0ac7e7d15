/**
 * Belfry on a real Node server, over stores in memory, for clients to talk to.
 */
import * as BillingHandlers from "@belfry/billing/BillingHandlers"
import * as BillingServices from "@belfry/billing/BillingServices"
import * as MemoryBillingStores from "@belfry/billing/MemoryBillingStores"
import * as StripeBillingProvider from "@belfry/billing/StripeBillingProvider"
import { BelfryApi } from "@belfry/client/BelfryApi"
import * as CoreHandlers from "@belfry/core/CoreHandlers"
import * as MemoryRateLimitStore from "@belfry/core/MemoryRateLimitStore"
import { routerConfig } from "@belfry/core/RequestHandlers"
import * as Site from "@belfry/core/Site"
import * as FactorsHandlers from "@belfry/factors/FactorsHandlers"
import * as OAuthClientHandlers from "@belfry/oauth-client/OAuthClientHandlers"
import * as OAuthServerHandlers from "@belfry/oauth-server/OAuthServerHandlers"
import * as OrganizationHandlers from "@belfry/organization/OrganizationHandlers"
import * as TestCrypto from "@belfry/testing/TestCrypto"
import * as TestServices from "@belfry/testing/TestServices"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Context, Effect, Layer } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"

/** Where the server listens: `http://127.0.0.1:<port>`. */
export class Origin extends Context.Service<Origin, string>()("@belfry/client/test/Origin") {}

const layerServices = Layer.mergeAll(
  TestServices.layerOAuthClient,
  TestServices.layerOAuthServer,
  BillingServices.layer,
).pipe(
  Layer.provideMerge(TestServices.layerOrganization),
  Layer.provideMerge(Layer.merge(BillingServices.layerEntitlements, StripeBillingProvider.layerOff)),
  Layer.provideMerge(MemoryBillingStores.layer),
  Layer.provideMerge(TestServices.layer),
  Layer.provideMerge(Layer.mergeAll(TestServices.layerMemoryStores, TestCrypto.layer, MemoryRateLimitStore.layer)),
)

const layerOrigin = Layer.effect(
  Origin,
  Effect.map(HttpServer.HttpServer, ({ address }) => {
    if (address._tag === "UnixPathAddress") throw new Error("The server listens on no port")
    return `http://127.0.0.1:${address.port}`
  }),
)

/** The site is where the server listens: requests with a cookie must come from there. */
const layerSite = Layer.unwrap(Effect.map(Origin, (baseUrl) => Layer.orDie(Site.layer({ baseUrl }))))

/** The server on a free port, with its services for the test to look into. */
export const layer = HttpRouter.serve(
  HttpApiBuilder.layer(BelfryApi).pipe(
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
    Layer.provide(layerSite),
  ),
  { disableLogger: true, disableListenLog: true, routerConfig },
).pipe(Layer.provideMerge(layerServices), Layer.provideMerge(layerOrigin), Layer.provideMerge(NodeHttpServer.layerTest))
