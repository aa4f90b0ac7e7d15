/**
 * The authorization request that a page stands in: a client waits for the person to do what the page is for.
 *
 * A page knows it by `request` or `return_to` in its address or form; where neither comes along, by the sign-in that
 * the browser has begun, or the mail that it waits for.
 *
 * @since 0.1.0
 */
import { clearCookie, readCookie, setCookie } from "@belfry/core/RequestHandlers"
import type { Site } from "@belfry/core/Site"
import type { StoreError } from "@belfry/core/StoreError"
import { type Browser, Authorizations, type LoginContext } from "@belfry/oauth-server/Authorizations"
import { endpoints } from "@belfry/oauth-server/Issuer"
import { AuthorizationRefused } from "@belfry/oauth-server/OAuthError"
import { browserCookie } from "@belfry/oauth-server/WaitingRequests"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { makeAttempts } from "./attempts.ts"
import { PageKit } from "./PageKit.ts"
import type { Visit, Visitor } from "./visit.ts"

/**
 * Where a page looks for its request beside its address and its form: in the sign-in that the browser has begun, in
 * what it remembers of the mail that it waits for.
 *
 * @category models
 * @since 0.1.0
 */
export type FlowSource = "sign-in" | "mail"

/**
 * Where the pages after the first one of a sign-in look.
 *
 * @category models
 * @since 0.1.0
 */
export const inSignIn: ReadonlyArray<FlowSource> = ["sign-in"]

/**
 * Where the pages look that a mail about a password leads to: to complete a sign-up, to set a new one.
 *
 * @category models
 * @since 0.1.0
 */
export const inMail: ReadonlyArray<FlowSource> = ["mail"]

/**
 * A request that waits, as the page finds it. `browser` is the browser for which it waits, with who is signed in there.
 *
 * @category models
 * @since 0.1.0
 */
export interface Flow extends LoginContext {
  readonly browser: Browser
}

/**
 * The cookie with the request within which a mail was asked for, to sign up or to set a new password, before `Site`
 * adds the prefix that https allows. By it the link from the mail leads back to the client; it proves nothing.
 *
 * @category models
 * @since 0.1.0
 */
export const mailRequestCookie = "belfry_mail_request"

/**
 * The id of the request that a target goes on with; none where it leads elsewhere.
 *
 * @category accessors
 * @since 0.1.0
 */
export const requestOf = (returnTo: string | undefined): string | undefined => {
  if (returnTo?.startsWith(`${endpoints.continue}?`) !== true) return undefined
  return new URLSearchParams(returnTo.slice(endpoints.continue.length)).get("request") ?? undefined
}

/**
 * Whether the person asked to use another account for a client than the one that is signed in (`switch=1`).
 *
 * @category predicates
 * @since 0.1.0
 */
export const isSwitching = ({ flow, query }: Visit): boolean => flow !== undefined && query("switch") === "1"

/**
 * Whether somebody who is signed in may sign in all the same: the client waits for somebody else, or the person asked
 * to use another account.
 *
 * @category predicates
 * @since 0.1.0
 */
export const maySignIn = (visit: Visit): boolean =>
  visit.flow?.intent === "login" || visit.flow?.intent === "create" || isSwitching(visit)

/**
 * What the client says of who signs in, as values of a form.
 *
 * @see [OpenID Connect Core §3.1.2.1](https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest)
 * @category accessors
 * @since 0.1.0
 */
export const hintOf = ({ flow }: Visit): Readonly<Record<string, string>> =>
  typeof flow?.loginHint === "string" ? { email: flow.loginHint.slice(0, 254) } : {}

/**
 * The flow of a page that has no meaning without one.
 *
 * @category accessors
 * @since 0.1.0
 */
export const getFlow = ({ flow }: Visit): Effect.Effect<Flow, AuthorizationRefused> =>
  flow === undefined
    ? Effect.fail(new AuthorizationRefused({ reason: "invalid_request", description: "No request waits here" }))
    : Effect.succeed(flow)

type FindVisitor = (
  visit: Visit,
) => Effect.Effect<Option.Option<Visitor>, StoreError, HttpServerRequest.HttpServerRequest>

/**
 * Builds the look-up of the request that a page stands in. A request that the address or the form names and that is
 * over is a failure; one that only the sign-in was begun for, or the mail asked for, is none any more.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeFlows = Effect.fnUntraced(function* (findVisitor: FindVisitor) {
  const { site } = yield* PageKit
  const authorizations = yield* Authorizations
  const attempts = yield* makeAttempts
  const browserToken = ({ request }: Visit) => readCookie(request, browserCookie, site)

  const browserOf = Effect.fnUntraced(function* (visit: Visit) {
    const browser: Browser = {
      token: browserToken(visit) ?? null,
      signedIn: Option.getOrNull(yield* findVisitor(visit)),
      clientInfo: visit.client,
    }
    return browser
  })

  const find = Effect.fnUntraced(function* (visit: Visit, id: string) {
    const browser = yield* browserOf(visit)
    const flow: Flow = { ...(yield* authorizations.context(id, browser)), browser }
    return flow
  })

  const findIn = {
    "sign-in": (visit: Visit) =>
      Effect.map(attempts.find(visit), (begun) =>
        requestOf(Option.getOrUndefined(begun)?.state.attempt.context.returnTo),
      ),
    mail: ({ request }: Visit) => {
      const id = readCookie(request, mailRequestCookie, site)
      return Effect.succeed(id === undefined ? undefined : Redacted.value(id))
    },
  }

  return {
    browserOf,

    /** The request of a page. `read` gives a parameter of its address or form. */
    find: Effect.fnUntraced(function* (
      visit: Visit,
      read: (name: string) => string | undefined,
      sources: ReadonlyArray<FlowSource>,
    ) {
      const named = read("request") ?? requestOf(read("return_to"))
      if (named !== undefined) return yield* find(visit, named)
      // Without this cookie no request waits in the browser, and nothing is looked up.
      if (browserToken(visit) === undefined) return undefined
      for (const source of sources) {
        const id = yield* findIn[source](visit)
        if (id === undefined || id === "") continue
        return yield* find(visit, id).pipe(Effect.catchTag("AuthorizationRefused", () => Effect.succeed(undefined)))
      }
      return undefined
    }),
  }
})

/**
 * Has the browser remember within which request a mail is asked for, or forget the one before.
 *
 * @category cookies
 * @since 0.1.0
 */
export const keepMailRequest = (visit: Visit, site: Site["Service"]) => {
  const { flow } = visit
  if (flow === undefined) return forgetMailRequest(visit, site)
  return setCookie({ name: mailRequestCookie, value: Redacted.make(flow.id), expiresAt: flow.expiresAt }, site)
}

/**
 * Has the browser forget within which request a mail was asked for, if it knows one.
 *
 * @category cookies
 * @since 0.1.0
 */
export const forgetMailRequest = ({ request }: Visit, site: Site["Service"]) =>
  readCookie(request, mailRequestCookie, site) === undefined ? Effect.void : clearCookie(mailRequestCookie, site)
