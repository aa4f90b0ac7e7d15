/**
 * A real PostgreSQL server of one's own, for tests and measurements: on a free port of the loopback interface, in a
 * temporary directory, and able to be killed and started again on the same data.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type ChildProcess, execFile, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import * as Fs from "node:fs/promises"
import * as Net from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { promisify } from "node:util"
import * as FreePort from "./FreePort.ts"
import * as PostgresBinaries from "./internal/postgresBinaries.ts"
import * as ProcessOwner from "./internal/processOwner.ts"

/**
 * What the server is and where it listens.
 *
 * **Details**
 *
 * - `port`: a free one by default.
 * - `which`: programs of the `machine`, of the `embedded` npm package, or `any`, the machine's before the embedded
 *   ones; by default what the environment variable `BELFRY_TEST_POSTGRES` says, else `any`.
 * - `settings`: server settings beside or over the defaults (`fsync=off`, 200 connections).
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly port?: number | undefined
  readonly which?: "any" | "machine" | "embedded" | undefined
  readonly settings?: Readonly<Record<string, string>> | undefined
}

/**
 * How a server goes away: `smart` waits for its clients, `fast` disconnects them, `immediate` is a crash.
 *
 * @category models
 * @since 0.1.0
 */
export type StopMode = "smart" | "fast" | "immediate"

/**
 * A server that was started, with what stops and starts it.
 *
 * **Details**
 *
 * `url` names the database `postgres` and the superuser with its password. `version` and `source` say what runs.
 * `directory` is the temporary directory that goes with the server; others may keep files in it.
 *
 * @category models
 * @since 0.1.0
 */
export interface PostgresServer {
  readonly url: string
  readonly port: number
  readonly version: string
  readonly source: string
  readonly directory: string
  /** Resolves when the server's process has ended; does nothing when it is down. */
  readonly stop: (mode?: StopMode) => Promise<void>
  /** Starts on the same data and port, after recovery where it was killed; does nothing when it is up. */
  readonly start: () => Promise<void>
  /** Kills the server and deletes its data. */
  readonly dispose: () => Promise<void>
}

/**
 * Creates a database cluster, starts a server on it, and resolves when it accepts connections.
 *
 * **Details**
 *
 * The server and its data go with `dispose`, and also when this process ends without it. Rejects with the server's
 * log when it does not start, and with the places searched when there is no server to start.
 *
 * @category constructors
 * @since 0.1.0
 */
export const start = async (options: Options = {}): Promise<PostgresServer> => {
  const binaries = await PostgresBinaries.find(options.which ?? whichByDefault())
  const owner = await ProcessOwner.find()
  const base = await Fs.mkdtemp(Path.join(Os.tmpdir(), "belfry-postgres-"))
  let watchdog: ChildProcess | undefined
  try {
    await ProcessOwner.give(base, owner)
    const directory = await ProcessOwner.reachable(binaries.directory, base, owner)
    const password = randomBytes(16).toString("hex")
    await createCluster({ base, directory, owner, password })
    const port = options.port ?? (await FreePort.find())
    watchdog = watch(base)
    const server = serverProcess({ base, directory, owner, port, settings: options.settings ?? {} })
    await server.start()
    return {
      ...server,
      url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
      port,
      version: binaries.version,
      source: binaries.source,
      directory: base,
      dispose: async () => {
        await server.stop("immediate")
        await Fs.rm(base, { recursive: true, force: true, maxRetries: 5 })
        watchdog?.stdin?.end()
      },
    }
  } catch (cause) {
    await Fs.rm(base, { recursive: true, force: true, maxRetries: 5 })
    watchdog?.stdin?.end()
    throw cause
  }
}

/**
 * Starts a server for as long as the scope lives.
 *
 * **Details**
 *
 * Dies when no server can be started: a test without its database has nothing to decide.
 *
 * @category constructors
 * @since 0.1.0
 */
export const acquire = (options: Options = {}): Effect.Effect<PostgresServer, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() => start(options)),
    (server) => Effect.promise(() => server.dispose()),
  )

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const execute = promisify(execFile)

const whichByDefault = (): "any" | "machine" | "embedded" => {
  const value = process.env["BELFRY_TEST_POSTGRES"] ?? ""
  if (value === "") return "any"
  if (value === "machine" || value === "embedded") return value
  throw new Error(`BELFRY_TEST_POSTGRES is "machine" or "embedded", not "${value}"`)
}

