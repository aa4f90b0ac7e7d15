/**
 * HTTP contract of the authorization endpoint, of logging out, and of what pages do for a request that waits.
 *
 * @since 0.1.0
 */
import { asProblem } from "@belfry/core/ProblemApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { Intent, WaitingRequestId } from "./AuthorizationRequest.ts"
import { PublicClient } from "./OAuthClient.ts"
import { AuthorizationRefused } from "./OAuthError.ts"

/**
 * What waits behind a page, as the page may show it.
 *
 * **Details**
 *
 * `intent` is what the person has to do next; null when nothing is left: go on at `returnTo`. `client` is null for
 * people who are not signed in, unless the host shows clients to them.
 *
 * @category models
 * @since 0.1.0
 */
export const WaitingRequestView = Schema.Struct({
  id: WaitingRequestId,
  intent: Schema.NullOr(Intent),
  client: Schema.NullOr(PublicClient),
  scopes: Schema.Array(Schema.String),
  givenScopes: Schema.Array(Schema.String),
  resources: Schema.Array(Schema.Struct({ identifier: Schema.String, name: Schema.NullOr(Schema.String) })),
  isDynamic: Schema.Boolean,
  documentHost: Schema.NullOr(Schema.String),
  redirectHost: Schema.NullOr(Schema.String),
  loginHint: Schema.NullOr(Schema.String),
  uiLocales: Schema.Array(Schema.String),
  acrValues: Schema.Array(Schema.String),
  returnTo: Schema.String,
  expiresAt: Schema.DateTimeUtc,
}).annotate({ identifier: "WaitingRequest" })
/**
 * @category models
 * @since 0.1.0
 */
export interface WaitingRequestView extends Schema.Schema.Type<typeof WaitingRequestView> {}

/**
 * Where the browser goes next, for script that asks: to the client (`respond`), or to a page (`interact`). `form` is
 * what the browser has to post to the client, where that asked for it.
 *
 * @category models
 * @since 0.1.0
 */
export const NextLocation = Schema.Union([
  Schema.Struct({ status: Schema.Literal("respond"), redirect: Schema.Literal(true), url: Schema.String }),
  Schema.Struct({
    status: Schema.Literal("respond"),
    redirect: Schema.Literal(false),
    form: Schema.Struct({ action: Schema.String, fields: Schema.Record(Schema.String, Schema.String) }),
  }),
  Schema.Struct({
    status: Schema.Literal("interact"),
    redirect: Schema.Literal(true),
    intent: Intent,
    url: Schema.String,
  }),
]).annotate({ identifier: "NextLocation" })
/**
 * @category models
 * @since 0.1.0
 */
export type NextLocation = typeof NextLocation.Type

/**
 * Where the browser goes next, for script that asks to log out: to the client or a page (`signed_out`), or to the page
 * that asks the person (`confirm`).
 *
 * @category models
 * @since 0.1.0
 */
export const LogoutLocation = Schema.Struct({
  status: Schema.Literals(["signed_out", "confirm"]),
  redirect: Schema.Literal(true),
  url: Schema.String,
}).annotate({ identifier: "LogoutLocation" })
/**
 * @category models
 * @since 0.1.0
 */
export type LogoutLocation = typeof LogoutLocation.Type

/**
 * What script is told of a request that cannot be answered to its client. People are sent to the error page instead.
 *
 * @category models
 * @since 0.1.0
 */
export const AuthorizationFailure = Schema.Struct({
  error: Schema.String,
  error_description: Schema.String,
}).annotate({ identifier: "AuthorizationFailure" })

const refused = AuthorizationRefused.pipe(asProblem({ status: 400, title: "Bad Request" }))

const Id = Schema.String.check(Schema.isMaxLength(128))

const Sealed = Schema.String.check(Schema.isMaxLength(8192))

/** JSON, or the form of a page without script: a form is answered with a redirect. */
const jsonOrForm = <const Json extends Schema.Constraint, const Form extends Schema.Top>(json: Json, form: Form) =>
  [json, form.pipe(HttpApiSchema.asFormUrlEncoded())] as const

const Advance = Schema.Struct({ request: Id, step: Schema.Literals(["select_account", "post_login"]) })

const Decision = Schema.Struct({
  request: Id,
  accept: Schema.Boolean,
  scopes: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String.check(Schema.isMaxLength(256))))),
})

const DecisionForm = Schema.Struct({
  request: Id,
  accept: Schema.String,
  scope: Schema.optionalKey(Schema.Array(Schema.String.check(Schema.isMaxLength(8192)))),
})

const LogoutConfirmation = Schema.Struct({ request: Sealed })

// For callers that are no browsers; people are shown a page.
const failures = [
  AuthorizationFailure.pipe(HttpApiSchema.status(400)),
  AuthorizationFailure.pipe(HttpApiSchema.status(429)),
  AuthorizationFailure.pipe(HttpApiSchema.status(503)),
] as const

