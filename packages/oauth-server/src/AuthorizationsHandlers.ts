/**
 * HTTP adapter of the authorization endpoint, of logging out, and of what pages do for a request that waits.
 *
 * @since 0.1.0
 */
import { RequestGuard } from "@belfry/core/ProblemApi"
import { RequestBody } from "@belfry/core/RequestBodyHandlers"
import { clearSessionCookie, cookieToken, onResponse, seeing, storeUnavailable } from "@belfry/core/RequestHandlers"
import { Sessions } from "@belfry/core/Sessions"
import { Site } from "@belfry/core/Site"
import type { StoreError } from "@belfry/core/StoreError"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import { type AuthorizationOutcome, Authorizations, type Browser, type LoginContext } from "./Authorizations.ts"
import type { LogoutLocation, NextLocation, WaitingRequestView } from "./AuthorizationsApi.ts"
import { withQuery } from "./internal/authorizationAnswers.ts"
import * as Answer from "./internal/browserAnswers.ts"
import { browsers, formOf, isLedAway, isScript, queryOf } from "./internal/browsers.ts"
import { isForm } from "./internal/forms.ts"
import { endpoints } from "./Issuer.ts"
import { type LogoutOutcome, Logouts } from "./Logouts.ts"
import { toPublicClient } from "./OAuthClient.ts"
import { AuthorizationRefused } from "./OAuthError.ts"
import { OAuthServerApi } from "./OAuthServerApi.ts"
import { OAuthServerPages, type OAuthServerPagesService } from "./OAuthServerPages.ts"
import { OAuthServerSettings } from "./OAuthServerSettings.ts"

/**
 * The handlers of `AuthorizationRedirectsApi`.
 *
 * **Details**
 *
 * A person is answered with a redirect or a page, script with JSON. Whatever comes in, the answer is no server error.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRedirects = HttpApiBuilder.group(
  OAuthServerApi,
  "oauthAuthorization",
  Effect.fnUntraced(function* (handlers) {
    const authorizations = yield* Authorizations
    const logouts = yield* Logouts
    const pages = yield* OAuthServerPages
    const body = yield* RequestBody
    const site = yield* Site
    const { keep, of } = browsers({ sessions: yield* Sessions, site })

    type Use<Outcome> = (
      search: URLSearchParams,
      browser: Browser,
    ) => Effect.Effect<Outcome, AuthorizationRefused | StoreError>

    const answering = (
      request: HttpServerRequest.HttpServerRequest,
      answer: Effect.Effect<
        HttpServerResponse.HttpServerResponse,
        AuthorizationRefused | StoreError,
        HttpServerRequest.HttpServerRequest
      >,
    ) =>
      answer.pipe(
        Effect.catchTag("StoreError", (error) =>
          Effect.matchEffect(storeUnavailable(error), {
            onFailure: () => Effect.fail(away),
            onSuccess: Effect.succeed,
          }),
        ),
        Effect.catchTag("AuthorizationRefused", (error) => Effect.succeed(refusal(error, request, pages))),
      )

    const goOn = (
      request: HttpServerRequest.HttpServerRequest,
      search: URLSearchParams,
      use: Use<AuthorizationOutcome>,
    ) =>
      Effect.gen(function* () {
        const outcome = yield* use(search, yield* of(request))
        if (outcome._tag === "Interact" && outcome.browserToken !== null) yield* keep(outcome.browserToken)
        if (outcome._tag === "Respond" && outcome.unproved !== undefined && isLedAway(request, outcome.response)) {
          return Answer.leaving(outcome.response, outcome.unproved)
        }
        return isScript(request) ? Answer.json(nextLocation(outcome)) : toClientOrPage(outcome, request)
      }).pipe((answer) => answering(request, answer))

    const logOut = (request: HttpServerRequest.HttpServerRequest, search: URLSearchParams) =>
      Effect.gen(function* () {
        const outcome = yield* logouts.begin(search, yield* of(request))
        if (outcome._tag === "SignedOut") yield* forgetSession(request, site)
        const next = logoutLocation(outcome, pages)
        return isScript(request) ? Answer.json(next) : Answer.redirect(next.url, request.method)
      }).pipe((answer) => answering(request, answer))

    /**
     * What a form of another site brings comes without cookies of ours (`SameSite=Lax`); a GET brings them. What is too
     * long for that is taken as it is, of a browser without any.
     */
    const byForm = <R>(
      request: HttpServerRequest.HttpServerRequest,
      path: string,
      use: (search: URLSearchParams) => Effect.Effect<HttpServerResponse.HttpServerResponse, never, R>,
    ) =>
      Effect.flatMap(formOf(body, request), (search) => {
        const query = search.toString()
        return query.length <= maxQuery
          ? Effect.succeed(Answer.redirect(query === "" ? path : `${path}?${query}`, request.method))
          : use(search)
      })

    return handlers
      .handleRaw("authorize", ({ request }) => goOn(request, queryOf(request), authorizations.authorize))
      .handleRaw("authorizeByForm", ({ request }) =>
        byForm(request, endpoints.authorize, (search) => goOn(request, search, authorizations.authorize)),
      )
      .handleRaw("continue", ({ request }) =>
        goOn(request, queryOf(request), (search, browser) =>
          authorizations.resume(search.getAll("request").join(" "), browser),
        ),
      )
      .handleRaw("endSession", ({ request }) => logOut(request, queryOf(request)))
      .handleRaw("endSessionByForm", ({ request }) =>
        byForm(request, endpoints.endSession, (search) => logOut(request, search)),
      )
  }),
).pipe(seeing(Authorizations, Logouts, Sessions, Site, OAuthServerPages, RequestBody))

