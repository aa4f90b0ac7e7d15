/**
 * HTTP adapter of dynamic client registration.
 *
 * @since 0.1.0
 */
import { RequestBody, type RequestBodyService } from "@belfry/core/RequestBodyHandlers"
import { bearerToken, checkOrigin, clientInfo, cookieSession, seeing } from "@belfry/core/RequestHandlers"
import { SessionInvalid } from "@belfry/core/Session"
import { Sessions } from "@belfry/core/Sessions"
import { Site } from "@belfry/core/Site"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { ClientRegistrations } from "./ClientRegistrations.ts"
import type { Actor, ClientWithSecret } from "./Clients.ts"
import { prefixes } from "./Grant.ts"
import { toWire } from "./internal/clientMetadataNames.ts"
import { errorAnswer, json, limitedAnswer, unavailableAnswer } from "./internal/protocolAnswers.ts"
import { OAuthError } from "./OAuthError.ts"
import { OAuthServerApi } from "./OAuthServerApi.ts"

/**
 * The handlers of `RegistrationApi`.
 *
 * **Details**
 *
 * The credential is an initial access token or a session, as a bearer token; a session's cookie counts where the
 * request comes from this site itself.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = HttpApiBuilder.group(
  OAuthServerApi,
  "oauthRegistration",
  Effect.fnUntraced(function* (handlers) {
    const registrations = yield* ClientRegistrations
    const sessions = yield* Sessions
    const site = yield* Site
    const body = yield* RequestBody

    const signedIn = Effect.fnUntraced(function* (
      bearer: Redacted.Redacted | undefined,
      request: HttpServerRequest.HttpServerRequest,
    ) {
      if (bearer !== undefined) return yield* sessions.verify(bearer)
      if (Result.isFailure(checkOrigin(request, site))) return yield* new SessionInvalid()
      return yield* cookieSession(request, sessions, site)
    })

    const actorOf = (bearer: Redacted.Redacted | undefined, request: HttpServerRequest.HttpServerRequest) =>
      signedIn(bearer, request).pipe(
        Effect.map(({ session, user }): Actor => ({ session, user, clientInfo: clientInfo(request) })),
        Effect.catchTag("SessionInvalid", () => Effect.succeed(null)),
      )

    const register = Effect.fnUntraced(function* (request: HttpServerRequest.HttpServerRequest) {
      const bearer = bearerToken(request)
      const isInitial = bearer !== undefined && Redacted.value(bearer).startsWith(`${prefixes.initialAccessToken}_`)
      const actor = isInitial ? null : yield* actorOf(bearer, request)
      // Whoever presents something means it: a token that opens nothing is not the same as none.
      const token = isInitial || (bearer !== undefined && actor === null) ? (bearer ?? null) : null
      const made = yield* registrations.register({
        metadata: yield* readJson(body, request),
        token,
        actor,
        clientInfo: clientInfo(request),
      })
      return json(toRegistered(made), { status: 201 })
    })

    return handlers.handleRaw("register", ({ request }) =>
      register(request).pipe(
        Effect.catchTags({
          OAuthError: (error) =>
            Effect.succeed(
              errorAnswer(error, error.code === "invalid_token" ? { "www-authenticate": challenge(request) } : {}),
            ),
          ClientMetadataInvalid: ({ code, member, description }) =>
            Effect.succeed(
              errorAnswer({ code, description: member === null ? description : `${member}: ${description}` }),
            ),
          RateLimited: (error) => Effect.succeed(limitedAnswer(error)),
          StoreError: unavailableAnswer,
        }),
      ),
    )
  }),
).pipe(seeing(ClientRegistrations, Sessions, Site, RequestBody))

// internal

/** RFC 6750 §3.1: who sent no credentials is told no error. */
const challenge = (request: HttpServerRequest.HttpServerRequest): string =>
  bearerToken(request) === undefined ? "Bearer" : 'Bearer error="invalid_token"'

const notJson = new OAuthError({ code: "invalid_request", description: "The body is not JSON (application/json)" })

const parseJson = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Json))

const maxSize = ByteSize.kibibytes(64)

const readJson = Effect.fnUntraced(function* (body: RequestBodyService, request: HttpServerRequest.HttpServerRequest) {
  const isJson = /^application\/json\s*(?:;|$)/iu.test(request.headers["content-type"] ?? "")
  if (!isJson) return yield* notJson
  const text = yield* Effect.mapError(
    body.text(request, maxSize),
    ({ message }) => new OAuthError({ code: "invalid_request", description: message }),
  )
  const parsed = parseJson(text)
  return Result.isSuccess(parsed) ? parsed.success : yield* notJson
})

const seconds = (millis: number): number => Math.floor(millis / 1000)

const toRegistered = ({ client, secret }: ClientWithSecret): Readonly<Record<string, Schema.Json>> => ({
  ...toWire(client.metadata),
  client_id: client.id,
  client_id_issued_at: seconds(client.createdAt.epochMilliseconds),
  ...(secret === null
    ? {}
    : {
        client_secret: Redacted.value(secret),
        client_secret_expires_at: seconds(client.secrets[0]?.expiresAt ?? 0),
      }),
})
