/**
 * An HTTP server on loopback that a test controls: it answers, and misbehaves, as it is told to.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo, Socket } from "node:net"

/**
 * A request that came, its form parsed.
 *
 * @category models
 * @since 0.1.0
 */
export interface Received {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage["headers"]
  readonly form: Readonly<Record<string, string>>
}

/**
 * Answers a request.
 *
 * @category models
 * @since 0.1.0
 */
export type Answer = (request: Received, response: ServerResponse) => void

/**
 * A server under control. A path without an answer is not found.
 *
 * @category models
 * @since 0.1.0
 */
export interface LocalServer {
  /** `http://127.0.0.1:port`. */
  readonly url: string
  /** All requests so far, in their order. */
  readonly requests: ReadonlyArray<Received>
  /** How many requests came for a path. */
  readonly countOf: (path: string) => number
  /** What the next requests of a path get; undefined takes that back. */
  readonly answer: (path: string, answer: Answer | undefined) => void
}

/**
 * Starts a server that stops with the scope.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<LocalServer, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.promise(() => start()),
    ({ stop }) => Effect.promise(stop),
  ),
  ({ server }) => server,
)

/**
 * Answers JSON.
 *
 * @category answers
 * @since 0.1.0
 */
export const json =
  (body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Answer =>
  (_, response) =>
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body))

/**
 * Answers a text of any type.
 *
 * @category answers
 * @since 0.1.0
 */
export const text =
  (body: string, type: string, status = 200): Answer =>
  (_, response) =>
    response.writeHead(status, { "content-type": type }).end(body)

/**
 * Answers with bytes.
 *
 * @category answers
 * @since 0.1.0
 */
export const bytes =
  (body: Uint8Array, headers: Readonly<Record<string, string>>): Answer =>
  (_, response) =>
    response.writeHead(200, headers).end(body)

/**
 * Redirects.
 *
 * @category answers
 * @since 0.1.0
 */
export const redirect =
  (location: string, status = 302): Answer =>
  (_, response) =>
    response.writeHead(status, { location }).end()

/**
 * Sends JSON that never ends.
 *
 * @category answers
 * @since 0.1.0
 */
export const endless: Answer = (_, response) => {
  response.writeHead(200, { "content-type": "application/json" })
  const chunk = `"${"a".repeat(16_384)}",`
  const more = () => {
    while (!response.destroyed && response.write(chunk));
  }
  response.on("drain", more)
  response.write("[")
  more()
}

/**
 * Takes the request and says nothing.
 *
 * @category answers
 * @since 0.1.0
 */
export const silent: Answer = () => {}

/**
 * Sends the head of an answer, and then nothing.
 *
 * @category answers
 * @since 0.1.0
 */
export const stalled: Answer = (_, response) => {
  response.writeHead(200, { "content-type": "application/json" }).write("{")
}

/**
 * Cuts the connection.
 *
 * @category answers
 * @since 0.1.0
 */
export const hangUp: Answer = (_, response) => {
  response.socket?.destroy()
}

// internal

const start = async () => {
  const requests: Array<Received> = []
  const answers = new Map<string, Answer>()
  const sockets = new Set<Socket>()

  const http = createServer((request, response) => {
    void receive(request).then((received) => {
      requests.push(received)
      return (answers.get(received.path) ?? notFound)(received, response)
    })
  })
  http.on("connection", (socket) => {
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve))
  // Sound: a server that listens on a port has an address of this form.
  const { port } = http.address() as AddressInfo

  const server: LocalServer = {
    url: `http://127.0.0.1:${port}`,
    requests,
    countOf: (path) => requests.filter((request) => request.path === path).length,
    answer: (path, answer) => (answer === undefined ? answers.delete(path) : answers.set(path, answer)),
  }
  const stop = () =>
    new Promise<void>((resolve) => {
      http.close(() => resolve())
      for (const socket of sockets) socket.destroy()
    })
  return { server, stop }
}

const notFound = text("no such page", "text/plain", 404)

const receive = async (request: IncomingMessage): Promise<Received> => {
  const url = new URL(request.url ?? "/", "http://localhost")
  const chunks: Array<Buffer> = []
  // Sound: without an encoding a request yields buffers.
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return {
    method: request.method ?? "",
    path: url.pathname,
    query: url.searchParams,
    headers: request.headers,
    form: Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString())),
  }
}