/**
 * The handlers of `WaitingRequestsApi`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRequests = HttpApiBuilder.group(
  OAuthServerApi,
  "oauthRequests",
  Effect.fnUntraced(function* (handlers) {
    const authorizations = yield* Authorizations
    const logouts = yield* Logouts
    const settings = yield* OAuthServerSettings
    const pages = yield* OAuthServerPages
    const site = yield* Site
    const { of } = browsers({ sessions: yield* Sessions, site })

    /** A form is answered with a redirect, also where it is refused; JSON with where to go, or a problem. */
    const answering = <A, E, R>(
      request: HttpServerRequest.HttpServerRequest,
      outcome: Effect.Effect<A, AuthorizationRefused | E, R>,
      toForm: (outcome: A) => HttpServerResponse.HttpServerResponse,
      toScript: (outcome: A) => HttpServerResponse.HttpServerResponse,
    ) =>
      isForm(request)
        ? outcome.pipe(
            Effect.map(toForm),
            Effect.catchIf(isRefused, (error) => Effect.succeed(refusal(error, request, pages))),
          )
        : Effect.map(outcome, toScript)

    const goOn = (
      request: HttpServerRequest.HttpServerRequest,
      use: (browser: Browser) => Effect.Effect<AuthorizationOutcome, AuthorizationRefused | StoreError>,
    ) =>
      answering(
        request,
        Effect.flatMap(of(request), use),
        (outcome) => toClientOrPage(outcome, request),
        (outcome) => Answer.json(nextLocation(outcome)),
      ).pipe(Effect.catchTag("StoreError", storeUnavailable))

    return handlers.handleAll({
      show: ({ params, request }) =>
        Effect.gen(function* () {
          const browser = yield* of(request)
          const context = yield* authorizations.context(params.requestId, browser)
          yield* onResponse((response) => HttpServerResponse.setHeader(response, "cache-control", "no-store"))
          return toView(context, browser.signedIn !== null || settings.publicClientBeforeSignIn)
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),

      advance: ({ payload, request }) =>
        goOn(request, (browser) => authorizations.advance(payload.request, payload.step, browser)),

      decide: ({ payload, request }) =>
        goOn(request, (browser) => authorizations.decide(payload.request, decisionOf(payload), browser)),

      cancel: ({ params, request }) => goOn(request, (browser) => authorizations.cancel(params.requestId, browser)),

      showLogout: ({ query }) =>
        logouts.context(query.request).pipe(
          Effect.map(({ client }) => ({ client: client === null ? null : toPublicClient(client) })),
          Effect.catchTag("StoreError", storeUnavailable),
        ),

      confirmLogout: ({ payload, request }) => {
        const next = Effect.gen(function* () {
          const outcome = yield* logouts.confirm(payload.request, yield* of(request))
          if (outcome._tag === "SignedOut") yield* forgetSession(request, site)
          return logoutLocation(outcome, pages)
        })
        return answering(
          request,
          next,
          ({ url }) => Answer.redirect(url, request.method),
          (location) => Answer.json(location),
        ).pipe(Effect.catchTag("StoreError", storeUnavailable))
      },
    })
  }),
).pipe(seeing(Authorizations, Logouts, Sessions, Site, RequestGuard, OAuthServerPages, OAuthServerSettings))

