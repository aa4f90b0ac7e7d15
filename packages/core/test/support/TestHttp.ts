/**
 * HTTP without a network: routes as a function, under the clock of the test.
 */
import { routerConfig } from "@belfry/core/RequestHandlers"
import { Effect, Layer, Redacted } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import type * as TestCore from "./TestCore.ts"

/** A request, as short as it can be said. */
export interface Call {
  /** Method and path: `DELETE /auth/sessions?scope=all`. */
  readonly to: string
  /** The session token in its cookie; the request then comes from a page of the site unless `headers` say otherwise. */
  readonly cookie?: Redacted.Redacted | undefined
  readonly bearer?: Redacted.Redacted | undefined
  /** Headers; one that is undefined is left out. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as it is. */
  readonly text?: string
}

/** An answer, read to its end. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly cookies: ReadonlyArray<string>
  readonly text: string
  /** The body as JSON, undefined when it is empty. */
  readonly json: unknown
}

/** Everything that routes may need: the services of the package and what HTTP servers have. */
type Services = Layer.Success<typeof TestCore.layer>

/** Builds routes over the services of the test; what it answers makes requests. */
export const open = Effect.fnUntraced(function* (
  routes: Layer.Layer<never, never, HttpRouter.HttpRouter | Layer.Success<typeof HttpServer.layerServices> | Services>,
  origin: string,
) {
  const services = yield* Effect.context<Services>()
  const { handler, dispose } = HttpRouter.toWebHandler(
    routes.pipe(Layer.provide(Layer.succeedContext(services)), Layer.provide(HttpServer.layerServices)),
    { disableLogger: true, routerConfig },
  )
  yield* Effect.addFinalizer(() => Effect.promise(dispose))
  const context = yield* Effect.context<never>()
  return (call: Call): Effect.Effect<Answer> =>
    Effect.promise(async () => answerOf(await handler(requestOf(call, origin), context)))
})

const requestOf = ({ to, cookie, bearer, headers, json, text }: Call, origin: string): Request => {
  const [method = "GET", path = "/"] = to.split(" ")
  const all = new Headers()
  const cookieName = origin.startsWith("https:") ? "__Host-belfry_session" : "belfry_session"
  if (cookie !== undefined) {
    all.set("cookie", `${cookieName}=${Redacted.value(cookie)}`)
    all.set("sec-fetch-site", "same-origin")
  }
  if (bearer !== undefined) all.set("authorization", `Bearer ${Redacted.value(bearer)}`)
  if (json !== undefined) all.set("content-type", "application/json")
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (value === undefined) all.delete(name)
    else all.set(name, value)
  }
  const body = json === undefined ? text : JSON.stringify(json)
  return new Request(`${origin}${path}`, { method, headers: all, ...(body === undefined ? {} : { body }) })
}

const answerOf = async (response: Response): Promise<Answer> => {
  const text = await response.text()
  const isJson = /[/+]json\b/.test(response.headers.get("content-type") ?? "")
  const json: unknown = isJson && text !== "" ? JSON.parse(text) : undefined
  return { status: response.status, headers: response.headers, cookies: response.headers.getSetCookie(), text, json }
}
