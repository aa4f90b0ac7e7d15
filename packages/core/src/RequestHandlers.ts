/**
 * What every HTTP handler does the same way: read the client and its credentials, carry the session cookie, guard the
 * request, and answer when a store is away.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpApiError from "effect/http-api/HttpApiError"
import type * as Cookies from "effect/http/Cookies"
import type * as FindMyWay from "effect/http/FindMyWay"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as ProblemDetails from "effect/http/ProblemDetails"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as SchemaIssue from "effect/SchemaIssue"
import * as Scope from "effect/Scope"
import type * as Types from "effect/Types"
import type { ClientInfo } from "./AuditEvent.ts"
import { addressOf } from "./ClientAddressHandlers.ts"
import { InvalidRequest, RequestGuard, ServiceUnavailable } from "./ProblemApi.ts"
import type { RateLimited } from "./RateLimit.ts"
import * as RequestOrigin from "./RequestOrigin.ts"
import { SessionInvalid } from "./Session.ts"
import { type IssuedSession, sessionCookie, type Sessions } from "./Sessions.ts"
import { Site } from "./Site.ts"
import type { StoreError } from "./StoreError.ts"

/**
 * What a router of these APIs is made with, since the router's own default gives up on path parameters of more than 100
 * characters: `HttpRouter.serve(routes, { routerConfig })`.
 *
 * **Details**
 *
 * Ids of clients may be URLs. As long a parameter as fits into the 16 KiB of a request's headers reaches its endpoint,
 * so that an id which nothing has is answered in the endpoint's own words however long it is.
 *
 * @category rules
 * @since 0.1.0
 */
export const routerConfig: Partial<FindMyWay.RouterConfig> = { maxParamLength: 16 * 1024 }

/**
 * Where the request came from: the address as trusted proxies report it, and the user agent's name for itself.
 *
 * @category accessors
 * @since 0.1.0
 */
export const clientInfo = (request: HttpServerRequest.HttpServerRequest): ClientInfo => ({
  ipAddress: addressOf(request),
  userAgent: request.headers["user-agent"]?.slice(0, 512) ?? null,
})

/**
 * The session token that the request carries in its cookie, if any.
 *
 * @category accessors
 * @since 0.1.0
 */
export const cookieToken = (
  request: HttpServerRequest.HttpServerRequest,
  site: Site["Service"],
): Redacted.Redacted | undefined => readCookie(request, sessionCookie, site)

/**
 * The bearer token that the request carries, if any.
 *
 * @see [RFC 6750 §2.1](https://www.rfc-editor.org/rfc/rfc6750.html#section-2.1)
 * @category accessors
 * @since 0.1.0
 */
export const bearerToken = (request: HttpServerRequest.HttpServerRequest): Redacted.Redacted | undefined => {
  const match = /^bearer +(\S+)$/i.exec(request.headers.authorization ?? "")
  return match?.[1] === undefined ? undefined : Redacted.make(match[1])
}

/**
 * The attributes of every cookie of ours: out of reach of script, for this host alone, not sent on cross-site requests
 * but top-level navigation.
 *
 * @see [RFC 6265bis §8.8](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-8.8)
 * @category models
 * @since 0.1.0
 */
export const cookieOptions = (site: Site["Service"]): NonNullable<Cookies.Cookie["options"]> => ({
  path: "/",
  httpOnly: true,
  secure: site.isSecure,
  sameSite: "lax",
})

/**
 * A cookie of ours: `name` is without the prefix that https allows. It is kept until `expiresAt`, for `maxAge`, or
 * until the browser is closed.
 *
 * @category models
 * @since 0.1.0
 */
export interface OwnCookie {
  readonly name: string
  readonly value: Redacted.Redacted
  readonly expiresAt?: DateTime.Utc
  readonly maxAge?: Duration.Input
}

/**
 * What a cookie of ours holds, if the request carries it and it is not empty. `name` is without the prefix of https.
 *
 * @category cookies
 * @since 0.1.0
 */
export const readCookie = (
  request: HttpServerRequest.HttpServerRequest,
  name: string,
  site: Site["Service"],
): Redacted.Redacted | undefined => {
  const value = request.cookies[site.cookieName(name)]
  return hasText(value) ? Redacted.make(value) : undefined
}

/**
 * Sends a cookie of ours with the response.
 *
 * @category cookies
 * @since 0.1.0
 */
