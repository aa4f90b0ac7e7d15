/**
 * HTTP adapter of what clients call about tokens.
 *
 * @since 0.1.0
 */
import { clientInfo, seeing } from "@belfry/core/RequestHandlers"
import { RequestBody, type RequestBodyService } from "@belfry/core/RequestBodyHandlers"
import type { RateLimited } from "@belfry/core/RateLimit"
import { Site } from "@belfry/core/Site"
import type { StoreError } from "@belfry/core/StoreError"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { AccessTokens } from "./AccessTokens.ts"
import type { Claims } from "./Claims.ts"
import type { TokenResponse } from "./GrantTypes.ts"
import { queryOf } from "./internal/browsers.ts"
import { isForm, readForm } from "./internal/forms.ts"
import { errorAnswer, json, limitedAnswer, noStore, unavailableAnswer } from "./internal/protocolAnswers.ts"
import { endpoints, issuerOf } from "./Issuer.ts"
import { OAuthError } from "./OAuthError.ts"
import { OAuthServerApi } from "./OAuthServerApi.ts"
import * as OAuthScope from "./OAuthScope.ts"
import { formatChallenge } from "./ProtectedResourceMetadata.ts"
import { type ClientRequest, Tokens } from "./Tokens.ts"

const onlyPost = HttpServerResponse.setStatus(
  errorAnswer({ code: "invalid_request", description: "Only POST is taken here" }, { allow: "POST" }),
  405,
)

const layerGroup = HttpApiBuilder.group(
  OAuthServerApi,
  "oauthTokens",
  Effect.fnUntraced(function* (handlers) {
    const tokens = yield* Tokens
    const accessTokens = yield* AccessTokens
    const body = yield* RequestBody
    const realm = issuerOf(yield* Site)

    const clientRequest = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<ClientRequest, OAuthError> =>
      Effect.map(readForm(body, request), (parameters) => ({
        authorization: request.headers.authorization,
        parameters,
        clientInfo: clientInfo(request),
      }))

    /** RFC 6749 §5.2: a client that used the header is told by which scheme to use it. */
    const clientChallenge = (request: HttpServerRequest.HttpServerRequest, { code }: OAuthError) =>
      code === "invalid_client" && request.headers.authorization !== undefined
        ? { "www-authenticate": `Basic realm="${realm}", charset="UTF-8"` }
        : {}

    const answeringClient = (
      request: HttpServerRequest.HttpServerRequest,
      answer: Effect.Effect<HttpServerResponse.HttpServerResponse, OAuthError | RateLimited | StoreError>,
    ) => answering(answer, (error) => clientChallenge(request, error))

    /** RFC 6750 §3: what is wrong, for the client's developer and its code. */
    const bearerChallenge = ({ code: error, description }: OAuthError) => {
      const scopes = error === "insufficient_scope" ? ["openid"] : []
      return { "www-authenticate": formatChallenge({ realm, error, description, scopes }) }
    }

    const userInfo = ({ request }: { readonly request: HttpServerRequest.HttpServerRequest }) =>
      answering(
        Effect.gen(function* () {
          const token = yield* presentedToken(body, request)
          if (token === null) {
            // RFC 6750 §3.1: who sent no credentials is told no error.
            return HttpServerResponse.empty({
              status: 401,
              headers: { ...noStore, "www-authenticate": formatChallenge({ realm }) },
            })
          }
          const { claims } = yield* accessTokens.userInfo(token, clientInfo(request))
          return json(claims)
        }),
        bearerChallenge,
      )

    return handlers
      .handleRaw("token", ({ request }) =>
        answeringClient(
          request,
          Effect.gen(function* () {
            const response = yield* tokens.exchange(yield* clientRequest(request))
            return json(toTokenAnswer(response, yield* Clock.currentTimeMillis))
          }),
        ),
      )
      .handleRaw("introspect", ({ request }) =>
        answeringClient(
          request,
          Effect.gen(function* () {
            const claims = yield* accessTokens.introspect(yield* clientRequest(request))
            return json(claims ?? { active: false })
          }),
        ),
      )
      .handleRaw("revoke", ({ request }) =>
        answeringClient(
          request,
          Effect.gen(function* () {
            yield* accessTokens.revoke(yield* clientRequest(request))
            return HttpServerResponse.empty({ status: 200, headers: noStore })
          }),
        ),
      )
      .handleRaw("userInfo", userInfo)
      .handleRaw("userInfoByPost", userInfo)
  }),
).pipe(seeing(Tokens, AccessTokens, Site, RequestBody))

/** RFC 6749 §3.2: what takes forms takes nothing but POST. */
const layerOnlyPost = (path: HttpRouter.PathInput) =>
  Layer.mergeAll(
    HttpRouter.add("GET", path, onlyPost),
    HttpRouter.add("PUT", path, onlyPost),
    HttpRouter.add("PATCH", path, onlyPost),
    HttpRouter.add("DELETE", path, onlyPost),
  )

/**
 * The handlers of `TokensApi`, and the refusals of other methods than POST.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.mergeAll(
  layerGroup,
  layerOnlyPost(endpoints.token),
  layerOnlyPost(endpoints.introspect),
  layerOnlyPost(endpoints.revoke),
)

// internal

const answering = (
  answer: Effect.Effect<HttpServerResponse.HttpServerResponse, OAuthError | RateLimited | StoreError>,
  headersOf: (error: OAuthError) => Readonly<Record<string, string>>,
): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.catchTags(answer, {
    OAuthError: (error) => Effect.succeed(errorAnswer(error, headersOf(error))),
    RateLimited: (error) => Effect.succeed(limitedAnswer(error)),
    StoreError: unavailableAnswer,
  })

const toTokenAnswer = (response: TokenResponse, now: number): Claims => {
  const { accessToken, expiresAt, fields, idToken, refreshToken, scopes } = response
  return {
    ...fields,
    access_token: Redacted.value(accessToken),
    token_type: "Bearer",
    expires_in: Math.max(0, Math.round((expiresAt.epochMilliseconds - now) / 1000)),
    expires_at: Math.floor(expiresAt.epochMilliseconds / 1000),
    ...(scopes.length === 0 ? {} : { scope: OAuthScope.format(scopes) }),
    ...(refreshToken === undefined ? {} : { refresh_token: Redacted.value(refreshToken) }),
    ...(idToken === undefined ? {} : { id_token: Redacted.value(idToken) }),
  }
}

/**
 * The access token of a request to the UserInfo endpoint: in the header, or in a form; null when there is none.
 *
 * @see [RFC 6750 §2](https://www.rfc-editor.org/rfc/rfc6750.html#section-2)
 */
const presentedToken = Effect.fnUntraced(function* (
  body: RequestBodyService,
  request: HttpServerRequest.HttpServerRequest,
) {
  const header = /^bearer(?: +(.*))?$/isu.exec(request.headers.authorization ?? "")
  const inForm =
    request.method === "POST" && isForm(request) ? (yield* readForm(body, request)).get("access_token") : undefined
  // RFC 9700 §4.3.2: URLs end up in logs and histories.
  if (queryOf(request).has("access_token")) {
    return yield* invalidRequest("An access token in the query is not taken")
  }
  if (header !== null && inForm !== undefined) {
    return yield* invalidRequest("The access token is presented in two ways at once")
  }
  const token = header === null ? inForm : (header[1] ?? "")
  return token === undefined ? null : Redacted.make(token)
})

const invalidRequest = (description: string): OAuthError => new OAuthError({ code: "invalid_request", description })
