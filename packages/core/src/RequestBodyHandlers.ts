/**
 * The body of an HTTP request, as bytes or as text, and how this runtime reads it.
 *
 * @since 0.1.0
 */
import type * as ByteSize from "effect/ByteSize"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Schema from "effect/Schema"

/**
 * A body that cannot be had: it is larger than it may be (`too-large`), or it ended before it was whole, was never
 * there to be read, or cannot be read at all (`broken`).
 *
 * @category errors
 * @since 0.1.0
 */
export class BodyUnreadable extends Schema.TaggedError<BodyUnreadable>("@belfry/core/BodyUnreadable")(
  "BodyUnreadable",
  { reason: Schema.Literals(["too-large", "broken"]), cause: Schema.optionalKey(Schema.Defect()) },
) {
  override get message(): string {
    return this.reason === "too-large" ? "The body is too large" : "The body cannot be read"
  }
}

/**
 * How this runtime reads a body, once for each request: nothing of it is kept for whoever reads it again.
 *
 * @category models
 * @since 0.1.0
 */
export interface RequestBodyService {
  /** The whole body, of `maxSize` bytes at most. */
  readonly bytes: (
    request: HttpServerRequest.HttpServerRequest,
    maxSize: ByteSize.ByteSize,
  ) => Effect.Effect<Uint8Array, BodyUnreadable>
  /** The bytes as UTF-8: U+FFFD stands for what is none, and a byte order mark for itself. */
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
 * Reads bodies by their bytes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (bytes: RequestBodyService["bytes"]): RequestBodyService => ({
  bytes,
  text: (request, maxSize) => Effect.map(bytes(request, maxSize), (read) => decoder.decode(read)),
})

/**
 * Reads bodies as the platform does.
 *
 * @category constructors
 * @since 0.1.0
 */
export const platform: RequestBodyService = make((request, maxSize) =>
  request.arrayBuffer.pipe(
    Effect.provideService(HttpServerRequest.MaxBodySize, maxSize),
    Effect.mapBoth({
      onFailure: (cause) => {
        const isTooLarge = cause.reason._tag === "RequestParseError" && cause.reason.reason === "BodyTooLarge"
        return new BodyUnreadable({ reason: isTooLarge ? "too-large" : "broken", cause })
      },
      onSuccess: (buffer) => new Uint8Array(buffer),
    }),
  ),
)

// internal

const decoder = new TextDecoder("utf-8", { ignoreBOM: true })
