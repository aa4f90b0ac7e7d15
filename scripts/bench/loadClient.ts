/**
 * Program that puts load on a server from plain sockets: one request at a time on each connection, HTTP/1.1 kept alive.
 *
 * Argument: path of a JSON file with a `ClientLoad`. It prints a `LoadResult` as JSON. Requests are prepared as bytes
 * and answers are read no further than needed, so that the generator takes little of the core that it shares.
 */
import { readFileSync } from "node:fs"
import { connect } from "node:net"
import type { Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import type { ClientLoad, LoadResult } from "./load.ts"

const load: ClientLoad = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8"))
const timeoutMillis = (load.timeoutSeconds ?? 10) * 1000
const message = (start: string, headers: ReadonlyArray<string>, body = ""): Buffer =>
  Buffer.from([`${start} HTTP/1.1`, `Host: localhost:${load.port}`, ...headers, "", body].join("\r\n"), "latin1")
const requests =
  load.gets?.map(({ cookie, forwardedFor, path }) =>
    message(`GET ${path}`, [`Cookie: ${cookie}`, `X-Forwarded-For: ${forwardedFor}`]),
  ) ??
  load.posts?.map(({ body, cookie, forwardedFor, path = load.path }) =>
    message(
      `POST ${path}`,
      [
        "Content-Type: application/json",
        `Content-Length: ${body.length}`,
        `X-Forwarded-For: ${forwardedFor}`,
        ...(cookie === undefined ? [] : [`Cookie: ${cookie}`, `Origin: http://localhost:${load.port}`]),
      ],
      body,
    ),
  ) ??
  load.cookies.map((cookie) => message(`GET ${load.path}`, [`Cookie: ${cookie}`]))
const limit = Math.min(load.requests ?? Infinity, load.gets?.length ?? Infinity)
// A step that shares no factor with most table sizes, so that neighbours in time are not neighbours in the table.
const step = load.gets === undefined ? 7919 : 1

const latencies: Array<number> = []
let sent = 0
let badAnswers = 0
let socketErrors = 0
let timeouts = 0
let over = false
const isOver = () => over || sent >= limit

const nextRequest = (): Buffer => {
  const request = requests[(sent * step) % requests.length]
  if (request === undefined) throw new Error("nothing to send")
  sent += 1
  return request
}

/** Length of the whole answer at the start of `text`, or `undefined` while it is incomplete. */
const answerEnd = (text: string): number | undefined => {
  const headEnd = text.indexOf("\r\n\r\n")
  if (headEnd < 0) return undefined
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, headEnd))?.[1]
  if (length !== undefined) {
    const end = headEnd + 4 + Number(length)
    return text.length >= end ? end : undefined
  }
  // Chunked: with one request at a time, the last chunk ends what has been received.
  return text.endsWith("\r\n0\r\n\r\n") ? text.length : undefined
}

const statusLine = `HTTP/1.1 ${load.status ?? 2}`
const cookieLine = load.mustSet === undefined ? undefined : `\r\nset-cookie: ${load.mustSet}=`.toLowerCase()

/** Whether the answer sets the cookie to something: forgetting it looks much the same. */
const setsCookie = (text: string, line: string): boolean => {
  const at = text.toLowerCase().indexOf(line)
  return at >= 0 && text[at + line.length] !== ";"
}

const isGood = (text: string): boolean =>
  text.startsWith(statusLine) &&
  (load.mustContain === undefined || text.includes(load.mustContain)) &&
  (cookieLine === undefined || setsCookie(text, cookieLine))

/** Opens a connection; fails when it is refused. */
const open = (): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port: load.port, host: "127.0.0.1", noDelay: true })
    socket.setEncoding("latin1")
    socket.once("error", reject)
    socket.once("connect", () => {
      socket.off("error", reject)
      resolve(socket)
    })
  })

/** Sends one request, which counts from `started`, and waits for its answer; false when the connection is of no more use. */
const exchange = (socket: Socket, started: number): Promise<boolean> =>
  new Promise((resolve) => {
    let text = ""
    const finish = (usable: boolean) => {
      clearTimeout(timer)
      socket.off("data", onData)
      socket.off("error", onFailure)
      socket.off("close", onFailure)
      if (!usable) {
        socket.on("error", () => {})
        socket.destroy()
      }
      resolve(usable)
    }
    const timer = setTimeout(() => {
      timeouts += 1
      finish(false)
    }, timeoutMillis)
    const onFailure = () => {
      if (!over) socketErrors += 1
      finish(false)
    }
    const onData = (chunk: string) => {
      text += chunk
      if (answerEnd(text) === undefined) return
      latencies.push(performance.now() - started)
      if (!isGood(text)) badAnswers += 1
      finish(true)
    }
    socket.on("data", onData)
    socket.on("error", onFailure)
    socket.on("close", onFailure)
    socket.write(nextRequest())
  })

/** Keeps one connection busy until the end of the run. */
const keepBusy = async (first: Socket, index: number): Promise<void> => {
  let socket: Socket | undefined = first
  const everyMillis = load.rate === undefined ? 0 : (1000 * load.connections) / load.rate
  let due = performance.now() + (everyMillis * index) / load.connections
  while (!isOver()) {
    let overdueSince: number | undefined
    if (everyMillis > 0) {
      const wait = due - performance.now()
      if (wait > 0) await sleep(wait)
      // A timer that rings late is no fault of the server: only what a missing answer held up counts from when it was
      // due.
      else if (load.openLoop === true) overdueSince = due
      // Never in a burst after a pause unless asked for: what could not be sent in time is not sent.
      due = load.openLoop === true ? due + everyMillis : Math.max(due + everyMillis, performance.now())
      if (isOver()) break
    }
    try {
      socket ??= await open()
      if (!(await exchange(socket, overdueSince ?? performance.now()))) socket = undefined
    } catch {
      socketErrors += 1
      await sleep(100)
    }
  }
  socket?.destroy()
}

const sockets: Array<Socket> = []
// In groups: a thousand at once would measure the length of the listen queue.
while (sockets.length < load.connections) {
  const missing = Math.min(100, load.connections - sockets.length)
  const opened = await Promise.allSettled(Array.from({ length: missing }, open))
  for (const result of opened) {
    if (result.status === "fulfilled") sockets.push(result.value)
    else socketErrors += 1
  }
  if (socketErrors > load.connections) throw new Error(`port ${load.port} refuses connections`)
}

const started = performance.now()
let answeredInTime = 0
setTimeout(() => {
  over = true
  answeredInTime = latencies.length
}, load.seconds * 1000).unref()
await Promise.all(sockets.map(keepBusy))

const seconds = Math.min(performance.now() - started, load.seconds * 1000) / 1000
const counted = answeredInTime === 0 ? latencies.length : answeredInTime
const sorted = Float64Array.from(latencies).sort()
const percentile = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
const result: LoadResult = {
  requests: counted,
  seconds,
  p50: percentile(0.5),
  p99: percentile(0.99),
  badAnswers,
  socketErrors,
  timeouts,
}
process.stdout.write(`${JSON.stringify(result)}\n`)
