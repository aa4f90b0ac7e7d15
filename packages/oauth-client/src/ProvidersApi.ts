/**
 * HTTP contract of providers: which there are, signing in and linking through them, and the accounts at them.
 *
 * Where a browser goes itself (the start URL, the callback) is in {@link ProviderRedirectsApi}.
 *
 * @since 0.1.0
 */
import { asProblem, limited } from "@belfry/core/ProblemApi"
import { Session } from "@belfry/core/Session"
import { Authentication, notFresh, Transport } from "@belfry/core/SessionsApi"
import { User } from "@belfry/core/User"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { AccountUnusable, UnlinkRefused } from "./OAuthAccount.ts"
import { GateRefused, OAuthRefused, OAuthRequest, ProviderNotFound } from "./OAuthSignIn.ts"
import { OAuthUserInfo } from "./OAuthTokens.ts"

/**
 * A provider that people may sign in with.
 *
 * @category models
 * @since 0.1.0
 */
export const ProviderSummary = Schema.Struct({ id: Schema.String, name: Schema.String }).annotate({
  identifier: "ProviderSummary",
})

/**
 * A URL of this site to open in the browser: it leads on to the provider. The answer also sets the cookie that ties it
 * to this browser.
 *
 * @category models
 * @since 0.1.0
 */
export const ProviderStartUrl = Schema.Struct({ url: Schema.String, expiresAt: Schema.DateTimeUtc }).annotate({
  identifier: "ProviderStartUrl",
})

/**
 * What signing in by an ID token answers: the session, or a sign-in that goes on at `GET /auth/sign-in`.
 *
 * **Details**
 *
 * `token` is the session's, or the sign-in's, for clients that asked for `transport: "bearer"`; null with cookies.
 *
 * @category models
 * @since 0.1.0
 */
export const ProviderSignIn = Schema.Union([
  Schema.Struct({
    status: Schema.Literal("complete"),
    redirect: Schema.Literal(false),
    isNewUser: Schema.Boolean,
    session: Session,
    user: User,
    token: Schema.NullOr(Schema.RedactedFromValue(Schema.String)),
  }),
  Schema.Struct({
    status: Schema.Literal("continue"),
    redirect: Schema.Literal(false),
    isNewUser: Schema.Boolean,
    token: Schema.NullOr(Schema.RedactedFromValue(Schema.String)),
    expiresAt: Schema.DateTimeUtc,
  }),
])
/**
 * @category models
 * @since 0.1.0
 */
export type ProviderSignIn = typeof ProviderSignIn.Type

const Secret = Schema.RedactedFromValue(Schema.String.check(Schema.isMaxLength(16_384)))

/**
 * An ID token that the client got from the provider itself.
 *
 * @category models
 * @since 0.1.0
 */
export const IdTokenSubmission = Schema.Struct({
  idToken: Secret,
  nonce: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(512))),
  accessToken: Schema.optionalKey(Secret),
  refreshToken: Schema.optionalKey(Secret),
  accessTokenExpiresAt: Schema.optionalKey(Schema.DateTimeUtc),
  refreshTokenExpiresAt: Schema.optionalKey(Schema.DateTimeUtc),
  tokenType: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(64))),
  scope: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(4096))),
  scopes: Schema.optionalKey(Schema.Array(Schema.String.check(Schema.isMaxLength(256)))),
  requestSignUp: Schema.optionalKey(Schema.Boolean),
  transport: Schema.optionalKey(Transport),
}).annotate({ identifier: "IdTokenSubmission" })
/**
 * @category models
 * @since 0.1.0
 */
export interface IdTokenSubmission extends Schema.Schema.Type<typeof IdTokenSubmission> {}

/**
 * An account at a provider, without its tokens.
 *
 * @category models
 * @since 0.1.0
 */
