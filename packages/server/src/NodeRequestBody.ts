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
  text: (request, maxSize) =>
    Effect.suspend(() => {
      const message = NodeHttpServerRequest.toIncomingMessage(request)
      return message instanceof IncomingMessage && !message.readableDidRead && message.headers.expect === undefined
        ? readMessage(message, ByteSize.toNumberUnsafe(maxSize))
        : platform.text(request, maxSize)
    }),
})

// internal

const readMessage = (message: IncomingMessage, maxSize: number): Effect.Effect<string, BodyUnreadable> =>
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
      // What is left of it flows on to nobody; the platform ends it with the response.
      stop()
      message.on("error", () => {})
      resume(Effect.fail(new BodyUnreadable({})))
    }
    const onEnd = () => {
      stop()
      const [first] = chunks
      const bytes = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)
      resume(Effect.succeed(bytes.toString("utf8")))
    }
    const onBroken = (cause?: unknown) => {
      stop()
      resume(Effect.fail(new BodyUnreadable(cause === undefined ? {} : { cause })))
    }
    message.on("data", onData).on("end", onEnd).on("error", onBroken).on("close", onBroken)
    return Effect.sync(stop)
  })
