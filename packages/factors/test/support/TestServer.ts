/**
 * The handlers of core and factors behind a Fetch handler, over the services of the test and its clock.
 */
import { CoreApi } from "@belfry/core/CoreApi"
import * as CoreHandlers from "@belfry/core/CoreHandlers"
import * as Site from "@belfry/core/Site"
import { FactorsApi } from "@belfry/factors/FactorsApi"
import * as FactorsHandlers from "@belfry/factors/FactorsHandlers"
import type * as TestServices from "@belfry/testing/TestServices"
import { ByteSize, Context, Effect, Layer, type Schema } from "effect"
import { HttpIncomingMessage, HttpRouter, HttpServer } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"

/** What a test sends: `json` with its content type, or `raw` bytes with none but that of `headers`. */
export interface TestRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: Schema.Json
  readonly raw?: string
}

/** What came back, its body as text and, if it is JSON, as a value. */
export interface TestResponse {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: unknown
  /** The cookies that were set, by name: value and attributes. */
  readonly cookies: Readonly<Record<string, { readonly value: string; readonly attributes: ReadonlyArray<string> }>>
}

/** The bytes of a body that are read at most. */
export const maxBodySize = 65_536

/** Serves the two APIs at `baseUrl`, and answers a function that sends requests to paths of it. */
export const make = Effect.fnUntraced(function* (baseUrl = "http://localhost:3000") {
  const services = yield* Effect.context<TestServices.Services>()
  const app = Layer.mergeAll(HttpApiBuilder.layer(CoreApi), HttpApiBuilder.layer(FactorsApi)).pipe(
    Layer.provide(FactorsHandlers.layer),
    Layer.provide(CoreHandlers.layer),
    Layer.provide(HttpServer.layerServices),
    Layer.provide(Layer.orDie(Site.layer({ baseUrl }))),
    Layer.provide(Layer.succeedContext(services)),
  )
  const { handler } = yield* Effect.acquireRelease(
    Effect.sync(() => HttpRouter.toWebHandler(app, { disableLogger: true })),
    ({ dispose }) => Effect.promise(dispose),
  )
  // The clock of the test reaches the handlers in this context.
  const context = Context.add(
    yield* Effect.context<never>(),
    HttpIncomingMessage.MaxBodySize,
    ByteSize.bytes(maxBodySize),
  )

  return Effect.fnUntraced(function* (path: string, { method = "POST", headers = {}, json, raw }: TestRequest = {}) {
    const body = json === undefined ? raw : JSON.stringify(json)
    const request = new Request(new URL(path, baseUrl), {
      method,
      headers: { ...(json === undefined ? {} : { "content-type": "application/json" }), ...headers },
      // As bytes: a string would bring a content type with it.
      ...(body === undefined ? {} : { body: new TextEncoder().encode(body) }),
    })
    const response = yield* Effect.promise(() => handler(request, context))
    const text = yield* Effect.promise(() => response.text())
    return toTestResponse(response, text)
  })
})

/** What stands at a path of a JSON value, or undefined. */
export const at = (json: unknown, ...path: ReadonlyArray<string>): unknown =>
  path.reduce<unknown>(
    (value, key) => (typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined),
    json,
  )

const toTestResponse = (response: Response, text: string): TestResponse => ({
  status: response.status,
  headers: response.headers,
  text,
  json: response.headers.get("content-type")?.includes("json") === true ? JSON.parse(text) : undefined,
  cookies: Object.fromEntries(
    response.headers.getSetCookie().map((cookie) => {
      const [pair = "", ...attributes] = cookie.split("; ")
      const equals = pair.indexOf("=")
      return [pair.slice(0, equals), { value: pair.slice(equals + 1), attributes: attributes.toSorted() }]
    }),
  ),
})