interface Cluster {
  readonly base: string
  readonly directory: string
  readonly owner: ProcessOwner.Owner
}

const createCluster = async ({ base, directory, owner, password }: Cluster & { readonly password: string }) => {
  const passwordFile = Path.join(base, "password")
  await Fs.writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
  await ProcessOwner.give(passwordFile, owner)
  await execute(
    PostgresBinaries.program(directory, "initdb"),
    [
      `--pgdata=${Path.join(base, "data")}`,
      "--username=postgres",
      `--pwfile=${passwordFile}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      "--no-locale",
      "--no-sync",
    ],
    { ...owner, cwd: base },
  )
  await Fs.rm(passwordFile)
}

const serverProcess = ({
  base,
  directory,
  owner,
  port,
  settings,
}: Cluster & { readonly port: number; readonly settings: Readonly<Record<string, string>> }) => {
  const data = Path.join(base, "data")
  const log = Path.join(base, "server.log")
  const flags = Object.entries({
    port: String(port),
    listen_addresses: "127.0.0.1",
    unix_socket_directories: process.platform === "win32" ? "" : base,
    fsync: "off",
    synchronous_commit: "off",
    full_page_writes: "off",
    max_connections: "200",
    ...settings,
  }).flatMap(([name, value]) => ["-c", `${name}=${value}`])
  let running: ChildProcess | undefined

  const startProcess = async (): Promise<void> => {
    if (running !== undefined) return
    const output = await Fs.open(log, "a")
    // In a session of its own: an interrupt from the keyboard is for the test run, which then stops the server.
    const child = spawn(PostgresBinaries.program(directory, "postgres"), ["-D", data, ...flags], {
      ...owner,
      cwd: base,
      detached: true,
      stdio: ["ignore", output.fd, output.fd],
    })
    await output.close()
    child.unref()
    running = child
    let failure: string | undefined
    child.once("error", (cause) => (failure = cause.message))
    child.once("exit", (code, signal) => {
      failure = `it ended with ${signal ?? code}`
      if (running === child) running = undefined
    })
    const deadline = Date.now() + 60_000
    while (!(await isReady(data, child.pid))) {
      if (failure === undefined && Date.now() < deadline) {
        await delay(20)
        continue
      }
      child.kill("SIGQUIT")
      const written = await Fs.readFile(log, "utf8").catch(() => "")
      throw new Error(`PostgreSQL did not start: ${failure ?? "not ready in time"}\n${written.slice(-4000)}`)
    }
  }

  const stop = async (mode: StopMode = "fast"): Promise<void> => {
    const child = running
    if (child === undefined) return
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()))
    // Until it has ended it must keep this process alive, which may have nothing else to do.
    child.ref()
    child.kill(signals[mode])
    await ended
  }

  return { start: startProcess, stop }
}

// PostgreSQL, "Shutting Down the Server": what each signal means to the postmaster.
const signals = { smart: "SIGTERM", fast: "SIGINT", immediate: "SIGQUIT" } as const

/** Reads the postmaster's own word: process id in the first line of its file, state in the eighth. */
const isReady = async (data: string, pid: number | undefined): Promise<boolean> => {
  const lines = (await Fs.readFile(Path.join(data, "postmaster.pid"), "utf8").catch(() => "")).split("\n")
  return lines[0] === String(pid) && lines[7]?.trim() === "ready"
}

/**
 * Starts a little process that waits for the end of this one, however it ends, and then kills the server and deletes
 * its directory. Windows has no such shell; there an interrupted run leaves the server behind.
 */
const watch = (base: string): ChildProcess | undefined => {
  if (process.platform === "win32") return undefined
  const script = `
    cat > /dev/null
    pid=$(head -n 1 "$1/data/postmaster.pid" 2> /dev/null)
    if [ -n "$pid" ]; then kill -QUIT "$pid"; n=0; while kill -0 "$pid" && [ $n -lt 100 ]; do sleep 0.1; n=$((n + 1)); done; fi
    rm -rf "$1"`
  const child = spawn("/bin/sh", ["-c", script, "watchdog", base], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  })
  child.unref()
  if (child.stdin instanceof Net.Socket) child.stdin.unref()
  return child
}