export const setCookie = ({ name, value, expiresAt, maxAge }: OwnCookie, site: Site["Service"]) =>
  onResponse((response) =>
    HttpServerResponse.setCookieUnsafe(response, site.cookieName(name), Redacted.value(value), {
      ...cookieOptions(site),
      maxAge,
      expires: expiresAt === undefined ? undefined : DateTime.toDateUtc(expiresAt),
    }),
  )

/**
 * Asks the client to forget a cookie of ours.
 *
 * @category cookies
 * @since 0.1.0
 */
export const clearCookie = (name: string, site: Site["Service"]) =>
  onResponse((response) => HttpServerResponse.expireCookieUnsafe(response, site.cookieName(name), cookieOptions(site)))

/**
 * Sends the session's cookie with the response, to be kept until the session expires.
 *
 * @category cookies
 * @since 0.1.0
 */
export const setSessionCookie = ({ session, token }: IssuedSession, site: Site["Service"]) =>
  setCookie({ name: sessionCookie, value: token, expiresAt: session.expiresAt }, site)

/**
 * Asks the client to forget the session's cookie.
 *
 * @category cookies
 * @since 0.1.0
 */
export const clearSessionCookie = (site: Site["Service"]) => clearCookie(sessionCookie, site)

/**
 * Who is signed in by the cookie of the request. The cookie is sent again where this use prolonged the session.
 *
 * @category accessors
 * @since 0.1.0
 */
export const cookieSession = Effect.fnUntraced(function* (
  request: HttpServerRequest.HttpServerRequest,
  sessions: Sessions["Service"],
  site: Site["Service"],
) {
  const token = cookieToken(request, site)
  if (token === undefined) return yield* new SessionInvalid()
  const { session, user, prolonged } = yield* sessions.verify(token)
  if (prolonged) yield* setSessionCookie({ session, token }, site)
  return { session, user }
})

/**
 * Changes the response of the current request before it is sent.
 *
 * @category combinators
 * @since 0.1.0
 */
export const onResponse = (
  f: (response: HttpServerResponse.HttpServerResponse) => HttpServerResponse.HttpServerResponse,
) => HttpEffect.appendPreResponseHandler((_request, response) => Effect.succeed(f(response)))

/**
 * Turns a store that cannot answer into 503, and logs why.
 *
 * @category errors
 * @since 0.1.0
 */
export const storeUnavailable = (error: StoreError) =>
  Effect.andThen(
    Effect.annotateLogs(Effect.logError("A store could not answer", Cause.fail(error.cause)), {
      store: error.store,
      method: error.method,
      isRetryable: error.isRetryable,
    }),
    Effect.andThen(retryAfter(1), Effect.fail(new ServiceUnavailable())),
  )

/**
 * The answer when a store is away, for the places that answer rather than fail.
 *
 * @category errors
 * @since 0.1.0
 */
export const unavailableResponse = HttpServerResponse.setHeader(
  ProblemDetails.toResponse({
    type: ProblemDetails.blankType,
    title: "Service Unavailable",
    status: 503,
    _tag: "ServiceUnavailable",
  }),
  "retry-after",
  "1",
)

/**
 * Answers 401 to a request without a session, and says how to prove one: by a bearer token.
 *
 * @see [RFC 6750 §3](https://www.rfc-editor.org/rfc/rfc6750.html#section-3)
 * @category errors
 * @since 0.1.0
 */
export const noSession = (request: HttpServerRequest.HttpServerRequest) => {
  const challenge = bearerToken(request) === undefined ? "Bearer" : 'Bearer error="invalid_token"'
  return Effect.andThen(
    onResponse((response) => HttpServerResponse.setHeader(response, "www-authenticate", challenge)),
    Effect.fail(new SessionInvalid()),
  )
}

/**
 * Says in `Retry-After` when a limited caller may come again, and fails on.
 *
 * @see [RFC 9110 §10.2.3](https://www.rfc-editor.org/rfc/rfc9110.html#section-10.2.3)
 * @category errors
 * @since 0.1.0
 */
export const rateLimited = (error: RateLimited) => Effect.andThen(retryAfter(error.retryAfter), Effect.fail(error))

