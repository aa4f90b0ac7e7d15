/**
 * Bodies on Node, as they come over the wire: whole, in pieces, too large, cut off, read twice.
 */
import { type BodyUnreadable, platform, RequestBody } from "@belfry/core/RequestBodyHandlers"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { assert, describe, it } from "@effect/vitest"
import { ByteSize, Deferred, Effect, Layer, Queue } from "effect"
import { HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Http from "node:http"
import * as Net from "node:net"
import * as NodeRequestBody from "../src/NodeRequestBody.ts"

const maxSize = ByteSize.bytes(10)

/** Serves `/once` and `/twice`, which answer the body or 400, and more routes if any; answers the port. */
const serve = Effect.fnUntraced(function* (more: Layer.Layer<never, never, HttpRouter.HttpRouter> = Layer.empty) {
  const body = yield* Effect.provide(RequestBody, NodeRequestBody.layer)
  const read = Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => body.text(request, maxSize))
  const answered = (text: Effect.Effect<string, BodyUnreadable, HttpServerRequest.HttpServerRequest>) =>
    Effect.match(text, {
      onFailure: ({ reason }) => HttpServerResponse.text(reason, { status: 400 }),
      onSuccess: (found) => HttpServerResponse.text(found),
    })
  const routes = Layer.mergeAll(
    HttpRouter.add("POST", "/once", answered(read)),
    HttpRouter.add("POST", "/twice", answered(Effect.zipWith(read, read, (one, other) => `${one}|${other}`))),
    more,
  )
  const context = yield* Layer.build(
    HttpRouter.serve(routes, { disableListenLog: true, disableLogger: true }).pipe(
      Layer.provideMerge(NodeHttpServer.layer(() => Http.createServer(), { port: 0 })),
    ),
  )
  const { address } = yield* Effect.provideContext(HttpServer.HttpServer, context)
  return "port" in address ? address.port : assert.fail("no port")
})

/** Writes pieces one after the other, each when the one before has gone out, and reads to the end. */
const exchange = (port: number, pieces: ReadonlyArray<string | Uint8Array>, isCut = false) =>
  Effect.promise(
    () =>
      new Promise<string>((resolve) => {
        let answer = ""
        const socket = Net.connect(port, "127.0.0.1", async () => {
          socket.setNoDelay(true)
          for (const piece of pieces) {
            await new Promise((written) => socket.write(piece, written))
            await new Promise((later) => setImmediate(later))
          }
          if (isCut) socket.destroy()
        })
        socket.on("data", (chunk) => (answer += chunk.toString()))
        socket.on("error", () => undefined)
        socket.on("close", () => resolve(answer))
      }),
  )

const head = (path: string, headers: string) =>
  `POST ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${headers}\r\n\r\n`

const statusOf = (answer: string): number => Number(answer.split(" ")[1])
const bodyOf = (answer: string): string => answer.slice(answer.indexOf("\r\n\r\n") + 4)

