/**
 * The body of an HTTP request as text, and how this runtime reads it.
 *
 * @since 0.1.0
 */
import type * as ByteSize from "effect/ByteSize"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Schema from "effect/Schema"

/**
 * A body that ended before it was whole, is larger than it may be, or cannot be read at all.
 *
 * @category errors
 * @since 0.1.0
 */
export class BodyUnreadable extends Schema.TaggedError<BodyUnreadable>("@belfry/core/BodyUnreadable")(
  "BodyUnreadable",
  { cause: Schema.optionalKey(Schema.Defect()) },
) {
  override get message(): string {
    return "The body cannot be read, or is too large"
  }
}

/**
 * How this runtime reads a body.
 *
 * @category models
 * @since 0.1.0
 */
export interface RequestBodyService {
  /** The whole body as UTF-8, once for each request. */
  readonly text: (
    request: HttpServerRequest.HttpServerRequest,
    maxSize: ByteSize.ByteSize,
  ) => Effect.Effect<string, BodyUnreadable>
}

/**
 * How this runtime reads a body: as the platform does, unless a host provides another way.
 *
 * @category services
 * @since 0.1.0
 */
export const RequestBody = Context.Reference<RequestBodyService>("@belfry/core/RequestBody", {
  defaultValue: () => platform,
})

/**
 * Reads bodies as the platform does.
 *
 * @category constructors
 * @since 0.1.0
 */
export const platform: RequestBodyService = {
  text: (request, maxSize) =>
    request.text.pipe(
      Effect.provideService(HttpServerRequest.MaxBodySize, maxSize),
      Effect.mapError((cause) => new BodyUnreadable({ cause })),
    ),
}
