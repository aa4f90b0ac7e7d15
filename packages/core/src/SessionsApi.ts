/**
 * HTTP contract of sessions: who is signed in, where else, and how to end it. Also the middleware that every
 * authenticated endpoint uses.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { asProblem } from "./ProblemApi.ts"
import { Session, SessionId, SessionInvalid, SessionNotFound, SessionNotFresh } from "./Session.ts"
import { ScopesMissing, User } from "./User.ts"

/**
 * The session that the request was authenticated by.
 *
 * @category services
 * @since 0.1.0
 */
export class CurrentSession extends Context.Service<CurrentSession, Session>()("@belfry/core/CurrentSession") {}

/**
 * The user whose session authenticated the request.
 *
 * @category services
 * @since 0.1.0
 */
export class CurrentUser extends Context.Service<CurrentUser, User>()("@belfry/core/CurrentUser") {}

/**
 * The name of the session cookie on https. On http, which only development uses, it has no `__Host-` prefix.
 *
 * @see [RFC 6265bis §4.1.3.2](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-4.1.3.2)
 * @category models
 * @since 0.1.0
 */
export const sessionCookieName = "__Host-belfry_session"

/**
 * Asks for a session, by cookie or bearer token, and provides it with its user.
 *
 * **Details**
 *
 * Fails with `SessionInvalid` (401) when there is none, or one that is over. A session that was used after a day is
 * prolonged, and its cookie sent again.
 *
 * @see [RFC 6750 §2.1](https://www.rfc-editor.org/rfc/rfc6750.html#section-2.1)
 * @category middleware
 * @since 0.1.0
 */
export class Authentication extends HttpApiMiddleware.Service<
  Authentication,
  { provides: CurrentSession | CurrentUser }
>()("@belfry/core/Authentication", {
  error: SessionInvalid.pipe(asProblem({ status: 401, title: "Unauthorized" })),
  security: {
    bearer: HttpApiSecurity.bearer,
    cookie: HttpApiSecurity.apiKey({ in: "cookie", key: sessionCookieName }),
  },
}) {}

/**
 * A proof of identity that is too old, on the wire.
 *
 * @category errors
 * @since 0.1.0
 */
export const notFresh = SessionNotFresh.pipe(asProblem({ status: 403, title: "Forbidden" }))

/**
 * Asks that the person proved who they are within the freshness window (10 minutes unless configured).
 *
 * @see [NIST SP 800-63B-4 §5.2](https://pages.nist.gov/800-63-4/sp800-63b.html#sec5)
 * @category middleware
 * @since 0.1.0
 */
export class FreshSession extends HttpApiMiddleware.Service<FreshSession, { requires: CurrentSession }>()(
  "@belfry/core/FreshSession",
  { error: notFresh },
) {}

/**
 * The scopes that {@link ScopeCheck} asks for: an annotation of an endpoint or group.
 *
 * @category annotations
 * @since 0.1.0
 */
export const RequiredScopes = Context.Reference<ReadonlyArray<string>>("@belfry/core/RequiredScopes", {
  defaultValue: () => [],
})

/**
 * Asks that the current user holds every scope named by the endpoint's {@link RequiredScopes} annotation.
 *
 * **Example** (An endpoint for those who may read reports)
 *
 * ```ts
 * HttpApiEndpoint.get("reports", "/reports", { success: Reports })
 *   .annotate(RequiredScopes, ["reports:read"])
 *   .middleware(ScopeCheck)
 *   .middleware(Authentication)
 * ```
 *
 * @category middleware
 * @since 0.1.0
 */
export class ScopeCheck extends HttpApiMiddleware.Service<ScopeCheck, { requires: CurrentUser }>()(
  "@belfry/core/ScopeCheck",
  { error: ScopesMissing.pipe(asProblem({ status: 403, title: "Forbidden" })) },
) {}

/**
 * A session with its user: what `GET /auth/session` answers.
 *
 * @category models
 * @since 0.1.0
 */
export const SessionAndUser = Schema.Struct({ session: Session, user: User }).annotate({ identifier: "SessionAndUser" })

/**
 * What every way of signing in answers.
 *
 * **Details**
 *
 * `token` is the session token for clients that asked for `transport: "bearer"`; with cookies it is null, because
 * script has no business with it.
 *
 * @category models
 * @since 0.1.0
 */
export const SignedIn = Schema.Struct({
  session: Session,
  user: User,
  token: Schema.NullOr(Schema.RedactedFromValue(Schema.String)),
}).annotate({ identifier: "SignedIn" })
/**
 * @category models
 * @since 0.1.0
 */
export interface SignedIn extends Schema.Schema.Type<typeof SignedIn> {}

/**
 * How a client wants to carry its session: in a cookie that browsers keep, or as a bearer token that it keeps itself.
 *
 * @category models
 * @since 0.1.0
 */
export const Transport = Schema.Literals(["cookie", "bearer"])
/**
 * @category models
 * @since 0.1.0
 */
export type Transport = typeof Transport.Type

/**
 * Which sessions `DELETE /auth/sessions` ends.
 *
 * @category models
 * @since 0.1.0
 */
export const RevocationScope = Schema.Literals(["others", "all"])

/**
 * The endpoints of sessions.
 *
 * @category api
 * @since 0.1.0
 */
export class SessionsApi extends HttpApiGroup.make("sessions")
  .add(
    HttpApiEndpoint.get("current", "/session", { success: SessionAndUser })
      .annotate(OpenApi.Summary, "The current session and its user")
      .middleware(Authentication),
    HttpApiEndpoint.get("list", "/sessions", {
      success: Schema.Struct({ sessions: Schema.Array(Session), currentSessionId: SessionId }),
    })
      .annotate(OpenApi.Summary, "The user's sessions, newest first")
      .middleware(Authentication),
    HttpApiEndpoint.delete("revoke", "/sessions/:sessionId", {
      params: { sessionId: SessionId },
      success: HttpApiSchema.NoContent,
      error: SessionNotFound.pipe(asProblem({ status: 404, title: "Not Found" })),
    })
      .annotate(OpenApi.Summary, "Ends one of the user's sessions")
      .middleware(Authentication),
    HttpApiEndpoint.delete("revokeMany", "/sessions", {
      query: { scope: Schema.optionalKey(RevocationScope) },
      success: Schema.Struct({ revoked: Schema.Int }),
    })
      .annotate(OpenApi.Summary, "Ends the user's other sessions (the default), or all of them")
      .middleware(Authentication),
    HttpApiEndpoint.post("signOut", "/sign-out", { success: HttpApiSchema.NoContent }).annotate(
      OpenApi.Summary,
      "Ends the current session, if there is one, and clears its cookie",
    ),
  )
  .annotateMerge(OpenApi.annotations({ title: "Sessions", description: "Who is signed in, where, and until when" })) {}