describe("a body on Node", () => {
  it.live("is read whole, in one piece or many, characters torn apart included", () =>
    Effect.gen(function* () {
      const port = yield* serve()
      const text = new TextEncoder().encode("ä€😀")
      for (const pieces of [[text], [...text].map((byte) => Uint8Array.of(byte))]) {
        const answer = yield* exchange(port, [head("/once", `content-length: ${text.length}`), ...pieces])
        assert.deepStrictEqual([statusOf(answer), bodyOf(answer)], [200, "ä€😀"])
      }
      assert.strictEqual(bodyOf(yield* exchange(port, [head("/once", "content-length: 0")])), "")
    }).pipe(Effect.scoped),
  )

  it.live("is read up to its limit, whether or not it says how long it is", () =>
    Effect.gen(function* () {
      const port = yield* serve()
      const chunked = (size: number) => [
        head("/once", "transfer-encoding: chunked"),
        ...Array.from({ length: size }, () => "1\r\nx\r\n"),
        "0\r\n\r\n",
      ]
      const whole = (size: number) => [head("/once", `content-length: ${size}`), "x".repeat(size)]
      for (const request of [chunked, whole]) {
        assert.strictEqual(statusOf(yield* exchange(port, request(10))), 200)
        const answer = yield* exchange(port, request(11))
        assert.deepStrictEqual([statusOf(answer), bodyOf(answer)], [400, "too-large"])
      }
    }).pipe(Effect.scoped),
  )

  it.live("that is cut off takes nobody along", () =>
    Effect.gen(function* () {
      const port = yield* serve()
      yield* exchange(port, [head("/once", "content-length: 5"), "ab"], true)
      const answer = yield* exchange(port, [head("/once", "content-length: 2"), "ab"])
      assert.strictEqual(bodyOf(answer), "ab")
    }).pipe(Effect.scoped),
  )

  it.live("that is cut off fails, where nothing else tells that nobody is there", () =>
    Effect.gen(function* () {
      const outcome = yield* Deferred.make<string, BodyUnreadable>()
      const port = yield* serve(
        HttpRouter.add("POST", "/held", (request) =>
          Effect.gen(function* () {
            const body = yield* Effect.provide(RequestBody, NodeRequestBody.layer)
            yield* Deferred.into(body.text(request, maxSize), outcome)
            return HttpServerResponse.empty()
          }).pipe(Effect.uninterruptible),
        ),
      )
      yield* exchange(port, [head("/held", "content-length: 5"), "ab"], true)
      assert.strictEqual((yield* Effect.flip(Deferred.await(outcome))).reason, "broken")
    }).pipe(Effect.scoped),
  )

  it.live("that was cut off before anybody read it fails at once, and waits for no end that never comes", () =>
    Effect.gen(function* () {
      for (const headers of ["content-length: 5", "content-length: 5\r\nexpect: 100-continue"]) {
        const outcome = yield* Deferred.make<string, BodyUnreadable>()
        const port = yield* serve(
          HttpRouter.add("POST", "/late", (request) =>
            Effect.gen(function* () {
              const body = yield* Effect.provide(RequestBody, NodeRequestBody.layer)
              const message = NodeHttpServerRequest.toIncomingMessage(request)
              yield* Effect.callback<void>((resume) => void message.once("close", () => resume(Effect.void)))
              yield* Deferred.into(body.text(request, maxSize), outcome)
              return HttpServerResponse.empty()
            }).pipe(Effect.uninterruptible),
          ),
        )
        yield* exchange(port, [head("/late", headers), "ab"], true)
        assert.strictEqual((yield* Effect.flip(Deferred.await(outcome))).reason, "broken", headers)
      }
    }).pipe(Effect.scoped),
  )

  it.live("is had as bytes, too, as they are", () =>
    Effect.gen(function* () {
      const port = yield* serve(
        HttpRouter.add("POST", "/bytes", (request) =>
          Effect.gen(function* () {
            const body = yield* Effect.provide(RequestBody, NodeRequestBody.layer)
            return yield* Effect.match(body.bytes(request, maxSize), {
              onFailure: ({ reason }) => HttpServerResponse.text(reason, { status: 400 }),
              onSuccess: (bytes) => HttpServerResponse.text([...bytes].join(" ")),
            })
          }),
        ),
      )
      const sent = (...bytes: ReadonlyArray<number>) =>
        Effect.map(exchange(port, [head("/bytes", `content-length: ${bytes.length}`), Uint8Array.from(bytes)]), bodyOf)
      assert.strictEqual(yield* sent(0xef, 0xbb, 0xbf, 0x61, 0xff, 0x00), "239 187 191 97 255 0")
      assert.strictEqual(yield* sent(...Array.from({ length: 11 }, () => 0x61)), "too-large")
    }).pipe(Effect.scoped),
  )

  it.live("is UTF-8, of which no byte goes without a trace", () =>
    Effect.gen(function* () {
      const port = yield* serve()
      const answer = yield* exchange(port, [
        head("/once", "content-length: 6"),
        Uint8Array.of(0xef, 0xbb, 0xbf, 0x61, 0xff, 0x62),
      ])
      assert.strictEqual(bodyOf(answer), "\uFEFFa\uFFFDb")
    }).pipe(Effect.scoped),
  )

  it.live("is listened to no longer than it is read: to its end, to its limit, or until its reader goes away", () =>
    Effect.gen(function* () {
      const heard = yield* Queue.unbounded<ReadonlyArray<number>>()
      const port = yield* serve(
        HttpRouter.add("POST", "/heard", (request) =>
          Effect.gen(function* () {
            const body = yield* Effect.provide(RequestBody, NodeRequestBody.layer)
            const message = NodeHttpServerRequest.toIncomingMessage(request)
            const listeners = () => ["data", "end", "error", "close"].map((event) => message.listenerCount(event))
            const before = listeners()
            yield* Effect.ignore(Effect.timeout(body.text(request, maxSize), "200 millis"))
            yield* Queue.offer(
              heard,
              listeners().map((count, index) => count - (before[index] ?? 0)),
            )
            return HttpServerResponse.empty()
          }),
        ),
      )
      for (const text of ["x".repeat(5), "x".repeat(11), "x"]) {
        const length = Math.max(text.length, 5)
        yield* Effect.forkChild(exchange(port, [head("/heard", `content-length: ${length}`), text]))
        assert.deepStrictEqual(yield* Queue.take(heard), [0, 0, 0, 0])
      }
    }).pipe(Effect.scoped),
  )

  it.live("that is too large and cut off takes nobody along", () =>
    Effect.gen(function* () {
      const port = yield* serve()
      yield* exchange(port, [head("/once", "content-length: 500"), "x".repeat(11), "x"], true)
      assert.strictEqual(bodyOf(yield* exchange(port, [head("/once", "content-length: 2"), "ab"])), "ab")
    }).pipe(Effect.scoped),
  )

  it.live("that waits for leave to be sent gets it", () =>
    Effect.gen(function* () {
      const port = yield* serve()
      const answer = yield* exchange(port, [head("/once", "content-length: 2\r\nexpect: 100-continue"), "ab"])
      assert.isTrue(answer.startsWith("HTTP/1.1 100 Continue\r\n"), answer)
      assert.isTrue(answer.endsWith("ab"), answer)
    }).pipe(Effect.scoped),
  )

  it.live("that was read already is left to the platform, and hangs nobody", () =>
    Effect.gen(function* () {
      const port = yield* serve()
      const answer = yield* exchange(port, [head("/twice", "content-length: 2"), "ab"])
      assert.deepStrictEqual([statusOf(answer), bodyOf(answer)], [200, "ab|"])
    }).pipe(Effect.scoped),
  )

  it.effect("of a request that did not come from there is read by the platform", () =>
    Effect.gen(function* () {
      const request = (text: string) =>
        HttpServerRequest.fromWeb(new Request("http://localhost/", { method: "POST", body: text }))
      const body = yield* RequestBody
      assert.strictEqual(yield* body.text(request("ab"), maxSize), "ab")
      assert.deepStrictEqual(yield* body.bytes(request("ab"), maxSize), Uint8Array.of(0x61, 0x62))
      const reasons = Effect.fnUntraced(function* (read: () => HttpServerRequest.HttpServerRequest) {
        const text = yield* Effect.flip(body.text(read(), maxSize))
        const bytes = yield* Effect.flip(body.bytes(read(), maxSize))
        return [text.reason, bytes.reason]
      })
      assert.deepStrictEqual(yield* reasons(() => request("x".repeat(11))), ["too-large", "too-large"])
      const cut = () =>
        HttpServerRequest.fromWeb(
          new Request("http://localhost/", {
            method: "POST",
            body: new ReadableStream({ start: (controller) => controller.error(new Error("cut off")) }),
            duplex: "half",
          }),
        )
      assert.deepStrictEqual(yield* reasons(cut), ["broken", "broken"])
      assert.strictEqual(yield* platform.text(request("ab"), maxSize), "ab")
    }).pipe(Effect.provide(NodeRequestBody.layer)),
  )
})
