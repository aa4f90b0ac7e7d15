/**
 * The HTTP API of this package, under `/auth`.
 *
 * @since 0.1.0
 */
import { RequestGuard } from "@belfry/core/ProblemApi"
import * as HttpApi from "effect/http-api/HttpApi"
import { AdminClientsApi } from "./AdminClientsApi.ts"
import { AuthorizationRedirectsApi, WaitingRequestsApi } from "./AuthorizationsApi.ts"
import { ClientsApi } from "./ClientsApi.ts"
import { ConsentsApi } from "./ConsentsApi.ts"
import { DiscoveryApi, DiscoveryRootApi } from "./DiscoveryApi.ts"
import { documentSchemes } from "./ProtocolSecurityApi.ts"
import { RegistrationApi } from "./RegistrationApi.ts"
import { ResourcesApi } from "./ResourcesApi.ts"
import { TokensApi } from "./TokensApi.ts"

/**
 * The authorization server over HTTP.
 *
 * **Details**
 *
 * Own JSON (clients, consents, resources, requests that wait) stands behind the guard of origins. Protocol endpoints do
 * not: their callers are other origins, and answer to their RFCs.
 *
 * @category api
 * @since 0.1.0
 */
export class OAuthServerApi extends HttpApi.make("belfry")
  .add(AdminClientsApi)
  .add(ClientsApi)
  .add(ResourcesApi)
  .add(WaitingRequestsApi)
  .add(ConsentsApi)
  .middleware(RequestGuard)
  .annotate(HttpApi.PayloadParseOptions, { errors: "all" })
  .add(AuthorizationRedirectsApi)
  .add(RegistrationApi)
  .add(TokensApi)
  .add(DiscoveryApi)
  .prefix("/auth")
  .add(DiscoveryRootApi)
  .annotateMerge(documentSchemes) {}
