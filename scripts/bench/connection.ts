/** One HTTP/1.1 connection on a plain socket, kept alive, with one request at a time: little work for the load's core. */
import { connect } from "node:net"
import type { Socket } from "node:net"

const timeoutMillis = 10_000

/** Why a request got no answer. */
export class NoAnswer extends Error {
  readonly reason: "timeout" | "closed"
  constructor(reason: "timeout" | "closed") {
    super(`no answer: ${reason}`)
    this.reason = reason
  }
}

/** A connection. */
export interface Connection {
  /** Sends a whole request, and resolves with the whole answer, in Latin-1; fails with {@link NoAnswer}, and is then closed. */
  readonly send: (request: Buffer) => Promise<string>
  readonly close: () => void
}

/** A request as bytes; the body is ASCII. */
export const message = (start: string, headers: ReadonlyArray<string>, body = ""): Buffer =>
  Buffer.from([`${start} HTTP/1.1`, ...headers, "", body].join("\r\n"), "latin1")

/** A POST of a form. */
export const formPost = (port: number, path: string, authorization: string, body: string): Buffer =>
  message(
    `POST ${path}`,
    [
      `Host: localhost:${port}`,
      `Authorization: ${authorization}`,
      "Content-Type: application/x-www-form-urlencoded",
      `Content-Length: ${body.length}`,
    ],
    body,
  )

/** A browser's navigation. */
export const navigation = (port: number, path: string, cookie: string): Buffer =>
  message(`GET ${path}`, [
    `Host: localhost:${port}`,
    "Accept: text/html",
    ...(cookie === "" ? [] : [`Cookie: ${cookie}`]),
  ])

/** Whether `text` is a whole answer. */
const isWhole = (text: string): boolean => {
  const headEnd = text.indexOf("\r\n\r\n")
  if (headEnd < 0) return false
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, headEnd))?.[1]
  // Chunked: with one request at a time, the last chunk ends what has been received.
  return length === undefined ? text.endsWith("\r\n0\r\n\r\n") : text.length >= headEnd + 4 + Number(length)
}

/** The code in the `Location` of a redirect, as it is encoded there. */
export const codeIn = (answer: string): string | undefined =>
  /^HTTP\/1\.1 30[23] [^]*?\r\nlocation: [^\r]*[?&]code=([^&\r]+)/i.exec(answer)?.[1]

/** A member of a JSON answer of status 200 that holds a text without escapes. */
export const memberIn = (answer: string, name: string): string | undefined => {
  if (!answer.startsWith("HTTP/1.1 200 ")) return undefined
  const start = `"${name}":"`
  const at = answer.indexOf(start)
  return at < 0 ? undefined : answer.slice(at + start.length, answer.indexOf('"', at + start.length))
}

/** Opens a connection; fails when it is refused. */
export const open = (port: number): Promise<Connection> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true })
    socket.setEncoding("latin1")
    socket.once("error", reject)
    socket.once("connect", () => {
      socket.off("error", reject)
      // What goes wrong between two requests is found out by the next.
      socket.on("error", () => {})
      resolve({ send: (request) => exchange(socket, request), close: () => socket.destroy() })
    })
  })

const exchange = (socket: Socket, request: Buffer): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = ""
    const stop = () => {
      clearTimeout(timer)
      socket.off("data", onData)
      socket.off("close", onClose)
    }
    const fail = (reason: "timeout" | "closed") => {
      stop()
      socket.destroy()
      reject(new NoAnswer(reason))
    }
    const onClose = () => fail("closed")
    const onData = (chunk: string) => {
      text += chunk
      if (!isWhole(text)) return
      stop()
      resolve(text)
    }
    const timer = setTimeout(() => fail("timeout"), timeoutMillis)
    socket.on("data", onData)
    socket.on("close", onClose)
    if (socket.destroyed) fail("closed")
    else socket.write(request)
  })