export const LinkedAccountSummary = Schema.Struct({
  id: Schema.String,
  userId: Schema.String,
  provider: Schema.String,
  providerAccountId: Schema.String,
  accessTokenExpiresAt: Schema.NullOr(Schema.DateTimeUtc),
  refreshTokenExpiresAt: Schema.NullOr(Schema.DateTimeUtc),
  tokenType: Schema.NullOr(Schema.String),
  scope: Schema.NullOr(Schema.String),
  hasAccessToken: Schema.Boolean,
  hasRefreshToken: Schema.Boolean,
  hasIdToken: Schema.Boolean,
  createdAt: Schema.DateTimeUtc,
  updatedAt: Schema.DateTimeUtc,
}).annotate({ identifier: "LinkedAccountSummary" })

/**
 * The access token of an account, and what belongs to it.
 *
 * @category models
 * @since 0.1.0
 */
export const AccessTokenAnswer = Schema.Struct({
  provider: Schema.String,
  providerAccountId: Schema.String,
  accessToken: Schema.NullOr(Schema.RedactedFromValue(Schema.String)),
  tokenType: Schema.NullOr(Schema.String),
  scope: Schema.NullOr(Schema.String),
  accessTokenExpiresAt: Schema.NullOr(Schema.DateTimeUtc),
  idToken: Schema.NullOr(Schema.RedactedFromValue(Schema.String)),
}).annotate({ identifier: "AccessTokenAnswer" })

/**
 * All tokens of an account.
 *
 * @category models
 * @since 0.1.0
 */
export const RefreshTokenAnswer = Schema.Struct({
  ...AccessTokenAnswer.fields,
  refreshToken: Schema.NullOr(Schema.RedactedFromValue(Schema.String)),
  refreshTokenExpiresAt: Schema.NullOr(Schema.DateTimeUtc),
}).annotate({ identifier: "RefreshTokenAnswer" })

const providerNotFound = ProviderNotFound.pipe(asProblem({ status: 404, title: "Not Found" }))
const oauthRefused = OAuthRefused.pipe(asProblem({ status: 400, title: "Bad Request" }))
const gateRefused = GateRefused.pipe(asProblem({ status: 409, title: "Conflict" }))
const accountUnusable = AccountUnusable.pipe(asProblem({ status: 400, title: "Bad Request" }))
const unlinkRefused = UnlinkRefused.pipe(asProblem({ status: 409, title: "Conflict" }))

// The whole of it is sealed into a URL, which must fit into the head of a request: 16 KiB on Node, with its cookies.
const request = OAuthRequest.check(
  Schema.makeFilter((value) => new TextEncoder().encode(JSON.stringify(value)).length <= 6144, {
    message: "Expected a request of at most 6144 bytes",
  }),
)

const provider = { providerId: Schema.String.check(Schema.isMaxLength(64)) }
// Neither control characters nor lone surrogates: no database could look for them.
const AccountChoice = Schema.Struct({
  providerAccountId: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^[^\p{Cc}\p{Cs}]{0,512}$/u))),
})

/**
 * The endpoints of providers.
 *
 * @category api
 * @since 0.1.0
 */
