/**
 * Forms that clients post.
 */
import type { RequestBodyService } from "@belfry/core/RequestBodyHandlers"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
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
export const readForm = (
  body: RequestBodyService,
  request: HttpServerRequest.HttpServerRequest,
): Effect.Effect<Parameters.Parameters, OAuthError> =>
  isForm(request)
    ? Effect.matchEffect(body.text(request, maxSize), {
        onFailure: ({ message }) => Effect.fail(invalid(message)),
        onSuccess: parse,
      })
    : Effect.fail(invalid("The body is not a form (application/x-www-form-urlencoded)"))

// internal

const maxSize = ByteSize.kibibytes(64)

const parse = (text: string): Effect.Effect<Parameters.Parameters, OAuthError> => {
  const parameters = Parameters.make(new URLSearchParams(text))
  return Result.isSuccess(parameters)
    ? Effect.succeed(parameters.success)
    : Effect.fail(invalid(["A parameter is repeated", ...parameters.failure.names].join(": ")))
}

const invalid = (description: string): OAuthError => new OAuthError({ code: "invalid_request", description })