/**
 * Tells whether the request may act with a browser's credentials, by {@link RequestOrigin}.
 *
 * **Details**
 *
 * Counts as made by a browser: what carries a cookie of ours (of a session, a sign-in, a sign-up), and what says where
 * it was made. A call with a bearer token and no cookie is exempt, because a page of another origin cannot know the
 * token.
 *
 * @category guards
 * @since 0.1.0
 */
export const checkOrigin = (request: HttpServerRequest.HttpServerRequest, site: Site["Service"]) => {
  const ours = site.cookieName("belfry_")
  const hasCookie = Object.entries(request.cookies).some(([name, value]) => name.startsWith(ours) && hasText(value))
  const secFetchSite = request.headers["sec-fetch-site"]
  const origin = request.headers.origin
  const isBrowser = secFetchSite !== undefined || origin !== undefined
  return RequestOrigin.check({
    method: request.method,
    hasCookieCredential: hasCookie || (isBrowser && bearerToken(request) === undefined),
    secFetchSite,
    origin,
    baseOrigin: site.origin,
    allowedOrigins: site.allowedOrigins,
  })
}

/**
 * The guard of every endpoint.
 *
 * **Details**
 *
 * A body of another type than the endpoint takes (415) is refused by the platform in plain text, which repeats what the
 * client wrote; here it becomes a problem too.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRequestGuard = Layer.effect(
  RequestGuard,
  Effect.gen(function* () {
    const site = yield* Site
    return RequestGuard.of(
      Effect.fnUntraced(function* (httpEffect) {
        yield* Effect.fromResult(checkOrigin(yield* HttpServerRequest.HttpServerRequest, site))
        const response = yield* Effect.catch(
          httpEffect,
          (error): Effect.Effect<never, Types.unhandled | InvalidRequest> =>
            HttpApiError.HttpApiSchemaError.is(error) && isOfRequest(error)
              ? Effect.fail(toInvalidRequest(error))
              : Effect.fail(error),
        )
        return response.status === 415 ? unsupportedMediaType : response
      }),
    )
  }),
)

/**
 * A layer of handlers that sees the named services and no others.
 *
 * **Details**
 *
 * The platform copies what was in scope when handlers were built into the context of every request. In a server with
 * all its stores and services in scope, that is a good part of the cost of a request that does little.
 *
 * @category combinators
 * @since 0.1.0
 */
export const seeing = <const Keys extends ReadonlyArray<Context.Service.Any>>(...keys: Keys) => {
  const seen = new Set([Scope.Scope.key, Layer.CurrentMemoMap.key, ...keys.map(({ key }) => key)])
  const only = <R>(context: Context.Context<R>): Context.Context<R> =>
    Context.makeUnsafe(new Map([...context.mapUnsafe].filter(([key]) => seen.has(key))))
  return <A, E, R extends Context.Service.Identifier<Keys[number]>>(
    layer: Layer.Layer<A, E, R>,
  ): Layer.Layer<A, E, R> =>
    Layer.effectContext(
      Effect.flatMap(Effect.context<R | Scope.Scope>(), (context) =>
        // Everything the layer asks for is among the keys, as its type says.
        Effect.updateContext(Layer.build(layer), () => only(context)),
      ),
    )
}

// internal

const hasText = (value: string | undefined): value is string => value !== undefined && value !== ""

const retryAfter = (seconds: number) =>
  onResponse((response) => HttpServerResponse.setHeader(response, "retry-after", String(seconds)))

const unsupportedMediaType = ProblemDetails.toResponse({
  type: ProblemDetails.blankType,
  title: "Unsupported Media Type",
  status: 415,
})

const isOfRequest = (error: HttpApiError.HttpApiSchemaError) =>
  error.kind !== "Body" && error.kind !== "ResponseHeaders"

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

const toInvalidRequest = (error: HttpApiError.HttpApiSchemaError) =>
  new InvalidRequest({
    issues: formatIssues(error.cause.issue).issues.map(({ path, message }) => ({
      path: [
        slots[error.kind],
        ...(path ?? []).map((segment) => {
          const key = typeof segment === "object" ? segment.key : segment
          return typeof key === "number" ? key : String(key)
        }),
      ],
      message,
    })),
  })

const slots: Record<HttpApiError.HttpApiSchemaError["kind"], string> = {
  Params: "path",
  Headers: "header",
  Query: "query",
  Payload: "body",
  Body: "response",
  ResponseHeaders: "response",
}
