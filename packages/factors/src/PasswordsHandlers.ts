/**
 * HTTP adapter of passwords.
 *
 * @since 0.1.0
 */
import { RequestGuard } from "@belfry/core/ProblemApi"
import {
  clientInfo,
  cookieOptions,
  cookieToken,
  onResponse,
  rateLimited,
  setSessionCookie,
  storeUnavailable,
  seeing,
} from "@belfry/core/RequestHandlers"
import { Authentication, CurrentSession, CurrentUser, type SignedIn, type Transport } from "@belfry/core/SessionsApi"
import { Site } from "@belfry/core/Site"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Redacted from "effect/Redacted"
import { FactorsApi } from "./FactorsApi.ts"
import { Passwords, type SignIn } from "./Passwords.ts"

/**
 * The cookie that names the browser of a sign-up, before {@link Site} adds the prefix that https allows.
 *
 * @category models
 * @since 0.1.0
 */
export const signUpCookie = "belfry_sign_up"

/**
 * The token of the browser that signed up, if the request carries it.
 *
 * @category accessors
 * @since 0.1.0
 */
export const signUpToken = (
  request: HttpServerRequest.HttpServerRequest,
  site: Site["Service"],
): Redacted.Redacted | undefined => {
  const token = request.cookies[site.cookieName(signUpCookie)]
  return token === undefined || token === "" ? undefined : Redacted.make(token)
}

/**
 * Sends the token of the browser that signed up, to be kept as long as the link works.
 *
 * @category cookies
 * @since 0.1.0
 */
export const setSignUpCookie = (token: Redacted.Redacted, site: Site["Service"]) =>
  onResponse((response) =>
    HttpServerResponse.setCookieUnsafe(response, site.cookieName(signUpCookie), Redacted.value(token), {
      ...cookieOptions(site),
      maxAge: "24 hours",
    }),
  )

/**
 * Asks the browser to forget the sign-up that is complete.
 *
 * @category cookies
 * @since 0.1.0
 */
export const clearSignUpCookie = (site: Site["Service"]) =>
  onResponse((response) =>
    HttpServerResponse.expireCookieUnsafe(response, site.cookieName(signUpCookie), cookieOptions(site)),
  )

/**
 * The handlers of {@link PasswordsApi}.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = HttpApiBuilder.group(
  FactorsApi,
  "passwords",
  Effect.fnUntraced(function* (handlers) {
    const passwords = yield* Passwords
    const site = yield* Site

    /** A session goes out in a cookie, or in the body for clients that keep tokens themselves; never both. */
    const signedIn = (
      signIn: SignIn,
      transport: Transport | undefined,
    ): Effect.Effect<SignedIn, never, HttpServerRequest.HttpServerRequest> =>
      transport === "bearer"
        ? Effect.succeed({ session: signIn.session, user: signIn.user, token: signIn.token })
        : Effect.as(setSessionCookie(signIn, site), { session: signIn.session, user: signIn.user, token: null })

    /** A session in a cookie replaces the one in that cookie; one that goes out in the body leaves it alone. */
    const replacedBy = (request: HttpServerRequest.HttpServerRequest, transport: Transport | undefined) =>
      transport === "bearer" ? undefined : cookieToken(request, site)

    return handlers.handleAll({
      signUp: ({ payload, request }) =>
        passwords
          .signUp({
            email: payload.email,
            password: payload.password,
            name: payload.name ?? null,
            client: clientInfo(request),
          })
          .pipe(
            Effect.flatMap((browser) => setSignUpCookie(browser, site)),
            Effect.catchTags({ RateLimited: rateLimited, StoreError: storeUnavailable }),
          ),
      confirmSignUp: ({ payload, request }) =>
        passwords
          .confirmSignUp({
            token: payload.token,
            browser: signUpToken(request, site),
            password: payload.password,
            label: payload.label ?? null,
            replaces: replacedBy(request, payload.transport),
            client: clientInfo(request),
          })
          .pipe(
            Effect.flatMap((signIn) => signedIn(signIn, payload.transport)),
            Effect.tap(clearSignUpCookie(site)),
            Effect.catchTags({ RateLimited: rateLimited, StoreError: storeUnavailable }),
          ),
      signIn: ({ payload, request }) =>
        passwords
          .signIn({
            email: payload.email,
            password: payload.password,
            label: payload.label ?? null,
            replaces: replacedBy(request, payload.transport),
            client: clientInfo(request),
          })
          .pipe(
            Effect.flatMap((signIn) => signedIn(signIn, payload.transport)),
            Effect.catchTags({ RateLimited: rateLimited, StoreError: storeUnavailable }),
          ),
      reauthenticate: ({ payload, request }) =>
        Effect.gen(function* () {
          const session = yield* CurrentSession
          const user = yield* CurrentUser
          const signIn = yield* passwords.reauthenticate({
            session,
            user,
            password: payload.password,
            client: clientInfo(request),
          })
          return yield* signedIn(signIn, payload.transport)
        }).pipe(Effect.catchTags({ RateLimited: rateLimited, StoreError: storeUnavailable })),
      forgot: ({ payload, request }) =>
        passwords
          .forgot({ email: payload.email, client: clientInfo(request) })
          .pipe(Effect.catchTags({ RateLimited: rateLimited, StoreError: storeUnavailable })),
      reset: ({ payload, request }) =>
        passwords
          .reset({ token: payload.token, password: payload.password, client: clientInfo(request) })
          .pipe(Effect.asVoid, Effect.catchTags({ RateLimited: rateLimited, StoreError: storeUnavailable })),
      change: ({ payload, request }) =>
        Effect.gen(function* () {
          const session = yield* CurrentSession
          const user = yield* CurrentUser
          const signIn = yield* passwords.change({
            session,
            user,
            currentPassword: payload.currentPassword,
            newPassword: payload.newPassword,
            client: clientInfo(request),
          })
          return yield* signedIn(signIn, payload.transport)
        }).pipe(Effect.catchTags({ RateLimited: rateLimited, StoreError: storeUnavailable })),
    })
  }),
).pipe(seeing(Passwords, Site, RequestGuard, Authentication))
