/**
 * HTTP by hand: requests as bytes on a socket, and whatever comes back taken apart, because no client sends what a
 * server has to withstand.
 */
import * as Net from "node:net"

/** One response as it stood on the wire. Header names are in lower case; a repeated one is joined by `, `. */
export interface WireResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Whether the body came to its end as the headers said. */
  readonly isComplete: boolean
}

/** What became of a request: its responses, and how the connection ended. */
export interface Answer {
  readonly responses: ReadonlyArray<WireResponse>
  readonly ending: "answered" | "closed" | "reset" | "silent"
}

/** Tells whether the server refused the connection, which a stopped server does. */
export class ConnectionRefused extends Error {}

/**
 * Sends bytes on a connection of its own and reads until a final response is complete or the connection ends. `silent`
 * is an answer that did not come within `patience`.
 */
export const send = (
  port: number,
  request: Uint8Array,
  { isHead = false, patience = 10_000 }: { readonly isHead?: boolean; readonly patience?: number } = {},
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const chunks: Array<Buffer> = []
    const socket = Net.connect(port, "127.0.0.1", () => socket.write(request))
    socket.setNoDelay(true)
    const finish = (ending: Answer["ending"]) => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ responses: parse(Buffer.concat(chunks), isHead), ending })
    }
    const timer = setTimeout(() => finish("silent"), patience)
    socket.on("data", (chunk) => {
      chunks.push(chunk)
      const last = parse(Buffer.concat(chunks), isHead).at(-1)
      if (last !== undefined && last.status >= 200 && last.isComplete) finish("answered")
    })
    socket.on("error", (error) => {
      if ("code" in error && error.code === "ECONNREFUSED") {
        clearTimeout(timer)
        reject(new ConnectionRefused())
      } else finish("reset")
    })
    socket.on("close", () => finish("closed"))
  })

/** Parts of a request that is well-formed, or nearly. */
export interface WireRequest {
  readonly method?: string
  readonly path: string
  readonly headers?: ReadonlyArray<readonly [name: string, value: string | Uint8Array]>
  readonly body?: string | Uint8Array
}

/** Writes a request: `host`, `connection: close` and `content-length` go without saying unless they are given. */
export const encode = ({ method = "GET", path, headers = [], body }: WireRequest): Uint8Array => {
  const names = new Set(headers.map(([name]) => name.toLowerCase()))
  const bytes = typeof body === "string" ? Buffer.from(body) : body
  const all: Array<readonly [string, string | Uint8Array]> = [
    ...(names.has("host") ? [] : [["host", "localhost"] as const]),
    ...headers,
    ...(names.has("connection") ? [] : [["connection", "close"] as const]),
    ...(bytes === undefined || names.has("content-length") || names.has("transfer-encoding")
      ? []
      : [["content-length", String(bytes.length)] as const]),
  ]
  return Buffer.concat([
    Buffer.from(`${method} ${path} HTTP/1.1\r\n`, "latin1"),
    ...all.flatMap(([name, value]) => [
      Buffer.from(`${name}: `, "latin1"),
      typeof value === "string" ? Buffer.from(value, "latin1") : value,
      Buffer.from("\r\n"),
    ]),
    Buffer.from("\r\n"),
    bytes ?? Buffer.alloc(0),
  ])
}

/** Sends a request and answers its one response; rejects when there is none. */
export const fetch = async (port: number, request: WireRequest, patience?: number): Promise<WireResponse> => {
  const answer = await send(port, encode(request), {
    isHead: request.method === "HEAD",
    ...(patience === undefined ? {} : { patience }),
  })
  const response = answer.responses.at(-1)
  if (response === undefined)
    throw new Error(`${request.method ?? "GET"} ${request.path}: ${answer.ending}, no response`)
  return response
}

/** A JSON body with its header. */
export const json = (value: unknown): Pick<WireRequest, "body" | "headers"> & { readonly body: string } => ({
  headers: [["content-type", "application/json"]],
  body: JSON.stringify(value),
})

// internal

/** Takes apart as many responses as there are in the bytes; the last one may be incomplete. */
const parse = (bytes: Buffer, isHead: boolean): ReadonlyArray<WireResponse> => {
  const responses: Array<WireResponse> = []
  let rest = bytes
  while (true) {
    const end = rest.indexOf("\r\n\r\n")
    if (end < 0) return responses
    const [statusLine = "", ...lines] = rest.subarray(0, end).toString("latin1").split("\r\n")
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1] ?? 0)
    const headers: Record<string, string> = {}
    for (const line of lines) {
      const colon = line.indexOf(":")
      const name = line.slice(0, colon).toLowerCase()
      const value = line.slice(colon + 1).trim()
      headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`
    }
    const { body, length, isComplete } = bodyOf(rest.subarray(end + 4), status, headers, isHead)
    responses.push({ status, headers, body, isComplete })
    rest = rest.subarray(end + 4 + length)
  }
}

const bodyOf = (rest: Buffer, status: number, headers: Readonly<Record<string, string>>, isHead: boolean) => {
  if (status < 200 || status === 204 || status === 304 || isHead) return { body: "", length: 0, isComplete: true }
  if (headers["transfer-encoding"] === "chunked") return chunkedBody(rest)
  const length = Number(headers["content-length"] ?? 0)
  const body = rest.subarray(0, length)
  return { body: body.toString("utf8"), length: body.length, isComplete: body.length === length }
}

const chunkedBody = (rest: Buffer) => {
  const parts: Array<Buffer> = []
  let at = 0
  while (true) {
    const lineEnd = rest.indexOf("\r\n", at)
    if (lineEnd < 0) break
    const size = Number.parseInt(rest.subarray(at, lineEnd).toString("latin1"), 16)
    const start = lineEnd + 2
    if (Number.isNaN(size) || rest.length < start + size + 2) break
    parts.push(rest.subarray(start, start + size))
    at = start + size + 2
    if (size === 0) return { body: Buffer.concat(parts).toString("utf8"), length: at, isComplete: true }
  }
  return { body: Buffer.concat(parts).toString("utf8"), length: rest.length, isComplete: false }
}
