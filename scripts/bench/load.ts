/**
 * Load on a contender, always from another process than the server's and the bench's.
 *
 * Two generators: `wrk` where it is installed, for throughput; and `loadClient.ts`, plain sockets from Node, wherever a
 * check of each answer, an exact number of requests, a rate, or a breakdown of the failures is wanted, and for
 * throughput too where there is no `wrk`. Its times are in microseconds inside, which a latency bar of 20 % needs.
 */
import { spawn, spawnSync } from "node:child_process"
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Target } from "./contenders/contender.ts"
import { temporaryDirectory } from "./processes.ts"
import type { Cores } from "./processes.ts"

/** What a run of load measured. */
export interface LoadResult {
  readonly requests: number
  readonly seconds: number
  /** Latency at percentiles 50 and 99, in milliseconds. */
  readonly p50: number
  readonly p99: number
  /** Answers of another status, without `mustContain`, or without `mustSet`. */
  readonly badAnswers: number
  readonly socketErrors: number
  readonly timeouts: number
}

/**
 * A JSON body to post, and the address that the client has according to the proxy that passes it on; and where to, and
 * by whom from a page of the server itself, unless it is the path of the load and nobody.
 */
export interface Post {
  readonly body: string
  readonly forwardedFor: string
  readonly path?: string
  /** Value of the `Cookie` header. */
  readonly cookie?: string
}

/** A GET of its own path with its own cookies, from an address as in {@link Post}. */
export interface Get {
  readonly path: string
  /** Value of the `Cookie` header. */
  readonly cookie: string
  readonly forwardedFor: string
}

/** An address for the client of number `n`, of the networks for benchmarks (RFC 2544), 198.18.0.0/15. */
export const clientAddress = (n: number): string => `198.${18 + ((n >> 16) & 1)}.${(n >> 8) & 255}.${n & 255}`

/** A run of `loadClient.ts`: GETs of `path` with the `cookies` in turns, unless `posts` or `gets` say otherwise. */
export interface ClientLoad extends Target {
  /** What to post, in turns. */
  readonly posts?: ReadonlyArray<Post>
  /** What to get, each once and in this order; the run ends after the last. */
  readonly gets?: ReadonlyArray<Get>
  readonly connections: number
  /** Ends after that time, unless `requests` ends it before. */
  readonly seconds: number
  /** Ends after that many requests. */
  readonly requests?: number
  /** Requests per second over all connections; as fast as answers come unless given. */
  readonly rate?: number
  /**
   * With a `rate`: a request that is due while its connection still waits for an answer is sent late and counts from
   * when it was due. So a server that stops for a while is not spared the requests of that while; without it they are
   * not sent.
   */
  readonly openLoop?: boolean
  /** Status that each answer must have; any 2xx unless given. */
  readonly status?: number
  /** Text that each answer must have in its body. */
  readonly mustContain?: string
  /** Name of a cookie that each answer must set. */
  readonly mustSet?: string
  /** Time after which an unanswered request counts as timed out. */
  readonly timeoutSeconds?: number
}

const program = join(import.meta.dirname, "loadClient.ts")

/** Runs a command and returns its stdout, or fails with its stderr. */
export const run = (cores: string | undefined, command: string, args: ReadonlyArray<string>): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = cores === undefined ? spawn(command, args) : spawn("taskset", ["-c", cores, command, ...args])
    let out = ""
    let err = ""
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (out += chunk))
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (err += chunk))
    child.on("error", reject)
    child.on("close", (code) =>
      code === 0 ? resolve(out) : reject(new Error(`${command} ended with ${code}:\n${err}${out}`)),
    )
  })

let directory: string | undefined
let files = 0

/** Runs `use` with a file that holds `text`. */
const withFile = async <A>(suffix: string, text: string, use: (path: string) => Promise<A>): Promise<A> => {
  directory ??= temporaryDirectory("belfry-bench-load-")
  files += 1
  const path = join(directory, `${files}${suffix}`)
  writeFileSync(path, text)
  try {
    return await use(path)
  } finally {
    rmSync(path)
  }
}

const lastJson = (output: string): LoadResult => JSON.parse(output.trimEnd().split("\n").at(-1) ?? "")

/** Puts load on `load.port` from plain sockets in another Node process. */
export const clientLoad = (cores: Cores | undefined, load: ClientLoad): Promise<LoadResult> =>
  withFile(".json", JSON.stringify(load), async (path) =>
    lastJson(await run(cores?.others, process.execPath, [program, path])),
  )

// Requests are built once; `request()` only takes the next. `done` reports in microseconds, here made milliseconds.
const wrkScript = (target: Target): string => `
local requests = {}
local cookies = {${target.cookies.map((cookie) => JSON.stringify(cookie)).join(",")}}
function init()
  for i, cookie in ipairs(cookies) do
    requests[i] = wrk.format("GET", ${JSON.stringify(target.path)}, { ["Host"] = "localhost:${target.port}", ["Cookie"] = cookie })
  end
end
local i = 0
function request()
  i = i % #requests + 1
  return requests[i]
end
function done(summary, latency)
  local e = summary.errors
  print(string.format(
    '{"requests":%d,"seconds":%f,"p50":%f,"p99":%f,"badAnswers":%d,"socketErrors":%d,"timeouts":%d}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.status, e.connect + e.read + e.write, e.timeout))
end
`

const wrkLoad = (cores: Cores | undefined, target: Target, connections: number, seconds: number) =>
  withFile(".lua", wrkScript(target), async (path) =>
    lastJson(
      await run(cores?.others, "wrk", [
        "-t1",
        `-c${connections}`,
        `-d${seconds}s`,
        "--timeout",
        "10s",
        "-s",
        path,
        `http://127.0.0.1:${target.port}`,
      ]),
    ),
  )

/** Load that is prepared: to call it sends it. */
export type ReadyLoad = () => Promise<LoadResult>

/** A generator of throughput. */
export interface Generator<in A = Target> {
  readonly name: string
  /** Prepares as many requests as `connections` connections, each with one request at a time, get answered. */
  readonly prepare: (target: A, connections: number, seconds: number) => Promise<ReadyLoad>
}

/** The best generator of this machine. */
export const detectGenerator = (cores: Cores | undefined): Generator => {
  const wrk = spawnSync("wrk", ["--version"], { encoding: "utf8" })
  return wrk.error === undefined
    ? {
        name: "wrk",
        prepare:
          async (...run) =>
          () =>
            wrkLoad(cores, ...run),
      }
    : {
        name: "loadClient.ts",
        prepare:
          async ({ cookies, path, port }, connections, seconds) =>
          () =>
            clientLoad(cores, { port, path, cookies, connections, seconds }),
      }
}
