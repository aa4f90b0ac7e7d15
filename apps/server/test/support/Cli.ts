/**
 * The command line as people run it: in a process of its own, with the environment that a test gives it.
 */
import { Effect } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import * as Fs from "node:fs/promises"
import * as Os from "node:os"
import * as Path from "node:path"

/** The command line. */
export const main = Path.resolve(import.meta.dirname, "../../src/main.ts")

export type Environment = Readonly<Record<string, string>>

/** How a command ended and what it said. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A command that runs. */
export interface Running {
  readonly pid: number | undefined
  readonly kill: (signal: NodeJS.Signals) => void
  readonly ended: Promise<Ended>
  /** Resolves with the match as soon as standard output has it; rejects when the command ends before. */
  readonly says: (pattern: RegExp) => Promise<RegExpExecArray>
}

/** A temporary directory that goes with the scope. */
export const temporaryDirectory = Effect.acquireRelease(
  Effect.promise(() => Fs.mkdtemp(Path.join(Os.tmpdir(), "belfry-cli-"))),
  (directory) => Effect.promise(() => Fs.rm(directory, { recursive: true, force: true })),
)

/** Starts a command in an empty directory; what still runs when the scope closes is killed. */
export const start = (parameters: ReadonlyArray<string>, environment: Environment = {}) =>
  Effect.flatMap(temporaryDirectory, (directory) =>
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() =>
          spawn(process.execPath, [main, ...parameters], {
            cwd: directory,
            env: { PATH: process.env["PATH"], BELFRY_PORT: "0", ...environment },
            stdio: ["ignore", "pipe", "pipe"],
          }),
        ),
        (child) =>
          Effect.promise(async () => {
            if (child.exitCode !== null || child.signalCode !== null) return
            const ended = new Promise((resolve) => child.once("exit", resolve))
            child.kill("SIGKILL")
            await ended
          }),
      ),
      watch,
    ),
  )

/** Runs a command to its end. */
export const run = (parameters: ReadonlyArray<string>, environment?: Environment) =>
  Effect.scoped(Effect.flatMap(start(parameters, environment), ({ ended }) => Effect.promise(() => ended)))

/** Starts the server and waits until it says where it listens. */
export const serve = (environment: Environment) =>
  Effect.gen(function* () {
    const server = yield* start(["serve"], environment)
    const [, port] = yield* Effect.promise(() => server.says(/listens on 127\.0\.0\.1:(\d+)/))
    return { ...server, port: Number(port) }
  })

// internal

const watch = (child: ChildProcess): Running => {
  let stdout = ""
  let stderr = ""
  const waiting = new Set<() => void>()
  child.stdout?.on("data", (text: Buffer) => {
    stdout += text.toString()
    for (const look of waiting) look()
  })
  child.stderr?.on("data", (text: Buffer) => (stderr += text.toString()))
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject)
    child.once("close", (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
  return {
    pid: child.pid,
    kill: (signal) => child.kill(signal),
    ended,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(stdout)
          if (match === null) return
          waiting.delete(look)
          resolve(match)
        }
        waiting.add(look)
        look()
        ended.then(
          ({ code }) => reject(new Error(`The command ended with ${code}:\n${stdout}\n${stderr}`)),
          (cause: unknown) => reject(cause),
        )
      }),
  }
}
