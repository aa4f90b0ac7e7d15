/**
 * The handlers of core and factors behind a Fetch handler, over the services of the test and its clock.
 */
import { CoreApi } from "@belfry/core/CoreApi"
import * as CoreHandlers from "@belfry/core/CoreHandlers"
import * as Site from "@belfry/core/Site"
import { FactorsApi } from "@belfry/factors/FactorsApi"
import * as FactorsHandlers from "@belfry/factors/FactorsHandlers"
import * as TestHttp from "@belfry/testing/TestHttp"
import type * as TestServices from "@belfry/testing/TestServices"
import { Effect, Layer } from "effect"
import { HttpApiBuilder } from "effect/http-api"

export { at, maxBodySize, type TestResponse } from "@belfry/testing/TestHttp"

/** Serves the two APIs at `baseUrl`, and answers a function that sends requests to paths of it, by default as POST. */
export const make = Effect.fnUntraced(function* (baseUrl = "http://localhost:3000") {
  const services = yield* Effect.context<TestServices.Services>()
  const app = Layer.mergeAll(HttpApiBuilder.layer(CoreApi), HttpApiBuilder.layer(FactorsApi)).pipe(
    Layer.provide(FactorsHandlers.layer),
    Layer.provide(CoreHandlers.layer),
    Layer.provide(Layer.orDie(Site.layer({ baseUrl }))),
    Layer.provide(Layer.succeedContext(services)),
  )
  const send = yield* TestHttp.serve(app, baseUrl)
  return (path: string, request: TestHttp.TestRequest = {}) => send(path, { method: "POST", ...request })
})
