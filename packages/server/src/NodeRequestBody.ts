/**
 * Bodies on Node, read from the message itself.
 *
 * The platform goes by a stream of its own, whose set-up and clean-up cost more than all else that happens to the small
 * form of a token request.
 *
 * @since 0.1.0
 */
import { BodyUnreadable, platform, RequestBody } from "@belfry/core/RequestBodyHandlers"
import * as ByteSize from "effect/ByteSize"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Layer from "effect/Layer"
import { IncomingMessage } from "node:http"

/**
 * `RequestBody` over `node:http`. What was not read from there, was read in part already, or waits for `100 Continue`
 * is left to the platform.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.succeed(RequestBody, {
  bytes: (request, maxSize) => read(request, maxSize, (bytes): Uint8Array => bytes, platform.bytes),
  // Decoded where the message ends: another step is one that every token request would take.
  text: (request, maxSize) => read(request, maxSize, (bytes) => bytes.toString("utf8"), platform.text),
})

// internal

const read = <A>(
  request: HttpServerRequest.HttpServerRequest,
  maxSize: ByteSize.ByteSize,
  finish: (bytes: Buffer) => A,
  otherwise: (
    request: HttpServerRequest.HttpServerRequest,
    maxSize: ByteSize.ByteSize,
  ) => Effect.Effect<A, BodyUnreadable>,
): Effect.Effect<A, BodyUnreadable> =>
  Effect.suspend(() => {
    const message = NodeHttpServerRequest.toIncomingMessage(request)
    if (!(message instanceof IncomingMessage) || message.readableDidRead) return otherwise(request, maxSize)
    // Nothing more is heard of it, not even that it ended.
    if (message.destroyed) return Effect.fail(broken(message.errored ?? undefined))
    return message.headers.expect === undefined
      ? readMessage(message, ByteSize.toNumberUnsafe(maxSize), finish)
      : otherwise(request, maxSize)
  })

const readMessage = <A>(
  message: IncomingMessage,
  maxSize: number,
  finish: (bytes: Buffer) => A,
): Effect.Effect<A, BodyUnreadable> =>
  Effect.callback((resume) => {
    const chunks: Array<Buffer> = []
    let size = 0
    const stop = () => {
      message.off("data", onData).off("end", onEnd).off("error", onBroken).off("close", onBroken)
    }
    const onData = (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.length
      if (size <= maxSize) return
      // What is left of it flows on to nobody; the platform ends it with the response. A message that breaks off later
      // tells so by an error only where somebody listens.
      stop()
      resume(Effect.fail(new BodyUnreadable({ reason: "too-large" })))
    }
    const onEnd = () => {
      stop()
      const [first] = chunks
      const bytes = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)
      resume(Effect.succeed(finish(bytes)))
    }
    const onBroken = (cause?: unknown) => {
      stop()
      resume(Effect.fail(broken(cause)))
    }
    message.on("data", onData).on("end", onEnd).on("error", onBroken).on("close", onBroken)
    return Effect.sync(stop)
  })

const broken = (cause: unknown): BodyUnreadable =>
  new BodyUnreadable({ reason: "broken", ...(cause === undefined ? {} : { cause }) })
