/**
 * HTTP adapter of the browser's way to a provider and back.
 *
 * A person looks at what is answered here: whatever comes in, it is a redirect, at worst to the page that tells what
 * went wrong.
 *
 * @since 0.1.0
 */
import { PagePaths } from "@belfry/core/PagePaths"
import type { RateLimited } from "@belfry/core/RateLimit"
import { RequestBody } from "@belfry/core/RequestBodyHandlers"
import {
  clearCookie,
  clientInfo,
  cookieSession,
  cookieToken,
  rateLimited,
  readCookie,
  seeing,
  setCookie,
  storeUnavailable,
} from "@belfry/core/RequestHandlers"
import { Sessions } from "@belfry/core/Sessions"
import { Site } from "@belfry/core/Site"
import type { StoreError } from "@belfry/core/StoreError"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Redacted from "effect/Redacted"
import { callbackParameters, formFields, queryFields, toQuery } from "./internal/callbackFields.ts"
import { clearFullName, keepOutcome } from "./internal/oauthCookies.ts"
import { OAuthAccounts } from "./OAuthAccounts.ts"
import type { OAuthProvider } from "./OAuthProvider.ts"
import { OAuthClientApi } from "./OAuthClientApi.ts"
import { startToken } from "./OAuthHandlers.ts"
import { OAuthProviders } from "./OAuthProviders.ts"
import type { OAuthRefused, ProviderNotFound } from "./OAuthSignIn.ts"
import { type CallbackParameters, OAuthSignIns } from "./OAuthSignIns.ts"
import { OAuthStates } from "./OAuthStates.ts"
import type { ProviderUnavailable } from "./OAuthTokens.ts"

/**
 * The handlers of {@link ProviderRedirectsApi}.
 *
 * **Details**
 *
 * Codes of the error page beside those of `OAuthErrorCode` and of providers: `provider_not_found`, `rate_limited` and
 * `temporarily_unavailable`, the last two with `Retry-After`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = HttpApiBuilder.group(
  OAuthClientApi,
  "providerRedirects",
  Effect.fnUntraced(function* (handlers) {
    const providers = yield* OAuthProviders
    const states = yield* OAuthStates
    const signIns = yield* OAuthSignIns
    const accounts = yield* OAuthAccounts
    const sessions = yield* Sessions
    const site = yield* Site
    const paths = yield* PagePaths
    const body = yield* RequestBody

    const errorPage = (error: string, provider?: string): string => {
      const query = new URLSearchParams({ error, ...(provider === undefined ? {} : { provider }) })
      return `${paths.signInError}?${query.toString()}`
    }

    /** Who is signed in in this browser, if anybody is. */
    const currentSession = (request: HttpServerRequest.HttpServerRequest) =>
      cookieSession(request, sessions, site).pipe(
        Effect.map(({ session }) => session),
        Effect.catchTag("SessionInvalid", () => Effect.succeed(null)),
      )

    const stateCookieOf = (provider: OAuthProvider, { state }: CallbackParameters): string | null =>
      state === undefined ? null : states.cookieName(provider, Redacted.make(state))

    const callback = Effect.fnUntraced(function* (
      providerId: string,
      parameters: CallbackParameters,
      request: HttpServerRequest.HttpServerRequest,
    ) {
      const provider = yield* providers.get(providerId)
      const stateCookie = stateCookieOf(provider, parameters)
      const forgetState = stateCookie === null ? Effect.void : clearCookie(stateCookie, site)
      const result = yield* signIns.callback({
        providerId,
        parameters,
        stateCookie: stateCookie === null ? null : (readCookie(request, stateCookie, site) ?? null),
        session: yield* currentSession(request),
        attemptToken: readCookie(request, signIns.attemptCookie, site) ?? null,
        replaces: cookieToken(request, site) ?? null,
        client: clientInfo(request),
      })
      if (result._tag === "Refused") {
        const { code } = result.error
        // A callback that another site made up must not end the sign-in that is on its way here.
        if (code !== "state_mismatch") yield* forgetState
        return result.redirectTo ?? errorPage(code, providerId)
      }
      const { outcome, redirectTo } = result
      yield* forgetState
      yield* keepOutcome(outcome, { accounts, signIns, site })
      return redirectTo
    })

    const goOn = (step: Effect.Effect<string, Failure, Provided>, providerId: string, status: 302 | 303) =>
      step.pipe(
        Effect.catchTags({
          ProviderNotFound: () => Effect.succeed(errorPage("provider_not_found")),
          OAuthRefused: ({ code, providerId }) => Effect.succeed(errorPage(code, providerId)),
          RateLimited: (error) => Effect.as(Effect.ignore(rateLimited(error)), errorPage("rate_limited", providerId)),
          ProviderUnavailable: ({ message }) =>
            Effect.as(Effect.logWarning(message), errorPage("temporarily_unavailable", providerId)),
          StoreError: (error) =>
            Effect.as(Effect.ignore(storeUnavailable(error)), errorPage("temporarily_unavailable", providerId)),
        }),
        Effect.catchDefect((defect) =>
          Effect.as(Effect.logError("A redirect failed", defect), errorPage("oauth_callback_failed")),
        ),
        Effect.map((location) =>
          HttpServerResponse.redirect(location, {
            status,
            // What is in these URLs is nobody else's business.
            headers: { "referrer-policy": "no-referrer", "cache-control": "no-store" },
          }),
        ),
      )

    return handlers.handleAll({
      start: ({ params, request }) =>
        Effect.gen(function* () {
          const { token } = yield* HttpServerRequest.ParsedSearchParams
          const { location, cookie } = yield* signIns.start(
            params.providerId,
            Redacted.make(typeof token === "string" ? token : ""),
            startToken(request, site),
            clientInfo(request),
          )
          for (const name of states.surplusCookies(request.cookies)) yield* clearFullName(name, site)
          yield* setCookie(cookie, site)
          return location.href
        }).pipe((step) => goOn(step, params.providerId, 302)),

      callback: ({ params, request }) =>
        Effect.flatMap(HttpServerRequest.ParsedSearchParams, (query) =>
          callback(params.providerId, callbackParameters(queryFields(query)), request),
        ).pipe((step) => goOn(step, params.providerId, 302)),

      callbackByForm: ({ params, request }) =>
        Effect.gen(function* () {
          const provider = yield* providers.get(params.providerId)
          const parameters = callbackParameters(yield* formFields(body, request))
          const stateCookie = stateCookieOf(provider, parameters)
          // A form that the provider's page posts brings no cookie of ours along (SameSite=Lax); a GET does.
          if (stateCookie !== null && readCookie(request, stateCookie, site) === undefined) {
            return `/auth/provider/${provider.id}/callback?${toQuery(parameters)}`
          }
          return yield* callback(provider.id, parameters, request)
        }).pipe((step) => goOn(step, params.providerId, 303)),
    })
  }),
).pipe(seeing(OAuthProviders, OAuthStates, OAuthSignIns, OAuthAccounts, Sessions, Site, PagePaths, RequestBody))

// internal

type Provided = HttpServerRequest.HttpServerRequest | HttpServerRequest.ParsedSearchParams

type Failure = ProviderNotFound | OAuthRefused | RateLimited | ProviderUnavailable | StoreError
