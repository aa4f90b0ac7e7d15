/**
 * Forms that clients post.
 */
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Result from "effect/Result"
import { OAuthError } from "../OAuthError.ts"
import * as Parameters from "../Parameters.ts"

/** Whether a request has the content type of a form. */
export const isForm = (request: HttpServerRequest.HttpServerRequest): boolean =>
  /^application\/x-www-form-urlencoded\s*(?:;|$)/iu.test(request.headers["content-type"] ?? "")

/**
 * The fields of a form of at most 64 KiB, in which nothing stands twice that must not.
 *
 * @see [RFC 6749 §3.2](https://www.rfc-editor.org/rfc/rfc6749.html#section-3.2)
 */
export const readForm = Effect.fnUntraced(function* (
  request: HttpServerRequest.HttpServerRequest,
): Effect.fn.Return<Parameters.Parameters, OAuthError> {
  if (!isForm(request)) return yield* invalid("The body is not a form (application/x-www-form-urlencoded)")
  const text = yield* request.text.pipe(
    Effect.provideService(HttpServerRequest.MaxBodySize, ByteSize.kibibytes(64)),
    Effect.mapError(() => invalid("The body cannot be read, or is too large")),
  )
  const parameters = Parameters.make(new URLSearchParams(text))
  if (Result.isSuccess(parameters)) return parameters.success
  return yield* invalid(["A parameter is repeated", ...parameters.failure.names].join(": "))
})

// internal

const invalid = (description: string): OAuthError => new OAuthError({ code: "invalid_request", description })
