/**
 * A Redis server of one's own, where the machine has the program.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync } from "node:fs"
import * as Path from "node:path"
import * as FreePort from "./FreePort.ts"

/**
 * The path of `redis-server`, or nothing where there is none.
 *
 * @category constants
 * @since 0.1.0
 */
export const program: string | undefined = [
  ...(process.env["PATH"] ?? "").split(Path.delimiter),
  "/usr/bin",
  "/usr/local/bin",
  "/opt/homebrew/bin",
]
  .map((directory) => Path.join(directory, "redis-server"))
  .find((file) => existsSync(file))

/**
 * A server that runs. `stop` kills it, `start` has it back on the same port, empty.
 *
 * @category models
 * @since 0.1.0
 */
export interface RedisServer {
  readonly url: string
  readonly start: Effect.Effect<void>
  readonly stop: Effect.Effect<void>
}

/**
 * Starts a server on a free port, without persistence; it stops with the scope.
 *
 * @category constructors
 * @since 0.1.0
 */
export const acquire = (file: string) =>
  Effect.acquireRelease(
    Effect.gen(function* () {
      const port = yield* Effect.promise(FreePort.find)
      let running: ChildProcess | undefined
      const start = Effect.promise(async () => {
        const child = spawn(file, ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"], {
          stdio: ["ignore", "pipe", "inherit"],
        })
        running = child
        await new Promise<void>((resolve, reject) => {
          child.once("error", reject)
          child.once("exit", (code) => reject(new Error(`redis-server ended with ${code}`)))
          child.stdout.on("data", (text: Buffer) => {
            if (text.includes("Ready to accept connections")) resolve()
          })
        })
      })
      const stop = Effect.promise(async () => {
        const child = running
        running = undefined
        if (child === undefined || child.exitCode !== null) return
        const ended = new Promise((resolve) => child.once("exit", resolve))
        child.kill("SIGKILL")
        await ended
      })
      yield* start
      return { url: `redis://127.0.0.1:${port}`, start, stop } satisfies RedisServer
    }),
    ({ stop }) => stop,
  )
