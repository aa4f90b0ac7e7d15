/**
 * The HTTP API of this package, under `/auth`.
 *
 * @since 0.1.0
 */
import { RequestGuard } from "@belfry/core/ProblemApi"
import * as HttpApi from "effect/http-api/HttpApi"
import { ProviderRedirectsApi, ProvidersApi } from "./ProvidersApi.ts"

/**
 * Signing in with other providers.
 *
 * **Details**
 *
 * The redirects stand outside of the guard of origins: a provider's form comes from another origin, without cookies,
 * and is bound to the browser by its state.
 *
 * @category api
 * @since 0.1.0
 */
export class OAuthClientApi extends HttpApi.make("belfry")
  .add(ProvidersApi)
  .middleware(RequestGuard)
  .annotate(HttpApi.PayloadParseOptions, { errors: "all" })
  .add(ProviderRedirectsApi)
  .prefix("/auth") {}
