/**
 * One request to a hosted page: who asks, in which language, with which form; and what is answered when it goes wrong.
 *
 * @since 0.1.0
 */
import type { CheckoutNotFound } from "@belfry/billing/Operation"
import type { BillingForbidden, PayerNotFound } from "@belfry/billing/Payer"
import type { PlanNotFound } from "@belfry/billing/Plan"
import type { SubscriptionNotFound } from "@belfry/billing/Subscription"
import type { ClientInfo } from "@belfry/core/AuditEvent"
import type { RateLimited } from "@belfry/core/RateLimit"
import * as RedirectTarget from "@belfry/core/RedirectTarget"
import { RequestBody } from "@belfry/core/RequestBodyHandlers"
import {
  checkOrigin,
  clearSessionCookie,
  clientInfo,
  cookieSession,
  cookieToken,
  storeUnavailable,
} from "@belfry/core/RequestHandlers"
import type { CrossOriginRequest } from "@belfry/core/RequestOrigin"
import type { Session, SessionInvalid, SessionNotFresh } from "@belfry/core/Session"
import { Sessions } from "@belfry/core/Sessions"
import type { StoreError } from "@belfry/core/StoreError"
import type { User } from "@belfry/core/User"
import type { SignInRefused } from "@belfry/factors/SignInAttempt"
import { clearSignInCookie, signInToken } from "@belfry/factors/SignInHandlers"
import type { AuthorizationRefused } from "@belfry/oauth-server/OAuthError"
import type { InvitationNotFound } from "@belfry/organization/Invitation"
import type { MemberNotFound } from "@belfry/organization/Member"
import type { OrganizationCreationRefused, OrganizationNotFound } from "@belfry/organization/Organization"
import type { PermissionMissing } from "@belfry/organization/Permission"
import type { RoleNotFound } from "@belfry/organization/Role"
import type { TeamNotFound } from "@belfry/organization/Team"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { type Catalogue, select } from "../PageCatalogues.ts"
import { type Flow, type FlowSource, makeFlows } from "./flows.ts"
import { type FormFields, type FormUnreadable, read } from "./form.ts"
import { PageKit } from "./PageKit.ts"
import { withQuery } from "./query.ts"
import { authorizationErrorPage, inFlow } from "./views/authorization.ts"
import type { Page } from "./views/document.ts"
import { deniedPage, failurePage, refusedPage } from "./views/failures.ts"

/**
 * One request to a hosted page.
 *
 * **Details**
 *
 * `query` gives a parameter that came exactly once, `param` one of the route's path. `flow` is the authorization
 * request that the page stands in, if any; `returnTo` is where it goes on then, and else where the reader wants to go,
 * if that is allowed.
 *
 * @category models
 * @since 0.1.0
 */
export interface Visit {
  readonly request: HttpServerRequest.HttpServerRequest
  readonly client: ClientInfo
  readonly words: Catalogue
  readonly flow: Flow | undefined
  readonly query: (name: string) => string | undefined
  readonly param: (name: string) => string | undefined
  readonly returnTo: (input: string | undefined) => string | undefined
}

/**
 * A page to show, the path or URL to go on to, or a response that is whole already.
 *
 * @category models
 * @since 0.1.0
 */
export type Answer = Page | string | HttpServerResponse.HttpServerResponse

/**
 * What any page may fail with; {@link get} and {@link post} answer it with a page.
 *
 * @category models
 * @since 0.1.0
 */
export type Failure =
  | StoreError
  | RateLimited
  | SessionInvalid
  | SessionNotFresh
  | SignInRefused
  | AuthorizationRefused
  | CrossOriginRequest
  | FormUnreadable
  | OrganizationCreationRefused
  | OrganizationNotFound
  | PermissionMissing
  | MemberNotFound
  | RoleNotFound
  | InvitationNotFound
  | TeamNotFound
  | BillingForbidden
  | CheckoutNotFound
  | PayerNotFound
  | PlanNotFound
  | SubscriptionNotFound

/**
 * A session with its user, of the person who visits.
 *
 * @category models
 * @since 0.1.0
 */
export interface Visitor {
  readonly session: Session
  readonly user: User
}

type Provided = HttpServerRequest.HttpServerRequest | HttpServerRequest.ParsedSearchParams | HttpRouter.RouteContext

/**
 * Adds a page that is looked at. `sources` are where it looks for the authorization request that it stands in, beside
 * its address; null where it stands in none, ever.
 *
 * @category routes
 * @since 0.1.0
 */