/**
 * The handlers of both groups.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.merge(layerRedirects, layerRequests)

/**
 * The response to the form of a page after which the client is answered, or the person is sent on: for pages that call
 * `Authorizations` themselves.
 *
 * @category accessors
 * @since 0.1.0
 */
export const respond = (outcome: AuthorizationOutcome): HttpServerResponse.HttpServerResponse =>
  toClientOrPage(outcome, { method: "POST" })

// internal

/** What a form may grow to as a query: it has to fit into the head of a request, beside the cookies. */
const maxQuery = 8192

const away = new AuthorizationRefused({
  reason: "temporarily_unavailable",
  description: "The server cannot answer at the moment",
  retryAfter: 1,
})

/**
 * Takes the session's cookie from a browser that sent it: what another site posts comes without, and signs nobody out.
 */
const forgetSession = (request: HttpServerRequest.HttpServerRequest, site: Site["Service"]) =>
  cookieToken(request, site) === undefined ? Effect.void : clearSessionCookie(site)

const isRefused = (error: unknown): error is AuthorizationRefused => error instanceof AuthorizationRefused

/** What a person, or script, is told of a request that cannot be answered to its client. */
const refusal = (
  { description, reason, retryAfter }: AuthorizationRefused,
  request: HttpServerRequest.HttpServerRequest,
  pages: OAuthServerPagesService,
): HttpServerResponse.HttpServerResponse => {
  const status = reason === "rate_limited" ? 429 : reason === "temporarily_unavailable" ? 503 : 400
  const headers = retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }
  if (isScript(request)) return Answer.json({ error: reason, error_description: description }, status, headers)
  if (status !== 400) return Answer.notice(status, `${description}. Please try again in a moment.`, headers)
  const page = withQuery(pages.error, [
    ["error", reason],
    ["error_description", description],
  ])
  return Answer.redirect(page, request.method)
}

const toClientOrPage = (
  outcome: AuthorizationOutcome,
  request: Pick<HttpServerRequest.HttpServerRequest, "method">,
): HttpServerResponse.HttpServerResponse => {
  if (outcome._tag === "Interact") return Answer.redirect(outcome.url, request.method)
  const { response } = outcome
  return response.responseMode === "form_post"
    ? Answer.formPost(response)
    : Answer.redirect(Answer.urlOf(response), request.method)
}

const nextLocation = (outcome: AuthorizationOutcome): NextLocation => {
  if (outcome._tag === "Interact") {
    return { status: "interact", redirect: true, intent: outcome.intent, url: outcome.url }
  }
  const { response } = outcome
  return response.responseMode === "form_post"
    ? {
        status: "respond",
        redirect: false,
        form: { action: response.redirectUri, fields: Object.fromEntries(response.parameters) },
      }
    : { status: "respond", redirect: true, url: Answer.urlOf(response) }
}

const logoutLocation = (outcome: LogoutOutcome, { signedOut }: OAuthServerPagesService): LogoutLocation =>
  outcome._tag === "Confirm"
    ? { status: "confirm", redirect: true, url: outcome.url }
    : { status: "signed_out", redirect: true, url: outcome.redirectTo ?? signedOut }

/** A decision as JSON has it, or as a form has: there, checked boxes come one by one, or as one `scope`. */
const decisionOf = (
  payload:
    | { readonly accept: boolean; readonly scopes?: ReadonlyArray<string> | null }
    | { readonly accept: string; readonly scope?: ReadonlyArray<string> },
): { readonly accept: boolean; readonly scopes: ReadonlyArray<string> | null } => {
  if (typeof payload.accept === "boolean") {
    return { accept: payload.accept, scopes: "scopes" in payload ? (payload.scopes ?? null) : null }
  }
  const scope = "scope" in payload ? payload.scope : undefined
  const scopes = scope?.flatMap((words) => words.split(" ").filter((word) => word !== "")) ?? null
  return { accept: payload.accept === "true", scopes }
}

const toView = (context: LoginContext, showsClient: boolean): WaitingRequestView => ({
  id: context.id,
  intent: context.intent,
  client: showsClient ? toPublicClient(context.client) : null,
  scopes: context.scopes,
  givenScopes: context.givenScopes,
  resources: context.resources.map(({ identifier, name }) => ({ identifier, name })),
  isDynamic: context.isDynamic,
  documentHost: context.documentHost,
  redirectHost: context.redirectHost,
  loginHint: context.loginHint,
  uiLocales: context.uiLocales,
  acrValues: context.acrValues,
  returnTo: context.returnTo,
  expiresAt: context.expiresAt,
})
