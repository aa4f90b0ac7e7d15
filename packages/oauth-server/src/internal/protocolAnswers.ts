/**
 * Answers of protocol endpoints: JSON that nobody may keep, errors in the words of their RFCs.
 */
import type { RateLimited } from "@belfry/core/RateLimit"
import type { StoreError } from "@belfry/core/StoreError"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Schema from "effect/Schema"
import type { OAuthError, OAuthErrorCode } from "../OAuthError.ts"

/** RFC 6749 §5.1: what holds tokens is kept by nobody on the way. */
export const noStore = { "cache-control": "no-store", pragma: "no-cache" } as const

/** A JSON answer. */
export const json = (
  body: Schema.Json,
  options: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(JSON.stringify(body), {
    status: options.status ?? 200,
    contentType: "application/json",
    headers: { ...noStore, ...options.headers },
  })

/** The error of a protocol endpoint: `error` and `error_description`, and a challenge where one is asked for. */
export const errorAnswer = (
  error: Pick<OAuthError, "code" | "description">,
  headers: Readonly<Record<string, string>> = {},
): HttpServerResponse.HttpServerResponse =>
  json(
    { error: error.code, error_description: presentable(error.description) },
    { status: statusOf[error.code] ?? 400, headers },
  )

/** Too many requests; RFC 6585 §4. */
export const limitedAnswer = ({ retryAfter }: RateLimited): HttpServerResponse.HttpServerResponse =>
  errorAnswer({ code: "slow_down", description: "Too many requests" }, { "retry-after": String(retryAfter) })

/** A store could not answer: told to the log, and to the caller as something that passes. */
export const unavailableAnswer = (error: StoreError): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.as(
    Effect.annotateLogs(Effect.logError("A store could not answer", Cause.fail(error.cause)), {
      store: error.store,
      method: error.method,
      isRetryable: error.isRetryable,
    }),
    errorAnswer(
      { code: "temporarily_unavailable", description: "The server cannot answer at the moment" },
      { "retry-after": "1" },
    ),
  )

// internal

const statusOf: Partial<Record<OAuthErrorCode, number>> = {
  invalid_client: 401,
  invalid_token: 401,
  insufficient_scope: 403,
  access_denied: 403,
  slow_down: 429,
  temporarily_unavailable: 503,
}

/** RFC 6749 §5.2: the characters of a description. */
const presentable = (text: string): string => text.replaceAll(/[^\x20\x21\x23-\x5B\x5D-\x7E]/gu, " ")
