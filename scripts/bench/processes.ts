/**
 * Processes of a bench: started in their own environment, pinned to cores where the machine can, watched and stopped.
 *
 * With `taskset` on Linux and two cores or more, the server under test has the first core for itself, and PostgreSQL
 * and the load generator share the others; elsewhere the scheduler decides, and the report says so.
 */
import { spawn, spawnSync } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { setMaxListeners } from "node:events"
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** Which cores the server and everything else get, as lists that `taskset -c` takes. */
export interface Cores {
  readonly server: string
  readonly others: string
}

/** Expands a core list such as `0,2-4`. */
const expandCores = (list: string): ReadonlyArray<number> =>
  list.split(",").flatMap((part) => {
    const [first = 0, last = first] = part.split("-").map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })

/** The cores to pin to, or `undefined` where pinning is not possible. */
export const detectCores = (): Cores | undefined => {
  const taskset = spawnSync("taskset", ["-cp", String(process.pid)], { encoding: "utf8" })
  if (taskset.status !== 0) return undefined
  const [server, ...others] = expandCores(taskset.stdout.slice(taskset.stdout.lastIndexOf(":") + 1).trim())
  return server === undefined || others.length === 0 ? undefined : { server: String(server), others: others.join(",") }
}

/** Tells which processes have which cores. */
export const pinningNote = (cores: Cores | undefined): string =>
  cores === undefined
    ? "processes share all cores"
    : `pinned: server to core ${cores.server}, PostgreSQL and load to core ${cores.others}`

/** How to start a process. */
export interface Start {
  /** Name of its log file. */
  readonly name: string
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
  /** Core list to pin it to. */
  readonly cores?: string | undefined
  /** Where its log is written. */
  readonly logDirectory: string
  readonly cwd?: string
}

/** A started process. */
export interface Running {
  readonly pid: number
  /** Whether it has ended, and how. */
  readonly ended: () => string | undefined
  /** The end of what it wrote to stdout and stderr. */
  readonly logTail: () => string
  /** Sends the signal (SIGTERM unless given), SIGKILL after 15 seconds, and waits for the end. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<void>
}

// Only what a program needs to start: ambient settings would make two machines measure two different things.
const baseEnvironment = (): Record<string, string> => ({
  PATH: process.env["PATH"] ?? "",
  HOME: process.env["HOME"] ?? "/",
  NODE_ENV: "production",
})

const running = new Set<ChildProcess>()

const directories = new Set<string>()

/** Makes a directory that lives as long as the bench. */
export const temporaryDirectory = (prefix: string): string => {
  const directory = mkdtempSync(join(tmpdir(), prefix))
  directories.add(directory)
  return directory
}

/** Kills what still runs and removes what is left: for the end of the bench, an untimely one too. */
export const cleanUp = (): void => {
  for (const child of running) child.kill("SIGKILL")
  for (const directory of directories) rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
}

/** Starts a process with its output in a log file, so that reading it costs the bench nothing. */
export const start = (options: Start): Running => {
  mkdirSync(options.logDirectory, { recursive: true })
  const logFile = join(options.logDirectory, `${options.name}.log`)
  const log = openSync(logFile, "a")
  const pinned = options.cores !== undefined
  const child = spawn(
    pinned ? "taskset" : options.command,
    pinned ? ["-c", options.cores, options.command, ...options.args] : options.args,
    {
      env: { ...baseEnvironment(), ...options.env },
      stdio: ["ignore", log, log],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    },
  )
  closeSync(log)
  running.add(child)
  let end: string | undefined
  const ended = new Promise<void>((resolve) => {
    const finish = (how: string) => {
      end ??= how
      running.delete(child)
      resolve()
    }
    child.on("exit", (code, signal) => finish(signal ?? `exit code ${code}`))
    child.on("error", (error) => finish(error.message))
  })
  return {
    pid: child.pid ?? -1,
    ended: () => end,
    logTail: () => readFileSync(logFile, "utf8").slice(-4000),
    stop: async (signal = "SIGTERM") => {
      if (end !== undefined) return
      child.kill(signal)
      const kill = setTimeout(() => child.kill("SIGKILL"), 15_000)
      await ended
      clearTimeout(kill)
    },
  }
}

/**
 * Waits until `url` answers 200, or fails with the process's log when it ends or stays silent for a minute.
 *
 * Attempts do not wait for each other: one that came too early and is never answered must not hide that a later one is.
 */
export const waitFor200 = (process: Running, url: string, everyMillis: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const attempts = new AbortController()
    setMaxListeners(0, attempts.signal)
    const limit = performance.now() + 60_000
    const finish = (then: () => void) => {
      clearInterval(timer)
      attempts.abort()
      then()
    }
    const attempt = async () => {
      const response = await fetch(url, { signal: attempts.signal })
      await response.arrayBuffer()
      if (response.status === 200) finish(resolve)
    }
    const timer = setInterval(() => {
      const end = process.ended()
      if (end !== undefined || performance.now() > limit) {
        const state = end ?? "still running"
        finish(() => reject(new Error(`${url} did not answer 200 (${state}):\n${process.logTail()}`)))
      } else {
        // Refused until the server listens.
        attempt().catch(() => {})
      }
    }, everyMillis)
  })

/** Resident memory of a process in megabytes (2^20 bytes). */
export const rssMb = (pid: number): number => {
  if (process.platform === "linux") {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]
    return Number(kilobytes) / 1024
  }
  return Number(spawnSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" }).stdout.trim()) / 1024
}

/** Processor time that a process has used, in seconds; `undefined` where the system does not tell. */
export const cpuSeconds = (pid: number): number | undefined => {
  if (process.platform !== "linux") return undefined
  // proc_pid_stat(5): utime and stime are fields 14 and 15, in clock ticks of 1/100 s; the name before may hold spaces.
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return (Number(fields[11]) + Number(fields[12])) / 100
}
