/**
 * The page to read the API on.
 *
 * @since 0.1.0
 */
import { BelfryApi } from "@belfry/client/BelfryApi"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpApiScalar from "effect/http-api/HttpApiScalar"
import * as OpenApi from "effect/http-api/OpenApi"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Scope from "effect/Scope"

/**
 * `GET /auth/docs` shows the OpenAPI document. The page has its script in it and loads nothing from elsewhere.
 *
 * **Details**
 *
 * The script is 3 MB of text, which would be parsed at every start and kept in memory ever after, so the route is made
 * when it is first asked for.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = HttpRouter.use((router) =>
  Effect.gen(function* () {
    // Out of the context of whoever asks first: it has the router of the server, and would be kept.
    const alone = Context.make(Scope.Scope, yield* Effect.scope)
    const page = yield* Effect.cached(
      Effect.updateContext(
        HttpRouter.toHttpEffect(HttpApiScalar.layer(BelfryApi, { path })),
        (_request: Context.Context<never>) => alone,
      ),
    )
    yield* router.add("GET", path, Effect.flatten(page))
  }),
)

/**
 * Makes the OpenAPI document of the server, the one that it serves at `/auth/openapi.json`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const document = (): OpenApi.OpenAPISpec => OpenApi.fromApi(BelfryApi)

// internal

const path = "/auth/docs"
