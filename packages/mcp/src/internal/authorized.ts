/**
 * The guard of an MCP endpoint around whatever answers its requests, in the words of HTTP.
 */
import { clientInfo } from "@belfry/core/RequestHandlers"
import { BodyUnreadable } from "@belfry/core/RequestBodyHandlers"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { CurrentAccess, type McpAccess } from "../McpAccess.ts"
import * as Guard from "./guard.ts"
import type { Answer } from "./refusals.ts"

/** Makes the middleware of an endpoint: what it lets in gets the access, and sees a request without its token. */
export const authorized = Effect.fnUntraced(function* (options: Guard.GuardOptions, scopesOf: Guard.ScopesOf) {
  const guard = yield* Guard.make(options, scopesOf)
  return <E, R>(httpEffect: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>) =>
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const { origin } = request.headers
      const crossOrigin = guard.crossOrigin(origin)
      if (request.method === "OPTIONS" && origin !== undefined && guard.isAllowedOrigin(origin)) {
        return toResponse(Guard.preflight(crossOrigin))
      }
      // Whoever answers reads the body from this same request, which keeps what was read.
      const bare = request.modify({ headers: Headers.remove(request.headers, "authorization") })
      const outcome = yield* Effect.result(guard.admit(presented(request, bare)))
      if (Result.isFailure(outcome)) return HttpServerResponse.setHeaders(toResponse(outcome.failure), crossOrigin)
      const { access, answered, listens } = outcome.success
      const response = yield* httpEffect.pipe(
        Effect.provideService(CurrentAccess, access),
        Effect.provideService(HttpServerRequest.HttpServerRequest, bare),
      )
      // The MCP server tells the session in such a step too, which was added before this one.
      yield* HttpEffect.appendPreResponseHandler((_request, sent) =>
        Effect.as(
          answered(sent.status, sent.headers["mcp-session-id"]),
          HttpServerResponse.setHeaders(sent, crossOrigin),
        ),
      )
      return listens ? yield* untilOver(response, access) : response
    })
})

// internal

const presented = (
  request: HttpServerRequest.HttpServerRequest,
  bare: HttpServerRequest.HttpServerRequest,
): Guard.Presented => ({
  method: request.method,
  url: request.originalUrl,
  headers: request.headers,
  authorizations: countAuthorizations(request),
  caller: clientInfo(request),
  body: (maxSize) =>
    bare.text.pipe(
      Effect.provideService(HttpServerRequest.MaxBodySize, maxSize),
      Effect.mapError((cause) => {
        const isTooLarge = cause.reason._tag === "RequestParseError" && cause.reason.reason === "BodyTooLarge"
        return new BodyUnreadable({ reason: isTooLarge ? "too-large" : "broken", cause })
      }),
    ),
})

/** Node keeps the first of several in silence; a proxy before it may have looked at another. */
const countAuthorizations = ({ headers, source }: HttpServerRequest.HttpServerRequest): number => {
  if (Predicate.hasProperty(source, "rawHeaders") && Array.isArray(source.rawHeaders)) {
    return source.rawHeaders.filter(
      (name, index) => index % 2 === 0 && typeof name === "string" && name.toLowerCase() === "authorization",
    ).length
  }
  return headers["authorization"] === undefined ? 0 : 1
}

/** Lets a stream of changes end with the token that opened it, and after a day: whoever listens on asks anew. */
const untilOver = Effect.fnUntraced(function* (
  response: HttpServerResponse.HttpServerResponse,
  { token: { expiresAt } }: McpAccess,
) {
  const { body } = response
  if (body._tag !== "Stream") return response
  // The body is sent outside of the request.
  const clock = yield* Clock.Clock
  const left = expiresAt === null ? Infinity : expiresAt.epochMilliseconds - clock.currentTimeMillisUnsafe()
  const over = Effect.sleep(Duration.min(Duration.days(1), Duration.millis(Math.max(0, left))))
  const stream = Stream.interruptWhen(body.stream, Effect.provideService(over, Clock.Clock, clock))
  return HttpServerResponse.setBody(response, HttpBody.stream(stream, body.contentType))
})

const toResponse = ({ body, headers, status }: Answer): HttpServerResponse.HttpServerResponse =>
  body === null
    ? HttpServerResponse.empty({ status, headers })
    : HttpServerResponse.text(body, { status, headers, contentType: "application/json" })