export class ProvidersApi extends HttpApiGroup.make("providers")
  .add(
    HttpApiEndpoint.get("list", "/providers", {
      success: Schema.Struct({ providers: Schema.Array(ProviderSummary) }),
    }).annotate(OpenApi.Summary, "The providers that people may sign in with"),
    HttpApiEndpoint.post("signIn", "/provider/:providerId/sign-in", {
      params: provider,
      payload: request,
      success: ProviderStartUrl,
      error: [providerNotFound, limited],
    }).annotate(OpenApi.Summary, "A URL that begins a sign-in with the provider"),
    HttpApiEndpoint.post("link", "/provider/:providerId/link", {
      params: provider,
      payload: request,
      success: ProviderStartUrl,
      error: [providerNotFound, notFresh, limited],
    })
      .annotate(OpenApi.Summary, "A URL that begins to link an account of the provider to the signed-in user")
      .middleware(Authentication),
    HttpApiEndpoint.post("signInByIdToken", "/provider/:providerId/signin/id-token", {
      params: provider,
      payload: IdTokenSubmission,
      success: ProviderSignIn,
      error: [providerNotFound, oauthRefused, gateRefused, limited],
    }).annotate(OpenApi.Summary, "Signs in by an ID token that the client got from the provider itself"),
    HttpApiEndpoint.post("linkByIdToken", "/provider/:providerId/link/id-token", {
      params: provider,
      payload: IdTokenSubmission,
      success: Schema.Struct({ status: Schema.Literal(true), redirect: Schema.Literal(false) }),
      error: [providerNotFound, oauthRefused, notFresh, limited],
    })
      .annotate(OpenApi.Summary, "Links an account by an ID token that the client got from the provider itself")
      .middleware(Authentication),
    HttpApiEndpoint.get("accounts", "/provider/:providerId/accounts", {
      params: provider,
      success: Schema.Struct({ accounts: Schema.Array(LinkedAccountSummary) }),
      error: providerNotFound,
    })
      .annotate(OpenApi.Summary, "The accounts of the signed-in user at the provider, without their tokens")
      .middleware(Authentication),
    HttpApiEndpoint.post("unlink", "/provider/:providerId/unlink", {
      params: provider,
      payload: AccountChoice,
      success: Schema.Struct({ status: Schema.Literal(true) }),
      error: [providerNotFound, accountUnusable, unlinkRefused, notFresh],
    })
      .annotate(OpenApi.Summary, "Unlinks an account, unless it is the last way in")
      .middleware(Authentication),
    HttpApiEndpoint.post("accessToken", "/provider/:providerId/access-token", {
      params: provider,
      payload: AccountChoice,
      success: AccessTokenAnswer,
      error: [providerNotFound, accountUnusable],
    })
      .annotate(OpenApi.Summary, "The access token of an account, renewed where it is about to end")
      .middleware(Authentication),
    HttpApiEndpoint.post("refreshToken", "/provider/:providerId/refresh-token", {
      params: provider,
      payload: AccountChoice,
      success: RefreshTokenAnswer,
      error: [providerNotFound, accountUnusable],
    })
      .annotate(OpenApi.Summary, "Renews the tokens of an account")
      .middleware(Authentication),
    HttpApiEndpoint.get("accountInfo", "/provider/:providerId/account-info", {
      params: provider,
      query: AccountChoice,
      success: Schema.Struct({
        provider: Schema.String,
        providerAccountId: Schema.String,
        user: Schema.NullOr(OAuthUserInfo),
      }),
      error: [providerNotFound, accountUnusable],
    })
      .annotate(OpenApi.Summary, "Who the person is by the provider, asked now")
      .middleware(Authentication),
  )
  .annotateMerge(
    OpenApi.annotations({
      title: "Providers",
      description: "Signing in with other providers, and the accounts at them",
    }),
  ) {}

// Whatever stands in the path: who has no such provider is shown a page.
const anyProvider = { providerId: Schema.String }

/**
 * Where a browser goes itself. Whatever comes in is answered by a redirect or a page, never by an error of form.
 *
 * @category api
 * @since 0.1.0
 */
export class ProviderRedirectsApi extends HttpApiGroup.make("providerRedirects")
  .add(
    HttpApiEndpoint.get("start", "/provider/:providerId/start", {
      params: anyProvider,
      success: HttpApiSchema.Empty(302),
    }).annotate(OpenApi.Summary, "Leads the browser to the provider; `token` is of a start URL"),
    HttpApiEndpoint.get("callback", "/provider/:providerId/callback", {
      params: anyProvider,
      success: HttpApiSchema.Empty(302),
    }).annotate(OpenApi.Summary, "Where the provider leads the browser back to"),
    HttpApiEndpoint.post("callbackByForm", "/provider/:providerId/callback", {
      params: anyProvider,
      success: HttpApiSchema.Empty(303),
    }).annotate(OpenApi.Summary, "The same by a form that the provider posts; it re-enters by GET, with the cookie"),
  )
  .annotateMerge(
    OpenApi.annotations({ title: "Provider redirects", description: "The browser's way to a provider and back" }),
  ) {}