export const get = Effect.fnUntraced(function* <R extends Provided = never>(
  path: `/${string}`,
  handle: (visit: Visit) => Effect.Effect<Answer, Failure, R>,
  sources: ReadonlyArray<FlowSource> | null = [],
) {
  const router = yield* HttpRouter.HttpRouter
  const { answer, enter } = yield* makeAnswer
  yield* router.add(
    "GET",
    path,
    answer((visit) => enter(visit, visit.query, sources, handle)),
  )
})

/**
 * Adds the action of a form. What a page of another origin sends is refused before anything of it is read. `sources` as
 * for {@link get}.
 *
 * @category routes
 * @since 0.1.0
 */
export const post = Effect.fnUntraced(function* <R extends Provided = never>(
  path: `/${string}`,
  handle: (visit: Visit, fields: FormFields) => Effect.Effect<Answer, Failure, R>,
  sources: ReadonlyArray<FlowSource> | null = [],
) {
  const router = yield* HttpRouter.HttpRouter
  const body = yield* RequestBody
  const { site } = yield* PageKit
  const { answer, enter } = yield* makeAnswer
  yield* router.add(
    "POST",
    path,
    answer((visit) =>
      Effect.fromResult(checkOrigin(visit.request, site)).pipe(
        Effect.andThen(read(body, visit.request)),
        Effect.flatMap((fields) =>
          enter(
            visit,
            (name) => fields[name],
            sources,
            (visit) => handle(visit, fields),
          ),
        ),
      ),
    ),
  )
})

/**
 * Builds the look-up of the person who visits: their session and user, none when nobody is signed in, or the failure
 * `SessionInvalid`. Sends the cookie again when the session was prolonged.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeVisitors = Effect.gen(function* () {
  const sessions = yield* Sessions
  const { site } = yield* PageKit

  const find = ({ request }: Visit) => cookieSession(request, sessions, site)

  return {
    /** The visitor, or a failure that leads to the sign-in page. */
    get: (visit: Visit): Effect.Effect<Visitor, SessionInvalid | StoreError, HttpServerRequest.HttpServerRequest> =>
      find(visit),
    /** The visitor, if somebody is signed in. */
    find: (visit: Visit): Effect.Effect<Option.Option<Visitor>, StoreError, HttpServerRequest.HttpServerRequest> =>
      find(visit).pipe(
        Effect.map(Option.some),
        Effect.catchTag("SessionInvalid", () => Effect.succeedNone),
      ),
  }
})

// internal

