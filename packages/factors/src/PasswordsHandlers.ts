/**
 * HTTP adapter of passwords.
 *
 * @since 0.1.0
 */
import { RequestGuard } from "@belfry/core/ProblemApi"
import {
  clearCookie,
  clientInfo,
  rateLimited,
  readCookie,
  setCookie,
  setSessionCookie,
  storeUnavailable,
  seeing,
} from "@belfry/core/RequestHandlers"
import { Authentication, CurrentSession, CurrentUser } from "@belfry/core/SessionsApi"
import { Site } from "@belfry/core/Site"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as Redacted from "effect/Redacted"
import * as Struct from "effect/Struct"
import { FactorsApi } from "./FactorsApi.ts"
import { Passwords } from "./Passwords.ts"
import { answeringFailures, replacedSession, signInResult, signInToken, transportOf } from "./SignInHandlers.ts"

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
): Redacted.Redacted | undefined => readCookie(request, signUpCookie, site)

/**
 * Sends the token of the browser that signed up, to be kept as long as the link works.
 *
 * @category cookies
 * @since 0.1.0
 */
export const setSignUpCookie = (token: Redacted.Redacted, site: Site["Service"]) =>
  setCookie({ name: signUpCookie, value: token, maxAge: "24 hours" }, site)

/**
 * Asks the browser to forget the sign-up that is complete.
 *
 * @category cookies
 * @since 0.1.0
 */
export const clearSignUpCookie = (site: Site["Service"]) => clearCookie(signUpCookie, site)

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
      confirmSignUp: ({ payload, request }) => {
        const transport = transportOf(request, payload.transport)
        return passwords
          .confirmSignUp({
            token: payload.token,
            browser: signUpToken(request, site),
            password: payload.password,
            context: Struct.pick(payload, ["returnTo", "label"]),
            replaces: replacedSession(request, site, transport),
            client: clientInfo(request),
          })
          .pipe(
            Effect.flatMap((outcome) => signInResult(outcome, transport, site)),
            Effect.tap(clearSignUpCookie(site)),
            Effect.catchTags({ RateLimited: rateLimited, StoreError: storeUnavailable }),
          )
      },
      signUpProved: ({ payload, request }) => {
        const transport = transportOf(request, payload.transport)
        return passwords
          .signUpProved({
            proof: payload.proof,
            password: payload.password,
            name: payload.name ?? null,
            context: Struct.pick(payload, ["returnTo", "label"]),
            replaces: replacedSession(request, site, transport),
            client: clientInfo(request),
          })
          .pipe(
            Effect.flatMap((outcome) => signInResult(outcome, transport, site)),
            Effect.catchTags({ RateLimited: rateLimited, StoreError: storeUnavailable }),
          )
      },
      signIn: ({ payload, request }) => {
        const transport = transportOf(request, payload.transport)
        return passwords
          .signIn({
            token: signInToken(request, site),
            email: payload.email,
            password: payload.password,
            context: Struct.pick(payload, ["returnTo", "label"]),
            replaces: replacedSession(request, site, transport),
            client: clientInfo(request),
          })
          .pipe(
            Effect.flatMap((outcome) => signInResult(outcome, transport, site)),
            answeringFailures(request, site),
          )
      },
      reauthenticate: ({ payload, request }) =>
        Effect.gen(function* () {
          const session = yield* CurrentSession
          const user = yield* CurrentUser
          const { password } = payload
          const outcome = yield* passwords.reauthenticate({ session, user, password, client: clientInfo(request) })
          return yield* signInResult(outcome, transportOf(request, payload.transport), site)
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
          const changed = yield* passwords.change({
            session,
            user,
            currentPassword: payload.currentPassword,
            newPassword: payload.newPassword,
            client: clientInfo(request),
          })
          if (payload.transport === "bearer") return changed
          yield* setSessionCookie(changed, site)
          return { ...changed, token: null }
        }).pipe(Effect.catchTags({ RateLimited: rateLimited, StoreError: storeUnavailable })),
      remove: ({ request }) =>
        Effect.gen(function* () {
          const session = yield* CurrentSession
          const user = yield* CurrentUser
          yield* passwords.remove({ session, user, client: clientInfo(request) })
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
    })
  }),
).pipe(seeing(Passwords, Site, RequestGuard, Authentication))
