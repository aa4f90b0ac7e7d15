/**
 * What happens to every request: an id, a time limit, security headers, metrics, a log line, and a body for failures
 * that have none.
 *
 * @since 0.1.0
 */
import { unavailableResponse } from "@belfry/core/RequestHandlers"
import { Site } from "@belfry/core/Site"
import * as ByteSize from "effect/ByteSize"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as ProblemDetails from "effect/http/ProblemDetails"
import * as Metric from "effect/Metric"
import * as References from "effect/References"
import { ServerConfig } from "./ServerConfig.ts"

/**
 * Requests by method, route and status.
 *
 * @category metrics
 * @since 0.1.0
 */
export const requestsTotal = Metric.counter("belfry_http_requests_total", {
  description: "Requests by method, route and status",
  incremental: true,
})

/**
 * Seconds from a request's arrival to its response, by method and route.
 *
 * @category metrics
 * @since 0.1.0
 */
export const requestSeconds = Metric.histogram("belfry_http_request_duration_seconds", {
  description: "Seconds to the response, by method and route",
  boundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
})

/**
 * The largest body that is read: 64 KiB. A larger one is answered with 413.
 *
 * @category rules
 * @since 0.1.0
 */
export const maxBodySize = ByteSize.kibibytes(64)

/**
 * The middleware of every request.
 *
 * **Details**
 *
 * A request that takes longer than the time limit is interrupted and answered with 503. Log lines have method, route,
 * status, duration and request id: no address, no path parameter, no query.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = HttpRouter.middleware(
  Effect.gen(function* () {
    const config = yield* ServerConfig
    const site = yield* Site
    const context = yield* Effect.context<never>()
    const timeout = Duration.toMillis(config.requestTimeout)
    const headers = securityHeaders(site.isSecure)
    const series = new Map<string, Series>()

    return (httpEffect) =>
      Effect.withFiber((fiber) => {
        const started = performance.now()
        const request = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
        const requestId = idOf(request)
        let handler: Fiber.Fiber<HttpServerResponse.HttpServerResponse, unknown> | undefined = undefined
        // The router puts the route into the handler's context, which is gone when the handler has ended.
        let matched: Context.Context<never> | undefined = undefined
        HttpEffect.appendPreResponseHandlerUnsafe(fiber.context, (_request, response) =>
          Effect.withFiber((current) => {
            const { context: ofHandler } = handler ?? current
            const route = Context.getOrUndefined(matched ?? ofHandler, HttpRouter.RouteContext)?.route.path ?? "none"
            const elapsed = performance.now() - started
            const key = `${request.method} ${route} ${response.status}`
            let known = series.get(key)
            if (known === undefined) series.set(key, (known = makeSeries(request.method, route, response.status)))
            known.requests.updateUnsafe(1, context)
            known.seconds.updateUnsafe(elapsed / 1000, context)
            const complete = HttpServerResponse.setHeaders(withProblem(response), {
              "x-request-id": requestId,
              ...headers,
              "cache-control": response.headers["cache-control"] ?? "no-store",
            })
            return isLogged(config.logRequests, response.status)
              ? Effect.as(
                  Effect.annotateLogs(
                    response.status >= 500 ? Effect.logError("Request failed") : Effect.logInfo("Request"),
                    {
                      requestId,
                      method: request.method,
                      route,
                      status: response.status,
                      durationMs: Math.round(elapsed),
                    },
                  ),
                  complete,
                )
              : Effect.succeed(complete)
          }),
        )
        fiber.setContext(Context.add(fiber.context, References.CurrentLogAnnotations, { requestId }))
        handler = Effect.runForkWith(fiber.context)(
          Effect.onExitPrimitive(httpEffect, () => {
            matched = Fiber.getCurrent()?.context
            return undefined
          }),
        )
        return handler.pollUnsafe() ?? answerWithin(timeout, handler)
      })
  }),
  { global: true },
)

/**
 * The headers of every response. Pages add a content security policy of their own; what says nothing of caches is kept
 * out of them.
 *
 * @see [OWASP Secure Headers](https://owasp.org/www-project-secure-headers/)
 * @category models
 * @since 0.1.0
 */
export const securityHeaders = (isSecure: boolean): Readonly<Record<string, string>> => ({
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "cross-origin-resource-policy": "same-origin",
  ...(isSecure ? { "strict-transport-security": "max-age=63072000; includeSubDomains" } : {}),
})

// internal

/**
 * The response of a handler, or 503 when the time is up. Whoever waits for a handler that is interrupted waits for its
 * clean-up too, and a transaction on a server that hangs cannot even be rolled back: so the handler runs in a fiber of
 * its own, and is left to end as it may.
 */
const answerWithin = <E>(millis: number, handler: Fiber.Fiber<HttpServerResponse.HttpServerResponse, E>) =>
  Effect.interruptible(
    Effect.callback<HttpServerResponse.HttpServerResponse, E>((resume) => {
      const timer = setTimeout(() => {
        resume(Effect.succeed(unavailableResponse))
        handler.interruptUnsafe()
      }, millis)
      handler.addObserver((exit) => {
        clearTimeout(timer)
        resume(exit)
      })
      return Effect.sync(() => {
        clearTimeout(timer)
        handler.interruptUnsafe()
      })
    }),
  )

interface Series {
  readonly requests: Metric.Metric<number, Metric.CounterState<number>>
  readonly seconds: Metric.Metric<number, Metric.HistogramState>
}

const makeSeries = (method: string, route: string, status: number): Series => ({
  requests: Metric.withAttributes(requestsTotal, { method, route, status: String(status) }),
  seconds: Metric.withAttributes(requestSeconds, { method, route }),
})

/** A client's own id is taken over when it is one word; so a request can be followed through several servers. */
const idOf = (request: HttpServerRequest.HttpServerRequest): string => {
  const given = request.headers["x-request-id"]
  // Random rather than counted: a count would tell strangers how much goes on here.
  return given !== undefined && /^[\w.-]{8,64}$/.test(given) ? given : crypto.randomUUID()
}

const isLogged = (share: number, status: number): boolean =>
  status >= 500 || (share > 0 && (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32 < share)

/** RFC 9457: failures that the platform answers without a body (no such route, unreadable body) say what they are. */
const withProblem = (response: HttpServerResponse.HttpServerResponse): HttpServerResponse.HttpServerResponse => {
  if (response.status < 400 || response.body._tag !== "Empty") return response
  const title = titles[response.status] ?? "Error"
  return HttpServerResponse.setBody(
    response,
    HttpBody.text(JSON.stringify({ type: "about:blank", title, status: response.status }), ProblemDetails.contentType),
  )
}

const titles: Readonly<Record<number, string>> = {
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  499: "Client Closed Request",
  500: "Internal Server Error",
  503: "Service Unavailable",
}
