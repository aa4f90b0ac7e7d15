/**
 * The root contract: every group of every package in one HTTP API, and so one OpenAPI document and one client.
 *
 * @since 0.1.0
 */
import { BillingApi } from "@belfry/billing/BillingApi"
import { CoreApi } from "@belfry/core/CoreApi"
import { FactorsApi } from "@belfry/factors/FactorsApi"
import { OAuthClientApi } from "@belfry/oauth-client/OAuthClientApi"
import { OAuthServerApi } from "@belfry/oauth-server/OAuthServerApi"
import { documentSchemes } from "@belfry/oauth-server/ProtocolSecurityApi"
import { OrganizationApi } from "@belfry/organization/OrganizationApi"
import { OrganizationTeamsApi } from "@belfry/organization/OrganizationTeamsApi"
import * as HttpApi from "effect/http-api/HttpApi"
import * as OpenApi from "effect/http-api/OpenApi"

/**
 * The whole HTTP API of Belfry, under `/auth`.
 *
 * @category api
 * @since 0.1.0
 */
export class BelfryApi extends HttpApi.make("belfry")
  .addHttpApi(CoreApi)
  .addHttpApi(FactorsApi)
  .addHttpApi(OAuthClientApi)
  .addHttpApi(OAuthServerApi)
  .addHttpApi(OrganizationApi)
  .addHttpApi(OrganizationTeamsApi)
  .addHttpApi(BillingApi)
  .annotateMerge(documentSchemes)
  .annotateMerge(
    OpenApi.annotations({
      title: "Belfry",
      version: "0.1.0",
      description:
        "Authentication and authorization: sessions, sign-in factors, providers, clients, grants, organizations, billing and the signed-in user.",
      license: { name: "MIT", identifier: "MIT" },
    }),
  ) {}
