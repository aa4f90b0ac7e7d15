/**
 * Routes behind a Fetch handler, without a network and under the clock of the test.
 *
 * @since 0.1.0
 */
import { routerConfig } from "@belfry/core/RequestHandlers"
import { assert } from "@effect/vitest"
import * as Context from "effect/Context"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import type * as Schema from "effect/Schema"

/**
 * What a test sends: `json` with its content type, or a `body` with none but that of `headers`.
 *
 * @category models
 * @since 0.1.0
 */
export interface TestRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: Schema.Json
  readonly body?: string | Uint8Array
}

/**
 * What came back, its body as text and, if it is JSON, as a value.
 *
 * @category models
 * @since 0.1.0
 */
export interface TestResponse {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: unknown
  readonly location: string | null
  /** The cookies that were set, by name: value and attributes, these sorted. */
  readonly cookies: Readonly<Record<string, { readonly value: string; readonly attributes: ReadonlyArray<string> }>>
}

/**
 * The bytes of a body that are read at most.
 *
 * @category models
 * @since 0.1.0
 */
export const maxBodySize = 65_536

/**
 * Serves routes, and answers a function that sends requests to paths of `baseUrl`. By default they are GET.
 *
 * @category constructors
 * @since 0.1.0
 */
export const serve = Effect.fnUntraced(function* (
  routes: Layer.Layer<never, never, HttpRouter.HttpRouter | Layer.Success<typeof HttpServer.layerServices>>,
  baseUrl: string,
) {
  const { handler } = yield* Effect.acquireRelease(
    Effect.sync(() =>
      HttpRouter.toWebHandler(Layer.provide(routes, HttpServer.layerServices), { disableLogger: true, routerConfig }),
    ),
    ({ dispose }) => Effect.promise(dispose),
  )
  // The clock of the test reaches the handlers in this context.
  const context = Context.add(
    yield* Effect.context<never>(),
    HttpIncomingMessage.MaxBodySize,
    ByteSize.bytes(maxBodySize),
  )

  return Effect.fnUntraced(function* (path: string, request: TestRequest = {}) {
    const { method = "GET", headers = {}, json } = request
    const body = json === undefined ? request.body : JSON.stringify(json)
    const sent = new Request(new URL(path, baseUrl), {
      method,
      headers: { ...(json === undefined ? {} : { "content-type": "application/json" }), ...headers },
      // As bytes: a string would bring a content type with it.
      ...(body === undefined ? {} : { body: typeof body === "string" ? new TextEncoder().encode(body) : body }),
    })
    const response = yield* Effect.promise(() => handler(sent, context))
    return toTestResponse(response, yield* Effect.promise(() => response.text()))
  })
})

/**
 * What stands at a path of a JSON value, or undefined.
 *
 * @category observing
 * @since 0.1.0
 */
export const at = (json: unknown, ...path: ReadonlyArray<string>): unknown =>
  path.reduce<unknown>(
    (value, key) => (typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined),
    json,
  )

/**
 * The text at a path of a response's body. Fails the test when there is none.
 *
 * @category observing
 * @since 0.1.0
 */
export const textAt = (response: TestResponse, ...path: ReadonlyArray<string>): string => {
  const text = at(response.json, ...path)
  return typeof text === "string" ? text : assert.fail(`no text at ${path.join(".")}: ${response.text}`)
}

/**
 * Keeps the cookies of a response as a browser does. One without a value is gone.
 *
 * @category operations
 * @since 0.1.0
 */
export const keepCookies = (jar: Map<string, string>, { cookies }: TestResponse): void => {
  for (const [name, { value }] of Object.entries(cookies)) {
    if (value === "") jar.delete(name)
    else jar.set(name, value)
  }
}

// internal

const toTestResponse = (response: Response, text: string): TestResponse => ({
  status: response.status,
  headers: response.headers,
  text,
  json: response.headers.get("content-type")?.includes("json") === true ? JSON.parse(text) : undefined,
  location: response.headers.get("location"),
  cookies: Object.fromEntries(
    response.headers.getSetCookie().map((cookie) => {
      const [pair = "", ...attributes] = cookie.split("; ")
      const equals = pair.indexOf("=")
      return [
        pair.slice(0, equals),
        { value: decodeURIComponent(pair.slice(equals + 1)), attributes: attributes.toSorted() },
      ]
    }),
  ),
})