const makeAnswer = Effect.gen(function* () {
  const kit = yield* PageKit
  const { site, paths, catalogues } = kit
  const flows = yield* makeFlows((yield* makeVisitors).find)
  const parseTarget = RedirectTarget.parse({ baseUrl: site.baseUrl, allowedOrigins: site.allowedOrigins })

  const visitOf = (
    request: HttpServerRequest.HttpServerRequest,
    parameters: Readonly<Record<string, string | Array<string>>>,
    params: Readonly<Record<string, string | undefined>>,
  ): Visit => ({
    request,
    client: clientInfo(request),
    words: select(catalogues, request.headers["accept-language"]),
    flow: undefined,
    query: (name) => {
      const value = parameters[name]
      return typeof value === "string" ? value : undefined
    },
    param: (name) => params[name],
    returnTo: (input) => (input === undefined || input === "" ? undefined : Result.getOrUndefined(parseTarget(input))),
  })

  /** The visit within the request of a client, whose wishes for the language go before those of the browser. */
  const visitIn = (visit: Visit, flow: Flow): Visit => ({
    ...visit,
    flow,
    words: select(catalogues, [...flow.uiLocales, visit.request.headers["accept-language"] ?? ""].join(",")),
    returnTo: () => flow.returnTo,
  })

  /** Where somebody goes who has to sign in first, and what they are told there. */
  const signInFirst = ({ flow, request }: Visit): string => {
    const wanted = request.method === "GET" && request.url !== paths.account ? request.url : undefined
    const hadCookie = cookieToken(request, site) !== undefined
    // A sign-in led here and the cookie it set did not come along: the browser keeps none.
    const isFromSignIn = pathOf(request.headers.referer, site.origin) === paths.signIn
    const notice = hadCookie ? "session-over" : isFromSignIn ? "cookies" : undefined
    return withQuery(paths.signIn, { notice, return_to: flow?.returnTo ?? wanted })
  }

  /** What a sign-in that cannot go on shows; one that is over takes its cookie along. */
  const refused = Effect.fnUntraced(function* ({ reason }: SignInRefused, { flow, request, words }: Visit) {
    if (reason === "factor-unavailable") return paths.continueSignIn
    if (reason === "user-mismatch") return refusedPage(words, { reason: "mismatch", href: paths.continueSignIn })
    if (signInToken(request, site) !== undefined) yield* clearSignInCookie(site)
    return refusedPage(words, { reason, href: withQuery(paths.signIn, { return_to: flow?.returnTo }) })
  })

  /** An answer for whatever can go wrong on a page. */
  const settle = <R>(visit: Visit, answer: Effect.Effect<Answer, Failure, R>) => {
    const { request, words } = visit
    const failed = (status: 400 | 403 | 404 | 413 | 415 | 500) => failurePage(words, { status })
    const notFound = () => Effect.succeed(failed(404))
    return answer.pipe(
      Effect.catchTags({
        AuthorizationRefused: ({ reason, description, retryAfter }) =>
          Effect.succeed(authorizationErrorPage(words, { code: reason, description, retryAfter })),
        BillingForbidden: () => Effect.succeed(deniedPage(words, "billing")),
        CheckoutNotFound: notFound,
        CrossOriginRequest: () => Effect.succeed(failed(403)),
        FormUnreadable: ({ status }) => Effect.succeed(failed(status)),
        InvitationNotFound: notFound,
        MemberNotFound: notFound,
        OrganizationCreationRefused: () => Effect.succeed(deniedPage(words, "creation")),
        OrganizationNotFound: notFound,
        PayerNotFound: notFound,
        PermissionMissing: ({ reason }) => Effect.succeed(deniedPage(words, reason)),
        PlanNotFound: notFound,
        RateLimited: ({ retryAfter }) => Effect.succeed(failurePage(words, { status: 429, retryAfter })),
        SessionInvalid: () =>
          Effect.as(
            cookieToken(request, site) === undefined ? Effect.void : clearSessionCookie(site),
            signInFirst(visit),
          ),
        RoleNotFound: notFound,
        // Every page that asks for it is also there to be looked at, under the same path.
        SessionNotFresh: () =>
          Effect.succeed(
            withQuery(paths.confirmAccess, {
              return_to: request.method === "GET" ? request.url : pathOf(request.url, site.origin, site.origin),
            }),
          ),
        SignInRefused: (error) => refused(error, visit),
        StoreError: (error) =>
          Effect.matchEffect(storeUnavailable(error), {
            onFailure: () => Effect.succeed(failurePage(words, { status: 503, retryAfter: 1 })),
            onSuccess: Effect.succeed,
          }),
        SubscriptionNotFound: notFound,
        TeamNotFound: notFound,
      }),
      Effect.catchDefect((defect) => Effect.as(Effect.logError("A page failed", defect), failed(500))),
    )
  }

  return {
    /** Looks for the authorization request that a page stands in, and has the page answer within it. */
    enter: Effect.fnUntraced(function* <R extends Provided>(
      opened: Visit,
      parameter: (name: string) => string | undefined,
      sources: ReadonlyArray<FlowSource> | null,
      handle: (visit: Visit) => Effect.Effect<Answer, Failure, R>,
    ) {
      const flow = sources === null ? undefined : yield* flows.find(opened, parameter, sources)
      if (flow === undefined) return yield* handle(opened)
      const visit = visitIn(opened, flow)
      const answer: Answer = yield* settle(visit, handle(visit))
      return isPage(answer) ? inFlow(visit.words, paths, answer, flow) : answer
    }),

    answer: <R>(handle: (visit: Visit) => Effect.Effect<Answer, Failure, R>) =>
      Effect.gen(function* (): Effect.fn.Return<HttpServerResponse.HttpServerResponse, never, R | Provided> {
        const request = yield* HttpServerRequest.HttpServerRequest
        const visit = visitOf(request, yield* HttpServerRequest.ParsedSearchParams, yield* HttpRouter.params)
        const answer: Answer = yield* settle(visit, handle(visit))
        if (isPage(answer)) return kit.respond(answer, visit.words)
        return typeof answer === "string" ? kit.redirect(answer) : answer
      }),
  }
})

const isPage = (answer: Answer): answer is Page =>
  typeof answer !== "string" && !HttpServerResponse.isHttpServerResponse(answer)

const pathOf = (url: string | undefined, origin: string, base?: string): string | undefined => {
  const parsed = URL.parse(url ?? "", base)
  return parsed?.origin === origin ? parsed.pathname : undefined
}