/**
 * Where browsers go themselves: the authorization endpoint and what follows it, and the end of a session.
 *
 * **Details**
 *
 * Outside of the guard of origins: who leads a browser here is another site, by design. Nothing here acts on a cookie
 * but what the person agreed to before.
 *
 * @see [RFC 6749 §3.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-3.1)
 * @see [OpenID Connect RP-Initiated Logout §2](https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout)
 * @category api
 * @since 0.1.0
 */
export class AuthorizationRedirectsApi extends HttpApiGroup.make("oauthAuthorization")
  .add(
    HttpApiEndpoint.get("authorize", "/oauth2/authorize", {
      success: [HttpApiSchema.Empty(302), NextLocation],
      error: failures,
    }).annotate(OpenApi.Summary, "The authorization endpoint (RFC 6749, OpenID Connect)"),
    HttpApiEndpoint.post("authorizeByForm", "/oauth2/authorize", {
      payload: Schema.Record(Schema.String, Schema.String).pipe(HttpApiSchema.asFormUrlEncoded()),
      success: [HttpApiSchema.Empty(303), NextLocation],
      error: failures,
    }).annotate(OpenApi.Summary, "The same by a form; it re-enters by GET, with the cookies"),
    HttpApiEndpoint.get("continue", "/oauth2/continue", {
      success: [HttpApiSchema.Empty(302), NextLocation],
      error: [failures[0], failures[2]],
    }).annotate(
      OpenApi.Summary,
      "Goes on with the request that waits, named by `request`: the next page, or the answer",
    ),
    HttpApiEndpoint.get("endSession", "/oauth2/end-session", {
      success: [HttpApiSchema.Empty(302), LogoutLocation],
      error: [failures[0], failures[2]],
    }).annotate(OpenApi.Summary, "The end session endpoint (RP-Initiated Logout)"),
    HttpApiEndpoint.post("endSessionByForm", "/oauth2/end-session", {
      payload: Schema.Record(Schema.String, Schema.String).pipe(HttpApiSchema.asFormUrlEncoded()),
      success: [HttpApiSchema.Empty(303), LogoutLocation],
      error: [failures[0], failures[2]],
    }).annotate(OpenApi.Summary, "The same by a form; it re-enters by GET, with the cookies"),
  )
  .annotateMerge(
    OpenApi.annotations({ title: "Authorization", description: "The browser's way to a client, and out of a session" }),
  ) {}

/**
 * What pages do for a request that waits in their browser: the hosted ones, and a host's own.
 *
 * **Details**
 *
 * The request is known by its id together with the cookie of the browser. A form is answered with a redirect, JSON with
 * where to go.
 *
 * @category api
 * @since 0.1.0
 */
export class WaitingRequestsApi extends HttpApiGroup.make("oauthRequests")
  .add(
    HttpApiEndpoint.get("show", "/oauth2/requests/:requestId", {
      params: { requestId: Id },
      success: WaitingRequestView,
      error: refused,
    }).annotate(OpenApi.Summary, "What waits in this browser"),
    HttpApiEndpoint.post("advance", "/oauth2/continue", {
      payload: jsonOrForm(Advance, Advance),
      success: [NextLocation, HttpApiSchema.Empty(303)],
      error: refused,
    }).annotate(OpenApi.Summary, "Marks the step that is due as done: the choice of an account, the host's own step"),
    HttpApiEndpoint.post("decide", "/oauth2/consent", {
      payload: jsonOrForm(Decision, DecisionForm),
      success: [NextLocation, HttpApiSchema.Empty(303)],
      error: refused,
    }).annotate(OpenApi.Summary, "The person's answer to the question of consent; `scopes` are those given, or all"),
    HttpApiEndpoint.post("cancel", "/oauth2/requests/:requestId/cancel", {
      params: { requestId: Id },
      success: [NextLocation, HttpApiSchema.Empty(303)],
      error: refused,
    }).annotate(OpenApi.Summary, "Turns away from a request: the client hears `access_denied`"),
    HttpApiEndpoint.get("showLogout", "/oauth2/end-session/request", {
      query: { request: Sealed },
      success: Schema.Struct({ client: Schema.NullOr(PublicClient) }),
      error: refused,
    }).annotate(OpenApi.Summary, "Which client asks to log out"),
    HttpApiEndpoint.post("confirmLogout", "/oauth2/end-session/confirm", {
      payload: jsonOrForm(LogoutConfirmation, LogoutConfirmation),
      success: [LogoutLocation, HttpApiSchema.Empty(303)],
      error: refused,
    }).annotate(OpenApi.Summary, "The person agrees to log out"),
  )
  .annotateMerge(
    OpenApi.annotations({ title: "Waiting requests", description: "What a person does before a client is answered" }),
  ) {}
