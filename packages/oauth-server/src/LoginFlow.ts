/**
 * For pages of a host's own: what waits behind the page that somebody opened.
 *
 * @since 0.1.0
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import { sessionCookie, Sessions } from "@belfry/core/Sessions"
import { Site } from "@belfry/core/Site"
import type { StoreError } from "@belfry/core/StoreError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { Authorizations, type LoginContext } from "./Authorizations.ts"
import { AuthorizationRefused } from "./OAuthError.ts"
import { browserCookie } from "./WaitingRequests.ts"

/**
 * What is read of the request for a page: an `HttpServerRequest` has it. `url` may be relative.
 *
 * @category models
 * @since 0.1.0
 */
export interface PageRequest {
  readonly url: string
  readonly cookies: Readonly<Record<string, string>>
}

/**
 * What waits behind the page that somebody opened, by the `request` of its query and the cookie of its browser.
 *
 * **Example** (A sign-in page of one's own)
 *
 * ```ts
 * const context = yield* LoginFlow.use((flow) => flow.find(request))
 * // None: opened directly. Some: shows context.value.client, and goes on at context.value.returnTo.
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export class LoginFlow extends Context.Service<
  LoginFlow,
  {
    /**
     * What waits; none when the page was opened without a request. Fails when there is one that is over. Whoever is
     * signed in, their session does not slide: the cookie would have to be sent again.
     */
    readonly find: (
      request: PageRequest,
    ) => Effect.Effect<Option.Option<LoginContext>, AuthorizationRefused | StoreError>
    /** The same; fails when there is none. */
    readonly get: (request: PageRequest) => Effect.Effect<LoginContext, AuthorizationRefused | StoreError>
  }
>()("@belfry/oauth-server/LoginFlow") {}

/**
 * Builds the service.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const authorizations = yield* Authorizations
  const sessions = yield* Sessions
  const site = yield* Site

  const signedIn = Effect.fnUntraced(function* (token: Redacted.Redacted | null) {
    if (token === null) return null
    return yield* sessions.peek(token).pipe(Effect.catchTag("SessionInvalid", () => Effect.succeed(null)))
  })

  const find = Effect.fn("LoginFlow.find")(function* ({ cookies, url }: PageRequest) {
    const id = URL.parse(url, site.origin)?.searchParams.get("request") ?? null
    if (id === null || id === "") return Option.none<LoginContext>()
    const cookie = (name: string) => {
      const value = cookies[site.cookieName(name)]
      return value === undefined || value === "" ? null : Redacted.make(value)
    }
    const browser = {
      token: cookie(browserCookie),
      signedIn: yield* signedIn(cookie(sessionCookie)),
      clientInfo: unknownClient,
    }
    return Option.some(yield* authorizations.context(id, browser))
  })

  return LoginFlow.of({
    find,
    get: Effect.fnUntraced(function* (request) {
      const found = yield* find(request)
      if (Option.isSome(found)) return found.value
      return yield* new AuthorizationRefused({ reason: "invalid_request", description: "No request waits here" })
    }),
  })
})

/**
 * Layer of what waits behind pages.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<LoginFlow, never, Authorizations | Sessions | Site> = Layer.effect(LoginFlow, make)
